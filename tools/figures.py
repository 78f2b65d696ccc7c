"""Draw the figures of the series into images/: the networks, the blocks, a sample of the signs."""

import csv
import re
import sys
from pathlib import Path
from typing import NamedTuple

import h5py
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, FancyArrowPatch, FancyBboxPatch, Polygon
from matplotlib.path import Path as Curve
from tqdm import tqdm

from resnets.atomic_files import replacing
from resnets.command_line import Parser, run
from resnets_utils import (
    BLUE,
    GREEN,
    PLAIN,
    PURPLE,
    RESIDUAL,
    ROOT,
    SKY,
    VERMILION,
    YELLOW,
)

SPEED = ROOT / "benchmarks" / "results" / "speed_summary.csv"
SIGNS = ROOT / "datasets" / "bundled" / "train_signs.h5"

PALETTE = {  # each colour has one meaning in all figures
    "convolution": BLUE,
    "batchnorm": PURPLE,
    "activation": GREEN,
    "pooling": VERMILION,
    "shortcut": RESIDUAL,  # and the identity block, whose shortcut is nothing more
    "addition": YELLOW,
    "conv block": SKY,
    "plain": PLAIN,  # all that has no colour of its own
}
INK, CARD, LINE = "#1F2328", "#FCFCFA", "#D0D0CC"
STYLE = {
    "font.family": "DejaVu Sans",  # comes with Matplotlib, so it looks the same everywhere
    "font.size": 10.5,
    "text.color": INK,
    "mathtext.fontset": "dejavusans",
    "svg.fonttype": "path",
    "svg.hashsalt": "resnets",
}

# Lengths are in pixels of a notebook's width; y runs downwards.
WIDTH, PIXELS_PER_INCH, BOX_HEIGHT = 900, 96, 80
BOX_WIDTHS = {"convolution": 88, "batchnorm": 54, "activation": 50, "pooling": 88, "plain": 72}
BOX_WIDTHS |= {"addition": 30, "shortcut": 32, "conv block": 32}
BATCHNORM, RELU, ADD = ("batchnorm", "Batch\nNorm"), ("activation", "ReLU"), ("addition", "+")


class Span(NamedTuple):
    """Where something begins and ends, from the left."""

    left: float
    right: float

    @property
    def middle(self) -> float:
        """Its centre."""
        return (self.left + self.right) / 2


def canvas(height: int) -> tuple[Figure, Axes]:
    """Open a figure: a near-white card, which reads on light pages and on dark ones."""
    figure = Figure(figsize=(WIDTH / PIXELS_PER_INCH, height / PIXELS_PER_INCH))
    figure.patch.set_alpha(0)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(height, 0))
    ax.axis("off")
    card = FancyBboxPatch((1, 1), WIDTH - 2, height - 2, "round,pad=0,rounding_size=12")
    card.set(facecolor=CARD, edgecolor=LINE, linewidth=1)
    ax.add_patch(card)
    return figure, ax


def tint(kind: str, strength: float = 0.28) -> np.ndarray:
    """Mix a meaning's colour with the card's: pale enough for dark text."""
    return strength * np.array(to_rgb(PALETTE[kind])) + (1 - strength) * np.array(to_rgb(CARD))


def write(ax: Axes, x: float, y: float, text: str, size: float = 9.5, **style) -> None:
    """Write a text centred on (x, y), the x of 3x3 and of fxf as a multiplication sign."""
    text = re.sub(r"(?<=[\df])x(?=[\df])", "\N{MULTIPLICATION SIGN}", text)
    ax.text(x, y, text, fontsize=size, **{"ha": "center", "va": "center", **style})


def box(ax: Axes, left: float, y: float, kind: str, text: str) -> Span:
    """Draw one operation, centred on y: a circle for an addition, a labelled box for others."""
    place = Span(left, left + BOX_WIDTHS[kind])
    if kind == "addition":
        shape = Ellipse((place.middle, y), 30, 30, facecolor=tint(kind, 0.75), edgecolor=INK)
    else:
        corner, size = (left, y - BOX_HEIGHT / 2), (BOX_WIDTHS[kind], BOX_HEIGHT)
        shape = FancyBboxPatch(corner, *size, "round,pad=0,rounding_size=5")
        shape.set(facecolor=tint(kind), edgecolor=PALETTE[kind])
    shape.set(linewidth=1.5, zorder=3)
    ax.add_patch(shape)
    write(ax, place.middle, y, text, 15 if kind == "addition" else 10.5, linespacing=1.35, zorder=4)
    return place


