"""Every fault that rw tells a user about: a stable code, what happened, why, and what to type next.

A class takes facts and builds its sentences itself. The daemon raises it, the API writes ``to_wire()``, the command
reads it back with ``from_wire`` and exits with ``exit_code``. All classes stand here, so that the README's table and
the exit codes come from one list.

Exit codes: 1 fault of rw, 2 usage, 3 deployment failed, 4 answer needed, 5 not found, 6 not allowed, 7 conflict,
8 daemon or runtime unreachable, 9 waiting timed out, 10 configuration invalid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

FOREIGN_TEXT_LIMIT = 2000  # characters of another program's words that an error carries along


def clip(text: str, limit: int = FOREIGN_TEXT_LIMIT) -> str:
    """Return the end of ``text``, at most ``limit`` characters: the last words of a failing program say most."""
    text = text.strip()
    return text if len(text) <= limit else "…" + text[-limit + 1 :]


class RwError(Exception):
    """A fault with a code, a message, a reason and a hint.

    :param message: what happened, one sentence.
    :param why: the cause, one or a few sentences; may be empty.
    :param hint: what to type or change next.
    :param candidates: names the user may have meant.
    :param details: JSON values for scripts (probes, last log lines, …).
    """

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    registry: ClassVar[dict[str, type[RwError]]] = {}

    def __init__(
        self, message: str, *, why: str = "", hint: str = "", candidates: Sequence[str] = (), details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message, self.why, self.hint = message, why, hint
        self.candidates, self.details = tuple(candidates), dict(details or {})

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        taken = RwError.registry.setdefault(cls.code, cls)
        if taken is not cls:
            raise TypeError(f"{cls.__name__} and {taken.__name__} share the code {cls.code}")

    def to_wire(self) -> dict[str, Any]:
        """Return the ``error`` object of contracts.md section 1."""
        return {
            "code": self.code,
            "message": self.message,
            "why": self.why,
            "hint": self.hint,
            "candidates": list(self.candidates),
            "details": self.details,
        }

    @staticmethod
    def from_wire(wire: Mapping[str, Any]) -> RwError:
        """Return the error that the other process raised; a code from a newer rw becomes an ``UnknownError`` that keeps its words."""
        cls = RwError.registry.get(str(wire.get("code", "")), UnknownError)
        return cls._revive(wire)

    @classmethod
    def _revive(cls, wire: Mapping[str, Any]) -> Self:
        error = cls.__new__(cls)  # a subclass's constructor takes facts; the sentences are already made
        RwError.__init__(
            error,
            str(wire.get("message", "")),
            why=str(wire.get("why", "")),
            hint=str(wire.get("hint", "")),
            candidates=wire.get("candidates") or (),
            details=wire.get("details") or {},
        )
        return error


class UnknownError(RwError):
    """An error of a kind that this version does not know."""

    code = "UNKNOWN"


class InternalError(RwError):
    """A bug in rw: the daemon's log holds the traceback under the id."""

    code = "INTERNAL"

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"rw made a mistake (reference {reference}).",
            why="An unexpected error; nothing was changed beyond what the events show.",
            hint="Run `rw daemon logs` and look for the reference.",
            details={"reference": reference},
        )


# --- usage and configuration


class UsageError(RwError):
    """The command's words do not fit."""

    code, status, exit_code = "USAGE", 400, 2


class InvalidRequestError(RwError):
    """The API was called with something it cannot take."""

    code, status, exit_code = "INVALID_REQUEST", 422, 2

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(
            "The request cannot be read.",
            why="; ".join(problems),
            hint="Compare it with /v1/openapi.json, or run `rw version` when command and daemon differ.",
        )


class AnswerNeededError(RwError):
    """A question would have to be asked, and there is nobody to ask."""

    code, status, exit_code = "ANSWER_NEEDED", 400, 4

    def __init__(self, question: str, *, flag: str) -> None:
        super().__init__(question, why="This is not an interactive terminal.", hint=f"Pass {flag}.")


class ConfigInvalidError(RwError):
    """railway.toml (or railway.json, Procfile …) cannot be used; nothing was deployed.

    :param where: ``file:line`` or the file alone.
    """

    code, status, exit_code = "CONFIG_INVALID", 422, 10

    def __init__(self, where: str, problem: str, *, hint: str = "Correct the file and run the command again.") -> None:
        super().__init__(f"{where}: {problem}", why="Nothing was deployed.", hint=hint, details={"where": where})


