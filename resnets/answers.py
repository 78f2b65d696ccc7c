"""What a learner's answers do, as plain data: the only way in which the checks look at them.

A check never touches a learner's function. It sends requests (dictionaries) and judges the
replies, which hold numbers, text, NumPy arrays and descriptions of networks, and nothing else.
In a notebook, `serve` answers in the same process; in grading, in the learner's own.
"""

import base64
import contextlib
import functools
import io
import linecache
import random
import re
import sysconfig
import traceback
import zlib
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

LONGEST = 400  # characters of an error message
DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "bfloat16"),
)
# What describes a layer. The rest of its configuration does not change what it computes.
SETTINGS = [
    "filters",
    "kernel_size",
    "strides",
    "padding",
    "dilation_rate",
    "groups",
    "use_bias",
    "axis",
    "epsilon",
    "momentum",
    "center",
    "scale",
    "pool_size",
    "units",
    "max_value",
    "negative_slope",
    "trainable",
]
NOT_THE_LEARNERS = (
    sysconfig.get_path("stdlib"),
    sysconfig.get_path("purelib"),
    str(Path(keras.__file__).parent),
    str(Path(tf.__file__).parent),
    str(Path(__file__).parent),
)


def serve(request: dict, names: dict[str, object]) -> dict:
    """Answer one request on the learner's objects; a learner's mistake is part of the reply.

    Args:
        request: `{"do": what, "name": ..., ...}`, see the functions of `SERVICES`.
        names: The learner's objects by name.

    Returns:
        Plain data. `{"missing": name}` where an object is not there; `{"error": ...}` with type,
        message and the learner's line where their code raised something.
    """
    wanted = [request["name"]] if "name" in request else [*request["inputs"], request["output"]]
    for name in wanted:
        if name not in names:
            return {"missing": name}
    with unchanged_randomness():
        try:
            return SERVICES[request["do"]](request, names)
        except (Exception, SystemExit) as error:
            return {"error": describe_error(error)}


