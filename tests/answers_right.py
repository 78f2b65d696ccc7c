"""Correct answers of the exercises: as the notebooks have them, and written differently.

`TASKS` holds, per check, the answers' names, what the notebook gives before the blank, and the
notebook's own answer; `RIGHT` holds other correct answers. All are source, run by `namespace`.
"""

import itertools
import linecache
import textwrap
from dataclasses import dataclass
from types import CodeType

PRELUDE = """
import functools
import math
import random

import keras
import numpy as np
import tensorflow as tf
from keras import Input, Model, layers
from keras.layers import (
    Activation, Add, AveragePooling2D, BatchNormalization, Conv2D, Dense, Flatten, MaxPooling2D,
    ReLU, ZeroPadding2D,
)
from PIL import Image, ImageOps

from resnets_utils import convert_to_one_hot
"""

COMPONENT_1 = """
inputs = shortcut = keras.Input((15, 15, 256))
X = Conv2D(64, 1, name="res2b_branch2a")(inputs)
X = BatchNormalization(momentum=0.9, name="bn2b_branch2a")(X)
after_2a = Activation("relu")(X)
"""

COMPONENT_2 = """
X = Conv2D(64, 3, padding="same", name="res2b_branch2b")(after_2a)
X = BatchNormalization(momentum=0.9, name="bn2b_branch2b")(X)
after_2b = Activation("relu")(X)
"""

COMPONENT_3 = """
X = Conv2D(256, 1, name="res2b_branch2c")(after_2b)
after_2c = BatchNormalization(momentum=0.9, name="bn2b_branch2c")(X)
"""

STRIDED_2A = """
inputs = keras.Input((15, 15, 256))
X = Conv2D(128, 1, strides=2, name="res3a_branch2a")(inputs)
X = BatchNormalization(momentum=0.9, name="bn3a_branch2a")(X)
after_2a = Activation("relu")(X)
"""

MAIN_PATH = """
X = Conv2D(128, 3, padding="same", name="res3a_branch2b")(after_2a)
X = BatchNormalization(momentum=0.9, name="bn3a_branch2b")(X)
X = Activation("relu")(X)
X = Conv2D(512, 1, name="res3a_branch2c")(X)
after_2c = BatchNormalization(momentum=0.9, name="bn3a_branch2c")(X)
"""

BLOCKS = "from resnets.blocks import convolutional_block, identity_block\n"

STAGE_TABLE = """
rows = {2: ((64, 64, 256), 1, "bc")}
rows[3] = ((128, 128, 512), 2, "bcd")
rows[4] = ((256, 256, 1024), 2, "bcdef")
rows[5] = ((512, 512, 2048), 2, "bc")
STAGES = rows
"""

STAGE_1 = """
def stage_1(images):
    X = ZeroPadding2D(3)(images)
    X = Conv2D(64, 7, strides=2, name="conv1")(X)
    X = BatchNormalization(momentum=0.9, name="bn_conv1")(X)
    X = Activation("relu")(X)
    return MaxPooling2D(3, strides=2)(X)
"""

STAGES_2_TO_5 = """
def stages_2_to_5(X):
    for stage, (filters, stride, identity_letters) in STAGES.items():
        X = convolutional_block(X, 3, filters, stage, "a", s=stride)
        for letter in identity_letters:
            X = identity_block(X, 3, filters, stage, letter)
    return X
"""

HEAD = """
def head(X, classes):
    X = AveragePooling2D(2, name="avg_pool")(X)
    X = Flatten()(X)
    return Dense(classes, activation="softmax", name=f"fc{classes}")(X)
"""


@dataclass(frozen=True)
class Task:
    """What a check looks at: the answers' names, what stands before the blank, the answer."""

    answers: tuple[str, ...]
    correct: str
    given: str = ""


