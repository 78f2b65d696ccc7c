"""Models for own pictures: their files, and rounds of training."""

import contextlib
import dataclasses
import math
import shutil
import zipfile

import numpy as np
import pytest

from resnets_utils import ROOT, DataError, quiet_tensorflow

with quiet_tensorflow():
    import keras

    from resnets.pictures import classifier

from small_models import COLOURS, QUICK, strict, tiny

from resnets import training
from resnets.pictures import photos
from resnets.pictures.classifier import Classifier, Facts, load_model, new_model

# --- files ----------------------------------------------------------------------------------------


def test_a_file_keeps_model_and_facts(tmp_path):
    facts = Facts(("a", "b", "ü"), 0.5, "some", 3, 0.25, {"loss": [1.0, 0.5]})
    network = tiny()
    Classifier(network, facts, tmp_path / "m.keras").save()
    again = load_model(tmp_path / "m.keras")
    assert again.facts == facts
    X = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)
    np.testing.assert_allclose(again.model(X), network(X), atol=1e-6)
    plain = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(plain(X), network(X), atol=1e-6)


def test_a_sequential_model_that_was_never_called_is_kept(tmp_path):
    layers = [keras.Input((16, 16, 3)), keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(3)]
    Classifier(keras.Sequential(layers), Facts(tuple("abc")), tmp_path / "m.keras").save()
    assert load_model(tmp_path / "m.keras").model.input_shape == (None, 16, 16, 3)


def test_a_plain_keras_file_gets_numbers_for_classes(tmp_path):
    tiny().save(tmp_path / "m.keras")
    assert load_model(tmp_path / "m.keras").facts == Facts(("0", "1", "2"))


def test_the_model_of_the_repository_is_read():
    small = load_model(ROOT / "models" / "small.keras")
    assert small.facts.classes == tuple("012345")
    assert small.model.input_shape == (None, 64, 64, 3)


def test_a_stranger_s_code_is_not_run(tmp_path):
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Lambda(lambda x: x * 2)(inputs)
    outputs = keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(x))
    keras.Model(inputs, outputs).save(tmp_path / "m.keras")
    with pytest.raises(DataError, match=r"m.keras: found no model .* code of its own"):
        load_model(tmp_path / "m.keras")


def test_files_that_are_no_models(tmp_path, model):
    whole = model.read_bytes()
    (tmp_path / "half.keras").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.keras").write_text("no model")
    (tmp_path / "empty.keras").write_bytes(b"")
    for name in ("half", "text", "empty"):
        with pytest.raises(DataError, match=rf"{name}.keras: found no model that can be used"):
            load_model(tmp_path / f"{name}.keras")
    with pytest.raises(DataError, match=r"none.keras: found no such file"):
        load_model(tmp_path / "none.keras")
    with pytest.raises(DataError, match=r"found the ending '.h5'; expected .keras"):
        load_model(tmp_path / "m.h5")


def test_models_for_something_else(tmp_path, model):
    keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)]).save(tmp_path / "m.keras")
    with pytest.raises(DataError, match=r"it takes \(None, 5\)"):
        load_model(tmp_path / "m.keras")
    keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)]
    ).save(tmp_path / "any.keras")
    with pytest.raises(DataError, match=r"it takes \(None, None, None, 3\)"):
        load_model(tmp_path / "any.keras")


def with_facts(model, text):
    """Write a model's file anew with this resnets.json, as another program might."""
    with zipfile.ZipFile(model) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(model, "w") as new:
        for name, content in (members | {classifier.FACTS: text.encode()}).items():
            new.writestr(name, content)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ('{"classes": ["a"]}', "1 classes are named and 3 returned"),
        ('{"classes": ["a", "b", "b"]}', r"resnets.json has classes: \"\['a', 'b', 'b'\]\""),
        ('{"classes": "abc"}', "has classes: 'abc'"),
        ('{"classes": [1, 2, 3]}', "has classes"),
        ('{"classes": [["a"], "b", "c"]}', "has classes"),
        ('{"classes": null}', "has classes: 'None'"),
        ('{"colour": "red"}', "has colour: 'red'"),
        ('{"accuracy": "high"}', "has accuracy: 'high'"),
        ('{"accuracy": NaN}', "has accuracy: 'nan'"),
        ('{"accuracy": 97.5}', "has accuracy: '97.5'"),
        ('{"test": true}', "has test: 'True'"),
        ('{"rounds": 1.5}', "has rounds: '1.5'"),
        ('{"rounds": -1}', "has rounds: '-1'"),
        ('{"data": 3}', "has data: '3'"),
        ('{"history": []}', r"has history: '\[\]'"),
        ('{"history": {"loss": 3}}', "has history"),
        ('{"history": {"loss": ["low"]}}', "has history"),
        ("[1]", "holds a list in place of a table"),
        ("{", "Expecting property name"),
    ],
)
def test_facts_that_can_t_be(model, facts, message):
    with_facts(model, facts)
    with pytest.raises(DataError, match=rf"tiny.keras: found no model .*{message}"):
        load_model(model)


