"""What stands in the way, does not answer, or cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

from rw_shared.errors.base import RwError, clip


class ConflictError(RwError):
    """Something else is in the way."""

    code, status, exit_code = "CONFLICT", 409, 7


class NothingToRollBackError(ConflictError):
    """There is no earlier release to go back to."""

    code = "NOTHING_TO_ROLL_BACK"

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} has no earlier release to go back to.", hint="Run `rw deployments` to see its releases.")


class NoRolloutError(ConflictError):
    """No release of the service is on its way step by step."""

    code = "NO_ROLLOUT"

    def __init__(self, service: str) -> None:
        super().__init__(
            f"No rollout of {service} is going on." if service else "No rollout is going on.",
            hint="`rw deployments` shows what was released; deploy.rollout.strategy in railway.toml makes a release go in steps.",
        )


class OnlyWatchedError(ConflictError):
    """The service's new release has every request, and is only watched."""

    code = "ONLY_WATCHED"

    def __init__(self, service: str) -> None:
        super().__init__(
            f"The new release of {service} has every request already: it is only watched, and a watch does not pause.",
            hint=f"`rw rollout abort {service}` takes it back, `rw rollout promote {service}` ends the watch.",
        )


class RolloutGoingOnError(ConflictError):
    """A rollout of the service is at one of its steps, and has to come to its end first."""

    code = "ROLLOUT_GOING_ON"

    def __init__(self, service: str, *, version: int, serving: int, share: int, is_paused: bool) -> None:
        abort, promote = f"`rw rollout abort {service}`", f"`rw rollout promote {service}`"
        super().__init__(
            f"v{version} of {service} is on its way: its rollout is {'paused ' if is_paused else ''}at {share} %.",
            why="It may stay there for long: this does not wait for it.",
            hint=f"{abort} gives v{serving} every request again, {promote} gives them to v{version}.",
            details={"service": service, "version": version, "serving": serving, "share": share, "isPaused": is_paused},
        )


class AlreadySwitchedError(ConflictError):
    """The service's new release has every request, and what was said to its rollout came too late."""

    code = "ALREADY_SWITCHED"

    def __init__(self, service: str, version: int) -> None:
        super().__init__(
            f"v{version} of {service} has every request already.",
            hint=f"`rw deployments rollback --previous -s {service}` goes back to the release before it.",
        )


class NothingToCompareError(ConflictError):
    """The service has no old release that runs, so its new one has no steps."""

    code = "NOTHING_TO_COMPARE"

    def __init__(self, service: str, *, version: int) -> None:
        super().__init__(
            f"v{version} of {service} has nothing to be compared with, so all requests come at once, as soon as it is healthy.",
            hint=f"`rw deployments cancel v{version} -s {service}` stops it.",
        )


class NothingToRetryError(ConflictError):
    """No release of the service was taken back, failed its check or was cancelled last."""

    code = "NOTHING_TO_RETRY"

    def __init__(self, service: str, *, newest: str = "") -> None:
        super().__init__(
            f"No release {f'of {service} ' if service else ''}is there to be tried again.",
            why=f"The newest is {newest}." if newest else "",
            hint="`rw deployments redeploy vN` deploys any release again, `rw up` a new one.",
        )


class UnreachableError(RwError):
    """Base of: daemon, engine or cluster cannot be reached."""

    code, status, exit_code = "UNREACHABLE", 503, 8


class DaemonUnreachableError(UnreachableError):
    """The daemon does not answer."""

    code = "DAEMON_UNREACHABLE"

    def __init__(self, *, why: str, log: str, hint: str = "Run `rw daemon start`") -> None:
        super().__init__("The rw daemon does not answer.", why=clip(why), hint=f"{hint}; its log is {log}.")


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
            f"There is no target {target!r}.", why=f"Known: {', '.join(known)}.", hint="Set RW_TARGET to one of them.", candidates=known
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
