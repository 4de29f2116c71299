"""Deployments by what people type: an id, the beginning of one, ``v12``."""

from __future__ import annotations

import re

from rw_daemon.store.store import ServiceRow, Store
from rw_shared.errors import AmbiguousNameError, DeploymentNotFoundError
from rw_shared.models import Deployment, Scope

VERSION = re.compile(r"v(\d{1,9})")
LOOKED_AT = 500  # newest deployments of an environment that a short name is looked for in


async def find_deployment(store: Store, name: str, *, scope: Scope | None = None, service: str = "") -> Deployment:
    """Return the one deployment that ``name`` means.

    :raises DeploymentNotFoundError: none does. ``AmbiguousNameError``: several do.
    """
    exact = await store.deployment(name)
    if exact is not None:
        return exact
    near = await store.deployments(scope, service=service, limit=LOOKED_AT)
    number = VERSION.fullmatch(name)
    found = [
        one
        for one in near
        if (one.version == int(number[1]) if number else one.id.removeprefix("dep_").startswith(name.removeprefix("dep_")))
    ]
    if not name or not found:
        raise DeploymentNotFoundError(name, candidates=[f"v{one.version} ({one.id})" for one in near[:5]])
    if len(found) > 1:
        raise AmbiguousNameError("deployment", name, [f"{one.id} ({one.service} v{one.version})" for one in found[:5]])
    return found[0]


async def newest_before(store: Store, scope: Scope, row: ServiceRow) -> Deployment | None:
    """Return the newest deployment that once served before the serving one, which is what a rollback goes back to."""
    serving = await store.deployment(row.serving) if row.serving else None
    for deployment in await store.deployments(scope, service=row.name, limit=LOOKED_AT):
        earlier = serving is None or deployment.version < serving.version
        if earlier and deployment.artifact is not None and deployment.status.value in {"removing", "removed", "crashed", "completed"}:
            return deployment
    return None
