"""Images built for real, through the Engine API alone."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import subprocess
import tarfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from fakes.cable import Cable
from fakes.registry import Registry
from shapes.deno import locked

from rw_daemon.builds.builder import BuildOrder, BuildOutput
from rw_daemon.builds.docker import DockerBuilder
from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.engines.client import Engine
from rw_daemon.plans.plan import BuildPlan
from rw_daemon.snapshots import Snapshots
from rw_shared.config import BuildConfig, ServiceConfig
from rw_shared.errors import BaseImageMissingError, BuildFailedError, EngineUnreachableError
from rw_shared.models import Artifact

pytestmark = pytest.mark.engine
PROJECT = "rw-build-test"
SECRET = "s3cr3t-that-no-layer-holds"
TOKEN = "t0k3n-that-no-cache-holds"
STATIC = {"index.html": "<h1>hello</h1>", "style.css": "h1 { color: red }"}
FLASK = {"requirements.txt": "flask\ngunicorn\n", "app.py": "from flask import Flask\napp = Flask(__name__)\n"}
FLASK_AND_LIBPQ = {**FLASK, "requirements.txt": "flask\ngunicorn\npsycopg\n"}


class Workshop:
    """A builder and the sources it builds."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said = folder, list[BuildOutput]()
        self.engines: list[Engine] = []
        self.snapshots = Snapshots(folder / "snapshots", limit_files=1000, limit_bytes=10**8)
        self.builder = self.open()

    def open(self, socket: str = "/var/run/docker.sock") -> DockerBuilder:
        async def read(digest: str, path: str) -> str:
            return (await self.snapshots.source(digest)).text(path)

        self.engines.append(Engine(socket))
        return DockerBuilder(self.engines[-1], context=self.snapshots.tar, read=read, retry_pauses=())

    async def order(self, files: dict[str, str], *, key: str, command: str = "", variables: dict[str, str] | None = None) -> BuildOrder:
        source = self.folder / f"source-{key}"
        for path, text in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_text(text)
        digest = (await self.snapshots.take(source)).digest
        config = ServiceConfig(build=BuildConfig(build_command=command or None))
        plan: BuildPlan = registry.plan(Request(await self.snapshots.source(digest), config))
        return BuildOrder(
            key=f"{key}-{time.time_ns()}", plan=plan, snapshot=digest, labels={"rw.project": PROJECT}, variables=variables or {}
        )

    async def build(self, order: BuildOrder) -> Artifact:
        return await self.builder.build(order, output=self.said.append)


@pytest.fixture
async def workshop(tmp_path: Path) -> AsyncIterator[Workshop]:
    made = Workshop(tmp_path)
    yield made
    for engine in made.engines:
        await engine.close()
    images = docker("image", "ls", "--quiet", "--filter", f"label=rw.project={PROJECT}").split()
    if images:
        docker("image", "rm", "--force", *set(images))


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


def size_of(image: str) -> int:
    return int(docker("image", "inspect", "--format", "{{.Size}}", image))


def records(words: str) -> set[str]:
    """Return the engine's cache records of steps with these words, and of copied files: those do not say whose they are."""
    found = json.loads(engine("GET", "/system/df"))["BuildCache"] or []
    return {one["ID"] for one in found if words in one["Description"] or "fileop" in one["Description"]}


def forget(gone: set[str], words: str) -> None:
    """Take records out of the engine's cache: what others copied in the same moment goes as well, and costs them a copy."""
    for _ in range(4):  # one that another was made from goes only after it
        for identity in gone & records(words):
            engine("POST", f"/build/prune?all=1&filters={quote(json.dumps({'id': [identity]}))}")


