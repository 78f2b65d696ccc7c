"""The checks of notebook 01: the two-layer ConvNet, its cost and its training."""

import numpy as np

from resnets.checks.convnet import (
    CONVNET_MISTAKES,
    convnet_logits,
    linear_step,
    one_hot,
    softmax,
    sum_and_means,
    taken_for_probabilities,
)
from resnets.checks.core import (
    Answer,
    Fault,
    NotWritten,
    array_of,
    check,
    check_number,
    close,
    explain,
    kind_of,
    native,
    not_whole,
    pair,
)
from resnets.checks.steps import convolve


@check(first_line="images, labels")
def check_prepare(prepare, draw):
    """Check that images end up in 0 to 1 and labels as one row of six per image, in float32."""
    for m in (9, 14, 1):
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


@check(first_line="seed=0, windows=(4, 2), filters=(8, 16), pools=(8, 4)")
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
            if kernel.get("trainable") is False:
                raise Fault(
                    f"{name} is made with trainable=False: no training moves it",
                    "a tf.Variable that the tape watches, which it is by default",
                    "the arguments of tf.Variable",
                )
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
    hint = "SAME keeps 64 pixels; a pooling of 8x8 with stride 8 divides by 8"
    check_number(first_side, 64 // 8, hint)
    hint = "the second pooling divides what the first left by 4"
    check_number(second_side, 64 // 8 // 4, hint)
    hint = "flattened: height times width times the second convolution's 16 filters"
    check_number(inputs_of_W3, (64 // 8 // 4) ** 2 * 16, hint)


@check(first_line="X, parameters, pools=(8, 4)")
def check_forward_propagation(forward_propagation, draw):
    """Check the logits of random images for known weights."""
    for m, (f1, f2), (n1, n2), pools in (
        (3, (4, 2), (8, 16), (8, 4)),
        (1, (3, 5), (5, 7), (4, 8)),
    ):
        side = 64 // pools[0] // pools[1]
        shapes = {"W1": (f1, f1, 3, n1), "W2": (f2, f2, n1, n2), "W3": (side * side * n2, 6)}
        parameters = {
            name: (draw.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))).astype(np.float32)
            for name, shape in shapes.items()
        }
        parameters["b3"] = draw.normal(size=6).astype(np.float32)
        X = draw.normal(size=(m, 64, 64, 3)).astype(np.float32)
        kwargs = {} if pools == (8, 4) else {"pools": {"tuple": list(pools)}}
        try:
            given = {"tensor": X}, {"variables": parameters}
            value = forward_propagation.call(*given, **kwargs)
        except Fault as fault:
            if "size-incompatible" in fault.found or "must be equal" in fault.found:
                fault.expected = (
                    f"{side * side * n2} numbers per image for W3: two convolutions with padding "
                    f"SAME, then poolings of {pools[0]} and {pools[1]} with the same strides"
                )
            raise
        logits = array_of("the result", value, (m, 6), ("images", "classes"))
        mistakes = {}
        for words, change in CONVNET_MISTAKES.items():
            try:
                mistakes[words] = convnet_logits(X, parameters, pools, **change)
            except ValueError:  # with these sizes the mistake does not even run
                continue
        expected = convnet_logits(X, parameters, pools)
        look = "the order CONV, ReLU, MAXPOOL, FLATTEN, then W3 and b3"
        explain("logits", logits, expected, mistakes, look)
        judge_in_graph(
            forward_propagation,
            (*given, kwargs),
            expected,
            "tf.shape(P2)[0] in place of P2.shape[0] and len(P2), or a reshape to (-1, numbers per "
            "image); TensorFlow's functions, not NumPy's",
        )


def judge_in_graph(answer: Answer, given: tuple, expected: np.ndarray, instead: str) -> None:
    """Raise a Fault unless a function that is right also works where `train_step` calls it.

    There tf.function has made one graph of it, for batches of every size.

    Args:
        answer: The function.
        given: Its arguments; a dictionary of its keyword arguments last.
        expected: Its result.
        instead: What to write in place of what fails.
    """
    *args, kwargs = given
    look = ""
    try:
        value = answer.ask("call", args=args, kwargs=kwargs, in_graph=True)["value"]
        found = array_of("the result", value, expected.shape)
        if close(found, expected):
            return
        what = "gives other numbers"
    except Fault as fault:
        what, look = f"does not run: {fault.found}", fault.look
    raise Fault(
        f"called on its own `{answer.name}` is right; in train_step, which tf.function compiles "
        f"for batches of any size, it {what}",
        instead,
        look,
    )


@check(first_line="logits, Y")
def check_compute_cost(compute_cost, draw):
    """Check the mean softmax cross-entropy, for batches of two sizes."""
    for m, classes in ((5, 6), (8, 6), (1, 6)):
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
            ("the softmax goes over the batch, axis 0", "over the classes, the last axis"): (
                sum_and_means(-Y * np.log(softmax(logits.T).T))
            ),
            ("the softmax is taken twice", "logits, not probabilities, into the cross-entropy"): (
                sum_and_means(-Y * np.log(softmax(softmax(logits))))
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
            ("a sigmoid stands in place of the softmax", wanted): sum_and_means(sigmoid),
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
        judge_in_graph(
            compute_cost,
            ({"tensor": logits}, {"tensor": Y}, {}),
            np.asarray(each.mean()),
            "tf.reduce_mean; or tf.cast(tf.shape(Y)[0], tf.float32) in place of Y.shape[0] and "
            "len(Y)",
        )


@check(first_line="X, Y, mini_batch_size=64, seed=0")
def check_random_mini_batches(random_mini_batches, draw):
    """Check sizes, order and pairing of the mini-batches."""
    size = int(draw.integers(4, 7))
    m = 4 * size + int(draw.integers(1, size))
    seed = int(draw.integers(100))
    orders = cut(random_mini_batches, m, size, seed)
    seen = refuse_other_sizes(orders, m, size)
    if np.array_equal(seen, np.arange(m)):
        raise Fault("the images come in their old order", "a random order", "the permutation")
    if not np.array_equal(seen, np.concatenate(cut(random_mini_batches, m, size, seed))):
        raise Fault(
            "two calls with the same seed give different orders",
            "the same order for the same seed",
            "np.random.default_rng(seed)",
        )
    if np.array_equal(seen, np.concatenate(cut(random_mini_batches, m, size, seed + 1))):
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
    # Whatever was drawn: nothing left over, one image, all but one, one batch, less than one.
    for m, batch in (
        *((3 * size + rest, size) for rest in (0, 1, size - 1)),
        (size, size),
        (size - 1, size),
        (1, size),
        (3, 1),
    ):
        orders = cut(random_mini_batches, m, batch, seed + 2)
        refuse_other_sizes(orders, m, batch)


def cut(answer: Answer, m: int, size: int, seed: int) -> list[np.ndarray]:
    """Return the indices of the images in each mini-batch that the answer makes of m images."""
    X = np.repeat(np.arange(m, dtype=np.float32), 12).reshape(m, 2, 2, 3)
    Y = np.repeat(np.arange(m, dtype=np.float32), 6).reshape(m, 6) + 0.5
    value = answer.call(X, Y, mini_batch_size=size, seed=seed)
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


def refuse_other_sizes(orders: list[np.ndarray], m: int, size: int) -> np.ndarray:
    """Raise a Fault unless m images are there once each, in batches of `size` and a last one.

    Return their indices in one array (m,).
    """
    sizes, seen = [len(order) for order in orders], np.concatenate([np.array([], int), *orders])
    whole, rest = divmod(m, size)
    right_sizes = [size] * whole + [rest] * (rest > 0)
    if 0 in sizes:
        raise Fault(
            f"{m} images with mini_batch_size={size} make the sizes {sizes}: there is an empty "
            "mini-batch, of size 0",
            f"{right_sizes}: no batch without an image",
            "the number of batches",
        )
    if rest and len(seen) == m - rest and set(sizes) <= {size}:
        raise Fault(
            f"{rest} of {m} images are left out: the last mini-batch is dropped",
            f"a last mini-batch of {rest} images",
            "the number of batches, rounded up",
        )
    if sorted(seen) != list(range(m)):
        missing = m - len(set(seen.tolist()))
        found = f"{missing} images are missing, {len(seen) - len(set(seen.tolist()))} come twice"
        raise Fault(found, "every image once", "how the order is cut into pieces")
    if len(sizes) == len(right_sizes) and max(sizes) - min(sizes) <= 1 and sizes != right_sizes:
        raise Fault(
            f"for {m} images and mini_batch_size={size} the sizes are {sizes}: they are levelled",
            f"{right_sizes}: whole batches, and what is left over in the last",
            "cuts at size, 2 * size, ...; np.array_split makes parts of nearly equal size",
        )
    if sizes != right_sizes:
        found = f"for {m} images and mini_batch_size={size} the sizes are {sizes}"
        raise Fault(found, f"{right_sizes}", "mini_batch_size and the cuts")
    return seen


@check(first_line="X, Y, parameters, optimizer, pools=(8, 4)")
def check_train_step(train_step, draw):
    """Check one step of plain gradient descent, on a linear stand-in for the network."""
    for m, rate in ((6, 0.1), (9, 0.02), (1, 0.05)):
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


@check(first_line="X, W1")
def check_answering_filters(answering_filters, draw):
    """Check the count of first-layer filters that are above zero anywhere, for any image."""
    for _ in range(2):
        m, dead, rare, edge, alive = filter_counts(draw)
        X = draw.uniform(0.2, 0.4, (m, 16, 12, 3)).astype(np.float32)
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
        judge_count(answering_filters, X, W1)
        judge_count(answering_filters, X[-1:], W1)
    judge_count(answering_filters, X, -np.abs(W1))  # none answers
    return judge_count(answering_filters, X, np.abs(W1) + 0.1)  # all do


def judge_count(answer: Answer, X: np.ndarray, W1: np.ndarray) -> str:
    """Raise a Fault unless the filters that answer are counted; return a remark, or nothing."""
    A1 = np.maximum(convolve(X, W1, 1, "SAME"), 0)
    above = A1 > 0
    expected = above.any((0, 1, 2)).sum()
    value = answer.call(X, {"variable": W1})
    if kind_of(value) != repr(value) and native(value) is not None and np.ndim(native(value)):
        raise Fault(f"the result is {kind_of(value)}", "one number: count the filters, sum")
    found = array_of("the result", value, ())
    valid = np.maximum(convolve(X, W1, 1, "VALID"), 0)
    mistakes = {
        ('as with padding "VALID"', 'padding="SAME", as in the network'): (
            (valid > 0).any((0, 1, 2)).sum()
        ),
        ("as if only the first image counted", "any image"): above[0].any((0, 1)).sum(),
        ("as many as there are images", "filters"): len(X),
        ("as many as are dead", "those that answer"): W1.shape[-1] - expected,
        ("as many as there are", "those above zero somewhere"): W1.shape[-1],
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
    return not_whole("answering_filters", native(value))
