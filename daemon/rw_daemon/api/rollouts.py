"""Rollouts that are going on, and the way back."""

from __future__ import annotations

from fastapi import APIRouter

from rw_daemon.api.access import Caller
from rw_daemon.api.pages import Page
from rw_daemon.api.rooms import Behind
from rw_daemon.api.scopes import InScope, check_scope
from rw_shared.models import Deployment, Name
from rw_shared.rollouts import Rollback, Rollout, RolloutOrder

router = APIRouter(tags=["rollouts"])
PLACE = "/v1/projects/{project}/environments/{environment}/rollouts"


@router.get(PLACE)
async def list_rollouts(scope: InScope, rooms: Behind) -> Page[Rollout]:
    """List the rollouts that are going on, by service."""
    await check_scope(rooms.store, scope)
    return Page(items=tuple(await rooms.rollouts.going_on(scope)))


@router.patch(PLACE + "/{service}")
async def pace_rollout(scope: InScope, service: Name, order: RolloutOrder, caller: Caller, rooms: Behind) -> Rollout:
    """Pause a rollout, have it go on by its steps, or send it to its end."""
    await check_scope(rooms.store, scope, services=[service])
    return await rooms.rollouts.pace(scope, service, order.pace, actor=caller.name)


@router.delete(PLACE + "/{service}")
async def abort_rollout(scope: InScope, service: Name, caller: Caller, rooms: Behind) -> Deployment:
    """Take the new release back; answers once the old one has every request again."""
    await check_scope(rooms.store, scope, services=[service])
    return await rooms.rollouts.abort(scope, service, actor=caller.name)


@router.get("/v1/projects/{project}/environments/{environment}/services/{service}/rollback")
async def preview_rollback(scope: InScope, service: Name, rooms: Behind, to: str = "") -> Rollback:
    """Return what going back to a release would change; ``to``: ``vN``, an id, or empty for the one before the serving one."""
    await check_scope(rooms.store, scope, services=[service])
    return await rooms.rollbacks.preview(scope, service, to)
