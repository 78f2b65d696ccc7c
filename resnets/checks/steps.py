"""Networks as lists of steps: those that a check expects, and those that a learner built.

A check states what it expects as steps, reads what a learner built as steps, and computes in
NumPy what steps give. Nothing here is Keras: the process that judges runs no learner's layers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from resnets.checks.core import Fault
from resnets.checks.wire import known_weights


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


def conv_bn(
    block: str, branch: str, filters: int, window: int = 1, stride: int = 1, padding: str = "valid"
) -> list[Step]:
    """Return a convolution and its BatchNormalization, named for block "2b" and branch "2a"."""
    name = f"{block}_branch{branch}"
    return [conv("res" + name, filters, window, stride, padding), bn("bn" + name)]


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
# ResNet50 has 175 operations, and no addition of it lies on a path of another.
MOST_NODES, MOST_DEPTH = 2_000, 20


class Tangled(Fault):
    """The graph is no sequence of steps and two-path additions."""


def read_steps(graph: dict) -> list[Step]:
    """Return the steps of a network that `probe.describe_graph` described.

    Each node is walked once, however a stranger's description joins them.

    Raises:
        Tangled: The graph has another form, the output does not depend on the input, or there are
            more nodes or blocks in blocks than any task asks for.
    """
    nodes, start = graph["nodes"], graph["inputs"][0]
    if len(nodes) > MOST_NODES:
        raise Tangled(
            f"the network has {len(nodes)} operations",
            f"at most {MOST_NODES}",
            "the loops: how often each runs, and what it takes up again",
        )
    above: list[int] = []  # for each node a number whose bits say which nodes lead to it
    for place, node in enumerate(nodes):  # a stranger's description may lead in a circle
        if not all(isinstance(i, int) and 0 <= i < place for i in node["inputs"]):
            raise not_from_the_input()
        above.append(1 << place)
        for i in set(node["inputs"]):
            above[place] |= above[i]

    def path(index: int, stop: int, depth: int) -> list[Step]:
        if depth > MOST_DEPTH:
            raise Tangled(
                f"there are more than {MOST_DEPTH} additions, each on a path of the next",
                "blocks one after the other",
                "the tensors that each addition joins",
            )
        backwards: list[Step] = []
        while index != stop:
            node = nodes[index]
            parents = node["inputs"]
            if index < stop or not parents:  # the stop was passed by, or there is another start
                raise not_from_the_input()
            if len(parents) == 1:
                backwards += reversed(steps_of(node))
                index = parents[0]
            elif len(parents) == 2:
                common = (above[parents[0]] & above[parents[1]]).bit_length() - 1
                if common < stop:
                    raise not_from_the_input()
                branches = [path(parent, common, depth + 1) for parent in parents]
                backwards.append(residual_of(node, *branches))
                index = common
            else:
                raise Tangled(
                    f"{node['kind']} joins {len(parents)} tensors",
                    "two: the shortcut and the main path's result",
                    f"the tensors given to {node['kind']}",
                )
        return backwards[::-1]

    return path(graph["output"], start, 0)


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
    if kind == "conv":
        settings["dilation"] = one_number(raw.get("dilation_rate"))
    if kind == "pad":
        sides = np.array(raw["padding"]).ravel().tolist()
        settings["padding"] = sides[0] if len(set(sides)) == 1 else sides
    if kind == "relu" and (raw.get("negative_slope") or raw.get("max_value") is not None):
        kind = "a ReLU with a slope or a limit"
    step = Step(kind, node["name"], settings, shape=node.get("shape"))
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


def block_name(step: Step) -> str:
    """Return "2b" for the block whose main path starts with res2b_branch2a, else nothing."""
    names = [s.name for s in step.main if s.name.startswith("res")]
    return names[0].removeprefix("res").partition("_")[0] if names else ""


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
