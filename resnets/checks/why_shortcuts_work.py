"""The checks of notebook 05: a shortcut without weights, and whether two results differ."""

import numpy as np

from resnets.checks.core import Answer, Fault, array_of, check, explain, kind_of, native


@check(first_line="X, filters, stride")
def check_fit_shortcut(fit_shortcut, draw):
    """Check which pixels stay, and where the channels of zeros are, for every kind of remainder."""
    for stride in (2, 1, 3):
        for rest in sorted({stride - 1, 1 % stride, 0}, reverse=True):
            for more in (int(draw.integers(2, 7)), 0):
                sides = 3 * stride + rest, 2 * stride + (rest + 1) % stride
                shape = (1 if more else 2, *sides, int(draw.integers(2, 7)))
                judge_fitted(fit_shortcut, draw.normal(size=shape), shape[-1] + more, stride)


def judge_fitted(answer: Answer, images: np.ndarray, filters: int, stride: int) -> None:
    """Raise a Fault unless images (batch, height, width, channels) become what they should."""
    images = images.astype(np.float32)
    kept = images[:, ::stride, ::stride]
    more = filters - images.shape[-1]
    expected = np.pad(kept, [(0, 0), (0, 0), (0, 0), (0, more)])
    value = answer.call({"tensor": images}, filters, stride)
    look = "X[:, ::stride, ::stride], then zeros behind the channels"
    found = array_of("the result", value, expected.shape, look=look)
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


# Distances in sums of the two spreads, some near 1, and on other sides than the sum of the
# variances or of the spreads with ddof=1.
APART, TOGETHER = (1.05, 1.09, 1.5, 4.0), (0.0, 0.5, 0.9, 0.96)


@check(first_line="one, other")
def check_differ(differ, draw):
    """Check the comparison of a difference with two spreads, in an order that nobody can know."""
    answers = [True, False] * 6 + [bool(draw.integers(2)) for _ in range(draw.integers(4, 12))]
    for expected in draw.permutation(answers).tolist():
        distance = float(draw.choice(APART if expected else TOGETHER))
        spreads = draw.uniform(0.2, 0.4), draw.uniform(0.5, 0.9)
        distance *= sum(spreads) * draw.choice([-1, 1])
        # One far from the others: their median is not their mean.
        one = np.array([-0.5] * 4 + [2]) + draw.uniform(-0.1, 0.1, 5)
        other = draw.normal(size=draw.integers(2, 7))
        one, other = (values - values.mean() for values in (one, other))
        level = draw.uniform(2, 9)
        lists = [
            level + one / one.std() * spreads[1],
            level + distance + other / other.std() * spreads[0],
        ]
        lists = [np.round(values, 4).tolist() for values in lists]
        if draw.integers(2):
            lists.reverse()
        means, spreads = [np.mean(values) for values in lists], [np.std(values) for values in lists]
        case = (
            f"the means are {abs(means[0] - means[1]):.2f} apart, the spreads {spreads[0]:.2f} and "
            f"{spreads[1]:.2f}"
        )
        if means[1] < means[0]:
            case = f"the second mean is the smaller one: {case}"
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
