"""Workspaces of uv: which folders are members, and how one of them is installed from the root, where the lock file lies. Pure.

Source: docs.astral.sh/uv/concepts/projects/workspaces.
"""

from __future__ import annotations

import posixpath
import shlex
from dataclasses import replace
from typing import Any

from packaging.utils import canonicalize_name

from rw_daemon.detection import globs, requirements
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.python_install import SOURCES, UV_CACHE
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan, Step

NAME, LOCK = "pyproject.toml", "uv.lock"
MEMBER = "RW_BUILD_UV_MEMBER"
"""Names a member to the buildpack by its folder."""
REPLACED = {"install", "sources", "project"}
EVERYWHERE = {"server"}
"""Steps that find the environment from the root."""


def folders(source: Source) -> list[str]:
    """Return the folders of the members, without the root's."""
    said = source.toml(NAME)
    for key in ("tool", "uv", "workspace"):
        said = _table(said.get(key))
    found = (posixpath.dirname(path) for path in source.paths if path.endswith("/" + NAME))
    return globs.among(found, _texts(said.get("members")), _texts(said.get("exclude")))


def alone(request: Request) -> Request | None:
    """Return the request for the member that is named, as if it stood alone; ``None`` where none is."""
    folder = request.variables.get(MEMBER, "")
    variables = {name: value for name, value in request.variables.items() if name != MEMBER}
    return replace(request, source=request.source.below(folder), variables=variables) if folder else None


def inside(plan: BuildPlan, request: Request) -> BuildPlan:
    """Return the plan that a member has alone as one from the root: its packages by the root's lock, its commands in its folder."""
    source, folder = request.source, request.variables[MEMBER]
    name = _table(source.below(folder).toml(NAME).get("project")).get("name") or posixpath.basename(folder)
    python = '--python "${UV_PYTHON:-python3}" ' if source.has(".python-version") else ""
    sync = f"uv sync {python}{'--locked ' if source.has(LOCK) else ''}--no-dev --compile-bytecode --package {shlex.quote(str(name))}"
    files = [NAME, LOCK, ".python-version", *(f"{one}/{NAME}" for one in folders(source))]
    steps = (
        Step(name="install", commands=(f"{sync} --no-install-workspace",), inputs=tuple(filter(source.has, files)), caches=(UV_CACHE,)),
        SOURCES,
        Step(name="project", commands=(f"{sync} --no-editable",), caches=(UV_CACHE,)),
        *(_moved(step, folder) for step in plan.steps if step.name not in REPLACED),
    )
    services = [
        one.model_copy(update={"start": _in(folder, one.start), "pre_deploy": tuple(_in(folder, command) for command in one.pre_deploy)})
        for one in plan.services
    ]
    changes = {"steps": steps, "services": tuple(services), "package_manager": "uv", "left_out": _unneeded(source, folder)}
    return plan.model_copy(update=changes)


def _unneeded(source: Source, folder: str) -> tuple[str, ...]:
    """Return the members that one does not depend on, not even through others."""
    named = {str(_table(source.below(one).toml(NAME).get("project")).get("name")): one for one in folders(source)}
    by_name = {str(canonicalize_name(name)): one for name, one in named.items()}
    found, pending = set[str](), [folder]
    while pending:
        one = pending.pop()
        if one not in found:
            found.add(one)
            pending += [by_name[name] for name in requirements.of_pyproject(source.below(one)) if name in by_name]
    return tuple(one for one in named.values() if not any(f"{inner}/".startswith(f"{one}/") for inner in found))


def _moved(step: Step, folder: str) -> Step:
    if step.name in EVERYWHERE:
        return step
    return step.model_copy(update={"commands": tuple(f"cd {shlex.quote(folder)} && {one}" for one in step.commands)})


def _in(folder: str, command: str) -> str:
    return f"sh -c {shlex.quote(f'cd {shlex.quote(folder)} && exec {command}')}" if command else ""


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
