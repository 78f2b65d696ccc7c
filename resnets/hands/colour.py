"""Colours before any light falls on them: skin, its creases and nails, the wall behind it."""

import numpy as np
from PIL import Image

from resnets.hands.anatomy import FOREARM, Shape
from resnets.hands.camera import blur
from resnets.hands.variation import Variation

# The Monk Skin Tone scale, light to dark.
MONK = "f6ede4 f3e7db f7ead0 eadaba d7bd96 a07e56 825c43 604134 3a312a 292420"
SKIN = np.frombuffer(bytes.fromhex(MONK), np.uint8).reshape(-1, 3) / 255


def linear(colour: np.ndarray) -> np.ndarray:
    """Return amounts of light for colours as screens write them."""
    return np.maximum(colour, 0) ** 2.2


def noise(n: int, coarse: int, rng: np.random.Generator) -> np.ndarray:
    """Return a smooth random field (n, n) of about -1 to 1 with `coarse` bumps per side."""
    small = Image.fromarray(rng.normal(0, 0.5, (coarse, coarse)).astype(np.float32))
    return np.asarray(small.resize((n, n), Image.Resampling.BICUBIC))


def skin(tone: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the colours (3,), (3,) of the back and of the palm, which is pinker and lighter."""
    steps = np.arange(len(SKIN))
    back = np.array([np.interp(tone * (len(SKIN) - 1), steps, c) for c in SKIN.T])
    back = back * (1 + rng.normal(0, 0.03, 3))
    blood = 0.75 * rng.uniform(0.45, 0.9)
    red = np.array([1.0, 0.63, 0.51])
    back = (1 - blood) * back + blood * red * back.max()
    palm = (1 - 0.25 * tone) * back + 0.25 * tone * np.array([0.80, 0.58, 0.46])
    palm = 0.8 * palm + 0.2 * red * palm.max()
    return 0.8 * linear(back), 0.8 * linear(palm)


def paint(shape: Shape, points, normals, shares, t, tone: float, sleeve, rng) -> np.ndarray:
    """Return the skin's colour (n, 3) at points (n, 3): palm, back, creases, nails, sleeve."""
    back, palm = skin(tone, rng)
    of_palm = ((shares @ shape.palmar) * normals).sum(axis=1)
    of_palm = np.clip(0.5 + 1.1 * of_palm, 0, 1)[:, None]
    colour = of_palm * palm + (1 - of_palm) * back
    nearest = shares.argmax(axis=1)
    t, part = t[np.arange(len(t)), nearest], shape.part[nearest]
    facing = (shape.palmar[nearest] * normals).sum(axis=1)
    # Creases where a finger bends, redder tips, nails on the back of the last bone.
    bone = (part >= 1) & (part <= 3)
    crease = np.exp(-(((t - 0.03) / 0.06) ** 2)) * bone * np.clip(0.3 + facing, 0, 1)
    colour *= (1 - rng.uniform(0.1, 0.35) * crease)[:, None]
    red = np.array([1.06, 0.9, 0.88])
    tip = (np.clip(t - 0.3, 0, 1) * (part == 3) * rng.uniform(0, 1))[:, None]
    colour *= 1 + tip * (red - 1)
    colour *= (1 - palm_lines(shape, points, rng) * (part == 0) * of_palm[:, 0])[:, None]
    nail = np.clip((-facing - 0.55) / 0.25, 0, 1) * np.clip((t - 0.45) / 0.1, 0, 1) * (part == 3)
    colour += nail[:, None] * (0.2 * colour + 0.02)
    if sleeve is not None:
        edge, cloth = sleeve
        covered = (part == FOREARM) & (t > edge)
        colour = np.where(covered[:, None], cloth, colour)
    return colour


def palm_lines(shape: Shape, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return how much darker the palm is at points (n, 3) in its lines and hollow: (n,), 0 to 1.

    Without them, whatever darkens a palm would look like a folded thumb, a 5 like a 4.
    """
    wrist, index, little = shape.start[:4].mean(axis=0), shape.end[0], shape.end[3]
    up, across = shape.end[:4].mean(axis=0) - wrist, little - index
    u = (points - index) @ across / (across @ across)  # 0 below the index finger, 1 the little one
    v = (points - wrist) @ up / (up @ up)  # 0 at the wrist, 1 at the knuckles
    heart = v - 0.70 - 0.22 * np.clip(1 - u, 0, 1) ** 1.5
    head = v - 0.64 + 0.24 * np.clip(u + 0.1, 0, 2)
    life = 0.7 * (u - 0.42 + 1.1 * np.clip(v, 0, 1) ** 2)
    depth = rng.uniform(0, 0.5) * rng.uniform(0.5, 1, 4)
    lines = np.stack([heart, head, life, v + 0.02]) - rng.normal(0, 0.03, (4, 1))
    lines = (depth[:, None] * np.exp(-((lines / rng.uniform(0.025, 0.05)) ** 2))).max(axis=0)
    hollow = rng.uniform(0, 0.3) * np.exp(-(((u - 0.45) / 0.4) ** 2) - ((v - 0.5) / 0.3) ** 2)
    return np.maximum(lines, hollow)


def wall(n: int, how: Variation, rng: np.random.Generator) -> np.ndarray:
    """Return a background's colours (n, n, 3), plain or not, before any light falls on it."""
    if rng.random() < how.colour:
        colour = rng.uniform(0.05, 0.95) * (1 + rng.uniform(-0.35, 0.35, 3))
    else:
        colour = rng.uniform(0.72, 0.9) * (1 + rng.normal(0, 0.015, 3))
    picture = np.broadcast_to(colour, (n, n, 3)).copy()
    if rng.random() < how.clutter:
        for _ in range(rng.integers(2, 12)):
            shapes(picture, rng)
        soft = rng.uniform(0, 0.05) * n
        picture = np.stack([blur(c, soft) for c in np.moveaxis(picture, 2, 0)], axis=2)
        picture *= 1 + rng.uniform(0, 0.3) * noise(n, rng.integers(4, 32), rng)[:, :, None]
    # Walls are never quite even.
    uneven = rng.uniform(0.02, 0.12) * noise(n, 3, rng) + rng.uniform(0, 0.02) * noise(n, 24, rng)
    return linear(np.clip(picture * (1 + uneven[:, :, None]), 0.01, 1))


def shapes(picture: np.ndarray, rng: np.random.Generator) -> None:
    """Draw a band, a box or a disc of one colour into `picture` (n, n, 3)."""
    n = len(picture)
    y, x = np.mgrid[:n, :n] / n - rng.uniform(0, 1, 2)[:, None, None]
    angle = rng.uniform(0, np.pi)
    x, y = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    width, height = rng.uniform(0.03, 0.4, 2)
    kind = rng.integers(3)
    if kind == 0:
        inside = np.abs(x) < 0.5 * width
    elif kind == 1:
        inside = (np.abs(x) < width) & (np.abs(y) < height)
    else:
        inside = (x / width) ** 2 + (y / height) ** 2 < 1
    picture[inside] = rng.uniform(0.05, 1) * (1 + rng.uniform(-0.4, 0.4, 3))
