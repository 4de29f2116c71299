"""Workspaces of npm, yarn, bun, pnpm, Lerna, Moon and Nx: which folders are packages, and what they need of each other. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from rw_daemon.detection import globs, node_moon, node_nx
from rw_daemon.detection.package_json import NAME, Package
from rw_daemon.detection.source import Source

READ = (".json", ".js", ".mjs", ".cjs", ".ts", ".mts")
LOCKS = {"package-lock.json", "npm-shrinkwrap.json"}
PNPM, LERNA = "pnpm-workspace.yaml", "lerna.json"


def patterns(source: Source) -> list[str]:
    """Return what the root calls its workspaces: folders as shell patterns, ``!`` in front leaves out."""
    declared = Package(source).data.get("workspaces")
    if isinstance(declared, dict):
        declared = declared.get("packages")
    lerna = source.jsonc(LERNA).get("packages")
    found = [one for said in (declared, lerna) if isinstance(said, list) for one in said if isinstance(one, str)]
    return found + _pnpm(source.text(PNPM)) + node_moon.patterns(source)


def _pnpm(text: str) -> list[str]:
    """Return the ``packages`` list of pnpm-workspace.yaml: a list of plain text in block or flow style."""
    flow = re.search(r"^packages:\s*\[(.*?)\]", text, re.MULTILINE | re.DOTALL)
    if flow:
        return [one.strip().strip("\"'") for one in flow[1].split(",") if one.strip()]
    block = re.search(r"^packages:[ \t]*(?:#.*)?\n((?:[ \t]*(?:-.*|#.*)?\n?)*)", text, re.MULTILINE)
    lines = re.findall(r"^[ \t]*-[ \t]+(\"[^\"]*\"|'[^']*'|[^#\n]+)", block[1], re.MULTILINE) if block else []
    return [line.strip().strip("\"'") for line in lines]


def members(source: Source) -> list[Package]:
    """Return the packages of the workspace, without the root, by path."""
    return source.once("members of Node", lambda: _members(source))


def _members(source: Source) -> list[Package]:
    said = patterns(source)
    paths = [path for path in source.paths if "node_modules/" not in path]
    folders = (posixpath.dirname(path) for path in paths if path.endswith("/" + NAME))
    wanted, unwanted = (one for one in said if not one.startswith("!")), (one[1:] for one in said if one.startswith("!"))
    found = set(globs.among(folders, wanted, unwanted))
    if source.has(node_nx.NAME):
        found.update(posixpath.dirname(path) for path in paths if path.endswith("/" + node_nx.PROJECT))
    return [Package(source, folder) for folder in sorted(found)]


def names(package: Package) -> set[str]:
    """Return everything that a member may be called by: its folder, that folder's own name, its names in files."""
    moon = node_moon.names(package.source).get(package.folder, "")
    return {package.folder, posixpath.basename(package.folder), package.text("name"), node_nx.Project(package).name, moon} - {""}


def needed(source: Source, package: Package) -> list[Package]:
    """Return the members that a package depends on, also through others, the innermost first, and itself at the end."""
    by_name = {one.text("name"): one for one in members(source)}
    found: dict[str, Package] = {}

    def visit(one: Package, above: frozenset[str]) -> None:
        for name in sorted(one.packages):
            if name in by_name and by_name[name].folder not in {*found, *above}:
                visit(by_name[name], above | {one.folder})
        found[one.folder] = one

    visit(package, frozenset({package.folder}))
    return list(found.values())


def unneeded(source: Source, package: Package, apps: Iterable[str]) -> tuple[str, ...]:
    """Return the folders of those apps that a package neither depends on nor names in a file beside its package.json."""
    used = needed(source, package)
    beside = {"", *(one.folder for one in used)}
    read = [path for path in source.paths if posixpath.dirname(path) in beside and path.endswith(READ) and path not in LOCKS]
    words = "\n".join(source.text(path) for path in read)
    others = (one for one in apps if one not in beside and not any(f"{one}/".startswith(f"{inner}/") for inner in beside - {""}))
    return tuple(one for one in others if f"../{posixpath.basename(one)}/" not in words and f"{one}/" not in words)


def folders(source: Source) -> list[str]:
    """Return the folders of the packages, without the root's."""
    return [one.folder for one in members(source)]


def manifests(source: Source) -> list[str]:
    """Return the package.json files of the workspace, without the root's."""
    return [one.at(NAME) for one in members(source) if source.has(one.at(NAME))]
