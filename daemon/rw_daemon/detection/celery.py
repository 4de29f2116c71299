"""Celery: the processes beside the server that work off its tasks. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from rw_daemon.detection import python_code
from rw_daemon.detection.python_code import App
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Origin, ServicePlan
from rw_shared.models import ServiceKind

CLASSES = frozenset({"celery.Celery", "celery.app.base.Celery"})
FACTORIES = frozenset({"make_celery", "create_celery", "celery_init_app", "init_celery"})
SCHEDULES = ("beat_schedule", "CELERY_BEAT_SCHEDULE", "CELERYBEAT_SCHEDULE")
DATABASE = "django-celery-beat"
# the schedule's own notes are of this run only: a container's folder may be read-only
BEAT = "celery -A {target} beat --loglevel INFO --schedule /tmp/celerybeat-schedule"
DATABASE_BEAT = "celery -A {target} beat --loglevel INFO --scheduler django_celery_beat.schedulers:DatabaseScheduler"


@dataclass(frozen=True)
class Celery:
    """The processes of a project's Celery app; none where it has no such app."""

    app: App | None = None
    processes: tuple[ServicePlan, ...] = ()

    @property
    def origins(self) -> dict[str, Origin]:
        """Where each process comes from."""
        place = self.app.path if self.app else ""
        return {f"start.{one.name}": Origin.model_validate({"value": one.start, "from": place}) for one in self.processes}


def find(source: Source, names: frozenset[str]) -> Celery:
    """Return what runs the tasks: a worker, and where tasks have a schedule, the one process that keeps it.

    :param names: what the project depends on.
    """
    app = python_code.find_made(source, CLASSES, FACTORIES) if "celery" in names else None
    if app is None:
        return Celery()
    target = f"{app.module}:{app.attribute}"
    processes = [_process("worker", f"celery -A {target} worker --loglevel INFO")]
    if DATABASE in names or python_code.sets(source, SCHEDULES):
        processes.append(_process("beat", (DATABASE_BEAT if DATABASE in names else BEAT).format(target=target)))
    return Celery(app, tuple(processes))


def _process(name: str, start: str) -> ServicePlan:
    return ServicePlan(name=name, kind=ServiceKind.WORKER, start=start, port=0)
