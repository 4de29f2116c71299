"""Every fault that rw tells a user about: a stable code, what happened, why, and what to type next.

A class takes facts and builds its sentences itself. The daemon raises it, the API writes ``to_wire()``, the command
reads it back with ``from_wire`` and exits with ``exit_code``. All classes stand here, so that the README's table and
the exit codes come from one list.

Exit codes: 1 fault of rw, 2 usage, 3 deployment failed, 4 answer needed, 5 not found, 6 not allowed, 7 conflict,
8 daemon or runtime unreachable, 9 waiting timed out, 10 configuration invalid.
"""

from rw_shared.errors.base import InternalError, RwError, UnknownError, clip
from rw_shared.errors.configuration import (
    AnswerNeededError,
    ConfigInvalidError,
    InvalidRequestError,
    NoStartCommandError,
    NothingDetectedError,
    UsageError,
)
from rw_shared.errors.deployments import (
    ArtifactMissingError,
    BaseImageMissingError,
    BuildFailedError,
    CancelledError,
    CrashedError,
    DeadlineError,
    DeploymentFailedError,
    DiskFullError,
    NeverHealthyError,
    PreDeployFailedError,
    PreDeployUnknownError,
    RegistryUnreachableError,
    SupersededError,
    ToolMissingError,
)
from rw_shared.errors.names import (
    AmbiguousNameError,
    DeploymentNotFoundError,
    EnvironmentNotFoundError,
    NotFoundError,
    OperationNotFoundError,
    ProjectNotFoundError,
    ServiceNotFoundError,
)
from rw_shared.errors.snapshots import (
    SnapshotChangedError,
    SnapshotMissingError,
    SnapshotTooLargeError,
    SourceMissingError,
    SourceUnreadableError,
)
from rw_shared.errors.surroundings import (
    ConflictError,
    DaemonUnreachableError,
    DatabaseCorruptError,
    DatabaseNewerError,
    EdgeFailedError,
    EngineFailedError,
    EngineRemoteError,
    EngineUnreachableError,
    NotAllowedError,
    NothingToRollBackError,
    TargetUnknownError,
    UnreachableError,
    WaitTimedOutError,
)

__all__ = [
    "AmbiguousNameError",
    "AnswerNeededError",
    "ArtifactMissingError",
    "BaseImageMissingError",
    "BuildFailedError",
    "CancelledError",
    "ConfigInvalidError",
    "ConflictError",
    "CrashedError",
    "DaemonUnreachableError",
    "DatabaseCorruptError",
    "DatabaseNewerError",
    "DeadlineError",
    "DeploymentFailedError",
    "DeploymentNotFoundError",
    "DiskFullError",
    "EdgeFailedError",
    "EngineFailedError",
    "EngineRemoteError",
    "EngineUnreachableError",
    "EnvironmentNotFoundError",
    "InternalError",
    "InvalidRequestError",
    "NeverHealthyError",
    "NoStartCommandError",
    "NotAllowedError",
    "NotFoundError",
    "NothingDetectedError",
    "NothingToRollBackError",
    "OperationNotFoundError",
    "PreDeployFailedError",
    "PreDeployUnknownError",
    "ProjectNotFoundError",
    "RegistryUnreachableError",
    "RwError",
    "ServiceNotFoundError",
    "SnapshotChangedError",
    "SnapshotMissingError",
    "SnapshotTooLargeError",
    "SourceMissingError",
    "SourceUnreadableError",
    "SupersededError",
    "TargetUnknownError",
    "ToolMissingError",
    "UnknownError",
    "UnreachableError",
    "UsageError",
    "WaitTimedOutError",
    "clip",
]
