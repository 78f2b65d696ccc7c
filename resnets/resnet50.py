"""ResNet50 for small images, built in notebook 04 from the blocks of 02 and 03, and its relatives:
a small one, and one of any depth whose shortcuts can be left out (notebook 05).
"""

from keras import Input, KerasTensor, Model, ops, regularizers
from keras.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    ZeroPadding2D,
)

from resnets.blocks import BN_MOMENTUM, convolutional_block, identity_block

# stage: (filters of the three convolutions, stride of block a, letters of the identity blocks)
STAGES = {
    2: ((64, 64, 256), 1, "bc"),
    3: ((128, 128, 512), 2, "bcd"),
    4: ((256, 256, 1024), 2, "bcdef"),
    5: ((512, 512, 2048), 2, "bc"),
}
# The like for SmallResNet: a quarter of the filters, two blocks a stage.
SMALL_STAGES = {
    2: ((16, 16, 64), 1, "b"),
    3: ((32, 32, 128), 2, "b"),
    4: ((64, 64, 256), 2, "b"),
    5: ((128, 128, 512), 2, "b"),
}
SMALLEST_SIDE = 37  # pixels; below it the 2x2 average pooling has nothing left to pool
SMALLEST_SIDE_GLOBAL = 32  # pixels, a convention: from here on down the last stage is one pixel


def stage_1(
    images: KerasTensor, max_pooling: bool = True, filters: int = 64, normalised: bool = True
) -> KerasTensor:
    """Look at wide windows and quarter the sides: 7x7 convolution, then max pooling.

    Args:
        images: (batch, height, width, channels), for SIGNS (batch, 64, 64, 3).
        max_pooling: Without it the sides are halved only, for SIGNS to (batch, 32, 32, 64).
        filters: Of the convolution.
        normalised: False leaves BatchNormalization out.

    Returns:
        Tensor of that many channels, for SIGNS (batch, 15, 15, 64).
    """
    X = ZeroPadding2D(3)(images)
    X = Conv2D(filters, 7, strides=2, name="conv1")(X)
    if normalised:
        X = BatchNormalization(momentum=BN_MOMENTUM, name="bn_conv1")(X)
    X = Activation("relu")(X)
    return MaxPooling2D(3, strides=2)(X) if max_pooling else X


def stages_2_to_5(X: KerasTensor, stages: dict = STAGES) -> KerasTensor:
    """Run the blocks of the stages one after the other, sixteen in `STAGES`.

    Args:
        X: What `stage_1` returned, for SIGNS (batch, 15, 15, 64).
        stages: What `STAGES` holds, or the like.

    Returns:
        Tensor of the last stage's channels, for SIGNS and `STAGES` (batch, 2, 2, 2048).
    """
    for stage, (filters, stride, identity_letters) in stages.items():
        X = convolutional_block(X, 3, filters, stage, "a", s=stride)
        for letter in identity_letters:
            X = identity_block(X, 3, filters, stage, letter)
    return X


def head(X: KerasTensor, classes: int, global_pooling: bool = False) -> KerasTensor:
    """Turn the last stage's output into probabilities.

    Args:
        X: (batch, height, width, channels), sides of 2 pixels or more.
        classes: Width of the softmax layer `fc{classes}`.
        global_pooling: Average over all pixels, however many, in place of 2x2.

    Returns:
        Probabilities (batch, classes).
    """
    if global_pooling:
        X = GlobalAveragePooling2D(name="avg_pool")(X)
    else:
        X = AveragePooling2D(2, name="avg_pool")(X)
        X = Flatten()(X)
    return Dense(classes, activation="softmax", name=f"fc{classes}")(X)