TASKS = {
    # --- 01 ---------------------------------------------------------------------------------------
    "prepare": Task(
        ("prepare",),
        """
def prepare(images, labels):
    X = images.astype("float32") / 255
    Y = convert_to_one_hot(labels, 6).T.astype("float32")
    return X, Y
""",
    ),
    "initialize_parameters": Task(
        ("initialize_parameters",),
        """
def initialize_parameters(seed=0, windows=(4, 2), filters=(8, 16), pools=(8, 4)):
    (f1, f2), (n1, n2) = windows, filters
    side = 64 // pools[0] // pools[1]
    glorot = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
    W1 = tf.Variable(glorot((f1, f1, 3, n1)))
    W2 = tf.Variable(glorot((f2, f2, n1, n2)))
    W3 = tf.Variable(glorot((side * side * n2, 6)))
    b3 = tf.Variable(tf.zeros(6))
    return {"W1": W1, "W2": W2, "W3": W3, "b3": b3}
""",
    ),
    "convnet_sides": Task(
        ("first_side", "second_side", "inputs_of_W3"),
        """
first_side = 8
second_side = 2
inputs_of_W3 = 64
""",
    ),
    "forward_propagation": Task(
        ("forward_propagation",),
        """
def forward_propagation(X, parameters, pools=(8, 4)):
    A1 = tf.nn.relu(tf.nn.conv2d(X, parameters["W1"], strides=1, padding="SAME"))
    P1 = tf.nn.max_pool2d(A1, ksize=pools[0], strides=pools[0], padding="SAME")
    A2 = tf.nn.relu(tf.nn.conv2d(P1, parameters["W2"], strides=1, padding="SAME"))
    P2 = tf.nn.max_pool2d(A2, ksize=pools[1], strides=pools[1], padding="SAME")
    F = tf.reshape(P2, (tf.shape(P2)[0], -1))
    return tf.matmul(F, parameters["W3"]) + parameters["b3"]
""",
    ),
    "compute_cost": Task(
        ("compute_cost",),
        """
def compute_cost(logits, Y):
    costs = tf.nn.softmax_cross_entropy_with_logits(labels=Y, logits=logits)
    return tf.reduce_mean(costs)
""",
    ),
    "random_mini_batches": Task(
        ("random_mini_batches",),
        """
def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
    order = np.random.default_rng(seed).permutation(len(X))
    batches = []
    for start in range(0, len(X), mini_batch_size):
        part = order[start : start + mini_batch_size]
        batches.append((X[part], Y[part]))
    return batches
""",
    ),
    "train_step": Task(
        ("train_step",),
        """
@tf.function(reduce_retracing=True)
def train_step(X, Y, parameters, optimizer, pools=(8, 4)):
    with tf.GradientTape() as tape:
        logits = forward_propagation(X, parameters, pools)
        cost = compute_cost(logits, Y)
    variables = list(parameters.values())
    gradients = tape.gradient(cost, variables)
    optimizer.apply_gradients(zip(gradients, variables, strict=True))
    right = tf.equal(tf.argmax(logits, axis=1), tf.argmax(Y, axis=1))
    return cost, tf.reduce_sum(tf.cast(right, tf.float32))
""",
        "from resnets.convnet import compute_cost, forward_propagation\n",
    ),
    "answering_filters": Task(
        ("answering_filters",),
        """
def answering_filters(X, W1):
    A1 = tf.nn.relu(tf.nn.conv2d(X, W1, strides=1, padding="SAME"))
    answers = np.any(A1 > 0, axis=(0, 1, 2))
    return int(answers.sum())
""",
    ),
    # --- 02 ---------------------------------------------------------------------------------------
    "identity_block_two_layers": Task(
        ("identity_block_two_layers",),
        """
def identity_block_two_layers(X, f, filters, stage, block):
    shortcut = X

    X = Conv2D(filters, f, padding="same", name=f"res{stage}{block}_branch2a")(X)
    X = BatchNormalization(momentum=0.9, name=f"bn{stage}{block}_branch2a")(X)
    X = Activation("relu")(X)

    X = Conv2D(filters, f, padding="same", name=f"res{stage}{block}_branch2b")(X)
    X = BatchNormalization(momentum=0.9, name=f"bn{stage}{block}_branch2b")(X)

    X = Add()([shortcut, X])
    return Activation("relu")(X)
""",
    ),
    "bottleneck_counts": Task(
        ("count_2b", "count_2c"),
        """
count_2b = 3 * 3 * 64 * 64 + 64
count_2c = 1 * 1 * 64 * 256 + 256
""",
        "count_2a = 1 * 1 * 256 * 64 + 64\n",
    ),
    "component_2": Task(("after_2a", "after_2b"), COMPONENT_2, COMPONENT_1),
    "component_3": Task(("after_2b", "after_2c"), COMPONENT_3, COMPONENT_1 + COMPONENT_2),
    "addition": Task(
        ("shortcut", "after_2c", "after_addition"),
        """
X = Add()([shortcut, after_2c])
after_addition = Activation("relu")(X)
""",
        COMPONENT_1 + COMPONENT_2 + COMPONENT_3,
    ),
    "identity_block": Task(
        ("identity_block",),
        """
def identity_block(X, f, filters, stage, block):
    F1, F2, F3 = filters
    conv_name = f"res{stage}{block}_branch"
    bn_name = f"bn{stage}{block}_branch"
    shortcut = X

    X = Conv2D(F1, 1, name=conv_name + "2a")(X)
    X = BatchNormalization(momentum=0.9, name=bn_name + "2a")(X)
    X = Activation("relu")(X)

    X = Conv2D(F2, f, padding="same", name=conv_name + "2b")(X)
    X = BatchNormalization(momentum=0.9, name=bn_name + "2b")(X)
    X = Activation("relu")(X)

    X = Conv2D(F3, 1, name=conv_name + "2c")(X)
    X = BatchNormalization(momentum=0.9, name=bn_name + "2c")(X)

    X = Add()([shortcut, X])
    return Activation("relu")(X)
""",
    ),
    "silence": Task(
        ("silence",),
        """
def silence(model):
    for layer in model.layers:
        if isinstance(layer, BatchNormalization) and layer.name.endswith("branch2c"):
            layer.gamma.assign(np.zeros(layer.gamma.shape))
""",
    ),
    # --- 03 ---------------------------------------------------------------------------------------
    "output_side": Task(
        ("output_side",),
        """
def output_side(n, f, s, padding):
    if padding == "valid":
        return (n - f) // s + 1
    return -(-n // s)
""",
    ),
    "one_by_one": Task(
        ("one_by_one",),
        """
def one_by_one(images, kernel, bias, s):
    kept = images[:, ::s, ::s, :]
    return kept @ kernel + bias
""",
    ),
    "main_path": Task(("after_2a", "after_2c"), MAIN_PATH, STRIDED_2A),
    "shortcut": Task(
        ("inputs", "shortcut"),
        """
X = Conv2D(512, 1, strides=2, name="res3a_branch1")(inputs)
shortcut = BatchNormalization(momentum=0.9, name="bn3a_branch1")(X)
""",
        STRIDED_2A + MAIN_PATH,
    ),
    "convolutional_block": Task(
        ("convolutional_block",),
        """
def convolutional_block(X, f, filters, stage, block, s=2):
    F1, F2, F3 = filters
    conv_name = f"res{stage}{block}_branch"
    bn_name = f"bn{stage}{block}_branch"
    shortcut = X

    X = Conv2D(F1, 1, strides=s, name=conv_name + "2a")(X)
    X = BatchNormalization(momentum=0.9, name=bn_name + "2a")(X)
    X = Activation("relu")(X)

    X = Conv2D(F2, f, padding="same", name=conv_name + "2b")(X)
    X = BatchNormalization(momentum=0.9, name=bn_name + "2b")(X)
    X = Activation("relu")(X)

    X = Conv2D(F3, 1, name=conv_name + "2c")(X)
    X = BatchNormalization(momentum=0.9, name=bn_name + "2c")(X)

    shortcut = Conv2D(F3, 1, strides=s, name=conv_name + "1")(shortcut)
    shortcut = BatchNormalization(momentum=0.9, name=bn_name + "1")(shortcut)
    X = Add()([shortcut, X])
    return Activation("relu")(X)
""",
    ),
    "projection": Task(
        ("predicted_shape", "shortcut_parameters"),
        """
predicted_shape = (4, 4, 1024)
shortcut_parameters = 512 * 1024 + 1024 + 4 * 1024
""",
    ),
    # --- 04 ---------------------------------------------------------------------------------------
    "stage_1": Task(("stage_1",), STAGE_1),
    "sides_of_96": Task(("sides_of_96",), "sides_of_96 = [48, 23, 12, 6, 3, 1]\n"),
    "stage_table": Task(("STAGES",), STAGE_TABLE),
    "stages_2_to_5": Task(("stages_2_to_5",), STAGES_2_TO_5, BLOCKS + STAGE_TABLE),
    "head": Task(("head",), HEAD),
    "resnet50": Task(
        ("ResNet50",),
        """
def ResNet50(input_shape=(64, 64, 3), classes=6):
    images = keras.Input(input_shape)
    X = stages_2_to_5(stage_1(images))
    probabilities = head(X, classes)
    return keras.Model(images, probabilities, name="ResNet50")
""",
        BLOCKS + STAGE_TABLE + STAGE_1 + STAGES_2_TO_5 + HEAD,
    ),
    "updated_average": Task(
        ("updated_average",),
        """
def updated_average(average, batch_value, momentum):
    return momentum * average + (1 - momentum) * batch_value
""",
    ),
    "prepare_picture": Task(
        ("prepare_picture",),
        """
def prepare_picture(picture):
    picture = ImageOps.exif_transpose(picture).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side)).resize((64, 64))
    return np.asarray(square, "float32")[np.newaxis] / 255
""",
    ),
    "fit_shortcut": Task(
        ("fit_shortcut",),
        """
def fit_shortcut(X, filters, stride):
    X = X[:, ::stride, ::stride]
    return keras.ops.pad(X, [(0, 0), (0, 0), (0, 0), (0, filters - X.shape[-1])])
""",
    ),
    "differ": Task(
        ("differ",),
        """
def differ(one, other):
    apart = abs(np.mean(one) - np.mean(other))
    return apart > np.std(one) + np.std(other)
""",
    ),
    "image_distance": Task(
        ("image_distance",),
        """
def image_distance(one, other):
    return np.sqrt(np.mean((one - other) ** 2))
""",
    ),
    "smooth_labels": Task(
        ("smooth_labels",),
        """
def smooth_labels(labels, share):
    classes = labels.shape[1]
    return labels * (1 - share) + share / classes
""",
    ),
    "cosine": Task(
        ("cosine",),
        """
def cosine(part):
    return (1 + np.cos(np.pi * part)) / 2
""",
    ),
    "split_by_class": Task(
        ("split_by_class",),
        """
def split_by_class(labels, share, seed=0):
    generator, held_out = np.random.default_rng(seed), []
    for label in np.unique(labels):
        indices = generator.permutation(np.flatnonzero(labels == label))
        held_out.extend(indices[: int(share * len(indices))])
    return np.setdiff1d(np.arange(len(labels)), held_out), np.sort(held_out)
""",
    ),
    "confusion_matrix": Task(
        ("confusion_matrix",),
        """
def confusion_matrix(expected, predicted, classes):
    counts = np.zeros((classes, classes), int)
    for row, column in zip(expected, predicted, strict=True):
        counts[row, column] += 1
    return counts
""",
    ),
    # --- 08 ---------------------------------------------------------------------------------------
    "weigh_maps": Task(
        ("weigh_maps",),
        """
def weigh_maps(maps, gradients):
    weights = gradients.mean(axis=(0, 1))
    heat = np.maximum(maps @ weights, 0)
    return heat / heat.max() if heat.max() > 0 else heat
""",
    ),
    "expected_calibration_error": Task(
        ("expected_calibration_error",),
        """
def expected_calibration_error(confidence, correct, bins=10):
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for k in np.unique(bin_of):
        inside = bin_of == k
        gap = abs(confidence[inside].mean() - correct[inside].mean())
        error += gap * inside.mean()
    return error
""",
    ),
}


@dataclass(frozen=True)
class Case:
    """One answer of a bank: the task, what is special about it, its source.

    `words` are for wrong answers: what the message has to contain, in lower case; a tuple holds
    alternatives.
    """

    task: str
    name: str
    code: str
    words: tuple[str | tuple[str, ...], ...] = ()

    def __str__(self) -> str:
        return f"{self.task}: {self.name}"


# --- running an answer ----------------------------------------------------------------------------

_cells = itertools.count(1)
_preludes: list[dict] = []


def compiled(source: str) -> CodeType:
    """Compile a cell as Jupyter does: its lines can be looked up, so errors can show them."""
    name = f"<ipython-input-{next(_cells)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    return compile(source, name, "exec")


def namespace(task: str, code: str) -> dict[str, object]:
    """Return the names of a notebook whose blank was filled with `code`."""
    if not _preludes:
        start = {"__name__": "__main__"}
        exec(compiled(PRELUDE), start)
        _preludes.append(start)
    names = dict(_preludes[0])
    exec(compiled(TASKS[task].given), names)
    exec(compiled(code), names)
    return names


# --- changing an answer ---------------------------------------------------------------------------


def edit(task: str, *changes: tuple[str, str]) -> str:
    """Return the task's correct answer with each `old` of (old, new), found once, replaced."""
    code = TASKS[task].correct
    for old, new in changes:
        assert code.count(old) == 1, f"{task}: {code.count(old)} times {old!r}"
        code = code.replace(old, new)
    return code


