"""Train the models that know other people's hands, on rendered ones.

    python tools/make_model.py hands      ResNet50 on SIGNS and rendered hands: models/hands.keras
    python tools/make_model.py rendered   ResNet50 on rendered hands alone: models/rendered.keras
    python tools/make_model.py small      SmallResNet on rendered hands alone: models/small.keras

Renders what is not there yet into build/hands, trains by the recipe of resnets/training.py, and
says how long it will take. Interrupted, the same command goes on where it was. SIGNS is what
`load_dataset` finds, the photographs or the bundled set; its test images are not read.
"""

import argparse
import contextlib
import dataclasses
import sys
from pathlib import Path

import numpy as np

from resnets_utils import ROOT, DataError, convert_to_one_hot, load_dataset, quiet_tensorflow

with quiet_tensorflow():
    import keras

from resnets import hands, training
from resnets.resnet50 import ResNet50, SmallResNet

FOLDER = ROOT / "build" / "hands"
MODELS = ROOT / "models"
TEST = 600  # rendered images that no training sees
SHARE = 1 / 3  # of SIGNS among the training images, by repetition

# Network, epochs, and whether SIGNS is among the images.
KINDS = {
    "hands": (ResNet50, 12, True),
    "rendered": (ResNet50, 8, False),
    "small": (SmallResNet, 24, False),
}


def rendered(train: int, seed: int, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return rendered training images (train, 64, 64, 3) and labels (1, train), made if need be."""
    with contextlib.suppress(DataError):
        images, labels, *_ = load_dataset(folder)
        if len(images) == train:
            return images, labels
    hands.write_set(folder, train, TEST, seed)
    images, labels, *_ = load_dataset(folder)
    return images, labels


def mixed(one, other, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return all of two sets (images, labels), the second repeated until it has that share."""
    times = max(1, round(share / (1 - share) * len(one[0]) / len(other[0])))
    images = np.concatenate([one[0], *[other[0]] * times])
    return images, np.concatenate([one[1], *[other[1]] * times], axis=1)


def main(arguments: list[str] | None = None) -> int:
    """Train and save one model; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--images", type=int, default=10_000, help="rendered training images")
    parser.add_argument("--epochs", type=int, help="passes over the training images")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and augmentation")
    parser.add_argument("--out", type=Path, help="the model's file, models/KIND.keras")
    parser.add_argument("--rendered", type=Path, default=FOLDER, help="where rendered hands lie")
    options = parser.parse_args(arguments)
    build, epochs, with_signs = KINDS[options.kind]
    out = options.out or MODELS / f"{options.kind}.keras"
    try:
        if out.suffix != ".keras":
            raise DataError(f"{out}: found the ending {out.suffix!r}; expected .keras.")
        recipe = dataclasses.replace(training.Recipe(), epochs=options.epochs or epochs)
        images, labels = rendered(options.images, 1, options.rendered)
        if with_signs:
            images, labels = mixed((images, labels), load_dataset()[:2], SHARE)
        keras.utils.set_random_seed(options.seed)
        model = build(zero_gamma=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        training.train(
            model,
            (images, convert_to_one_hot(labels, 6).T.astype("float32")),
            None,
            recipe,
            seed=options.seed,
            checkpoint=out.with_suffix(".weights.h5"),
        )
        save(model, build(), out)
    except (DataError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on where it was.", file=sys.stderr)
        return 130
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
    return 0


def save(trained: keras.Model, bare: keras.Model, path: Path) -> None:
    """Write the weights in a network that has no optimiser yet, under a temporary name first."""
    new = path.with_name(f"new-{path.name}")
    try:
        bare.set_weights(trained.get_weights())
        bare.save(new)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