def test_numbers_that_are_none_are_kept_in_valid_json(tmp_path):
    Classifier(
        tiny(), Facts(tuple("abc"), history={"loss": [math.nan, 1]}), tmp_path / "m.keras"
    ).save()
    with zipfile.ZipFile(tmp_path / "m.keras") as file:
        assert strict(file.read(classifier.FACTS))["history"] == {"loss": [None, 1]}
    found = load_model(tmp_path / "m.keras").facts.history["loss"]
    assert math.isnan(found[0]) and found[1] == 1


def test_an_interrupted_save_keeps_the_model_before(model, monkeypatch):
    before = model.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    real = zipfile.ZipFile.writestr
    monkeypatch.setattr(
        zipfile.ZipFile,
        "writestr",
        lambda self, name, *more: full() if name == classifier.FACTS else real(self, name, *more),
    )
    with pytest.raises(DataError, match=r"No space left.*untouched"):
        Classifier(tiny(), Facts(tuple("abc")), model).save()
    assert model.read_bytes() == before
    assert [path.name for path in model.parent.glob("*keras")] == ["tiny.keras"]


# --- new models -----------------------------------------------------------------------------------


def test_a_new_model(tmp_path, capsys):
    path = tmp_path / "deep" / "new.keras"
    model = new_model(path, True, ["a", "b"], network="SmallResNet")
    assert model.output_shape == (None, 2) and "res2a_branch2a" in capsys.readouterr().out
    assert load_model(path).facts == Facts(("a", "b"))
    with pytest.raises(DataError, match=r"new.keras: found a file already"):
        new_model(path)


def test_the_published_call(tmp_path):
    assert new_model(tmp_path / "m.keras").count_params() == 23_600_006
    assert load_model(tmp_path / "m.keras").facts.classes == tuple("012345")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ["a"]}, "give two or more names"),
        ({"classes": ["a", "a"]}, "give two or more names"),
        ({"network": "VGG"}, "give one of"),
    ],
)
def test_impossible_models(tmp_path, changes, message):
    with pytest.raises(DataError, match=message):
        new_model(tmp_path / "m.keras", **changes)
    assert not list(tmp_path.iterdir())


