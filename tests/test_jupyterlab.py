"""A notebook in JupyterLab, in a real browser: it opens, runs to its end and shows its figures."""

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
    """Start JupyterLab on a copy of the notebook, without outputs; return its address."""
    state = tmp_path_factory.mktemp("jupyter")
    root = tmp_path_factory.mktemp("series")
    shutil.copytree(ROOT / "images", root / "images")
    notebook = nbformat.read(ROOT / "notebooks" / NAME, 4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    (root / "notebooks").mkdir()
    nbformat.write(notebook, root / "notebooks" / NAME)
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
    folders += ("JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")
    environment = os.environ | {name: str(state / name) for name in folders}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", f"--port={port}", f"--IdentityProvider.token={TOKEN}"]
    command += [f"--ServerApp.root_dir={root}", "--expose-app-in-browser", "--LabApp.news_url="]
    with (state / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/api/status?token={TOKEN}")
        yield address
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


def test_a_notebook_runs_to_its_end(lab, browser, tmp_path):
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{lab}/lab/tree/notebooks/{NAME}?token={TOKEN}")
    notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")
    notebook.locator(".jp-Cell").first.wait_for(timeout=120_000)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.ready")
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
    assert errors == []
    page.screenshot(path=str(Path(os.environ.get("SCREENSHOTS", tmp_path)) / f"{NAME}.png"))
