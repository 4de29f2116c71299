"""The one suite that every runtime passes: real processes, real containers."""

import asyncio
import contextlib
import importlib
import os
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from rw_daemon.runtimes.process import ProcessRuntime
from rw_daemon.runtimes.runtime import Instance, JobSpec, Limits, Line, ReleaseKey, ReleaseSpec, Runtime
from rw_shared.models import Artifact

MakeArtifact = Callable[[dict[str, str]], Awaitable[Artifact]]
"""From files (path → text) to an artifact that a Python program can be started in: ``python3 main.py``."""

SERVER = """
import http.server, os, signal, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (os.environ.get("GREETING", "") + " " + os.environ.get("PORT", "")).encode()
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
def stop(*args):
    print("asked to stop", flush=True)
    threading.Thread(target=server.shutdown).start()
signal.signal(signal.SIGTERM, stop)
print("listening", flush=True); print("warned", file=sys.stderr, flush=True)
server.serve_forever()
"""


@contextlib.asynccontextmanager
async def process_runtime(folder: Path) -> AsyncIterator[tuple[Runtime, MakeArtifact]]:
    async def make_artifact(files: dict[str, str]) -> Artifact:
        app = folder / "releases" / uuid4().hex / "app"
        app.mkdir(parents=True)
        for name, text in files.items():
            (app / name).write_text(text)
        return Artifact(kind="folder", reference=str(app), key=uuid4().hex)

    runtime = ProcessRuntime(folder / "instances", folder / "jobs")
    try:
        yield runtime, make_artifact
    finally:
        for release in await runtime.releases():
            await runtime.stop(release.key, grace_seconds=0)
        await runtime.close()


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.engine)])
async def target(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Runtime, MakeArtifact]]:
    if request.param == "process":
        async with process_runtime(tmp_path) as found:
            yield found
        return
    fixtures = importlib.import_module("integration.runtime_fixtures_docker")
    async with fixtures.docker_runtime(tmp_path) as found:
        yield found


def spec_of(artifact: Artifact, command: str = "python3 main.py", **changes: object) -> ReleaseSpec:
    key = ReleaseKey("suite", "production", "web", f"dep_{uuid4().hex[:12]}", 1)
    variables = {"GREETING": "hello"}
    if artifact.kind == "image":
        variables["HOST"] = "0.0.0.0"
    spec = ReleaseSpec(key, artifact, command, variables=variables, grace_seconds=5.0, environ={"PATH": os.environ["PATH"]})
    return replace(spec, **changes)  # type: ignore[arg-type]


async def answer(instance: Instance, *, seconds: float = 20.0) -> str:
    def ask() -> str:
        with urllib.request.urlopen(f"http://{instance.host}:{instance.port}/", timeout=2) as response:
            return response.read().decode()

    async with asyncio.timeout(seconds):
        while True:
            try:
                return await asyncio.to_thread(ask)
            except OSError:
                await asyncio.sleep(0.05)


async def output(runtime: Runtime, instance: Instance, *, count: int = 0, after: str = "") -> list[Line]:
    """Return the first lines of an instance, all of them until its end with ``count`` 0."""
    found: list[Line] = []
    async with asyncio.timeout(30):
        stream = runtime.lines(instance, after=after)
        async for line in stream:
            found.append(line)
            if len(found) == count:
                break
        await stream.aclose()  # type: ignore[attr-defined]
    return found


async def ended(runtime: Runtime, spec: ReleaseSpec) -> Instance:
    async with asyncio.timeout(30):
        while True:
            for release in await runtime.releases():
                if release.key == spec.key and not release.instances[0].is_running:
                    return release.instances[0]
            await asyncio.sleep(0.05)


async def test_it_says_what_answers(target):
    runtime, _ = target
    assert await runtime.check()


async def test_a_release_answers_with_its_variables_on_its_own_ports(target):
    runtime, make = target
    spec = spec_of(await make({"main.py": SERVER}), replicas=2)
    release = await runtime.start(spec)
    assert [one.index for one in release.instances] == [0, 1]
    assert len({(one.host, one.port) for one in release.instances}) == 2
    for instance in release.instances:
        assert (await answer(instance)).startswith("hello ")


