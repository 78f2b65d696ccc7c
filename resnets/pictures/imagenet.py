"""The published ImageNet weights of ResNet50, fitted to this project's network and pictures."""

import functools
import itertools
import re
from pathlib import Path

import h5py
import numpy as np

from resnets import foreign_files
from resnets.foreign_files import shortened
from resnets.resnet50 import ResNet50
from resnets_utils import DataError, shown

FILE = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
REMEDY = (
    f"Expected {FILE}, 94 MB: keras.applications.ResNet50(include_top=False) puts it into "
    "~/.keras/models (see keras.io/api/applications). Of any other model, give a .keras file."
)
MEAN = np.array([123.68, 116.779, 103.939])  # of ImageNet's pixels: red, green, blue; 0 to 255
EPSILON, OURS = 1.001e-5, 1e-3  # of BatchNormalization: the published network's, and Keras's own
TOPS = ("fc1000", "predictions", "probs")  # what the last layer was called, over the years
NEWER = re.compile(r"conv([2-5])_block([1-6])_([0-3])_(conv|bn)")


def published_weights(path: str | Path) -> dict[str, list[np.ndarray]]:
    """Read the ImageNet weights of ResNet50 that Keras Applications distributes.

    Two files went out under the same name. Both are read, with their last layer or without: the
    one of 2016 (layers named as here: conv1, res2a_branch2a) and today's (conv1_conv,
    conv2_block1_1_conv). Both hold the weights that He et al. trained in Caffe. Three differences
    from the network here are worked into them, so that it computes what the published one did:

    - The published network takes blue, green, red, 0 to 255, less ImageNet's mean; this one red,
      green, blue, 0 to 1. conv1's kernel and bias make up for it, exactly, but for the edge: the
      zeros around a picture were the mean colour there and are black here, which conv1's outermost
      two pixels see.
    - BatchNormalization adds 1e-5 to the variance in Caffe, 1.001e-5 in today's Keras
      Applications, and 1e-3 here. The scales make up for it, exactly in inference and nearly in
      training. For the file of 2016, 1e-5 is an assumption: from its origin, and because Keras's
      default was 1e-5 then. That is 1e-3 since (keras-team/keras, pull request 4595), and hardly
      matters: 25.1 % errors either way (keras-team/keras-applications, issue 8).
    - Today's Keras Applications pads before the max pooling; here, as in 2016, it does not. No
      weight can make up for that: the windows lie one pixel further.

    Only numbers are read; nothing that a file brings is run.

    Args:
        path: The .h5 file, from Keras's save_weights of those days or from a whole saved model.

    Returns:
        For each layer that has weights, by its name here and without the last: its arrays,
        float32, in the order of Keras's get_weights.

    Raises:
        DataError: The file is missing or damaged, or holds another network.
    """
    path = Path(path)
    try:
        foreign_files.check_ordinary(path)
        with foreign_files.open_hdf5(path) as file:
            weights = _read(file, path.stat().st_size)
    # h5py raises nearly anything on a file that is damaged.
    except Exception as error:
        if cause := foreign_files.trouble(error):
            raise DataError(
                f"{shown(path)}: found {cause.found}. {cause.remedy} {REMEDY}"
            ) from None
        reason = shortened(str(error).strip().split("\n")[0], 200)
        raise DataError(
            f"{shown(path)}: found no weights of ResNet50 ({reason}). {REMEDY}"
        ) from None
    weights["conv1"] = _for_our_pictures(*weights["conv1"])
    for name, values in weights.items():
        if name.startswith("bn"):
            gamma, beta, mean, variance = values
            # In the scale, not in the variance: that is often smaller than the difference.
            gain = np.sqrt((variance + OURS) / (variance + EPSILON))
            weights[name] = [gamma * gain, beta, mean, variance]
    return weights


@functools.cache
def _layers() -> dict[str, list[tuple[int, ...]]]:
    """Return the shapes of the weights of each layer here that has any, but the last."""
    return {layer.name: _shapes(layer.weights) for layer in ResNet50().layers[:-1] if layer.weights}


def _read(file: h5py.File, stored: int) -> dict[str, list[np.ndarray]]:
    """Return a file's arrays by the layers' names here; a ValueError says what does not fit."""
    shapes, found = _layers(), {}
    root = foreign_files.plain(file, "model_weights") or file
    for name in itertools.islice(root, 1000):
        group = foreign_files.plain(root, name)
        keys = _weight_names(group)
        if len(keys) and name not in TOPS:
            found[name] = [foreign_files.plain(group, key) for key in keys]
            if not all(isinstance(array, h5py.Dataset) for array in found[name]):
                raise ValueError(f"{name} lacks one of {keys}")
    missing = sorted(shapes.keys() - map(_our_name, found))
    others = sorted(name for name in found if _our_name(name) not in shapes)
    if missing or others:
        raise ValueError(
            f"layers that are missing: {len(missing)} of {len(shapes)}; of another network: "
            f"{len(others)}; the first: {(missing + others)[0]}"
        )
    foreign_files.check_data_sets(itertools.chain.from_iterable(found.values()), stored)
    weights = {}
    for name, arrays in found.items():
        wanted = shapes[_our_name(name)]
        if _shapes(arrays) != wanted:  # before anything large is read
            raise ValueError(f"{name} has the shapes {_shapes(arrays)}, not {wanted}")
        weights[_our_name(name)] = [np.asarray(array, np.float32) for array in arrays]
        if not all(np.isfinite(values).all() for values in weights[_our_name(name)]):
            raise ValueError(f"{name} holds values that are no numbers")
    return weights


def _weight_names(group: h5py.Group) -> list[str]:
    """Return the names of a layer's arrays, as an attribute of its group lists them."""
    if "weight_names" not in group.attrs:
        return []
    shape = group.attrs.get_id("weight_names").shape
    if len(shape) != 1 or shape[0] > 10:  # before they are read: a few bytes can promise many
        raise ValueError(f"{group.name} has names of the shape {shape}")
    names = group.attrs["weight_names"]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _shapes(arrays) -> list[tuple[int, ...]]:
    return [tuple(array.shape) for array in arrays]


def _our_name(name: str) -> str:
    """Return the name here of one of today's layers: conv2_block1_0_bn is bn2a_branch1."""
    if name in ("conv1_conv", "conv1_bn"):
        return {"conv1_conv": "conv1", "conv1_bn": "bn_conv1"}[name]
    if not (parts := NEWER.fullmatch(name)):
        return name
    stage, block, place, kind = parts.groups()
    letter, branch = "abcdef"[int(block) - 1], ("1", "2a", "2b", "2c")[int(place)]
    return f"{'res' if kind == 'conv' else 'bn'}{stage}{letter}_branch{branch}"


def _for_our_pictures(kernel: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
    """Return conv1's kernel (7, 7, 3, 64) and bias (64,) for red, green, blue from 0 to 1."""
    kernel = kernel[:, :, ::-1].astype(np.float64)
    bias = bias - np.einsum("hwcf,c->f", kernel, MEAN)
    return [(255 * kernel).astype(np.float32), bias.astype(np.float32)]
