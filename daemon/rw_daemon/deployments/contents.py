"""What a built release is made of."""

from __future__ import annotations

from typing import Any

from rw_daemon.builds import spdx
from rw_daemon.deployments.lookup import find_deployment
from rw_daemon.deployments.planner import digest
from rw_daemon.deployments.targets import Target, Targets
from rw_daemon.plans.check_text import base_of
from rw_daemon.snapshots import Snapshots
from rw_daemon.store.store import Store
from rw_shared.contents import Sizes
from rw_shared.errors import ArtifactMissingError, ConflictError
from rw_shared.models import Artifact, Deployment, Scope

LOOKED_AT = 100  # newest deployments that a built one is looked for among


class Contents:
    """Looks into artifacts. The newest that was built is meant where none is named."""

    def __init__(self, store: Store, targets: Targets, snapshots: Snapshots) -> None:
        self._store, self._targets, self._snapshots = store, targets, snapshots

    async def sizes(self, scope: Scope, name: str) -> Sizes:
        """Return where the bytes are of what ``name`` means: a service, ``vN``, an id; empty for the newest.

        :raises ConflictError: nothing was built yet. ``ArtifactMissingError``: it was removed since. ``DeploymentNotFoundError``.
        """
        deployment, artifact, target = await self._find(scope, name)
        base = await self._base(deployment)
        parts = await target.builder.parts(artifact, base=base)
        if not parts:
            raise ArtifactMissingError(deployment.service, artifact.reference)
        total, below = sum(one.size_bytes for one in parts), sum(one.size_bytes for one in parts if one.is_base)
        return Sizes(
            deployment=deployment.id, service=deployment.service, version=deployment.version,
            plan=digest(deployment.plan), base=base if below else "",
            size_bytes=total, base_bytes=below, added_bytes=total - below, parts=parts,
        )  # fmt: skip

    async def sbom(self, scope: Scope, name: str) -> dict[str, Any]:
        """Return the packages in what ``name`` means, as an SPDX 2.3 document. Errors as in ``sizes``."""
        deployment, artifact, target = await self._find(scope, name)
        found = await target.builder.components(artifact)
        if found is None:
            raise ArtifactMissingError(deployment.service, artifact.reference)
        called = "-".join((scope.project, scope.environment, deployment.service, f"v{deployment.version}"))
        is_image = artifact.kind == "image"
        return spdx.document(
            called, reference=artifact.reference if is_image else artifact.key, purpose="CONTAINER" if is_image else "APPLICATION",
            made_at=deployment.created_at, found=found,
        )  # fmt: skip

    async def _find(self, scope: Scope, name: str) -> tuple[Deployment, Artifact, Target]:
        services = {row.name for row in await self._store.services(scope)}
        if name and name not in services:
            found = [await find_deployment(self._store, name, scope=scope)]
        else:
            found = await self._store.deployments(scope, service=name, limit=LOOKED_AT)
        built = next((one for one in found if one.artifact is not None), None)
        kind = (await self._store.environments(scope.project)).get(scope.environment)
        if built is None or built.artifact is None or kind is None:
            raise ConflictError(f"{name or 'This project'} was not built yet.", hint="Run `rw up`; then there is something to look into.")
        return built, built.artifact, await self._targets.get(kind, {})

    async def _base(self, deployment: Deployment) -> str:
        plan = deployment.plan or {}
        if not plan.get("dockerfile"):
            return str((plan.get("bases") or {}).get("run", ""))
        source = (await self._snapshots.source(deployment.snapshot)).below(plan["root"])
        return base_of(source.text(plan["dockerfile"]))
