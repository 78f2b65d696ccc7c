"""Trainings in plain Keras to compare the series' own recipe with, and notebook 04's."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from resnets.training import Recipe, make_schedule

NOTEBOOK_04 = Recipe(
    epochs=10,
    label_smoothing=0,
    rotation=0.04,
    translation=0.05,
    zoom=0.08,
    brightness=0.1,
    contrast=0,
)
WEIGHT_DECAY_04 = 0.05


def make_augmentation(recipe: Recipe) -> keras.Sequential:
    """Return the recipe's changes as Keras layers, for float32 images in [0, 1]."""
    changes = [
        layers.RandomRotation(recipe.rotation, fill_mode="nearest"),
        layers.RandomTranslation(recipe.translation, recipe.translation, fill_mode="nearest"),
        layers.RandomZoom(recipe.zoom, fill_mode="nearest"),
        layers.RandomBrightness(recipe.brightness, value_range=(0, 1)),
    ]
    if recipe.contrast:
        changes.append(layers.RandomContrast(recipe.contrast, value_range=(0, 1)))
    return keras.Sequential(changes)


def fit(
    model: keras.Model,
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    recipe: Recipe = NOTEBOOK_04,
    weight_decay: float = 0.0,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
) -> keras.callbacks.History:
    """Follow a recipe with Keras's own layers and optimiser, in TensorFlow's default precision.

    Args:
        model: Takes images, returns probabilities; changes in place.
        training: float32 images (m, height, width, 3) in [0, 1], one-hot labels (m, classes).
        validation: The like; measured after each epoch.
        recipe: What to do.
        weight_decay: Above 0 the optimiser is AdamW, as in notebook 04, but for biases and
            BatchNormalization's weights, which Keras's own shrinks as well.
        callbacks: Run while training.
    """
    augmentation = make_augmentation(recipe)
    batches = tf.data.Dataset.from_tensor_slices(training).shuffle(len(training[0]))
    batches = batches.batch(recipe.batch_size)
    batches = batches.map(lambda X, Y: (augmentation(X, training=True), Y)).prefetch(2)
    steps = len(batches)
    schedule = make_schedule(
        recipe.peak_learning_rate, recipe.epochs * steps, round(recipe.warm_up * steps)
    )
    adam = keras.optimizers.Adam(schedule)
    if weight_decay:
        adam = keras.optimizers.AdamW(schedule, weight_decay=weight_decay)
    model.compile(
        optimizer=adam,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
    )
    return model.fit(
        batches,
        validation_data=validation,
        epochs=recipe.epochs,
        shuffle=False,  # the data set shuffles itself
        verbose=0,
        callbacks=list(callbacks),
    )


def fit_published(
    model: keras.Model,
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    epochs: int,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
) -> keras.callbacks.History:
    """Train as the public solutions of this exercise do: Adam, batches of 32, nothing else.

    BatchNormalization gets Keras's default momentum, which those solutions leave as it is.
    """
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.99
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model.fit(
        *training,
        batch_size=32,
        validation_data=validation,
        epochs=epochs,
        verbose=0,
        callbacks=list(callbacks),
    )
