"""The checks of the exercises: each says "passed", or what is wrong and what was expected.

    check_identity_block(identity_block)

A check asks what an answer does (`answers.serve`), with small inputs and known weights, and
compares with steps and NumPy formulas of its own (`diagnosis`): it knows no lucky numbers, and
any correct way of writing passes. `judge` runs the same checks on answers in another process.
"""

import functools
import inspect
import os
import textwrap
import zlib
from collections.abc import Callable

import numpy as np
from PIL import ImageOps

from resnets import answers, diagnosis
from resnets.diagnosis import Fault, Step, bn, conv, relu, shape_fault

Ask = Callable[[dict], dict]
CHECKS: dict[str, Callable] = {}
WIDTH = 88  # characters in a line of a message
# Their first answers are tensors that the notebook gives.
ABOUT_THE_LAST = (
    "check_component_2",
    "check_component_3",
    "check_addition",
    "check_main_path",
    "check_shortcut",
)
PASSED, NOT_WRITTEN, WRONG = "passed", "not written yet", "not right yet"


class CheckFailed(AssertionError):
    """An answer that is not right, where nbgrader runs the notebook and gives the points."""

    def _render_traceback_(self) -> list[str]:
        # Jupyter shows this in place of a traceback: the inside of a check helps nobody.
        return [str(self)]


class NotWritten(Fault):
    """There is no answer yet."""


class Answer:
    """One answer of a learner, behind `ask`."""

    def __init__(self, name: str, ask: Ask):
        """Keep the answer's name and the way to ask about it."""
        self.name, self._ask = name, ask
        self.tried = ""  # the last call, for the message

    def ask(self, do: str, **request: object) -> dict:
        """Send a request about this answer; raise a Fault if it is missing or stopped."""
        reply = self._ask({"do": do, "name": self.name, **request})
        self.refuse_errors(reply)
        return reply

    def refuse_errors(self, reply: dict) -> None:
        """Raise a Fault for a reply that says why there is no result."""
        if "missing" in reply:
            raise NotWritten(f"`{reply['missing']}` is not defined")
        if "not_callable" in reply:
            if reply["not_callable"] in ("ellipsis", "NoneType"):
                raise NotWritten(f"`{self.name}` is empty")
            kind = reply["not_callable"]
            raise Fault(f"`{self.name}` is of type {kind}", "a function", f"def {self.name}(...)")
        if "error" in reply and "network" not in reply:
            raise stopped(self.name, reply["error"])

    def call(self, *args: object, **kwargs: object) -> object:
        """Call the answer and return its result as plain data."""
        words = [shown(value) for value in args]
        words += [f"{key}={shown(value)}" for key, value in kwargs.items()]
        self.tried = f"{self.name}({', '.join(words)})"
        reply = self.ask("call", args=list(args), kwargs=kwargs)
        if reply.get("changed"):
            raise Fault(
                f"`{self.name}` changes what it was given, in place",
                "new arrays or lists; those given stay as they are",
                "`*=` and the like, shuffle, and assignments to parts of an array",
            )
        return reply["value"]

    def value(self) -> object:
        """Return the answer itself, as numbers, lists and dictionaries."""
        value = self.ask("value")["value"]
        if kind_of(value) in (kind_of(None), "an object of type ellipsis"):
            raise NotWritten(f"`{self.name}` is empty")
        return native(value)


def shown(argument: object) -> str:
    """Return an argument of a call as short text: arrays by their shape."""
    match argument:
        case np.ndarray():
            return f"<{' x '.join(map(str, argument.shape))}>"
        case {"tuple": items}:
            return str(tuple(items))
        case {"tensor": array} | {"variable": array} | {"picture": array}:
            return shown(array)
        case {"variables": arrays}:
            return "{" + ", ".join(f"{key}: {shown(array)}" for key, array in arrays.items()) + "}"
    return f"{argument:g}" if isinstance(argument, float) else repr(argument)


def stopped(name: str, error: dict) -> Fault:
    """Return the fault of an answer whose code raised something."""
    if error["type"] == "NotImplementedError":
        return NotWritten("its line `raise NotImplementedError` still stands")
    line = f"your line: {error['line']}" if error["line"] else f"the code of `{name}`"
    if not error["line"] and error["type"] == "TypeError" and "argument" in error["message"]:
        line = f"its first line, `def {name}(...)`, as it was given"
    message = f": {error['message']}" if error["message"] else ""
    return Fault(f"`{name}` stopped with {error['type']}{message}", "", line)


def check(function: Callable) -> Callable:
    """Make a check of a function that takes answers and a random generator and raises a Fault."""
    name = function.__name__
    parameters = list(inspect.signature(function).parameters)[:-1]

    @functools.wraps(function)
    def called(*objects: object) -> None:
        if len(objects) != len(parameters):
            print(f"{WRONG}: call {name}({', '.join(parameters)}) as it was given")
            return
        given = dict(zip(parameters, objects, strict=True))
        ask = functools.partial(answers.serve, names=given)
        seed = int(os.environ.get("RESNETS_GRADING_SEED", "0"))
        passed, message = judge(name, parameters, ask, seed)
        if os.environ.get("NBGRADER_EXECUTION") and not passed:
            raise CheckFailed(message)  # nbgrader gives points to a cell that ends without error
        print(message)

    called.__signature__ = inspect.Signature(
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in parameters]
    )
    CHECKS[name] = function
    return called


def judge(check: str, names: list[str], ask: Ask, seed: int = 0) -> tuple[bool, str]:
    """Run one check on answers that `ask` knows.

    Args:
        check: The check's name, such as "check_identity_block".
        names: The answers' names, in the order of the check's parameters.
        ask: Takes a request, returns a reply (see `answers.serve`). What it raises passes through,
            if it is no ValueError, TypeError, KeyError or IndexError.
        seed: Another seed draws other inputs, sizes and weights.

    Returns:
        Whether the answer is right, and what to tell the learner.
    """
    draw = np.random.default_rng([seed, zlib.crc32(check.encode())])
    what = names[-1] if check in ABOUT_THE_LAST else ", ".join(names)
    given = [Answer(name, ask) for name in names]
    try:
        remark = CHECKS[check](*given, draw)
    except NotWritten as fault:
        return False, f"{NOT_WRITTEN}: {what} ({fault.found})"
    except Fault as fault:
        fault.tried = fault.tried or "".join(answer.tried for answer in given)
        return False, told(f"{WRONG}: {what}", fault)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        fault = Fault(
            f"a result that the check can't read ({type(error).__name__})",
            "what the task's text says",
        )
        fault.tried = "".join(answer.tried for answer in given)
        return False, told(f"{WRONG}: {what}", fault)
    return True, f"{PASSED}: {what}" + (f"\n{lines('note', remark)}" if remark else "")


def told(head: str, fault: Fault) -> str:
    """Return a fault as the lines that a learner reads."""
    parts = [("tried", fault.tried), ("found", fault.found)]
    parts += [("expected", fault.expected), ("look at", fault.look)]
    return "\n".join([head, *(lines(name, text) for name, text in parts if text)])


def lines(name: str, text: str) -> str:
    """Return a named sentence, indented and broken into lines."""
    start = f"  {name + ':':10}"
    return textwrap.fill(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start))


# --- reading results ------------------------------------------------------------------------------


def native(value: object) -> object:
    """Return plain data without its `kind`: arrays, numbers, lists, dictionaries, or text."""
    match value:
        case {"array": array}:
            return array.item() if array.ndim == 0 else array
        case {"kind": "dict", "items": pairs}:
            return {native(key): native(item) for key, item in pairs}
        case {"items": items}:
            return [native(item) for item in items]
        case {"kind": "symbolic", "shape": shape}:
            return f"a symbolic tensor of shape {tuple(shape)}"
        case {"type": kind}:
            return f"a {kind}"
    return value


def kind_of(value: object) -> str:
    """Return what a result is, for a message."""
    match value:
        case None:
            return "nothing (None): is `return` missing?"
        case {"kind": "object", "type": kind}:
            return f"an object of type {kind}"
        case {"kind": "symbolic", "shape": shape}:
            return f"a symbolic tensor of shape {tuple(shape)}"
        case {"kind": "array" | "tensor" | "variable" as kind, "array": array}:
            article = "an" if kind == "array" else "a"
            return f"{article} {kind} of shape {array.shape} and type {array.dtype.name}"
        case {"kind": kind, "items": items}:
            return f"a {kind} of {len(items)}"
    return repr(value)


def pair(name: str, value: object, what: str) -> tuple[object, object]:
    """Return the two parts of a result."""
    match value:
        case {"kind": "tuple" | "list", "items": [one, other]}:
            return one, other
    raise Fault(f"`{name}` returns {kind_of(value)}", what, f"the `return` of {name}")


def array_of(
    name: str, value: object, shape: tuple, axes: tuple = (), dtype: str = ""
) -> np.ndarray:
    """Return a result as an array; raise a Fault if it is none, or has another shape or type."""
    match value:
        case {"array": array}:
            pass
        case int() | float():
            array = np.array(value)
        case {"kind": "list" | "tuple"} if shape == ():
            raise Fault(f"{name} is {kind_of(value)}", "one number")
        case _:
            wanted = f"an array of shape {shape}" if shape else "one number"
            raise Fault(f"{name} is {kind_of(value)}", wanted)
    if shape == () != array.shape:
        raise Fault(f"{name} is {kind_of(value)}", "one number")
    if fault := shape_fault(array.shape, shape, name, axes):
        raise fault
    if dtype and array.dtype.name != dtype:
        raise Fault(f"{name} has the type {array.dtype.name}", dtype, ".astype or dtype=")
    return array


def close(found: object, expected: object) -> bool:
    """Whether numbers agree, up to rounding in float32."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    if found.shape != expected.shape or not np.isfinite(found).all():
        return False
    scale = max(float(np.abs(expected).max(initial=0)), 1e-6)
    return bool(np.abs(found - expected).max(initial=0) <= 1e-3 * scale)


def numbers_fault(name: str, found: np.ndarray, expected: np.ndarray, look: str = "") -> Fault:
    """Return a fault that shows where two arrays of one shape differ most."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    if not np.isfinite(found).all():
        return Fault(f"{name} holds nan or inf", "finite numbers", look)
    at = np.unravel_index(np.abs(found - expected).argmax(), found.shape)
    index = f"[{', '.join(map(str, at))}]" if at else ""
    return Fault(f"{name}{index} is {found[at]:.4g}", f"{expected[at]:.4g}", look)


def explain(
    name: str, found: np.ndarray, expected: np.ndarray, mistakes: dict, look: str = ""
) -> None:
    """Raise a Fault unless the numbers agree; known mistakes that give just these are named.

    Args:
        name: What was computed.
        found: The learner's numbers.
        expected: The right ones.
        mistakes: The numbers that known mistakes give: {(found, expected): array}.
        look: Where to look if no known mistake fits.
    """
    if close(found, expected):
        return
    for (what, instead), numbers in mistakes.items():
        if close(found, numbers) and not close(numbers, expected):
            raise Fault(what, instead)
    raise numbers_fault(name, found, expected, look)


