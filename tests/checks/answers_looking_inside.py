"""Right and wrong answers of notebook 08."""

from bank import RETURN, TASKS, Task, changed, edit, right, wrong

TASKS |= {
    "weigh_maps": Task(
        ("weigh_maps",),
        """
def weigh_maps(maps, gradients):
    weights = gradients.mean(axis=(0, 1))
    heat = np.maximum(maps @ weights, 0)
    return heat / heat.max() if heat.max() > 0 else heat
""",
    ),
    "expected_calibration_error": Task(
        ("expected_calibration_error",),
        """
def expected_calibration_error(confidence, correct, bins=10):
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for k in np.unique(bin_of):
        inside = bin_of == k
        gap = abs(confidence[inside].mean() - correct[inside].mean())
        error += gap * inside.mean()
    return error
""",
    ),
}

# --- right ----------------------------------------------------------------------------------------

right(
    "weigh_maps",
    "einsum, and a small number below the line",
    """
    def weigh_maps(maps, gradients):
        weights = np.einsum("hwc->c", gradients) / (gradients.shape[0] * gradients.shape[1])
        heat = np.einsum("hwc,c->hw", maps, weights).clip(min=0)
        return heat / (heat.max() + 1e-12)
    """,
)
right(
    "weigh_maps",
    "a loop",
    """
    def weigh_maps(maps, gradients):
        heat = np.zeros(maps.shape[:2])
        for channel in range(maps.shape[2]):
            heat += np.mean(gradients[:, :, channel]) * maps[:, :, channel]
        heat[heat < 0] = 0
        if heat.max() == 0:
            return heat
        return heat / heat.max()
    """,
)
right(
    "weigh_maps",
    "TensorFlow",
    """
    def weigh_maps(maps, gradients):
        weights = tf.reduce_mean(gradients, axis=(0, 1))
        heat = tf.nn.relu(tf.reduce_sum(maps * weights, axis=-1))
        return tf.math.divide_no_nan(heat, tf.reduce_max(heat))
    """,
)
right(
    "expected_calibration_error",
    "bincount",
    """
    def expected_calibration_error(confidence, correct, bins=10):
        place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
        gaps = np.bincount(place, weights=confidence - correct, minlength=bins)
        return np.abs(gaps).sum() / len(confidence)
    """,
)
right(
    "expected_calibration_error",
    "edges",
    """
    def expected_calibration_error(confidence, correct, bins=10):
        edges, total = np.linspace(0, 1, bins + 1), 0
        for low, high in zip(edges[:-1], edges[1:]):
            inside = (confidence > low) & (confidence <= high)
            if inside.any():
                gap = np.mean(confidence[inside]) - np.mean(correct[inside])
                total += np.sum(inside) * np.abs(gap)
        return float(total / confidence.size)
    """,
)
right(
    "expected_calibration_error",
    "digitize",
    """
    def expected_calibration_error(confidence, correct, bins=10):
        place = np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1])
        parts = [place == k for k in range(bins)]
        gaps = [abs(sum(confidence[p]) - sum(correct[p])) for p in parts]
        return sum(gaps) / len(correct)
    """,
)

# --- wrong ----------------------------------------------------------------------------------------

WEIGH = "weigh_maps"
HEAT = "heat / heat.max() if heat.max() > 0 else heat"
changed(WEIGH, "not divided", HEAT, "heat", "maximum")
changed(WEIGH, "negative sums kept", "np.maximum(maps @ weights, 0)", "maps @ weights", "negative")
changed(WEIGH, "absolute", "np.maximum(maps @ weights, 0)", "np.abs(maps @ weights)", "absolute")
changed(WEIGH, "no guard", HEAT, "heat / heat.max()", ("zeros", "nan"))
changed(WEIGH, "divided by the sum", HEAT, "heat / max(heat.sum(), 1e-9)", "by its sum")
changed(WEIGH, "no gradients", "maps @ weights", "maps.sum(axis=2)", "gradients")
changed(WEIGH, "mean over channels", "axis=(0, 1)", "axis=2", ("shape", "matmul", "read"))
changed(WEIGH, "one number", "axis=(0, 1)", "", ("shape", "matmul", "scalar", "read"))
changed(
    WEIGH, "place by place", "maps @ weights", "(maps * gradients).sum(axis=2)", "place by place"
)
changed(
    WEIGH,
    "cut before the sum",
    "np.maximum(maps @ weights, 0)",
    "np.maximum(maps * weights, 0).sum(axis=2)",
    "before the sum",
)
changed(
    WEIGH,
    "negative weights cut",
    "maps @ weights",
    "maps @ np.maximum(weights, 0)",
    "before the sum",
)
changed(WEIGH, "channels kept", "maps @ weights", "maps * weights", "shape")
changed(
    WEIGH,
    "from least to greatest",
    "    heat = np.maximum(maps @ weights, 0)\n",
    "    heat = maps @ weights\n    heat = heat - heat.min()\n",
    "shifted",
)
changed(WEIGH, "divided if above 1", HEAT, "heat / max(heat.max(), 1)", "maximum")
changed(WEIGH, "divided by the greatest absolute value", HEAT,
        "heat / np.abs(maps @ weights).max()", "absolute")  # fmt: skip
