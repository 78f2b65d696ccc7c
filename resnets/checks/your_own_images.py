"""The checks of notebook 07: what is held out of own pictures, and what is mistaken for what."""

from collections.abc import Iterable

import numpy as np

from resnets.checks.core import Answer, Fault, array_of, check, explain, kind_of, native, pair


@check(first_line="labels, share, seed=0")
def check_split_by_class(split_by_class, draw):
    """Check the parts: complete, disjoint, each class by its share, drawn by the seed."""
    counts, share = draw.permutation([19, 32, 46]), 0.3  # 30 % is 5.7, 9.6 and 13.8
    labels = draw.permutation(np.repeat(np.arange(3), counts))
    seed = int(draw.integers(100))
    held_out = judge_parts(split_by_class, labels, share, seed)
    again, other = (_parts(split_by_class, labels, share, s)[1] for s in (seed, seed + 1))
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
    # Whatever was drawn: more classes, fewer, labels with gaps, classes of which none is held out,
    # a part that is empty.
    for classes, counts, share in (
        ((0, 1, 2, 3, 4), (9, 4, 12, 7, 5), 0.5),
        ((0, 1), (6, 15), 0.3),
        ((2,), (8,), 0.4),
        ((1, 4, 9), (13, 7, 10), 0.3),
        ((0, 1, 2, 3), (12, 3, 1, 2), 0.3),  # none of the last three is held out
        ((0, 1), (3, 2), 0.2),
        ((0, 1, 2), (4, 5, 6), 0.0),
        ((0, 1, 2), (4, 5, 6), 1.0),
    ):
        labels = draw.permutation(np.repeat(classes, counts))
        judge_parts(split_by_class, labels, share, seed)


def _parts(answer: Answer, labels: np.ndarray, share: float, seed: int) -> list[np.ndarray]:
    """Return the two parts that the answer makes, each sorted: training, held out."""
    value = answer.call(labels, share, seed=seed)
    found = []
    for part in pair("split_by_class", value, "two arrays of indices: training, held out"):
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


def judge_parts(answer: Answer, labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Raise a Fault unless each class is held out by its share; return what is held out."""
    training, held_out = _parts(answer, labels, share, seed)
    classes, counts = np.unique(labels, return_counts=True)
    counts = counts.tolist()
    wanted = [int(share * count) for count in counts]
    found = [int(np.count_nonzero(labels[held_out] == label)) for label in classes]
    both = len(np.intersect1d(training, held_out))
    for label, count, w, f in zip(classes, counts, wanted, found, strict=True):
        if w == 0 < f == count:
            raise Fault(
                f"all {count} pictures of class {label} are held out, though "
                f"int({share:g} * {count}) is 0",
                f"none of class {label}",
                "a slice such as order[-k:] or order[:-k]: with k = 0 it is all, or nothing",
            )
        if w == 0 == f and not np.isin(np.flatnonzero(labels == label), training).any():
            raise Fault(
                f"the {count} pictures of class {label} are in neither part: "
                f"int({share:g} * {count}) is 0",
                f"all of class {label} in training",
                "a slice such as order[:-k]: with k = 0 it is empty",
            )
    if both:
        raise Fault(
            f"{both} pictures are in both parts",
            "each picture in one part",
            "training: what was not held out",
        )
    together = np.concatenate([training, held_out])
    if len(np.unique(together)) < len(labels) or len(together) > len(labels):
        raise Fault(
            f"the parts hold {len(together)} indices, {len(np.unique(together))} different ones",
            f"each of the {len(labels)} once",
            f"training: what was not held out; every class of the labels: {_listed(classes)}",
        )
    if found != wanted:
        raise Fault(
            *_odd_share(found, wanted, counts, labels, held_out, share),
            "a loop over the classes, np.unique(labels); int(share * number of the class)",
        )
    return held_out


def _listed(numbers: Iterable[object]) -> str:
    """Return numbers as text: 1, 4, 9."""
    return ", ".join(map(str, numbers))


def _neighbours(labels: np.ndarray, held_out: np.ndarray, label: int) -> bool:
    """Return whether a class's pictures that are held out stand side by side, the ends joined."""
    chosen = np.isin(np.flatnonzero(labels == label), held_out)
    return np.count_nonzero(chosen & ~np.roll(chosen, 1)) <= 1


def _odd_share(found, wanted, counts, labels, held_out, share) -> tuple[str, str]:
    """Return what is wrong with the numbers held out of each class, and what was expected."""
    numbers = f"of classes with {_listed(counts)} pictures"
    per_cent = f"{100 * share:g} %"
    expected = f"{_listed(wanted)}: {per_cent} of each class, rounded down"
    if found == [c - w for c, w in zip(counts, wanted, strict=True)]:
        return "the two parts are exchanged", "training first, then what is held out"
    if len(held_out) == int(share * len(labels)):
        return f"{numbers} {_listed(found)} are held out: {per_cent} of all together", expected
    return f"{numbers} {_listed(found)} are held out", expected


@check(first_line="expected, predicted, classes")
def check_confusion_matrix(confusion_matrix, draw):
    """Check the counts: a row for each class shown, a column for each class read."""
    for case, classes, count in (
        ("some", 3, 60),
        ("some", 5, 60),
        ("no right answer", 4, 30),
        ("a gap", 6, 40),
        ("one picture", 2, 1),
        ("one class", 3, 5),
    ):
        expected = draw.integers(classes, size=count)
        read = np.where(draw.random(count) < 0.5, expected, draw.integers(classes, size=count))
        expected[expected == classes - 1] = 0  # a class that no picture shows
        if case == "no right answer":
            read = (expected + draw.integers(1, classes, size=count)) % classes
        if case == "a gap":  # neither shown nor read; nor is the last one read
            expected[expected == 2] = read[(read == 2) | (read == classes - 1)] = 1
        if case == "one class":
            expected[:] = read[:] = 1
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
            ("these are shares of all pictures", "counts"): counts / count,
            ("only the right answers are counted", look): np.diag(np.diag(counts)),
            ("only the wrong answers are counted", look): counts - np.diag(np.diag(counts)),
        }  # fmt: skip
        explain("the matrix", found, counts, mistakes, look)
