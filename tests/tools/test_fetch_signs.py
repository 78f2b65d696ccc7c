"""tools/fetch_signs.py against a web server on this machine; the live addresses are not tried."""

import contextlib
import errno
import http.server
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import fetch_signs
import pytest

from resnets import atomic_files

TOOL = Path(__file__).resolve().parents[2] / "tools" / "fetch_signs.py"

NAMES = ("train_signs.h5", "test_signs.h5")
GOOD = b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 800  # several pieces of CHUNK bytes
OTHER = GOOD + b"!"
HTML = b"<!DOCTYPE html><html><body>Sign in to the hotel's network</body></html>"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 13281872\n"
BLOBS = {name: fetch_signs.blob_id(GOOD) for name in NAMES}
BODIES = {"good": GOOD, "other": OTHER, "html": HTML, "lfs": POINTER, "empty": b""}


class Handler(http.server.BaseHTTPRequestHandler):
    """The folder in the address says how the server behaves."""

    def do_GET(self):
        how = self.path.split("/")[1]
        self.server.asked.append(self.path)
        if how == "gone":
            self.send_error(404)
            return
        if how == "silent":
            self.server.over.wait(10)
            return
        if how == "gated":
            self.server.gate.wait(60)
        body = BODIES.get(how, GOOD)
        self.send_response(200)
        if how == "huge":
            self.send_header("Content-Length", str(10**10))
        elif how not in ("unsaid", "unsaid-huge"):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # the client may give up, and should
            self.answer(how, body)

    def answer(self, how: str, body: bytes) -> None:
        if how == "truncated":
            self.wfile.write(body[:1000])
        elif how == "stuck":
            self.wfile.write(body[:1000])
            self.server.over.wait(10)
        elif how == "drip":
            for _ in range(40):  # 2 seconds: far longer than the client's patience
                self.server.over.wait(0.05)
                self.wfile.write(b"x")
        else:
            self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.over, server.gate = [], threading.Event(), threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def run(server, tmp_path, capsys, monkeypatch):
    """Return a function that runs main() on folders of the server: (status, stdout, stderr)."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server.asked.clear()

    def run(*folders: str, blobs: dict = BLOBS, options: tuple = ()) -> tuple[int, str, str]:
        argv = ["--out", str(tmp_path), "--timeout", "0.3", *options]
        for folder in folders:
            argv += ["--source", f"http://127.0.0.1:{server.server_port}/{folder}"]
        status = fetch_signs.main(argv, blobs)
        return status, *capsys.readouterr()

    yield run
    assert not list(tmp_path.glob(".new-*"))


def test_blob_id_is_git_s():
    assert fetch_signs.blob_id(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_known_copies_are_pinned():
    assert len(fetch_signs.SOURCES) == 4
    for source in fetch_signs.SOURCES:
        assert source.startswith("https://raw.githubusercontent.com/")
        commit = source.split("/")[5]
        assert len(commit) == 40 and int(commit, 16)


@pytest.mark.parametrize("folder", ["good", "good/", "unsaid"])
def test_fetches_both(run, tmp_path, folder):
    status, out, err = run(folder)
    assert (status, err) == (0, "")
    assert out.count("verified") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    assert all((tmp_path / name).read_bytes() == GOOD for name in NAMES)


def test_keeps_what_is_there(run, server):
    run("good")
    server.asked.clear()
    status, out, _ = run("gone")
    assert status == 0 and out.count("already there") == 2
    assert server.asked == []


@pytest.mark.parametrize(
    "folder, finding",
    [
        ("gone", "HTTP 404"),
        ("html", "an HTML page"),
        ("lfs", "a git-LFS pointer"),
        ("other", f"an HDF5 file ({len(OTHER):,} bytes"),
        ("empty", "an empty file (0 bytes"),
        ("truncated", f"cut off: 1,000 of {len(GOOD):,} bytes came"),
        ("huge", "longer than"),
        ("silent", "no answer for 0.3 s"),
        ("stuck", "no answer for 0.3 s"),
    ],
)
def test_bad_copy_is_named_and_the_next_one_taken(run, tmp_path, folder, finding):
    blobs = {"train_signs.h5": BLOBS["train_signs.h5"]}
    status, out, err = run(folder, "good", blobs=blobs)
    assert (status, err) == (0, "")
    first, second = out.splitlines()
    assert f"/{folder}/train_signs.h5: " in first and finding in first
    assert "/good/train_signs.h5, verified" in second
    assert (tmp_path / "train_signs.h5").read_bytes() == GOOD


def test_no_connection(run, tmp_path, capsys):
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_port
    status = fetch_signs.main(
        ["--out", str(tmp_path), "--source", f"http://127.0.0.1:{port}"], BLOBS
    )
    assert status == 1 and capsys.readouterr().out.count("no connection") == 2


def test_slow_drip_is_given_up(run):
    status, out, _ = run("drip", options=("--patience", "0.3"))
    assert status == 1 and out.count("too slow") == 2


def test_longer_than_the_limit_unannounced(run, monkeypatch):
    monkeypatch.setattr(fetch_signs, "LIMIT", 1000)
    status, out, _ = run("unsaid-huge")
    assert status == 1 and out.count("longer than 1,000 bytes") == 2


def test_all_fail_says_what_to_do(run, tmp_path, server):
    status, out, err = run("gone", "html")
    assert status == 1 and len(out.splitlines()) == 4
    for words in (*NAMES, "/gone", "/html", str(tmp_path), "by hand", "SIGNS_DIR", "bundled"):
        assert words in err
    assert len(server.asked) == 4
    assert not list(tmp_path.iterdir())


def test_one_of_two_missing_fails(run, tmp_path):
    blobs = {**BLOBS, "test_signs.h5": "0" * 40}
    status, _, err = run("good", blobs=blobs)
    assert status == 1 and "Not fetched: test_signs.h5." in err
    assert [path.name for path in tmp_path.iterdir()] == ["train_signs.h5"]


def test_bad_file_is_described_and_kept_on_failure(run, tmp_path):
    bad = tmp_path / "train_signs.h5"
    bad.write_bytes(POINTER)
    status, out, _ = run("gone")
    assert status == 1 and bad.read_bytes() == POINTER
    assert "a git-LFS pointer" in out
    assert fetch_signs.blob_id(POINTER) in out and BLOBS["train_signs.h5"] in out


def test_bad_file_is_replaced_by_the_original(run, tmp_path):
    bad = tmp_path / "train_signs.h5"
    bad.write_bytes(OTHER)
    assert run("html", "good")[0] == 0
    assert bad.read_bytes() == GOOD


def test_folder_that_cannot_be(run, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, err = run("good", options=("--out", str(tmp_path / "file")))
    assert status == 1 and "Cannot write" in err and "--out" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full, a full disk, is Linux's")
def test_full_disk(run, tmp_path, server, monkeypatch):
    def full(suffix, prefix, folder):
        hidden = tmp_path / "hidden"
        hidden.mkdir()
        (hidden / "train_signs.h5").symlink_to("/dev/full")
        return str(hidden)

    monkeypatch.setattr(atomic_files.tempfile, "mkdtemp", full)
    status, out, err = run("good", "good")
    assert (status, out) == (1, "")
    assert "No space left on device" in err and "Free some room" in err
    assert len(server.asked) == 1  # a second copy would not fit either


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such lock")
def test_two_at_once_take_turns(server, tmp_path):
    """The first one is kept waiting by its server until the second one has said that it waits."""
    server.asked.clear()
    server.gate.clear()
    code = "import fetch_signs, sys; sys.exit(fetch_signs.main(sys.argv[2:], eval(sys.argv[1])))"
    source = f"http://127.0.0.1:{server.server_port}/gated"
    command = [sys.executable, "-c", code, repr(BLOBS), "--out", str(tmp_path), "--source", source]
    settings = {
        "stdout": subprocess.PIPE,
        "text": True,
        "env": {
            **os.environ,
            "no_proxy": "127.0.0.1",
            "PYTHONPATH": os.pathsep.join([str(TOOL.parent), str(TOOL.parents[1])]),
        },
    }
    first = subprocess.Popen(command, **settings)
    for _ in range(600):
        if server.asked:
            break
        threading.Event().wait(0.05)
    second = subprocess.Popen(command, **settings)
    line = second.stdout.readline()
    assert line == f"train_signs.h5: process {first.pid} is at work on it; waiting for it\n"
    server.gate.set()
    said = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert first.returncode == second.returncode == 0
    assert said[0].count("verified") + said[1].count("verified") == 2
    assert "train_signs.h5: already there" in said[1], "it was fetched once"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


def test_one_that_waits_in_vain_says_for_whom(run, tmp_path):
    with atomic_files.locked(tmp_path / "train_signs.h5"):
        status, out, err = run("good", options=("--patience", "0.3"))
    assert status == 1 and "waiting" in out
    assert f"process {os.getpid()} is at work on it" in err and "Wait until it ends" in err


@pytest.mark.parametrize(
    ("error", "advice"),
    [(errno.EROFS, "that you may write to"), (errno.ENOSPC, "Free some room")],
)
def test_each_error_has_its_own_advice(run, tmp_path, monkeypatch, error, advice):
    def fail(*_):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(atomic_files.tempfile, "mkdtemp", fail)
    status, _, err = run("good")
    assert status == 1 and advice in err and os.strerror(error) in err
    assert ("room" in err) == (error == errno.ENOSPC)


def test_address_without_http_is_refused(run, tmp_path, capsys):
    with pytest.raises(SystemExit) as exit:
        fetch_signs.main(["--out", str(tmp_path), "--source", "ftp://127.0.0.1"], BLOBS)
    assert exit.value.code == 2 and "http://" in capsys.readouterr().err


def test_ctrl_c_leaves_nothing(server, tmp_path):
    server.asked.clear()
    command = [sys.executable, str(TOOL), "--out", str(tmp_path), "--timeout", "9"]
    process = subprocess.Popen(
        [*command, "--source", f"http://127.0.0.1:{server.server_port}/stuck"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "no_proxy": "127.0.0.1"},
        # A shell that started the tests in the background has SIGINT ignored, for children too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    for _ in range(100):  # until the download is under way
        if list(tmp_path.glob(".new-*")) and server.asked:
            break
        threading.Event().wait(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=5)
    assert process.returncode == 130
    assert len(err.strip().splitlines()) == 1 and "Stopped" in err
    assert not list(tmp_path.iterdir())
