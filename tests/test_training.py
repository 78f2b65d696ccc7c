"""The recipe of notebook 06, on tiny networks: batches, optimiser, resume, targets, averages."""

import dataclasses
import re
import shutil
import types

import h5py
import numpy as np
import pytest

from resnets_utils import DataError, quiet_tensorflow

with quiet_tensorflow():
    import keras
    import tensorflow as tf

from resnets import callbacks, training
from resnets.training import Recipe

STILL = Recipe(rotation=0, translation=0, zoom=0, brightness=0, contrast=0, batch_size=8, epochs=2)


def tiny(classes=6):
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((16, 16, 3)),
        keras.layers.Conv2D(4, 3),
        keras.layers.BatchNormalization(momentum=0.9),
        keras.layers.Flatten(),
        keras.layers.Dense(classes, activation="softmax"),
    ]
    return keras.Sequential(layers)


# --- batches --------------------------------------------------------------------------------------


def test_an_epoch_holds_every_image_once_with_its_label(data):
    images, labels = data
    batches = list(training.make_batches(images, labels, STILL))
    assert [len(X) for X, _ in batches] == [8, 8, 4] * 2
    first, second = (np.concatenate([X for X, _ in part]) for part in (batches[:3], batches[3:]))
    assert not np.allclose(first, second), "the second epoch has the first one's order"
    for X, Y in batches:
        for image, label in zip(X.numpy(), Y.numpy(), strict=True):
            (place,) = np.flatnonzero(np.isclose(images, image, atol=1e-5).all(axis=(1, 2, 3)))
            assert np.array_equal(labels[place], label)
    assert np.allclose(np.sort(first, axis=None), np.sort(images, axis=None), atol=1e-5)


def test_batches_follow_from_seed_and_epoch(data):
    recipe = dataclasses.replace(Recipe(), batch_size=8, epochs=3)
    whole = [X.numpy() for X, _ in training.make_batches(*data, recipe, seed=4)]
    rest = [X.numpy() for X, _ in training.make_batches(*data, recipe, seed=4, first_epoch=1)]
    other = [X.numpy() for X, _ in training.make_batches(*data, recipe, seed=5)]
    assert len(rest) == 6 and all(map(np.array_equal, whole[3:], rest))
    assert not any(map(np.array_equal, whole, other))


def test_bytes_become_floats(data):
    images = (data[0] * 255).astype("uint8")
    X, _ = next(iter(training.make_batches(images, data[1], STILL)))
    assert X.dtype == tf.float32 and 0.9 < float(tf.reduce_max(X)) <= 1


# --- augmentation ---------------------------------------------------------------------------------


def picture():
    """A black 32x32 picture with a white square that lies off the middle."""
    image = np.zeros((1, 32, 32, 3), "float32")
    image[0, 8:12, 14:18] = 1
    return image


def centre(image):
    """Return the mean place of the light, (x, y) in pixels."""
    light = np.asarray(image)[0, :, :, 0]
    y, x = np.mgrid[: light.shape[0], : light.shape[1]]
    return np.array([(x * light).sum(), (y * light).sum()]) / light.sum()


def changed(seed, **settings):
    recipe = dataclasses.replace(STILL, **settings)
    return training.augment(tf.constant(picture()), (seed, 0), recipe).numpy()


def test_nothing_changes_at_zero():
    np.testing.assert_allclose(changed(0), picture(), atol=1e-5)


def test_turn_keeps_the_distance_from_the_middle():
    middle = np.array([15.5, 15.5])
    angles = []
    for seed in range(20):
        before, after = centre(picture()) - middle, centre(changed(seed, rotation=0.1)) - middle
        assert np.isclose(np.linalg.norm(after), np.linalg.norm(before), atol=0.2)
        angles.append(np.arctan2(*after[::-1]) - np.arctan2(*before[::-1]))
    assert np.abs(angles).max() <= 2 * np.pi * 0.1 + 0.02
    assert min(angles) < -0.3 and max(angles) > 0.3


def test_shift_moves_each_way_by_at_most_its_share():
    moves = np.array([centre(changed(s, translation=0.1)) - centre(picture()) for s in range(30)])
    assert np.abs(moves).max() <= 3.3 and (np.abs(moves).max(axis=0) > 2).all()
    assert (moves.min(axis=0) < -1).all() and (moves.max(axis=0) > 1).all()


