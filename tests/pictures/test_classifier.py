"""Models for own pictures: their files, rounds of training, and the two commands."""

import contextlib
import dataclasses
import json
import math
import shutil
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from resnets_utils import ROOT, DataError, quiet_tensorflow

with quiet_tensorflow():
    import keras
    import make_model

    from resnets.pictures import classifier, imagenet

import predict as predict_command
import train as train_command
from resnets import resnet50, training
from resnets.pictures import photos
from resnets.pictures.classifier import Classifier, Facts, load_model, new_model

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
    Classifier(tiny(), Facts(tuple(COLOURS)), tmp_path / "tiny.keras").save()
    return tmp_path / "tiny.keras"


QUICK = training.Recipe(batch_size=8, peak_learning_rate=0.02, rotation=0, translation=0, zoom=0)


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


def strict(text):
    """Return what JSON says, and fail on NaN, which is none."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


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


# --- published weights ----------------------------------------------------------------------------


def applications_network():
    """Return Keras Applications' ResNet50 with random weights and statistics.

    Variances are small, so that epsilon matters, and the scales are as small, so that fifty layers
    neither fade nor blow up.
    """
    keras.utils.set_random_seed(0)
    network = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(64, 64, 3))
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            width = layer.gamma.shape
            variance = 10 ** rng.uniform(-4, -1, width)
            gamma = rng.uniform(0.2, 1, width) * np.sqrt(variance + 1e-5)
            layer.set_weights([gamma, rng.normal(0, 0.5, width), rng.normal(0, 1, width), variance])
        elif isinstance(layer, keras.layers.Conv2D):
            layer.set_weights([layer.get_weights()[0], rng.normal(0, 1, layer.bias.shape)])
    return network


def padded_as_ours(network, epsilon):
    """Return a copy for pictures (70, 70, 3) that are padded already, with no padded pooling."""

    def change(layer):
        config = layer.get_config()
        if layer.name in ("conv1_pad", "pool1_pad"):
            config["padding"] = 0
        if "epsilon" in config:
            config["epsilon"] = epsilon
        return layer.from_config(config)

    copy = keras.models.clone_model(network, keras.Input((70, 70, 3)), clone_function=change)
    copy.set_weights(network.get_weights())
    return copy


def names_of_2016():
    """Return the names of 2016 for today's."""
    names = {"conv1_conv": "conv1", "conv1_bn": "bn_conv1"}
    for stage, letters in ((2, "abc"), (3, "abcd"), (4, "abcdef"), (5, "abc")):
        for block, letter in enumerate(letters, 1):
            for place, branch in enumerate(("1", "2a", "2b", "2c")):
                old = f"{stage}{letter}_branch{branch}"
                names[f"conv{stage}_block{block}_{place}_conv"] = f"res{old}"
                names[f"conv{stage}_block{block}_{place}_bn"] = f"bn{old}"
    return names


def write_2016(network, path):
    """Write a network's weights as the file of 2016 has them, with a last layer."""
    names = names_of_2016()
    endings = {2: ("W", "b"), 4: ("gamma", "beta", "running_mean", "running_std"), 0: ()}
    layers = {names.get(x.name, x.name): x.get_weights() for x in network.layers}
    layers["fc1000"] = [np.zeros((2048, 1000), "float32"), np.zeros(1000, "float32")]
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for name, values in layers.items():
            group = file.create_group(name)
            keys = [f"{name}_{ending}:0" for ending in endings[len(values)]]
            group.attrs["weight_names"] = [key.encode() for key in keys]
            for key, value in zip(keys, values, strict=True):
                group[key] = value


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Return Keras Applications' network, and its weights in both files."""
    folder = tmp_path_factory.mktemp("published")
    network = applications_network()
    write_2016(network, folder / "2016.h5")
    network.save(folder / "today.h5")
    return network, folder


@pytest.mark.parametrize(("name", "epsilon"), [("2016.h5", 1e-5), ("today.h5", 1.001e-5)])
def test_a_model_begins_with_published_weights(published, name, epsilon, tmp_path, monkeypatch):
    network, folder = published
    filled, real = [], classifier.take_over
    monkeypatch.setattr(Classifier, "save", lambda _: None)  # 94 MB
    monkeypatch.setattr(classifier, "take_over", lambda *args: filled.append(real(*args)))
    model = new_model(tmp_path / "m.keras", classes=["a", "b"], begin=folder / name)
    assert filled == [sum(bool(layer.weights) for layer in model.layers[:-1])] == [106]

    images = np.random.default_rng(1).random((3, 64, 64, 3), np.float32)
    padded = 255 * np.pad(images, ((0, 0), (3, 3), (3, 3), (0, 0)))
    wanted = padded_as_ours(network, epsilon)(
        keras.applications.resnet50.preprocess_input(padded), training=False
    )
    stages = keras.Model(model.input, model.get_layer("avg_pool").input)
    found = np.asarray(stages(images, training=False))
    assert found.shape == (3, 2, 2, 2048) and np.std(wanted) > 1
    np.testing.assert_allclose(found, wanted, atol=1e-3 * float(np.max(wanted)))


