"""The learner's side: what answers do, as plain data. The only module here that needs Keras.

A check never touches a learner's function. It sends requests (dictionaries) and judges the
replies, which hold numbers, text, NumPy arrays and descriptions of networks, and nothing else.
In a notebook, `serve` answers in the same process; in grading, in the learner's own.
"""

import contextlib
import functools
import inspect
import random
from collections.abc import Iterator
from typing import Any
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from resnets.checks.wire import DTYPES, LONGEST, describe_error, known_weights, opened_picture

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


def serve(request: dict, names: dict[str, object]) -> dict:
    """Answer one request on the learner's objects; a learner's mistake is part of the reply.

    Args:
        request: `{"do": what, "name": ..., ...}`, see the functions of `SERVICES`.
        names: The learner's objects by name.

    Returns:
        Plain data. `{"missing": name}` where an object is not there; `{"error": ...}` with type,
        message and the learner's line where their code raised something.
    """
    for name in [*request.get("inputs", []), request["name"]]:
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
    With `in_graph` the call is compiled, for batches of any size.
    """
    function = names[request["name"]]
    if not callable(function):
        return {"not_callable": type(function).__name__}
    args = [made(argument) for argument in request.get("args", [])]
    kwargs = {key: made(argument) for key, argument in request.get("kwargs", {}).items()}
    with tf.GradientTape() as tape:
        if "watch" in request:
            tape.watch(args[request["watch"]])
        if request.get("in_graph"):
            value = compiled(function, args, kwargs)(*tensors_of(args))
        else:
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
        reply = describe_network(result.inputs, result.outputs[0], request)
        trainable = bool(result.trainable_variables)
        return {**reply, "model": result.name[:LONGEST], "trainable": trainable}
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
    """Describe and run what lies between symbolic tensors that the learner made.

    `name` is that of the last one, `inputs` are the names of the others.
    """
    for name in [*request["inputs"], request["name"]]:
        if not isinstance(names[name], keras.KerasTensor):
            return {"value": plain(names[name]), "not_symbolic": name}
    inputs = [names[name] for name in request["inputs"]]
    return describe_network(inputs, names[request["name"]], request)


def train_step(request: dict, names: dict[str, object]) -> dict:
    """Take one training step on a linear stand-in for the learner's network.

    The step is judged by itself: it calls `forward_propagation` and `compute_cost`, and these
    are replaced, for the time of the call, by a product of matrices and the squared distance
    to 2 Y.
    """
    step = names[request["name"]]
    if not callable(step):
        return {"not_callable": type(step).__name__}
    plain_step: Any = getattr(step, "python_function", step)
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
    args = [tf.constant(request["X"]), tf.constant(request["Y"]), parameters, optimizer]
    kwargs = {"pools": tuple(request["pools"])}
    with mock.patch.dict(plain_step.__globals__, stand_ins):
        if plain_step is step:
            result = step(*args, **kwargs)
        else:  # traced anew, with the stand-ins
            any_batch = getattr(step, "_reduce_retracing", True)
            result = compiled(plain_step, args, kwargs, any_batch)(*tensors_of(args))
    after = {key: variable.numpy() for key, variable in parameters.items()}
    steps = int(optimizer.iterations)
    return {"value": plain(result), "parameters": after, "steps": steps, **given}


def silence(request: dict, names: dict[str, object]) -> dict:
    """Call the function on a small model; return the weights of its normalisations after it."""
    function = names[request["name"]]
    if not callable(function):
        return {"not_callable": type(function).__name__}
    X = inputs = keras.Input((5, 5, 4))
    for name, width in zip(request["layers"], request["widths"], strict=True):
        kind = keras.layers.BatchNormalization if name.startswith("bn") else None
        X = kind(name=name)(X) if kind else keras.layers.Conv2D(width, 1, name=name)(X)
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


def first_line(request: dict, names: dict[str, object]) -> dict:
    """Return a function's parameters with their defaults, as its `def` line has them."""
    function: Any = names[request["name"]]
    found = inspect.signature(getattr(function, "python_function", function)).parameters.values()
    nothing = inspect.Parameter.empty
    line = ", ".join(str(parameter.replace(annotation=nothing)) for parameter in found)
    return {"value": line[:LONGEST]}


SERVICES = {
    "first line": first_line,
    "value": value,
    "call": call,
    "network": network,
    "between": between,
    "train step": train_step,
    "silence": silence,
}


def tensors_of(args: list) -> list[tf.Tensor]:
    """Return the tensors among some arguments."""
    return [argument for argument in args if isinstance(argument, tf.Tensor)]


def compiled(function: Any, args: list, kwargs: dict, any_batch: bool = True) -> Any:
    """Return a tf.function of the tensors among `args` that calls a function with all of them.

    `any_batch` leaves the size of the first axis open, as a function with reduce_retracing=True
    does from its second size on: a last, smaller mini-batch.
    """
    signature = [
        tf.TensorSpec([None if any_batch else tensor.shape[0], *tensor.shape[1:]], tensor.dtype)
        for tensor in tensors_of(args)
    ]
    # A partial has no code of its own, by which TensorFlow would count the tracings and warn, in
    # a later cell, of too many.
    return tf.function(functools.partial(_with_tensors, function, args, kwargs), signature)


def _with_tensors(function: Any, args: list, kwargs: dict, *tensors: tf.Tensor) -> object:
    """Call a function with `args`, of which the tensors are replaced, in order, by these."""
    waiting = iter(tensors)
    given = [next(waiting) if isinstance(arg, tf.Tensor) else arg for arg in args]
    return function(*given, **kwargs)


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


# --- networks -------------------------------------------------------------------------------------


def describe_network(
    inputs: list[keras.KerasTensor], output: keras.KerasTensor, request: dict
) -> dict:
    """Return the graph from `inputs` to `output`, and the outputs for the request's `images`."""
    reply = {"network": describe_graph(inputs, {"tensors": [output]})}
    if "images" not in request:
        return reply
    try:
        model = keras.Model(inputs, output)
        for weight in model.weights:
            *_, layer, name = weight.path.split("/")
            weight.assign(known_weights(request["seed"], layer, name, weight.shape))
        for mode, training in (("inference", False), ("training", True)):
            reply[mode] = np.asarray(model(request["images"], training=training))
    except Exception as error:  # two layers of one name, a layer that can't run: the graph tells
        reply["run_error"] = describe_error(error)
    return reply


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


def describe_operation(operation: keras.Operation, above: list[int], call: Any) -> dict:
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
            if isinstance(value, (tf.Variable, keras.Variable)):
                return {"kind": "variable", "array": array, "trainable": bool(value.trainable)}
            return {"kind": kind, "array": array}
    if isinstance(value, (list, tuple)) and depth < 5 and len(value) <= 10_000:
        kind = "list" if isinstance(value, list) else "tuple"
        return {"kind": kind, "items": [plain(item, depth + 1) for item in value]}
    if isinstance(value, dict) and depth < 5 and len(value) <= 1_000:
        pairs = [[plain(key), plain(item, depth + 1)] for key, item in value.items()]
        return {"kind": "dict", "items": pairs}
    of = f" of {value.dtype}" if isinstance(value, np.ndarray) else ""
    return {"kind": "object", "type": type(value).__name__ + of}
