"""What a Python project depends on: names parsed from manifests, never looked for as text."""

from __future__ import annotations

import posixpath
import re
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from rw_daemon.detection.source import Source

_INCLUDE = re.compile(r"^(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)")
_LOCAL = re.compile(r"^(?:-e\s+|--editable[\s=]+)?(?:\.{0,2}/|\.(?:\[|$|\s)|file:)")


def included(source: Source, path: str) -> list[str]:
    """Return a requirements file and all that it includes, in the order they are met."""
    found, pending = [], [path]
    while pending:
        current = pending.pop(0)
        if current in found or not source.has(current):
            continue
        found.append(current)
        for line in source.text(current).splitlines():
            match = _INCLUDE.match(line.strip())
            if match:
                pending.append(posixpath.normpath(posixpath.join(posixpath.dirname(current), match[1])))
    return found


def needs_sources(source: Source, paths: list[str]) -> bool:
    """Return whether a requirements file installs something out of the project itself (``-e .``, ``./lib``)."""
    return any(_LOCAL.match(line.strip()) for path in paths for line in source.text(path).splitlines())


def of_files(source: Source, paths: list[str]) -> set[str]:
    """Return the normalised names in requirements files."""
    lines = [line for path in paths for line in source.text(path).replace("\\\n", " ").splitlines()]
    return {name for line in lines if (name := _name(line))}


def of_pyproject(source: Source) -> set[str]:
    """Return the normalised names that pyproject.toml depends on: PEP 621, Poetry, and the default groups."""
    document = source.toml("pyproject.toml")
    listed = _list(_table(document, "project").get("dependencies"))
    poetry = _table(_table(document, "tool"), "poetry")
    names = {name for one in listed if (name := _name(str(one)))}
    names |= {str(canonicalize_name(name)) for name in _table(poetry, "dependencies") if name != "python"}
    return names


def of_pipfile(source: Source) -> set[str]:
    """Return the normalised names in Pipfile's packages."""
    return {str(canonicalize_name(name)) for name in _table(source.toml("Pipfile"), "packages")}


def _name(line: str) -> str:
    line = re.split(r"\s--hash|\s+#", line.strip(), maxsplit=1)[0].strip()
    if not line or line.startswith(("#", "-")):
        return ""
    try:
        return str(canonicalize_name(Requirement(line).name))
    except InvalidRequirement:
        return ""


def _table(parent: Any, key: str) -> dict[str, Any]:
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
