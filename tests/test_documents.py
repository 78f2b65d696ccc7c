"""The pages in words: where their links lead, and what they say of the project's version."""

import re
import tomllib
from pathlib import Path

import figures
import nbformat
import pytest

from resnets_utils import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FOLDERS = ("", "docs", "grading", "datasets/bundled")
PAGES = [*NOTEBOOKS, *(page for folder in FOLDERS for page in (ROOT / folder).glob("*.md"))]


def text_of(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    cells = nbformat.reads(text, 4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def links(path):
    """Return the relative targets that a page names."""
    targets = re.findall(r"\]\(([^)\s]+)\)", text_of(path))
    return [target for target in targets if "://" not in target]


def anchors(path):
    """Return what a page's headings are called in links, as GitHub does it."""
    headings = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page):
    lost = []
    for target in links(page):
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            lost.append(target)
    assert lost == []


def test_every_figure_is_used():
    used = {Path(target).name for page in PAGES for target in links(page)}
    source = "\n".join(path.read_text(encoding="utf-8") for path in NOTEBOOKS)
    for name in [*figures.DRAWINGS, "test.jpg"]:  # a learner's own pictures lie there too
        assert name in used or name in source, name


def test_the_citation_has_the_version_of_the_package():
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f'\nversion: "{package["version"]}"\n' in citation
