"""``rw prove`` for real: a good app loses nothing, one that fails is found out, and what served serves again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import Rw, ask, living

APP = """
import os, signal, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

time.sleep({sleep})

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    count = 0
    def do_GET(self):
        Handler.count += 1
        is_bad = {every} and self.path == "/bad" and Handler.count % {every} == 0
        self.send_response(500 if is_bad else 200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_): pass

server = ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
server.daemon_threads = True
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
"""
PHASES = ["redeploy", "replica", "daemon", "rollback"]

pytestmark = pytest.mark.full_on("docker")


@pytest.fixture(scope="module")
def rw(target: str) -> Iterator[Rw]:
    yield from living(RW_TARGET=target, RW_HEALTHY_SECONDS="1")


def write(folder: Path, *, every: int = 0, sleep: float = 0) -> Path:
    folder.mkdir()
    (folder / "requirements.txt").write_text("")
    (folder / "railway.toml").write_text("[deploy]\nnumReplicas = 2\n")
    (folder / "main.py").write_text(APP.replace("{every}", str(every)).replace("{sleep}", str(sleep)))
    return folder


def test_good_app_is_proven_and_the_same_release_serves(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "good")
    url = rw.up(folder)["services"][0]["url"]
    before, pid = rw.json("status", cwd=folder)["services"][0], rw.pid()
    found = rw.json("prove", "--yes", cwd=folder)
    after = rw.json("status", cwd=folder)["services"][0]
    assert (found["proven"], found["failed"], found["restored"]) == (True, 0, True), found
    assert [(one["name"], one["status"]) for one in found["phases"]] == [(name, "done") for name in PHASES]
    assert all(one["during"]["p99Ms"] >= one["during"]["p50Ms"] > 0 for one in found["phases"]), found
    assert after["serving"] == before["serving"]
    assert rw.pid() != pid
    assert ask(url).text == "ok"


def test_lost_requests_are_told_with_exit_3(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "bad", every=5)
    rw.up(folder)
    flags = ("prove", "--yes", "--path", "/bad", "--skip", "redeploy", "--skip", "daemon")
    done = rw.run(*flags, cwd=folder)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Not proven" in done.stdout
    assert "5xx" in done.stdout
    assert "requests failed" in done.stderr
    assert os.linesep + "redeploy  left out" in done.stdout


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        pytest.param((), 4, id="nobody can be asked"),
        pytest.param(("--yes", "--skip", "edge"), 2, id="no such phase"),
        pytest.param(("--yes", "nobody"), 5, id="no such service"),
        pytest.param(("--yes", "--path", "http://example.com/"), 2, id="another host"),
    ],
)
def test_refused_before_anything_is_touched(rw: Rw, tmp_path: Path, flags: tuple[str, ...], code: int) -> None:
    folder = write(tmp_path / "refused")
    rw.up(folder)
    serving, pid = rw.json("status", cwd=folder)["services"][0]["serving"], rw.pid()
    assert rw.run("prove", *flags, cwd=folder).returncode == code
    assert (rw.json("status", cwd=folder)["services"][0]["serving"], rw.pid()) == (serving, pid)
