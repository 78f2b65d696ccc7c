"""The checks of notebook 07: what is held out of own pictures, and what is mistaken for what."""

import numpy as np

from resnets.checks.core import Fault, array_of, check, explain, kind_of, native, pair


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
        return found[0], found[1]

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
