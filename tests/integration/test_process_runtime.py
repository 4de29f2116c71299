"""What only plain processes have: crashes of the daemon and of holders, ports, job folders."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from rw_daemon.processes import proc
from rw_daemon.processes.holders import MARKER, Hold
from rw_daemon.processes.loopback import free_port, outgoing_start
from rw_daemon.runtimes.process import ProcessRuntime
from rw_daemon.runtimes.runtime import Exit, JobLostError, JobSpec, ReleaseKey, ReleaseSpec
from rw_shared.models import Artifact


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[ProcessRuntime]:
    found = ProcessRuntime(tmp_path / "instances", tmp_path / "jobs")
    yield found
    for release in await found.releases():
        await found.stop(release.key, grace_seconds=0)
    await found.close()


@pytest.fixture
def spec(tmp_path: Path) -> ReleaseSpec:
    (tmp_path / "app" / ".rw" / "bin").mkdir(parents=True)
    key = ReleaseKey("crash", "production", "web", "dep_1", 1)
    return ReleaseSpec(key, Artifact(kind="folder", reference=str(tmp_path / "app")), "sleep 300", environ={"PATH": os.environ["PATH"]})


def leftovers(folder: Path) -> list[int]:
    return [pid for pid in proc.pids() if f"{MARKER}={folder}".encode() in environ(pid)]


def environ(pid: int) -> bytes:
    try:
        return (proc.PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return b""


async def test_another_daemon_finds_what_runs_and_stops_it(runtime, spec, tmp_path):
    before = await runtime.start(replace(spec, replicas=2))
    after = ProcessRuntime(tmp_path / "instances", tmp_path / "jobs")
    [release] = await after.releases()
    assert release == before
    assert (await after.start(replace(spec, replicas=2))).instances == before.instances
    await after.stop(spec.key, grace_seconds=1)
    await after.close()
    assert leftovers(tmp_path) == []
    assert list((tmp_path / "instances").iterdir()) == []


async def test_a_killed_holder_is_told_and_leaves_no_orphan(runtime, spec, tmp_path):
    watching = runtime.watch()
    first = asyncio.create_task(anext(watching))
    await asyncio.sleep(0.05)
    [instance] = (await runtime.start(replace(spec, command="setsid sleep 301 & sleep 302"))).instances
    os.kill(Hold(tmp_path / "instances" / instance.id).pid(), signal.SIGKILL)
    async with asyncio.timeout(5):
        change = await first
    assert change.instance.exit is not None
    assert change.instance.exit.code == -1
    assert leftovers(tmp_path) == []
    await watching.aclose()


async def test_a_replica_that_a_crashed_daemon_had_only_begun_is_cleared_away(runtime, spec, tmp_path):
    folder = tmp_path / "instances" / "dep_1-0-half"
    folder.mkdir(parents=True)
    (folder / "instance.json").write_text("{}")
    (folder / "order").write_bytes(b"")
    assert await runtime.releases() == []
    assert not folder.exists()


async def test_a_folder_that_a_crashed_daemon_had_half_removed_is_cleared_away(runtime, tmp_path):
    folder = tmp_path / "instances" / ".dep_1-0-gone.removed"
    (folder / "out").mkdir(parents=True)
    assert await runtime.releases() == []
    assert not folder.exists()


async def test_an_end_before_the_machine_started_again_is_known_by_its_boot(runtime, spec, tmp_path):
    [instance] = (await runtime.start(replace(spec, command="true"))).instances
    hold = Hold(tmp_path / "instances" / instance.id)
    await hold.wait()
    ends = []
    for boot in (proc.boot_id(), "elsewhere"):
        pid, started, _ = (hold.folder / "pid").read_text().split()
        (hold.folder / "pid").write_text(f"{pid} {started} {boot}")
        [release] = await runtime.releases()
        ends.append(release.instances[0].exit)
    assert ends == [Exit(0), Exit(0, with_host=True)]


async def test_replicas_get_ports_of_their_own_and_a_worker_none(runtime, spec, tmp_path):
    command = "echo $HOST:$PORT; sleep 300"
    release = await runtime.start(replace(spec, command=command, replicas=3))
    assert len({one.port for one in release.instances}) == 3
    for instance in release.instances:
        line = await anext(runtime.lines(instance))
        assert line.text == f"127.0.0.1:{instance.port}"
    worker = replace(spec, key=replace(spec.key, deployment="dep_2"), command=command, port=0)
    [instance] = (await runtime.start(worker)).instances
    assert instance.port == 0
    assert (await anext(runtime.lines(instance))).text == ":"


def test_ports_lie_below_those_of_outgoing_connections():
    assert free_port() < (outgoing_start() if outgoing_start() > 16_000 else 65_536)


async def test_a_job_whose_holder_was_killed_is_lost_and_never_run_twice(runtime, spec, tmp_path):
    job = JobSpec("job-1", spec, f"echo ran >> {tmp_path}/ran; echo up; sleep 300")
    lines: list[str] = []
    caller = asyncio.create_task(runtime.run_job(job, output=lambda line: lines.append(line.text)))
    async with asyncio.timeout(10):
        while not lines:
            await asyncio.sleep(0.01)
    os.kill(Hold(tmp_path / "jobs" / "job-1").pid(), signal.SIGKILL)
    with pytest.raises(JobLostError):
        await caller
    with pytest.raises(JobLostError):
        await runtime.run_job(job, output=lambda _: None)
    assert (tmp_path / "ran").read_text() == "ran\n"
    await runtime.stop(spec.key, grace_seconds=0)


async def test_a_job_that_never_began_runs_when_asked_again(runtime, spec, tmp_path):
    folder = tmp_path / "jobs" / "job-2"
    folder.mkdir(parents=True)
    (folder / "order").write_bytes(b"")
    assert await runtime.run_job(JobSpec("job-2", spec, "exit 4"), output=lambda _: None) == 4
    await runtime.stop(spec.key, grace_seconds=0)
    assert not folder.exists()


async def test_two_callers_of_one_job_share_one_run(runtime, spec, tmp_path):
    job = JobSpec("job-3", spec, f"echo ran >> {tmp_path}/ran; sleep 0.2; exit 2")
    codes = await asyncio.gather(*(runtime.run_job(job, output=lambda _: None) for _ in range(2)))
    assert (codes, (tmp_path / "ran").read_text()) == ([2, 2], "ran\n")
    await runtime.stop(spec.key, grace_seconds=0)
