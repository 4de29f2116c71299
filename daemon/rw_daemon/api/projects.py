"""Projects, and how their environments stand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from rw_daemon.api.pages import Page
from rw_daemon.api.rooms import Behind
from rw_daemon.api.scopes import InScope, OptionalName, check_scope
from rw_shared.models import Entry, Environment, EnvironmentStatus, Name, Project, ProjectOrder, Replica

router = APIRouter(tags=["projects"])


@router.get("/v1/projects")
async def list_projects(rooms: Behind) -> Page[Project]:
    """List all projects by name."""
    return Page(items=tuple(await rooms.store.projects()))


@router.post("/v1/projects")
async def link_project(order: ProjectOrder, rooms: Behind) -> Project:
    """Find the project of a folder, or make it."""
    return await rooms.projects.link(order)


@router.get("/v1/projects/{project}/environments")
async def list_environments(project: Name, rooms: Behind) -> Page[Environment]:
    """List a project's environments by name; none for a project that was not deployed yet, or is not known."""
    found = await rooms.store.environments(project)
    return Page(items=tuple(Environment(name=name, target=target) for name, target in found.items()))


@router.get("/v1/projects/{project}/environments/{environment}/entry")
async def read_entry(scope: InScope, rooms: Behind, service: OptionalName = "", replica: Annotated[int, Query(ge=0, le=1000)] = 0) -> Entry:
    """Say how a command on this machine gets into a service: its variables, and where a replica of it runs."""
    return await rooms.entries.read(scope, service, index=replica)


@router.post("/v1/projects/{project}/environments/{environment}/services/{service}/replicas/{index}/kill")
async def kill_replica(scope: InScope, rooms: Behind, service: Name, index: Annotated[int, Path(ge=0, le=1000)]) -> Replica:
    """Kill a replica of the serving release, to prove that it comes back; answers with what it was."""
    await check_scope(rooms.store, scope, services=[service])
    return await rooms.entries.kill(scope, service, index=index)


@router.get("/v1/projects/{project}/environments/{environment}")
async def read_environment(scope: InScope, rooms: Behind, *, live: Annotated[bool, Query()] = True) -> EnvironmentStatus:
    """Say what runs in an environment. ``live=false``: what is known of it without asking its target and the edge."""
    return await rooms.status.read(scope, is_live=live)
