"""Projects, and how their environments stand."""

from __future__ import annotations

from fastapi import APIRouter

from rw_daemon.api.pages import Page
from rw_daemon.api.rooms import Behind
from rw_daemon.api.scopes import InScope
from rw_shared.models import EnvironmentStatus, Project, ProjectOrder

router = APIRouter(tags=["projects"])


@router.get("/v1/projects")
async def list_projects(rooms: Behind) -> Page[Project]:
    """List all projects by name."""
    return Page(items=tuple(await rooms.store.projects()))


@router.post("/v1/projects")
async def link_project(order: ProjectOrder, rooms: Behind) -> Project:
    """Find the project of a folder, or make it."""
    return await rooms.projects.link(order)


@router.get("/v1/projects/{project}/environments/{environment}")
async def read_environment(scope: InScope, rooms: Behind) -> EnvironmentStatus:
    """Say what runs in an environment."""
    return await rooms.status.read(scope)
