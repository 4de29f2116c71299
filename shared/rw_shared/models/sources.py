"""From a folder to a plan: snapshots, places, plans."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from rw_shared.models.base import DEFAULT_ENVIRONMENT, NAME_PATTERN, Model, Name, Order, Text


class SnapshotOrder(Order):
    """The body of ``POST /v1/snapshots``: an absolute path on this machine.

    :param only: names of files directly in the folder; nothing else is taken or looked at. Empty means everything.
    :param since: digest of an earlier snapshot, to be told what changed after it.
    :param folders: whether to be told which folders belong to the tree, for somebody who watches them.
    """

    path: Text
    only: tuple[Text, ...] = ()
    since: Text = ""
    folders: bool = False
    environ: dict[str, str] = Field(default={}, repr=False)


class PlaceOrder(Order):
    """The body of ``POST /v1/places``: the absolute path of an app's folder on this machine."""

    path: Text


class Place(Model):
    """The folder that is snapshotted for an app, and the app's folder below it; empty where both are one."""

    context: str
    app: str = ""


class FileChange(Model):
    """What became of a file between two snapshots, by its content: a new time alone is no change."""

    path: str
    kind: Literal["added", "modified", "removed"]


class Snapshot(Model):
    """A source tree as taken for one deployment."""

    digest: str
    files: int
    size_bytes: int
    skipped: tuple[str, ...] = ()
    """What was left out with a reason (a socket, a link out of the folder), for people."""
    changes: tuple[FileChange, ...] = ()
    """What is different from the snapshot that the order named, by path."""
    folders: tuple[str, ...] = ()
    """The folders of the tree that are not left out, relative, the root as an empty text; only where the order asks for them."""


class SnapshotProgress(Model):
    """How far the snapshot of a folder is that is being taken; all zero when none is, or its files are still being listed."""

    files: int = 0
    had_bytes: int = 0
    all_bytes: int = 0


class ProjectOrder(Order):
    """The body of ``POST /v1/projects``: finds the project of a folder, or makes it.

    :param name: from a flag or railway.toml; empty means: named after the folder.
    """

    name: Annotated[str, StringConstraints(pattern=r"^$|" + NAME_PATTERN)] = ""
    path: Text = ""


class PlanOrder(Order):
    """The body of ``POST /v1/plans``."""

    snapshot: Text
    environment: Name = DEFAULT_ENVIRONMENT
    project: Name = "app"
    services: tuple[Text, ...] = ()
    """Of those that the railway file lists; empty for all."""
    strict: bool = False
    environ: dict[str, str] = Field(default={}, repr=False)


class PlanAnswer(Model):
    """What would be built and why. ``plan`` is the object of contracts.md section 6, ``dockerfile`` its text.

    :param dockerignore: what such a build must leave out; empty where the project has a Dockerfile of its own.
    """

    plan: dict[str, Any]
    dockerfile: str
    dockerignore: str
    digest: str
    others: tuple[PlanAnswer, ...] = ()
    """Of the other services, where the railway file lists some."""