def test_zoom_changes_the_area():
    areas = np.array([changed(seed, zoom=0.3)[..., 0].sum() / 16 for seed in range(30)])
    assert 0.5 < areas.min() < 0.8 and 1.2 < areas.max() < 2.2


def test_half_of_the_images_are_mirrored():
    images = np.random.default_rng(0).random((40, 16, 18, 3), dtype="float32")
    recipe = dataclasses.replace(STILL, horizontal_flip=True)
    versions = training.augment(tf.constant(images), (0, 0), recipe).numpy()
    mirrored = np.isclose(versions, images[:, :, ::-1], atol=1e-4).all(axis=(1, 2, 3))
    as_before = np.isclose(versions, images, atol=1e-4).all(axis=(1, 2, 3))
    assert 10 <= mirrored.sum() <= 30 and np.array_equal(as_before, ~mirrored)


def test_a_mirrored_image_is_the_mirror_image_of_the_one_that_is_not():
    images = tf.constant(np.random.default_rng(0).random((40, 16, 18, 3), dtype="float32"))
    plain = training.augment(images, (5, 0), Recipe()).numpy()
    versions = training.augment(images, (5, 0), Recipe(horizontal_flip=True)).numpy()
    mirrored = np.isclose(versions, plain[:, :, ::-1], atol=1e-3).all(axis=(1, 2, 3))
    as_before = np.isclose(versions, plain, atol=1e-3).all(axis=(1, 2, 3))
    assert mirrored.any() and as_before.any() and (mirrored | as_before).all()


def test_light_and_contrast_change_by_their_share():
    grey = np.full((40, 16, 16, 3), 0.5, "float32")
    grey[:, 8:] = 0.6
    lighter = training.augment(grey, (1, 0), dataclasses.replace(STILL, brightness=0.2)).numpy()
    change = (lighter - grey).mean(axis=(1, 2, 3))
    assert 0.15 < change.max() <= 0.2001 and -0.2001 <= change.min() < -0.15
    np.testing.assert_allclose(lighter.std(axis=(1, 2, 3)), grey.std(axis=(1, 2, 3)), atol=1e-4)
    faded = training.augment(grey, (1, 0), dataclasses.replace(STILL, contrast=0.5)).numpy()
    np.testing.assert_allclose(faded.mean(axis=(1, 2, 3)), 0.55, atol=1e-4)
    spread = faded.std(axis=(1, 2, 3)) / grey.std(axis=(1, 2, 3))
    assert 0.5 <= spread.min() < 0.7 and 1.3 < spread.max() <= 1.5


def test_images_of_one_batch_change_differently_and_stay_in_range(data):
    same = np.repeat(data[0][:1], 8, axis=0)
    versions = training.augment(same, (0, 0), Recipe()).numpy()
    assert versions.shape == same.shape and versions.min() >= 0 and versions.max() <= 1
    assert min(np.abs(versions[i] - versions[j]).mean() for i in range(8) for j in range(i)) > 0.01


# --- weight decay and schedule --------------------------------------------------------------------


@pytest.mark.training
def test_weight_decay_shrinks_kernels_alone(data):
    models = [tiny(), tiny()]
    for model, weight_decay in zip(models, (0, 0.5), strict=True):
        recipe = dataclasses.replace(
            STILL, peak_learning_rate=0.01, cosine=False, weight_decay=weight_decay
        )
        recipe = dataclasses.replace(recipe, epochs=1, batch_size=20)  # one step
        training.train(model, data, recipe=recipe)
    first = tiny().trainable_weights
    for before, free, held in zip(first, *(m.trainable_weights for m in models), strict=True):
        expected = 0.01 * 0.5 * before.numpy() if before.name == "kernel" else 0
        np.testing.assert_allclose(free.numpy() - held.numpy(), expected, atol=1e-6)


def test_schedule_rises_then_falls_to_zero():
    schedule = training.make_schedule(0.5, steps=100, warm_up=10)
    rates = np.array([float(schedule(step)) for step in range(101)])
    assert rates.argmax() == 10 and np.isclose(rates[10], 0.5)
    assert np.all(np.diff(rates[:11]) > 0) and np.all(np.diff(rates[10:]) < 0)
    assert np.isclose(rates[100], 0, atol=1e-6)


