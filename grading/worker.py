"""Run one student's cells, and answer questions about what they made: the student's process.

`session.py` starts this file with two pipes and a configuration, with a Python that has no
site-packages yet (`-I -S`). The process first confines itself (`sandbox.py`), then loads IPython
and what answers for the student, the release's probe, then does as it is told. Nothing in it is
trusted afterwards: whatever it replies comes from the student.

A message is JSON behind its length in four bytes. Requests, each with an "id" that the reply
repeats: `{"do": "cell", "source": ...}` runs a cell, `{"do": "ask", "request": ...}` is answered
by the probe's `serve`, with the names that the cells have made.
"""

import importlib
import json
import os
import signal
import struct
import sys
from contextlib import suppress

LONGEST = 400  # characters of an error's message or line
HEADER = struct.Struct(">I")


class Pipes:
    """The way to the judge."""

    def __init__(self, requests: int, replies: int):
        """Keep the descriptors of the two pipes."""
        self.requests, self.replies = requests, replies

    def receive(self) -> dict:
        """Return the next request; the process ends when the judge has gone."""
        return json.loads(self.read(HEADER.unpack(self.read(HEADER.size))[0]))

    def read(self, count: int) -> bytes:
        """Return so many bytes."""
        parts = []
        while count:
            part = os.read(self.requests, count)
            if not part:
                os._exit(0)
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def send(self, reply: dict, longest: int = 0) -> None:
        """Send a reply; where it is no JSON or too long, send that."""
        try:
            data = json.dumps(reply).encode()
            if longest and len(data) > longest:
                raise ValueError(f"the result takes more than {longest // 2**20} MB")
        except (TypeError, ValueError, RecursionError) as error:
            failed = {"type": type(error).__name__, "message": str(error)[:LONGEST], "line": ""}
            data = json.dumps({"id": reply["id"], "failed": failed}).encode()
        data = HEADER.pack(len(data)) + data
        while data:
            data = data[os.write(self.replies, data) :]


def start(settings: dict) -> tuple[dict, object, object, object]:
    """Confine the process and load what the cells need.

    Returns:
        What protects from this process, the shell that runs cells, and the modules wire and probe.
    """
    sys.path.insert(0, settings["grading"])
    import magics
    import sandbox

    sys.path.pop(0)
    limits = sandbox.Limits(**settings["limits"])
    held = sandbox.confine(settings["folder"], settings["readable"], limits)
    os.chdir(settings["release"])
    sys.path[:0] = [settings["release"]]
    sys.path += settings["packages"]

    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    shell = InteractiveShell.instance(config=config)
    shell.ask_exit = lambda: None  # for `exit` and `quit`: as in Jupyter, the next cell is run
    magics.answer_magics(shell)
    return held, shell, *(importlib.import_module(settings[name]) for name in ("wire", "probe"))


def run_cell(shell: object, wire: object, request: dict) -> dict:
    """Run a cell; return what it stopped with, if it did."""
    result = shell.run_cell(request["source"], store_history=True)
    if "matplotlib.pyplot" in sys.modules:
        with suppress(Exception):
            sys.modules["matplotlib.pyplot"].close("all")
    error = result.error_before_exec or result.error_in_exec
    return {"error": wire.describe_error(error) if isinstance(error, BaseException) else None}


def serve(shell: object, wire: object, probe: object, request: dict) -> dict:
    """Answer a question about the student's objects."""
    asked = wire.decode(request["request"])
    return {"reply": wire.encode(probe.serve(asked, shell.user_ns))}


def main() -> None:
    """Do what is asked until the pipe is closed."""
    pipes = Pipes(int(sys.argv[1]), int(sys.argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = pipes.receive()
    held, shell, wire, probe = start(settings)
    pipes.send({"id": "start", "held": held})
    while True:
        request = pipes.receive()
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if request["do"] == "cell":
                reply = run_cell(shell, wire, request)
            else:
                reply = serve(shell, wire, probe, request)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        except KeyboardInterrupt:
            reply = {"interrupted": True}
        except BaseException as error:
            reply = {"failed": wire.describe_error(error)}
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        pipes.send({"id": request["id"], **reply}, settings["longest"])


if __name__ == "__main__":
    main()
