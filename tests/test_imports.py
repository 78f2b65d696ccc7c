"""The arrows of the house: who imports whom (README, "Where things are")."""

import ast
from pathlib import Path

import pytest

from resnets_utils import ROOT

RESNETS = ["resnets", "resnets.hands", "resnets.inspection", "resnets.pictures"]
ROOMS = {  # what each may import of this repository, beside itself
    "resnets_utils": ["resnets.foreign_files"],
    "resnets": ["resnets_utils"],
    "resnets.hands": ["resnets.atomic_files", "resnets_utils"],
    "resnets.inspection": ["resnets", "resnets_utils"],
    "resnets.pictures": ["resnets", "resnets_utils"],
    "resnets.checks": [],
    "grading": [
        *("resnets.checks", "resnets.atomic_files", "resnets.command_line", "resnets_utils"),
    ],
    "train": [*RESNETS, "resnets_utils"],
    "predict": [*RESNETS, "resnets_utils"],
    "tools": [*RESNETS, "resnets_utils"],
    "benchmarks": [*RESNETS, "resnets_utils", "tools"],
}
ORDER = (  # of the flat modules: each imports only what stands before it
    *("atomic_files", "command_line", "foreign_files", "notebook_watch", "validation"),
    *("convnet", "blocks", "resnet50", "basic_resnet", "graph", "callbacks", "training"),
)
SCRIPTS = {path.stem for folder in ("tools", "benchmarks") for path in (ROOT / folder).glob("*.py")}
KERAS = {"keras", "tensorflow"}


def modules() -> dict[str, Path]:
    """Return the repository's modules, by the name under which they are imported."""
    found = {"resnets_utils": ROOT / "resnets_utils.py"}
    found |= {name: ROOT / f"{name}.py" for name in ("train", "predict")}
    for folder in ("resnets", "grading", "tools", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def imported(path: Path) -> set[str]:
    """Return what a file imports, wherever it does: modules, and names that may be modules."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import hides where the arrow leads"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room_of(name: str) -> str:
    """Return the room that a module or a name in it belongs to; "" for other people's."""
    if name.split(".")[0] in SCRIPTS:
        return "tools" if (ROOT / "tools" / f"{name.split('.')[0]}.py").exists() else "benchmarks"
    inside = [room for room in ROOMS if name == room or name.startswith(f"{room}.")]
    return max(inside, key=len, default="")


@pytest.mark.parametrize("name", sorted(modules()))
def test_arrows_lead_one_way(name):
    room = room_of(name)
    for target in imported(modules()[name]):
        other = room_of(target)
        fits = any(target == one or target.startswith(f"{one}.") for one in ROOMS[room])
        if other not in ("", room) and not (fits or other in ROOMS[room]):
            pytest.fail(f"{name} imports {target}: an arrow from {room} to {other}")


@pytest.mark.parametrize("name", ORDER)
def test_flat_modules_import_what_stands_before_them(name):
    for target in imported(ROOT / "resnets" / f"{name}.py"):
        if target.startswith("resnets.") and room_of(target) == "resnets":
            other = target.split(".")[1]
            assert ORDER.index(other) < ORDER.index(name), f"{name} imports {other}"


def test_the_order_names_every_flat_module():
    flat = {path.stem for path in (ROOT / "resnets").glob("*.py")} - {"__init__"}
    assert flat == set(ORDER)


@pytest.mark.parametrize(
    "name",
    [n for n in sorted(modules()) if room_of(n) in ("resnets.hands", "resnets.checks")],
)
def test_who_renders_or_judges_needs_no_keras(name):
    names = {target.split(".")[0] for target in imported(modules()[name])}
    assert not names & KERAS or name == "resnets.checks.probe"