# --- precision ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ("fpu avx2 fma", "float32"),
        ("avx2 avx512f avx512_vnni", "float32"),  # it would imitate bfloat16
        ("avx512f avx512_bf16", "bfloat16"),
        ("amx_tile amx_bf16", "bfloat16"),
        ("", "float32"),
    ],
)
def test_precision_follows_the_processor(flags, precision):
    assert training.choose_precision(flags) == precision


def test_unknown_precision():
    with pytest.raises(ValueError, match='"float32" or "bfloat16"'):
        training.set_precision("float16")


@pytest.mark.training
def test_precision_is_set_back_after_a_training(data):
    model = tiny()
    training.train(model, data, data, STILL, precision="bfloat16")
    options = tf.config.optimizer.get_experimental_options()
    assert not options["auto_mixed_precision_onednn_bfloat16"]
    images, labels = training.as_floats(data[0]), data[1]
    in_float32 = model.compute_loss(y=labels, y_pred=model(images, training=False))
    graph = model.evaluate(images, labels, batch_size=len(images), verbose=0)[0]
    np.testing.assert_allclose(graph, float(in_float32), rtol=1e-5)  # bfloat16 is 1e-4 off


# --- train ----------------------------------------------------------------------------------------


@pytest.mark.training
def test_train_reports_every_epoch_on_one_line(data, capsys):
    history = training.train(tiny(), data, data, STILL)
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {len(values) for values in history.values()} == {2}
    written = capsys.readouterr()
    lines = [line.rpartition("\r")[2] for line in written.out.split("\n")[:-1]]
    assert lines[0].startswith("2 epochs of 3 steps in ")
    assert [line.partition(":")[0] for line in lines[1:]] == ["epoch  1/2", "epoch  2/2"]
    assert all("val_accuracy" in line for line in lines[1:]) and lines[2].endswith(", 0:00 left")
    assert written.err == ""


@pytest.mark.parametrize(
    ("epochs", "steps", "look"), [(4, 10, 0.5), (10, 3, 0.01), (2, 40, 9), (5, 1, 0.1)]
)
def test_what_is_left_leaves_the_building_of_graphs_out(epochs, steps, look, monkeypatch, capsys):
    """A step takes a second; the first one 60 more, the first look at validation images 30."""
    clock = types.SimpleNamespace(now=1000.0)
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: clock.now)
    progress, told = callbacks.Progress(), []
    progress.set_params({"epochs": epochs, "steps": steps})
    progress.on_train_begin()

    def last_line():
        return capsys.readouterr().out.rpartition("\r")[2]

    for epoch in range(epochs):
        progress.on_epoch_begin(epoch)
        assert ("building the graph" in last_line()) == (epoch == 0)
        for step in range(steps):
            clock.now += 61 if epoch == step == 0 else 1
            progress.on_train_batch_end(step)
            told.append((clock.now, last_line()))
        for batch in range(2):
            progress.on_test_batch_begin(batch)
            clock.now += look + 30 * (epoch == batch == 0)
            progress.on_test_batch_end(batch)
        progress.on_epoch_end(epoch, {"loss": 1.0})
        told.append((clock.now, last_line()))
    assert not any(" left" in line for _, line in told[:2])
    for now, line in told[2 + (steps == 1) :]:
        minutes, seconds = re.search(r"(\d+):(\d\d) left", line).groups()
        left, real = 60 * int(minutes) + int(seconds), clock.now - now
        assert left <= 3 * real + 1
        if len(told) > steps + 1 and now > told[steps][0]:
            assert left == pytest.approx(real, rel=0.3, abs=2 + 2 * look)


@pytest.mark.training
def test_train_learns(data):
    model = tiny()
    recipe = dataclasses.replace(STILL, epochs=40, peak_learning_rate=0.02, label_smoothing=0)
    history = training.train(model, data, recipe=recipe)
    assert set(history) == {"loss", "accuracy"}
    assert (model.predict(data[0], verbose=0).argmax(1) == data[1].argmax(1)).mean() == 1