def test_a_model_begins_with_another(tmp_path):
    small = ROOT / "models" / "small.keras"
    model = new_model(tmp_path / "m.keras", classes=list("ab"), network="SmallResNet", begin=small)
    known = load_model(small).model
    for layer, other in zip(model.layers[:-1], known.layers[:-1], strict=True):
        for a, b in zip(layer.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    assert model.layers[-1].get_weights()[0].shape == (512, 2)
    Classifier(tiny(), Facts(tuple("abc")), tmp_path / "tiny.keras").save()
    with pytest.raises(DataError, match=r"tiny.keras: found no layer that fits SmallResNet"):
        new_model(tmp_path / "n.keras", network="SmallResNet", begin=tmp_path / "tiny.keras")
    assert not (tmp_path / "n.keras").exists()


# --- training -------------------------------------------------------------------------------------


@pytest.mark.training
def test_a_round_is_saved_when_it_improves(colours, model, capsys):
    history = classifier.train_model(model, colours, epochs=4, recipe=QUICK)
    assert sorted(history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    facts = load_model(model).facts
    assert (facts.rounds, facts.history) == (1, history) and facts.accuracy > 0.5
    plain = keras.models.load_model(model)
    assert not plain.compiled, "Keras alone opens it"
    assert "42 pictures to train on, 18 to validate\n" in capsys.readouterr().out

    weights = load_model(model).model.get_weights()
    spoilt = dataclasses.replace(QUICK, peak_learning_rate=5.0)
    best = dataclasses.replace(facts, accuracy=1.0)
    Classifier(load_model(model).model, best, model).save()
    classifier.train_model(model, colours, epochs=1, recipe=spoilt)
    kept = load_model(model)
    facts = kept.facts
    assert "stays as it was" in capsys.readouterr().out
    assert (facts.rounds, facts.accuracy, len(facts.history["loss"])) == (2, 1.0, 5)
    for a, b in zip(weights, kept.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [path.name for path in model.parent.glob("tiny*")] == ["tiny.keras"]


@pytest.mark.training
def test_an_interrupted_round_goes_on(colours, model, monkeypatch, capsys):
    whole = model.with_name("whole.keras")
    whole.write_bytes(model.read_bytes())
    classifier.train_model(whole, colours, epochs=3, recipe=QUICK)

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    real = training.train
    with monkeypatch.context() as patch:
        patch.setattr(training, "train", lambda *a, **b: real(*a, **b, callbacks=(Stop(),)))
        with pytest.raises(KeyboardInterrupt):
            classifier.train_model(model, colours, epochs=3, recipe=QUICK)
    assert load_model(model).facts.rounds == 0
    capsys.readouterr()
    classifier.train_model(model, colours, epochs=3, recipe=QUICK)
    assert "going on after 1 of them" in capsys.readouterr().out
    for a, b in zip(
        load_model(whole).model.get_weights(), load_model(model).model.get_weights(), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.training
def test_a_round_interrupted_before_it_is_saved_is_not_trained_again(
    colours, model, monkeypatch, capsys
):
    whole = model.with_name("whole.keras")
    whole.write_bytes(model.read_bytes())
    expected = classifier.train_model(whole, colours, epochs=2, recipe=QUICK)
    classifier._open(model, colours, (0.7, 0.3), 0, ())

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(classifier, "measure", stop)  # after the last epoch, before the save
        with pytest.raises(KeyboardInterrupt):
            classifier.train_model(model, colours, epochs=2, recipe=QUICK)
    assert load_model(model).facts.rounds == 0
    capsys.readouterr()
    history = classifier.train_model(model, colours, epochs=2, recipe=QUICK)
    assert "going on after 2 of them" in capsys.readouterr().out
    assert sorted(history) == sorted(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, atol=1e-3)
    for a, b in zip(
        load_model(whole).model.get_weights(), load_model(model).model.get_weights(), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert not list(model.parent.glob("*.weights.h5"))


@pytest.mark.training
def test_a_checkpoint_of_another_model_of_the_name(colours, model, monkeypatch):
    real = training.train

    def stop(*arguments, **more):
        real(*arguments, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training, "train", stop)
        with pytest.raises(KeyboardInterrupt):
            classifier.train_model(model, colours, epochs=1, recipe=QUICK)
    (left,) = model.parent.glob("tiny.round1*")
    model.unlink()
    for other in ("tiny", "t[i]ny.keras"):  # no ending; a name that is a pattern
        with contextlib.suppress(DataError):
            new_model(model.with_name(other), classes=list(COLOURS), network="SmallResNet")
    assert left.exists(), "another model's"
    Classifier(tiny(side=18), Facts(tuple(COLOURS)), model).save()
    with pytest.raises(DataError, match=r"tiny.round1.weights.h5 is of another training.*Delete"):
        classifier.train_model(model, colours, epochs=1, recipe=QUICK)
    model.unlink()
    new_model(model, classes=list(COLOURS), network="SmallResNet")
    assert not left.exists(), "a new model begins anew"


@pytest.mark.training
def test_a_good_model_from_elsewhere_is_not_spoilt(colours, model):
    classifier.train_model(model, colours, epochs=4, recipe=QUICK)
    network = load_model(model).model
    Classifier(network, Facts(tuple(COLOURS)), model).save()  # as another program writes it
    spoilt = dataclasses.replace(QUICK, peak_learning_rate=5.0)
    classifier.train_model(model, colours, epochs=1, recipe=spoilt)
    for a, b in zip(network.get_weights(), load_model(model).model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.training
def test_labels_stay_whole_numbers(colours, model, monkeypatch):
    """One-hot, 100,000 of them would take memory by their number and that of the classes."""
    shapes = []
    real = training.train

    def watch(model, taught, held_out, *rest, **more):
        shapes.extend([taught[1].shape, held_out[1].shape])
        return real(model, taught, held_out, *rest, **more)

    monkeypatch.setattr(training, "train", watch)
    classifier.train_model(model, colours, epochs=1, recipe=QUICK)
    assert shapes == [(42,), (18,)]


@pytest.mark.training
def test_training_until_a_target(colours, model, capsys):
    facts = classifier.train_until(model, colours, 0.9, most=6, epochs=3, recipe=QUICK)
    assert facts.accuracy >= 0.9 and facts.test > 0.6 and facts == load_model(model).facts
    assert "Target reached" in capsys.readouterr().out
    marked = dataclasses.replace(facts, test=0.123)
    Classifier(load_model(model).model, marked, model).save()
    again = classifier.train_until(model, colours, 0.9, most=6, epochs=3, recipe=QUICK)
    assert again == marked, "what is reached is not trained further, nor its test part read again"


@pytest.mark.training
def test_a_target_that_is_not_reached(colours, model, capsys):
    weak = dataclasses.replace(QUICK, peak_learning_rate=1e-9)
    facts = classifier.train_until(model, colours, 1.0, most=2, epochs=1, recipe=weak)
    assert facts.rounds == 2 and facts.accuracy < 1
    assert "not reached in 2 rounds" in capsys.readouterr().out


@pytest.mark.training
def test_the_test_part_is_neither_trained_nor_stopped_on(colours, model, monkeypatch):
    seen = []
    real = training.train

    def watch(model, taught, held_out, *rest, **more):
        seen.extend([taught[0], held_out[0]])
        return real(model, taught, held_out, *rest, **more)

    monkeypatch.setattr(training, "train", watch)
    classifier.train_until(model, colours, 1.0, most=2, epochs=1, recipe=QUICK)
    _, pictures = classifier._open(model, colours, (0.7, 0.15, 0.15), 0, ())
    tested = {int(k) for k in pictures[2].indices}
    assert len(tested) == 9
    assert not any(tested & {int(k) for k in part.indices} for part in seen)


@pytest.mark.training
def test_what_was_learned_is_not_held_out_later(colours, model):
    classifier.train_model(model, colours, epochs=1, recipe=QUICK)
    before = model.read_bytes()
    for changes in ({"seed": 1}, {"parts": (0.5, 0.5)}):
        with pytest.raises(DataError, match="may have learned some of them"):
            classifier.train_model(model, colours, epochs=1, recipe=QUICK, **changes)
    (colours / "red" / "00.png").unlink()
    with pytest.raises(DataError, match=r"17 of 59 pictures.*|18 of 59 pictures"):
        classifier.train_model(model, colours, epochs=1, recipe=QUICK)
    assert model.read_bytes() == before


def test_a_copy_of_a_picture_is_not_held_out(colours, model):
    for k in range(10):
        shutil.copy(colours / "red" / f"{k:02}.png", colours / "red" / f"{k:02} (copy).png")
    _, (taught, held_out) = classifier._open(model, colours, (0.7, 0.3), 0, ())
    assert (len(taught), len(held_out)) == (49, 21)
    assert not set(taught.checksums) & set(held_out.checksums)


def test_classes_that_do_not_fit(colours, tmp_path):
    Classifier(tiny(2), Facts(("blue", "red")), tmp_path / "two.keras").save()
    with pytest.raises(DataError, match=r"found 2 classes \(blue, red\).*3 classes.*new_model"):
        classifier.train_model(tmp_path / "two.keras", colours)


@pytest.mark.training
def test_files_of_pictures_train_as_arrays_do(colours, tmp_path):
    folder = photos.find_images(colours)
    pictures = photos.gather(folder, tmp_path / "c.h5", 16)
    labels = np.eye(3, dtype="float32")[pictures.labels]
    ends = []
    for images in (pictures, pictures[:]):
        network = tiny()
        recipe = dataclasses.replace(QUICK, epochs=2, rotation=0.05)
        history = training.train(network, (images, labels), (images, labels), recipe, seed=1)
        ends.append((network.get_weights(), history))
    for a, b in zip(ends[0][0], ends[1][0], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    np.testing.assert_allclose(ends[0][1]["val_loss"], ends[1][1]["val_loss"], atol=1e-5)
