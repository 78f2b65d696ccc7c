"""What the notebooks build, kept so that later notebooks and scripts can import it."""
