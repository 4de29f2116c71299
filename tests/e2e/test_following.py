"""A log that is followed while the daemon is stopped, killed and started, and while new releases take over: each line once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import Rw, living

pytestmark = pytest.mark.full
ROUNDS = 20
LATEST_SECONDS = 30.0
TALKER = """
import os, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass

def leave(*_):
    global leaving
    leaving = True

leaving = False
signal.signal(signal.SIGTERM, leave)
server = HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
number = 0
while not leaving:
    print("release", {release}, "line", number, flush=True)
    number += 1
    time.sleep(0.002)
print("release", {release}, "ends", number, flush=True)
"""


@pytest.fixture
def rw(target: str) -> Iterator[Rw]:
    yield from living(RW_TARGET=target, RW_WARM_SECONDS="0.3")


class Follower:
    """``rw logs -f --json`` and what it has printed."""

    def __init__(self, rw: Rw, folder: Path) -> None:
        self.rows: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rw_cli", "logs", "-f", "-n", "100000", "--json"],
            cwd=folder, env=rw.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            row = json.loads(line)
            self.rows.append(row["message"] if row["type"] == "log" else line)  # anything else would be a lost line

    def until(self, wanted: str) -> None:
        deadline = time.monotonic() + LATEST_SECONDS
        while not any(row.startswith(wanted) for row in self.rows[::-1]):
            assert time.monotonic() < deadline, f"never seen: {wanted}; the last: {self.rows[-3:]}; exit {self.process.poll()}"
            time.sleep(0.05)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=20)
        self._reader.join(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()


def write(folder: Path, release: int) -> None:
    (folder / "main.py").write_text(TALKER.replace("{release}", str(release)))


def restart(rw: Rw, folder: Path, *, is_killed: bool) -> None:
    if is_killed:
        os.kill(rw.pid(), signal.SIGKILL)
    else:
        rw.ok("daemon", "stop")
    rw.ok("status", cwd=folder)


def lines_of(rows: list[str], release: int) -> list[str]:
    return [row for row in rows if row.startswith(f"release {release} ")]


def test_every_line_is_seen_once_over_restarts_and_redeployments(rw: Rw, tmp_path: Path) -> None:
    folder = tmp_path / "talking"
    folder.mkdir()
    write(folder, 0)
    rw.up(folder)
    follower = Follower(rw, folder)
    try:
        for release in range(1, ROUNDS + 1):
            restart(rw, folder, is_killed=bool(release % 2))
            write(folder, release)
            rw.up(folder)
        follower.until(f"release {ROUNDS} line 100")
        rw.ok("down", "--yes", cwd=folder)
        follower.until(f"release {ROUNDS} ends")
    finally:
        follower.stop()
    for release in range(ROUNDS + 1):
        seen = lines_of(follower.rows, release)
        count = int(seen[-1].rpartition(" ")[2])
        assert seen == [*(f"release {release} line {number}" for number in range(count)), f"release {release} ends {count}"]


def test_daemon_that_was_stopped_stays_so_while_a_log_is_followed(rw: Rw, tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    folder.mkdir()
    write(folder, 0)
    rw.up(folder)
    follower = subprocess.Popen(
        [sys.executable, "-m", "rw_cli", "logs", "-f"], cwd=folder, env=rw.environ,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert follower.stdout is not None
    assert follower.stderr is not None
    try:
        assert "release 0 line" in follower.stdout.readline()
        rw.ok("daemon", "stop")
        assert "The daemon was stopped; this goes on when it runs again" in follower.stderr.readline()
        assert rw.ok("daemon", "status") == "not running\n"
        write(folder, 1)
        rw.up(folder)
        while "release 1 line" not in follower.stdout.readline():
            assert follower.poll() is None
    finally:
        follower.kill()
        follower.communicate()
