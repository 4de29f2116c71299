"""New deployments as events: their version, their service's port and name, the steps that are done already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rw_daemon.clock import Clock
from rw_daemon.deployments.identities import new_id
from rw_daemon.deployments.planner import Planned
from rw_daemon.deployments.ports import free_port
from rw_daemon.deployments.release import hostname, wanted_replicas
from rw_daemon.deployments.steps import of
from rw_daemon.plans.plan import ServicePlan
from rw_daemon.store.store import ServiceRow, Store
from rw_shared.events import DeploymentCreated, DeploymentPlanned, Event, ServiceConfigured, StepFinished, StepStarted
from rw_shared.models import Deployment, Scope, ServiceKind, StepName, StepStatus


@dataclass(frozen=True)
class Draft:
    """What a new deployment is made from. Its snapshot is taken and its plan is made."""

    service: str
    kind: ServiceKind
    replicas: int
    snapshot: str
    plan: dict[str, Any]
    source: str = ""
    """The deployment that it repeats."""
    commit: str = ""

    @classmethod
    def of_plan(cls, planned: Planned, service: ServicePlan, snapshot: str, commit: str, *, before: int = 0) -> Draft:
        """Return the draft of a service that was just planned, and that has ``before`` replicas."""
        replicas = wanted_replicas(planned.config, service, before=before)
        return cls(service.name, service.kind, replicas, snapshot, planned.plan.wire(), commit=commit)

    @classmethod
    def of_earlier(cls, earlier: Deployment, *, replicas: int) -> Draft:
        """Return the draft that deploys ``earlier`` once more: of an image the very same one, wherever its tag points by now."""
        plan, artifact = dict(earlier.plan or {}), earlier.artifact
        if plan.get("image") and artifact is not None:
            plan["image"] = artifact.digest or artifact.reference
        return cls(earlier.service, earlier.kind, replicas, earlier.snapshot, plan, earlier.id, earlier.commit)


class Drafts:
    """Turns drafts into events. Two calls at a time could take the same version or port: the caller prevents it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def row(self, scope: Scope, name: str) -> ServiceRow | None:
        """Return a service of an environment, if there is one of that name."""
        return next((row for row in await self._store.services(scope) if row.name == name), None)

    async def events(self, scope: Scope, draft: Draft, *, operation: str, message: str) -> list[Event]:
        """Return what is to be written for a new deployment; the second event is its ``DeploymentCreated``."""
        at = self._clock.now()
        envelope: dict[str, Any] = {
            "at": at, "project": scope.project, "environment": scope.environment, "service": draft.service, "operation": operation,
        }  # fmt: skip
        identity = new_id("dep", at=at)
        newest = await self._store.deployments(scope, service=draft.service, limit=1)
        return [
            await self._configured(scope, envelope, draft.kind, draft.replicas),
            DeploymentCreated(
                **envelope, deployment=identity, number=newest[0].version + 1 if newest else 1, kind=draft.kind, replicas=draft.replicas,
                snapshot=draft.snapshot, message=message, source_deployment=draft.source,
                commit=draft.commit,
            ),
            DeploymentPlanned(**envelope, deployment=identity, plan=draft.plan, kind=draft.kind, replicas=draft.replicas),
            *_done(envelope, identity, StepName.SNAPSHOT, draft.snapshot.removeprefix("sha256:")[:12]),
            *_done(envelope, identity, StepName.PLAN, str(draft.plan.get("buildpack", ""))),
        ]  # fmt: skip

    async def configure(self, deployment: Deployment) -> None:
        """Have the service of a deployment there: it was taken down by an order that came before the deployment's turn."""
        scope = Scope.of(deployment)
        if await self.row(scope, deployment.service) is None:
            await self._store.append(
                await self._configured(scope, {"at": self._clock.now(), **of(deployment)}, deployment.kind, deployment.replicas)
            )

    async def _configured(self, scope: Scope, envelope: dict[str, Any], kind: ServiceKind, replicas: int) -> ServiceConfigured:
        name, is_web = str(envelope["service"]), kind is ServiceKind.WEB
        host = hostname(project=scope.project, environment=scope.environment, service=name) if is_web else ""
        return ServiceConfigured(
            **envelope, kind=kind, replicas=replicas, port=await self._port(scope, name) if is_web else 0, hostname=host
        )

    async def _port(self, scope: Scope, service: str) -> int:
        row = await self.row(scope, service)
        if row is not None and row.port:
            return row.port
        return free_port(str(scope), service, taken={one.port for one in await self._store.services()})


def _done(envelope: dict[str, Any], deployment: str, step: StepName, detail: str) -> list[Event]:
    return [
        StepStarted(**envelope, deployment=deployment, step=step),
        StepFinished(**envelope, deployment=deployment, step=step, status=StepStatus.DONE, detail=detail),
    ]
