"""Models for own pictures: their files, rounds of training, and the two commands."""

import dataclasses
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from resnets_utils import ROOT, DataError, quiet_tensorflow

with quiet_tensorflow():
    import keras

    from resnets import classifier

import predict as predict_command
import train as train_command
from resnets import photos, training
from resnets.classifier import Facts, load_model, new_model, save_model

COLOURS = {"blue": (30, 40, 200), "red": (200, 40, 30), "white": (240, 240, 240)}


def tiny(classes=3, side=16):
    """Return a network that learns colours in seconds."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((side, side, 3))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3, strides=2)(inputs))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x))
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x), name="tiny")


@pytest.fixture
def colours(tmp_path, monkeypatch):
    """Return a folder of three classes, twenty pictures each; what is decoded stays beside it."""
    monkeypatch.setattr(classifier, "CACHE", tmp_path / "cache")
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (tmp_path / "colours" / name).mkdir(parents=True)
        for k in range(20):
            pixels = np.clip(rng.normal(colour, 30, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "colours" / name / f"{k:02}.png")
    return tmp_path / "colours"


@pytest.fixture
def model(tmp_path):
    """Return the file of an untrained model for these classes."""
    save_model(tiny(), tmp_path / "tiny.keras", Facts(tuple(COLOURS)))
    return tmp_path / "tiny.keras"


QUICK = training.Recipe(batch_size=8, peak=0.02, turn=0, shift=0, zoom=0)


# --- files ----------------------------------------------------------------------------------------


def test_a_file_keeps_model_and_facts(tmp_path):
    facts = Facts(("a", "b", "ü"), 0.5, "some", 3, 0.25, {"loss": [1.0, 0.5]})
    network = tiny()
    save_model(network, tmp_path / "m.keras", facts)
    again, kept = load_model(tmp_path / "m.keras")
    assert kept == facts
    X = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)
    np.testing.assert_allclose(again(X), network(X), atol=1e-6)
    plain = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(plain(X), network(X), atol=1e-6)


def test_a_plain_keras_file_gets_numbers_for_classes(tmp_path):
    tiny().save(tmp_path / "m.keras")
    assert load_model(tmp_path / "m.keras")[1] == Facts(("0", "1", "2"))


def test_the_model_of_the_repository_is_read():
    model, facts = load_model(ROOT / "models" / "small.keras")
    assert facts.classes == tuple("012345") and model.input_shape == (None, 64, 64, 3)


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
    with zipfile.ZipFile(model) as old, zipfile.ZipFile(tmp_path / "n.keras", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == classifier.FACTS:
                content = json.dumps({"classes": ["a"]}).encode()
            new.writestr(name, content)
    keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)]
    ).save(tmp_path / "any.keras")
    with pytest.raises(DataError, match=r"it takes \(None, None, None, 3\)"):
        load_model(tmp_path / "any.keras")
    with pytest.raises(DataError, match="1 classes are named and 3 returned"):
        load_model(tmp_path / "n.keras")


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
        save_model(tiny(), model, Facts(tuple("abc")))
    assert model.read_bytes() == before
    assert [path.name for path in model.parent.glob("*keras")] == ["tiny.keras"]


# --- new models -----------------------------------------------------------------------------------


def test_a_new_model(tmp_path, capsys):
    path = tmp_path / "deep" / "new.keras"
    model = new_model(path, True, ["a", "b"], network="SmallResNet")
    assert model.output_shape == (None, 2) and "res2a_branch2a" in capsys.readouterr().out
    assert load_model(path)[1] == Facts(("a", "b"))
    with pytest.raises(DataError, match=r"new.keras: found a file already"):
        new_model(path)


def test_the_published_call(tmp_path):
    assert new_model(tmp_path / "m.keras").count_params() == 23_600_006
    assert load_model(tmp_path / "m.keras")[1].classes == tuple("012345")


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
    known = load_model(small)[0]
    for layer, other in zip(model.layers[:-1], known.layers[:-1], strict=True):
        for a, b in zip(layer.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    assert model.layers[-1].get_weights()[0].shape == (512, 2)
    with pytest.raises(DataError, match="found no layer of tiny that fits"):
        classifier.take_over(model, tiny())


# --- training -------------------------------------------------------------------------------------


def test_a_round_is_saved_when_it_improves(colours, model, capsys):
    history = classifier.train_model(model, colours, epochs=4, recipe=QUICK)
    assert sorted(history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    _, facts = load_model(model)
    assert (facts.rounds, facts.history) == (1, history) and facts.accuracy > 0.5
    plain = keras.models.load_model(model)
    assert not plain.compiled, "Keras alone opens it"
    assert "42 training pictures, 18 held out" in capsys.readouterr().out

    weights = load_model(model)[0].get_weights()
    spoilt = dataclasses.replace(QUICK, peak=5.0)
    best = dataclasses.replace(facts, accuracy=1.0)
    save_model(load_model(model)[0], model, best)
    classifier.train_model(model, colours, epochs=1, recipe=spoilt)
    kept, facts = load_model(model)
    assert "stays as it was" in capsys.readouterr().out
    assert (facts.rounds, facts.accuracy, len(facts.history["loss"])) == (2, 1.0, 5)
    for a, b in zip(weights, kept.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [path.name for path in model.parent.glob("tiny*")] == ["tiny.keras"]


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
    assert load_model(model)[1].rounds == 0
    capsys.readouterr()
    classifier.train_model(model, colours, epochs=3, recipe=QUICK)
    assert "going on after 1 of them" in capsys.readouterr().out
    for a, b in zip(
        load_model(whole)[0].get_weights(), load_model(model)[0].get_weights(), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_a_good_model_from_elsewhere_is_not_spoilt(colours, model):
    classifier.train_model(model, colours, epochs=4, recipe=QUICK)
    network = load_model(model)[0]
    save_model(network, model, Facts(tuple(COLOURS)))  # as another program writes it
    spoilt = dataclasses.replace(QUICK, peak=5.0)
    classifier.train_model(model, colours, epochs=1, recipe=spoilt)
    for a, b in zip(network.get_weights(), load_model(model)[0].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_until_a_target(colours, model, capsys):
    facts = classifier.train_until(model, colours, 0.9, most=6, epochs=3, recipe=QUICK)
    assert facts.accuracy >= 0.9 and facts.test > 0.6 and facts == load_model(model)[1]
    assert "Target reached" in capsys.readouterr().out
    marked = dataclasses.replace(facts, test=0.123)
    save_model(load_model(model)[0], model, marked)
    again = classifier.train_until(model, colours, 0.9, most=6, epochs=3, recipe=QUICK)
    assert again == marked, "what is reached is not trained further, nor its test part read again"


def test_a_target_that_is_not_reached(colours, model, capsys):
    weak = dataclasses.replace(QUICK, peak=1e-9)
    facts = classifier.train_until(model, colours, 1.0, most=2, epochs=1, recipe=weak)
    assert facts.rounds == 2 and facts.accuracy < 1
    assert "not reached in 2 rounds" in capsys.readouterr().out


def test_the_test_part_is_neither_trained_nor_stopped_on(colours, model, monkeypatch):
    seen = []
    real = training.train

    def watch(model, taught, held_out, *rest, **more):
        seen.extend([taught[0], held_out[0]])
        return real(model, taught, held_out, *rest, **more)

    monkeypatch.setattr(training, "train", watch)
    classifier.train_until(model, colours, 1.0, most=2, epochs=1, recipe=QUICK)
    pictures, places = classifier._open(model, colours, (0.7, 0.15, 0.15), 0, ())
    tested = {int(k) for k in pictures.places[places[2]]}
    assert len(tested) == 9
    assert not any(tested & {int(k) for k in part.places} for part in seen)


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


def test_classes_that_do_not_fit(colours, tmp_path):
    save_model(tiny(2), tmp_path / "two.keras", Facts(("blue", "red")))
    with pytest.raises(DataError, match=r"found 2 classes \(blue, red\).*3 classes.*new_model"):
        classifier.train_model(tmp_path / "two.keras", colours)


def test_files_of_pictures_train_as_arrays_do(colours, tmp_path):
    folder = photos.find_images(colours)
    pictures = photos.gather(folder, tmp_path / "c.h5", 16)
    labels = np.eye(3, dtype="float32")[pictures.labels]
    ends = []
    for images in (pictures, pictures[:]):
        network = tiny()
        recipe = dataclasses.replace(QUICK, epochs=2, turn=0.05)
        history = training.train(network, (images, labels), (images, labels), recipe, seed=1)
        ends.append((network.get_weights(), history))
    for a, b in zip(ends[0][0], ends[1][0], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    np.testing.assert_allclose(ends[0][1]["val_loss"], ends[1][1]["val_loss"], atol=1e-5)


# --- the commands ---------------------------------------------------------------------------------


def test_predict_answers(colours, model, capsys):
    classifier.train_model(model, colours, epochs=4, recipe=QUICK)
    capsys.readouterr()
    files = [str(colours / name / "03.png") for name in COLOURS]
    found = [classifier.predict(model, file) for file in files]
    assert predict_command.main([*files, "--model", str(model)]) == 0
    lines = capsys.readouterr().out.splitlines()
    for line, file, one in zip(lines, files, found, strict=True):
        assert line == f"{file}: {one.label} ({one.probabilities[one.label]:.1%})"
        assert sum(one.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert [one.label for one in found] == list(COLOURS)


def test_predict_goes_on_after_a_bad_file(colours, model, capsys):
    good, bad = str(colours / "red" / "03.png"), str(colours / "red" / "none.png")
    assert predict_command.main([bad, good, "--model", str(model), "--json"]) == 1
    out, err = capsys.readouterr()
    first, second = json.loads(out)
    assert "no such file" in first["error"] and "none.png" in err
    assert set(second["probabilities"]) == set(COLOURS) and second["file"] == good
    assert predict_command.main([bad, "--model", str(model)]) == 2
    assert predict_command.main([good, "--model", "none.keras"]) == 2


def test_predict_works_as_it_comes():
    done = subprocess.run(
        [sys.executable, "predict.py", "images/test.jpg"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("images/test.jpg: 3 (")


def test_train_makes_trains_and_draws(colours, tmp_path, monkeypatch, capsys):
    path = tmp_path / "new" / "colours.keras"
    arguments = [str(colours), "--model", str(path), "--network", "SmallResNet", "--epochs", "1"]
    assert train_command.main([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    results = json.loads(out)
    assert results["classes"] == list(COLOURS) and results["rounds"] == 1
    assert "42 training pictures" in err
    with Image.open(path.with_suffix(".png")) as image:
        assert image.width > 600
    monkeypatch.setattr(classifier, "measure", lambda *_: 0.5)
    assert train_command.main([*arguments, "--epochs", "2"]) == 2, "no other network"
    assert "are for a new one" in capsys.readouterr().err
    until = [str(colours), "--until", "99.9%", "--most", "1", "--epochs", "1"]
    other = tmp_path / "other.keras"
    until += ["--model", str(other)]
    assert train_command.main([*until, "--network", "SmallResNet"]) == 1
    assert load_model(other)[1].rounds == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x", "--parts", "70/20"], "does not add up to 100"),
        (["x", "--until", "0"], "no percentage above 0"),
        (["x", "--until", "85", "--parts", "70/30"], "three parts"),
        (["x", "--epochs", "0"], "whole number of 1 or more"),
        (["x", "--seed", "-1"], "give 0 or more"),
        ([], "required: folder"),
    ],
)
def test_bad_arguments_are_named(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        train_command.main(arguments)
    assert message in capsys.readouterr().err


def test_what_can_t_be_split_leaves_no_model(colours, tmp_path, capsys):
    for k in range(2, 20):
        (colours / "red" / f"{k:02}.png").unlink()
    assert train_command.main([str(colours), "--model", str(tmp_path / "m.keras")]) == 2
    assert "class red: found 2 images, too few" in capsys.readouterr().err
    assert not (tmp_path / "m.keras").exists()


def test_train_says_what_is_wrong_with_a_folder(tmp_path, capsys):
    assert train_command.main([str(tmp_path / "none"), "--model", str(tmp_path / "m.keras")]) == 2
    assert "none: found no such folder" in capsys.readouterr().err
    assert not (tmp_path / "m.keras").exists()
