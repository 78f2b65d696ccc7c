"""Draw the bundled data set: hands showing the digits 0 to 5, in the schema of SIGNS.

    python tools/bundled_data.py [--seed 0] [--out datasets/bundled] [--example images/test.jpg]

A hand is a list of tapered capsules in space, seen from the front without perspective. Where a
line of sight meets a capsule follows in closed form, and from it the height, the normal and the
light: no ray tracer, no picture of anybody. The same seed writes the same images.
"""

import argparse
import contextlib
import functools
import os
import sys
from pathlib import Path

import h5py
import numpy as np
from PIL import Image
from tqdm import tqdm

TRAIN, TEST, SIZE = 1080, 120, 64
MARGIN = 1 / 8  # drawn around the frame and cut off, so that blurring sees what is outside
OVER = 2  # supersampling per side
NOTHING = -9.0  # the height where there is no hand: below all there is
LEVELS = 4  # grey levels are multiples of this: half the file, and not to be seen

# Fingers that are stretched, 0 = thumb to 4 = little finger. Sign 0, the ring, has its own pose.
STRETCHED = {
    1: [{1}],
    2: [{1, 2}],
    3: [{0, 1, 2}, {1, 2, 3}],
    4: [{1, 2, 3, 4}],
    5: [set(range(5))],
}

# The right hand, palm to the viewer (+z), fingers up (+y); the unit is the length of the palm.
KNUCKLES = np.array([[-0.33, 0.96], [-0.11, 1.0], [0.11, 0.96], [0.31, 0.86]])
LENGTHS = np.array([0.90, 1.00, 0.92, 0.72])
BONES = np.array([0.45, 0.31, 0.24])  # shares of a finger's length
THUMB_ROOT, THUMB_BONES = np.array([-0.2, 0.16, 0.06]), np.array([0.44, 0.36, 0.28])
THUMB_OUT = np.array([[-0.72, 0.65, 0.25], [-0.62, 0.78, 0.1], [-0.52, 0.85, 0.0]])
THUMB_IN = np.array([[-0.3, 0.7, 0.65], [0.45, 0.8, 0.4], [0.85, 0.5, -0.1]])
THUMB_FLAT = np.array([[-0.3, 0.85, 0.5], [0.65, 0.7, 0.1], [0.95, 0.3, -0.1]])

# The Monk Skin Tone scale, light to dark, without its two palest steps: they are the wall's colour.
SKIN = "f7ead0 eadaba d7bd96 a07e56 825c43 604134 3a312a 292420"
SKIN = np.frombuffer(bytes.fromhex(SKIN), np.uint8).reshape(-1, 3)


def chain(root, steps, radii):
    """Return the capsules (n, 8) of a chain of n bones: start xyz, radius, end xyz, radius."""
    points = np.vstack([root, root + np.cumsum(steps, axis=0)])
    balls = np.column_stack([points, radii])
    return np.hstack([balls[:-1], balls[1:]])


def finger(i, lean, bends, length, thick):
    """Return the capsules (3, 8) of finger i (0 = index).

    `lean` is its angle to the palm's axis, `bends` (3,) the angle of each bone to the palm's plane.
    """
    flat = np.cos(bends)
    steps = np.column_stack([np.sin(lean) * flat, np.cos(lean) * flat, np.sin(bends)])
    radii = thick * np.array([0.120, 0.108, 0.098, 0.082]) * (0.86 if i == 3 else 1)
    return chain(np.append(KNUCKLES[i], 0), length * BONES[:, None] * steps, radii)


