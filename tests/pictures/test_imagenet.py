"""Published ImageNet weights of ResNet50, as a model's beginning."""

import errno
import os
import shutil
import sys

import h5py
import numpy as np
import pytest

from resnets_utils import ROOT, DataError, quiet_tensorflow

with quiet_tensorflow():
    import keras

    from resnets.pictures import classifier, imagenet

from resnets import resnet50
from resnets.pictures.classifier import Classifier, load_model, new_model


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


def a_view_of_itself(file):
    key = "conv1/conv1_b:0"
    layout = h5py.VirtualLayout((64,), "f4")
    layout[:] = h5py.VirtualSource(".", key, (64,))
    del file[key]
    file.create_virtual_dataset(key, layout)


def values_elsewhere(file):
    key = "res5c_branch2b/res5c_branch2b_b:0"
    del file[key]
    file.create_dataset(key, (512,), "f4", external=[("/etc/passwd", 0, 2048)])


def a_layer_elsewhere(file):
    del file["bn_conv1"]
    file["bn_conv1"] = h5py.ExternalLink("/etc/passwd", "/")


def many_names(file):
    file["conv1"].attrs["weight_names"] = ["conv1_W:0"] * 1000


def an_array_of_blanks(file):
    key = "conv1/conv1_W:0"
    del file[key]
    file.create_dataset(key, (10**7, 7, 3, 64), "f4")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (a_view_of_itself, "'conv1_b:0', a view of other data"),
        (values_elsewhere, "'res5c_branch2b_b:0', whose values are in another file"),
        (a_layer_elsewhere, "'bn_conv1', a link that leads elsewhere"),
        (many_names, r"/conv1 has names of the shape \(1000,\)"),
        (an_array_of_blanks, "'conv1_W:0', of which no or not all values are stored"),
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


def test_weights_that_the_system_keeps_back(published, tmp_path, monkeypatch):
    for number, found in ((errno.EAGAIN, "another process has locked"), (errno.EIO, "not deliver")):
        with monkeypatch.context() as patch:

            def fails(*_, number=number, **__):
                raise OSError(number, "no")

            patch.setattr(h5py, "File", fails)
            with pytest.raises(DataError, match=rf"2016.h5: found .*{found}"):
                imagenet.published_weights(published[1] / "2016.h5")
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe.h5")
        with pytest.raises(DataError, match=r"pipe.h5: found no weights .*a pipe in place of"):
            imagenet.published_weights(tmp_path / "pipe.h5")
