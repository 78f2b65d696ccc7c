"""The blocks and ResNet50: names, shapes, parameters, and agreement with independent code."""

import json
from pathlib import Path

import numpy as np
import pytest

from resnets_utils import quiet_tensorflow

with quiet_tensorflow():
    import keras

from resnets.basic_resnet import BasicBlockResNet
from resnets.blocks import convolutional_block, identity_block
from resnets.resnet50 import ResNet50

# Name, type, output shape and parameter count of the published network's named layers.
LAYERS = json.loads((Path(__file__).parent / "resnet50_layers.json").read_text())


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return ResNet50()


def images(count, *shape, seed=0):
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype("float32")


def randomise(model, seed=0):
    """Give every weight a value of its own, moving averages too, so that no term hides."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if "seed" in variable.path:
            continue
        if variable.path.endswith(("gamma", "moving_variance")):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif variable.path.endswith("kernel"):
            variable.assign(rng.normal(0, np.prod(variable.shape[:-1]) ** -0.5, variable.shape))
        else:
            variable.assign(rng.normal(0, 0.1, variable.shape))


# --- the published network ------------------------------------------------------------------------


def test_published_layers(network):
    found = [
        [name, type(layer).__name__, list(layer.output.shape[1:]), layer.count_params()]
        for name, *_ in LAYERS
        for layer in [network.get_layer(name)]
    ]
    assert found == LAYERS
    assert len(LAYERS) == 108


def test_no_other_layer_has_weights(network):
    assert {layer.name for layer in network.layers if layer.weights} | {"avg_pool"} == {
        name for name, *_ in LAYERS
    }


def test_published_totals(network):
    trainable = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    assert (network.count_params(), trainable) == (23_600_006, 23_546_886)


def test_shapes_between_the_named_layers(network):
    by_type = {type(layer).__name__: layer for layer in network.layers}
    assert by_type["ZeroPadding2D"].output.shape == (None, 70, 70, 3)
    assert by_type["MaxPooling2D"].output.shape == (None, 15, 15, 64)
    assert by_type["Flatten"].output.shape == (None, 2048)
    assert network.output.shape == (None, 6)


def test_batch_normalisation_is_as_said(network):
    norms = [layer for layer in network.layers if layer.name.startswith("bn")]
    assert {norm.epsilon for norm in norms} == {1e-3}
    assert {norm.momentum for norm in norms} == {0.9}
    assert {norm.axis for norm in norms} == {-1}


def test_padding_and_strides(network):
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            same = layer.name.endswith("2b")
            first = layer.name[-1] in "1a" and layer.name[3:5] in ("3a", "4a", "5a")
            stride = 2 if layer.name == "conv1" or (first and "branch2b" not in layer.name) else 1
            assert layer.padding == ("same" if same else "valid"), layer.name
            assert layer.strides == (stride, stride), layer.name
            assert layer.use_bias, layer.name


def test_classes_name_the_head():
    model = ResNet50(input_shape=(40, 48, 1), classes=3)
    assert model.output.shape == (None, 3)
    assert model.layers[-1].name == "fc3"


def test_inputs_too_small_or_no_class():
    assert ResNet50(input_shape=(37, 37, 3)).output.shape == (None, 6)
    with pytest.raises(ValueError, match=r"36 x 64 pixels are too small.*37 x 37"):
        ResNet50(input_shape=(36, 64, 3))
    with pytest.raises(ValueError, match="classes is 0"):
        ResNet50(classes=0)


@pytest.mark.parametrize(
    ("side", "settings", "shapes"),
    [
        (64, {"max_pooling": False, "global_pooling": True}, [32, 32, 16, 8, 4]),
        (64, {"global_pooling": True}, [32, 15, 8, 4, 2]),
        (32, {"global_pooling": True}, [16, 7, 4, 2, 1]),
        (37, {}, [19, 9, 5, 3, 2]),
    ],
)
def test_variants(side, settings, shapes):
    model = ResNet50((side, side, 3), classes=101, **settings)
    ends = ["conv1", "bn2c_branch2c", "bn3d_branch2c", "bn4f_branch2c", "bn5c_branch2c"]
    assert [model.get_layer(name).output.shape[1] for name in ends] == shapes
    assert model.output_shape == (None, 101)
    assert model.count_params() == 23_600_006 + (101 - 6) * 2049  # pooling has no parameters
    image = np.random.default_rng(0).random((1, side, side, 3), dtype="float32")
    assert np.isclose(model(image).numpy().sum(), 1, atol=1e-5)


def test_variants_too_small():
    with pytest.raises(ValueError, match=r"31 x 64 pixels are too small.*32 x 32"):
        ResNet50((31, 64, 3), global_pooling=True)
    with pytest.raises(ValueError, match="l2 is -1"):
        ResNet50(l2=-1)


def test_penalty_is_on_kernels_alone_and_is_saved(tmp_path):
    model = ResNet50((37, 37, 3), l2=1e-4)
    kernels = [layer.kernel for layer in model.layers if hasattr(layer, "kernel")]
    expected = 1e-4 * sum(float((kernel.numpy() ** 2).sum()) for kernel in kernels)
    assert len(kernels) == 54 and np.isclose(float(sum(model.losses)), expected, rtol=1e-5)
    model.save(tmp_path / "penalised.keras")
    loaded = keras.models.load_model(tmp_path / "penalised.keras")
    assert np.isclose(float(sum(loaded.losses)), expected, rtol=1e-5)
    assert ResNet50((37, 37, 3)).losses == []


def test_identity_block_says_why_it_cannot_add():
    with pytest.raises(ValueError, match=r"2b.*64 channels.*256.*convolutional_block"):
        identity_block(keras.Input((15, 15, 64)), 3, (64, 64, 256), 2, "b")


# --- first weights --------------------------------------------------------------------------------


def test_kernels_of_equal_shape_differ(network):
    kernels = [w for w in network.trainable_weights if w.path.endswith("kernel")]
    for i, one in enumerate(kernels):
        for other in kernels[i + 1 :]:
            if one.shape == other.shape:
                assert not np.allclose(one, other), (one.path, other.path)


def test_seeds_decide_the_first_weights():
    def kernel(seed):
        keras.utils.set_random_seed(seed)
        return ResNet50(input_shape=(37, 37, 3)).get_layer("conv1").kernel.numpy()

    assert np.array_equal(kernel(1), kernel(1))
    assert not np.allclose(kernel(1), kernel(2))


# --- agreement with independent implementations ---------------------------------------------------


def conv(X, kernel, bias, stride=1, same=False):
    """Convolve (m, h, w, c) with (f, f, c, n) in plain NumPy."""
    f = kernel.shape[0]
    if same:
        X = np.pad(X, [(0, 0), (f // 2, f // 2), (f // 2, f // 2), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(X, (f, f), axis=(1, 2))
    return np.einsum("mhwcij,ijcn->mhwn", windows[:, ::stride, ::stride], kernel) + bias


def normalise(X, layer, training):
    """Normalise by the batch (training) or by the layer's moving averages."""
    mean = X.mean((0, 1, 2)) if training else layer.moving_mean.numpy()
    variance = X.var((0, 1, 2)) if training else layer.moving_variance.numpy()
    return layer.gamma.numpy() * (X - mean) / np.sqrt(variance + 1e-3) + layer.beta.numpy()