@pytest.mark.training
def test_labels_may_be_whole_numbers(data):
    images, labels = data
    numbers = (images, labels.argmax(1))
    ends = []
    for given in (data, numbers):
        model = tiny()
        ends.append((training.train(model, given, given, STILL, seed=2), model.get_weights()))
    for name, values in ends[0][0].items():
        assert values == pytest.approx(ends[1][0][name])
    for one, other in zip(ends[0][1], ends[1][1], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


class Interrupt(keras.callbacks.Callback):
    """Stop the training as a learner does, in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.at, self.epoch = epoch, None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.at and batch == 1:
            raise KeyboardInterrupt


@pytest.mark.training
def test_an_interrupted_training_goes_on(data, tmp_path, capsys):
    recipe = dataclasses.replace(Recipe(), epochs=4, batch_size=8)
    path = tmp_path / "tiny.weights.h5"
    whole, resumed = tiny(), tiny()
    expected = training.train(whole, data, data, recipe, seed=3)
    with pytest.raises(KeyboardInterrupt):
        training.train(resumed, data, data, recipe, 3, checkpoint=path, callbacks=(Interrupt(2),))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    fresh = tiny()  # as in a new process: nothing but the file is left
    capsys.readouterr()
    history = training.train(fresh, data, data, recipe, seed=3, checkpoint=path)
    assert "going on after 2 of them" in capsys.readouterr().out
    for one, other in zip(whole.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, atol=1e-3)
    assert not path.exists(), "a finished training leaves no checkpoint"


@pytest.mark.training
def test_a_checkpoint_of_another_training_is_refused_and_kept(data, tmp_path):
    path = tmp_path / "tiny.weights.h5"
    with pytest.raises(KeyboardInterrupt):
        training.train(tiny(), data, None, STILL, checkpoint=path, callbacks=(Interrupt(1),))
    kept = path.read_bytes()
    with pytest.raises(DataError, match=r"its seed is 0, this one's is 1\. Delete it"):
        training.train(tiny(), data, None, STILL, seed=1, checkpoint=path)
    seven = (data[0], np.eye(7, dtype="float32")[:1].repeat(20, axis=0))
    with pytest.raises(DataError, match=r"its number of parameters is 4838, this one's is 5623"):
        training.train(tiny(7), seven, None, STILL, checkpoint=path)
    assert path.read_bytes() == kept


@pytest.mark.training
def test_a_finished_training_that_kept_its_checkpoint_is_not_done_again(data, tmp_path):
    path = tmp_path / "tiny.weights.h5"
    model, again = tiny(), tiny()
    expected = training.train(model, data, None, STILL, checkpoint=path, keep_checkpoint=True)
    assert training.train(again, data, None, STILL, checkpoint=path) == expected
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("content", [b"", b"no HDF5", None])
def test_a_file_that_is_no_checkpoint(data, tmp_path, content):
    path = tmp_path / "tiny.weights.h5"
    if content is None:
        with h5py.File(path, "w") as file:
            file["something"] = 1
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match="is not a checkpoint of a training"):
        training.train(tiny(), data, None, STILL, checkpoint=path)
    assert path.exists()


@pytest.mark.training
def test_a_checkpoint_that_cannot_be_written_does_not_stop_the_training(data, tmp_path, capsys):
    path = tmp_path / "missing" / "tiny.weights.h5"
    history = training.train(tiny(), data, None, STILL, checkpoint=path)
    assert len(history["loss"]) == 2
    assert "was not written" in capsys.readouterr().out


@pytest.mark.training
def test_a_full_disk_does_not_stop_the_training(data, tmp_path, monkeypatch, capsys):
    path = tmp_path / "tiny.weights.h5"

    def full(*_):
        raise RuntimeError("Can't decrement id ref count (file write failed: errno = 28)")

    monkeypatch.setattr(keras.Model, "save_weights", full)
    history = training.train(tiny(), data, None, STILL, checkpoint=path)
    assert len(history["loss"]) == 2 and not list(tmp_path.iterdir())
    assert "was not written: Can't decrement" in capsys.readouterr().out
    monkeypatch.setattr(keras.Model, "save_weights", lambda *_: pytest.fail("began without room"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=1000))
    training.train(tiny(), data, None, STILL, checkpoint=path)
    assert re.search(r"was not written: .*0.1 MB are needed", capsys.readouterr().out)


@pytest.mark.training
def test_a_checkpoint_takes_no_more_room_than_was_asked_for(data, tmp_path, monkeypatch):
    asked, real = [], callbacks.replacing
    monkeypatch.setattr(
        callbacks, "replacing", lambda path, needed: asked.append(needed) or real(path, needed)
    )
    path = tmp_path / "tiny.weights.h5"
    training.train(tiny(), data, None, STILL, checkpoint=path, keep_checkpoint=True)
    assert 0.3 * asked[0] < path.stat().st_size <= asked[0]


@pytest.mark.training
def test_stop_at_a_target(data, capsys):
    recipe = dataclasses.replace(STILL, epochs=40, peak_learning_rate=0.02)
    history = training.train(tiny(), data, data, recipe, target=0.5)
    assert len(history["loss"]) < 40 and history["val_accuracy"][-1] >= 0.5
    assert all(value < 0.5 for value in history["val_accuracy"][:-1])
    assert "Target reached" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((4, 16, 16, 3)), np.zeros((4, 6)), "images of float64"),
        (np.zeros((4, 16, 16), "uint8"), np.zeros((4, 6)), r"shape \(4, 16, 16\)"),
        (np.zeros((4, 16, 16, 3), "uint8"), np.zeros((4, 5)), "one row of 6 values"),
        (np.zeros((4, 16, 16, 3), "uint8"), np.zeros(4), "One-hot encode"),
        (np.zeros((4, 16, 16, 3), "uint8"), np.zeros(5, int), r"labels of shape \(5,\)"),
        (np.zeros((4, 16, 16, 3), "uint8"), np.arange(3, 7), "labels from 3 to 6; expected 0 to 5"),
        (np.zeros((4, 16, 16, 3), "uint8"), np.arange(-1, 3), "labels from -1 to 2"),
        (np.zeros((0, 16, 16, 3), "uint8"), np.zeros((0, 6)), "found 0 images"),
        (np.zeros((4, 18, 16, 3), "uint8"), np.zeros((4, 6)), r"shape \(18, 16, 3\)"),
    ],
)
def test_data_that_does_not_fit(images, labels, message, data):
    with pytest.raises(DataError, match=message):
        training.train(tiny(), (images, labels), recipe=STILL)
    with pytest.raises(DataError, match=message):
        training.train(tiny(), data, (images, labels), recipe=STILL)


def test_a_target_needs_validation(data):
    with pytest.raises(ValueError, match="a target needs validation"):
        training.train(tiny(), data, recipe=STILL, target=0.9)


# --- averages -------------------------------------------------------------------------------------


def test_measured_averages_are_the_means_of_the_batches(data):
    images, _ = data
    model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.BatchNormalization()])
    training.recalibrate_batchnorm(model, images, batch_size=8)
    (norm,) = model.layers
    batches = [images[:8], images[8:16], images[16:]]
    mean = np.mean([batch.mean((0, 1, 2)) for batch in batches], axis=0)
    variance = np.mean([batch.var((0, 1, 2)) for batch in batches], axis=0)
    np.testing.assert_allclose(norm.moving_mean.numpy(), mean, atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance.numpy(), variance, atol=1e-5)
    assert norm.momentum == 0.99


def test_averages_of_bytes_are_those_of_floats(data):
    images = (data[0] * 255).astype("uint8")
    weights = []
    for given in (images, images.astype("float32") / 255):
        model = tiny()
        training.recalibrate_batchnorm(model, given)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.training
def test_a_part_of_many_images_measures_the_averages(data, monkeypatch):
    measured = []
    monkeypatch.setattr(training, "MEASURED", 8)
    monkeypatch.setattr(
        training, "recalibrate_batchnorm", lambda _, images, size: measured.append(images)
    )
    images, _ = data
    training.train(tiny(), data, recipe=dataclasses.replace(STILL, epochs=1), seed=3)
    (part,) = measured
    places = [np.flatnonzero((images == image).all(axis=(1, 2, 3))).item() for image in part]
    assert len(set(places)) == 8 and places != sorted(places)