def whole_number(name: str, value: object) -> float:
    """Return a learner's number; raise a Fault if it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Fault(f"`{name}` is {value!r}"[:200], "one number")
    return value


# --- 01, the two-layer ConvNet --------------------------------------------------------------------


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return one row per label, float32 (m, classes)."""
    return np.eye(classes, dtype=np.float32)[labels.ravel()]


@check
def check_prepare(prepare, draw):
    """Check that images end up in 0 to 1 and labels as one row of six per image, in float32."""
    for m in (9, 14):
        images = draw.integers(0, 256, (m, 8, 8, 3), dtype=np.uint8)
        if m == 14:
            images = images // 2 + 50  # no 0 and no 255
        labels = draw.permutation(np.arange(m) % (6 if m == 9 else 4))[np.newaxis]
        X, Y = pair("prepare", prepare.call(images, labels), "a pair: X and Y")
        if isinstance(Y, dict) and Y.get("array") is not None and Y["array"].shape == (6, m):
            raise Fault(
                f"Y has the shape (6, {m}): one row per class, one column per image",
                f"(images, classes) = ({m}, 6), the transpose",
                "convert_to_one_hot returns (classes, images); .T transposes",
            )
        X = array_of("X", X, images.shape, ("images", "height", "width", "channels"))
        Y = array_of("Y", Y, (m, 6), ("images", "classes"))
        expected = images.astype(np.float32) / 255
        mistakes = {
            ("X is divided by the largest value", "by 255, whatever the images"): (
                images / images.max()
            ),
            ("X is stretched from its least to its largest value", "divided by 255"): (
                (images - images.min()) / np.ptp(images)
            ),
            ("X goes from 0 to 255", "X from 0 to 1: divide by 255"): images,
            ("X is divided by 256", "X from 0 to 1: divide by 255"): images / 256,
            ("X holds whole numbers, 0 or 1", "a true division, / not //"): images // 255,
            ("X goes from -1 to 1", "X from 0 to 1: divide by 255"): images / 127.5 - 1,
        }
        explain("X", X, expected, mistakes, "the division by 255")
        rows = "one row per image, with a 1 in the column of the label, else 0"
        mistakes = {
            ("Y is reshaped, not transposed: numbers change rows", rows): (
                one_hot(labels, 6).T.reshape(m, 6)
            )
        }
        explain("Y", Y, one_hot(labels, 6), mistakes, rows)
        for name, array in (("X", X), ("Y", Y)):
            if array.dtype != np.float32:
                raise Fault(
                    f"{name} has the type {array.dtype.name}",
                    "float32, the type of the network's weights",
                    '.astype("float32")',
                )


KERNEL_AXES = ("window height", "window width", "channels in", "filters")


@check
def check_initialize_parameters(initialize_parameters, draw):
    """Check the two kernels' shapes, their range and their seeds."""
    f1, f2, n1, n2 = (int(n) for n in draw.choice(np.arange(3, 8), 4, replace=False))
    for settings in (
        {},
        {"windows": (f1, f2), "filters": (n1, n2), "pools": (4, 4)},
        {"windows": (5, 5), "filters": (24, 24), "pools": (8, 4)},
    ):
        (a, b), (m, n) = settings.get("windows", (4, 2)), settings.get("filters", (8, 16))
        kwargs = {key: {"tuple": list(value)} for key, value in settings.items()}
        found = parameters_of(initialize_parameters, seed=1, **kwargs)
        for name, shape in (("W1", (a, a, 3, m)), ("W2", (b, b, m, n))):
            kernel = found[name]
            array = array_of(name, kernel, shape, KERNEL_AXES)
            if kernel["kind"] != "variable":
                raise Fault(f"{name} is {kind_of(kernel)}", "a tf.Variable, which can be trained")
            if array.dtype != np.float32:
                raise Fault(f"{name} has the type {array.dtype.name}", "float32, as the images")
            if array.size >= 1000:
                check_glorot(name, array)
    same, again, other = (
        parameters_of(
            initialize_parameters,
            seed=seed,
            windows={"tuple": [3, 3]},
            filters={"tuple": [3, 3]},
        )
        for seed in (1, 1, 2)
    )
    for name in ("W1", "W2"):
        if not close(same[name]["array"], again[name]["array"]):
            raise Fault(
                f"two calls with the same seed give different {name}",
                "the same kernels for the same seed",
                "draw with glorot(...), which was made from the seed",
            )
        if close(same[name]["array"], other[name]["array"]):
            raise Fault(
                f"{name} is the same for seed 1 and seed 2",
                "other kernels for another seed",
                "draw with glorot(...), which was made from the seed",
            )
    if close(same["W1"]["array"], same["W2"]["array"]):
        raise Fault(
            "W1 and W2 of equal shape are equal, number by number",
            "kernels that differ",
            "an integer seed given to each initialiser; use the one glorot for both",
        )


def parameters_of(answer: Answer, **kwargs: object) -> dict:
    """Call `initialize_parameters` and return its dictionary, values still plain data."""
    match answer.call(**kwargs):
        case {"kind": "dict", "items": pairs}:
            found = dict((key, item) for key, item in pairs)
        case value:
            raise Fault(f"it returns {kind_of(value)}", 'a dictionary: {"W1": ..., "W2": ...}')
    for name in ("W1", "W2"):
        if name not in found:
            raise Fault(f"the keys are {', '.join(map(str, found))}", f'also the key "{name}"')
    return found


def check_glorot(name: str, array: np.ndarray) -> None:
    """Raise a Fault unless the values spread as Glorot's do."""
    a, _, channels, filters = array.shape
    expected = np.sqrt(2 / (a * a * (channels + filters)))
    if array.std() == 0:
        raise Fault(f"all values of {name} are {array.flat[0]:g}", "random values, by glorot(...)")
    if abs(array.std() / expected - 1) > 0.15 or abs(array.mean()) > 0.2 * expected:
        raise Fault(
            f"{name} has mean {array.mean():.3f} and standard deviation {array.std():.3f}",
            f"mean 0 and {expected:.3f}, Glorot's for this shape",
            "glorot(shape)",
        )


@check
def check_convnet_sides(first_side, second_side, inputs_of_W3, draw):
    """Check three numbers that were predicted by hand."""
    hints = {
        "first_side": (
            64 // 8,
            "SAME keeps 64 pixels; a pooling of 8x8 with stride 8 divides by 8",
        ),
        "second_side": (64 // 8 // 4, "the second pooling divides what the first left by 4"),
        "inputs_of_W3": (
            (64 // 8 // 4) ** 2 * 16,
            "flattened: height times width times the second convolution's 16 filters",
        ),
    }
    given = (first_side, second_side, inputs_of_W3)
    for answer, (expected, hint) in zip(given, hints.values(), strict=True):
        found = whole_number(answer.name, answer.value())
        if found != expected:
            raise Fault(f"{answer.name} is {found}", "", hint)


def convnet_logits(X: np.ndarray, parameters: dict, pools: tuple, **change: object) -> np.ndarray:
    """Compute the two-layer ConvNet's logits in NumPy; `change` makes a known mistake."""

    def pool(X: np.ndarray, side: int, by: Callable = np.max) -> np.ndarray:
        short = [(0, -n % side) for n in X.shape[1:3]]
        X = np.pad(X, ((0, 0), *short, (0, 0)), constant_values=-np.inf)
        return by(diagnosis.windows(X, side, side), (4, 5))

    X = diagnosis.convolve(X, parameters["W1"], 1, change.get("padding_1", "SAME"))
    X = pool(np.maximum(X, 0) if change.get("relu_1", True) else X, pools[0])
    X = diagnosis.convolve(X, parameters["W2"], 1, change.get("padding_2", "SAME"))
    X = change.get("activation_2", lambda X: np.maximum(X, 0))(X)
    X = pool(X, pools[1], change.get("pool", np.max))
    if change.get("mixed_up"):
        X = X.transpose(0, 3, 1, 2)
    X = X.reshape(len(X), -1) @ parameters["W3"]
    if change.get("bias", True):
        X = X + parameters["b3"]
    if change.get("relu_3"):
        X = np.maximum(X, 0)
    return softmax(X) if change.get("softmax") else X


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities (m, classes)."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


CONVNET_MISTAKES = {
    ("the second ReLU is missing", "CONV, ReLU, MAXPOOL, twice"): {"activation_2": lambda X: X},
    ("a sigmoid follows the second convolution", "ReLU: tf.nn.relu"): {
        "activation_2": lambda X: 1 / (1 + np.exp(-X))
    },
    ("a tanh follows the second convolution", "ReLU: tf.nn.relu"): {"activation_2": np.tanh},
    ("a leaky ReLU follows the second convolution", "ReLU: tf.nn.relu"): {
        "activation_2": lambda X: np.maximum(X, 0.2 * X)
    },
    ("an ELU follows the second convolution", "ReLU: tf.nn.relu"): {
        "activation_2": lambda X: np.where(X > 0, X, np.expm1(np.minimum(X, 0)))
    },
    ("the first ReLU is missing", "CONV, ReLU, MAXPOOL, twice"): {"relu_1": False},
    (
        "the logits go through a softmax",
        "the scores as they are: the cost includes the softmax",
    ): {"softmax": True},
    ("the logits go through a ReLU", "the scores as they are, negative ones too"): {"relu_3": True},
    ("b3 is not added", "the flattened numbers times W3, plus b3"): {"bias": False},
    ('the second convolution has padding "VALID"', 'padding="SAME"'): {"padding_2": "VALID"},
    ('the first convolution has padding "VALID"', 'padding="SAME"'): {"padding_1": "VALID"},
    ("the second pooling averages", "the largest value of each window: max pooling"): {
        "pool": np.mean
    },
    (
        "the axes are exchanged before flattening",
        "a reshape of (batch, height, width, filters)",
    ): {"mixed_up": True},
}


@check
def check_forward_propagation(forward_propagation, draw):
    """Check the logits of random images for known weights."""
    for (f1, f2), (n1, n2), pools in (((4, 2), (8, 16), (8, 4)), ((3, 5), (5, 7), (4, 8))):
        side = 64 // pools[0] // pools[1]
        shapes = {"W1": (f1, f1, 3, n1), "W2": (f2, f2, n1, n2), "W3": (side * side * n2, 6)}
        parameters = {
            name: (draw.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))).astype(np.float32)
            for name, shape in shapes.items()
        }
        parameters["b3"] = draw.normal(size=6).astype(np.float32)
        X = draw.normal(size=(3, 64, 64, 3)).astype(np.float32)
        kwargs = {} if pools == (8, 4) else {"pools": {"tuple": list(pools)}}
        try:
            value = forward_propagation.call({"tensor": X}, {"variables": parameters}, **kwargs)
        except Fault as fault:
            if "size-incompatible" in fault.found or "must be equal" in fault.found:
                fault.expected = (
                    f"{side * side * n2} numbers per image for W3: two convolutions with padding "
                    f"SAME, then poolings of {pools[0]} and {pools[1]} with the same strides"
                )
            raise
        logits = array_of("the result", value, (3, 6), ("images", "classes"))
        mistakes = {}
        for words, change in CONVNET_MISTAKES.items():
            try:
                mistakes[words] = convnet_logits(X, parameters, pools, **change)
            except ValueError:  # with these sizes the mistake does not even run
                continue
        expected = convnet_logits(X, parameters, pools)
        look = "the order CONV, ReLU, MAXPOOL, FLATTEN, then W3 and b3"
        explain("logits", logits, expected, mistakes, look)


