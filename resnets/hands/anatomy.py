"""A hand as tapered capsules: its bones, how each sign bends them, and where a camera sees it.

Lengths are in palms: 1 is the distance from the wrist to the knuckle of the middle finger. The hand
is a left one with its palm to the viewer: x to the right, y up along the fingers, z to the viewer.
"""

import dataclasses

import numpy as np

from resnets.hands.variation import Variation

KNUCKLES = np.array([[-0.33, 0.96], [-0.11, 1.0], [0.11, 0.96], [0.31, 0.86]])  # index to little
LENGTHS = np.array([0.90, 1.00, 0.92, 0.72])
BONES = np.array([0.46, 0.30, 0.24])  # shares of a finger's length
RADII = np.array([0.125, 0.112, 0.104, 0.088])  # of a finger at its joints and its tip
THUMB_ROOT, THUMB_BONES = np.array([-0.22, 0.14, 0.06]), np.array([0.46, 0.36, 0.29])
THUMB_RADII = np.array([0.20, 0.145, 0.128, 0.10])
THUMB_POLE = np.array([-1.0, 0.2, 0.6])  # where the thumb's last joint points to, reaching
THUMB_BEFORE = np.array([-0.8, 0.5, 0.7])  # the same, folded in front of the palm
# Directions of the thumb's bones: beside the index finger, upon its root, and far out.
THUMB_NEAR = np.array([[-0.5, 0.8, 0.3], [-0.22, 0.96, 0.1], [-0.12, 0.99, 0.0]])
THUMB_ALONG = np.array([[-0.3, 0.85, 0.45], [-0.1, 0.96, 0.25], [0.1, 0.99, 0.1]])
THUMB_OUT = np.array([[-0.75, 0.6, 0.25], [-0.72, 0.68, 0.1], [-0.66, 0.75, 0.02]])
GATHER = np.radians([3, 0, -8, -16])  # bent fingers lean together
FOREARM = 4  # the part that is no palm and no bone of a finger

# Fingers that are stretched, 0 = thumb to 4 = little finger, and how often. The 0 is a ring.
STRETCHED: dict[int, list[tuple[tuple[int, ...], float]]] = {
    1: [((1,), 1.0)],
    2: [((1, 2), 1.0)],
    3: [((0, 1, 2), 0.7), ((1, 2, 3), 0.3)],
    4: [((1, 2, 3, 4), 1.0)],
    5: [((0, 1, 2, 3, 4), 1.0)],
}


@dataclasses.dataclass
class Shape:
    """Tapered capsules: bones with a radius at each end; the first `soft` of them melt widely."""

    start: np.ndarray  # (k, 3)
    end: np.ndarray  # (k, 3)
    radius: np.ndarray  # (k, 2)
    palmar: np.ndarray  # (k, 3), of length 1: where the palm's side of the bone looks
    soft: int
    part: np.ndarray  # (k,): 0 palm, 1 to 3 a finger's bones from its root, FOREARM

    def limbs(self) -> np.ndarray:
        """Return where the palm and each finger begin among the capsules."""
        return np.flatnonzero((self.part == 1) | (np.arange(len(self.part)) == 0))

    def moved(self, matrix: np.ndarray, offset: np.ndarray | float = 0.0) -> "Shape":
        """Return the shape turned by `matrix` (3, 3), then shifted."""
        return dataclasses.replace(
            self,
            start=self.start @ matrix.T + offset,
            end=self.end @ matrix.T + offset,
            palmar=self.palmar @ matrix.T,
        )