@contextlib.contextmanager
def unchanged_randomness() -> Iterator[None]:
    """Leave the random numbers of the cells that follow as if nothing had been drawn here."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


# --- the services ---------------------------------------------------------------------------------


def value(request: dict, names: dict[str, object]) -> dict:
    """Return an object as plain data."""
    return {"value": plain(names[request["name"]])}


def call(request: dict, names: dict[str, object]) -> dict:
    """Call a function with `args` and `kwargs`; return its result and what became of arrays.

    With `watch`, the number of a tensor among them, also the result's gradient for that tensor.
    """
    function = names[request["name"]]
    if not callable(function):
        return {"not_callable": type(function).__name__}
    args = [made(argument) for argument in request.get("args", [])]
    kwargs = {key: made(argument) for key, argument in request.get("kwargs", {}).items()}
    with tf.GradientTape() as tape:
        if "watch" in request:
            tape.watch(args[request["watch"]])
        value = function(*args, **kwargs)
    result = plain(value)
    gradient = None
    if "watch" in request and isinstance(value, tf.Tensor):
        gradient = plain(tape.gradient(value, args[request["watch"]]))
    arrays = zip(args, request.get("args", []), strict=True)
    changed = [
        isinstance(now, np.ndarray | list) and not np.array_equal(now, old) for now, old in arrays
    ]
    return {"value": result, "changed": any(changed), "gradient": gradient}


def network(request: dict, names: dict[str, object]) -> dict:
    """Build a network with a function of a symbolic tensor, describe it and run it.

    `shape` is that of one input without the batch, `args` and `kwargs` follow the tensor; with
    `"model": True` the function makes its own input and returns a Model.
    """
    function = names[request["name"]]
    if not callable(function):
        return {"not_callable": type(function).__name__}
    args = [made(argument) for argument in request.get("args", [])]
    kwargs = request.get("kwargs", {})
    if request.get("model"):
        result = function(*args, **kwargs)
        if not isinstance(result, keras.Model):
            return {"value": plain(result)}
        return describe_network(result.inputs, result.outputs[0], request)
    inputs = keras.Input(tuple(request["shape"]))
    try:
        with watched_calls() as calls:
            output = function(inputs, *args, **kwargs)
    except Exception as error:
        reply = {"error": describe_error(error)}
        if calls["failed"] is not None:  # what was built until then says more than the error
            reply["network"] = describe_graph([inputs], calls["failed"])
        return reply
    if not isinstance(output, keras.KerasTensor):
        return {"value": plain(output)}
    return describe_network([inputs], output, request)


def between(request: dict, names: dict[str, object]) -> dict:
    """Describe and run what lies between symbolic tensors that the learner made."""
    inputs = [names[name] for name in request["inputs"]]
    output = names[request["output"]]
    for name in [*request["inputs"], request["output"]]:
        tensor = names[name]
        if not isinstance(tensor, keras.KerasTensor):
            return {"value": plain(tensor), "not_symbolic": name}
    return describe_network(inputs, output, request)


def train_step(request: dict, names: dict[str, object]) -> dict:
    """Take one training step on a linear stand-in for the learner's network.

    The step is judged by itself: it calls `forward_propagation` and `compute_cost`, and these
    are replaced, for the time of the call, by a product of matrices and the squared distance
    to 2 Y.
    """
    step = names[request["name"]]
    if not callable(step):
        return {"not_callable": type(step).__name__}
    plain_step = getattr(step, "python_function", step)
    parameters = {key: tf.Variable(array) for key, array in request["parameters"].items()}
    optimizer = keras.optimizers.SGD(request["learning_rate"])
    optimizer.build(list(parameters.values()))

    given = {"pools": None}

    def forward_propagation(X, parameters, pools=(8, 4)):
        given["pools"] = plain(pools)
        logits = tf.reshape(X, (tf.shape(X)[0], -1))
        for key in ("W1", "W2", "W3"):
            logits = tf.matmul(logits, parameters[key])
        return logits + parameters["b3"]

    def compute_cost(logits, Y):
        return tf.reduce_mean(tf.reduce_sum(tf.square(logits - 2 * Y), axis=1))

    stand_ins = {"forward_propagation": forward_propagation, "compute_cost": compute_cost}
    if plain_step is not step:
        # Traced anew, with the stand-ins. A partial has no code of its own, by which TensorFlow
        # would count the tracings and warn, in a later cell, of too many.
        step = tf.function(functools.partial(plain_step))
    X, Y = tf.constant(request["X"]), tf.constant(request["Y"])
    with mock.patch.dict(plain_step.__globals__, stand_ins):
        result = step(X, Y, parameters, optimizer, pools=tuple(request["pools"]))
    after = {key: variable.numpy() for key, variable in parameters.items()}
    steps = int(optimizer.iterations)
    return {"value": plain(result), "parameters": after, "steps": steps, **given}


def silence(request: dict, names: dict[str, object]) -> dict:
    """Call the function on a small model; return the weights of its normalisations after it."""
    function = names[request["name"]]
    if not callable(function):
        return {"not_callable": type(function).__name__}
    X = inputs = keras.Input((5, 5, 4))
    for name in request["layers"]:
        kind = keras.layers.BatchNormalization if name.startswith("bn") else None
        X = kind(name=name)(X) if kind else keras.layers.Conv2D(4, 1, name=name)(X)
    model = keras.Model(inputs, X)
    layers = model.layers[1:]
    for layer in layers:
        for weight in layer.weights:
            weight.assign(known_weights(request["seed"], layer.name, weight.name, weight.shape))
    result = plain(function(model))
    weights = {
        layer.name: {weight.name: np.asarray(weight) for weight in layer.weights}
        for layer in layers
    }
    return {"value": result, "weights": weights}


SERVICES = {
    "value": value,
    "call": call,
    "network": network,
    "between": between,
    "train step": train_step,
    "silence": silence,
}


def made(argument: object) -> object:
    """Return an argument as a learner's function expects it; a dictionary of one key says how."""
    match argument:
        case {"tensor": array}:
            return tf.constant(array)
        case {"variable": array}:
            return tf.Variable(array)
        case {"variables": arrays}:
            return {key: tf.Variable(array) for key, array in arrays.items()}
        case {"tuple": items}:
            return tuple(items)
        case {"picture": array, "orientation": orientation}:
            return opened_picture(array, orientation)
    return argument.copy() if isinstance(argument, np.ndarray | list) else argument


def opened_picture(array: np.ndarray, orientation: int) -> Image.Image:
    """Return a picture as Pillow opens it from a file, with an EXIF note of how to turn it."""
    picture, file = Image.fromarray(array), io.BytesIO()
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(file, "png", exif=exif)
    return Image.open(file)


# --- networks -------------------------------------------------------------------------------------


