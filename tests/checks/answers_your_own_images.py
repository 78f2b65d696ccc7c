"""Right and wrong answers of notebook 07."""

from bank import RETURN, TASKS, Task, changed, edit, right, wrong

TASKS |= {
    "split_by_class": Task(
        ("split_by_class",),
        """
def split_by_class(labels, share, seed=0):
    generator, held_out = np.random.default_rng(seed), []
    for label in np.unique(labels):
        indices = generator.permutation(np.flatnonzero(labels == label))
        held_out.extend(indices[: int(share * len(indices))])
    return np.setdiff1d(np.arange(len(labels)), held_out), np.sort(held_out)
""",
    ),
    "confusion_matrix": Task(
        ("confusion_matrix",),
        """
def confusion_matrix(expected, predicted, classes):
    counts = np.zeros((classes, classes), int)
    for row, column in zip(expected, predicted, strict=True):
        counts[row, column] += 1
    return counts
""",
    ),
}

# --- right ----------------------------------------------------------------------------------------

right(
    "split_by_class",
    "choice and a mask",
    """
    def split_by_class(labels, share, seed=0):
        rng = np.random.default_rng(seed)
        mask = np.zeros(len(labels), bool)
        for label in set(labels.tolist()):
            (places,) = np.where(labels == label)
            mask[rng.choice(places, int(len(places) * share), replace=False)] = True
        return np.where(~mask)[0], np.where(mask)[0]
    """,
)
right(
    "split_by_class",
    "lists, in any order",
    """
    import random

    def split_by_class(labels, share, seed=0):
        random.seed(seed)
        training, held_out = [], []
        for label in sorted(set(labels)):
            places = [i for i, one in enumerate(labels) if one == label]
            random.shuffle(places)
            cut = int(len(places) * share)
            held_out += places[:cut]
            training += places[cut:]
        return training, held_out
    """,
)
right(
    "confusion_matrix",
    "np.add.at",
    """
    def confusion_matrix(expected, predicted, classes):
        counts = np.zeros([classes, classes])
        np.add.at(counts, (expected, predicted), 1)
        return counts
    """,
)
right(
    "confusion_matrix",
    "bincount",
    """
    def confusion_matrix(expected, predicted, classes):
        pairs = np.asarray(expected) * classes + np.asarray(predicted)
        return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    """,
)
right(
    "confusion_matrix",
    "small integers",
    """
    def confusion_matrix(expected, predicted, classes):
        counts = np.zeros((classes, classes), "uint16")
        for pair in zip(expected, predicted):
            counts[pair] += 1
        return counts
    """,
)
right(
    "confusion_matrix",
    "TensorFlow",
    """
    def confusion_matrix(expected, predicted, classes):
        return tf.math.confusion_matrix(expected, predicted, classes)
    """,
)
right(
    "confusion_matrix",
    "one-hot product",
    """
    def confusion_matrix(expected, predicted, classes):
        return np.eye(classes)[expected].T @ np.eye(classes)[predicted]
    """,
)

# --- wrong ----------------------------------------------------------------------------------------