def unit(v: np.ndarray) -> np.ndarray:
    """Return vectors (..., 3) made to length 1."""
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def finger(i: int, lean: float, bends: np.ndarray, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Return joints (4, 3) and palmar directions (3, 3) of finger i, 0 = index.

    Args:
        i: Which finger.
        lean: Angle to the palm's axis, radians, away from the thumb.
        bends: Bend at each of the three joints, radians.
        length: Of the whole finger.
    """
    total = np.cumsum(bends)[:, None]
    flat = np.array([np.sin(lean), np.cos(lean), 0])
    towards = np.array([0, 0, 1.0])
    steps = (BONES * length)[:, None] * (flat * np.cos(total) + towards * np.sin(total))
    joints = np.vstack([np.zeros(3), np.cumsum(steps, axis=0)]) + np.append(KNUCKLES[i], 0)
    return joints, towards * np.cos(total) - flat * np.sin(total)


def reach(start: np.ndarray, target: np.ndarray, bones: np.ndarray, pole: np.ndarray) -> np.ndarray:
    """Return joints (3, 3) of two bones from `start` towards `target`, the elbow towards `pole`.

    They bend by a right angle at most, and end beyond a target that is nearer than that.
    """
    far = np.linalg.norm(target - start)
    span = np.clip(far, np.hypot(*bones), 0.995 * bones.sum())
    way = (target - start) / far
    along = (span**2 + bones[0] ** 2 - bones[1] ** 2) / (2 * span)
    aside = unit(pole - way * (pole @ way))
    elbow = start + along * way + np.sqrt(max(bones[0] ** 2 - along**2, 0)) * aside
    return np.array([start, elbow, start + span * way])


def thumb_to(target: np.ndarray, first: np.ndarray, size: float, pole=THUMB_POLE) -> np.ndarray:
    """Return the thumb's joints (4, 3): its first bone along `first`, its tip at `target`."""
    bones = size * THUMB_BONES
    knuckle = THUMB_ROOT + bones[0] * unit(first)
    return np.vstack([THUMB_ROOT, reach(knuckle, target, bones[1:], pole)])


def thumb_along(directions: np.ndarray, size: float) -> np.ndarray:
    """Return the thumb's joints (4, 3), its bones along `directions` (3, 3)."""
    steps = size * THUMB_BONES[:, None] * unit(directions)
    return np.vstack([THUMB_ROOT, THUMB_ROOT + np.cumsum(steps, axis=0)])


def pose(sign: int, how: Variation, rng: np.random.Generator) -> tuple[list, np.ndarray]:
    """Return the four fingers (joints, palmar directions) and the thumb's joints for a sign."""
    lengths = LENGTHS * rng.uniform(0.9, 1.12) * rng.uniform(0.96, 1.04, 4)
    size = rng.uniform(0.9, 1.1)  # of the thumb
    if sign == 0:
        return ring(lengths, size, rng)
    shares = [share for _, share in STRETCHED[sign]]
    up, _ = STRETCHED[sign][rng.choice(len(shares), p=shares)]
    # Stretched fingers fan out; how far differs from picture to picture and finger to finger.
    fan = rng.uniform(*how.spread) * np.radians([-16, -4, 8, 22]) + np.radians([1, 0, -1, -2])
    lean = fan + np.radians(rng.normal(0, 2, 4))
    if up[-1] == 2 and rng.random() < 0.7:  # index and middle finger form a V
        lean[:2] += np.radians([-10, 10]) * rng.uniform(0, 1)
    lazy = rng.uniform(0, 1) ** 2  # how little the stretched ones are stretched
    loose = rng.uniform(0, 1) ** 1.5  # how little the others are bent
    bent = np.array([88, 108, 70]) - loose * np.array([38, 22, 25])
    fingers = []
    for i in range(4):
        if i + 1 in up:
            bends = rng.normal([2, 6, 4], [5, 4, 3]) + lazy * np.array([12, 22, 14])
        else:
            lean[i] = rng.uniform(0.5, 1) * GATHER[i]
            bends = rng.normal(bent, 4)
        fingers.append(finger(i, lean[i], np.radians(bends), lengths[i]))
    if 0 in up:
        # From near the index finger to far out and a little beyond.
        wide = rng.uniform(0.25, 1.3)
        bones = wide * THUMB_OUT + (1 - wide) * THUMB_NEAR
        return fingers, thumb_along(bones + rng.normal(0, 0.08, (3, 3)), size)
    if sign in (1, 2) and rng.random() < 0.1:  # straight, along the index finger's side
        return fingers, thumb_along(THUMB_ALONG + rng.normal(0, 0.04, (3, 3)), size)
    if sign == 4:  # across the palm, to the roots of the long fingers
        target = np.array([rng.uniform(0.02, 0.28), rng.uniform(0.58, 0.82), 0.22])
        first = np.array([-0.3, 0.55, 0.75])
    else:  # before a bent finger, upon its middle bone or tip to tip
        folded = [i for i in range(4) if i + 1 not in up]
        joints, looks = fingers[folded[0 if rng.random() < 0.7 else len(folded) // 2]]
        target = 0.5 * (joints[1] + joints[2]) - 0.2 * looks[1]
        if rng.random() < 0.5:
            target = joints[3] + 0.17 * unit(joints[3] - joints[2]) + np.array([-0.05, -0.03, 0.03])
        target = target + np.array([0, rng.uniform(-0.08, 0.08), 0])
        first = np.array([-0.18, 0.8, 0.55])
    return fingers, thumb_to(target, first + rng.normal(0, 0.08, 3), size, THUMB_BEFORE)


def ring(lengths: np.ndarray, size: float, rng: np.random.Generator) -> tuple[list, np.ndarray]:
    """Return fingers and thumb of the sign 0: the fingertips meet the thumb's."""
    bend = np.radians([46, 58, 34]) * rng.uniform(0.85, 1.2)
    bend = bend + np.radians(rng.normal(0, 4, 3))
    fan = rng.uniform(-0.3, 0.3) * np.radians([-8, -2, 4, 10])
    grow = np.radians(rng.uniform(-3, 6))  # the outer fingers are bent more, or less
    fingers = [finger(i, fan[i], bend + grow * i, lengths[i]) for i in range(4)]
    tip = fingers[0][0][-1] * 0.6 + fingers[1][0][-1] * 0.4
    gap = rng.choice([0.0, rng.uniform(0, 0.35)], p=[0.75, 0.25])
    target = tip + np.array([-0.02, -0.12 - gap, 0.03]) + rng.normal(0, 0.03, 3)
    first = np.array([-0.25, 0.45, 0.85]) + rng.normal(0, 0.08, 3)
    return fingers, thumb_to(target, first, size)


def hand(sign: int, how: Variation, rng: np.random.Generator) -> Shape:
    """Return a hand and its forearm showing `sign`, the palm to the viewer, fingers up."""
    fingers, thumb = pose(sign, how, rng)
    thick = rng.uniform(0.86, 1.12)
    palm = np.array([0, 0, 1.0])
    # The palm: a bone to each knuckle, the heels of thumb and little finger, the thumb's web.
    rows = []
    for x, y in KNUCKLES:
        rows.append(([0.5 * x, 0.1, -0.02], [x, y - 0.04, -0.03], (0.15, 0.135), 0))
    rows.append(([0.2, 0.2, 0.03], [0.28, 0.6, 0.02], (0.16, 0.14), 0))
    rows.append((thumb[0], thumb[1], THUMB_RADII[:2], 0))
    web = 0.45 * thumb[0] + 0.55 * thumb[1]
    rows.append((web, [-0.28, 0.72, 0.0], (0.13, 0.11), 0))
    # The forearm hangs from the wrist, a little bent; two bones make it flat.
    side = np.radians(np.clip(rng.normal(0, 25), -55, 55))
    fore = np.radians(rng.normal(0, 10))
    away = np.array([np.sin(side), -np.cos(side) * np.cos(fore), -np.sin(fore)])
    across = np.array([np.cos(side), np.sin(side), 0])
    arm = rng.uniform(0.85, 1.1)
    for s in (-1, 1):
        wrist = np.array([0, 0.06, -0.02]) + 0.11 * s * across
        rows.append(
            (wrist, wrist + 4.5 * away + 0.2 * s * across, (0.19 * arm, 0.34 * arm), FOREARM)
        )
    soft = len(rows)
    palmar = [palm] * soft
    for i, (joints, looks) in enumerate(fingers):
        slim = (0.87 if i == 3 else 0.95 if i == 0 else 1.0) * thick
        for j in range(3):
            rows.append((joints[j], joints[j + 1], slim * RADII[j : j + 2], j + 1))
            palmar.append(looks[j])
    # The thumb's palmar side looks across the palm.
    for j in (1, 2):
        rows.append((thumb[j], thumb[j + 1], thick * THUMB_RADII[j : j + 2], j + 1))
        bone = unit(thumb[j + 1] - thumb[j])
        looks = np.array([0.6, -0.3, 0.6])
        palmar.append(unit(looks - bone * (bone @ looks)))
    start, end, radius, part = (np.array(c, float) for c in zip(*rows, strict=True))
    radius[:soft] *= 0.5 + 0.5 * thick
    broad = np.array([rng.uniform(0.92, 1.1), 1, 1])
    return Shape(broad * start, broad * end, radius, np.array(palmar), soft, part.astype(int))


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Return the matrix (3, 3) of three turns in degrees: about y, then x, then z."""
    (cy, cp, cr), (sy, sp, sr) = (f(np.radians([yaw, pitch, roll])) for f in (np.cos, np.sin))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]]) @ about_x @ about_y


def place(shape: Shape, sign: int, how: Variation, rng: np.random.Generator):
    """Turn the hand and move it to where the camera sees it.

    Returns:
        The shape, near the origin; the camera's distance from there, on the z axis, in palms; the
        length of a palm at the origin as a share of the frame.
    """
    yaw, pitch = rng.normal(0, 1.3 * how.tilt), rng.normal(0, how.tilt)
    if sign == 0:  # seen from the thumb's side, so that the hole shows
        yaw = rng.uniform(45, 100) if rng.random() < 0.65 else rng.uniform(-5, 140)
    elif rng.random() < how.back:
        yaw += 180
    roll = np.clip(rng.normal(0, how.roll), -75, 75)
    turned = shape.moved(rotation(yaw, pitch, roll))
    if rng.random() < 0.5:  # the other hand
        turned = turned.moved(np.diag([-1.0, 1.0, 1.0]))
    bones = turned.part != FOREARM
    points = np.vstack([turned.start[bones], turned.end[bones]])
    radii = np.concatenate(list(turned.radius[bones].T))[:, None]
    low, high = (points - radii).min(axis=0)[:2], (points + radii).max(axis=0)[:2]
    scale = rng.uniform(*how.size) / (high - low).max()
    box = scale * (high - low)
    room = np.maximum((1 - box) / 2, 0) + how.outside * box
    shift = rng.uniform(-1, 1, 2) * room / scale
    middle = np.append((low + high) / 2 - shift, points[:, 2].mean())
    near = np.exp(rng.uniform(*np.log([how.nearest, 5])))
    return turned.moved(np.eye(3), -middle), near / scale, scale
