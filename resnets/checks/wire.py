"""What a check and an answer tell each other, in one process or two: plain data.

Both sides import this module. It needs NumPy and Pillow alone.
"""

import base64
import io
import linecache
import os
import re
import traceback
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

LONGEST = 500  # characters of a text
NOT_WRITTEN = "not written yet"  # of a blank, and of what waits for it
DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "bfloat16"),
)
# Answers whose cell stopped, so that their name still has its old value: name -> why. `blanks`
# notes them, the checks of the same notebook ask.
STALE: dict[str, str] = {}
NOT_THE_LEARNERS = re.compile(
    rf"{re.escape(str(Path(os.__file__).parent))}|{re.escape(str(Path(__file__).parents[1]))}"
    r"|.*[/\\](site|dist)-packages[/\\]"
)


# --- plain data as text ---------------------------------------------------------------------------


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
        if data["dtype"] == "bfloat16":
            import ml_dtypes  # noqa: F401, teaches NumPy the type; comes with Keras

        shape = tuple(int(side) for side in data["shape"])
        raw = base64.b64decode(data["base64"], validate=True)
        return np.frombuffer(raw, np.dtype(data["dtype"])).reshape(shape)
    if isinstance(data, dict):
        return {key: decode(item) for key, item in data.items()}
    if isinstance(data, list):
        return [decode(item) for item in data]
    return data


# --- errors ---------------------------------------------------------------------------------------


# How TensorFlow tells a line of a function that it compiles, before the error in it.
GRAPH_LINE = re.compile(r'File "([^"]*)", line \d+, in \w+  \*+\n\s+(.+)\n')


def own_words(text: str) -> str:
    """Return what an error says, advice included, without the way to it and without examples."""
    text = re.sub(r"\x1b\[[\d;]*m", "", text)  # colours
    if "in user code:" in text:  # TensorFlow tells the whole way, then "    ValueError: ..."
        text = GRAPH_LINE.split(text)[-1].partition(": ")[2] or text
    if text.startswith("Graph execution error:"):  # places again; the last paragraph is the error
        text = text.strip().rpartition("\n\n")[2]
    text = re.sub(r"\{\{[^}]*\}\}:? ?|\s*\[\[.*|\s*\[Op:\w+\].*", "", text)  # TensorFlow's names
    # Keras says where, or that it failed, then what, then with which arguments.
    text = re.sub(r"^Exception encountered when calling .*\n", "", text.strip())
    text = re.sub(
        r"\n\s*(Arguments received by|Call arguments received) .*", "", text, flags=re.DOTALL
    )
    text = text.rpartition("Error encountered:")[2]
    # What one probably did is known; what to do instead is not.
    text = re.sub(r"[^.]*\blike:\s*```.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r":\s*```.*?(```|$)", ".", text, flags=re.DOTALL)
    text = " ".join(text.split())
    if len(text) <= LONGEST:
        return text
    kept = text[: LONGEST - 4]
    return kept[: kept.rindex(". ") + 1] if ". " in kept[LONGEST // 2 :] else kept + " ..."


def describe_error(error: BaseException) -> dict:
    """Return type, message and the learner's own line of an error, each as a short text."""
    text, line = own_words(str(error)), ""
    for frame, number in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if not NOT_THE_LEARNERS.match(file):
            here = linecache.getline(file, number).strip()
            if here and "ag__." not in here:  # not what TensorFlow made of the learner's lines
                line = here
    for file, here in GRAPH_LINE.findall(str(error)):
        if not NOT_THE_LEARNERS.match(file):
            line = here
    if isinstance(error, SyntaxError):  # of a line that never ran
        line = error.text or line
    kind = type(error).__name__[:LONGEST]
    return {"type": kind, "message": text, "line": line.strip()[:LONGEST]}


# --- what both sides make from numbers ------------------------------------------------------------


def known_weights(seed: int, layer: str, weight: str, shape: tuple) -> np.ndarray:
    """Return the float32 values that a weight gets while it is checked; names and seed decide."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{layer}/{weight}".encode())])
    if weight in ("gamma", "moving_variance"):
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    # Sums of products stay near 1: the default BatchNormalization epsilon must not drown in them.
    scale = 0.3 if len(shape) < 2 else 1 / np.sqrt(np.prod(shape[:-1]))
    return (scale * rng.standard_normal(tuple(shape), np.float32)).astype(np.float32)


def opened_picture(array: np.ndarray, orientation: int) -> Image.Image:
    """Return a picture as Pillow opens it from a file, with an EXIF note of how to turn it."""
    picture, file = Image.fromarray(array), io.BytesIO()
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(file, "png", exif=exif)
    return Image.open(file)