def known_weights(seed: int, layer: str, weight: str, shape: tuple) -> np.ndarray:
    """Return the float32 values that a weight gets while it is checked; names and seed decide."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{layer}/{weight}".encode())])
    if weight in ("gamma", "moving_variance"):
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    # Sums of products stay near 1: the default BatchNormalization epsilon must not drown in them.
    scale = 0.3 if len(shape) < 2 else 1 / np.sqrt(np.prod(shape[:-1]))
    return (scale * rng.standard_normal(tuple(shape), np.float32)).astype(np.float32)


def describe_network(
    inputs: list[keras.KerasTensor], output: keras.KerasTensor, request: dict
) -> dict:
    """Return the graph from `inputs` to `output`, and the outputs for the request's `images`."""
    reply = {"network": describe_graph(inputs, {"tensors": [output]})}
    if "images" not in request:
        return reply
    try:
        model = keras.Model(inputs, output)
        for layer in flat_layers(model):
            for weight in layer.weights:
                name = weight.path.rsplit("/", 1)[-1]
                weight.assign(known_weights(request["seed"], layer.name, name, weight.shape))
        for mode, training in (("inference", False), ("training", True)):
            reply[mode] = np.asarray(model(request["images"], training=training))
    except Exception as error:  # two layers of one name, a layer that can't run: the graph tells
        reply["run_error"] = describe_error(error)
    return reply


def flat_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers of a model and of the models in it."""
    layers = []
    for layer in model.layers:
        layers += flat_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return layers


def describe_graph(inputs: list[keras.KerasTensor], end: dict) -> dict:
    """Return the operations that lead from `inputs` to `end`, the inputs first, as plain data.

    Args:
        inputs: Where to stop; each becomes a node of kind "input".
        end: `{"tensors": [output]}`, or also `"operation"`: one that failed on these tensors.
    """
    nodes, known = [], {}

    def add(node: dict) -> int:
        nodes.append({"inputs": [], "training": None, **node})
        return len(nodes) - 1

    def visit(tensor: keras.KerasTensor) -> int:
        if id(tensor) in known:
            return known[id(tensor)]
        operation, index, position = tensor._keras_history
        inner = getattr(operation, "_functional", operation)  # a Sequential holds a Functional
        parents = operation._inbound_nodes[index] if operation._inbound_nodes else None
        if isinstance(inner, keras.Model) and parents is not None and parents.input_tensors:
            for inside, outside in zip(inner.inputs, parents.input_tensors, strict=True):
                known[id(inside)] = visit(outside)
            known[id(tensor)] = visit(inner.outputs[position])
            return known[id(tensor)]
        above = [visit(parent) for parent in parents.input_tensors] if parents else []
        node = describe_operation(operation, above, parents)
        known[id(tensor)] = add({**node, "shape": list(tensor.shape)})
        return known[id(tensor)]

    for tensor in inputs:
        if id(tensor) not in known:
            known[id(tensor)] = add({"kind": "input", "name": "", "shape": list(tensor.shape)})
    starts = [known[id(tensor)] for tensor in inputs]
    ends = [visit(tensor) for tensor in end["tensors"]]
    if "operation" in end:
        node = describe_operation(end["operation"], ends, None)
        ends = [add({**node, "shape": None, "failed": True})]
    return {"nodes": nodes, "inputs": starts, "output": ends[0] if ends else None}


def describe_operation(operation: keras.Operation, above: list[int], call: object) -> dict:
    """Return one operation of a graph as plain data; `call` is the node of Keras's own graph."""
    node = {"kind": type(operation).__name__, "name": operation.name, "inputs": above}
    if isinstance(operation, keras.layers.Layer):
        config = operation.get_config()
        node["settings"] = {key: plain_setting(config[key]) for key in SETTINGS if key in config}
        activation = getattr(operation, "activation", None)
        node["activation"] = getattr(activation, "__name__", str(activation))
        node["weights"] = {
            weight.path.rsplit("/", 1)[-1]: list(weight.shape) for weight in operation.weights
        }
    if call is not None:
        training = call.arguments.kwargs.get("training")
        if training is None and isinstance(operation, keras.layers.BatchNormalization):
            training = next((arg for arg in call.arguments.args if isinstance(arg, bool)), None)
        node["training"] = training if training is None else bool(training)
    return node


def plain_setting(setting: object) -> object:
    """Return a layer's setting as a number, text or list."""
    if isinstance(setting, (list, tuple)):
        return [plain_setting(item) for item in setting]
    return setting if isinstance(setting, (bool, int, float, str, type(None))) else str(setting)


@contextlib.contextmanager
def watched_calls() -> Iterator[dict]:
    """Note the operation that fails on symbolic tensors, and the tensors, under "failed"."""
    calls = {"failed": None}

    def watching(original):
        def watched(self, *args, **kwargs):
            try:
                return original(self, *args, **kwargs)
            except Exception:
                given = keras.tree.flatten((args, kwargs))
                for layer in given:
                    if isinstance(layer, keras.layers.Layer):
                        raise TypeError(
                            f"{type(self).__name__} was given the layer {layer.name} itself, not "
                            "its result: a layer is made, then called on a tensor"
                        ) from None
                tensors = [x for x in given if is_symbolic(x)]
                if tensors:
                    calls["failed"] = {"operation": self, "tensors": tensors}
                raise

        return watched

    layer, operation = keras.layers.Layer, keras.Operation
    with (
        mock.patch.object(layer, "__call__", watching(layer.__call__)),
        mock.patch.object(operation, "symbolic_call", watching(operation.symbolic_call)),
    ):
        yield calls