def ResNet50(
    input_shape: tuple[int, int, int] = (64, 64, 3),
    classes: int = 6,
    *,
    max_pooling: bool = True,
    global_pooling: bool = False,
    l2: float = 0.0,
    zero_gamma: bool = False,
) -> Model:
    """Build the ResNet50 of He et al. (2015), table 1, with the head used for SIGNS.

    Args:
        input_shape: (height, width, channels) of an image; sides of 37 pixels or more, with
            global pooling 32.
        classes: Number of classes, the width of the softmax layer `fc{classes}`.
        max_pooling: False leaves the max pooling of stage 1 out; for SIGNS the stages then end
            at 32, 32, 16, 8 and 4 pixels, at about four times the work.
        global_pooling: True ends in one average over all pixels in place of 2x2.
        l2: Strength of the penalty on the squares of convolutions' and dense layer's kernels,
            added to the training loss; 0.0001 is in use elsewhere.
        zero_gamma: Start the scale of each block's last BatchNormalization at 0, so that every
            identity block begins as ReLU of its input (Goyal et al. 2017, arXiv:1706.02677).

    Returns:
        A Keras model that takes float images (batch, height, width, channels) in [0, 1] and
        returns probabilities (batch, classes). Its first weights are new at each call; call
        `keras.utils.set_random_seed(seed)` before, and they repeat.

    Raises:
        ValueError: The images are too small, there is no class, or the penalty is negative.
    """
    smallest = SMALLEST_SIDE_GLOBAL if global_pooling else SMALLEST_SIDE
    refuse("ResNet50", input_shape, classes, smallest)
    if l2 < 0:
        raise ValueError(f"ResNet50: l2 is {l2}; give 0 or more.")

    images = Input(input_shape)
    X = stages_2_to_5(stage_1(images, max_pooling))
    model = Model(images, head(X, classes, global_pooling), name="ResNet50")
    if l2:
        _add_penalty(model, l2)
    if zero_gamma:
        close_main_paths(model)
    return model


def SmallResNet(
    input_shape: tuple[int, int, int] = (64, 64, 3), classes: int = 6, *, zero_gamma: bool = False
) -> Model:
    """Build a residual network of ResNet50's blocks with 0.9 million parameters.

    Five stages as ResNet50, without max pooling and with global average pooling; a quarter of the
    filters, and two blocks a stage. About a seventh of ResNet50's multiplications.

    Args:
        input_shape: (height, width, channels) of an image; sides of 32 pixels or more.
        classes: Number of classes, the width of the softmax layer `fc{classes}`.
        zero_gamma: As for `ResNet50`.

    Returns:
        A Keras model with inputs and outputs as `ResNet50`.

    Raises:
        ValueError: The images are too small, or there is no class.
    """
    refuse("SmallResNet", input_shape, classes, SMALLEST_SIDE_GLOBAL)
    images = Input(input_shape)
    X = stages_2_to_5(stage_1(images, max_pooling=False, filters=16), SMALL_STAGES)
    model = Model(images, head(X, classes, global_pooling=True), name="SmallResNet")
    if zero_gamma:
        close_main_paths(model)
    return model


def refuse(name: str, input_shape: tuple[int, int, int], classes: int, smallest: int) -> None:
    """Say in one sentence what can't be built."""
    if min(input_shape[:2]) < smallest:
        raise ValueError(
            f"{name}: images of {input_shape[0]} x {input_shape[1]} pixels are too small for "
            f"five stages that halve the size; give {smallest} x {smallest} or more."
        )
    if classes < 1:
        raise ValueError(f"{name}: classes is {classes}; give 1 or more.")


def close_main_paths(model: Model, last: str = "branch2c") -> None:
    """Start the last scale of each block's main path at 0."""
    for layer in model.layers:
        if layer.name.startswith("bn") and layer.name.endswith(last):
            layer.gamma.assign(ops.zeros_like(layer.gamma))


def _add_penalty(model: Model, strength: float) -> None:
    """Penalise the kernels; set here, the blocks stay as notebooks 02 and 03 teach them."""
    for layer in model.layers:
        if isinstance(layer, Conv2D | Dense):
            layer.kernel_regularizer = regularizers.L2(strength)  # for saving
            layer.kernel.regularizer = layer.kernel_regularizer  # for the loss
