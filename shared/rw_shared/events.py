"""Facts in the past tense. An event is written once, never edited; old rows stay readable.

``name`` is ``noun.past_tense`` and stable; ``version`` is raised when a field changes its meaning. No event carries a
secret: variables are named, never quoted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from rw_shared.models import (
    Artifact,
    DeploymentStatus,
    ErrorBody,
    Model,
    OperationKind,
    OperationStatus,
    Pace,
    ServiceKind,
    StepName,
    StepStatus,
    TargetKind,
)


class Event(Model):
    """Base of all events.

    :param at: UTC, from the daemon's clock.
    :param project: empty only where an event belongs to none.
    :param operation: the operation that caused it, where there is one.
    """

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1
    kinds: ClassVar[dict[str, type[Event]]] = {}

    at: datetime
    project: str = ""
    environment: str = ""
    service: str = ""
    operation: str = ""
    actor: str = "user"

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.name:
            taken = Event.kinds.setdefault(cls.name, cls)
            if taken is not cls:
                raise TypeError(f"two events are called {cls.name}")


class StoredEvent(Model):
    """An event as it was written: ``sequence`` is the cursor that streams resume from."""

    sequence: int
    id: str
    name: str
    version: int
    at: datetime
    project: str = ""
    environment: str = ""
    service: str = ""
    operation: str = ""
    actor: str = ""
    data: dict[str, Any] = {}
    """All fields of the event, camelCase."""

    def event(self) -> Event:
        """Return the event itself. ``KeyError`` when a newer rw wrote a kind that this one does not know."""
        return Event.kinds[self.name].model_validate(self.data)


class ProjectCreated(Event):
    """A project was deployed for the first time."""

    name = "project.created"
    path: str = ""


class EnvironmentCreated(Event):
    """An environment came to be with its target, which is chosen once."""

    name = "environment.created"
    target: TargetKind


class ServiceConfigured(Event):
    """A service came to be, or its settings changed."""

    name = "service.configured"
    kind: ServiceKind
    replicas: int
    port: int
    """The stable loopback port; 0 for a worker."""
    hostname: str = ""


class ServiceScaled(Event):
    """Somebody asked for another number of replicas, until the next ``rw up``; or the load of a deployment did, which is then named."""

    name = "service.scaled"
    replicas: int
    deployment: str = ""
    reason: str = ""
    """The numbers of the load that asked for it."""


class ServiceRemoved(Event):
    """A service was taken down; its deployments stay in the history."""

    name = "service.removed"


class OperationCreated(Event):
    """A command asked for something. ``request`` is what recovery needs to go on: never a secret."""

    name = "operation.created"
    kind: OperationKind
    services: tuple[str, ...] = ()
    message: str = ""
    idempotency_key: str = ""
    request: dict[str, Any] = {}


class OperationWaiting(Event):
    """An operation waits for others of its services, or for something else now; or has them end first.

    :param words: what it waits for, or ends, for people.
    """

    name = "operation.waiting"
    words: str


class OperationBegun(Event):
    """An operation that waited has its turn. One that did not wait has no such event."""

    name = "operation.begun"


class OperationSettled(Event):
    """Nothing more will come of an operation."""

    name = "operation.settled"
    status: OperationStatus
    error: ErrorBody | None = None


class DeploymentCreated(Event):
    """An attempt to deploy a service began."""

    name = "deployment.created"
    deployment: str
    number: int
    """Counts per service: v1, v2 …"""
    kind: ServiceKind = ServiceKind.WEB
    replicas: int = 1
    snapshot: str = ""
    message: str = ""
    commit: str = ""
    source_deployment: str = ""


class DeploymentPlanned(Event):
    """What will be run is known: everything that a restart of the daemon needs to go on with."""

    name = "deployment.planned"
    deployment: str
    plan: dict[str, Any]
    kind: ServiceKind = ServiceKind.WEB
    replicas: int = 1


class DeploymentBuilt(Event):
    """The artifact of a deployment is there."""

    name = "deployment.built"
    deployment: str
    artifact: Artifact


class DeploymentStatusChanged(Event):
    """A deployment moved from one status to another.

    :param reason: one sentence for people; empty when the move needs none.
    :param changed: false when an ``rw up`` found nothing to do.
    """

    name = "deployment.status_changed"
    deployment: str
    before: DeploymentStatus
    after: DeploymentStatus
    reason: str = ""
    error: ErrorBody | None = None
    changed: bool = True


class StepStarted(Event):
    """A step is about to act."""

    name = "step.started"
    deployment: str
    step: StepName
    attempt: int = 1


class StepFinished(Event):
    """A step is over."""

    name = "step.finished"
    deployment: str
    step: StepName
    status: StepStatus
    detail: str = ""


class RolloutShifted(Event):
    """A release gets a share of its service's requests, in percent; 0 when it was taken back."""

    name = "rollout.shifted"
    deployment: str
    share: int


class RolloutPaced(Event):
    """A rollout was paused, goes on, or was sent to its end, by hand or because its configuration wants a hand."""

    name = "rollout.paced"
    deployment: str
    pace: Pace
    reason: str = ""
    """Why rw itself paused it, and what may be said to it."""


class RolloutAborted(Event):
    """Somebody asked to have a release taken back that is on its way, or watched."""

    name = "rollout.aborted"
    deployment: str


class MetricJudged(Model):
    """A metric of the app's own in one window.

    :param verdict: as of the whole window. :param value: of the new release, ``None`` where there was none. :param old: of the old one.
    """

    name: str
    verdict: str
    value: float | None = None
    old: float | None = None
    words: str = ""


class RolloutJudged(Event):
    """A window of a gradual rollout was judged.

    :param verdict: ``good``, ``suspicious``, ``bad``, ``no data`` or ``could not measure``. :param words: the numbers.
    """

    name = "rollout.judged"
    deployment: str
    share: int
    verdict: str
    words: str
    metrics: tuple[MetricJudged, ...] = ()


class RolloutWatched(Event):
    """A release will be watched after it got every request: it is compared with what the one before it did.

    :param before: the deployment that gets everything back when the watch ends badly; its figures follow.
    :param latency_ms: upper bounds in milliseconds with how many answers took at most that long.
    """

    name = "rollout.watched"
    deployment: str
    before: str
    seconds: float
    requests: int
    failed: int
    latency_ms: tuple[tuple[float, int], ...] = ()


class RolloutWatchEnded(Event):
    """The watch of a release is over. ``outcome``: ``passed``, ``bad``, ``unmeasured``, or ``ended`` where something else came first."""

    name = "rollout.watch_ended"
    deployment: str
    outcome: str
    words: str = ""


class InstanceChanged(Event):
    """A replica started, became healthy or unhealthy, exited, was restarted."""

    name = "instance.changed"
    deployment: str
    instance: str
    index: int
    state: str
    exit: str = ""
    restarts: int = 0


class RouteChanged(Event):
    """Requests for a service go elsewhere now. ``deployment`` is empty when nothing answers any more."""

    name = "route.changed"
    deployment: str
    url: str = ""
    before: str = ""
