"""Starter applications and CI templates: folders of the package ``rw_templates``."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from rw_shared.errors import ConflictError, NotFoundError

HIDDEN = "dot_"
"""What stands for the dot of a hidden file's name, which not every packer takes along."""
CI_FILES = {"github": Path(".github/workflows/deploy.yml"), "gitlab": Path(".gitlab-ci.yml")}
NOT_STARTERS = {"ci", "__pycache__"}


def names() -> list[str]:
    """Return the names of all starters."""
    return sorted(one.name for one in files("rw_templates").iterdir() if one.is_dir() and one.name not in NOT_STARTERS)


def starter(name: str) -> dict[Path, bytes]:
    """Return a starter's files by relative path. ``NotFoundError`` names those that there are."""
    if name not in names():
        raise NotFoundError("template", name, candidates=names(), hint=f"Choose one of: {', '.join(names())}.")
    return dict(_below(files("rw_templates") / name, Path()))


def ci_template(name: str) -> dict[Path, bytes]:
    """Return the file that lets a CI system deploy. ``NotFoundError``."""
    if name not in CI_FILES:
        raise NotFoundError("CI template", name, candidates=list(CI_FILES), hint=f"Choose one of: {', '.join(CI_FILES)}.")
    return {CI_FILES[name]: (files("rw_templates") / "ci" / f"{name}.yml").read_bytes()}


def write(root: Path, made: dict[Path, bytes]) -> list[Path]:
    """Write files below a folder, all or none; returns their paths. ``ConflictError``: one is there already."""
    there = [str(path) for path in made if (root / path).exists()]
    if there:
        raise ConflictError(
            f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there already in {root}.",
            why="rw overwrites no file of yours.", hint="Use another folder, or move them away first.",
        )  # fmt: skip
    for path, content in made.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return [root / path for path in made]


def _below(folder: Traversable, place: Path) -> Iterator[tuple[Path, bytes]]:
    for one in sorted(folder.iterdir(), key=lambda found: found.name):
        name = one.name.replace(HIDDEN, ".", 1) if one.name.startswith(HIDDEN) else one.name
        if one.is_dir():
            if one.name != "__pycache__":
                yield from _below(one, place / name)
        else:
            yield place / name, one.read_bytes()
