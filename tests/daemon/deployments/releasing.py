"""Releases on their way, for the tests of what becomes of them."""

from __future__ import annotations

import asyncio

from daemon.deployments.world import FLASK, SCOPE, World

from rw_daemon.edge.edge import Traffic
from rw_shared.events import StoredEvent
from rw_shared.models import Operation, Pace

GRADUAL = '[deploy.rollout]\nstrategy = "gradual"\n'
PER_SECOND = 100


def files(version: int, *, rollout: str = GRADUAL) -> dict[str, str]:
    return {**FLASK, "app.py": f"{FLASK['app.py']}# {version}\n", "railway.toml": rollout}


def shares(world: World) -> list[int]:
    return [one.weight for one in next(one for one in world.edge.routes if one.key == "shop/production/web").upstreams]


def failing(world: World, *, new: float) -> None:
    """From now on every release answers alike, but for the newest one, of whose requests a share fails."""
    since = world.clock.elapsed

    def traffic(release: str) -> Traffic:
        requests = round((world.clock.elapsed - since) * PER_SECOND)
        is_new = release == world.edge.routes[0].upstreams[-1].release and len(world.edge.routes[0].upstreams) > 1
        return Traffic(requests, round(requests * new) if is_new else 0)

    world.edge.traffic = traffic


async def told(world: World, operation: Operation, name: str) -> list[StoredEvent]:
    return [one for one in await world.store.events(operation=operation.id) if one.name == name]


async def in_the_middle(world: World) -> Operation:
    """Return the operation of a good release that has its first share."""
    await world.up(files(1))
    failing(world, new=0)
    operation = await world.start(files=files(2))
    await world.until(lambda: told(world, operation, "rollout.shifted"))
    return operation


async def shifted_to(world: World, operation: Operation, share: int) -> bool:
    return any(one.data["share"] == share for one in await told(world, operation, "rollout.shifted"))


async def say(world: World, pace: Pace) -> None:
    await world.rooms.rollouts.pace(SCOPE, "web", pace, actor="ada")


async def being_built(world: World) -> Operation:
    await world.up(files(1))
    failing(world, new=0)
    world.builder.gate = asyncio.Event()
    operation = await world.start(files=files(2))
    await world.until(lambda: told(world, operation, "step.started"))
    return operation


async def passed(world: World, moment: float) -> bool:
    return world.clock.elapsed > moment