def thumb(directions, rng, thick):
    """Return the capsules (3, 8) of the thumb along `directions` (3, 3), with some variation."""
    directions = directions + rng.normal(0, 0.07, (3, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    steps = THUMB_BONES[:, None] * directions
    return chain(THUMB_ROOT, steps, thick * np.array([0.19, 0.135, 0.118, 0.088]))


def ring_thumb(tip, rng, thick):
    """Return the capsules (3, 8) of a thumb that meets the fingertip `tip` (3,): the sign 0."""
    end = tip + np.array([0, -0.13, 0.02])
    middle = THUMB_ROOT + rng.normal([-0.12, 0.2, 0.42], 0.02)
    last = 0.42 * middle + 0.58 * end + [0, -0.06, 0.09]
    points = np.array([THUMB_ROOT, middle, last, end])
    return chain(points[0], np.diff(points, axis=0), thick * np.array([0.18, 0.13, 0.115, 0.09]))


def palm(thick):
    """Return the capsules (6, 8) of the palm: one bone to each knuckle, and the two heels."""
    wrist = np.column_stack(
        [KNUCKLES[:, 0] * 0.55, np.full(4, 0.08), np.zeros(4), np.full(4, 0.17)]
    )
    tops = np.column_stack([KNUCKLES + np.array([0, 0.03]), np.zeros(4), np.full(4, 0.145)])
    heels = [
        [-0.17, 0.22, 0.06, 0.19, -0.22, 0.5, 0.03, 0.17],
        [0.2, 0.2, 0.05, 0.17, 0.27, 0.6, 0.02, 0.16],
    ]
    return np.vstack([np.hstack([wrist, tops]), heels]) * ([1, 1, 1, thick] * 2)


def hand(sign, rng):
    """Return the capsules (21, 8) of a hand that shows `sign`, before it is turned."""
    thick = rng.uniform(0.9, 1.1)
    lengths = LENGTHS * rng.uniform(0.9, 1.12) * rng.uniform(0.96, 1.04, 4)
    spread = rng.uniform(0.7, 1.25) * np.radians([-16, -4, 8, 22])
    lean = spread + np.radians([2, 0, -1, -3]) + np.radians(rng.normal(0, 1.5, 4))
    if sign == 0:
        bends = np.radians(rng.normal([48, 98, 150], 5))
        fingers = [finger(i, 0.0, bends + 0.08 * i, lengths[i], thick) for i in range(4)]
        return np.vstack([palm(thick), *fingers, ring_thumb(fingers[0][-1, 4:7], rng, thick)])
    up = STRETCHED[sign][rng.integers(len(STRETCHED[sign]))]
    fingers = []
    for i in range(4):
        straight = i + 1 in up
        bends = np.cumsum(rng.uniform(0, 11, 3)) if straight else [75, 165, 222]
        bends = np.radians(bends + rng.normal(0, 2 if straight else 6, 3))
        fingers.append(finger(i, lean[i] * (1 if straight else 0.2), bends, lengths[i], thick))
    way = THUMB_OUT if 0 in up else THUMB_FLAT if sign == 4 else THUMB_IN
    return np.vstack([palm(thick), *fingers, thumb(way, rng, thick)])


def rotation(yaw, pitch, roll):
    """Return the matrix (3, 3) of three turns in degrees: about y, then x, then the view's axis."""
    (cy, cp, cr), (sy, sp, sr) = (f(np.radians([yaw, pitch, roll])) for f in (np.cos, np.sin))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]]) @ about_x @ about_y


def place(capsules, sign, rng):
    """Turn the hand, add its forearm and move it into the frame [0, 1]^2, y pointing down.

    The whole hand stays inside, so that the sign can always be told.
    Returns the capsules (22, 8) and the palm's length in the frame, a float.
    """
    yaw = rng.uniform(78, 98) if sign == 0 else rng.normal(0, 6)
    roll = np.clip(rng.normal(0, 11), -60, 60)
    turn = rotation(yaw, rng.normal(0, 5), roll)
    # The elbow hangs below the wrist and behind it, less tilted than the hand.
    bend = np.radians(roll * 0.7 + rng.normal(0, 12))
    elbow = 5 * np.array([np.sin(bend), -np.cos(bend), -0.1])
    turned = capsules.copy()
    turned[:, :3], turned[:, 4:7] = capsules[:, :3] @ turn.T, capsules[:, 4:7] @ turn.T
    forearm = np.array([[0, 0, 0, 0.235, *elbow, 0.62]])
    flip = np.array([rng.choice([-1, 1]), -1, 1])
    turned = np.vstack([turned, forearm])
    turned[:, :3] *= flip
    turned[:, 4:7] *= flip

    balls = turned[:-1].reshape(-1, 4)
    low = (balls[:, :2] - balls[:, 3:]).min(axis=0)
    high = (balls[:, :2] + balls[:, 3:]).max(axis=0)
    scale = min(rng.uniform(0.35, 0.39), 0.95 / (high - low).max())
    free = 0.97 - scale * (high - low)
    corner = 0.015 + free * rng.beta(9, 9, 2)
    turned *= scale
    turned[:, :2] += corner - scale * low
    turned[:, 4:6] += corner - scale * low
    return turned, scale


