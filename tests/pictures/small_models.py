"""What the tests of this folder share: a network that learns colours in seconds."""

import json

import pytest

from resnets_utils import quiet_tensorflow

with quiet_tensorflow():
    import keras

from resnets import training

COLOURS = {"blue": (30, 40, 200), "red": (200, 40, 30), "white": (240, 240, 240)}


def tiny(classes=3, side=16):
    """Return a network that learns colours in seconds."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((side, side, 3))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3, strides=2)(inputs))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x))
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x), name="tiny")


def strict(text):
    """Return what JSON says, and fail on NaN, which is none."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


QUICK = training.Recipe(batch_size=8, peak_learning_rate=0.02, rotation=0, translation=0, zoom=0)
