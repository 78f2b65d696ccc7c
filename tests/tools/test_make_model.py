"""The training on rendered hands, at a size that takes seconds, and how its models are measured."""

import dataclasses

import numpy as np
import pytest

from resnets_utils import BUNDLED, ROOT, load_dataset, quiet_tensorflow

with quiet_tensorflow():
    import keras
    import make_model
    import other_hands

from resnets.graph import compute
from resnets.hands import domain_shift, rendering, variation
from resnets.resnet50 import SmallResNet


@pytest.mark.parametrize("share", [0.1, 1 / 3, 0.5])
def test_signs_are_repeated_up_to_their_share(share):
    many = np.zeros((9000, 2, 2, 3), np.uint8), np.zeros((1, 9000), int)
    few = np.ones((1080, 2, 2, 3), np.uint8), np.ones((1, 1080), int)
    images, labels = make_model.mixed(many, few, share)
    assert len(images) == labels.shape[1]
    assert (images[:, 0, 0, 0] == labels[0]).all()
    assert abs(labels.mean() - share) < 0.04


def test_the_small_network():
    model = SmallResNet(zero_gamma=True)
    assert model.count_params() < 1e6 and model.output_shape == (None, 6)
    closed = [layer for layer in model.layers if layer.name.endswith("branch2c")]
    norms = [layer for layer in closed if layer.name.startswith("bn")]
    assert len(norms) == 8 and not any(np.any(layer.gamma) for layer in norms)
    assert SmallResNet((32, 48, 1), 3).output_shape == (None, 3)
    with pytest.raises(ValueError, match=r"SmallResNet: images of 31 x 64 .* give 32 x 32"):
        SmallResNet((31, 64, 3))
    with pytest.raises(ValueError, match="SmallResNet: classes is 0"):
        SmallResNet(classes=0)


def test_repetitions_are_mirrored_or_domain_shifted():
    pictures = np.stack([pasted(20, 30), pasted(10, 20), np.full((64, 64, 3), 200, np.uint8)])
    few = pictures, np.arange(3)[np.newaxis]
    images, labels = make_model.mixed((pictures[:1], few[1][:, :1]), few, 0.923)
    assert len(images) == 1 + 12
    first, shifted, mirrored, others = images[1:].reshape(4, 3, 64, 64, 3)
    np.testing.assert_array_equal(first, pictures)
    np.testing.assert_array_equal(mirrored, pictures[:, :, ::-1])
    for index in range(2):
        changed = np.abs(shifted[index].astype(int) - pictures[index]).mean()
        assert changed > 5 and np.abs(others[index].astype(int) - shifted[index]).mean() > 5
    np.testing.assert_array_equal(shifted[2], pictures[2])  # no hand in it
    np.testing.assert_array_equal(labels[0, 1:], [0, 1, 2] * 4)


