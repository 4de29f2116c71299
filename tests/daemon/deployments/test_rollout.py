"""Gradual releases on fakes: the shares at the edge, the verdicts, and the way back from anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from daemon.deployments.releasing import GRADUAL, being_built, failing, files, in_the_middle, passed, say, shares, shifted_to, told
from daemon.deployments.world import SCOPE, World

from rw_daemon.edge.edge import Traffic
from rw_daemon.runtimes.runtime import Exit, Instance, JobSpec, Line
from rw_shared.errors import EdgeFailedError, NoRolloutError
from rw_shared.models import Operation, Pace


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    yield made
    await made.close()


async def test_shares_grow_while_the_judge_is_content(world: World) -> None:
    await world.up(files(1))
    failing(world, new=0)
    operation = await world.up(files(2))
    assert [one.data["share"] for one in await told(world, operation, "rollout.shifted")] == [10, 25, 50]
    assert {one.data["verdict"] for one in await told(world, operation, "rollout.judged")} == {"good"}
    assert (await world.statuses())[0] == "active"
    assert shares(world) == [100]


async def test_first_deployment_skips_the_steps(world: World) -> None:
    assert await told(world, await world.up(files(1)), "rollout.shifted") == []


async def test_release_that_does_worse_is_taken_back(world: World) -> None:
    await world.up(files(1))
    failing(world, new=0.05)
    operation = await world.up(files(2))
    assert [one.data["share"] for one in await told(world, operation, "rollout.shifted")] == [10, 0]
    assert [one.data["verdict"] for one in await told(world, operation, "rollout.judged")] == ["suspicious", "bad"]
    newest, oldest = await world.deployments()
    assert (newest.status, oldest.status) == ("rolled_back", "active")
    assert newest.error is not None
    assert newest.error.code == "ROLLED_BACK"
    assert [one.release for one in world.edge.routes[0].upstreams] == [oldest.id]
    assert newest.id not in {one.key.deployment for one in await world.runtime.releases()}


async def test_half_of_the_requests_failing_waits_for_no_window(world: World) -> None:
    await world.up(files(1))
    failing(world, new=0.6)
    before = world.clock.elapsed
    await world.up(files(2))
    assert (await world.statuses())[0] == "rolled_back"
    assert world.clock.elapsed - before < 15


async def test_without_requests_the_steps_go_on_and_say_so(world: World) -> None:
    await world.up(files(1))
    operation = await world.up(files(2))
    assert [one.data["verdict"] for one in await told(world, operation, "rollout.judged")] == ["no data"] * 6
    assert (await world.statuses())[0] == "active"


async def held(world: World) -> Operation:
    """Return the operation of a release whose first step could not be measured four times."""
    await world.up(files(1))
    world.edge.blind = EdgeFailedError("no figures", log="envoy.log")
    operation = await world.start(files=files(2))
    await world.until(lambda: told(world, operation, "rollout.paced"))
    return operation


async def verdicts(world: World, operation: Operation) -> list[str]:
    return [one.data["verdict"] for one in await told(world, operation, "rollout.judged")]


async def test_what_cannot_be_measured_is_held_and_told_with_what_to_type(world: World) -> None:
    operation = await held(world)
    assert await verdicts(world, operation) == ["could not measure"] * 4
    (paced,) = await told(world, operation, "rollout.paced")
    assert (paced.actor, paced.data["pace"]) == ("rw", "paused")
    assert "4 windows running could not be measured (The edge gave no figures.)" in paced.data["reason"]
    assert "`rw rollout promote web` gives it every request, `abort` takes it back, `retry` measures again" in paced.data["reason"]
    (newest, _) = await world.deployments()
    said = [one.words for one in (await world.rooms.why.read(newest)).items if one.kind == "pace"]
    assert said == [f"paused by rw: {paced.data['reason']}"]
    before = world.clock.elapsed
    await world.until(lambda: passed(world, before + 300))
    await world.restart()
    (found,) = await world.rooms.rollouts.going_on(SCOPE)
    assert (found.pace, found.share, found.verdict) == (Pace.PAUSED, 10, "could not measure")
    status = (await world.rooms.status.read(SCOPE)).services[0]
    assert status.newest_reason == "v2 is paused at 10 %: `rw rollout resume web` goes on. could not measure: The edge gave no figures."
    await say(world, Pace.PROMOTED)
    await world.settled(operation)
    assert (await world.statuses())[0] == "active"


async def test_held_it_goes_on_when_told_to_measure_again_and_is_held_again(world: World) -> None:
    operation = await held(world)
    await say(world, Pace.STEPS)
    await world.until(lambda: said_so_often(world, operation, 3))
    assert await verdicts(world, operation) == ["could not measure"] * 8
    world.edge.blind = None
    failing(world, new=0)
    await say(world, Pace.STEPS)
    await world.settled(operation)
    assert (await world.statuses())[0] == "active"


async def said_so_often(world: World, operation: Operation, times: int) -> bool:
    return len(await told(world, operation, "rollout.paced")) >= times


async def test_held_for_ever_is_taken_back(world: World) -> None:
    world.settings = replace(world.settings, paused_seconds=120.0)
    await world.restart()
    operation = await held(world)
    await world.settled(operation)
    assert (await world.statuses())[0] == "rolled_back"


async def test_windows_that_cannot_be_measured_are_counted_through_a_kill(world: World) -> None:
    await world.up(files(1))
    world.edge.blind = EdgeFailedError("no figures", log="envoy.log")
    operation = await world.start(files=files(2))

    async def twice() -> bool:
        return len(await verdicts(world, operation)) >= 2

    await world.until(twice)
    await world.restart()
    await world.until(lambda: told(world, operation, "rollout.paced"))
    assert await verdicts(world, operation) == ["could not measure"] * 4
    await world.rooms.rollouts.abort(SCOPE, "web")
    await world.settled(operation)


async def test_few_requests_of_two_windows_are_judged_together(world: World) -> None:
    await world.up(files(1))
    since = world.clock.elapsed
    world.edge.traffic = lambda _: Traffic(int(world.clock.elapsed - since))  # 15 in each window
    operation = await world.up(files(2))
    assert await verdicts(world, operation) == ["no data", "good"] * 3


def slowly(world: World, *, seconds: float, failed: float = 0.0, old_failed: float = 0.0) -> None:
    """From now on each release gets a request every so many seconds; of the newest one's, beside another one, a share fails."""
    since = world.clock.elapsed

    def traffic(release: str) -> Traffic:
        requests, ups = int((world.clock.elapsed - since) / seconds), world.edge.routes[0].upstreams
        return Traffic(requests, round(requests * (failed if len(ups) > 1 and release == ups[-1].release else old_failed)))

    world.edge.traffic = traffic


