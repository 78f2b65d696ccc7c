"""grading/modules.py: the files that code needs are found, and only what they mean counts."""

import pytest

from grading import modules


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A repository of a few modules."""
    texts = {
        "resnets/__init__.py": "",
        "resnets/blocks.py": "import numpy",
        "resnets/checks/__init__.py": "",
        "resnets/checks/core.py": "def call():\n    from resnets.checks.probe import serve",
        "resnets/checks/probe.py": "from resnets.checks import wire",
        "resnets/checks/wire.py": "",
        "resnets/checks/identity_block.py": "from resnets.checks.core import check",
        "resnets/checks/resnet50.py": "from resnets.checks.core import check",
        "resnets_utils.py": "import resnets.blocks",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(modules, "ROOT", tmp_path)
    return tmp_path


def needed(tree, *names):
    return {path.relative_to(tree).as_posix() for path in modules.needed_modules(names)}


def test_packages_and_imports_in_functions_are_followed(tree):
    assert needed(tree, "resnets.checks.identity_block") == {
        "resnets/__init__.py",
        *(f"resnets/checks/{name}.py" for name in ("__init__", "core", "probe", "wire")),
        "resnets/checks/identity_block.py",
    }
    assert needed(tree, "resnets_utils") == {
        "resnets_utils.py",
        "resnets/__init__.py",
        "resnets/blocks.py",
    }
    assert needed(tree, "numpy", "resnets.nowhere", "grading") == set()


def test_magics_are_no_code():
    tree = modules.parse_code(["%load_ext some.thing", "from resnets import blocks, hands as h"])
    assert modules.imports(tree) == {
        "resnets": {"blocks", "hands"},
        "resnets.blocks": set(),
        "resnets.hands": set(),
    }


def test_comments_change_no_checksum_and_code_does(tree):
    def found(text, name="a"):
        (tree / "file.py").write_text(text)
        return modules.checksum({name: tree / "file.py"})

    same = found("x = 1")
    assert found("# one\nx = (1)\n") == same
    assert found("x = 2") != same and found("x = 1", "b") != same
