"""A model's .keras file as strangers may have made it: looked through, then read.

It is a zip of config.json (the layers), model.weights.h5 (their numbers) and, where this project
wrote it, resnets.json (what is known of the model). Each can promise more memory than there is.
"""

import itertools
import json
import math
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from resnets import foreign_files
from resnets.foreign_files import Foreign, kind_of_file, shortened
from resnets_utils import DataError, quiet_tensorflow, shown

with quiet_tensorflow():
    import keras

from resnets.graph import compute

FACTS, CONFIG, WEIGHTS = "resnets.json", "config.json", "model.weights.h5"
LARGEST = {FACTS: 4 * 10**6, CONFIG: 4 * 10**6, WEIGHTS: 10**9}  # bytes
MEMBERS = 1000
ACTIVATIONS = 2**27  # numbers that a model may compute of one picture: half a gigabyte
UNSTORED = 10**6  # weights, at most, that no file holds: states of random layers
PIXELS = ("0-1", "0-255")  # what a model from elsewhere may take
AS_KERAS = (
    "Open it in the program that made it and save it anew: "
    'keras.models.load_model("model.h5").save("model.keras").'
)
OTHERS = {  # endings of other programs' models
    ".h5": f"an HDF5 file, as Keras wrote models until 2022. {AS_KERAS}",
    ".hdf5": f"an HDF5 file, as Keras wrote models until 2022. {AS_KERAS}",
    ".pb": "a part of TensorFlow's SavedModel. Save the model with Keras 3 as .keras.",
    ".tflite": "a model of TensorFlow Lite, which can't be trained. Save the one that it was made "
    "of as .keras.",
    ".onnx": "an ONNX model. Save the one that it was made of as .keras.",
    **dict.fromkeys((".pt", ".pth"), "a model of PyTorch. Models of Keras 3 are read, no others."),
}


def check_ending(path: Path) -> None:
    """Raise a DataError for a name that Keras would not read, with the way out."""
    if path.name.endswith(".weights.h5"):
        way = " It has weights only: build the network, load them into it, and save that as .keras."
    else:
        known = OTHERS.get(path.suffix.lower())
        way = f" That is {known}" if known else ""
    if path.suffix != ".keras":
        raise DataError(
            f"{shown(path)}: found the ending {shortened(path.suffix)!r}; expected .keras.{way}"
        )


def read(path: Path, pixels: str | None = None) -> tuple[keras.Model, dict, str]:
    """Return a file's network, what its resnets.json says, and what is assumed where it has none.

    The network takes pictures of 0 to 1: one from elsewhere that takes 0 to 255 gets a layer in
    front that multiplies. Nothing that the file brings is run. The network has answered a picture
    of zeros.

    Args:
        path: A .keras file.
        pixels: What the network of a file without resnets.json takes, "0-1" or "0-255"; None: see
            `noticed`.

    Raises:
        DataError: The file is missing, or can't be used.
    """
    check_ending(path)
    if pixels not in (None, *PIXELS):
        raise DataError(f"load_model: found pixels {pixels!r}; expected one of {PIXELS}.")
    try:
        foreign_files.check_ordinary(path)
        with path.open("rb") as opened:
            _check_kind(opened.read(64))
            with zipfile.ZipFile(opened) as file:
                kept = facts_in(file)
                network, config = _network(file)
        _check_answer(network)
    # Keras raises nearly anything on a file that is damaged, or that safe mode refuses.
    except Exception as error:
        raise DataError(f"{shown(path)}: {_diagnosis(error)}") from None
    if kept is None:
        why = f"as asked for ({pixels})" if pixels else noticed(network, config)
        said = f"{shown(path)}: says nothing of its pictures. Given {{}}: {why or 'an assumption'}."
        if pixels == "0-255" or (why and not pixels):
            return for_bytes(network), {}, said.format("0 to 255")
        return (
            network,
            {},
            said.format("0 to 1")
            + ("" if pixels else ' If its answers are wrong, try pixels "0-255".'),
        )
    if pixels:
        raise DataError(
            f"{shown(path)}: found a model that says how its pictures are prepared; expected one "
            "from elsewhere. Leave the pixels out."
        )
    return network, kept, ""


