"""After the last shift: the watch of a release, on fakes. It ends well, badly, early, and through a kill of the daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, SCOPE, World

from rw_daemon.edge.edge import Traffic
from rw_daemon.runtimes.runtime import Exit
from rw_shared.errors import EdgeFailedError, OnlyWatchedError
from rw_shared.events import StoredEvent
from rw_shared.models import Deployment, DeploymentStatus, OperationKind, OperationStatus, Pace

PER_SECOND = 100


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    yield made
    await made.close()


def files(version: int, *, seconds: int = 60, more: str = "") -> dict[str, str]:
    return {
        **FLASK,
        "app.py": f"{FLASK['app.py']}# {version}\n",
        "railway.toml": f"[deploy.rollout]\nmonitorSeconds = {seconds}\n{more}",
    }


def busy(world: World, *, failed: Callable[[str], float] = lambda _: 0.0) -> None:
    """Every release gets requests; ``failed`` says which share of a release's fails from now on."""
    since = world.clock.elapsed

    def traffic(release: str) -> Traffic:
        requests = round((world.clock.elapsed - since) * PER_SECOND) + 5000
        return Traffic(requests, round((requests - 5000) * failed(release)))

    world.edge.traffic = traffic


async def second(world: World, **options: object) -> Deployment:
    """Return a second release that has every request and is watched."""
    busy(world)
    await world.up(files(1))
    await world.up(files(2, **options))  # type: ignore[arg-type]
    newest = (await world.deployments())[0]
    assert newest.status == "active"
    return newest


async def told(world: World, deployment: Deployment, name: str) -> list[StoredEvent]:
    return [one for one in await world.store.events(deployment=deployment.id) if one.name == name]


async def is_over(world: World, deployment: Deployment) -> bool:
    return bool(await told(world, deployment, "rollout.watch_ended"))


async def outcome(world: World, deployment: Deployment) -> tuple[str, str]:
    await world.until(lambda: is_over(world, deployment))
    (found,) = await told(world, deployment, "rollout.watch_ended")
    return found.data["outcome"], found.data["words"]


def serving(world: World) -> list[str]:
    return [one.release for one in next(one for one in world.edge.routes if one.key == "shop/production/web").upstreams]


