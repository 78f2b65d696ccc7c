"""How large a loss's gradient is, layer by layer."""

import itertools

import matplotlib.pyplot as plt
import numpy as np

from resnets.inspection.models import check_images, flat_layers
from resnets_utils import GREEN, PLAIN, PURPLE, RESIDUAL, SKY, quiet_tensorflow

with quiet_tensorflow():
    import keras
    import tensorflow as tf

# Of what has a colour in every picture; other lines take turns.
COLOURS, OTHERS = {"plain": PLAIN, "residual": RESIDUAL}, (SKY, GREEN, PURPLE)


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
    images, all_layers = check_images(model, images), flat_layers(model)
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
        others = itertools.cycle(OTHERS)
        for label, norms in lines.items():
            colour = COLOURS.get(label) or next(others)
            values = list(norms.values())
            axis.semilogy(np.linspace(0, 1, len(values)), values, color=colour, label=label)
        axis.set(title=name, xlabel="layer, from the first (0) to the last (1)")
        axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("gradient norm")
    axes[0, -1].legend()
    return axes[0]
