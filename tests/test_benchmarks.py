"""The scripts in benchmarks/: what they compare and how they sum up; none of them trains here."""

import csv
import dataclasses
import itertools
import re
import subprocess
import sys

import numpy as np
import pytest

from resnets_utils import ROOT, DataError, quiet_tensorflow

with quiet_tensorflow():
    import choose
    import keras
    import signs_test
    import speed

from resnets.training import Recipe

RESULTS = ROOT / "benchmarks" / "results"


def rows(name):
    with (RESULTS / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_ladder_ends_at_the_recipe_in_ten_epochs():
    rungs = list(choose.ladder().values())
    assert rungs[-1] == choose.Variant(dataclasses.replace(Recipe(), epochs=10), zero_gamma=True)
    assert len({choose.settings_of(rung) for rung in rungs}) == len(rungs)
    assert len({rung.recipe.epochs for rung in rungs}) == 1, "rungs train for different times"


def test_each_rung_changes_what_its_name_says():
    named = {
        "+ schedule": {"cosine", "peak", "warm_up"},
        "+ augmentation": {"turn", "shift", "zoom", "brightness", "contrast"},
        "+ label smoothing": {"label_smoothing"},
        "+ zero gamma": {"zero_gamma"},
    }
    flat = {
        name: dataclasses.asdict(rung.recipe) | {"zero_gamma": rung.zero_gamma}
        for name, rung in choose.ladder().items()
    }
    names = list(flat)
    for before, after in itertools.pairwise(names):
        changed = {key for key in flat[after] if flat[after][key] != flat[before][key]}
        assert changed == named[after]


def test_variants_near_the_ladder_change_one_thing_and_keep_the_rest():
    *_, last = choose.ladder().values()
    full = dataclasses.asdict(last.recipe)
    for name, variant in choose.near().items():
        recipe = dataclasses.asdict(variant.recipe)
        assert variant.zero_gamma == last.zero_gamma
        assert sum(recipe[key] != full[key] for key in full) == 1, name


def test_summary_of_a_run():
    times = {"ours": [30, 40, 50, 62], "keras": [50, 70, 90, 110]}
    accuracies = {"ours": [0.5, 0.9, 0.955, 0.94], "keras": [0.2, 0.4, 0.6, 0.8]}
    measured = [
        {
            "contender": name,
            "round": "0",
            "epoch": k + 1,
            "seconds": seconds,
            "val_accuracy": accuracies[name][k],
            "peak_gb": 1.5,
        }
        for name, series in times.items()
        for k, seconds in enumerate(series)
    ]
    ours, keras = speed.summary(measured)
    assert (ours["epoch"], ours["overhead"], keras["epoch"], keras["overhead"]) == (10, 20, 20, 30)
    assert ours["reached"] == 50 / 60 and keras["reached"] is None
    assert (ours["best"], ours["epochs"]) == (0.955, 4)
    assert speed.plain_epoch([ours, keras]) == 20


def test_the_logs_hold_what_the_texts_read():
    assert {row["contender"] for row in rows("speed_summary.csv")} <= set(speed.CONTENDERS)
    nearest = rows("nearest.csv")
    assert [int(row["test_image"]) for row in nearest] == list(range(120))
    keys = [(row["fold"], row["settings"]) for row in rows("folds.csv")]
    assert len(set(keys)) == len(keys), "a training of folds.csv is logged twice"


def test_results_in_the_readme_are_those_of_the_log():
    table = re.findall(
        r"^\|.+\| `([\w-]+)` \|.+\| ([\d.]+) % \| ([\d.]+) to ([\d.]+) % \| (\d+) \| (\d+) s \|$",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len(table) >= 3
    for setting, *told in table:
        own = [row for row in rows("signs_test.csv") if row["setting"] == setting]
        right = [100 * float(row["test_accuracy"]) for row in own]
        fastest = min(int(row["seconds"]) for row in own)
        measured = [f"{v:.1f}" for v in (np.mean(right), min(right), max(right))]
        assert told == [*measured, str(len(own)), str(fastest)], setting


def test_the_five_folds_in_the_readme_are_those_of_the_log():
    told = re.search(
        r"the recipe scores ([\d.]+) %, from ([\d.]+) to ([\d.]+) % on five folds",
        (ROOT / "README.md").read_text(encoding="utf-8"),
    )
    settings = choose.settings_of(choose.Variant(Recipe(), zero_gamma=True))
    own = {r["fold"]: float(r["accuracy"]) for r in rows("folds.csv") if r["settings"] == settings}
    assert sorted(own) == list("01234")
    values = list(own.values())
    assert told.groups() == tuple(
        f"{100 * v:.1f}" for v in (np.mean(values), min(values), max(values))
    )


def test_speeds_in_the_readme_are_those_of_the_log(capsys):
    speed.print_table(rows("speed.csv"))
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(table) > 4 and "\n".join(table) in (ROOT / "README.md").read_text(encoding="utf-8")
    assert [row["ratio"] for row in rows("speed_summary.csv")] == [
        line.split(" | ")[1] for line in table[2:]
    ]


def test_lines_are_appended_under_the_headings_that_are_there(tmp_path):
    log = tmp_path / "log.csv"
    signs_test.append({"a": 1, "b": 2}, log)
    signs_test.append({"b": 4}, log)
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("signs_test.py model", "give a model's file with the setting"),
        ("signs_test.py recipe model.keras", "give a model's file with the setting"),
        ("speed.py --epochs 1", "give 2 epochs or more"),
        ("speed.py --rounds 0", "and 1 round"),
        ("other_hands.py", "name a model's file"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    name, *rest = arguments.split()
    command = [sys.executable, str(ROOT / "benchmarks" / name), *rest]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("script", ["choose.py ladder", "signs_test.py nearest"])
def test_no_log_of_rendered_hands(script):
    environment = {"SIGNS_DIR": str(ROOT / "datasets" / "bundled"), "PATH": ""}
    name, argument = script.split()
    command = [sys.executable, str(ROOT / "benchmarks" / name), argument]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 2 and "The log is for photographs" in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_variant_is_named():
    command = [sys.executable, str(ROOT / "benchmarks" / "choose.py"), "ladder", "--only", "luck"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "variants of ladder: bare, + schedule" in done.stderr
