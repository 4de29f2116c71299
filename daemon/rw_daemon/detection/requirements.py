"""What a Python project depends on: names parsed from manifests, never looked for as text."""

from __future__ import annotations

import ast
import configparser
import posixpath
import re
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from rw_daemon.detection.source import Source

LOCKS = ("uv.lock", "poetry.lock", "pdm.lock")
_INCLUDE = re.compile(r"^(-r|--requirement|-c|--constraint)[\s=]*(\S+)")
_LOCAL = re.compile(
    r"^(?:(?:-e|--editable|-f|--find-links)[\s=]*)?(?:\.{0,2}/|\.(?:\[|$|\s)|file:)|^[\w./-]+\.(?:whl|tar\.gz|zip)\b|@\s*(?:\.|file:)"
)
_ITSELF = re.compile(r"^(?:(?:-e|--editable)[\s=]*)?\./?(?:\[[^\]]*\])?\s*$")
_EGG = re.compile(r"#(?:.*&)?egg=([A-Za-z0-9._-]+)")
# what matters to a plan and comes along only with an extra
BROUGHT = {
    ("fastapi", "standard"): "uvicorn",
    ("fastapi", "all"): "uvicorn",
    ("litestar", "standard"): "uvicorn",
    ("psycopg", "binary"): "psycopg-binary",
    ("psycopg", "c"): "psycopg-c",
}


def included(source: Source, path: str) -> list[str]:
    """Return a requirements file and all that it includes, constraints as well, in the order they are met."""
    return [one for one, _ in _files(source, path)]


ON_LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "extra": ""}
"""Where the app will run: a requirement for another system is none."""


def required(source: Source, path: str) -> list[str]:
    """Return a requirements file and those it includes; a constraint installs nothing."""
    return [one for one, is_constraint in _files(source, path) if not is_constraint]


def _files(source: Source, path: str) -> list[tuple[str, bool]]:
    found: dict[str, bool] = {}
    pending = [(path, False)]
    while pending:
        current, is_constraint = pending.pop(0)
        if not source.has(current) or found.get(current, 2) <= is_constraint:
            continue  # read already, and what is required stays so
        found[current] = is_constraint
        for line in source.text(current).splitlines():
            match = _INCLUDE.match(line.strip())
            if match:
                inner = posixpath.normpath(posixpath.join(posixpath.dirname(current), match[2]))
                pending.append((inner, is_constraint or match[1] in {"-c", "--constraint"}))
    return list(found.items())


def needs_sources(source: Source, paths: list[str]) -> bool:
    """Return whether a requirements file installs something out of the project itself (``-e .``, ``./lib``, ``wheels/x.whl``)."""
    return any(_LOCAL.search(line.strip()) for path in paths for line in source.text(path).splitlines())


def installs_itself(source: Source, paths: list[str]) -> bool:
    """Return whether a requirements file installs the project."""
    return any(_ITSELF.match(line.split(" #")[0].strip()) for path in paths for line in source.text(path).splitlines())


def of_files(source: Source, paths: list[str]) -> set[str]:
    """Return the normalised names in requirements files."""
    lines = [line for path in paths for line in re.sub(r"\\\r?\n", " ", source.text(path)).splitlines()]
    return {name for line in lines for name in _names(line)}


def of_pyproject(source: Source) -> set[str]:
    """Return the normalised names that pyproject.toml depends on: PEP 621 and Poetry, without extras and groups."""
    document = source.toml("pyproject.toml")
    listed = _list(_table(document, "project").get("dependencies"))
    poetry = _table(_table(_table(document, "tool"), "poetry"), "dependencies")
    return {name for one in listed for name in _names(str(one))} | (_of_table(poetry) - {"python"})


def of_setup(source: Source) -> set[str]:
    """Return the normalised names in ``install_requires`` of setup.cfg and setup.py, where they are written out."""
    listed = setup_cfg(source, "install_requires").splitlines()
    said = setup_py(source, "install_requires")
    listed += [str(one) for one in said] if isinstance(said, list) else []
    return {name for one in listed for name in _names(one)}


def setup_cfg(source: Source, option: str) -> str:
    """Return an option of setup.cfg's ``[options]``; empty when it is not there."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(source.text("setup.cfg"))
    except configparser.Error:
        return ""
    return parser.get("options", option, fallback="")


def setup_py(source: Source, keyword: str) -> Any:
    """Return a literal keyword of the call ``setup(…)`` in setup.py; ``None`` when it is not there or computed."""
    try:
        tree = ast.parse(source.data("setup.py"))
    except (SyntaxError, ValueError, RecursionError):
        return None
    for node in ast.walk(tree):
        for one in node.keywords if isinstance(node, ast.Call) else ():
            if one.arg == keyword:
                try:
                    return ast.literal_eval(one.value)
                except ValueError:
                    return None
    return None


def of_pipfile(source: Source) -> set[str]:
    """Return the normalised names in Pipfile's packages."""
    return _of_table(_table(source.toml("Pipfile"), "packages"))


def specifier(source: Source, name: str) -> SpecifierSet:
    """Return which versions of a package a project takes: the locked one, else what its manifests ask for; all where nothing says."""
    for lock in LOCKS:
        for one in _list(source.toml(lock).get("package")):
            if isinstance(one, dict) and one.get("name") == name and isinstance(one.get("version"), str):
                return SpecifierSet(f"=={one['version']}")
    lines = [line for path in required(source, "requirements.txt") for line in source.text(path).splitlines()]
    lines += [str(one) for one in _list(_table(source.toml("pyproject.toml"), "project").get("dependencies"))]
    parsed = [one for line in lines if (one := _requirement(line)) and canonicalize_name(one.name) == name]
    return parsed[0].specifier if parsed else SpecifierSet()


def _of_table(packages: dict[str, Any]) -> set[str]:
    extras = {one: _list(said.get("extras")) if isinstance(said, dict) else [] for one, said in packages.items()}
    return {name for one, names in extras.items() for name in _with_extras(one, {str(extra) for extra in names})}


def _names(line: str) -> set[str]:
    egg = _EGG.search(line)
    line = _plain(line)
    if not line or line.startswith(("#", "-")):
        return {str(canonicalize_name(egg[1]))} if egg and line.startswith("-e") else set()
    parsed = _requirement(line)
    if parsed is None:
        return {str(canonicalize_name(egg[1]))} if egg else set()
    if parsed.marker is not None and not parsed.marker.evaluate(ON_LINUX):
        return set()
    return _with_extras(parsed.name, parsed.extras)


def _plain(line: str) -> str:
    """Return a line of a requirements file without options and comment."""
    return re.split(r"\s--|\s+#", line.strip(), maxsplit=1)[0].strip()


def _requirement(line: str) -> Requirement | None:
    try:
        return Requirement(_plain(line))
    except InvalidRequirement:
        return None


def _with_extras(name: str, extras: set[str]) -> set[str]:
    plain = str(canonicalize_name(name))
    return {plain, *(BROUGHT[plain, extra] for extra in extras if (plain, extra) in BROUGHT)}


def _table(parent: Any, key: str) -> dict[str, Any]:
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
