"""Right and wrong answers of notebook 02."""

from bank import NORMALISATION, RETURN, TASKS, Task, changed, drop, edit, edit_all, right, wrong
from either_block import END_OF_2A, wrong_in_either_block

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

TASKS |= {
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
}

# --- right ----------------------------------------------------------------------------------------

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

# --- wrong ----------------------------------------------------------------------------------------

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

BLOCK = "identity_block"
wrong_in_either_block(BLOCK)
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

# --- what one draw did not show -------------------------------------------------------------------

changed(QUIET, "four zeros", "np.zeros(layer.gamma.shape)", "np.zeros(4)", ("shape", "gamma"))
changed(QUIET, "at least one, whatever its name", "    for layer in model.layers:\n",
        """    names = [layer.name for layer in model.layers if hasattr(layer, "gamma")]
    if not any(name.endswith("branch2c") for name in names):
        model.layers[-1].gamma.assign(np.zeros(model.layers[-1].gamma.shape))
    for layer in model.layers:
""", ("only gamma", "branch2c"))  # fmt: skip
wrong(
    QUIET,
    "the last of those found",
    """
    def silence(model):
        found = [layer for layer in model.layers if layer.name.endswith("branch2c")]
        zeros = np.zeros(found[-1].gamma.shape)
        for layer in found:
            if hasattr(layer, "gamma"):
                layer.gamma.assign(zeros)
    """,
    ("shape", "indexerror"),
)
right(
    QUIET,
    "multiplied by zero, nothing found is fine",
    """
    def silence(model):
        for gamma in [w for layer in model.layers for w in layer.weights if w.name == "gamma"]:
            if gamma.path.split("/")[-2].endswith("branch2c"):
                gamma.assign(gamma * 0)
    """,
)
for momentum in ("0.1", "0.0", "0.5", "0.95", "0.99", "0.999"):
    right("component_2", f"momentum {momentum}, with a note",
          edit("component_2", ("momentum=0.9,", f"momentum={momentum},")))  # fmt: skip
