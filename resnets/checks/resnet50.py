"""The checks of notebook 04: ResNet50, and a picture of one's own for it."""

import numpy as np
from PIL import ImageOps

from resnets.checks.core import (
    Answer,
    Fault,
    NotWritten,
    array_of,
    check,
    explain,
    kind_of,
    shape_fault,
    sizes,
)
from resnets.checks.networks import (
    block_steps,
    hinted,
    judge_built,
    judge_network,
    path,
    random_images,
)
from resnets.checks.steps import ADDITIONS, KINDS, Step, bn, conv, conv_bn, relu
from resnets.checks.wire import opened_picture


@check(first_line="images")
def check_stage_1(stage_1, draw):
    """Check stage 1 on two sizes of images, in both modes."""
    remark = ""
    for shape in ((20, 26, 3), (33, 24, 3)):
        remark = judge_built(stage_1, draw, shape, stage_1_steps())
    return remark


@check
def check_sides_of_96(sides_of_96, draw):
    """Check six sides that were predicted by hand."""
    names = ["conv1", "max pooling", "stage 3", "stage 4", "stage 5", "avg_pool"]
    hints = [
        "96 and 3 pixels of padding on either side; a window of 7, stride 2, valid",
        "a window of 3, stride 2, valid",
        *["stride 2 in a 1x1 window: half, rounded up"] * 3,
        "a window of 2, stride 2, valid: half, rounded down",
    ]
    found = sides_of_96.value()
    if not isinstance(found, list) or len(found) != len(names):
        raise Fault(
            f"sides_of_96 is {found!r}"[:200], f"a list of six numbers: after {', '.join(names)}"
        )
    for name, hint, f, e in zip(names, hints, found, [48, 23, 12, 6, 3, 1], strict=True):
        if f != e:
            raise Fault(f"the side after {name} is {f}", "", hint)


@check
def check_stage_table(STAGES, draw):
    """Check the rows of the stage table."""
    found = STAGES.value()
    if not isinstance(found, dict):
        raise Fault(f"STAGES is {found!r}"[:200], "a dictionary: {2: (filters, stride, letters)}")
    if set(found) != {2, 3, 4, 5}:
        raise Fault(f"the keys are {list(found)}", "the stages 2, 3, 4 and 5, as numbers")
    for stage in (2, 3, 4, 5):
        row = found.get(stage)
        if not isinstance(row, list) or len(row) != 3:
            raise Fault(f"row {stage} is {row!r}"[:200], "(filters, stride, letters)")
        filters, stride, letters = row
        filters = filters.tolist() if isinstance(filters, np.ndarray) else filters
        if not isinstance(filters, list) or not isinstance(stride, int):
            raise Fault(f"row {stage} is {tuple(row)}", "in this order: (filters, stride, letters)")
        expected_filters, expected_stride, expected_letters = stage_row(stage)
        letters = "".join(map(str, letters)) if isinstance(letters, list) else letters
        if list(filters) != list(expected_filters):
            raise Fault(
                f"stage {stage} has the filters {tuple(filters)}",
                "three numbers: twice those of the stage before; the third is 4 times the first",
            )
        if stride != expected_stride:
            words = "stage 2 keeps the size" if stage == 2 else "stages 3 to 5 halve the size"
            raise Fault(f"stage {stage} has stride {stride}", words)
        if letters != expected_letters:
            raise Fault(
                f"stage {stage} has the identity blocks {letters!r}",
                f"{len(expected_letters)} letters in one text, from b on, as in row 2",
                "figure 1; block a is the convolutional one and has no letter here",
            )
    if list(found) != [2, 3, 4, 5]:
        raise Fault(
            f"the rows come in the order {list(found)}",
            "2, 3, 4, 5: the loop over STAGES builds them in this order",
        )


@check(first_line="X")
def check_stages_2_to_5(stages_2_to_5, draw):
    """Check the sixteen blocks: order, filters, strides and names."""
    shape = (*sizes(draw, 2, 9, 15), 64)
    request = {"shape": list(shape)}
    reply = stages_2_to_5.ask("network", **request)
    with hinted(
        "what the blocks are called with: f is 3, filters and stride (as s, for block a) are the "
        "row's"
    ):
        return judge_large(stages_2_to_5, reply, request, stages_steps(), shape)


@check(first_line="X, classes")
def check_head(head, draw):
    """Check pooling, flattening and probabilities, for two numbers of classes."""
    for shape, classes in (((2, 2, 12), 6), ((4, 5, 8), int(draw.integers(2, 6)))):
        judge_built(head, draw, shape, head_steps(classes), classes)


