"""Run the notebooks from top to bottom in fresh kernels, with one progress bar over all cells.

    python tools/run_series.py                        all of notebooks/, results into build/
    python tools/run_series.py notebooks/02*.ipynb    these
    python tools/run_series.py --in-place             save them in notebooks/ instead

`build/` gets each executed notebook and a copy as one HTML file, pictures included. A notebook
that fails goes there too, with its error, and the next one is run. Exit status: 0 all ran,
1 something failed, 2 nothing to run, 130 Ctrl-C.
"""

import asyncio
import base64
import html
import logging
import mimetypes
import os
import re
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import nbformat
import psutil
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from tqdm import tqdm

from resnets.atomic_files import advice, writable, write
from resnets.command_line import Parser, positive, run
from resnets.notebook_watch import fingerprint
from resnets_utils import ROOT

NOTEBOOKS = ROOT / "notebooks"
BUILD = ROOT / "build"
POLL = 0.5  # seconds between two looks at the kernel's memory

# A source that is no URL, in an `<img>` of a notebook's HTML.
PICTURE = re.compile(r"""(<img\b[^>]*?\bsrc=)(["'])(?![\w+.-]+:|//)([^"'>]+)\2""")


class OwnPython(AsyncKernelManager):
    """Starts kernels with the Python that runs this, whatever "python3" is registered as."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """The kernel to start; its notes about ports and encryption would tear the bar.

        The extension notes what the figures show, for the comparison with the next run.
        """
        watch = "--IPKernelApp.extensions=resnets.notebook_watch"
        return KernelSpec(**get_kernel_dict(["--log-level=ERROR", watch]))


class Runner(NotebookClient):
    """Runs the cells of one notebook; counts them and watches the kernel's memory.

    The signal handlers of nbclient end the kernel, not the run, so the next notebook would
    start. These cancel the task instead; nbclient then cleans up behind itself.
    """

    async def async_start_new_kernel(self, **kwargs: object) -> None:
        """Start the kernel, with Ctrl-C stopping the run from now on."""
        task = asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(RuntimeError):  # Windows has no handlers here and needs none
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        await super().async_start_new_kernel(**kwargs)

    async def run(self, result: "Result", bar: tqdm) -> None:
        """Run all cells; raise what nbclient raises when one fails."""
        self.reset_execution_trackers()
        try:
            async with self.async_setup_kernel():
                watcher = asyncio.create_task(watch_memory(self.km, result, bar))
                try:
                    await self.run_cells(result, bar)
                finally:
                    watcher.cancel()
        except (DeadKernelError, RuntimeError):
            if asyncio.current_task().cancelling():  # nbclient turns a cancelled cell into this
                raise KeyboardInterrupt from None
            raise

    async def run_cells(self, result: "Result", bar: tqdm) -> None:
        """Run the cells one after the other, and say which one is on."""
        for index, cell in enumerate(self.nb.cells):
            if cell.cell_type != "code":
                continue
            result.cell += 1
            bar.set_postfix_str(f"{result.path.name} cell {result.cell}/{result.cells}")
            count = self.code_cells_executed + 1
            await self.async_execute_cell(cell, index, execution_count=count)
            result.done += 1
            bar.update()


@dataclass
class Result:
    """What became of one notebook: the cell it is at, time, memory, and its error if any."""

    path: Path
    cells: int = 0
    cell: int = 0
    done: int = 0
    seconds: float = 0.0
    peak_mb: float = 0.0
    error: str = ""


async def watch_memory(manager: AsyncKernelManager, result: Result, bar: tqdm) -> None:
    """Keep the kernel's greatest memory in `result`, and the bar's clock going in long cells."""
    with suppress(psutil.Error, AttributeError):  # the kernel ended, or has no process id
        process = psutil.Process(manager.provisioner.pid)
        while True:
            result.peak_mb = max(result.peak_mb, process.memory_info().rss / 2**20)
            if sys.stderr.isatty():  # a log would get a line each time
                bar.refresh()
            await asyncio.sleep(POLL)


def first_lines(text: str, limit: int = 300) -> str:
    """Return `text` on one line, cut to `limit` characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 3] + "..."


def execute(nb: nbformat.NotebookNode, result: Result, bar: tqdm, timeout: int) -> None:
    """Run a notebook in place; what goes wrong is kept in `result.error`."""
    runner = Runner(
        nb,
        timeout=timeout,
        kernel_manager_class=OwnPython,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,  # how a long output is cut into pieces varies from run to run
        shutdown_kernel="immediate",
        resources={"metadata": {"path": str(result.path.parent)}},
    )
    runner.log = logging.getLogger("quiet")
    runner.log.setLevel(logging.CRITICAL + 1)  # errors are told below, in one line
    started = time.monotonic()
    try:
        asyncio.run(runner.run(result, bar))
    except CellExecutionError as error:
        result.error = f"{error.ename}: {first_lines(error.evalue)}"
    except CellTimeoutError:
        result.error = f"not done after {timeout} s (--timeout sets the limit)"
    except DeadKernelError:
        result.error = "the kernel died (out of memory?)"
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except RuntimeError as error:
        result.error = f"the kernel did not start: {first_lines(str(error))}"
    result.seconds = time.monotonic() - started
    bar.update(result.cells - result.done)


