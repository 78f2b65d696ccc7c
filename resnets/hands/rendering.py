"""Rendered hands: pictures of the signs 0 to 5 that nobody had to pose for.

A hand is a list of tapered capsules in three dimensions (`anatomy`), melted together like flesh by
a smooth minimum of their distances. Each line of sight walks forward by that distance until it
meets the skin (sphere tracing). Shadows follow from how much of a light each capsule covers, and a
camera's weaknesses come last.

    image = picture(seed=0, index=0, sign=5)

`resnets/hands/data_sets.py` makes whole data sets of them.
"""

import dataclasses

import numpy as np
from PIL import Image

from resnets.hands.anatomy import Shape, hand, place, unit
from resnets.hands.camera import photograph
from resnets.hands.colour import linear, noise, paint, wall
from resnets.hands.variation import ANY, Moment, Variation
from resnets_utils import DataError

VERSION = 1  # of the pictures: raise it when any of them changes, and run `make bundled`

# --- light ----------------------------------------------------------------------------------------

REACH = 2.6  # no part of the hand that matters is farther from the origin, palms
SOFT, CLOSE = 0.055, 0.02  # how widely the palm and the fingers melt, palms


class Field:
    """The distance to a shape's skin, for many points at once."""

    def __init__(self, shape: Shape):
        """Prepare what all points share."""
        self.shape = shape
        bone = shape.end - shape.start
        self.both = np.hstack([shape.start.T, bone.T]).astype(np.float32)  # one matrix product
        self.start2 = (shape.start**2).sum(axis=1).astype(np.float32)
        self.start_bone = (shape.start * bone).sum(axis=1).astype(np.float32)
        self.bone2 = np.maximum((bone**2).sum(axis=1), 1e-6).astype(np.float32)
        self.thick = shape.radius[:, 0].astype(np.float32)
        self.taper = (shape.radius[:, 1] - shape.radius[:, 0]).astype(np.float32)

    def parts(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return distances (n, k) to each capsule, and how far along its bone (n, k)."""
        k = len(self.bone2)
        products = points @ self.both
        along = products[:, k:] - self.start_bone
        t = np.clip(along / self.bone2, 0, 1)
        square = (points**2).sum(axis=1)[:, None] - 2 * products[:, :k] + self.start2
        square += t * (t * self.bone2 - 2 * along)
        return np.sqrt(np.maximum(square, 1e-8)) - (self.thick + t * self.taper), t

    def shares(self, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the melted distance (n,) and each capsule's share in it (n, k)."""
        soft = self.shape.soft
        palm, of_palm = melt(distances[:, :soft], SOFT)
        whole, of_whole = melt(np.hstack([palm[:, None], distances[:, soft:]]), CLOSE)
        return whole, np.hstack([of_palm * of_whole[:, :1], of_whole[:, 1:]])

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Return the distance (n,) from points (n, 3) to the skin."""
        distances, _ = self.parts(points)
        soft = self.shape.soft
        palm = melt(distances[:, :soft], SOFT)[0]
        return melt(np.hstack([palm[:, None], distances[:, soft:]]), CLOSE)[0]


def melt(distances: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the smooth minimum (n,) of distances (n, k), and each one's share in it (n, k)."""
    least = distances.min(axis=1, keepdims=True)
    parts = np.exp((least - distances) / width)
    total = parts.sum(axis=1, keepdims=True)
    return (least - width * np.log(total))[:, 0], parts / total


def trace(field: Field, start, way, far, reach: float, cone: float):
    """Walk along lines of sight until the skin is within a cone around them.

    Args:
        field: The hand.
        start: Where all lines begin, (3,).
        way: Their directions (n, 3), of length 1.
        far: How far each of them may begin, (n,).
        reach: Where they give up.
        cone: The cone's radius per length of way.

    Returns:
        How far each line got (n,), and whether it met the skin (n,).
    """
    far, met, left = far.copy(), np.zeros(len(way), bool), np.arange(len(way))
    for _ in range(64):
        gap = field(start + far[left, None] * way[left]) - cone * far[left]
        met[left[gap < 0]] = True
        left, gap = left[gap >= 0], gap[gap >= 0]
        far[left] += 0.95 * gap + 1e-3  # tapering makes the true distance a little shorter
        left = left[far[left] < reach]
        if len(left) == 0:
            break
    # Who is still near crept along the skin all the way.
    met[left] = field(start + far[left, None] * way[left]) < 8 * cone * far[left]
    return far, met


def look(field: Field, distance: float, scale: float, n: int):
    """Find what a camera sees of a hand.

    Args:
        field: The hand.
        distance: From the origin to the camera, on the z axis.
        scale: Length 1 at the origin, as a share of the frame.
        n: Lines of sight per side of the frame, a multiple of COARSE.

    Returns:
        All directions (n * n, 3) row by row, the indices of those that meet the skin (m,), and
        where they meet it (m, 3).
    """
    camera = np.array([0, 0, distance], np.float32)

    def directions(count):
        axis = ((np.arange(count) + 0.5) / count - 0.5) / scale
        y, x = np.meshgrid(-axis, axis, indexing="ij")
        ways = np.stack([x.ravel(), y.ravel(), np.full(x.size, -distance)], axis=1)
        return unit(ways).astype(np.float32)

    first, reach = max(distance - REACH, 0.05), distance + REACH
    wide, ways = directions(n // COARSE), directions(n)
    pixel = 1 / (n * scale * distance)  # how far lines part per length of way
    far, near = trace(
        field, camera, wide, np.full(len(wide), first, np.float32), reach, 0.75 * COARSE * pixel
    )
    blocks = np.ones((COARSE, COARSE))
    near = np.kron(near.reshape(n // COARSE, -1), blocks).ravel() > 0
    far = np.kron(far.reshape(n // COARSE, -1), blocks).ravel().astype(np.float32)
    chosen = np.flatnonzero(near)
    far, met = trace(field, camera, ways[chosen], far[chosen], reach, 0.25 * pixel)
    seen = chosen[met]
    return ways, seen, camera + far[met, None] * ways[seen]


def shade(shape: Shape, points: np.ndarray, way: np.ndarray, width: float) -> np.ndarray:
    """Return how much of a light reaches points (n, 3): (n,), from 0 to 1.

    Seen along the light, a capsule is a flat one, and a point a point: no walk is needed to know
    how near the capsule the light passed.

    Args:
        shape: What throws the shadow.
        points: Where it may fall.
        way: Where the light comes from, (3,), of length 1.
        width: The light's, as a share of its distance: shadows are that soft.
    """
    flat = Field(shape.moved(np.eye(3) - np.outer(way, way)))
    way = way.astype(np.float32)
    height = points @ way
    gap, t = flat.parts(points - height[:, None] * way)
    bone = (shape.end - shape.start).astype(np.float32) @ way
    far = shape.start.astype(np.float32) @ way + t * bone - height[:, None]
    # The light is a bar across the capsule: which part of it does the capsule cover?
    thick, half = flat.thick + t * flat.taper, 0.5 * width * np.maximum(far, 0.05)
    away = gap + thick
    covered = np.minimum(away + half, thick) - np.maximum(away - half, -thick)
    # A capsule does not shade the skin that it is itself.
    covered = np.clip(covered / (2 * half), 0, 1) * np.clip(far / 0.1 - 0.5, 0, 1)
    # Bones of a finger cover the same part of the light, fingers different ones.
    return np.prod(1 - np.maximum.reduceat(covered, shape.limbs(), axis=1), axis=1)


@dataclasses.dataclass
class Light:
    """Where a light comes from (3,), its colour (3,), and its width as a share of its distance.

    `fade` is the share that the far side of the wall gets less than the near one.
    """

    way: np.ndarray
    colour: np.ndarray
    width: float
    fade: float = 0.0


def direction(angle: float, steep: float) -> np.ndarray:
    """Return the direction (3,) of a light: its angle in the picture, and to the line of sight."""
    return np.array([np.cos(angle) * np.sin(steep), np.sin(angle) * np.sin(steep), np.cos(steep)])


def lamps(how: Variation, rng: np.random.Generator) -> tuple[list[Light], np.ndarray]:
    """Return one to three lights, and the light that comes from everywhere (3,)."""
    if rng.random() < how.ceiling:
        angle, steep = rng.uniform(0.25, 0.75) * np.pi, np.radians(rng.uniform(25, 55))
        warm = rng.normal(0.04, 0.015) * np.array([1, 0, -2])
        lamp = Light(
            direction(angle, steep), 0.9 * (1 + warm), rng.uniform(0.2, 0.6), rng.uniform(0.3, 0.7)
        )
        return [lamp], rng.uniform(0.4, 0.7) * (1 + warm)
    found = []
    for i in range(rng.integers(1, how.lights + 1)):
        angle, steep = rng.uniform(-0.25, 1.25) * np.pi, np.radians(rng.uniform(15, 65))
        warm = rng.normal(0, 0.05) * np.array([1, 0, -1])
        strength = rng.uniform(0.5, 1.0) / (1 + i)
        found.append(Light(direction(angle, steep), strength * (1 + warm), rng.uniform(0.08, 0.5)))
    return found, rng.uniform(0.25, 0.6) * (1 + rng.normal(0, 0.03) * np.array([1, 0, -1]))


# --- pictures -------------------------------------------------------------------------------------

OVER, COARSE = 2, 4  # lines of sight per pixel's side; lines that begin together, per side
SHARE = 0.25  # how far a picture departs from its session's


def picture(seed: int, index: int, sign: int, how: Variation = ANY, size: int = 64) -> np.ndarray:
    """Return picture `index` of the set `seed`, a hand that shows `sign`.

    Args:
        seed: 0 or more.
        index: 0 or more; each has its own hand, light and camera, but for sessions.
        sign: The digit, 0 to 5.
        how: How much the pictures of the set differ.
        size: Pixels per side, even.

    Returns:
        uint8 (size, size, 3).

    Raises:
        DataError: There is no such sign.
    """
    shape, distance, scale, rng = _begun(seed, index, sign, how, size)
    lights, everywhere = lamps(how, rng)
    tone = how.tones[0] + (how.tones[1] - how.tones[0]) * rng.random()
    sleeve = None
    if rng.random() < how.sleeve:
        sleeve = rng.uniform(0.02, 0.25), linear(rng.uniform(0.05, 0.9) * rng.uniform(0.6, 1, 3))
    n = OVER * size
    field = Field(shape)
    ways, seen, points = look(field, distance, scale, n)
    image = background(field, ways, distance, size, (lights, everywhere), how, rng)

    if len(points):
        distances, t = field.parts(points)
        _, shares = field.shares(distances)
        pull = shares / np.maximum(distances + field.thick + t * field.taper, 1e-4)
        k = len(field.bone2)
        normals = points * pull.sum(axis=1)[:, None] - pull @ field.both[:, :k].T
        normals = unit(normals - (pull * t) @ field.both[:, k:].T)
        colour = paint(shape, points, normals, shares, t, tone, sleeve, rng)
        grain = rng.uniform(0.02, 0.1) * noise(n, size // 3, rng).ravel()[seen]
        red = rng.uniform(0, 0.12) * noise(n, 5, rng).ravel()[seen]
        colour *= 1 + grain[:, None] + red[:, None] * np.array([0.3, -1, -1])
        sheen = rng.uniform(0, 0.12)
        # Light from everywhere reaches hollows less.
        open_ = np.clip(field(points + 0.1 * normals) / 0.1, 0.2, 1)
        open_ = open_ * np.clip(field(points + 0.35 * normals) / 0.35, 0.15, 1)
        light = open_[:, None] * everywhere * (0.8 + 0.2 * normals[:, 1:2])
        gloss = 0
        for lamp in lights:
            falls = (normals @ lamp.way + 0.15) / 1.15
            shaded = shade(shape, points, lamp.way, lamp.width)
            lit = np.maximum(falls, 0) * shaded
            # Light that went through skin comes out red: the dark side loses less of it.
            light = light + np.stack([lit**0.85, lit, lit**1.1], axis=1) * lamp.colour
            mirrored = np.maximum(normals @ unit(lamp.way + np.array([0, 0, 1])), 0) ** 12
            gloss = gloss + (sheen * mirrored * shaded)[:, None] * lamp.colour
        image[seen] = np.clip(colour, 0, 1) * light + gloss
    light = image.reshape(size, OVER, size, OVER, 3).mean(axis=(1, 3))
    return photograph(light, how, rng)


BACKGROUND, PALM, FINGER, ARM = range(4)  # what a pixel shows


def parts(seed: int, index: int, sign: int, how: Variation = ANY, size: int = 64) -> np.ndarray:
    """Return what each pixel of `picture`, called with the same, shows most of.

    Args:
        seed, index, sign, how, size: As for `picture`.

    Returns:
        Integers (size, size): BACKGROUND, PALM, FINGER (the thumb's two last bones too, and
        folded fingers) or ARM.
    """
    shape, distance, scale, _ = _begun(seed, index, sign, how, size)
    field, n = Field(shape), OVER * size
    _, seen, points = look(field, distance, scale, n)
    kinds = np.array([PALM, FINGER, FINGER, FINGER, ARM])[shape.part]
    shares = np.zeros((n * n, 4), np.float32)
    shares[:, BACKGROUND] = 1
    if len(points):
        nearest = field.shares(field.parts(points)[0])[1].argmax(axis=1)
        shares[seen] = np.eye(4)[kinds[nearest]]
    return shares.reshape(size, OVER, size, OVER, 4).mean(axis=(1, 3)).argmax(axis=2)


def _begun(seed: int, index: int, sign: int, how: Variation, size: int):
    """Return a picture's hand, where the camera is, as `place` does, and the generator so far."""
    if sign not in range(6):
        raise DataError(f"hands: the sign is {sign!r}; give a digit from 0 to 5.")
    if min(seed, index) < 0 or size < 32 or size % 2:
        raise DataError(
            f"hands: seed {seed}, index {index}, size {size}; give 0 or more, and an even size of "
            "32 or more."
        )
    rng = np.random.default_rng([seed, index])
    if how.sessions:
        session = np.random.default_rng([seed, index // 6 % how.sessions, sign])
        rng = Moment(session, rng, SHARE)
    shape, distance, scale = place(hand(sign, how, rng), sign, how, rng)
    return shape, distance, scale, rng


def background(field, ways, distance, size, light, how, rng) -> np.ndarray:
    """Return the light (n * n, 3) from a wall behind the hand, with the hand's shadow on it."""
    n = OVER * size
    lights, everywhere = light
    colours = wall(n, how, rng)
    behind = rng.uniform(0.5, 3.5) + max(0.0, -field.shape.end[field.shape.soft :, 2].min())
    # A shadow is soft: a quarter of the points is enough.
    few = ways.reshape(size, OVER, size, OVER, 3)[:, 0, :, 0].reshape(-1, 3)
    points = np.array([0, 0, distance]) - few * ((distance + behind) / few[:, 2:])
    points[:, 2] = -behind
    points = points.astype(np.float32)
    near = np.clip(0.35 + 0.65 * field(points) / 1.2, 0, 1) if behind < 1 else np.ones(len(points))
    total = near[:, None] * everywhere
    for lamp in lights:
        lit = shade(field.shape, points, lamp.way, lamp.width) * lamp.way[2]
        along = points[:, :2] @ lamp.way[:2]
        lit = lit * (1 - lamp.fade * (along.max() - along) / np.ptp(along))
        total = total + lit[:, None] * lamp.colour
    total = total.reshape(size, size, 3)
    smooth = [
        np.asarray(Image.fromarray(c.astype(np.float32)).resize((n, n), Image.Resampling.BILINEAR))
        for c in np.moveaxis(total, 2, 0)
    ]
    return (colours * np.stack(smooth, axis=2)).reshape(-1, 3)
