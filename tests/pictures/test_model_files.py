"""Model files of strangers: what they point to, promise, and take for pictures."""

import errno
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from memory import MOST_MEMORY
from PIL import Image

from resnets_utils import ROOT, DataError, quiet_tensorflow

with quiet_tensorflow():
    import keras

    from resnets.pictures import classifier, model_files

from small_models import COLOURS, tiny

import predict as predict_command
from resnets.pictures.classifier import Classifier, Facts, load_model

LAYERS = keras.layers


def rewritten(path, **members):
    """Write a model's file anew, packed, with these members: bytes, or what changes the old ones.

    Dots in names are written as two underscores.
    """
    with zipfile.ZipFile(path) as old:
        kept = {name: old.read(name) for name in old.namelist()}
    for name, content in members.items():
        name = name.replace("__", ".")
        kept[name] = content(kept.get(name)) if callable(content) else content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in kept.items():
            if content is not None:
                new.writestr(name, content)


def with_layers(change):
    """Return what changes config.json's list of layers in place."""

    def changed(config):
        config = json.loads(config)
        change(config["config"]["layers"])
        return json.dumps(config)

    return changed


def with_weights(change):
    """Return what changes model.weights.h5, an open HDF5 file, in place."""

    def changed(weights):
        memory = io.BytesIO(weights)
        with h5py.File(memory, "a") as file:
            change(file)
        return memory.getvalue()

    return changed


# --- sizes ----------------------------------------------------------------------------------------


def wide(layers):
    """A million filters behind a million: 36 TB."""
    conv = next(layer for layer in layers if layer["class_name"] == "Conv2D")
    conv["config"]["filters"] = 10**6
    for layer in layers:
        layer.pop("build_config", None)
        if layer["class_name"] == "Dense":
            layer["config"]["units"] = 10**6


def test_what_takes_too_much_memory_is_refused_before(tmp_path):
    """In one process, which may take little."""
    blanks = b" " * (160 * 2**20)
    for name in ("facts", "config", "weights", "layers", "promise"):
        Classifier(tiny(), Facts(tuple("abc")), tmp_path / f"{name}.keras").save()
    rewritten(tmp_path / "facts.keras", resnets__json=blanks + b"{}")
    rewritten(tmp_path / "config.keras", config__json=lambda config: blanks + config)
    rewritten(tmp_path / "weights.keras", model__weights__h5=lambda weights: weights + blanks)
    rewritten(tmp_path / "layers.keras", config__json=with_layers(wide))

    promise = with_weights(lambda file: file.create_dataset("more", (10**9,), "f4"))
    rewritten(tmp_path / "promise.keras", model__weights__h5=promise)
    code = MOST_MEMORY + (
        "import sys\n"
        "from resnets.pictures import classifier\n"
        "before = most_memory()\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n        classifier.load_model(path)\n"
        "    except classifier.DataError as error:\n        print(error)\n"
        "print(most_memory() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *sorted(map(str, tmp_path.glob("*.keras")))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-1000:]
    *said, memory = done.stdout.splitlines()
    for line, finding in zip(
        said,
        [
            "its config.json is a promise of 168 MB, above the 4 MB",
            "its resnets.json is a promise of 168 MB, above the 4 MB",
            "its layers have",
            "'more', of which no or not all values are stored",
            "its model.weights.h5 is a promise of 168 MB in",
        ],
        strict=True,
    ):
        assert "found no model that can be used" in line and finding in line
    assert int(memory) < 150


def test_a_refused_model_leaves_nothing_behind(tmp_path):
    """Keras makes up noted weights at the next scope's end; those of a refused file never."""
    path = tmp_path / "m.keras"
    tiny().save(path)
    rewritten(path, config__json=with_layers(wide))
    with pytest.raises(DataError, match="its layers have"):
        load_model(path)
    tiny().save(path)
    assert load_model(path).model.count_params() == tiny().count_params()


def test_a_picture_that_takes_too_much(tmp_path):
    inputs = keras.Input((16, 16, 3))
    x = LAYERS.GlobalMaxPooling2D()(LAYERS.Resizing(30_000, 30_000)(inputs))
    network = keras.Model(inputs, LAYERS.Dense(2, activation="softmax")(x))
    network.save(tmp_path / "m.keras")
    with pytest.raises(DataError, match=r"resizing.* computes 2,700,000,000 numbers of a picture"):
        load_model(tmp_path / "m.keras")


# --- what the weights point to --------------------------------------------------------------------


def first_values(file):
    """Return the name of a data set in a file of weights."""
    return next(d.name for d in model_files.foreign_files.plain_members(file) if d.shape)


def linked(file):
    name = first_values(file)
    file.move(name, "/elsewhere")
    file[name] = h5py.SoftLink("/elsewhere")


def in_another_file(file):
    name = first_values(file)
    del file[name]
    file[name] = h5py.ExternalLink("/etc/passwd", "/")


def of_itself(file):
    name, shape = first_values(file), file[first_values(file)].shape
    layout = h5py.VirtualLayout(shape, "f4")
    layout[:] = h5py.VirtualSource(".", name, shape)
    del file[name]
    file.create_virtual_dataset(name, layout)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (linked, "a link that leads elsewhere"),
        (in_another_file, "a link that leads elsewhere"),
        (of_itself, "a view of other data"),
    ],
)
def test_weights_are_in_the_file(model, change, finding):
    rewritten(model, model__weights__h5=with_weights(change))
    with pytest.raises(DataError, match=rf"tiny.keras: found no model .*{finding}"):
        load_model(model)


