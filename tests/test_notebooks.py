"""The notebooks: what they define is what `resnets/` holds, and their pages read well."""

import ast
import re

import nbformat
import numpy as np
import pytest

from resnets_utils import ROOT, quiet_tensorflow, random_mini_batches

with quiet_tensorflow():
    import keras
    import plain_keras

from resnets import blocks, convnet, resnet50, training
from resnets.inspection import calibration, confusions, saliency
from resnets.notebook_watch import fingerprint
from resnets.pictures import folders

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CORE = {
    "01_two_layer_convnet",
    "02_identity_block",
    "03_convolutional_block",
    "04_resnet50",
}


def cells(path, kind):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == kind]


def definitions(number):
    """Run a notebook's imports, constants, functions and classes, none of its other lines."""
    (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    lines = [
        node
        for cell in cells(path, "code")
        for node in ast.parse(cell.source).body
        if isinstance(node, kept)
        or (isinstance(node, ast.With) and "quiet_tensorflow" in ast.unparse(node.items[0]))
        or (isinstance(node, ast.Assign) and assigned(node) in CONSTANTS)
    ]
    namespace = {"__name__": path.stem}
    exec(compile(ast.Module(lines, []), path.name, "exec"), namespace)
    return namespace


CONSTANTS = {"STAGES", "rows", "augmentation"}


def assigned(node):
    """Return what an assignment changes: rows for `rows[3] = ...` too."""
    return ast.unparse(node.targets[0]).partition("[")[0]


def test_the_core_is_there():
    assert {path.stem for path in NOTEBOOKS} >= CORE


# --- what a notebook teaches is what the module holds ---------------------------------------------


def same_model(one, other):
    """Assert equal layers and names, then equal outputs for equal weights, in both modes."""

    def describe(model):
        kept = ("name", "filters", "kernel_size", "strides", "padding", "activation", "use_bias")
        kept += ("momentum", "epsilon", "axis", "pool_size", "units")
        return {
            (type(layer).__name__, *((k, str(config[k])) for k in kept if k in config))
            for layer in model.layers
            for config in [layer.get_config()]
            if layer.weights or "pool" in layer.name
        }

    assert describe(one) == describe(other)
    other.set_weights(one.get_weights())
    rng = np.random.default_rng(0)
    X = rng.random((2, *one.input.shape[1:]), dtype=np.float32)
    for mode in (False, True):
        np.testing.assert_allclose(one(X, training=mode), other(X, training=mode), atol=1e-5)


@pytest.mark.parametrize(
    ("number", "name", "arguments"),
    [
        ("02", "identity_block", (3, (4, 5, 12), 2, "b")),
        ("03", "convolutional_block", (3, (4, 5, 16), 3, "a")),
        ("03", "convolutional_block", (3, (4, 5, 16), 2, "a", 1)),
    ],
)
def test_blocks_agree(number, name, arguments):
    def build(block):
        keras.backend.clear_session(free_memory=False)
        X = keras.Input((7, 7, 12))
        return keras.Model(X, block(X, *arguments))

    same_model(build(definitions(number)[name]), build(getattr(blocks, name)))


@pytest.mark.parametrize(
    ("number", "inputs", "block", "arguments"),
    [
        ("02", "shortcut", "identity_block", (3, (64, 64, 256), 2, "b")),
        ("03", "inputs", "convolutional_block", (3, (128, 128, 512), 3, "a")),
    ],
)
def test_step_by_step_agrees(number, inputs, block, arguments):
    """A block built line by line, in given cells and in solutions, is the one of the module."""
    (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    taught = {"__name__": path.stem}
    for cell in cells(path, "code"):
        if not cell.metadata.get("nbgrader", {}).get("grade") and "after_addition" not in taught:
            exec(cell.source, taught)
    one = keras.Model(taught[inputs], taught["after_addition"])
    keras.backend.clear_session(free_memory=False)
    X = keras.Input(one.input.shape[1:])
    same_model(one, keras.Model(X, getattr(blocks, block)(X, *arguments)))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_one_momentum_everywhere(path):
    """Whoever builds a BatchNormalization in a notebook gives it the momentum of the modules."""
    for cell in cells(path, "code"):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in NORMS:
                given = {one.arg: ast.unparse(one.value) for one in node.keywords}
                assert given.get("momentum") == "0.9", ast.unparse(node)


NORMS = {"BatchNormalization", "keras.layers.BatchNormalization", "layers.BatchNormalization"}


def test_resnet50_agrees():
    taught = definitions("04")
    assert taught["STAGES"] == resnet50.STAGES
    shape = (37, 37, 3)  # the smallest, see resnets/resnet50.py
    keras.backend.clear_session(free_memory=False)
    one = taught["ResNet50"](shape, 4)
    keras.backend.clear_session(free_memory=False)
    same_model(one, resnet50.ResNet50(shape, 4))


def test_parts_of_resnet50_agree():
    """Each of the three functions by itself, so that none hides another's fault."""
    shapes = {"stage_1": (37, 41, 3), "stages_2_to_5": (9, 8, 64), "head": (3, 2, 12)}
    for name, shape in shapes.items():
        arguments = (5,) if name == "head" else ()
        models = []
        for functions in (definitions("04"), vars(resnet50)):
            keras.backend.clear_session(free_memory=False)
            X = keras.Input(shape)
            models.append(keras.Model(X, functions[name](X, *arguments)))
        same_model(*models)


def test_augmentation_and_schedule_agree():
    taught = definitions("04")["augmentation"]

    def describe(augmentation):
        configs = [dict(layer.get_config()) for layer in augmentation.layers]
        return [{k: v for k, v in c.items() if k not in ("name", "seed")} for c in configs]

    assert describe(taught) == describe(plain_keras.make_augmentation(plain_keras.NOTEBOOK_04))
    source = "\n".join(cell.source for cell in cells(NOTEBOOKS[3], "code"))
    assert f"warmup_target={plain_keras.NOTEBOOK_04.peak_learning_rate}," in source
    assert f"FusedAdam(schedule, weight_decay={plain_keras.WEIGHT_DECAY_04})" in source


def test_measured_averages_agree():
    keras.utils.set_random_seed(0)
    X = keras.Input((7, 7, 12))
    images = np.random.default_rng(0).normal(size=(20, 7, 7, 12)).astype("float32")
    model = keras.Model(X, blocks.identity_block(X, 3, (4, 5, 12), 2, "b"))
    first = model.get_weights()
    weights = []
    for measure in (definitions("04")["recalibrate_batchnorm"], training.recalibrate_batchnorm):
        model.set_weights(first)
        measure(model, images, batch_size=8)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_convnet_agrees():
    """One epoch from the same seed gives the same history and the same weights."""
    rng = np.random.default_rng(0)
    X = rng.random((70, 64, 64, 3), dtype=np.float32)
    Y = np.eye(6, dtype=np.float32)[rng.integers(6, size=70)]
    settings = {"windows": (3, 4), "filters": (4, 5), "pools": (4, 4)}
    results = []
    for functions in (definitions("01"), vars(convnet)):
        parameters = functions["initialize_parameters"](3, **settings)
        assert [tuple(v.shape) for v in functions["initialize_parameters"]().values()] == [
            (4, 4, 3, 8),
            (2, 2, 8, 16),
            (64, 6),
            (6,),
        ]
        history = functions["train"]((X, Y), (X, Y), parameters, epochs=1, pools=(4, 4))
        results.append((history, [variable.numpy() for variable in parameters.values()]))
    (history, weights), (their_history, their_weights) = results
    for name, values in history.items():
        np.testing.assert_allclose(values, their_history[name], rtol=1e-5)
    for one, other in zip(weights, their_weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(("count", "size"), [(70, 64), (64, 64), (5, 8), (12, 5)])
def test_mini_batches_agree(count, size):
    X, Y = np.arange(3 * count).reshape(count, 3), np.arange(count)
    one, other = (
        function(X, Y, size, seed=3)
        for function in (definitions("01")["random_mini_batches"], random_mini_batches)
    )
    assert len(one) == len(other) == -(-count // size)
    for mine, theirs in zip(one, other, strict=True):
        for part, their_part in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(part, their_part)


def test_notebooks_01_and_04_prepare_alike():
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(7, 64, 64, 3), dtype=np.uint8)
    labels = rng.integers(6, size=(1, 7))
    results = [definitions(number)["prepare"](images, labels) for number in ("01", "04")]
    for one, other in zip(*results, strict=True):
        assert one.dtype == other.dtype == np.float32
        np.testing.assert_array_equal(one, other)


def test_splits_and_confusions_agree():
    functions = definitions("07")
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [40, 25, 10]))
    places = functions["split_by_class"](labels, 0.3, seed=5)
    theirs = folders.split(labels, (0.7, 0.3), seed=5)
    for one, other in zip(places, theirs, strict=True):
        np.testing.assert_array_equal(np.bincount(labels[one]), np.bincount(labels[other]))
    expected, read = np.random.default_rng(1).integers(3, size=(2, 50))
    np.testing.assert_array_equal(
        functions["confusion_matrix"](expected, read, 3),
        confusions.confusion_matrix(expected, read, 3),
    )


def test_weighed_maps_and_calibration_errors_agree():
    functions, rng = definitions("08"), np.random.default_rng(0)
    for _ in range(5):
        maps, gradients = rng.uniform(0, 1, (4, 3, 8)), rng.normal(size=(4, 3, 8))
        for values in (gradients, -np.abs(gradients)):
            np.testing.assert_allclose(
                functions["weigh_maps"](maps, values), saliency.weigh_maps(maps, values)
            )
    for bins in (1, 4, 10):
        confidence = np.append(rng.random(100), [0, 0.5, 1])
        correct = rng.random(103) < confidence
        np.testing.assert_allclose(
            functions["expected_calibration_error"](confidence, correct, bins),
            calibration.expected_calibration_error(confidence, correct, bins),
        )


# --- the outputs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_of_this_code(path):
    """Any change of a cell, given ones included, wants `make notebooks`."""
    notebook = nbformat.read(path, 4)
    assert notebook.metadata["code_of_outputs"] == fingerprint(notebook), (
        f"{path.name}: the code was changed after the run that the saved outputs come from. "
        f"Run and save it: make notebooks ARGS=notebooks/{path.name}"
    )


# --- the pages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_pictures_have_alternative_texts(path):
    for cell in cells(path, "markdown"):
        for text in re.findall(r"!\[([^\]]*)\]", cell.source):
            assert len(text) > 20, text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_pages_are_short_enough_to_read(path):
    code, text = cells(path, "code"), cells(path, "markdown")
    assert max(len(cell.source.splitlines()) for cell in code) <= 30
    for cell in text:
        prose = re.sub(r"!?\[[^\]]*\]\([^)]*\)", "", cell.source)
        opening = cell is text[0]
        assert len(prose.split()) <= (120 if opening else 90), cell.source[:60]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_notebook_touches_the_path_or_names_a_machine(path):
    source = path.read_text(encoding="utf-8")
    for unwanted in ("sys.path", "/home/", "/work/", "/root/"):
        assert unwanted not in source
