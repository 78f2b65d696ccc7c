"""The small course, and a run of the grader on files handed in."""

import pytest
from small_course import CHECKS, PROBE, solved

from grading import run


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course: solved notebook, modules and a release of its own; the grader uses them."""
    place = tmp_path_factory.mktemp("course")
    (place / "notebooks").mkdir()
    (place / "notebooks" / "01_small.ipynb").write_text(solved())
    (place / "modules").mkdir()
    (place / "modules" / "small_checks.py").write_text(CHECKS)
    (place / "modules" / "small_probe.py").write_text(PROBE)

    def build(stem, folder):
        folder.mkdir()
        (folder / "small_probe.py").write_text(PROBE)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "NOTEBOOKS", place / "notebooks")
        patch.setattr(run, "JUDGING", ("small_checks", "small_probe", "small_probe"))
        patch.setattr(run, "build_release", build)
        patch.setattr(run, "list_fonts", lambda folder: folder.mkdir(parents=True))
        patch.syspath_prepend(str(place / "modules"))
        yield place


@pytest.fixture
def graded(course, tmp_path, capsys):
    """Grade files of one run: `graded({"ann/01_small.ipynb": text})`."""

    def grade(files, *options, expect=0):
        folder = tmp_path / "handed in"
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content, encoding="utf-8")
        out = tmp_path / "out"
        status = run.main([str(folder), "--out", str(out), "--seed=1", "--jobs=1", *options])
        said = capsys.readouterr()
        assert status == expect, said.err
        return out, said

    return grade
