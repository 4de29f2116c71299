"""The daemon as a process: one for a home, on its own socket, through signals, kills and damage. Its rooms are fakes."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import websockets
from fakes.rooms import fake_rooms

from rw_daemon.api import guard
from rw_daemon.api.access import check_peer, peer_uid
from rw_daemon.api.application import build
from rw_daemon.api.server import Server
from rw_daemon.store.sql import SqlStore
from rw_shared.errors import ConflictError, NotAllowedError
from rw_shared.events import ProjectCreated
from rw_shared.models import LogRecord
from rw_shared.paths import Home

TESTS = Path(__file__).parent.parent
NOW = datetime(2026, 1, 2, tzinfo=UTC)


class Daemons:
    """Starts daemons of one home and ends what is left of them."""

    def __init__(self, root: Path) -> None:
        self.environ = {
            **os.environ,
            "RW_HOME": str(root / "home"),
            "TMPDIR": str(root),
            "PYTHONPATH": str(TESTS),
            "SECRET_TOKEN": "hunter2",
        }
        self.environ.pop("XDG_RUNTIME_DIR", None)
        self.home = Home.of(self.environ, uid=os.geteuid())
        self.started: list[subprocess.Popen[str]] = []

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "fakes.daemon_process"]
        process = subprocess.Popen(command, env=self.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/")
        self.started.append(process)
        return process

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.HTTPTransport(uds=str(self.home.socket)), base_url="http://rw", timeout=10)

    def up(self) -> subprocess.Popen[str]:
        process = self.start()
        self.wait()
        return process

    def wait(self) -> None:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
                probe.connect(str(self.home.socket))  # httpx leaves its socket open when nobody listens
                break
            time.sleep(0.02)
        with suppress(httpx.TransportError), self.client() as client:
            client.get("/v1/daemon").raise_for_status()
            return
        raise AssertionError("no daemon came up")

    def info(self) -> dict[str, object]:
        with self.client() as client:
            return client.get("/v1/daemon").json()

    def log(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.home.daemon_log.read_text().splitlines()]

    def end(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def daemons():
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="rwd") as root:
        found = Daemons(Path(root))
        yield found
        found.end()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_daemon_answers_on_a_private_socket_and_ends_in_order_on_a_signal(daemons):
    process = daemons.up()
    home = daemons.home
    assert (mode(home.socket), mode(home.runtime), mode(home.root), mode(home.lock), mode(home.daemon_log)) == (
        0o600,
        0o700,
        0o700,
        0o600,
        0o600,
    )
    assert home.lock.read_text() == f"{process.pid}\n"
    info = daemons.info()
    assert (info["pid"], info["home"], info["previousEnd"]) == (process.pid, str(home.root), "")
    process.send_signal(signal.SIGHUP)
    assert daemons.info()["pid"] == process.pid
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    assert time.monotonic() - began < 2
    assert not home.socket.exists()
    assert "hunter2" not in home.daemon_log.read_text()


def test_a_daemon_that_is_told_to_stop_answers_first(daemons):
    process = daemons.up()
    with daemons.client() as client:
        assert client.post("/v1/daemon/stop").json() == {"stopping": True}
    assert process.wait(5) == 0


def test_a_daemon_that_starts_while_another_ends_takes_its_place(daemons):
    first = daemons.up()
    with daemons.client() as client:
        client.post("/v1/daemon/stop").raise_for_status()
    while daemons.home.socket.exists():
        time.sleep(0.001)
    second = daemons.up()
    assert (first.wait(5), daemons.info()["pid"]) == (0, second.pid)


def test_the_next_daemon_knows_how_the_one_before_ended_and_has_its_state(daemons):
    daemons.up().send_signal(signal.SIGTERM)
    daemons.started[-1].wait(5)
    second = daemons.up()
    assert daemons.info()["previousEnd"] == "stopped"
    with daemons.client() as client:
        client.post("/v1/projects", json={"name": "shop"}).raise_for_status()
    second.kill()
    second.wait(5)
    assert daemons.home.socket.exists()
    daemons.up()
    assert daemons.info()["previousEnd"] == "killed"
    with daemons.client() as client:
        assert [one["name"] for one in client.get("/v1/projects").json()["items"]] == ["shop"]


def test_of_twenty_daemons_that_start_at_once_one_serves_and_the_others_leave_in_peace(daemons):
    processes = [daemons.start() for _ in range(20)]
    daemons.wait()
    deadline = time.monotonic() + 60
    while sum(process.poll() is None for process in processes) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    alive = [process for process in processes if process.poll() is None]
    assert [process.pid for process in alive] == [daemons.info()["pid"]]
    assert {process.returncode for process in processes if process not in alive} == {0}


def test_a_damaged_database_ends_the_start_with_its_error_on_stderr(daemons):
    daemons.up().send_signal(signal.SIGTERM)
    daemons.started[-1].wait(5)
    daemons.home.database.write_bytes(b"not a database" * 1000)
    process = daemons.start()
    _, said = process.communicate(timeout=15)
    error = json.loads(said)["error"]
    assert (process.returncode, error["code"]) == (8, "DATABASE_CORRUPT")
    assert not daemons.home.socket.exists()
    assert any("damaged" in str(line["message"]) for line in daemons.log())


def test_the_log_is_json_with_the_request_that_each_line_belongs_to(daemons):
    daemons.up()
    with daemons.client() as client:
        answer = client.get("/v1/projects", headers={"X-Request-Id": "abc-1"})
    assert answer.headers["X-Request-Id"] == "abc-1"
    deadline = time.monotonic() + 5
    while not (lines := [line for line in daemons.log() if line.get("request") == "abc-1"]):  # it is written after the answer
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (line,) = lines
    assert line["level"] == "info"
    assert "GET /v1/projects → 200" in str(line["message"])


def test_a_runtime_folder_of_somebody_else_is_refused(daemons):
    daemons.home.runtime.parent.mkdir(parents=True)
    elsewhere = daemons.home.root.parent / "elsewhere"
    elsewhere.mkdir()
    daemons.home.runtime.symlink_to(elsewhere)
    process = daemons.start()
    _, said = process.communicate(timeout=15)
    assert (process.returncode, json.loads(said)["error"]["code"]) == (6, "NOT_ALLOWED")


# --- peers


def test_the_peer_of_a_socket_pair_is_ourselves_and_anybody_else_is_refused():
    one, other = socket.socketpair()
    with one, other:
        assert peer_uid(one) == os.geteuid()
        check_peer(one, owner=os.geteuid())
        with pytest.raises(NotAllowedError):
            check_peer(one, owner=os.geteuid() + 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
async def test_a_connection_of_another_user_is_answered_with_one_refusal(serving):
    _server, path, _rooms = serving
    path.chmod(0o666)  # as if the mode did not protect it
    path.parent.chmod(0o755)
    code = (
        "import os,socket,sys; os.setuid(65534); s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "s.sendall(b'GET /v1/daemon HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n'); print(b''.join(iter(lambda: s.recv(999), b'')).decode())"
    )
    process = await asyncio.create_subprocess_exec("/usr/bin/env", "python3", "-c", code, str(path), stdout=subprocess.PIPE)
    said, _ = await process.communicate()
    assert said.startswith(b"HTTP/1.1 403")
    assert b"NOT_ALLOWED" in said
    assert b"version" not in said


def test_a_socket_that_nobody_answers_on_is_replaced_and_one_that_lives_is_not():
    with tempfile.TemporaryDirectory(dir="/tmp") as root:
        path = Path(root) / "s"
        guard.bind(path).close()
        with guard.bind(path) as listening:
            with pytest.raises(guard.LockTakenError):
                guard.bind(path)
            assert listening.getsockname() == str(path)


# --- streams, over a real socket


@pytest.fixture
async def serving():
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="rws") as root:
        store = await SqlStore.open(Path(root) / "state.db")
        rooms = fake_rooms(store)
        server, path = Server(build(rooms)), Path(root) / "s"
        task = asyncio.ensure_future(server.serve(sockets=[guard.bind(path)]))
        yield server, path, rooms
        server.stop()
        await task
        await store.close()


def project(name: str) -> ProjectCreated:
    return ProjectCreated(at=NOW, project=name)


async def test_a_stream_resumes_from_its_cursor_without_loss_or_doubles(serving):
    _server, path, rooms = serving
    await rooms.store.append(*(project(f"p{number}") for number in range(30)))
    seen, cursor = [], 0
    for part in range(3):
        async with websockets.unix_connect(str(path), f"ws://rw/v1/events/stream?after={cursor}", max_queue=None) as stream:
            await rooms.store.append(*(project(f"q{part}{number}") for number in range(10)))
            for _ in range(15):
                row = json.loads(await stream.recv())
                cursor = row["sequence"]
                seen.append(cursor)
    assert seen == list(range(1, 46))


async def test_a_stream_filters_by_project_and_starts_now_without_a_cursor(serving):
    _server, path, rooms = serving
    await rooms.store.append(project("shop"))
    async with websockets.unix_connect(str(path), "ws://rw/v1/events/stream?project=shop") as stream:
        assert stream.response.headers["RW-Daemon-Version"]
        await asyncio.sleep(0.02)
        await rooms.store.append(project("blog"), project("shop"))
        assert json.loads(await stream.recv())["sequence"] == 3


@pytest.mark.parametrize(
    ("query", "code"),
    [pytest.param("after=-1", "INVALID_REQUEST", id="cursor"), pytest.param("project=A%20B", "INVALID_REQUEST", id="name")],
)
async def test_a_stream_that_cannot_be_says_so_in_the_one_shape(serving, query, code):
    _server, path, _rooms = serving
    async with websockets.unix_connect(str(path), f"ws://rw/v1/events/stream?{query}") as stream:
        wire = json.loads(await stream.recv())
        assert (wire["schema"], wire["error"]["code"]) == ("rw/v1", code)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await stream.recv()
        assert closed.value.rcvd.code == 1008


async def test_an_error_in_mid_stream_is_its_last_message(serving):
    _server, path, rooms = serving
    await rooms.store.append(project("shop"))
    line = LogRecord(cursor=7, ts=NOW, project="shop", environment="production", service="web", deployment="dep_1", message="hi")
    rooms.logs.lines.append(line)
    rooms.logs.fault = ConflictError("A deployment runs.", hint="Wait.")
    async with websockets.unix_connect(str(path), "ws://rw/v1/logs/stream?project=shop&n=5") as stream:
        assert json.loads(await stream.recv()) == line.wire()
        assert json.loads(await stream.recv())["error"]["code"] == "CONFLICT"


async def test_a_reader_that_leaves_is_noticed_at_once(serving):
    _server, path, rooms = serving
    await rooms.store.append(project("shop"))
    stream = await websockets.unix_connect(str(path), "ws://rw/v1/logs/stream?project=shop")
    await asyncio.sleep(0.05)
    assert not rooms.logs.is_left
    stream.transport.abort()
    began = time.monotonic()
    while not rooms.logs.is_left and time.monotonic() - began < 2:
        await asyncio.sleep(0.005)
    assert time.monotonic() - began < 0.5
    await stream.wait_closed()


async def test_a_reader_that_does_not_read_slows_nobody_and_loses_nothing(serving):
    _server, path, rooms = serving
    async with websockets.unix_connect(str(path), "ws://rw/v1/events/stream?after=0", max_queue=1) as stream:
        long = "x" * 20_000
        for number in range(30):
            await rooms.store.append(*(ProjectCreated(at=NOW, project=f"p{number}", path=long) for _ in range(50)))
        assert [json.loads(await stream.recv())["sequence"] for _ in range(1500)] == list(range(1, 1501))


async def test_streams_are_told_when_the_daemon_stops(serving):
    server, path, rooms = serving
    await rooms.store.append(project("shop"))
    async with websockets.unix_connect(str(path), "ws://rw/v1/events/stream") as stream:
        server.stop()
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await asyncio.wait_for(stream.recv(), 2)
        assert closed.value.rcvd.code == 1012
