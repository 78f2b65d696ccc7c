"""Right and wrong answers of notebook 03."""

from bank import NORMALISATION, RETURN, TASKS, Task, changed, drop, edit, edit_all, right, wrong
from either_block import wrong_in_either_block

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

TASKS |= {
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
}

# --- right ----------------------------------------------------------------------------------------

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

# --- wrong ----------------------------------------------------------------------------------------

PROJECTING = "convolutional_block"
wrong_in_either_block(PROJECTING)
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
    drop(PROJECTING, 'conv_name + "1"', 'bn_name + "1"').replace("strides=s, ", ""),
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

# --- what one draw did not show -------------------------------------------------------------------

# "found" of the message: the formula that explains every number of the answer, no other one.
changed(SIDE, "rounded, named", "-(-n // s)", "round(n / s)", "rounded to the nearest")
changed(SIDE, "halves up, named", "-(-n // s)", "int(n / s + 0.5)", "rounded to the nearest")
changed(SIDE, "rounded down, named", "-(-n // s)", "int(n / s)", "rounded down")
changed(SIDE, "one added, named", "-(-n // s)", "n // s + 1", "one is added")
changed(SIDE, "rounded in valid, named", "(n - f) // s + 1", "round((n - f) / s) + 1",
        "rounded to the nearest")  # fmt: skip
changed(SIDE, "valid for both, named", "-(-n // s)", "(n - f) // s + 1", 'the formula of "valid"')
changed(SIDE, "divided by f", "-(-n // s)", "-(-n // f)", "divided by f")
changed(SIDE, "no position for one pixel", "(n - f) // s + 1", "(n - f) // s + (n > 1)", "(1, 1, 1")
changed(SIDE, "a stride of n at most", "    if padding",
        "    if s > n:\n        return 0\n    if padding", "(1, 1, 3")  # fmt: skip
right(SIDE, "np.ceil as it is: a note",
      edit(SIDE, ("-(-n // s)", "np.ceil(n / s)")),
)  # fmt: skip

changed(ONE, "pixels left over are dropped", "::s, ::s, :",
        ": images.shape[1] // s * s : s, : images.shape[2] // s * s : s, :",
        ("height", "width"))  # fmt: skip
changed(ONE, "the last column left out", "::s, ::s, :", "::s, :-1:s, :", "width")
changed(ONE, "the last row left out", "::s, ::s, :", ":-1:s, ::s, :", "height")
changed(ONE, "squeezed", "kept @ kernel + bias", "np.squeeze(kept @ kernel + bias)", "shape")
changed(ONE, "two images", "kept @ kernel + bias", "kept[:2] @ kernel + bias", "images")
changed(ONE, "no stride above the side", "::s, ::s, :",
        ":: min(s, images.shape[1] - 1), :: min(s, images.shape[2] - 1), :",
        ("height", "width"))  # fmt: skip
right(ONE, "ranges",
      """
    def one_by_one(images, kernel, bias, s):
        rows, columns = range(0, images.shape[1], s), range(0, images.shape[2], s)
        kept = images[:, np.ix_(rows, columns)[0], np.ix_(rows, columns)[1]]
        return kept @ kernel + bias
    """,
)  # fmt: skip