@functools.cache
def grid(size):
    """Return x, y, each (n, n), of the supersampled frame with its margin, and frequencies^2."""
    n = round(size * OVER * (1 + 2 * MARGIN))
    axis = (np.arange(n) + 0.5) / (size * OVER) - MARGIN
    cycles = np.fft.fftfreq(n, 1 / (size * OVER))
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return x, y, cycles[:, None] ** 2 + cycles[None, : n // 2 + 1] ** 2


def blur(picture, sigma, size):
    """Return `picture` (n, n) through a Gaussian of width `sigma`, in parts of the frame."""
    damp = np.exp(-2 * (np.pi * sigma) ** 2 * grid(size)[2])
    return np.fft.irfft2(np.fft.rfft2(picture) * damp, s=picture.shape)


def moved(picture, dx, dy):
    """Return `picture` (n, n) moved by whole pixels, with zeros where nothing came in."""
    n, result = len(picture), np.zeros_like(picture)
    to = [slice(max(d, 0), n + min(d, 0)) for d in (dy, dx)]
    source = [slice(max(-d, 0), n + min(-d, 0)) for d in (dy, dx)]
    result[tuple(to)] = picture[tuple(source)]
    return result


def surface(capsules, size, soft):
    """Return height (n, n), NOTHING off the hand, and normal (3, n, n) of capsules (k, 8).

    A line of sight at distance d from the axis meets a cylinder of radius r where the sphere
    around a shifted point of the axis is met; clipping that point to the bone gives the round ends.
    `soft` is the depth over which neighbouring capsules share their normals, like flesh.
    """
    x, y, _ = grid(size)
    best, normal = np.full(x.shape, NOTHING), np.zeros((3, *x.shape))
    for ax, ay, az, ra, bx, by, bz, rb in capsules:
        dx, dy, dz = bx - ax, by - ay, bz - az
        flat = max(np.hypot(dx, dy), 1e-6)
        along = ((x - ax) * dx + (y - ay) * dy) / flat
        across = ((x - ax) * dy - (y - ay) * dx) / flat
        radius = ra + (rb - ra) * np.clip(along / flat, 0, 1)
        shift = np.sqrt(np.maximum(radius**2 - across**2, 0)) * dz / np.hypot(flat, dz)
        t = np.clip((along + shift) / flat, 0, 1)
        radius = ra + (rb - ra) * t
        nx, ny = x - ax - t * dx, y - ay - t * dy
        rest = radius**2 - nx**2 - ny**2
        nz = np.sqrt(np.maximum(rest, 0))
        height = np.where(rest > 0, az + t * dz + nz, NOTHING)
        top = np.maximum(best, height)
        keep, add = np.exp((best - top) / soft), np.exp((height - top) / soft) * (rest > 0)
        normal = normal * keep + add * np.stack([nx, ny, nz]) / radius
        best = top
    return best, normal / np.maximum(np.sqrt((normal**2).sum(axis=0)), 1e-9)


def skin(rng):
    """Return a skin colour (3,) in 0 to 1; the palm is pinker, and lighter where skin is dark."""
    depth = rng.uniform(0, 1)
    tone = [np.interp(depth * (len(SKIN) - 1), np.arange(len(SKIN)), c) for c in SKIN.T / 255]
    return (0.85 - 0.25 * depth) * np.array(tone) + (0.15 + 0.25 * depth) * np.array(
        [0.85, 0.5, 0.4]
    )


def picture(seed, index, sign, size=SIZE):
    """Return the image `index` of the set `seed`, a hand showing `sign`: uint8 (size, size, 3)."""
    rng = np.random.default_rng([seed, index])
    capsules, unit = place(hand(sign, rng), sign, rng)
    height, normal = surface(capsules, size, 0.05 * unit)
    x, y, _ = grid(size)
    on = height > NOTHING

    angle, tilt = rng.uniform(-np.pi, 0), np.radians(rng.uniform(15, 60))
    light = np.array([np.cos(angle) * np.sin(tilt), np.sin(angle) * np.sin(tilt), np.cos(tilt)])
    # What lies lower than its surroundings, seen towards the light, is in their shade.
    solid = np.where(on, height, -0.1 * unit)
    step = np.round(light[:2] * 0.12 * unit * size * OVER).astype(int)
    around = np.roll(blur(solid, 0.07 * unit, size), -step[::-1], axis=(0, 1))
    shade = 1 - 0.55 * np.clip((around - solid) / (0.35 * unit), 0, 1)
    lit = np.maximum(np.tensordot(light, normal, 1) + 0.25, 0) / 1.25
    lit = shade * (0.28 + 0.66 * lit)
    # Light that passes through skin comes out red: the dark side loses less of it.
    colour = skin(rng)[:, None, None] * np.stack([lit**0.8, lit, lit**1.1])

    tint = 1 + rng.normal(0, 0.006, 3)
    slope = rng.uniform(-0.06, 0.06, 2)
    wall = rng.uniform(0.8, 0.87) + slope[0] * (x - 0.5) + slope[1] * (y - 0.5)
    fall = -light[:2] * rng.uniform(0.15, 0.6) * unit * size * OVER
    dark = blur(moved(on.astype(float), *np.round(fall).astype(int)), 0.09 * unit, size)
    wall = wall * (1 - rng.uniform(0.1, 0.45) * dark)
    image = np.where(on, colour, wall * tint[:, None, None])
    balance = np.array([1, 0, -1]) * rng.normal(0, 0.012) + rng.uniform(0.96, 1.03)
    image *= balance[:, None, None]

    edge = round(size * OVER * MARGIN)
    frame = image[:, edge : edge + size * OVER, edge : edge + size * OVER]
    small = frame.reshape(3, size, OVER, size, OVER).mean(axis=(2, 4)).transpose(1, 2, 0)
    return (np.clip(np.round(small * 255 / LEVELS), 0, 255 // LEVELS) * LEVELS).astype(np.uint8)


def labels(seed):
    """Return the signs (1200,) int64 of all images, training set first: equal classes, shuffled."""
    # The images draw from [seed, index]; an index that no image has keeps the shuffle apart.
    rng = np.random.default_rng([seed, 2**32 - 1])
    return np.concatenate([rng.permutation(np.arange(n) % 6) for n in (TRAIN, TEST)])


@contextlib.contextmanager
def complete(path):
    """Give a temporary name beside `path`; what was written there gets its name when complete."""
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_set(path, part, images, signs):
    """Write one HDF5 file in the schema of SIGNS; `part` is "train" or "test"."""
    with complete(path) as partial, h5py.File(partial, "w") as file:
        # Chunks of one colour channel: neighbouring bytes are neighbouring pixels.
        chunks = (60, SIZE, SIZE, 1)
        packing = {"chunks": chunks, "compression": "gzip", "compression_opts": 9}
        file.create_dataset(f"{part}_set_x", data=images, **packing)
        file[f"{part}_set_y"] = signs.astype(np.int64)
        file["list_classes"] = np.arange(6, dtype=np.int64)


def write_example(path, seed):
    """Write a hand that is in neither file, a 3, as a JPEG of 256x256."""
    with complete(path) as partial:
        Image.fromarray(picture(seed, TRAIN + TEST, 3, 256)).save(partial, "JPEG", quality=92)


def natural(text):
    """Return the argument `text` as an integer of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more.")
    return int(text)


def main(arguments=None):
    """Draw all images and write the two files; return the exit status."""
    parser = argparse.ArgumentParser(description="Draw the bundled data set of hand signs.")
    parser.add_argument("--seed", type=natural, default=0, help="0 gives the committed files")
    parser.add_argument("--out", type=Path, default=Path("datasets/bundled"), help="the folder")
    parser.add_argument("--example", type=Path, help="write one more hand here, a JPEG; no files")
    options = parser.parse_args(arguments)
    folder = options.example.parent if options.example else options.out
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"cannot make the folder {folder}: {error.strerror}.")
    if not os.access(folder, os.W_OK):
        parser.error(f"cannot write to the folder {folder}.")
    if options.example:
        write_example(options.example, options.seed)
        return 0

    signs = labels(options.seed)
    drawing = tqdm(enumerate(signs), total=len(signs), desc="drawing", unit="image")
    images = np.stack([picture(options.seed, index, sign) for index, sign in drawing])
    write_set(options.out / "train_signs.h5", "train", images[:TRAIN], signs[:TRAIN])
    write_set(options.out / "test_signs.h5", "test", images[TRAIN:], signs[TRAIN:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