def _diagnosis(error: Exception) -> str:
    """Return what was found, what was expected, and what is to be done."""
    if cause := foreign_files.trouble(error):
        return f"found {cause.found}; expected a model. {cause.remedy}"
    reason = shortened(str(error).strip().split("\n")[0] or type(error).__name__, 300)
    if "unsafe" in str(error).lower():
        reason = "it brings Python code of its own, which is not run here"
    return (
        f"found no model that can be used ({reason}); expected one that takes square colour "
        "pictures and returns probabilities, as train.py writes them."
    )


# --- the zip --------------------------------------------------------------------------------------


def facts_in(file: zipfile.ZipFile) -> dict | None:
    """Return what a model's resnets.json says, None where there is none.

    Raises:
        Foreign: The zip promises too much.
        ValueError: It is no JSON.
    """
    if FACTS not in file.namelist():
        return None
    kept = json.loads(_member(file, FACTS))
    if not isinstance(kept, dict):
        raise Foreign(f"its {FACTS} holds a {type(kept).__name__} in place of a table")
    return kept


def _check_kind(start: bytes) -> None:
    """Raise Foreign if a file does not begin as a zip does, with the way out."""
    kind = kind_of_file(start)
    ways = {
        "an HDF5 file": f"as Keras wrote models until 2022, under a new name. {AS_KERAS}",
        "a git-LFS pointer": "run `git lfs pull` where it came from",
        "an HTML page": "a browser saved the page about the file: download again",
    }
    if not start.startswith(b"PK"):
        way = ways.get(kind)
        raise Foreign(f"{kind}, {way}" if way else f"{kind}, not a zip as .keras files are")


def _member(file: zipfile.ZipFile, name: str) -> bytes:
    """Return a member's bytes, if they are not too many."""
    _check_size(file, name)
    return file.read(name)


def _check_size(file: zipfile.ZipFile, name: str) -> None:
    info = file.getinfo(name)
    try:
        foreign_files.check_size(info.file_size, info.compress_size, LARGEST[name])
    except Foreign as error:
        raise Foreign(f"its {name} is {error}") from None


def _network(file: zipfile.ZipFile) -> tuple[keras.Model, dict]:
    """Return the network of a .keras file, with its weights, and its config."""
    names = file.namelist()
    if not {CONFIG, WEIGHTS} <= set(names) or len(names) > MEMBERS:
        found = shortened(sorted(names[:10]), 200)
        raise Foreign(f"a zip of {len(names):,} members, {found}, not of {CONFIG} and {WEIGHTS}")
    text = _member(file, CONFIG)
    config = json.loads(text)
    if not isinstance(config, dict):
        raise Foreign(f"its {CONFIG} holds a {type(config).__name__} in place of a table")
    _check_size(file, WEIGHTS)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(file.extract(WEIGHTS, folder))
        network = _built(config, _numbers(weights))
        network.load_weights(weights)
    return network, json.loads(text)  # Keras takes the first one apart


def _numbers(weights: Path) -> int:
    """Return how many numbers a file of weights holds; refuse what is not plainly in it."""
    with foreign_files.open_hdf5(weights) as file:
        data_sets = foreign_files.plain_members(file)
        foreign_files.check_data_sets(data_sets, weights.stat().st_size, LARGEST[WEIGHTS])
        return sum(math.prod(data_set.shape or ()) for data_set in data_sets)


# --- the network ----------------------------------------------------------------------------------


def _built(config: dict, stored: int) -> keras.Model:
    """Build a network of a config, if its layers don't want more weights than are stored.

    In a stateless scope, Keras notes the shapes of weights and makes them up at its end: by then
    they are compared.
    """
    scope = keras.StatelessScope(initialize_variables=False)
    try:
        with scope:
            network = keras.saving.deserialize_keras_object(
                config | {"compile_config": None}, safe_mode=True
            )
            _check_network(network, stored)
            scope.initialize_variables = True
    except BaseException:
        keras.backend.clear_session(free_memory=False)  # or the next scope's end makes them up
        raise
    return network