SPLIT = "split_by_class"
BOTH = "np.setdiff1d(np.arange(len(labels)), held_out), np.sort(held_out)"
changed(SPLIT, "not by class", "np.flatnonzero(labels == label)", "np.arange(len(labels))", "once")
wrong(
    SPLIT,
    "a share of all",
    """
    def split_by_class(labels, share, seed=0):
        places = np.random.default_rng(seed).permutation(len(labels))
        count = int(share * len(labels))
        return places[count:], places[:count]
    """,
    "all together",
)
changed(
    SPLIT,
    "the first of each class",
    "generator.permutation(np.flatnonzero(labels == label))",
    "np.flatnonzero(labels == label)",
    "random",
)
changed(SPLIT, "exchanged", BOTH, "np.sort(held_out), " + BOTH.split(", np.sort")[0], "exchanged")
changed(SPLIT, "all in training", BOTH, "np.arange(len(labels)), np.sort(held_out)", "both parts")
changed(SPLIT, "no seed", "default_rng(seed)", "default_rng()", "same seed")
changed(SPLIT, "fixed seed", "default_rng(seed)", "default_rng(0)", "seed")
changed(SPLIT, "one too many", "int(share * len(indices))", "int(share * len(indices)) + 1", "down")
changed(
    SPLIT, "rounded up", "int(share * len(indices))", "int(np.ceil(share * len(indices)))", "down"
)
changed(SPLIT, "rounded", "int(share * len(indices))", "round(share * len(indices))", "down")
changed(
    SPLIT,
    "rolled",
    "generator.permutation(np.flatnonzero(labels == label))",
    "np.roll(np.flatnonzero(labels == label), seed + 3)",
    "random",
)
changed(SPLIT, "a list of arrays", "held_out.extend(", "held_out.append(", ("lengths", "part"))
wrong(
    SPLIT,
    "lists of arrays",
    """
    def split_by_class(labels, share, seed=0):
        generator, parts = np.random.default_rng(seed), ([], [])
        for label in np.unique(labels):
            indices = generator.permutation(np.flatnonzero(labels == label))
            parts[1].append(indices[: int(share * len(indices))])
            parts[0].append(indices[int(share * len(indices)) :])
        return parts
    """,
    "lengths",
)
changed(SPLIT, "floats", BOTH, BOTH.replace("np.sort(held_out)", "np.sort(held_out) * 1.0"),
        "whole")  # fmt: skip
changed(SPLIT, "a column", BOTH, BOTH.replace("np.sort(held_out)", "np.sort(held_out)[:, None]"),
        "whole")  # fmt: skip
changed(SPLIT, "half", "int(share * len(indices))", "len(indices) // 2", "30 %")
changed(SPLIT, "labels in place of indices", BOTH, "labels[0:9], labels[9:]", ("both", "different"))
changed(SPLIT, "held out only", BOTH, "np.sort(held_out)", "two arrays")
changed(SPLIT, "a mask", BOTH, "np.isin(np.arange(len(labels)), held_out), held_out", "part")
changed(SPLIT, "no return", "return ", "parts = ", RETURN)

CONFUSION = "confusion_matrix"
changed(CONFUSION, "exchanged", "counts[row, column]", "counts[column, row]", "exchanged")
changed(CONFUSION, "marks", "+= 1", "= 1", "once")
changed(
    CONFUSION,
    "fancy index",
    """    for row, column in zip(expected, predicted, strict=True):
        counts[row, column] += 1
""",
    "    counts[expected, predicted] += 1\n",
    "once",
)
changed(CONFUSION, "shares", "return counts", "return counts / len(expected)", "shares")
changed(
    CONFUSION,
    "shares of rows",
    "return counts",
    "return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)",
    "row",
)
changed(CONFUSION, "right only", "return counts", "return np.diag(np.diag(counts))", "right")
changed(
    CONFUSION, "wrong only", "return counts", "return counts - np.diag(np.diag(counts))", "wrong"
)
changed(CONFUSION, "as large as the labels", "(classes, classes)", "(max(expected) + 1,) * 2", "")
changed(CONFUSION, "six classes", "(classes, classes)", "(6, 6)", "shape")
changed(CONFUSION, "began at one", "np.zeros", "np.ones", ("matrix", "is"))
changed(CONFUSION, "right answers counted", "return counts", "return np.diag(counts)", "shape")
changed(CONFUSION, "accuracy", "return counts", "return np.trace(counts) / len(expected)", "shape")
changed(CONFUSION, "no return", "return ", "matrix = ", RETURN)

# --- what one draw did not show -------------------------------------------------------------------

changed(SPLIT, "three classes", "np.unique(labels)", "range(3)", ("different ones", "%", "neither"))
changed(SPLIT, "as many classes as differ, from 0 on", "np.unique(labels)",
        "range(len(np.unique(labels)))", ("%", "neither", "different ones"))  # fmt: skip