def by_numpy(model, X, name, stride, projected, training):
    """Compute a block from its layers' weights, written from the paper's figure."""

    def step(X, branch, stride=1, same=False):
        layer = model.get_layer(f"res{name}_branch{branch}")
        X = conv(X, layer.kernel.numpy().astype(np.float64), layer.bias.numpy(), stride, same)
        return normalise(X, model.get_layer(f"bn{name}_branch{branch}"), training)

    shortcut = step(X, "1", stride) if projected else X
    main = np.maximum(step(X, "2a", stride), 0)
    main = np.maximum(step(main, "2b", same=True), 0)
    return np.maximum(step(main, "2c") + shortcut, 0)


def build_block(kind, side, stride):
    X = keras.Input((side, side, 12))
    if kind == "identity":
        return keras.Model(X, identity_block(X, 3, (4, 5, 12), 2, "b"))
    return keras.Model(X, convolutional_block(X, 3, (4, 5, 16), 2, "b", s=stride))


BLOCKS = [("identity", 7, 1), ("convolutional", 7, 1), ("convolutional", 7, 2)]
BLOCKS += [("convolutional", 8, 2), ("convolutional", 9, 3)]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("kind", "side", "stride"), BLOCKS)
def test_blocks_agree_with_numpy(kind, side, stride, training):
    model = build_block(kind, side, stride)
    randomise(model)
    X = images(3, side, side, 12)
    expected = by_numpy(model, X.astype(np.float64), "2b", stride, kind != "identity", training)
    found = np.array(model(X, training=training))
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("stride", [1, 2])
def test_blocks_agree_with_keras_applications(stride, training):
    """Two blocks in a row against a stack of Keras Applications, epsilon set alike."""
    from keras.src.applications.resnet import stack_residual_blocks_v1

    X = keras.Input((8, 8, 12))
    ours = convolutional_block(X, 3, (4, 4, 16), 2, "a", s=stride)
    ours = keras.Model(X, identity_block(ours, 3, (4, 4, 16), 2, "b"))
    theirs = keras.Model(X, stack_residual_blocks_v1(X, 4, 2, stride1=stride, name="conv2"))
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.epsilon = 1e-3
    randomise(ours)
    for number, block in ((1, "a"), (2, "b")):
        for index, branch in enumerate(("1", "2a", "2b", "2c")):
            if (block, branch) == ("b", "1"):
                continue
            for kind, prefix in (("conv", "res"), ("bn", "bn")):
                source = ours.get_layer(f"{prefix}2{block}_branch{branch}")
                theirs.get_layer(f"conv2_block{number}_{index}_{kind}").set_weights(
                    source.get_weights()
                )
    X = images(3, 8, 8, 12)
    expected = np.array(theirs(X, training=training))
    np.testing.assert_allclose(np.array(ours(X, training=training)), expected, atol=1e-4)