@pytest.mark.training
def test_a_model_is_trained_and_saved_without_its_optimiser(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(make_model, "TEST", 6)
    drawn = tmp_path / "hands"
    out = tmp_path / "models" / "small.keras"
    arguments = ["small", "--images", "24", "--epochs", "1", "--rendered", str(drawn)]
    assert make_model.main([*arguments, "--out", str(out)]) == 0
    assert "small.keras" in capsys.readouterr().out
    assert [path.name for path in out.parent.iterdir()] == ["small.keras"]
    assert out.stat().st_size < 4_000_000
    model = keras.models.load_model(out, safe_mode=True)
    images = rendering.picture(0, 0, 5)[np.newaxis] / 255
    assert model.predict(images, verbose=0).sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.training
def test_a_model_begins_with_another(tmp_path, monkeypatch, capsys, one_block):
    monkeypatch.setattr(make_model, "TEST", 6)
    kind = make_model.Kind(
        "SmallResNet", True, True, {"epochs": 1, "peak_learning_rate": 1e-9}, begin="small"
    )
    monkeypatch.setitem(make_model.KINDS, "hands", kind)
    small = dataclasses.replace(make_model.KINDS["small"], changes={"epochs": 1})
    monkeypatch.setitem(make_model.KINDS, "small", small)
    photographs = load_dataset(BUNDLED)
    few = photographs[0][:12], photographs[1][:, :12]
    monkeypatch.setattr(make_model, "load_dataset", lambda *a: load_dataset(*a) if a else few)
    arguments = ["hands", "--images", "12", "--rendered", str(tmp_path / "hands")]
    arguments += ["--out", str(tmp_path / "hands.keras")]
    assert make_model.main(arguments) == 0
    assert "small.keras is missing and is trained first" in capsys.readouterr().out
    first, second = (keras.models.load_model(tmp_path / f"{n}.keras") for n in ("small", "hands"))
    for a, b in zip(first.trainable_weights, second.trainable_weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    (tmp_path / "small.keras").write_bytes(b"half a model")
    assert make_model.main(arguments) == 2
    assert "found no model that can be used" in capsys.readouterr().err


@pytest.mark.training
def test_a_failed_save_keeps_the_training(tmp_path, monkeypatch, capsys, one_block):
    monkeypatch.setattr(make_model, "TEST", 6)
    arguments = ["small", "--images", "6", "--epochs", "1", "--rendered", str(tmp_path / "hands")]
    out = tmp_path / "small.keras"
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        assert make_model.main([*arguments, "--out", str(out)]) == 2
    assert "disk full" in capsys.readouterr().err
    assert (tmp_path / "small.weights.h5").exists() and not out.exists()
    assert make_model.main([*arguments, "--out", str(out)]) == 0
    assert "going on after 1 of them" in capsys.readouterr().out
    assert out.exists() and not (tmp_path / "small.weights.h5").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["small", "--out", "model.h5"], "expected .keras"),
        (["small", "--epochs", "0"], "whole number from 1 to"),
        (["small", "--images", "0"], "0 images"),
        (["small", "--seed", "-1"], "'-1' is not a whole number"),
        (["medium"], "invalid choice"),
    ],
)
def test_bad_arguments_are_named(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        make_model.main(arguments)
    assert message in capsys.readouterr().err


# --- measuring ------------------------------------------------------------------------------------


def pasted(top, left):
    """Return a grey wall with a block of skin, 24 high and 16 wide."""
    image = np.full((64, 64, 3), 200, np.uint8)
    image[top : top + 24, left : left + 16] = (180, 110, 80)
    return image


def test_a_hand_is_cut_out_where_it_is():
    hand, skin = domain_shift.cut_out(pasted(20, 30))
    assert skin[24:40, 33:43].min() == 1 and skin[:15].max() == skin[:, :25].max() == 0
    np.testing.assert_allclose(hand[30, 38] * 255, (180, 110, 80), atol=1)


@pytest.mark.parametrize(("top", "left"), [(20, 30), (2, 2), (38, 46)])
def test_a_stranger_s_hand_fills_the_frame(top, left):
    rng = np.random.default_rng(0)
    _, skin = domain_shift.cut_out(pasted(top, left))
    share = domain_shift.crop(skin, domain_shift.frame(skin, rng))
    rows, columns = np.nonzero(share > 0.5)
    assert np.ptp(rows) > 45 and abs(columns.mean() - 31.5) < 4


def test_a_stranger_is_another_picture_each_time():
    image = pasted(20, 30)
    new = domain_shift.shift_domain(image, 7, 0)
    assert new.shape == (64, 64, 3) and new.dtype == np.uint8
    np.testing.assert_array_equal(new, domain_shift.shift_domain(image, 7, 0))
    assert np.abs(new.astype(int) - domain_shift.shift_domain(image, 7, 1)).mean() > 5


def test_a_picture_without_a_hand_is_left_out(capsys):
    images = np.stack([pasted(20, 30), np.full((64, 64, 3), 200, np.uint8), pasted(10, 20)])
    found, labels = domain_shift.shift_domains(images, np.array([3, 0, 5]), 7)
    assert len(found) == 2 and labels.tolist() == [3, 5]
    assert "photograph 1: found no hand" in capsys.readouterr().out


def test_a_fold_is_left_out_by_one_and_measured_by_the_other(monkeypatch, tmp_path):
    photographs = load_dataset(BUNDLED)
    monkeypatch.setattr(make_model, "load_dataset", lambda: photographs)
    monkeypatch.setattr(other_hands, "load_dataset", lambda: photographs)
    monkeypatch.setattr(other_hands, "find_signs", lambda: tmp_path)
    kept, _ = make_model.training_images("signs", 0, tmp_path, 2)
    ((_, (held_out, _)),) = other_hands.sets("signs", 2).items()
    seen = {image.tobytes() for image in kept}
    assert len(kept) + len(held_out) == 1080 and len(held_out) > 150
    assert not any(image.tobytes() in seen for image in held_out)


def test_photographs_are_asked_for_where_they_are_missing():
    with pytest.raises(ValueError, match="make data"):
        other_hands.sets("signs")


def test_bundled_images_are_a_set():
    ((name, (images, labels)),) = other_hands.sets("bundled").items()
    assert (name, images.shape, labels.shape) == ("bundled", (120, 64, 64, 3), (120,))


# --- the model in the repository ------------------------------------------------------------------


@pytest.mark.slow
def test_the_small_model_is_small_and_reads_hands_it_never_saw():
    path = ROOT / "models" / "small.keras"
    assert path.stat().st_size < 4_000_000
    model = other_hands.load_model(path)
    rendered = other_hands.of_seed(other_hands.UNSEEN, 120, variation.ANY)
    for images, labels in (other_hands.sets("bundled")["bundled"], rendered):
        answers = compute(model, images.astype("float32") / 255).argmax(axis=1)
        assert np.mean(answers == labels) > 0.8