def test_published_weights_differ_at_the_edge_only(published):
    network, folder = published
    pictures = keras.Input((64, 64, 3))
    ours = keras.Model(pictures, resnet50.stage_1(pictures, max_pooling=False))
    assert classifier.take_over(ours, classifier.learned(folder / "today.h5")) == 2
    theirs = keras.Model(network.input, network.get_layer("conv1_relu").output)
    images = np.random.default_rng(1).random((1, 64, 64, 3), np.float32)
    wanted = np.asarray(theirs(keras.applications.resnet50.preprocess_input(255 * images)))
    off = np.abs(np.asarray(ours(images)) - wanted).max(axis=(0, 3)) / wanted.max()
    assert off[2:-1, 2:-1].max() < 1e-4 and off[:2].min() > 0.01 and off[:, -1].min() > 0.01


def another_block(file):
    file.copy("res4f_branch2a", "res4g_branch2a")


def kernels_of_theano(file):
    kernel = file["conv1/conv1_W:0"][()]
    del file["conv1/conv1_W:0"]
    file["conv1/conv1_W:0"] = kernel.transpose(3, 2, 0, 1)


def no_number(file):
    file["res5c_branch2b/res5c_branch2b_b:0"][0] = np.nan


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (another_block, "missing: 0 of 106; of another network: 1; the first: res4g_branch2a"),
        (kernels_of_theano, r"conv1 has the shapes \[\(64, 3, 7, 7\), .* not \[\(7, 7, 3, 64\)"),
        (no_number, "res5c_branch2b holds values that are no numbers"),
        (lambda file: file["bn_conv1"].clear(), "bn_conv1_gamma:0"),
    ],
)
def test_published_weights_that_do_not_fit(published, damage, message, tmp_path):
    path = tmp_path / "wrong.h5"
    shutil.copy(published[1] / "2016.h5", path)
    with h5py.File(path, "a") as file:
        damage(file)
    remedy = r"wrong.h5: found no weights of ResNet50 .*Expected resnet50_.*_notop.h5"
    with pytest.raises(DataError, match=remedy) as error:
        imagenet.published_weights(path)
    assert error.match(message)


def test_files_that_are_no_published_weights(published, tmp_path):
    whole = (published[1] / "2016.h5").read_bytes()
    (tmp_path / "half.h5").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.h5").write_text("no weights")
    (tmp_path / "folder.h5").mkdir()
    shutil.copy(ROOT / "datasets" / "bundled" / "test_signs.h5", tmp_path / "signs.h5")
    load_model(ROOT / "models" / "small.keras").model.save_weights(tmp_path / "small.weights.h5")
    for name in ("half", "text", "folder", "signs", "small.weights"):
        with pytest.raises(DataError, match=rf"{name}.h5: found no weights of ResNet50 .*notop.h5"):
            classifier.learned(tmp_path / f"{name}.h5")
    for begin, message in (
        (tmp_path / "none.h5", r"none.h5: found no such file.*keras.io/api/applications"),
        (published[1] / "2016.h5", r"2016.h5: found no layer that fits SmallResNet"),
    ):
        with pytest.raises(DataError, match=message):
            new_model(tmp_path / "m.keras", network="SmallResNet", begin=begin)
    assert not (tmp_path / "m.keras").exists()


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


# --- the commands ---------------------------------------------------------------------------------


@pytest.mark.training
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


