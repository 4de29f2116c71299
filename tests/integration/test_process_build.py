"""Plans carried out for real in release folders: packages from the registry, failures, cancelling, reuse."""

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest
from shapes.deno import locked

from rw_daemon.builds.builder import BuildOrder, BuildOutput
from rw_daemon.builds.process import ProcessBuilder
from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan, Cache, Origin, Step
from rw_daemon.processes import proc
from rw_daemon.processes.spawning import run
from rw_shared.errors import BuildFailedError, RegistryUnreachableError, ToolMissingError

UV_CACHE = Cache(id="uv", path="/root/.cache/uv", variable="UV_CACHE_DIR")
FLASK = BuildPlan(
    buildpack="python",
    version="3.13",
    tools={"uv": "", "python": ""},
    path=(".venv/bin",),
    origins={"version": Origin.model_validate({"value": "3.13", "from": "default"})},
    steps=(
        Step(name="venv", commands=("uv venv .venv",), caches=(UV_CACHE,)),
        Step(name="install", commands=("uv pip install -r requirements.txt",), inputs=("requirements.txt",), caches=(UV_CACHE,)),
        Step(name="sources", commands=(), inputs=(".",)),
    ),
)
ENVIRON = {
    name: value
    for name, value in os.environ.items()
    if name in {"PATH", "HOME"} or name.startswith(("UV_", "PIP_", "SSL_", "DENO_", "NODE_"))
}


