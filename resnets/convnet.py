"""The two-layer ConvNet, built from TensorFlow's own operations in notebook 01."""

import keras
import numpy as np
import tensorflow as tf

from resnets_utils import random_mini_batches

Parameters = dict[str, tf.Variable]


def initialize_parameters(
    seed: int = 0, windows: tuple = (4, 2), filters: tuple = (8, 16), pools: tuple = (8, 4)
) -> Parameters:
    """Create the weights for 64x64x3 images and 6 classes: Glorot uniform, zeros for the bias.

    Args:
        seed: The same seed gives the same weights.
        windows: Side of the two convolutions' windows, in pixels.
        filters: Filters of the two convolutions.
        pools: Side and stride of the two poolings, in pixels, each a divisor of the side that it
            pools; needed for the size of W3.

    Returns:
        Float32 variables W1 and W2 (height, width, channels in, filters), W3 (inputs, 6), b3 (6,).
    """
    (f1, f2), (n1, n2) = windows, filters
    side = 64 // pools[0] // pools[1]
    glorot = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
    return {
        "W1": tf.Variable(glorot((f1, f1, 3, n1))),
        "W2": tf.Variable(glorot((f2, f2, n1, n2))),
        "W3": tf.Variable(glorot((side * side * n2, 6))),
        "b3": tf.Variable(tf.zeros(6)),
    }


def forward_propagation(X: tf.Tensor, parameters: Parameters, pools: tuple = (8, 4)) -> tf.Tensor:
    """Compute the logits: CONV -> ReLU -> MAXPOOL, twice, then FLATTEN -> FULLY CONNECTED.

    Args:
        X: float32 images (batch, 64, 64, 3) in [0, 1].
        parameters: What `initialize_parameters` returned for the same `pools`.
        pools: Side and stride of the two poolings, in pixels.

    Returns:
        float32 logits (batch, 6); no softmax.
    """
    A1 = tf.nn.relu(tf.nn.conv2d(X, parameters["W1"], strides=1, padding="SAME"))
    P1 = tf.nn.max_pool2d(A1, ksize=pools[0], strides=pools[0], padding="SAME")
    A2 = tf.nn.relu(tf.nn.conv2d(P1, parameters["W2"], strides=1, padding="SAME"))
    P2 = tf.nn.max_pool2d(A2, ksize=pools[1], strides=pools[1], padding="SAME")
    F = tf.reshape(P2, (tf.shape(P2)[0], -1))
    return tf.matmul(F, parameters["W3"]) + parameters["b3"]


def compute_cost(logits: tf.Tensor, Y: tf.Tensor) -> tf.Tensor:
    """Return the mean softmax cross-entropy of a batch.

    Args:
        logits: float32 (batch, classes).
        Y: float32 one-hot labels (batch, classes).

    Returns:
        float32 scalar.
    """
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=Y, logits=logits))


@tf.function(reduce_retracing=True)
def train_step(X, Y, parameters, optimizer, pools=(8, 4)):
    """Take one step of gradient descent on one mini-batch; `parameters` change in place.

    Args:
        X: float32 images (batch, 64, 64, 3).
        Y: float32 one-hot labels (batch, 6).
        parameters: What `initialize_parameters` returned.
        optimizer: A Keras optimizer, already built for the parameters.
        pools: As in `forward_propagation`.

    Returns:
        The batch's cost before the step, and how many of its images were classified rightly.
    """
    with tf.GradientTape() as tape:
        logits = forward_propagation(X, parameters, pools)
        cost = compute_cost(logits, Y)
    variables = list(parameters.values())
    gradients = tape.gradient(cost, variables)
    optimizer.apply_gradients(zip(gradients, variables, strict=True))
    right = tf.equal(tf.argmax(logits, axis=1), tf.argmax(Y, axis=1))
    return cost, tf.reduce_sum(tf.cast(right, tf.float32))


def predict(X: np.ndarray, parameters: Parameters, pools: tuple = (8, 4)) -> np.ndarray:
    """Return the predicted labels, int64 (m,), of float32 images (m, 64, 64, 3)."""
    return tf.argmax(forward_propagation(X, parameters, pools), axis=1).numpy()


def evaluate(
    X: np.ndarray, Y: np.ndarray, parameters: Parameters, pools: tuple = (8, 4)
) -> tuple[float, float]:
    """Return cost and accuracy (0 to 1) on images (m, 64, 64, 3) with one-hot labels (m, 6)."""
    cost = compute_cost(forward_propagation(X, parameters, pools), Y)
    return float(cost), float(np.mean(predict(X, parameters, pools) == np.argmax(Y, axis=1)))


def train(
    training: tuple[np.ndarray, np.ndarray],
    held_out: tuple[np.ndarray, np.ndarray],
    parameters: Parameters,
    learning_rate=0.009,
    epochs: int = 100,
    batch_size: int = 64,
    seed: int = 0,
    pools: tuple = (8, 4),
) -> dict[str, list[float]]:
    """Train the parameters in place with Adam; report the cost every fifth epoch.

    Args:
        training: float32 images (m, 64, 64, 3) and one-hot labels (m, 6).
        held_out: The like, measured after each epoch for the curves; nothing is learned from it.
        parameters: What `initialize_parameters` returned for the same `pools`.
        learning_rate: A number, or a Keras learning rate schedule counted in steps.
        epochs: Passes over the images.
        batch_size: Images in a mini-batch.
        seed: Fixes the order of the images, which is another one in every epoch.
        pools: As in `forward_propagation`.

    Returns:
        Lists with an entry per epoch: loss, accuracy, val_loss, val_accuracy.
    """
    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build(list(parameters.values()))
    history = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
    for epoch in range(epochs):
        cost = right = 0.0
        for X, Y in random_mini_batches(*training, batch_size, seed=1000 * seed + epoch):
            batch_cost, batch_right = train_step(X, Y, parameters, optimizer, pools)
            cost += float(batch_cost) * len(X)
            right += float(batch_right)
        learned = (cost / len(training[0]), right / len(training[0]))
        measured = (*learned, *evaluate(*held_out, parameters, pools))
        for name, value in zip(history, measured, strict=True):
            history[name].append(value)
        if epoch % 5 == 0 or epoch == epochs - 1:
            print(f"epoch {epoch + 1:3} of {epochs}: cost {measured[0]:.3f}")
    return history