def edit_all(task: str, old: str, new: str) -> str:
    """Return the task's correct answer with every `old` replaced."""
    code = TASKS[task].correct
    assert old in code, f"{task}: no {old!r}"
    return code.replace(old, new)


def drop(task: str, *texts: str) -> str:
    """Return the task's correct answer without the lines that hold these texts, one line each."""
    lines = TASKS[task].correct.splitlines()
    for text in texts:
        found = [line for line in lines if text in line]
        assert len(found) == 1, f"{task}: {len(found)} lines with {text!r}"
        lines.remove(found[0])
    return "\n".join(lines) + "\n"


RIGHT: list[Case] = []


def right(task: str, name: str, code: str) -> None:
    """Put a correct answer into the bank."""
    RIGHT.append(Case(task, name, textwrap.dedent(code)))


# --- 01, the two-layer ConvNet --------------------------------------------------------------------

right(
    "prepare",
    "np.float32 and np.eye",
    """
    def prepare(images, labels):
        one_hot = np.eye(6, dtype=np.float32)
        return np.float32(images) / 255.0, one_hot[labels[0]]
    """,
)
right(
    "prepare",
    "to_categorical",
    """
    def prepare(pictures, signs):
        X = np.array(pictures, dtype=np.float32) / 255
        Y = keras.utils.to_categorical(signs.flatten(), num_classes=6).astype(np.float32)
        return X, Y
    """,
)
right(
    "prepare",
    "comparison",
    """
    def prepare(images, labels):
        Y = (labels.T == np.arange(6)).astype("float32")
        return (images / 255).astype(np.float32), Y
    """,
)
right(
    "prepare",
    "loop",
    """
    def prepare(images, labels):
        m = labels.shape[1]
        Y = np.zeros((m, 6), dtype="float32")
        for i in range(m):
            Y[i, labels[0, i]] = 1
        return images.astype(np.float32) * np.float32(1 / 255), Y
    """,
)
right(
    "prepare",
    "tf.one_hot as an array, a list as the result",
    """
    def prepare(images, labels):
        return [tf.cast(images, tf.float32).numpy() / 255, tf.one_hot(labels[0], 6).numpy()]
    """,
)
right(
    "prepare",
    "lambda",
    """
    prepare = lambda images, labels: (
        images.astype("float32") / 255, np.eye(6).astype("float32")[labels.reshape(-1)]
    )
    """,
)
right(
    "initialize_parameters",
    "an initialiser for each kernel, with seeds of their own",
    edit(
        "initialize_parameters",
        ("W1 = tf.Variable(glorot(", "W1 = tf.Variable(keras.initializers.GlorotUniform(seed)("),
        (
            "W2 = tf.Variable(glorot(",
            "W2 = tf.Variable(keras.initializers.GlorotUniform(seed + 1000)(",
        ),
    ),
)
right(
    "initialize_parameters",
    "GlorotNormal with a generator",
    edit("initialize_parameters", ("GlorotUniform", "GlorotNormal")),
)
right(
    "initialize_parameters",
    "names, keywords and lists",
    edit(
        "initialize_parameters",
        (
            "tf.Variable(glorot((f1, f1, 3, n1)))",
            'tf.Variable(initial_value=glorot(shape=[f1, f1, 3, n1]), name="W1", dtype=tf.float32)',
        ),
        (
            "tf.Variable(glorot((f2, f2, n1, n2)))",
            'tf.Variable(glorot(shape=[f2, f2, n1, n2], dtype="float32"), name="W2")',
        ),
    ),
)
right(
    "initialize_parameters",
    "Glorot by hand, stateless",
    """
    def initialize_parameters(seed=0, windows=(4, 2), filters=(8, 16), pools=(8, 4)):
        def kernel(number, height, channels, count):
            limit = math.sqrt(6 / (height * height * (channels + count)))
            shape = (height, height, channels, count)
            return tf.Variable(tf.random.stateless_uniform(shape, (seed, number), -limit, limit))

        side = 64 // pools[0] // pools[1]
        glorot = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
        return {
            "W1": kernel(1, windows[0], 3, filters[0]),
            "W2": kernel(2, windows[1], filters[0], filters[1]),
            "W3": tf.Variable(glorot((side * side * filters[1], 6))),
            "b3": tf.Variable(tf.zeros(6)),
        }
    """,
)
right(
    "initialize_parameters",
    "Glorot with NumPy, in a loop",
    """
    def initialize_parameters(seed=0, windows=(4, 2), filters=(8, 16), pools=(8, 4)):
        rng = np.random.default_rng(seed)
        parameters, channels = {}, 3
        for name, f, n in zip(("W1", "W2"), windows, filters):
            limit = np.sqrt(6 / (f * f * channels + f * f * n))
            values = rng.uniform(-limit, limit, (f, f, channels, n))
            parameters[name] = tf.Variable(values, dtype=tf.float32)
            channels = n
        side = 64 // pools[0] // pools[1]
        glorot = keras.initializers.GlorotUniform(seed)
        parameters["W3"] = tf.Variable(glorot((side * side * channels, 6)))
        parameters["b3"] = tf.Variable(tf.zeros(6))
        return parameters
    """,
)
right(
    "convnet_sides",
    "calculated",
    """
    first_side = 64 // 8
    second_side = first_side // 4
    inputs_of_W3 = second_side**2 * 16
    """,
)
right(
    "convnet_sides",
    "ordinary division",
    """
    first_side = 64 / 8
    second_side = first_side / 4
    inputs_of_W3 = np.prod([2, 2, 16])
    """,
)
right(
    "forward_propagation",
    "ReLU after the pooling",
    edit(
        "forward_propagation",
        (
            'A2 = tf.nn.relu(tf.nn.conv2d(P1, parameters["W2"], strides=1, padding="SAME"))',
            'A2 = tf.nn.conv2d(P1, parameters["W2"], strides=1, padding="SAME")',
        ),
        ("P2 = tf.nn.max_pool2d(A2,", "P2 = tf.nn.max_pool2d(A2,"),
        ("    F = ", "    P2 = tf.nn.relu(P2)\n    F = "),
    ),
)
right(
    "forward_propagation",
    "keras.ops",
    """
    def forward_propagation(X, parameters, pools=(8, 4)):
        ops = keras.ops
        for name, pool in zip(("W1", "W2"), pools):
            X = ops.relu(ops.conv(X, parameters[name], strides=1, padding="same"))
            X = ops.max_pool(X, pool, strides=pool, padding="same")
        F = ops.reshape(X, (ops.shape(X)[0], -1))
        return ops.add(ops.matmul(F, parameters["W3"]), parameters["b3"])
    """,
)
right(
    "forward_propagation",
    "Flatten, bias_add, lists for the strides, padding VALID in the pooling",
    """
    def forward_propagation(X, parameters, pools=(8, 4)):
        W1, W2, W3, b3 = (parameters[key] for key in ("W1", "W2", "W3", "b3"))
        first, second = pools
        Z1 = tf.nn.conv2d(X, W1, strides=[1, 1, 1, 1], padding="SAME")
        A1 = tf.nn.relu(Z1)
        P1 = tf.nn.max_pool2d(A1, first, first, "SAME")
        Z2 = tf.nn.convolution(P1, W2, strides=[1, 1], padding="SAME")
        A2 = tf.maximum(Z2, 0.0)
        P2 = tf.nn.max_pool(A2, [1, second, second, 1], [1, second, second, 1], "VALID")
        flat = tf.keras.layers.Flatten()(P2)
        return tf.nn.bias_add(flat @ W3, b3)
    """,
)
right(
    "forward_propagation",
    "einsum, a helper, the size from W3",
    """
    def conv_relu_pool(X, W, pool):
        X = tf.nn.relu(tf.nn.conv2d(X, W, strides=(1, 1), padding="SAME"))
        return keras.layers.MaxPooling2D(pool)(X)

    def forward_propagation(X, parameters, pools=(8, 4)):
        P = conv_relu_pool(X, parameters["W1"], pools[0])
        P = conv_relu_pool(P, parameters["W2"], pools[1])
        F = tf.reshape(P, (-1, parameters["W3"].shape[0]))
        return tf.einsum("mi,ij->mj", F, parameters["W3"]) + parameters["b3"]
    """,
)
right(
    "forward_propagation",
    "number of features by np.prod, tensordot",
    edit(
        "forward_propagation",
        ("(tf.shape(P2)[0], -1)", "[-1, int(np.prod(P2.shape[1:]))]"),
        ('tf.matmul(F, parameters["W3"])', 'tf.tensordot(F, parameters["W3"], axes=1)'),
    ),
)
right(
    "compute_cost",
    "CategoricalCrossentropy",
    """
    def compute_cost(logits, Y):
        return tf.keras.losses.CategoricalCrossentropy(from_logits=True)(Y, logits)
    """,
)
right(
    "compute_cost",
    "categorical_crossentropy and keras.ops.mean",
    """
    def compute_cost(logits, Y):
        costs = keras.losses.categorical_crossentropy(Y, logits, from_logits=True)
        return keras.ops.mean(costs)
    """,
)
right(
    "compute_cost",
    "log_softmax by hand",
    """
    def compute_cost(logits, Y):
        return -tf.reduce_mean(tf.reduce_sum(Y * tf.nn.log_softmax(logits), axis=1))
    """,
)
right(
    "compute_cost",
    "logsumexp, sum divided by the number of images",
    """
    def compute_cost(scores, Y):
        m = tf.cast(tf.shape(Y)[0], tf.float32)
        of_the_right_class = tf.reduce_sum(Y * scores, axis=-1)
        return tf.reduce_sum(tf.reduce_logsumexp(scores, axis=-1) - of_the_right_class) / m
    """,
)
right(
    "compute_cost",
    "sparse, with argmax",
    """
    def compute_cost(logits, Y):
        labels = tf.argmax(Y, axis=1)
        costs = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        return tf.math.reduce_mean(costs)
    """,
)
right(
    "random_mini_batches",
    "RandomState and the course's two steps",
    """
    def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
        m = X.shape[0]
        permutation = list(np.random.RandomState(seed).permutation(m))
        shuffled_X, shuffled_Y = X[permutation], Y[permutation, :]
        mini_batches = []
        complete = math.floor(m / mini_batch_size)
        for k in range(complete):
            chosen = slice(k * mini_batch_size, (k + 1) * mini_batch_size)
            mini_batches.append((shuffled_X[chosen], shuffled_Y[chosen]))
        if m % mini_batch_size != 0:
            rest = slice(complete * mini_batch_size, m)
            mini_batches.append((shuffled_X[rest], shuffled_Y[rest]))
        return mini_batches
    """,
)
right(
    "random_mini_batches",
    "np.random.seed and a while loop, lists as pairs",
    """
    def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
        np.random.seed(seed)
        order = np.random.permutation(X.shape[0])
        batches = []
        while len(order) > 0:
            now, order = order[:mini_batch_size], order[mini_batch_size:]
            batches += [[X[now], Y[now]]]
        return batches
    """,
)
right(
    "random_mini_batches",
    "np.split and zip",
    """
    def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
        order = np.argsort(np.random.default_rng(seed).random(len(Y)))
        cuts = range(mini_batch_size, len(Y), mini_batch_size)
        return list(zip(np.split(X[order], cuts), np.split(Y[order], cuts)))
    """,
)
right(
    "random_mini_batches",
    "Python's random",
    """
    def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
        order = list(range(len(X)))
        random.Random(seed).shuffle(order)
        parts = [order[i : i + mini_batch_size] for i in range(0, len(X), mini_batch_size)]
        return [(X[part], Y[part]) for part in parts]
    """,
)
right(
    "random_mini_batches",
    "the same generator twice, on copies",
    """
    def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
        X, Y = X.copy(), Y.copy()
        for array in (X, Y):
            np.random.default_rng(seed).shuffle(array)
        step = mini_batch_size
        return [(X[i : i + step], Y[i : i + step]) for i in range(0, X.shape[0], step)]
    """,
)
right("train_step", "without tf.function", drop("train_step", "@tf.function"))
right("train_step", "plain tf.function", edit("train_step", ("(reduce_retracing=True)", "")))
right(
    "train_step",
    "gradients of the dictionary",
    """
    @tf.function
    def train_step(X, Y, parameters, optimizer, pools=(8, 4)):
        with tf.GradientTape() as tape:
            logits = forward_propagation(X, parameters, pools)
            cost = compute_cost(logits, Y)
        slopes = tape.gradient(cost, parameters)
        optimizer.apply_gradients([(slopes[key], parameters[key]) for key in parameters])
        hits = tf.argmax(logits, 1) == tf.argmax(Y, 1)
        return cost, tf.math.count_nonzero(hits)
    """,
)
right(
    "train_step",
    "optimizer.apply, positions written out",
    """
    def train_step(X, Y, parameters, optimizer, pools=(8, 4)):
        W1, W2, W3, b3 = [parameters[name] for name in ["W1", "W2", "W3", "b3"]]
        with tf.GradientTape(persistent=True) as tape:
            Z3 = forward_propagation(X, parameters, pools=pools)
            J = compute_cost(Z3, Y)
        dW1, dW2, dW3, db3 = tape.gradient(J, [W1, W2, W3, b3])
        optimizer.apply([dW1, dW2, dW3, db3], [W1, W2, W3, b3])
        predictions = keras.ops.argmax(Z3, axis=-1)
        signs = keras.ops.argmax(Y, axis=-1)
        right = 0
        for i in range(len(X)):
            right += int(predictions[i] == signs[i])
        return J, right
    """,
)
right(
    "train_step",
    "helper functions, the count from the mean",
    """
    def cost_and_logits(X, Y, parameters, pools):
        logits = forward_propagation(X, parameters, pools)
        return compute_cost(logits, Y), logits

    def count_right(logits, Y):
        right = tf.cast(tf.equal(tf.argmax(Y, axis=1), tf.argmax(logits, axis=1)), tf.float32)
        return tf.reduce_mean(right) * tf.cast(tf.shape(Y)[0], tf.float32)

    @tf.function(reduce_retracing=True)
    def train_step(X, Y, parameters, optimizer, pools=(8, 4)):
        with tf.GradientTape() as tape:
            cost, logits = cost_and_logits(X, Y, parameters, pools)
        right = count_right(logits, Y)
        variables = list(parameters.values())
        optimizer.apply_gradients(zip(tape.gradient(cost, variables), variables))
        return cost, right
    """,
)
right(
    "answering_filters",
    "a loop over the filters",
    """
    def answering_filters(X, W1):
        A1 = tf.nn.relu(tf.nn.conv2d(X, W1, strides=1, padding="SAME"))
        alive = 0
        for filter in range(A1.shape[-1]):
            if tf.reduce_max(A1[:, :, :, filter]) > 0:
                alive = alive + 1
        return alive
    """,
)
right(
    "answering_filters",
    "the largest value, no ReLU, NumPy's integer",
    """
    def answering_filters(X, W1):
        Z1 = np.asarray(keras.ops.conv(X, W1, strides=1, padding="same"))
        return np.count_nonzero(Z1.max(axis=(0, 1, 2)) > 0)
    """,
)
right(
    "answering_filters",
    "the sum over images and pixels",
    """
    def answering_filters(X, W1):
        A1 = tf.nn.relu(tf.nn.conv2d(X, W1, strides=1, padding="SAME")).numpy()
        total = A1.reshape(-1, A1.shape[-1]).sum(axis=0)
        return (total > 0).sum()
    """,
)