def engine(method: str, path: str) -> str:
    asked = ["curl", "--silent", "--fail", "--unix-socket", "/var/run/docker.sock", "-X", method, f"http://docker/v1.41{path}"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


async def test_flask_image_is_found_again_small_and_runs_without_rights(workshop: Workshop) -> None:
    order = replace(await workshop.order(FLASK, key="flask"), commit="0a1b2c3")
    artifact = await workshop.build(order)
    found = await workshop.open().find(order.key)
    assert found is not None
    assert found.reference == artifact.reference
    assert size_of(artifact.reference) - size_of("python:3.13-slim") < 25_000_000
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", artifact.reference))
    assert {name.rpartition("image.")[2]: value for name, value in labels.items() if name.startswith("org.opencontainers.")} == {
        "title": PROJECT,
        "base.name": "python:3.13-slim",
        "revision": "0a1b2c3",
    }
    out = docker(
        "run",
        "--rm",
        "--label",
        f"rw.project={PROJECT}",
        artifact.reference,
        "sh",
        "-c",
        "id -u; touch /app/mine && echo may write; command -v uv pip || true; gunicorn --version",
    )
    assert out.splitlines()[:2] == ["10001", "may write"]
    assert "gunicorn" in out.splitlines()[-1]


async def test_packages_of_an_image_are_those_that_its_own_managers_list(workshop: Workshop) -> None:
    artifact = await workshop.build(await workshop.order(FLASK, key="sbom"))
    found = await workshop.builder.components(artifact)
    assert found is not None
    script = "dpkg-query -W -f '${Package} ${Version}\\n'; echo; ls /app/.venv/lib/python3*/site-packages"
    system, _, mine = docker("run", "--rm", "--label", f"rw.project={PROJECT}", artifact.reference, "sh", "-c", script).partition("\n\n")
    assert {f"{one.name} {one.version}" for one in found if one.kind == "deb"} == set(system.splitlines())
    installed = {one.removesuffix(".dist-info").lower() for one in mine.split() if one.endswith(".dist-info")}
    assert installed
    assert installed <= {f"{one.name.replace('-', '_')}-{one.version}".lower() for one in found if one.kind == "pypi"}
    assert docker("ps", "--all", "--quiet", "--filter", f"ancestor={artifact.reference}") == ""


@pytest.mark.full
async def test_engine_without_a_cache_installs_nothing_again_with_the_one_in_the_registry(workshop: Workshop, tmp_path: Path) -> None:
    with Registry(user="ann", password=SECRET) as registry:
        auth = base64.b64encode(f"ann:{SECRET}".encode()).decode()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))
        nonce = f"installed-{time.time_ns()}"

        async def order(key: str, source: str, cache: str) -> BuildOrder:
            files = {**FLASK, "app.py": FLASK["app.py"] + source}
            made = await workshop.order(files, key=key, command=f"test -n $API_TOKEN && : {nonce}", variables={"API_TOKEN": TOKEN})
            install, *others = made.plan.steps
            steps = (install.model_copy(update={"commands": tuple(f"{one} && echo {nonce}" for one in install.commands)}), *others)
            plan = made.plan.model_copy(update={"steps": steps})
            return replace(made, plan=plan, cache=cache, environ={"DOCKER_CONFIG": str(tmp_path)})

        async def built(key: str, source: str, *, cache: str = f"{registry.host}/shop/cache:main") -> set[str]:
            workshop.said.clear()
            before = records(nonce)
            artifact = await workshop.build(await order(key, source, cache))
            assert docker("run", "--rm", "--label", f"rw.project={PROJECT}", artifact.reference, "tail", "-1", "app.py").strip() == source
            docker("image", "rm", artifact.reference)  # without force: nothing else names it
            forget(records(nonce) - before, nonce)
            return {one.state for one in workshop.said if f"echo {nonce}" in one.step and one.state}

        assert "done" in await built("first", "# one")
        assert registry.holds("shop/cache:main"), [one.text for one in workshop.said if one.step == "cache"]
        assert "done" in await built("alone", "# alone", cache="")
        assert await built("second", "# two") <= {"cached"}
        assert [one.state for one in workshop.said if one.step.startswith("pull") and one.state][-1] == "done"
        assert docker("image", "ls", "--quiet", f"{registry.host}/shop/cache") == ""
        assert SECRET not in repr(workshop.said)
        assert len(registry.blobs) > 5
        assert not any(TOKEN.encode() in one for one in registry.blobs)