def tidy(nb: nbformat.NotebookNode) -> None:
    """Keep only metadata that is the same on every machine and in every run.

    And note which code the outputs are of.
    """
    nb.metadata["code_of_outputs"] = fingerprint(nb)
    nb.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    nb.metadata["language_info"] = {"name": "python"}
    for cell in nb.cells:
        for key in ("execution", "ExecuteTime"):
            cell.metadata.pop(key, None)


def to_text(nb: nbformat.NotebookNode) -> str:
    """Return a notebook as the text of its file."""
    return nbformat.writes(nb, version=nbformat.NO_CONVERT) + "\n"


def to_html(nb: nbformat.NotebookNode, path: Path) -> str:
    """Return a notebook as one HTML page that holds its pictures.

    nbconvert's own `embed_images` leaves out what lies outside the notebook's folder, and the
    figures do: in `../images`.
    """
    resources = {"metadata": {"name": path.stem, "path": str(path.parent)}}
    page, _ = HTMLExporter().from_notebook_node(nb, resources=resources)

    def embed(match: re.Match) -> str:
        tag, quote, source = match.groups()
        picture = path.parent / unquote(html.unescape(source))
        kind, _ = mimetypes.guess_type(picture.name)
        if kind is None or not kind.startswith("image/") or not picture.is_file():
            return match[0]
        data = base64.b64encode(picture.read_bytes()).decode()
        return f"{tag}{quote}data:{kind};base64,{data}{quote}"

    return PICTURE.sub(embed, page)


def read(path: Path) -> tuple[nbformat.NotebookNode | None, Result]:
    """Read a notebook; where that fails, the result says why."""
    result = Result(path)
    try:
        nb = nbformat.read(path, as_version=4)
    except FileNotFoundError:
        result.error = "there is no such file"
    except Exception as error:  # whatever a broken file makes the JSON or schema code raise
        result.error = f"not a readable notebook: {first_lines(str(error))}"
    else:
        result.cells = sum(cell.cell_type == "code" for cell in nb.cells)
        return nb, result
    return None, result


def save(nb: nbformat.NotebookNode, result: Result, in_place: bool) -> None:
    """Write an executed notebook where it belongs; a failed one never over its source."""
    tidy(nb)
    if in_place and not result.error:
        write(result.path, to_text(nb))
        return
    write(writable(BUILD) / result.path.name, to_text(nb))
    write(writable(BUILD) / f"{result.path.stem}.html", to_html(nb, result.path))


def run_all(paths: list[Path], in_place: bool, timeout: int) -> list[Result]:
    """Run notebooks one after the other and save each as soon as it is through."""
    work = [read(path) for path in paths]
    total = sum(result.cells for _, result in work)
    calm = 0.1 if sys.stderr.isatty() else 30  # seconds between two drawings of the bar
    with tqdm(total=total, unit="cell", mininterval=calm, smoothing=0, dynamic_ncols=True) as bar:
        for nb, result in work:
            if nb is not None:
                execute(nb, result, bar, timeout)
                try:
                    save(nb, result, in_place)
                except OSError as error:
                    where = f"{error.filename}: {error.strerror}"
                    result.error = result.error or f"cannot be saved: {where}. {advice(error)}"
            bar.write(report(result))
    return [result for _, result in work]


def report(result: Result) -> str:
    """Return one line on how a notebook fared."""
    if not result.error:
        return f"ok      {result.path.name} ({result.seconds:.1f} s)"
    ran = result.cell > 0 and result.done < result.cells
    place = f", code cell {result.cell} of {result.cells}" if ran else ""
    return f"FAILED  {result.path.name}{place}: {result.error}"


def table(results: list[Result]) -> str:
    """Return the closing table: notebook, cells, seconds, peak memory."""
    width = max(len(result.path.name) for result in results)
    lines = [f"\n{'notebook':{width}}  {'cells':>7}  {'seconds':>7}  {'peak MB':>7}"]
    for result in results:
        cells = f"{result.done}/{result.cells}"
        lines.append(
            f"{result.path.name:{width}}  {cells:>7}  {result.seconds:7.1f}  "
            f"{result.peak_mb:7.0f}  {'FAILED' if result.error else ''}".rstrip()
        )
    lines.append(f"{'total':{width}}  {'':7}  {sum(result.seconds for result in results):7.1f}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = Parser(description="Run the notebooks in fresh kernels.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of notebooks/")
    parser.add_argument("--in-place", action="store_true", help="save in notebooks/, not build/")
    parser.add_argument("--timeout", type=positive, default=1200, help="seconds per cell (1200)")
    options = parser.parse_args(arguments)
    paths = [path.absolute() for path in options.notebooks] or sorted(NOTEBOOKS.glob("*.ipynb"))
    if not paths:
        print(f"There is no notebook in {NOTEBOOKS}.", file=sys.stderr)
        return 2

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # the kernels inherit both
    os.environ.pop("MPLBACKEND", None)  # another backend would draw no figures into cells
    try:
        results = run_all(paths, options.in_place, options.timeout)
    except KeyboardInterrupt:
        print("Stopped. Notebooks that were through are saved.", file=sys.stderr)
        return 130
    print(table(results))
    failed = [result for result in results if result.error]
    for result in failed:
        print(report(result), file=sys.stderr)
    if not options.in_place or failed:
        print(f"Notebooks and HTML copies{' of failed ones' * options.in_place}: {writable(BUILD)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run(main))
