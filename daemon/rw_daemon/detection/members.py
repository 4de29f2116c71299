"""Workspaces of all languages: which folders a root calls its members, and how its buildpack is told which of them is meant. Pure.

A member is built from its workspace's root, whose lock file and other members it needs; any other folder is built alone.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rw_daemon.detection import cargo, go_work, gradle, jvm, maven, node_workspaces, uv_workspaces
from rw_daemon.detection.source import Source
from rw_shared.errors import ConfigInvalidError

VARIABLE = "RW_BUILD_APP"
"""The folder of the app that is meant; what `rw up PATH` says."""


DOCKERFILE = "Dockerfile"


@dataclass(frozen=True)
class Kind:
    """A workspace of one language. ``variable`` names a member's folder to the buildpack."""

    variable: str
    folders: Callable[[Source], list[str]]


@dataclass(frozen=True)
class Place:
    """What is planned for an app: the folder that is the build's context, and what else its buildpack is told."""

    root: str
    variables: dict[str, str]


KINDS = (
    Kind("RW_BUILD_NODE_APP", node_workspaces.folders),
    Kind(uv_workspaces.MEMBER, uv_workspaces.folders),
    Kind(go_work.MODULES[0], go_work.folders),
    Kind("RW_BUILD_CARGO_WORKSPACE", lambda source: [one.folder for one in cargo.Workspace(source).members]),
    Kind(jvm.MODULE, lambda source: [one.folder for one in maven.modules(source)]),
    Kind(jvm.MODULE, lambda source: [one.folder for one in gradle.Build(source).projects]),
)


def named(source: Source, variables: Mapping[str, str]) -> str:
    """Return the folder of the app that is named; empty for the root, or none. ``ConfigInvalidError``: it is not there."""
    folder = posixpath.normpath(variables.get(VARIABLE, "").strip().strip("/"))
    if folder == ".":
        return ""
    if not source.has_folder(folder):
        raise ConfigInvalidError(VARIABLE, f"there is no folder {folder[:60]!r}.", hint="Name it from the top: apps/web.")
    return folder


def place(source: Source, folder: str) -> Place:
    """Return what to plan for the app in ``folder``: the nearest workspace around it that calls it a member, else itself."""
    above = posixpath.dirname(folder)
    while folder:
        inner, name = source.below(above), posixpath.relpath(folder, above or ".")
        kind = next((one for one in KINDS if name in one.folders(inner)), None)
        if kind and source.has(posixpath.join(folder, DOCKERFILE)):
            return _by_dockerfile(source.text(posixpath.join(folder, DOCKERFILE)), folder, above, name)
        if kind:
            return Place(above, {kind.variable: name})
        if not above:
            break
        above = posixpath.dirname(above)
    return Place(folder, {})


def _by_dockerfile(text: str, folder: str, above: str, name: str) -> Place:
    """Return the context that a member's own Dockerfile is written for: the workspace's root where it names its folder from there."""
    is_for_root = f"{name}/" in text or f"{name} " in text or "turbo prune" in text
    return Place(above, {"RW_BUILD_DOCKERFILE_PATH": f"{name}/{DOCKERFILE}"}) if is_for_root else Place(folder, {})