async def test_cache_that_cannot_be_had_or_left_is_told_and_fails_nothing(workshop: Workshop) -> None:
    with Registry(user="ann", password=SECRET) as registry:
        order = replace(await workshop.order(STATIC, key="no-cache"), cache=f"{registry.host}/shop/cache", environ={"HOME": "/nonexistent"})
        await workshop.build(order)
        told = [one.text for one in workshop.said if one.step == "cache"]
        assert [one.partition(f" {registry.host}/shop/cache: ")[0] for one in told] == [
            "No cache could be had from",
            "The cache was not left at",
        ]
        assert not registry.holds("shop/cache:latest")


async def test_layers_of_an_image_are_its_base_and_what_was_added(workshop: Workshop) -> None:
    order = await workshop.order(FLASK, key="sizes")
    artifact = await workshop.build(order)
    parts = await workshop.builder.parts(artifact, base=order.plan.bases.run)
    assert sum(one.size_bytes for one in parts) == size_of(artifact.reference)
    assert sum(one.size_bytes for one in parts if one.is_base) == size_of(order.plan.bases.run)
    assert [one.what for one in parts if not one.is_base] == ["COPY /app/.venv /app/.venv", "COPY src/ /app/"]
    docker("image", "rm", "--force", artifact.reference)
    assert await workshop.builder.parts(artifact, base="") == ()


@pytest.mark.parametrize(
    "files", [pytest.param(FLASK_AND_LIBPQ, marks=pytest.mark.full), STATIC], ids=["flask, Debian packages", "static site"]
)
async def test_image_is_the_same_bit_for_bit_when_it_is_built_anew_with_its_date_given(workshop: Workshop, files: dict[str, str]) -> None:
    order = replace(await workshop.order(files, key="same"), epoch=1_700_000_000, no_cache=True)
    first = await workshop.build(order)
    assert await workshop.builder.find(order.key) == first
    docker("image", "rm", "--force", first.reference)
    second = await workshop.build(order)
    assert second == first
    assert docker("image", "inspect", "--format", "{{.Created}}", second.reference).startswith("2023-11-14T22:13:20")
    assert docker("image", "ls", "--quiet", "--no-trunc", "--filter", f"label=rw.project={PROJECT}").split() == [second.reference]
    if files is FLASK_AND_LIBPQ:
        told = docker("run", "--rm", "--label", f"rw.project={PROJECT}", second.reference, "sh", "-c", "python -v -c 'import flask' 2>&1")
        assert re.search(r"matches /app/\S+/flask/__init__.py", told), "its compiled files no longer belong to their sources"


async def test_second_build_of_the_same_takes_every_step_from_the_cache(workshop: Workshop) -> None:
    await workshop.build(await workshop.order(FLASK, key="a"))
    workshop.said.clear()
    await workshop.build(await workshop.order(FLASK, key="b"))
    assert {one.state for one in workshop.said if " RUN " in one.step and one.state} == {"cached"}


@pytest.mark.full
async def test_deno_downloads_what_was_added_and_keeps_what_is_asked_for(workshop: Workshop) -> None:
    name = f"@rw/deno-{time.time_ns()}"  # no engine has a cache of it

    async def built(key: str, *packages: str) -> tuple[set[str], set[str]]:
        workshop.said.clear()
        artifact = await workshop.build(await workshop.order(locked(name, *packages), key=key))
        # archives only: Deno also asks for the newest versions, to name them
        loaded = {found[1] for one in workshop.said if (found := re.search(r"Download.*/-/([a-z-]+)-\d", one.text))}
        look = "deno cache main.ts && ls .deno/npm/registry.npmjs.org"
        there = docker("run", "--rm", "--network", "none", "--label", f"rw.project={PROJECT}", artifact.reference, "sh", "-c", look)
        return loaded, set(there.split())

    odd, both = {"is-odd", "is-number"}, {"is-odd", "is-number", "ms"}
    assert await built("one", "is-odd@3.0.1") == (odd, odd)
    assert await built("two", "is-odd@3.0.1", "ms@2.1.3") == ({"ms"}, both)
    assert await built("three", "ms@2.1.3") == ({"ms"}, {"ms"})


async def test_failing_step_names_its_command_exit_code_and_last_lines(workshop: Workshop) -> None:
    order = await workshop.order(FLASK, key="failing", command="echo about to fail; exit 7")
    with pytest.raises(BuildFailedError) as caught:
        await workshop.build(order)
    assert caught.value.details["exitCode"] == 7
    assert "about to fail" in caught.value.why
    assert caught.value.details["line"]


