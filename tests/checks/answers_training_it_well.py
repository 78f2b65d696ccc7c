"""Right and wrong answers of notebook 06."""

from bank import RETURN, TASKS, Task, changed, edit, right

TASKS |= {
    "image_distance": Task(
        ("image_distance",),
        """
def image_distance(one, other):
    return np.sqrt(np.mean((one - other) ** 2))
""",
    ),
    "smooth_labels": Task(
        ("smooth_labels",),
        """
def smooth_labels(labels, share):
    classes = labels.shape[1]
    return labels * (1 - share) + share / classes
""",
    ),
    "cosine": Task(
        ("cosine",),
        """
def cosine(part):
    return (1 + np.cos(np.pi * part)) / 2
""",
    ),
}

# --- right ----------------------------------------------------------------------------------------

right(
    "image_distance",
    "norm over the root of the count",
    """
    def image_distance(one, other):
        difference = (one - other).ravel()
        return np.linalg.norm(difference) / np.sqrt(difference.size)
    """,
)
right(
    "image_distance",
    "TensorFlow",
    """
    def image_distance(one, other):
        return tf.sqrt(tf.reduce_mean(tf.square(tf.subtract(one, other))))
    """,
)
right(
    "image_distance",
    "standard library",
    """
    def image_distance(one, other):
        squares = [float(d) ** 2 for d in np.asarray(one - other).flat]
        return (sum(squares) / len(squares)) ** 0.5
    """,
)
right(
    "smooth_labels",
    "a mixture with the uniform distribution",
    """
    def smooth_labels(labels, share):
        uniform = np.ones_like(labels) / len(labels[0])
        return (1 - share) * labels + share * uniform
    """,
)
right(
    "smooth_labels",
    "TensorFlow",
    """
    def smooth_labels(labels, share):
        return tf.convert_to_tensor(labels) * (1 - share) + share / labels.shape[-1]
    """,
)
right(
    "smooth_labels",
    "np.where",
    """
    def smooth_labels(labels, share):
        m, classes = labels.shape
        other = share / classes
        return np.where(labels == 1, 1 - share + other, other)
    """,
)
right(
    "cosine",
    "math",
    """
    import math

    def cosine(part):
        return 0.5 * (1 + math.cos(math.pi * part))
    """,
)
right(
    "cosine",
    "squared half angle",
    """
    def cosine(part):
        return np.cos(part * np.pi / 2) ** 2
    """,
)
right(
    "cosine",
    "TensorFlow",
    """
    def cosine(part):
        return 0.5 + tf.cos(part * 3.14159265) / 2
    """,
)

# --- wrong ----------------------------------------------------------------------------------------

DISTANCE = "image_distance"
changed(
    DISTANCE,
    "no root",
    "np.sqrt(np.mean((one - other) ** 2))",
    "np.mean((one - other) ** 2)",
    "root",
)
changed(DISTANCE, "sum", "np.mean", "np.sum", "mean")
changed(
    DISTANCE,
    "absolute",
    "np.sqrt(np.mean((one - other) ** 2))",
    "np.mean(np.abs(one - other))",
    "squared",
)
changed(
    DISTANCE,
    "not squared",
    "np.sqrt(np.mean((one - other) ** 2))",
    "np.mean(one - other)",
    "squared",
)
changed(DISTANCE, "added", "one - other", "one + other", "difference")
changed(DISTANCE, "cubed", "** 2", "** 4", ("squared", "root"))
changed(DISTANCE, "per channel", "** 2)", "** 2, axis=(0, 1))", ("one number", "shape"))
changed(DISTANCE, "per image row", "** 2)", "** 2, axis=0)", ("one number", "shape"))
changed(DISTANCE, "only a channel", "(one - other)", "(one[..., 0] - other[..., 0])", "root")
changed(DISTANCE, "divided by 255", "(one - other)", "((one - other) / 255)", "root")
changed(DISTANCE, "no return", "return ", "distance = ", RETURN)

