"""An app's own metrics for real: a release that fails inside, while every answer is a 200, is taken back; what cannot run holds."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import Rw, ask, living, rollout

from rw_cli.context.load import Load

APP = """
import os, signal, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    errors = 0
    def do_GET(self):
        text = b"{word}"
        if self.path == "/metrics":
            text = b'shop_errors_total{kind="payment"} %d\\n' % Handler.errors
        elif not self.headers.get("user-agent", "").startswith("rw-"):
            Handler.errors += {errors}
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_): pass

server = ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
server.daemon_threads = True
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
"""
GRADUAL = """
[deploy.rollout]
strategy = "gradual"
steps = [50, 100]
stepSeconds = 1
"""
COUNTED = f"""{GRADUAL}
[[deploy.rollout.metrics]]
name = "payments"
metric = 'shop_errors_total{{kind=~"pay.*"}}'
read = "per-request"
max = 0.01
maxRatio = 2

[[deploy.rollout.metrics]]
name = "smoke"
command = "python -c 'import os, urllib.request as r; print(len(r.urlopen(os.environ[\\"RW_PREVIEW_URL\\"]).read()))'"
min = 1
"""
LOST = f"""{GRADUAL}
[[deploy.rollout.metrics]]
name = "smoke"
command = "no-such-program --of 'anybody'"
"""


@pytest.fixture(scope="module")
def rw(target: str) -> Iterator[Rw]:
    yield from living(RW_TARGET=target, RW_WARM_SECONDS="0.5")


def write(folder: Path, word: str, *, railway: str, errors: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "requirements.txt").write_text("")
    (folder / "railway.toml").write_text(railway)
    (folder / "main.py").write_text(APP.replace("{word}", word).replace("{errors}", str(errors)))
    return folder


@pytest.mark.full
def test_counter_that_grows_behind_good_answers_takes_the_release_back(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "counted", "old", railway=COUNTED)
    url = rw.up(folder)["services"][0]["url"]
    with Load(url) as load:
        write(folder, "bad", railway=COUNTED, errors=1)
        code, result, _ = rw.result("up", str(folder))
        assert (code, result["services"][0]["status"], result["error"]["code"]) == (3, "rolled_back", "ROLLED_BACK")
        # scrapes and the edge's figures are not of one instant: a request or two lie between
        assert re.search(r"payments (1|1\.[012]\d*|0\.[89]\d*) a request \(at most 0\.01, at most 2 times .* 0\)", result["error"]["why"])
        assert ask(url).text == "old"
        write(folder, "good", railway=COUNTED)
        code, result, _ = rw.result("up", str(folder))
        assert (code, result["status"]) == (0, "active")
    assert load.failures == []  # nothing but the counter told that anything was wrong
    assert ask(url).text == "good"
    verdicts = rw.json("deployments", "show", "v2", cwd=folder)["verdicts"]
    assert [one["verdict"] for one in verdicts] == ["suspicious", "bad"]
    assert verdicts[-1]["words"] in rw.ok("why", "v2", cwd=folder)
    (good,) = rw.json("deployments", "show", "v3", cwd=folder)["verdicts"]
    assert good["verdict"] == "good"
    assert "payments 0 a request" in good["words"]
    assert "smoke 4 (at least 1)" in good["words"]
    rw.ok("down", "--yes", cwd=folder)


@pytest.mark.full
def test_command_that_never_runs_holds_through_a_kill_until_promoted(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "lost", "old", railway=LOST)
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "new", railway=LOST)
    with rw.beside("up", str(folder), rows=False) as up:
        found = rollout(rw, folder, pace="paused")
        assert (found["share"], found["verdict"]) == (50, "could not measure")
        nobody_asked = "0 of 0 failed; the old release: 0 of 0 failed; it answers rw's own requests"  # which are in no figure
        assert found["words"] == f"{nobody_asked}; smoke: could not measure (exit code 127)"
        os.kill(rw.pid(), signal.SIGKILL)
        assert rollout(rw, folder, pace="paused")["share"] == 50
        assert "v2 is paused at 50 %: `rw rollout resume web` goes on. could not measure" in rw.ok("status", cwd=folder)
        assert "goes on from 50 %" in rw.ok("rollout", "retry", cwd=folder)
        rollout(rw, folder, pace="steps")
        rollout(rw, folder, pace="paused")
        rw.ok("rollout", "promote", cwd=folder)
    assert up.code == 0, up.words
    assert "4 windows running could not be measured" in up.words
    assert "`rw rollout promote" in up.words
    assert ask(url).text == "new"
    assert "paused by rw: 4 windows running could not be measured" in rw.ok("why", cwd=folder)
    rw.ok("down", "--yes", cwd=folder)
