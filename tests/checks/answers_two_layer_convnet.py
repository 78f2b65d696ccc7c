"""Right and wrong answers of notebook 01."""

from bank import RETURN, TASKS, Task, changed, drop, edit, edit_all, right, wrong

TASKS |= {
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
}

# --- right ----------------------------------------------------------------------------------------

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

# --- wrong ----------------------------------------------------------------------------------------

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

# --- what one draw did not show -------------------------------------------------------------------

FLAT = "(tf.shape(P2)[0], -1)"
NOT_IN_GRAPH = ("train_step", "tf.function")
changed("forward_propagation", "the batch's size from .shape", FLAT, "(P2.shape[0], -1)",
        *NOT_IN_GRAPH, "tf.shape(p2)[0]")  # fmt: skip
changed("forward_propagation", "the batch's size from X.shape", FLAT, "(X.shape[0], -1)",
        *NOT_IN_GRAPH, "tf.shape(p2)[0]")  # fmt: skip
changed("forward_propagation", "flattened by NumPy's product of all sides", FLAT,
        "(-1, np.prod(P2.shape) // P2.shape[0])", *NOT_IN_GRAPH)  # fmt: skip
changed("forward_propagation", "three images", FLAT, "(3, -1)", ("size", "shape", "values"))
wrong(
    "forward_propagation",
    "a loop over the images of the batch",
    edit(
        "forward_propagation",
        (
            f"F = tf.reshape(P2, {FLAT})",
            "F = tf.stack([tf.reshape(P2[i], (-1,)) for i in range(P2.shape[0])])",
        ),
    ),
    *NOT_IN_GRAPH,
)
wrong(
    "forward_propagation",
    "the result through NumPy",
    edit(
        "forward_propagation",
        (f"F = tf.reshape(P2, {FLAT})", "F = P2.numpy().reshape(len(P2), -1)"),
    ),
    *NOT_IN_GRAPH,
)
right("forward_propagation", "keras.layers.Flatten",
      edit("forward_propagation", (f"tf.reshape(P2, {FLAT})", "keras.layers.Flatten()(P2)")),
)  # fmt: skip
right("forward_propagation", "sides from .shape, the batch by -1",
      edit("forward_propagation", (FLAT, "(-1, P2.shape[1] * P2.shape[2] * P2.shape[3])")),
)  # fmt: skip
right("forward_propagation", "len, which a compiled function reads from the tensor",
      edit("forward_propagation", (FLAT, "(len(P2), -1)")),
)  # fmt: skip
right("forward_propagation", "tf.shape of X",
      edit("forward_propagation", (FLAT, "[tf.shape(X)[0], -1]")),
)  # fmt: skip
right("forward_propagation", "tf.size over the batch",
      edit("forward_propagation", (FLAT, "(-1, tf.size(P2) // tf.shape(P2)[0])")),
)  # fmt: skip

MEAN = "tf.reduce_mean(costs)"
for name, count in (
    ("len(Y)", "len(Y)"),
    ("len of the costs", "len(costs)"),
    ("Y.shape[0]", "Y.shape[0]"),
    ("logits.shape[0]", "logits.shape[0]"),
    ("get_shape", "Y.get_shape()[0]"),
    ("as_list", "Y.shape.as_list()[0]"),
    ("float of the shape", "float(Y.shape[0])"),
    ("tf.cast of .shape", "tf.cast(Y.shape[0], tf.float32)"),
):
    changed("compute_cost", f"divided by {name}", MEAN, f"tf.reduce_sum(costs) / {count}",
            *NOT_IN_GRAPH, "tf.reduce_mean")  # fmt: skip
right("compute_cost", "divided by tf.size",
      edit("compute_cost", (MEAN, "tf.reduce_sum(costs) / tf.cast(tf.size(costs), tf.float32)")),
)  # fmt: skip
right("compute_cost", "divided by the sum of the labels",
      edit("compute_cost", (MEAN, "tf.reduce_sum(costs) / tf.reduce_sum(Y)")),
)  # fmt: skip
right("compute_cost", "a compiled function of its own",
      "@tf.function\n" + TASKS["compute_cost"].correct.strip() + "\n",
)  # fmt: skip

COSTS = "labels=Y, logits=logits)  # (batch,)"
for name, end in (("mean", "tf.reduce_mean(costs)"), ("sum", "tf.reduce_sum(costs)")):
    wrong("compute_cost", f"TensorFlow's own softmax over axis 0, {name}",
          f"""
def compute_cost(logits, Y):
    costs = tf.nn.softmax_cross_entropy_with_logits(labels=Y, logits=logits, axis=0)
    return {end}
""", "axis 0")  # fmt: skip
wrong(
    "compute_cost",
    "Keras's softmax over axis 0",
    """
    def compute_cost(logits, Y):
        return keras.losses.CategoricalCrossentropy(from_logits=True, axis=0)(Y, logits)
    """,
    "axis 0",
)
wrong(
    "compute_cost",
    "softmax over axis 0 by hand, the mean over all",
    """
    def compute_cost(logits, Y):
        return -tf.reduce_mean(Y * tf.nn.log_softmax(logits, axis=0))
    """,
    "axis 0",
)
wrong(
    "compute_cost",
    "softmax twice, summed",
    """
    def compute_cost(logits, Y):
        costs = tf.nn.softmax_cross_entropy_with_logits(labels=Y, logits=tf.nn.softmax(logits))
        return tf.reduce_sum(costs)
    """,
    "twice",
)