def taken_for_probabilities(logits: np.ndarray, Y: np.ndarray) -> float:
    """Return what Keras's cross-entropy makes of logits that it takes for probabilities."""
    shares = np.clip(logits / logits.sum(1, keepdims=True), 1e-7, 1 - 1e-7)
    return float(-(Y * np.log(shares)).sum(1).mean())


@check
def check_compute_cost(compute_cost, draw):
    """Check the mean softmax cross-entropy, for batches of two sizes."""
    for m, classes in ((5, 6), (8, 6)):
        logits = draw.normal(0, 2, (m, classes)).astype(np.float32)
        Y = one_hot(draw.integers(0, classes, m), classes)
        reply = compute_cost.ask("call", args=[{"tensor": logits}, {"tensor": Y}], watch=0)
        value = reply["value"]
        each = -(Y * np.log(softmax(logits))).sum(1)
        if kind_of(value).startswith(f"a tensor of shape ({m},)"):
            raise Fault(
                f"the cost has the shape ({m},): one number per image",
                "one number, the mean over the batch",
                "tf.reduce_mean",
            )
        cost = array_of("the cost", value, ())
        if not kind_of(value).startswith("a tensor"):
            raise Fault(
                "the cost is a plain number: GradientTape can't follow it back to the weights",
                "a tensor, the result of TensorFlow's operations",
                ".numpy(), float(...) and NumPy's functions",
            )
        swapped = -(logits * np.log(softmax(Y))).sum(1).mean()
        sigmoid = np.logaddexp(0, logits) - logits * Y
        wanted = "the mean of minus the logarithm of the right class's probability"
        mistakes = {
            ("the cost is the sum over the batch", "the mean over the batch"): each.sum(),
            ("the mean goes over images and classes", wanted): each.sum() / Y.size,
            ("the sign is wrong", wanted): -each.mean(),
            ("the softmax goes over the batch, axis 0", "over the classes, the last axis"): -(
                (Y * np.log(softmax(logits.T).T)).sum(1).mean()
            ),
            ("the softmax is taken twice", "logits, not probabilities, into the cross-entropy"): -(
                (Y * np.log(softmax(softmax(logits)))).sum(1).mean()
            ),
            ("labels and logits are exchanged", "labels=Y, logits=logits"): swapped,
            (
                "the sum is divided by 64, whatever the batch",
                "by the batch's size: tf.reduce_mean",
            ): (each.sum() / 64),
            ("the logits are taken for probabilities", "from_logits=True, or a softmax first"): (
                taken_for_probabilities(logits, Y)
            ),
            ("the logarithm has base 2", wanted): each.mean() / np.log(2),
            ("a sigmoid stands in place of the softmax", wanted): sigmoid.mean(),
            ("a sigmoid stands in place of the softmax ", wanted): sigmoid.sum(1).mean(),
            ("the cost is the largest of the batch", wanted): each.max(),
            ("this is the mean squared error", wanted): ((softmax(logits) - Y) ** 2).mean(),
            ("this is the accuracy", wanted): (logits.argmax(1) == Y.argmax(1)).mean(),
        }
        explain("the cost", cost, each.mean(), mistakes, wanted)
        gradient = native(reply["gradient"])
        if not close(0 if gradient is None else gradient, (softmax(logits) - Y) / m):
            raise Fault(
                "the cost has no gradient, or a wrong one: it can't be followed to the logits",
                "TensorFlow's operations from the logits to the cost",
                "NumPy, float and constants on the way",
            )


@check
def check_random_mini_batches(random_mini_batches, draw):
    """Check sizes, order and pairing of the mini-batches."""
    size = int(draw.integers(4, 7))
    m = 4 * size + int(draw.integers(1, size))
    seed = int(draw.integers(100))
    X = np.repeat(np.arange(m, dtype=np.float32), 12).reshape(m, 2, 2, 3)
    Y = np.repeat(np.arange(m, dtype=np.float32), 6).reshape(m, 6) + 0.5
    right_sizes = [size] * 4 + [m % size]

    def cut(size: int, seed: int) -> list[np.ndarray]:
        value = random_mini_batches.call(X, Y, mini_batch_size=size, seed=seed)
        if not (isinstance(value, dict) and value.get("kind") == "list"):
            raise Fault(f"it returns {kind_of(value)}", "a list of pairs (X batch, Y batch)")
        orders = []
        for i, item in enumerate(value["items"]):
            one, other = pair("random_mini_batches", item, "a list of pairs (X batch, Y batch)")
            x, y = (part.get("array") if isinstance(part, dict) else None for part in (one, other))
            if x is None or y is None or x.shape[1:] != (2, 2, 3) or y.shape[1:] != (6,):
                raise Fault(
                    f"batch {i} holds {kind_of(one)} and {kind_of(other)}",
                    f"arrays (images, 2, 2, 3) and (images, 6) for X ({m}, 2, 2, 3), Y ({m}, 6)",
                    "the first axis is cut, the others stay",
                )
            if len(x) != len(y) or not np.array_equal(x[:, 0, 0, 0], y[:, 0] - 0.5):
                raise Fault(
                    "images and labels no longer belong together",
                    "the same order for X and for Y",
                    "one permutation, used for both",
                )
            orders.append(x[:, 0, 0, 0].astype(int))
        return orders

    orders = cut(size, seed)
    seen = np.concatenate(orders) if orders else np.array([], int)
    sizes = [len(order) for order in orders]
    if 0 in sizes + [len(order) for order in cut(m, seed + 2)]:
        raise Fault(
            "there is an empty mini-batch, of size 0",
            f"none: {m} images make one batch of {m}, or five of {size}, the last of {m % size}",
        )
    if len(seen) == m - m % size and set(sizes) == {size}:
        raise Fault(
            f"{m - len(seen)} of {m} images are left out: the last mini-batch is dropped",
            f"a last mini-batch of {m % size} images",
            "the number of batches, rounded up",
        )
    if sorted(seen) != list(range(m)):
        missing = m - len(set(seen.tolist()))
        found = f"{missing} images are missing, {len(seen) - len(set(seen.tolist()))} come twice"
        raise Fault(found, "every image once", "how the order is cut into pieces")
    if sizes != right_sizes:
        raise Fault(
            f"for {m} images and mini_batch_size={size} the sizes are {sizes}", f"{right_sizes}"
        )
    if np.array_equal(seen, np.arange(m)):
        raise Fault("the images come in their old order", "a random order", "the permutation")
    if not np.array_equal(seen, np.concatenate(cut(size, seed))):
        raise Fault(
            "two calls with the same seed give different orders",
            "the same order for the same seed",
            "np.random.default_rng(seed)",
        )
    if np.array_equal(seen, np.concatenate(cut(size, seed + 1))):
        raise Fault(
            f"the seed is not used: seed {seed} and seed {seed + 1} give the same order, and so "
            "would two epochs",
            "another order for another seed",
            "np.random.default_rng(seed)",
        )
    runs = [np.array_equal(np.sort(order), order) for order in orders if len(order) > 3]
    blocks = [np.ptp(order) == len(order) - 1 for order in orders if len(order) > 3]
    neighbours = np.mean(np.abs(np.diff(seen)) == 1) > 0.5
    if neighbours or all(runs) or all(blocks):
        raise Fault(
            "only whole batches are shuffled, or only the images within each: neighbours in the "
            "data set stay together",
            "a random order of all images, then the cuts",
            "the permutation",
        )
    if [len(order) for order in cut(m, seed + 2)] != [m]:
        raise Fault(f"one batch of all {m} images comes out in pieces", f"one batch of {m}")


@check
def check_train_step(train_step, draw):
    """Check one step of plain gradient descent, on a linear stand-in for the network."""
    for m, rate in ((6, 0.1), (9, 0.02)):
        X = draw.normal(size=(m, 2, 3)).astype(np.float32)
        Y = one_hot(draw.permutation(np.arange(m) % 4), 4)
        shapes = {"W1": (6, 5), "W2": (5, 4), "W3": (4, 4), "b3": (4,)}
        before = {k: draw.normal(0, 0.5, s).astype(np.float32) for k, s in shapes.items()}
        request = {"X": X, "Y": Y, "parameters": before, "learning_rate": rate, "pools": [m, 3]}
        try:
            reply = train_step.ask("train step", **request)
        except Fault as fault:
            if not isinstance(fault, NotWritten) and "radient" in fault.found + fault.look:
                fault.expected = (
                    "forward pass and cost inside the `with tf.GradientTape()` block; then pairs "
                    "(gradient, variable), in this order"
                )
            raise
        cost, right, gradients = linear_step(X, Y, before)
        check_update(reply["parameters"], before, gradients, rate)
        if reply["steps"] != 1:
            raise Fault(
                f"the optimizer took {reply['steps']} steps",
                "one: a single call of optimizer.apply_gradients with all pairs",
            )
        if native(reply["pools"]) != [m, 3]:
            raise Fault(
                f"train_step(..., pools=({m}, 3)) calls forward_propagation with other pools",
                "the argument pools handed on",
                "forward_propagation(X, parameters, pools)",
            )
        what = "a pair: the cost and the number of right answers"
        found_cost, found_right = pair("train_step", reply["value"], what)
        found_cost = array_of("the cost", found_cost, ())
        found_right = array_of("the number of right answers", found_right, ())
        after = {k: v - rate * gradients[k] for k, v in before.items()}
        mistakes = {
            (
                "the cost is that after the step",
                "the cost of the forward pass on the tape, before the step",
            ): linear_step(X, Y, after)[0],
            ("cost and number of right answers are exchanged", "the cost first"): right,
        }
        explain("the cost", found_cost, cost, mistakes, "compute_cost(logits, Y)")
        mistakes = {
            ("the share of right answers is returned", "their number, a sum"): right / m,
            ("the number of wrong answers is returned", "of right ones"): m - right,
        }
        look = "argmax over the classes, axis=1, of the logits and of Y"
        explain("the number of right answers", found_right, right, mistakes, look)


