"""What the looks inside a network compute."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from resnets_utils import DataError, quiet_tensorflow

with quiet_tensorflow():
    import keras

from resnets.basic_resnet import BasicBlockResNet
from resnets.inspection import calibration, confusions, feature_maps, gradients, saliency
from resnets.resnet50 import SmallResNet

# --- gradients ------------------------------------------------------------------------------------


def test_gradient_norms_are_those_of_the_loss():
    keras.utils.set_random_seed(0)
    images = keras.Input((2, 2, 1))
    X = keras.layers.Conv2D(1, 1, name="first")(images)
    X = keras.layers.Conv2D(3, 1, name="second")(X)
    outputs = keras.layers.Softmax()(keras.layers.GlobalAveragePooling2D()(X))
    model = keras.Model(images, outputs)
    model.set_weights(
        [np.full((1, 1, 1, 1), 2.0), np.zeros(1), np.zeros((1, 1, 1, 3)), np.zeros(3)]
    )
    norms = gradients.gradient_norms(model, np.ones((4, 2, 2, 1)), np.eye(3)[[0, 0, 0, 0]])
    # Behind kernels of 0 nothing comes back; at them (probability - label) times the input of 2.
    assert list(norms) == ["first", "second"] and norms["first"] == 0
    assert norms["second"] == pytest.approx(2 * np.sqrt(4 / 9 + 1 / 9 + 1 / 9), rel=1e-5)


def test_a_closed_block_opens_by_its_gamma():
    model = BasicBlockResNet(8, zero_gamma=True)
    images = np.random.default_rng(0).random((8, 64, 64, 3), np.float32)
    batch = images, np.eye(6, dtype="float32")[[0, 1] * 4]
    kernels, gammas = (
        gradients.gradient_norms(model, *batch, weight=w) for w in ("kernel", "gamma")
    )
    assert {norm for name, norm in kernels.items() if name.startswith("res")} == {0.0}
    assert len(gammas) == 7
    assert min(norm for name, norm in gammas.items() if name.endswith("branch2b")) > 0


def test_measuring_gradients_leaves_the_averages_alone():
    model = BasicBlockResNet(8)
    before = model.get_weights()
    images = np.random.default_rng(0).random((8, 64, 64, 3), np.float32)
    norms = gradients.gradient_norms(model, images, np.eye(6, dtype="float32")[[0, 1] * 4])
    assert len(norms) == 7 and min(norms.values()) > 0
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="shape"):
        gradients.gradient_norms(model, images, np.eye(5, dtype="float32")[[0, 1] * 4])
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_gradients_of_a_model_inside_a_model():
    inside = BasicBlockResNet(8)
    inputs = keras.Input((64, 64, 3))
    around = keras.Model(inputs, inside(keras.layers.Rescaling(1.0)(inputs)))
    images = np.random.default_rng(0).random((8, 64, 64, 3), np.float32)
    batch, before = (images, np.eye(6, dtype="float32")[[0, 1] * 4]), around.get_weights()
    assert gradients.gradient_norms(around, *batch) == pytest.approx(
        gradients.gradient_norms(inside, *batch), rel=1e-3
    )
    for one, other in zip(before, around.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_stage_means():
    norms = {"conv1": 9.0, "res2_1_a": 1.0, "res2_1_b": 3.0, "res3_1_a": 7.0, "res4_1_a": 5.0}
    assert gradients.stage_means(norms) == (2.0, 5.0)


def test_norms_are_drawn_on_the_same_axes():
    lines = {"depth 8": {"a": 1.0, "b": 10.0}}
    axes = gradients.plot_norms({"plain": lines, "residual": {"depth 8": {"a": 1e-3, "b": 1.0}}})
    assert [axis.get_title() for axis in axes] == ["plain", "residual"]
    assert axes[0].get_ylim() == axes[1].get_ylim()
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), [1, 10])
    plt.close()


# --- confusions -----------------------------------------------------------------------------------


def test_confusions_are_counted_row_by_row():
    counts = confusions.confusion_matrix(np.array([0, 0, 0, 2]), np.array([1, 1, 0, 2]), 3)
    np.testing.assert_array_equal(counts, [[1, 2, 0], [0, 0, 0], [0, 0, 1]])
    with pytest.raises(ValueError, match="shorter"):
        confusions.confusion_matrix(np.array([0, 1]), np.array([1]), 2)


def test_a_confusion_matrix_shows_its_counts_and_names():
    axis = confusions.plot_confusion(np.array([[3, 1], [0, 0]]), ["rose", "tulip"])
    assert [text.get_text() for text in axis.texts] == ["3", "1", "", ""]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["rose", "tulip"]
    assert axis.get_xlabel() == "read as" and axis.get_ylabel() == "shown"
    np.testing.assert_allclose(axis.images[0].get_array(), [[0.75, 0.25], [0, 0]])
    plt.close()
    many = confusions.plot_confusion(np.eye(101, dtype=int), [str(n) for n in range(101)])
    assert not many.texts  # a hundred numbers a row can't be read
    plt.close()


def test_the_surest_errors_come_first():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]])
    found = confusions.confident_errors(probabilities, np.array([0, 1, 0, 1]))
    np.testing.assert_array_equal(found, [2, 1])
    with pytest.raises(DataError, match="4 answers and 3 labels"):
        confusions.confident_errors(probabilities, np.zeros(3, int))


# --- networks with known answers ------------------------------------------------------------------

WEIGHTS = np.array([[2.0, -1.0], [0.5, 3.0]])  # of the Dense layer: (channels, classes)


def known(ending="softmax"):
    """Return a network whose maps are red and green as they are, and whose logits are their means.

    logits = (mean red, mean green) @ WEIGHTS + (10, -10)
    """
    inputs = keras.Input((4, 6, 3))
    convolution = keras.layers.Conv2D(2, 1, use_bias=False, name="maps")
    X = keras.layers.GlobalAveragePooling2D()(convolution(inputs))
    dense = keras.layers.Dense(2, activation="softmax" if ending == "softmax" else None)
    X = dense(X)
    if ending == "layer":
        X = keras.layers.Softmax()(X)
    elif ending == "activation":
        X = keras.layers.Activation("softmax")(X)
    elif ending == "copied":
        X = keras.layers.Activation("linear")(keras.layers.Softmax()(X))
    elif ending == "operation":
        X = keras.ops.softmax(X)
    model = keras.Model(inputs, X)
    convolution.set_weights([np.eye(3)[:, :2].reshape(1, 1, 3, 2)])
    dense.set_weights([WEIGHTS, np.array([10.0, -10.0])])
    return model


def some_images(count=3, shape=(4, 6, 3)):
    return np.random.default_rng(0).uniform(0, 1, (count, *shape)).astype("float32")


@pytest.mark.parametrize("ending", ["softmax", "layer", "activation", "linear"])
def test_gradients_are_the_logits(ending):
    """Class 0 is sure, and still has the gradient of its logit, weight / 24 everywhere."""
    model, images = known(ending), some_images()
    if ending != "linear":
        assert model(images).numpy()[:, 0].min() > 0.999999
    for label in (0, 1):
        maps, gradients = saliency.maps_and_gradients(model, images, label)
        np.testing.assert_allclose(maps, images[..., :2], atol=1e-6)
        expected = np.broadcast_to(WEIGHTS[:, label] / 24, gradients.shape)
        np.testing.assert_allclose(gradients, expected, rtol=1e-5)


@pytest.mark.parametrize("ending", ["operation", "copied"])
def test_another_end_gets_the_log_of_the_probability(ending):
    model, images = known(ending), some_images()
    _, gradients = saliency.maps_and_gradients(model, images, 1)
    p = model(images).numpy()[:, None, None]
    expected = (WEIGHTS[:, 1] - p @ WEIGHTS.T) / 24  # (m, 1, 1, channels)
    np.testing.assert_allclose(gradients, np.broadcast_to(expected, gradients.shape), rtol=1e-3)


def test_grad_cam_of_a_known_network():
    """What is red speaks for class 0; of class 1, green less a third of red."""
    images = np.zeros((2, 4, 6, 3), "float32")
    images[0, 1, 4, 0] = images[1, 3, 0, 1] = 1  # one red pixel, one green one
    heat = saliency.grad_cam(known(), images, [0, 1])
    np.testing.assert_allclose(heat, images[..., 0] + images[..., 1], atol=1e-6)
    speaks_against = saliency.grad_cam(known(), images, [1, 0])
    assert not speaks_against[0].any()  # red takes from class 1, and nothing else is there
    np.testing.assert_allclose(speaks_against[1], images[1, ..., 1], atol=1e-6)


def test_gradients_agree_with_small_steps():
    """A network of convolution, normalisation and ReLU, its averages far from a batch's."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((8, 8, 3))
    X = keras.layers.Conv2D(4, 3, padding="same", name="maps")(inputs)
    Y = keras.layers.Conv2D(5, 3, strides=2, activation="relu")(X)
    Y = keras.layers.BatchNormalization(name="bn")(Y)
    Y = keras.layers.Dropout(0.5)(Y)
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(Y))
    model = keras.Model(inputs, outputs)
    bn = model.get_layer("bn")
    bn.set_weights([*bn.get_weights()[:2], np.linspace(-1, 1, 5), np.linspace(0.5, 2, 5)])
    images = some_images(2, (8, 8, 3))
    maps, gradients = saliency.maps_and_gradients(model, images, [2, 0], "maps")
    assert [w for w in bn.get_weights()[2]] == pytest.approx(np.linspace(-1, 1, 5))

    rest = keras.Model(X, outputs)

    def log_odds(values, label):
        p = rest(values, training=False).numpy()[0].astype(float)
        return np.log(p[label])

    p = model(images).numpy()
    for image, label, (row, column, channel) in ((0, 2, (3, 4, 1)), (1, 0, (5, 5, 3))):
        step = np.zeros_like(maps[:1])
        step[0, row, column, channel] = 0.05
        one = maps[image : image + 1]
        slope = (log_odds(one + step, label) - log_odds(one - step, label)) / 0.1
        # log p = logit - log of the sum: its slope is the logit's less the mean of all, by p.
        all_labels = [
            saliency.maps_and_gradients(model, images, k, "maps")[1][image, row, column, channel]
            for k in range(3)
        ]
        assert gradients[image, row, column, channel] == pytest.approx(all_labels[label])
        assert slope == pytest.approx(all_labels[label] - p[image] @ all_labels, abs=2e-3)