async def test_starting_again_starts_nothing_new(target):
    runtime, make = target
    spec = spec_of(await make({"main.py": SERVER}))
    first = await runtime.start(spec)
    assert [one.id for one in (await runtime.start(spec)).instances] == [one.id for one in first.instances]


async def test_releases_tells_what_runs_and_what_was_stopped_is_gone(target):
    runtime, make = target
    spec = spec_of(await make({"main.py": SERVER}))
    await runtime.start(spec)
    assert spec.key in [release.key for release in await runtime.releases()]
    (whole,) = [release for release in await runtime.releases() if release.key == spec.key]
    assert await runtime.release(spec.key.deployment) == whole
    assert await runtime.release("dep_of_nobody") is None
    await runtime.stop(spec.key, grace_seconds=5)
    assert spec.key not in [release.key for release in await runtime.releases()]
    await runtime.stop(spec.key, grace_seconds=5)


async def test_scaling_up_and_down_keeps_the_lowest_indexes(target):
    runtime, make = target
    spec = spec_of(await make({"main.py": SERVER}))
    first = (await runtime.start(spec)).instances[0]
    more = await runtime.scale(replace(spec, replicas=3))
    assert [one.index for one in more.instances] == [0, 1, 2]
    assert more.instances[0].id == first.id
    fewer = await runtime.scale(spec)
    assert [one.id for one in fewer.instances] == [first.id]


async def test_a_replacement_has_the_same_index_and_a_new_id(target):
    runtime, make = target
    spec = spec_of(await make({"main.py": SERVER}))
    old = (await runtime.start(spec)).instances[0]
    new = await runtime.replace(spec, old, grace_seconds=0)
    assert (new.index, new.id != old.id) == (0, True)
    assert await answer(new)
    release = next(one for one in await runtime.releases() if one.key == spec.key)
    assert [one.id for one in release.instances] == [new.id]


@pytest.mark.parametrize(
    ("command", "code", "number"),
    [
        pytest.param("exit 3", 3, 0, id="exit code"),
        pytest.param("exit 0", 0, 0, id="success"),
        pytest.param("kill -9 $$; sleep 5", 137, 9, id="killed"),
    ],
)
async def test_the_way_it_ended_is_told(target, command, code, number):
    runtime, make = target
    spec = spec_of(await make({"main.py": ""}), command, port=0)
    await runtime.start(spec)
    exit_ = (await ended(runtime, spec)).exit
    assert exit_ is not None
    assert exit_.code == code
    assert exit_.signal in {number, 0}  # an engine tells 137 only


async def test_watch_yields_the_end_of_a_replica(target):
    runtime, make = target
    watching = runtime.watch()
    first = asyncio.create_task(anext(watching))
    await asyncio.sleep(0.2)
    spec = spec_of(await make({"main.py": ""}), "sleep 0.3; exit 4", port=0)
    await runtime.start(spec)
    async with asyncio.timeout(20):
        change = await first
        while change.instance.key != spec.key or change.instance.exit is None:
            change = await anext(watching)
    assert change.instance.exit.code == 4
    await watching.aclose()


async def test_lines_come_in_order_with_their_stream_and_the_last_needs_no_newline(target):
    runtime, make = target
    spec = spec_of(await make({"main.py": ""}), "echo one; sleep 0.05; echo two >&2; sleep 0.05; printf three", port=0)
    instance = (await runtime.start(spec)).instances[0]
    lines = await output(runtime, instance)
    assert [(one.stream, one.text) for one in lines] == [("stdout", "one"), ("stderr", "two"), ("stdout", "three")]


async def test_a_reader_goes_on_after_its_cursor_without_loss_or_repetition(target):
    runtime, make = target
    spec = spec_of(await make({"main.py": "for n in range(2000): print(n, flush=n % 100 == 0)"}), port=0)
    instance = (await runtime.start(spec)).instances[0]
    head = await output(runtime, instance, count=777)
    tail = await output(runtime, instance, after=head[-1].cursor)
    assert [one.text for one in head + tail] == [str(number) for number in range(2000)]


