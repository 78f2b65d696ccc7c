"""The graphs: traced once, the same results with fewer operations, gone with their model."""

import dataclasses
import gc
import weakref

import numpy as np
import pytest

from resnets_utils import quiet_tensorflow

with quiet_tensorflow():
    import keras
    import tensorflow as tf

from resnets import blocks, graph, training
from resnets.inspection import feature_maps, saliency
from resnets.training import Recipe

STILL = Recipe(rotation=0, translation=0, zoom=0, brightness=0, contrast=0, batch_size=8, epochs=2)


def small(seed=0):
    """A convolutional and an identity block between a convolution and a dense layer.

    Of 16 filters: on some processors TensorFlow 2.21's oneDNN writes past the end of the memory of
    a 1x1 convolution of 8 to 4 channels with stride 2, whoever builds the graph.
    """
    keras.utils.set_random_seed(seed)
    images = keras.Input((16, 16, 3))
    X = keras.layers.Conv2D(16, 3)(images)
    X = blocks.convolutional_block(X, 3, (16, 16, 32), 2, "a")
    X = blocks.identity_block(X, 3, (16, 16, 32), 2, "b")
    X = keras.layers.GlobalAveragePooling2D()(X)
    return keras.Model(images, keras.layers.Dense(6, activation="softmax")(X))


@pytest.fixture
def traces(monkeypatch):
    """Count how often TensorFlow traces Keras's steps: {"train": n, "test": n, "predict": n}."""
    counts = {}

    def watch(kind, name):
        counts[kind], real = 0, getattr(keras.Model, name)

        def step(model, data):
            counts[kind] += 1
            return real(model, data)

        monkeypatch.setattr(keras.Model, name, step)

    for kind in ("train", "test", "predict"):
        watch(kind, f"{kind}_step")
    return counts


# --- built once -----------------------------------------------------------------------------------


@pytest.mark.training
def test_steps_are_traced_once(data, traces):
    images, labels = data
    model = small()
    model.compile("adamw", "categorical_crossentropy", metrics=["accuracy"])
    graph.build_once(model)
    for size in (8, 7):  # with a last batch that is smaller
        model.fit(*data, batch_size=size, epochs=2, validation_data=data, verbose=0)
    model.evaluate(images[:5], labels[:5], verbose=0)
    for count in (20, 3, 1):
        assert model.predict(images[:count], verbose=0).shape == (count, 6)
    assert traces == {"train": 1, "test": 1, "predict": 1}


@pytest.mark.training
def test_without_it_they_are_traced_more_often(data, traces):
    """Keras's own way; when this fails, `build_once` may have become unnecessary."""
    model = small()
    model.compile("adamw", "categorical_crossentropy", metrics=["accuracy"])
    model.fit(*data, batch_size=8, verbose=0)
    for count in (20, 3):
        model.predict(data[0][:count], batch_size=count, verbose=0)
    assert traces["train"] == 2 and traces["predict"] == 2


@pytest.mark.training
def test_results_are_as_without_it(data):
    histories, weights = [], []
    for build in (graph.build_once, lambda _: None):
        model = small()
        model.compile(keras.optimizers.SGD(0.01), "categorical_crossentropy", metrics=["accuracy"])
        build(model)
        history = model.fit(*data, batch_size=8, shuffle=False, validation_data=data, verbose=0)
        histories.append(history.history)
        weights.append(model.get_weights())
        np.testing.assert_allclose(
            model.predict(data[0], verbose=0), model(data[0], training=False), atol=1e-5
        )
    for name, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][name], atol=1e-4)
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.training
def test_a_second_training_begins_anew_in_the_graphs_of_the_first(data, traces):
    model = small()
    first = model.get_weights()
    training.train(model, data, data, STILL, seed=1)
    model.set_weights(first)
    again = training.train(model, data, data, STILL, seed=2)
    assert traces == {"train": 1, "test": 1, "predict": 0}
    fresh = small()
    expected = training.train(fresh, data, data, STILL, seed=2)
    for name, values in expected.items():
        np.testing.assert_allclose(again[name], values, atol=1e-5)
    for one, other in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.training
def test_a_training_of_another_kind_gets_graphs_of_its_own(data, traces):
    """Frozen layers, then all of them, at another rate: as a new model would be trained."""
    model, fresh = small(), small()
    first = model.get_weights()
    training.train(model, data, None, STILL)
    model.set_weights(first)
    for layer in model.layers[:5]:
        layer.trainable = False
    training.train(model, data, None, STILL)
    assert traces["train"] == 2
    for layer, same in zip(model.layers[:5], fresh.layers, strict=False):
        for weight, before in zip(layer.get_weights(), same.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, before)
    for layer in model.layers:
        layer.trainable = True
    model.set_weights(first)
    other = dataclasses.replace(STILL, peak_learning_rate=0.001)
    training.train(model, data, None, other)
    training.train(fresh, data, None, other)
    assert traces["train"] == 4
    for one, same in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_allclose(one, same, atol=1e-5)


# --- operations -----------------------------------------------------------------------------------


def after_steps(adam):
    """Return a network's weights after nine steps along given gradients."""
    rng, model = np.random.default_rng(0), small()
    for _ in range(9):
        found = [rng.normal(size=w.shape).astype("f") for w in model.trainable_weights]
        adam.apply_gradients(zip(map(tf.constant, found), model.trainable_weights, strict=True))
    return model.get_weights()


