"""The checks of notebook 02: the identity block, part by part and whole."""

import numpy as np

from resnets.checks.core import (
    Answer,
    Fault,
    check,
    check_number,
    close,
    explain,
    shape_fault,
    sizes,
)
from resnets.checks.networks import (
    any_block,
    ask_between,
    block_steps,
    hinted,
    judge_between,
    judge_built,
    path,
    random_images,
)
from resnets.checks.steps import conv_bn, relu
from resnets.checks.wire import known_weights


@check(first_line="X, f, filters, stage, block")
def check_identity_block_two_layers(identity_block_two_layers, draw):
    """Check two networks with other sizes and names, in both modes."""
    remark = ""
    for window in (3, 5):
        filters, *sides = sizes(draw, 3, 5, 9)
        stage, block = any_block(draw)
        one, two = (
            conv_bn(f"{stage}{block}", branch, filters, window, padding="same")
            for branch in ("2a", "2b")
        )
        steps = block_steps([*one, relu(), *two])
        args = (window, filters, stage, block)
        with hinted("both convolutions: `filters` filters, windows of f x f, stride 1"):
            remark = judge_built(identity_block_two_layers, draw, (*sides, filters), steps, *args)
    return remark


@check
def check_bottleneck_counts(count_2b, count_2c, draw):
    """Check two counts of parameters."""
    hint = "window height x window width x channels in x filters, and one bias per filter"
    b, c = 3 * 3 * 64 * 64, 1 * 1 * 64 * 256
    no_bias = "the biases are missing in {}"
    norm = "{} counts BatchNormalization too: the convolution's own parameters are asked for"
    mistakes = {
        b: no_bias.format("count_2b"),
        64 * 64 + 64: "count_2b has a window of 1x1, not 3x3",
        b + 64 + 4 * 64: norm.format("count_2b"),
        c + 256: "count_2b is what count_2c should be: are the two swapped?",
    }
    check_number(count_2b, b + 64, hint, mistakes)
    mistakes = {
        c: no_bias.format("count_2c"),
        c + 64: "count_2c has 64 biases; it has 256 filters",
        c + 256 + 4 * 256: norm.format("count_2c"),
        b + 64: "count_2c is what count_2b should be: are the two swapped?",
    }
    check_number(count_2c, c + 256, hint, mistakes)


@check(given=1)
def check_component_2(after_2a, after_2b, draw):
    """Check the second component of the identity block."""
    steps = path("2b", (64, 64, 256), 3)[3:6]
    return judge_between(after_2a, after_2b, draw, (15, 15, 64), steps)


@check(given=1)
def check_component_3(after_2b, after_2c, draw):
    """Check the third component of the identity block."""
    steps = path("2b", (64, 64, 256), 3)[6:]
    return judge_between(after_2b, after_2c, draw, (15, 15, 64), steps)


