"""What an event changes in the projections, as data: pure, so that rebuilding and writing can never differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rw_shared import events as e
from rw_shared.models import DeploymentStatus, OperationStatus, Pace, StepStatus

Values = dict[str, Any]


@dataclass(frozen=True)
class Upsert:
    """Sets ``values`` in the row with ``key``; where there is none, makes it with ``values`` and ``defaults``."""

    table: str
    key: Values
    values: Values
    defaults: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Update:
    """Sets ``values`` in the rows that fit ``key``, if there are any."""

    table: str
    key: Values
    values: Values


Change = Upsert | Update


def changes(event: e.Event, *, sequence: int) -> list[Change]:
    """Return what ``event`` changes, in order. ``sequence``: its place in the history, by which rows are sorted."""
    if isinstance(event, e.OperationCreated):
        return _asked(event, sequence)
    if isinstance(event, e.DeploymentCreated):
        return _attempted(event, sequence)
    rule = _RULES.get(type(event))
    return rule(event) if rule else []


def _project(event: e.ProjectCreated) -> list[Change]:
    return [Upsert("projects", {"name": event.project}, {"path": event.path}, {"created_at": event.at})]


def _environment(event: e.EnvironmentCreated) -> list[Change]:
    return [Upsert("environments", {"project": event.project, "name": event.environment}, {"target": event.target.value})]


def _service_key(event: e.Event) -> Values:
    return {"project": event.project, "environment": event.environment, "name": event.service}


def _configured(event: e.ServiceConfigured) -> list[Change]:
    values = {"kind": event.kind.value, "replicas": event.replicas, "port": event.port, "hostname": event.hostname, "is_removed": False}
    return [Upsert("services", _service_key(event), values, {"serving": ""})]


def _scaled(event: e.ServiceScaled) -> list[Change]:
    values: Values = {"replicas": event.replicas}
    own: list[Change] = [Update("deployments", {"id": event.deployment}, values)] if event.deployment else []
    return [Update("services", _service_key(event), values), *own]


def _removed(event: e.ServiceRemoved) -> list[Change]:
    return [Update("services", _service_key(event), {"is_removed": True, "serving": ""})]


def _routed(event: e.RouteChanged) -> list[Change]:
    return [Update("services", _service_key(event), {"serving": event.deployment}), *_took_place(event), *_runs(event)]


def _took_place(event: e.RouteChanged) -> list[Change]:
    is_new = bool(event.deployment) and event.before not in {"", event.deployment}
    # the first time counts: one that is rolled back to later keeps what it once replaced
    return [Update("deployments", {"id": event.deployment, "previous": ""}, {"previous": event.before})] if is_new else []


def _asked(event: e.OperationCreated, sequence: int) -> list[Change]:
    values = {
        "sequence": sequence, "kind": event.kind.value, "project": event.project, "environment": event.environment,
        "status": OperationStatus.QUEUED.value, "services": list(event.services), "message": event.message,
        "idempotency_key": event.idempotency_key, "request": event.request, "created_at": event.at,
    }  # fmt: skip
    return [Upsert("operations", {"id": event.operation}, values)]


def _settled(event: e.OperationSettled) -> list[Change]:
    values = {"status": event.status.value, "error": event.error.wire() if event.error else None, "settled_at": event.at}
    return [Update("operations", {"id": event.operation}, values)]


def _waits(event: e.OperationWaiting) -> list[Change]:
    waiting = {"operation": event.operation, "status": DeploymentStatus.QUEUED.value}
    return [Update("deployments", waiting, {"reason": event.words})]


def _begun(event: e.OperationBegun) -> list[Change]:
    waiting = {"operation": event.operation, "status": DeploymentStatus.QUEUED.value}
    return [Update("deployments", waiting, {"reason": ""}), *_runs(event)]


def _runs(event: e.Event) -> list[Change]:
    """Return what makes an operation a running one: the first thing that happens in its name. No event says so itself."""
    if not event.operation:
        return []
    waiting = {"id": event.operation, "status": OperationStatus.QUEUED.value}
    return [Update("operations", waiting, {"status": OperationStatus.RUNNING.value})]


def _attempted(event: e.DeploymentCreated, sequence: int) -> list[Change]:
    values = {
        "sequence": sequence, "operation": event.operation, "project": event.project, "environment": event.environment,
        "service": event.service, "version": event.number, "kind": event.kind.value, "status": DeploymentStatus.QUEUED.value,
        "snapshot": event.snapshot, "message": event.message, "source_deployment": event.source_deployment, "commit": event.commit,
        "replicas": event.replicas,
        "created_at": event.at,
    }  # fmt: skip
    return [Upsert("deployments", {"id": event.deployment}, values)]


def _planned(event: e.DeploymentPlanned) -> list[Change]:
    return [Update("deployments", {"id": event.deployment}, {"plan": event.plan, "kind": event.kind.value, "replicas": event.replicas})]


def _built(event: e.DeploymentBuilt) -> list[Change]:
    return [Update("deployments", {"id": event.deployment}, {"artifact": event.artifact.wire()}), *_runs(event)]


_LEAVING = frozenset({DeploymentStatus.REMOVING, DeploymentStatus.REMOVED})


def _moved(event: e.DeploymentStatusChanged) -> list[Change]:
    values: Values = {"status": event.after.value}
    if event.reason or event.after not in _LEAVING:
        values["reason"] = event.reason  # on its way out a deployment keeps what was last said of it
    if event.error is not None:
        values["error"] = event.error.wire()
    elif event.after is DeploymentStatus.ACTIVE:
        values["error"] = None
    if not event.changed:
        values["changed"] = False
    if event.after.is_settled:
        values |= {"share": 0, "pace": Pace.STEPS.value}
    # the first verdict counts: a deployment that is taken down a week later did not take a week
    if event.after.is_settled and not event.before.is_settled and event.before is not DeploymentStatus.REMOVING:
        values["settled_at"] = event.at
    began = [] if event.after.is_settled else _runs(event)
    return [Update("deployments", {"id": event.deployment}, values), *began]


def _shifted(event: e.RolloutShifted) -> list[Change]:
    return [Update("deployments", {"id": event.deployment}, {"share": event.share})]


def _paced(event: e.RolloutPaced) -> list[Change]:
    return [Update("deployments", {"id": event.deployment}, {"pace": event.pace.value})]


def _step_key(event: e.StepStarted | e.StepFinished) -> Values:
    return {"deployment": event.deployment, "name": event.step.value}


def _step_started(event: e.StepStarted) -> list[Change]:
    values = {"status": StepStatus.RUNNING.value, "attempt": event.attempt, "started_at": event.at, "ended_at": None, "detail": ""}
    return [Upsert("steps", _step_key(event), values)]


def _step_finished(event: e.StepFinished) -> list[Change]:
    values = {"status": event.status.value, "ended_at": event.at, "detail": event.detail}
    return [Upsert("steps", _step_key(event), values, {"attempt": 1, "started_at": event.at})]  # a skipped step never started


def _replica(event: e.InstanceChanged) -> list[Change]:
    return _runs(event)


_RULES: dict[type[e.Event], Callable[[Any], list[Change]]] = {
    e.ProjectCreated: _project,
    e.EnvironmentCreated: _environment,
    e.ServiceConfigured: _configured,
    e.ServiceScaled: _scaled,
    e.ServiceRemoved: _removed,
    e.RouteChanged: _routed,
    e.OperationWaiting: _waits,
    e.OperationBegun: _begun,
    e.OperationSettled: _settled,
    e.DeploymentPlanned: _planned,
    e.DeploymentBuilt: _built,
    e.DeploymentStatusChanged: _moved,
    e.RolloutShifted: _shifted,
    e.RolloutPaced: _paced,
    e.StepStarted: _step_started,
    e.StepFinished: _step_finished,
    e.InstanceChanged: _replica,
}