def test_each_image_is_explained_by_itself():
    """Alone or in a batch, the map is the same: BatchNormalization is in inference mode."""
    keras.utils.set_random_seed(0)
    model, images = SmallResNet((32, 32, 3), 4), some_images(70, (32, 32, 3))
    together = saliency.grad_cam(model, images, np.arange(70) % 4)
    for place in (0, 69):
        alone = saliency.grad_cam(model, images[place : place + 1], [place % 4])
        np.testing.assert_allclose(alone[0], together[place], atol=1e-3)


def test_maps_of_frozen_and_of_weightless_layers_are_explained():
    model = known()
    model.trainable = False
    _, gradients = saliency.maps_and_gradients(model, some_images(), 0)
    np.testing.assert_allclose(gradients[0, 0, 0], WEIGHTS[:, 0] / 24, rtol=1e-5)
    inputs = keras.Input((4, 6, 3))
    pooled = keras.layers.AveragePooling2D(2, name="pooled")(inputs)
    outputs = keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(pooled))
    maps, gradients = saliency.maps_and_gradients(keras.Model(inputs, outputs), some_images(), 0)
    assert maps.shape == gradients.shape == (3, 2, 3, 3) and gradients.all()


def test_weighed_maps():
    maps = np.array([[[1.0, 0.0], [0.0, 2.0]]])  # (1, 2, channels)
    gradients = np.array([[[3.0, -1.0], [1.0, 0.0]]])  # means 2, -0.5
    np.testing.assert_allclose(saliency.weigh_maps(maps, gradients), [[1, 0]])
    np.testing.assert_allclose(saliency.weigh_maps(maps, -np.abs(gradients)), [[0, 0]])


