"""The recipe of notebook 06: how the series trains a network well, fast and repeatably."""

import dataclasses
import zlib
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras.layers import BatchNormalization

from resnets.callbacks import Checkpoint, Curves, Progress, StopAtTarget
from resnets.graph import FusedAdam, build_once, kept_for_model, open_batch, settings_of
from resnets_utils import DataError


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What decides a training beside the network, the data and the seed.

    The defaults were chosen on folds of SIGNS's training images (notebook 06).

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images in a batch.
        peak_learning_rate: The highest learning rate.
        warm_up: Epochs in which the learning rate rises to it, half of the training at most.
        cosine: Whether it then falls to 0 on a cosine. If not, it is at its peak from the start.
        label_smoothing: Share of each label's 1 that is spread over all classes.
        rotation: Largest rotation, as a share of a full circle, to either side.
        translation: Largest translation, as a share of the image's side, in each direction.
        zoom: Largest change of size, as a share.
        brightness: Largest change of every pixel, on the scale from 0 to 1.
        contrast: Largest change of the distance from the image's mean colour, as a share.
        horizontal_flip: Whether half of the images are mirrored, left and right changing places.
            A sign may mean something else in a mirror, a flower does not.
        weight_decay: Share of each kernel that a step takes away, times the learning rate
            (Loshchilov and Hutter 2017, arXiv:1711.05101).
    """

    epochs: int = 24
    batch_size: int = 32
    peak_learning_rate: float = 0.002
    warm_up: float = 1
    cosine: bool = True
    label_smoothing: float = 0.1
    rotation: float = 0.06
    translation: float = 0.08
    zoom: float = 0.12
    brightness: float = 0.15
    contrast: float = 0.2
    horizontal_flip: bool = False
    weight_decay: float = 0

    def __post_init__(self):
        """Refuse what can't be followed."""
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError(
                f"Recipe: {self.epochs} epochs in batches of {self.batch_size}; give 1 or more."
            )
        if self.peak_learning_rate <= 0 or self.warm_up < 0 or not 0 <= self.label_smoothing < 1:
            raise ValueError(
                f"Recipe: peak_learning_rate {self.peak_learning_rate}, warm_up {self.warm_up}, "
                f"label_smoothing {self.label_smoothing}; give a peak_learning_rate above 0, a "
                "warm_up of 0 or more, a label_smoothing from 0 to below 1."
            )
        if self.weight_decay < 0:
            raise ValueError(f"Recipe: weight_decay {self.weight_decay}; give 0 or more.")


# --- batches --------------------------------------------------------------------------------------


def augment(images: tf.Tensor, seed: tf.Tensor, recipe: Recipe) -> tf.Tensor:
    """Rotate, translate, zoom, flip, lighten and fade each image by its own random amounts.

    Args:
        images: float32 (batch, height, width, channels) in [0, 1].
        seed: Two integers; equal seeds give equal changes.
        recipe: Says how far each change goes.

    Returns:
        Tensor of the same shape, in [0, 1]. What moved in from outside repeats the edge.
    """
    batch, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    amounts = tf.random.stateless_uniform((6, batch), seed, -1, 1)
    rotation, zoom, right, down, light, contrast = tf.unstack(amounts)

    # One matrix for all moves: where in the old image each pixel of the new one looks.
    angle, scale = 2 * np.pi * recipe.rotation * rotation, 1 + recipe.zoom * zoom
    cos, sin = scale * tf.cos(angle), scale * tf.sin(angle)
    x, y = (width - 1) / 2, (height - 1) / 2  # the middle stays where it is, then moves
    across = _flips(seed, batch) if recipe.horizontal_flip else 1.0  # -1: from right to left
    x_by_x, y_by_x = cos * across, sin * across
    from_x = x - x_by_x * x + sin * y + recipe.translation * right * width
    from_y = y - y_by_x * x - cos * y + recipe.translation * down * height
    none = tf.zeros_like(cos)
    moves = tf.stack([x_by_x, -sin, from_x, y_by_x, cos, from_y, none, none], axis=1)
    images = keras.ops.image.affine_transform(images, moves, fill_mode="nearest")

    light, contrast = (v[:, None, None, None] for v in (light, contrast))
    mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
    images = mean + (images - mean) * (1 + recipe.contrast * contrast) + recipe.brightness * light
    return tf.clip_by_value(images, 0, 1)


