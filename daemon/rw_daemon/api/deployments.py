"""Deployments: attempts to build and run a snapshot."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from rw_daemon.api.pages import Page
from rw_daemon.api.rooms import Behind
from rw_daemon.api.scopes import InScope, OptionalName, check_scope, optional_scope
from rw_daemon.deployments.lookup import find_deployment
from rw_shared.errors import DeploymentNotFoundError
from rw_shared.models import Deployment
from rw_shared.timeline import Timeline

router = APIRouter(tags=["deployments"])


@router.get("/v1/projects/{project}/environments/{environment}/deployments")
async def list_deployments(
    scope: InScope,
    rooms: Behind,
    service: OptionalName = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 20,
    before: str = "",
) -> Page[Deployment]:
    """List deployments, newest first. ``before``: the ``next`` of the page before."""
    await check_scope(rooms.store, scope, services=[service] if service else [])
    if before and await rooms.store.deployment(before) is None:
        raise DeploymentNotFoundError(before)
    found = await rooms.store.deployments(scope, service=service, limit=limit + 1, before=before)
    items = tuple(found[:limit])
    return Page(items=items, next=items[-1].id if len(found) > limit else None)


@router.get("/v1/deployments/{name}")
async def read_deployment(
    name: str, rooms: Behind, project: OptionalName = "", environment: OptionalName = "", service: OptionalName = ""
) -> Deployment:
    """Return the one deployment that ``name`` means: an id, its beginning, or ``vN`` of a service."""
    return await find_deployment(rooms.store, name, scope=optional_scope(project, environment), service=service)


@router.get("/v1/deployments/{name}/why")
async def explain_deployment(
    name: str, rooms: Behind, project: OptionalName = "", environment: OptionalName = "", service: OptionalName = ""
) -> Timeline:
    """Return what led to a deployment's state: what was different about it, and all that happened to it."""
    found = await find_deployment(rooms.store, name, scope=optional_scope(project, environment), service=service)
    return await rooms.why.read(found)
