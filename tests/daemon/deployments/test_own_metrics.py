"""Releases whose own metrics are judged, on fakes: taken back for what no HTTP status says, held for what cannot be measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, SCOPE, World

from rw_daemon.edge.edge import Traffic
from rw_daemon.runtimes.runtime import JobSpec, Line
from rw_shared.events import StoredEvent
from rw_shared.models import Operation, Pace

GRADUAL = '[deploy.rollout]\nstrategy = "gradual"\n'
ERRORS = '[[deploy.rollout.metrics]]\nname = "errors"\nmetric = "errors_total"\nread = "rate"\nmax = 1\n'
SMOKE = '[[deploy.rollout.metrics]]\nname = "smoke"\ncommand = "python smoke.py"\n'
PER_SECOND = 100


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    made.edge.traffic = lambda _: Traffic(round(made.clock.elapsed * PER_SECOND))
    yield made
    await made.close()


def files(version: int, *, railway: str) -> dict[str, str]:
    return {**FLASK, "app.py": f"{FLASK['app.py']}# {version}\n", "railway.toml": railway}


def counting(world: World, *, per_second: float, name: str = "errors_total") -> None:
    """From now on every replica's counter grows so fast; its answers stay 200."""
    since = world.clock.elapsed
    world.page = lambda path: (200, f"{name} {(world.clock.elapsed - since) * per_second}\n" if path == "/metrics" else "ok")


async def second(world: World, railway: str) -> Operation:
    """Return the operation of a second release that has begun."""
    await world.up(files(1, railway=railway))
    return await world.start(files=files(2, railway=railway))


async def told(world: World, operation: Operation, name: str) -> list[StoredEvent]:
    return [one for one in await world.store.events(operation=operation.id) if one.name == name]


async def verdicts(world: World, operation: Operation) -> list[str]:
    return [one.data["verdict"] for one in await told(world, operation, "rollout.judged")]


async def test_release_whose_own_counter_grows_is_taken_back_with_the_numbers(world: World) -> None:
    counting(world, per_second=5)
    operation = await second(world, GRADUAL + ERRORS)
    await world.settled(operation)
    assert await verdicts(world, operation) == ["suspicious", "bad"]
    newest, oldest = await world.deployments()
    assert (newest.status, oldest.status) == ("rolled_back", "active")
    assert newest.error is not None
    assert "errors 5 a second (at most 1)" in newest.error.why
    last = (await told(world, operation, "rollout.judged"))[-1].data
    assert [(one["name"], one["verdict"], round(one["value"], 3)) for one in last["metrics"]] == [("errors", "bad", 5.0)]
    assert any("errors 5 a second" in one.words for one in (await world.rooms.why.read(newest)).items if one.kind == "verdict")


async def test_release_within_its_bounds_goes_through(world: World) -> None:
    counting(world, per_second=0.5)
    operation = await second(world, GRADUAL + ERRORS)
    await world.settled(operation)
    assert await verdicts(world, operation) == ["good"] * 3
    assert (await world.statuses())[0] == "active"


async def test_both_releases_that_share_a_trouble_are_left_alone(world: World) -> None:
    counting(world, per_second=5)
    operation = await second(world, f"{GRADUAL}{ERRORS}maxRatio = 2\n")
    await world.settled(operation)
    assert await verdicts(world, operation) == ["good"] * 3
    last = (await told(world, operation, "rollout.judged"))[-1].data["metrics"]
    assert [(round(one["value"], 3), round(one["old"], 3)) for one in last] == [(5.0, 5.0)]


async def test_series_that_is_not_there_is_no_data_and_told(world: World) -> None:
    counting(world, per_second=1, name="other_total")
    operation = await second(world, GRADUAL + ERRORS)
    await world.settled(operation)
    assert await verdicts(world, operation) == ["no data"] * 6
    assert "errors: no data (no such series)" in (await told(world, operation, "rollout.judged"))[0].data["words"]
    assert (await world.statuses())[0] == "active"


async def held(world: World, operation: Operation) -> str:
    await world.until(lambda: told(world, operation, "rollout.paced"))
    assert await verdicts(world, operation) == ["could not measure"] * 4
    return str((await told(world, operation, "rollout.paced"))[0].data["reason"])


async def test_scrape_that_fails_four_times_holds_until_somebody_says_so(world: World) -> None:
    world.page = lambda path: (404, "") if path == "/metrics" else (200, "ok")
    operation = await second(world, GRADUAL + ERRORS)
    assert "errors: could not measure (GET /metrics answered 404)" in await held(world, operation)
    await world.restart()
    counting(world, per_second=0)
    await world.rooms.rollouts.pace(SCOPE, "web", Pace.STEPS, actor="ada")
    await world.settled(operation)
    assert (await world.statuses())[0] == "active"


async def test_command_that_is_content_lets_it_through_and_leaves_nothing(world: World) -> None:
    operation = await second(world, GRADUAL + SMOKE)
    await world.settled(operation)
    assert await verdicts(world, operation) == ["good"] * 3
    assert "smoke: exit code 0" in (await told(world, operation, "rollout.judged"))[0].data["words"]
    assert world.log.count("job python smoke.py") == 3
    assert world.runtime.jobs == {}


