"""A look inside a network: its gradients, what it confuses and computes, where it looks, how sure.

    heat = grad_cam(model, as_floats(images), labels)

Whatever takes a model takes any Functional or Sequential image classifier with one input, channels
last; images are given as that model takes them. Models run in inference mode, but for the
gradients of a training. Functions compute arrays; those named `plot_` draw them.
"""

import itertools
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import PercentFormatter

from resnets_utils import TRAINING, VALIDATION, DataError, quiet_tensorflow

with quiet_tensorflow():
    import keras
    import tensorflow as tf

from resnets.graph import BATCH, compute, kept_for_model, open_batch

MOST_NUMBERED = 20  # classes; with more, numbers in the squares would not be readable
CLASSES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")  # Okabe and Ito
MARKS = "osv^DP*X"  # where there are more classes than colours
HEAT = "inferno"
LINES = CLASSES[4], CLASSES[2], CLASSES[3]


# --- models ---------------------------------------------------------------------------------------


def check_model(model: keras.Model) -> None:
    """Raise a DataError unless a model is a Functional or Sequential one, from images to classes.

    Raises:
        DataError: As said.
    """
    inputs, outputs = (getattr(model, name, None) or [] for name in ("inputs", "outputs"))
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        found = f"inputs of shape {[tuple(i.shape) for i in inputs]}" if inputs else "no inputs"
        raise DataError(
            f"{_name(model)}: found {found}; expected one input of images (batch, height, width, "
            "channels). Give a Functional or a Sequential model that was built."
        )
    if len(outputs) != 1 or len(outputs[0].shape) != 2:
        raise DataError(
            f"{_name(model)}: found outputs of shape {[tuple(o.shape) for o in outputs]}; expected "
            "one of (batch, classes). Give the whole classifier, its last layer included."
        )


