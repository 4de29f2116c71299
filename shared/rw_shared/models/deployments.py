"""Projects, services and their deployments, and what is ordered of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from rw_shared.models.base import ErrorBody, Model, Order, Text
from rw_shared.models.states import DeploymentStatus, OperationKind, OperationStatus, Pace, ServiceKind, StepName, StepStatus, TargetKind


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