def test_maps_are_enlarged_about_the_middle_of_their_tiles():
    large = saliency.resized(np.array([[[0.0, 1.0], [0.0, 1.0]]]), 4, 8)
    assert large.shape == (1, 4, 8)
    np.testing.assert_allclose(large[0, 0], [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])


# --- covering -------------------------------------------------------------------------------------


def test_occlusion_of_a_known_network():
    """Only the red pixel matters, and only to the squares that cover it."""
    images = np.zeros((1, 4, 6, 3), "float32")
    images[0, 1, 4, 0] = 24  # mean 1: logit 2, -1
    model = known("linear")
    drops = saliency.occlusion(model, images, 0, window=1, stride=1, fill=0)
    expected = np.zeros((4, 6))
    expected[1, 4] = 2
    np.testing.assert_allclose(drops[0], expected, atol=1e-5)
    against = saliency.occlusion(model, images, [1], window=1, stride=1, fill=0)
    np.testing.assert_allclose(against[0], -expected / 2, atol=1e-5)
    wide = saliency.occlusion(model, images, 0, window=2, stride=2, fill=0)
    expected = np.zeros((4, 6))
    expected[:2, 4:] = 2
    np.testing.assert_allclose(wide[0], expected, atol=1e-5)


def test_occlusion_reaches_every_pixel_and_averages_squares():
    images = np.zeros((1, 4, 6, 3), "float32")
    images[0, 3, 5, 0] = 24
    drops = saliency.occlusion(known("linear"), images, 0, window=3, stride=2, fill=0)
    assert np.isfinite(drops).all()
    assert drops[0, 3, 5] == pytest.approx(2)  # one square covers the corner
    assert drops[0, 3, 3] == pytest.approx(1)  # two squares, one of them with the red pixel
    assert drops[0, 0, 0] == 0


