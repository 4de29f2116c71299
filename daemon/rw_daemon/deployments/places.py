"""Which folder is to be snapshotted for an app: the root of the workspace around it, else its own. Reads manifests on the way up alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rw_daemon.detection import members
from rw_daemon.detection.source import Source
from rw_shared.errors import ConfigInvalidError, SourceMissingError
from rw_shared.models import Place

MANIFESTS = (
    "package.json", "pnpm-workspace.yaml", "lerna.json", "nx.json", "project.json", ".moon/workspace.yml", "moon.yml", "pyproject.toml",
    "go.work", "go.mod", "Cargo.toml", "pom.xml", "settings.gradle", "settings.gradle.kts", "build.gradle", "build.gradle.kts",
    members.DOCKERFILE,
)  # fmt: skip
LIMIT_BYTES = 1 << 20
REPOSITORY = ".git"


def find(path: str) -> Place:
    """Return context and app of a folder. ``SourceMissingError``: there is no such folder.

    Nobody looks beyond the repository, the user's home, or a folder that belongs to somebody else.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise SourceMissingError(path)
    above = list(_above(folder))
    for root in above:
        app = folder.relative_to(root).as_posix()
        between = [folder, *(one for one in above if one.is_relative_to(root))]
        files = {one.relative_to(root).as_posix(): one for at in between for name in MANIFESTS if _is_read(one := at / name)}
        try:
            if members.place(Source({name: file.read_bytes() for name, file in files.items()}), app).root == "":
                return Place(context=str(root), app=app)
        except (ConfigInvalidError, OSError):  # somebody else's file: what is wrong with it is told where it matters
            continue
    return Place(context=path, app="")


def _is_read(file: Path) -> bool:
    return file.is_file() and file.stat().st_size <= LIMIT_BYTES


def _above(folder: Path) -> Iterator[Path]:
    """Yield the folders around one, the nearest first."""
    owner, below = folder.stat().st_uid, folder
    while not (below / REPOSITORY).exists():
        below = below.parent
        if below in {Path.home(), Path(below.anchor)} or below.stat().st_uid != owner:
            return
        yield below