async def test_release_that_fails_everything_for_the_few_who_ask_is_taken_back(world: World) -> None:
    await world.up(files(1))
    slowly(world, seconds=10, failed=1)
    operation = await world.up(files(2))
    assert await verdicts(world, operation) == ["no data"] * 6 + ["bad"]  # ten that fail need no window's end
    assert (await world.statuses())[0] == "rolled_back"
    assert await shifted_to(world, operation, 25) is False


@pytest.mark.parametrize(("old_failed", "windows", "status"), [(0.0, 8, "rolled_back"), (1.0, 24, "active")])
async def test_too_few_to_be_sure_of_which_half_fail_take_it_back(world: World, old_failed: float, windows: int, status: str) -> None:
    await world.up(files(1))
    slowly(world, seconds=20, failed=1, old_failed=old_failed)
    operation = await world.up(files(2))
    assert await verdicts(world, operation) == ["no data"] * windows
    newest = (await world.deployments())[0]
    assert newest.status == status
    if newest.error is not None:
        assert "No good window in 8. The last verdict: no data (6 of 6 failed; the old release: 0 of 6 failed; it" in newest.error.why


async def test_few_requests_that_are_answered_lengthen_a_step_four_times(world: World) -> None:
    await world.up(files(1))
    slowly(world, seconds=10)
    operation = await world.up(files(2))
    assert await verdicts(world, operation) == ["no data"] * 12
    assert (await world.statuses())[0] == "active"


async def test_daemon_killed_in_a_lengthened_window_counts_its_windows_on(world: World) -> None:
    await world.up(files(1))
    slowly(world, seconds=20, failed=1)
    operation = await world.start(files=files(2))

    async def four() -> bool:
        return len(await verdicts(world, operation)) >= 4

    await world.until(four)
    await world.restart()
    await world.settled(operation)
    assert await verdicts(world, operation) == ["no data"] * 8
    assert (await world.statuses())[0] == "rolled_back"


