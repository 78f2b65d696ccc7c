"""Train the models that know other people's hands, on rendered ones.

    python tools/make_model.py hands      ResNet50 on SIGNS and rendered hands, beginning with
                                          models/rendered.keras: models/hands.keras
    python tools/make_model.py rendered   ResNet50 on rendered hands alone: models/rendered.keras
    python tools/make_model.py small      SmallResNet on rendered hands alone: models/small.keras
    python tools/make_model.py signs      ResNet50 on SIGNS alone, to compare: models/signs.keras

Renders what is not there yet into build/model/, half of it in SIGNS's manner and half in any,
trains by the recipe of resnets/training.py, and says how long it will take. Rendered hands vary
enough: alone they are augmented less. Half of SIGNS's repetitions beside them are shifted: other
frames, walls, colours and cameras (resnets/hands/domain_shift.py). Where the model to begin with
is missing, it is trained first. Interrupted, the same command goes on where it was. SIGNS is what
`load_dataset` finds, the photographs or the bundled set; its test images are not read.
"""

import contextlib
import dataclasses
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
from render_hands import images as number_of_images

from resnets.atomic_files import advice, locked, writable
from resnets.command_line import Parser, natural, positive, run
from resnets.hands import data_sets, variation
from resnets.hands.domain_shift import shift_domain
from resnets.validation import group_near_duplicates, grouped_folds
from resnets_utils import ROOT, DataError, convert_to_one_hot, load_dataset, quiet_tensorflow

FOLDER = ROOT / "build" / "model"
MODELS = ROOT / "models"
TEST = 600  # rendered images that no training sees, for readers who load the set
SEED = 1  # of the rendered images of the first manner; the next takes the next one
SHARE = 0.45  # of SIGNS among the training images, by repetition
MANNERS = {  # both with skin of all tones, and each picture a sitting of its own
    "any": variation.ANY,
    "signs": dataclasses.replace(variation.LIKE_SIGNS, tones=variation.ANY.tones, sessions=0),
}
# Of the recipe's augmentation: the renderer turned, moved and lit the hands already. A guess.
LESS = {"rotation": 0.02, "translation": 0.04, "zoom": 0.05, "brightness": 0.05, "contrast": 0.1}


@dataclasses.dataclass(frozen=True)
class Kind:
    """A network, what it is trained on, the kind it begins with, and how the recipe is changed."""

    network: str
    rendered: bool
    signs: bool
    changes: dict
    begin: str | None = None


KINDS = {
    "hands": Kind(
        "ResNet50", True, True, {"epochs": 8, "peak_learning_rate": 0.001}, begin="rendered"
    ),
    "rendered": Kind("ResNet50", True, False, {"epochs": 10} | LESS),
    "small": Kind("SmallResNet", True, False, {"epochs": 24} | LESS),
    "signs": Kind("ResNet50", False, True, {}),
}


