"""What is said to a rollout, at every moment: before its steps, between the last window and the switch, after it, through a kill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from daemon.deployments.releasing import GRADUAL, failing, files, in_the_middle, passed, say, shares, told
from daemon.deployments.world import SCOPE, World

from rw_daemon.deployments.judgements import Judgement
from rw_daemon.deployments.steps import Recorder
from rw_shared.errors import AlreadySwitchedError, NothingToCompareError
from rw_shared.models import Deployment, Operation, OperationKind, Pace

BY_HAND = '[deploy.rollout]\nstrategy = "blue-green"\nautoPromote = false\n'


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    yield made
    await made.close()


def after_the_last_window(monkeypatch: pytest.MonkeyPatch, work: Callable[[], Awaitable[object]]) -> None:
    """Have something done once in the moment between the last window of a rollout and its switch."""
    judged, done = Recorder.judged, []

    async def told_first(self: Recorder, deployment: Deployment, share: int, found: Judgement) -> None:
        await judged(self, deployment, share, found)
        if share == 50 and not done:
            done.append(share)
            await work()

    monkeypatch.setattr(Recorder, "judged", told_first)


async def test_abort_right_before_the_switch_is_heeded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    aborting: list[asyncio.Task[Deployment]] = []

    async def abort() -> None:
        aborting.append(asyncio.create_task(world.rooms.rollouts.abort(SCOPE, "web")))
        await asyncio.sleep(0.1)

    after_the_last_window(monkeypatch, abort)
    operation = await in_the_middle(world)
    assert (await world.settled(operation)).status == "failed"
    assert (await aborting[0]).status == "rolled_back"
    assert shares(world) == [100]
    assert (await world.statuses()) == ["rolled_back", "active"]


async def test_pause_right_before_the_switch_is_heeded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    after_the_last_window(monkeypatch, lambda: say(world, Pace.PAUSED))
    operation = await in_the_middle(world)
    await world.until(lambda: told(world, operation, "rollout.paced"))
    before = world.clock.elapsed
    await world.until(lambda: passed(world, before + 120))
    assert shares(world) == [50, 50]
    await say(world, Pace.STEPS)
    await world.settled(operation)
    assert [one.data["share"] for one in await told(world, operation, "rollout.shifted")] == [10, 25, 50]
    assert (await world.statuses())[0] == "active"


class Gate(asyncio.Event):
    """Holds a change of the routes, and says when there is one to hold."""

    is_reached = False

    async def wait(self) -> Literal[True]:
        self.is_reached = True
        return await super().wait()


async def being_switched(world: World, *, rollout: str = GRADUAL) -> tuple[Operation, Gate]:
    """Return the operation of a release whose switch is held at the edge, and what lets it go."""
    await world.up(files(1, rollout=rollout))
    failing(world, new=0)
    operation = await world.start(files=files(2, rollout=rollout))
    await world.until(lambda: told(world, operation, "rollout.shifted"))
    await say(world, Pace.PAUSED)  # no other step may come to the gate
    gate = world.edge.gate = Gate()
    await say(world, Pace.PROMOTED)

    async def is_held() -> bool:  # by then nobody looks any more whether something was said
        return gate.is_reached

    await world.until(is_held)
    return operation, gate


async def late(world: World, work: Awaitable[object], gate: Gate) -> object:
    """Say something while the switch is written; returns what is answered."""
    saying = asyncio.ensure_future(work)
    await asyncio.sleep(0.1)
    gate.set()
    return await saying


async def test_abort_while_the_switch_is_written_says_that_it_has_everything(world: World) -> None:
    operation, gate = await being_switched(world)
    with pytest.raises(AlreadySwitchedError) as caught:
        await late(world, world.rooms.rollouts.abort(SCOPE, "web"), gate)
    assert "v2 of web has every request already" in caught.value.message
    assert "`rw deployments rollback --previous -s web`" in caught.value.hint
    assert (await world.settled(operation)).status == "succeeded"
    assert (await world.statuses())[0] == "active"


async def test_abort_while_the_switch_is_written_ends_the_watch_with_it(world: World) -> None:
    operation, gate = await being_switched(world, rollout=f"{GRADUAL}monitorSeconds = 600\n")
    found = await late(world, world.rooms.rollouts.abort(SCOPE, "web"), gate)
    assert isinstance(found, Deployment)
    assert found.status == "rolled_back"
    assert (await world.settled(operation)).status == "succeeded"
    assert (await world.statuses()) == ["rolled_back", "active"]


async def test_pause_while_the_switch_is_written_does_not_claim_to_hold_it(world: World) -> None:
    operation, gate = await being_switched(world)
    with pytest.raises(AlreadySwitchedError):
        await late(world, say(world, Pace.PAUSED), gate)
    await world.settled(operation)


@pytest.mark.parametrize("pace", [Pace.PAUSED, Pace.PROMOTED])
async def test_first_release_has_nothing_to_be_compared_with(world: World, pace: Pace) -> None:
    world.builder.gate = asyncio.Event()
    operation = await world.start(files=files(1))
    with pytest.raises(NothingToCompareError) as caught:
        await say(world, pace)
    assert "`rw deployments cancel v1 -s web` stops it" in caught.value.hint
    world.builder.gate.set()
    await world.settled(operation)
    assert await told(world, operation, "rollout.paced") == []


async def test_release_beside_one_that_sleeps_does_not_promise_to_wait(world: World) -> None:
    await world.up(files(1))
    await world.settled(await world.start(OperationKind.SLEEP))
    world.builder.gate = asyncio.Event()
    operation = await world.start(files=files(2))
    with pytest.raises(NothingToCompareError):
        await say(world, Pace.PAUSED)
    world.builder.gate.set()
    await world.settled(operation)


async def test_pause_of_a_rollout_whose_only_step_is_everything_is_refused(world: World) -> None:
    rollout = f"{GRADUAL}steps = [100]\n"
    await world.up(files(1, rollout=rollout))
    world.builder.gate = asyncio.Event()
    operation = await world.start(files=files(2, rollout=rollout))
    with pytest.raises(NothingToCompareError):
        await say(world, Pace.PAUSED)
    world.builder.gate.set()
    assert (await world.settled(operation)).status == "succeeded"


async def waiting_for_a_hand(world: World) -> Operation:
    await world.up(files(1, rollout=BY_HAND))
    failing(world, new=0)
    operation = await world.start(files=files(2, rollout=BY_HAND))
    await world.until(lambda: told(world, operation, "rollout.paced"))
    return operation


async def test_resume_of_a_blue_green_release_outlives_the_daemon(world: World) -> None:
    operation = await waiting_for_a_hand(world)
    await say(world, Pace.STEPS)
    await world.restart()
    assert (await world.settled(operation)).status == "succeeded"
    assert [(one.actor, one.data["pace"]) for one in await told(world, operation, "rollout.paced")] == [("rw", "paused"), ("ada", "steps")]


async def test_resume_that_is_said_before_the_first_step_counts(world: World) -> None:
    await world.up(files(1, rollout=BY_HAND))
    world.builder.gate = asyncio.Event()
    operation = await world.start(files=files(2, rollout=BY_HAND))
    await world.until(lambda: told(world, operation, "step.started"))
    await say(world, Pace.STEPS)
    world.builder.gate.set()
    assert (await world.settled(operation)).status == "succeeded"
    assert [one.actor for one in await told(world, operation, "rollout.paced")] == ["ada"]


@pytest.mark.parametrize(("days", "most"), [(0, 140), (-2, 200)])
async def test_a_pause_is_as_long_as_it_is_however_often_the_daemon_dies(world: World, days: int, most: float) -> None:
    world.settings = replace(world.settings, paused_seconds=120.0)
    await world.restart()
    operation = await in_the_middle(world)
    await say(world, Pace.PAUSED)
    before = world.clock.elapsed
    await world.until(lambda: passed(world, before + 60))
    world.clock.jumped = timedelta(days=days)
    await world.restart()
    await world.settled(operation)
    assert (await world.statuses())[0] == "rolled_back"
    assert 110 <= world.clock.elapsed - before <= most


async def newest_reason(world: World) -> str:
    return (await world.rooms.status.read(SCOPE)).services[0].newest_reason


async def test_status_tells_a_release_that_waits_before_anything_was_judged(world: World) -> None:
    operation = await waiting_for_a_hand(world)
    assert (await newest_reason(world)).startswith("v2 is paused at 0 %: `rw rollout resume web` goes on.")
    await say(world, Pace.STEPS)
    await world.settled(operation)
    assert await newest_reason(world) == ""


async def test_status_tells_the_share_before_anything_was_judged(world: World) -> None:
    operation = await in_the_middle(world)
    assert (await newest_reason(world)).startswith("v2 is at 10 %.")
    await world.settled(operation)


async def test_release_that_is_taken_back_is_reached_by_nobody_before_it_is_said_and_stopped(world: World) -> None:
    operation = await in_the_middle(world)
    new, old = await world.deployments()
    world.edge.open = {new.id: 1}
    cancelling = asyncio.create_task(world.rooms.orders.cancel(operation.id))

    async def given_back() -> bool:
        return shares(world) == [100]

    await world.until(given_back)
    [route] = world.edge.routes  # none by its own name
    assert [(one.release, one.name) for one in route.upstreams] == [(old.id, "")]
    assert [(one.release, one.endpoints) for one in route.gone] == [(new.id, route.upstreams[0].endpoints)], (
        "who tries again meets the old one"
    )
    assert await world.statuses() == ["deploying", "active"]
    world.edge.open = {}
    await cancelling
    assert (await world.settled(operation)).status == "cancelled"
    assert world.log[-1] == "stop v2"


async def test_share_that_was_given_back_before_a_kill_is_not_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = await in_the_middle(world)

    async def for_ever(_: str) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(world.rooms.retirer, "emptied", for_ever)
        cancelling = asyncio.create_task(world.rooms.orders.cancel(operation.id))

        async def given_back() -> bool:
            return shares(world) == [100]

        await world.until(given_back)
        await world.kill()
        cancelling.cancel()
    await world.open()
    await world.rooms.recovery.run()
    await asyncio.sleep(0)  # its work has begun, and no request was sent to it again
    await world.rooms.orders.cancel(operation.id)
    assert [one.data["share"] for one in await told(world, operation, "rollout.shifted")] == [10, 0]
    assert (await world.settled(operation)).status == "cancelled"
    assert (await world.statuses()) == ["rolled_back", "active"]
