"""Deployments by what people type: an id, the beginning of one, ``v12``."""

from __future__ import annotations

import re

from rw_daemon.store.store import ServiceRow, Store
from rw_shared.errors import AmbiguousNameError, ConflictError, DeploymentNotFoundError, NothingToRollBackError
from rw_shared.models import Deployment, DeploymentStatus, Scope

PREVIOUS = "previous"
VERSION = re.compile(r"v(\d{1,9})")
SERVED = {
    DeploymentStatus.ACTIVE, DeploymentStatus.SLEEPING, DeploymentStatus.REMOVING, DeploymentStatus.REMOVED,
    DeploymentStatus.CRASHED, DeploymentStatus.COMPLETED,
}  # fmt: skip
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


async def served_before(store: Store, scope: Scope, service: str, *, before: str) -> Deployment | None:
    """Return the newest deployment of a service that served, or serves, and is older than the one with the id ``before``."""
    for deployment in await store.deployments(scope, service=service, limit=LOOKED_AT, before=before):
        if deployment.artifact is not None and deployment.status in SERVED:
            return deployment
    return None


async def find_source(store: Store, scope: Scope, row: ServiceRow, name: str) -> Deployment:
    """Return the release that a rollback goes back to: the one of that name, or the one before the serving one.

    :raises DeploymentNotFoundError: none has that name. ``NothingToRollBackError``: none served before. ``ConflictError``: that one serves,
        or never did.
    """
    if name not in {"", PREVIOUS}:
        return _served(await find_deployment(store, name, scope=scope, service=row.name), row)
    before = await served_before(store, scope, row.name, before=row.serving)
    if before is None:
        raise NothingToRollBackError(row.name)
    return before


def _served(found: Deployment, row: ServiceRow) -> Deployment:
    """Return a release that is fit to go back to: what failed, or was taken back, is nothing to rely on."""
    again = f"`rw deployments redeploy v{found.version}` releases it once more, with all that a new release has to pass."
    if found.id == row.serving and found.status is DeploymentStatus.ACTIVE:
        raise ConflictError(f"v{found.version} of {row.name} serves already.", hint=again)
    if found.status not in SERVED:
        raise ConflictError(f"v{found.version} of {row.name} is {found.status}: nothing to go back to.", why=found.reason, hint=again)
    return found
