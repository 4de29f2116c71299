"""Sources that cannot be taken."""

from __future__ import annotations

from collections.abc import Sequence

from rw_shared.errors.base import RwError


class SourceMissingError(RwError):
    """The folder to deploy is not there, or is no folder."""

    code, status, exit_code = "SOURCE_MISSING", 404, 5

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is not a folder.",
            why="It does not exist, or vanished meanwhile.",
            hint="Name a folder that is there; without one it is the present one.",
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
