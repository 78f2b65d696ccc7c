"""Right and wrong answers of notebook 05."""

from bank import RETURN, TASKS, Task, changed, edit, right, wrong

TASKS |= {
    "fit_shortcut": Task(
        ("fit_shortcut",),
        """
def fit_shortcut(X, filters, stride):
    X = X[:, ::stride, ::stride]
    return keras.ops.pad(X, [(0, 0), (0, 0), (0, 0), (0, filters - X.shape[-1])])
""",
    ),
    "differ": Task(
        ("differ",),
        """
def differ(one, other):
    apart = abs(np.mean(one) - np.mean(other))
    return apart > np.std(one) + np.std(other)
""",
    ),
}

# --- right ----------------------------------------------------------------------------------------

right(
    "fit_shortcut",
    "zeros joined",
    """
    def fit_shortcut(X, filters, stride):
        kept = X[:, ::stride, ::stride, :]
        zeros = tf.zeros_like(kept[..., :1])
        return tf.concat([kept] + [zeros] * (filters - kept.shape[3]), axis=-1)
    """,
)
right(
    "fit_shortcut",
    "max pooling and tf.pad",
    """
    def fit_shortcut(X, filters, stride):
        X = tf.nn.max_pool2d(X, 1, stride, "SAME") if stride > 1 else X
        return tf.pad(X, [[0, 0]] * 3 + [[0, filters - X.shape[-1]]])
    """,
)
right(
    "differ",
    "means first",
    """
    def differ(one, other):
        a, b = np.array(one), np.array(other)
        return bool(np.abs(a.mean() - b.mean()) > a.std() + b.std())
    """,
)
right(
    "differ",
    "standard library",
    """
    from statistics import mean, pstdev

    def differ(one, other):
        return abs(mean(one) - mean(other)) > pstdev(one) + pstdev(other)
    """,
)

# --- wrong ----------------------------------------------------------------------------------------

FIT = "fit_shortcut"
changed(FIT, "zeros before", "(0, filters - X.shape[-1])", "(filters - X.shape[-1], 0)", "before")

PADDED = "keras.ops.pad(X, [(0, 0), (0, 0), (0, 0), (0, filters - X.shape[-1])])"
changed(FIT, "no padding", PADDED, "X", ("channels", "shape"))
changed(FIT, "all pixels", "X = X[:, ::stride, ::stride]", "pass", ("height", "shape"))
changed(FIT, "height only", "::stride, ::stride", "::stride", ("width", "shape"))
changed(FIT, "filters too many", "filters - X.shape[-1]", "filters", ("channels", "shape"))
changed(FIT, "stride 2 always", "::stride, ::stride", "::2, ::2", ("height", "shape"))
changed(FIT, "later pixels", "::stride, ::stride", "stride - 1::stride, stride - 1::stride",
        ("later", "shape", "height"))  # fmt: skip
changed(FIT, "ones", "(0, filters - X.shape[-1])])",
        "(0, filters - X.shape[-1])], constant_values=1)", "result")  # fmt: skip
changed(FIT, "half before, half behind", "(0, filters - X.shape[-1])",
        "((filters - X.shape[-1]) // 2, (filters - X.shape[-1] + 1) // 2)", "result")  # fmt: skip
changed(FIT, "three pairs", "(0, 0), (0, 0), (0, 0)", "(0, 0), (0, 0)", "pad_width")
changed(FIT, "no return", "return ", "X = ", RETURN)

DIFFER = "differ"
SUM = "np.std(one) + np.std(other)"
changed(DIFFER, "no abs", "abs(np.mean(one) - np.mean(other))", "np.mean(one) - np.mean(other)",
        "abs")  # fmt: skip
changed(DIFFER, "variances", SUM, "np.var(one) + np.var(other)", "spread")
changed(DIFFER, "ddof=1", SUM, "np.std(one, ddof=1) + np.std(other, ddof=1)", "ddof=0")
changed(DIFFER, "in squares", SUM, "np.hypot(np.std(one), np.std(other))", "spread")
changed(DIFFER, "medians", "abs(np.mean(one) - np.mean(other))",
        "abs(np.median(one) - np.median(other))", "means")  # fmt: skip
