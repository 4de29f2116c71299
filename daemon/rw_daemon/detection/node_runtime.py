"""What runs the JavaScript of a project: Node, or Bun where its start command calls Bun. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rw_daemon.detection.node_managers import DEFAULTS, Manager
from rw_daemon.detection.package_json import Package
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Resolved, Wanted, choose
from rw_daemon.plans.plan import Toolchain

BUN, NODE = "bun", "node"
BUN_PROGRAM = Toolchain(image="oven/bun:1-slim", path="/usr/local/bin/bun", runs=True)
BUN_PROGRAMS = frozenset({"bun", "bunx"})


@dataclass(frozen=True)
class Runtime:
    """What runs. ``manager`` is the package manager as it is called there, ``tools`` what a machine without Docker needs."""

    name: str
    version: Resolved
    image: str
    manager: Manager
    tools: dict[str, str]
    borrows_bun: bool = False
    """Bun runs beside Node, whose manager installed the packages."""


def find(root: Package, manager: Manager, start: str, variables: Mapping[str, str]) -> Runtime:
    """Return what runs ``start``. Tools such as ``next`` are Node's programs and stay with Node, whoever installs them."""
    if manager.name != BUN and manager.is_default and calls_bun(start):
        manager = Manager(BUN, DEFAULTS[BUN], "", "the start command")
    if manager.name == BUN and calls_bun(start):
        own = [Wanted(root.source.text(".bun-version").strip(), ".bun-version")]
        said = Wanted(manager.version if manager.version != DEFAULTS[BUN] else "", manager.source)
        version = choose(
            BUN,
            root.source,
            own=own,
            manifests=[said, Wanted(root.texts("engines").get(BUN, ""), "engines in package.json")],
            variables=variables,
        )
        native = replace(manager, is_native=True)
        return Runtime(BUN, version, f"oven/bun:{version.version}-slim", native, {BUN: version.allowed})
    version = choose(NODE, root.source, own=_own_versions(root.source), manifests=_ranges(root), variables=variables)
    bun = {BUN: ""} if calls_bun(start) else {}
    return Runtime(NODE, version, f"node:{version.version}-slim", manager, {NODE: version.allowed, "npm": "", **bun}, bool(bun))


def calls_bun(command: str) -> bool:
    """Return whether a command calls Bun."""
    return not BUN_PROGRAMS.isdisjoint(re.split(r"[\s;&|()'\"]+", command))


def _own_versions(source: Source) -> list[Wanted]:
    return [Wanted(source.text(name).split("#")[0].strip(), name) for name in (".nvmrc", ".node-version") if source.has(name)]


def _ranges(root: Package) -> list[Wanted]:
    engines = root.data.get("devEngines")
    runtime = engines.get("runtime") if isinstance(engines, dict) else None
    said = []
    if isinstance(runtime, dict) and runtime.get("name") == NODE:
        said.append(Wanted(str(runtime.get("version", "")), "devEngines in package.json"))
    return [*said, *(Wanted(root.texts(key).get(NODE, ""), f"{key} in package.json") for key in ("engines", "volta"))]
