"""Judging a network that a learner built: by what it computes, and by its layers' names.

    judge_built(identity_block, draw, (15, 15, 256), steps, 3, [64, 64, 256], 2, "b")

Any way of building passes that computes the same, in both modes of BatchNormalization. Only where
the numbers differ are the steps compared, to say where.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from resnets.checks.core import (
    Answer,
    Fault,
    close,
    kind_of,
    numbers_fault,
    refuse_empty,
    shape_fault,
    stopped,
)
from resnets.checks.differences import compare
from resnets.checks.steps import (
    KINDS,
    NAMED,
    Step,
    Tangled,
    all_steps,
    conv_bn,
    read_steps,
    relu,
    run,
)

# --- judging --------------------------------------------------------------------------------------


def judge_network(
    answer: Answer, reply: dict, steps: list[Step], X: np.ndarray | None = None, seed: int = 0
) -> str:
    """Raise a Fault unless the network that a reply describes does what `steps` do.

    Args:
        answer: What made the network, for the messages.
        reply: What `probe.network` or `probe.between` said of it.
        steps: What is expected.
        X: float32 images (batch, height, width, channels) that it was run on; None where it was
            not run, and its steps alone decide.
        seed: Seed of the known weights that it was run with.

    Returns:
        A remark for the learner, or nothing.
    """
    refuse_unreadable(answer, reply)
    if not right_numbers(reply, steps, X, seed):
        refuse_other_steps(answer, reply, steps)
        refuse_other_numbers(answer, reply, steps, X, seed)
    return momentum_remark(reply["network"])


def refuse_unreadable(answer: Answer, reply: dict) -> None:
    """Raise a Fault for what is no network, and for layers that can't do both modes."""
    if "value" in reply:
        found = kind_of(reply["value"])
        raise Fault(f"`{answer.name}` returns {found}", "the last tensor", "the `return` line")
    if "error" in reply and reply["error"]["type"] == "NotImplementedError":
        raise stopped(answer.name, reply["error"])
    for node in reply["network"]["nodes"]:
        if node["training"] is not None and node["kind"] == "BatchNormalization":
            layer = Step("bn", node["name"])
            raise Fault(
                f"training={node['training']} is built into {layer}",
                "no `training` while a network is built: fit, evaluate and predict choose the mode",
                f"the call of {layer}",
            )
        if node.get("settings", {}).get("trainable") is False:
            raise Fault(f"{node['name']} has trainable=False", "trainable=True, the default")


def right_numbers(reply: dict, steps: list[Step], X: np.ndarray | None, seed: int) -> bool:
    """Whether the network has the expected named layers and computes the expected numbers."""
    if "training" not in reply:  # the second of two modes: it was not run, or stopped
        return False
    nodes = reply["network"]["nodes"]
    kinds = {node["name"]: KINDS.get(node["kind"]) for node in nodes}
    wanted = {step.name: step.kind for step in all_steps(steps) if step.name}
    weighted = {node["name"] for node in nodes if node.get("weights")}
    if not weighted <= set(wanted) or any(kinds.get(n) != kind for n, kind in wanted.items()):
        return False
    outputs = expected_outputs(reply["network"], steps, X, seed)
    return all(close(reply[mode], expected) for mode, expected in outputs)


def refuse_other_steps(answer: Answer, reply: dict, steps: list[Step]) -> None:
    """Raise a Fault at the first step that is not as expected, or where the answer stopped."""
    try:
        compare(read_steps(reply["network"]), steps)
    except Fault as fault:
        # A step that failed is the last one: what is missing after it is no news.
        if "error" not in reply or not (fault.at_the_end or isinstance(fault, Tangled)):
            raise
    for key in ("error", "run_error"):
        if key in reply:
            raise stopped(answer.name, reply[key])


def refuse_other_numbers(
    answer: Answer, reply: dict, steps: list[Step], X: np.ndarray | None, seed: int
) -> None:
    """Raise a Fault where the steps are as expected and what was computed is not."""
    if "training" not in reply:
        return
    for mode, expected in expected_outputs(reply["network"], steps, X, seed):
        if fault := shape_fault(reply[mode].shape, expected.shape, f"`{answer.name}`"):
            raise fault
        if not close(reply[mode], expected):
            what = f"with known weights, in {mode} mode, the output"
            raise numbers_fault(what, reply[mode], expected)


