"""What the tests of this folder draw."""

from PIL import Image

RED, WHITE = (200, 30, 40), (255, 255, 255)


def plain(size=(96, 64), colour=RED, mode="RGB"):
    """Return an image of one colour."""
    return Image.new("RGB", size, colour).convert(mode)


def save(image, path, **options):
    """Write an image, and the folders that it needs; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path
