"""Domain shift: SIGNS's photographs as another camera might have taken other hands elsewhere."""

import dataclasses

import numpy as np
from PIL import Image

from resnets.hands import camera, colour, variation
from resnets_utils import DataError

CUT = dataclasses.replace(variation.ANY, clutter=0)


def cut_out(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a photograph's hand, the wall taken out of its edge (64, 64, 3), and where it is.

    SIGNS's walls are grey, its hands are not. The second array (64, 64) is 0 to 1.
    """
    pixels = image / 255
    colourful = camera.blur(np.ptp(pixels, axis=2) / pixels.max(axis=2).clip(0.05), 0.7)
    skin = np.clip((colourful - 0.16) / 0.1, 0, 1)
    wall = np.median(pixels[skin < 0.1], axis=0) if (skin < 0.1).any() else np.ones(3)
    share = skin[:, :, None]
    return np.clip((pixels - (1 - share) * wall) / np.maximum(share, 0.3), 0, 1), skin


def frame(skin: np.ndarray, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Return the box (left, up, right, down) that a hand in front of a camera might fill."""
    rows, columns = np.nonzero(skin > 0.5)
    top, width = rows.min(), np.ptp(columns)
    height = min(rows.max() - top, 1.6 * width + 8)  # hand and wrist, not the arm
    side = max(height, width) * rng.uniform(1.0, 1.25)
    left = columns[rows <= top + height].mean() - side / 2
    up = top + height / 2 - side / 2 + rng.normal(0, 0.03) * side
    return left, up, left + side, up + side


def crop(channel: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """Return a box of `channel` (64, 64) at (64, 64), zeros where it reaches out of it."""
    wide = Image.fromarray(np.pad(channel, 64).astype(np.float32))
    shifted = tuple(v + 64 for v in box)
    return np.clip(wide.resize((64, 64), Image.Resampling.BICUBIC, box=shifted), 0, 1)


def shift_domain(image: np.ndarray, seed: int, index: int) -> np.ndarray:
    """Return a photograph (64, 64, 3) as another camera might have taken it elsewhere.

    Args:
        image: uint8 (64, 64, 3), a photograph of SIGNS.
        seed: 0 or more.
        index: Its place among the photographs; seed and index decide what changes.

    Returns:
        uint8 (64, 64, 3): the hand framed anew, mirrored or not, in other colours, before another
        wall, through the renderer's camera.

    Raises:
        DataError: The photograph shows no hand.
    """
    rng = np.random.default_rng([seed, index])
    hand, skin = cut_out(image)
    if np.count_nonzero(skin > 0.5) < 50:
        raise DataError(f"photograph {index}: found no hand.")
    box = frame(skin, rng)
    share = crop(skin, box)[:, :, None]
    hand = colour.linear(np.stack([crop(c, box) for c in np.moveaxis(hand, 2, 0)], axis=2))
    hand = hand * rng.uniform(0.5, 1.4) * np.exp(rng.normal(0, 0.08, 3))
    light = share * hand + (1 - share) * colour.wall(64, CUT, rng)
    if rng.random() < 0.5:
        light = light[:, ::-1]
    return camera.photograph(light, CUT, rng)


def shift_domains(
    images: np.ndarray, labels: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return all photographs (m, 64, 64, 3) that show a hand, shifted, and their labels (m,).

    Prints which photographs show none.
    """
    kept, found = [], []
    for index, image in enumerate(images):
        try:
            found.append(shift_domain(image, seed, index))
            kept.append(index)
        except DataError as error:
            print(error)
    return np.stack(found), labels[kept]