async def test_cancelled_build_stops_the_running_step(workshop: Workshop) -> None:
    order = await workshop.order(FLASK, key="cancelled", command=f"sleep 98.{time.time_ns()}")
    task = asyncio.create_task(workshop.build(order))
    await until(lambda: bool(sleepers()), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not sleepers(), 10)
    assert await workshop.builder.find(order.key) is None


def sleepers() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"sleep\x0098."):
                found.append(path.parent.name)
        except OSError:
            continue
    return found


async def test_secret_of_a_build_is_in_no_layer_history_or_line(workshop: Workshop, tmp_path: Path) -> None:
    order = await workshop.order(FLASK, key="secret", command=f'echo "{time.time_ns()} token: $API_TOKEN"', variables={"API_TOKEN": SECRET})
    artifact = await workshop.build(order)
    saved = tmp_path / "image.tar"
    docker("image", "save", "--output", str(saved), artifact.reference)
    with tarfile.open(saved) as outer:
        for member in outer.getmembers():
            content = outer.extractfile(member)
            assert content is None or SECRET.encode() not in content.read(), member.name
    words = docker("history", "--no-trunc", artifact.reference) + docker("image", "inspect", artifact.reference)
    assert SECRET not in words + repr(workshop.said) + repr(order)
    assert any("token: ***" in one.text for one in workshop.said)


async def test_own_dockerfile_gets_only_the_arguments_it_declares(workshop: Workshop) -> None:
    files = {"Dockerfile": 'FROM debian:trixie-slim\nARG GREETING\nRUN echo "$GREETING/$OTHER" > /greeting\nCMD cat /greeting\n'}
    order = await workshop.order(files, key="own", variables={"GREETING": "hello", "OTHER": "nobody asked"})
    artifact = await workshop.build(order)
    assert docker("run", "--rm", "--label", f"rw.project={PROJECT}", artifact.reference).strip() == "hello/"


async def test_private_base_is_pulled_with_the_users_own_login(workshop: Workshop, tmp_path: Path) -> None:
    with Registry(user="ann", password=SECRET) as registry:
        base = f"{registry.host}/private/base:1"
        order = await workshop.order({"Dockerfile": f"FROM {base}\nLABEL a=b\n"}, key="private")
        with pytest.raises(BaseImageMissingError) as caught:
            await workshop.build(order)
        assert f"docker login {registry.host}" in caught.value.hint
        auth = base64.b64encode(f"ann:{SECRET}".encode()).decode()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))
        try:
            await workshop.build(replace(order, environ={"DOCKER_CONFIG": str(tmp_path)}))
        finally:
            docker("image", "rm", "--force", base)
        assert [one.state for one in workshop.said if one.step == f"pull {base}" and one.state][-1] == "done"
        assert SECRET not in repr(workshop.said)


@pytest.mark.parametrize("tag", ["2", "1"], ids=["no such tag", "nobody listens"])
async def test_base_that_cannot_be_had_is_named(workshop: Workshop, tag: str) -> None:
    with Registry() as registry:
        base = f"{registry.host if tag == '2' else '127.0.0.1:9'}/private/base:{tag}"
        with pytest.raises(BaseImageMissingError, match=base):
            await workshop.build(await workshop.order({"Dockerfile": f"FROM {base}\n"}, key="missing"))


async def test_engine_that_goes_away_in_the_middle_of_a_build_is_named(workshop: Workshop, tmp_path: Path) -> None:
    async with Cable(tmp_path / "engine.sock", "/var/run/docker.sock") as cable:
        workshop.builder = workshop.open(str(cable.path))
        order = await workshop.order(FLASK, key="cut", command=f"echo under way; sleep 98.{time.time_ns()}")
        task = asyncio.create_task(workshop.build(order))
        await until(lambda: any("under way" in one.text for one in workshop.said), 60)
        await cable.cut()
        with pytest.raises(EngineUnreachableError):
            await task
        cable.mend()
        assert await workshop.builder.find(order.key) is None
        await until(lambda: not sleepers(), 20)