class Workshop:
    """A builder over trees that tests change."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.files, self.said = folder, dict[str, str](), list[BuildOutput]()
        self.builder = ProcessBuilder(folder / "releases", folder / "caches", lay_out=self.lay_out, retry_pauses=(0.01,))

    async def lay_out(self, digest: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    async def build(self, plan: BuildPlan, *, key: str = "key", **more: object):
        order = BuildOrder(key, plan, "snapshot", environ=ENVIRON, **more)  # type: ignore[arg-type]
        return await self.builder.build(order, output=self.said.append)

    @property
    def left(self) -> list[str]:
        return [path.name for path in (self.folder / "releases").glob("*")]


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def step(command: str, *, inputs: tuple[str, ...] = (".",), **more: object) -> BuildPlan:
    return BuildPlan(buildpack="shell", steps=(Step(name="make", commands=(command,), inputs=inputs, **more),))  # type: ignore[arg-type]


async def said(*arguments: str) -> str:
    lines: list[str] = []
    code = await run(arguments, cwd=Path("/"), environ=ENVIRON, output=lambda _, line: lines.append(line))
    assert code == 0, lines
    return "\n".join(lines)


async def test_packages_go_into_the_release_and_never_into_the_users_own_python(shop):
    shop.files = {"requirements.txt": "flask\n"}
    plan = BuildPlan(
        buildpack="python",
        tools={"uv": "", "python": ""},
        steps=(
            Step(name="look", commands=("uv venv .venv", "uv pip install --dry-run -v six > said 2>&1"), caches=(UV_CACHE,), inputs=(".",)),
        ),
    )
    app = Path((await shop.build(plan)).reference)
    assert f"{app}/.venv" in (app / "said").read_text()


async def test_an_edited_flask_app_reuses_its_packages_and_its_scripts_work(shop):
    shop.files = {"requirements.txt": "flask\ngunicorn\n", "app.py": "first = 1"}
    first = await shop.build(FLASK, key="one")
    shop.files["app.py"] = "second = 2"
    second = await shop.build(FLASK, key="two")
    assert (Path(second.reference) / "app.py").read_text() == "second = 2"
    assert (Path(first.reference) / "app.py").read_text() == "first = 1"
    assert {one.step for one in shop.said if one.state == "cached"} == {"venv", "install"}
    shutil.rmtree(Path(first.reference).parent)
    assert (await said(f"{second.reference}/.venv/bin/gunicorn", "--version")).startswith("gunicorn")
    assert (await said(f"{second.reference}/.venv/bin/python", "-c", "import flask; print(flask.__file__)")).startswith(second.reference)


async def test_changed_manifests_install_again(shop):
    plan = BuildPlan(buildpack="shell", steps=(Step(name="install", commands=("cat list > installed",), inputs=("list",)),))
    shop.files = {"list": "a"}
    await shop.build(plan, key="one")
    shop.files = {"list": "b"}
    artifact = await shop.build(plan, key="two")
    assert (Path(artifact.reference) / "installed").read_text() == "b"
    assert not [one for one in shop.said if one.state == "cached"]


async def test_the_same_key_is_built_once_also_when_asked_twice_at_once(shop):
    shop.files = {"a": ""}
    plan = step(f"echo x >> {shop.folder}/count; sleep 0.2")
    one, two = await asyncio.gather(shop.build(plan), shop.build(plan))
    assert (one.reference, {one.reused, two.reused}) == (two.reference, {False, True})
    assert (shop.folder / "count").read_text() == "x\n"
    found = await shop.builder.find("key")
    assert found is not None
    assert found.reused


async def test_a_step_sees_only_the_inputs_that_were_named_so_far(shop):
    shop.files = {"manifest": "", "source": "", "deep/er/file": ""}
    plan = BuildPlan(
        buildpack="shell",
        steps=(
            Step(name="first", commands=("ls > seen-first",), inputs=("manifest",)),
            Step(name="then", commands=("ls deep/er > seen-then",), inputs=("deep/er/file",)),
        ),
    )
    app = Path((await shop.build(plan)).reference)
    assert (app / "seen-first").read_text().split() == ["manifest", "seen-first"]
    assert (app / "seen-then").read_text().split() == ["file"]
    assert (app / "source").exists()


async def test_a_build_stands_behind_what_serves(shop):
    await shop.build(step("sh -c 'nice && cat /proc/self/autogroup || true'"))
    told = [one.text for one in shop.said if one.text]
    assert int(told[0]) == min(os.nice(0) + 10, 19)
    assert all(one.endswith(" nice 10") for one in told[1:])


async def test_a_failing_step_tells_its_last_lines_and_leaves_nothing(shop):
    shop.files = {"a": ""}
    with pytest.raises(BuildFailedError) as caught:
        await shop.build(step("echo the reason >&2; exit 9"))
    assert (caught.value.details["exitCode"], caught.value.details["step"]) == (9, "make")
    assert "the reason" in caught.value.why
    assert shop.left == []


async def test_a_registry_that_does_not_answer_is_asked_again_and_then_named(shop):
    shop.files = {"a": ""}
    with pytest.raises(RegistryUnreachableError):
        await shop.build(step(f"echo x >> {shop.folder}/count; echo 'Temporary failure in name resolution'; exit 1"))
    assert (shop.folder / "count").read_text() == "x\nx\n"


async def test_cancelling_kills_everything_and_leaves_nothing(shop):
    shop.files = {"a": ""}
    building = asyncio.create_task(shop.build(step(f"sleep 300 & echo $! > {shop.folder}/pid; wait")))
    async with asyncio.timeout(10):
        while not (shop.folder / "pid").exists() or not (shop.folder / "pid").read_text().strip():
            await asyncio.sleep(0.02)
    building.cancel()
    await asyncio.gather(building, return_exceptions=True)
    pid = int((shop.folder / "pid").read_text())
    async with asyncio.timeout(5):
        while Path(f"/proc/{pid}/stat").exists() and ") Z" not in Path(f"/proc/{pid}/stat").read_text():
            await asyncio.sleep(0.02)
    assert shop.left == []


async def test_what_a_killed_daemon_was_building_is_ended_before_the_next_one_builds(shop):
    """Also what left the session, and what left the environment behind."""
    plan = step("env -i sleep 98761 & setsid sleep 98762 & echo $$ > ../../../pid; sleep 98763")
    building = asyncio.create_task(shop.build(plan))
    while not (shop.folder / "pid").exists() or len(sleeping()) < 3:
        await asyncio.sleep(0.01)
    try:
        await ProcessBuilder(shop.folder / "releases", shop.folder / "caches", lay_out=shop.lay_out).sweep()
        assert sleeping() == []
    finally:
        with pytest.raises(BuildFailedError):
            await building


def sleeping() -> list[int]:
    return [pid for pid in proc.pids() if proc.process(pid) and b"sleep\x009876" in command(pid)]


def command(pid: int) -> bytes:
    try:
        return (proc.PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""


async def test_a_folder_left_half_done_by_a_crash_is_not_used(shop):
    half = shop.folder / "releases" / "halfdone" / "app"
    half.mkdir(parents=True)
    shop.files = {"a": ""}
    await shop.build(step("true"))
    assert not half.exists()
    assert len(shop.left) == 1


async def test_only_declared_variables_reach_a_step_and_their_values_stay_out_of_the_log_and_the_folder(shop):
    shop.files = {"a": ""}
    plan = step('echo "got $TOKEN and ${OTHER:-nothing}"', variables=("TOKEN",))
    artifact = await shop.build(plan, variables={"TOKEN": "sesame-open", "OTHER": "not declared"})
    assert "got *** and nothing" in [one.text for one in shop.said]
    files = [path for path in Path(artifact.reference).parent.rglob("*") if path.is_file()]
    assert not [path for path in files if b"sesame-open" in path.read_bytes()]


async def test_a_missing_tool_is_named(shop):
    plan = BuildPlan(buildpack="node", tools={"no-such-tool": ""})
    with pytest.raises(ToolMissingError, match="no-such-tool"):
        await shop.build(plan)


async def test_another_version_than_the_one_asked_for_is_refused_and_the_found_one_named(shop):
    asked = Origin.model_validate({"value": "3", "from": ".tool-versions"})
    shop.folder.joinpath("bin").mkdir()
    program = shop.folder / "bin" / "node"
    program.write_text("#!/bin/sh\necho v20.1.0\n")
    program.chmod(0o755)
    plan = BuildPlan(buildpack="node", version="22", tools={"node": "22"}, origins={"version": asked})
    order = BuildOrder("key", plan, "snapshot", environ={"PATH": f"{program.parent}:/usr/bin:/bin"})
    with pytest.raises(ToolMissingError) as caught:
        await shop.builder.build(order, output=shop.said.append)
    assert "v20.1.0" in caught.value.why


async def test_a_dockerfile_needs_an_engine(shop):
    with pytest.raises(ToolMissingError, match="Docker engine"):
        await shop.build(BuildPlan(buildpack="dockerfile", dockerfile="Dockerfile"))


async def test_generated_files_win_and_a_folder_that_is_the_root_is_built_alone(shop):
    shop.files = {"web/Caddyfile": "theirs", "web/x": "1", "other/x": "2"}
    plan = BuildPlan(
        buildpack="static",
        root="web",
        files={"Caddyfile": "ours"},
        steps=(Step(name="look", commands=("cat x > y",), inputs=(".",)),),
    )
    app = Path((await shop.build(plan)).reference)
    assert (app / "Caddyfile").read_text() == "ours"
    assert (app / "y").read_text() == "1"
    assert not list(app.parent.rglob("other"))


async def test_folders_of_other_apps_stay_out_but_for_what_a_step_names(shop):
    shop.files = {"web/x": "1", "api/package.json": "{}", "api/deep/y": "2"}
    steps = (
        Step(name="install", commands=("test -f api/package.json",), inputs=("api/package.json",)),
        Step(name="build", commands=("test -f web/x",), inputs=(".",)),
    )
    app = Path((await shop.build(BuildPlan(buildpack="node", left_out=("api",), steps=steps))).reference)
    assert sorted(one.name for one in app.rglob("*") if one.is_file() and ".rw" not in one.parts) == ["package.json", "x"]


async def test_a_release_that_a_process_runs_from_is_not_removed(shop):
    shop.files = {"a": ""}
    artifact = await shop.build(step("true"))
    process = await asyncio.create_subprocess_exec("sleep", "60", cwd=artifact.reference)
    await shop.builder.remove(artifact)
    assert Path(artifact.reference).exists()
    process.kill()
    await process.wait()
    await shop.builder.remove(artifact)
    assert shop.left == []


async def test_caddy_comes_from_the_registry_and_runs(shop):
    shop.files = {"index.html": "hello"}
    plan = BuildPlan(
        buildpack="static", tools={"caddy": ""}, steps=(Step(name="ask", commands=("caddy version > version",), inputs=(".",)),)
    )
    app = Path((await shop.build(plan)).reference)
    assert (app / "version").read_text().startswith("v2")
    assert (app / ".rw" / "bin" / "caddy").exists()


@pytest.mark.skipif(not shutil.which("deno"), reason="needs deno")
async def test_deno_downloads_what_was_added_and_keeps_what_is_asked_for(shop):
    async def built(*packages: str) -> tuple[set[str], set[str]]:
        shop.files, before = locked("@rw/shop", *packages), len(shop.said)
        artifact = await shop.build(registry.plan(Request(Source(shop.files))), key=" ".join(packages))
        # archives only: Deno also asks for the newest versions, to name them
        loaded = {found[1] for one in shop.said[before:] if (found := re.search(r"Download.*/-/([a-z-]+)-\d", one.text))}
        return loaded, {path.name for path in Path(artifact.reference).glob(".deno/npm/registry.npmjs.org/*")}

    odd, both = {"is-odd", "is-number"}, {"is-odd", "is-number", "ms"}
    assert await built("is-odd@3.0.1") == (odd, odd)
    assert await built("is-odd@3.0.1", "ms@2.1.3") == ({"ms"}, both)
    assert await built("ms@2.1.3") == ({"ms"}, {"ms"})
