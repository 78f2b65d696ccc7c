"""Where a network differs from what a task asks for, in words.

`compare` goes from the input on and raises a Fault at the first step that is not as expected: one
that is missing, one too many, another setting or another name.
"""

from resnets.checks.core import Fault
from resnets.checks.steps import NAMED, WORDS, Step, block_name

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
    for key in ("center", "scale"):
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
