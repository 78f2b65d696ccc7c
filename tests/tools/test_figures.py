"""The figures in images/ are what tools/figures.py draws, and say what is true."""

from xml.etree import ElementTree

import figures
import numpy as np
import pytest
from matplotlib.image import imread

from resnets_utils import ROOT

REMEDY = "run `python tools/figures.py` and commit what it draws"

VECTOR_FIGURES = [name for name in figures.DRAWINGS if name.endswith(".svg")]


@pytest.mark.parametrize("name", VECTOR_FIGURES)
def test_vector_figure_is_up_to_date_and_drawn_alike_twice(name, tmp_path):
    drawn = []
    for _ in range(2):
        figures.draw(name, tmp_path)
        drawn.append((tmp_path / name).read_bytes())

    assert drawn[0] == drawn[1], f"{name} differs between two runs"
    kept = ROOT / "images" / name
    assert kept.exists(), f"{kept} is missing: {REMEDY}"
    assert drawn[0] == kept.read_bytes(), f"{kept} is out of date: {REMEDY}"
    assert [path.name for path in tmp_path.iterdir()] == [name], "temporary files are left behind"


@pytest.mark.parametrize("name", VECTOR_FIGURES)
def test_vector_figure_is_svg_without_fonts_or_date(name):
    root = ElementTree.parse(ROOT / "images" / name).getroot()

    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "path" in tags
    assert not tags & {"text", "date"}


def test_signs_are_up_to_date(tmp_path):
    if not figures.SIGNS.exists():
        pytest.skip(f"{figures.SIGNS} is missing")
    figures.draw("signs.png", tmp_path)

    kept = ROOT / "images" / "signs.png"
    assert kept.exists(), f"{kept} is missing: {REMEDY}"
    # Pixels, not bytes: how a PNG is compressed depends on the machine's libraries.
    drawn, kept_pixels = imread(tmp_path / "signs.png"), imread(kept)
    assert drawn.shape == kept_pixels.shape, f"{kept} is out of date: {REMEDY}"
    np.testing.assert_allclose(drawn, kept_pixels, atol=2 / 255, err_msg=REMEDY)
    assert kept.stat().st_size < 200_000


def test_plain_gradient_vanishes_and_residual_does_not():
    plain, residual = figures.gradient_norms(False), figures.gradient_norms(True)

    assert plain.shape == residual.shape == (50,)
    assert plain[0] < 1e-6 * plain[-1]
    assert residual.min() > 0.5 * residual[-1]
    assert residual.max() < 100 * residual[-1]


@pytest.mark.parametrize("residual", [False, True])
def test_gradient_is_that_of_tensorflow(residual):
    import tensorflow as tf

    rng = np.random.default_rng(0)  # the weights, inputs and labels of gradient_norms, in its order
    layers, width = 6, 64
    limit, head_limit = np.sqrt(6 / (2 * width)), np.sqrt(6 / (width + 6))
    weights = rng.uniform(-limit, limit, (layers, width, width))
    head = rng.uniform(-head_limit, head_limit, (width, 6))
    outputs = [tf.constant(rng.standard_normal((128, width)))]
    labels = rng.integers(6, size=128)

    with tf.GradientTape() as tape:
        tape.watch(outputs[0])
        for layer in range(layers):
            sums = outputs[-1] @ weights[layer]
            if residual and layer % 2:
                sums += outputs[-2]
            outputs.append(tf.nn.relu(sums))
        scores = outputs[-1] @ head
        cost = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores))

    expected = [np.linalg.norm(gradient) for gradient in tape.gradient(cost, outputs[1:])]
    np.testing.assert_allclose(figures.gradient_norms(residual, layers), expected, rtol=1e-9)