@check(first_line="input_shape=(64, 64, 3), classes=6")
def check_resnet50(ResNet50, draw):
    """Check the whole network, for another size of images and another number of classes."""
    classes = int(draw.integers(2, 6))
    shape = (int(draw.integers(40, 60)), 64, 3)
    request = {"model": True, "args": [{"tuple": list(shape)}, classes]}
    reply = ResNet50.ask("network", **request)
    if "value" in reply:
        raise Fault(
            f"`ResNet50` returns {kind_of(reply['value'])}",
            "a keras.Model",
            "return keras.Model(images, probabilities)",
        )
    shape_found = reply["network"]["nodes"][0]["shape"]
    if fault := shape_fault(shape_found, (None, *shape), "the network's input"):
        fault.look = "keras.Input(input_shape)"
        raise fault
    steps = [*stage_1_steps(), *stages_steps(), *head_steps(classes)]
    remark = judge_large(ResNet50, reply, request, steps, shape)
    if reply["model"] != "ResNet50":
        raise Fault(
            f"the model is called {reply['model']}",
            "the name ResNet50",
            'keras.Model(images, probabilities, name="ResNet50")',
        )
    if not reply["trainable"]:
        raise Fault("no weight of the model is trainable", "trainable=True, the default")
    return remark


def judge_large(answer: Answer, reply: dict, request: dict, steps: list[Step], shape: tuple) -> str:
    """Judge a network by its steps; where they differ, by what it computes, which takes longer.

    Args:
        answer: The function that builds it.
        reply: Its reply to the request.
        request: What it builds the network with.
        steps: What is expected.
        shape: One image's shape.
    """
    try:
        return judge_network(answer, reply, steps)
    except Fault:
        usual = {*KINDS, *ADDITIONS, "Activation", "input", "InputLayer"}
        if "network" not in reply or "error" in reply:
            raise
        if {node["kind"] for node in reply["network"]["nodes"]} <= usual:
            raise  # nothing unusual that could compute the same in another way
    X = random_images(np.random.default_rng(0), *shape)
    return judge_network(answer, answer.ask("network", images=[X], seed=0, **request), steps, X)


def stage_1_steps() -> list[Step]:
    """Return padding, convolution and pooling of stage 1."""
    return [
        Step("pad", settings={"padding": 3}),
        conv("conv1", 64, 7, 2),
        bn("bn_conv1"),
        relu(),
        Step("maxpool", settings={"window": 3, "stride": 2, "padding": "valid"}),
    ]


def stage_row(stage: int) -> tuple[tuple[int, int, int], int, str]:
    """Return a row of the stage table: filters, stride, letters of the identity blocks."""
    width = 64 * 2 ** (stage - 2)
    blocks = {2: 3, 3: 4, 4: 6, 5: 3}[stage]
    return (width, width, 4 * width), 1 if stage == 2 else 2, "bcdef"[: blocks - 1]


def stages_steps() -> list[Step]:
    """Return the sixteen blocks of stages 2 to 5."""
    steps = []
    for stage in (2, 3, 4, 5):
        filters, stride, letters = stage_row(stage)
        projection = conv_bn(f"{stage}a", "1", filters[2], stride=stride)
        steps += block_steps(path(f"{stage}a", filters, 3, stride), projection)
        for letter in letters:
            steps += block_steps(path(f"{stage}{letter}", filters, 3))
    return steps


def head_steps(classes: int) -> list[Step]:
    """Return pooling, flattening and the fully connected layer."""
    return [
        Step("avgpool", "avg_pool", {"window": 2, "stride": 2, "padding": "valid"}),
        Step("flatten"),
        Step("dense", f"fc{classes}", {"units": classes}),
        Step("softmax"),
    ]


@check(first_line="average, batch_value, momentum")
def check_updated_average(updated_average, draw):
    """Check one step of a moving average, for numbers and for arrays."""
    for momentum, shape in (
        (0.9, (5,)),
        (0.99, (5,)),
        (0.25, (5,)),
        (0.6, (2, 1, 3, 4)),
        (0.8, (1,)),
        (0.0, (3,)),
        (1.0, (3,)),
        (0.7, ()),
    ):
        average, batch = draw.normal(size=(2, *shape)) if shape else map(float, draw.normal(size=2))
        expected = momentum * average + (1 - momentum) * batch
        value = updated_average.call(average, batch, momentum)
        found = array_of("the result", value, shape)
        look = "momentum * average + (1 - momentum) * batch value"
        mistakes = {
            ("momentum weighs the batch's value", "momentum weighs the old average"): (
                momentum * batch + (1 - momentum) * average
            ),
            ("the weights do not sum to 1", look): momentum * average + batch,
            ("the old average is missing", look): (1 - momentum) * batch,
            ("the batch's value is missing", look): momentum * average,
        }
        explain("the result", found, expected, mistakes, look)