def arrow(ax: Axes, *corners: tuple[float, float], color: str = INK, head: bool = True) -> None:
    """Draw an arrow, or without a head a line, through points, rounded where it turns."""
    points, codes = [corners[0]], [Curve.MOVETO]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        near = [corner + 12 * np.sign(np.subtract(end, corner)) for end in (before, after)]
        points += [near[0], corner, near[1]]
        codes += [Curve.LINETO, Curve.CURVE3, Curve.CURVE3]
    style = "-|>,head_length=6.5,head_width=3.2" if head else "-"
    curve = Curve([*points, corners[-1]], [*codes, Curve.LINETO])
    line = FancyArrowPatch(path=curve, arrowstyle=style, mutation_scale=1, color=color)
    line.set(linewidth=1.4 if color == INK else 2.2, joinstyle="miter", capstyle="butt", zorder=2)
    ax.add_patch(line)


def shortcut(ax: Axes, *corners: tuple[float, float]) -> None:
    """Draw a shortcut, with a dot where it leaves the main path."""
    arrow(ax, *corners, color=PALETTE["shortcut"])
    ax.add_patch(Ellipse(corners[0], 7, 7, color=PALETTE["shortcut"], linewidth=0, zorder=4))


def over(ax: Axes, start: float, end: float, y: float, top: float) -> None:
    """Draw the shortcut of an identity block above its main path, and name it."""
    shortcut(ax, (start, y), (start, top), (end, top), (end, y - 15))
    write(ax, (start + end) / 2, top - 13, "shortcut: the input, unchanged")


def bracket(ax: Axes, first: Span, last: Span, y: float, text: str, size: float = 9.5) -> None:
    """Gather the boxes from first to last under one name."""
    left, right = first.left, last.right
    ax.plot([left, left, right, right], [y - 6, y, y, y - 6], color=INK, linewidth=1.1)
    write(ax, (left + right) / 2, y + 7, text, size, va="top", linespacing=1.4)


def row(ax: Axes, left: float, y: float, gap: float, steps: list[tuple[str, str]]) -> list[Span]:
    """Draw operations (kind, text) from left to right, with arrows between them."""
    places = [box(ax, left, y, *steps[0])]
    for step in steps[1:]:
        places.append(box(ax, places[-1].right + gap, y, *step))
        arrow(ax, (places[-2].right, y), (places[-1].left, y))
    return places


def main_path(
    ax: Axes, y: float, gap: float, steps: list[tuple[str, str]], middle: float = WIDTH / 2
) -> list[Span]:
    """Draw a block's main path around a middle, from its input x to its output."""
    length = sum(BOX_WIDTHS[kind] for kind, _ in steps) + gap * (len(steps) - 1)
    places = row(ax, middle - length / 2, y, gap, steps)
    start, end = places[0].left, places[-1].right
    write(ax, start - 38, y, "x", 13, style="italic")
    arrow(ax, (start - 29, y), (start, y))
    arrow(ax, (end, y), (end + 26, y))
    return places


def volume(ax: Axes, middle: float, base: float, shape: tuple[int, ...]) -> None:
    """Draw one image's values to scale: a box, or a column where they are in a row."""
    height, width, depth = (1.25 * side for side in (*shape, 2, 0)[:3])
    slant = 0.6 * depth
    left, top = middle - (width + slant) / 2, base - height
    right = left + width
    faces = {
        0.2: [(left, top), (left, base), (right, base), (right, top)],
        0.1: [(left, top), (left + slant, top - slant), (right + slant, top - slant), (right, top)],
        0.45: [(right, top), (right + slant, top - slant), (right + slant, base - slant)],
    }
    faces[0.45].append((right, base))
    for strength, corners in faces.items():
        face = Polygon(corners, facecolor=tint("plain", strength), edgecolor=INK, linewidth=0.9)
        ax.add_patch(face)


