"""``rw prove`` for real: a good app loses nothing, one that fails is found out, and what served serves again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
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
        is_other = self.path.startswith("/only/") and os.environ["RAILWAY_DEPLOYMENT_ID"] not in self.path
        self.send_response(500 if is_bad else 404 if is_other else 200)
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


def test_a_release_that_begins_to_refuse_is_not_proven(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "refusing")
    rw.up(folder)
    serving = rw.json("status", cwd=folder)["services"][0]["serving"]
    skipped = ("--skip", "replica", "--skip", "daemon")
    found = json.loads(rw.run("prove", "--yes", "--json", "--path", f"/only/{serving}", *skipped, cwd=folder).stdout)
    assert (found["proven"], found["restored"]) == (False, True)
    assert found["phases"][0]["kinds"].keys() == {"4xx"}
    found = rw.json("prove", "--yes", "--path", "/only/nobody", *skipped, cwd=folder)
    assert (found["proven"], found["failed"]) == (True, 0), "a path that refused before may refuse"


class Proving:
    """``rw prove --yes``, to be interrupted."""

    def __init__(self, rw: Rw, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rw_cli", "prove", "--yes"],
            cwd=folder, env=rw.environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def until(self, words: str) -> None:
        assert self.process.stderr is not None
        assert any(words in line for line in self.process.stderr), words

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def end(self) -> str:
        assert self.process.stderr is not None
        with self.process:
            said = self.process.stderr.read()
        assert self.process.returncode == 130, said
        return said


@pytest.mark.parametrize("seconds", [pytest.param(0.0, id="at once"), pytest.param(0.3, id="while it starts")])
def test_interrupted_in_the_redeploy_it_brings_back_what_served(rw: Rw, tmp_path: Path, seconds: float) -> None:
    folder = write(tmp_path / "interrupted", sleep=0.6)
    rw.up(folder)
    before = rw.json("status", cwd=folder)["services"][0]
    proving = Proving(rw, folder)
    proving.until("redeploy …")
    time.sleep(seconds)
    proving.interrupt()
    said = proving.end()
    assert "v1 of web is brought back" in said
    assert said.endswith("v1 of web serves, as before.\n")
    time.sleep(3)  # whatever went on would be through by now
    after = rw.json("status", cwd=folder)["services"][0]
    assert (after["serving"], after["status"]) == (before["serving"], "active")


def test_a_second_interrupt_ends_at_once_and_says_what_is_left(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "twice")
    rw.up(folder)
    proving = Proving(rw, folder)
    proving.until("replica …")  # the redeployed release serves: going back takes a moment
    proving.interrupt()
    proving.until("Ctrl-C again ends at once")
    proving.interrupt()
    assert "`rw deployments rollback v1` brings v1 back" in proving.end()


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