@check(first_line="picture")
def check_prepare_picture(prepare_picture, draw):
    """Check pictures that lie on their side, are grey or transparent, wide or tall."""
    for case, height, width, orientation in (
        ("a wide picture", 120, 190, 1),
        ("a tall picture", 190, 120, 1),
        *(("a turned picture", 120, 190, turned) for turned in (3, 6, 8)),
        ("a tall, turned picture", 190, 120, int(draw.choice([6, 8]))),
        ("a square picture", 120, 120, 1),
        ("a picture of odd sides", 121, 191, 1),
        ("a grey one", 120, 190, 1),
        ("one with alpha", 120, 190, 1),
    ):
        picture = np.zeros((height, width, 3), np.uint8)
        picture[:] = (230, 20, 20)  # what the crop leaves out
        top, left = (height - 120) // 2, (width - 120) // 2
        colours = draw.permutation([(20, 200, 30), (30, 40, 220), (240, 240, 230), (25, 20, 15)])
        for i, colour in enumerate(colours):
            y, x = top + 60 * (i // 2), left + 60 * (i % 2)
            picture[y : y + 60, x : x + 60] = colour
        picture[top + 48 : top + 80, left + 44 : left + 70] = (240, 220, 30)  # near the centre
        if case == "a grey one":
            picture = picture[..., 1]
        if case == "one with alpha":
            picture = np.dstack([picture, np.full((height, width), 255, np.uint8)])
        judge_picture(prepare_picture, case, picture, orientation)


def judge_picture(answer: Answer, case: str, picture: np.ndarray, orientation: int) -> None:
    """Raise a Fault unless one picture is prepared as the network wants it."""
    try:
        value = answer.call({"picture": picture, "orientation": orientation})
    except Fault as fault:
        if not isinstance(fault, NotWritten):
            fault.found = f"{case}: {fault.found}"
        raise
    look = 'convert("RGB"), resize((64, 64)), and one axis more for the batch'
    found = array_of(f"{case}: the result", value, (1, 64, 64, 3), look=look)
    if found.max() > 1.5:
        raise Fault(f"the values go up to {found.max():g}", "0 to 1", "the division by 255")
    if found.dtype != np.float32:
        raise Fault(f"the type is {found.dtype.name}", "float32", 'np.asarray(picture, "float32")')

    def prepared(turn: bool, crop: bool) -> np.ndarray:
        image = opened_picture(picture, orientation)
        image = (ImageOps.exif_transpose(image) if turn else image).convert("RGB")
        image = ImageOps.fit(image, (64, 64)) if crop else image.resize((64, 64))
        return np.asarray(image, np.float32)[np.newaxis] / 255

    def alike(one: np.ndarray, other: np.ndarray) -> bool:
        return np.abs(one - other).mean() < 0.03  # ways to resize differ along the edges

    right = prepared(True, True)
    if alike(found, right):
        plain_areas = (0, [10, 10, 54, 54], [10, 54, 10, 54])
        if np.abs(found[plain_areas] - right[plain_areas]).max() > 2e-3:
            raise Fault(
                f"{case} comes out with values such as {found[0, 10, 10, 0]:.4f}",
                f"{right[0, 10, 10, 0]:.4f}: divided by 255, whatever the picture",
                "the division by 255",
            )
        return
    known = {
        ("is squeezed into a square", "the square in the middle: crop"): prepared(True, False),
        (
            "stays on its side: its EXIF note is ignored",
            "the picture as it is shown: ImageOps.exif_transpose before anything else",
        ): prepared(False, True),
        ("is turned, though it has no EXIF note", "exif_transpose only"): np.rot90(
            right, 3, (1, 2)
        ),
        ("is turned the other way", "exif_transpose only"): np.rot90(right, 1, (1, 2)),
        ("has height and width exchanged", "(batch, height, width, channels)"): (
            right.transpose(0, 2, 1, 3)
        ),
        ("is mirrored", "left stays left"): right[:, :, ::-1],
        ("is upside down", "the first row at the top"): right[:, ::-1],
        ("has red and blue exchanged", "the channels red, green, blue"): right[..., ::-1],
        ("is divided by 255 twice: its values are tiny", "0 to 1"): right / 255,
        ("is negative", "0 for black, 1 for white"): 1 - right,
    }
    for (what, instead), picture_then in known.items():
        if alike(found, picture_then) and not alike(right, picture_then):
            raise Fault(f"{case} {what}", instead)
    if np.ptp(found, axis=3).max() < 0.02 and np.ptp(right, axis=3).max() > 0.1:
        raise Fault(f"{case} comes out grey", "its colours: three channels, red, green and blue")
    raise Fault(
        f"{case} comes out with other content than its middle square",
        "the largest square around the centre, resized to 64x64, divided by 255",
        "left, top, right and bottom of the crop",
    )