async def test_release_whose_cancel_came_too_late_is_watched(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    busy(world)
    await world.up(files(1))
    assert (await world.up_cancelled_too_late(files(2), monkeypatch)).status is OperationStatus.CANCELLED
    newest = (await world.deployments())[0]
    assert (newest.version, newest.status) == (2, DeploymentStatus.ACTIVE)
    assert (await outcome(world, newest))[0] == "passed"


@pytest.mark.parametrize("more", ["", 'strategy = "gradual"\n', 'strategy = "blue-green"\n'], ids=["replace", "gradual", "blue-green"])
async def test_good_release_passes_whatever_the_strategy(world: World, more: str) -> None:
    newest = await second(world, more=more)
    assert not await is_over(world, newest)  # `rw up` ended before
    (shown,) = await world.rooms.rollouts.going_on(SCOPE)
    assert (shown.serving_version, shown.version, shown.status, shown.share) == (1, 2, "active", 100)

    async def judged() -> list[StoredEvent]:
        return [one for one in await told(world, newest, "rollout.judged") if one.data["share"] == 100]

    await world.until(judged)
    assert (await world.rooms.status.read(SCOPE)).services[0].reason.startswith("v2 is watched. good: 0 of ")
    assert (await outcome(world, newest))[0] == "passed"
    assert newest.settled_at is not None
    assert (await told(world, newest, "rollout.watch_ended"))[0].at - newest.settled_at <= timedelta(seconds=61)
    watched = [one.data["verdict"] for one in await told(world, newest, "rollout.judged") if one.data["share"] == 100]
    assert watched == ["good"] * 4
    assert await world.rooms.rollouts.going_on(SCOPE) == []
    assert (await world.statuses())[0] == "active"


async def test_release_that_turns_bad_gives_everything_back_to_the_warm_one(world: World) -> None:
    newest = await second(world)
    oldest = (await world.deployments())[1]
    busy(world, failed=lambda release: 0.05 * (release == newest.id))
    found, words = await outcome(world, newest)
    assert found == "bad"
    assert "v1 has every request again" in words
    newest, oldest = await world.deployments()
    assert (newest.status, oldest.status) == ("rolled_back", "active")
    assert newest.error is not None
    assert newest.error.code == "ROLLED_BACK"
    assert "100 %" in newest.reason
    assert serving(world) == [oldest.id]
    assert {one.key.deployment for one in await world.runtime.releases()} == {oldest.id}
    status = (await world.rooms.status.read(SCOPE)).services[0]
    assert (status.version, status.newest_status) == (1, "rolled_back")
    said = [one.words for one in (await world.rooms.why.read(newest)).items if one.kind == "watch"]
    assert said[0].startswith("to be watched for 60 s; before it 0 of ")
    assert said[1:] == [f"bad: {words}"]


async def test_errors_that_the_old_release_had_as_well_are_no_reason(world: World) -> None:
    since = world.clock.elapsed

    def traffic(_: str) -> Traffic:
        requests = round((world.clock.elapsed - since + 60) * PER_SECOND)
        return Traffic(requests, round(requests * 0.05))

    world.edge.traffic = traffic
    await world.up(files(1))
    await world.up(files(2))
    assert (await outcome(world, (await world.deployments())[0]))[0] == "passed"


async def test_replica_that_runs_out_of_memory_is_told_with_its_words(world: World) -> None:
    newest = await second(world)
    (running,) = [one for release in await world.runtime.releases() if release.key.deployment == newest.id for one in release.instances]
    world.runtime.end(running, Exit(code=137, signal=9, out_of_memory=True))
    found, words = await outcome(world, newest)
    assert found == "bad"
    assert "out of memory (OOM)" in words
    assert (await world.statuses()) == ["rolled_back", "active"]


@pytest.mark.parametrize("days", [-2, 2])
async def test_clock_that_is_set_neither_ends_a_watch_nor_prolongs_it(world: World, days: int) -> None:
    newest = await second(world)
    world.clock.jumped = timedelta(days=days)
    await world.restart()
    assert (await outcome(world, newest))[0] == "passed"
    assert len(await told(world, newest, "rollout.judged")) == 4


async def test_daemon_killed_in_the_watch_goes_on_with_the_windows_that_are_left(world: World) -> None:
    newest = await second(world)

    async def two_windows() -> bool:
        return len([one for one in await told(world, newest, "rollout.judged") if one.data["share"] == 100]) >= 2

    await world.until(two_windows)
    await world.restart()
    assert (await outcome(world, newest))[0] == "passed"
    assert len(await told(world, newest, "rollout.judged")) == 4


async def test_daemon_killed_in_the_watch_takes_a_bad_release_back_all_the_same(world: World) -> None:
    newest = await second(world)
    await world.restart()
    busy(world, failed=lambda release: 0.6 * (release == newest.id))
    assert (await outcome(world, newest))[0] == "bad"
    assert (await world.statuses()) == ["rolled_back", "active"]


async def test_newer_release_ends_the_watch(world: World) -> None:
    newest = await second(world, seconds=600)
    await world.up(files(3))
    assert (await outcome(world, newest))[0] == "ended"
    assert (await world.statuses())[0] == "active"


async def test_rollback_by_hand_ends_the_watch(world: World) -> None:
    newest = await second(world)
    await world.settled(await world.start(OperationKind.ROLLBACK))
    assert (await outcome(world, newest))[0] == "ended"
    assert (await world.statuses())[1] == "active"


async def test_service_that_is_taken_down_ends_the_watch(world: World) -> None:
    newest = await second(world)
    await world.settled(await world.start(OperationKind.DOWN))
    assert (await outcome(world, newest))[0] == "ended"


async def test_old_release_stays_warm_until_the_watch_is_over(world: World) -> None:
    newest = await second(world, seconds=200)  # the world keeps old ones for 5 s
    oldest = (await world.deployments())[1]

    async def gone() -> list[StoredEvent]:
        return [one for one in await told(world, oldest, "deployment.status_changed") if one.data["after"] == "removed"]

    await world.until(gone)
    assert newest.settled_at is not None
    assert ((await gone())[0].at - newest.settled_at).total_seconds() >= 200


async def test_without_monitor_seconds_nothing_is_watched(world: World) -> None:
    newest = await second(world, seconds=0)
    assert await told(world, newest, "rollout.watched") == []


async def test_aborted_in_the_watch_gives_everything_back(world: World) -> None:
    newest = await second(world, seconds=600)
    found = await world.rooms.rollouts.abort(SCOPE, "web")
    assert found.status == "rolled_back"
    assert found.error is not None
    assert "by hand" in found.error.why
    assert serving(world) == [(await world.deployments())[1].id]
    assert (await outcome(world, newest))[0] == "bad"


async def test_promoted_in_the_watch_is_not_watched_any_more(world: World) -> None:
    newest = await second(world, seconds=600)
    await world.rooms.rollouts.pace(SCOPE, "web", Pace.PROMOTED, actor="ada")
    assert await outcome(world, newest) == ("ended", "It was ended by hand.")
    assert (await world.statuses())[0] == "active"


async def test_watch_does_not_pause(world: World) -> None:
    newest = await second(world, seconds=600)
    with pytest.raises(OnlyWatchedError) as caught:
        await world.rooms.rollouts.pace(SCOPE, "web", Pace.PAUSED, actor="ada")
    assert "`rw rollout abort web` takes it back" in caught.value.hint
    assert not await is_over(world, newest)


async def test_watch_without_figures_does_not_say_that_it_passed(world: World) -> None:
    newest = await second(world)
    world.edge.blind = EdgeFailedError("no figures", log="envoy.log")
    found, words = await outcome(world, newest)
    assert (found, words) == ("unmeasured", "Nothing is known of it; 4 of 4 windows could not be measured.")
