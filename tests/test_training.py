"""The recipe of notebook 04: batches, augmentation, schedule, progress, on a tiny network."""

import numpy as np
import pytest

from resnets_utils import quiet_tensorflow

with quiet_tensorflow():
    import keras

from resnets import training


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    labels = np.eye(6, dtype=np.float32)[rng.integers(6, size=20)]
    return rng.random((20, 16, 16, 3), dtype=np.float32), labels


def test_batches_hold_every_image_and_reshuffle(data):
    images, labels = data
    same = keras.Sequential([keras.layers.Identity()])
    batches = training.make_batches(images, labels, same, batch_size=8)
    assert len(batches) == 3
    epochs = [np.concatenate([X for X, _ in batches]) for _ in range(2)]
    assert not np.array_equal(*epochs)
    for epoch in epochs:
        assert np.array_equal(np.sort(epoch, axis=None), np.sort(images, axis=None))
    for X, Y in batches:
        for image, label in zip(X.numpy(), Y.numpy(), strict=True):
            (place,) = np.flatnonzero((images == image).all(axis=(1, 2, 3)))
            assert np.array_equal(labels[place], label)


def test_augmentation_changes_pixels_but_neither_shape_nor_range(data):
    images, _ = data
    changed = np.asarray(training.make_augmentation()(images, training=True))
    assert changed.shape == images.shape
    assert changed.min() >= 0 and changed.max() <= 1
    assert np.abs(changed - images).mean() > 0.01


def test_schedule_rises_then_falls_to_zero():
    schedule = training.make_schedule(0.5, steps=100, warm_up=10)
    rates = np.array([float(schedule(step)) for step in range(101)])
    assert rates.argmax() == 10 and np.isclose(rates[10], 0.5)
    assert np.all(np.diff(rates[:11]) > 0) and np.all(np.diff(rates[10:]) < 0)
    assert np.isclose(rates[100], 0, atol=1e-6)


def test_fit_reports_every_epoch_on_one_line(data, capsys):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Flatten(), keras.layers.Dense(6, activation="softmax")]
    model = keras.Sequential(layers)
    history = training.compile_and_fit(model, data, data, epochs=2, batch_size=8)
    assert {len(values) for values in history.history.values()} == {2}
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    written = capsys.readouterr()
    lines = [line.rpartition("\r")[2] for line in written.out.split("\n")[:-1]]
    assert [line.partition(":")[0] for line in lines] == ["epoch  1/2", "epoch  2/2"]
    assert all("val_accuracy" in line for line in lines) and lines[1].endswith(", 0:00 left")
    assert written.err == ""


def test_measured_averages_are_the_means_of_the_batches(data):
    images, _ = data
    model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.BatchNormalization()])
    training.measure_averages(model, images, batch_size=8)
    (norm,) = model.layers
    batches = [images[:8], images[8:16], images[16:]]
    mean = np.mean([batch.mean((0, 1, 2)) for batch in batches], axis=0)
    variance = np.mean([batch.var((0, 1, 2)) for batch in batches], axis=0)
    np.testing.assert_allclose(norm.moving_mean.numpy(), mean, atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance.numpy(), variance, atol=1e-5)
    assert norm.momentum == 0.99
