"""The nouns that both processes and every script speak of. JSON is camelCase, times are RFC 3339 UTC, sizes are bytes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A frozen value. Unknown keys are passed over, so that an older reader understands a newer writer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    def wire(self) -> dict[str, Any]:
        """Return plain JSON values with camelCase keys."""
        return self.model_dump(mode="json", by_alias=True)


class Order(Model):
    """Something that a client asks for: here an unknown key is a mistake."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


NAME_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""A project's, environment's or service's name: a DNS label of at most 40 characters."""


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a NUL byte cannot stand in it")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("half a surrogate pair cannot stand in it: it is no text that can be written")
    return text


Text = Annotated[str, AfterValidator(_no_nul), StringConstraints(max_length=4096)]
DEFAULT_ENVIRONMENT = "production"


def slug(text: str) -> str:
    """Return the nearest ``Name`` to ``text`` (a folder's name, say); ``app`` where nothing of it can stay."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text.lower())
    return "-".join(part for part in kept.split("-") if part)[:40].strip("-") or "app"


class DeploymentStatus(StrEnum):
    """Where a deployment stands; contracts.md section 5."""

    QUEUED = "queued"
    WAITING = "waiting"
    INITIALIZING = "initializing"
    BUILDING = "building"
    DEPLOYING = "deploying"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    CRASHED = "crashed"
    SLEEPING = "sleeping"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    REMOVING = "removing"
    REMOVED = "removed"
    ROLLED_BACK = "rolled_back"

    @property
    def is_settled(self) -> bool:
        """Nobody is working on it any more."""
        return self in _SETTLED

    @property
    def is_success(self) -> bool:
        """A command that waited for it exits with 0."""
        return self in {DeploymentStatus.ACTIVE, DeploymentStatus.COMPLETED, DeploymentStatus.SKIPPED, DeploymentStatus.SLEEPING}


_SETTLED = frozenset(DeploymentStatus) - {
    DeploymentStatus.QUEUED, DeploymentStatus.WAITING, DeploymentStatus.INITIALIZING,
    DeploymentStatus.BUILDING, DeploymentStatus.DEPLOYING, DeploymentStatus.REMOVING,
}  # fmt: skip


class StepName(StrEnum):
    """The steps of a deployment, in their order."""

    SNAPSHOT = "snapshot"
    PLAN = "plan"
    BUILD = "build"
    PRE_DEPLOY = "pre-deploy"
    STOP = "stop"
    START = "start"
    HEALTHCHECK = "healthcheck"
    CHECK = "check"
    SHIFT = "shift"


class StepStatus(StrEnum):
    """How a step stands."""

    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ServiceKind(StrEnum):
    """Web services have a port and a route, workers have neither."""

    WEB = "web"
    WORKER = "worker"


class TargetKind(StrEnum):
    """What runs the services of an environment."""

    PROCESS = "process"
    DOCKER = "docker"


class OperationKind(StrEnum):
    """What a command asks for."""

    UP = "up"
    REDEPLOY = "redeploy"
    ROLLBACK = "rollback"
    RESTART = "restart"
    SCALE = "scale"
    SLEEP = "sleep"
    WAKE = "wake"
    DOWN = "down"


class OperationStatus(StrEnum):
    """How an operation stands; all but the first two are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_settled(self) -> bool:
        """Nothing more will come of it."""
        return self not in {OperationStatus.QUEUED, OperationStatus.RUNNING}


class ErrorBody(Model):
    """The ``error`` object of contracts.md section 1."""

    code: str
    message: str
    why: str = ""
    hint: str = ""
    candidates: tuple[str, ...] = ()
    details: dict[str, Any] = {}


class Placed(Protocol):
    """Whatever belongs to an environment."""

    @property
    def project(self) -> str:
        """Its project's name."""
        ...

    @property
    def environment(self) -> str:
        """Its environment's name."""
        ...


class Scope(Model):
    """The environment of a project that something belongs to."""

    project: Name
    environment: Name

    @classmethod
    def of(cls, it: Placed) -> Scope:
        """Return where a deployment, a service or an operation belongs to."""
        return cls(project=it.project, environment=it.environment)

    def __str__(self) -> str:
        return f"{self.project}/{self.environment}"


class Project(Model):
    """A capsule of services. ``path`` is the folder it was first deployed from, empty when unknown."""

    name: str
    path: str = ""
    created_at: datetime


class Environment(Model):
    """One of a project's environments; ``target`` was chosen by its first deployment."""

    name: str
    target: TargetKind


class Step(Model):
    """One step of a deployment; ``detail`` is a few words for people (``reused``, ``24 files``)."""

    name: StepName
    status: StepStatus
    attempt: int = 1
    started_at: datetime
    ended_at: datetime | None = None
    detail: str = ""


