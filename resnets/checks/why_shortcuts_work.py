"""The checks of notebook 05: a shortcut without weights, and whether two results differ."""

import numpy as np

from resnets.checks.core import Fault, array_of, check, explain, kind_of, native, sizes


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
