"""The lists of what this project needs, and the list of make's targets, agree with each other."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_constraints_pin_what_pyproject_lists():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.+]+", line)] == []
    pins = {canonicalize_name(name): version for name, version in (p.split("==") for p in lines)}
    extras = PROJECT["optional-dependencies"]
    for text in [*PROJECT["dependencies"], *extras["instructor"], *extras["dev"]]:
        listed = Requirement(text)
        assert pins.get(listed.name) in listed.specifier, f"{text}: constraints.txt pins another"


def test_conda_takes_the_same_python_and_packages():
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    items = [line.split(" #")[0].strip() for line in lines]
    assert f"- python {PROJECT['requires-python']}" in items
    assert items[-3:] == ["- pip:", "- -c constraints.txt", "- -e .[instructor,dev]"]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_alone_lists_every_target():
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    phony = next(line for line in lines if line.startswith(".PHONY:"))
    rules = {line.split(":")[0] for line in lines if line[:1].isalpha() and ": " in line}
    rules = {rule for rule in rules if " " not in rule}
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert listed == set(phony.split()[1:]) == rules
    assert all(len(line.split(None, 1)) == 2 for line in done.stdout.splitlines())
