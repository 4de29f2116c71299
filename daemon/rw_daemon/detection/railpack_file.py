"""railpack.json: JSON with comments. Its lists of packages add to what rw finds, of both sides alike."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping
from typing import Any

from rw_daemon.detection.build_file import KEPT, BuildFile, Commands, Said, not_mapped, provider, table, text, texts, variables
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Notice
from rw_shared.errors import ConfigInvalidError

NAME = "railpack.json"
VARIABLE = "RAILPACK_CONFIG_FILE"
LANGUAGES = frozenset({"bun", "deno", "dotnet", "elixir", "gleam", "go", "java", "node", "php", "python", "ruby", "rust"})
READ = {"$schema", "provider", "packages", "buildAptPackages", "steps", "deploy", "secrets"}
USUAL_INPUTS: tuple[Any, ...] = ("...", {"local": True, "include": ["."]})
"""What every image of rw holds anyway."""


def read(source: Source, said: Mapping[str, str]) -> BuildFile:
    """Return what the file asks for; nothing where there is none.

    :param said: variables, among them one that names the file.
    ``ConfigInvalidError``: it cannot be parsed or used, or is named and not there.
    """
    path = said.get(VARIABLE) or source.first(NAME)
    if path is None:
        return BuildFile()
    if not source.has(path):
        raise ConfigInvalidError(VARIABLE, f"{path} is not there.", hint="Correct the path.")
    content = source.jsonc(path)
    deploy = table(content.get("deploy"), f"{path}: deploy")
    image, own = variables(deploy.get("variables"), f"{path}: deploy.variables", own="RAILPACK_")
    name, start = text(content.get("provider"), f"{path}: provider"), text(deploy.get("startCommand"), f"{path}: deploy.startCommand")
    versions, notices = _versions(content.get("packages"), f"{path}: packages")
    commands, path_folders, more = _steps(content.get("steps"), f"{path}: steps")
    unknown = [key for key in content if key not in READ]
    unknown += [f"deploy.{key}" for key in deploy if key not in {"aptPackages", "startCommand", "variables", "inputs", "paths"}]
    inputs = deploy.get("inputs")
    if inputs and not (isinstance(inputs, list) and all(one in USUAL_INPUTS for one in inputs)):
        unknown.append("deploy.inputs")
    return BuildFile(
        provider=provider(name, f"{path}: provider") if name else None,
        start=(start, f"{path}: deploy.startCommand") if start else None,
        commands=commands,
        packages={
            side: (" ".join((KEPT, *(one for one in names if one != KEPT))), place)
            for side, value, place in (
                ("build", content.get("buildAptPackages"), f"{path}: buildAptPackages"),
                ("runtime", deploy.get("aptPackages"), f"{path}: deploy.aptPackages"),
            )
            if (names := texts(value, place))
        },
        environment=image,
        variables={**own, **versions},
        path=(*path_folders, *texts(deploy.get("paths"), f"{path}: deploy.paths")),
        notices=(*notices, *more, *(not_mapped(f"{path}: {key}") for key in unknown)),
    )


def _versions(value: Any, place: str) -> tuple[dict[str, Said], list[Notice]]:
    """Return the versions of languages; other tools are not installed."""
    found: dict[str, Said] = {}
    notices = []
    for name, version in table(value, place).items():
        if name in LANGUAGES:
            found[f"RAILPACK_{name.upper()}_VERSION"] = (text(version, f"{place}.{name}"), f"{place}.{name}")
        else:
            notices.append(not_mapped(f"{place}.{name}", "is no language whose version rw chooses"))
    return found, notices


def _command(item: Any, where: str) -> str | None:
    """Return a command as text, empty where there is nothing to do; ``None`` for what is none."""
    if not isinstance(item, dict):
        return text(item, where)
    if command := text(item.get("cmd"), where):
        return command
    if "image" in item or "src" not in item:
        return None
    here, there = (posixpath.normpath(text(item.get(key), where) or ".") for key in ("src", "dest"))
    if here == there:  # all sources are there
        return ""
    parent = posixpath.dirname(there)
    return (f"mkdir -p {shlex.quote(parent)} && " if parent else "") + f"cp -R {shlex.quote(here)} {shlex.quote(there)}"


def _steps(value: Any, place: str) -> tuple[tuple[Commands, ...], tuple[str, ...], list[Notice]]:
    """Return the commands of the steps, new ones last, and folders for PATH.

    A shorthand is a text, an object has ``cmd`` or ``path``, or ``src`` and ``dest``. Secrets need no list: each command may read them.
    """
    found, folders, notices = [], [], []
    for name, raw in table(value, place).items():
        step, where = table(raw, f"{place}.{name}"), f"{place}.{name}.commands"
        items = step.get("commands")
        given, _ = variables(step.get("variables"), f"{place}.{name}.variables", own="RAILPACK_")
        exports = "".join(f"export {key}={shlex.quote(value)} && " for key, (value, _) in given.items())
        commands = []
        for item in [items] if isinstance(items, str | dict) else items if isinstance(items, list) else ():
            command = _command(item, where)
            if command is not None:
                commands += [command if command == KEPT else exports + command] if command else []
            elif isinstance(item, dict) and (folder := text(item.get("path"), where)):
                folders.append(folder)
            elif item:
                notices.append(not_mapped(where, f"holds {str(item)[:80]}, which is no command, and passes over it"))
        notices += [not_mapped(f"{place}.{name}.{key}") for key in step if key not in {"commands", "secrets", "variables"}]
        if items is not None and not isinstance(items, str | dict | list):
            raise ConfigInvalidError(where, "a list of commands was expected.")
        if commands:
            found.append(Commands(name, tuple(commands), where))
    return tuple(found), tuple(folders), notices
