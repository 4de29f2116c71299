"""What a user typed or wrote into a file, and what detection makes of it."""

from __future__ import annotations

from collections.abc import Sequence

from rw_shared.errors.base import RwError


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


class SeveralAppsError(RwError):
    """The folder holds several apps, and nothing says which one is meant.

    :param paths: their folders, the likeliest first. :param kinds: what each of them is.
    """

    code, status, exit_code = "SEVERAL_APPS", 422, 4

    def __init__(self, paths: Sequence[str], kinds: Sequence[str]) -> None:
        super().__init__(
            "rw cannot tell which app of this folder is meant.",
            why=f"There are: {', '.join(f'{path} ({kind})' for path, kind in zip(paths, kinds, strict=True))}.",
            hint=f"Name its folder: {' or '.join(f'`rw up {path}`' for path in paths[:3])}. `rw init` makes them services of one project.",
            candidates=paths,
        )


class NoStartCommandError(RwError):
    """The project was recognised, but nothing says how to start it."""

    code, status, exit_code = "NO_START_COMMAND", 422, 10

    def __init__(self, buildpack: str, looked_for: Sequence[str], *, unreadable: Sequence[str] = ()) -> None:
        """``unreadable``: files that may say it and cannot be understood, each with the reason."""
        super().__init__(
            f"This is a {buildpack} project, but nothing says how to start it.",
            why="\n".join([*unreadable, f"Looked for: {'; '.join(looked_for)}."]),
            hint="Correct what cannot be read."
            if unreadable
            else "Set deploy.startCommand in railway.toml, or add a Procfile with a line like `web: python server.py`.",
            details={"buildpack": buildpack, "lookedFor": list(looked_for)},
        )
