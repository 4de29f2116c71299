"""What makes a deployment fail; what served before still serves."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import Any

from rw_shared.errors.base import RwError, clip


class DeploymentFailedError(RwError):
    """Base of what makes a deployment fail; the version that served before still serves."""

    code, status, exit_code = "DEPLOYMENT_FAILED", 409, 3


class BuildFailedError(DeploymentFailedError):
    """A build step ended with an error.

    :param line: line of the Dockerfile, where there is one.
    """

    code = "BUILD_FAILED"

    def __init__(
        self,
        step: str,
        *,
        exit_code: int | None,
        output: str,
        line: int | None = None,
        command: str = "",
        cause: tuple[str, str] = ("", ""),
    ) -> None:
        """``cause``: what probably happened, and what to do about it; empty when nobody knows."""
        where = f" (Dockerfile line {line})" if line else ""
        ended = f" ended with exit code {exit_code}" if exit_code is not None else " failed"
        super().__init__(
            f"The build step {step!r}{where}{ended}.",
            why=f"{clip(output)}\n{cause[0]}".strip(),
            hint=cause[1] or "Correct what the last lines say; `rw logs --build` has the whole log, `rw plan` shows the steps.",
            details={
                "step": step,
                "exitCode": exit_code,
                "line": line,
                "command": command,
                "output": clip(output),
                "likelyCause": cause[0],
            },
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
        is_private = any(word in reason.lower() for word in ("denied", "unauthorized", "no basic auth", "authentication required"))
        first, slash, _ = image.partition("/")
        registry = f" {first}" if slash and ("." in first or ":" in first) else ""
        super().__init__(
            f"The image {image} cannot be had.",
            why=clip(reason),
            hint=f"If it is private, run `docker login{registry}` and deploy again."
            if is_private
            else f"Check the network and the name, or run `docker pull {image}` to see more.",
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

    @classmethod
    def of(cls, error: BaseException, where: str = "") -> DiskFullError | None:
        """Return the error for an ``OSError`` that means a full disk or a used-up quota, else ``None``."""
        if not isinstance(error, OSError) or error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            return None
        return cls(where or str(error.filename or "the disk"))


class ArtifactMissingError(DeploymentFailedError):
    """What a release runs from (its image) was removed under it."""

    code = "ARTIFACT_MISSING"

    def __init__(self, service: str, reference: str) -> None:
        super().__init__(
            f"What {service} runs from is gone.",
            why=f"{reference[:80]} was built and is no longer there.",
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


class CheckFailedError(DeploymentFailedError):
    """The check of a new release failed before the release got any request."""

    code = "CHECK_FAILED"

    def __init__(self, service: str, command: str, *, exit_code: int | None, output: str) -> None:
        ending = "was cut off together with rw" if exit_code is None else f"ended with exit code {exit_code}"
        super().__init__(
            f"The check {command!r} of {service}'s new release {ending}; no request was sent there.",
            why=clip(output),
            hint="Correct the release or the check (deploy.rollout.check in railway.toml) and run `rw up` again.",
            details={"command": command, "exitCode": exit_code, "output": clip(output)},
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
        last = [str(line) for line in details.get("lastLines", ())[-5:]]
        super().__init__(f"{service} {ending}.", why=details.get("likelyCause") or "\n".join(last), hint=hint, details=details)


class RolloutFailedError(DeploymentFailedError):
    """A new release did worse than the old one while it had a share of the requests, and was taken back."""

    code = "ROLLED_BACK"

    def __init__(self, service: str, *, share: int, why: str) -> None:
        super().__init__(
            f"The new release of {service} was taken back at {share} % of the requests; the old one has all of them again.",
            why=why,
            hint=f"`rw logs {service}` shows what it printed; mend it and run `rw up` again.",
        )


class NotWarmError(DeploymentFailedError):
    """A release that was to be brought back at once has just stopped."""

    code = "NOT_WARM"

    def __init__(self, service: str, *, version: int) -> None:
        super().__init__(
            f"v{version} of {service} has just stopped; what served before still serves.",
            hint=f"Run `rw deployments rollback v{version} -s {service}` again: it is started from its kept artifact.",
        )


class NotProvenError(DeploymentFailedError):
    """``rw prove`` lost requests, or did not come to its end.

    :param lost: how many requests failed. :param unfinished: phases that were not done in time.
    """

    code = "NOT_PROVEN"

    def __init__(self, service: str, *, lost: int, requests: int, unfinished: Sequence[str] = ()) -> None:
        left = f"{', '.join(unfinished)} did not end in time" if unfinished else ""
        words = " and ".join(one for one in (f"{lost} of {requests} requests failed" if lost else "", left) if one)
        super().__init__(
            f"{service}: {words}.",
            why="Requests fail when one replica alone runs and is slow to start, or when the app does not end gracefully on SIGTERM."
            if lost
            else "A release whose rollout has steps takes as long as they do.",
            hint=f"`rw why {service}` tells what happened; `rw scale {service}=2` lets one replica answer while the other comes back."
            if lost
            else "Give it longer with `--seconds`, or leave the phase out with `--skip`.",
            details={"lost": lost, "requests": requests, "unfinished": list(unfinished)},
        )


class DeadlineError(DeploymentFailedError):
    """A step took longer than its deadline."""

    code = "DEADLINE"

    def __init__(self, step: str, *, seconds: float) -> None:
        super().__init__(
            f"The step {step!r} was given up after {seconds:.0f} s.",
            why="It made no progress within its deadline: each line that it prints is progress.",
            hint=f"`rw logs{' --build' if step == 'build' else ''}` shows where it stood. RW_STEP_DEADLINE_SECONDS gives it longer.",
        )


class SupersededError(DeploymentFailedError):
    """A newer deployment took this one's place."""

    code = "SUPERSEDED"

    def __init__(self, newer: str) -> None:
        super().__init__("A newer deployment took the place of this one.", why=f"{newer} was asked for later.", hint="Run `rw status`.")


class CancelledError(DeploymentFailedError):
    """Somebody cancelled the deployment."""

    code = "CANCELLED"

    def __init__(self, why: str = "Somebody asked for it.") -> None:
        super().__init__("The deployment was cancelled.", why=why, hint="Run `rw up` to start again.")