@pytest.mark.parametrize(
    ("said", "code", "lines", "words"),
    [
        pytest.param("", 1, (), "smoke: bad (exit code 1)", id="its exit code"),
        pytest.param("max = 0.5\n", 0, ("measured:", "0.75"), "smoke 0.75 (at most 0.5)", id="its last line"),
        pytest.param("max = 0.5\n", 2, ("0.1",), "smoke: bad (exit code 2)", id="its exit code, whatever it printed"),
        pytest.param("min = 3\n", 0, ("2",), "smoke 2 (at least 3)", id="too little"),
    ],
)
async def test_command_that_is_not_content_takes_it_back(world: World, said: str, code: int, lines: tuple[str, ...], words: str) -> None:
    world.runtime.job_exit, world.runtime.job_lines = code, lines
    operation = await second(world, GRADUAL + SMOKE + said)
    await world.settled(operation)
    newest = (await world.deployments())[0]
    assert newest.status == "rolled_back"
    assert newest.error is not None
    assert words in newest.error.why


async def test_command_that_cannot_run_holds_and_promote_finishes(world: World) -> None:
    world.runtime.job_exit = 127
    operation = await second(world, GRADUAL + SMOKE)
    assert "smoke: could not measure (exit code 127)" in await held(world, operation)
    await world.rooms.rollouts.pace(SCOPE, "web", Pace.PROMOTED, actor="ada")
    await world.settled(operation)
    assert (await world.statuses())[0] == "active"


def hanging(world: World) -> Callable[[], bool]:
    """Make every command hang; the answer says whether one does."""
    begun: list[str] = []

    async def silent(spec: JobSpec, *, output: Callable[[Line], None]) -> int:
        begun.append(spec.release.variables["RW_PREVIEW_URL"])
        return await asyncio.Future()

    world.runtime.run_job = silent  # type: ignore[method-assign]
    return lambda: bool(begun)


async def test_command_that_hangs_is_given_up(world: World) -> None:
    world.settings = replace(world.settings, metric_seconds=0.05)
    await world.restart()
    hanging(world)
    operation = await second(world, GRADUAL + SMOKE)
    assert "smoke: could not measure (it took longer than 0.05 s)" in await held(world, operation)
    await world.rooms.rollouts.abort(SCOPE, "web")
    await world.settled(operation)


async def test_aborted_while_a_command_runs_waits_for_nothing(world: World) -> None:
    is_hanging = hanging(world)
    operation = await second(world, GRADUAL + SMOKE)

    async def hangs() -> bool:
        return is_hanging()

    await world.until(hangs)
    assert (await world.rooms.rollouts.abort(SCOPE, "web")).status == "rolled_back"
    await world.settled(operation)
    assert await verdicts(world, operation) == []


async def test_while_a_command_runs_the_release_is_looked_at_all_the_same(world: World) -> None:
    is_hanging, since = hanging(world), world.clock.elapsed

    def traffic(release: str) -> Traffic:
        requests = round((world.clock.elapsed - since) * PER_SECOND)
        is_new = len(world.edge.routes[0].upstreams) > 1 and release == world.edge.routes[0].upstreams[-1].release
        return Traffic(requests + 1000, 900 + requests if is_new and is_hanging() else 0)

    world.edge.traffic = traffic
    operation = await second(world, GRADUAL + SMOKE)
    await world.settled(operation)
    assert is_hanging()
    newest = (await world.deployments())[0]
    assert newest.status == "rolled_back"
    assert newest.error is not None
    assert "failed" in newest.error.why


async def test_blue_green_is_measured_before_anybody_gets_it(world: World) -> None:
    world.runtime.job_exit = 1
    operation = await second(world, '[deploy.rollout]\nstrategy = "blue-green"\n' + SMOKE)
    await world.settled(operation)
    assert await verdicts(world, operation) == ["suspicious", "bad"]
    assert (await world.statuses())[0] == "rolled_back"


async def test_watch_looks_at_them_as_well_but_for_what_is_only_compared(world: World) -> None:
    counting(world, per_second=0)
    relative = ERRORS.replace("errors", "relative").replace("max = 1", "maxRatio = 2").replace("relative_total", "errors_total")
    operation = await second(world, f"[deploy.rollout]\nmonitorSeconds = 60\n{ERRORS}{relative}")
    await world.settled(operation)
    newest = (await world.deployments())[0]
    assert newest.status == "active"
    counting(world, per_second=5)

    async def is_over() -> list[StoredEvent]:
        return [one for one in await world.store.events(deployment=newest.id) if one.name == "rollout.watch_ended"]

    await world.until(is_over)
    assert (await is_over())[0].data["outcome"] == "bad"
    assert "errors 5 a second (at most 1)" in (await is_over())[0].data["words"]
    assert "relative" not in (await is_over())[0].data["words"]
    assert (await world.statuses()) == ["rolled_back", "active"]
