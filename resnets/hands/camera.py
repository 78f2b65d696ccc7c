"""What a camera makes of light: exposure, white balance, blur, noise, JPEG."""

import io

import numpy as np
from PIL import Image

from resnets.hands.variation import Variation


def blur(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Return `picture` (n, n) through a Gaussian of `sigma` pixels; the edges are repeated."""
    if sigma < 0.05:
        return picture
    steps = np.arange(-np.ceil(3 * sigma), np.ceil(3 * sigma) + 1)
    weights = np.exp(-0.5 * (steps / sigma) ** 2)
    weights /= weights.sum()
    n, margin = len(picture), len(steps) // 2
    indices = np.clip(np.arange(n)[:, None] + steps.astype(int), 0, n - 1)
    matrix = np.zeros((n, n))
    np.add.at(matrix, (np.arange(n)[:, None].repeat(2 * margin + 1, 1), indices), weights)
    return matrix @ picture @ matrix.T


def photograph(light: np.ndarray, how: Variation, rng: np.random.Generator) -> np.ndarray:
    """Return what a camera makes of the light (size, size, 3) that falls on it: uint8."""
    size, strength = len(light), how.camera
    of_sensor = getattr(rng, "own", rng)  # noise is new in each picture of a session
    y, x = (np.mgrid[:size, :size] + 0.5) / size - 0.5 - rng.normal(0, 0.08, 2)[:, None, None]
    light = light * (1 - rng.uniform(0, 1.2 * strength) * np.minimum(x**2 + y**2, 0.6))[:, :, None]
    light = light * np.exp(strength * rng.normal(0, 0.12) * np.array([1, 0, -1]))
    light = light * np.exp(strength * rng.normal(0, 0.05) * np.array([-0.5, 1, -0.5]))
    bright = np.quantile(light.mean(axis=2), 0.9)
    wanted = 0.75 * np.exp(rng.normal(0, 0.12 + 0.2 * strength))
    # Exposure, then a shoulder: what is too bright fades to white softly.
    light = light * min(wanted / max(bright, 1e-3), 12)
    picture = (1 - np.exp(-1.6 * light)) ** (1 / 2.2)
    soft = rng.uniform(0.35, 0.7 + 0.4 * strength)
    picture = np.stack([blur(c, soft) for c in np.moveaxis(picture, 2, 0)], axis=2)
    # Telephones sharpen what they blurred.
    blurred = np.stack([blur(c, 1.0) for c in np.moveaxis(picture, 2, 0)], axis=2)
    picture = picture + rng.uniform(0, 1) * (picture - blurred)
    grey = picture.mean(axis=2, keepdims=True)
    picture = grey + (picture - grey) * (1 + strength * rng.uniform(-0.4, 0.3))
    grain = 0.025 * strength * rng.uniform(0, 1) ** 3
    picture = picture + grain * of_sensor.normal(0, 1, picture.shape)
    pixels = np.clip(np.round(255 * picture), 0, 255).astype(np.uint8)
    if rng.random() < 0.5 * strength:
        pixels = compressed(pixels, int(rng.integers(95 - 30 * strength, 97)))
    return pixels


def compressed(pixels: np.ndarray, quality: int) -> np.ndarray:
    """Return pixels (size, size, 3) as they come out of a larger JPEG made small."""
    size, memory = len(pixels), io.BytesIO()
    large = Image.fromarray(pixels).resize((4 * size, 4 * size), Image.Resampling.BICUBIC)
    large.save(memory, "JPEG", quality=quality)
    return np.asarray(Image.open(memory).resize((size, size), Image.Resampling.BOX))
