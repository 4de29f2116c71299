"""`rw restart` under load: what a replica was asked it still answers, and it is asked to stop before it is made to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import Answer, Rw, ask, living
from e2e.test_frozen import freeze, service
from e2e.test_kills import Watcher

from rw_cli.context.load import Load

pytestmark = pytest.mark.full_on("docker")
SLOW_SECONDS = 1.5
APP = f"""
import os, signal, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/slow":
            print("began", flush=True)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        if self.path == "/slow":
            time.sleep({SLOW_SECONDS})
        self.wfile.write(b"ok")
    do_POST = do_GET
    def log_message(self, *_): pass

def leave(*_):
    print("asked to stop", flush=True)
    os._exit(0)  # whatever it is at

signal.signal(signal.SIGTERM, leave)
ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def rw(target: str) -> Iterator[Rw]:
    yield from living(RW_TARGET=target, RW_WARM_SECONDS="0", RW_PROBE_TIMEOUT_SECONDS="1")


@pytest.fixture(scope="module", params=[1, 2], ids=["the only one", "one of two"])
def folder(rw: Rw, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    made = tmp_path_factory.mktemp(f"replicas{request.param}")
    (made / "requirements.txt").write_text("")
    (made / "main.py").write_text(APP)
    (made / "railway.toml").write_text(f"[deploy]\nnumReplicas = {request.param}\n")
    rw.up(made)
    return made


def until_logged(rw: Rw, folder: Path, words: str, times: int) -> None:
    deadline = time.monotonic() + 10
    while rw.ok("logs", "-n", "1000", cwd=folder).count(words) < times:
        assert time.monotonic() < deadline, rw.log_tail()
        time.sleep(0.05)


def test_no_answer_that_was_begun_is_cut_off(rw: Rw, folder: Path) -> None:
    before = service(rw, folder)
    url, old = before["url"], {one["id"] for one in before["replicas"]}
    answers: list[Answer] = []
    asking = [
        threading.Thread(target=lambda method=method: answers.append(ask(f"{url}/slow", method=method, data=b"x", timeout=60)))
        for method in ("GET", "POST") * 2
    ]
    with Load(url, rate=60, echo="/echo") as load:
        for one in asking:
            one.start()
        until_logged(rw, folder, "began", 4)
        rw.ok("restart", cwd=folder)
        for one in asking:
            one.join()
    assert load.failures == []
    assert [(one.status, one.text) for one in answers] == [(200, "ok")] * 4
    assert {one["id"] for one in service(rw, folder)["replicas"]}.isdisjoint(old)
    until_logged(rw, folder, "asked to stop", len(old))
    assert "restart 1 of" not in rw.ok("logs", "-n", "1000", cwd=folder)


@pytest.mark.parametrize("event", [1, 2, 3])
def test_daemon_that_is_killed_on_the_way_ends_it_after_all(rw: Rw, folder: Path, event: int) -> None:
    before, daemon = service(rw, folder), rw.pid()
    slow: list[Answer] = []
    asking = threading.Thread(target=lambda: slow.append(ask(f"{before['url']}/slow", timeout=60)))
    begun = rw.ok("logs", "-n", "1000", cwd=folder).count("began")
    with Load(before["url"], rate=60, echo="/echo") as load:
        asking.start()
        until_logged(rw, folder, "began", begun + 1)
        watcher = Watcher(rw, kill_at=event)
        with rw.beside("restart", cwd=folder) as restarting:
            assert watcher.done.wait(20), watcher.seen
        assert (restarting.code, rw.pid() != daemon) == (0, True), restarting.words
        asking.join()
    assert load.failures == []
    assert [(one.status, one.text) for one in slow] == [(200, "ok")]
    assert {one["id"] for one in service(rw, folder)["replicas"]}.isdisjoint(one["id"] for one in before["replicas"])


def test_one_that_hangs_is_not_waited_for(rw: Rw, target: str, folder: Path) -> None:
    """The default of five seconds between two looks leaves `rw restart` time to come first."""
    before = service(rw, folder)
    for one in before["replicas"]:
        freeze(rw, target, one["id"])
    began = time.monotonic()
    rw.ok("restart", cwd=folder)
    assert time.monotonic() - began < 20  # of 60 that an app may take to end its requests and itself
    assert ask(before["url"]).text == "ok"
    assert {one["id"] for one in service(rw, folder)["replicas"]}.isdisjoint(one["id"] for one in before["replicas"])
