"""A network for your own pictures, in one file that knows its classes.

    new_model("flowers.keras", classes=["daisy", "rose"])
    train_until("flowers.keras", "flowers", target=0.85)
    predict("flowers.keras", "me.jpg")

The file is Keras's own, `.keras`, with one member more, resnets.json: the classes, how pictures are
prepared, and what was measured. Keras alone opens it too.
"""

import contextlib
import dataclasses
import glob
import json
import math
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from resnets.atomic_files import Busy, locked, replacing, writable, write
from resnets.pictures import folders, photos
from resnets_utils import ROOT, DataError, quiet_tensorflow, shown

with quiet_tensorflow():
    import keras

from resnets import resnet50, training
from resnets.foreign_files import Foreign, check_ordinary, shortened
from resnets.graph import compute
from resnets.pictures import model_files
from resnets.pictures.imagenet import published_weights

DIGITS = tuple("012345")
FACTS = model_files.FACTS
CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")
INPUT = "the middle square of an upright RGB picture, made as small as the input, divided by 255"
NETWORKS = ("ResNet50", "SmallResNet")
CACHE = ROOT / "build" / "pictures"  # decoded folders
EPOCHS = 10  # of a round
RECIPE = training.Recipe()


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a model's file says of it.

    Attributes:
        classes: A name for each of its outputs.
        accuracy: On the held-out pictures that `data` names, in inference mode; None: not measured.
        data: Which pictures those are.
        rounds: How many rounds it was trained, those included that changed nothing.
        test: Accuracy on the test part, once it was read.
        history: The curves of all rounds, one after the other: loss, accuracy, val_loss,
            val_accuracy, a value per epoch.
    """

    classes: tuple[str, ...]
    accuracy: float | None = None
    data: str = ""
    rounds: int = 0
    test: float | None = None
    history: dict[str, list[float]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Prediction:
    """An answer: the class, and each class's probability, in the model's order."""

    label: str
    probabilities: dict[str, float]


@dataclasses.dataclass
class Classifier:
    """A network, what is known of it, and the .keras file that both are kept in."""

    model: keras.Model
    facts: Facts
    path: Path

    def save(self) -> None:
        """Write the file, whole or not at all.

        Raises:
            DataError: Another ending; the file can't be written; the facts are of another network.
        """
        model_files.check_ending(self.path)
        if len(self.facts.classes) != self.model.output_shape[-1]:
            raise DataError(
                f"{self.path}: found {len(self.facts.classes)} classes for a network of "
                f"{self.model.output_shape[-1]} outputs; expected as many."
            )
        # Without the optimiser: Keras alone would not know it, and it is twice the weights.
        bare = keras.Model(self.model.inputs[0], self.model.outputs[0], name=self.model.name)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path) as new:
                bare.save(new)
                facts = {"input": INPUT} | dataclasses.asdict(self.facts)
                with zipfile.ZipFile(new, "a") as file:
                    file.writestr(FACTS, as_json(facts))
        except (OSError, RuntimeError) as error:  # HDF5 reports a full disk as RuntimeError
            raise DataError(
                f"{self.path}: the model could not be written ({error}). What was there before is "
                "untouched. Free some room, or name another file."
            ) from None

    def know(self, **facts: Any) -> None:
        """Replace some of the facts, and save."""
        self.facts = dataclasses.replace(self.facts, **facts)
        self.save()

    def answer(self, image: np.ndarray) -> Prediction:
        """Return the answer to one picture, uint8 (side, side, 3).

        Raises:
            DataError: The network returns no probabilities.
        """
        found = compute(self.model, training.as_floats(image[np.newaxis]))[0]
        if not (found.min() >= 0 and abs(found.sum() - 1) < 0.01):
            raise DataError(
                f"the model answers {found.round(2)[:6]}; expected probabilities, as a softmax "
                "makes them."
            )
        probabilities = {name: float(p) for name, p in zip(self.facts.classes, found, strict=True)}
        return Prediction(self.facts.classes[int(found.argmax())], probabilities)


# --- files ----------------------------------------------------------------------------------------


def load_model(path: str | Path, pixels: str | None = None) -> Classifier:
    """Return a file's model and facts; nothing that the file brings is run.

    A file without facts, as other programs write them, gets classes named 0, 1, 2 and so on. What
    its pictures are is noticed or assumed, and said on the standard error.

    Args:
        path: A .keras file.
        pixels: What a model from elsewhere takes, "0-1" or "0-255".

    Raises:
        DataError: The file is missing, is no model, is not for square colour pictures, fails at
            its first picture, takes more memory than there may be, or wants to run code of its own
            (a Lambda layer), which Keras's safe mode refuses.
    """
    path = Path(path)
    model, kept, assumed = model_files.read(path, pixels)
    try:
        facts = _facts(kept, model.output_shape[-1])
    except ValueError as error:
        raise DataError(
            f"{shown(path)}: found no model that can be used ({error}); expected facts as train.py "
            f"writes them. Train it anew, or delete {FACTS} from the zip."
        ) from None
    if assumed:
        print(f"{assumed} Its classes are called 0 to {len(facts.classes) - 1}.", file=sys.stderr)
    return Classifier(model, facts, path)


def facts_of(path: Path) -> Facts:
    """Return the facts in a model's file; none where it can't be read: `load_model` says why."""
    with contextlib.suppress(OSError, ValueError, zipfile.BadZipFile, KeyError, Foreign):
        check_ordinary(path)
        with zipfile.ZipFile(path) as file:
            kept = model_files.facts_in(file) or {}
        return _facts(kept, len(kept["classes"]))
    return Facts(())


def _facts(kept: dict, classes: int) -> Facts:
    """Return what a model's resnets.json says, checked; ValueError where it can't be so."""

    def is_share(value):
        return value is None or (type(value) in (int, float) and 0 <= value <= 1)

    def is_text(value, most=1000):
        return isinstance(value, str) and len(value) <= most

    def is_name(value):  # of a folder: some are of bytes that are no UTF-8
        return is_text(value, 255) and not any("\ud800" <= c < "\udc80" for c in value)

    def is_curve(values):
        return isinstance(values, list) and all(
            value is None or (type(value) in (int, float) and abs(value) < 1e300)
            for value in values
        )

    expected = {
        "input": is_text,
        "classes": lambda value: (
            isinstance(value, list) and all(map(is_name, value)) and len(set(value)) == len(value)
        ),
        "accuracy": is_share,
        "data": is_text,
        "rounds": lambda value: type(value) is int and 0 <= value <= 10**6,
        "test": is_share,
        "history": lambda value: (
            isinstance(value, dict)
            and value.keys() <= set(CURVES)
            and all(map(is_curve, value.values()))
            and len(set(map(len, value.values()))) <= 1
        ),
    }
    for name, value in kept.items():
        if name not in expected or not expected[name](value):
            raise ValueError(f"its {FACTS} has {shortened(name)}: {shortened(value)!r}")
    names = kept.get("classes", [str(k) for k in range(classes)])
    if len(names) != classes:
        raise ValueError(f"{len(names)} classes are named and {classes} returned")
    curves = {
        name: [math.nan if value is None else float(value) for value in values]
        for name, values in kept.get("history", {}).items()
    }
    rest = {name: kept[name] for name in ("accuracy", "data", "rounds", "test") if name in kept}
    return Facts(tuple(names), **rest, history=curves)


def as_json(value) -> str:
    """Return a value as JSON, what is no finite number as null: JSON knows no NaN."""

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [plain(one) for one in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return json.dumps(plain(value), indent=1, allow_nan=False)


# --- the workflow ---------------------------------------------------------------------------------


def new_model(
    path_to_model: str | Path,
    print_summary: bool = False,
    classes: Sequence[str] = DIGITS,
    network: str = "ResNet50",
    begin: str | Path | None = None,
    seed: int = 0,
) -> keras.Model:
    """Write a network that has learned nothing yet, or, with `begin`, what another one has.

    Args:
        path_to_model: The new file, ending in .keras.
        print_summary: Whether to print its layers.
        classes: Two or more names.
        network: "ResNet50" or "SmallResNet".
        begin: A file that `train_model` wrote, or the .h5 file of ResNet50's published ImageNet
            weights (see `published_weights`): its layers are taken over, all but the last.
        seed: Decides the first weights.

    Returns:
        The network.

    Raises:
        DataError: The file is there already; fewer than two classes; no such network; `begin`
            can't be read, or nothing of it fits.
    """
    path = Path(path_to_model)
    model_files.check_ending(path)
    if path.exists():
        raise DataError(f"{path}: found a file already; expected none. Delete it, or name another.")
    if len(classes) < 2 or len(set(classes)) < len(classes):
        raise DataError(f"new_model: found the classes {list(classes)}; give two or more names.")
    if network not in NETWORKS:
        raise DataError(f"new_model: found the network {network!r}; give one of {NETWORKS}.")
    for left in path.parent.glob(f"{glob.escape(path.stem)}.round*.weights.h5"):
        left.unlink()  # of a model that is no more
    path.with_suffix(".training.json").unlink(missing_ok=True)
    keras.utils.set_random_seed(seed)
    build = getattr(resnet50, network)
    model = build((photos.SIDE, photos.SIDE, 3), len(classes), zero_gamma=True)
    if begin is not None:
        take_over(model, learned(begin), begin)
    Classifier(model, Facts(tuple(map(str, classes))), path).save()
    if print_summary:
        model.summary()
    return model


def learned(path: str | Path) -> dict[str, list[np.ndarray]]:
    """Return the weights of a file's layers by name, all but the last, which knows the classes.

    Args:
        path: A model's .keras file, or the .h5 file of the published ImageNet weights.

    Raises:
        DataError: As `load_model` and `published_weights`.
    """
    if Path(path).suffix == ".h5":
        return published_weights(path)
    network = model_files.unwrapped(load_model(path).model)
    return {layer.name: layer.get_weights() for layer in network.layers[:-1]}


def take_over(
    model: keras.Model, known: dict[str, list[np.ndarray]], source: str | Path = "take_over"
) -> int:
    """Give a model's layers the weights that are known for their names, where the shapes agree.

    The last layer keeps its own.

    Args:
        model: It is changed.
        known: By a layer's name, arrays in the order of Keras's get_weights, as `learned` reads
            them.
        source: The file that they are from, for the error.

    Returns:
        How many layers were filled.

    Raises:
        DataError: None was.
    """
    filled = 0
    for layer in model.layers[:-1]:
        values = known.get(layer.name, [])
        if values and [v.shape for v in values] == [w.shape for w in layer.weights]:
            layer.set_weights(values)
            filled += 1
    if not filled:
        raise DataError(
            f"{source}: found no layer that fits {model.name}; expected one of the same name and "
            "shape. Give the file of a network of this kind, or make the other kind."
        )
    return filled


def train_model(
    path_to_model: str | Path,
    path_to_images: str | Path,
    epochs: int = EPOCHS,
    parts: Sequence[float] = (0.7, 0.3),
    seed: int = 0,
    leave_out: Sequence[str] = (),
    recipe: training.Recipe = RECIPE,
    then: Callable[[Facts], None] = lambda facts: None,
) -> dict[str, list[float]]:
    """Train a model's file on a labelled folder for one round; save it if it improved.

    Loss and accuracy are drawn in a notebook, and printed epoch by epoch. Interrupted, the same
    call goes on where it was; it trains no second round when the first one is saved already.

    Args:
        path_to_model: A file that `new_model` or an earlier round wrote.
        path_to_images: A folder of images per class, named as the model's classes.
        epochs: Passes over the training images.
        parts: Shares of training and held-out images; where there is a third, it is not looked at.
        seed: Decides the split; with the round, the order of the images and their changes.
        leave_out: Class folders to pass over.
        recipe: The rest of the training; `epochs` replaces its own.
        then: Called with the facts at the end; when that is interrupted, the same call does it
            again and trains nothing.

    Returns:
        loss, accuracy, val_loss, val_accuracy: a value per epoch.

    Raises:
        DataError: The folder or the model can't be used, or their classes differ; another process
            trains the model.
    """
    recipe = dataclasses.replace(recipe, epochs=epochs)
    asked = {"seed": seed, "parts": [*parts], **dataclasses.asdict(recipe)}
    with _under_way(Path(path_to_model), 1, asked) as rounds:
        classifier, pictures = _open(path_to_model, path_to_images, parts, seed, leave_out)
        if classifier.facts.rounds < rounds:
            _round(classifier, pictures, seed, recipe)
        then(classifier.facts)
    return {name: values[-epochs:] for name, values in classifier.facts.history.items()}


def train_until(
    path_to_model: str | Path,
    path_to_images: str | Path,
    target: float = 0.85,
    most: int = 10,
    epochs: int = EPOCHS,
    parts: Sequence[float] = (0.7, 0.15, 0.15),
    seed: int = 0,
    leave_out: Sequence[str] = (),
    recipe: training.Recipe = RECIPE,
    then: Callable[[Facts], None] = lambda facts: None,
) -> Facts:
    """Train round after round until a target is reached on the validation part, or `most` rounds.

    A round that does not improve the model is thrown away, and the next one begins where it did,
    with other batches. Then the test part is read, once: it is the accuracy to report, as the
    validation part decided when to stop.

    Args:
        path_to_model, path_to_images, epochs, seed, leave_out, recipe, then: As for `train_model`.
        target: Accuracy on the validation part, 0 to 1.
        most: Rounds, in this call and those of the like that were interrupted before it.
        parts: Shares of training, validation and test.

    Returns:
        The model's facts, with `test` filled.

    Raises:
        DataError: As `train_model`; an impossible target.
    """
    if not 0 < target <= 1 or most < 1 or len(parts) != 3:
        raise DataError(
            f"train_until: found target {target}, at most {most} rounds, parts {tuple(parts)}; "
            "give a target above 0 and up to 1, 1 round or more, and three parts."
        )
    recipe = dataclasses.replace(recipe, epochs=epochs)
    asked = {"seed": seed, "parts": [*parts], "most": most, **dataclasses.asdict(recipe)}
    with _under_way(Path(path_to_model), most, asked) as rounds:
        classifier, pictures = _open(path_to_model, path_to_images, parts, seed, leave_out)
        while accuracy_of(classifier) < target and classifier.facts.rounds < rounds:
            _round(classifier, pictures, seed, recipe)
        accuracy = accuracy_of(classifier)
        many = f"not reached in {most} round{'s' * (most > 1)}"
        found = "reached" if accuracy >= target else many
        print(f"Target {found}: {accuracy:.1%} of {target:.1%} on the validation part.")
        if classifier.facts.test is None:
            classifier.know(test=measure(classifier.model, pictures[2]))
        print(f"Test part, {len(pictures[2])} pictures: {classifier.facts.test:.1%}")
        then(classifier.facts)
    return classifier.facts


@contextlib.contextmanager
def _under_way(path: Path, more: int, asked: dict) -> Iterator[int]:
    """Note beside a model's file that a training is under way, until its end.

    Args:
        path: The model's.
        more: How many rounds it is to have more than now.
        asked: What else the training depends on: a note of another one does not count.

    Yields:
        How many rounds the model has at the end, as said when the training began.

    Raises:
        DataError: Another process trains the model, or nothing can be written there.
    """
    note = path.with_suffix(".training.json")
    rounds = facts_of(path).rounds + more
    try:
        with locked(path):
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                kept = json.loads(note.read_text(encoding="utf-8"))
                if kept["asked"] == json.loads(json.dumps(asked)):
                    rounds = min(int(kept["rounds"]), rounds)
            write(note, json.dumps({"rounds": rounds, "asked": asked}, indent=1))
            yield rounds
            note.unlink(missing_ok=True)
    except Busy as error:
        raise DataError(
            f"{shown(path)}: {error.strerror}. Wait until it has ended, or train another model."
        ) from None


def accuracy_of(classifier: Classifier) -> float:
    """Return the accuracy on the held-out pictures; 0 where it was not measured."""
    return classifier.facts.accuracy or 0.0


def measure(model: keras.Model, pictures: folders.Pictures) -> float:
    """Return the accuracy on pictures, in inference mode, 0 to 1."""
    right = 0
    for first in range(0, len(pictures), 256):
        X = training.as_floats(pictures[first : first + 256])
        answers = np.argmax(compute(model, X), axis=1)
        right += int(np.count_nonzero(answers == pictures.labels[first : first + 256]))
    return right / len(pictures)


def _open(
    path: str | Path,
    path_to_images: str | Path,
    parts: Sequence[float],
    seed: int,
    leave_out: Sequence[str],
) -> tuple[Classifier, list[folders.Pictures]]:
    """Return a file's classifier, and a folder's pictures in parts.

    A model that was trained on other parts may have learned what is held out now, and would be
    flattered: it is refused.
    """
    classifier = load_model(path)
    facts = classifier.facts
    folder = folders.find_images(path_to_images, leave_out)
    if tuple(folder.classes) != facts.classes:
        raise DataError(
            f"{path}: found {_listed(facts.classes)}; {folder.root} has "
            f"{_listed(folder.classes)}. Expected the same classes: make a model for them with "
            "new_model, beginning with this one if you like."
        )
    pictures = decoded(folder, classifier.model.input_shape[1])
    indices = folders.split(pictures.labels, parts, seed, pictures.classes, pictures.checksums)
    split = [pictures.part(part) for part in indices]
    what = ("pictures to train on", "to validate", "to test")
    print(", ".join(f"{len(part)} {name}" for part, name in zip(split, what, strict=False)))
    data = f"{len(split[1])} of {len(pictures)} pictures, {split[1].checksum:08x}"
    if facts.data and facts.data != data:
        raise DataError(
            f"{path}: was trained with {facts.data} held out; now {data} are, and it may have "
            "learned some of them. Expected the same pictures, parts and seed: give those, or make "
            "a new model, beginning with this one if it never saw these pictures."
        )
    if not facts.data or facts.accuracy is None:
        # A model from elsewhere may be good already; an untrained one guesses.
        classifier.know(data=data, accuracy=measure(classifier.model, split[1]))
    return classifier, split


def decoded(folder: folders.LabelledFolder, side: int) -> folders.Pictures:
    """Return a folder's pictures, decoded into a file of build/pictures the first time."""
    whole = folder.root.resolve()
    of_classes = folders.checksum_of_text(f"{whole} {folder.classes}")  # some may be left out
    name = f"{whole.name}-{of_classes:08x}-{side}.h5"
    return folders.gather(folder, writable(CACHE) / name, side)


