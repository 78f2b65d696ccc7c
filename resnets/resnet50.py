"""ResNet50 for small images, assembled in notebook 04 from the blocks of 02 and 03."""

from keras import Input, KerasTensor, Model
from keras.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Flatten,
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
SMALLEST_SIDE = 37  # pixels; below it the 2x2 average pooling has nothing left to pool


def stage_1(images: KerasTensor) -> KerasTensor:
    """Look at wide windows and quarter the sides: 7x7 convolution, then max pooling.

    Args:
        images: (batch, height, width, channels), for SIGNS (batch, 64, 64, 3).

    Returns:
        Tensor of 64 channels, for SIGNS (batch, 15, 15, 64).
    """
    X = ZeroPadding2D(3)(images)
    X = Conv2D(64, 7, strides=2, name="conv1")(X)
    X = BatchNormalization(momentum=BN_MOMENTUM, name="bn_conv1")(X)
    X = Activation("relu")(X)
    return MaxPooling2D(3, strides=2)(X)


def stages_2_to_5(X: KerasTensor) -> KerasTensor:
    """Run the sixteen blocks of `STAGES` one after the other.

    Args:
        X: What `stage_1` returned, for SIGNS (batch, 15, 15, 64).

    Returns:
        Tensor of 2048 channels, for SIGNS (batch, 2, 2, 2048).
    """
    for stage, (filters, stride, identity_letters) in STAGES.items():
        X = convolutional_block(X, 3, filters, stage, "a", s=stride)
        for letter in identity_letters:
            X = identity_block(X, 3, filters, stage, letter)
    return X


def head(X: KerasTensor, classes: int) -> KerasTensor:
    """Turn the last stage's output into probabilities.

    Args:
        X: (batch, height, width, channels), sides of 2 pixels or more.
        classes: Width of the softmax layer `fc{classes}`.

    Returns:
        Probabilities (batch, classes).
    """
    X = AveragePooling2D(2, name="avg_pool")(X)
    X = Flatten()(X)
    return Dense(classes, activation="softmax", name=f"fc{classes}")(X)


def ResNet50(input_shape: tuple[int, int, int] = (64, 64, 3), classes: int = 6) -> Model:
    """Build the ResNet50 of He et al. (2015), table 1, with the head used for SIGNS.

    Args:
        input_shape: (height, width, channels) of an image; sides of 37 pixels or more.
        classes: Number of classes, the width of the softmax layer `fc{classes}`.

    Returns:
        A Keras model that takes float images (batch, height, width, channels) in [0, 1] and
        returns probabilities (batch, classes). Its first weights are new at each call; call
        `keras.utils.set_random_seed(seed)` before, and they repeat.

    Raises:
        ValueError: The images are too small, or there is no class.
    """
    if min(input_shape[:2]) < SMALLEST_SIDE:
        raise ValueError(
            f"ResNet50: images of {input_shape[0]} x {input_shape[1]} pixels are too small for "
            f"five stages that halve the size; give {SMALLEST_SIDE} x {SMALLEST_SIDE} or more."
        )
    if classes < 1:
        raise ValueError(f"ResNet50: classes is {classes}; give 1 or more.")

    images = Input(input_shape)
    probabilities = head(stages_2_to_5(stage_1(images)), classes)
    return Model(images, probabilities, name="ResNet50")