# --- files that are none --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("m.h5", r"ending '.h5'; expected .keras.*save it anew: keras.models.load_model"),
        ("m.hdf5", "save it anew"),
        ("m.weights.h5", "It has weights only"),
        ("m.tflite", "TensorFlow Lite"),
        ("m.pt", "PyTorch"),
        ("m." + "x" * 300, "found the ending"),
    ],
)
def test_models_of_other_programs(name, way):
    with pytest.raises(DataError, match=way) as error:
        load_model(name)
    assert len(str(error.value)) < 700


def test_an_older_model_under_a_new_name(tmp_path):
    with h5py.File(tmp_path / "m.keras", "w") as file:
        file.attrs["model_config"] = "{}"
    with pytest.raises(DataError, match=r"an HDF5 file, as Keras wrote.*save it anew"):
        load_model(tmp_path / "m.keras")
    (tmp_path / "m.keras").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(DataError, match="a git-LFS pointer, run `git lfs pull`"):
        load_model(tmp_path / "m.keras")


def test_a_zip_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as file:
        file.writestr("saved_model.pb", b"")
    with pytest.raises(DataError, match=r"a zip of 1 members, \['saved_model.pb'\], not of"):
        load_model(tmp_path / "m.keras")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.keras")
    (tmp_path / "device.keras").symlink_to("/dev/zero")
    (tmp_path / "folder.keras").mkdir()
    for kind in ("pipe", "device", "folder"):
        with pytest.raises(DataError, match=rf"{kind}.keras: found no model .*a {kind} in place"):
            load_model(tmp_path / f"{kind}.keras")


@pytest.mark.parametrize(
    ("number", "found"),
    [
        (errno.EACCES, "you may not read"),
        (errno.EIO, "does not deliver"),
        (errno.ESTALE, "whose server does not answer"),
        (errno.ENOSPC, "no room on the disk"),
    ],
)
def test_the_system_s_errors_are_told_from_damage(model, number, found, monkeypatch):
    def fails(*_, **__):
        raise OSError(number, os.strerror(number))

    for where in ((Path, "open"), (zipfile.ZipFile, "read"), (zipfile.ZipFile, "extract")):
        with monkeypatch.context() as patch:
            patch.setattr(*where, fails)
            with pytest.raises(DataError, match=rf"tiny.keras: found .*{found}") as error:
                load_model(model)
        assert "elete" not in str(error.value) and "amaged" not in str(error.value)


def test_a_model_that_fails_on_its_first_picture(tmp_path):
    inputs = keras.Input((16, 16, 3))
    x = LAYERS.Dense(3, activation="softmax")(LAYERS.GlobalMaxPooling2D()(inputs))
    keras.Model(inputs, keras.ops.reshape(x, (-1, 5))).save(tmp_path / "m.keras")
    with pytest.raises(DataError, match=r"m.keras: found no model that can be used \(") as error:
        load_model(tmp_path / "m.keras")
    assert "traceback" not in str(error.value).lower() and len(str(error.value)) < 700


# --- facts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"history": {"foo": [1]}}, "has history"),
        ({"history": {"loss": [1, 2], "accuracy": [1]}}, "has history"),
        ({"history": {"loss": [True]}}, "has history"),
        ({"history": {"loss": [10**400]}}, "has history"),
        ({"rounds": 1e30}, "has rounds: '1e\\+30'"),
        ({"rounds": 10**30}, "has rounds"),
        ({"rounds": True}, "has rounds"),
        ({"accuracy": False}, "has accuracy"),
        ({"test": -0.1}, "has test"),
        ({"data": "x" * 10_000}, "has data"),
        ({"classes": ["a", "b", "c" * 1000]}, "has classes"),
        ({"classes": ["a", "b", "\ud800"]}, "has classes"),
        ({"k" * 10_000: 1}, "has kkkk"),
        ({"classes": ["a"] * 100_000}, "has classes"),
    ],
)
def test_facts_that_would_fail_later(model, facts, message):
    rewritten(model, resnets__json=json.dumps(facts))
    with pytest.raises(DataError, match=rf"tiny.keras: found no model .*{message}") as error:
        load_model(model)
    assert len(str(error.value)) < 700


def test_facts_that_are_not_known_yet(model):
    rewritten(model, resnets__json='{"accuracy": null, "test": null, "history": {}}')
    assert load_model(model).facts == Facts(tuple("012"))


# --- pixels ---------------------------------------------------------------------------------------