def _check_network(network: Any, stored: int) -> None:
    """Raise a ValueError if a network is for something else, or for more memory than there is."""
    if not isinstance(network, keras.Model):
        raise Foreign(f"it is a {type(network).__name__}")
    takes, returns = network.input_shape, network.output_shape
    side = takes[1] if len(takes) == 4 else None
    if not isinstance(side, int) or takes[1:] != (side, side, 3):
        raise Foreign(f"it takes {takes}")
    if len(returns) != 2 or not isinstance(returns[1], int) or returns[1] < 2:
        raise Foreign(f"it returns {returns}")
    wanted = sum(math.prod(variable.shape) for variable in network.variables)
    if wanted > stored + UNSTORED:
        raise Foreign(f"its layers have {wanted:,} weights, of which the file holds {stored:,}")
    for operation in _operations(network):
        for shape in _output_shapes(operation):
            numbers = math.prod(side or 1 for side in shape)
            if numbers > ACTIVATIONS:
                raise Foreign(f"its {operation.name} computes {numbers:,} numbers of a picture")


def _check_answer(network: keras.Model) -> None:
    """Raise what goes wrong at the first picture, one of zeros."""
    answer = compute(network, np.zeros((1, *network.input_shape[1:]), "float32"))
    if answer.shape != (1, network.output_shape[1]):
        raise Foreign(f"it answers one picture with an array of {answer.shape}")


def _operations(network: keras.Model) -> Iterator[Any]:
    """Yield a network's layers and operations in order, those of networks inside it too."""
    for operation in getattr(network, "operations", network.layers):
        yield operation
        if isinstance(operation, keras.Model):
            yield from _operations(operation)


def _output_shapes(operation: Any) -> list[tuple]:
    try:
        found = operation.output
    except (AttributeError, ValueError):  # it was never called
        return []
    return [tensor.shape for tensor in keras.tree.flatten(found)]


# --- pixels ---------------------------------------------------------------------------------------


def noticed(network: keras.Model, config: dict) -> str:
    """Return what in a network from elsewhere says that it takes 0 to 255, "" where nothing does.

    The first layer or operation that scales decides: a Rescaling by 1/255 or the like, a
    Normalization around a mean above 2, a number of 64 or more that is divided by or subtracted.
    """
    for layer in _operations(network):
        if isinstance(layer, keras.layers.Rescaling):
            small = float(np.max(np.abs(layer.scale))) < 0.05
            return f"its layer {layer.name} is for those" if small else ""
        if isinstance(layer, keras.layers.Normalization):
            large = float(np.max(np.abs(np.asarray(layer.mean)))) > 2
            return f"its layer {layer.name} is for those" if large else ""
    for part in _tables(config):
        numbers = [abs(number) for number in _constants(part)]
        kind = part.get("class_name")
        if (kind in ("TrueDivide", "Divide", "Subtract") and max(numbers, default=0) >= 64) or (
            kind == "Multiply" and 0 < max(numbers, default=0) < 0.05
        ):
            return f"its operation {part.get('name')} is for those"
    return ""


def _tables(value: Any) -> Iterator[dict]:
    """Yield the tables of a config, those inside others too, in order."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        yield from itertools.chain.from_iterable(map(_tables, value))


def _constants(part: dict) -> Iterator[float]:
    """Yield the numbers that an operation is called with, beside its tensors."""
    for node in part.get("inbound_nodes") or []:
        for value in [*node.get("args", []), *node.get("kwargs", {}).values()]:
            for one in value if isinstance(value, list) else [value]:
                if type(one) in (int, float):
                    yield one


def for_bytes(network: keras.Model) -> keras.Model:
    """Return a network that takes pictures of 0 to 1 of one that takes 0 to 255."""
    pictures = keras.Input(network.input_shape[1:])
    scaled = keras.layers.Rescaling(255.0, name="to_255")(pictures)
    return keras.Model(pictures, network(scaled), name=network.name)


def unwrapped(network: keras.Model) -> keras.Model:
    """Return the network that `for_bytes` was given, or the one given here."""
    last = network.layers[-1]
    return last if isinstance(last, keras.Model) else network
