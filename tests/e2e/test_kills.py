"""The daemon is killed at every single event of a deployment: the next one makes everything true again, and no request notices.

Within ten seconds of its start all is settled, one release is active, and what runs and lies about is exactly what the store says.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from e2e.conftest import Rw, ask, living
from e2e.consistency import built_once, until_consistent

from rw_cli.client import Client
from rw_cli.context.load import Load
from rw_shared.errors import RwError
from rw_shared.paths import Home

pytestmark = pytest.mark.full
SERVER = """
import os, signal, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-length", str(len({word!r})))
        self.end_headers()
        self.wfile.write({word!r}.encode())
    do_POST = do_GET
    def log_message(self, *_): pass

server = ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
server.daemon_threads = True
server.serve_forever()
"""


@pytest.fixture
def killed(target: str) -> Iterator[Rw]:
    yield from living(RW_TARGET=target, RW_WARM_SECONDS="0.3", RW_HEALTHY_SECONDS="1")


class Watcher:
    """Reads the daemon's events, those of one deployment's making; at the one with a given number, or words, it kills the daemon."""

    def __init__(self, rw: Rw, *, kill_at: int | str = 0) -> None:
        self._client = Client(str(Home.of(rw.environ, uid=os.geteuid()).socket), ensure=lambda: None)
        self._pid, self._kill_at = rw.pid(), kill_at
        self.seen: list[str] = []
        self.done = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        time.sleep(0.15)  # the stream is open by then; an event that it missed would only shift the count

    def _read(self) -> None:
        with suppress(RwError, OSError):
            for row in self._client.stream("/v1/events/stream", query={}, cursor="sequence", ended=self.done.is_set):
                self.seen.append(f"{row['name']} {row['data'].get('step') or row['data'].get('after') or ''}".strip())
                if self._kill_at in (len(self.seen), self.seen[-1]):
                    os.kill(self._pid, signal.SIGKILL)
                    self.done.set()
                if row["name"] == "operation.settled":
                    self.done.set()


def write(folder: Path, word: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "requirements.txt").write_text("")
    (folder / "main.py").write_text(SERVER.format(word=word))


def kill(rw: Rw, folder: Path, url: str, word: str, *, at: int | str) -> list[str]:
    """Deploy ``word``, kill the daemon on the way, and see that all becomes true again; returns the events up to then."""
    write(folder, word)
    watcher = Watcher(rw, kill_at=at)
    rw.run("up", str(folder), "-d")
    assert watcher.done.wait(60), watcher.seen
    until_consistent(rw, folder)
    final = rw.json("deployments", "list", cwd=folder)["items"][0]
    assert final["status"] in {"active", "failed"}, final
    assert (ask(url).text == word) == (final["status"] == "active"), (watcher.seen[-1], final)
    assert built_once(final, watcher.seen), final
    return watcher.seen


def test_kill_at_every_event_loses_neither_a_request_nor_the_truth(killed: Rw, tmp_path: Path) -> None:
    folder = tmp_path / "kills"
    write(folder, "first")
    url = killed.up(folder)["services"][0]["url"]
    write(folder, "counted")
    count = Watcher(killed)
    killed.up(folder)
    assert count.done.wait(30)
    assert {"step.started build", "step.started shift", "deployment.status_changed active"} <= set(count.seen)
    with Load(url, rate=180, echo="/echo") as load:
        for number in range(1, len(count.seen) + 1):
            kill(killed, folder, url, f"killed at {number}", at=number)
    assert load.failures == []
    assert load.requests > 500


@pytest.mark.parametrize(
    ("rollout", "moments"),
    [
        ('"recreate"', ["step.started stop", "deployment.status_changed removing", "step.finished stop", "step.finished start"]),
        ('"gradual"\nsteps = [50, 100]\nstepSeconds = 0.5', ["step.started shift", "rollout.shifted", "rollout.judged"]),
    ],
    ids=["recreate", "gradual"],
)
def test_kill_at_what_other_strategies_do_beside(killed: Rw, tmp_path: Path, rollout: str, moments: list[str]) -> None:
    folder = tmp_path / "kills"
    folder.mkdir()
    (folder / "railway.toml").write_text(f"[deploy.rollout]\nstrategy = {rollout}\n")
    write(folder, "first")
    url = killed.up(folder)["services"][0]["url"]
    with Load(url, rate=100, echo="/echo") as load:
        for moment in moments:
            assert kill(killed, folder, url, f"killed at {moment}", at=moment)[-1] == moment
    assert load.failures == []