def check_images(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return images as float32, or raise a DataError if they don't fit the model.

    Raises:
        DataError: The model is no image classifier, or the images are of another size.
    """
    check_model(model)
    images, wanted = np.asarray(images), tuple(model.inputs[0].shape)
    fits = images.ndim == 4 and all(
        side in (None, found) for side, found in zip(wanted[1:], images.shape[1:], strict=True)
    )
    if not fits or len(images) == 0:
        raise DataError(
            f"{_name(model)}: found images of shape {images.shape}; expected {wanted}, one or "
            "more. A single image wants an axis in front: images[np.newaxis]."
        )
    return images.astype(np.float32)


def check_classes(model: keras.Model, classes: np.ndarray | int, count: int) -> np.ndarray:
    """Return a class for each of `count` images, or raise a DataError.

    Raises:
        DataError: There is another number of them, or one that the model doesn't have.
    """
    classes, outputs = np.asarray(classes), model.outputs[0].shape[-1]
    if classes.ndim > 1 or (classes.ndim == 1 and len(classes) != count):
        raise DataError(
            f"{_name(model)}: found classes of shape {classes.shape} for {count} images; expected "
            f"({count},), or one number for all."
        )
    integers = np.issubdtype(classes.dtype, np.integer)
    if not integers or classes.min() < 0 or classes.max() >= outputs:
        raise DataError(
            f"{_name(model)}: found the classes {np.unique(classes)[:10].tolist()}; expected whole "
            f"numbers from 0 to {outputs - 1}, as it has {outputs} outputs."
        )
    return np.broadcast_to(classes, (count,))


def _name(model) -> str:
    return str(getattr(model, "name", type(model).__name__))


def _output(model: keras.Model, layer: keras.layers.Layer | str) -> keras.KerasTensor:
    """Return what a layer hands on inside a model.

    A model that stands as a layer in another one knows as its `output` the one of its own first
    call; so the tensor is looked for where it arrives.
    """
    names = [one.name for one in model.layers]
    if layer not in (names if isinstance(layer, str) else model.layers):
        name = layer if isinstance(layer, str) else layer.name
        raise DataError(
            f"{_name(model)}: found no layer {name!r}; expected one of {len(names)}, the last "
            f"of which are {names[-5:]}."
        )
    if isinstance(layer, str):
        layer = model.get_layer(layer)
    if not isinstance(layer, keras.Model):
        return layer.output
    readers = [one for one in model.layers if not isinstance(one, keras.layers.InputLayer)]
    tensors = [t for one in readers for t in keras.tree.flatten(one.input)] + model.outputs
    for tensor in tensors:
        if tensor._keras_history.operation is layer:
            return tensor
    raise DataError(
        f"{_name(model)}: found no layer that reads what {layer.name} returns; expected one. Give "
        "the model in which it is used."
    )


# --- gradients ------------------------------------------------------------------------------------


def gradient_norms(
    model: keras.Model, images: np.ndarray, labels: np.ndarray, weight: str = "kernel"
) -> dict[str, float]:
    """Return how large the gradient of the loss is at each convolution's kernel, first to last.

    As a training would compute it: mean cross-entropy of the batch, BatchNormalization with the
    batch's own statistics. The model's moving averages are as before afterwards.

    Args:
        model: Returns probabilities (batch, classes).
        images: Float (batch, height, width, channels), prepared as for training.
        labels: One-hot (batch, classes).
        weight: "kernel" of the convolutions, or "gamma" of the BatchNormalization layers.

    Returns:
        The Euclidean norm by the layer's name; layers of a model inside the model count, too.

    Raises:
        DataError: The model is no image classifier, or the images don't fit it.
    """
    images, all_layers = check_images(model, images), _all_layers(model)
    norms = [layer for layer in all_layers if isinstance(layer, keras.layers.BatchNormalization)]
    convolutions = [layer for layer in all_layers if isinstance(layer, keras.layers.Conv2D)]
    layers = {"kernel": convolutions, "gamma": norms}[weight]
    weights = [getattr(layer, weight).value for layer in layers]
    averages = [v for norm in norms for v in norm.non_trainable_variables]
    before = [v.numpy() for v in averages]

    try:
        with tf.GradientTape() as tape:
            losses = keras.losses.categorical_crossentropy(labels, model(images, training=True))
            loss = tf.reduce_mean(losses)
    finally:
        for variable, value in zip(averages, before, strict=True):
            variable.assign(value)
    found = [tf.norm(gradient) for gradient in tape.gradient(loss, weights)]
    return {layer.name: float(norm) for layer, norm in zip(layers, found, strict=True)}


def stage_means(norms: dict[str, float], stages: tuple[int, int] = (2, 4)) -> tuple[float, float]:
    """Return the mean gradient norms of two stages' convolutions, the first and the last."""
    first, last = (
        float(np.mean([v for name, v in norms.items() if name.startswith(f"res{stage}")]))
        for stage in stages
    )
    return first, last


def plot_norms(found: dict[str, dict[str, dict[str, float]]], title: str = "") -> np.ndarray:
    """Draw gradient norms layer by layer: a plot for each network, on the same axes.

    Args:
        found: {plot: {line: {layer: norm}}}, norms as `gradient_norms` returns them.
        title: Above the plots.

    Returns:
        The axes.
    """
    figure, axes = plt.subplots(
        1, len(found), figsize=(9, 3.2), sharey=True, squeeze=False, layout="constrained"
    )
    figure.suptitle(title)
    for axis, (name, lines) in zip(axes[0], found.items(), strict=True):
        for (label, norms), colour in zip(lines.items(), itertools.cycle(LINES)):
            values = list(norms.values())
            axis.semilogy(np.linspace(0, 1, len(values)), values, color=colour, label=label)
        axis.set(title=name, xlabel="layer, from the first (0) to the last (1)")
        axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("gradient norm")
    axes[0, -1].legend()
    return axes[0]


# --- confusions -----------------------------------------------------------------------------------


def confusion_matrix(expected: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count what was read for what.

    Args:
        expected: Integers (m,), 0 to classes - 1: what is shown.
        predicted: Integers (m,): what was read.
        classes: Their number.

    Returns:
        Integers (classes, classes): how often row `expected` was read as the column.
    """
    counts = np.zeros((classes, classes), int)
    for row, column in zip(expected, predicted, strict=True):
        counts[row, column] += 1
    return counts


def confident_errors(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the places of the images that were read wrongly, the surest of them first.

    Args:
        probabilities: (m, classes).
        labels: Integers (m,).

    Raises:
        DataError: There are more or fewer labels than rows.
    """
    if len(probabilities) != len(labels):
        raise DataError(
            f"confident_errors: found {len(probabilities)} answers and {len(labels)} labels; "
            "expected one for each."
        )
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]


def plot_confusion(counts: np.ndarray, classes: Sequence[str], axis: Axes | None = None) -> Axes:
    """Draw a confusion matrix, each row coloured by its shares.

    Args:
        counts: Integers (classes, classes), as `confusion_matrix` returns them.
        classes: Names.
        axis: Where to; a new one if None.
    """
    axis = axis or plt.subplots(figsize=(4.5, 4.5), layout="constrained")[1]
    counts = np.asarray(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(classes) <= MOST_NUMBERED:
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axis.text(column, row, count or "", ha="center", va="center", color=colour)
        axis.set_xticks(range(len(classes)), classes)
        axis.set_yticks(range(len(classes)), classes)
    axis.set(xlabel="read as", ylabel="shown")
    return axis


# --- feature maps ---------------------------------------------------------------------------------


def first_kernels(model: keras.Model) -> np.ndarray:
    """Return the windows of a model's first convolution (filters, height, width, channels).

    Raises:
        DataError: The model has no convolution.
    """
    check_model(model)
    for layer in _all_layers(model):
        if isinstance(layer, keras.layers.Conv2D):
            return np.moveaxis(np.asarray(layer.kernel), 3, 0)
    raise DataError(f"{_name(model)}: found no Conv2D layer; expected one or more.")


def _all_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Return a model's layers in order, those of models inside it in their place."""
    layers = []
    for layer in model.layers:
        layers += _all_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return layers


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
            f"{_name(model)}: found no layer that returns maps (batch, height, width, channels) "
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


def feature_maps(
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
    return compute(model, images, _output(model, layer))


def liveliest(maps: np.ndarray, count: int) -> np.ndarray:
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
    return feature_maps(model, images, last_spatial_layer(model)).mean(axis=(1, 2))


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


# --- where it looks -------------------------------------------------------------------------------


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
    maps_of = _output(model, last_spatial_layer(model) if layer is None else layer)
    if len(maps_of.shape) != 4:
        raise DataError(
            f"{_name(model)}: found a layer that returns {tuple(maps_of.shape)}; expected maps "
            "(batch, height, width, channels)."
        )
    graph, found = _differentiating(model, maps_of), []
    for first in range(0, len(images), BATCH):
        part = slice(first, first + BATCH)
        maps, gradients = graph(tf.constant(images[part]), tf.constant(classes[part], tf.int32))
        if gradients is None:
            raise DataError(
                f"{_name(model)}: found maps that its answer doesn't depend on; expected a layer "
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


# --- calibration ----------------------------------------------------------------------------------


def _check_answers(confidence: np.ndarray, correct: np.ndarray, bins: int) -> tuple:
    """Return confidences and whether they were right as arrays, or raise a DataError."""
    confidence, correct = np.asarray(confidence, float), np.asarray(correct)
    if confidence.shape != correct.shape or confidence.ndim != 1 or len(confidence) == 0:
        raise DataError(
            f"calibration: found confidences of shape {confidence.shape} and correct of shape "
            f"{correct.shape}; expected (m,) for both, one or more."
        )
    if not (confidence.min() >= 0 and confidence.max() <= 1) or bins < 1:
        raise DataError(
            f"calibration: found confidences from {confidence.min():g} to {confidence.max():g} and "
            f"{bins} bins; expected 0 to 1, and 1 bin or more."
        )
    return confidence, correct.astype(bool)


def calibration(confidence: np.ndarray, correct: np.ndarray, bins: int = 10) -> np.ndarray:
    """Sort answers by confidence into bins of equal width, and compare with how many were right.

    Args:
        confidence: (m,), the probability of each answer given.
        correct: Booleans (m,): whether it was right.
        bins: How many; the last one holds a confidence of 1 too.

    Returns:
        A row per bin, with the fields low, high, count, confidence and accuracy: means of the
        answers in it, NaN where there is none.

    Raises:
        DataError: The two differ in length, a confidence is outside 0 to 1, or there is no bin.
    """
    confidence, correct = _check_answers(confidence, correct, bins)
    fields = ("low", "high", "count", "confidence", "accuracy")
    table = np.zeros(bins, [(field, int if field == "count" else float) for field in fields])
    edges = np.linspace(0, 1, bins + 1)
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    for k, row in enumerate(table):
        inside = number == k
        means = [np.nan, np.nan]
        if inside.any():
            means = [confidence[inside].mean(), correct[inside].mean()]
        row["low"], row["high"], row["count"] = edges[k], edges[k + 1], inside.sum()
        row["confidence"], row["accuracy"] = means
    return table


def expected_calibration_error(
    confidence: np.ndarray, correct: np.ndarray, bins: int = 10
) -> float:
    """Return how far confidence and accuracy are apart: the mean over bins, by their answers.

    Source: C. Guo et al., 2017, arXiv:1706.04599, eq. 3.

    Args:
        confidence, correct, bins: As for `calibration`.

    Returns:
        0 (as sure as right) to 1.

    Raises:
        DataError: As `calibration`.
    """
    confidence, correct = _check_answers(confidence, correct, bins)
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(number, weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def with_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities as if the logits had been divided by a temperature.

    Args:
        probabilities: (m, classes).
        temperature: Over 0; below 1 answers become surer, above it less sure.
    """
    logits = np.log(np.maximum(probabilities, 1e-12)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def best_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature, 0.2 to 5, with which the right classes are least surprising.

    Source: Guo et al. 2017, arXiv:1706.04599, section 4.2.

    Args:
        probabilities: (m, classes), of images that no accuracy is reported for.
        labels: Integers (m,).
    """
    temperatures = np.geomspace(0.2, 5, 201)
    rows = np.arange(len(labels))
    losses = [
        -np.log(np.maximum(with_temperature(probabilities, t)[rows, labels], 1e-12)).mean()
        for t in temperatures
    ]
    return float(temperatures[np.argmin(losses)])


def plot_reliability(table: np.ndarray, axis: Axes) -> Axes:
    """Draw accuracy against confidence; on the dashed line, a network is as sure as it is right.

    Args:
        table: As `calibration` returns it.
        axis: Where to.
    """
    axis.plot([0, 1], [0, 1], "--", color="grey", lw=1)
    rows = table[table["count"] > 0]
    width = 0.9 * (rows["high"] - rows["low"])
    middle = (rows["low"] + rows["high"]) / 2
    axis.bar(middle, rows["accuracy"], width, color=TRAINING)
    for x, row in zip(middle, rows, strict=True):
        axis.plot([x, x], [row["accuracy"], row["confidence"]], color=VALIDATION, lw=2)
        axis.text(x, 1.03, row["count"], ha="center", fontsize=8)
    axis.plot(middle, rows["confidence"], "_", color=VALIDATION, markersize=12, markeredgewidth=2)
    axis.set(xlim=(0, 1), ylim=(0, 1.1), xlabel="confidence", ylabel="accuracy", aspect="equal")
    for ticks in (axis.xaxis, axis.yaxis):
        ticks.set_major_formatter(PercentFormatter(1))
    return axis
