"""The checks of notebook 08: Grad-CAM's map, and how far confidence can be believed."""

import numpy as np

from resnets.checks.core import Answer, Fault, array_of, check, explain


@check(first_line="maps, gradients")
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
    # The greatest sum is below 1, as in real maps, so that dividing by it has to be done; or above.
    gradients *= 0.4 / (maps @ gradients.mean(axis=(0, 1))).max()
    judge_heat(weigh_maps, maps, gradients)
    judge_heat(weigh_maps, maps, 8 * gradients)
    judge_heat(weigh_maps, draw.uniform(0, 2, (4, 3, 1)), draw.uniform(0.1, 1, (4, 3, 1)))
    judge_heat(weigh_maps, draw.uniform(1, 2, (1, 1, 3)), draw.uniform(0.1, 1, (1, 1, 3)))
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


def judge_heat(answer: Answer, maps: np.ndarray, gradients: np.ndarray) -> None:
    """Raise a Fault unless maps and gradients (height, width, channels) are weighed as they should.

    Some sum has to be above 0.
    """
    weights = gradients.mean(axis=(0, 1))
    total = maps @ weights
    expected = np.maximum(total, 0) / total.max()
    look = "each map times the mean of its gradients, summed over the channels"
    value = answer.call(maps, gradients)
    found = array_of("the result", value, maps.shape[:2], ("height", "width"))
    positive = np.maximum(total, 0)
    by_map = np.maximum((maps * weights).mean(axis=2), 0)
    pointwise = np.maximum((maps * gradients).sum(axis=2), 0)
    each = np.maximum(maps * weights, 0).sum(axis=2)
    plain = maps.sum(axis=2)
    spread = (total - total.min()) / max(np.ptp(total), 1e-9)
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
         "of its gradients over height and width"): pointwise / max(pointwise.max(), 1e-9),
        ("negative weights, or products with them, are left out before the sum",
         "all channels; only the sum is cut at 0"): each / max(each.max(), 1e-9),
        ("the gradients were not used", look): plain / plain.max(),
        ("these are the means over the channels, not divided by the maximum", look): by_map,
        ("the sum is divided by its sum", "by its maximum"): positive / positive.sum(),
    }  # fmt: skip
    explain("the map", found, expected, mistakes, look)


@check(first_line="confidence, correct, bins=10")
def check_expected_calibration_error(expected_calibration_error, draw):
    """Check the mean gap of confidence and accuracy over bins, weighed by their answers."""
    for count, bins, given in ((200, 10, {}), (90, 4, {"bins": 4}), (120, 15, {"bins": 15})):
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
        value = expected_calibration_error.call(confidence, correct, **given)
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
    for case, confidence, correct, bins in (
        ("one bin", draw.uniform(0.2, 0.6, 9), np.arange(9) < 8, 1),
        ("one answer", np.array([0.83]), np.array([True]), 5),
        ("all answers in one bin", draw.uniform(0.82, 0.98, 7), np.arange(7) < 2, 5),
        ("every confidence 1", np.ones(4), np.arange(4) < 3, 10),
        ("nothing right", draw.uniform(0.82, 0.98, 6), np.zeros(6, bool), 5),
        ("10 bins, the default", draw.uniform(0, 1, 60), draw.random(60) < 0.5, None),
    ):
        given = {} if bins is None else {"bins": bins}
        value = expected_calibration_error.call(confidence, correct, **given)
        found = array_of(f"the result for {case}", value, ())
        bin_of = np.minimum((confidence * (bins or 10)).astype(int), (bins or 10) - 1)
        gaps = np.abs(np.bincount(bin_of, confidence - correct))
        explain(f"for {case}, the error", found, gaps.sum() / len(correct), {}, look)