def linear_step(X: np.ndarray, Y: np.ndarray, parameters: dict) -> tuple[float, int, dict]:
    """Return the distance to 2 Y, number of right answers and gradients of X W1 W2 W3 + b3."""
    parameters = {key: value.astype(float) for key, value in parameters.items()}
    inputs = [X.reshape(len(X), -1).astype(float)]
    for key in ("W1", "W2", "W3"):
        inputs.append(inputs[-1] @ parameters[key])
    logits = inputs.pop() + parameters["b3"]
    cost = ((logits - 2 * Y) ** 2).sum(1).mean()
    error = 2 * (logits - 2 * Y) / len(X)
    gradients = {"b3": error.sum(0)}
    for key, given in zip(("W3", "W2", "W1"), reversed(inputs), strict=True):
        gradients[key] = given.T @ error
        error = error @ parameters[key].T
    return float(cost), int((logits.argmax(1) == Y.argmax(1)).sum()), gradients


def check_update(after: dict, before: dict, gradients: dict, rate: float) -> None:
    """Raise a Fault unless each parameter moved by minus the learning rate times its gradient."""
    moved = {key: np.asarray(after[key], float) - before[key] for key in before}
    still = [key for key, move in moved.items() if not np.abs(move).max() > 0]
    if len(still) == len(moved):
        raise Fault(
            "the parameters are the same after the step",
            "each moved against its gradient",
            "optimizer.apply_gradients(zip(gradients, variables))",
        )
    if still:
        raise Fault(
            f"{', '.join(still)} did not move",
            "a step for every parameter",
            "the list of variables: list(parameters.values())",
        )
    for key, move in moved.items():
        wanted = -rate * gradients[key]
        if close(move, -wanted):
            raise Fault(f"{key} moved along its gradient: the cost rises", "against the gradient")
        if not np.allclose(move, wanted, atol=2e-3 * np.abs(wanted).max() + 1e-6):
            raise Fault(
                f"{key} moved by other amounts than learning rate times gradient",
                "one step along the gradient of the cost of this mini-batch",
                "what stands inside the `with tf.GradientTape()` block, and one apply_gradients",
            )


def filter_counts(draw: np.random.Generator) -> list[int]:
    """Draw a number of images and of filters of four kinds, so that each mistake counts another."""
    while True:
        m, dead, rare, edge, alive = counts = [int(n) for n in draw.integers(1, 9, 5)]
        all_of_them = dead + rare + edge + alive
        counted = {m, dead, rare + edge + alive, rare + alive, edge + alive, alive, all_of_them}
        if m > 2 and len(counted) == 7:
            return counts


@check
def check_answering_filters(answering_filters, draw):
    """Check the count of first-layer filters that are above zero anywhere, for any image."""
    for _ in range(2):
        m, dead, rare, edge, alive = filter_counts(draw)
        X = draw.uniform(0.2, 0.4, (m, 16, 16, 3)).astype(np.float32)
        X[m - 1, 5:7, 8:10] = (1, 0, 0)  # a red spot in the last image
        filters = dead + rare + edge + alive
        W1 = draw.uniform(0.01, 0.1, (3, 3, 3, filters)).astype(np.float32)
        W1[..., :dead] *= -1  # below zero for every image
        W1[0, 0, 0, 0] *= -1  # also with one positive weight
        W1[1, 1, :, 0] = -2
        W1[..., dead:-alive] = 0
        W1[1, 1, :, dead : dead + rare] = np.array([[1], [-2], [-2]])  # red, no other colour
        W1[1, 1, :, -alive - edge : -alive] = 1  # more than twice the left neighbour:
        W1[1, 0, :, -alive - edge : -alive] = -2.5  # where there is none, at the left edge
        order = draw.permutation(filters)
        W1 = np.ascontiguousarray(W1[..., order])
        A1 = np.maximum(diagnosis.convolve(X, W1, 1, "SAME"), 0)
        above = A1 > 0
        expected = above.any((0, 1, 2)).sum()
        value = answering_filters.call(X, {"variable": W1})
        if kind_of(value) != repr(value) and native(value) is not None and np.ndim(native(value)):
            raise Fault(f"the result is {kind_of(value)}", "one number: count the filters, sum")
        found = array_of("the result", value, ())
        valid = np.maximum(diagnosis.convolve(X, W1, 1, "VALID"), 0)
        mistakes = {
            ('as with padding "VALID"', 'padding="SAME", as in the network'): (
                (valid > 0).any((0, 1, 2)).sum()
            ),
            ("as if only the first image counted", "any image"): above[0].any((0, 1)).sum(),
            ("as many as there are images", "filters"): m,
            ("as many as are dead", "those that answer"): filters - expected,
            ("as many as there are", "those above zero somewhere"): filters,
            (
                "as if those counted that answer at every pixel of every image",
                "those that answer anywhere: any, not all",
            ): above.all((0, 1, 2)).sum(),
            ("as if those counted that answer for every image", "for any image"): above.any((1, 2))
            .all(0)
            .sum(),
            ("as if pixels were counted", "filters"): above.sum(),
            ("as if each counted once per image", "each filter once"): above.any((1, 2)).sum(),
        }
        mistakes = {(f"{found} filters: {what}", w): n for (what, w), n in mistakes.items()}
        look = "CONV with W1 and padding SAME; any over images, height and width; then sum"
        explain("the number of filters", found, expected, mistakes, look)


# --- networks -------------------------------------------------------------------------------------


def judge_network(
    answer: Answer, reply: dict, steps: list[Step], images: list[np.ndarray], seed: int, axes=()
) -> str:
    """Raise a Fault unless the network that a reply describes does what `steps` do.

    What counts is what it computes, in both modes of BatchNormalization, and the names of its
    layers. Only if one of them is wrong are its steps compared, to say where.

    Returns:
        A remark for the learner, or nothing.
    """
    if "value" in reply:
        found = kind_of(reply["value"])
        raise Fault(f"`{answer.name}` returns {found}", "the last tensor", "the `return` line")
    if "error" in reply and reply["error"]["type"] == "NotImplementedError":
        raise stopped(answer.name, reply["error"])
    graph = reply["network"]
    refuse_built_in_modes(graph)
    if right_numbers(reply, graph, steps, images, seed):
        return momentum_remark(graph)
    try:
        diagnosis.compare(diagnosis.read_steps(graph), steps)
    except (
        Fault
    ) as fault:  # a step that failed is the last one; what is missing after it is no news
        if "error" not in reply or not (fault.at_the_end or isinstance(fault, diagnosis.Tangled)):
            raise
    if "error" in reply:
        raise stopped(answer.name, reply["error"])
    if "run_error" in reply:
        raise stopped(answer.name, reply["run_error"])
    if "inference" not in reply:  # structure only, and it is as expected
        return momentum_remark(graph)
    for mode in ("inference", "training"):
        expected = diagnosis.run(steps, images[0], seed, mode == "training", epsilons(graph))
        if fault := shape_fault(reply[mode].shape, expected.shape, f"`{answer.name}`"):
            raise fault
        if not close(reply[mode], expected):
            raise numbers_fault(
                f"with known weights, in {mode} mode, the output", reply[mode], expected
            )
    return momentum_remark(graph)


def refuse_built_in_modes(graph: dict) -> None:
    """Raise a Fault if a layer was called with `training`."""
    for node in graph["nodes"]:
        if node["training"] is not None and node["kind"] == "BatchNormalization":
            raise diagnosis.training_fault(Step("bn", node["name"], training=node["training"]))
        if node.get("settings", {}).get("trainable") is False:
            raise Fault(f"{node['name']} has trainable=False", "trainable=True, the default")


def right_numbers(
    reply: dict, graph: dict, steps: list[Step], images: list[np.ndarray], seed: int
) -> bool:
    """Whether the network has the expected named layers and computes the expected numbers."""
    if "inference" not in reply or "training" not in reply:
        return False
    kinds = {node["name"]: diagnosis.KINDS.get(node["kind"]) for node in graph["nodes"]}
    wanted = {step.name: step.kind for step in diagnosis.all_steps(steps) if step.name}
    weighted = {node["name"] for node in graph["nodes"] if node.get("weights")}
    if not weighted <= set(wanted) or any(kinds.get(n) != kind for n, kind in wanted.items()):
        return False
    modes = (("inference", False), ("training", True))
    return all(
        close(reply[mode], diagnosis.run(steps, images[0], seed, training, epsilons(graph)))
        for mode, training in modes
    )


def epsilons(graph: dict) -> Callable[[str], float]:
    """Return a function that gives each BatchNormalization's epsilon: no task prescribes it."""
    found = {
        node["name"]: node["settings"].get("epsilon", 1e-3)
        for node in graph["nodes"]
        if node["kind"] == "BatchNormalization"
    }
    return lambda name: float(np.clip(found.get(name, 1e-3), 0, 0.01))


def momentum_remark(graph: dict) -> str:
    """Return a remark on momenta that lag behind in a short training."""
    for node in graph["nodes"]:
        momentum = node.get("settings", {}).get("momentum", 0.9)
        if node["kind"] == "BatchNormalization" and momentum > 0.95:
            return (
                f"{node['name']} has momentum {momentum}; this series uses 0.9, because short "
                "trainings need it (notebook 04)"
            )
    return ""


def random_images(draw: np.random.Generator, *shape: int) -> np.ndarray:
    """Return a batch of three random images, large enough to find a ReLU with a limit."""
    return draw.normal(0, 5, (3, *shape)).astype(np.float32)


def build(
    answer: Answer, draw: np.random.Generator, shape: tuple, steps: list[Step], *args, **kwargs
) -> str:
    """Build a network with the answer on an input of that shape and judge it."""
    images, seed = [random_images(draw, *shape)], int(draw.integers(10**6))
    request = {"shape": list(shape), "args": list(args), "kwargs": kwargs}
    try:
        reply = answer.ask("network", images=images, seed=seed, **request)
        return judge_network(answer, reply, steps, images, seed)
    except Fault as fault:
        words = ["X", *map(repr, args), *(f"{key}={value}" for key, value in kwargs.items())]
        fault.tried = f"{answer.name}({', '.join(words)}) for X of shape {(None, *shape)}"
        raise


def path(stage, block, filters, window, stride=1) -> list[Step]:
    """Return the three components of a main path."""
    conv_name, bn_name = f"res{stage}{block}_branch", f"bn{stage}{block}_branch"
    F1, F2, F3 = filters
    return [
        conv(conv_name + "2a", F1, 1, stride),
        bn(bn_name + "2a"),
        relu(),
        conv(conv_name + "2b", F2, window, 1, "same"),
        bn(bn_name + "2b"),
        relu(),
        conv(conv_name + "2c", F3, 1),
        bn(bn_name + "2c"),
    ]


def projection(stage, block, filters, stride) -> list[Step]:
    """Return what a convolutional block has on its shortcut."""
    name = f"{stage}{block}_branch1"
    return [conv("res" + name, filters[2], 1, stride), bn("bn" + name)]


def block_steps(stage, block, filters, window, stride=None) -> list[Step]:
    """Return the steps of an identity block, or with a stride of a convolutional block."""
    shortcut = [] if stride is None else projection(stage, block, filters, stride)
    main = path(stage, block, filters, window, stride or 1)
    return [Step("residual", main=main, shortcut=shortcut), relu()]