@pytest.mark.parametrize("is_sticky", [True, False])
async def test_visitors_keep_their_release_where_that_is_asked_and_only_meanwhile(world: World, is_sticky: bool) -> None:
    rollout = f"{GRADUAL}sticky = true\n" if is_sticky else GRADUAL
    await world.up(files(1, rollout=rollout))
    failing(world, new=0)
    operation = await world.start(files=files(2, rollout=rollout))
    await world.until(lambda: told(world, operation, "rollout.shifted"))
    assert [one.is_sticky for one in world.edge.routes] == [is_sticky, False]  # its own name leads to it alone
    await world.settled(operation)
    assert [one.is_sticky for one in world.edge.routes] == [False]


async def newest_replica(world: World) -> Instance:
    newest = (await world.deployments())[0]
    (found,) = [one for release in await world.runtime.releases() if release.key.deployment == newest.id for one in release.instances]
    return found


@pytest.mark.parametrize(
    ("exit_", "words"),
    [
        pytest.param(Exit(code=137, signal=9, out_of_memory=True), "was killed: out of memory (OOM). Raise deploy.limit", id="a leak"),
        pytest.param(Exit(code=3), "ended with exit code 3.", id="a crash"),
    ],
)
async def test_replica_that_ends_on_the_way_is_told_with_its_last_words(world: World, exit_: Exit, words: str) -> None:
    world.runtime.said = (Line(world.clock.now(), "stderr", "too much of everything", "1"),)
    operation = await in_the_middle(world)
    world.runtime.end(await newest_replica(world), exit_)
    await world.settled(operation)
    newest = (await world.deployments())[0]
    assert newest.status == "rolled_back"
    assert newest.error is not None
    assert words in newest.error.why
    assert "too much of everything" in newest.error.why
    assert shares(world) == [100]


async def test_release_whose_health_turns_bad_on_the_way_is_taken_back(world: World) -> None:
    asked: list[str] = []

    def page(path: str) -> tuple[int, str]:
        asked.append(path)
        is_shared = any(len(one.upstreams) > 1 for one in world.edge.routes)
        return (503 if path == "/healthz" and is_shared else 200), ""

    world.page = page
    with_path = f'[deploy]\nhealthcheckPath = "/healthz"\n{GRADUAL}'
    await world.up(files(1, rollout=with_path))
    failing(world, new=0)
    await world.up(files(2, rollout=with_path))
    newest = (await world.deployments())[0]
    assert newest.status == "rolled_back"
    assert newest.error is not None
    assert "GET /healthz did not answer below 500 3 times running" in newest.error.why
    assert set(asked) == {"/healthz"}  # the app's own pages are left alone


async def test_cancelled_in_the_middle_gives_everything_back(world: World) -> None:
    operation = await in_the_middle(world)
    await world.rooms.orders.cancel(operation.id)
    assert (await world.settled(operation)).status == "cancelled"
    newest = (await world.deployments())[0]
    assert newest.error is not None
    assert (newest.status, newest.error.code) == ("rolled_back", "CANCELLED")  # it had requests
    assert shares(world) == [100]


async def test_daemon_killed_in_the_middle_goes_on_at_the_share_it_had(world: World) -> None:
    await world.up(files(1))
    failing(world, new=0)
    operation = await world.start(files=files(2))
    await world.until(lambda: shifted_to(world, operation, 25))
    await world.restart()
    assert shares(world) in ([75, 25], [50, 50], [100])
    await world.settled(operation)
    assert [one.data["share"] for one in await told(world, operation, "rollout.shifted")] == [10, 25, 50]
    assert (await world.statuses())[0] == "active"


async def test_share_stays_when_another_service_changes(world: World) -> None:
    operation = await in_the_middle(world)
    await world.rooms.router.apply()
    assert shares(world) in ([90, 10], [75, 25], [50, 50], [100])
    await asyncio.wait_for(world.settled(operation), 20)


async def test_paused_it_keeps_its_share_also_through_a_kill_and_goes_on_when_told(world: World) -> None:
    operation = await in_the_middle(world)
    await say(world, Pace.PAUSED)
    before = world.clock.elapsed
    await world.until(lambda: passed(world, before + 120))
    await world.restart()
    (found,) = await world.rooms.rollouts.going_on(SCOPE)
    assert (found.pace, found.share, found.serving_version, found.version) == (Pace.PAUSED, 10, 1, 2)
    assert shares(world) == [90, 10]
    await say(world, Pace.STEPS)
    await world.settled(operation)
    assert [one.data["share"] for one in await told(world, operation, "rollout.shifted")] == [10, 25, 50]
    assert [(one.actor, one.data["pace"]) for one in await told(world, operation, "rollout.paced")] == [("ada", "paused"), ("ada", "steps")]