# --- 02, the identity block -----------------------------------------------------------------------

right(
    "identity_block_two_layers",
    "keras.ops, lists, other names",
    """
    def identity_block_two_layers(X, f, filters, stage, block):
        names = ["res%d%s_branch2" % (stage, block), "bn%d%s_branch2" % (stage, block)]
        Z = Conv2D(filters=filters, kernel_size=[f, f], padding="SAME", name=names[0] + "a")(X)
        Z = BatchNormalization(axis=3, name=names[1] + "a")(Z)
        Z = keras.ops.relu(Z)
        Z = Conv2D(filters=filters, kernel_size=[f, f], padding="SAME", name=names[0] + "b")(Z)
        Z = BatchNormalization(axis=3, name=names[1] + "b")(Z)
        return keras.ops.relu(X + Z)
    """,
)
right(
    "identity_block_two_layers",
    "a loop over the components",
    """
    def identity_block_two_layers(X, f, filters, stage, block):
        Y = X
        for part in "ab":
            Y = Conv2D(filters, (f, f), (1, 1), "same", name=f"res{stage}{block}_branch2{part}")(Y)
            Y = BatchNormalization(name=f"bn{stage}{block}_branch2{part}")(Y)
            if part == "b":
                Y = layers.add([Y, X])
            Y = ReLU()(Y)
        return Y
    """,
)
right("bottleneck_counts", "as numbers", "count_2b, count_2c = 36_928, 16_640\n")
right(
    "bottleneck_counts",
    "a helper function",
    """
    def count(f, channels_in, filters):
        return (f**2 * channels_in + 1) * filters

    count_2b, count_2c = count(3, 64, 64), count(1, 64, 256)
    """,
)
right(
    "component_2",
    "ReLU layer, tuples, other names",
    """
    conv = Conv2D(64, (3, 3), strides=(1, 1), padding="same", name="res2b_branch2b")
    normalise = BatchNormalization(axis=3, epsilon=1.001e-5, name="bn2b_branch2b")
    after_2b = ReLU()(normalise(conv(after_2a)))
    """,
)
right(
    "component_2",
    "keras.activations.relu as a function",
    """
    after_2b = Conv2D(64, 3, padding="same", name="res2b_branch2b")(after_2a)
    after_2b = BatchNormalization(momentum=0.9, name="bn2b_branch2b")(after_2b)
    after_2b = keras.activations.relu(after_2b)
    """,
)
right(
    "component_2",
    "zeros around it, then padding valid",
    """
    padded = ZeroPadding2D(1)(after_2a)
    Z = Conv2D(64, 3, padding="valid", name="res2b_branch2b")(padded)
    after_2b = Activation("relu")(BatchNormalization(name="bn2b_branch2b")(Z))
    """,
)
right(
    "component_3",
    "in one line, with keras.layers",
    """
    after_2c = keras.layers.BatchNormalization(name="bn2b_branch2c")(
        keras.layers.Conv2D(256, kernel_size=(1, 1), name="res2b_branch2c")(after_2b)
    )
    """,
)
right(
    "component_3",
    "padding same, which a 1x1 window ignores",
    edit("component_3", ("Conv2D(256, 1,", 'Conv2D(256, 1, padding="same",')),
)
right("addition", "other order", edit("addition", ("[shortcut, after_2c]", "[after_2c, shortcut]")))
right("addition", "the operator +", 'after_addition = Activation("relu")(shortcut + after_2c)\n')
right(
    "addition",
    "keras.ops",
    "after_addition = keras.ops.relu(keras.ops.add(after_2c, shortcut))\n",
)
right(
    "addition",
    "layers.add, a named ReLU layer",
    """
    total = layers.add([after_2c, shortcut])
    after_addition = layers.ReLU(name="out")(total)
    """,
)
right(
    "addition",
    "tf.keras",
    """
    total = tf.keras.layers.Add(name="res2b")([shortcut, after_2c])
    after_addition = tf.keras.layers.Activation(tf.keras.activations.relu)(total)
    """,
)
right(
    "identity_block",
    "the published code: lists, axis=3, X_shortcut",
    """
    def identity_block(X, f, filters, stage, block):
        conv_name_base = "res" + str(stage) + block + "_branch"
        bn_name_base = "bn" + str(stage) + block + "_branch"
        F1, F2, F3 = filters
        X_shortcut = X
        X = Conv2D(filters=F1, kernel_size=(1, 1), strides=(1, 1), padding="valid",
                   name=conv_name_base + "2a")(X)
        X = BatchNormalization(axis=3, name=bn_name_base + "2a")(X)
        X = Activation("relu")(X)
        X = Conv2D(filters=F2, kernel_size=(f, f), strides=(1, 1), padding="same",
                   name=conv_name_base + "2b")(X)
        X = BatchNormalization(axis=3, name=bn_name_base + "2b")(X)
        X = Activation("relu")(X)
        X = Conv2D(filters=F3, kernel_size=(1, 1), strides=(1, 1), padding="valid",
                   name=conv_name_base + "2c")(X)
        X = BatchNormalization(axis=3, name=bn_name_base + "2c")(X)
        X = layers.add([X, X_shortcut])
        X = Activation("relu")(X)
        return X
    """,
)
right("identity_block", "ReLU layers", edit_all("identity_block", 'Activation("relu")', "ReLU()"))
right(
    "identity_block",
    "keras.ops.relu",
    edit_all("identity_block", 'Activation("relu")(X)', "keras.ops.relu(X)"),
)
right(
    "identity_block",
    "Activation(keras.activations.relu)",
    edit_all("identity_block", 'Activation("relu")', "Activation(keras.activations.relu)"),
)
right(
    "identity_block",
    "the operator +",
    edit("identity_block", ("Add()([shortcut, X])", "X + shortcut")),
)
right(
    "identity_block",
    "+= for the addition",
    edit("identity_block", ("X = Add()([shortcut, X])", "X += shortcut")),
)
right(
    "identity_block",
    "keras.ops.add",
    edit("identity_block", ("Add()([shortcut, X])", "keras.ops.add(shortcut, X)")),
)
right(
    "identity_block",
    "momentum and epsilon of Keras Applications",
    edit_all("identity_block", "momentum=0.9,", "axis=-1, epsilon=1.001e-5, momentum=0.99,"),
)
right(
    "identity_block",
    "other initialisers",
    edit(
        "identity_block",
        ("Conv2D(F1, 1,", 'Conv2D(F1, 1, kernel_initializer="he_normal",'),
        (
            "Conv2D(F3, 1,",
            "Conv2D(F3, 1, kernel_initializer=keras.initializers.GlorotUniform("
            "keras.random.SeedGenerator(0)),",
        ),
    ),
)
right(
    "identity_block",
    "helper function",
    """
    def conv_bn(X, filters, size, suffix):
        X = Conv2D(filters, size, padding="same", name="res" + suffix)(X)
        return BatchNormalization(momentum=0.9, name="bn" + suffix)(X)

    def identity_block(X, f, filters, stage, block):
        base = f"{stage}{block}_branch2"
        main = keras.activations.relu(conv_bn(X, filters[0], 1, base + "a"))
        main = keras.activations.relu(conv_bn(main, filters[1], f, base + "b"))
        main = conv_bn(main, filters[2], 1, base + "c")
        return keras.activations.relu(X + main)
    """,
)
right(
    "identity_block",
    "loop over the three components",
    """
    def identity_block(inputs, f, filters, stage, block):
        Z = inputs
        for letter, count, side in zip("abc", filters, (1, f, 1)):
            Z = Conv2D(count, side, padding="same", name=f"res{stage}{block}_branch2{letter}")(Z)
            Z = BatchNormalization(name=f"bn{stage}{block}_branch2{letter}")(Z)
            if letter != "c":
                Z = Activation("relu")(Z)
        return Activation("relu")(Add()([Z, inputs]))
    """,
)
right(
    "identity_block",
    "tf.keras throughout, named activations",
    """
    def identity_block(X, f, filters, stage, block):
        L = tf.keras.layers
        first, second, third = filters
        where = str(stage) + block
        Y = L.Conv2D(first, 1, name="res" + where + "_branch2a")(X)
        Y = L.BatchNormalization(name="bn" + where + "_branch2a")(Y)
        Y = L.Activation(tf.nn.relu, name="relu" + where + "_2a")(Y)
        Y = L.Conv2D(second, f, padding="same", name="res" + where + "_branch2b")(Y)
        Y = L.BatchNormalization(name="bn" + where + "_branch2b")(Y)
        Y = L.Activation(tf.nn.relu, name="relu" + where + "_2b")(Y)
        Y = L.Conv2D(third, 1, name="res" + where + "_branch2c")(Y)
        Y = L.BatchNormalization(name="bn" + where + "_branch2c")(Y)
        Y = L.Add(name="add" + where)([X, Y])
        return L.Activation("relu", name="out" + where)(Y)
    """,
)
right(
    "identity_block",
    "layers made first, called later",
    """
    def identity_block(X, f, filters, stage, block):
        name = "{}{}{}_branch2{}".format
        convs = [Conv2D(n, (k, k), strides=1, padding="same", name=name("res", stage, block, c))
                 for n, k, c in zip(filters, (1, f, 1), "abc")]
        norms = [BatchNormalization(name=name("bn", stage, block, c)) for c in "abc"]
        Y = ReLU()(norms[0](convs[0](X)))
        Y = ReLU()(norms[1](convs[1](Y)))
        Y = norms[2](convs[2](Y))
        return ReLU()(Add()((X, Y)))
    """,
)
right(
    "identity_block",
    "ReLU as a maximum with zero",
    edit("identity_block", ('return Activation("relu")(X)', "return keras.ops.maximum(X, 0)")),
)
right(
    "silence",
    "zeros_like, by the name alone",
    """
    def silence(model):
        for layer in model.layers:
            if layer.name.startswith("bn") and layer.name.endswith("branch2c"):
                layer.gamma.assign(tf.zeros_like(layer.gamma))
    """,
)
right(
    "silence",
    "set_weights, and the model returned",
    """
    def silence(model):
        found = [layer for layer in model.layers if layer.name[-8:] == "branch2c"]
        for layer in found:
            if isinstance(layer, keras.layers.BatchNormalization):
                gamma, *rest = layer.get_weights()
                layer.set_weights([np.zeros_like(gamma), *rest])
        return model
    """,
)
right(
    "silence",
    "get_layer by name, times zero",
    """
    def silence(model):
        for name in [layer.name for layer in model.layers]:
            layer = model.get_layer(name)
            if name.endswith("branch2c") and hasattr(layer, "gamma"):
                layer.gamma.assign(layer.gamma * 0)
    """,
)

