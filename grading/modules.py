"""Which files of this repository some code needs, and whether they still mean the same."""

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent  # not from resnets_utils: a judge needs no Matplotlib
# What judges; what both processes use to talk; what answers in the student's; the blanks.
CORE, WIRE, PROBE, BLANKS = (
    f"resnets.checks.{name}" for name in ("core", "wire", "probe", "blanks")
)
# What stands in a blank. The extension for blanks waits for these words.
STUB = '# Your code here\nraise NotImplementedError("not written yet")'


def parse_code(cells: Iterable[str], magics: str = "%") -> ast.Module:
    """Return the code of a notebook's cells, without lines that begin with one of `magics`."""
    lines = "\n".join(cells).splitlines()
    return ast.parse("\n".join(line for line in lines if not line.startswith(tuple(magics))))


def imports(tree: ast.AST) -> dict[str, set[str]]:
    """Return the modules that some code imports, each with the names taken from it."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = {alias.name for alias in node.names}
            found.setdefault(node.module, set()).update(names)
            for name in names:  # `from resnets import blocks` names a module
                found.setdefault(f"{node.module}.{name}", set())
        elif isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(alias.name, set())
    return found


def module_file(name: str) -> Path | None:
    """Return the file of one of this repository's modules or packages, None for any other name."""
    if name.partition(".")[0] not in ("resnets", "resnets_utils"):
        return None
    path = ROOT / name.replace(".", "/")
    return next((f for f in (path.with_suffix(".py"), path / "__init__.py") if f.is_file()), None)


def needed_modules(names: Iterable[str]) -> set[Path]:
    """Return the files of these modules, of the packages they are in, and of what they import."""
    waiting, files = set(names), set()
    while waiting:
        name = waiting.pop()
        file = module_file(name)
        if file is not None and file not in files:
            files.add(file)
            waiting |= set(imports(ast.parse(file.read_text(encoding="utf-8"))))
            waiting.add(name.rpartition(".")[0])
    return files


def checksum(files: dict[str, Path]) -> str:
    """Return a checksum of files and their names; comments and layout of Python don't matter."""
    found = hashlib.sha256()
    for name, path in sorted(files.items()):
        data = path.read_bytes()
        if path.suffix == ".py":
            data = ast.dump(ast.parse(data)).encode()
        found.update(f"{name}\0{len(data)}\0".encode() + data)
    return found.hexdigest()