# --- inference mode -------------------------------------------------------------------------------


def test_alone_as_in_a_batch(network):
    randomise(network)
    X = np.random.default_rng(0).random((8, 64, 64, 3), dtype=np.float32)
    together = network.predict(X, verbose=0)
    alone = np.concatenate([network.predict(X[i : i + 1], verbose=0) for i in range(3)])
    assert together.std() > 0.01
    np.testing.assert_allclose(alone, together[:3], atol=1e-4)


def test_training_and_inference_differ_as_they_should():
    model = build_block("identity", 7, 1)
    randomise(model)
    X = images(3, 7, 7, 12)
    assert np.abs(np.array(model(X, training=True)) - model.predict(X, verbose=0)).max() > 0.01


# --- plain and residual of any depth --------------------------------------------------------------


@pytest.mark.parametrize("normalised", [True, False])
def test_shortcuts_are_all_that_differs(normalised):
    plain, residual = (
        BasicBlockResNet(14, shortcuts=on, normalised=normalised) for on in (False, True)
    )
    convolutions = [x for x in plain.layers if isinstance(x, keras.layers.Conv2D)]
    assert len(convolutions) + 1 == 14  # and the dense layer
    assert [w.path for w in plain.weights] == [w.path for w in residual.weights]
    assert [w.shape for w in plain.weights] == [w.shape for w in residual.weights]
    additions = [x for x in residual.layers if isinstance(x, keras.layers.Add)]
    assert len(additions) == 6
    assert not any(isinstance(x, keras.layers.Add) for x in plain.layers)
    norms = [x for x in plain.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert len(norms) == (13 if normalised else 0)


def test_a_closed_network_passes_on_what_stage_1_made():
    model = BasicBlockResNet(14, zero_gamma=True)
    ends = [model.get_layer(f"res{name}_branch2a").input for name in ("2_1", "3_1", "4_1")]
    look = keras.Model(model.input, [*ends, model.get_layer("avg_pool").input])
    stage_1, stage_2, stage_3, end = (np.asarray(x) for x in look(abs(images(2, 64, 64, 3))))
    np.testing.assert_array_equal(stage_1, stage_2)
    np.testing.assert_array_equal(stage_1[:, ::2, ::2], stage_3[..., :16])
    np.testing.assert_array_equal(stage_1[:, ::4, ::4], end[..., :16])
    assert stage_3.shape[-1] == 32 and end.shape[-1] == 64
    assert not stage_3[..., 16:].any() and not end[..., 16:].any()


def test_a_wider_two_layer_network():
    model = BasicBlockResNet(8, filters=64)
    shapes = [model.get_layer(f"bn{stage}_1_branch2b").output.shape for stage in (2, 3, 4)]
    assert shapes == [(None, 15, 15, 64), (None, 8, 8, 128), (None, 4, 4, 256)]
    kernels = [w.shape for w in model.trainable_variables if w.name == "kernel"]
    assert kernels == [
        (7, 7, 3, 64),
        *((3, 3, 64, 64),) * 2,
        *((3, 3, 64, 128), (3, 3, 128, 128)),
        *((3, 3, 128, 256), (3, 3, 256, 256)),
        (256, 6),
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"depth": 9}, "depth is 9; give 8, 14, 20"),
        ({"depth": 2}, "depth is 2"),
        ({"zero_gamma": True, "shortcuts": False}, "needs shortcuts"),
        ({"zero_gamma": True, "normalised": False}, "BatchNormalization"),
        ({"input_shape": (31, 64, 3)}, "give 32 x 32"),
        ({"classes": 0}, "classes is 0"),
        ({"filters": 0}, "filters is 0; give 1 or more"),
    ],
)
def test_no_such_two_layer_network(settings, message):
    with pytest.raises(ValueError, match=f"BasicBlockResNet: .*{message}"):
        BasicBlockResNet(**settings)