async def test_paused_release_that_turns_bad_is_taken_back_all_the_same(world: World) -> None:
    operation = await in_the_middle(world)
    await say(world, Pace.PAUSED)
    failing(world, new=0.2)
    await world.settled(operation)
    assert (await world.statuses())[0] == "rolled_back"
    assert shares(world) == [100]


async def test_paused_for_ever_is_taken_back(world: World) -> None:
    world.settings = replace(world.settings, paused_seconds=60.0)
    await world.restart()
    operation = await in_the_middle(world)
    await say(world, Pace.PAUSED)
    await world.settled(operation)
    newest = (await world.deployments())[0]
    assert newest.error is not None
    assert "nobody resumed it" in newest.error.why


JUMPS = [pytest.param(timedelta(days=days), id=f"{days} days") for days in (-2, 2)]


@pytest.mark.parametrize("jump", JUMPS)
async def test_clock_that_is_set_neither_ends_a_pause_nor_prolongs_it(world: World, jump: timedelta) -> None:
    world.settings = replace(world.settings, paused_seconds=120.0)
    await world.restart()
    operation = await in_the_middle(world)
    await say(world, Pace.PAUSED)
    before = world.clock.elapsed
    world.clock.jumped = jump
    await world.until(lambda: passed(world, before + 90))
    assert len(await world.rooms.rollouts.going_on(SCOPE)) == 1
    await world.settled(operation)
    assert (await world.statuses())[0] == "rolled_back"
    assert world.clock.elapsed - before < 150


@pytest.mark.parametrize("jump", JUMPS)
async def test_clock_that_is_set_changes_no_step(world: World, jump: timedelta) -> None:
    operation = await in_the_middle(world)
    before, world.clock.jumped = world.clock.elapsed, jump
    await world.settled(operation)
    assert [one.data["share"] for one in await told(world, operation, "rollout.shifted")] == [10, 25, 50]
    assert 30 <= world.clock.elapsed - before <= 60
    assert (await world.statuses())[0] == "active"


async def test_check_that_says_nothing_is_given_up(world: World) -> None:
    await world.up(files(1))
    world.settings = replace(world.settings, step_deadline_seconds=0.2)
    await world.restart()

    async def silent(spec: JobSpec, *, output: Callable[[Line], None]) -> int:
        return await asyncio.Future()

    world.runtime.run_job = silent  # type: ignore[method-assign]
    await world.up(files(2, rollout=f'{GRADUAL}check = "sleep infinity"\n'))
    newest = (await world.deployments())[0]
    assert newest.error is not None
    assert (newest.status, newest.error.code) == ("failed", "DEADLINE")
    assert shares(world) == [100]


async def test_promoted_it_skips_the_steps(world: World) -> None:
    operation = await in_the_middle(world)
    before = world.clock.elapsed
    await say(world, Pace.PROMOTED)
    await world.settled(operation)
    assert (await world.statuses())[0] == "active"
    assert [one.data["share"] for one in await told(world, operation, "rollout.shifted")] == [10]
    assert world.clock.elapsed - before < 15


async def test_aborted_it_is_rolled_back(world: World) -> None:
    operation = await in_the_middle(world)
    found = await world.rooms.rollouts.abort(SCOPE, "web")
    assert found.status == "rolled_back"
    assert found.error is not None
    assert "by hand" in found.error.why
    assert (await world.settled(operation)).status == "failed"
    assert shares(world) == [100]


async def test_aborted_while_it_is_built_nothing_of_it_is_left(world: World) -> None:
    await world.up(files(1))
    world.builder.gate = asyncio.Event()
    operation = await world.start(files=files(2))
    await world.until(lambda: told(world, operation, "step.started"))
    assert (await world.rooms.rollouts.abort(SCOPE, "web")).status == "cancelled"
    assert (await world.settled(operation)).status == "cancelled"


async def test_paused_while_it_is_built_it_waits_at_the_first_step(world: World) -> None:
    operation = await being_built(world)
    await say(world, Pace.PAUSED)
    assert world.builder.gate
    world.builder.gate.set()
    await world.until(lambda: told(world, operation, "rollout.judged"))
    before = world.clock.elapsed
    await world.until(lambda: passed(world, before + 120))
    assert [one.data["share"] for one in await told(world, operation, "rollout.shifted")] == [10]
    await say(world, Pace.STEPS)
    await world.settled(operation)
    assert (await world.statuses())[0] == "active"