MINI = "random_mini_batches"
CUTS = "range(0, len(X), mini_batch_size)"
wrong(
    MINI,
    "levelled by np.array_split",
    """
    def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
        order = np.random.default_rng(seed).permutation(len(X))
        count = math.ceil(len(X) / mini_batch_size)
        return [(X[part], Y[part]) for part in np.array_split(order, count)]
    """,
    ("levelled", "left over"),
)
wrong(
    MINI,
    "levelled by linspace",
    """
    def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
        order = np.random.default_rng(seed).permutation(len(X))
        count = math.ceil(len(X) / mini_batch_size)
        edges = np.linspace(0, len(X), count + 1).astype(int)
        parts = [order[a:b] for a, b in zip(edges, edges[1:])]
        return [(X[part], Y[part]) for part in parts]
    """,
    ("levelled", "left over"),
)
changed(MINI, "one image too early", CUTS, "range(0, len(X) - 1, mini_batch_size)", "left out")
changed(MINI, "two images too early", CUTS, "range(0, len(X) - 2, mini_batch_size)", "left out")
changed(MINI, "a start too many", CUTS, "range(0, len(X) + 1, mini_batch_size)", "empty")
changed(MINI, "an empty one if nothing is left", CUTS,
        "range(0, len(X) // mini_batch_size * mini_batch_size + 1, mini_batch_size)",
        "empty")  # fmt: skip
changed(MINI, "a last batch of one is dropped", "    return batches",
        "    return [pair for pair in batches if len(pair[0]) > 1]", "left out")  # fmt: skip
changed(MINI, "a last batch of one joins the one before", "    return batches",
        """    if len(batches) > 1 and len(batches[-1][0]) == 1:
        (A, B), (a, b) = batches[-2:]
        batches[-2:] = [(np.concatenate([A, a]), np.concatenate([B, b]))]
    return batches""", "sizes")  # fmt: skip
changed(MINI, "rounded count", CUTS,
        "range(0, mini_batch_size * max(1, round(len(X) / mini_batch_size)), mini_batch_size)",
        ("left out", "missing"))  # fmt: skip
changed(MINI, "nothing for fewer images than a batch", CUTS,
        "range(0, len(X), mini_batch_size) if len(X) >= mini_batch_size else ()",
        "left out")  # fmt: skip
changed(MINI, "one image squeezed", "X[part], Y[part]", "np.squeeze(X[part]), Y[part]", "batch")

INIT = "initialize_parameters"
for name in ("W1", "W2"):
    size = {"W1": "f1, f1, 3, n1", "W2": "f2, f2, n1, n2"}[name]
    changed(INIT, f"{name} is not trainable", f"{name} = tf.Variable(glorot(({size})))",
            f"{name} = tf.Variable(glorot(({size})), trainable=False)",
            "trainable=false")  # fmt: skip
changed(INIT, "a keras.Variable that is not trainable", "W1 = tf.Variable(glorot((f1, f1, 3, n1)))",
        "W1 = keras.Variable(glorot((f1, f1, 3, n1)), trainable=False)",
        "trainable=false")  # fmt: skip
right(INIT, "trainable, said",
      edit(INIT, ("W1 = tf.Variable(glorot((f1, f1, 3, n1)))",
                  "W1 = tf.Variable(glorot((f1, f1, 3, n1)), trainable=True)")),
)  # fmt: skip

changed("train_step", "the batch's size fixed while compiling", "    variables = list",
        "    cost = cost * len(X) / X.shape[0]\n    variables = list",
        ("x.shape[0]", "nonetype", "none"))  # fmt: skip
wrong(
    "train_step",
    "a loop over the batch's shape",
    edit("train_step", ("    variables = list",
                        "    for i in range(X.shape[0]):\n        pass\n    variables = list")),
    ("x.shape[0]", "nonetype", "none"),
)  # fmt: skip

COUNT = "answering_filters"
changed(COUNT, "squeezed, which a batch of one is not", "np.any(A1 > 0, axis=(0, 1, 2))",
        "np.any(np.squeeze(A1) > 0, axis=(0, 1, 2))",
        "filters")  # fmt: skip
changed(COUNT, "square pictures only", "np.any(A1 > 0, axis=(0, 1, 2))",
        "np.any(np.reshape(A1, (len(X), X.shape[1], X.shape[1], -1)) > 0, axis=(0, 1, 2))",
        ("reshape", "number"))  # fmt: skip
changed(COUNT, "at least one", "int(answers.sum())", "max(1, int(answers.sum()))", "number")
right(COUNT, "a float, with a note", edit(COUNT, ("int(answers.sum())", "float(answers.sum())")))

changed("prepare", "squeezed labels", "convert_to_one_hot(labels, 6).T",
        "np.squeeze(np.eye(6)[np.squeeze(labels)])", ("shape", "axis"))  # fmt: skip
changed("prepare", "squeezed images", 'images.astype("float32")',
        'np.squeeze(images.astype("float32"))', "shape")  # fmt: skip
