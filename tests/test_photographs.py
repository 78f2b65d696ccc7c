"""The real SIGNS, where they are: shapes, contents, and a network that learns from them."""

import numpy as np
import pytest
from fetch_signs import BLOBS, blob_id

from resnets_utils import convert_to_one_hot, load_dataset, quiet_tensorflow


@pytest.fixture(scope="module")
def signs(photographs):
    return load_dataset(photographs)


def test_contents(signs):
    train_x, train_y, test_x, test_y, classes = signs
    assert train_x.shape == (1080, 64, 64, 3) and test_x.shape == (120, 64, 64, 3)
    assert np.bincount(train_y[0]).tolist() == [180] * 6
    assert np.bincount(test_y[0]).tolist() == [20] * 6
    assert classes.tolist() == [0, 1, 2, 3, 4, 5]


def test_the_test_file_is_the_original(photographs):
    content = (photographs / "test_signs.h5").read_bytes()
    assert blob_id(content) == BLOBS["test_signs.h5"]


@pytest.mark.training
def test_the_finer_convnet_learns(signs):
    with quiet_tensorflow():
        from resnets import convnet
    train_x, train_y, *_ = signs
    X = train_x.astype("float32") / 255
    Y = convert_to_one_hot(train_y, 6).T.astype("float32")
    shape = {"windows": (4, 4), "filters": (16, 32), "pools": (4, 4)}
    parameters = convnet.initialize_parameters(0, **shape)
    kept, held_out = (X[:960], Y[:960]), (X[960:], Y[960:])
    history = convnet.train(kept, held_out, parameters, 0.003, epochs=15, pools=(4, 4))
    assert history["val_accuracy"][-1] > 0.6
