"""What a network computes on the way: first kernels, maps of its layers, features of images."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from resnets.graph import compute
from resnets.inspection.confusions import MOST_NUMBERED
from resnets.inspection.models import check_images, check_model, flat_layers, name_of, output_of
from resnets_utils import CLASSES, HEAT, DataError, quiet_tensorflow

with quiet_tensorflow():
    import keras

MARKS = "osv^DP*X"  # where there are more classes than colours


def first_kernels(model: keras.Model) -> np.ndarray:
    """Return the windows of a model's first convolution (filters, height, width, channels).

    Raises:
        DataError: The model has no convolution.
    """
    check_model(model)
    for layer in flat_layers(model):
        if isinstance(layer, keras.layers.Conv2D):
            return np.moveaxis(np.asarray(layer.kernel), 3, 0)
    raise DataError(f"{name_of(model)}: found no Conv2D layer; expected one or more.")


def as_pictures(kernels: np.ndarray) -> np.ndarray:
    """Return kernels as pictures: 0 becomes a middle grey, each one's largest weight 0 or 1.

    Args:
        kernels: (filters, height, width, channels).

    Returns:
        (filters, height, width, 3) in 0 to 1: in colour for 3 channels, else their mean in grey.
    """
    if kernels.shape[3] != 3:
        kernels = np.repeat(kernels.mean(axis=3, keepdims=True), 3, axis=3)
    largest = np.abs(kernels).max(axis=(1, 2, 3), keepdims=True)
    return 0.5 + 0.5 * kernels / np.maximum(largest, 1e-12)


def spatial_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers that return maps: (batch, height, width, channels), sides over 1 pixel."""
    check_model(model)

    def spatial(layer: keras.layers.Layer) -> bool:
        shape = getattr(layer.output, "shape", ())
        return len(shape) == 4 and all(side is None or side > 1 for side in shape[1:3])

    inputs = keras.layers.InputLayer
    return [layer for layer in model.layers if not isinstance(layer, inputs) and spatial(layer)]


def last_spatial_layer(model: keras.Model) -> keras.layers.Layer:
    """Return the last layer that still knows where: found by its output's shape, not by its name.

    Raises:
        DataError: No layer returns maps.
    """
    layers = spatial_layers(model)
    if not layers:
        raise DataError(
            f"{name_of(model)}: found no layer that returns maps (batch, height, width, channels) "
            "of more than one pixel; expected one, as convolutional networks have. Larger images "
            "may help."
        )
    return layers[-1]


def last_of_each_size(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the last layer of each height of the maps, from large ones to small ones.

    What comes before the first weights, and layers that only pad, compute nothing of their own.
    """
    layers = spatial_layers(model)
    while layers and not layers[0].weights:
        layers = layers[1:]
    padding = keras.layers.ZeroPadding2D
    by_height = {one.output.shape[1]: one for one in layers if not isinstance(one, padding)}
    return [by_height[height] for height in sorted(by_height, key=lambda h: -(h or 0))]


def layer_output(
    model: keras.Model, images: np.ndarray, layer: keras.layers.Layer | str
) -> np.ndarray:
    """Return what a layer computes for images.

    Args:
        model: An image classifier.
        images: (m, height, width, channels), as the model takes them.
        layer: One of its layers, or its name.

    Returns:
        (m, ...): for a convolution maps (m, height, width, filters).

    Raises:
        DataError: The images don't fit the model, or it has no such layer.
    """
    images = check_images(model, images)
    return compute(model, images, output_of(model, layer))


def most_variable_channels(maps: np.ndarray, count: int) -> np.ndarray:
    """Return the channels that differ most from picture to picture, the first the most.

    What a channel answers at the picture's edge, whatever the picture, does not count.

    Args:
        maps: (m, height, width, channels), of several images.
        count: How many.
    """
    spread = maps.std(axis=0).mean(axis=(0, 1))
    return np.argsort(-spread, kind="stable")[:count]


def features(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return what a model's last Dense layer reads; without one, the means of the last maps.

    Args:
        model: An image classifier.
        images: (m, height, width, channels), as the model takes them.

    Returns:
        (m, features).
    """
    images = check_images(model, images)
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    if dense:
        return compute(model, images, dense[-1].input).reshape(len(images), -1)
    return layer_output(model, images, last_spatial_layer(model)).mean(axis=(1, 2))


def embed(
    features: np.ndarray, dimensions: int = 2, like: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """Lay features into a plane, or any few dimensions: principal component analysis.

    Args:
        features: (m, features).
        dimensions: How many numbers are left of each.
        like: (n, features), whose principal axes are taken; the features themselves if None.

    Returns:
        Coordinates (m, dimensions), and the share of the variance of `like` that they keep.

    Raises:
        DataError: There are fewer features, or images less one, than dimensions.
    """
    like = features if like is None else like
    most = min(len(like) - 1, like.shape[1])
    if not 1 <= dimensions <= most or features.shape[1] != like.shape[1]:
        raise DataError(
            f"embed: found {dimensions} dimensions of features {features.shape} along those of "
            f"{like.shape}; expected 1 to {most}, and as many features in both."
        )
    centre = like.mean(axis=0)
    _, lengths, axes = np.linalg.svd(like - centre, full_matrices=False)
    # An axis has no sign of its own: let its largest number be positive, on any machine.
    axes = axes * np.sign(np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1))
    share = np.sum(lengths[:dimensions] ** 2) / max(np.sum(lengths**2), 1e-12)
    return (features - centre) @ axes[:dimensions].T, float(share)


def plot_maps(maps: np.ndarray, axes: Sequence[Axes]) -> None:
    """Draw single maps (m, height, width), all on one scale from their least to their greatest."""
    for axis, one in zip(np.ravel(axes), maps, strict=True):
        axis.imshow(one, cmap=HEAT, vmin=maps.min(), vmax=maps.max())
        axis.set_axis_off()


def plot_embedding(
    coordinates: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    axis: Axes,
    wrong: np.ndarray | None = None,
) -> Axes:
    """Draw points of a plane in the colours of their classes.

    Args:
        coordinates: (m, 2), as `embed` returns them.
        labels: Integers (m,).
        classes: Their names.
        axis: Where to.
        wrong: Booleans (m,): these points get a ring.
    """
    for label, name in enumerate(classes):
        chosen = labels == label
        axis.scatter(
            *coordinates[chosen].T,
            s=14,
            color=CLASSES[label % len(CLASSES)],
            marker=MARKS[label // len(CLASSES) % len(MARKS)],
            label=name,
        )
    if wrong is not None:
        axis.scatter(
            *coordinates[wrong].T, s=70, facecolors="none", edgecolors="black", label="wrong"
        )
    axis.set(xlabel="first principal component", ylabel="second principal component")
    if len(classes) <= MOST_NUMBERED:
        axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return axis
