"""Hands that nobody had to pose for: bones, rendering, data sets of them. NumPy, no Keras."""
