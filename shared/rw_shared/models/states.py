"""Kinds and states, in the words of contracts.md section 5."""

from __future__ import annotations

from enum import StrEnum


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
    WAIT = "wait-for-dependencies"
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


class Pace(StrEnum):
    """How a rollout goes on: by its steps, not at all until somebody says so, or to its end at once."""

    STEPS = "steps"
    PAUSED = "paused"
    PROMOTED = "promoted"