changed(WEIGH, "None if empty", " else heat", " else None", "nothing speaks")
changed(WEIGH, "no return", "return ", "result = ", RETURN)

ECE = "expected_calibration_error"
changed(ECE, "bins count alike", "inside.mean()", "1 / len(np.unique(bin_of))", "alike")
changed(ECE, "all bins count alike", "inside.mean()", "1 / bins", "alike")
changed(ECE, "bins summed", "gap * inside.mean()", "gap", "summed")
changed(ECE, "answers summed", "inside.mean()", "inside.sum()", "summed")
changed(ECE, "gaps cancel", "abs(", "(", "cancel")
changed(ECE, "squared", "gap * inside.mean()", "gap**2 * inside.mean()", "squared")
changed(ECE, "the largest", "error += gap * inside.mean()", "error = max(error, gap)", "largest")
changed(ECE, "fixed bins", "* bins).astype(int), bins - 1", "* 10).astype(int), 9", "fixed")
changed(ECE, "an empty bin", "np.unique(bin_of)", "range(bins)", "nan")
changed(
    ECE,
    "1 in no bin",
    "np.minimum((confidence * bins).astype(int), bins - 1)",
    "(confidence * bins).astype(int)",
    ("confidence of 1", "bin"),
)
wrong(
    ECE,
    "no bins",
    """
    def expected_calibration_error(confidence, correct, bins=10):
        return abs(confidence.mean() - correct.mean())
    """,
    "all answers together",
)
wrong(
    ECE,
    "each answer",
    """
    def expected_calibration_error(confidence, correct, bins=10):
        return np.abs(confidence - correct).mean()
    """,
    "own gap",
)
changed(
    ECE, "the upper bins", "np.unique(bin_of)", "np.unique(bin_of[bin_of >= bins // 2])", "error"
)
changed(ECE, "not the first bin", "np.unique(bin_of)", "np.unique(bin_of)[1:]", "error")
changed(ECE, "middles", "confidence[inside].mean()", "(k + 0.5) / bins", "middles")
changed(ECE, "an array", "return error", "return np.array([error])", "one number")
changed(ECE, "no return", "return error", "error", RETURN)

# --- what one draw did not show -------------------------------------------------------------------

changed(WEIGH, "cut at 1", HEAT, "np.clip(heat, 0, 1)", "maximum")
changed(WEIGH, "divided if below 1", HEAT,
        "heat / heat.max() if 0 < heat.max() < 1 else heat", "divided")  # fmt: skip
changed(WEIGH, "squeezed", HEAT, "np.squeeze(heat / heat.max() if heat.max() > 0 else heat)",
        ("shape", "height"))  # fmt: skip
changed(WEIGH, "one channel is left as it is", "    heat =",
        "    if maps.shape[2] == 1:\n        return maps[..., 0]\n    heat =",
        "gradients")  # fmt: skip
changed(WEIGH, "square maps", "maps @ weights",
        "(maps.reshape(len(maps), len(maps), -1) @ weights)", ("reshape", "shape"))  # fmt: skip
right(WEIGH, "reshaped to rows of pixels",
      edit(WEIGH, ("maps @ weights",
                   "(maps.reshape(-1, maps.shape[2]) @ weights).reshape(maps.shape[:2])")),
)  # fmt: skip

changed(ECE, "another default", "bins=10", "bins=15", "error")
changed(ECE, "ten bins at least", "    error = 0.0",
        "    bins = max(bins, 10)\n"
        "    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)\n    error = 0.0",
        ("fixed", "error"))  # fmt: skip
changed(ECE, "bins of one answer are passed over", "        gap =",
        "        if inside.sum() < 2:\n            continue\n        gap =", "error")  # fmt: skip
changed(ECE, "bins without a right answer are passed over", "        gap =",
        "        if not correct[inside].any():\n            continue\n        gap =",
        "error")  # fmt: skip
changed(ECE, "sample deviation", "error += gap * inside.mean()",
        "error += gap * inside.sum() / max(1, len(correct) - 1)", "error")  # fmt: skip
right(ECE, "np.histogram",
      """
    def expected_calibration_error(confidence, correct, bins=10):
        edges = np.linspace(0, 1, bins + 1)
        sure, _ = np.histogram(confidence, edges, weights=confidence)
        right, _ = np.histogram(confidence, edges, weights=correct.astype(float))
        return np.abs(sure - right).sum() / len(confidence)
    """,
)  # fmt: skip
