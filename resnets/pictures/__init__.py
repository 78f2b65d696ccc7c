"""Your own pictures: photographs and labelled folders in, models that know their classes."""
