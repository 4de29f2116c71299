"""A service that sleeps for real: whoever asks waits until it runs again, and is answered."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from e2e.conftest import Rw, ask, living

RAILWAY = '[deploy]\nhealthcheckPath = "/"\nsleepApplication = true\nsleepAfterSeconds = 1\n'
APP = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("upgrade"):
            self.send_response(101)
            self.send_header("upgrade", "websocket")
            self.send_header("connection", "upgrade")
            self.end_headers()
            while line := self.rfile.readline():
                self.wfile.write(b"echo " + line)
            self.close_connection = True
            return
        body = json.dumps({"bytes": len(self.rfile.read(int(self.headers.get("content-length", 0))))}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

"""
SERVE = 'ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()\n'
BODY = bytes(2_000_000)
LIMIT_SECONDS = 60.0


@pytest.fixture(scope="module")
def rw(target: str) -> Iterator[Rw]:
    yield from living(RW_TARGET=target, RW_SLEEP_PERIOD_SECONDS="0.2", RW_WARM_SECONDS="0")


def write(folder: Path, *, before: str = "", railway: str = RAILWAY) -> Path:
    folder.mkdir()
    (folder / "requirements.txt").write_text("")
    (folder / "main.py").write_text(f"{APP}{before}{SERVE}# {time.time_ns()}: no build cache knows it\n")
    (folder / "railway.toml").write_text(railway)
    return folder


def status(rw: Rw, folder: Path) -> tuple[str, int]:
    (service,) = rw.json("status", cwd=folder)["services"]
    return service["status"], len(service["replicas"])


def until(rw: Rw, folder: Path, wanted: tuple[str, int]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while (found := status(rw, folder)) != wanted:
        assert time.monotonic() < deadline, f"{found} instead of {wanted} {rw.log_tail()}"
        time.sleep(0.1)


def post(url: str) -> tuple[int, int]:
    """Return the status of a POST of 2 MB, and how much of it arrived."""
    answer = ask(url, method="POST", data=BODY, timeout=LIMIT_SECONDS)
    return answer.status, json.loads(answer.text)["bytes"] if answer.status == 200 else -1


def get(url: str) -> int:
    return ask(url, timeout=LIMIT_SECONDS).status


class WebSocket:
    """As much of one as the edge looks at."""

    def __init__(self, url: str) -> None:
        host = url.removeprefix("http://")
        self._socket = socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])), timeout=LIMIT_SECONDS)
        self._file = self._socket.makefile("rwb", buffering=0)
        rows = (
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        )
        self._file.write("\r\n".join(["GET /socket HTTP/1.1", *rows, "", ""]).encode())
        assert b"101" in self._file.readline()
        while self._file.readline().strip():
            pass

    def echo(self, text: str) -> str:
        self._file.write(f"{text}\n".encode())
        return self._file.readline().decode().strip()

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.mark.full_on("docker")
def test_it_sleeps_and_everybody_who_asks_is_answered_by_one_start(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "sleepy")
    url = rw.up(folder)["services"][0]["url"]
    until(rw, folder, ("sleeping", 0))
    with ThreadPoolExecutor(21) as pool:
        opening = pool.submit(WebSocket, url)
        posts, gets = ([pool.submit(one, url) for _ in range(10)] for one in (post, get))
        assert [one.result() for one in gets] == [200] * 10
        assert [one.result() for one in posts] == [(200, len(BODY))] * 10
    talking = opening.result()
    assert talking.echo("hello") == "echo hello"
    assert rw.ok("why", cwd=folder).count("sleeping → active") == 1
    time.sleep(3)
    assert status(rw, folder) == ("active", 1), "a WebSocket is open"
    assert talking.echo("still there") == "echo still there"
    talking.close()
    until(rw, folder, ("sleeping", 0))
    rw.ok("logs", "-n", "5", cwd=folder)
    assert rw.up(folder)["services"][0]["changed"] is False
    assert status(rw, folder) == ("sleeping", 0), "nobody asked for it"
    rw.ok("wake", cwd=folder)
    assert get(url) == 200
    rw.ok("down", "--yes", cwd=folder)


@pytest.mark.full_on("docker")
def test_who_asks_alone_while_it_falls_asleep_is_answered(rw: Rw, tmp_path: Path) -> None:
    """Nobody else is there whose request would wake it; and the app keeps no connection, so that each request needs a new one."""
    folder = write(tmp_path / "alone", before='Handler.protocol_version = "HTTP/1.0"\n', railway='[deploy]\nhealthcheckPath = "/"\n')
    url, over = rw.up(folder)["services"][0]["url"], Event()

    def answers() -> set[int]:
        found = set()
        while not over.is_set():
            found.add(ask(url, method="POST", data=b"order", timeout=LIMIT_SECONDS).status)
            time.sleep(0.005)
        return found

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(answers)
        try:
            for _ in range(5):
                while rw.run("sleep", cwd=folder).returncode:  # refused while a request is open
                    pass
                until(rw, folder, ("active", 1))
        finally:
            over.set()
    assert asking.result() == {200}
    assert rw.ok("why", cwd=folder).count("sleeping → active") == 5
    rw.ok("down", "--yes", cwd=folder)


@pytest.mark.full
def test_a_daemon_that_is_killed_while_it_sleeps_or_wakes_loses_no_request(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "orphan", before="time.sleep(2)\n")
    url = rw.up(folder)["services"][0]["url"]
    until(rw, folder, ("sleeping", 0))
    for seconds in (0.0, 1.0):  # before anybody asks; while it starts
        with ThreadPoolExecutor(1) as pool:
            if not seconds:
                os.kill(rw.pid(), signal.SIGKILL)
            asking = pool.submit(post, url)
            time.sleep(seconds or 0.5)
            if seconds:
                os.kill(rw.pid(), signal.SIGKILL)
            rw.ok("status", cwd=folder)
            assert asking.result() == (200, len(BODY))
        until(rw, folder, ("sleeping", 0))
    rw.ok("down", "--yes", cwd=folder)


@pytest.mark.full
def test_one_that_does_not_start_any_more_is_a_page_that_says_why(rw: Rw, tmp_path: Path) -> None:
    spoils = 'if time.time() > int(open("born").read()) + 15: sys.exit("the licence has ended")\n'
    folder = write(tmp_path / "spoilt", before=spoils, railway='[build]\nbuildCommand = "date +%s > born"\n' + RAILWAY)
    url = rw.up(folder)["services"][0]["url"]
    until(rw, folder, ("sleeping", 0))
    time.sleep(15)
    answer = ask(url, timeout=LIMIT_SECONDS)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert "has crashed: It could not be woken" in answer.text
    assert status(rw, folder) == ("crashed", 0)
    assert "the licence has ended" in rw.ok("why", cwd=folder)
    rw.ok("down", "--yes", cwd=folder)