# --- detection


class NothingDetectedError(RwError):
    """No buildpack recognises the folder.

    :param tree: the first names that were seen.
    :param known: what would have been recognised.
    """

    code, status, exit_code = "NOTHING_DETECTED", 422, 10

    def __init__(self, tree: Sequence[str], known: Sequence[str]) -> None:
        seen = ", ".join(tree) if tree else "nothing: the folder is empty, or everything in it is ignored"
        super().__init__(
            "rw cannot tell what kind of project this is.",
            why=f"Seen: {seen}. Recognised would be: {'; '.join(known)}.",
            hint="Add one of these files, a Dockerfile, or a Procfile with a line like `web: ./server`.",
            details={"tree": list(tree), "known": list(known)},
        )


class NoStartCommandError(RwError):
    """The project was recognised, but nothing says how to start it."""

    code, status, exit_code = "NO_START_COMMAND", 422, 10

    def __init__(self, buildpack: str, looked_for: Sequence[str]) -> None:
        super().__init__(
            f"This is a {buildpack} project, but nothing says how to start it.",
            why=f"Looked for: {'; '.join(looked_for)}.",
            hint="Set deploy.startCommand in railway.toml, or add a Procfile with a line like `web: python server.py`.",
            details={"buildpack": buildpack, "lookedFor": list(looked_for)},
        )


# --- snapshots


class SourceMissingError(RwError):
    """The folder to deploy is not there, or is no folder."""

    code, status, exit_code = "SOURCE_MISSING", 404, 5

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is not a folder.", why="It does not exist, or vanished meanwhile.", hint="Run `rw up PATH` with a folder."
        )


class SourceUnreadableError(RwError):
    """A file of the project may not be read."""

    code, status, exit_code = "SOURCE_UNREADABLE", 422, 10

    def __init__(self, path: str, *, reason: str) -> None:
        super().__init__(f"{path} cannot be read.", why=reason, hint=f"Run `chmod u+r {path!r}`, or name it in .railwayignore.")


class SnapshotChangedError(RwError):
    """A file kept changing while it was read."""

    code, status, exit_code = "SNAPSHOT_CHANGED", 409, 7

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} changes all the time.",
            why="It differed each time it was read.",
            hint="Run `rw up` again once it rests, or ignore the file.",
        )


class SnapshotTooLargeError(RwError):
    """The folder is beyond the limits."""

    code, status, exit_code = "SNAPSHOT_TOO_LARGE", 413, 10

    def __init__(self, *, what: str, limit: str, largest: Sequence[str]) -> None:
        super().__init__(
            f"The folder has {what}; the limit is {limit}.",
            why=f"The largest: {', '.join(largest)}.",
            hint="Name what the app does not need in .railwayignore, or raise RW_SNAPSHOT_LIMIT_BYTES and RW_SNAPSHOT_LIMIT_FILES.",
            details={"largest": list(largest)},
        )


class SnapshotMissingError(RwError):
    """An order names a snapshot that is no longer kept."""

    code, status, exit_code = "SNAPSHOT_MISSING", 404, 5

    def __init__(self, digest: str) -> None:
        super().__init__(f"The snapshot {digest[:19]} is not kept any more.", hint="Run `rw up` in the project's folder.")


# --- names


class NotFoundError(RwError):
    """Base of everything that was asked for by a name that nobody has."""

    status, exit_code = 404, 5
    code = "NOT_FOUND"

    def __init__(
        self, what: str, name: str, *, candidates: Sequence[str] = (), hint: str = "Run `rw status` to see what there is."
    ) -> None:
        why = f"There is: {', '.join(candidates)}." if candidates else ""
        super().__init__(f"There is no {what} {name!r}.", why=why, hint=hint, candidates=candidates)


class ProjectNotFoundError(NotFoundError):
    """No project of that name."""

    code = "PROJECT_NOT_FOUND"

    def __init__(self, name: str, *, candidates: Sequence[str] = ()) -> None:
        super().__init__("project", name, candidates=candidates, hint="Run `rw up` in its folder to create it, or pass --project.")


class EnvironmentNotFoundError(NotFoundError):
    """No environment of that name in the project."""

    code = "ENVIRONMENT_NOT_FOUND"

    def __init__(self, name: str, *, candidates: Sequence[str] = ()) -> None:
        super().__init__("environment", name, candidates=candidates)


