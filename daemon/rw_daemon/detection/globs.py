"""Folder patterns of workspaces (npm, pnpm, Cargo, uv): ``packages/*``, ``apps/**``. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


def fits(folder: str, pattern: str) -> bool:
    """Match segment by segment; ``**`` stands for any number of them."""
    return _match(folder.split("/"), pattern.split("/"))


def among(folders: Iterable[str], wanted: Iterable[str], unwanted: Iterable[str] = ()) -> list[str]:
    """Return the folders that fit a wanted pattern and no unwanted one."""
    good, bad = [clean(one) for one in wanted], [clean(one) for one in unwanted]
    return [one for one in folders if any(fits(one, pattern) for pattern in good) and not any(fits(one, pattern) for pattern in bad)]


def clean(pattern: str) -> str:
    """Return a pattern without what means nothing: ``./`` in front, a slash at the end."""
    return pattern.removeprefix("./").rstrip("/")


def _match(names: list[str], parts: list[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        return any(_match(names[at:], parts[1:]) for at in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _match(names[1:], parts[1:])
