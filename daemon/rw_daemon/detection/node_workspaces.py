"""Workspaces of npm, yarn, bun and pnpm: which folders are packages, and which of them is the app."""

from __future__ import annotations

import posixpath
import re

from rw_daemon.detection import globs
from rw_daemon.detection.package_json import NAME, Package
from rw_daemon.detection.source import Source

PNPM = "pnpm-workspace.yaml"


def patterns(source: Source) -> list[str]:
    """Return what the root calls its workspaces: folders as shell patterns, ``!`` in front leaves out."""
    declared = Package(source).data.get("workspaces")
    if isinstance(declared, dict):
        declared = declared.get("packages")
    found = [one for one in declared if isinstance(one, str)] if isinstance(declared, list) else []
    return found + _pnpm(source.text(PNPM))


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
    wanted = [globs.clean(one) for one in patterns(source) if not one.startswith("!")]
    unwanted = [globs.clean(one[1:]) for one in patterns(source) if one.startswith("!")]
    folders = [posixpath.dirname(path) for path in source.paths if path.endswith("/" + NAME) and "node_modules/" not in path]
    return [
        Package(source, folder)
        for folder in folders
        if any(globs.fits(folder, one) for one in wanted) and not any(globs.fits(folder, one) for one in unwanted)
    ]


def folders(source: Source) -> list[str]:
    """Return the folders of the packages, without the root's."""
    return [one.folder for one in members(source)]


def manifests(source: Source) -> list[str]:
    """Return the package.json files of the workspace, without the root's."""
    return [one.at(NAME) for one in members(source)]
