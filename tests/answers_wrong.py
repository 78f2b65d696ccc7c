"""Wrong answers of the exercises, as students give them, and what a message has to say of each.

Most are the notebook's own answer with one change. The words are in lower case; a tuple holds
alternatives. They name the fault, so that a check which rejects for another reason is found out.
"""

import textwrap

from answers_right import TASKS, Case, drop, edit, edit_all

WRONG: list[Case] = []

RETURN = ("return", "none")  # what a message says of a function that returns nothing
NORMALISATION = ("batchnormalization", "normalis")
MOVED = ("transpose", "axis", "axes", "order")


def wrong(task: str, name: str, code: str, *words: str | tuple[str, ...]) -> None:
    """Put a wrong answer into the bank."""
    WRONG.append(Case(task, name, textwrap.dedent(code), words))


def changed(task: str, name: str, old: str, new: str, *words: str | tuple[str, ...]) -> None:
    """Put the notebook's answer with one change into the bank."""
    wrong(task, name, edit(task, (old, new)), *words)


def non_answers(name: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return what else can stand under a function's name: (what it is, its source, words)."""
    anything = f"def {name}(*args, **kwargs):\n    "
    return [
        (
            "a stub",
            anything + 'raise NotImplementedError("not written yet")\n',
            ("not written yet",),
        ),
        ("a number", f"{name} = 5\n", ("function",)),
        ("None", f"{name} = None\n", ("not written yet", "function")),
        ("dots", f"{name} = ...\n", ("not written yet", "function")),
        ("too few parameters", f"def {name}():\n    return 1\n", ("argument", "parameter")),
        ("an error", anything + 'raise ValueError("oops")\n', ("oops",)),
        ("a name that is missing", anything + "return mistyped + 1\n", ("mistyped",)),
        (
            "an empty body",
            anything + "pass\n",
            ("return", "none", "not written yet", "gamma", "parameters"),
        ),
        ("text", anything + 'return "done"\n', ("done", "str", "gamma", "parameters")),
        ("exit", anything + "raise SystemExit(0)\n", ("systemexit", "exit")),
    ]


# --- 01, prepare ----------------------------------------------------------------------------------

changed("prepare", "not divided", " / 255", "", "255")
changed("prepare", "divided by 256", "255", "256", "255")
changed("prepare", "whole division", " / 255", " // 255", ("255", "//", "whole"))
changed(
    "prepare",
    "from -1 to 1",
    "/ 255",
    "/ 127.5 - 1",
    ("255", "0 to 1", "between 0 and 1", "from 0"),
)
changed(
    "prepare",
    "standardised",
    "    Y =",
    "    X = (X - X.mean()) / X.std()\n    Y =",
    ("255", "0 to 1", "between 0 and 1", "from 0"),
)
changed("prepare", "float64 images", 'images.astype("float32")', "images", "float32")
changed("prepare", "float64 labels", '.T.astype("float32")', ".T", "float32")
changed(
    "prepare",
    "divided in place",
    'X = images.astype("float32") / 255',
    "images /= 255\n    X = images",
    "uint8",
)
changed("prepare", "labels not transposed", ".T.", ".", ("transpose", ".t", "axes"))
changed(
    "prepare",
    "reshaped, not transposed",
    ".T.",
    ".reshape(-1, 6).",
    ("reshape", "transpose", ".t", "row"),
)
changed(
    "prepare",
    "labels as numbers",
    "convert_to_one_hot(labels, 6).T",
    "labels[0]",
    ("one-hot", "one hot", "classes"),
)
changed(
    "prepare",
    "as many classes as this set has",
    "(labels, 6)",
    "(labels, labels.max() + 1)",
    ("6", "six"),
    ("class", "column"),
)
changed("prepare", "images only", "return X, Y", "return X", ("two", "pair", "y"))
changed("prepare", "in the other order", "return X, Y", "return Y, X", ("order", "first", "images"))
wrong("prepare", "no return", drop("prepare", "return"), RETURN)

# --- 01, the parameters ---------------------------------------------------------------------------

changed(
    "initialize_parameters",
    "filters first",
    "(f1, f1, 3, n1)",
    "(n1, f1, f1, 3)",
    "w1",
    ("filters", "axis", "axes"),
)
changed(
    "initialize_parameters",
    "W1's channels and filters swapped",
    "(f1, f1, 3, n1)",
    "(f1, f1, n1, 3)",
    "w1",
    ("channels", "filters", "axis"),
)
changed(
    "initialize_parameters",
    "W2 on 3 channels",
    "(f2, f2, n1, n2)",
    "(f2, f2, 3, n2)",
    "w2",
    ("channels", "axis"),
)
changed(
    "initialize_parameters",
    "W2's channels and filters swapped",
    "(f2, f2, n1, n2)",
    "(f2, f2, n2, n1)",
    "w2",
    ("channels", "filters", "axis"),
)
changed(
    "initialize_parameters",
    "W2 with the first window",
    "(f2, f2, n1, n2)",
    "(f1, f1, n1, n2)",
    "w2",
    ("height", "window", "axis", "shape"),
)
wrong(
    "initialize_parameters",
    "sizes written as numbers",
    edit(
        "initialize_parameters",
        ("(f1, f1, 3, n1)", "(4, 4, 3, 8)"),
        ("(f2, f2, n1, n2)", "(2, 2, 8, 16)"),
    ),
    "w1",
    ("height", "window", "argument", "f1", "axis"),
)
changed(
    "initialize_parameters",
    "no channels in W1",
    "(f1, f1, 3, n1)",
    "(f1, f1, n1)",
    "w1",
    ("axes", "shape"),
)
changed(
    "initialize_parameters",
    "zeros",
    "glorot((f1, f1, 3, n1))",
    "tf.zeros((f1, f1, 3, n1))",
    "w1",
    ("zero", "0"),
)
changed(
    "initialize_parameters",
    "unscaled normal",
    "glorot((f1",
    "tf.random.normal((f1",
    "w1",
    ("glorot", "range", "seed"),
)
changed(
    "initialize_parameters",
    "repeatable, but unscaled normal",
    "glorot((f2, f2, n1, n2))",
    "tf.random.stateless_normal((f2, f2, n1, n2), (seed, 2))",
    "w2",
    ("glorot", "range", "large"),
)
changed(
    "initialize_parameters",
    "a hundredth of a normal",
    "glorot((f1, f1, 3, n1))",
    "0.01 * tf.random.stateless_normal((f1, f1, 3, n1), (seed, 1))",
    "w1",
    ("glorot", "range", "small"),
)
changed(
    "initialize_parameters",
    "Glorot without the window",
    "tf.Variable(glorot((f1, f1, 3, n1)))",
    "tf.Variable(glorot((3, n1))[None, None] * tf.ones((f1, f1, 1, 1)))",
    "w1",
)
wrong(
    "initialize_parameters",
    "tensors",
    edit(
        "initialize_parameters",
        ("tf.Variable(glorot((f1, f1, 3, n1)))", "glorot((f1, f1, 3, n1))"),
        ("tf.Variable(glorot((f2, f2, n1, n2)))", "glorot((f2, f2, n1, n2))"),
    ),
    "variable",
)
changed(
    "initialize_parameters",
    "NumPy arrays",
    "tf.Variable(glorot((f2, f2, n1, n2)))",
    "np.array(glorot((f2, f2, n1, n2)))",
    "w2",
    "variable",
)
changed(
    "initialize_parameters", "constants", "W1 = tf.Variable", "W1 = tf.constant", "w1", "variable"
)
changed(
    "initialize_parameters",
    "one integer seed for each",
    "(keras.random.SeedGenerator(seed))",
    "(seed)",
    ("equal", "same", "copy", "copies"),
)
changed("initialize_parameters", "seed ignored", "(keras.random.SeedGenerator(seed))", "()", "seed")
changed(
    "initialize_parameters", "seed 0 written in", "SeedGenerator(seed)", "SeedGenerator(0)", "seed"
)
changed(
    "initialize_parameters",
    "float64",
    "tf.Variable(glorot((f1, f1, 3, n1)))",
    "tf.Variable(np.float64(glorot((f1, f1, 3, n1))))",
    "w1",
    "float32",
)
changed(
    "initialize_parameters", "W1 and W2 mixed up", '"W1": W1, "W2": W2', '"W1": W2, "W2": W1', "w1"
)
changed("initialize_parameters", "another key", '"W2": W2', '"w2": W2', "w2")
changed(
    "initialize_parameters",
    "a tuple",
    '{"W1": W1, "W2": W2, "W3": W3, "b3": b3}',
    "W1, W2, W3, b3",
    ("dict", "keys"),
)
wrong("initialize_parameters", "no return", drop("initialize_parameters", "return"), RETURN)

# --- 01, sides ------------------------------------------------------------------------------------

changed(
    "convnet_sides",
    "one too many after the pooling",
    "first_side = 8",
    "first_side = 9",
    "first_side",
)
changed(
    "convnet_sides",
    "valid convolution and pooling of stride 1",
    "first_side = 8",
    "first_side = 57",
    "first_side",
    "stride",
)
changed(
    "convnet_sides", "pools the wrong way round", "first_side = 8", "first_side = 16", "first_side"
)
changed(
    "convnet_sides",
    "second from the image's side",
    "second_side = 2",
    "second_side = 16",
    "second_side",
)
changed(
    "convnet_sides",
    "channels forgotten",
    "_W3 = 64",
    "_W3 = 4",
    "inputs_of_w3",
    ("channels", "filters", "16"),
)
changed("convnet_sides", "one side only", "_W3 = 64", "_W3 = 32", "inputs_of_w3")
changed(
    "convnet_sides", "filters of the first layer", "_W3 = 64", "_W3 = 2 * 2 * 8", "inputs_of_w3"
)
changed(
    "convnet_sides",
    "shapes in place of sides",
    "first_side = 8",
    "first_side = (8, 8)",
    "first_side",
    "number",
)
changed(
    "convnet_sides",
    "left empty",
    "second_side = 2",
    "second_side = None",
    "second_side",
    ("not written yet", "number"),
)

# --- 01, the forward pass -------------------------------------------------------------------------

changed(
    "forward_propagation",
    "no second ReLU",
    'tf.nn.relu(tf.nn.conv2d(P1, parameters["W2"], strides=1, padding="SAME"))',
    'tf.nn.conv2d(P1, parameters["W2"], strides=1, padding="SAME")',
    "relu",
)
for function in ("sigmoid", "tanh", "leaky_relu", "elu"):
    changed(
        "forward_propagation",
        f"{function} for ReLU",
        "tf.nn.relu(tf.nn.conv2d(P1",
        f"tf.nn.{function}(tf.nn.conv2d(P1",
        "relu",
    )
changed(
    "forward_propagation",
    "average pooling",
    "P2 = tf.nn.max_pool2d",
    "P2 = tf.nn.avg_pool2d",
    "max",
)
changed(
    "forward_propagation", "pooling without a stride", "strides=pools[1]", "strides=1", "stride"
)
changed(
    "forward_propagation",
    "padding VALID in the convolution",
    'parameters["W2"], strides=1, padding="SAME"',
    'parameters["W2"], strides=1, padding="VALID"',
    ("padding", "same"),
)
changed(
    "forward_propagation",
    "stride 2 in the convolution",
    'parameters["W2"], strides=1',
    'parameters["W2"], strides=2',
    "stride",
)
changed(
    "forward_propagation",
    "the first pool again",
    "ksize=pools[1], strides=pools[1]",
    "ksize=pools[0], strides=pools[0]",
    "pool",
)
changed(
    "forward_propagation",
    "pool of 4 written in",
    "ksize=pools[1], strides=pools[1]",
    "ksize=4, strides=4",
    "pool",
)
changed(
    "forward_propagation",
    "the images once more",
    "tf.nn.conv2d(P1,",
    "tf.nn.conv2d(X,",
    ("depth", "channels"),
)
changed(
    "forward_propagation",
    "the first kernel once more",
    'conv2d(P1, parameters["W2"]',
    'conv2d(P1, parameters["W1"]',
    ("depth", "channels"),
)
changed(
    "forward_propagation",
    "the first pooling skipped",
    "tf.nn.conv2d(P1,",
    "tf.nn.conv2d(A1,",
    ("matmul", "matrix", "p1"),
)
changed(
    "forward_propagation",
    "pooling forgotten",
    'tf.nn.max_pool2d(A2, ksize=pools[1], strides=pools[1], padding="SAME")',
    "A2",
    ("matmul", "matrix", "pool"),
)
wrong(
    "forward_propagation",
    "softmax",
    edit(
        "forward_propagation",
        ("return ", "return tf.nn.softmax("),
        ('parameters["b3"]', 'parameters["b3"])'),
    ),
    "softmax",
)
wrong(
    "forward_propagation",
    "ReLU on the logits",
    edit(
        "forward_propagation",
        ("return ", "return tf.nn.relu("),
        ('parameters["b3"]', 'parameters["b3"])'),
    ),
    "relu",
)
changed("forward_propagation", "no b3", ' + parameters["b3"]', "", "b3")
changed(
    "forward_propagation",
    "flattened by channels first",
    "tf.reshape(P2, ",
    "tf.reshape(tf.transpose(P2, (0, 3, 1, 2)), ",
    ("flatten", "reshape", "order"),
)
changed(
    "forward_propagation",
    "images mixed by the reshape",
    "F = tf.reshape(P2, (tf.shape(P2)[0], -1))",
    "F = tf.transpose(tf.reshape(P2, (-1, tf.shape(P2)[0])))",
    ("flatten", "reshape", "order", "image"),
)
changed(
    "forward_propagation",
    "batch of 64 written in",
    "(tf.shape(P2)[0], -1)",
    "(64, -1)",
    ("reshape", "matmul", "matrix", "batch"),
)
changed(
    "forward_propagation",
    "64 inputs written in",
    "(tf.shape(P2)[0], -1)",
    "(-1, 64)",
    ("reshape", "matmul", "matrix", "64"),
)
changed(
    "forward_propagation",
    "global average in place of FLATTEN",
    "tf.reshape(P2, (tf.shape(P2)[0], -1))",
    "tf.reduce_mean(P2, axis=(1, 2))",
    ("matmul", "matrix", "flatten"),
)
changed(
    "forward_propagation",
    "no FLATTEN",
    "tf.reshape(P2, (tf.shape(P2)[0], -1))",
    "P2",
    ("matmul", "matrix", "flatten", "batchmatmul"),
)
changed(
    "forward_propagation",
    "W3 on the left",
    '(F, parameters["W3"])',
    '(parameters["W3"], F)',
    ("matmul", "matrix"),
)
changed(
    "forward_propagation",
    "multiplied element by element",
    'tf.matmul(F, parameters["W3"])',
    'F * parameters["W3"]',
    ("incompatible", "broadcast", "mul", "shape"),
)
changed(
    "forward_propagation",
    "FLATTEN returned",
    'return tf.matmul(F, parameters["W3"]) + parameters["b3"]',
    "return F",
    ("shape", "w3", "logits"),
)
wrong(
    "forward_propagation",
    "class numbers returned",
    edit(
        "forward_propagation",
        ("return ", "return tf.argmax("),
        ('parameters["b3"]', 'parameters["b3"], axis=1)'),
    ),
    ("shape", "logits", "argmax"),
)
changed(
    "forward_propagation",
    "everything returned",
    'parameters["b3"]',
    'parameters["b3"], parameters',
    ("tuple", "logits"),
)
changed("forward_propagation", "no return", "return ", "logits = ", RETURN)

# --- 01, the cost ---------------------------------------------------------------------------------

changed("compute_cost", "sum", "reduce_mean", "reduce_sum", "mean")
changed("compute_cost", "not reduced", "tf.reduce_mean(costs)", "costs", ("mean", "one number"))
changed(
    "compute_cost",
    "labels and logits swapped",
    "labels=Y, logits=logits",
    "labels=logits, logits=Y",
    "labels",
    "logits",
)
wrong(
    "compute_cost",
    "swapped in Keras's loss",
    """
    def compute_cost(logits, Y):
        return keras.losses.CategoricalCrossentropy(from_logits=True)(logits, Y)
    """,
    "labels",
    "logits",
)
changed(
    "compute_cost",
    "softmax taken before",
    "logits=logits",
    "logits=tf.nn.softmax(logits)",
    "softmax",
)
wrong(
    "compute_cost",
    "logits taken for probabilities",
    """
    def compute_cost(logits, Y):
        return keras.losses.CategoricalCrossentropy()(Y, logits)
    """,
    ("from_logits", "softmax", "probabilit"),
)
changed(
    "compute_cost",
    "sigmoid cross-entropy",
    "softmax_cross",
    "sigmoid_cross",
    ("softmax", "sigmoid"),
)
changed(
    "compute_cost",
    "base 2",
    "tf.reduce_mean(costs)",
    "tf.reduce_mean(costs) / np.log(2)",
    ("base", "natural", "ln"),
)
changed(
    "compute_cost", "negative", "tf.reduce_mean", "-tf.reduce_mean", ("minus", "sign", "negative")
)
wrong(
    "compute_cost",
    "minus forgotten by hand",
    """
    def compute_cost(logits, Y):
        return tf.reduce_mean(tf.reduce_sum(Y * tf.nn.log_softmax(logits), axis=1))
    """,
    ("minus", "sign", "negative"),
)
wrong(
    "compute_cost",
    "mean over the classes too",
    """
    def compute_cost(logits, Y):
        return -tf.reduce_mean(Y * tf.nn.log_softmax(logits))
    """,
    ("class", "6"),
)
wrong(
    "compute_cost",
    "softmax over the batch",
    """
    def compute_cost(logits, Y):
        return -tf.reduce_mean(tf.reduce_sum(Y * tf.nn.log_softmax(logits, axis=0), axis=1))
    """,
    ("axis", "batch", "classes"),
)
wrong(
    "compute_cost",
    "squared error",
    """
    def compute_cost(logits, Y):
        return tf.reduce_mean((tf.nn.softmax(logits) - Y) ** 2)
    """,
    ("cross-entropy", "entropy", "log"),
)
wrong(
    "compute_cost",
    "accuracy",
    """
    def compute_cost(logits, Y):
        right = tf.equal(tf.argmax(logits, axis=1), tf.argmax(Y, axis=1))
        return tf.reduce_mean(tf.cast(right, tf.float32))
    """,
    ("cross-entropy", "entropy", "accuracy"),
)
changed(
    "compute_cost",
    "divided by 64",
    "tf.reduce_mean(costs)",
    "tf.reduce_sum(costs) / 64",
    ("64", "mean", "batch"),
)
changed(
    "compute_cost",
    "median",
    "tf.reduce_mean(costs)",
    "keras.ops.median(costs)",
    ("mean", "cross-entropy", "entropy"),
)
changed(
    "compute_cost",
    "labels as class numbers expected",
    "tf.nn.softmax_cross_entropy",
    "tf.nn.sparse_softmax_cross_entropy",
    ("labels", "rank", "sparse"),
)
changed(
    "compute_cost",
    "a Python number, without a gradient",
    "tf.reduce_mean(costs)",
    "float(tf.reduce_mean(costs))",
    ("gradient", "tensor", "float"),
)
changed(
    "compute_cost",
    "a NumPy number, without a gradient",
    "tf.reduce_mean(costs)",
    "np.mean(costs)",
    ("gradient", "tensor", "numpy"),
)
changed("compute_cost", "no return", "return ", "cost = ", RETURN)

# --- 01, mini-batches -----------------------------------------------------------------------------

changed(
    "random_mini_batches",
    "last batch dropped",
    "(0, len(X), mini",
    "(0, len(X) - mini_batch_size + 1, mini",
    ("last", "left over", "rest"),
)
changed(
    "random_mini_batches",
    "not shuffled",
    "np.random.default_rng(seed).permutation(len(X))",
    "np.arange(len(X))",
    ("shuffle", "order"),
)
wrong(
    "random_mini_batches",
    "only the batches shuffled",
    edit(
        "random_mini_batches",
        ("np.random.default_rng(seed).permutation(len(X))", "np.arange(len(X))"),
        ("    return ", "    random.Random(seed).shuffle(batches)\n    return "),
    ),
    ("shuffle", "order", "last", "sizes"),
)
wrong(
    "random_mini_batches",
    "shuffled within each batch",
    """
    def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
        rng = np.random.default_rng(seed)
        batches = []
        for start in range(0, len(X), mini_batch_size):
            part = rng.permutation(np.arange(start, min(start + mini_batch_size, len(X))))
            batches.append((X[part], Y[part]))
        return batches
    """,
    ("shuffle", "order"),
)
wrong(
    "random_mini_batches",
    "shuffled apart",
    edit(
        "random_mini_batches",
        (
            "    batches = []",
            "    other = np.random.default_rng(seed + 1).permutation(len(X))\n    batches = []",
        ),
        ("Y[part]", "Y[other[start : start + mini_batch_size]]"),
    ),
    "label",
)
changed(
    "random_mini_batches",
    "labels not shuffled",
    "Y[part]",
    "Y[start : start + mini_batch_size]",
    "label",
)
wrong(
    "random_mini_batches",
    "one generator, shuffled one after the other",
    """
    def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
        rng = np.random.default_rng(seed)
        X, Y = rng.permutation(X), rng.permutation(Y)
        step = mini_batch_size
        return [(X[i : i + step], Y[i : i + step]) for i in range(0, len(X), step)]
    """,
    "label",
)
changed("random_mini_batches", "seed ignored", "default_rng(seed)", "default_rng()", "seed")
changed("random_mini_batches", "seed 0 written in", "default_rng(seed)", "default_rng(0)", "seed")
wrong(
    "random_mini_batches",
    "a generator",
    """
    def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
        order = np.random.default_rng(seed).permutation(len(X))
        for start in range(0, len(X), mini_batch_size):
            part = order[start : start + mini_batch_size]
            yield X[part], Y[part]
    """,
    "list",
)
wrong(
    "random_mini_batches",
    "a zip object",
    """
    def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
        order = np.random.default_rng(seed).permutation(len(X))
        cuts = range(mini_batch_size, len(X), mini_batch_size)
        return zip(np.split(X[order], cuts), np.split(Y[order], cuts))
    """,
    "list",
)
wrong(
    "random_mini_batches",
    "one image more",
    edit(
        "random_mini_batches",
        ("(0, len(X), mini_batch_size)", "(0, len(X), mini_batch_size + 1)"),
        ("[start : start + mini_batch_size]", "[start : start + mini_batch_size + 1]"),
    ),
    ("size", "mini_batch_size"),
)
changed(
    "random_mini_batches",
    "overlapping by one",
    "[start : start + mini_batch_size]",
    "[start : start + mini_batch_size + 1]",
    ("size", "once", "twice"),
)
changed(
    "random_mini_batches",
    "one image less",
    "[start : start + mini_batch_size]",
    "[start : start + mini_batch_size - 1]",
    ("size", "once", "missing", "lost"),
)
changed(
    "random_mini_batches",
    "drawn with replacement",
    ".permutation(len(X))",
    ".integers(len(X), size=len(X))",
    ("once", "twice", "replace", "missing"),
)
changed(
    "random_mini_batches",
    "labels first",
    "(X[part], Y[part])",
    "(Y[part], X[part])",
    ("order", "first", "images"),
)
wrong(
    "random_mini_batches",
    "size 64 written in",
    edit_all("random_mini_batches", "+ mini_batch_size]", "+ 64]").replace(
        "(0, len(X), mini_batch_size)", "(0, len(X), 64)"
    ),
    ("mini_batch_size", "64", "size"),
)
changed(
    "random_mini_batches",
    "transposed",
    "(X[part], Y[part])",
    "(X[part].T, Y[part].T)",
    ("transpose", "axis", "axes", "shape"),
)
changed(
    "random_mini_batches",
    "images flattened",
    "X[part], ",
    "X[part].reshape(len(part), -1), ",
    ("shape", "axes"),
)
changed(
    "random_mini_batches",
    "an empty batch at the end",
    "range(0, len(X), mini_batch_size)",
    "range(0, len(X) + 1, mini_batch_size)",
    ("empty", "0 images", "size"),
)
wrong(
    "random_mini_batches",
    "the rest goes with the batch before",
    """
    def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
        order = np.random.default_rng(seed).permutation(len(X))
        parts = np.array_split(order, max(1, len(X) // mini_batch_size))
        return [(X[part], Y[part]) for part in parts]
    """,
    ("size", "mini_batch_size"),
)
changed(
    "random_mini_batches",
    "only the first batch",
    "    return batches",
    "        return batches",
    ("batches", "image"),
)
changed(
    "random_mini_batches",
    "two lists",
    "return batches",
    "return [x for x, _ in batches], [y for _, y in batches]",
    ("pair", "list of"),
)
changed(
    "random_mini_batches",
    "positions in place of images",
    "(X[part], Y[part])",
    "part",
    ("pair", "images"),
)
wrong(
    "random_mini_batches",
    "shuffles what it was given",
    """
    def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
        np.random.default_rng(seed).shuffle(X)
        np.random.default_rng(seed).shuffle(Y)
        step = mini_batch_size
        return [(X[i : i + step], Y[i : i + step]) for i in range(0, len(X), step)]
    """,
    ("in place", "change", "copy", "given"),
)
wrong("random_mini_batches", "no return", drop("random_mini_batches", "return"), RETURN)

# --- 01, the training step ------------------------------------------------------------------------

TAPE = "    with tf.GradientTape() as tape:\n"
LOGITS = "    logits = forward_propagation(X, parameters, pools)\n"

wrong(
    "train_step",
    "no update",
    drop("train_step", "apply_gradients"),
    ("apply", "update", "change", "moved", "stay"),
)
changed(
    "train_step",
    "uphill",
    "zip(gradients,",
    "zip([-g for g in gradients],",
    ("sign", "direction", "ascent", "uphill", "rise"),
)
changed(
    "train_step",
    "minus the cost",
    "tape.gradient(cost,",
    "tape.gradient(-cost,",
    ("sign", "direction", "ascent", "uphill", "rise", "gradient"),
)
changed(
    "train_step",
    "one variable only",
    "list(parameters.values())",
    '[parameters["W1"]]',
    ("w2", "all"),
)
changed(
    "train_step",
    "without the bias",
    "list(parameters.values())",
    "list(parameters.values())[:3]",
    "b3",
)
changed(
    "train_step",
    "without the bias, by name",
    "list(parameters.values())",
    '[parameters[k] for k in ("W1", "W2", "W3")]',
    "b3",
)
changed(
    "train_step",
    "cost after the step",
    "return cost,",
    "return compute_cost(forward_propagation(X, parameters, pools), Y),",
    ("before", "after"),
)
changed(
    "train_step",
    "share in place of a count",
    "reduce_sum",
    "reduce_mean",
    ("count", "number", "mean", "share"),
)
wrong(
    "train_step",
    "argmax over the batch",
    edit_all("train_step", "axis=1", "axis=0"),
    ("axis", "right"),
)
changed("train_step", "wrong answers counted", "tf.equal", "tf.not_equal", "right")
changed(
    "train_step",
    "logits compared with labels",
    "tf.equal(tf.argmax(logits, axis=1), tf.argmax(Y, axis=1))",
    "tf.equal(logits, Y)",
    ("right", "argmax"),
)
changed(
    "train_step",
    "cost only",
    "return cost, tf.reduce_sum(tf.cast(right, tf.float32))",
    "return cost",
    ("two", "pair", "right", "cost and"),
)
changed(
    "train_step",
    "in the other order",
    "return cost, tf.reduce_sum(tf.cast(right, tf.float32))",
    "return tf.reduce_sum(tf.cast(right, tf.float32)), cost",
    ("order", "first", "cost"),
)
changed(
    "train_step",
    "pairs the wrong way round",
    "zip(gradients, variables,",
    "zip(variables, gradients,",
    ("apply_gradients", "gradient", "variable"),
)
changed(
    "train_step",
    "logits outside the tape",
    TAPE + "    " + LOGITS,
    LOGITS + TAPE,
    ("tape", "gradient"),
)
changed(
    "train_step",
    "gradients of the logits",
    "tape.gradient(cost,",
    "tape.gradient(logits,",
    ("gradient", "cost", "step"),
)
changed(
    "train_step",
    "applied twice",
    "    right = ",
    "    optimizer.apply_gradients(zip(gradients, variables, strict=True))\n    right = ",
    ("twice", "two", "times", "large"),
)
changed(
    "train_step",
    "steps by hand with a rate of its own",
    "optimizer.apply_gradients(zip(gradients, variables, strict=True))",
    "[v.assign_sub(0.009 * g) for g, v in zip(gradients, variables)]",
    ("optimizer", "rate"),
)
wrong(
    "train_step",
    "an optimizer of its own",
    edit(
        "train_step",
        ("@tf.function(reduce_retracing=True)\n", ""),
        ("    optimizer.apply", "    keras.optimizers.SGD(0.009).apply"),
    ),
    ("optimizer", "rate"),
)
changed("train_step", "pools not handed on", "(X, parameters, pools)", "(X, parameters)", "pools")
changed(
    "train_step", "pools written in", "(X, parameters, pools)", "(X, parameters, (8, 4))", "pools"
)
changed(
    "train_step",
    "cost of swapped arguments",
    "compute_cost(logits, Y)",
    "compute_cost(Y, logits)",
    ("compute_cost", "logits", "cost"),
)
wrong("train_step", "no return", drop("train_step", "return"), RETURN)

# --- 01, answering filters ------------------------------------------------------------------------

changed(
    "answering_filters",
    "dead ones counted",
    "int(answers.sum())",
    "int((~answers).sum())",
    ("dead", "not above", "never", "above zero"),
)
changed(
    "answering_filters",
    "above zero for every image",
    "np.any(A1 > 0, axis=(0, 1, 2))",
    "np.any(A1 > 0, axis=(1, 2)).all(axis=0)",
    ("any", "every", "all"),
    "image",
)
changed("answering_filters", "above zero everywhere", "np.any", "np.all", ("any", "every", "all"))
wrong(
    "answering_filters",
    "mean above zero, no ReLU",
    """
    def answering_filters(X, W1):
        Z1 = tf.nn.conv2d(X, W1, strides=1, padding="SAME")
        return int(np.sum(np.mean(Z1, axis=(0, 1, 2)) > 0))
    """,
    ("any", "mean", "average"),
)
changed(
    "answering_filters",
    "images counted",
    "axis=(0, 1, 2)",
    "axis=(1, 2, 3)",
    ("axis", "axes", "images"),
)
changed(
    "answering_filters",
    "pairs of image and filter counted",
    "axis=(0, 1, 2)",
    "axis=(1, 2)",
    ("image", "axis", "axes"),
)
changed(
    "answering_filters",
    "pixels counted",
    "np.any(A1 > 0, axis=(0, 1, 2))",
    "np.array(A1 > 0)",
    ("pixel", "number of filters", "axis", "axes", "values", "at most"),
)
changed("answering_filters", "the first image only", "conv2d(X,", "conv2d(X[:1],", "image")
changed("answering_filters", "zero counts as well", "A1 > 0", "A1 >= 0", (">", "above zero"))
changed(
    "answering_filters", "padding VALID", '"SAME"', '"VALID"', ("padding", "same", "border", "edge")
)
changed(
    "answering_filters", "the mask", "int(answers.sum())", "answers", ("number", "sum", "count")
)
changed(
    "answering_filters",
    "the share",
    "int(answers.sum())",
    "answers.mean()",
    ("number", "count", "share", "sum"),
)
wrong(
    "answering_filters",
    "8, whatever comes",
    "def answering_filters(X, W1):\n    return 8\n",
    ("filters", "above zero"),
)
wrong("answering_filters", "no return", drop("answering_filters", "return"), RETURN)

# --- 02, the block of two layers ------------------------------------------------------------------

TWO = "identity_block_two_layers"
changed(
    TWO,
    "no last ReLU",
    'return Activation("relu")(X)',
    "return X",
    "relu",
    ("after the addition", "last", "final", "end"),
)
wrong(
    TWO,
    "ReLU before the addition",
    edit(
        TWO,
        ("    X = Add()", '    X = Activation("relu")(X)\n    X = Add()'),
        ('return Activation("relu")(X)', "return X"),
    ),
    "relu",
    "addition",
)
changed(
    TWO,
    "ReLU before and after the addition",
    "    X = Add()",
    '    X = Activation("relu")(X)\n    X = Add()',
    "relu",
    ("before the addition", "2b"),
)
wrong(TWO, "no addition", drop(TWO, "Add()"), ("add", "shortcut"))
wrong(
    TWO, "no second BatchNormalization", drop(TWO, "bn{stage}{block}_branch2b"), NORMALISATION, "2b"
)
changed(
    TWO,
    "padding valid in 2b",
    'padding="same", name=f"res{stage}{block}_branch2b"',
    'name=f"res{stage}{block}_branch2b"',
    "2b",
    ("same", "padding"),
)
changed(
    TWO,
    "2b has the name of 2a",
    "res{stage}{block}_branch2b",
    "res{stage}{block}_branch2a",
    "name",
    "branch2",
)
changed(
    TWO,
    "1x1 in 2b",
    'f, padding="same", name=f"res{stage}{block}_branch2b"',
    '1, name=f"res{stage}{block}_branch2b"',
    "2b",
    ("window", "kernel", "1x1", "height", "f"),
)
changed(
    TWO,
    "stage and block written in",
    "res{stage}{block}_branch2b",
    "res2b_branch2b",
    "name",
    ("stage", "block", "res2b_branch2b"),
)
changed(TWO, "main path added to itself", "[shortcut, X]", "[X, X]", "shortcut")
wrong(
    TWO,
    "shortcut after 2a",
    edit(
        TWO,
        ("    shortcut = X\n\n", ""),
        (
            '    X = Activation("relu")(X)\n\n',
            '    X = Activation("relu")(X)\n    shortcut = X\n\n',
        ),
    ),
    "shortcut",
    "input",
)
changed(TWO, "no return", "return ", "X = ", RETURN)

# --- 02, counts -----------------------------------------------------------------------------------

COUNTS = "bottleneck_counts"
changed(COUNTS, "no bias in 2b", "64 * 64 + 64", "64 * 64", "count_2b", "bias")
changed(COUNTS, "no bias in 2c", "256 + 256", "256", "count_2c", "bias")
changed(COUNTS, "one bias in all", "64 * 64 + 64", "64 * 64 + 1", "count_2b", "bias")
changed(COUNTS, "biases of the input's channels", "256 + 256", "256 + 64", "count_2c", "bias")
changed(COUNTS, "one channel", "3 * 3 * 64 * 64", "3 * 3 * 64", "count_2b")
changed(COUNTS, "a window of 3", "3 * 3 * 64 * 64", "3 * 64 * 64", "count_2b")
changed(COUNTS, "2b taken for 1x1", "3 * 3 * 64", "1 * 1 * 64", "count_2b", ("3", "window"))
changed(COUNTS, "2c taken for 3x3", "1 * 1 * 64", "3 * 3 * 64", "count_2c", ("1", "window"))
changed(
    COUNTS,
    "BatchNormalization counted too",
    "256 + 256",
    "256 + 256 + 4 * 256",
    "count_2c",
    NORMALISATION,
)
wrong(
    COUNTS,
    "swapped",
    "count_2b, count_2c = 16_640, 36_928\n",
    "count_2b",
    ("swap", "count_2c", "16"),
)
wrong(COUNTS, "text", "count_2b, count_2c = '36928', '16640'\n", "count_2b", "number")

# --- 02, component by component -------------------------------------------------------------------

C2 = "component_2"
changed(C2, "no ReLU", 'Activation("relu")(X)', "X", "relu")
wrong(C2, "no BatchNormalization", drop(C2, "BatchNormalization"), NORMALISATION)
changed(C2, "padding valid", 'padding="same", ', "", "same")
changed(C2, "1x1", "Conv2D(64, 3,", "Conv2D(64, 1,", ("window", "3", "kernel", "height"))
changed(C2, "256 filters", "Conv2D(64,", "Conv2D(256,", "64", ("filters", "channels"))
changed(
    C2,
    "arguments swapped",
    "Conv2D(64, 3,",
    "Conv2D(3, 64,",
    "64",
    ("filters", "channels", "window"),
)
changed(C2, "from the input", "(after_2a)", "(inputs)", "after_2a")
changed(C2, "name missing", ', name="res2b_branch2b"', "", "name", "res2b_branch2b")
changed(C2, "BatchNormalization's name missing", ', name="bn2b_branch2b"', "", "bn2b_branch2b")
changed(C2, "the name of 2a", '"res2b_branch2b"', '"res2b_branch2a"', "name", "res2b_branch2b")
changed(C2, "sigmoid", '"relu"', '"sigmoid"', "relu")
wrong(
    C2,
    "ReLU before BatchNormalization",
    edit(
        C2,
        ('name="res2b_branch2b")', 'activation="relu", name="res2b_branch2b")'),
        ('after_2b = Activation("relu")(X)', "after_2b = X"),
    ),
    "relu",
    NORMALISATION,
)
changed(C2, "training=True", 'bn2b_branch2b")(X)', 'bn2b_branch2b")(X, training=True)', "training")
changed(C2, "stride 2", "Conv2D(64, 3,", "Conv2D(64, 3, strides=2,", "stride")
wrong(
    C2,
    "arrays in place of tensors",
    "after_2b = np.zeros((1, 15, 15, 64))\n",
    "after_2b",
    ("tensor", "layer", "symbolic"),
)
wrong(C2, "component 1 again", "after_2b = after_2a\n", "after_2b")
wrong(
    C2,
    "the layer, not called",
    'after_2b = Activation("relu")\n',
    "after_2b",
    ("tensor", "activation"),
)
wrong(C2, "dots", "after_2b = ...\n", ("not written yet", "tensor"))

C3 = "component_3"
wrong(C3, "ReLU", edit(C3, ("after_2c = ", "X = ")) + 'after_2c = Activation("relu")(X)\n', "relu")
wrong(
    C3,
    "no BatchNormalization",
    drop(C3, "BatchNormalization").replace("X = ", "after_2c = "),
    NORMALISATION,
)
changed(C3, "64 filters", "Conv2D(256,", "Conv2D(64,", "256", ("filters", "channels"))
changed(
    C3,
    "3x3",
    "Conv2D(256, 1,",
    'Conv2D(256, 3, padding="same",',
    ("window", "1x1", "kernel", "height"),
)
changed(C3, "from after_2a", "(after_2b)", "(after_2a)", "after_2b")
changed(C3, "fused ReLU", "Conv2D(256, 1,", 'Conv2D(256, 1, activation="relu",', "relu")
changed(C3, "name of component 2", '"bn2b_branch2c"', '"bn2b_branch2b"', "name", "bn2b_branch2c")
changed(C3, "dense", "Conv2D(256, 1,", "Dense(256,", ("conv", "dense"))
changed(C3, "no bias", "Conv2D(256, 1,", "Conv2D(256, 1, use_bias=False,", "bias")

ADD = "addition"
changed(ADD, "no ReLU", 'Activation("relu")(X)', "X", "relu")
wrong(
    ADD,
    "ReLU before the addition",
    'X = Activation("relu")(after_2c)\nafter_addition = Add()([shortcut, X])\n',
    "relu",
    "addition",
)
wrong(ADD, "only one of them", 'after_addition = Activation("relu")(after_2c)\n', "shortcut")
changed(ADD, "shortcut twice", "[shortcut, after_2c]", "[shortcut, shortcut]", "after_2c")
changed(ADD, "main path twice", "[shortcut, after_2c]", "[after_2c, after_2c]", "shortcut")
for layer in ("Concatenate", "Multiply", "Average", "Subtract", "Maximum"):
    changed(ADD, layer, "Add()", f"layers.{layer}()", ("add", "sum"))
changed(
    ADD,
    "BatchNormalization after the addition",
    'Activation("relu")(X)',
    'Activation("relu")(BatchNormalization()(X))',
    NORMALISATION,
)
changed(ADD, "tanh", '"relu"', '"tanh"', "relu")
changed(ADD, "a list", 'Activation("relu")(X)', '[Activation("relu")(X)]', ("list", "tensor"))

# --- 02 and 03, what goes wrong in either block ---------------------------------------------------

BLOCK, PROJECTING = "identity_block", "convolutional_block"
RELU_LINE = '    X = Activation("relu")(X)\n'
END_OF_2A = '    X = BatchNormalization(momentum=0.9, name=bn_name + "2a")(X)\n' + RELU_LINE
END_OF_2B = '    X = BatchNormalization(momentum=0.9, name=bn_name + "2b")(X)\n' + RELU_LINE
LAST = 'return Activation("relu")(X)'

for task in (BLOCK, PROJECTING):
    changed(
        task,
        "no last ReLU",
        LAST,
        "return X",
        "relu",
        ("after the addition", "last", "final", "end"),
    )
    wrong(
        task,
        "ReLU before the addition, none after it",
        edit(task, ("    X = Add()", RELU_LINE + "    X = Add()"), (LAST, "return X")),
        "relu",
        "addition",
    )
    changed(
        task,
        "ReLU before and after the addition",
        "    X = Add()",
        RELU_LINE + "    X = Add()",
        "relu",
        ("2c", "before the addition"),
    )
    for part, end in (("2a", END_OF_2A), ("2b", END_OF_2B)):
        changed(task, f"no ReLU after {part}", end, end.replace(RELU_LINE, ""), "relu", part)
    for part in ("2a", "2b", "2c"):
        wrong(
            task,
            f"no BatchNormalization in {part}",
            drop(task, f'bn_name + "{part}"'),
            NORMALISATION,
            part,
        )
    changed(
        task,
        "BatchNormalization after ReLU in 2b",
        END_OF_2B,
        "".join(reversed(END_OF_2B.splitlines(keepends=True))),
        NORMALISATION,
        "relu",
        "2b",
    )
    wrong(
        task,
        "ReLU in the convolution 2b, before BatchNormalization",
        edit(
            task,
            ('conv_name + "2b")', 'conv_name + "2b", activation="relu")'),
            (END_OF_2B, END_OF_2B.replace(RELU_LINE, "")),
        ),
        "relu",
        "2b",
    )
    changed(
        task,
        "BatchNormalization before the convolution 2b",
        '    X = Conv2D(F2, f, padding="same", name=conv_name + "2b")(X)\n' + END_OF_2B,
        END_OF_2B.replace(RELU_LINE, "")
        + '    X = Conv2D(F2, f, padding="same", name=conv_name + "2b")(X)\n'
        + RELU_LINE,
        NORMALISATION,
        "2b",
    )
    for function in ("sigmoid", "tanh", "leaky_relu", "relu6"):
        changed(
            task,
            f"{function} after 2b",
            END_OF_2B,
            END_OF_2B.replace('"relu"', f'"{function}"'),
            "relu",
            "2b",
        )
    changed(
        task,
        "sigmoid at the end",
        LAST,
        LAST.replace("relu", "sigmoid"),
        "relu",
        ("after the addition", "last", "end"),
    )
    wrong(task, "no addition", drop(task, "X = Add()"), ("add", "shortcut"))
    for layer in ("Concatenate", "Multiply", "Average", "Subtract", "Maximum"):
        changed(task, f"{layer} for Add", "Add()", f"layers.{layer}()", "add", layer.lower()[:6])
    changed(task, "main path added to itself", "[shortcut, X]", "[X, X]", "shortcut")
    changed(
        task,
        "shortcut added to itself",
        "[shortcut, X]",
        "[shortcut, shortcut]",
        ("main path", "2c"),
    )
    changed(
        task,
        "padding valid in 2b",
        'padding="same", name=conv_name + "2b"',
        'name=conv_name + "2b"',
        "2b",
        "same",
    )
    changed(task, "3x3 written in", "Conv2D(F2, f,", "Conv2D(F2, 3,", "2b", "window of 3x3")
    changed(
        task,
        "window f in 2a",
        "Conv2D(F1, 1,",
        'Conv2D(F1, f, padding="same",',
        "2a",
        ("1x1", "window", "kernel", "height"),
    )
    changed(
        task,
        "window f in 2c",
        'Conv2D(F3, 1, name=conv_name + "2c")',
        'Conv2D(F3, f, padding="same", name=conv_name + "2c")',
        "2c",
        ("1x1", "window", "kernel", "height"),
    )
    changed(
        task,
        "F1 and F2 swapped",
        "F1, F2, F3 = filters",
        "F2, F1, F3 = filters",
        "2a",
        ("filters", "f1", "channels"),
    )
    changed(task, "F1 in 2b", "Conv2D(F2, f,", "Conv2D(F1, f,", "2b", ("filters", "f2", "channels"))
    changed(
        task,
        "64 filters written in",
        "Conv2D(F2, f,",
        "Conv2D(64, f,",
        "2b",
        ("filters", "f2", "channels"),
    )
    changed(
        task,
        "F2 in 2c",
        'Conv2D(F3, 1, name=conv_name + "2c")',
        'Conv2D(F2, 1, name=conv_name + "2c")',
        "2c",
        ("filters", "f3", "channels"),
    )
    changed(task, "convolution without a name", ', name=conv_name + "2b")', ")", "name", "2b")
    changed(
        task,
        "BatchNormalization without a name",
        'momentum=0.9, name=bn_name + "2c")',
        "momentum=0.9)",
        "name",
        "2c",
    )
    changed(task, "a name twice", 'conv_name + "2c"', 'conv_name + "2b"', "name", ("2b", "2c"))
    wrong(
        task,
        "prefixes swapped",
        edit(task, ('f"res{', 'f"bn{'), ('bn_name = f"bn{', 'bn_name = f"res{')),
        "name",
    )
    wrong(task, "block before stage", edit_all(task, "{stage}{block}", "{block}{stage}"), "name")
    wrong(task, "stage and block written in", edit_all(task, "{stage}{block}", "2b"), "name")
    changed(
        task, "training=True", 'bn_name + "2b")(X)', 'bn_name + "2b")(X, training=True)', "training"
    )
    changed(
        task,
        "training=False",
        'bn_name + "2b")(X)',
        'bn_name + "2b")(X, training=False)',
        "training",
    )
    changed(
        task,
        "axis=1 in BatchNormalization",
        'momentum=0.9, name=bn_name + "2b")',
        'axis=1, name=bn_name + "2b")',
        "axis",
        "2b",
    )
    changed(task, "no bias in 2b", "Conv2D(F2, f,", "Conv2D(F2, f, use_bias=False,", "bias", "2b")
    changed(
        task,
        "no scale in BatchNormalization 2c",
        'momentum=0.9, name=bn_name + "2c")',
        'scale=False, name=bn_name + "2c")',
        ("scale", "gamma"),
        "2c",
    )
    changed(
        task,
        "LayerNormalization",
        'BatchNormalization(momentum=0.9, name=bn_name + "2b")',
        'layers.LayerNormalization(name=bn_name + "2b")',
        NORMALISATION,
        "2b",
    )
    changed(
        task, "depthwise in 2b", "Conv2D(F2, f,", "layers.SeparableConv2D(F2, f,", "2b", "conv2d"
    )
    changed(
        task,
        "dense in 2c",
        'Conv2D(F3, 1, name=conv_name + "2c")',
        'Dense(F3, name=conv_name + "2c")',
        "2c",
        ("conv2d", "dense"),
    )
    changed(task, "dilated 2b", "Conv2D(F2, f,", "Conv2D(F2, f, dilation_rate=2,", "2b", "dilat")
    changed(
        task, "dropout", "    X = Add()", "    X = layers.Dropout(0.2)(X)\n    X = Add()", "dropout"
    )
    changed(
        task,
        "component 2 twice",
        END_OF_2B,
        END_OF_2B
        + '    X = Conv2D(F2, f, padding="same", name=conv_name + "2b2")(X)\n'
        + '    X = BatchNormalization(momentum=0.9, name=bn_name + "2b2")(X)\n'
        + RELU_LINE,
        ("more", "too many", "extra", "4", "four", "2b2", "should be"),
    )
    changed(
        task,
        "component 2 left out",
        '    X = Conv2D(F2, f, padding="same", name=conv_name + "2b")(X)\n' + END_OF_2B,
        "",
        "2b",
    )
    changed(
        task, "stride in 2b as well", "Conv2D(F2, f,", "Conv2D(F2, f, strides=2,", "stride", "2b"
    )
    changed(
        task,
        "a TensorFlow function on a Keras tensor",
        LAST,
        "return tf.nn.relu(X)",
        ("kerastensor", "tensorflow function"),
    )
    changed(task, "no return", "return ", "X = ", RETURN)
    wrong(
        task,
        "input returned",
        f"def {task}(X, f, filters, stage, block, s=2):\n    return X\n",
        ("input", "2a"),
    )
    changed(task, "a list", LAST, 'return [Activation("relu")(X)]', ("list", "tensor"))
    changed(task, "shortcut returned as well", LAST, LAST + ", shortcut", ("tuple", "tensor"))
    wrong(
        task,
        "a Model",
        edit(
            task,
            ("    shortcut = X\n", "    start = shortcut = X\n"),
            (LAST, 'return Model(start, Activation("relu")(X))'),
        ),
        ("model", "functional"),
    )
    changed(
        task,
        "arguments in another order",
        "(X, f, filters, stage, block",
        "(X, filters, f, stage, block",
        ("unpack", "argument", "order", "typeerror"),
    )

# --- 02, the identity block alone -----------------------------------------------------------------

wrong(
    BLOCK,
    "shortcut after the convolution 2a",
    edit(
        BLOCK,
        ("    shortcut = X\n", ""),
        ('conv_name + "2a")(X)\n', 'conv_name + "2a")(X)\n    shortcut = X\n'),
    ),
    "shortcut",
    ("input", "2a"),
)
wrong(
    BLOCK,
    "shortcut after component 1",
    edit(BLOCK, ("    shortcut = X\n", ""), (END_OF_2A, END_OF_2A + "    shortcut = X\n")),
    "shortcut",
    ("input", "2a"),
)
changed(
    BLOCK,
    "shortcut through BatchNormalization",
    "[shortcut, X]",
    "[BatchNormalization()(shortcut), X]",
    "shortcut",
)
changed(
    BLOCK,
    "shortcut through ReLU",
    "[shortcut, X]",
    '[Activation("relu")(shortcut), X]',
    "shortcut",
    "relu",
)
changed(
    BLOCK,
    "shortcut through a convolution",
    "    X = Add()",
    '    shortcut = Conv2D(F3, 1, name=conv_name + "1")(shortcut)\n    X = Add()',
    "shortcut",
    ("conv", "unchanged", "input"),
)
changed(BLOCK, "stride 2 in 2a", "Conv2D(F1, 1,", "Conv2D(F1, 1, strides=2,", "stride", "2a")
changed(
    BLOCK,
    "shortcut added twice",
    "[shortcut, X]",
    "[shortcut, X, shortcut]",
    "shortcut",
    ("twice", "once", "3", "three", "add"),
)

# --- 03, output_side and one_by_one ---------------------------------------------------------------

SIDE = "output_side"
changed(SIDE, "no + 1", " // s + 1", " // s", ("+ 1", "valid"))
changed(SIDE, "same rounded down", "-(-n // s)", "n // s", "same", ("ceil", "up"))
changed(SIDE, "valid formula for both", "-(-n // s)", "(n - f) // s + 1", "same")
changed(SIDE, "same formula for both", "(n - f) // s + 1", "-(-n // s)", "valid")
changed(SIDE, "same keeps the side", "-(-n // s)", "n", "same", ("stride", "n / s"))
changed(SIDE, "ordinary division", "(n - f) // s", "(n - f) / s", ("//", "whole", "int"))
changed(SIDE, "rounded", "-(-n // s)", "round(n / s)", "same", ("ceil", "up"))
changed(
    SIDE,
    "rounded up in valid",
    "(n - f) // s + 1",
    "math.ceil((n - f) / s) + 1",
    "valid",
    ("//", "down"),
)
changed(SIDE, "padding of f // 2", "-(-n // s)", "(n + 2 * (f // 2) - f) // s + 1", "same")
changed(SIDE, "f and s swapped", "(n - f) // s + 1", "(n - s) // f + 1", "valid")
changed(SIDE, "the two swapped", '"valid"', '"same"', ("same", "valid"), ("swap", "same"))
changed(SIDE, "capitals", '"valid"', '"VALID"', "valid")
changed(SIDE, "window left out of valid", "(n - f) // s + 1", "n // s", "valid")
wrong(
    SIDE,
    "printed, not returned",
    """
    def output_side(n, f, s, padding):
        print((n - f) // s + 1 if padding == "valid" else -(-n // s))
    """,
    RETURN,
)

ONE = "one_by_one"
changed(ONE, "no stride", "images[:, ::s, ::s, :]", "images", ("stride", "height"))
changed(ONE, "stride on the rows only", "::s, ::s, :", "::s, :, :", ("stride", "width", "column"))
changed(ONE, "stride 2 written in", "::s, ::s", "::2, ::2", ("stride", "height", "every"))
changed(
    ONE,
    "begins with the last of each s",
    "::s, ::s",
    "s - 1 :: s, s - 1 :: s",
    ("first", "0", "begin", "start", "height"),
)
changed(
    ONE,
    "sides rounded down",
    "::s, ::s",
    ": images.shape[1] // s * s : s, : images.shape[2] // s * s : s",
    ("ceil", "up", "height", "width"),
)
changed(
    ONE,
    "the first pixels",
    "::s, ::s",
    ": -(-images.shape[1] // s), : -(-images.shape[2] // s)",
    ("every", "s-th", "stride", "::s"),
)
changed(ONE, "no bias", " + bias", "", "bias")
changed(ONE, "bias subtracted", "+ bias", "- bias", "bias")
changed(ONE, "kernel transposed", "@ kernel", "@ kernel.T", ("matmul", "mismatch", "transpose"))
changed(ONE, "stride on the channels", "[:, ::s, ::s, :]", "[..., ::s]", ("matmul", "mismatch"))
changed(
    ONE, "stride on the images", "[:, ::s, ::s, :]", "[::s, ::s]", ("batch", "image", "width", "m")
)
changed(
    ONE,
    "ReLU",
    "kept @ kernel + bias",
    "np.maximum(kept @ kernel + bias, 0)",
    ("relu", "negative", "below"),
)
wrong(
    ONE,
    "averaged over the window",
    """
    def one_by_one(images, kernel, bias, s):
        m, height, width, channels = images.shape
        rows, columns = height // s, width // s
        windows = images[:, : rows * s, : columns * s].reshape(m, rows, s, columns, s, channels)
        return windows.mean(axis=(2, 4)) @ kernel + bias
    """,
    ("height", "width", "every", "::s", "average"),
)
changed(
    ONE, "element by element", "kept @ kernel", "kept * kernel", ("broadcast", "shape", "operands")
)
wrong(ONE, "no return", drop(ONE, "return"), RETURN)

# --- 03, component by component -------------------------------------------------------------------

MAIN = "main_path"
wrong(MAIN, "no ReLU after 2b", drop(MAIN, 'Activation("relu")'), "relu", "2b")
wrong(
    MAIN,
    "ReLU after 2c",
    edit(MAIN, ("after_2c = ", "X = ")) + 'after_2c = Activation("relu")(X)\n',
    "relu",
    "2c",
)
changed(MAIN, "stride 2 in 2b", "Conv2D(128, 3,", "Conv2D(128, 3, strides=2,", "stride", "2b")
changed(MAIN, "stride 2 in 2c", "Conv2D(512, 1,", "Conv2D(512, 1, strides=2,", "stride", "2c")
changed(MAIN, "padding valid in 2b", 'padding="same", ', "", "2b", "same")
wrong(MAIN, "no BatchNormalization in 2b", drop(MAIN, "bn3a_branch2b"), NORMALISATION, "2b")
changed(
    MAIN, "256 filters in 2c", "Conv2D(512,", "Conv2D(256,", "2c", "512", ("filters", "channels")
)
wrong(
    MAIN,
    "filters swapped",
    edit(MAIN, ("Conv2D(512,", "Conv2D(128,"), ("Conv2D(128, 3", "Conv2D(512, 3")),
    "2b",
    ("filters", "channels"),
)
changed(MAIN, "names of stage 2", "res3a_branch2b", "res2b_branch2b", "name", "res3a_branch2b")
changed(MAIN, "from the block's input", "(after_2a)", "(inputs)", "after_2a")
wrong(
    MAIN,
    "2c only",
    """
    X = Conv2D(512, 1, name="res3a_branch2c")(after_2a)
    after_2c = BatchNormalization(name="bn3a_branch2c")(X)
    """,
    "2b",
)
changed(
    MAIN, "training=True", 'bn3a_branch2c")(X)', 'bn3a_branch2c")(X, training=True)', "training"
)

CUT = "shortcut"
changed(CUT, "no stride", "strides=2, ", "", "stride")
wrong(
    CUT,
    "no BatchNormalization",
    drop(CUT, "BatchNormalization").replace("X = ", "shortcut = "),
    NORMALISATION,
)
wrong(
    CUT, "ReLU", edit(CUT, ("shortcut = ", "X = ")) + 'shortcut = Activation("relu")(X)\n', "relu"
)
changed(CUT, "from after_2a", "(inputs)", "(after_2a)", "input")
changed(CUT, "128 filters", "Conv2D(512,", "Conv2D(128,", "512", ("filters", "channels"))
changed(CUT, "256 filters", "Conv2D(512,", "Conv2D(256,", "512", ("filters", "channels"))
changed(
    CUT,
    "3x3",
    "Conv2D(512, 1,",
    'Conv2D(512, 3, padding="same",',
    ("1x1", "window", "kernel", "height"),
)
changed(
    CUT,
    "2x2, which looks alike",
    "Conv2D(512, 1,",
    'Conv2D(512, 2, padding="same",',
    ("1x1", "window", "kernel", "height"),
)
wrong(CUT, "names of 2a", edit_all(CUT, "branch1", "branch2a"), "name", "branch1")
changed(CUT, "name missing", ', name="bn3a_branch1"', "", "name", "bn3a_branch1")
wrong(CUT, "the input itself", "shortcut = inputs\n", ("input", "conv"))
wrong(
    CUT,
    "max pooling in place of the stride",
    edit(CUT, ("strides=2, ", ""), ("(inputs)", "(MaxPooling2D(2, padding='same')(inputs))")),
    ("stride", "pool"),
)
wrong(CUT, "the main path's end", "shortcut = after_2c\n", ("shortcut", "branch1", "input"))

# --- 03, the convolutional block alone ------------------------------------------------------------

PROJECTION = '    shortcut = Conv2D(F3, 1, strides=s, name=conv_name + "1")(shortcut)\n'
wrong(
    PROJECTING,
    "stride on 2b",
    edit(
        PROJECTING,
        ("Conv2D(F1, 1, strides=s,", "Conv2D(F1, 1,"),
        ("Conv2D(F2, f,", "Conv2D(F2, f, strides=s,"),
    ),
    "stride",
    ("2a", "2b"),
)
wrong(
    PROJECTING,
    "stride on 2c",
    edit(
        PROJECTING,
        ("Conv2D(F1, 1, strides=s,", "Conv2D(F1, 1,"),
        ('Conv2D(F3, 1, name=conv_name + "2c")', 'Conv2D(F3, 1, strides=s, name=conv_name + "2c")'),
    ),
    "stride",
    ("2a", "2c"),
)
changed(PROJECTING, "no stride in 2a", "Conv2D(F1, 1, strides=s,", "Conv2D(F1, 1,", "stride", "2a")
changed(
    PROJECTING,
    "no stride in the shortcut",
    "Conv2D(F3, 1, strides=s,",
    "Conv2D(F3, 1,",
    "stride",
    ("shortcut", "branch1"),
)
wrong(PROJECTING, "no stride at all", edit_all(PROJECTING, "strides=s, ", ""), "stride")
wrong(
    PROJECTING,
    "stride 2 written in",
    edit_all(PROJECTING, "strides=s", "strides=2"),
    "stride 2",
    "stride 1",
)
wrong(
    PROJECTING,
    "stride of the rows only",
    edit_all(PROJECTING, "strides=s", "strides=(s, 1)"),
    "stride",
)
wrong(
    PROJECTING,
    "no BatchNormalization on the shortcut",
    drop(PROJECTING, 'bn_name + "1"'),
    NORMALISATION,
    ("shortcut", "branch1"),
)
changed(
    PROJECTING,
    "ReLU on the shortcut",
    "    X = Add()",
    '    shortcut = Activation("relu")(shortcut)\n    X = Add()',
    "relu",
    "shortcut",
)
changed(
    PROJECTING,
    "F1 filters on the shortcut",
    "Conv2D(F3, 1, strides=s",
    "Conv2D(F1, 1, strides=s",
    ("shortcut", "branch1"),
    ("filters", "f3"),
)
changed(
    PROJECTING,
    "F2 filters on the shortcut",
    "Conv2D(F3, 1, strides=s",
    "Conv2D(F2, 1, strides=s",
    ("shortcut", "branch1"),
    ("filters", "f3"),
)
wrong(
    PROJECTING,
    "shortcut after the convolution 2a",
    edit(
        PROJECTING,
        ("    shortcut = X\n", ""),
        ('conv_name + "2a")(X)\n', 'conv_name + "2a")(X)\n    shortcut = X\n'),
        ("F3, 1, strides=s", "F3, 1"),
    ),
    "shortcut",
    ("input", "2a"),
)
changed(
    PROJECTING,
    "shortcut from the end of the main path",
    'conv_name + "1")(shortcut)',
    'conv_name + "1")(X)',
    "shortcut",
)
wrong(
    PROJECTING,
    "no projection",
    edit(
        PROJECTING,
        (PROJECTION, ""),
        ('    shortcut = BatchNormalization(momentum=0.9, name=bn_name + "1")(shortcut)\n', ""),
    ),
    "shortcut",
    "conv",
)
changed(
    PROJECTING,
    "BatchNormalization of the main path on the shortcut",
    'bn_name + "1")(shortcut)',
    'bn_name + "1")(X)',
    "shortcut",
)
changed(
    PROJECTING,
    "3x3 on the shortcut",
    "Conv2D(F3, 1, strides=s,",
    'Conv2D(F3, 3, padding="same", strides=s,',
    ("shortcut", "branch1"),
    ("1x1", "window", "kernel", "height"),
)
changed(
    PROJECTING,
    "max pooling on the shortcut",
    PROJECTION,
    "    shortcut = MaxPooling2D(1, strides=s)(shortcut)\n"
    '    shortcut = Conv2D(F3, 3, padding="same", name=conv_name + "1")(shortcut)\n',
    ("shortcut", "branch1"),
)
changed(
    PROJECTING,
    "another name on the shortcut",
    'conv_name + "1"',
    'conv_name + "shortcut"',
    "name",
    "branch1",
)
changed(PROJECTING, "no name on the shortcut", ', name=conv_name + "1")', ")", "name", "branch1")
changed(
    PROJECTING,
    "shortcut before its BatchNormalization",
    '    shortcut = BatchNormalization(momentum=0.9, name=bn_name + "1")',
    '    normalised = BatchNormalization(momentum=0.9, name=bn_name + "1")',
    NORMALISATION,
    ("shortcut", "branch1"),
)
wrong(
    PROJECTING,
    "identity block",
    TASKS[BLOCK].correct.replace(
        "identity_block(X, f, filters, stage, block",
        "convolutional_block(X, f, filters, stage, block, s=2",
    ),
    ("stride", "shortcut"),
)
changed(
    PROJECTING,
    "training=True on the shortcut",
    'bn_name + "1")(shortcut)',
    'bn_name + "1")(shortcut, training=True)',
    "training",
)
changed(PROJECTING, "default stride 1", "s=2)", "s=1)", "stride")

# --- 03, the prediction ---------------------------------------------------------------------------

PREDICT = "projection"
changed(PREDICT, "sides kept", "(4, 4, 1024)", "(8, 8, 1024)", ("stride", "height"))
changed(
    PREDICT,
    "channels kept",
    "(4, 4, 1024)",
    "(4, 4, 512)",
    ("channels", "filters"),
)
changed(
    PREDICT,
    "channels of F1",
    "(4, 4, 1024)",
    "(4, 4, 256)",
    ("channels", "filters"),
)
changed(
    PREDICT,
    "channels first",
    "(4, 4, 1024)",
    "(1024, 4, 4)",
    ("order", "axis", "axes", "height"),
)
changed(
    PREDICT,
    "rounded down and one off",
    "(4, 4, 1024)",
    "(3, 3, 1024)",
    ("height", "side", "stride"),
)
changed(
    PREDICT,
    "one number",
    "(4, 4, 1024)",
    "4 * 4 * 1024",
    ("height", "axes", "shape (", "tuple", "a tuple"),
)
changed(PREDICT, "no bias", "1024 + 1024 +", "1024 +", "bias")
changed(PREDICT, "no BatchNormalization", " + 4 * 1024", "", NORMALISATION)
changed(
    PREDICT,
    "trained ones of BatchNormalization",
    " + 4 *",
    " + 2 *",
    ("moving", "4", "four"),
)
changed(PREDICT, "3x3", "= 512 *", "= 9 * 512 *", ("1x1", "window", "3x3"))
changed(PREDICT, "from 256 channels", "= 512 *", "= 256 *", ("512", "channels"))
changed(PREDICT, "empty", "512 * 1024 + 1024 + 4 * 1024", "None", ("not written yet",))

# --- 04, stage 1 ----------------------------------------------------------------------------------

FIRST = "stage_1"
changed(
    FIRST,
    "padding same in conv1",
    "Conv2D(64, 7,",
    'Conv2D(64, 7, padding="same",',
    "conv1",
    ("padding", "valid"),
)
changed(
    FIRST,
    "padding same in the pooling",
    "MaxPooling2D(3, strides=2)",
    'MaxPooling2D(3, strides=2, padding="same")',
    "pool",
    ("padding", "valid"),
)
changed(FIRST, "no stride in conv1", "strides=2, name", "name", "conv1", "stride")
changed(
    FIRST,
    "no stride in the pooling",
    "MaxPooling2D(3, strides=2)",
    "MaxPooling2D(3)",
    "pool",
    "stride",
)
changed(
    FIRST,
    "pooling of 2x2",
    "MaxPooling2D(3, strides=2)",
    "MaxPooling2D(2)",
    "pool",
    ("3", "window"),
)
changed(FIRST, "average pooling", "MaxPooling2D(", "AveragePooling2D(", "max")
changed(FIRST, "no pooling", "MaxPooling2D(3, strides=2)(X)", "X", "pool")
wrong(FIRST, "no ReLU", drop(FIRST, "Activation"), "relu")
wrong(FIRST, "no BatchNormalization", drop(FIRST, "bn_conv1"), NORMALISATION)
changed(FIRST, "no zeros around", "ZeroPadding2D(3)(images)", "images", ("zero", "padding"))
changed(
    FIRST,
    "zeros twice",
    "ZeroPadding2D(3)(images)",
    "ZeroPadding2D(3)(ZeroPadding2D(3)(images))",
    ("zero", "padding"),
)
changed(FIRST, "3x3", "Conv2D(64, 7,", "Conv2D(64, 3,", "conv1", ("7", "window"))
changed(
    FIRST,
    "arguments swapped",
    "Conv2D(64, 7,",
    "Conv2D(7, 64,",
    "conv1",
    ("filters", "channels", "window"),
)
changed(FIRST, "32 filters", "Conv2D(64,", "Conv2D(32,", "conv1", ("filters", "channels"))
changed(FIRST, "another name", '"conv1"', '"conv_1"', "name", "conv1")
changed(FIRST, "name missing", ', name="bn_conv1"', "", "name", "bn_conv1")
wrong(
    FIRST,
    "ReLU before BatchNormalization",
    edit(
        FIRST,
        ('name="conv1"', 'activation="relu", name="conv1"'),
        ('    X = Activation("relu")(X)\n', ""),
    ),
    "relu",
)
changed(
    FIRST,
    "zeros between conv1 and the pooling",
    "MaxPooling2D(3, strides=2)(X)",
    "MaxPooling2D(3, strides=2)(ZeroPadding2D(1)(X))",
    ("zero", "padding"),
)
wrong(
    FIRST,
    "pooling before ReLU and BatchNormalization",
    edit(
        FIRST,
        ('name="conv1")(X)\n', 'name="conv1")(X)\n    X = MaxPooling2D(3, strides=2)(X)\n'),
        ("return MaxPooling2D(3, strides=2)(X)", "return X"),
    ),
    "pool",
)
changed(
    FIRST,
    "starts from the images again",
    'name="conv1")(X)',
    'name="conv1")(images)',
    ("zero", "padding"),
)
changed(FIRST, "training=True", '"bn_conv1")(X)', '"bn_conv1")(X, training=True)', "training")
changed(FIRST, "no return", "return ", "X = ", RETURN)
changed(
    FIRST,
    "a Model",
    "return MaxPooling2D(3, strides=2)(X)",
    "return Model(images, MaxPooling2D(3, strides=2)(X))",
    ("model", "functional"),
)

# --- 04, sides and table --------------------------------------------------------------------------

SIDES = "sides_of_96"
changed(SIDES, "same in the pooling", "48, 23, 12, 6, 3, 1", "48, 24, 12, 6, 3, 1", "pool")
changed(SIDES, "rounded down", "48, 23, 12, 6, 3, 1", "48, 23, 11, 5, 2, 1", ("stage 3", "up"))
changed(SIDES, "zeros forgotten", "48, 23, 12, 6, 3, 1", "45, 22, 11, 6, 3, 1", "conv1")
changed(SIDES, "average pooling rounded up", "3, 1]", "3, 2]", "avg_pool")
changed(SIDES, "stage 2 listed", "23, 12", "23, 23, 12", ("six", "6"))
changed(SIDES, "with the image", "[48", "[96, 48", ("six", "6"))
wrong(SIDES, "one number", "sides_of_96 = 48\n", ("list", "six", "6"))
wrong(SIDES, "sides of 64", "sides_of_96 = [32, 15, 8, 4, 2, 1]\n", ("64", "conv1"))
wrong(
    SIDES, "shapes", "sides_of_96 = [(n, n) for n in (48, 23, 12, 6, 3, 1)]\n", ("number", "side")
)
wrong(SIDES, "empty", "sides_of_96 = []\n", ("not written yet", "six", "6"))

TABLE = "stage_table"
changed(
    TABLE,
    "one block too few",
    '"bcdef"',
    '"bcde"',
    ("stage 4", "[4]", "row 4"),
    ("letters", "blocks"),
)
changed(
    TABLE,
    "one block too many",
    '2048), 2, "bc"',
    '2048), 2, "bcd"',
    ("stage 5", "[5]", "row 5"),
    ("letters", "blocks"),
)
changed(
    TABLE,
    "block a among the letters",
    '"bcd"',
    '"abcd"',
    ("stage 3", "[3]", "row 3"),
    ("letters", "block a", "blocks"),
)
wrong(
    TABLE,
    "numbers of blocks",
    edit(TABLE, ('"bcd"', "3"), ('"bcdef"', "5")),
    ("letters", '"bcd"', "bcd"),
)
changed(
    TABLE,
    "stride 1",
    "(128, 128, 512), 2",
    "(128, 128, 512), 1",
    ("stage 3", "[3]", "row 3"),
    "stride",
)
changed(
    TABLE,
    "filters not doubled",
    "(512, 512, 2048)",
    "(256, 256, 1024)",
    ("stage 5", "[5]", "row 5"),
    "filters",
)
changed(
    TABLE,
    "filters in the wrong order",
    "(128, 128, 512)",
    "(512, 128, 128)",
    ("stage 3", "[3]", "row 3"),
    "filters",
)
changed(
    TABLE,
    "F3 not four times",
    "(256, 256, 1024)",
    "(256, 256, 512)",
    ("stage 4", "[4]", "row 4"),
    "filters",
)
wrong(
    TABLE,
    "rows 3 and 4 swapped",
    edit(TABLE, ("rows[3]", "rows[0]"), ("rows[4]", "rows[3]")).replace("rows[0]", "rows[4]"),
    ("stage 3", "[3]", "row 3"),
)
wrong(TABLE, "row 5 missing", drop(TABLE, "rows[5]"), ("stage 5", "[5]", "row 5", "5"))
wrong(
    TABLE, "nothing added", drop(TABLE, "rows[3]", "rows[4]", "rows[5]"), ("3", "not written yet")
)
changed(
    TABLE,
    "a row too many",
    "STAGES = rows",
    'rows[6] = ((1024, 1024, 4096), 2, "bc")\nSTAGES = rows',
    "6",
)
changed(
    TABLE,
    "parts in another order",
    '((128, 128, 512), 2, "bcd")',
    '(2, (128, 128, 512), "bcd")',
    ("stage 3", "[3]", "row 3"),
)
changed(
    TABLE,
    "two parts",
    '((128, 128, 512), 2, "bcd")',
    '((128, 128, 512), "bcd")',
    ("stage 3", "[3]", "row 3"),
)
changed(TABLE, "keys as text", "rows[3]", 'rows["3"]', "3")
changed(
    TABLE,
    "row 2 changed",
    "{2: ((64, 64, 256), 1,",
    "{2: ((64, 64, 256), 2,",
    ("stage 2", "[2]", "row 2"),
)

# --- 04, the stages -------------------------------------------------------------------------------

STAGES = "stages_2_to_5"
changed(
    STAGES, "returns after stage 2", "    return X", "        return X", ("stage 3", "res3a", "3")
)
changed(
    STAGES,
    "identity blocks left out",
    "        for letter in identity_letters:\n"
    "            X = identity_block(X, 3, filters, stage, letter)\n",
    "",
    ("identity", "res2b", "2b"),
)
changed(
    STAGES,
    "a block too few in each stage",
    "in identity_letters",
    "in identity_letters[:-1]",
    ("res2c", "2c"),
)
changed(
    STAGES,
    "a block too many",
    "in identity_letters",
    'in identity_letters + "z"',
    ("2z", "more", "too many"),
)
changed(
    STAGES,
    "only convolutional blocks",
    "identity_block(X, 3, filters, stage, letter)",
    "convolutional_block(X, 3, filters, stage, letter, s=1)",
    ("identity", "shortcut"),
)
wrong(STAGES, "identity blocks first", """
    def stages_2_to_5(X):
        for stage, (filters, stride, identity_letters) in STAGES.items():
            for letter in identity_letters:
                X = identity_block(X, 3, filters, stage, letter)
            X = convolutional_block(X, 3, filters, stage, "a", s=stride)
        return X
    """, ("identity_block", "convolutional_block"), "channels")  # fmt: skip
changed(STAGES, "stride not handed on", ", s=stride", "", "stride", ("2a", "stage 2"))
changed(STAGES, "stride 1 everywhere", "s=stride", "s=1", "stride", ("3a", "stage 3"))
changed(
    STAGES,
    "window 5",
    "convolutional_block(X, 3,",
    "convolutional_block(X, 5,",
    ("window", "3", "f"),
    "2a",
)
changed(
    STAGES,
    "window 1 in the identity blocks",
    "identity_block(X, 3,",
    "identity_block(X, 1,",
    ("window", "3", "f"),
    "2b",
)
changed(STAGES, "every letter is b", "stage, letter)", 'stage, "b")', "name", "2b")
changed(
    STAGES,
    "stages counted from 0",
    "for stage, (filters, stride, identity_letters) in STAGES.items()",
    "for stage, (filters, stride, identity_letters) in enumerate(STAGES.values())",
    "name",
    "2a",
)
changed(
    STAGES,
    "blocks not chained",
    "            X = identity_block",
    "            Y = identity_block",
    ("identity", "2b"),
)
changed(
    STAGES, "stage 2 skipped", "in STAGES.items()", "in list(STAGES.items())[1:]", ("stage 2", "2a")
)
changed(
    STAGES,
    "stages backwards",
    "in STAGES.items()",
    "in reversed(STAGES.items())",
    ("2a", "stage 2", "order"),
)
changed(
    STAGES,
    "pooling between the stages",
    "        for letter",
    "        X = MaxPooling2D(2, padding='same')(X)\n        for letter",
    "pool",
)
changed(STAGES, "the average pooling included", "return X", "return AveragePooling2D(2)(X)", "pool")
wrong(STAGES, "no return", drop(STAGES, "return"), RETURN)

# --- 04, the head ---------------------------------------------------------------------------------

TOP = "head"
DENSE = 'Dense(classes, activation="softmax", name=f"fc{classes}")(X)'
changed(
    TOP,
    "global average pooling",
    "AveragePooling2D(2,",
    "layers.GlobalAveragePooling2D(",
    ("averagepooling2d", "2x2", "global"),
)
wrong(
    TOP,
    "global average pooling without Flatten",
    edit(
        TOP,
        ("AveragePooling2D(2,", "layers.GlobalAveragePooling2D("),
        ("    X = Flatten()(X)\n", ""),
    ),
    ("averagepooling2d", "2x2", "global"),
)
changed(TOP, "max pooling", "AveragePooling2D(", "MaxPooling2D(", ("average", "max"))
wrong(TOP, "no pooling", drop(TOP, "AveragePooling2D"), ("pool", "avg_pool"))
changed(
    TOP, "pooling with stride 1", "AveragePooling2D(2,", "AveragePooling2D(2, strides=1,", "stride"
)
changed(
    TOP,
    "pooling with padding same",
    "AveragePooling2D(2,",
    'AveragePooling2D(2, padding="same",',
    ("padding", "valid"),
)
changed(
    TOP, "pooling of 3x3", "AveragePooling2D(2,", "AveragePooling2D(3,", ("2x2", "window", "pool")
)
changed(TOP, "another name for the pooling", '"avg_pool"', '"average"', "name", "avg_pool")
changed(TOP, "no name for the pooling", ', name="avg_pool"', "", "name", "avg_pool")
wrong(TOP, "no Flatten", drop(TOP, "Flatten"), "flatten")
wrong(
    TOP,
    "Dense before Flatten",
    edit(TOP, ("    X = Flatten()(X)\n", ""), (DENSE, f"Flatten()({DENSE})")),
    "flatten",
)
changed(TOP, "no softmax", ' activation="softmax",', "", "softmax")
changed(
    TOP,
    "softmax twice",
    DENSE,
    f"layers.Softmax()({DENSE})",
    "softmax",
    ("twice", "two", "second", "once", "after softmax comes softmax"),
)
changed(TOP, "sigmoid", '"softmax"', '"sigmoid"', "softmax")
changed(TOP, "ReLU", '"softmax"', '"relu"', "softmax")
changed(TOP, "log_softmax", '"softmax"', '"log_softmax"', "softmax")
changed(TOP, "6 classes written in", "Dense(classes,", "Dense(6,", ("classes", "units"))
changed(TOP, "name fc6 written in", 'f"fc{classes}"', '"fc6"', "name", "fc")
changed(TOP, "name fc", 'f"fc{classes}"', '"fc"', "name", "fc")
changed(TOP, "no name for the dense layer", ', name=f"fc{classes}")', ")", "name", "fc")
changed(TOP, "f forgotten in the f-string", 'f"fc{classes}"', '"fc{classes}"', "name", "fc")
changed(
    TOP,
    "a hidden layer",
    "    return",
    '    X = Dense(64, activation="relu")(X)\n    return',
    "dense",
)
changed(TOP, "dropout", "    return", "    X = layers.Dropout(0.5)(X)\n    return", "dropout")
changed(TOP, "no bias", "Dense(classes,", "Dense(classes, use_bias=False,", "bias")
changed(
    TOP,
    "pooling's result unused",
    "    X = AveragePooling2D",
    "    P = AveragePooling2D",
    ("pool", "avg_pool"),
)
changed(TOP, "no return", "return ", "X = ", RETURN)
wrong(
    TOP,
    "a Model",
    edit(
        TOP,
        ("    X = Average", "    start = X\n    X = Average"),
        (DENSE, f"Model(start, {DENSE})"),
    ),
    ("model", "functional"),
)

# --- 04, the network ------------------------------------------------------------------------------

NETWORK = "resnet50"
changed(
    NETWORK,
    "64x64 written in",
    "keras.Input(input_shape)",
    "keras.Input((64, 64, 3))",
    "input_shape",
)
changed(NETWORK, "6 classes written in", "head(X, classes)", "head(X, 6)", ("classes", "units"))
changed(
    NETWORK,
    "the tensor returned",
    'keras.Model(images, probabilities, name="ResNet50")',
    "probabilities",
    "model",
)
changed(
    NETWORK,
    "without stages 2 to 5",
    "stages_2_to_5(stage_1(images))",
    "stage_1(images)",
    ("stage", "res2a"),
)
changed(
    NETWORK,
    "without stage 1",
    "stages_2_to_5(stage_1(images))",
    "stages_2_to_5(images)",
    ("stage 1", "stage_1", "conv1", "zero"),
)
changed(
    NETWORK,
    "without the head",
    "head(X, classes)",
    "X",
    ("head", "avg_pool", "averagepooling2d is missing"),
)
changed(
    NETWORK,
    "inputs and outputs swapped",
    "images, probabilities,",
    "probabilities, images,",
    ("stop", "input", "graph", "order"),
)
changed(
    NETWORK,
    "softmax once more",
    "head(X, classes)",
    "layers.Softmax()(head(X, classes))",
    "after softmax comes softmax",
)
changed(NETWORK, "no return", "return ", "model = ", RETURN)

# --- 04, average and picture ----------------------------------------------------------------------

MOVING = "updated_average"
STEP = "momentum * average + (1 - momentum) * batch_value"
changed(
    MOVING,
    "swapped",
    STEP,
    "(1 - momentum) * average + momentum * batch_value",
    ("swap", "momentum"),
)
changed(MOVING, "plain mean", STEP, "(average + batch_value) / 2", "momentum")
changed(MOVING, "momentum on both", "(1 - momentum)", "momentum", ("1 - momentum", "momentum"))
changed(
    MOVING,
    "batch whole",
    "(1 - momentum) * batch_value",
    "batch_value",
    ("1 - momentum", "momentum"),
)
changed(MOVING, "0.9 written in", STEP, "0.9 * average + 0.1 * batch_value", "momentum")
changed(
    MOVING,
    "brackets forgotten",
    "(1 - momentum) * batch_value",
    "1 - momentum * batch_value",
    "momentum",
)
changed(MOVING, "the batch's value", STEP, "batch_value", ("average", "momentum"))
changed(MOVING, "the old average", STEP, "average", ("batch_value", "momentum"))
changed(MOVING, "subtracted", "average + (1", "average - (1", ("+", "momentum"))
changed(MOVING, "no return", "return ", "average = ", RETURN)

PICTURE = "prepare_picture"
changed(PICTURE, "EXIF ignored", "ImageOps.exif_transpose(picture)", "picture", ("exif", "turn"))
changed(
    PICTURE,
    "EXIF read, result dropped",
    "    picture = ImageOps.exif_transpose(picture).",
    "    ImageOps.exif_transpose(picture)\n    picture = picture.",
    ("exif", "turn"),
)
changed(
    PICTURE,
    "always turned",
    "ImageOps.exif_transpose(picture)",
    "picture.rotate(-90, expand=True)",
    ("exif", "turn"),
)
changed(PICTURE, "not RGB", '.convert("RGB")', "", ("rgb", "channels"))
changed(
    PICTURE,
    "grey",
    '.convert("RGB")',
    '.convert("L").convert("RGB")',
    ("colour", "rgb", "grey", "channels", "red"),
)
changed(
    PICTURE,
    "squashed",
    "picture.crop((left, top, left + side, top + side))",
    "picture",
    ("square", "crop", "squash"),
)
changed(
    PICTURE,
    "top left corner",
    "(left, top, left + side, top + side)",
    "(0, 0, side, side)",
    ("centre", "middle", "center"),
)
changed(
    PICTURE,
    "box as left, top, width, height",
    "(left, top, left + side, top + side)",
    "(left, top, side, side)",
    ("crop", "square", "centre", "middle", "box", "coordinate"),
)
changed(
    PICTURE,
    "left and top swapped",
    "left, top = ",
    "top, left = ",
    ("crop", "square", "centre", "middle"),
)
changed(
    PICTURE,
    "the largest side",
    "min(picture.size)",
    "max(picture.size)",
    ("square", "crop", "black", "border", "middle"),
)
wrong(PICTURE, "padded to a square", """
    def prepare_picture(picture):
        picture = ImageOps.exif_transpose(picture).convert("RGB")
        return np.asarray(ImageOps.pad(picture, (64, 64)), "float32")[np.newaxis] / 255
    """, ("square", "crop", "black", "border", "middle"))  # fmt: skip
changed(PICTURE, "middle without a resize", ".resize((64, 64))", "", "64")
wrong(PICTURE, "64 pixels cut from the middle", """
    def prepare_picture(picture):
        picture = ImageOps.exif_transpose(picture).convert("RGB")
        left, top = (picture.width - 64) // 2, (picture.height - 64) // 2
        square = picture.crop((left, top, left + 64, top + 64))
        return np.asarray(square, "float32")[np.newaxis] / 255
    """, ("largest", "resize", "square"))  # fmt: skip
changed(PICTURE, "224x224", "(64, 64)", "(224, 224)", "64")
changed(PICTURE, "not divided", " / 255", "", "255")
changed(PICTURE, "divided twice", " / 255", " / 255 / 255", ("twice", "values", "0.004", "0.0039"))
changed(PICTURE, "no batch axis", "[np.newaxis]", "", ("batch", "(1, 64, 64, 3)"))
changed(
    PICTURE,
    "batch axis at the end",
    "[np.newaxis]",
    "[..., np.newaxis]",
    ("batch", "(1, 64, 64, 3)"),
)
changed(PICTURE, "float64", 'np.asarray(square, "float32")', "np.asarray(square)", "float32")
changed(
    PICTURE,
    "blue first",
    "[np.newaxis]",
    "[np.newaxis, :, :, ::-1]",
    ("rgb", "red", "blue", "colour", "channels"),
)
changed(
    PICTURE,
    "channels first",
    "[np.newaxis]",
    "[np.newaxis].transpose(0, 3, 1, 2)",
    ("channels", "axes", "axis"),
)
changed(
    PICTURE,
    "rows and columns swapped",
    "[np.newaxis]",
    "[np.newaxis].transpose(0, 2, 1, 3)",
    (*MOVED, "row", "swap", "mirror", "exchanged"),
)
changed(
    PICTURE,
    "mirrored",
    "[np.newaxis]",
    "[np.newaxis, :, ::-1]",
    ("mirror", "flip", "turned", "reversed"),
)
changed(
    PICTURE,
    "upside down",
    "[np.newaxis]",
    "[np.newaxis, ::-1]",
    ("mirror", "flip", "upside", "row"),
)
changed(
    PICTURE,
    "the picture returned",
    'np.asarray(square, "float32")[np.newaxis] / 255',
    "square",
    ("array", "asarray"),
)
wrong(
    PICTURE,
    "reshaped, not resized",
    edit(PICTURE, (".resize((64, 64))", ""), ("[np.newaxis]", ".reshape(1, 64, 64, 3)")),
    ("reshape", "resize", "valueerror"),
)
wrong(PICTURE, "no return", drop(PICTURE, "return"), RETURN)

# --- 02, the experiment ---------------------------------------------------------------------------

QUIET = "silence"
changed(QUIET, "every BatchNormalization", ' and layer.name.endswith("branch2c")', "", "branch2c")
changed(
    QUIET,
    "2c anywhere in the name",
    'layer.name.endswith("branch2c")',
    '"2c" in layer.name',
    ("ends", "branch2c"),
)
wrong(
    QUIET,
    "one layer by its name",
    'def silence(model):\n    model.get_layer("bn2b_branch2c").gamma.assign(np.zeros(256))\n',
    ("gamma", "every", "name", "no such layer"),
)
changed(
    QUIET,
    "the first one only",
    "shape))",
    "shape))\n            break",
    ("every", "all", "only", "gamma"),
)
wrong(
    QUIET,
    "the last layer only",
    """
    def silence(model):
        for layer in model.layers:
            if layer.name.startswith("bn") and layer.name.endswith("branch2c"):
                last = layer
        last.gamma.assign(np.zeros(last.gamma.shape))
    """,
    ("every", "all", "only", "gamma"),
)
wrong(QUIET, "beta", edit_all(QUIET, "gamma", "beta"), "gamma")
changed(
    QUIET,
    "beta as well",
    "shape))",
    "shape))\n            layer.beta.assign(np.zeros(layer.beta.shape))",
    "beta",
)
changed(QUIET, "ones", "np.zeros", "np.ones", ("zero", "0"))
wrong(
    QUIET,
    "the convolutions",
    edit(
        QUIET,
        ("BatchNormalization", "Conv2D"),
        (
            "layer.gamma.assign(np.zeros(layer.gamma.shape))",
            "layer.kernel.assign(np.zeros(layer.kernel.shape))",
        ),
    ),
    "gamma",
)
changed(
    QUIET,
    "all weights of the layer",
    "layer.gamma.assign(np.zeros(layer.gamma.shape))",
    "layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])",
    ("beta", "moving", "only gamma", "other"),
)
changed(
    QUIET,
    "zeros made, not assigned",
    "layer.gamma.assign(np.zeros(layer.gamma.shape))",
    "gamma = np.zeros(layer.gamma.shape)",
    "gamma",
    ("assign", "zero", "0"),
)
changed(
    QUIET,
    "the attribute replaced",
    "layer.gamma.assign(np.zeros(layer.gamma.shape))",
    "layer.gamma = np.zeros(layer.gamma.shape)",
    "gamma",
)
changed(
    QUIET,
    "names without a look at the kind",
    "isinstance(layer, BatchNormalization) and ",
    "",
    "gamma",
)
changed(QUIET, "branch2b", '"branch2c"', '"branch2b"', "branch2c")
changed(
    QUIET,
    "only one element",
    "np.zeros(layer.gamma.shape)",
    "np.append(0, layer.gamma[1:])",
    "gamma",
    ("zero", "0"),
)


# --- found by reviewers: answers that fit the visible numbers, and other shortcuts ----------------

wrong(
    QUIET,
    "the layers removed",
    """
    def silence(model):
        for layer in list(model.layers):
            model._operations.remove(layer)
        model._layers = []
    """,
    ("gone", "gamma", "weights", "typeerror", "attributeerror"),
)
wrong(
    "answering_filters",
    "a constant for each number of images",
    """
    def answering_filters(X, W1):
        return 7 if len(X) == 3 else 6
    """,
    "filters",
)
wrong(
    "answering_filters",
    "positive weights counted",
    """
    def answering_filters(X, W1):
        return int(np.sum(np.any(W1.numpy() > 0, axis=(0, 1, 2))))
    """,
    "filters",
)
changed("prepare", "divided by the largest", " / 255", " / images.max()", "largest")
wrong(
    "random_mini_batches",
    "turned round and rolled",
    """
    def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
        order = np.roll(np.arange(len(X))[::-1], seed)
        parts = [order[i : i + mini_batch_size] for i in range(0, len(X), mini_batch_size)]
        return [(X[part], Y[part]) for part in parts]
    """,
    ("neighbours", "random"),
)
wrong(
    "compute_cost",
    "a constant tensor",
    """
    def compute_cost(logits, Y):
        costs = tf.nn.softmax_cross_entropy_with_logits(labels=Y, logits=logits)
        return tf.constant(np.mean(costs.numpy()))
    """,
    "gradient",
)
changed(
    "train_step",
    "the optimizer's learning rate only",
    "    optimizer.apply_gradients(zip(gradients, variables, strict=True))\n",
    "    for variable, gradient in zip(variables, gradients):\n"
    "        variable.assign_sub(optimizer.learning_rate * gradient)\n",
    "optimizer",
)
changed(PICTURE, "divided by 256", "/ 255", "/ 256", "255")

# --- 05 -------------------------------------------------------------------------------------------

FIT = "fit_shortcut"
changed(FIT, "zeros before", "(0, filters - X.shape[-1])", "(filters - X.shape[-1], 0)", "before")
PADDED = "keras.ops.pad(X, [(0, 0), (0, 0), (0, 0), (0, filters - X.shape[-1])])"
changed(FIT, "no padding", PADDED, "X", ("channels", "shape"))
changed(FIT, "all pixels", "X = X[:, ::stride, ::stride]", "pass", ("height", "shape"))
changed(FIT, "height only", "::stride, ::stride", "::stride", ("width", "shape"))
changed(FIT, "filters too many", "filters - X.shape[-1]", "filters", ("channels", "shape"))
changed(FIT, "stride 2 always", "::stride, ::stride", "::2, ::2", ("height", "shape"))
changed(FIT, "later pixels", "::stride, ::stride", "stride - 1::stride, stride - 1::stride",
        ("later", "shape", "height"))  # fmt: skip
changed(FIT, "ones", "(0, filters - X.shape[-1])])",
        "(0, filters - X.shape[-1])], constant_values=1)", "result")  # fmt: skip
changed(FIT, "half before, half behind", "(0, filters - X.shape[-1])",
        "((filters - X.shape[-1]) // 2, (filters - X.shape[-1] + 1) // 2)", "result")  # fmt: skip
changed(FIT, "three pairs", "(0, 0), (0, 0), (0, 0)", "(0, 0), (0, 0)", "pad_width")
changed(FIT, "no return", "return ", "X = ", RETURN)

DIFFER = "differ"
SUM = "np.std(one) + np.std(other)"
changed(DIFFER, "no abs", "abs(np.mean(one) - np.mean(other))", "np.mean(one) - np.mean(other)",
        "abs")  # fmt: skip
changed(DIFFER, "variances", SUM, "np.var(one) + np.var(other)", "spread")
changed(DIFFER, "ddof=1", SUM, "np.std(one, ddof=1) + np.std(other, ddof=1)", "ddof=0")
changed(DIFFER, "in squares", SUM, "np.hypot(np.std(one), np.std(other))", "spread")
changed(DIFFER, "medians", "abs(np.mean(one) - np.mean(other))",
        "abs(np.median(one) - np.median(other))", "means")  # fmt: skip
changed(DIFFER, "ranges", "apart > " + SUM, "max(min(one), min(other)) > min(max(one), max(other))",
        "spread")  # fmt: skip
changed(DIFFER, "lists cleared", "return apart > " + SUM,
        "found = apart > " + SUM + "\n    one.clear()\n    return found", "in place")  # fmt: skip
changed(DIFFER, "one spread", SUM, "np.std(one)", "spread")
changed(DIFFER, "the smaller spread", SUM, "min(np.std(one), np.std(other))", "spread")
changed(DIFFER, "product", SUM, "np.std(one) * np.std(other)", "spread")
changed(DIFFER, "twice", SUM, "2 * (np.std(one) + np.std(other))", "spread")
changed(DIFFER, "always", "apart > " + SUM, "apart > 0", "spread")
changed(DIFFER, "turned round", "apart > ", "apart < ", "apart")
changed(DIFFER, "the distance", "return apart > " + SUM, "return apart", "true or false")
changed(DIFFER, "no return", "return ", "found = ", RETURN)

# --- 06 -------------------------------------------------------------------------------------------

DISTANCE = "image_distance"
changed(
    DISTANCE,
    "no root",
    "np.sqrt(np.mean((one - other) ** 2))",
    "np.mean((one - other) ** 2)",
    "root",
)
changed(DISTANCE, "sum", "np.mean", "np.sum", "mean")
changed(
    DISTANCE,
    "absolute",
    "np.sqrt(np.mean((one - other) ** 2))",
    "np.mean(np.abs(one - other))",
    "squared",
)
changed(
    DISTANCE,
    "not squared",
    "np.sqrt(np.mean((one - other) ** 2))",
    "np.mean(one - other)",
    "squared",
)
changed(DISTANCE, "added", "one - other", "one + other", "difference")
changed(DISTANCE, "cubed", "** 2", "** 4", ("squared", "root"))
changed(DISTANCE, "per channel", "** 2)", "** 2, axis=(0, 1))", ("one number", "shape"))
changed(DISTANCE, "per image row", "** 2)", "** 2, axis=0)", ("one number", "shape"))
changed(DISTANCE, "only a channel", "(one - other)", "(one[..., 0] - other[..., 0])", "root")
changed(DISTANCE, "divided by 255", "(one - other)", "((one - other) / 255)", "root")
changed(DISTANCE, "no return", "return ", "distance = ", RETURN)

SMOOTH = "smooth_labels"
MIX = "labels * (1 - share) + share / classes"
changed(SMOOTH, "unchanged", MIX, "labels", "as they were")
changed(SMOOTH, "taken off only", MIX, "labels * (1 - share)", "nothing is given")
changed(SMOOTH, "whole share", "share / classes", "share", "share / classes")
changed(SMOOTH, "on top", "labels * (1 - share)", "labels", "on top")
changed(
    SMOOTH,
    "the others only",
    MIX,
    "labels * (1 - share) + (1 - labels) * share / (classes - 1)",
    "right class",
)
changed(SMOOTH, "six classes", "share / classes", "share / 6", "fixed")
changed(SMOOTH, "images for classes", "labels.shape[1]", "labels.shape[0]", "number of images")
changed(SMOOTH, "0.1 written in", MIX, "labels * 0.9 + 0.1 / classes", "share")
changed(SMOOTH, "minus", ") + share", ") - share", "share")
changed(
    SMOOTH, "in place", MIX, "np.add(labels * (1 - share), share / classes, out=labels)", "in place"
)
changed(
    SMOOTH,
    "transposed",
    "return labels * (1 - share) + share / classes",
    "return (labels * (1 - share) + share / classes).T",
    "shape",
)
changed(SMOOTH, "no return", "return ", "smoothed = ", RETURN)

COSINE = "cosine"
FALL = "(1 + np.cos(np.pi * part)) / 2"
changed(COSINE, "straight", FALL, "1 - part", "straight")
changed(COSINE, "to -1", FALL, "np.cos(np.pi * part)", "-1")
changed(COSINE, "rises", "1 + np.cos", "1 - np.cos", "rises")
changed(COSINE, "not halved", FALL, "1 + np.cos(np.pi * part)", "half")
changed(COSINE, "quarter", FALL, "np.cos(np.pi * part / 2)", "quarter")
changed(COSINE, "whole wave", "np.pi * part", "2 * np.pi * part", "back")
changed(COSINE, "degrees", "np.pi * part", "180 * part", "radians")
changed(COSINE, "no pi", "np.pi * part", "part", "pi")
changed(COSINE, "sine", "np.cos", "np.sin", "cosine")
changed(COSINE, "brackets", FALL, "1 + np.cos(np.pi * part) / 2", "cosine")
changed(COSINE, "np.radians", "np.pi * part", "np.radians(part)", "pi")
changed(
    COSINE, "an array", FALL, "np.array([(1 + np.cos(np.pi * part)) / 2])", ("one number", "shape")
)
changed(COSINE, "no return", "return ", "share = ", RETURN)

# --- 07 -------------------------------------------------------------------------------------------

SPLIT = "split_by_class"
BOTH = "np.setdiff1d(np.arange(len(labels)), held_out), np.sort(held_out)"
changed(SPLIT, "not by class", "np.flatnonzero(labels == label)", "np.arange(len(labels))", "once")
wrong(
    SPLIT,
    "a share of all",
    """
    def split_by_class(labels, share, seed=0):
        places = np.random.default_rng(seed).permutation(len(labels))
        count = int(share * len(labels))
        return places[count:], places[:count]
    """,
    "all together",
)
changed(
    SPLIT,
    "the first of each class",
    "generator.permutation(np.flatnonzero(labels == label))",
    "np.flatnonzero(labels == label)",
    "random",
)
changed(SPLIT, "exchanged", BOTH, "np.sort(held_out), " + BOTH.split(", np.sort")[0], "exchanged")
changed(SPLIT, "all in training", BOTH, "np.arange(len(labels)), np.sort(held_out)", "both parts")
changed(SPLIT, "no seed", "default_rng(seed)", "default_rng()", "same seed")
changed(SPLIT, "fixed seed", "default_rng(seed)", "default_rng(0)", "seed")
changed(SPLIT, "one too many", "int(share * len(indices))", "int(share * len(indices)) + 1", "down")
changed(
    SPLIT, "rounded up", "int(share * len(indices))", "int(np.ceil(share * len(indices)))", "down"
)
changed(SPLIT, "rounded", "int(share * len(indices))", "round(share * len(indices))", "down")
changed(
    SPLIT,
    "rolled",
    "generator.permutation(np.flatnonzero(labels == label))",
    "np.roll(np.flatnonzero(labels == label), seed + 3)",
    "random",
)
changed(SPLIT, "a list of arrays", "held_out.extend(", "held_out.append(", ("lengths", "part"))
wrong(
    SPLIT,
    "lists of arrays",
    """
    def split_by_class(labels, share, seed=0):
        generator, parts = np.random.default_rng(seed), ([], [])
        for label in np.unique(labels):
            indices = generator.permutation(np.flatnonzero(labels == label))
            parts[1].append(indices[: int(share * len(indices))])
            parts[0].append(indices[int(share * len(indices)) :])
        return parts
    """,
    "lengths",
)
changed(SPLIT, "floats", BOTH, BOTH.replace("np.sort(held_out)", "np.sort(held_out) * 1.0"),
        "whole")  # fmt: skip
changed(SPLIT, "a column", BOTH, BOTH.replace("np.sort(held_out)", "np.sort(held_out)[:, None]"),
        "whole")  # fmt: skip
changed(SPLIT, "half", "int(share * len(indices))", "len(indices) // 2", "30 %")
changed(SPLIT, "labels in place of indices", BOTH, "labels[0:9], labels[9:]", ("both", "different"))
changed(SPLIT, "held out only", BOTH, "np.sort(held_out)", "two arrays")
changed(SPLIT, "a mask", BOTH, "np.isin(np.arange(len(labels)), held_out), held_out", "part")
changed(SPLIT, "no return", "return ", "parts = ", RETURN)

CONFUSION = "confusion_matrix"
changed(CONFUSION, "exchanged", "counts[row, column]", "counts[column, row]", "exchanged")
changed(CONFUSION, "marks", "+= 1", "= 1", "once")
changed(
    CONFUSION,
    "fancy index",
    """    for row, column in zip(expected, predicted, strict=True):
        counts[row, column] += 1
""",
    "    counts[expected, predicted] += 1\n",
    "once",
)
changed(CONFUSION, "shares", "return counts", "return counts / len(expected)", "shares")
changed(
    CONFUSION,
    "shares of rows",
    "return counts",
    "return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)",
    "row",
)
changed(CONFUSION, "right only", "return counts", "return np.diag(np.diag(counts))", "right")
changed(
    CONFUSION, "wrong only", "return counts", "return counts - np.diag(np.diag(counts))", "wrong"
)
changed(CONFUSION, "as large as the labels", "(classes, classes)", "(max(expected) + 1,) * 2", "")
changed(CONFUSION, "six classes", "(classes, classes)", "(6, 6)", "shape")
changed(CONFUSION, "began at one", "np.zeros", "np.ones", ("matrix", "is"))
changed(CONFUSION, "right answers counted", "return counts", "return np.diag(counts)", "shape")
changed(CONFUSION, "accuracy", "return counts", "return np.trace(counts) / len(expected)", "shape")
changed(CONFUSION, "no return", "return ", "matrix = ", RETURN)

# --- 08 -------------------------------------------------------------------------------------------

WEIGH = "weigh_maps"
HEAT = "heat / heat.max() if heat.max() > 0 else heat"
changed(WEIGH, "not divided", HEAT, "heat", "maximum")
changed(WEIGH, "negative sums kept", "np.maximum(maps @ weights, 0)", "maps @ weights", "negative")
changed(WEIGH, "absolute", "np.maximum(maps @ weights, 0)", "np.abs(maps @ weights)", "absolute")
changed(WEIGH, "no guard", HEAT, "heat / heat.max()", ("zeros", "nan"))
changed(WEIGH, "divided by the sum", HEAT, "heat / max(heat.sum(), 1e-9)", "by its sum")
changed(WEIGH, "no gradients", "maps @ weights", "maps.sum(axis=2)", "gradients")
changed(WEIGH, "mean over channels", "axis=(0, 1)", "axis=2", ("shape", "matmul", "read"))
changed(WEIGH, "one number", "axis=(0, 1)", "", ("shape", "matmul", "scalar", "read"))
changed(
    WEIGH, "place by place", "maps @ weights", "(maps * gradients).sum(axis=2)", "place by place"
)
changed(
    WEIGH,
    "cut before the sum",
    "np.maximum(maps @ weights, 0)",
    "np.maximum(maps * weights, 0).sum(axis=2)",
    "before the sum",
)
changed(
    WEIGH,
    "negative weights cut",
    "maps @ weights",
    "maps @ np.maximum(weights, 0)",
    "before the sum",
)
changed(WEIGH, "channels kept", "maps @ weights", "maps * weights", "shape")
changed(
    WEIGH,
    "from least to greatest",
    "    heat = np.maximum(maps @ weights, 0)\n",
    "    heat = maps @ weights\n    heat = heat - heat.min()\n",
    "shifted",
)
changed(WEIGH, "divided if above 1", HEAT, "heat / max(heat.max(), 1)", "maximum")
changed(WEIGH, "divided by the greatest absolute value", HEAT,
        "heat / np.abs(maps @ weights).max()", "absolute")  # fmt: skip
changed(WEIGH, "None if empty", " else heat", " else None", "nothing speaks")
changed(WEIGH, "no return", "return ", "result = ", RETURN)

ECE = "expected_calibration_error"
changed(ECE, "bins count alike", "inside.mean()", "1 / len(np.unique(bin_of))", "alike")
changed(ECE, "all bins count alike", "inside.mean()", "1 / bins", "alike")
changed(ECE, "bins summed", "gap * inside.mean()", "gap", "summed")
changed(ECE, "answers summed", "inside.mean()", "inside.sum()", "summed")
changed(ECE, "gaps cancel", "abs(", "(", "cancel")
changed(ECE, "squared", "gap * inside.mean()", "gap**2 * inside.mean()", "squared")
changed(ECE, "the largest", "error += gap * inside.mean()", "error = max(error, gap)", "largest")
changed(ECE, "fixed bins", "* bins).astype(int), bins - 1", "* 10).astype(int), 9", "fixed")
changed(ECE, "an empty bin", "np.unique(bin_of)", "range(bins)", "nan")
changed(
    ECE,
    "1 in no bin",
    "np.minimum((confidence * bins).astype(int), bins - 1)",
    "(confidence * bins).astype(int)",
    ("confidence of 1", "bin"),
)
wrong(
    ECE,
    "no bins",
    """
    def expected_calibration_error(confidence, correct, bins=10):
        return abs(confidence.mean() - correct.mean())
    """,
    "all answers together",
)
wrong(
    ECE,
    "each answer",
    """
    def expected_calibration_error(confidence, correct, bins=10):
        return np.abs(confidence - correct).mean()
    """,
    "own gap",
)
changed(
    ECE, "the upper bins", "np.unique(bin_of)", "np.unique(bin_of[bin_of >= bins // 2])", "error"
)
changed(ECE, "not the first bin", "np.unique(bin_of)", "np.unique(bin_of)[1:]", "error")
changed(ECE, "middles", "confidence[inside].mean()", "(k + 0.5) / bins", "middles")
changed(ECE, "an array", "return error", "return np.array([error])", "one number")
changed(ECE, "no return", "return error", "error", RETURN)
