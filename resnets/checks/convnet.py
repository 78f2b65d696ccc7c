"""What the two-layer ConvNet of notebook 01 computes, in NumPy, and what known mistakes do."""

from collections.abc import Callable
from typing import Any

import numpy as np

from resnets.checks.steps import convolve, windows


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return one row per label, float32 (m, classes)."""
    return np.eye(classes, dtype=np.float32)[labels.ravel()]


CONVNET_MISTAKES = {
    ("the second ReLU is missing", "CONV, ReLU, MAXPOOL, twice"): {"activation_2": lambda X: X},
    ("a sigmoid follows the second convolution", "ReLU: tf.nn.relu"): {
        "activation_2": lambda X: 1 / (1 + np.exp(-X))
    },
    ("a tanh follows the second convolution", "ReLU: tf.nn.relu"): {"activation_2": np.tanh},
    ("a leaky ReLU follows the second convolution", "ReLU: tf.nn.relu"): {
        "activation_2": lambda X: np.maximum(X, 0.2 * X)
    },
    ("an ELU follows the second convolution", "ReLU: tf.nn.relu"): {
        "activation_2": lambda X: np.where(X > 0, X, np.expm1(np.minimum(X, 0)))
    },
    ("the first ReLU is missing", "CONV, ReLU, MAXPOOL, twice"): {"relu_1": False},
    (
        "the logits go through a softmax",
        "the scores as they are: the cost includes the softmax",
    ): {"softmax": True},
    ("the logits go through a ReLU", "the scores as they are, negative ones too"): {"relu_3": True},
    ("b3 is not added", "the flattened numbers times W3, plus b3"): {"bias": False},
    ('the second convolution has padding "VALID"', 'padding="SAME"'): {"padding_2": "VALID"},
    ('the first convolution has padding "VALID"', 'padding="SAME"'): {"padding_1": "VALID"},
    ("the second pooling averages", "the largest value of each window: max pooling"): {
        "pool": np.mean
    },
    (
        "the axes are exchanged before flattening",
        "a reshape of (batch, height, width, filters)",
    ): {"mixed_up": True},
}


def convnet_logits(X: np.ndarray, parameters: dict, pools: tuple, **change: Any) -> np.ndarray:
    """Compute the two-layer ConvNet's logits in NumPy; `change` makes a known mistake."""

    def pool(X: np.ndarray, side: int, by: Callable = np.max) -> np.ndarray:
        short = [(0, -n % side) for n in X.shape[1:3]]
        X = np.pad(X, ((0, 0), *short, (0, 0)), constant_values=-np.inf)
        return by(windows(X, side, side), (4, 5))

    X = convolve(X, parameters["W1"], 1, change.get("padding_1", "SAME"))
    X = pool(np.maximum(X, 0) if change.get("relu_1", True) else X, pools[0])
    X = convolve(X, parameters["W2"], 1, change.get("padding_2", "SAME"))
    X = change.get("activation_2", lambda X: np.maximum(X, 0))(X)
    X = pool(X, pools[1], change.get("pool", np.max))
    if change.get("mixed_up"):
        X = X.transpose(0, 3, 1, 2)
    X = X.reshape(len(X), -1) @ parameters["W3"]
    if change.get("bias", True):
        X = X + parameters["b3"]
    if change.get("relu_3"):
        X = np.maximum(X, 0)
    return softmax(X) if change.get("softmax") else X


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities (m, classes)."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def sum_and_means(parts: np.ndarray) -> tuple[float, ...]:
    """Return a sum (m, classes) as it is, and divided by what a mean may go over.

    A mistake before the mean changes that: with axis=0 one number per class is left.
    """
    m, classes = parts.shape
    return tuple(float(parts.sum()) / count for count in (m, classes, 1, m * classes))


def taken_for_probabilities(logits: np.ndarray, Y: np.ndarray) -> float:
    """Return what Keras's cross-entropy makes of logits that it takes for probabilities."""
    shares = np.clip(logits / logits.sum(1, keepdims=True), 1e-7, 1 - 1e-7)
    return float(-(Y * np.log(shares)).sum(1).mean())


def linear_step(X: np.ndarray, Y: np.ndarray, parameters: dict) -> tuple[float, int, dict]:
    """Return the distance to 2 Y, number of right answers and gradients of X W1 W2 W3 + b3."""
    parameters = {key: value.astype(float) for key, value in parameters.items()}
    inputs = [X.reshape(len(X), -1).astype(float)]
    for key in ("W1", "W2", "W3"):
        inputs.append(inputs[-1] @ parameters[key])
    logits = inputs.pop() + parameters["b3"]
    cost = ((logits - 2 * Y) ** 2).sum(1).mean()
    error = 2 * (logits - 2 * Y) / len(X)
    gradients = {"b3": error.sum(0)}
    for key, given in zip(("W3", "W2", "W1"), reversed(inputs), strict=True):
        gradients[key] = given.T @ error
        error = error @ parameters[key].T
    return float(cost), int((logits.argmax(1) == Y.argmax(1)).sum()), gradients
