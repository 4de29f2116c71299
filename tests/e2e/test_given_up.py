"""A replica that comes to its end for good, by ending or by hanging, is told and takes nobody with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import Rw, ask, living
from e2e.test_kills import write
from e2e.test_kills_under_load import kill_replica

pytestmark = pytest.mark.full
RETRIES = 2
HANGS = """
import os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BEGAN = time.monotonic()

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if time.monotonic() - BEGAN > 1.5:
            time.sleep(3600)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def rw() -> Iterator[Rw]:
    """A daemon that looks after its replicas more often than it does by default."""
    yield from living(RW_TARGET="process", RW_WARM_SECONDS="0", RW_LIVENESS_PERIOD_SECONDS="0.3", RW_PROBE_TIMEOUT_SECONDS="0.5")


def service(rw: Rw, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = rw.json("status", cwd=folder)["services"][0]
    return found


def until(rw: Rw, folder: Path, condition: Any) -> dict[str, Any]:
    deadline = time.monotonic() + 40
    while not condition(found := service(rw, folder)):
        assert time.monotonic() < deadline, f"{found} {rw.log_tail()}"
        time.sleep(0.1)
    return found


def second(found: dict[str, Any]) -> dict[str, Any]:
    return next((one for one in found["replicas"] if one["index"] == 1), {"id": "", "state": "gone"})


def test_replica_without_restarts_left_takes_no_request_with_it(rw: Rw, tmp_path: Path) -> None:
    folder = tmp_path / "given-up"
    write(folder, "ok")
    (folder / "railway.toml").write_text(f"[deploy]\nnumReplicas = 2\nrestartPolicyMaxRetries = {RETRIES}\n")
    rw.up(folder)
    killed = ""
    for _ in range(RETRIES + 1):
        found = until(rw, folder, lambda found, old=killed: second(found)["state"] == "running" and second(found)["id"] != old)
        killed = second(found)["id"]
        kill_replica(rw, "process", killed)
    found = until(rw, folder, lambda found: found["reason"])
    assert found["status"] == "active"
    words = "1 of 2 replicas runs. Replica 1 was killed by SIGKILL after 2 restarts and is given up."
    assert words in found["reason"]
    assert {ask(found["url"]).text for _ in range(20)} == {"ok"}
    text = rw.ok("status", cwd=folder)
    assert "1/2" in text
    assert words in text
    rw.ok("restart", cwd=folder)
    found = service(rw, folder)
    assert ([one["state"] for one in found["replicas"]], found["reason"]) == (["running", "running"], "")
    rw.ok("down", "--yes", cwd=folder)


def test_app_that_hangs_after_each_start_is_crashed_when_its_restarts_are_used_up(rw: Rw, tmp_path: Path) -> None:
    folder = tmp_path / "hangs"
    write(folder, "ok")
    (folder / "main.py").write_text(HANGS)
    (folder / "railway.toml").write_text(f'[deploy]\nhealthcheckPath = "/"\nrestartPolicyMaxRetries = {RETRIES}\n')
    rw.up(folder)
    found = until(rw, folder, lambda found: found["status"] == "crashed")
    assert found["reason"] == "It does not answer any more after 2 restarts."
    assert ask(found["url"]).status == 503
    assert "does not answer any more; restart 2 of 2" in rw.ok("logs", "-n", "100", cwd=folder)
    rw.ok("down", "--yes", cwd=folder)
