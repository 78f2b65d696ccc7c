"""Residual networks of basic, two-layer blocks, and the plain networks to compare them with.

After He et al. (2015), section 4.2; notebook 05 asks with them what shortcuts do.
"""

from keras import Input, KerasTensor, Model, ops
from keras.layers import Activation, Add, BatchNormalization, Conv2D

from resnets.blocks import BN_MOMENTUM
from resnets.resnet50 import SMALLEST_SIDE_GLOBAL, close_main_paths, head, refuse, stage_1


def BasicBlockResNet(
    depth: int = 20,
    input_shape: tuple[int, int, int] = (64, 64, 3),
    classes: int = 6,
    *,
    filters: int = 16,
    shortcuts: bool = True,
    normalised: bool = True,
    zero_gamma: bool = False,
) -> Model:
    """Build a residual network of two-layer blocks, or the plain one of the same main path.

    After He et al. (2015), section 4.2: three stages of 16, 32, 64 filters and n blocks each,
    global average pooling, one dense layer: 6n + 2 layers with weights. In front stands ResNet50's
    stage 1, as SIGNS's images are larger. The shortcuts have no parameters, so with and without
    them the networks have the same layers, names and weights.

    Args:
        depth: 8, 14, 20 and so on: 6n + 2.
        input_shape: (height, width, channels) of an image; sides of 32 pixels or more.
        classes: Number of classes, the width of the softmax layer `fc{classes}`.
        filters: Of stage 1 and the first of the three; the others have twice and four times as
            many.
        shortcuts: False leaves the additions out.
        normalised: False leaves BatchNormalization out, stage 1's included.
        zero_gamma: As for `ResNet50`.

    Returns:
        A Keras model with inputs and outputs as `ResNet50`.

    Raises:
        ValueError: No such depth; no filter; the images are too small; there is no class;
            `zero_gamma` without the normalisation or the shortcuts that it needs.
    """
    refuse("BasicBlockResNet", input_shape, classes, SMALLEST_SIDE_GLOBAL)
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(f"BasicBlockResNet: depth is {depth}; give 8, 14, 20 or so on, 6n + 2.")
    if filters < 1:
        raise ValueError(f"BasicBlockResNet: filters is {filters}; give 1 or more.")
    if zero_gamma and not (normalised and shortcuts):
        raise ValueError(
            "BasicBlockResNet: zero_gamma closes the main paths, so it needs shortcuts beside them "
            "and BatchNormalization, whose scale it sets."
        )
    images = Input(input_shape)
    X = stage_1(images, filters=filters, normalised=normalised)
    for stage, width in ((2, filters), (3, 2 * filters), (4, 4 * filters)):
        for block in range((depth - 2) // 6):
            stride = 2 if stage > 2 and block == 0 else 1
            X = _basic_block(X, width, stride, f"{stage}_{block + 1}", shortcuts, normalised)
    name = "BasicBlockResNet" if shortcuts else "BasicBlockPlainNet"
    model = Model(images, head(X, classes, global_pooling=True), name=name)
    if zero_gamma:
        close_main_paths(model, "branch2b")
    return model


def _basic_block(
    X: KerasTensor, filters: int, stride: int, position: str, shortcuts: bool, normalised: bool
) -> KerasTensor:
    """Add two 3x3 convolutions of X to X, or, without shortcuts, return them alone."""
    shortcut = X
    for layer, s in (("branch2a", stride), ("branch2b", 1)):
        X = Activation("relu")(X) if layer == "branch2b" else X
        X = Conv2D(filters, 3, strides=s, padding="same", name=f"res{position}_{layer}")(X)
        if normalised:
            X = BatchNormalization(momentum=BN_MOMENTUM, name=f"bn{position}_{layer}")(X)
    if shortcuts:
        X = Add()([X, parameter_free(shortcut, filters, stride)])
    return Activation("relu")(X)


def parameter_free(shortcut: KerasTensor, filters: int, stride: int) -> KerasTensor:
    """Fit a shortcut to a main path without a weight: drop pixels, add channels of zeros.

    He et al. (2015), section 3.3, option A.

    Args:
        shortcut: (batch, height, width, channels).
        filters: Of the main path, as many as the channels or more.
        stride: Of the main path; of each `stride` pixels the first stays.

    Returns:
        Tensor (batch, ceil(height / stride), ceil(width / stride), filters).
    """
    shortcut = shortcut[:, ::stride, ::stride]
    missing = filters - shortcut.shape[-1]
    return ops.pad(shortcut, [(0, 0), (0, 0), (0, 0), (0, missing)]) if missing else shortcut
