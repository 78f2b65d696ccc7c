"""The checks of notebook 03: the convolutional block, part by part and whole."""

import numpy as np

from resnets.checks.core import (
    Answer,
    Fault,
    array_of,
    check,
    check_number,
    explain,
    native,
    not_whole,
    sizes,
    whole_number,
)
from resnets.checks.networks import any_block, block_steps, judge_between, judge_built, path
from resnets.checks.steps import conv_bn


@check(first_line="n, f, s, padding")
def check_output_side(output_side, draw):
    """Check sides for many windows, strides and both paddings."""
    cases = [(n, f, s) for n in (8, 11, 15) for f in (1, 2, 3, 4, 7) for s in (1, 2, 3)]
    cases += [(64, 7, 2), (70, 7, 2), (32, 3, 2)]
    cases += [(int(draw.integers(8, 40)), int(f), int(draw.integers(1, 5))) for f in (1, 2, 3, 5)]
    cases += [(1, 1, 1), (1, 1, 3), (5, 5, 2), (2, 1, 5), (4, 4, 4)]  # one position
    remark = ""
    for padding in ("valid", "same"):
        found = [0.0] * len(cases)
        for i in draw.permutation(len(cases)).tolist():
            value = native(output_side.call(*cases[i], padding))
            if value is None:
                raise Fault("`output_side` returns nothing (None)", "a number", "`return`")
            found[i] = whole_number("output_side(...)", value)
            remark = remark or not_whole("output_side", value)
        refuse_other_sides(cases, found, padding)
    return remark


# What other formulas give. One is named where it gives all that an answer gave, not one of it.
SIDE_MISTAKES = {
    "valid": {
        'the formula of "same" is used for "valid"': lambda n, f, s: -(-n // s),
        "the first position is not counted, + 1 is missing": lambda n, f, s: (n - f) // s,
        "it is not a whole number: / where // is needed": lambda n, f, s: (n - f) / s + 1,
        "it is rounded up, not down": lambda n, f, s: -((f - n) // s) + 1,
        "it is rounded to the nearest, not down": lambda n, f, s: round((n - f) / s) + 1,
        "f and s are exchanged": lambda n, f, s: (n - s) // f + 1,
        "the window is left out": lambda n, f, s: n // s,
    },
    "same": {
        "it is rounded down": lambda n, f, s: n // s,
        "it is rounded to the nearest, not up": lambda n, f, s: round(n / s),
        "it is rounded to the nearest, halves up": lambda n, f, s: int(n / s + 0.5),
        "one is added, whether n / s is whole or not": lambda n, f, s: n // s + 1,
        'the formula of "valid" is used for "same"': lambda n, f, s: (n - f) // s + 1,
        "it is not a whole number: round n / s up": lambda n, f, s: n / s,
        "the stride is left out": lambda n, f, s: n,
        "n is divided by f, not by s": lambda n, f, s: -(-n // f),
    },
}


def refuse_other_sides(cases: list[tuple[int, int, int]], found: list[float], padding: str) -> None:
    """Raise a Fault at the first case (n, f, s) whose number of positions is another one."""
    wrong = [i for i, case in enumerate(cases) if found[i] != side_after(*case, padding)]
    if not wrong:
        return
    n, f, s = cases[wrong[0]]
    what = f'output_side({n}, {f}, {s}, "{padding}") is {found[wrong[0]]}'
    for words, mistake in SIDE_MISTAKES[padding].items():
        if all(mistake(*case) == side for case, side in zip(cases, found, strict=True)):
            what += f": {words}"
            break
    fault = Fault(
        what,
        str(side_after(n, f, s, padding)),
        "valid: (n - f) // s + 1 positions" if padding == "valid" else "same: n / s, rounded up",
    )
    fault.tried = f'output_side({n}, {f}, {s}, "{padding}")'
    raise fault


def side_after(n: int, f: int, s: int, padding: str) -> int:
    """Return the side of a picture after a window of side f moved over it in steps of s."""
    return -(-n // s) if padding == "same" else (n - f) // s + 1


@check(first_line="images, kernel, bias, s")
def check_one_by_one(one_by_one, draw):
    """Check the 1x1 convolution by hand, for strides with every kind of remainder."""
    for stride in (1, 2, 3):
        for rest in sorted({stride - 1, 1 % stride, 0}, reverse=True):
            channels, filters = sizes(draw, 2, 4, 9)
            sides = 3 * stride + rest, 2 * stride + (rest + 1) % stride
            judge_one_by_one(one_by_one, draw, (2, *sides, channels), filters, stride)
    judge_one_by_one(one_by_one, draw, (1, 4, 7, 1), 3, 2)
    judge_one_by_one(one_by_one, draw, (3, 2, 3, 4), 1, 4)  # the stride is larger than the sides


def judge_one_by_one(
    answer: Answer, draw: np.random.Generator, shape: tuple, filters: int, stride: int
) -> None:
    """Raise a Fault unless images of that shape are convolved as they should."""
    images = draw.normal(size=shape).astype(np.float32)
    kernel = draw.normal(size=(shape[-1], filters)).astype(np.float32)
    bias = draw.normal(size=filters).astype(np.float32)
    value = answer.call(images, kernel, bias, stride)
    expected = images[:, ::stride, ::stride] @ kernel + bias
    axes = ("images", "height", "width", "filters")
    look = "every s-th pixel in both directions, from the first: rows and columns 0, s, 2 s, ..."
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


@check(first_line="X, f, filters, stage, block, s=2")
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
