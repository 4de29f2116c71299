"""What paths and queries name: parameters that several resources share, and their not-found errors with what may be meant."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated

from fastapi import Depends, Query

from rw_daemon.store.store import Store
from rw_shared.errors import EnvironmentNotFoundError, ProjectNotFoundError, ServiceNotFoundError
from rw_shared.models import DEFAULT_ENVIRONMENT, NAME_PATTERN, Name, Scope

SEQUENCE_LIMIT = 2**63 - 1  # SQLite's integers
SHOWN = 5

OptionalName = Annotated[str, Query(pattern=r"^$|" + NAME_PATTERN)]
"""A name that may be left out."""
Cursor = Annotated[int, Query(ge=0, le=SEQUENCE_LIMIT)]
"""Where a reader goes on: the last sequence number that it has."""


def _scope(project: Name, environment: Name) -> Scope:
    return Scope(project=project, environment=environment)


InScope = Annotated[Scope, Depends(_scope)]
"""A handler's parameter that receives project and environment from the path."""


def optional_scope(project: str, environment: str) -> Scope | None:
    """Return the scope that a query names; ``None`` without a project."""
    return Scope(project=project, environment=environment or DEFAULT_ENVIRONMENT) if project else None


def near(name: str, known: Sequence[str]) -> list[str]:
    """Return what ``name`` may have meant: similar names, else the first few there are."""
    return get_close_matches(name, known, n=SHOWN, cutoff=0.6) or list(known[:SHOWN])


async def check_scope(store: Store, scope: Scope, *, services: Sequence[str] = ()) -> None:
    """Raise the error of the first part that is not there; the default environment of a project always is.

    :raises ProjectNotFoundError: and ``EnvironmentNotFoundError``, ``ServiceNotFoundError``.
    """
    projects = [project.name for project in await store.projects()]
    if scope.project not in projects:
        raise ProjectNotFoundError(scope.project, candidates=near(scope.project, projects))
    environments = list(await store.environments(scope.project))
    if scope.environment not in {*environments, DEFAULT_ENVIRONMENT}:
        raise EnvironmentNotFoundError(scope.environment, candidates=near(scope.environment, environments))
    for name in services:
        known = [row.name for row in await store.services(scope)]
        # a service that was taken down has deployments and logs to show
        if name not in known and not await store.deployments(scope, service=name, limit=1):
            raise ServiceNotFoundError(name, candidates=near(name, known))
