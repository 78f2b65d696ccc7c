"""What several test modules share."""

import numpy as np
import pytest


@pytest.fixture
def data():
    """Return 20 random images and their labels, of 6 classes, to train tiny networks on."""
    rng = np.random.default_rng(0)
    labels = np.eye(6, dtype=np.float32)[rng.integers(6, size=20)]
    return rng.random((20, 16, 16, 3), dtype=np.float32), labels


@pytest.fixture
def one_block(monkeypatch):
    """Leave one block of SmallResNet: what is done with the network is the point, not the network.

    Its other seven only make TensorFlow's graphs longer to build.
    """
    from resnets import resnet50

    monkeypatch.setattr(resnet50, "SMALL_STAGES", {2: ((16, 16, 64), 2, "")})