def _round(
    classifier: Classifier, pictures: list[folders.Pictures], seed: int, recipe: training.Recipe
) -> dict[str, list[float]]:
    """Train a classifier for one round on the first part, and save it; return the round's curves.

    A model that did not improve on the second part gets its weights back. It stays in memory from
    round to round, and with it the graph of its training.
    """
    (taught, held_out), model, facts = pictures[:2], classifier.model, classifier.facts
    print(f"round {facts.rounds + 1}:")
    checkpoint = classifier.path.with_suffix(f".round{facts.rounds + 1}.weights.h5")
    before = model.get_weights()
    history = training.train(
        model,
        (taught, taught.labels),
        (held_out, held_out.labels),
        recipe,
        seed=seed + facts.rounds,
        checkpoint=checkpoint,
        keep_checkpoint=True,
    )
    accuracy, name = measure(model, held_out), shown(classifier.path)
    known = max(map(len, facts.history.values()), default=0)  # epochs; curves may be missing
    gap = [math.nan] * known
    whole = {key: facts.history.get(key, gap) + values for key, values in history.items()}
    new: dict[str, Any] = {"rounds": facts.rounds + 1, "history": whole}
    best = accuracy_of(classifier)
    if accuracy > best:
        print(f"validation: {accuracy:.1%}, before {best:.1%}; saved in {name}")
        new |= {"accuracy": accuracy, "test": None}
    else:
        print(f"validation: {accuracy:.1%}, not above {best:.1%}; {name} stays as it was")
        model.set_weights(before)
    classifier.know(**new)
    checkpoint.unlink(missing_ok=True)
    return history


def _listed(classes: Sequence[str]) -> str:
    return f"{len(classes)} classes ({folders.some(classes)})"


def predict(
    path_to_model: str | Path, path_to_image: str | Path, pixels: str | None = None
) -> Prediction:
    """Return a model's answer to one photograph; see `read_photo` for what is read of it.

    `pixels` is for models from elsewhere, see `load_model`.

    Raises:
        DataError: The model or the photograph can't be used.
    """
    classifier = load_model(path_to_model, pixels)
    return classifier.answer(photos.read_photo(path_to_image, classifier.model.input_shape[1]))