SMOOTH = "smooth_labels"
MIX = "labels * (1 - share) + share / classes"
changed(SMOOTH, "unchanged", MIX, "labels", "as they were")
changed(SMOOTH, "taken off only", MIX, "labels * (1 - share)", "nothing is given")
changed(SMOOTH, "whole share", "share / classes", "share", "share / classes")
changed(SMOOTH, "on top", "labels * (1 - share)", "labels", "on top")
changed(
    SMOOTH,
    "the others only",
    MIX,
    "labels * (1 - share) + (1 - labels) * share / (classes - 1)",
    "right class",
)
changed(SMOOTH, "six classes", "share / classes", "share / 6", "fixed")
changed(SMOOTH, "images for classes", "labels.shape[1]", "labels.shape[0]", "number of images")
changed(SMOOTH, "0.1 written in", MIX, "labels * 0.9 + 0.1 / classes", "share")
changed(SMOOTH, "minus", ") + share", ") - share", "share")
changed(
    SMOOTH, "in place", MIX, "np.add(labels * (1 - share), share / classes, out=labels)", "in place"
)
changed(
    SMOOTH,
    "transposed",
    "return labels * (1 - share) + share / classes",
    "return (labels * (1 - share) + share / classes).T",
    "shape",
)
changed(SMOOTH, "no return", "return ", "smoothed = ", RETURN)

COSINE = "cosine"
FALL = "(1 + np.cos(np.pi * part)) / 2"
changed(COSINE, "straight", FALL, "1 - part", "straight")
changed(COSINE, "to -1", FALL, "np.cos(np.pi * part)", "-1")
changed(COSINE, "rises", "1 + np.cos", "1 - np.cos", "rises")
changed(COSINE, "not halved", FALL, "1 + np.cos(np.pi * part)", "half")
changed(COSINE, "quarter", FALL, "np.cos(np.pi * part / 2)", "quarter")
changed(COSINE, "whole wave", "np.pi * part", "2 * np.pi * part", "back")
changed(COSINE, "degrees", "np.pi * part", "180 * part", "radians")
changed(COSINE, "no pi", "np.pi * part", "part", "pi")
changed(COSINE, "sine", "np.cos", "np.sin", "cosine")
changed(COSINE, "brackets", FALL, "1 + np.cos(np.pi * part) / 2", "cosine")
changed(COSINE, "np.radians", "np.pi * part", "np.radians(part)", "pi")
changed(
    COSINE, "an array", FALL, "np.array([(1 + np.cos(np.pi * part)) / 2])", ("one number", "shape")
)
changed(COSINE, "no return", "return ", "share = ", RETURN)

# --- what one draw did not show -------------------------------------------------------------------

changed(DISTANCE, "square images", "(one - other)",
        "(one - other).reshape(len(one), len(one), 3)", ("reshape", "shape"))  # fmt: skip
changed(DISTANCE, "16x16 pixels", "np.mean((one - other) ** 2)",
        "np.sum((one - other) ** 2) / 768", "distance")  # fmt: skip
changed(DISTANCE, "not quite zero", "np.mean((one - other) ** 2)",
        "np.mean((one - other) ** 2) + 0.01", "itself")  # fmt: skip
changed(DISTANCE, "sample variance", "np.mean((one - other) ** 2)",
        "np.sum((one - other) ** 2) / (one.size - 1)", "distance")  # fmt: skip
right(DISTANCE, "by einsum",
      edit(DISTANCE, ("np.mean((one - other) ** 2)",
                      "np.einsum('hwc,hwc->', one - other, one - other) / one.size")),
)  # fmt: skip
changed(SMOOTH, "one image less", "share / classes", "share / max(1, len(labels) - 1)", "label")
changed(SMOOTH, "squeezed", "labels * (1 - share) + share / classes",
        "np.squeeze(labels * (1 - share) + share / classes)", "shape")  # fmt: skip
changed(SMOOTH, "nothing for one image", "    classes =",
        "    if len(labels) == 1:\n        return labels\n    classes =",
        "as they were")  # fmt: skip
changed(SMOOTH, "never the whole", "    classes =",
        "    share = min(share, 0.9)\n    classes =", "label")  # fmt: skip
changed(
    COSINE, "never quite the end", FALL, "max(0.01, (1 + np.cos(np.pi * part)) / 2)", "1 is 0.01"
)
