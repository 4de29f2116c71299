"""`drainingSeconds`: what stops an app for any reason leaves it the time that its own railway.toml says, not rw's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import Rw, living
from e2e.test_restarting import until_logged

pytestmark = pytest.mark.full_on("docker")
APP = """
import os, signal, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *_): pass

def leave(*_):
    time.sleep(2)
    print("left by itself", flush=True)
    os._exit(0)

signal.signal(signal.SIGTERM, leave)
HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""
DEPLOY = "[deploy]\ndrainingSeconds = 20\n"


@pytest.fixture(scope="module")
def rw(target: str) -> Iterator[Rw]:
    """rw's own time is too short for the app."""
    yield from living(RW_TARGET=target, RW_WARM_SECONDS="0", RW_GRACE_SECONDS="0.5")


def write(folder: Path, railway: str) -> None:
    (folder / "requirements.txt").write_text("")
    (folder / "main.py").write_text(APP)
    (folder / "railway.toml").write_text(railway)


def test_every_way_to_stop_an_app_leaves_it_its_time(rw: Rw, tmp_path: Path) -> None:
    write(tmp_path, DEPLOY)
    rw.up(tmp_path)
    for command, left in (
        (("restart",), 1),
        (("scale", "web=2"), 1),
        (("scale", "web=1"), 2),
        (("sleep", "web"), 3),
        (("wake", "web"), 3),
        (("deployments", "redeploy"), 4),
    ):
        rw.ok(*command, cwd=tmp_path)
        until_logged(rw, tmp_path, "left by itself", left)
    write(tmp_path, DEPLOY + '[deploy.rollout]\nstrategy = "recreate"\n')
    rw.up(tmp_path)
    until_logged(rw, tmp_path, "left by itself", 5)
    rw.ok("down", "--yes", cwd=tmp_path)
    until_logged(rw, tmp_path, "left by itself", 6)
    assert rw.ok("logs", "-n", "1000", cwd=tmp_path).count("left by itself") == 6


def test_time_that_is_short_is_heeded_as_well(rw: Rw, tmp_path: Path) -> None:
    write(tmp_path, DEPLOY.replace("20", "0"))
    rw.up(tmp_path)
    rw.ok("down", "--yes", cwd=tmp_path)
    assert "left by itself" not in rw.ok("logs", "-n", "100", cwd=tmp_path)
