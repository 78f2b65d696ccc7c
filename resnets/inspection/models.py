"""What every look inside asks of a model first: its kind, its layers, images that fit."""

import numpy as np

from resnets_utils import DataError, quiet_tensorflow

with quiet_tensorflow():
    import keras


def check_model(model: keras.Model) -> None:
    """Raise a DataError unless a model is a Functional or Sequential one, from images to classes.

    Raises:
        DataError: As said.
    """
    inputs, outputs = (getattr(model, name, None) or [] for name in ("inputs", "outputs"))
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        found = f"inputs of shape {[tuple(i.shape) for i in inputs]}" if inputs else "no inputs"
        raise DataError(
            f"{name_of(model)}: found {found}; expected one input of images (batch, height, width, "
            "channels). Give a Functional or a Sequential model that was built."
        )
    if len(outputs) != 1 or len(outputs[0].shape) != 2:
        raise DataError(
            f"{name_of(model)}: found outputs of shape {[tuple(o.shape) for o in outputs]}; "
            "expected one of (batch, classes). Give the whole classifier, its last layer included."
        )


def check_images(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return images as float32, or raise a DataError if they don't fit the model.

    Raises:
        DataError: The model is no image classifier, or the images are of another size.
    """
    check_model(model)
    images, wanted = np.asarray(images), tuple(model.inputs[0].shape)
    fits = images.ndim == 4 and all(
        side in (None, found) for side, found in zip(wanted[1:], images.shape[1:], strict=True)
    )
    if not fits or len(images) == 0:
        raise DataError(
            f"{name_of(model)}: found images of shape {images.shape}; expected {wanted}, one or "
            "more. A single image wants an axis in front: images[np.newaxis]."
        )
    return images.astype(np.float32)


def check_classes(model: keras.Model, classes: np.ndarray | int, count: int) -> np.ndarray:
    """Return a class for each of `count` images, or raise a DataError.

    Raises:
        DataError: There is another number of them, or one that the model doesn't have.
    """
    classes, outputs = np.asarray(classes), model.outputs[0].shape[-1]
    if classes.ndim > 1 or (classes.ndim == 1 and len(classes) != count):
        raise DataError(
            f"{name_of(model)}: found classes of shape {classes.shape} for {count} images; "
            f"expected ({count},), or one number for all."
        )
    integers = np.issubdtype(classes.dtype, np.integer)
    if not integers or classes.min() < 0 or classes.max() >= outputs:
        raise DataError(
            f"{name_of(model)}: found the classes {np.unique(classes)[:10].tolist()}; "
            f"expected whole numbers from 0 to {outputs - 1}, as it has {outputs} outputs."
        )
    return np.broadcast_to(classes, (count,))


def name_of(model: object) -> str:
    """Return a model's name, for a message."""
    return str(getattr(model, "name", type(model).__name__))


def output_of(model: keras.Model, layer: keras.layers.Layer | str) -> keras.KerasTensor:
    """Return what a layer hands on inside a model.

    A model that stands as a layer in another one knows as its `output` the one of its own first
    call; so the tensor is looked for where it arrives.
    """
    names = [one.name for one in model.layers]
    if layer not in (names if isinstance(layer, str) else model.layers):
        name = layer if isinstance(layer, str) else layer.name
        raise DataError(
            f"{name_of(model)}: found no layer {name!r}; expected one of {len(names)}, the last "
            f"of which are {names[-5:]}."
        )
    if isinstance(layer, str):
        layer = model.get_layer(layer)
    if not isinstance(layer, keras.Model):
        return layer.output
    readers = [one for one in model.layers if not isinstance(one, keras.layers.InputLayer)]
    tensors = [t for one in readers for t in keras.tree.flatten(one.input)] + model.outputs
    for tensor in tensors:
        if tensor._keras_history.operation is layer:
            return tensor
    raise DataError(
        f"{name_of(model)}: found no layer that reads what {layer.name} returns; expected one. "
        "Give the model in which it is used."
    )


def flat_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Return a model's layers in order, those of models inside it in their place."""
    layers = []
    for layer in model.layers:
        layers += flat_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return layers
