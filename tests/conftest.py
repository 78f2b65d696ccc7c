"""What several test modules share."""

import pytest


@pytest.fixture
def one_block(monkeypatch):
    """Leave one block of SmallResNet: what is done with the network is the point, not the network.

    Its other seven only make TensorFlow's graphs longer to build.
    """
    from resnets import resnet50

    monkeypatch.setattr(resnet50, "SMALL_STAGES", {2: ((16, 16, 64), 2, "")})