@check(given=2)
def check_addition(shortcut, after_2c, after_addition, draw):
    """Check that the shortcut is added to the third component's result, and that a ReLU follows."""
    starts = [shortcut, after_2c]
    images = [random_images(draw, 15, 15, 256) for _ in starts]
    reply = ask_between(starts, after_addition, images, 0)
    found = reply.get("inference")
    both = images[0] + images[1]
    if found is not None and found.shape == both.shape:
        add = "the sum of shortcut and after_2c, then ReLU"
        positive = [np.maximum(image, 0) for image in images]
        cut = [images[0] + positive[1], positive[0] + images[1]]
        mistakes = {
            ("there is no ReLU after the addition", add): both,
            ("the ReLU comes before the addition", "the addition first"): positive[0] + positive[1],
            ("a ReLU before the addition cuts after_2c", add): (cut[0], np.maximum(cut[0], 0)),
            ("a ReLU before the addition cuts the shortcut", add): (cut[1], np.maximum(cut[1], 0)),
            ("the shortcut is not added", add): positive[1],
            ("after_2c is not added", add): positive[0],
            ("the shortcut is added to itself", add): 2 * positive[0],
            ("after_2c is added to itself", add): 2 * positive[1],
            ("the two are multiplied", add): np.maximum(images[0] * images[1], 0),
            ("the two are subtracted", add): (
                np.maximum(images[0] - images[1], 0),
                np.maximum(images[1] - images[0], 0),
            ),
            ("the two are averaged", add): np.maximum(both / 2, 0),
            ("the larger of the two is taken", add): (
                np.maximum(*images),
                np.maximum(*positive),
            ),
            ("a tanh follows the addition", add): np.tanh(both),
        }
        others = {node["kind"] for node in reply["network"]["nodes"] if node.get("weights")}
        if others and not close(found, np.maximum(both, 0)):
            raise Fault(
                f"what is added is not `{shortcut.name}` and `{after_2c.name}`: between them and "
                f"the result stands {' and '.join(sorted(others))}",
                f"Add()([{shortcut.name}, {after_2c.name}]), then ReLU",
            )
        return explain("after the addition", found, np.maximum(both, 0), mistakes, add)
    shape = reply["network"]["nodes"][reply["network"]["output"]]["shape"]
    if fault := shape_fault(shape, (None, 15, 15, 256), "`after_addition`"):
        fault.look = "Add()([shortcut, after_2c]): element by element, the shape stays"
        raise fault
    raise Fault("`after_addition` does not come from shortcut and after_2c", "their sum, then ReLU")


@check(first_line="X, f, filters, stage, block")
def check_identity_block(identity_block, draw):
    """Check two networks with other filters, windows, sides and names, in both modes."""
    remark = ""
    for window in (3, 5):
        F1, F2, F3, *sides = sizes(draw, 5, 4, 10)
        stage, block = any_block(draw)
        steps = block_steps(path(f"{stage}{block}", (F1, F2, F3), window))
        args = (window, [F1, F2, F3], stage, block)
        remark = judge_built(identity_block, draw, (*sides, F3), steps, *args)
    return remark


@check(first_line="model")
def check_silence(silence, draw):
    """Check on a small model which scales become zero, and that nothing else changes."""
    stage, block = any_block(draw)
    layers = ["res2c_branch2a", "bn2c_branch2a"]  # "2c" is the block here
    layers += [f"res{stage}{block}_branch2b", f"bn{stage}{block}_branch2b"]
    for letter in "bd":
        layers += [f"res{stage}{letter}_branch2c", f"bn{stage}{letter}_branch2c"]
    layers = list(dict.fromkeys(layers))
    judge_silence(silence, layers, draw)
    judge_silence(silence, layers[:2], draw)  # none of them is to be silenced


def judge_silence(silence: Answer, layers: list[str], draw: np.random.Generator) -> None:
    """Raise a Fault unless just the right scales of a model of these layers become zero.

    Each convolution is followed by its BatchNormalization.
    """
    seed = int(draw.integers(10**6))
    widths = np.repeat(draw.permutation(np.arange(3, 3 + len(layers) // 2)), 2).tolist()
    reply = silence.ask("silence", layers=layers, widths=widths, seed=seed)
    for name, before, width in zip(layers, [4, *widths], widths, strict=False):
        weights = reply["weights"].get(name, {})
        wanted = {"kernel": (1, 1, before, width), "bias": (width,)}
        if name.startswith("bn"):
            wanted = dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (width,))
        if {key: np.shape(found) for key, found in weights.items()} != wanted:
            raise Fault(f"the layer {name} has lost its weights, or is gone", "only zeros in gamma")
        for weight, found in weights.items():
            before = known_weights(seed, name, weight, found.shape)
            zero = weight == "gamma" and name.endswith("branch2c")
            if zero and np.any(found != 0):
                raise Fault(
                    f"gamma of {name} is not zero after silence(model)",
                    "zeros, for every BatchNormalization whose name ends in branch2c",
                    "layer.gamma.assign(...): a new array alone changes no layer",
                )
            if not zero and not close(found, before):
                raise Fault(
                    f"{weight} of {name} has changed",
                    "only gamma, and only where the name ends in branch2c",
                    "the condition on layer.name, and which weight is assigned",
                )
