"""The two residual blocks of ResNet50, built in notebooks 02 and 03.

Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition" (2015), figure 5.
Neither passes `training=`: `fit`, `evaluate` and `predict` choose BatchNormalization's mode.
"""

from keras import KerasTensor
from keras.layers import Activation, Add, BatchNormalization, Conv2D

# Keras's default of 0.99 averages over about 100 steps, three epochs of SIGNS: the averages that
# `evaluate` and `predict` use would lag behind the weights (notebook 04 measures it).
BN_MOMENTUM = 0.9


def identity_block(
    X: KerasTensor, f: int, filters: tuple[int, int, int], stage: int, block: str
) -> KerasTensor:
    """Add a three-layer main path to its own input; the shape stays the same.

    Args:
        X: Input of shape (batch, height, width, F3).
        f: Side of the middle convolution's window, in pixels.
        filters: (F1, F2, F3), the filters of the three convolutions; F3 is X's channels.
        stage: The stage's number, for the layers' names.
        block: The block's letter within its stage, for the layers' names.

    Returns:
        Tensor of X's shape.

    Raises:
        ValueError: F3 is not X's number of channels, so that the two can't be added.
    """
    F1, F2, F3 = filters
    if X.shape[-1] != F3:
        raise ValueError(
            f"identity_block {stage}{block}: the input has {X.shape[-1]} channels and the last "
            f"convolution makes {F3}, so they can't be added. Make the last of `filters` "
            f"{X.shape[-1]}, or use convolutional_block, whose shortcut changes the shape."
        )
    conv_name = f"res{stage}{block}_branch"
    bn_name = f"bn{stage}{block}_branch"
    shortcut = X

    X = Conv2D(F1, 1, name=conv_name + "2a")(X)
    X = BatchNormalization(momentum=BN_MOMENTUM, name=bn_name + "2a")(X)
    X = Activation("relu")(X)

    X = Conv2D(F2, f, padding="same", name=conv_name + "2b")(X)
    X = BatchNormalization(momentum=BN_MOMENTUM, name=bn_name + "2b")(X)
    X = Activation("relu")(X)

    X = Conv2D(F3, 1, name=conv_name + "2c")(X)
    X = BatchNormalization(momentum=BN_MOMENTUM, name=bn_name + "2c")(X)

    X = Add()([shortcut, X])
    return Activation("relu")(X)


def convolutional_block(
    X: KerasTensor, f: int, filters: tuple[int, int, int], stage: int, block: str, s: int = 2
) -> KerasTensor:
    """Add a three-layer main path to a projection of its input; the shape may change.

    Args:
        X: Input of shape (batch, height, width, channels).
        f: Side of the middle convolution's window, in pixels.
        filters: (F1, F2, F3), the filters of the three convolutions.
        stage: The stage's number, for the layers' names.
        block: The block's letter within its stage, for the layers' names.
        s: Stride, in pixels, of the first convolution and of the shortcut's.

    Returns:
        Tensor of shape (batch, ceil(height / s), ceil(width / s), F3).
    """
    F1, F2, F3 = filters
    conv_name = f"res{stage}{block}_branch"
    bn_name = f"bn{stage}{block}_branch"

    shortcut = Conv2D(F3, 1, strides=s, name=conv_name + "1")(X)
    shortcut = BatchNormalization(momentum=BN_MOMENTUM, name=bn_name + "1")(shortcut)

    X = Conv2D(F1, 1, strides=s, name=conv_name + "2a")(X)
    X = BatchNormalization(momentum=BN_MOMENTUM, name=bn_name + "2a")(X)
    X = Activation("relu")(X)

    X = Conv2D(F2, f, padding="same", name=conv_name + "2b")(X)
    X = BatchNormalization(momentum=BN_MOMENTUM, name=bn_name + "2b")(X)
    X = Activation("relu")(X)

    X = Conv2D(F3, 1, name=conv_name + "2c")(X)
    X = BatchNormalization(momentum=BN_MOMENTUM, name=bn_name + "2c")(X)

    X = Add()([shortcut, X])
    return Activation("relu")(X)