def _flips(seed: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
    """Return -1 or 1 for each image; of a seed of its own, so the other amounts stay theirs."""
    chance = tf.random.stateless_uniform((batch,), tf.random.fold_in(seed, 0))
    return tf.where(chance < 0.5, -1.0, 1.0)


def make_batches(
    images: np.ndarray,
    labels: np.ndarray,
    recipe: Recipe,
    seed: int = 0,
    first_epoch: int = 0,
) -> tf.data.Dataset:
    """Return the batches of a whole training, epoch after epoch.

    Order and changes of an epoch follow from seed and epoch alone, so that a training that was
    interrupted goes on as if nothing had happened.

    Args:
        images: uint8, or float32 in [0, 1], (m, height, width, channels).
        labels: One-hot float32 (m, classes), or whole numbers (m,); they come as they are.
        recipe: Batch size, number of epochs, augmentation.
        seed: 0 or more.
        first_epoch: Where to begin; 0 is the first.

    Returns:
        A data set of (images, labels): ceil(m / batch_size) batches per epoch.
    """
    m = len(images)

    def order(epoch):
        of_epoch = tf.random.fold_in((seed, 0), epoch)
        indices = tf.random.experimental.stateless_shuffle(tf.range(m), of_epoch)
        batches = tf.data.Dataset.from_tensor_slices(indices).batch(recipe.batch_size).enumerate()
        return batches.map(lambda k, indices: (tf.random.fold_in(of_epoch, k + 1), indices))

    read, kept_labels = make_reader(images), tf.constant(labels)

    def load(of_batch, indices):
        return augment(read(indices), of_batch, recipe), tf.gather(kept_labels, indices)

    epochs = tf.data.Dataset.range(first_epoch, recipe.epochs)
    return epochs.flat_map(order).map(load, num_parallel_calls=2).prefetch(2)


def make_reader(images: np.ndarray) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a function from indices (k,) to those images, float32 (k, height, width, channels).

    An array is kept as one tensor; what is no array (`photos.Pictures`) is asked batch by
    batch, so memory does not grow with it.
    """
    if isinstance(images, np.ndarray):
        kept = tf.constant(images)
        return lambda indices: tf.image.convert_image_dtype(tf.gather(kept, indices), tf.float32)

    def read(indices):
        found = tf.numpy_function(images.__getitem__, [indices], images.dtype)
        found = tf.ensure_shape(found, (None, *images.shape[1:]))
        return tf.image.convert_image_dtype(found, tf.float32)

    return read


def in_order(images: np.ndarray, labels: np.ndarray, batch_size: int = 32) -> tf.data.Dataset:
    """Return the batches (images, labels) of one pass, in order and unchanged, to measure on."""
    read, kept_labels = make_reader(images), tf.constant(labels)
    indices = tf.data.Dataset.range(len(images)).batch(batch_size)
    return indices.map(lambda p: (read(p), tf.gather(kept_labels, p))).prefetch(2)


def one_hot(batches: tf.data.Dataset, classes: int) -> tf.data.Dataset:
    """Return batches (images, labels) with whole numbers one-hot, float32 (batch, classes).

    A batch at a time: of 100,000 labels of 101 classes, the table alone is 40 MB.
    """
    if batches.element_spec[1].shape.rank != 1:
        return batches
    return batches.map(lambda images, labels: (images, tf.one_hot(labels, classes)))


# --- schedule -------------------------------------------------------------------------------------


def make_schedule(
    peak_learning_rate: float, steps: int, warm_up: int
) -> keras.optimizers.schedules.CosineDecay:
    """Return a learning rate that rises in `warm_up` steps, then falls to 0 on a cosine.

    Args:
        peak_learning_rate: The highest learning rate.
        steps: Steps of the whole training.
        warm_up: How many of them rise.
    """
    return keras.optimizers.schedules.CosineDecay(
        peak_learning_rate / 100,
        steps - warm_up,
        warmup_target=peak_learning_rate,
        warmup_steps=warm_up,
    )


# --- precision ------------------------------------------------------------------------------------


def choose_precision(flags: str | None = None) -> str:
    """Return "bfloat16" where the processor multiplies such numbers itself, else "float32".

    Where it does not, bfloat16 is imitated, and slower than float32.

    Args:
        flags: The processor's features, as Linux lists them; by default this processor's.
            Other systems don't list them, so the answer there is "float32".
    """
    if flags is None:
        listed = Path("/proc/cpuinfo")
        flags = listed.read_text(encoding="utf-8") if listed.exists() else ""
    return "bfloat16" if {"avx512_bf16", "amx_bf16"} & set(flags.split()) else "float32"


def set_precision(precision: str) -> None:
    """Let TensorFlow's graphs multiply in this precision from now on.

    With bfloat16, oneDNN multiplies numbers rounded to it and adds up in float32; TensorFlow also
    keeps what passes between such products in bfloat16. Weights and optimiser stay float32.

    Args:
        precision: "float32" or "bfloat16".
    """
    if precision not in ("float32", "bfloat16"):
        raise ValueError(f'precision is {precision!r}; give "float32" or "bfloat16".')
    tf.config.optimizer.set_experimental_options(
        {"auto_mixed_precision_onednn_bfloat16": precision == "bfloat16"}
    )


# --- training -------------------------------------------------------------------------------------

MEASURED = 2000  # images at most that measure BatchNormalization's averages


def train(
    model: keras.Model,
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    recipe: Recipe = Recipe(),
    seed: int = 0,
    precision: str | None = None,
    checkpoint: str | Path | None = None,
    target: float | None = None,
    keep_checkpoint: bool = False,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
) -> dict[str, list[float]]:
    """Train a classifier by a recipe; the model changes in place.

    The first weights are the model's own: call `keras.utils.set_random_seed` before building it,
    and they repeat. At the end BatchNormalization's averages are measured, on at most 2,000 images
    that `seed` picks.

    Args:
        model: Takes float images in [0, 1], returns probabilities.
        training: Images, uint8 or float32 in [0, 1], (m, height, width, channels), an array or
            `photos.Pictures`, and their labels, one-hot (m, classes) or whole numbers (m,).
        validation: The like; measured after each epoch, nothing is learned from it.
        recipe: What to do.
        seed: Decides the order of the images and their changes, epoch by epoch.
        precision: "float32", "bfloat16", or None for what `choose_precision` says.
        checkpoint: A file to keep the state in after each epoch, *.weights.h5. Where it exists
            the training goes on from it; at the end it is deleted.
        target: Stop when the validation accuracy reaches it, 0 to 1.
        keep_checkpoint: Leave the file for the caller to delete, once the model is saved.
        callbacks: Run beside the progress line and the curves.

    Returns:
        loss, accuracy, and with validation val_loss, val_accuracy: a value per epoch.

    Raises:
        DataError: Images and labels don't fit each other or the model; the checkpoint is of
            another training.
        ValueError: A target without validation; an unknown precision.
    """
    for images, labels in (training, validation or training):
        _check_fit(model, images, labels)
    if target is not None and validation is None:
        raise ValueError("train: a target needs validation images to be measured on.")

    classes = model.output_shape[-1]
    steps = -(-len(training[0]) // recipe.batch_size)
    rate = recipe.peak_learning_rate
    if recipe.cosine:
        warm_up = min(recipe.warm_up, recipe.epochs / 2)
        rate = make_schedule(
            recipe.peak_learning_rate, recipe.epochs * steps, round(warm_up * steps)
        )
    precision = precision or choose_precision()
    new_graphs = _compile(
        model,
        FusedAdam(rate, weight_decay=recipe.weight_decay or None, name="adam"),
        keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
    )
    settings = {
        **dataclasses.asdict(recipe),
        "seed": int(seed),
        "precision": precision,
        "number of parameters": model.count_params(),
        "checksum of the training images": checksum(training[0]),
        "checksum of their labels": zlib.crc32(np.ascontiguousarray(training[1])),
        "validation": validation is not None,
    }
    keeper = Checkpoint(checkpoint, settings) if checkpoint else None
    done = keeper.resume(model) if keeper else 0
    history = {name: list(values) for name, values in keeper.history.items()} if keeper else {}

    print(f"{recipe.epochs} epochs of {steps} steps in {precision}", end="")
    print(f", going on after {done} of them" if done else "")
    watchers = [Progress(new_graphs), Curves(history, model.name), *callbacks]
    watchers += [StopAtTarget(target)] if target is not None else []
    watchers += [keeper] if keeper else []
    set_precision(precision)
    try:
        new = model.fit(
            one_hot(make_batches(*training, recipe, seed, done), classes),
            validation_data=validation and one_hot(in_order(*validation), classes),
            initial_epoch=done,
            epochs=recipe.epochs,
            steps_per_epoch=steps,
            shuffle=False,  # the batches are shuffled already
            verbose=0,
            callbacks=watchers,
        )
    finally:
        set_precision("float32")
    # They may come by class; and one pass over very many would take minutes.
    mixed = np.random.default_rng(seed).permutation(len(training[0]))[:MEASURED]
    recalibrate_batchnorm(model, training[0][mixed], recipe.batch_size)
    if keeper and not keep_checkpoint:
        keeper.path.unlink(missing_ok=True)
    for name, values in new.history.items():
        history.setdefault(name, []).extend(values)
    return history


def _compile(model: keras.Model, optimizer: FusedAdam, loss: keras.losses.Loss) -> bool:
    """Compile a model, or begin anew with the graphs of a training before it that was alike.

    Returns:
        Whether its graphs are still to be built.
    """
    before, settings = getattr(model, "optimizer", None), settings_of(model)
    if (
        isinstance(before, FusedAdam)
        and before.get_config() == optimizer.get_config()
        and model.loss.get_config() == loss.get_config()
        and getattr(before, "built_for", "") == settings
    ):
        before.restart()
        return False
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    build_once(model)
    optimizer.built_for = settings
    return True


def checksum(images: np.ndarray) -> int:
    """Return a number that changes when an image does."""
    if isinstance(images, np.ndarray):
        return zlib.crc32(np.ascontiguousarray(images))
    return images.checksum


def as_floats(images: np.ndarray) -> np.ndarray:
    """Return images as float32 in [0, 1]; uint8 is divided by 255, floats stay."""
    return images.astype("float32") / 255 if images.dtype == np.uint8 else images


def _check_fit(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> None:
    """Say in one sentence what would otherwise fail deep inside TensorFlow."""
    if images.dtype not in (np.uint8, np.float32) or images.ndim != 4:
        raise DataError(
            f"train: found images of {images.dtype}, shape {images.shape}; expected uint8, or "
            "float32 in [0, 1], of shape (m, height, width, channels)."
        )
    classes = model.output_shape[-1]
    numbers = labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer)
    if len(images) == 0 or labels.shape != ((len(images),) if numbers else (len(images), classes)):
        raise DataError(
            f"train: found {len(images)} images and labels of shape {labels.shape}; expected one "
            f"row of {classes} values, as the model's classes, or one whole number for each image. "
            "One-hot encode the labels, or build the model with another number of classes."
        )
    if numbers and not (labels.min() >= 0 and labels.max() < classes):
        raise DataError(
            f"train: found labels from {labels.min()} to {labels.max()}; expected 0 to "
            f"{classes - 1}. Number the classes from 0, or build the model with more of them."
        )
    if images.dtype == np.float32 and not (images.min() >= 0 and images.max() <= 1):
        raise DataError(
            f"train: found float images from {images.min():g} to {images.max():g}; expected 0 to "
            "1. Divide by 255, or give the uint8 images as they are."
        )
    if images.shape[1:] != model.input_shape[1:]:
        raise DataError(
            f"train: found images of shape {images.shape[1:]}; the model takes "
            f"{model.input_shape[1:]}. Resize them, or build the model for their shape."
        )


def recalibrate_batchnorm(model: keras.Model, images: np.ndarray, batch_size: int = 96) -> None:
    """Replace BatchNormalization's moving averages by those of the weights as they are now.

    This is PreciseBN (Wu and Johnson 2021, arXiv:2105.07576, section 3).
    The moving averages of a training also hold batches that older weights saw. Here every batch
    counts alike: with momentum k / (k + 1) at batch k, a moving average is a plain mean.

    Args:
        model: Its BatchNormalization layers change in place.
        images: uint8, or float32 in [0, 1], (m, height, width, channels): the training images,
            classes mixed.
        batch_size: Images in a batch.
    """
    measure = _measuring(model, model.outputs[0])
    for k, start in enumerate(range(0, len(images), batch_size)):
        batch = as_floats(images[start : start + batch_size])
        measure(tf.constant(batch), tf.constant(k / (k + 1), tf.float32))


@kept_for_model
def _measuring(model: keras.Model, output: keras.KerasTensor) -> Callable:
    """Return the graph that updates the moving averages by a batch of images, with a momentum."""
    probe = keras.Model(model.inputs[0], output)
    norms = [layer for layer in probe.layers if isinstance(layer, BatchNormalization)]
    momenta = [norm.momentum for norm in norms]

    def step(images: tf.Tensor, momentum: tf.Tensor) -> None:
        for norm in norms:
            norm.momentum = momentum
        probe(images, training=True)

    try:
        share = tf.TensorSpec([], tf.float32)
        return tf.function(step, autograph=False).get_concrete_function(open_batch(model), share)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
