"""What only containers have: networks, rights, homes that share an engine, an engine that goes away."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest
from fakes.cable import Cable
from integration.runtime_fixtures_docker import MakeArtifact, docker_runtime
from integration.test_runtimes import SERVER, answer, spec_of

from rw_daemon.engines.client import Engine
from rw_daemon.runtimes.docker import DockerRuntime
from rw_daemon.runtimes.runtime import Runtime
from rw_shared.errors import ArtifactMissingError, EngineUnreachableError
from rw_shared.models import Artifact

pytestmark = pytest.mark.engine
SOCKET = "/var/run/docker.sock"
PRINTER = "import time\nfor number in range(100000):\n    print(f'line {number}', flush=True)\n    time.sleep(0.01)\n"


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[tuple[Runtime, MakeArtifact]]:
    async with docker_runtime(tmp_path) as found:
        yield found


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def networks(home: Path) -> list[str]:
    """Return the networks of one home: other tests make and remove theirs on the same engine."""
    label = f"label=rw.home={hashlib.sha256(str(home).encode()).hexdigest()[:12]}"
    return docker("network", "ls", "--format", "{{.Name}}", "--filter", label).splitlines()


async def test_network_of_an_environment_goes_with_its_last_release(target: tuple[Runtime, MakeArtifact], tmp_path: Path) -> None:
    runtime, make = target
    first, second = [spec_of(await make({"main.py": SERVER})) for _ in range(2)]
    for spec in (first, second):
        await runtime.start(spec)
    [made] = networks(tmp_path)
    await runtime.stop(first.key, grace_seconds=1)
    assert networks(tmp_path) == [made]
    await runtime.stop(second.key, grace_seconds=1)
    assert networks(tmp_path) == []


async def test_network_stays_while_a_replica_is_replaced_and_another_release_ends(
    target: tuple[Runtime, MakeArtifact], tmp_path: Path
) -> None:
    runtime, make = target
    kept = spec_of(await make({"main.py": SERVER}))
    await runtime.start(kept)
    [made] = networks(tmp_path)
    identity = docker("network", "inspect", "--format", "{{.Id}}", made)
    for pause in (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08):
        other = spec_of(kept.artifact)
        ended = await runtime.start(other)
        [instance] = [one for release in await runtime.releases() if release.key == kept.key for one in release.instances]
        docker("kill", instance.id, ended.instances[0].id)
        new, _ = await asyncio.gather(
            runtime.replace(kept, instance, grace_seconds=0), later(pause, runtime.stop(other.key, grace_seconds=0))
        )
        assert docker("network", "inspect", "--format", "{{.Id}}", made) == identity
        assert await answer(new)
    await runtime.stop(kept.key, grace_seconds=0)


async def later(seconds: float, what: Awaitable[None]) -> None:
    await asyncio.sleep(seconds)
    await what


async def test_image_that_was_removed_is_named_and_leaves_nothing(target: tuple[Runtime, MakeArtifact], tmp_path: Path) -> None:
    runtime, _ = target
    with pytest.raises(ArtifactMissingError):
        await runtime.start(spec_of(Artifact(kind="image", reference="sha256:" + "0" * 64, key="gone")))
    assert networks(tmp_path) == []
    assert await runtime.releases() == []


async def test_two_homes_on_one_engine_do_not_see_each_other(target: tuple[Runtime, MakeArtifact], tmp_path: Path) -> None:
    runtime, make = target
    spec = spec_of(await make({"main.py": SERVER}))
    await runtime.start(spec)
    other = DockerRuntime(Engine(SOCKET), home=str(tmp_path / "other"))
    try:
        assert await other.releases() == []
        await other.stop(spec.key, grace_seconds=0)
        assert len((await runtime.releases())[0].instances) == 1
    finally:
        await other.close()


async def test_container_has_no_rights_to_spare_and_no_port_on_other_interfaces(target: tuple[Runtime, MakeArtifact]) -> None:
    runtime, make = target
    release = await runtime.start(spec_of(await make({"main.py": SERVER})))
    host = json.loads(docker("inspect", "--format", "{{json .HostConfig}}", release.instances[0].id))
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert not host["Privileged"]
    assert host["RestartPolicy"]["Name"] == "no"
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "4", "max-size": "50m"}}
    assert {one["HostIp"] for bound in (host["PortBindings"] or {}).values() for one in bound} <= {"127.0.0.1"}


async def test_engine_that_goes_away_for_a_while_costs_no_line_and_no_end(target: tuple[Runtime, MakeArtifact], tmp_path: Path) -> None:
    direct, make = target
    spec = spec_of(await make({"main.py": PRINTER}), port=0)
    async with Cable(tmp_path / "engine.sock", SOCKET) as cable:
        runtime = DockerRuntime(Engine(str(cable.path)), home=str(tmp_path))
        release = await runtime.start(spec)
        ends = asyncio.create_task(anext(aiter(runtime.watch())))
        seen: list[str] = []
        stream = runtime.lines(release.instances[0])
        async with asyncio.timeout(30):
            async for line in stream:
                seen.append(line.text)
                if len(seen) == 50:
                    await cable.cut()
                    with pytest.raises(EngineUnreachableError):
                        await runtime.check()
                    asyncio.get_running_loop().call_later(1.0, cable.mend)
                if len(seen) == 300:
                    break
        assert seen == [f"line {number}" for number in range(300)]
        assert not ends.done()
        await cable.cut()
        docker("kill", release.instances[0].id)
        await asyncio.sleep(0.1)
        cable.mend()
        async with asyncio.timeout(10):
            change = await ends
        assert change.instance.exit is not None
        assert change.instance.exit.signal == 9
        with contextlib.suppress(Exception):
            await stream.aclose()  # type: ignore[attr-defined]
        await direct.stop(spec.key, grace_seconds=0)
        await runtime.close()


async def test_memory_is_what_the_engine_says(target: tuple[Runtime, MakeArtifact]) -> None:
    runtime, make = target
    release = await runtime.start(spec_of(await make({"main.py": SERVER})))
    await answer(release.instances[0])
    [sample] = await runtime.samples(release)
    stats = json.loads(docker("stats", "--no-stream", "--format", "{{json .MemUsage}}", release.instances[0].id))
    told = float(stats.split("MiB")[0]) * 1024**2
    assert abs(sample.memory_bytes - told) < 2 * 1024**2
    assert 0 < sample.cpu_seconds < 10