def two_layer_convnet() -> Figure:
    """Draw the baseline of notebook 01, with what each step leaves of one image."""
    figure, ax = canvas(300)
    steps = [
        ("plain", "image"),
        ("convolution", "CONV 4x4\n8 filters\nsame"),
        RELU,
        ("pooling", "MAXPOOL\n8x8\nstride 8"),
        ("convolution", "CONV 2x2\n16 filters\nsame"),
        RELU,
        ("pooling", "MAXPOOL\n4x4\nstride 4"),
        ("plain", "FLATTEN"),
        ("plain", "DENSE\n6 units"),
    ]
    places = row(ax, 36, 64, 20, steps)
    places[1:3] = [Span(places[1].left, places[2].right)]  # what a ReLU gives has its input's shape
    places[3:5] = [Span(places[3].left, places[4].right)]
    shapes = [(64, 64, 3), (64, 64, 8), (8, 8, 8), (8, 8, 16), (2, 2, 16), (64,), (6,)]
    for place, shape in zip(places, shapes, strict=True):
        volume(ax, place.middle, 222, shape)
        write(ax, place.middle, 241, str(shape if len(shape) > 1 else shape[0]), 10)
    note = "Below each step: its output for one image, (height, width, channels), drawn to scale."
    write(ax, WIDTH / 2, 275, note)
    return figure


def skip_connection() -> Figure:
    """Draw two plain layers beside the same two with a skip connection."""
    figure, ax = canvas(270)
    conv, y = ("convolution", "CONV"), 142
    plain = main_path(ax, y, 16, [conv, RELU, conv, RELU], 229)
    skip = main_path(ax, y, 14, [conv, RELU, conv, ADD, RELU], 680)
    over(ax, skip[0].left - 18, skip[3].middle, y, 72)
    ax.plot([450, 450], [20, 250], color=LINE, linewidth=1)
    for places, title, output in (
        (plain, "Plain", "$F(x)$"),
        (skip, "With a skip connection", "$F(x) + x$"),
    ):
        middle = Span(places[0].left, places[-1].right).middle
        write(ax, middle, 28, title, 12, weight="bold")
        bracket(ax, places[0], places[2], y + 52, "$F(x)$", 11)
        write(ax, middle, 243, f"output: ReLU of {output}", 11)
    return figure


def identity_block_two_layers() -> Figure:
    """Draw the identity block in its small form."""
    figure, ax = canvas(222)
    conv = ("convolution", "CONV 3x3\nsame")
    places = main_path(ax, 116, 26, [conv, BATCHNORM, RELU, conv, BATCHNORM, ADD, RELU])
    over(ax, places[0].left - 17, places[5].middle, 116, 44)
    bracket(ax, places[0], places[2], 172, "first layer", 10.5)
    bracket(ax, places[3], places[4], 172, "second layer", 10.5)
    return figure