def sizes(draw: np.random.Generator, count: int, low: int, high: int) -> list[int]:
    """Draw different whole numbers from low to high, both included."""
    return [int(n) for n in draw.choice(np.arange(low, high + 1), count, replace=False)]


def hinted(judged: Callable, hint: str) -> Callable:
    """Return a way to judge whose faults say where this task states a layer's arguments."""

    def with_hint(*args, **kwargs) -> str:
        try:
            return judged(*args, **kwargs)
        except Fault as fault:
            if fault.look.startswith(("strides of", "the windows", "the order of filters")):
                fault.look = hint
            raise

    return with_hint


def any_block(draw: np.random.Generator, stages: tuple[int, int] = (2, 5)) -> tuple[int, str]:
    """Draw a stage's number and a block's letter."""
    return int(draw.integers(stages[0], stages[1] + 1)), "bcdefg"[draw.integers(6)]


@check
def check_identity_block_two_layers(identity_block_two_layers, draw):
    """Check two networks with other sizes and names, in both modes."""
    remark = ""
    for window in (3, 5):
        filters, *sides = sizes(draw, 3, 5, 9)
        stage, block = any_block(draw)
        conv_name, bn_name = f"res{stage}{block}_branch", f"bn{stage}{block}_branch"
        main = [
            conv(conv_name + "2a", filters, window, 1, "same"),
            bn(bn_name + "2a"),
            relu(),
            conv(conv_name + "2b", filters, window, 1, "same"),
            bn(bn_name + "2b"),
        ]
        steps = [Step("residual", main=main), relu()]
        args = (window, filters, stage, block)
        hint = "both convolutions: `filters` filters, windows of f x f, stride 1"
        judged = hinted(build, hint)
        remark = judged(identity_block_two_layers, draw, (*sides, filters), steps, *args)
    return remark


@check
def check_identity_block(identity_block, draw):
    """Check two networks with other filters, windows, sides and names, in both modes."""
    remark = ""
    for window in (3, 5):
        F1, F2, F3, *sides = sizes(draw, 5, 4, 10)
        stage, block = any_block(draw)
        steps = block_steps(stage, block, (F1, F2, F3), window)
        args = (window, [F1, F2, F3], stage, block)
        remark = build(identity_block, draw, (*sides, F3), steps, *args)
    return remark


@check
def check_convolutional_block(convolutional_block, draw):
    """Check three networks with other filters, windows, strides, sides and names, both modes."""
    remark = ""
    for window, stride in ((3, 2), (5, 1), (3, 3)):
        F1, F2, F3, channels, *sides = sizes(draw, 6, 4, 11)
        stage, block = any_block(draw)
        steps = block_steps(stage, block, (F1, F2, F3), window, stride)
        args = (window, [F1, F2, F3], stage, block)
        kwargs = {} if stride == 2 else {"s": stride}
        remark = build(convolutional_block, draw, (*sides, channels), steps, *args, **kwargs)
    return remark


def judge_between(
    start: Answer, end: Answer, draw: np.random.Generator, shape: tuple, steps: list[Step]
) -> str:
    """Judge what lies between two tensors of the notebook."""
    images, seed = [random_images(draw, *shape)], int(draw.integers(10**6))
    request = {"do": "between", "inputs": [start.name], "output": end.name}
    reply = end._ask({**request, "images": images, "seed": seed})
    end.refuse_errors(reply)
    refuse_values(reply)
    graph = reply["network"]
    if fault := shape_fault(graph["nodes"][0]["shape"], (None, *shape), f"`{start.name}`"):
        fault.look = f"the cell that makes `{start.name}`"
        raise fault
    if graph["output"] == graph["inputs"][0]:
        raise Fault(f"`{end.name}` is `{start.name}`: no layer lies between them", str(steps[0]))
    refuse_other_start(graph, start.name, end.name, steps)
    judged = hinted(judge_network, "the arguments of the convolution, in the task's text")
    return judged(end, reply, steps, images, seed)


def refuse_other_start(graph: dict, start: str, end: str, steps: list[Step]) -> None:
    """Raise a Fault if a tensor was made from another one than the task says."""
    try:
        found = [step.name for step in diagnosis.read_steps(graph) if step.kind in diagnosis.NAMED]
    except diagnosis.Tangled:
        raise Fault(
            f"`{end}` does not come from `{start}`",
            f"`{start}`, then {steps[0]}",
            f"the tensor that the first layer is called on: Conv2D(...)({start})",
        ) from None
    wanted = [step.name for step in steps if step.kind in diagnosis.NAMED]
    if found and found[0] not in wanted and found[0].rstrip("abc123").endswith("_branch"):
        if wanted[0] in found:
            raise Fault(f"`{end}` goes through {found[0]}", f"{steps[0]} called on `{start}`")
        if len(found) > len(wanted) and "branch1" in wanted[0]:
            raise Fault(f"`{end}` is on the main path: {found[0]}", f"{steps[0]} on `{start}`")


def refuse_values(reply: dict) -> None:
    """Raise a Fault for a tensor that is none."""
    if "not_symbolic" not in reply:
        return
    name, value = reply["not_symbolic"], reply["value"]
    if kind_of(value) in (kind_of(None), "an object of type ellipsis"):
        raise NotWritten(f"`{name}` is empty")
    raise Fault(
        f"`{name}` is {kind_of(value)}",
        "the tensor that a layer returns",
        "a layer is made, then called on a tensor: Conv2D(...)(X)",
    )


@check
def check_component_2(after_2a, after_2b, draw):
    """Check the second component of the identity block."""
    steps = path(2, "b", (64, 64, 256), 3)[3:6]
    return judge_between(after_2a, after_2b, draw, (15, 15, 64), steps)


@check
def check_component_3(after_2b, after_2c, draw):
    """Check the third component of the identity block."""
    steps = path(2, "b", (64, 64, 256), 3)[6:]
    return judge_between(after_2b, after_2c, draw, (15, 15, 64), steps)


@check
def check_addition(shortcut, after_2c, after_addition, draw):
    """Check that the shortcut is added to the third component's result, and that a ReLU follows."""
    names = [shortcut.name, after_2c.name]
    images = [random_images(draw, 15, 15, 256) for _ in names]
    request = {"do": "between", "inputs": names, "output": after_addition.name}
    reply = after_addition._ask({**request, "images": images, "seed": 0})
    after_addition.refuse_errors(reply)
    refuse_values(reply)
    found = reply.get("inference")
    both = images[0] + images[1]
    if found is not None and found.shape == both.shape:
        add = "the sum of shortcut and after_2c, then ReLU"
        positive = [np.maximum(image, 0) for image in images]
        mistakes = {
            ("there is no ReLU after the addition", add): both,
            ("the ReLU comes before the addition", "the addition first"): positive[0] + positive[1],
            ("a ReLU before the addition cuts after_2c", add): images[0] + positive[1],
            ("a ReLU before the addition cuts after_2c ", add): np.maximum(
                images[0] + positive[1], 0
            ),
            ("a ReLU before the addition cuts the shortcut", add): positive[0] + images[1],
            ("a ReLU before the addition cuts the shortcut ", add): np.maximum(
                positive[0] + images[1], 0
            ),
            ("the shortcut is not added", add): positive[1],
            ("after_2c is not added", add): positive[0],
            ("the shortcut is added to itself", add): 2 * positive[0],
            ("after_2c is added to itself", add): 2 * positive[1],
            ("the two are multiplied", add): np.maximum(images[0] * images[1], 0),
            ("the two are subtracted", add): np.maximum(images[0] - images[1], 0),
            ("the two are subtracted ", add): np.maximum(images[1] - images[0], 0),
            ("the two are averaged", add): np.maximum(both / 2, 0),
            ("the larger of the two is taken", add): np.maximum(images[0], images[1]),
            ("the larger of the two is taken ", add): np.maximum(np.maximum(*images), 0),
            ("a tanh follows the addition", add): np.tanh(both),
        }
        others = {node["kind"] for node in reply["network"]["nodes"] if node.get("weights")}
        if others and not close(found, np.maximum(both, 0)):
            raise Fault(
                f"what is added is not `{names[0]}` and `{names[1]}`: between them and the result "
                f"stands {' and '.join(sorted(others))}",
                f"Add()([{names[0]}, {names[1]}]), then ReLU",
            )
        return explain("after the addition", found, np.maximum(both, 0), mistakes, add)
    shape = reply["network"]["nodes"][reply["network"]["output"]]["shape"]
    if fault := shape_fault(shape, (None, 15, 15, 256), "`after_addition`"):
        fault.look = "Add()([shortcut, after_2c]): element by element, the shape stays"
        raise fault
    raise Fault("`after_addition` does not come from shortcut and after_2c", "their sum, then ReLU")


@check
def check_silence(silence, draw):
    """Check on a small model which scales become zero, and that nothing else changes."""
    stage, block = any_block(draw)
    layers = ["res2c_branch2a", "bn2c_branch2a"]  # "2c" is the block here
    layers += [f"res{stage}{block}_branch2b", f"bn{stage}{block}_branch2b"]
    for letter in "bd":
        layers += [f"res{stage}{letter}_branch2c", f"bn{stage}{letter}_branch2c"]
    layers = list(dict.fromkeys(layers))
    seed = int(draw.integers(10**6))
    reply = silence.ask("silence", layers=layers, seed=seed)
    shapes = {"gamma": (4,), "beta": (4,), "moving_mean": (4,), "moving_variance": (4,)}
    convolution = {"kernel": (1, 1, 4, 4), "bias": (4,)}
    for name in layers:
        weights = reply["weights"].get(name, {})
        wanted = shapes if name.startswith("bn") else convolution
        if {key: np.shape(found) for key, found in weights.items()} != wanted:
            raise Fault(f"the layer {name} has lost its weights, or is gone", "only zeros in gamma")
        for weight, found in weights.items():
            before = answers.known_weights(seed, name, weight, found.shape)
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


# --- 02 to 04, numbers by hand --------------------------------------------------------------------


def check_number(answer: Answer, expected: int, hint: str, mistakes: dict[int, str]) -> None:
    """Raise a Fault unless the learner's number is right; it does not tell the number."""
    found = whole_number(answer.name, answer.value())
    if found != expected:
        raise Fault(mistakes.get(found, f"{answer.name} is {found:,}"), "", hint)


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


