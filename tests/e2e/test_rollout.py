"""Gradual releases for real: under load, a good one gets everything, a bad one is taken back, and no request is lost by either."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import Rw, ask, living
from e2e.load import Load

APP = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    count = 0
    def do_GET(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        Handler.count += 1
        is_bad = {every} and Handler.count % {every} == 0 and self.headers.get("user-agent") != "rw-health"
        self.send_response(500 if is_bad else 200)
        self.send_header("content-length", "{length}")
        self.end_headers()
        self.wfile.write(b"{word}")
    do_POST = do_GET
    def log_message(self, *_): pass

server = ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
server.daemon_threads = True
import signal, threading
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
"""
RAILWAY = """
[deploy.rollout]
strategy = "gradual"
steps = [10, 50, 100]
stepSeconds = 4
"""


@pytest.fixture(scope="module")
def rw(target: str) -> Iterator[Rw]:
    yield from living(RW_TARGET=target, RW_WARM_SECONDS="0.5")


def write(folder: Path, word: str, *, fails_every: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "requirements.txt").write_text("")
    (folder / "railway.toml").write_text(RAILWAY)
    text = APP.replace("{word}", word).replace("{length}", str(len(word))).replace("{every}", str(fails_every))
    (folder / "main.py").write_text(text)
    return folder


def test_shares_grow_under_load_and_no_request_fails(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "good", "old")
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "new")
    with Load(url) as load:
        _, result, rows = rw.result("up", str(folder))
    assert result["status"] == "active"
    assert load.failures == []
    assert load.seen == {"old", "new"}
    assert ask(url).text == "new"
    assert [row["name"] for row in rows if row.get("name", "").startswith("rollout.shifted")] == ["rollout.shifted"] * 2


def test_release_with_errors_is_taken_back_with_exit_3(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "bad", "old")
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "new", fails_every=8)
    with Load(url) as load:
        code, result, _ = rw.result("up", str(folder))
    assert (code, result["services"][0]["status"], result["error"]["code"]) == (3, "rolled_back", "ROLLED_BACK")
    assert "failed" in result["error"]["why"]
    assert {one[:3] for one in load.failures} == {"500"}  # its own answers, nothing that was lost on the way
    assert ask(url).text == "old"
    assert "rolled_back" in rw.ok("deployments", "list", cwd=folder)
    assert [one["verdict"] for one in rw.json("deployments", "show", "v2", cwd=folder)["verdicts"]][-1] == "bad"
    words = rw.run("up", str(folder)).stderr
    assert "10 % of the requests go to the new release" in words


def test_daemon_killed_in_the_middle_goes_back_and_begins_again(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "killed", "old")
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "new")
    with Load(url) as load:
        results: list[str] = []
        following = threading.Thread(target=lambda: results.append(rw.result("up", str(folder))[1]["status"]))
        following.start()
        while "new" not in load.seen:
            assert following.is_alive()
        os.kill(rw.pid(), signal.SIGKILL)
        following.join()
    assert results == ["active"]
    assert load.failures == []
    assert ask(url).text == "new"
