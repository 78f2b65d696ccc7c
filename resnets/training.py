"""How notebook 04 trains ResNet50 on SIGNS: augmentation, batches, schedule, progress."""

import time

import keras
import numpy as np
import tensorflow as tf
from keras.layers import (
    BatchNormalization,
    RandomBrightness,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
)

PEAK = 0.002  # the highest learning rate
WEIGHT_DECAY = 0.05


def make_augmentation() -> keras.Sequential:
    """Return a model that turns, shifts, zooms and lightens float images in [0, 1]."""
    return keras.Sequential(
        [
            RandomRotation(0.04, fill_mode="nearest"),
            RandomTranslation(0.05, 0.05, fill_mode="nearest"),
            RandomZoom(0.08, fill_mode="nearest"),
            RandomBrightness(0.1, value_range=(0, 1)),
        ]
    )


def make_batches(
    images: np.ndarray, labels: np.ndarray, augmentation: keras.Sequential, batch_size: int = 32
) -> tf.data.Dataset:
    """Shuffle anew in every epoch, cut into batches and change each batch's images at random.

    Args:
        images: float32 (m, height, width, 3) in [0, 1].
        labels: One-hot (m, classes).
        augmentation: A model that changes images and keeps their shape.
        batch_size: Images in a batch.

    Returns:
        A data set of (images, labels) batches, ceil(m / batch_size) of them.
    """
    batches = tf.data.Dataset.from_tensor_slices((images, labels))
    batches = batches.shuffle(len(images)).batch(batch_size)
    batches = batches.map(lambda X, Y: (augmentation(X, training=True), Y))
    return batches.prefetch(2)


def make_schedule(peak: float, steps: int, warm_up: int) -> keras.optimizers.schedules.CosineDecay:
    """Return a learning rate that rises to `peak` in `warm_up` steps, then falls to 0 on a cosine.

    Args:
        peak: The highest learning rate.
        steps: Steps of the whole training.
        warm_up: How many of them rise.
    """
    return keras.optimizers.schedules.CosineDecay(
        peak / 100, steps - warm_up, warmup_target=peak, warmup_steps=warm_up
    )


class Progress(keras.callbacks.Callback):
    """Print a line per epoch: losses, accuracies, and how many minutes are left."""

    def on_train_begin(self, logs=None):
        """Start the clock."""
        self.start = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        """Open the epoch's line; the first epoch also builds the graph and takes longer."""
        self.name = f"\repoch {epoch + 1:2}/{self.params['epochs']}: "
        print(self.name + "  0%", end="", flush=True)

    def on_train_batch_end(self, batch, logs=None):
        """Say how much of the epoch is done, on the same line."""
        print(f"{self.name}{(batch + 1) / self.params['steps']:4.0%}", end="", flush=True)

    def on_epoch_end(self, epoch, logs=None):
        """Replace the line by the epoch's results."""
        left = self.params["epochs"] - epoch - 1
        seconds = round((time.monotonic() - self.start) / (epoch + 1) * left)
        results = ", ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
        print(f"{self.name}{results}, {seconds // 60}:{seconds % 60:02} left", flush=True)


def compile_and_fit(
    model: keras.Model,
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    epochs: int = 10,
    batch_size: int = 32,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
) -> keras.callbacks.History:
    """Train a classifier by notebook 04's recipe; the model changes in place.

    Args:
        model: Takes images, returns probabilities.
        training: float32 images (m, height, width, 3) in [0, 1] and one-hot labels (m, classes).
        validation: The like; measured after each epoch, nothing is learned from it.
        epochs: Passes over the training images.
        batch_size: Images in a batch.
        callbacks: Run beside the progress line.

    Returns:
        Keras's history: loss, accuracy, val_loss, val_accuracy, an entry per epoch.
    """
    batches = make_batches(*training, make_augmentation(), batch_size)
    schedule = make_schedule(PEAK, steps=epochs * len(batches), warm_up=len(batches))
    model.compile(
        optimizer=keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model.fit(
        batches,
        validation_data=validation,
        epochs=epochs,
        shuffle=False,  # the data set shuffles itself
        verbose=0,
        callbacks=[Progress(), *callbacks],
    )


def measure_averages(model: keras.Model, images: np.ndarray, batch_size: int = 96) -> None:
    """Replace BatchNormalization's moving averages by those of the weights as they are now.

    The moving averages of a training also hold batches that older weights saw. Here every batch
    counts alike: with momentum k / (k + 1) at batch k, a moving average is a plain mean.

    Args:
        model: Its BatchNormalization layers change in place.
        images: float32 (m, height, width, 3), the training images, classes mixed.
        batch_size: Images in a batch.
    """
    norms = [layer for layer in model.layers if isinstance(layer, BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    try:
        for k, start in enumerate(range(0, len(images), batch_size)):
            for norm in norms:
                norm.momentum = k / (k + 1)
            model(images[start : start + batch_size], training=True)
    finally:  # interrupted, a later training would go on with the wrong momentum
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
