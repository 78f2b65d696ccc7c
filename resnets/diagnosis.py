"""Networks as lists of steps: what they compute, in NumPy, and where two of them differ, in words.

The checks state what they expect as steps and read what a learner built as steps. Nothing here
is Keras: the process that judges never runs a learner's layers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from resnets.answers import known_weights

AXES = {
    2: ("batch", "channels"),
    4: ("batch", "height", "width", "channels"),
}


class Fault(Exception):
    """What is wrong with an answer: what was found, what was expected, where to look.

    `tried` says with which arguments, where that helps.
    """

    def __init__(self, found: str, expected: str = "", look: str = ""):
        """Keep the parts; each is a sentence without a full stop, or empty."""
        super().__init__(found)
        self.found, self.expected, self.look, self.tried = found, expected, look, ""
        self.at_the_end = False  # whether something is missing after the network's last step


@dataclass
class Step:
    """One operation of a network.

    `kind` is "conv", "bn", "relu", "residual" (two paths and an addition) and so on; `settings`
    hold what decides the result: window, filters, stride, padding, ...
    """

    kind: str
    name: str = ""
    settings: dict = field(default_factory=dict)
    main: list["Step"] = field(default_factory=list)  # of a residual step
    shortcut: list["Step"] = field(default_factory=list)
    shape: list | None = None
    weights: dict = field(default_factory=dict)
    training: bool | None = None

    def __str__(self) -> str:
        """Return the step as a learner would call it."""
        words = WORDS.get(self.kind, self.kind) + (f" {self.name}" if self.kind in NAMED else "")
        return f"{words} of block {block_name(self)}" if block_name(self) else words


WORDS = {
    "conv": "the convolution",
    "bn": "the BatchNormalization",
    "relu": "ReLU",
    "softmax": "softmax",
    "pad": "ZeroPadding2D",
    "maxpool": "MaxPooling2D",
    "avgpool": "AveragePooling2D",
    "flatten": "Flatten",
    "dense": "the Dense layer",
    "residual": "the addition",
    "global average pooling": "GlobalAveragePooling2D",
    "global max pooling": "GlobalMaxPooling2D",
}
NAMED = ("conv", "bn", "dense")


# --- steps that are expected ----------------------------------------------------------------------


def conv(name: str, filters: int, window: int, stride: int = 1, padding: str = "valid") -> Step:
    """Return a convolution with a bias."""
    settings = {"window": window, "filters": filters, "stride": stride, "padding": padding}
    return Step("conv", name, settings)


def bn(name: str) -> Step:
    """Return a BatchNormalization of the channels."""
    return Step("bn", name)


def relu() -> Step:
    """Return a ReLU."""
    return Step("relu")


# --- steps that were found ------------------------------------------------------------------------

KINDS = {
    "Conv2D": "conv",
    "BatchNormalization": "bn",
    "ReLU": "relu",
    "Relu": "relu",
    "Softmax": "softmax",
    "Dense": "dense",
    "ZeroPadding2D": "pad",
    "MaxPooling2D": "maxpool",
    "AveragePooling2D": "avgpool",
    "GlobalAveragePooling2D": "global average pooling",
    "GlobalMaxPooling2D": "global max pooling",
    "Flatten": "flatten",
    "Reshape": "flatten",
    "Identity": "nothing",
}
ADDITIONS = ("Add", "add")


class Tangled(Fault):
    """The graph is no sequence of steps and two-path additions."""


def read_steps(graph: dict) -> list[Step]:
    """Return the steps of a network that `answers.describe_graph` described.

    Raises:
        Tangled: The graph has another form, or the output does not depend on the input.
    """
    nodes, start = graph["nodes"], graph["inputs"][0]
    for place, node in enumerate(nodes):  # a stranger's description may lead in a circle
        if not all(isinstance(i, int) and 0 <= i < place for i in node["inputs"]):
            raise not_from_the_input()

    def ancestors(index: int) -> set[int]:
        seen, waiting = set(), [index]
        while waiting:
            index = waiting.pop()
            if index not in seen:
                seen.add(index)
                waiting += nodes[index]["inputs"]
        return seen

    def path(index: int, stop: int) -> list[Step]:
        steps = []
        while index != stop:
            node = nodes[index]
            parents = node["inputs"]
            if len(parents) == 1:
                steps = steps_of(node) + steps
                index = parents[0]
            elif len(parents) == 2:
                common = max(ancestors(parents[0]) & ancestors(parents[1]), default=None)
                if common is None:
                    raise not_from_the_input()
                branches = [path(parent, common) for parent in parents]
                steps = [residual_of(node, *branches), *steps]
                index = common
            elif parents:
                raise Tangled(
                    f"{node['kind']} joins {len(parents)} tensors",
                    "two: the shortcut and the main path's result",
                    f"the tensors given to {node['kind']}",
                )
            else:
                raise not_from_the_input()
        return steps

    return path(graph["output"], start)


def not_from_the_input() -> Tangled:
    """Return the fault of a network that begins elsewhere than at its input."""
    return Tangled(
        "the result does not come from the input: there is another start on the way",
        "every step applied to what the step before returned",
        "the tensor that each layer is called on",
    )


def residual_of(node: dict, one: list[Step], other: list[Step]) -> Step:
    """Return two branches and what joins them as one step; the longer branch is the main path."""
    names = " ".join(step.name for step in one)
    swap = len(one) < len(other) or (len(one) == len(other) and names.endswith("branch1"))
    main, shortcut = (other, one) if swap else (one, other)
    settings = {"join": "Add" if node["kind"] in ADDITIONS else node["kind"]}
    return Step("residual", node["name"], settings, main, shortcut, node.get("shape"))


def steps_of(node: dict) -> list[Step]:
    """Return the steps of one operation: none, one, or two where an activation is built in."""
    kind = KINDS.get(node["kind"], node["kind"])
    if node["kind"] == "Activation":
        return activation_of(node)
    if kind == "nothing":
        return []
    raw = node.get("settings", {})
    settings = {}
    if kind in ("conv", "maxpool", "avgpool"):
        settings["window"] = one_number(raw.get("kernel_size") or raw.get("pool_size"))
        settings["stride"] = one_number(raw.get("strides"))
    for key in ("filters", "padding", "units", "groups", "use_bias", "axis", "center", "scale"):
        if key in raw:
            settings[key] = raw[key]
    settings["trainable"] = raw.get("trainable", True)
    if kind == "conv":
        settings["dilation"] = one_number(raw.get("dilation_rate"))
    if kind == "pad":
        sides = np.array(raw["padding"]).ravel().tolist()
        settings["padding"] = sides[0] if len(set(sides)) == 1 else sides
    if kind == "relu" and (raw.get("negative_slope") or raw.get("max_value") is not None):
        kind = "a ReLU with a slope or a limit"
    step = Step(kind, node["name"], settings, shape=node.get("shape"))
    step.weights, step.training = node.get("weights", {}), node["training"]
    return [step, *(activation_of(node) if kind in ("conv", "dense") else [])]


def activation_of(node: dict) -> list[Step]:
    """Return an activation as a step; the linear one is no step."""
    name = node.get("activation", "")
    if name in ("linear", "None", ""):
        return []
    return [Step(name.lower(), node["name"], shape=node.get("shape"))]


def one_number(sides: object) -> object:
    """Return 3 for [3, 3]; a list of different numbers stays a list."""
    if isinstance(sides, list) and len(set(map(str, sides))) == 1:
        return sides[0]
    return sides


def all_steps(steps: list[Step]) -> Iterator[Step]:
    """Return the steps and those of their paths, one after the other."""
    for step in steps:
        if step.kind == "residual":
            yield from all_steps(step.shortcut)
            yield from all_steps(step.main)
        yield step


# --- what steps compute ---------------------------------------------------------------------------


def run(
    steps: list[Step], X: np.ndarray, seed: int, training: bool, epsilon: Callable[[str], float]
) -> np.ndarray:
    """Compute a network's output in NumPy, with the weights that `known_weights` gives.

    Args:
        steps: What is computed, in order.
        X: float images (batch, height, width, channels).
        seed: Seed of the known weights.
        training: Whether BatchNormalization uses the batch's mean and variance.
        epsilon: The number that a BatchNormalization of that name adds to the variance.
    """

    def weight(step: Step, name: str, *shape: int) -> np.ndarray:
        return known_weights(seed, step.name, name, shape)

    for step in steps:
        channels = X.shape[-1]
        match step.kind:
            case "conv":
                window, filters = step.settings["window"], step.settings["filters"]
                kernel = weight(step, "kernel", window, window, channels, filters)
                X = convolve(X, kernel, step.settings["stride"], step.settings["padding"])
                X = X + weight(step, "bias", filters)
            case "bn":
                mean = X.mean((0, 1, 2)) if training else weight(step, "moving_mean", channels)
                variance = weight(step, "moving_variance", channels)
                variance = X.var((0, 1, 2)) if training else variance
                X = (X - mean) / np.sqrt(variance + epsilon(step.name))
                X = X * weight(step, "gamma", channels) + weight(step, "beta", channels)
            case "relu":
                X = np.maximum(X, 0)
            case "residual":
                main = run(step.main, X, seed, training, epsilon)
                X = main + run(step.shortcut, X, seed, training, epsilon)
            case "pad":
                side = step.settings["padding"]
                X = np.pad(X, ((0, 0), (side, side), (side, side), (0, 0)))
            case "maxpool" | "avgpool":
                pool = np.max if step.kind == "maxpool" else np.mean
                X = pool(windows(X, step.settings["window"], step.settings["stride"]), (4, 5))
            case "flatten":
                X = X.reshape(len(X), -1)
            case "dense":
                units = step.settings["units"]
                X = X @ weight(step, "kernel", channels, units) + weight(step, "bias", units)
            case "softmax":
                X = np.exp(X - X.max(-1, keepdims=True))
                X = X / X.sum(-1, keepdims=True)
    return X


def windows(X: np.ndarray, side: int, stride: int) -> np.ndarray:
    """Return every window of (batch, height, width, channels): (..., channels, side, side)."""
    view = np.lib.stride_tricks.sliding_window_view(X, (side, side), axis=(1, 2))
    return view[:, ::stride, ::stride]


def convolve(X: np.ndarray, kernel: np.ndarray, stride: int, padding: str) -> np.ndarray:
    """Convolve (batch, height, width, channels in) with (side, side, channels in, filters)."""
    side = len(kernel)
    if padding.lower() == "same":
        pads = []
        for n in X.shape[1:3]:  # what is left over goes to the right and below, as in TensorFlow
            both = max((-(-n // stride) - 1) * stride + side - n, 0)
            pads.append((both // 2, both - both // 2))
        X = np.pad(X, ((0, 0), *pads, (0, 0)))
    return np.tensordot(windows(X, side, stride), kernel, ([4, 5, 3], [0, 1, 2]))


# --- how they differ ------------------------------------------------------------------------------

SETTING_WORDS = {
    "window": "a window of {0}x{0}",
    "filters": "{0} filters",
    "stride": "stride {0}",
    "padding": 'padding "{0}"',
    "units": "{0} units",
    "dilation": "dilation {0}",
    "groups": "{0} groups",
}


def compare(found: list[Step], expected: list[Step], place: str = "", end: str = "") -> None:
    """Raise a Fault at the first step, from the input on, where `found` is not as expected.

    Args:
        found: What the learner built.
        expected: What the task asks for.
        place: Where this is, such as "on the shortcut"; empty on the main line.
        end: What follows the last step, such as "the addition"; empty at a network's end.
    """
    for i in range(max(len(found), len(expected))):
        f = found[i] if i < len(found) else None
        e = expected[i] if i < len(expected) else None
        if f is None or e is None or f.kind != e.kind:
            fault = mismatch(found, expected, i, place, end)
            fault.at_the_end = f is None and not end
            raise fault
        later = {step.name for step in expected[i + 1 :] if step.kind == e.kind}
        if e.name and f.name in later and e.name not in {step.name for step in found}:
            raise Fault(
                f"{f} does not come after {e}: that one is not on the way to the output",
                f"{e} first",
                f"the tensor that {f} is called on",
            )
        if e.kind == "residual":
            compare_blocks(f, found, expected, i)
            compare_residual(f, e)
        else:
            compare_step(f, e, place)


def compare_blocks(f: Step, found: list[Step], expected: list[Step], i: int) -> None:
    """Raise a Fault if the i-th block of many is another one than expected, by its name."""
    names = [[block_name(step) for step in steps] for steps in (found, expected)]
    (of_found, of_expected), this = names, block_name(f)
    if this == of_expected[i] or len([name for name in of_expected if name]) < 2:
        return
    before = f"after block {of_expected[i - 2]}" if i > 1 and of_expected[i - 2] else "first"
    if of_expected[i] not in of_found:
        kind = "a convolutional" if expected[i].shortcut else "an identity"
        raise Fault(
            f"block {of_expected[i]} is missing: {before} comes {this or 'one without a name'}",
            f"{kind} block with the name {of_expected[i]}: res{of_expected[i]}_branch...",
            "the letters of the identity blocks; each block takes the result of the one before",
        )
    if this not in of_expected:
        raise Fault(
            f"{before} comes block {this}: no block of this network has that name",
            f"block {of_expected[i]}",
            "the number of blocks in each stage, and their letters",
        )


def block_name(step: Step) -> str:
    """Return "2b" for the block whose main path starts with res2b_branch2a, else nothing."""
    names = [s.name for s in step.main if s.name.startswith("res")]
    return names[0].removeprefix("res").partition("_")[0] if names else ""


def compare_residual(f: Step, e: Step) -> None:
    """Compare two additions: what joins the paths, then the paths."""
    if f.settings["join"] != "Add":
        raise Fault(
            f"the shortcut and the main path are joined by {f.settings['join']}",
            "an addition, element by element: Add()([shortcut, X])",
            "the line after the last BatchNormalization",
        )
    if not f.main and e.main:
        raise Fault(
            "the addition adds a tensor to itself: both its inputs are the same",
            "the shortcut plus the main path's result",
            "the two tensors given to Add",
        )
    if len(f.shortcut) > len(e.shortcut) and not e.shortcut:
        raise Fault(
            f"there is {f.shortcut[0]} on the shortcut: that makes it a convolutional block",
            "an identity block, with its input, unchanged, on the shortcut",
            "which block this is, and the line that sets its shortcut",
        )
    compare(f.main, e.main, "on the main path", "the addition")
    if e.shortcut and not f.shortcut:
        raise Fault(
            "the shortcut is the block's input, unchanged: its convolution and its "
            "BatchNormalization (branch1) are not on the way to the addition",
            f"{e.shortcut[0]}, then {e.shortcut[1]}, on the shortcut",
            "the two lines of the shortcut, and what is given to Add",
        )
    compare(f.shortcut, e.shortcut, "on the shortcut", "the addition")


def compare_step(f: Step, e: Step, place: str) -> None:
    """Compare two steps of one kind: settings first, then names."""
    where = f" {place}" if place else ""
    if f.training is not None:
        raise training_fault(f)
    for key, wanted in e.settings.items():
        got = f.settings.get(key)
        if isinstance(got, str):
            got = got.lower()
        if got != wanted and not (key == "padding" and same_by_any_padding(f, e)):
            words = SETTING_WORDS.get(key, key + " {0}")
            if isinstance(got, list):
                got = "x".join(map(str, got)) if key != "window" else got
                words = "a window of {0[0]}x{0[1]}" if key == "window" else words
            if f.kind == "pad":
                words = "{0} pixels on each side"
            wanted_words = SETTING_WORDS.get(key, key + " {0}") if f.kind != "pad" else words
            raise Fault(
                f"{f}{where} has {words.format(got)}",
                wanted_words.format(wanted)
                + (f" for {e.name}" if e.name and e.name != f.name else ""),
                hint_for(key, f, e),
            )
    if e.name and f.name != e.name:
        unnamed = f.name.rstrip("0123456789_") in ("conv2d", "batch_normalization", "dense")
        own = "has no name of its own" if unnamed else f"is called {f.name}"
        raise Fault(
            f"{a(f.kind)}{where} {own}",
            f"the name {e.name}",
            "the argument `name`; stage and block are part of it" * ("branch" in e.name),
        )
    if f.settings.get("use_bias") is False:
        raise Fault(f"{f} has no bias", "a bias, as Keras gives it by default", "use_bias")
    if f.kind == "conv" and (f.settings.get("dilation") != 1 or f.settings.get("groups") != 1):
        raise Fault(f"{f} has a dilation or groups", "neither", "its arguments")
    for key in ("center", "scale", "trainable"):
        if f.settings.get(key) is False:
            raise Fault(f"{f} has {key}=False", f"{key}=True, the default", f"the arguments of {f}")
    if f.kind == "bn" and f.shape and f.settings.get("axis") not in (-1, len(f.shape) - 1):
        raise Fault(
            f"{f} normalises axis {f.settings.get('axis')}",
            "the channels, the last axis: axis=-1, which is the default",
            "the argument `axis`",
        )


def same_by_any_padding(f: Step, e: Step) -> bool:
    """Whether a window of one pixel makes "same" and "valid" the same."""
    return e.settings.get("window") == 1 and f.settings.get("window") == 1


def hint_for(key: str, f: Step, e: Step) -> str:
    """Return where to look for a wrong setting."""
    if f.kind == "conv" and "branch" in e.name:
        match key:
            case "stride":
                return (
                    f"strides of {f.name}: the stride s of a convolutional block belongs to 2a and "
                    "to the shortcut, every other convolution has stride 1"
                )
            case "filters":
                return "the order of filters: F1 for 2a, F2 for 2b, F3 for 2c and for the shortcut"
            case "window":
                return "the windows: 1 for 2a, 2c and the shortcut, f for 2b"
    return f"the arguments of {f}"


def training_fault(step: Step) -> Fault:
    """Return the fault of a BatchNormalization with its mode built in."""
    return Fault(
        f"training={step.training} is built into {step}",
        "no `training` while a network is built: fit, evaluate and predict choose the mode",
        f"the call of {step}",
    )


def mismatch(found: list[Step], expected: list[Step], i: int, place: str, end: str) -> Fault:
    """Return the fault where the i-th steps are of different kinds or one of them is missing."""
    f = found[i] if i < len(found) else None
    e = expected[i] if i < len(expected) else None
    where = f" {place}" if place else ""
    after = f"after {found[i - 1]}" if i else ("as the first step" if f else "after the input")
    tail = f"before {end}" if end else "at the end"
    found_now = str(f) if f else (end or "the end")
    expected_now = str(e) if e else (end or "nothing more")
    first, last = max(0, i - 4), i + 9  # of a whole network, what lies around
    names = [brief(step) for step in expected[first:last]]
    names = ["..."] * (first > 0) + names + ["..."] * (last < len(expected))
    sequence = "the order of the steps: " + " → ".join(names)

    if e and e.kind == "relu" and (f is None or f.kind in KNOWN):
        return Fault(f"there is no ReLU {after}{where}", f"ReLU {after}", sequence)
    if e and e.kind in ("relu", "softmax"):
        comes = f"{after}{where} comes {f}" if f else f"there is no {e} {after}{where}"
        return Fault(comes, f"{e} {after}", sequence)
    if f and f.kind == "relu":
        if e is None:
            return Fault(
                f"there is a ReLU {after}{where}, {tail}",
                f"{end or 'nothing'} directly {after}" + end_reason(end),
                sequence,
            )
        return Fault(f"there is a ReLU {after}{where}", f"{expected_now} {after}", sequence)
    if e and e.kind == "bn":
        return Fault(f"there is no BatchNormalization {after}{where}", f"{e} {after}", sequence)
    if f and f.kind == "bn":
        return Fault(f"{f} comes {after}{where}", f"{expected_now} there", sequence)
    if e and e.kind == "residual" and f is None and i and block_name(e):
        return Fault(
            f"the network ends {after}: block {block_name(e)} and what follows are missing",
            f"block {block_name(e)}, then the others",
            "where `return` stands: after the loops, not in them",
        )
    if e and e.kind == "residual" and (f is None or f.kind in ("conv", "bn", "dense")):
        return missing_addition(found, expected, i)
    if f and f.kind == "residual":
        return Fault(f"{f} comes {after}", f"{expected_now} there", sequence)
    if f is None:
        return Fault(f"{expected_now} is missing{where} {after}", f"{expected_now} there", sequence)
    if e is None:
        return Fault(f"{after}{where} comes {found_now}", f"{expected_now} there", sequence)
    return Fault(f"{after}{where} comes {found_now}", expected_now, sequence)


KNOWN = ("conv", "bn", "dense", "residual", "pad", "maxpool", "avgpool", "flatten")


def end_reason(end: str) -> str:
    """Return why nothing may stand between a path and the addition."""
    if end != "the addition":
        return ""
    return ": a ReLU before it would cut off what is negative; it comes after the addition"


def missing_addition(found: list[Step], expected: list[Step], i: int) -> Fault:
    """Return the fault of a network without an addition, or with a shortcut taken too late."""
    first = expected[i].main[0]
    later = next((step for step in found[i:] if step.kind == "residual"), None)
    if later is not None and not later.main:
        return Fault(
            "the addition adds a tensor to itself: both its inputs are the same",
            "the shortcut plus the main path's result",
            "the two tensors given to Add",
        )
    if later is not None and found[i].name.endswith("branch1"):
        return Fault(
            f"the main path goes through {found[i]}, which belongs to the shortcut",
            "two paths that both start at the block's input",
            "the tensor that each layer is called on, and the name that takes its result",
        )
    if later is not None and found[i].kind == first.kind:
        before = found[found.index(later) - 1]
        return Fault(
            f"the shortcut starts after {before}, not at the block's input",
            "the block's own input on the shortcut",
            "where the shortcut is set: before the first convolution, and from the input",
        )
    return Fault(
        f"the shortcut is never added to the main path that starts with {first.name}",
        "Add()([shortcut, X]) at the end of the main path",
        "the last lines of the block, and what the function returns",
    )


def a(kind: str) -> str:
    """Return a kind of step with an article."""
    words = {"conv": "a convolution", "bn": "a BatchNormalization", "avgpool": "the pooling"}
    return words.get(kind, f"the {kind} layer")


def brief(step: Step) -> str:
    """Return a step as a word or two, for a list."""
    if step.kind == "residual" and block_name(step):
        return f"block res{block_name(step)}"
    return step.name if step.kind in NAMED else WORDS.get(step.kind, step.kind).removeprefix("the ")


# --- shapes ---------------------------------------------------------------------------------------


def shape_fault(found: list, expected: tuple, what: str, axes: tuple = ()) -> Fault | None:
    """Return a fault that names the axes in which two shapes differ, or None."""
    found, expected = list(found), list(expected)
    if found == expected:
        return None
    axes = axes or AXES.get(len(expected), ())
    words = tuple(expected) if not axes else f"({', '.join(axes)}) = {tuple(expected)}"
    if len(found) != len(expected) or not axes:
        return Fault(f"{what} has the shape {tuple(found)}", f"{words}")
    off = [
        f"{axis} is {f}, not {e}"
        for axis, f, e in zip(axes, found, expected, strict=True)
        if f != e
    ]
    return Fault(f"{what} has the shape {tuple(found)}: {'; '.join(off)}", f"{words}")