def test_occlusion_fills_with_the_mean():
    images = np.full((1, 4, 6, 3), 0.3, "float32")
    np.testing.assert_allclose(saliency.occlusion(known(), images, 0, 2, 1), 0, atol=1e-6)


# --- any network ----------------------------------------------------------------------------------


def wrapped(side):
    """Return a network around another one, as in transfer learning."""
    base = keras.applications.MobileNetV2((side, side, 3), weights=None, include_top=False)
    inputs = keras.Input((side, side, 3))
    X = base(keras.layers.Rescaling(2.0, -1)(inputs))
    X = keras.layers.GlobalAveragePooling2D()(X)
    return keras.Model(inputs, keras.layers.Dense(5, activation="softmax")(X))


def sequential(side):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((side, side, 3)),
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5),
            layers.Softmax(),
        ]
    )


def applications(name):
    def build(side):
        return getattr(keras.applications, name)(
            input_shape=(side, side, 3), weights=None, classes=5
        )

    return build


NETWORKS = {
    "ResNet50": (applications("ResNet50"), 64, "conv5_block3_out", 2, 2048),
    "MobileNetV2": (applications("MobileNetV2"), 64, "out_relu", 2, 1280),
    "a model in a model": (wrapped, 64, "mobilenetv2", 2, 1280),
    "Sequential": (sequential, 21, "conv2d", 10, 4),
    "ours": (lambda side: SmallResNet((side, side, 3), 5), 64, "activation", 4, 512),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == "Sequential" else [pytest.mark.slow])
        for name in NETWORKS
    ],
)
def test_any_classifier_is_opened(name):
    build, side, last, cells, width = NETWORKS[name]
    keras.backend.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)
    model, images = build(side), some_images(2, (side, side, 3))
    layer = feature_maps.last_spatial_layer(model)
    assert layer.name.startswith(last)
    maps, gradients = saliency.maps_and_gradients(model, images, [1, 4])
    assert maps.shape == gradients.shape == (2, cells, cells, width)
    assert gradients.any()
    np.testing.assert_array_equal(maps, feature_maps.layer_output(model, images, layer))
    heat = saliency.grad_cam(model, images, [1, 4])
    assert heat.shape == (2, side, side) and heat.min() >= 0 and heat.max() <= 1 + 1e-6
    drops = saliency.occlusion(model, images, [1, 4], window=side // 2, stride=side // 4)
    assert drops.shape == (2, side, side) and np.isfinite(drops).all()
    assert feature_maps.features(model, images).shape == (2, width)
    kernels = feature_maps.as_pictures(feature_maps.first_kernels(model))
    assert kernels.shape[3] == 3 and kernels.min() >= 0 and kernels.max() <= 1
    sizes = [one.output.shape[1] for one in feature_maps.last_of_each_size(model)]
    assert sizes == sorted(set(sizes), reverse=True) and sizes[-1] == cells
    np.testing.assert_allclose(
        feature_maps.layer_output(model, images, model.layers[-1].name),
        model.predict(images, verbose=0),
        atol=1e-5,
    )


def test_frozen_averages_are_used_in_applications():
    """One image of a batch of others: the maps don't change, so nothing is normalised by batch."""
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2((32, 32, 3), weights=None, classes=3)
    images = some_images(5, (32, 32, 3))
    last = feature_maps.last_of_each_size(model)[1]
    alone = feature_maps.layer_output(model, images[:1], last)
    np.testing.assert_allclose(
        alone[0], feature_maps.layer_output(model, images, last)[0], atol=1e-5
    )


def test_what_is_no_image_classifier_is_refused():
    inputs = keras.Input((8,))
    flat = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    with pytest.raises(DataError, match="expected one input of images"):
        feature_maps.last_spatial_layer(flat)

    class Own(keras.Model):
        def call(self, X):
            return X

    with pytest.raises(DataError, match="Functional or a Sequential"):
        saliency.grad_cam(Own(), some_images(), 0)
    inputs = keras.Input((8, 8, 3))
    maps = keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs))
    with pytest.raises(DataError, match=r"expected one of \(batch, classes\)"):
        saliency.grad_cam(maps, some_images(1, (8, 8, 3)), 0)
    flat = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(inputs)))
    with pytest.raises(DataError, match="found no layer that returns maps"):
        saliency.grad_cam(flat, some_images(1, (8, 8, 3)), 0)
    with pytest.raises(DataError, match="found no Conv2D"):
        feature_maps.first_kernels(flat)


