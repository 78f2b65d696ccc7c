"""TensorFlow's graphs: built once, and of few operations.

The first time that a step runs, TensorFlow traces it into a graph and optimises that. For ResNet50
this takes longer than twenty steps, so it should happen once, and the graph should be small.
"""

import functools
import weakref
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

BATCH = 64  # images that a network is asked about at a time; bounds the memory


def build_once(model: keras.Model) -> None:
    """Prepare a compiled classifier for `fit`, `evaluate` and `predict`; results stay the same.

    Keras would create the variables of optimiser and metrics while TensorFlow traces the first
    step, which makes TensorFlow trace it a second time. Here they are created beforehand. `predict`
    would trace a graph for the first batch and another one for a batch of another size; here it
    traces one for any size. BatchNormalization becomes one operation, see
    `fuse_batch_normalization`.

    Args:
        model: Compiled, with one-hot labels; call this between `compile` and `fit`.
    """
    model.optimizer.build(model.trainable_variables)
    no_labels = np.zeros((1, *model.output_shape[1:]), "float32")
    model.compute_metrics(None, no_labels, no_labels)
    model.reset_metrics()
    fuse_batch_normalization(model)

    def make_predict_function(force: bool = False) -> None:
        if force or model.predict_function is None:
            type(model).make_predict_function(model, force)
            model.predict_function.get_concrete_function([open_batch(model)])

    model.make_predict_function = make_predict_function


def open_batch(model: keras.Model) -> tf.TensorSpec:
    """Return what a graph takes that is built for batches of any size."""
    return tf.TensorSpec([None, *model.inputs[0].shape[1:]], tf.float32)


# --- operations -----------------------------------------------------------------------------------


@keras.saving.register_keras_serializable("resnets")
class FusedAdam(keras.optimizers.Adam):
    """Keras's AdamW, with TensorFlow's one operation per weight tensor in place of a dozen.

    The arithmetic is the same (tests compare them); the graph has fewer nodes to build. Without
    amsgrad and for dense gradients only. Weight decay leaves biases and BatchNormalization's
    weights alone: they are few, and not there to be small.
    """

    def __init__(self, learning_rate, weight_decay: float | None = None, **settings):
        """Take the arguments of Keras's Adam; no weight decay unless asked for."""
        super().__init__(learning_rate, **settings)
        self.decay = weight_decay  # Keras's own `weight_decay` would build a graph for each tensor

    def get_config(self):
        """Return the arguments of a like optimiser."""
        return super().get_config() | {"weight_decay": self.decay}

    def update_step(self, gradient, variable, learning_rate):
        """Change one weight tensor and its two moments."""
        index = self._get_variable_index(variable)
        steps = tf.cast(self.iterations + 1, variable.dtype)
        learning_rate = tf.cast(learning_rate, variable.dtype)
        if self.decay and self._trainable_variables[index].name == "kernel":
            variable.assign_sub(variable * (self.decay * learning_rate))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=self.beta_1**steps,
            beta2_power=self.beta_2**steps,
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )

    def restart(self) -> None:
        """Begin anew: no step done, no moments."""
        for variable in (self._iterations, *self._momentums, *self._velocities):
            variable.assign(keras.ops.zeros_like(variable))


def fuse_batch_normalization(model: keras.Model) -> None:
    """Let each BatchNormalization layer compute by TensorFlow's one operation for it.

    Keras composes the layer of a dozen operations, and their gradients of more. The fused one does
    the same arithmetic (Ioffe and Szegedy 2015, arXiv:1502.03167; a test compares them) in less
    time. Layers keep their type, names, weights and settings, and are saved as ever. Those that the
    operation does not cover (another axis, no scale or shift, renormalisation, synchronisation,
    another dtype) stay as they are.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            fuse_batch_normalization(layer)
        elif type(layer) is keras.layers.BatchNormalization and _is_covered(layer):
            layer.call = functools.partial(_fused_call, layer)


def _is_covered(layer: keras.layers.BatchNormalization) -> bool:
    return (
        layer.input_spec.ndim == 4
        and layer.axis in (3, -1)
        and layer.scale
        and layer.center
        and not (layer.renorm or layer.synchronized)
        and layer.compute_dtype == layer.variable_dtype == "float32"
    )


def _fused_call(layer, inputs: tf.Tensor, training: bool | None = None, mask=None) -> tf.Tensor:
    """What BatchNormalization's `call` does, for inputs (batch, height, width, channels)."""
    learned = {"x": inputs, "scale": layer.gamma, "offset": layer.beta, "epsilon": layer.epsilon}
    if not (training and layer.trainable):
        return tf.raw_ops.FusedBatchNormV3(
            **learned, mean=layer.moving_mean, variance=layer.moving_variance, is_training=False
        ).y
    none = tf.constant([], tf.float32)
    found = tf.raw_ops.FusedBatchNormV3(**learned, mean=none, variance=none, is_training=True)
    # It divides the variance that it hands out by n - 1; Keras keeps the one that divides by n.
    n = tf.cast(tf.size(inputs) / inputs.shape[-1], tf.float32)
    variance = found.batch_variance * (n - 1) / n
    for average, value in (
        (layer.moving_mean, found.batch_mean),
        (layer.moving_variance, variance),
    ):
        average.assign(average * layer.momentum + value * (1.0 - layer.momentum))
    return found.y


# --- asking a network -----------------------------------------------------------------------------


def settings_of(model: keras.Model) -> str:
    """Return what is traced into a model's graphs beside its weights: the layers' settings."""

    def settings(layer: keras.layers.Layer) -> object:
        try:
            return layer.get_config()
        except NotImplementedError:  # a layer of somebody's own
            return layer.trainable

    return repr([settings(layer) for layer in model.layers])


def kept_for_model(make: Callable) -> Callable:
    """Keep what `make(model, tensor)` returns, a graph, for as long as the model is as it was.

    `make` must return nothing that holds the model itself.
    """
    kept = weakref.WeakKeyDictionary()

    @functools.wraps(make)
    def get(model: keras.Model, tensor: keras.KerasTensor) -> Callable:
        of_model, settings = kept.setdefault(model, {}), settings_of(model)
        if of_model.get(id(tensor), ("",))[0] != settings:
            of_model[id(tensor)] = settings, tensor, make(model, tensor)  # keeps the tensor's id
        return of_model[id(tensor)][2]

    return get


@kept_for_model
def _computing(model: keras.Model, output: keras.KerasTensor) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return the graph from images to one of a model's tensors."""
    probe = keras.Model(model.inputs[0], output)
    step = tf.function(lambda images: probe(images, training=False), autograph=False)
    return step.get_concrete_function(open_batch(model))


def compute(
    model: keras.Model, images: np.ndarray, output: keras.KerasTensor | None = None
) -> np.ndarray:
    """Return what a model computes of images, in inference mode.

    The graph is built at the first call, for any number of images, and serves the later ones.

    Args:
        model: Takes one batch of images.
        images: float32 (m, height, width, channels), prepared as for training; m of 1 or more.
        output: One of the model's tensors, by default its output.

    Returns:
        float32 (m, ...): for a classifier's output its probabilities (m, classes).
    """
    graph = _computing(model, model.outputs[0] if output is None else output)
    parts = (images[first : first + BATCH] for first in range(0, len(images), BATCH))
    return np.concatenate([graph(tf.constant(part, tf.float32)).numpy() for part in parts])