def side_after(n: int, f: int, s: int, padding: str) -> int:
    """Return the side of a picture after a window of side f moved over it in steps of s."""
    return -(-n // s) if padding == "same" else (n - f) // s + 1


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
        try:
            found = array_of("the result", value, expected.shape, axes)
        except Fault as fault:
            fault.look = fault.look or look
            raise
        shifted = images[:, stride - 1 :: stride, stride - 1 :: stride] @ kernel + bias
        mistakes = {
            ("the bias is not added", "the product plus the bias"): expected - bias,
            ("there is a ReLU", "the product plus the bias, nothing else"): np.maximum(expected, 0),
            ("the stride starts at a later pixel", "the first pixel, index 0"): shifted,
        }
        look = "every s-th pixel in height and width, times the kernel, plus the bias"
        explain("the result", found, expected, mistakes, look)


@check
def check_main_path(after_2a, after_2c, draw):
    """Check the second and the third component of the convolutional block."""
    steps = path(3, "a", (128, 128, 512), 3)[3:]
    return judge_between(after_2a, after_2c, draw, (8, 8, 128), steps)


@check
def check_shortcut(inputs, shortcut, draw):
    """Check the projection on the shortcut of the convolutional block."""
    steps = projection(3, "a", (128, 128, 512), 2)
    return judge_between(inputs, shortcut, draw, (15, 15, 256), steps)


@check
def check_projection(predicted_shape, shortcut_parameters, draw):
    """Check a predicted shape and a count of parameters."""
    found = predicted_shape.value()
    found = found.tolist() if isinstance(found, np.ndarray) else found
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


# --- 04, ResNet50 ---------------------------------------------------------------------------------


def stage_1_steps() -> list[Step]:
    """Return padding, convolution and pooling of stage 1."""
    return [
        Step("pad", settings={"padding": 3}),
        conv("conv1", 64, 7, 2),
        bn("bn_conv1"),
        relu(),
        Step("maxpool", settings={"window": 3, "stride": 2, "padding": "valid"}),
    ]


def stage_row(stage: int) -> tuple[tuple[int, int, int], int, str]:
    """Return a row of the stage table: filters, stride, letters of the identity blocks."""
    width = 64 * 2 ** (stage - 2)
    blocks = {2: 3, 3: 4, 4: 6, 5: 3}[stage]
    return (width, width, 4 * width), 1 if stage == 2 else 2, "bcdef"[: blocks - 1]


def stages_steps() -> list[Step]:
    """Return the sixteen blocks of stages 2 to 5."""
    steps = []
    for stage in (2, 3, 4, 5):
        filters, stride, letters = stage_row(stage)
        steps += block_steps(stage, "a", filters, 3, stride)
        for letter in letters:
            steps += block_steps(stage, letter, filters, 3)
    return steps


def head_steps(classes: int) -> list[Step]:
    """Return pooling, flattening and the fully connected layer."""
    return [
        Step("avgpool", "avg_pool", {"window": 2, "stride": 2, "padding": "valid"}),
        Step("flatten"),
        Step("dense", f"fc{classes}", {"units": classes}),
        Step("softmax"),
    ]


@check
def check_stage_1(stage_1, draw):
    """Check stage 1 on two sizes of images, in both modes."""
    remark = ""
    for shape in ((20, 26, 3), (33, 24, 3)):
        remark = build(stage_1, draw, shape, stage_1_steps())
    return remark


@check
def check_sides_of_96(sides_of_96, draw):
    """Check six sides that were predicted by hand."""
    names = ["conv1", "max pooling", "stage 3", "stage 4", "stage 5", "avg_pool"]
    hints = [
        "96 and 3 pixels of padding on either side; a window of 7, stride 2, valid",
        "a window of 3, stride 2, valid",
        *["stride 2 in a 1x1 window: half, rounded up"] * 3,
        "a window of 2, stride 2, valid: half, rounded down",
    ]
    found = sides_of_96.value()
    found = found.tolist() if isinstance(found, np.ndarray) else found
    if not isinstance(found, list) or len(found) != len(names):
        raise Fault(
            f"sides_of_96 is {found!r}"[:200], f"a list of six numbers: after {', '.join(names)}"
        )
    expected = [side_after(96 + 6, 7, 2, "valid")]
    expected.append(side_after(expected[-1], 3, 2, "valid"))
    for _ in range(3):
        expected.append(side_after(expected[-1], 1, 2, "same"))
    expected.append(side_after(expected[-1], 2, 2, "valid"))
    for name, hint, f, e in zip(names, hints, found, expected, strict=True):
        if f != e:
            raise Fault(f"the side after {name} is {f}", "", hint)


@check
def check_stage_table(STAGES, draw):
    """Check the rows of the stage table."""
    found = STAGES.value()
    if not isinstance(found, dict):
        raise Fault(f"STAGES is {found!r}"[:200], "a dictionary: {2: (filters, stride, letters)}")
    if set(found) != {2, 3, 4, 5}:
        raise Fault(f"the keys are {list(found)}", "the stages 2, 3, 4 and 5, as numbers")
    for stage in (2, 3, 4, 5):
        row = found.get(stage)
        if not isinstance(row, list) or len(row) != 3:
            raise Fault(f"row {stage} is {row!r}"[:200], "(filters, stride, letters)")
        filters, stride, letters = row
        filters = filters.tolist() if isinstance(filters, np.ndarray) else filters
        if not isinstance(filters, list) or not isinstance(stride, int):
            raise Fault(f"row {stage} is {tuple(row)}", "in this order: (filters, stride, letters)")
        expected_filters, expected_stride, expected_letters = stage_row(stage)
        letters = "".join(map(str, letters)) if isinstance(letters, list) else letters
        if list(filters) != list(expected_filters):
            raise Fault(
                f"stage {stage} has the filters {tuple(filters)}",
                "three numbers: twice those of the stage before; the third is 4 times the first",
            )
        if stride != expected_stride:
            words = "stage 2 keeps the size" if stage == 2 else "stages 3 to 5 halve the size"
            raise Fault(f"stage {stage} has stride {stride}", words)
        if letters != expected_letters:
            raise Fault(
                f"stage {stage} has the identity blocks {letters!r}",
                f"{len(expected_letters)} letters in one text, from b on, as in row 2",
                "figure 1; block a is the convolutional one and has no letter here",
            )
    if list(found) != [2, 3, 4, 5]:
        raise Fault(
            f"the rows come in the order {list(found)}",
            "2, 3, 4, 5: the loop over STAGES builds them in this order",
        )


def judge_large(answer: Answer, request: dict, steps: list[Step], shape: tuple) -> str:
    """Judge a network by its steps; where they differ, by what it computes, which takes longer."""
    reply = answer.ask("network", **request)
    try:
        return judge_network(answer, reply, steps, [], 0)
    except Fault as fault:
        usual = {*diagnosis.KINDS, *diagnosis.ADDITIONS, "Activation", "input", "InputLayer"}
        if "network" not in reply or "error" in reply or isinstance(fault, NotWritten):
            raise
        if {node["kind"] for node in reply["network"]["nodes"]} <= usual:
            raise  # nothing unusual that could compute the same in another way
        images = [random_images(np.random.default_rng(0), *shape)]
        reply = answer.ask("network", images=images, seed=0, **request)
        if right_numbers(reply, reply["network"], steps, images, 0):
            return momentum_remark(reply["network"])
        raise


@check
def check_stages_2_to_5(stages_2_to_5, draw):
    """Check the sixteen blocks: order, filters, strides and names."""
    side = int(draw.integers(9, 16))
    shape = (side, side, 64)
    judged = hinted(
        judge_large,
        "what the blocks are called with: f is 3, filters and stride (as s, for block a) are the "
        "row's",
    )
    return judged(stages_2_to_5, {"shape": list(shape)}, stages_steps(), shape)


@check
def check_head(head, draw):
    """Check pooling, flattening and probabilities, for two numbers of classes."""
    for shape, classes in (((2, 2, 12), 6), ((4, 5, 8), int(draw.integers(2, 6)))):
        build(head, draw, shape, head_steps(classes), classes)


@check
def check_resnet50(ResNet50, draw):
    """Check the whole network, for another size of images and another number of classes."""
    classes = int(draw.integers(2, 6))
    shape = (int(draw.integers(40, 60)), 64, 3)
    request = {"model": True, "args": [{"tuple": list(shape)}, classes]}
    reply = ResNet50.ask("network", **request)
    if "value" in reply:
        raise Fault(
            f"`ResNet50` returns {kind_of(reply['value'])}",
            "a keras.Model",
            "return keras.Model(images, probabilities)",
        )
    shape_found = reply["network"]["nodes"][0]["shape"]
    if fault := shape_fault(shape_found, (None, *shape), "the network's input"):
        fault.look = "keras.Input(input_shape)"
        raise fault
    steps = [*stage_1_steps(), *stages_steps(), *head_steps(classes)]
    return judge_large(ResNet50, request, steps, shape)


@check
def check_updated_average(updated_average, draw):
    """Check one step of a moving average, for numbers and for arrays."""
    for momentum in (0.9, 0.99, 0.25):
        average, batch = draw.normal(size=5), draw.normal(size=5)
        expected = momentum * average + (1 - momentum) * batch
        value = updated_average.call(average, batch, momentum)
        found = array_of("the result", value, (5,))
        look = "momentum * average + (1 - momentum) * batch value"
        mistakes = {
            ("momentum weighs the batch's value", "momentum weighs the old average"): (
                momentum * batch + (1 - momentum) * average
            ),
            ("the weights do not sum to 1", look): momentum * average + batch,
            ("the old average is missing", look): (1 - momentum) * batch,
            ("the batch's value is missing", look): momentum * average,
        }
        explain("the result", found, expected, mistakes, look)


@check
def check_prepare_picture(prepare_picture, draw):
    """Check pictures that lie on their side, are grey or transparent, wide or tall."""
    for case in (
        "a wide picture",
        "a tall picture",
        "a turned picture",
        "a grey one",
        "one with alpha",
    ):
        tall = case == "a tall picture"
        height, width = (190, 120) if tall else (120, 190)
        picture = np.zeros((height, width, 3), np.uint8)
        picture[:] = (230, 20, 20)  # what the crop leaves out
        top, left = (height - 120) // 2, (width - 120) // 2
        colours = draw.permutation([(20, 200, 30), (30, 40, 220), (240, 240, 230), (25, 20, 15)])
        for i, colour in enumerate(colours):
            y, x = top + 60 * (i // 2), left + 60 * (i % 2)
            picture[y : y + 60, x : x + 60] = colour
        picture[top + 48 : top + 80, left + 44 : left + 70] = (240, 220, 30)  # near the centre
        if case == "a grey one":
            picture = picture[..., 1]
        if case == "one with alpha":
            picture = np.dstack([picture, np.full((height, width), 255, np.uint8)])
        orientation = int(draw.choice([3, 6, 8])) if case == "a turned picture" else 1
        judge_picture(prepare_picture, case, picture, orientation)


def judge_picture(answer: Answer, case: str, picture: np.ndarray, orientation: int) -> None:
    """Raise a Fault unless one picture is prepared as the network wants it."""
    try:
        value = answer.call({"picture": picture, "orientation": orientation})
    except Fault as fault:
        if not isinstance(fault, NotWritten):
            fault.found = f"{case}: {fault.found}"
        raise
    axes = ("batch", "height", "width", "channels")
    try:
        found = array_of(f"{case}: the result", value, (1, 64, 64, 3), axes)
    except Fault as fault:
        fault.look = 'convert("RGB"), resize((64, 64)), and one axis more for the batch'
        raise
    if found.max() > 1.5:
        raise Fault(f"the values go up to {found.max():g}", "0 to 1", "the division by 255")
    if found.dtype != np.float32:
        raise Fault(f"the type is {found.dtype.name}", "float32", 'np.asarray(picture, "float32")')

    def prepared(turn: bool, crop: bool) -> np.ndarray:
        image = answers.opened_picture(picture, orientation)
        image = (ImageOps.exif_transpose(image) if turn else image).convert("RGB")
        image = ImageOps.fit(image, (64, 64)) if crop else image.resize((64, 64))
        return np.asarray(image, np.float32)[np.newaxis] / 255

    def alike(one: np.ndarray, other: np.ndarray) -> bool:
        return np.abs(one - other).mean() < 0.03  # ways to resize differ along the edges

    right = prepared(True, True)
    if alike(found, right):
        plain_areas = (0, [10, 10, 54, 54], [10, 54, 10, 54])
        if np.abs(found[plain_areas] - right[plain_areas]).max() > 2e-3:
            raise Fault(
                f"{case} comes out with values such as {found[0, 10, 10, 0]:.4f}",
                f"{right[0, 10, 10, 0]:.4f}: divided by 255, whatever the picture",
                "the division by 255",
            )
        return
    known = {
        ("is squeezed into a square", "the square in the middle: crop"): prepared(True, False),
        (
            "stays on its side: its EXIF note is ignored",
            "the picture as it is shown: ImageOps.exif_transpose before anything else",
        ): prepared(False, True),
        ("is turned, though it has no EXIF note", "exif_transpose only"): np.rot90(
            right, 3, (1, 2)
        ),
        ("is turned the other way", "exif_transpose only"): np.rot90(right, 1, (1, 2)),
        ("has height and width exchanged", "(batch, height, width, channels)"): (
            right.transpose(0, 2, 1, 3)
        ),
        ("is mirrored", "left stays left"): right[:, :, ::-1],
        ("is upside down", "the first row at the top"): right[:, ::-1],
        ("has red and blue exchanged", "the channels red, green, blue"): right[..., ::-1],
        ("is divided by 255 twice: its values are tiny", "0 to 1"): right / 255,
        ("is negative", "0 for black, 1 for white"): 1 - right,
    }
    for (what, instead), picture_then in known.items():
        if alike(found, picture_then) and not alike(right, picture_then):
            raise Fault(f"{case} {what}", instead)
    if np.ptp(found, axis=3).max() < 0.02 and np.ptp(right, axis=3).max() > 0.1:
        raise Fault(f"{case} comes out grey", "its colours: three channels, red, green and blue")
    raise Fault(
        f"{case} comes out with other content than its middle square",
        "the largest square around the centre, resized to 64x64, divided by 255",
        "left, top, right and bottom of the crop",
    )


# --- 05 -------------------------------------------------------------------------------------------


@check
def check_fit_shortcut(fit_shortcut, draw):
    """Check which pixels stay, and where the channels of zeros are."""
    for stride in (2, 1, 3):
        height, width, channels = sizes(draw, 3, 4, 9)
        filters = channels + (0 if stride == 1 else int(draw.integers(2, 7)))
        images = draw.normal(size=(2, height, width, channels)).astype(np.float32)
        kept = images[:, ::stride, ::stride]
        more = filters - channels
        expected = np.pad(kept, [(0, 0), (0, 0), (0, 0), (0, more)])
        value = fit_shortcut.call({"tensor": images}, filters, stride)
        look = "X[:, ::stride, ::stride], then zeros behind the channels"
        try:
            axes = ("batch", "height", "width", "channels")
            found = array_of("the result", value, expected.shape, axes)
        except Fault as fault:
            fault.look = fault.look or look
            raise
        later = images[:, stride - 1 :: stride, stride - 1 :: stride]
        mistakes = {
            ("the zeros stand before the channels", "behind them: (0, missing)"): (
                np.pad(kept, [(0, 0), (0, 0), (0, 0), (more, 0)])
            ),
            ("the new channels repeat old ones", "zeros"): np.pad(
                kept, [(0, 0), (0, 0), (0, 0), (0, more)], mode="wrap"
            ),
        }
        if later.shape == kept.shape:
            mistakes["the pixels start at a later one", "the first pixel, index 0"] = np.pad(
                later, [(0, 0), (0, 0), (0, 0), (0, more)]
            )
        explain("the result", found, expected, mistakes, look)


@check
def check_differ(differ, draw):
    """Check the comparison of a difference with two spreads."""
    # One far from the others: their median is not their mean.
    one = np.array([-0.5, -0.5, -0.5, -0.5, 2]) + draw.uniform(-0.1, 0.1, 5)
    one = 0.6 * (one - one.mean()) / one.std()  # mean 0, standard deviation 0.6
    other = draw.normal(size=4)
    other = 0.3 * (other - other.mean()) / other.std()
    level = float(draw.uniform(2, 9))
    # Apart by 0.8 and 0.98: around the sum of the spreads, and on other sides than the sum of
    # the variances, 0.45, or of the spreads with ddof=1, 1.02.
    cases = (
        (2.0, True, "the means are 2 apart, the spreads 0.6 and 0.3"),
        (-2.0, True, "the second mean is the smaller one, by 2; the spreads are 0.6 and 0.3"),
        (0.8, False, "the means are 0.8 apart, the spreads 0.6 and 0.3"),
        (-0.8, False, "the second mean is the smaller one, by 0.8; the spreads are 0.6 and 0.3"),
        (0.0, False, "the means are equal"),
        (0.98, True, "the means are 0.98 apart, the spreads 0.6 and 0.3"),
        (-0.98, True, "the second mean is the smaller one, by 0.98; the spreads are 0.6 and 0.3"),
    )
    for distance, expected, case in cases:
        lists = [np.round(level + values, 3).tolist() for values in (one, distance + other)]
        value = native(differ.call(*lists))
        if isinstance(value, np.ndarray) and value.shape == ():
            value = value.item()
        if not isinstance(value, bool | np.bool_) and value not in (0, 1):
            raise Fault(f"the result is {kind_of(value)}", "True or False")
        if bool(value) != expected:
            raise Fault(
                f"{case}: the answer is {bool(value)}",
                f"{expected}",
                "abs of the difference of the means; the sum of the two np.std (with ddof=0)",
            )


# --- 06 -------------------------------------------------------------------------------------------


@check
def check_image_distance(image_distance, draw):
    """Check the root mean square of two small images' difference."""
    for side in (16, 5):
        one, other = (draw.integers(256, size=(side, side, 3)).astype("float32") for _ in "ab")
        difference = one - other
        square = np.mean(difference**2)
        look = "the root of the mean of the squared differences"
        value = image_distance.call(one, other)
        found = array_of("the result", value, ())
        mistakes = {
            ("the root is missing", "np.sqrt of the mean"): square,
            ("the squares are summed", "the mean: over pixels and channels"): np.sqrt(
                np.sum(difference**2)
            ),
            ("these are absolute differences", look): np.mean(np.abs(difference)),
            ("the differences are not squared", look): np.mean(difference),
            ("the root comes before the mean", look): np.mean(np.sqrt(np.abs(difference))),
            ("the images are added", "their difference"): np.sqrt(np.mean((one + other) ** 2)),
        }
        explain("the distance", found, square**0.5, mistakes, look)


@check
def check_smooth_labels(smooth_labels, draw):
    """Check that a share of each label's 1 is spread over all classes, itself included."""
    for classes, share in ((6, 0.1), (4, 0.3), (10, 0.0)):
        labels = one_hot(draw.integers(classes, size=5), classes)
        look = "take the share off every label, then give each class an equal part"
        found = array_of(
            "the result",
            smooth_labels.call(labels, share),
            (5, classes),
            ("images", "classes"),
        )
        kept = labels * (1 - share)
        mistakes = {
            ("the labels are as they were", look): labels,
            ("nothing is given to the other classes", look): kept,
            ("each class gets the whole share", "share / classes"): kept + share,
            ("the share comes on top of the 1", "labels * (1 - share)"): labels + share / classes,
            ("the right class gets none of the share", "spread over all classes, its own too"): (
                kept + share / (classes - 1) * (1 - labels)
            ),
            ("the number of classes is fixed", "labels.shape[1]"): kept + share / 6,
            ("the number of images is taken for the classes", "labels.shape[1]"): kept + share / 5,
        }
        explain("the labels", found, kept + share / classes, mistakes, look)


@check
def check_cosine(cosine, draw):
    """Check the share of the peak that is left when a part of the fall is done."""
    for part in (*draw.uniform(0.15, 0.45, 2), 0.0, 0.5, 1.0):  # the ends hide mistakes
        look = "over half a circle, pi, a cosine falls from 1 to -1; bring that to 1 to 0"
        found = array_of("the result", cosine.call(float(part)), ())
        mistakes = {
            ("this falls on a straight line", look): 1 - part,
            ("this falls from 1 to -1", look): np.cos(np.pi * part),
            ("this rises", "the cosine falls: add it"): (1 - np.cos(np.pi * part)) / 2,
            ("this falls from 2 to 0", "half of it"): 1 + np.cos(np.pi * part),
            ("this falls along a quarter of a circle", look): np.cos(np.pi * part / 2),
            ("this comes back to 1", "pi * part, half a circle"): (
                (1 + np.cos(2 * np.pi * part)) / 2
            ),
            ("these are degrees", "np.cos takes radians: pi * part"): (
                (1 + np.cos(180 * part)) / 2
            ),
            ("pi is missing", "np.pi * part"): (1 + np.cos(part)) / 2,
        }
        explain(f"after the part {part:.2g}", found, (1 + np.cos(np.pi * part)) / 2, mistakes, look)


# --- 07 -------------------------------------------------------------------------------------------


@check
def check_split_by_class(split_by_class, draw):
    """Check the parts: complete, disjoint, each class by its share, drawn by the seed."""
    counts, share = draw.permutation([19, 32, 46]), 0.3  # 30 % is 5.7, 9.6 and 13.8
    labels = draw.permutation(np.repeat(np.arange(3), counts))
    wanted = [int(share * count) for count in counts]
    seed = int(draw.integers(100))

    def parts(seed: int) -> tuple[np.ndarray, np.ndarray]:
        what = "two arrays of indices: training, held out"
        value = split_by_class.call(labels, share, seed=seed)
        found = []
        for part in pair("split_by_class", value, what):
            try:
                indices = np.asarray(native(part))
            except ValueError:
                why = f"a part is {kind_of(part)}, which are of different lengths"
                look = "np.concatenate, or extend in place of append"
                raise Fault(why, "one array of indices", look) from None
            if indices.ndim != 1 or (len(indices) and indices.dtype.kind not in "iu"):
                raise Fault(f"a part is {kind_of(part)}", "one array of whole numbers, (k,)")
            if np.any((indices < 0) | (indices >= len(labels))):
                raise Fault("a part holds other numbers than indices", f"0 to {len(labels) - 1}")
            found.append(np.sort(indices.astype(int)))
        return found

    training, held_out = parts(seed)
    if len(np.intersect1d(training, held_out)):
        raise Fault(
            f"{len(np.intersect1d(training, held_out))} pictures are in both parts",
            "each picture in one part",
            "training: what was not held out",
        )
    together = np.concatenate([training, held_out])
    if len(np.unique(together)) < len(labels) or len(together) > len(labels):
        raise Fault(
            f"the parts hold {len(together)} indices, {len(np.unique(together))} different ones",
            f"each of the {len(labels)} once",
            "training: what was not held out",
        )
    found = [int(np.count_nonzero(labels[held_out] == label)) for label in range(3)]
    if found != wanted:
        raise Fault(
            *_odd_share(found, wanted, counts, labels, held_out),
            "a loop over the classes; int(share * number of the class)",
        )
    again, other = parts(seed)[1], parts(seed + 1)[1]
    for label in range(3):
        # With both seeds: a random choice hardly does that twice.
        if all(_neighbours(labels, part, label) for part in (held_out, other)):
            raise Fault(
                f"of class {label} neighbours in the folder are held out, the first or last ones "
                "for example",
                "a random choice: neighbours in a folder are alike",
                "permutation or choice of the generator",
            )
    if not np.array_equal(held_out, again):
        raise Fault(
            "two calls with the same seed hold out different pictures",
            "the same for the same seed",
            "np.random.default_rng(seed)",
        )
    if np.array_equal(held_out, other):
        raise Fault(
            f"seed {seed} and seed {seed + 1} hold out the same pictures",
            "others for another seed",
            "np.random.default_rng(seed)",
        )


def _neighbours(labels: np.ndarray, held_out: np.ndarray, label: int) -> bool:
    """Return whether a class's pictures that are held out stand side by side, the ends joined."""
    chosen = np.isin(np.flatnonzero(labels == label), held_out)
    return np.count_nonzero(chosen & ~np.roll(chosen, 1)) <= 1


def _odd_share(found, wanted, counts, labels, held_out) -> tuple[str, str]:
    """Return what is wrong with the numbers held out of each class, and what was expected."""
    numbers = f"of classes with {', '.join(map(str, counts))} pictures"
    expected = f"{', '.join(map(str, wanted))}: 30 % of each class, rounded down"
    if found == [c - w for c, w in zip(counts, wanted, strict=True)]:
        return "the two parts are exchanged", "training first, then what is held out"
    if len(held_out) == int(0.3 * len(labels)):
        return (
            f"{numbers} {', '.join(map(str, found))} are held out: 30 % of all together",
            expected,
        )
    return f"{numbers} {', '.join(map(str, found))} are held out", expected


@check
def check_confusion_matrix(confusion_matrix, draw):
    """Check the counts: a row for each class shown, a column for each class read."""
    for classes in (3, 5):
        expected = draw.integers(classes, size=60)
        read = np.where(draw.random(60) < 0.5, expected, draw.integers(classes, size=60))
        expected[expected == classes - 1] = 0  # a class that no picture shows
        counts = np.zeros((classes, classes))
        np.add.at(counts, (expected, read), 1)
        value = confusion_matrix.call(expected, read, classes)
        found = array_of("the result", value, (classes, classes), ("shown", "read"))
        look = "for each picture 1 more, in row `expected`, column `predicted`"
        rows = np.maximum(counts.sum(axis=1, keepdims=True), 1)
        mistakes = {
            ("rows and columns are exchanged", "rows: what is shown; columns: what is read"): (
                counts.T
            ),
            ("every pair is counted once", "+= 1 for each picture; `counts[a, b] += 1` with "
             "arrays a, b counts repeated pairs once"): np.minimum(counts, 1),
            ("these are shares of a row", "counts"): counts / rows,
            ("these are shares of all pictures", "counts"): counts / 60,
            ("only the right answers are counted", look): np.diag(np.diag(counts)),
            ("only the wrong answers are counted", look): counts - np.diag(np.diag(counts)),
        }  # fmt: skip
        explain("the matrix", found, counts, mistakes, look)


# --- 08 -------------------------------------------------------------------------------------------


@check
def check_weigh_maps(weigh_maps, draw):
    """Check Grad-CAM's sum: mean gradients as weights, what speaks against left out, at most 1."""
    height, width, channels = 3, 4, 6
    maps = draw.uniform(0, 2, (height, width, channels))
    # Two places that speak for the class, and one that speaks against it more.
    chosen = draw.permutation(height * width)[:3]
    maps.reshape(-1, channels)[chosen] = [[2, 0] * 3, [1.2, 0] * 3, [0, 2] * 3]
    gradients = draw.normal(0.1, 0.5, (height, width, channels))
    # Sums of both signs, so that leaving the negative ones out shows.
    weights = gradients.mean(axis=(0, 1))
    gradients += -weights + np.array([0.8, -1.0, 0.5, -1.0, 0.3, -0.4]) * draw.uniform(0.8, 1.2, 6)
    # The greatest sum is below 1, as in real maps, so that dividing by it has to be done.
    gradients *= 0.4 / (maps @ gradients.mean(axis=(0, 1))).max()
    weights = gradients.mean(axis=(0, 1))
    total = maps @ weights
    expected = np.maximum(total, 0) / total.max()
    look = "each map times the mean of its gradients, summed over the channels"
    value = weigh_maps.call(maps, gradients)
    found = array_of("the result", value, (height, width), ("height", "width"))
    positive = np.maximum(total, 0)
    by_map = np.maximum((maps * weights).mean(axis=2), 0)
    pointwise = np.maximum((maps * gradients).sum(axis=2), 0)
    each = np.maximum(maps * weights, 0).sum(axis=2)
    plain = maps.sum(axis=2)
    spread = (total - total.min()) / np.ptp(total)
    mistakes = {
        ("nothing was divided", "the greatest value is 1: divide by the maximum"): positive,
        ("negative sums are kept", "0 where the sum is negative: np.maximum(..., 0)"): (
            total / total.max()
        ),
        ("the sums are shifted: the lowest became 0", "negative sums become 0, others stay"): (
            spread
        ),
        ("absolute values are taken", "negative sums become 0: they speak against the class"): (
            np.abs(total) / np.abs(total).max()
        ),
        ("the sums are divided by the greatest absolute one, of what speaks against the class",
         "first negative sums become 0, then divide by the maximum"): (
            positive / np.abs(total).max()
        ),
        ("maps are multiplied with gradients place by place", "one weight per channel: the mean "
         "of its gradients over height and width"): pointwise / pointwise.max(),
        ("negative weights, or products with them, are left out before the sum",
         "all channels; only the sum is cut at 0"): each / each.max(),
        ("the gradients were not used", look): plain / plain.max(),
        ("these are the means over the channels, not divided by the maximum", look): by_map,
        ("the sum is divided by its sum", "by its maximum"): positive / positive.sum(),
    }  # fmt: skip
    explain("the map", found, expected, mistakes, look)
    value = weigh_maps.call(maps, -np.abs(gradients))
    case = "the result where nothing speaks for the class"
    found = array_of(case, value, (height, width), ("height", "width"))
    if not np.isfinite(found).all():
        raise Fault(
            f"{case} is nan: 0 / 0",
            "zeros",
            "divide only if the maximum is above 0",
        )
    look = "cut at 0 first; divide only if the maximum is above 0"
    explain(case, found, np.zeros((height, width)), {}, look)


@check
def check_expected_calibration_error(expected_calibration_error, draw):
    """Check the mean gap of confidence and accuracy over bins, weighed by their answers."""
    for count, bins in ((200, 10), (90, 4)):
        bin_of = draw.choice(np.delete(np.arange(bins), draw.integers(1, bins - 1)), count)
        bin_of[:3], bin_of[3:6] = bins - 1, 0  # one bin between is empty
        # Below and above: gaps of both signs, which don't cancel. Away from the edges, where the
        # two usual conventions differ, and from the middles.
        low = (bins - 1 - bin_of) % 2
        within = np.where(low, draw.uniform(0.1, 0.5, count), draw.uniform(0.5, 0.9, count))
        confidence = (bin_of + within) / bins
        confidence[:3] = 1.0
        correct = draw.random(count) < np.where(low, confidence - 0.3, 1)
        correct[:3] = False  # unlike the others of the last bin, so that their place shows
        counts = np.bincount(bin_of, minlength=bins)
        inside = np.maximum(counts, 1)
        sure = np.bincount(bin_of, confidence, bins) / inside
        right = np.bincount(bin_of, correct, bins) / inside
        gap = np.abs(sure - right)
        look = "in each bin |mean confidence - share of right answers|, times its share of answers"
        value = expected_calibration_error.call(confidence, correct, bins=bins)
        found = array_of("the result", value, ())
        if not np.isfinite(found):
            raise Fault("the result is nan", "a number", "empty bins: pass over them")
        edge = confidence < 1
        own_bin = np.where(edge, bin_of, bins)
        fixed = np.minimum((confidence * 10).astype(int), 9)
        middle = np.abs((np.arange(bins) + 0.5) / bins - right)
        together = (
            "the gap of all answers together: those above and below cancel",
            "the absolute value of each bin's gap, before the sum",
        )

        off = confidence - correct
        own_bin, fixed = (np.abs(np.bincount(k, off)).sum() / count for k in (own_bin, fixed))
        without = np.abs(
            np.bincount(bin_of[edge], (confidence - correct)[edge], minlength=bins)
        ).sum()
        mistakes = {
            ("the number of bins is fixed at 10", "`bins` of them"): fixed,
            ("each bin counts alike", "a bin counts by its answers: count / number of all"): (
                gap[counts > 0].mean()
            ),
            ("each bin counts alike, empty ones too", "a bin counts by its answers"): gap.mean(),
            together: abs(confidence.mean() - correct.mean()),
            (*together[:1], "absolute values"): confidence.mean() - correct.mean(),
            (*together[:1], "absolute gaps"): correct.mean() - confidence.mean(),
            ("the bins' middles stand for the confidences", "the mean confidence in each bin"): (
                middle @ counts / count
            ),
            ("each answer's own gap", "the means of a bin first, then their gap"): (
                np.abs(confidence - correct).mean()
            ),
            ("the gaps are squared", "absolute values"): (gap**2 @ counts) / count,
            ("the largest gap", "the mean over the answers"): gap.max(),
            ("the gaps are summed, not averaged", "divided by the number of answers"): (
                gap @ counts
            ),
            ("the gaps of the bins are summed", "a bin counts by its answers"): gap.sum(),
            ("answers with a confidence of 1 are in no bin", "the last bin holds 1 too"): (
                without / count
            ),
            ("answers with a confidence of 1 are in a bin of their own",
             "the last bin holds 1 too"): own_bin,
            ("answers with a confidence of 1 are in no bin, and not counted",
             "the last bin holds 1 too"): without / edge.sum(),
        }  # fmt: skip
        explain("the error", found, gap @ counts / count, mistakes, look)