def test_bad_images_and_classes_are_refused():
    model = known()
    with pytest.raises(DataError, match=r"images of shape \(4, 6, 3\).*newaxis"):
        saliency.grad_cam(model, some_images()[0], 0)
    with pytest.raises(DataError, match=r"images of shape \(3, 5, 6, 3\)"):
        saliency.occlusion(model, some_images(shape=(5, 6, 3)), 0)
    with pytest.raises(DataError, match="one or more"):
        feature_maps.layer_output(model, some_images(0), "maps")
    for classes in (2, -1, [0, 1, 2], [0.5, 0, 0]):
        with pytest.raises(DataError, match="whole numbers from 0 to 1"):
            saliency.grad_cam(model, some_images(), classes)
    with pytest.raises(DataError, match="for 3 images"):
        saliency.occlusion(model, some_images(), [0, 1])
    with pytest.raises(DataError, match="found no layer 'conv9'"):
        feature_maps.layer_output(model, some_images(), "conv9")
    with pytest.raises(DataError, match="found no layer 'elsewhere'"):
        feature_maps.layer_output(model, some_images(), keras.layers.Conv2D(1, 1, name="elsewhere"))
    with pytest.raises(DataError, match=r"returns \(None, 2\)"):
        saliency.grad_cam(model, some_images(), 0, model.layers[-1])
    for window, stride in ((5, 1), (0, 1), (2, 3), (2, 0)):
        with pytest.raises(DataError, match="expected 1 to 4"):
            saliency.occlusion(model, some_images(), 0, window, stride)


# --- features -------------------------------------------------------------------------------------


def test_the_most_variable_channels_differ_between_pictures():
    maps = np.zeros((4, 3, 3, 3))
    maps[:, 0, 0, 0] = 9  # always bright in a corner
    maps[:, 1, 1, 1] = [0, 1, 0, 1]
    maps[:, :, :, 2] = np.array([0, 3, 0, 3])[:, None, None]
    np.testing.assert_array_equal(feature_maps.most_variable_channels(maps, 2), [2, 1])


def test_embedding_finds_the_directions_of_the_variance():
    rng = np.random.default_rng(0)
    plane, directions = rng.normal(size=(50, 2)) * [5, 2], np.linalg.qr(rng.normal(size=(9, 9)))[0]
    features = plane @ directions[:2] + 7
    found, kept = feature_maps.embed(features)
    assert found.shape == (50, 2) and kept == pytest.approx(1)
    far = np.linalg.norm(found[:, None] - found, axis=2)
    np.testing.assert_allclose(far, np.linalg.norm(plane[:, None] - plane, axis=2), atol=1e-9)
    assert found[:, 0].std() > found[:, 1].std()
    others, _ = feature_maps.embed(features[:3], like=features)
    np.testing.assert_allclose(others, found[:3], atol=1e-9)
    for dimensions in (0, 10):
        with pytest.raises(DataError, match="expected 1 to 9"):
            feature_maps.embed(features, dimensions)


