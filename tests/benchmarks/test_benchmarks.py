"""The scripts in benchmarks/: what they compare and how they sum up; none of them trains here."""

import csv
import dataclasses
import runpy
import sys
import textwrap

import numpy as np
import pytest
from PIL import Image

from resnets_utils import ROOT, DataError, quiet_tensorflow

with quiet_tensorflow():
    import choose
    import depth
    import flowers
    import folders
    import keras
    import logs
    import other_hands
    import signs_test
    import speed

from resnets.pictures import folders as labelled
from resnets.training import Recipe


def test_the_ladder_ends_at_the_recipe_in_ten_epochs():
    rungs = list(choose.ladder().values())
    assert rungs[-1] == choose.Variant(dataclasses.replace(Recipe(), epochs=10), zero_gamma=True)
    variants = [*rungs, *choose.near().values()]
    assert len({choose.settings_of(variant) for variant in variants}) == len(variants)
    assert len({rung.recipe.epochs for rung in rungs}) == 1, "rungs train for different times"


def test_lines_are_appended_under_the_headings_that_are_there(tmp_path):
    log = tmp_path / "log.csv"
    logs.append({"a": 1, "b": 2}, log)
    logs.append({"b": 4}, log)
    assert log.read_text(encoding="utf-8") == "a,b\n1,2\n,4\n"


def saved(path, classes=6):
    """Save a network that always answers the last class, never compiled."""
    model = keras.Sequential([keras.Input((64, 64, 3)), keras.layers.GlobalAveragePooling2D()])
    model.add(keras.layers.Dense(classes, activation="softmax"))
    model.layers[-1].set_weights([np.zeros((3, classes)), np.arange(classes)])
    model.save(path)
    return path


def test_a_finished_model_is_read(tmp_path):
    model = signs_test.load_model(saved(tmp_path / "model.keras"))
    images = np.zeros((4, 64, 64, 3), np.uint8)
    train, test = (images, np.array([[5, 5, 5, 0]])), (images, np.array([[1, 5, 5, 0]]))
    result = signs_test.read(model, signs_test.prepare(*train), signs_test.prepare(*test))
    assert (result["train_accuracy"], result["test_accuracy"]) == (0.75, 0.5)
    assert (result["wrong"], result["seconds"]) == ("0 3", None)


def test_what_is_no_model_for_these_pictures_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"gone.keras: found no such file"):
        signs_test.load_model(tmp_path / "gone.keras")
    (tmp_path / "text.keras").write_text("no model")
    with pytest.raises(DataError, match=r"text.keras: found no model"):
        signs_test.load_model(tmp_path / "text.keras")
    with pytest.raises(DataError, match=r"to \(5,\); expected"):
        signs_test.load_model(saved(tmp_path / "five.keras", classes=5))


def test_a_folder_to_measure_has_equal_classes_and_no_copies(tmp_path):
    folders.make_folder(tmp_path / "pictures", 200)
    found = labelled.find_images(tmp_path / "pictures")
    assert np.bincount(found.labels).tolist() == [2] * folders.CLASSES
    assert len({path.read_bytes() for path in found.paths}) == 200


def test_a_line_of_folders_compares_with_the_smallest():
    speeds = {"decoded_per_second": 900.0, "read_per_second": 500.0, "trained_per_second": 50.0}
    smallest = {"images": 1000, "peak_mb": 1000.0} | speeds
    row = folders.line({"images": 5000, "peak_mb": 1100.0} | speeds, smallest)
    assert (row["images"], row["peak_ratio"], row["read_to_trained"]) == (5000, "1.100", "10.0")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("signs_test.py model", "give a model's file with the setting"),
        ("signs_test.py recipe model.keras", "give a model's file with the setting"),
        ("speed.py --epochs 1", "give 2 epochs or more"),
        ("speed.py --rounds 0", "whole number from 1 to"),
        ("other_hands.py", "name a model's file"),
        ("folders.py --sizes 10 1000", "give 1000 to 10,000,000"),
        ("flowers.py", "name a folder of pictures and a setting"),
        ("flowers.py folder small-wide", "candidates are compared with --validate"),
        ("flowers.py folder shallow --epochs 0", "whole number from 1 to"),
        ("choose.py ladder --only luck", "variants of ladder: bare, + schedule"),
        # conftest.py has SIGNS_DIR lead to rendered hands
        ("choose.py ladder", "The log is for photographs"),
        ("signs_test.py nearest", "The log is for photographs"),
    ],
)
def test_what_a_script_refuses(arguments, message, monkeypatch, capsys):
    script, *_ = command = arguments.split()
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / "benchmarks" / script), run_name="__main__")
    assert end.value.code == 2 and message in capsys.readouterr().err


# --- flowers.py -----------------------------------------------------------------------------------


def test_no_picture_is_held_out_twice_and_none_of_them_chooses():
    labels = np.repeat([0, 1, 2], [40, 55, 33])
    to_choose = {tuple(flowers.parts(labels, seed, True)[1]) for seed in flowers.SEEDS}
    assert len(to_choose) == 1
    seen = set(to_choose.pop())
    for seed in flowers.SEEDS:
        kept, held_out = flowers.parts(labels, seed, False)
        assert sorted([*kept, *held_out]) == list(range(128))
        assert list(np.bincount(labels[held_out])) == [4, 5, 3]
        assert not seen & set(held_out)
        seen |= set(held_out)
        taught, measured = flowers.parts(labels, seed, True)
        assert sorted([*taught, *measured, *held_out]) == list(range(128))
    assert len(seen) == 128