async def test_promoted_while_it_is_built_it_has_no_steps(world: World) -> None:
    operation = await being_built(world)
    await say(world, Pace.PROMOTED)
    assert world.builder.gate
    world.builder.gate.set()
    await world.settled(operation)
    assert await told(world, operation, "rollout.shifted") == []
    assert (await world.statuses())[0] == "active"


async def test_aborted_while_it_is_checked_nothing_of_it_is_left(world: World) -> None:
    await world.up(files(1))

    async def silent(spec: JobSpec, *, output: Callable[[Line], None]) -> int:
        return await asyncio.Future()

    world.runtime.run_job = silent  # type: ignore[method-assign]
    operation = await world.start(files=files(2, rollout=f'{GRADUAL}check = "sleep infinity"\n'))

    async def is_checked() -> bool:
        return any(one.data["step"] == "check" for one in await told(world, operation, "step.started"))

    await world.until(is_checked)
    assert (await world.rooms.rollouts.abort(SCOPE, "web")).status == "cancelled"
    await world.settled(operation)
    newest = (await world.deployments())[0]
    assert newest.id not in {one.key.deployment for one in await world.runtime.releases()}
    assert shares(world) == [100]


async def test_what_is_said_is_for_the_release_on_its_way_and_not_for_the_next_one(world: World) -> None:
    operation = await in_the_middle(world)
    await say(world, Pace.PAUSED)
    waiting = await world.start(files=files(3))
    assert [one.version for one in await world.rooms.rollouts.going_on(SCOPE)] == [2, 3]
    assert (await world.rooms.rollouts.abort(SCOPE, "web")).version == 2
    assert (await world.settled(operation)).status == "failed"
    assert (await world.settled(waiting)).status == "succeeded"
    assert (await world.statuses())[:2] == ["active", "rolled_back"]


async def test_nothing_can_be_said_to_a_release_that_goes_all_at_once(world: World) -> None:
    await world.up(files(1, rollout=""))
    world.builder.gate = asyncio.Event()
    operation = await world.start(files=files(2, rollout=""))
    with pytest.raises(NoRolloutError):
        await say(world, Pace.PAUSED)
    world.builder.gate.set()
    await world.settled(operation)


async def test_blue_green_has_no_share_until_it_has_all(world: World) -> None:
    await world.up(files(1))
    failing(world, new=0)
    operation = await world.start(files=files(2, rollout='[deploy.rollout]\nstrategy = "blue-green"\n'))
    await world.until(lambda: told(world, operation, "rollout.judged"))
    await world.settled(operation)
    assert await told(world, operation, "rollout.shifted") == []
    assert (await world.statuses())[0] == "active"
    assert shares(world) == [100]


async def test_blue_green_by_hand_waits_at_its_own_name(world: World) -> None:
    await world.up(files(1))
    operation = await world.start(files=files(2, rollout='[deploy.rollout]\nstrategy = "blue-green"\nautoPromote = false\n'))
    await world.until(lambda: told(world, operation, "rollout.judged"))
    (found,) = await world.rooms.rollouts.going_on(SCOPE)
    assert (found.pace, found.share, found.steps) == (Pace.PAUSED, 0, (0, 100))
    assert found.preview.startswith("http://v2.web.shop.localhost:")
    assert {one.hostnames: [up.name for up in one.upstreams] for one in world.edge.routes} == {
        ("web.shop.localhost", "shop.localhost"): ["v1", "v2"],
        ("v2.web.shop.localhost",): [""],
    }
    assert shares(world) == [100, 0]
    await say(world, Pace.PROMOTED)
    await world.settled(operation)
    assert [one.hostnames for one in world.edge.routes] == [("web.shop.localhost", "shop.localhost")]


@pytest.mark.parametrize(("code", "status"), [(0, "active"), (1, "failed")])
async def test_check_is_passed_before_the_first_request(world: World, code: int, status: str) -> None:
    await world.up(files(1))
    world.runtime.job_exit = code
    operation = await world.up(files(2, rollout=f'{GRADUAL}check = "pytest tests/smoke"\n'))
    assert "job pytest tests/smoke" in world.log
    assert [one.data["share"] for one in await told(world, operation, "rollout.shifted")] == ([10, 25, 50] if code == 0 else [])
    newest = (await world.deployments())[0]
    assert newest.status == status
    assert (newest.error.code if newest.error else "") == ("CHECK_FAILED" if code else "")
    assert [one.hostnames for one in world.edge.routes] == [("web.shop.localhost", "shop.localhost")]
