"""Right and wrong answers of notebook 04."""

from bank import MOVED, NORMALISATION, RETURN, TASKS, Task, changed, drop, edit, right, wrong

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

TASKS |= {
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
}

# --- right ----------------------------------------------------------------------------------------

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

# --- wrong ----------------------------------------------------------------------------------------

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
changed(PICTURE, "divided by 256", "/ 255", "/ 256", "255")

# --- what one draw did not show -------------------------------------------------------------------

NAMED_MODEL = 'keras.Model(images, probabilities, name="ResNet50")'
changed(NETWORK, "no name", ', name="ResNet50"', "", "the name resnet50")
changed(NETWORK, "another name", 'name="ResNet50"', 'name="resnet"', "the name resnet50")
changed(NETWORK, "another case", 'name="ResNet50"', 'name="resnet50"', "called resnet50")
changed(NETWORK, "no name, wrapped", NAMED_MODEL,
        "keras.Sequential([images, keras.Model(images, probabilities)])",
        ("the name resnet50", "stop", "called"))  # fmt: skip
changed(NETWORK, "not trainable", NAMED_MODEL,
        'keras.Model(images, probabilities, name="ResNet50", trainable=False)',
        "trainable=true")  # fmt: skip
changed("head", "pooling without its name", ', name="avg_pool"', "", "avg_pool")
changed("stages_2_to_5", "square inputs only", "    return X",
        "    return layers.Reshape((X.shape[1], X.shape[1], -1))(X)", "")  # fmt: skip

changed(MOVING, "numbers only", STEP, "float(" + STEP + ")", ("shape", "scalar", "array"))
changed(MOVING, "arrays only", "    return", "    average = average.copy()\n    return",
        ("copy", "attribute"))  # fmt: skip
changed(MOVING, "0.9 where no momentum", "    return", "    momentum = momentum or 0.9\n    return",
        ("result", "old average", "momentum"))  # fmt: skip
changed(MOVING, "squeezed", STEP, "np.squeeze(" + STEP + ")", "shape")

for turned in (3, 6, 8):
    others = {3: 180, 6: 270, 8: 90}
    del others[turned]
    angle = f"{others}.get(picture.getexif().get(274), 0)"
    changed(PICTURE, f"orientation {turned} forgotten", "ImageOps.exif_transpose(picture)",
            f"picture.rotate({angle}, expand=True)", ("exif", "turn"))  # fmt: skip
right(PICTURE, "turned in its frame, of which the middle stays",
      edit(PICTURE, ("ImageOps.exif_transpose(picture)",
                     "picture.rotate({3: 180, 6: 270, 8: 90}.get(picture.getexif().get(274), 0))")),
)  # fmt: skip
changed(PICTURE, "square pictures returned as they are", "    side = ",
        "    if picture.width == picture.height:\n        return np.asarray(picture)\n    side = ",
        ("shape", "(1, 64, 64, 3)"))  # fmt: skip
