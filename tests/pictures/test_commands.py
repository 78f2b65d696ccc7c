"""The two commands, train.py and predict.py."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from resnets_utils import ROOT, quiet_tensorflow

with quiet_tensorflow():
    import make_model

    from resnets.pictures import classifier

from small_models import COLOURS, QUICK, strict

import predict as predict_command
import train as train_command
from resnets import training
from resnets.pictures import photos
from resnets.pictures.classifier import load_model


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
        (["x", "--epochs", "0"], "whole number from 1 to"),
        (["x", "--seed", "-1"], "whole number from 0 to 1,000,000,000"),
        (["x", "--seed", "5000000000"], "whole number from 0 to 1,000,000,000"),
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