# --- calibration ----------------------------------------------------------------------------------


def test_calibration_of_known_numbers():
    confidence = np.array([0.95, 0.85, 0.85, 0.55, 1.0])
    correct = np.array([True, True, False, False, True])
    table = calibration.calibration_curve(confidence, correct)
    assert table["count"].tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 2, 2]
    np.testing.assert_allclose(table["confidence"][[5, 8, 9]], [0.55, 0.85, 0.975])
    np.testing.assert_allclose(table["accuracy"][[5, 8, 9]], [0, 0.5, 1])
    assert np.isnan(table["accuracy"][0]) and table["high"][-1] == 1
    error = calibration.expected_calibration_error(confidence, correct)
    assert error == pytest.approx((0.55 + 2 * 0.35 + 2 * 0.025) / 5)
    whole = calibration.expected_calibration_error(confidence, correct, bins=1)
    assert whole == pytest.approx(abs(confidence.mean() - 0.6))
    assert calibration.expected_calibration_error([1.0, 1.0], [True, True]) == 0
    assert calibration.expected_calibration_error([0.0], [False]) == 0


def test_calibration_refuses_what_it_cannot_count():
    for confidence, correct, bins in (
        ([0.5], [True, False], 10),
        ([], [], 10),
        ([[0.5]], [[True]], 10),
    ):
        with pytest.raises(DataError, match=r"expected \(m,\) for both"):
            calibration.calibration_curve(confidence, correct, bins)
    for confidence, bins in (([1.5], 10), ([np.nan], 10), ([0.5], 0)):
        with pytest.raises(DataError, match="0 to 1, and 1 bin or more"):
            calibration.expected_calibration_error(confidence, [True], bins)


def test_a_temperature_undoes_another_one():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 4)) * 2
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (rng.random((4000, 1)) > true.cumsum(axis=1)).sum(axis=1)
    unsure = calibration.with_temperature(true, 2.0)
    np.testing.assert_array_equal(unsure.argmax(axis=1), true.argmax(axis=1))
    np.testing.assert_allclose(unsure.sum(axis=1), 1)
    assert calibration.best_temperature(unsure, labels) == pytest.approx(0.5, rel=0.1)
    back = calibration.with_temperature(unsure, 0.5)
    np.testing.assert_allclose(back, true, atol=1e-6)


# --- plots ----------------------------------------------------------------------------------------


def test_plots_draw_what_they_are_given():
    _, axes = plt.subplots(1, 4)
    table = calibration.calibration_curve([0.95, 0.85, 0.85], [True, True, False])
    calibration.plot_reliability(table, axes[0])
    assert [bar.get_height() for bar in axes[0].patches] == [0.5, 1]
    assert [text.get_text() for text in axes[0].texts] == ["2", "1"]
    assert axes[0].get_xlim() == (0, 1) and axes[0].get_ylabel() == "accuracy"
    heat = np.array([[0.0, 0.3], [0.6, -1.0]])
    saliency.plot_heat(np.full((2, 2, 3), 255, np.uint8), heat, axes[1], most=0.6)
    grey, over = axes[1].images
    np.testing.assert_allclose(grey.get_array(), 1)
    np.testing.assert_allclose(over.get_array(), [[0, 0.5], [1, 0]])
    assert over.get_alpha()[0, 0] == over.get_alpha()[1, 1] == 0
    points = np.arange(14.0).reshape(7, 2)
    feature_maps.plot_embedding(points, np.arange(7), list("abcdefg"), axes[2], np.arange(7) == 3)
    names = [text.get_text() for text in axes[2].get_legend().get_texts()]
    assert names == [*"abcdefg", "wrong"]
    feature_maps.plot_maps(np.arange(8.0).reshape(2, 2, 2), plt.subplots(1, 2)[1])
    assert [axis.images[0].get_clim() for axis in plt.gcf().axes] == [(0, 7), (0, 7)]
    plt.close("all")