changed(DIFFER, "ranges", "apart > " + SUM, "max(min(one), min(other)) > min(max(one), max(other))",
        "spread")  # fmt: skip
changed(DIFFER, "lists cleared", "return apart > " + SUM,
        "found = apart > " + SUM + "\n    one.clear()\n    return found", "in place")  # fmt: skip
changed(DIFFER, "one spread", SUM, "np.std(one)", "spread")
changed(DIFFER, "the smaller spread", SUM, "min(np.std(one), np.std(other))", "spread")
changed(DIFFER, "product", SUM, "np.std(one) * np.std(other)", "spread")
changed(DIFFER, "twice", SUM, "2 * (np.std(one) + np.std(other))", "spread")
changed(DIFFER, "always", "apart > " + SUM, "apart > 0", "spread")
changed(DIFFER, "turned round", "apart > ", "apart < ", "apart")
changed(DIFFER, "the distance", "return apart > " + SUM, "return apart", "true or false")
changed(DIFFER, "no return", "return ", "found = ", RETURN)

# --- what one draw did not show -------------------------------------------------------------------

changed(FIT, "nothing to do for stride 1", "    X = X[:, ::stride, ::stride]",
        "    if stride == 1:\n        return X\n    X = X[:, ::stride, ::stride]",
        ("channels", "shape"))  # fmt: skip
changed(
    FIT, "as many channels again", "filters - X.shape[-1]", "X.shape[-1]", ("channels", "shape")
)
changed(FIT, "rounded down", "::stride, ::stride]",
        ": X.shape[1] // stride * stride : stride, : X.shape[2] // stride * stride : stride]",
        ("height", "width"))  # fmt: skip
changed(FIT, "the last row left out", "::stride, ::stride]", ":-1:stride, ::stride]", "height")
changed(FIT, "the last column left out", "::stride, ::stride]", "::stride, :-1:stride]", "width")
changed(FIT, "squeezed", "X = X[:, ::stride, ::stride]",
        "X = X[:, ::stride, ::stride]\n    X = tf.squeeze(X)[None] if len(X) == 1 else X[:1]",
        ("batch", "shape"))  # fmt: skip
wrong(
    FIT,
    "at least one channel of zeros",
    """
    def fit_shortcut(X, filters, stride):
        X = X[:, ::stride, ::stride]
        missing = max(1, filters - X.shape[-1])
        return tf.concat([X, tf.zeros((*X.shape[:3], missing))], axis=-1)
    """,
    ("channels", "shape"),
)
right(
    FIT,
    "an image at a time",
    """
    def fit_shortcut(X, filters, stride):
        X = np.asarray(X)[:, ::stride, ::stride]
        fitted = np.zeros((*X.shape[:3], filters), X.dtype)
        fitted[..., : X.shape[3]] = X
        return tf.constant(fitted)
    """,
)

for name, sequence in (
    ("the old order", "[True, True, False, False, False, True, True]"),
    ("in turn", "[True, False]"),
    ("pairs", "[True, True, False, False]"),
    ("always true", "[True]"),
    ("never true", "[False]"),
):
    wrong(DIFFER, f"answers from a list, {name}",
          f"""
import itertools

answers = itertools.cycle({sequence})

def differ(one, other):
    return next(answers)
""", "spread")  # fmt: skip
wrong(
    DIFFER,
    "a coin",
    """
    def differ(one, other):
        return random.random() < 0.5
    """,
    "spread",
)
changed(DIFFER, "the spread of both together", SUM, "2 * np.std(one + other)", "spread")
changed(DIFFER, "five results in each", SUM, "np.std(one[:5]) + np.std(other[:2])", "spread")
changed(DIFFER, "standard errors", SUM,
        "np.std(one) / len(one) ** 0.5 + np.std(other) / len(other) ** 0.5", "spread")  # fmt: skip
right(DIFFER, "np.ptp is not asked for, 0 or 1 is fine",
      edit(DIFFER, ("return apart >", "return 1 * (apart >")).rstrip() + ")\n",
)  # fmt: skip
