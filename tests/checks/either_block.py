"""Wrong answers that the blocks of notebooks 02 and 03 have in common."""

from bank import NORMALISATION, RETURN, changed, drop, edit, edit_all, wrong

RELU_LINE = '    X = Activation("relu")(X)\n'
END_OF_2A = '    X = BatchNormalization(momentum=0.9, name=bn_name + "2a")(X)\n' + RELU_LINE
END_OF_2B = '    X = BatchNormalization(momentum=0.9, name=bn_name + "2b")(X)\n' + RELU_LINE
LAST = 'return Activation("relu")(X)'


def wrong_in_either_block(task: str) -> None:
    """Put into the bank what goes wrong in the block of notebook 02 and in that of 03."""
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
