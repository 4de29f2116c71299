"""nixpacks.toml, nixpacks.json and ``build.nixpacksPlan``: a plan in part.

Its lists of packages add to what rw finds: they are of another distribution.
"""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from rw_daemon.detection.build_file import KEPT, PACKAGES, BuildFile, Commands, Said, not_mapped, provider, table, text, texts, variables
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Notice
from rw_shared.errors import ConfigInvalidError

NAMES = ("nixpacks.toml", "nixpacks.json")
VARIABLE = "NIXPACKS_CONFIG_FILE"
USUAL = ("setup", "install", "build")
SAME = (
    "cmake cowsay curl ffmpeg fontconfig gcc ghostscript git gnupg graphviz "
    "imagemagick jq nginx openssl pandoc pkg-config ripgrep rsync unzip wget zip"
)
DEBIAN = {
    **{name: name for name in SAME.split()},
    "cairo": "libcairo2-dev", "chromium": "chromium", "ffmpeg-headless": "ffmpeg", "gnumake": "make", "libffi": "libffi-dev",
    "libmysqlclient": "default-libmysqlclient-dev", "libwebp": "libwebp-dev", "libxml2": "libxml2-dev", "pango": "libpango1.0-dev",
    "poppler_utils": "poppler-utils", "postgresql": "libpq-dev", "sqlite": "sqlite3", "tesseract": "tesseract-ocr", "vips": "libvips-dev",
    "zlib": "zlib1g-dev",
}  # fmt: skip
"""Debian's names for packages of nixpkgs that apps ask for."""
GAMES = frozenset({"cowsay", "fortune-mod", "sl"})
"""Debian keeps these programs in a folder that is not on PATH."""


def read(source: Source, said: Mapping[str, str], *, named: Said | None = None) -> BuildFile:
    """Return what the file asks for; nothing where there is none.

    :param said: variables, among them one that names the file. :param named: its path, and what else names it; weaker than the variable.
    ``ConfigInvalidError``: it cannot be parsed or used, or is named and not there.
    """
    chosen, namer = (said[VARIABLE], VARIABLE) if said.get(VARIABLE) else named or ("", "")
    path = chosen or source.first(*NAMES)
    if path is None:
        return BuildFile()
    if not source.has(path):
        raise ConfigInvalidError(namer, f"{path} is not there.", hint="Correct the path.")
    return asked(source.json(path) if path.endswith(".json") else source.toml(path), path)


def asked(content: Mapping[str, Any], path: str) -> BuildFile:
    """Return what a file's content asks for. ``ConfigInvalidError``: it cannot be used."""
    phases = {name: table(one, f"{path}: phases.{name}") for name, one in table(content.get("phases"), f"{path}: phases").items()}
    setup, place = phases.get("setup", {}), f"{path}: phases.setup"
    packages, notices = _packages(setup, place)
    image, own = variables(content.get("variables"), f"{path}: variables", own="NIXPACKS_")
    start = table(content.get("start"), f"{path}: start")
    chosen, beside = _providers(content.get("providers"), f"{path}: providers")
    command = text(start.get("cmd"), f"{path}: start.cmd")
    known = {name: {"cmds", "dependsOn", "cacheDirectories"} | ({"aptPkgs", "nixPkgs"} if name == "setup" else set()) for name in phases}
    unknown = [f"phases.{name}.{key}" for name, phase in phases.items() for key in phase if key not in known[name]]
    unknown += [f"start.{key}" for key in start if key != "cmd"]
    unknown += [key for key in content if key not in {"providers", "phases", "start", "variables"}]
    return BuildFile(
        provider=chosen,
        beside=beside,
        start=(command, f"{path}: start.cmd") if command else None,
        commands=_commands(phases, path),
        packages={side: (" ".join((KEPT, *packages)), place) for side in ("build", "runtime")} if packages else {},
        environment=image,
        caches={
            name: texts(phase.get("cacheDirectories"), f"{path}: phases.{name}.cacheDirectories")
            for name, phase in phases.items()
            if "cacheDirectories" in phase
        },
        path=("/usr/games",) if GAMES & set(packages) else (),
        variables=own,
        notices=(*notices, *(not_mapped(f"{path}: {key}") for key in unknown)),
    )


def _providers(value: Any, place: str) -> tuple[Said | None, tuple[Said, ...]]:
    """Return the first provider, which is forced unless it is ``...``, and those beside it."""
    if value is None:
        return None, ()
    first, *others = texts(value, place) or ("shell",)
    return (None if first == KEPT else provider(first, place)), tuple(provider(one, place) for one in others if one != KEPT)


def _packages(setup: dict[str, Any], place: str) -> tuple[list[str], list[Notice]]:
    found = [name for name in texts(setup.get("aptPkgs"), f"{place}.aptPkgs") if name != KEPT]
    notices = []
    for name in texts(setup.get("nixPkgs"), f"{place}.nixPkgs"):
        if name in DEBIAN:
            found.append(DEBIAN[name])
        elif name != KEPT:
            words = f"asks for {name[:60]}, whose Debian package rw does not know"
            notices.append(not_mapped(f"{place}.nixPkgs", words, PACKAGES))
    return found, notices


def _commands(phases: dict[str, dict[str, Any]], path: str) -> tuple[Commands, ...]:
    """Return the commands of all phases, each behind those that it depends on."""
    needs = {
        name: [one for one in texts(phase.get("dependsOn"), f"{path}: phases.{name}.dependsOn") if one != KEPT]
        for name, phase in phases.items()
    }
    needed = {one for names in needs.values() for one in names}
    for name in phases.keys() - set(USUAL) - needed:
        needs[name] = needs[name] or ["build"]
    graph: dict[str, list[str]] = {"setup": [], "install": ["setup"], "build": ["install"]}
    for name, names in needs.items():
        graph[name] = [*graph.get(name, []), *names]
    try:
        order = [name for name in TopologicalSorter(graph).static_order() if name in phases or name in USUAL]
    except CycleError as error:
        raise ConfigInvalidError(f"{path}: phases", f"these wait for each other: {', '.join(error.args[1])}.") from None
    found, before = [], ""
    for name in order:
        commands = texts(phases.get(name, {}).get("cmds"), f"{path}: phases.{name}.cmds")
        if commands:
            found.append(Commands(name, commands, f"{path}: phases.{name}.cmds", after="" if name in {"install", "build"} else before))
        before = name if commands or name in {"install", "build"} else before
    return tuple(found)