def is_symbolic(value: object) -> bool:
    """Whether a value is a tensor of a network under construction."""
    return isinstance(value, keras.KerasTensor)


# --- plain data -----------------------------------------------------------------------------------


def plain(value: object, depth: int = 0) -> object:
    """Return any object as plain data: `kind` says what it was where Python's own types can't."""
    if isinstance(value, (np.bool_, np.integer, np.floating)):  # np.float64 is a float as well
        return value.item()
    if isinstance(value, (bool, int, float, str, type(None))):
        return value if not isinstance(value, str) else value[:LONGEST]
    if isinstance(value, keras.KerasTensor):
        return {"kind": "symbolic", "shape": list(value.shape)}
    if isinstance(value, keras.Model):
        return {"kind": "object", "type": "Model"}
    if isinstance(value, (np.ndarray, tf.Tensor, tf.Variable, keras.Variable)):
        array = np.asarray(value)
        if array.dtype.name in DTYPES:
            kind = "array" if isinstance(value, np.ndarray) else "tensor"
            kind = "variable" if isinstance(value, (tf.Variable, keras.Variable)) else kind
            return {"kind": kind, "array": array}
    if isinstance(value, (list, tuple)) and depth < 5 and len(value) <= 10_000:
        kind = "list" if isinstance(value, list) else "tuple"
        return {"kind": kind, "items": [plain(item, depth + 1) for item in value]}
    if isinstance(value, dict) and depth < 5 and len(value) <= 1_000:
        pairs = [[plain(key), plain(item, depth + 1)] for key, item in value.items()]
        return {"kind": "dict", "items": pairs}
    of = f" of {value.dtype}" if isinstance(value, np.ndarray) else ""
    return {"kind": "object", "type": type(value).__name__ + of}


def describe_error(error: BaseException) -> dict:
    """Return type, message and the learner's own line of an error."""
    text, line = str(error), ""
    if "in user code:" in text:  # TensorFlow tells the whole way; the error is its last paragraph
        lines = re.findall(r"line \d+, in \w+  \*\n\s+(.+)", text)
        line = lines[-1] if lines else ""
        text = text.strip().rsplit("\n", 1)[-1].strip().partition(": ")[2] or text
    text = re.sub(r"\{\{[^}]*\}\}:? ?|\s*\[Op:\w+\].*", "", text)  # names inside TensorFlow
    text = re.sub(r"\x1b\[[\d;]*m", "", text)  # colours
    # Keras first says where, then what.
    text = re.sub(r"^Exception encountered when calling .*\n\n", "", text.strip())
    text = text.partition("\n\n")[0][:LONGEST]
    for frame, number in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if not file.startswith(NOT_THE_LEARNERS):
            here = linecache.getline(file, number).strip()
            if here and "ag__." not in here:  # not what TensorFlow made of the learner's lines
                line = here
    return {"type": type(error).__name__, "message": text, "line": line[:LONGEST]}


def encode(data: object) -> object:
    """Return plain data as JSON can hold it: arrays in base64, keys as text."""
    if isinstance(data, np.ndarray):
        raw = base64.b64encode(data.tobytes()).decode()
        return {"dtype": data.dtype.name, "shape": list(data.shape), "base64": raw}
    if isinstance(data, dict):
        return {str(key): encode(item) for key, item in data.items()}
    if isinstance(data, (list, tuple)):
        return [encode(item) for item in data]
    return data


def decode(data: object) -> object:
    """Return what `encode` was given; tuples come back as lists.

    Raises:
        ValueError: An array's type is not among `DTYPES`, or its bytes don't fit its shape.
    """
    if isinstance(data, dict) and set(data) == {"dtype", "shape", "base64"}:
        if data["dtype"] not in DTYPES:
            raise ValueError(f"found an array of type {data['dtype']!r}; expected one of {DTYPES}")
        shape = tuple(int(side) for side in data["shape"])
        raw = base64.b64decode(data["base64"], validate=True)
        return np.frombuffer(raw, np.dtype(data["dtype"])).reshape(shape)
    if isinstance(data, dict):
        return {key: decode(item) for key, item in data.items()}
    if isinstance(data, list):
        return [decode(item) for item in data]
    return data