@pytest.mark.parametrize("decay", [0, 0.5])
def test_fused_adam_is_adamw(decay):
    schedule = training.make_schedule(0.01, steps=9, warm_up=3)
    keras_s = keras.optimizers.AdamW(schedule, weight_decay=decay)
    keras_s.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    fused = graph.FusedAdam(schedule, weight_decay=decay)
    for one, other in zip(after_steps(keras_s), after_steps(fused), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.training
def test_a_compiled_network_is_saved_and_loaded(data, tmp_path):
    model = small()
    model.compile(graph.FusedAdam(0.01, weight_decay=0.1), "categorical_crossentropy")
    graph.build_once(model)
    model.fit(*data, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    assert again.optimizer.decay == 0.1
    np.testing.assert_allclose(again(data[0]), model(data[0]), atol=1e-5)


def gradients(model, images, training):
    """Return outputs, and the gradients of a sum of their squares by images and weights."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = model(images, training=training)
        uneven = tf.cast(tf.range(tf.size(outputs)) % 7, tf.float32)
        loss = tf.reduce_sum(outputs**2 * tf.reshape(uneven, outputs.shape))
    return [outputs, *tape.gradient(loss, [images, *model.trainable_variables])]


@pytest.mark.parametrize("shape", [(8, 4, 5, 3), (2, 1, 1, 3), (1, 9, 9, 3)])
@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("traced", [True, False])
def test_fused_batch_normalization_is_batch_normalization(shape, mode, traced):
    rng = np.random.default_rng(0)
    images = rng.normal(2, 3, shape).astype("float32")
    weights = [rng.uniform(0.5, 2, 3) for _ in range(4)]
    found = []
    for fuse in (False, True):
        settings = {"momentum": 0.8, "epsilon": 0.01}
        model = keras.Sequential(
            [keras.Input(shape[1:]), keras.layers.BatchNormalization(**settings)]
        )
        model.set_weights(weights)
        if fuse:
            graph.fuse_batch_normalization(model)
        run = tf.function(gradients) if traced else gradients
        results = run(model, tf.constant(images), mode)
        found.append([np.asarray(value) for value in (*results, *model.get_weights())])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    assert mode == (not np.allclose(found[1][-1], weights[3]))


def test_networks_stay_what_they_were(data, tmp_path):
    model, other = small(), small()
    graph.fuse_batch_normalization(model)
    for one, same in zip(model.layers, other.layers, strict=True):
        assert type(one) is type(same)
        assert [w.shape for w in one.weights] == [w.shape for w in same.weights]
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    for mode in (True, False):
        np.testing.assert_allclose(
            again(data[0], training=mode), model(data[0], training=mode), atol=1e-4
        )


def test_layers_that_are_not_covered_stay_as_they_are(data):
    class Own(keras.layers.BatchNormalization):
        pass

    images, _ = data
    for layer in (
        keras.layers.BatchNormalization(axis=1),
        keras.layers.BatchNormalization(scale=False),
        keras.layers.BatchNormalization(center=False),
        keras.layers.BatchNormalization(renorm=True),
        keras.layers.BatchNormalization(dtype="mixed_bfloat16"),
        Own(),
    ):
        model = keras.Sequential([keras.Input((16, 16, 3)), layer])
        graph.fuse_batch_normalization(model)
        assert "call" not in vars(layer)
        model(images, training=True)
    flat = keras.Sequential([keras.Input((5,)), keras.layers.BatchNormalization()])
    graph.fuse_batch_normalization(flat)
    assert flat(images[:, 0, :5, 0]).shape == (20, 5)


def test_a_frozen_layer_keeps_its_averages(data):
    model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.BatchNormalization()])
    graph.fuse_batch_normalization(model)
    model.layers[0].trainable = False
    before = model.get_weights()
    model(data[0], training=True)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# --- asking a network -----------------------------------------------------------------------------


@pytest.mark.training
def test_a_network_is_asked_in_one_graph_until_it_is_gone(data):
    model, seen = small(), []
    real = graph.tf.function
    images = np.repeat(data[0], 4, axis=0)  # more than fit into a batch

    def count(*arguments, **settings):
        if arguments and arguments[0].__module__.startswith("resnets"):
            seen.append(arguments[0])
        return real(*arguments, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph.tf, "function", count)
        for k in (80, 1, 64, 3):
            np.testing.assert_allclose(
                graph.compute(model, images[:k]), model(images[:k], training=False), atol=1e-5
            )
        model.set_weights(small(seed=1).get_weights())
        np.testing.assert_allclose(
            graph.compute(model, images), model(images, training=False), atol=1e-5
        )
        assert len(seen) == 1
        for _ in range(2):
            feature_maps.layer_output(model, images, model.layers[1])
            saliency.grad_cam(model, images[:2], 3)
            saliency.occlusion(model, images[:1], 3, window=8)
            training.recalibrate_batchnorm(model, images, 7)
        assert len(seen) == 4, "one for the maps, one for their gradients, one for the averages"
    model.layers[-1].activation = keras.activations.linear
    np.testing.assert_allclose(
        graph.compute(model, images), model(images, training=False), atol=1e-5
    )
    training.train(model, data, data, STILL)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