def brightness(*before, side=16):
    """Return a model that tells bright from dark, behind these layers, on 0 to 1 after them."""
    inputs = keras.Input((side, side, 3))
    x = inputs
    for layer in before:
        x = layer(x)
    x = LAYERS.Dense(2, activation="softmax", name="last")(LAYERS.GlobalAveragePooling2D()(x))
    network = keras.Model(inputs, x)
    kernel = np.stack([np.full(3, -4.0), np.full(3, 4.0)], axis=1)
    network.get_layer("last").set_weights([kernel, np.array([6.0, -6.0])])
    return network


def adapted():
    layer = LAYERS.Normalization()
    layer.adapt(np.array([[[[0, 0, 0], [255, 255, 255]]]], "float32"))
    return layer  # -1 to 1


GREY = np.full((16, 16, 3), 160, np.uint8)  # bright: the mean is 0.63
TAKE_BYTES = {
    "rescaling": lambda: brightness(LAYERS.Rescaling(1 / 255)),
    "rescaling later": lambda: brightness(LAYERS.RandomFlip(), LAYERS.Rescaling(1 / 255)),
    "inside": lambda: brightness(
        keras.Sequential([LAYERS.RandomFlip(), LAYERS.Rescaling(1 / 255)], name="preparation")
    ),
    "division": lambda: brightness(lambda x: x / 255.0),
    "product": lambda: brightness(lambda x: x * (1 / 255)),
    "normalization": lambda: brightness(adapted(), LAYERS.Rescaling(0.5, 0.5)),
}


@pytest.mark.parametrize("kind", TAKE_BYTES)
def test_a_model_that_takes_bytes_gets_them(kind, tmp_path, capsys):
    network = TAKE_BYTES[kind]()
    network.save(tmp_path / "m.keras")
    wanted = np.asarray(network(GREY[np.newaxis].astype("float32")))[0]
    found = load_model(tmp_path / "m.keras")
    assert "m.keras: says nothing of its pictures. Given 0 to 255: its " in capsys.readouterr().err
    answer = found.answer(GREY)
    np.testing.assert_allclose(list(answer.probabilities.values()), wanted, atol=1e-4)
    assert answer.label == "1"
    found.save()  # with facts, as a training does
    again = load_model(tmp_path / "m.keras").answer(GREY)
    np.testing.assert_allclose(list(again.probabilities.values()), wanted, atol=1e-4)
    assert not capsys.readouterr().err


def test_a_model_that_says_nothing_is_given_0_to_1_and_it_is_said(tmp_path, capsys):
    for network in (
        brightness(),
        brightness(LAYERS.Rescaling(2.0, -1), LAYERS.Rescaling(0.5, 0.5)),
    ):
        network.save(tmp_path / "m.keras")
        wanted = np.asarray(network(GREY[np.newaxis].astype("float32") / 255))[0]
        answer = load_model(tmp_path / "m.keras").answer(GREY)
        np.testing.assert_allclose(list(answer.probabilities.values()), wanted, atol=1e-4)
        assert "Given 0 to 1: an assumption" in capsys.readouterr().err


def test_the_switch(tmp_path, capsys):
    network = brightness(lambda x: x)
    kernel, bias = network.get_layer("last").get_weights()
    network.get_layer("last").set_weights([kernel / 255, bias])  # trained on 0 to 255
    network.save(tmp_path / "m.keras")
    Image.fromarray(GREY).save(tmp_path / "grey.png")
    picture, path = str(tmp_path / "grey.png"), str(tmp_path / "m.keras")
    assert classifier.predict(path, picture).label == "0", "wrong, and said to be an assumption"
    assert classifier.predict(path, picture, pixels="0-255").label == "1"
    capsys.readouterr()
    assert predict_command.main([picture, "--model", path, "--pixels", "0-255"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"{picture}: 1 (") and "Given 0 to 255: as asked for" in err
    brightness(LAYERS.Rescaling(1 / 255)).save(path)
    assert classifier.predict(path, picture, pixels="0-1").label == "0", "as asked for"
    with pytest.raises(DataError, match="expected one of"):
        load_model(path, "0-65535")


def test_the_switch_is_for_models_from_elsewhere(model):
    with pytest.raises(DataError, match="says how its pictures are prepared"):
        load_model(model, "0-255")


@pytest.mark.parametrize("name", ["MobileNetV2", "MobileNetV3Small"])
def test_published_networks_are_read(name, tmp_path, capsys):
    """Their layers are of many kinds, and the second brings its Rescaling."""
    build = getattr(keras.applications, name)
    network = build(weights=None, classes=len(COLOURS), input_shape=(32, 32, 3))
    network.save(tmp_path / "m.keras")
    found = load_model(tmp_path / "m.keras").answer(GREY.repeat(2, 0).repeat(2, 1))
    takes = 1 if name == "MobileNetV2" else 255
    assert f"Given 0 to {takes}:" in capsys.readouterr().err
    pixels = np.full((1, 32, 32, 3), 160 / (255 if takes == 1 else 1), "float32")
    wanted = np.asarray(network(pixels, training=False))[0]
    np.testing.assert_allclose(list(found.probabilities.values()), wanted, atol=1e-4)