def mixed(many, few, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return all of two sets (images, labels), the second repeated until it has that share.

    Its repetitions are not alike: as they are, domain shifted, mirrored (a left hand shows the same
    sign as a right one), shifted otherwise, and so on.
    """
    times = max(1, round(share / (1 - share) * len(many[0]) / len(few[0])))
    again = [repetition(few[0], k) for k in range(times)]
    return np.concatenate([many[0], *again]), np.concatenate([many[1], *[few[1]] * times], axis=1)


def repetition(images: np.ndarray, k: int) -> np.ndarray:
    """Return SIGNS's images (m, 64, 64, 3) as their repetition `k` shows them."""
    if k % 2 == 0:
        return images[:, :, ::-1] if k % 4 else images
    changed = images.copy()
    for index, image in enumerate(images):
        with contextlib.suppress(DataError):  # no hand in it: it stays as it is
            changed[index] = shift_domain(image, k, index)
    return changed


def training_images(
    kind: str, count: int, folder: Path, fold: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return images (m, 64, 64, 3) and labels (1, m) that a kind trains on, rendered if need be."""
    with_rendered, with_signs = KINDS[kind].rendered, KINDS[kind].signs
    signs = load_dataset()[:2] if with_signs else None
    if with_signs and fold is not None:
        kept, _ = list(grouped_folds(group_near_duplicates(signs[0])))[fold]
        signs = signs[0][kept], signs[1][:, kept]
    if not with_rendered:
        return signs
    rendered = rendered_images(count, folder)
    return mixed(rendered, signs, SHARE) if with_signs else rendered


def rendered_images(count: int, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` rendered hands, images and labels, in equal parts of each manner."""
    sets = []
    for k, (name, how) in enumerate(MANNERS.items()):
        own = -(-(count - k) // len(MANNERS))  # what is left over goes to the first
        if own:
            data_sets.write_set(folder / name, own, TEST, SEED + k, how)
            sets.append(load_dataset(folder / name)[:2])
    images, labels = zip(*sets, strict=True)
    return np.concatenate(images), np.concatenate(labels, axis=1)


def main(arguments: list[str] | None = None) -> int:
    """Train and save one model; return the exit status."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--images", type=number_of_images, default=8_000, help="rendered")
    parser.add_argument("--epochs", type=positive, help="passes over the training images")
    parser.add_argument("--seed", type=natural, default=0, help="of weights, order, augmentation")
    parser.add_argument("--fold", type=int, choices=range(5), help="leave this fold of SIGNS out")
    parser.add_argument("--out", type=Path, help="the model's file, models/KIND.keras")
    parser.add_argument("--rendered", type=Path, help="folder of the rendered sets, build/model")
    options = parser.parse_args(arguments)
    out = options.out or MODELS / f"{options.kind}.keras"
    if out.suffix != ".keras":
        parser.error(f"{out}: found the ending {out.suffix!r}; expected .keras.")
    if options.images < 1:
        parser.error(f"{options.images} images; give 1 or more.")
    options.rendered = options.rendered or writable(FOLDER)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        make(options.kind, options.epochs, options, out)
        size = out.stat().st_size
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        if error.filename is None:
            raise  # the standard output's
        print(f"{error.filename}: {error.strerror}. {advice(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on where it was.", file=sys.stderr)
        return 130
    print(f"{out}: {size / 1e6:.1f} MB")
    return 0


def make(kind: str, epochs: int | None, options: Namespace, out: Path) -> None:
    """Train one kind, and before it the one that it begins with, where its file is missing."""
    begin = KINDS[kind].begin and out.with_name(f"{KINDS[kind].begin}.keras")
    with locked(out):  # before the hours of rendering, as it also says what can't be written
        if begin and not begin.exists():
            print(f"{begin} is missing and is trained first.")
            make(KINDS[kind].begin, None, options, begin)
        images, labels = training_images(kind, options.images, options.rendered, options.fold)
        changes = KINDS[kind].changes | ({"epochs": epochs} if epochs else {})
        train(KINDS[kind].network, begin, images, labels, changes, options.seed, out)


def train(
    network: str, begin: Path | None, images, labels, changes: dict, seed: int, out: Path
) -> None:
    """Train a network by the changed recipe; save it without its optimiser, whole or not at all."""
    # Here, because the processes that render import this file too.
    with quiet_tensorflow():
        import keras
    from resnets import resnet50, training
    from resnets.pictures import classifier

    keras.utils.set_random_seed(seed)
    model = getattr(resnet50, network)(zero_gamma=True)
    if begin:
        try:
            model.set_weights(classifier.load_model(begin).model.get_weights())
        except ValueError as error:
            raise DataError(f"{error} Delete {begin}: it is then trained anew.") from error
    checkpoint = out.with_suffix(".weights.h5")
    training.train(
        model,
        (images, convert_to_one_hot(labels, 6).T.astype("float32")),
        recipe=dataclasses.replace(training.Recipe(), **changes),
        seed=seed,
        checkpoint=checkpoint,
        keep_checkpoint=True,
    )
    classifier.Classifier(model, classifier.Facts(classifier.DIGITS), out).save()
    checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(run(main))
