"""Where the engine is, and what a remote or absent one is called."""

import asyncio
import hashlib
import json
from pathlib import Path

import pytest

from rw_daemon.engines.client import Engine
from rw_shared.errors import EngineRemoteError, EngineUnreachableError

META = f"/d/contexts/meta/{hashlib.sha256(b'work').hexdigest()}/meta.json"
FILES = {
    "/d/config.json": json.dumps({"currentContext": "work"}),
    META: json.dumps({"Endpoints": {"docker": {"Host": "unix:///work.sock"}}}),
}


def read_text(path: Path) -> str:
    if str(path) not in FILES:
        raise FileNotFoundError(path)
    return FILES[str(path)]


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        pytest.param({"DOCKER_HOST": "unix:///h.sock", "DOCKER_CONTEXT": "work"}, "unix:///h.sock", id="host beats context"),
        pytest.param({"DOCKER_CONTEXT": "work", "DOCKER_CONFIG": "/d"}, "unix:///work.sock", id="context by variable"),
        pytest.param({"DOCKER_CONFIG": "/d"}, "unix:///work.sock", id="context of the configuration"),
        pytest.param({"DOCKER_CONTEXT": "default", "DOCKER_CONFIG": "/d"}, "unix:///var/run/docker.sock", id="default context"),
        pytest.param({"DOCKER_CONFIG": "/none"}, "unix:///var/run/docker.sock", id="nothing is said"),
    ],
)
def test_the_address_is_the_one_the_docker_command_would_use(environ, address):
    assert Engine.address_of(environ, read_text=read_text) == address


def test_a_context_that_is_not_there_is_unreachable():
    with pytest.raises(EngineUnreachableError):
        Engine.address_of({"DOCKER_CONTEXT": "gone", "DOCKER_CONFIG": "/d"}, read_text=read_text)


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:2375", "ssh://me@host"])
def test_a_remote_engine_is_refused(address):
    with pytest.raises(EngineRemoteError):
        Engine(address)


async def test_an_absent_engine_is_unreachable(tmp_path):
    engine = Engine(f"unix://{tmp_path}/no.sock")
    with pytest.raises(EngineUnreachableError):
        await engine.request("GET", "/info")
    await engine.close()


async def test_an_engine_that_says_nothing_is_given_up_with_the_seconds_that_it_had(tmp_path):
    async def answer(reader, writer):
        while request := await reader.read(65536):
            if b"/_ping" in request:
                writer.write(b"HTTP/1.1 200 OK\r\nApi-Version: 1.45\r\nContent-Length: 2\r\n\r\nOK")
        writer.close()

    async with await asyncio.start_unix_server(answer, tmp_path / "engine.sock"):
        engine = Engine(f"unix://{tmp_path}/engine.sock")
        with pytest.raises(EngineUnreachableError) as caught:
            await engine.request("GET", "/info", timeout_seconds=0.1)
        await engine.close()
    assert caught.value.why == "It did not answer within 0.1 s."