class ServiceNotFoundError(NotFoundError):
    """No service of that name in the environment."""

    code = "SERVICE_NOT_FOUND"

    def __init__(self, name: str, *, candidates: Sequence[str] = ()) -> None:
        super().__init__("service", name, candidates=candidates)


class DeploymentNotFoundError(NotFoundError):
    """No deployment with that id or version."""

    code = "DEPLOYMENT_NOT_FOUND"

    def __init__(self, name: str, *, candidates: Sequence[str] = ()) -> None:
        super().__init__("deployment", name, candidates=candidates, hint="Run `rw deployments` to see them.")


class OperationNotFoundError(NotFoundError):
    """No operation with that id."""

    code = "OPERATION_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__("operation", name)


class AmbiguousNameError(RwError):
    """A shortened name fits several."""

    code, status, exit_code = "AMBIGUOUS_NAME", 400, 2

    def __init__(self, what: str, name: str, candidates: Sequence[str]) -> None:
        super().__init__(
            f"{name!r} fits more than one {what}.",
            why=f"It may mean {', '.join(candidates)}.",
            hint="Type more of the name.",
            candidates=candidates,
        )


# --- deployments


class DeploymentFailedError(RwError):
    """Base of what makes a deployment fail; the version that served before still serves."""

    code, status, exit_code = "DEPLOYMENT_FAILED", 409, 3


class BuildFailedError(DeploymentFailedError):
    """A build step ended with an error.

    :param line: line of the Dockerfile, where there is one.
    """

    code = "BUILD_FAILED"

    def __init__(self, step: str, *, exit_code: int | None, output: str, line: int | None = None, command: str = "") -> None:
        where = f" (Dockerfile line {line})" if line else ""
        ended = f" ended with exit code {exit_code}" if exit_code is not None else " failed"
        super().__init__(
            f"The build step {step!r}{where}{ended}.",
            why=clip(output),
            hint="Correct what the last lines say; `rw logs --build` has the whole log, `rw plan` shows the steps.",
            details={"step": step, "exitCode": exit_code, "line": line, "command": command, "output": clip(output)},
        )


class ToolMissingError(DeploymentFailedError):
    """The process target needs a program that is not on this machine."""

    code = "TOOL_MISSING"

    def __init__(self, tool: str, *, needed_for: str, found: str = "", hint: str = "") -> None:
        super().__init__(
            f"{tool} is needed {needed_for} and is not on this machine.",
            why=f"Found instead: {found}." if found else "It is not on the PATH.",
            hint=hint or f"Install {tool}, or use a Docker engine: `RW_TARGET=docker rw up`.",
        )


class BaseImageMissingError(DeploymentFailedError):
    """An image that the build starts from cannot be had."""

    code = "BASE_IMAGE_MISSING"

    def __init__(self, image: str, *, reason: str) -> None:
        super().__init__(
            f"The image {image} cannot be had.",
            why=clip(reason),
            hint=f"Check the network and the name, or run `docker pull {image}` to see more.",
            details={"image": image},
        )


class RegistryUnreachableError(DeploymentFailedError):
    """A package registry did not answer, also after trying again."""

    code = "REGISTRY_UNREACHABLE"

    def __init__(self, step: str, *, output: str) -> None:
        super().__init__(
            f"The build step {step!r} could not reach a package registry.",
            why=clip(output),
            hint="Check the network and proxies, then run `rw up` again.",
        )


class DiskFullError(DeploymentFailedError):
    """No space is left where rw or the engine writes."""

    code = "DISK_FULL"

    def __init__(self, where: str) -> None:
        super().__init__(
            f"No space is left on {where}.",
            why="A write failed; what was half written has been removed.",
            hint="Free some space (`docker system df` shows the engine's), then run `rw up` again.",
        )


class ArtifactMissingError(DeploymentFailedError):
    """What a release runs from (its image) was removed under it."""

    code = "ARTIFACT_MISSING"

    def __init__(self, service: str, reference: str) -> None:
        super().__init__(
            f"The image of {service} is gone.",
            why=f"{reference[:80]} was built and is no longer in the engine.",
            hint="Run `rw up` to build it again.",
            details={"image": reference},
        )