# --- 03, the convolutional block ------------------------------------------------------------------

right(
    "output_side",
    "math.ceil and math.floor",
    """
    def output_side(n, f, s, padding):
        if padding == "valid":
            return math.floor((n - f) / s) + 1
        return math.ceil(n / s)
    """,
)
right(
    "output_side",
    "positions counted",
    """
    def output_side(n, f, s, padding):
        last = n if padding == "same" else n - f + 1
        return len(range(0, last, s))
    """,
)
right(
    "output_side",
    "match, other rounding up, the same formula",
    """
    def output_side(n, f, s, padding):
        match padding:
            case "same":
                return (n + s - 1) // s
            case "valid":
                return (n - f + s) // s
    """,
)
right(
    "output_side",
    "np.ceil, made whole",
    """
    def output_side(n, f, s, padding):
        positions = n if padding == "same" else n - f + 1
        return int(np.ceil(positions / s))
    """,
)
right(
    "one_by_one",
    "einsum",
    """
    def one_by_one(images, kernel, bias, s):
        return np.einsum("nhwc,cf->nhwf", images[:, ::s, ::s], kernel) + bias
    """,
)
right(
    "one_by_one",
    "tensordot, stride last",
    """
    def one_by_one(images, kernel, bias, s):
        everywhere = np.tensordot(images, kernel, axes=([3], [0])) + bias
        return everywhere[:, ::s, ::s, :]
    """,
)
right(
    "one_by_one",
    "loops over the pixels",
    """
    def one_by_one(images, kernel, bias, s):
        m, height, width, _ = images.shape
        rows, columns = math.ceil(height / s), math.ceil(width / s)
        result = np.zeros((m, rows, columns, kernel.shape[1]))
        for i in range(rows):
            for j in range(columns):
                result[:, i, j] = np.dot(images[:, i * s, j * s], kernel) + bias
        return result
    """,
)
right(
    "one_by_one",
    "reshaped to rows of pixels",
    """
    def one_by_one(images, kernel, bias, s):
        kept = images[:, 0::s, 0::s, :]
        rows = kept.reshape(-1, images.shape[-1])
        return np.add(np.matmul(rows, kernel), bias).reshape(*kept.shape[:3], -1)
    """,
)
right(
    "main_path",
    "ReLU layer, tuples, other names",
    """
    Z = layers.Conv2D(128, (3, 3), padding="same", name="res3a_branch2b")(after_2a)
    Z = layers.ReLU()(layers.BatchNormalization(name="bn3a_branch2b")(Z))
    Z = layers.Conv2D(512, (1, 1), strides=[1, 1], name="res3a_branch2c")(Z)
    after_2c = layers.BatchNormalization(name="bn3a_branch2c")(Z)
    """,
)
right(
    "main_path",
    "loop",
    """
    after_2c = after_2a
    for letter, filters, f in [("b", 128, 3), ("c", 512, 1)]:
        after_2c = Conv2D(filters, f, padding="same", name=f"res3a_branch2{letter}")(after_2c)
        after_2c = BatchNormalization(momentum=0.9, name=f"bn3a_branch2{letter}")(after_2c)
        if letter == "b":
            after_2c = keras.ops.relu(after_2c)
    """,
)
right(
    "shortcut",
    "tuples, in one line",
    """
    shortcut = BatchNormalization(axis=-1, name="bn3a_branch1")(
        Conv2D(filters=512, kernel_size=(1, 1), strides=(2, 2), name="res3a_branch1")(inputs)
    )
    """,
)
right(
    "shortcut",
    "padding same",
    edit("shortcut", ("strides=2,", 'strides=[2, 2], padding="same",')),
)
right(
    "convolutional_block",
    "the published code",
    """
    def convolutional_block(X, f, filters, stage, block, s=2):
        conv_name_base = "res" + str(stage) + block + "_branch"
        bn_name_base = "bn" + str(stage) + block + "_branch"
        F1, F2, F3 = filters
        X_shortcut = X
        X = Conv2D(F1, (1, 1), strides=(s, s), name=conv_name_base + "2a")(X)
        X = BatchNormalization(axis=3, name=bn_name_base + "2a")(X)
        X = Activation("relu")(X)
        X = Conv2D(F2, (f, f), strides=(1, 1), padding="same", name=conv_name_base + "2b")(X)
        X = BatchNormalization(axis=3, name=bn_name_base + "2b")(X)
        X = Activation("relu")(X)
        X = Conv2D(F3, (1, 1), strides=(1, 1), name=conv_name_base + "2c")(X)
        X = BatchNormalization(axis=3, name=bn_name_base + "2c")(X)
        X_shortcut = Conv2D(F3, (1, 1), strides=(s, s), name=conv_name_base + "1")(X_shortcut)
        X_shortcut = BatchNormalization(axis=3, name=bn_name_base + "1")(X_shortcut)
        X = layers.add([X, X_shortcut])
        return Activation("relu")(X)
    """,
)
right(
    "convolutional_block",
    "helper function, keras.ops",
    """
    def projection(X, filters, side, stride, name):
        X = Conv2D(filters, side, strides=stride, padding="same", name="res" + name)(X)
        return BatchNormalization(momentum=0.9, name="bn" + name)(X)

    def convolutional_block(X, f, filters, stage, block, s=2):
        base = f"{stage}{block}_branch"
        main = keras.ops.relu(projection(X, filters[0], 1, s, base + "2a"))
        main = keras.ops.relu(projection(main, filters[1], f, 1, base + "2b"))
        main = projection(main, filters[2], 1, 1, base + "2c")
        return keras.ops.relu(main + projection(X, filters[2], 1, s, base + "1"))
    """,
)
right(
    "convolutional_block",
    "loop, tf.keras, lists for the strides",
    """
    def convolutional_block(X, f, filters, stage, block, s=2):
        L, Y = tf.keras.layers, X
        for letter, n, k, step in zip("abc", filters, (1, f, 1), (s, 1, 1)):
            Y = L.Conv2D(n, k, [step, step], "same", name=f"res{stage}{block}_branch2{letter}")(Y)
            Y = L.BatchNormalization(name=f"bn{stage}{block}_branch2{letter}")(Y)
            Y = L.ReLU()(Y) if letter != "c" else Y
        Z = L.Conv2D(filters[-1], 1, [s, s], name=f"res{stage}{block}_branch1")(X)
        Z = L.BatchNormalization(name=f"bn{stage}{block}_branch1")(Z)
        return L.ReLU()(L.Add()([Y, Z]))
    """,
)
right(
    "convolutional_block",
    "the shortcut's path first",
    """
    def convolutional_block(X, f, filters, stage, block, s=2):
        name = f"{stage}{block}_branch"
        shortcut = Conv2D(filters[2], 1, strides=s, name="res" + name + "1")(X)
        shortcut = BatchNormalization(momentum=0.9, name="bn" + name + "1")(shortcut)
        X = Conv2D(filters[0], 1, strides=s, name="res" + name + "2a")(X)
        X = BatchNormalization(momentum=0.9, name="bn" + name + "2a")(X)
        X = Activation("relu")(X)
        X = Conv2D(filters[1], f, padding="same", name="res" + name + "2b")(X)
        X = BatchNormalization(momentum=0.9, name="bn" + name + "2b")(X)
        X = Activation("relu")(X)
        X = Conv2D(filters[2], 1, name="res" + name + "2c")(X)
        X = BatchNormalization(momentum=0.9, name="bn" + name + "2c")(X)
        return Activation("relu")(Add()([X, shortcut]))
    """,
)
right(
    "convolutional_block",
    "stride by taking every s-th pixel",
    """
    def convolutional_block(X, f, filters, stage, block, s=2):
        F1, F2, F3 = filters
        seen = X[:, ::s, ::s, :]
        shortcut = Conv2D(F3, 1, name=f"res{stage}{block}_branch1")(seen)
        shortcut = BatchNormalization(name=f"bn{stage}{block}_branch1")(shortcut)
        X = Conv2D(F1, 1, name=f"res{stage}{block}_branch2a")(seen)
        X = Activation("relu")(BatchNormalization(name=f"bn{stage}{block}_branch2a")(X))
        X = Conv2D(F2, f, padding="same", name=f"res{stage}{block}_branch2b")(X)
        X = Activation("relu")(BatchNormalization(name=f"bn{stage}{block}_branch2b")(X))
        X = Conv2D(F3, 1, name=f"res{stage}{block}_branch2c")(X)
        X = BatchNormalization(name=f"bn{stage}{block}_branch2c")(X)
        return Activation("relu")(shortcut + X)
    """,
)
right(
    "projection",
    "a list, and a calculation by parts",
    """
    predicted_shape = [8 // 2, 8 // 2, 1024]
    convolution = (1 * 1 * 512 + 1) * 1024
    normalisation = 1024 + 1024 + 1024 + 1024
    shortcut_parameters = convolution + normalisation
    """,
)
right(
    "projection",
    "asked from Keras",
    """
    X = layer = keras.Input((8, 8, 512))
    conv, norm = Conv2D(1024, 1, strides=2), BatchNormalization()
    predicted_shape = norm(conv(X)).shape[1:]
    shortcut_parameters = conv.count_params() + norm.count_params()
    """,
)

