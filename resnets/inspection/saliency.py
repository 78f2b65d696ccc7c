"""Where a network looks: Grad-CAM, and what happens when a square of the image is covered.

heat = grad_cam(model, as_floats(images), labels)
"""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from resnets.graph import BATCH, compute, kept_for_model, open_batch
from resnets.inspection.feature_maps import last_spatial_layer
from resnets.inspection.models import check_classes, check_images, name_of, output_of
from resnets_utils import HEAT, DataError, quiet_tensorflow

with quiet_tensorflow():
    import keras
    import tensorflow as tf


def maps_and_gradients(
    model: keras.Model,
    images: np.ndarray,
    classes: np.ndarray | int,
    layer: keras.layers.Layer | str | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return a layer's maps, and how the logit of a class changes with each of their values.

    The logit, not the probability: softmax makes a probability of 1 flat, so that its gradient
    vanishes where the network is surest, and mixes in what speaks against the other classes. Of a
    last Dense layer the logit is computed from its input and weights, of a last Activation or
    Softmax layer it is the input. Of any other end, the logarithm of the probability is taken: its
    gradient is the logit's less the mean of all logits', weighed by probability.

    Args:
        model: An image classifier.
        images: (m, height, width, channels), as the model takes them.
        classes: Integers (m,), or one for all.
        layer: A layer that returns maps, or its name; the last one if None.

    Returns:
        Maps and gradients, each (m, map height, map width, channels).

    Raises:
        DataError: Images or classes don't fit the model; the layer returns no maps, or nothing
            after it reads them.
    """
    images = check_images(model, images)
    classes = check_classes(model, classes, len(images))
    maps_of = output_of(model, last_spatial_layer(model) if layer is None else layer)
    if len(maps_of.shape) != 4:
        raise DataError(
            f"{name_of(model)}: found a layer that returns {tuple(maps_of.shape)}; expected maps "
            "(batch, height, width, channels)."
        )
    graph, found = _differentiating(model, maps_of), []
    for first in range(0, len(images), BATCH):
        part = slice(first, first + BATCH)
        maps, gradients = graph(tf.constant(images[part]), tf.constant(classes[part], tf.int32))
        if gradients is None:
            raise DataError(
                f"{name_of(model)}: found maps that its answer doesn't depend on; expected a layer "
                "between input and answer."
            )
        found.append((maps.numpy(), gradients.numpy()))
    maps, gradients = zip(*found, strict=True)
    return np.concatenate(maps), np.concatenate(gradients)


@kept_for_model
def _differentiating(model: keras.Model, maps_of: keras.KerasTensor) -> Callable:
    """Return the graph from images and classes to maps, and to the gradients of the logits."""
    before, logits_of = _end(model)
    probe = keras.Model(model.inputs[0], [maps_of, before])

    def step(images: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        with tf.GradientTape() as tape:
            tape.watch(images)  # also where all weights are frozen
            maps, end = probe(images, training=False)
            chosen = tf.gather(logits_of(end), classes, batch_dims=1)
        return maps, tape.gradient(chosen, maps)  # no image changes another one's logit

    numbers = tf.TensorSpec([None], tf.int32)
    return tf.function(step, autograph=False).get_concrete_function(open_batch(model), numbers)


def _end(model: keras.Model) -> tuple[keras.KerasTensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Return a tensor near a model's end, and the function that makes logits of its value."""
    output = model.outputs[0]
    last = output._keras_history.operation
    if isinstance(last, keras.layers.Dense):
        bias = last.bias if last.use_bias else 0.0
        return last.input, lambda value: tf.matmul(value, last.kernel) + bias
    if isinstance(last, keras.layers.Softmax) or (
        isinstance(last, keras.layers.Activation) and last.activation is keras.activations.softmax
    ):
        return last.input, lambda value: value
    return output, _log_of_probabilities


def _log_of_probabilities(values: tf.Tensor) -> tf.Tensor:
    """Return the logarithm of values that are probabilities, others as they are: logits."""
    sums = tf.reduce_sum(values, axis=1)
    are = (tf.reduce_min(values) >= 0) & (tf.reduce_max(tf.abs(sums - 1)) < 0.01)
    return tf.where(are, tf.math.log(tf.maximum(values, 1e-12)), values)


def weigh_maps(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Combine the maps of one image: Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391, eq. 1, 2).

    Args:
        maps: (height, width, channels).
        gradients: The like: how the logit changes with each value.

    Returns:
        (height, width) in 0 to 1: what speaks for the class; zeros if nothing does.
    """
    weights = gradients.mean(axis=(0, 1))
    heat = np.maximum(maps @ weights, 0)
    return heat / heat.max() if heat.max() > 0 else heat


def resized(heat: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return maps (m, h, w) at another size (m, height, width), straight lines between cells.

    Each cell is drawn about the middle of its tile of the image, as is usual. In a network of
    strided 1x1 convolutions it is centred up to half a tile nearer the upper left; drawn there, the
    maps of SmallResNet lay no better on the fingers of 120 rendered hands (28 % of them, not 27).
    """
    large = keras.ops.image.resize(heat[..., np.newaxis], (height, width), interpolation="bilinear")
    return np.asarray(large)[..., 0]


def grad_cam(
    model: keras.Model,
    images: np.ndarray,
    classes: np.ndarray | int,
    layer: keras.layers.Layer | str | None = None,
) -> np.ndarray:
    """Return where in each image something spoke for a class.

    Args:
        model, images, classes, layer: As for `maps_and_gradients`.

    Returns:
        (m, height, width) of the images, 0 to 1; each map's maximum is about 1, or it is zero.

    Raises:
        DataError: As `maps_and_gradients`.
    """
    maps, gradients = maps_and_gradients(model, images, classes, layer)
    heat = np.stack([weigh_maps(*pair) for pair in zip(maps, gradients, strict=True)])
    return resized(heat, *np.shape(images)[1:3])


def occlusion(
    model: keras.Model,
    images: np.ndarray,
    classes: np.ndarray | int,
    window: int = 16,
    stride: int = 8,
    fill: float | Sequence[float] | None = None,
) -> np.ndarray:
    """Return by how much a class's output drops when a square of the image is covered.

    Source: M. D. Zeiler, R. Fergus, 2013, arXiv:1311.2901, section 4.2.

    Args:
        model: An image classifier; of probabilities, the drops are -1 to 1.
        images: (m, height, width, channels), as the model takes them.
        classes: Integers (m,), or one for all.
        window: Side of the square, pixels.
        stride: From one position to the next, pixels; up to `window`.
        fill: The square's colour, in the images' unit; the mean of each image if None.

    Returns:
        (m, height, width): for each pixel the mean drop of the squares that cover it.

    Raises:
        DataError: Images or classes don't fit the model, or the window not the images.
    """
    images = check_images(model, images)
    classes = check_classes(model, classes, len(images))
    sides = images.shape[1:3]
    if not 1 <= window <= min(sides) or not 1 <= stride <= window:
        raise DataError(
            f"occlusion: found a window of {window} and a stride of {stride} pixels for images of "
            f"{sides[0]} x {sides[1]}; expected 1 to {min(sides)}, and a stride up to the window, "
            "so that every pixel is covered."
        )
    places = [sorted({*range(0, side - window + 1, stride), side - window}) for side in sides]
    corners = [(row, column) for row in places[0] for column in places[1]]
    before = compute(model, images)[np.arange(len(images)), classes]
    drops = np.zeros(images.shape[:3])
    for image, label, usual, drop in zip(images, classes, before, drops, strict=True):
        colour = image.mean(axis=(0, 1)) if fill is None else np.asarray(fill, np.float32)
        covered = np.repeat(image[np.newaxis], len(corners), axis=0)
        for one, (row, column) in zip(covered, corners, strict=True):
            one[row : row + window, column : column + window] = colour
        after = compute(model, covered)[:, label]
        times = np.zeros(sides)
        for value, (row, column) in zip(after, corners, strict=True):
            square = np.s_[row : row + window, column : column + window]
            drop[square] += usual - value
            times[square] += 1
        drop /= times
    return drops


def plot_heat(image: np.ndarray, heat: np.ndarray, axis: Axes, most: float = 1.0) -> Axes:
    """Draw an image in grey under a map that is the clearer the hotter, from 0 to `most`.

    Args:
        image: (height, width, 3), uint8 or floats in 0 to 1.
        heat: (height, width); below 0 nothing is drawn.
        axis: Where to.
        most: The value of the brightest colour; the same for maps that are compared.
    """
    grey = np.asarray(image, float).mean(axis=2)
    axis.imshow(grey / 255 if np.asarray(image).dtype == np.uint8 else grey, "gray", vmin=0, vmax=1)
    share = np.clip(heat / most, 0, 1)
    axis.imshow(share, HEAT, norm=Normalize(0, 1), alpha=np.clip(1.2 * share, 0, 0.75))
    axis.set_axis_off()
    return axis