class Artifact(Model):
    """What a build made.

    :param kind: ``image`` (reference: image id) or ``folder`` (reference: absolute path).
    :param size_bytes: of the whole image or folder.
    :param key: digest of everything that went in; equal keys are built once.
    :param reused: nothing was built, the artifact was there.
    :param port: where an image that rw did not build says that it listens; 0 when it does not say.
    :param digest: what gets the same image from its registry again (``ghcr.io/owner/app@sha256:…``); empty for one that rw built.
    """

    kind: Literal["image", "folder"]
    reference: str
    size_bytes: int = 0
    key: str = ""
    reused: bool = False
    port: int = 0
    digest: str = ""


class Pace(StrEnum):
    """How a rollout goes on: by its steps, not at all until somebody says so, or to its end at once."""

    STEPS = "steps"
    PAUSED = "paused"
    PROMOTED = "promoted"


class Deployment(Model):
    """One attempt to build and run a snapshot. ``version`` counts per service: v1, v2 …"""

    id: str
    operation: str
    project: str
    environment: str
    service: str
    version: int
    kind: ServiceKind = ServiceKind.WEB
    status: DeploymentStatus
    reason: str = ""
    error: ErrorBody | None = None
    snapshot: str = ""
    artifact: Artifact | None = None
    message: str = ""
    commit: str = ""
    """The commit that the sources are of, when whoever deployed them said so."""
    previous: str = ""
    """The deployment that served before this one took its place."""
    source_deployment: str = ""
    """The deployment that a redeploy or rollback takes its release from."""
    replicas: int = 1
    changed: bool = True
    share: int = 0
    """Percent of its service's requests that it has while a rollout is going on."""
    pace: Pace = Pace.STEPS
    plan: dict[str, Any] | None = Field(default=None, repr=False)
    steps: tuple[Step, ...] = ()
    created_at: datetime
    settled_at: datetime | None = None


class Replica(Model):
    """One running copy of a deployment. ``state``: starting, running, unhealthy, restarting, exited."""

    id: str
    index: int
    deployment: str
    state: str
    address: str = ""
    restarts: int = 0
    exit: str = ""
    started_at: datetime | None = None
    cpu_seconds: float | None = None
    memory_bytes: int | None = None


class Service(Model):
    """A deployable unit and how it stands: ``serving`` is the deployment that answers, ``newest`` the latest attempt."""

    name: str
    kind: ServiceKind = ServiceKind.WEB
    status: DeploymentStatus | None = None
    reason: str = ""
    serving: str = ""
    version: int = 0
    newest: str = ""
    newest_status: DeploymentStatus | None = None
    newest_reason: str = ""
    replicas_wanted: int = 1
    replicas_min: int | None = None
    replicas_max: int | None = None
    """Between which the load decides; both ``None`` where the release's file has no ``[deploy.scale]``."""
    replicas: tuple[Replica, ...] = ()
    url: str = ""
    urls: tuple[str, ...] = ()
    port: int = 0
    """The stable loopback port, the same for every release."""


class EnvironmentStatus(Model):
    """What runs in an environment: the answer of ``rw status``."""

    project: str
    environment: str
    target: TargetKind | None = None
    services: tuple[Service, ...] = ()
    supervised: bool = True
    edge: str = ""
    """``running``, ``down`` or empty when there is none yet."""


class Operation(Model):
    """What one command asked for: cancelling, waiting and the exit code belong to it."""

    id: str
    kind: OperationKind
    project: str
    environment: str
    status: OperationStatus
    deployments: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    error: ErrorBody | None = None
    message: str = ""
    created_at: datetime
    settled_at: datetime | None = None


class OperationOrder(Order):
    """The body of ``POST /v1/projects/{project}/environments/{environment}/operations``.

    :param snapshot: digest from ``POST /v1/snapshots``; needed for ``up``.
    :param services: names; empty means all.
    :param target: ``process`` or ``docker``; empty means the remembered one, else what is there.
    :param deployment: id or ``vN`` for redeploy and rollback; empty means the serving, or the one before it.
    :param scale: replicas by service, for ``scale``.
    :param image: an image to run instead of building the snapshot, which then only brings the settings; for ``up``.
    :param commit: the commit that the sources are of; for ``up``.
    :param environ: the caller's allow-listed environment.
    """

    kind: OperationKind
    snapshot: Text = ""
    services: tuple[Text, ...] = ()
    target: Text = ""
    deployment: Text = ""
    scale: dict[str, Annotated[int, Field(ge=0, le=50)]] = {}
    message: Text = ""
    image: Text = ""
    commit: Text = ""
    no_cache: bool = False
    idempotency_key: Text = ""
    environ: dict[str, str] = Field(default={}, repr=False)


