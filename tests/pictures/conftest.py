"""Fixtures of this folder: pictures of three colours, and a model for them."""

import numpy as np
import pytest
from PIL import Image

from resnets_utils import quiet_tensorflow

with quiet_tensorflow():
    from resnets.pictures import classifier

from small_models import COLOURS, tiny

from resnets.pictures.classifier import Classifier, Facts


@pytest.fixture
def colours(tmp_path, monkeypatch):
    """Return a folder of three classes, twenty pictures each; what is decoded stays beside it."""
    monkeypatch.setattr(classifier, "CACHE", tmp_path / "cache")
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (tmp_path / "colours" / name).mkdir(parents=True)
        for k in range(20):
            pixels = np.clip(rng.normal(colour, 30, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "colours" / name / f"{k:02}.png")
    return tmp_path / "colours"


@pytest.fixture
def model(tmp_path):
    """Return the file of an untrained model for these classes."""
    Classifier(tiny(), Facts(tuple(COLOURS)), tmp_path / "tiny.keras").save()
    return tmp_path / "tiny.keras"
