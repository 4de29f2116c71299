"""How an app of a workspace is built together with what it needs, and how it is started: Nx, Moon, Turborepo, Lerna, else by hand. Pure.

Each start command is the app's own: a task runner in front of it would keep SIGTERM to itself, and stay in memory.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from rw_daemon.detection import node_moon, node_nx, node_workspaces
from rw_daemon.detection.node_managers import Manager
from rw_daemon.detection.package_json import Package

TURBO, LERNA = "turbo.json", "lerna.json"


@dataclass(frozen=True)
class Recipe:
    """What a task runner makes of an app. All commands run in the workspace's root; empty where the app's own scripts say it.

    :param pages: folder of pages that is built, from the top.
    """

    build: tuple[str, ...] = ()
    start: str = ""
    place: str = ""
    pages: str = ""


def starts(root: Package, package: Package, variables: Mapping[str, str]) -> bool:
    """Return whether a task runner knows how to start or serve a package."""
    if node_nx.is_used(root):
        project = node_nx.Project(package)
        return bool(project.start or project.pages)
    return node_moon.is_project(package) and bool(node_moon.command(package, "start", variables))


def find(root: Package, package: Package, manager: Manager, variables: Mapping[str, str]) -> Recipe:
    """Return how ``package`` is built and started; nothing for the root itself."""
    if not package.folder:
        return Recipe()
    if node_nx.is_used(root):
        project = node_nx.Project(package)
        build = (project.run("build"),) if project.builds else ()
        return Recipe(build, project.start, f"targets in {package.at(node_nx.PROJECT)}", project.pages)
    if node_moon.is_project(package):
        made, start = (node_moon.command(package, step, variables) for step in ("build", "start"))
        commands = (*_before(root, package, manager), _in(package, made)) if made else _by_hand(root, package, manager)
        return Recipe(commands, _in(package, start, "exec "), f"tasks.start in {package.at(node_moon.PROJECT)}")
    name = shlex.quote(package.text("name"))
    if "build" in package.scripts and package.text("name"):
        if "turbo" in root.packages and _turbo_knows(root, package, "build"):
            return Recipe((f"turbo run build --filter={name}",))
        if "lerna" in root.packages and root.source.has(LERNA):
            return Recipe((f"lerna run build --scope={name} --include-dependencies",))
    return Recipe(_by_hand(root, package, manager))


def _in(package: Package, command: str, before: str = "") -> str:
    if not command:
        return ""
    inner = f"cd {shlex.quote(package.folder)} && {before}{command}"
    return f"sh -c {shlex.quote(inner)}" if before else inner


def _turbo_knows(root: Package, package: Package, task: str) -> bool:
    said = root.source.jsonc(TURBO)
    tasks = said.get("tasks") or said.get("pipeline")
    return isinstance(tasks, dict) and (task in tasks or f"{package.text('name')}#{task}" in tasks)


def _by_hand(root: Package, package: Package, manager: Manager) -> tuple[str, ...]:
    """Return one command for each build script, the app's own last; none where the app has none."""
    return (*_before(root, package, manager), manager.run("build", package.folder)) if "build" in package.scripts else ()


def _before(root: Package, package: Package, manager: Manager) -> tuple[str, ...]:
    """Return what builds the packages that the app needs, the innermost first."""
    needed = node_workspaces.needed(root.source, package)[:-1]
    return tuple(manager.run("build", one.folder) for one in needed if "build" in one.scripts)