def expected_outputs(
    graph: dict, steps: list[Step], X: np.ndarray, seed: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Return what steps give in each mode, with the epsilons found: no task prescribes them."""
    found = {
        node["name"]: node["settings"].get("epsilon", 1e-3)
        for node in graph["nodes"]
        if node["kind"] == "BatchNormalization"
    }

    def epsilon(name: str) -> float:
        return float(np.clip(found.get(name, 1e-3), 0, 0.01))

    for mode in ("inference", "training"):
        yield mode, run(steps, X, seed, mode == "training", epsilon)


def momentum_remark(graph: dict) -> str:
    """Return a remark on a momentum that is not the 0.9 that the texts ask for, or nothing."""
    for node in graph["nodes"]:
        momentum = node.get("settings", {}).get("momentum", 0.9)
        if node["kind"] == "BatchNormalization" and abs(momentum - 0.9) > 1e-6:
            why = (
                "larger ones lag behind in a short training"
                if momentum > 0.9
                else ("smaller ones follow the last few batches")
            )
            return f"{node['name']} has momentum {momentum}; the text asks for 0.9: {why}"
    return ""


# --- asking ---------------------------------------------------------------------------------------


def random_images(draw: np.random.Generator, *shape: int) -> np.ndarray:
    """Return a batch of three random images, large enough to find a ReLU with a limit."""
    return draw.normal(0, 5, (3, *shape)).astype(np.float32)


def judge_built(
    answer: Answer, draw: np.random.Generator, shape: tuple, steps: list[Step], *args, **kwargs
) -> str:
    """Build a network with the answer on an input of that shape, without the batch, and judge it.

    `args` and `kwargs` follow the input.
    """
    X, seed = random_images(draw, *shape), int(draw.integers(10**6))
    request = {"shape": list(shape), "args": list(args), "kwargs": kwargs}
    try:
        reply = answer.ask("network", images=[X], seed=seed, **request)
        return judge_network(answer, reply, steps, X, seed)
    except Fault as fault:
        words = ["X", *map(repr, args), *(f"{key}={value}" for key, value in kwargs.items())]
        fault.tried = f"{answer.name}({', '.join(words)}) for X of shape {(None, *shape)}"
        raise


def judge_between(
    start: Answer, end: Answer, draw: np.random.Generator, shape: tuple, steps: list[Step]
) -> str:
    """Judge what lies between two tensors of the notebook, the first of that shape."""
    X, seed = random_images(draw, *shape), int(draw.integers(10**6))
    reply = ask_between([start], end, [X], seed)
    graph = reply["network"]
    if fault := shape_fault(graph["nodes"][0]["shape"], (None, *shape), f"`{start.name}`"):
        fault.look = f"the cell that makes `{start.name}`"
        raise fault
    if graph["output"] == graph["inputs"][0]:
        raise Fault(f"`{end.name}` is `{start.name}`: no layer lies between them", str(steps[0]))
    refuse_other_start(graph, start.name, end.name, steps)
    with hinted("the arguments of the convolution, in the task's text"):
        return judge_network(end, reply, steps, X, seed)


def ask_between(starts: list[Answer], end: Answer, images: list[np.ndarray], seed: int) -> dict:
    """Return what is said of the network between tensors; raise a Fault for what is no tensor."""
    names = [start.name for start in starts]
    reply = end.ask("between", inputs=names, images=images, seed=seed)
    if "not_symbolic" in reply:
        name, value = reply["not_symbolic"], reply["value"]
        refuse_empty(name, value)
        raise Fault(
            f"`{name}` is {kind_of(value)}",
            "the tensor that a layer returns",
            "a layer is made, then called on a tensor: Conv2D(...)(X)",
        )
    return reply


def refuse_other_start(graph: dict, start: str, end: str, steps: list[Step]) -> None:
    """Raise a Fault if a tensor was made from another one than the task says."""
    try:
        found = [step.name for step in read_steps(graph) if step.kind in NAMED]
    except Tangled:
        raise Fault(
            f"`{end}` does not come from `{start}`",
            f"`{start}`, then {steps[0]}",
            f"the tensor that the first layer is called on: Conv2D(...)({start})",
        ) from None
    wanted = [step.name for step in steps if step.kind in NAMED]
    if found and found[0] not in wanted and found[0].rstrip("abc123").endswith("_branch"):
        if wanted[0] in found:
            raise Fault(f"`{end}` goes through {found[0]}", f"{steps[0]} called on `{start}`")
        if len(found) > len(wanted) and "branch1" in wanted[0]:
            raise Fault(f"`{end}` is on the main path: {found[0]}", f"{steps[0]} on `{start}`")


@contextmanager
def hinted(hint: str) -> Iterator[None]:
    """Let faults of a convolution's arguments say where this task states them."""
    try:
        yield
    except Fault as fault:
        if fault.look.startswith(("strides of", "the windows", "the order of filters")):
            fault.look = hint
        raise


# --- the bottleneck of notebooks 02 to 04 ---------------------------------------------------------


def path(block: str, filters: tuple[int, int, int], window: int, stride: int = 1) -> list[Step]:
    """Return the three components of the main path of block "2b"."""
    F1, F2, F3 = filters
    return [
        *(*conv_bn(block, "2a", F1, 1, stride), relu()),
        *(*conv_bn(block, "2b", F2, window, padding="same"), relu()),
        *conv_bn(block, "2c", F3),
    ]


def block_steps(main: list[Step], shortcut: Sequence[Step] = ()) -> list[Step]:
    """Return the steps of a block: two paths, their sum, a ReLU."""
    return [Step("residual", main=main, shortcut=list(shortcut)), relu()]


def any_block(draw: np.random.Generator) -> tuple[int, str]:
    """Draw a stage's number and a block's letter."""
    return int(draw.integers(2, 6)), "bcdefg"[draw.integers(6)]