class PreDeployFailedError(DeploymentFailedError):
    """The pre-deploy command ended with an error."""

    code = "PRE_DEPLOY_FAILED"

    def __init__(self, command: str, *, exit_code: int, output: str) -> None:
        super().__init__(
            f"The pre-deploy command {command!r} ended with exit code {exit_code}.",
            why=clip(output),
            hint="Correct it and run `rw up` again; `rw logs` has its output.",
            details={"command": command, "exitCode": exit_code, "output": clip(output)},
        )


class PreDeployUnknownError(DeploymentFailedError):
    """The pre-deploy command was cut off and nobody knows how it ended; it is never run twice."""

    code = "PRE_DEPLOY_UNKNOWN"

    def __init__(self, command: str) -> None:
        super().__init__(
            f"How the pre-deploy command {command!r} ended is not known.",
            why="It was interrupted together with rw, and running it twice could do harm.",
            hint="Look at what it does (a migration, say), then run `rw up` again.",
        )


class NeverHealthyError(DeploymentFailedError):
    """The new release did not become healthy in time.

    :param details: ``probes``, ``listening``, ``lastLines``.
    """

    code = "NEVER_HEALTHY"

    def __init__(self, service: str, *, why: str, hint: str, details: Mapping[str, Any]) -> None:
        super().__init__(f"The new release of {service} did not become healthy.", why=why, hint=hint, details=details)


class CrashedError(DeploymentFailedError):
    """The app ended by itself."""

    code = "CRASHED"

    def __init__(self, service: str, *, ending: str, hint: str, details: Mapping[str, Any]) -> None:
        last = "\n".join(str(line) for line in details.get("lastLines", ())[-5:])
        super().__init__(f"{service} {ending}.", why=last, hint=hint, details=details)


class DeadlineError(DeploymentFailedError):
    """A step took longer than its deadline."""

    code = "DEADLINE"

    def __init__(self, step: str, *, seconds: float) -> None:
        super().__init__(
            f"The step {step!r} was given up after {seconds:.0f} s.",
            why="It made no progress within its deadline.",
            hint="Run `rw logs --build` to see where it stood, then `rw up` again.",
        )


class SupersededError(DeploymentFailedError):
    """A newer deployment took this one's place."""

    code = "SUPERSEDED"

    def __init__(self, newer: str) -> None:
        super().__init__("A newer deployment took the place of this one.", why=f"{newer} was asked for later.", hint="Run `rw status`.")


class CancelledError(DeploymentFailedError):
    """Somebody cancelled the deployment."""

    code = "CANCELLED"

    def __init__(self) -> None:
        super().__init__("The deployment was cancelled.", why="Somebody asked for it.", hint="Run `rw up` to start again.")


class DeploymentInterruptedError(DeploymentFailedError):
    """rw was stopped in the middle and could not go on where it stood."""

    code = "INTERRUPTED"

    def __init__(self, step: str) -> None:
        super().__init__(
            f"The deployment was interrupted in the step {step!r} and taken back.",
            why="The daemon ended in the middle of it.",
            hint="Run `rw up` again.",
        )


# --- conflicts


class ConflictError(RwError):
    """Something else is in the way."""

    code, status, exit_code = "CONFLICT", 409, 7


class PortTakenError(ConflictError):
    """Another process already listens on a port that rw needs."""

    code = "PORT_TAKEN"

    def __init__(self, port: int, *, held_by: str) -> None:
        super().__init__(
            f"Port {port} is already in use.", why=f"{held_by} is listening on it.", hint="Stop that process and run the command again."
        )


class OperationRunningError(ConflictError):
    """The service is being changed by another operation."""

    code = "OPERATION_RUNNING"

    def __init__(self, service: str, operation: str) -> None:
        super().__init__(
            f"{service} is being changed by another operation ({operation}).",
            why="One deployment at a time for a service.",
            hint="Wait for it, or run `rw deployments cancel`.",
        )


class NothingToRollBackError(ConflictError):
    """There is no earlier release to go back to."""

    code = "NOTHING_TO_ROLL_BACK"

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} has no earlier release to go back to.", hint="Run `rw deployments` to see its releases.")


# --- reaching things


class UnreachableError(RwError):
    """Base of: daemon, engine or cluster cannot be reached."""

    code, status, exit_code = "UNREACHABLE", 503, 8


