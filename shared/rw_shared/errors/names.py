"""Names that nobody has, or more than one."""

from __future__ import annotations

from collections.abc import Sequence

from rw_shared.errors.base import RwError


class NotFoundError(RwError):
    """Base of everything that was asked for by a name that nobody has."""

    status, exit_code = 404, 5
    code = "NOT_FOUND"

    def __init__(
        self, what: str, name: str, *, candidates: Sequence[str] = (), hint: str = "Run `rw status` to see what there is."
    ) -> None:
        why = f"Known: {', '.join(candidates)}." if candidates else ""
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
