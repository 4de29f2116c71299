"""Projects of Moon: their folders, and their tasks for building and starting. Pure.

Source: moonrepo.dev, "workspace" (``projects``) and "moon.yml" (``tasks``).
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping
from typing import Any

from rw_daemon.detection.package_json import Package
from rw_daemon.detection.source import Source

NAME, PROJECT = ".moon/workspace.yml", "moon.yml"
TASKS = {
    "build": ("RW_BUILD_MOON_BUILD_TASK", "NIXPACKS_MOON_BUILD_TASK"),
    "start": ("RW_BUILD_MOON_START_TASK", "NIXPACKS_MOON_START_TASK"),
}


def patterns(source: Source) -> list[str]:
    """Return the folders of the projects, as shell patterns where they are named by such."""
    said = source.yaml(NAME).get("projects")
    if isinstance(said, dict) and ("globs" in said or "sources" in said):
        globs, named = said.get("globs"), said.get("sources")
        said = [*(globs if isinstance(globs, list) else []), *(named.values() if isinstance(named, dict) else [])]
    values = said.values() if isinstance(said, dict) else said if isinstance(said, list) else []
    return [one for one in values if isinstance(one, str)]


def names(source: Source) -> dict[str, str]:
    """Return folder → name of the projects that have one."""
    said = source.once(NAME, lambda: source.yaml(NAME)).get("projects")
    named = said.get("sources", said) if isinstance(said, dict) else {}
    return {one: name for name, one in named.items() if isinstance(one, str)} if isinstance(named, dict) else {}


def command(package: Package, step: str, variables: Mapping[str, str]) -> str:
    """Return the command of the task for ``build`` or ``start``, as it runs in the project's folder; empty for none.

    It is the task's own command: Moon itself wants a repository and fetches a toolchain of its own.
    """
    tasks = package.source.yaml(package.at(PROJECT)).get("tasks")
    name = next((variables[one].strip() for one in TASKS[step] if variables.get(one, "").strip()), step)
    task = tasks.get(name) if isinstance(tasks, dict) else None
    if not isinstance(task, dict):
        return ""
    said = task.get("script") or task.get("command")
    arguments = task.get("args")
    return " ".join(filter(None, (_words(said), _words(arguments))))


def _words(value: Any) -> str:
    return value if isinstance(value, str) else shlex.join(map(str, value)) if isinstance(value, list) else ""


def is_project(package: Package) -> bool:
    """Return whether the folder is one of Moon's."""
    return package.source.has(NAME) and package.source.has(posixpath.join(package.folder, PROJECT))