async def test_the_last_words_while_stopping_are_still_read(target):
    runtime, make = target
    spec = spec_of(await make({"main.py": SERVER}))
    instance = (await runtime.start(spec)).instances[0]
    await answer(instance)
    reading = asyncio.create_task(output(runtime, instance))
    await asyncio.sleep(0.1)
    await runtime.stop(spec.key, grace_seconds=5)
    assert "asked to stop" in [one.text for one in await reading]


async def test_an_app_that_ignores_sigterm_is_killed_after_the_grace_time(target):
    runtime, make = target
    text = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    spec = spec_of(await make({"main.py": text}), port=0)
    instance = (await runtime.start(spec)).instances[0]
    await output(runtime, instance, count=1)
    async with asyncio.timeout(15):
        await runtime.stop(spec.key, grace_seconds=1)
    assert spec.key not in [release.key for release in await runtime.releases()]


async def test_samples_tell_memory_and_cpu(target):
    runtime, make = target
    spec = spec_of(await make({"main.py": SERVER}))
    release = await runtime.start(spec)
    await answer(release.instances[0])
    [sample] = await runtime.samples(release)
    assert sample.instance == release.instances[0].id
    assert 1_000_000 < sample.memory_bytes < 500_000_000
    assert sample.cpu_seconds >= 0


async def test_listeners_shows_where_an_app_really_listens(target):
    runtime, make = target
    text = "import socket, time\ns = socket.create_server(('127.0.0.1', 0))\nprint(s.getsockname()[1], flush=True)\ntime.sleep(60)"
    spec = spec_of(await make({"main.py": text}))
    instance = (await runtime.start(spec)).instances[0]
    [said] = await output(runtime, instance, count=1)
    assert ("127.0.0.1", int(said.text)) in [(one.host, one.port) for one in await runtime.listeners(instance)]


async def test_an_app_beyond_its_memory_is_killed_and_that_is_told(target):
    runtime, make = target
    text = "import time\nheld = bytearray(b'x') * 300_000_000\ntime.sleep(60)"
    spec = spec_of(await make({"main.py": text}), port=0, limits=Limits(memory_bytes=200_000_000))
    await runtime.start(spec)
    exit_ = (await ended(runtime, spec)).exit
    assert exit_ is not None
    assert exit_.out_of_memory


async def test_a_job_runs_once_and_whoever_asks_again_gets_its_kept_exit_code(target, tmp_path):
    runtime, make = target
    job = JobSpec(f"job-{uuid4().hex[:8]}", spec_of(await make({"main.py": ""})), "echo ran; echo $GREETING; exit 5")
    first: list[Line] = []
    assert await runtime.run_job(job, output=first.append) == 5
    assert [one.text for one in first] == ["ran", "hello"]
    again: list[Line] = []
    assert await runtime.run_job(job, output=again.append) == 5
    assert [one.text for one in again] in ([], ["ran", "hello"])
    await runtime.stop(job.release.key, grace_seconds=0)


async def test_a_job_whose_caller_was_cancelled_is_attached_to_again(target):
    runtime, make = target
    job = JobSpec(f"job-{uuid4().hex[:8]}", spec_of(await make({"main.py": ""})), "echo begun; sleep 1.5; echo over; exit 6")
    lines: list[Line] = []
    caller = asyncio.create_task(runtime.run_job(job, output=lines.append))
    async with asyncio.timeout(20):
        while not lines:
            await asyncio.sleep(0.02)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    again: list[Line] = []
    assert await runtime.run_job(job, output=again.append) == 6
    assert [one.text for one in again].count("over") == 1
    await runtime.stop(job.release.key, grace_seconds=0)


async def test_a_job_that_was_dropped_runs_again(target):
    runtime, make = target
    job = JobSpec(f"job-{uuid4().hex[:8]}", spec_of(await make({"main.py": ""})), "echo ran; sleep 60")
    await runtime.drop_job(job)  # there is none
    for _ in range(2):
        lines: list[Line] = []
        caller = asyncio.create_task(runtime.run_job(job, output=lines.append))
        async with asyncio.timeout(20):
            while not lines:
                await asyncio.sleep(0.02)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        assert [one.text for one in lines] == ["ran"]
        await runtime.drop_job(job)
    await runtime.stop(job.release.key, grace_seconds=0)