def bottleneck(ax: Axes, y: float, filters: list[int], stride: int) -> list[Span]:
    """Draw the three layers that both blocks of ResNet50 have, from 15x15 inputs, with shapes."""
    side = -(-15 // stride)
    windows = ("1x1", f"stride {stride}"), ("fxf", "same"), ("1x1", "stride 1")
    convs = [
        ("convolution", f"CONV {window}\n{how}\n$F_{number}$ = {count}")
        for number, ((window, how), count) in enumerate(zip(windows, filters[1:], strict=True), 1)
    ]
    steps = [convs[0], BATCHNORM, RELU, convs[1], BATCHNORM, RELU, convs[2], BATCHNORM, ADD, RELU]
    places = main_path(ax, y, 13, steps)
    for name, first, last, count in zip("abc", (0, 3, 6), (2, 5, 7), filters[1:], strict=True):
        text = f"2{name}\n(batch, {side}, {side}, {count})"
        bracket(ax, places[first], places[last], y + 54, text)
    ends = (places[0].left - 42, 15, filters[0]), (places[-1].right + 30, side, filters[3])
    for x, length, count in ends:
        write(ax, x, y + 76, f"(batch,\n{length}, {length},\n{count})", linespacing=1.35)
    return places


def identity_block() -> Figure:
    """Draw ResNet50's identity block with the shapes of stage 2."""
    figure, ax = canvas(242)
    places = bottleneck(ax, 118, [256, 64, 64, 256], 1)
    over(ax, places[0].left - 17, places[8].middle, 118, 44)
    return figure


def convolutional_block() -> Figure:
    """Draw ResNet50's convolutional block with the shapes of stage 3."""
    figure, ax = canvas(328)
    y, top = 204, 66
    places = bottleneck(ax, y, [256, 128, 128, 512], 2)
    start, end = places[0].left - 17, places[8].middle
    conv = box(ax, 318, top, "convolution", "CONV 1x1\nstride 2\n$F_3$ = 512")
    norm = box(ax, conv.right + 30, top, *BATCHNORM)
    shortcut(ax, (start, y), (start, top), (conv.left, top))
    arrow(ax, (conv.right, top), (norm.left, top), color=PALETTE["shortcut"])
    arrow(ax, (norm.right, top), (end, top), (end, y - 15), color=PALETTE["shortcut"])
    write(ax, (start + conv.left) / 2, top - 13, "shortcut: branch1")
    write(ax, (norm.right + end) / 2, top - 13, "(batch, 8, 8, 512)")
    return figure


def arch(ax: Axes, place: Span, y: float, projected: bool) -> None:
    """Draw the shortcut of a block that is one box, with its convolution where it has one."""
    left, right, top = place.left - 8, place.right + 8, y - BOX_HEIGHT / 2 - 15
    corners = (left, y), (left, top), (right, top), (right, y)
    arrow(ax, *corners, color=PALETTE["shortcut"], head=False)
    if projected:
        colors = {"facecolor": tint("convolution"), "edgecolor": PALETTE["convolution"]}
        ax.add_patch(Ellipse((place.middle, top), 11, 11, **colors, linewidth=1.5, zorder=3))


def stages(ax: Axes, places: list[Span], y: float, parts: list[tuple[int, int, str]]) -> None:
    """Name the stages (number, blocks, output) that follow each other in a row of boxes."""
    for number, count, shape in parts:
        blocks, places = places[:count], places[count:]
        for block in blocks:
            arch(ax, block, y, projected=block is blocks[0])
        middle = Span(blocks[0].left, blocks[-1].right).middle
        write(ax, middle, y - 74, f"Stage {number}", 10.5, weight="bold")
        bracket(ax, blocks[0], blocks[-1], y + 54, shape)


def block_letters(count: int) -> list[tuple[str, str]]:
    """List a stage's blocks: a convolutional one, then identity blocks."""
    return [("conv block", "a"), *(("shortcut", letter) for letter in "bcdef"[: count - 1])]


def resnet50() -> Figure:
    """Draw the whole network in two rows."""
    figure, ax = canvas(440)
    first, second = 104, 284
    steps = [
        ("plain", "image"),
        ("plain", "ZERO\nPAD\n3 pixels"),
        ("convolution", "CONV 7x7\n64 filters\nstride 2"),
        BATCHNORM,
        RELU,
        ("pooling", "MAXPOOL\n3x3\nstride 2"),
    ]
    places = row(ax, 24, first, 16, [*steps, *block_letters(3), *block_letters(4)])
    for place, shape in zip(places[:2], ("64x64x3", "70x70x3"), strict=True):
        write(ax, place.middle, first + 71, shape)
    bracket(ax, places[2], places[4], first + 54, "32x32x64")
    write(ax, places[5].middle, first + 71, "15x15x64")
    middle = Span(places[2].left, places[5].right).middle
    write(ax, middle, first - 74, "Stage 1", 10.5, weight="bold")
    stages(ax, places[6:], first, [(2, 3, "15x15x256"), (3, 4, "8x8x512")])

    steps = [
        ("pooling", "AVERAGE\nPOOL\n2x2"),
        ("plain", "FLATTEN"),
        ("plain", "DENSE\n6 units\nsoftmax"),
    ]
    turn = [(places[-1].right, first), (882, first), (882, 194), (50, 194), (50, second)]
    places = row(ax, 102, second, 16, [*block_letters(6), *block_letters(3), *steps])
    arrow(ax, *turn, (places[0].left, second))
    stages(ax, places, second, [(4, 6, "4x4x1024"), (5, 3, "2x2x2048")])
    for place, shape in zip(places[9:], ("1x1x2048", "2048", "6"), strict=True):
        write(ax, place.middle, second + 71, shape)

    for x, kind, name in ((102, "conv block", "convolutional"), (312, "shortcut", "identity")):
        swatch = FancyBboxPatch((x, 389), 18, 22, "round,pad=0,rounding_size=4")
        swatch.set(facecolor=tint(kind), edgecolor=PALETTE[kind], linewidth=1.5)
        ax.add_patch(swatch)
        write(ax, x + 28, 400, f"{name} block", ha="left")
    note = "Below each part: its output, height by width by channels"
    write(ax, 470, 400, note, ha="left")
    return figure


def gradient_norms(residual: bool, layers: int = 50, width: int = 64) -> np.ndarray:
    """Backpropagate once through dense ReLU layers as they are before any training.

    Args:
        residual: Add the input of every two layers to their output, before its ReLU.
        layers: Number of layers, an even one.
        width: Number of units in each, and of the random inputs' features.

    Returns:
        For each layer, the norm of the gradient of the cost (mean softmax cross-entropy over 128
        inputs of random classes) with respect to the layer's outputs: floats of shape (layers,).
    """
    rng = np.random.default_rng(0)
    limit, head_limit = np.sqrt(6 / (width + width)), np.sqrt(6 / (width + 6))  # Glorot uniform
    weights = rng.uniform(-limit, limit, (layers, width, width))
    head = rng.uniform(-head_limit, head_limit, (width, 6))
    outputs = [rng.standard_normal((128, width))]  # the inputs, then each layer's outputs
    labels = rng.integers(6, size=128)

    for layer in range(layers):
        sums = outputs[layer] @ weights[layer]
        if residual and layer % 2:
            sums += outputs[layer - 1]
        outputs.append(np.maximum(sums, 0))

    scores = outputs[-1] @ head
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    errors = exponentials / exponentials.sum(axis=1, keepdims=True) - np.eye(6)[labels]
    gradient, skipped, norms = errors @ head.T / 128, 0, []
    for layer in reversed(range(layers)):
        norms.append(np.linalg.norm(gradient))
        inside = gradient * (outputs[layer + 1] > 0)  # through the ReLU
        gradient = inside @ weights[layer].T
        if residual and layer % 2:
            skipped = inside
        elif residual:
            gradient += skipped
    return np.array(norms[::-1])


def vanishing_gradient() -> Figure:
    """Draw the gradient at each of 50 layers, plain and residual, as computed here."""
    figure, card = canvas(400)
    ax = figure.add_axes((0.1, 0.25, 0.865, 0.69), facecolor="none", yscale="log")
    ax.spines[["top", "right"]].set_visible(False)
    for residual, kind in ((False, "plain"), (True, "shortcut")):
        norms = gradient_norms(residual)
        number = np.arange(1, len(norms) + 1)
        ax.plot(number, norms, "o-", color=PALETTE[kind], markersize=3.5, linewidth=2)
    ax.text(17, 9, "residual: a shortcut over every two layers", fontsize=11)
    ax.text(23, 4e-7, "plain", fontsize=11)
    arrow_style = {"arrowstyle": "-|>", "color": INK}
    ax.annotate("", (36, 1.2e-8), (50, 1.2e-8), arrowprops=arrow_style)
    ax.text(43, 2e-8, "backpropagation", ha="center", fontsize=9.5)
    ax.set(xlim=(0, 51), ylim=(1e-9, 1e2), xticks=[1, 10, 20, 30, 40, 50])
    ax.set_xlabel("layer, from the input (1) to the output (50)")
    ax.set_ylabel("norm of the gradient")
    ax.grid(axis="y", color=LINE, linewidth=0.7)
    note = (
        "Computed before any training: one backpropagation through 50 dense ReLU layers of 64 "
        "units, with the same\nGlorot uniform weights in both, from 128 random inputs. "
        "Norm: of the cost's gradient with respect to each layer's outputs."
    )
    write(card, WIDTH / 2, 370, note, 9, linespacing=1.4)
    return figure


TRAININGS = {  # contender of benchmarks/speed.py: what it is called here
    "ours": "this series",
    "keras": "plain Keras",
    "keras-onednn": "plain Keras, oneDNN on",
    "published": "published recipe",
    "pytorch": "PyTorch",
}


def training_speed() -> Figure:
    """Draw what benchmarks/speed.py measured last: epochs, and what the first one takes more."""
    with SPEED.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    figure, card = canvas(320)
    panels = (
        ("epoch_s", 0.27, "seconds per epoch"),
        ("overhead_s", 0.66, "first epoch: seconds more"),
    )
    for column, left, label in panels:
        ax = figure.add_axes((left, 0.31, 0.31, 0.62), facecolor="none")
        ax.spines[["top", "right"]].set_visible(False)
        values = [float(row[column]) for row in rows]
        kinds = ["shortcut" if row["contender"] == "ours" else "plain" for row in rows]
        bars = ax.barh(range(len(rows)), values, color=[PALETTE[kind] for kind in kinds])
        ax.bar_label(bars, [row[column] for row in rows], padding=4, fontsize=9.5)
        names = [TRAININGS[row["contender"]] for row in rows] if column == "epoch_s" else []
        ax.set_yticks(range(len(names)), names)
        ax.set(
            xlabel=label,
            xlim=(min(0, 3 * min(values)), 1.18 * max(values)),
            ylim=(len(rows) - 0.4, -0.6),
        )
        ax.tick_params(left=False)
    precision = rows[0]["precision"]
    others = "all" if precision == "float32" else "the others in float32, ours and PyTorch"
    note = (
        "One network and recipe but for the published one; 864 images of 64x64, 216 held out.\n"
        f"{rows[0]['machine']}, {others} in {precision}. Made by benchmarks/speed.py, one run."
    )
    write(card, WIDTH / 2, 296, note, 9, linespacing=1.4)
    return figure


def signs() -> Figure:
    """Draw three bundled images of each class, twice their size; never real photographs."""
    with h5py.File(SIGNS) as file:
        images, labels = file["train_set_x"][:], file["train_set_y"][:]
    side, gap, left, top = 128, 16, 26, 46
    height = top + 3 * (side + gap) + 10
    figure, ax = canvas(height)
    for digit in range(6):
        x = left + digit * (side + gap)
        write(ax, x + side / 2, 26, f"class {digit}", 11, weight="bold")
        for line, image in enumerate(images[np.flatnonzero(labels == digit)[:3]]):
            y = top + line * (side + gap)
            ax.imshow(image, extent=(x, x + side, y + side, y), interpolation="nearest", zorder=2)
    ax.set(xlim=(0, WIDTH), ylim=(height, 0), aspect="auto")
    return figure


DRAWINGS = {
    "two_layer_convnet.svg": two_layer_convnet,
    "vanishing_gradient.svg": vanishing_gradient,
    "skip_connection.svg": skip_connection,
    "identity_block_two_layers.svg": identity_block_two_layers,
    "identity_block.svg": identity_block,
    "convolutional_block.svg": convolutional_block,
    "resnet50.svg": resnet50,
    "training_speed.svg": training_speed,
    "signs.png": signs,
}


def draw(name: str, folder: Path) -> None:
    """Draw one figure into a folder; drawn twice, it has the same bytes."""
    kind = name.rpartition(".")[2]
    # Neither a date nor Matplotlib's version: they change the file where the figure is the same.
    unwanted = {"svg": ("Date", "Creator"), "png": ("Software",)}[kind]
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        figure = DRAWINGS[name]()
        metadata = dict.fromkeys(unwanted)
        with replacing(folder / name) as part:
            figure.savefig(part, format=kind, dpi=PIXELS_PER_INCH, metadata=metadata)


def main(arguments: list[str] | None = None) -> int:
    """Draw every figure; return the exit status."""
    parser = Parser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "images", help="default: images/")
    folder = parser.parse_args(arguments).out
    folder.mkdir(parents=True, exist_ok=True)
    for name in tqdm(DRAWINGS, unit="figure"):
        if name == "signs.png" and not SIGNS.exists():
            tqdm.write(f"{name} is left out: {SIGNS} is missing. Make the bundled set, run again.")
        else:
            draw(name, folder)
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