def test_predict_takes_patterns_as_they_are_on_windows(colours, model, capsys):
    third = colours / "red" / "03.png"
    third.rename(third.with_name("0[3].png"))  # a file comes before a pattern
    given = [str(colours / "red" / name) for name in ("0[3].png", "1*.png", "none*.png")]
    assert predict_command.main([*given, "--model", str(model), "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    tens = sorted(map(str, (colours / "red").glob("1*.png")))
    assert len(tens) > 1
    assert [row["file"] for row in rows] == [given[0], *tens, given[2]]
    assert "no such file" in rows[-1]["error"]
    assert predict_command.main(["*" * 300, "--model", str(model)]) == 2


def test_predict_refuses_a_model_that_answers_no_probabilities(colours, model, capsys):
    broken = load_model(model)
    broken.model.set_weights([np.full_like(w, np.nan) for w in broken.model.get_weights()])
    broken.save()
    file = str(colours / "red" / "03.png")
    assert predict_command.main([file, "--model", str(model), "--json"]) == 2
    out, err = capsys.readouterr()
    assert "expected probabilities" in strict(out)[0]["error"] and "nan" in err


def test_interrupted_commands_say_so(colours, model, monkeypatch, capsys):
    def stop(*_, **__):
        raise KeyboardInterrupt

    for module, name in ((photos, "read_photo"), (classifier, "train_model")):
        monkeypatch.setattr(module, name, stop)
    assert predict_command.main([str(colours / "red" / "03.png"), "--model", str(model)]) == 130
    assert capsys.readouterr().err == "\nInterrupted.\n"
    assert train_command.main([str(colours), "--model", str(model)]) == 130
    assert "The same command goes on" in capsys.readouterr().err


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


@pytest.mark.training
def test_train_makes_trains_and_draws(colours, tmp_path, monkeypatch, capsys, one_block):
    path = tmp_path / "new" / "colours.keras"
    arguments = [str(colours), "--model", str(path), "--network", "SmallResNet", "--epochs", "1"]
    assert train_command.main([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    results = json.loads(out)
    assert results["classes"] == list(COLOURS) and results["rounds"] == 1
    assert "42 pictures to train on, 18 to validate" in err
    with Image.open(path.with_suffix(".png")) as image:
        assert image.width > 600
    assert train_command.main([*arguments, "--begin", str(path)]) == 0, "the same command goes on"
    assert "trains it further" in capsys.readouterr().out
    assert load_model(path).facts.rounds == 2
    monkeypatch.setattr(classifier, "measure", lambda *_: 0.5)
    assert train_command.main([*arguments, "--network", "ResNet50"]) == 2, "no other network"
    assert "found a model already, SmallResNet" in capsys.readouterr().err
    until = [str(colours), "--until", "99.9%", "--most", "1", "--epochs", "1"]
    other = tmp_path / "other.keras"
    until += ["--model", str(other)]
    assert train_command.main([*until, "--network", "SmallResNet"]) == 1
    assert load_model(other).facts.rounds == 1


def test_a_target_that_is_reached_without_training(colours, model, monkeypatch, capsys):
    monkeypatch.setattr(classifier, "measure", lambda *_: 0.9)
    assert train_command.main([str(colours), "--model", str(model), "--until", "85", "--json"]) == 0
    assert strict(capsys.readouterr().out)["history"] == {}
    assert not model.with_suffix(".png").exists(), "there are no curves"


@pytest.mark.training
def test_a_training_that_fails_ends_in_valid_json(
    colours, tmp_path, monkeypatch, capsys, one_block
):
    monkeypatch.setattr(training, "train", lambda *_, **__: {"loss": [math.nan], "accuracy": [0.5]})
    arguments = [str(colours), "--model", str(tmp_path / "m.keras"), "--network", "SmallResNet"]
    assert train_command.main([*arguments, "--json"]) == 0
    assert strict(capsys.readouterr().out)["history"] == {"loss": [None], "accuracy": [0.5]}


def test_curves_that_can_t_be_written_are_a_sentence(tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    train_command.draw({"loss": [1.0], "accuracy": [0.5]}, tmp_path / "m.keras")
    out, err = capsys.readouterr()
    assert "m.png: the curves could not be written" in err and "No space left" in err
    assert out == "" and not list(tmp_path.iterdir())


def test_the_project_s_own_models_are_not_written_over():
    """What tools/make_model.py writes is named once there and once here."""
    assert set(train_command.OWN) == set(make_model.KINDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["some/hands"], "--model models/my_hands.keras"),
        (["Small"], "models/Small.keras, which tools/make_model.py writes"),
        (["x", "--parts", "70/20"], "does not add up to 100"),
        (["x", "--until", "0"], "no percentage above 0"),
        (["x", "--until", "85", "--parts", "70/30"], "three parts"),
        (["x", "--epochs", "0"], "whole number of 1 or more"),
        (["x", "--seed", "-1"], "give 0 to 1,000,000,000"),
        (["x", "--seed", "5000000000"], "give 0 to 1,000,000,000"),
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