@pytest.fixture
def pictures(tmp_path):
    """Two classes of ten pictures, each of one colour of its own."""
    for k in range(20):
        path = tmp_path / "colours" / "ab"[k % 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 64), (12 * k, 0, 0)).save(path)
    return labelled.gather(labelled.find_images(tmp_path / "colours"), tmp_path / "colours.h5")


@pytest.mark.parametrize("validate", [True, False])
def test_what_a_flowers_training_reads(pictures, validate, tmp_path, monkeypatch):
    read, taught = set(), []
    get = labelled.Pictures.__getitem__

    def watched(self, chosen):
        read.update(np.atleast_1d(self.indices[chosen]))
        return get(self, chosen)

    def train(model, data, validation, *_, **__):
        taught.append((data, validation))
        return {"accuracy": [0.5], "seconds": [1.0]}

    monkeypatch.setattr(labelled.Pictures, "__getitem__", watched)
    monkeypatch.setattr(flowers.training, "train", train)
    setting = flowers.SETTINGS["shallow"]
    result = flowers.run(setting, pictures, 1, validate, tmp_path / "state.weights.h5")
    _, held_out = flowers.parts(pictures.labels, 1, False)
    assert read == set(range(20)) - (set(held_out) if validate else set())
    ((data, validation),) = taught
    count = 16 if validate else 18
    assert (len(data[0]), result["images"], result["measured"]) == (count, count, 2)
    assert (validation is not None) == validate, "what is held out is followed while training"


def test_the_published_rate_falls_after_the_epochs_it_fell_after(pictures, tmp_path, monkeypatch):
    published = flowers.SETTINGS["published"]
    rates = [published.rate(epoch, 1e-3) for epoch in range(64)]
    assert rates == 14 * [1e-3] + 11 * [2e-4] + 39 * [1e-4]
    train, rates = flowers.training.train, []

    def watched(*arguments, **options):
        history = train(*arguments, **options)
        rates.extend(history["learning_rate"])
        return history

    monkeypatch.setattr(flowers.training, "train", watched)
    setting = flowers.Setting(
        dataclasses.replace(flowers.PUBLISHED, epochs=3),
        "BasicBlockResNet",
        {"depth": 8, "filters": 2},
        falls={1: 2e-4, 2: 1e-4},
    )
    flowers.run(setting, pictures, 0, False, tmp_path / "state.weights.h5")
    assert rates == pytest.approx([1e-3, 2e-4, 1e-4])


# --- tables ---------------------------------------------------------------------------------------

TABLES = {  # a log, and what it becomes below the heading
    signs_test.table: """
        setting,test_accuracy,seconds
        resnet50,0.95,31
        resnet50,0.9601,30
        model hands,0.5,

        ResNet50, ten epochs|`resnet50`|04|95.5 %|95.0 to 96.0 %|2|30 s""",
    signs_test.other_readings: """
        date,commit,setting,seed,test_accuracy
        2026-11-21,abc,recipe,0,1
        2026-11-22,def,model hands,,0.9917

        2026-11-22|def|`model hands`|-|99.2 %""",
    choose.table: """
        group,variant,fold,moving,accuracy
        near,batch 16,2,0.5,0.9
        near,batch 16,0,0.6,0.8

        near|batch 16|0 2|85.0 %|80.0 to 90.0 %|55.0 %""",
    depth.table: """
        normalised,depth,shortcuts,loss,first,last
        yes,20,yes,0.5,2.0,2.0
        yes,20,no,1.0,2.0,1.0
        yes,20,no,2.0,2.0,3.0

        yes|20|no|1.50 ± 0.50|2.0e+00|1 ± 0.5
        yes|20|yes|0.50 ± 0.00|2.0e+00|1 ± 0""",
    flowers.table: """
        setting,settings,part,epochs,accuracy,seconds,near_duplicates,measured
        recipe,old,held out,64,0.1,600,2,1000
        recipe,new,held out,64,0.86,600,2,1000
        published,new,held out,64,0.78,600,2,1000
        recipe,new,held out,64,0.84,600,3,1000
        recipe,new,validation,64,0.99,600,2,1000

        `recipe`|64|85.0 %|84.0 to 86.0 %|2|10|5 of 2,000
        `published`|64|78.0 %|78.0 to 78.0 %|1|10|2 of 1,000""",
    folders.table: """
        images,peak_mb,peak_ratio,decoded_per_second,read_per_second,trained_per_second,read_to_trained
        5000,1,1,1,1,1,1
        5000,2,3,4,5,6,7

        5,000|2|3|4|5|6|7""",
    other_hands.table: """
        model,set,accuracy
        one,signs,0.5
        one,"signs, fold 0",0.7512
        two,tones 0.0 to 0.2,0.9
        two,tones 0.2 to 0.4,0.8
        one,bundled,1

        `one`|75.1%|-|100.0%|-|-
        `two`|-|-|-|-|80.0% to 90.0%""",
    speed.table: """
        contender,round,epoch,seconds,val_accuracy,peak_gb,machine,precision,date
        ours,0,1,30,0.5,1.5,one core,float32,2026-11-22
        ours,0,2,40,0.9,1.5
        ours,0,3,50,0.955,1.5
        ours,0,4,62,0.94,1.5
        keras,0,1,50,0.2,1.5
        keras,0,2,70,0.8,1.5

        ours|0.50|10.0|20|1.5|0.8|4
        keras|1.00|20.0|30|1.5|not reached, 80.0% at best|2""",
}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.__module__}-{table.__name__}")
def test_a_log_becomes_a_table(table):
    log, expected = (textwrap.dedent(part).strip() for part in TABLES[table].split("\n\n"))
    lines = table(list(csv.DictReader(log.splitlines())))
    rows = [line.strip("| ").replace(" | ", "|") for line in lines]
    assert rows[-expected.count("\n") - 1 :] == expected.splitlines()
