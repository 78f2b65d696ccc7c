"""The checks of notebook 03: the convolutional block, part by part and whole."""

import numpy as np

from resnets.checks.core import (
    Fault,
    array_of,
    check,
    check_number,
    explain,
    native,
    sizes,
    whole_number,
)
from resnets.checks.networks import any_block, block_steps, judge_between, judge_built, path
from resnets.checks.steps import conv_bn


@check
def check_output_side(output_side, draw):
    """Check sides for many windows, strides and both paddings."""
    cases = [(n, f, s) for n in (8, 11, 15) for f in (1, 2, 3, 4, 7) for s in (1, 2, 3)]
    cases += [(64, 7, 2), (70, 7, 2), (32, 3, 2)]
    cases += [(int(draw.integers(8, 40)), int(f), int(draw.integers(1, 5))) for f in (1, 2, 3, 5)]
    for padding in ("valid", "same"):
        for n, f, s in cases:
            value = native(output_side.call(n, f, s, padding))
            if value is None:
                raise Fault("`output_side` returns nothing (None)", "a number", "`return`")
            found = whole_number("output_side(...)", value)
            expected = side_after(n, f, s, padding)
            if found == expected:
                continue
            look = (
                "valid: (n - f) // s + 1 positions"
                if padding == "valid"
                else "same: n / s, rounded up"
            )
            what = f'output_side({n}, {f}, {s}, "{padding}") is {found}'
            if padding == "same" and found == side_after(n, f, s, "valid"):
                what += ': the formula of "valid" is used for "same"'
            elif padding == "valid" and found == side_after(n, f, s, "same"):
                what += ': the formula of "same" is used for "valid"'
            elif padding == "same" and found == n // s:
                what += ": it is rounded down"
            elif padding == "valid" and found == (n - f) // s:
                what += ": the first position is not counted, + 1 is missing"
            raise Fault(what, str(expected), look)


def side_after(n: int, f: int, s: int, padding: str) -> int:
    """Return the side of a picture after a window of side f moved over it in steps of s."""
    return -(-n // s) if padding == "same" else (n - f) // s + 1


@check
def check_one_by_one(one_by_one, draw):
    """Check the 1x1 convolution by hand, for three strides."""
    for stride in (1, 2, 3):
        height, width, channels, filters = sizes(draw, 4, 4, 9)
        images = draw.normal(size=(2, height, width, channels)).astype(np.float32)
        kernel = draw.normal(size=(channels, filters)).astype(np.float32)
        bias = draw.normal(size=filters).astype(np.float32)
        value = one_by_one.call(images, kernel, bias, stride)
        expected = images[:, ::stride, ::stride] @ kernel + bias
        axes = ("images", "height", "width", "filters")
        look = (
            "every s-th pixel in both directions, from the first: rows and columns 0, s, 2 s, ..."
        )
        found = array_of("the result", value, expected.shape, axes, look)
        shifted = images[:, stride - 1 :: stride, stride - 1 :: stride] @ kernel + bias
        mistakes = {
            ("the bias is not added", "the product plus the bias"): expected - bias,
            ("there is a ReLU", "the product plus the bias, nothing else"): np.maximum(expected, 0),
            ("the stride starts at a later pixel", "the first pixel, index 0"): shifted,
        }
        look = "every s-th pixel in height and width, times the kernel, plus the bias"
        explain("the result", found, expected, mistakes, look)


@check(given=1)
def check_main_path(after_2a, after_2c, draw):
    """Check the second and the third component of the convolutional block."""
    steps = path("3a", (128, 128, 512), 3)[3:]
    return judge_between(after_2a, after_2c, draw, (8, 8, 128), steps)


@check(given=1)
def check_shortcut(inputs, shortcut, draw):
    """Check the projection on the shortcut of the convolutional block."""
    steps = conv_bn("3a", "1", 512, stride=2)
    return judge_between(inputs, shortcut, draw, (15, 15, 256), steps)


@check
def check_convolutional_block(convolutional_block, draw):
    """Check three networks with other filters, windows, strides, sides and names, both modes."""
    remark = ""
    for window, stride in ((3, 2), (5, 1), (3, 3)):
        F1, F2, F3, channels, *sides = sizes(draw, 6, 4, 11)
        stage, block = any_block(draw)
        main = path(f"{stage}{block}", (F1, F2, F3), window, stride)
        steps = block_steps(main, conv_bn(f"{stage}{block}", "1", F3, stride=stride))
        args = (window, [F1, F2, F3], stage, block)
        kwargs = {} if stride == 2 else {"s": stride}
        remark = judge_built(convolutional_block, draw, (*sides, channels), steps, *args, **kwargs)
    return remark


@check
def check_projection(predicted_shape, shortcut_parameters, draw):
    """Check a predicted shape and a count of parameters."""
    found = predicted_shape.value()
    if not isinstance(found, list):
        raise Fault(f"predicted_shape is {found!r}", "a tuple: (height, width, channels)")
    if len(found) == 4 and found[0] in (None, "batch"):
        found = found[1:]
    if found != [4, 4, 1024]:
        axes = ("height", "width", "channels")
        off = [axis for axis, f, e in zip(axes, found, (4, 4, 1024), strict=False) if f != e]
        raise Fault(
            f"predicted_shape is {tuple(found)}: wrong in {', '.join(off) or 'the number of axes'}",
            "",
            "s = 2 halves 8 pixels; the channels are the last of the three filters",
        )
    kernel, bias, norm = 512 * 1024, 1024, 4 * 1024
    check_number(
        shortcut_parameters,
        kernel + bias + norm,
        "1x1 kernel: channels in x filters; one bias per filter; four per channel for the "
        "BatchNormalization",
        {
            kernel: "shortcut_parameters counts the kernel only",
            kernel + bias: "the BatchNormalization's parameters are missing",
            kernel + norm: "the biases are missing",
            kernel + bias + norm // 2: "the moving mean and variance are missing: they are "
            "parameters too, though they are not trained",
        },
    )