changed(SPLIT, "up to the largest, not included", "np.unique(labels)", "range(max(labels))", "%")
changed(SPLIT, "the last ones, by minus k", "indices[: int(share * len(indices))]",
        "indices[-int(share * len(indices)) :]", "int(0.3 * 3) is 0")  # fmt: skip
wrong(
    SPLIT,
    "all but the last ones, by minus k",
    """
    def split_by_class(labels, share, seed=0):
        rng, training, held_out = np.random.default_rng(seed), [], []
        for label in np.unique(labels):
            order = rng.permutation(np.flatnonzero(labels == label))
            k = int(share * len(order))
            training.extend(order[:-k])
            held_out.extend(order[len(order) - k :])
        return np.array(training, int), np.array(held_out, int)
    """,
    ("neither part", "k = 0"),
)
wrong(
    SPLIT,
    "both by minus k",
    """
    def split_by_class(labels, share, seed=0):
        rng, training, held_out = np.random.default_rng(seed), [], []
        for label in np.unique(labels):
            order = rng.permutation(np.flatnonzero(labels == label))
            k = int(share * len(order))
            training.extend(order[:-k])
            held_out.extend(order[-k:])
        return np.array(training, int), np.array(held_out, int)
    """,
    "k = 0",
)
changed(SPLIT, "at least one", "int(share * len(indices))", "max(1, int(share * len(indices)))",
        ("down", "is 0"))  # fmt: skip
changed(SPLIT, "never all", "int(share * len(indices))",
        "min(len(indices) - 1, int(share * len(indices)))", "100 %")  # fmt: skip
changed(SPLIT, "0.3 written in", "int(share * len(indices))", "int(0.3 * len(indices))", "50 %")
changed(SPLIT, "classes of less than four left out", "    for label in np.unique(labels):\n",
        """    labels = labels.copy()
    small = [k for k in np.unique(labels) if np.count_nonzero(labels == k) < 4]
    dropped = np.flatnonzero(np.isin(labels, small))
    for label in np.unique(labels):
        if label in small:
            held_out.extend(dropped[labels[dropped] == label])
            continue
""", "are held out")  # fmt: skip
right(
    SPLIT,
    "up to the largest label",
    edit(SPLIT, ("np.unique(labels)", "range(labels.max() + 1)")),
)
right(
    SPLIT,
    "Python's lists and sets",
    """
    def split_by_class(labels, share, seed=0):
        rng, held_out = random.Random(seed), set()
        for label in sorted(set(labels.tolist())):
            mine = [i for i in range(len(labels)) if labels[i] == label]
            held_out |= set(rng.sample(mine, int(share * len(mine))))
        return [i for i in range(len(labels)) if i not in held_out], sorted(held_out)
    """,
)
right(
    SPLIT,
    "np.split, which minds no k of 0",
    """
    def split_by_class(labels, share, seed=0):
        rng, parts = np.random.default_rng(seed), ([], [])
        for label in np.unique(labels):
            order = rng.permutation(np.flatnonzero(labels == label))
            held_out, training = np.split(order, [int(share * len(order))])
            parts[0].append(training)
            parts[1].append(held_out)
        return np.concatenate(parts[0]), np.concatenate(parts[1])
    """,
)

changed(CONFUSION, "as large as what is read", "(classes, classes)",
        "(max(predicted) + 1,) * 2", "")  # fmt: skip
changed(CONFUSION, "as many as differ", "(classes, classes)",
        "(len(set([*expected, *predicted])),) * 2", "")  # fmt: skip
wrong(
    CONFUSION,
    "only classes that are shown",
    """
    def confusion_matrix(expected, predicted, classes):
        rows = np.unique(expected)
        return np.array([[np.sum((expected == r) & (predicted == c)) for c in range(classes)]
                         for r in rows])
    """,
    "shape",
)
wrong(
    CONFUSION,
    "squeezed",
    """
    def confusion_matrix(expected, predicted, classes):
        one, other = np.squeeze(expected), np.squeeze(predicted)
        return sum(np.outer(np.eye(classes)[a], np.eye(classes)[b]) for a, b in zip(one, other))
    """,
    ("0-d", "iter", "zip"),
)
