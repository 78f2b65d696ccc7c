"""A notebook in JupyterLab, in a real browser: it opens, runs to its end and shows its figures.

JupyterLab has the settings of `make lab`, which keep it quiet.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from resnets_utils import ROOT

NAME = "02_identity_block.ipynb"
TOKEN = "only-for-this-test"
SETTINGS = ROOT / "tools" / "jupyter"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
# What JupyterLab's own model says of the code cells that are not empty.
CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .filter(cell => cell.model.type === 'code' && cell.model.sharedModel.getSource().trim())
  .map(cell => ({count: cell.model.executionCount, outputs: cell.model.outputs.toJSON()}))"""
IDLE = """() => {
  const panel = window.jupyterapp.shell.currentWidget;
  return panel.sessionContext.session?.kernel?.status === 'idle' &&
    panel.content.widgets.every(cell => cell.model.type !== 'code' ||
      (cell.model.executionCount && cell.model.executionState !== 'running'))}"""


PANEL = "window.jupyterapp.shell.currentWidget"


def without_outputs() -> nbformat.NotebookNode:
    """Return the notebook as if it had never run."""
    notebook = nbformat.read(ROOT / "notebooks" / NAME, 4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="needs Playwright, see pyproject.toml")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"needs a browser on the PATH, one of {', '.join(NAMES)}")
    with api.sync_playwright() as play:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        opened = play.chromium.launch(executable_path=found, headless=True, args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start JupyterLab on a copy of the notebook, without outputs; return address, folder, log."""
    state = tmp_path_factory.mktemp("jupyter")
    root = tmp_path_factory.mktemp("series")
    shutil.copytree(ROOT / "images", root / "images")
    (root / "notebooks").mkdir()
    nbformat.write(without_outputs(), root / "notebooks" / NAME)
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
    folders += ("JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")
    environment = os.environ | {name: str(state / name) for name in folders}
    environment["JUPYTER_CONFIG_PATH"] = str(SETTINGS)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", f"--port={port}", f"--IdentityProvider.token={TOKEN}"]
    command += [f"--ServerApp.root_dir={root}", "--expose-app-in-browser"]
    with (state / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/api/status?token={TOKEN}")
        yield address, root, state / "log"
    finally:
        server.terminate()
        server.wait(30)


def wait_for(address):
    for _ in range(240):
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return json.load(answer)
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise AssertionError(f"{address} does not answer")


def opened(browser, address):
    """Open the notebook in a page of its own, and wait for its kernel."""
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(f"{address}/lab/tree/notebooks/{NAME}?token={TOKEN}")
    notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")
    notebook.locator(".jp-Cell").first.wait_for(timeout=120_000)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.ready")
    return page


def test_opening_modifies_nothing_and_asks_nothing(lab, browser):
    """Neither in the browser nor, after saving, in the file; and no line that helps nobody."""
    address, root, log = lab
    page = opened(browser, address)
    page.wait_for_function(f"() => {PANEL}.sessionContext.session?.kernel?.status === 'idle'")
    page.wait_for_timeout(2000)  # what JupyterLab would write comes with the kernel's answer
    assert page.evaluate(f"() => {PANEL}.context.model.dirty") is False
    page.evaluate(f"() => {PANEL}.context.save()")
    assert nbformat.read(root / "notebooks" / NAME, 4) == without_outputs()
    assert page.get_by_text("official Jupyter news").count() == 0
    assert page.locator(".jp-toast-message, .Toastify__toast").count() == 0
    page.close()
    said = log.read_text()
    for noise in ("nbgrader_config", "Skipped non-installed", "Overriding"):
        assert noise not in said


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_lab_has_these_settings():
    shown = subprocess.run(
        ["make", "-n", "lab"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert f'JUPYTER_CONFIG_PATH="{SETTINGS}' in shown.stdout


def test_a_notebook_runs_to_its_end(lab, browser, tmp_path):
    address, _, _ = lab
    page = opened(browser, address)
    # Not awaited: the command's promise ends with the last cell, wait_for_function says when.
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
    page.wait_for_function(IDLE, timeout=180_000)
    cells = page.evaluate(CELLS)
    assert len(cells) > 10
    assert [cell["count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert [c for c in cells if any(o["output_type"] == "error" for o in c["outputs"])] == []
    assert [c for c in cells if any(o.get("name") == "stderr" for o in c["outputs"])] == []
    widths = page.evaluate("() => [...document.images].map(image => image.naturalWidth)")
    assert widths and all(widths), widths  # a figure that is missing has no width
    assert page.errors == []
    page.screenshot(path=str(Path(os.environ.get("SCREENSHOTS", tmp_path)) / f"{NAME}.png"))