class SnapshotOrder(Order):
    """The body of ``POST /v1/snapshots``: an absolute path on this machine.

    :param only: names of files directly in the folder; nothing else is taken or looked at. Empty means everything.
    :param since: digest of an earlier snapshot, to be told what changed after it.
    :param folders: whether to be told which folders belong to the tree, for somebody who watches them.
    """

    path: Text
    only: tuple[Text, ...] = ()
    since: Text = ""
    folders: bool = False
    environ: dict[str, str] = Field(default={}, repr=False)


class PlaceOrder(Order):
    """The body of ``POST /v1/places``: the absolute path of an app's folder on this machine."""

    path: Text


class Place(Model):
    """The folder that is snapshotted for an app, and the app's folder below it; empty where both are one."""

    context: str
    app: str = ""


class FileChange(Model):
    """What became of a file between two snapshots, by its content: a new time alone is no change."""

    path: str
    kind: Literal["added", "modified", "removed"]


class Snapshot(Model):
    """A source tree as taken for one deployment."""

    digest: str
    files: int
    size_bytes: int
    skipped: tuple[str, ...] = ()
    """What was left out with a reason (a socket, a link out of the folder), for people."""
    changes: tuple[FileChange, ...] = ()
    """What is different from the snapshot that the order named, by path."""
    folders: tuple[str, ...] = ()
    """The folders of the tree that are not left out, relative, the root as an empty text; only where the order asks for them."""


class SnapshotProgress(Model):
    """How far the snapshot of a folder is that is being taken; all zero when none is, or its files are still being listed."""

    files: int = 0
    had_bytes: int = 0
    all_bytes: int = 0


class ProjectOrder(Order):
    """The body of ``POST /v1/projects``: finds the project of a folder, or makes it.

    :param name: from a flag or railway.toml; empty means: named after the folder.
    """

    name: Annotated[str, StringConstraints(pattern=r"^$|" + NAME_PATTERN)] = ""
    path: Text = ""


class PlanOrder(Order):
    """The body of ``POST /v1/plans``."""

    snapshot: Text
    environment: Name = DEFAULT_ENVIRONMENT
    project: Name = "app"
    services: tuple[Text, ...] = ()
    """Of those that the railway file lists; empty for all."""
    strict: bool = False
    environ: dict[str, str] = Field(default={}, repr=False)


class PlanAnswer(Model):
    """What would be built and why. ``plan`` is the object of contracts.md section 6, ``dockerfile`` its text.

    :param dockerignore: what such a build must leave out; empty where the project has a Dockerfile of its own.
    """

    plan: dict[str, Any]
    dockerfile: str
    dockerignore: str
    digest: str
    others: tuple[PlanAnswer, ...] = ()
    """Of the other services, where the railway file lists some."""


class LogSource(StrEnum):
    """Where a line came from."""

    BUILD = "build"
    DEPLOY = "deploy"
    HTTP = "http"
    """A request that the edge served."""


class LogRecord(Model):
    """One line. ``cursor`` grows with every kept line of this daemon and is where a reader resumes.

    :param stream: ``stdout``, ``stderr``, ``http`` for a request, or ``rw`` for a line of rw's own (a gap, a restart).
    :param replica: index of the replica; -1 for builds and jobs.
    """

    type: Literal["log"] = "log"
    cursor: int
    ts: datetime
    project: str
    environment: str
    service: str
    deployment: str
    version: int = 0
    replica: int = -1
    source: LogSource = LogSource.DEPLOY
    stream: str = "stdout"
    level: str = ""
    message: str
    step: str = ""
    attrs: dict[str, Any] = {}


class Entry(Model):
    """The way into a service for a command on the same machine. It holds secrets: it is handed out over the socket and never kept.

    :param variables: what the release was given.
    :param replica: id of the running replica, empty when none runs; then only ``variables`` is there.
    :param environ: the whole environment of a replica that is a process, and ``folder`` where it runs.
    :param container: of a replica that is a container, with the address of its engine and the API version to speak.
    :param address: where it listens, ``host:port``; empty for a worker.
    """

    service: str
    deployment: str
    variables: dict[str, str] = Field(default={}, repr=False)
    replica: str = ""
    environ: dict[str, str] = Field(default={}, repr=False)
    folder: str = ""
    container: str = ""
    engine: str = ""
    api: str = ""
    address: str = ""


class Check(Model):
    """One condition that rw needs, and how it stands.

    :param status: ``warn`` is something that will bite sooner or later, ``fail`` what does not work now.
    :param fix: the command to type; empty when nothing is to be done.
    """

    id: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    fix: str = ""


class CheckOrder(Order):
    """The body of ``POST /v1/checks``."""

    environ: dict[str, str] = Field(default={}, repr=False)


class DaemonInfo(Model):
    """Who answers on the socket."""

    version: str
    pid: int
    home: str
    started_at: datetime
    busy: bool = False
    """An operation is queued or running: a newer command leaves it alone until then."""
    previous_end: str = ""
    """``stopped``, ``killed`` or empty: how the daemon before this one ended."""
