"""The engine itself is killed, stopped or frozen while releases serve: an engine of its own, so that nobody else's goes down."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import Rw, ask, living
from e2e.test_faults import fill
from e2e.test_machine_restart import cut_power
from fakes.own_engine import OwnEngine, missing

from rw_cli.context.load import Load

pytestmark = [pytest.mark.full, pytest.mark.engine]
IMAGE = "python:3.13-slim"
BACK_SECONDS = 30.0
"""Ten are promised; other tests run on this machine, too."""
SERVER = """
import os, signal, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    do_POST = do_GET
    def log_message(self, *_): pass

signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""
SETTINGS = f"""
[deploy]
startCommand = 'python -c "$CODE"'
numReplicas = 2
[variables]
CODE = '''{SERVER}'''
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[OwnEngine]:
    if problem := missing():
        assert not os.environ.get("CI"), problem
        pytest.skip(problem)
    made = OwnEngine()
    try:
        made.start()
        made.hand_over(IMAGE)
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def rw(engine: OwnEngine) -> Iterator[Rw]:
    yield from living(
        RW_TARGET="docker", DOCKER_HOST=engine.host, RW_WARM_SECONDS="0", RW_LIVENESS_PERIOD_SECONDS="0.5", RW_PROBE_TIMEOUT_SECONDS="1"
    )


@pytest.fixture(scope="module")
def folder(rw: Rw, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("outlives")
    (made / "railway.toml").write_text(SETTINGS)
    rw.ok("deploy", str(made), "--image", IMAGE)
    return made


@pytest.fixture
def whole(rw: Rw, engine: OwnEngine, folder: Path) -> Iterator[dict[str, Any]]:
    """The service with all its replicas: before a test, and at most ``BACK_SECONDS`` after it nothing else than that."""
    before = until_whole(rw, folder)
    yield before
    after = until_whole(rw, folder)
    assert ask(after["url"], timeout=40).text == "ok"
    assert sorted(engine.docker("ps", "--all", "--quiet", "--no-trunc").split()) == sorted(one["id"] for one in after["replicas"])
    assert len(engine.docker("network", "ls", "--quiet", "--filter", "label=rw.home").split()) == 1


def service(rw: Rw, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = rw.json("status", cwd=folder)["services"][0]
    return found


def until_whole(rw: Rw, folder: Path) -> dict[str, Any]:
    deadline = time.monotonic() + BACK_SECONDS
    while True:
        found = service(rw, folder)
        if found["status"] == "active" and not found["reason"] and [one["state"] for one in found["replicas"]] == ["running"] * 2:
            return found
        assert time.monotonic() < deadline, f"{found} {rw.log_tail()}"
        time.sleep(0.1)


def refused(rw: Rw, folder: Path) -> str:
    """Return why a deployment is refused at once while the engine is away; what runs is then said to be unknown, and not to be none."""
    code, result, _ = rw.result("deploy", str(folder), "--image", IMAGE, timeout=30)
    assert (code, result["error"]["code"]) == (8, "ENGINE_UNREACHABLE")
    assert "what runs is not known" in service(rw, folder)["reason"]
    return str(result["error"]["why"])


@pytest.mark.parametrize("end", [OwnEngine.kill, OwnEngine.stop], ids=["killed", "stopped"])
def test_engine_that_takes_its_containers_along(
    rw: Rw, engine: OwnEngine, folder: Path, whole: dict[str, Any], end: Callable[[OwnEngine], None]
) -> None:
    """No request fails for it, and no restart is counted: an app that exits with 0 when it is asked to has not completed."""
    with Load(whole["url"], rate=40) as load:
        end(engine)
        refused(rw, folder)
        engine.start()
        after = until_whole(rw, folder)
    assert load.failures == []
    assert {one["id"] for one in after["replicas"]}.isdisjoint(one["id"] for one in whole["replicas"])
    said = rw.ok("logs", "-n", "4", cwd=folder)
    assert said.count("went down with the machine or the engine; it starts again") >= 2
    assert "restart 1 of" not in said


def test_frozen_replica_of_two_costs_no_request(rw: Rw, engine: OwnEngine, folder: Path, whole: dict[str, Any]) -> None:
    frozen = whole["replicas"][0]["id"]
    with Load(whole["url"], rate=40) as load:
        engine.docker("pause", frozen)
        time.sleep(1.0)
        deadline = time.monotonic() + BACK_SECONDS
        while frozen in [one["id"] for one in service(rw, folder)["replicas"]]:
            assert time.monotonic() < deadline, rw.log_tail()
            time.sleep(0.1)
        until_whole(rw, folder)
    assert [one for one in load.failures if not one.startswith("IncompleteRead")] == []  # answers that it had begun when it froze


def test_replica_that_somebody_else_removed_is_missed(rw: Rw, engine: OwnEngine, folder: Path, whole: dict[str, Any]) -> None:
    removed = whole["replicas"][1]["id"]
    engine.docker("rm", "--force", removed)
    assert removed not in {one["id"] for one in until_whole(rw, folder)["replicas"]}


def test_engine_with_live_restore_is_missed_by_nobody(rw: Rw, engine: OwnEngine, folder: Path, whole: dict[str, Any]) -> None:
    engine.kill()
    engine.start(live_restore=True)
    before = until_whole(rw, folder)
    with Load(whole["url"], rate=40, echo="/echo") as load:
        engine.kill()
        refused(rw, folder)
        engine.start(live_restore=True)
        after = until_whole(rw, folder)
        assert rw.run("restart", cwd=folder).returncode == 0
    assert load.failures == []
    assert [one["id"] for one in after["replicas"]] == [one["id"] for one in before["replicas"]]


def test_daemon_that_starts_before_the_engine_does(rw: Rw, engine: OwnEngine, folder: Path, whole: dict[str, Any]) -> None:
    """As after a restart of the machine; and what still answers goes on to."""
    engine.kill()
    os.kill(rw.pid(), signal.SIGKILL)
    assert "what runs is not known" in service(rw, folder)["reason"]
    assert ask(whole["url"]).text == "ok"
    engine.start()
    until_whole(rw, folder)


def test_engine_that_goes_in_the_middle_of_a_deployment(rw: Rw, engine: OwnEngine, folder: Path, whole: dict[str, Any]) -> None:
    command = "sleep 5; python -c"
    (folder / "railway.toml").write_text(SETTINGS.replace("python -c", command).replace("numReplicas = 2", "numReplicas = 1"))
    with rw.beside("deploy", str(folder), "--image", IMAGE) as deploying:
        while len(engine.docker("ps", "--quiet").split()) < 3:
            assert deploying.process.poll() is None, rw.log_tail()
            time.sleep(0.05)
        engine.kill()
        time.sleep(1.0)
        engine.start()
    result = deploying.rows[-1]
    assert deploying.code in {3, 8}, json.dumps(result)
    assert result["error"]["code"] in {"ENGINE_UNREACHABLE", "CRASHED"}, json.dumps(result)


@pytest.mark.parametrize("first", ["engine", "daemon"])
def test_machine_that_restarts(rw: Rw, engine: OwnEngine, folder: Path, whole: dict[str, Any], first: str) -> None:
    """Whichever of the two comes up first: what should run runs again, and nothing else; no restart is counted."""
    cut_power(rw)
    engine.cut_power()
    if first == "daemon":
        assert "what runs is not known" in service(rw, folder)["reason"]
    engine.start()
    after = until_whole(rw, folder)
    assert {one["id"] for one in after["replicas"]}.isdisjoint(one["id"] for one in whole["replicas"])
    assert "restart 1 of" not in rw.ok("logs", "-n", "4", cwd=folder)


@pytest.fixture
def full_disk(engine: OwnEngine, whole: dict[str, Any]) -> Iterator[Path]:
    """What takes the last byte where the engine keeps what it has."""
    filler = engine.data / "filler"
    fill(filler)
    yield filler
    filler.unlink(missing_ok=True)


def test_full_disk_of_the_engine_stops_nothing_that_runs(
    rw: Rw, engine: OwnEngine, folder: Path, whole: dict[str, Any], full_disk: Path
) -> None:
    (folder / "railway.toml").write_text(SETTINGS.replace('b"ok"', 'b"OK"'))
    with Load(whole["url"], rate=40, echo="/echo") as load:
        code, result, _ = rw.result("deploy", str(folder), "--image", IMAGE, timeout=60)
        assert (code, result["error"]["code"]) == (3, "DISK_FULL")
        assert service(rw, folder)["status"] == "active"
    assert load.failures == []
    full_disk.unlink()
    (folder / "railway.toml").write_text(SETTINGS)
    assert rw.result("deploy", str(folder), "--image", IMAGE)[0] == 0


def test_frozen_engine_is_said_to_be_away_and_hangs_nobody(rw: Rw, engine: OwnEngine, folder: Path, whole: dict[str, Any]) -> None:
    os.kill(engine.pid, signal.SIGSTOP)
    try:
        assert "It did not answer within 5 s" in refused(rw, folder)
        assert ask(whole["url"]).text == "ok"
    finally:
        os.kill(engine.pid, signal.SIGCONT)
