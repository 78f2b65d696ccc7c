"""The checks of notebook 06: distances, a learning rate that falls, smooth labels."""

import numpy as np

from resnets.checks.core import array_of, check, explain


@check(first_line="one, other")
def check_image_distance(image_distance, draw):
    """Check the root mean square of two small images' difference."""
    for height, width in ((16, 16), (5, 7), (1, 1)):
        shape = (height, width, 3)
        one, other = (draw.integers(256, size=shape).astype("float32") for _ in "ab")
        difference = one - other
        square = np.mean(difference**2)
        look = "the root of the mean of the squared differences"
        value = image_distance.call(one, other)
        found = array_of("the result", value, ())
        mistakes = {
            ("the root is missing", "np.sqrt of the mean"): square,
            ("the squares are summed", "the mean: over pixels and channels"): np.sqrt(
                np.sum(difference**2)
            ),
            ("these are absolute differences", look): np.mean(np.abs(difference)),
            ("the differences are not squared", look): np.mean(difference),
            ("the root comes before the mean", look): np.mean(np.sqrt(np.abs(difference))),
            ("the images are added", "their difference"): np.sqrt(np.mean((one + other) ** 2)),
        }
        explain("the distance", found, square**0.5, mistakes, look)
    found = array_of("the result", image_distance.call(one, one.copy()), ())
    explain("the distance of an image from itself", found, np.zeros(()), {}, look)


@check(first_line="labels, share")
def check_smooth_labels(smooth_labels, draw):
    """Check that a share of each label's 1 is spread over all classes, itself included."""
    for m, classes, share in (
        (5, 6, 0.1),
        (5, 4, 0.3),
        (5, 10, 0.0),
        (7, 7, 0.2),
        (1, 2, 0.5),
        (3, 5, 1.0),
    ):
        labels = np.eye(classes, dtype=np.float32)[draw.integers(classes, size=m)]
        look = "take the share off every label, then give each class an equal part"
        found = array_of(
            "the result",
            smooth_labels.call(labels, share),
            (m, classes),
            ("images", "classes"),
        )
        kept = labels * (1 - share)
        mistakes = {
            ("the labels are as they were", look): labels,
            ("nothing is given to the other classes", look): kept,
            ("each class gets the whole share", "share / classes"): kept + share,
            ("the share comes on top of the 1", "labels * (1 - share)"): labels + share / classes,
            ("the right class gets none of the share", "spread over all classes, its own too"): (
                kept + share / (classes - 1) * (1 - labels)
            ),
            ("the number of classes is fixed", "labels.shape[1]"): kept + share / 6,
            ("the number of images is taken for the classes", "labels.shape[1]"): kept + share / m,
        }
        explain("the labels", found, kept + share / classes, mistakes, look)


@check(first_line="part")
def check_cosine(cosine, draw):
    """Check the share of the peak that is left when a part of the fall is done."""
    for part in (*draw.uniform(0.15, 0.45, 2), 0.0, 0.5, 1.0):  # the ends hide mistakes
        look = "over half a circle, pi, a cosine falls from 1 to -1; bring that to 1 to 0"
        found = array_of("the result", cosine.call(float(part)), ())
        mistakes = {
            ("this falls on a straight line", look): 1 - part,
            ("this falls from 1 to -1", look): np.cos(np.pi * part),
            ("this rises", "the cosine falls: add it"): (1 - np.cos(np.pi * part)) / 2,
            ("this falls from 2 to 0", "half of it"): 1 + np.cos(np.pi * part),
            ("this falls along a quarter of a circle", look): np.cos(np.pi * part / 2),
            ("this comes back to 1", "pi * part, half a circle"): (
                (1 + np.cos(2 * np.pi * part)) / 2
            ),
            ("these are degrees", "np.cos takes radians: pi * part"): (
                (1 + np.cos(180 * part)) / 2
            ),
            ("pi is missing", "np.pi * part"): (1 + np.cos(part)) / 2,
        }
        explain(f"after the part {part:.2g}", found, (1 + np.cos(np.pi * part)) / 2, mistakes, look)