# --- 04, ResNet50 ---------------------------------------------------------------------------------

right(
    "stage_1",
    "tuples everywhere",
    """
    def stage_1(images):
        X = ZeroPadding2D((3, 3))(images)
        X = Conv2D(64, (7, 7), strides=(2, 2), padding="valid", name="conv1")(X)
        X = BatchNormalization(axis=3, name="bn_conv1")(X)
        X = ReLU()(X)
        X = keras.layers.MaxPooling2D((3, 3), strides=(2, 2))(X)
        return X
    """,
)
right(
    "stage_1",
    "keras.ops, MaxPool2D",
    """
    def stage_1(images):
        padded = ZeroPadding2D(padding=((3, 3), (3, 3)))(images)
        found = layers.Conv2D(filters=64, kernel_size=7, strides=2, name="conv1")(padded)
        found = keras.ops.relu(layers.BatchNormalization(name="bn_conv1")(found))
        return layers.MaxPool2D(pool_size=3, strides=2, padding="valid")(found)
    """,
)
right(
    "stage_1",
    "pooling by keras.ops",
    edit("stage_1", ("MaxPooling2D(3, strides=2)(X)", "keras.ops.max_pool(X, 3, strides=2)")),
)
right("sides_of_96", "a tuple", "sides_of_96 = (48, 23, 12, 6, 3, 1)\n")
right(
    "sides_of_96",
    "calculated",
    """
    sides_of_96 = [(96 + 6 - 7) // 2 + 1]
    sides_of_96.append((sides_of_96[-1] - 3) // 2 + 1)
    for stage in (3, 4, 5):
        sides_of_96.append(math.ceil(sides_of_96[-1] / 2))
    sides_of_96.append(sides_of_96[-1] // 2)
    """,
)
right(
    "stage_table",
    "lists",
    """
    STAGES = {
        2: [[64, 64, 256], 1, ["b", "c"]],
        3: [[128, 128, 512], 2, ["b", "c", "d"]],
        4: [[256, 256, 1024], 2, ["b", "c", "d", "e", "f"]],
        5: [[512, 512, 2048], 2, ["b", "c"]],
    }
    """,
)
right(
    "stage_table",
    "calculated",
    """
    STAGES = {2: ((64, 64, 256), 1, "bc")}
    for stage, count in [(3, 3), (4, 5), (5, 2)]:
        width = 64 * 2 ** (stage - 2)
        STAGES[stage] = ((width, width, 4 * width), 2, "bcdef"[:count])
    """,
)
right(
    "stages_2_to_5",
    "one loop over the letters",
    """
    def stages_2_to_5(X):
        for stage in (2, 3, 4, 5):
            filters, stride, letters = STAGES[stage]
            for letter in "a" + letters:
                if letter == "a":
                    X = convolutional_block(X, 3, filters, stage, letter, stride)
                else:
                    X = identity_block(X, 3, filters, stage, letter)
        return X
    """,
)
right(
    "stages_2_to_5",
    "written out with lists, without the table",
    """
    def stages_2_to_5(X):
        X = convolutional_block(X, f=3, filters=[64, 64, 256], stage=2, block="a", s=1)
        X = identity_block(X, 3, [64, 64, 256], stage=2, block="b")
        X = identity_block(X, 3, [64, 64, 256], stage=2, block="c")
        X = convolutional_block(X, f=3, filters=[128, 128, 512], stage=3, block="a", s=2)
        X = identity_block(X, 3, [128, 128, 512], stage=3, block="b")
        X = identity_block(X, 3, [128, 128, 512], stage=3, block="c")
        X = identity_block(X, 3, [128, 128, 512], stage=3, block="d")
        X = convolutional_block(X, f=3, filters=[256, 256, 1024], stage=4, block="a", s=2)
        for block in ["b", "c", "d", "e", "f"]:
            X = identity_block(X, 3, [256, 256, 1024], stage=4, block=block)
        X = convolutional_block(X, f=3, filters=[512, 512, 2048], stage=5, block="a")
        X = identity_block(X, 3, [512, 512, 2048], stage=5, block="b")
        return identity_block(X, 3, [512, 512, 2048], stage=5, block="c")
    """,
)
right(
    "stages_2_to_5",
    "a helper for one stage",
    """
    def one_stage(X, stage):
        filters, stride, letters = STAGES[stage]
        start = convolutional_block(X, 3, filters, stage, block="a", s=stride)
        add = lambda Y, letter: identity_block(Y, 3, filters, stage, letter)
        return functools.reduce(add, letters, start)

    def stages_2_to_5(pooled):
        return functools.reduce(one_stage, sorted(STAGES), pooled)
    """,
)
right(
    "head",
    "tuples and other names",
    """
    def head(features, classes):
        pooled = layers.AveragePooling2D(pool_size=(2, 2), strides=2, name="avg_pool")(features)
        flat = layers.Flatten(name="flat")(pooled)
        return layers.Dense(units=classes, activation="softmax", name="fc" + str(classes))(flat)
    """,
)
right("head", "Reshape for Flatten", edit("head", ("Flatten()", "keras.layers.Reshape((-1,))")))
right(
    "head",
    "softmax in a layer of its own",
    """
    def head(X, classes):
        X = keras.layers.AveragePooling2D((2, 2), name="avg_pool")(X)
        logits = Dense(classes, name=f"fc{classes}")(Flatten()(X))
        return keras.layers.Softmax()(logits)
    """,
)
right(
    "head",
    "Activation softmax",
    """
    def head(X, classes):
        X = Flatten()(AveragePooling2D(2, padding="valid", name="avg_pool")(X))
        X = Dense(classes, name=f"fc{classes}")(X)
        return Activation("softmax")(X)
    """,
)
right(
    "head",
    "softmax as a function",
    edit("head", ('"softmax"', "keras.activations.softmax")),
)
right(
    "head",
    "keras.ops.softmax after the dense layer",
    """
    def head(X, classes):
        X = Flatten()(AveragePooling2D(2, name="avg_pool")(X))
        return keras.ops.softmax(Dense(classes, name=f"fc{classes}")(X))
    """,
)
right(
    "resnet50",
    "nested calls, keywords",
    """
    def ResNet50(input_shape=(64, 64, 3), classes=6):
        start = Input(shape=input_shape)
        end = head(stages_2_to_5(stage_1(start)), classes=classes)
        return Model(inputs=start, outputs=end, name="ResNet50")
    """,
)
right(
    "resnet50",
    "tf.keras, a loop over the parts",
    """
    def ResNet50(input_shape=(64, 64, 3), classes=6):
        X_input = tf.keras.Input(tuple(input_shape), name="pictures")
        X = X_input
        for part in (stage_1, stages_2_to_5):
            X = part(X)
        return tf.keras.Model(inputs=[X_input], outputs=head(X, classes), name="ResNet50")
    """,
)
right(
    "updated_average",
    "a step towards the batch's value",
    """
    def updated_average(average, batch_value, momentum):
        return average + (1 - momentum) * (batch_value - average)
    """,
)
right(
    "updated_average",
    "in two parts, other order",
    """
    def updated_average(average, batch_value, momentum):
        new = batch_value * (1.0 - momentum)
        old = np.multiply(momentum, average)
        return new + old
    """,
)
right(
    "fit_shortcut",
    "zeros joined",
    """
    def fit_shortcut(X, filters, stride):
        kept = X[:, ::stride, ::stride, :]
        zeros = tf.zeros_like(kept[..., :1])
        return tf.concat([kept] + [zeros] * (filters - kept.shape[3]), axis=-1)
    """,
)
right(
    "fit_shortcut",
    "max pooling and tf.pad",
    """
    def fit_shortcut(X, filters, stride):
        X = tf.nn.max_pool2d(X, 1, stride, "SAME") if stride > 1 else X
        return tf.pad(X, [[0, 0]] * 3 + [[0, filters - X.shape[-1]]])
    """,
)
right(
    "differ",
    "means first",
    """
    def differ(one, other):
        a, b = np.array(one), np.array(other)
        return bool(np.abs(a.mean() - b.mean()) > a.std() + b.std())
    """,
)
right(
    "differ",
    "standard library",
    """
    from statistics import mean, pstdev

    def differ(one, other):
        return abs(mean(one) - mean(other)) > pstdev(one) + pstdev(other)
    """,
)
right(
    "image_distance",
    "norm over the root of the count",
    """
    def image_distance(one, other):
        difference = (one - other).ravel()
        return np.linalg.norm(difference) / np.sqrt(difference.size)
    """,
)
right(
    "image_distance",
    "TensorFlow",
    """
    def image_distance(one, other):
        return tf.sqrt(tf.reduce_mean(tf.square(tf.subtract(one, other))))
    """,
)
right(
    "image_distance",
    "standard library",
    """
    def image_distance(one, other):
        squares = [float(d) ** 2 for d in np.asarray(one - other).flat]
        return (sum(squares) / len(squares)) ** 0.5
    """,
)
right(
    "smooth_labels",
    "a mixture with the uniform distribution",
    """
    def smooth_labels(labels, share):
        uniform = np.ones_like(labels) / len(labels[0])
        return (1 - share) * labels + share * uniform
    """,
)
right(
    "smooth_labels",
    "TensorFlow",
    """
    def smooth_labels(labels, share):
        return tf.convert_to_tensor(labels) * (1 - share) + share / labels.shape[-1]
    """,
)
right(
    "smooth_labels",
    "np.where",
    """
    def smooth_labels(labels, share):
        m, classes = labels.shape
        other = share / classes
        return np.where(labels == 1, 1 - share + other, other)
    """,
)
right(
    "cosine",
    "math",
    """
    import math

    def cosine(part):
        return 0.5 * (1 + math.cos(math.pi * part))
    """,
)
right(
    "cosine",
    "squared half angle",
    """
    def cosine(part):
        return np.cos(part * np.pi / 2) ** 2
    """,
)
right(
    "cosine",
    "TensorFlow",
    """
    def cosine(part):
        return 0.5 + tf.cos(part * 3.14159265) / 2
    """,
)
right(
    "split_by_class",
    "choice and a mask",
    """
    def split_by_class(labels, share, seed=0):
        rng = np.random.default_rng(seed)
        mask = np.zeros(len(labels), bool)
        for label in set(labels.tolist()):
            (places,) = np.where(labels == label)
            mask[rng.choice(places, int(len(places) * share), replace=False)] = True
        return np.where(~mask)[0], np.where(mask)[0]
    """,
)
right(
    "split_by_class",
    "lists, in any order",
    """
    import random

    def split_by_class(labels, share, seed=0):
        random.seed(seed)
        training, held_out = [], []
        for label in sorted(set(labels)):
            places = [i for i, one in enumerate(labels) if one == label]
            random.shuffle(places)
            cut = int(len(places) * share)
            held_out += places[:cut]
            training += places[cut:]
        return training, held_out
    """,
)
right(
    "confusion_matrix",
    "np.add.at",
    """
    def confusion_matrix(expected, predicted, classes):
        counts = np.zeros([classes, classes])
        np.add.at(counts, (expected, predicted), 1)
        return counts
    """,
)
right(
    "confusion_matrix",
    "bincount",
    """
    def confusion_matrix(expected, predicted, classes):
        pairs = np.asarray(expected) * classes + np.asarray(predicted)
        return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    """,
)
right(
    "confusion_matrix",
    "small integers",
    """
    def confusion_matrix(expected, predicted, classes):
        counts = np.zeros((classes, classes), "uint16")
        for pair in zip(expected, predicted):
            counts[pair] += 1
        return counts
    """,
)
right(
    "confusion_matrix",
    "TensorFlow",
    """
    def confusion_matrix(expected, predicted, classes):
        return tf.math.confusion_matrix(expected, predicted, classes)
    """,
)
right(
    "confusion_matrix",
    "one-hot product",
    """
    def confusion_matrix(expected, predicted, classes):
        return np.eye(classes)[expected].T @ np.eye(classes)[predicted]
    """,
)
right(
    "prepare_picture",
    "ImageOps.fit",
    """
    def prepare_picture(picture):
        picture = ImageOps.exif_transpose(picture).convert("RGB")
        square = ImageOps.fit(picture, (64, 64))
        return np.expand_dims(np.array(square, dtype=np.float32) / 255.0, axis=0)
    """,
)
right(
    "prepare_picture",
    "converted first, turned later",
    """
    def prepare_picture(picture):
        picture = ImageOps.exif_transpose(picture.convert("RGB"))
        width, height = picture.size
        side = min(width, height)
        box = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
        square = picture.crop(box).resize((64, 64), Image.Resampling.LANCZOS)
        return np.asarray(square)[None].astype("float32") / 255
    """,
)
right(
    "prepare_picture",
    "cut as an array",
    """
    def prepare_picture(picture):
        turned = ImageOps.exif_transpose(picture)
        array = np.array(turned.convert("RGB"))
        height, width = array.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = Image.fromarray(array[top : top + side, left : left + side])
        small = square.resize((64, 64), Image.BILINEAR)
        return keras.utils.img_to_array(small, dtype="float32")[np.newaxis, ...] / 255
    """,
)
right(
    "prepare_picture",
    "resized by the box",
    """
    def prepare_picture(picture):
        picture = ImageOps.exif_transpose(picture).convert("RGB")
        w, h = picture.size
        side = min(w, h)
        x, y = (w - side) / 2, (h - side) / 2
        small = picture.resize((64, 64), box=(x, y, x + side, y + side))
        return (np.asarray(small) / 255).astype(np.float32).reshape(1, 64, 64, 3)
    """,
)
right(
    "prepare_picture",
    "turned by hand",
    """
    def prepare_picture(picture):
        ways = {2: [0], 3: [3], 4: [1], 5: [5], 6: [4], 7: [6], 8: [2]}
        for way in ways.get(picture.getexif().get(274), []):
            picture = picture.transpose(way)
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        square = picture.convert("RGB").crop((left, top, left + side, top + side))
        return np.float32(square.resize((64, 64)))[np.newaxis] / np.float32(255)
    """,
)
right(
    "weigh_maps",
    "einsum, and a small number below the line",
    """
    def weigh_maps(maps, gradients):
        weights = np.einsum("hwc->c", gradients) / (gradients.shape[0] * gradients.shape[1])
        heat = np.einsum("hwc,c->hw", maps, weights).clip(min=0)
        return heat / (heat.max() + 1e-12)
    """,
)
right(
    "weigh_maps",
    "a loop",
    """
    def weigh_maps(maps, gradients):
        heat = np.zeros(maps.shape[:2])
        for channel in range(maps.shape[2]):
            heat += np.mean(gradients[:, :, channel]) * maps[:, :, channel]
        heat[heat < 0] = 0
        if heat.max() == 0:
            return heat
        return heat / heat.max()
    """,
)
right(
    "weigh_maps",
    "TensorFlow",
    """
    def weigh_maps(maps, gradients):
        weights = tf.reduce_mean(gradients, axis=(0, 1))
        heat = tf.nn.relu(tf.reduce_sum(maps * weights, axis=-1))
        return tf.math.divide_no_nan(heat, tf.reduce_max(heat))
    """,
)
right(
    "expected_calibration_error",
    "bincount",
    """
    def expected_calibration_error(confidence, correct, bins=10):
        place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
        gaps = np.bincount(place, weights=confidence - correct, minlength=bins)
        return np.abs(gaps).sum() / len(confidence)
    """,
)
right(
    "expected_calibration_error",
    "edges",
    """
    def expected_calibration_error(confidence, correct, bins=10):
        edges, total = np.linspace(0, 1, bins + 1), 0
        for low, high in zip(edges[:-1], edges[1:]):
            inside = (confidence > low) & (confidence <= high)
            if inside.any():
                gap = np.mean(confidence[inside]) - np.mean(correct[inside])
                total += np.sum(inside) * np.abs(gap)
        return float(total / confidence.size)
    """,
)
right(
    "expected_calibration_error",
    "digitize",
    """
    def expected_calibration_error(confidence, correct, bins=10):
        place = np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1])
        parts = [place == k for k in range(bins)]
        gaps = [abs(sum(confidence[p]) - sum(correct[p])) for p in parts]
        return sum(gaps) / len(correct)
    """,
)