class DaemonUnreachableError(UnreachableError):
    """The daemon does not answer."""

    code = "DAEMON_UNREACHABLE"

    def __init__(self, *, why: str, log: str) -> None:
        super().__init__("The rw daemon does not answer.", why=clip(why), hint=f"Run `rw daemon start`; its log is {log}.")


class EngineUnreachableError(UnreachableError):
    """The Docker engine does not answer."""

    code = "ENGINE_UNREACHABLE"

    def __init__(self, address: str, *, why: str) -> None:
        super().__init__(
            f"The Docker engine at {address} cannot be reached.",
            why=clip(why),
            hint="Start it (`sudo systemctl start docker`), or use plain processes: `RW_TARGET=process rw up`.",
        )


class EngineRemoteError(UnreachableError):
    """A remote engine has no edge yet."""

    code = "ENGINE_REMOTE"

    def __init__(self, address: str) -> None:
        super().__init__(
            f"The Docker engine at {address} is not on this machine.",
            why="rw routes requests straight to containers, which needs a local engine.",
            hint="Unset DOCKER_HOST, or use plain processes: `RW_TARGET=process rw up`.",
        )


class EngineFailedError(UnreachableError):
    """The engine refused something that rw needs."""

    code = "ENGINE_FAILED"

    def __init__(self, action: str, *, status: int, reason: str) -> None:
        super().__init__(
            f"The Docker engine could not {action} (status {status}).",
            why=clip(reason),
            hint="Run `docker info` to see how the engine is.",
            details={"status": status},
        )

    @property
    def engine_status(self) -> int:
        """The HTTP status that the engine answered with (``status`` is the one that rw's own API answers with)."""
        return int(self.details.get("status", 0))


class TargetUnknownError(RwError):
    """RW_TARGET names something that rw does not have."""

    code, status, exit_code = "TARGET_UNKNOWN", 400, 2

    def __init__(self, target: str, known: Sequence[str]) -> None:
        super().__init__(
            f"There is no target {target!r}.", why=f"There is: {', '.join(known)}.", hint="Set RW_TARGET to one of them.", candidates=known
        )


class EdgeFailedError(UnreachableError):
    """Envoy does not run or refused its configuration."""

    code = "EDGE_FAILED"

    def __init__(self, problem: str, *, log: str) -> None:
        super().__init__(
            "The edge proxy (Envoy) does not do what it should.", why=clip(problem), hint=f"Look at {log}, then run the command again."
        )


class WaitTimedOutError(RwError):
    """The caller's patience ended; the work goes on."""

    code, status, exit_code = "WAIT_TIMED_OUT", 408, 9

    def __init__(self, *, seconds: float, operation: str) -> None:
        super().__init__(
            f"Still not done after {seconds:.0f} s.",
            why=f"The operation {operation} goes on by itself.",
            hint="Run `rw status -w` to follow it.",
        )


class NotAllowedError(RwError):
    """The caller is somebody else."""

    code, status, exit_code = "NOT_ALLOWED", 403, 6

    def __init__(self) -> None:
        super().__init__(
            "This daemon belongs to another user.",
            why="Only its owner may use it.",
            hint="Run `rw` as that user, or with an RW_HOME of your own.",
        )


# --- state


class DatabaseNewerError(RwError):
    """A newer rw wrote the database."""

    code, status, exit_code = "DATABASE_NEWER", 503, 8

    def __init__(self, *, path: str, found: str, known: str) -> None:
        super().__init__(
            "The state was written by a newer rw.",
            why=f"{path} is at revision {found}; this rw knows up to {known}.",
            hint="Upgrade rw, or use another RW_HOME.",
        )


class DatabaseCorruptError(RwError):
    """The database cannot be read."""

    code, status, exit_code = "DATABASE_CORRUPT", 503, 8

    def __init__(self, *, path: str, copy: str, reason: str) -> None:
        super().__init__(
            f"The database {path} is damaged.",
            why=f"{clip(reason, 300)} A copy was put at {copy}.",
            hint=f"Move it away (`mv {path} {path}.damaged`) and run `rw up` in each project; what ran before is taken down.",
        )


class SkewError(RwError):
    """Command and daemon are too far apart."""

    code, status, exit_code = "VERSION_SKEW", 409, 8

    def __init__(self, *, command: str, daemon: str) -> None:
        super().__init__(
            f"The command is version {command}, the daemon {daemon}.",
            why="The daemon is the newer one.",
            hint="Upgrade the command, or run `rw daemon stop` with the newer one.",
        )
