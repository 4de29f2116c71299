"""How a Python project's dependencies are installed: by the tool whose lock file lies there, with uv underneath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rw_daemon.detection import requirements
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Cache, Step

UV_CACHE = Cache(id="uv", path="/root/.cache/uv", variable="UV_CACHE_DIR")
SOURCES = Step(name="sources", commands=(), inputs=(".",))


@dataclass(frozen=True)
class Install:
    """The steps up to a complete environment in ``.venv``.

    :param manager: ``uv``, ``poetry``, ``pdm``, ``pipenv`` or ``pip`` (requirements files, which uv installs).
    :param names: what the project depends on, normalised.
    :param has_project: the project itself is installed as well, and so are its console scripts.
    """

    manager: str
    proof: str
    steps: tuple[Step, ...]
    names: frozenset[str]
    has_project: bool = False


def choose(source: Source) -> Install:
    """Return how to install: a lock file says which tool its author uses; without one, requirements before pyproject."""
    if source.has("uv.lock"):
        return _uv(source, "uv.lock", "--locked ")
    if source.has("poetry.lock"):
        return _poetry(source, "poetry.lock")
    if source.has("pdm.lock"):  # its extra brings the versions that pdm was tried with: a newer hishel breaks it
        return _locked(source, "pdm", "pdm.lock", (_venv(source), "uv tool run 'pdm[locked]' install --prod --frozen-lockfile --no-self"))
    if source.has("Pipfile"):
        return _pipenv(source)
    if source.has("requirements.txt"):
        return _requirements(source)
    document = source.toml("pyproject.toml")
    if isinstance(document.get("project"), dict):
        return _uv(source, "pyproject.toml", "")
    if "poetry" in _tool(source):
        return _poetry(source, "pyproject.toml")
    proof = "pyproject.toml" if "build-system" in document else source.first("setup.py", "setup.cfg")
    if proof:
        steps = (SOURCES, _install((_venv(source), "uv pip install --compile-bytecode ."), ()))
        return Install("pip", proof, steps, frozenset(requirements.of_setup(source)), has_project=True)
    return Install("pip", "", (_install((_venv(source),), ()), SOURCES), frozenset())


def _python(source: Source) -> str:
    """Return the flag that keeps uv from looking for exactly what .python-version says: the plan has chosen the interpreter already."""
    return '--python "${UV_PYTHON:-python3}" ' if source.has(".python-version") else ""


def _venv(source: Source) -> str:
    return f"uv venv --quiet {_python(source)}.venv"


def _install(commands: tuple[str, ...], inputs: tuple[str, ...]) -> Step:
    return Step(name="install", commands=commands, inputs=inputs, caches=(UV_CACHE,))


def _uv(source: Source, proof: str, flag: str) -> Install:
    """Dependencies first, the project itself once its sources are there; all at once where the manifests alone do not say enough."""
    tool, document = _tool(source).get("uv", {}), source.toml("pyproject.toml")
    has_members = isinstance(tool, dict) and "workspace" in tool
    members = [path for path in source.paths if path.endswith("/pyproject.toml")] if has_members else []
    inputs = tuple(path for path in ("pyproject.toml", "uv.lock", ".python-version", *members) if source.has(path))
    sync = f"uv sync {_python(source)}{flag}--no-dev --compile-bytecode"
    names = frozenset(requirements.of_pyproject(source))
    is_package = "build-system" in document or (isinstance(tool, dict) and tool.get("package") is True)
    if _needs_sources(document, tool):
        return Install("uv", proof, (SOURCES, _install((f"{sync} --no-editable",), ())), names, has_project=is_package)
    steps = [_install((f"{sync} --no-install-workspace" if members else f"{sync} --no-install-project",), inputs), SOURCES]
    if is_package or members:
        steps.append(Step(name="project", commands=(f"{sync} --no-editable",), caches=(UV_CACHE,)))
    return Install("uv", proof, tuple(steps), names, has_project=is_package)


def _needs_sources(document: dict[str, Any], tool: Any) -> bool:
    """Return whether dependencies lie in the project's folders, or are computed while building it."""
    places = tool.get("sources", {}) if isinstance(tool, dict) else {}
    if isinstance(places, dict) and any(isinstance(one, dict) and "path" in one for one in places.values()):
        return True
    project = document.get("project")
    return isinstance(project, dict) and bool(project.get("dynamic"))


def _tool(source: Source) -> dict[str, Any]:
    found = source.toml("pyproject.toml").get("tool", {})
    return found if isinstance(found, dict) else {}


def _poetry(source: Source, proof: str) -> Install:
    install = "uv tool run poetry install --only main --no-root --no-interaction --no-ansi"
    return _locked(source, "poetry", proof, (_venv(source), f"POETRY_VIRTUALENVS_IN_PROJECT=true {install}"))


def _locked(source: Source, manager: str, proof: str, commands: tuple[str, ...]) -> Install:
    document = source.toml("pyproject.toml")
    project, poetry = document.get("project", {}), _tool(source).get("poetry", {})
    has_scripts = any(isinstance(one, dict) and one.get("scripts") for one in (project, poetry))
    is_package = "build-system" in document and not (isinstance(poetry, dict) and poetry.get("package-mode") is False)
    inputs = tuple(dict.fromkeys(("pyproject.toml", proof)))
    steps = [_install(commands, inputs), SOURCES]
    has_project = is_package and (source.has_folder("src") or has_scripts)
    if has_project:
        steps.append(Step(name="project", commands=("uv pip install --no-deps --compile-bytecode .",), caches=(UV_CACHE,)))
    return Install(manager, proof, tuple(steps), frozenset(requirements.of_pyproject(source)), has_project=has_project)


def _pipenv(source: Source) -> Install:
    inputs = tuple(path for path in ("Pipfile", "Pipfile.lock") if source.has(path))
    lock = () if source.has("Pipfile.lock") else ("uv tool run pipenv lock",)
    export = "uv tool run pipenv requirements > .venv/requirements.txt"
    commands = (_venv(source), *lock, export, "uv pip install --compile-bytecode -r .venv/requirements.txt")
    return Install("pipenv", inputs[-1], (_install(commands, inputs), SOURCES), frozenset(requirements.of_pipfile(source)))


def _requirements(source: Source) -> Install:
    proof = "requirements.txt"
    paths = requirements.included(source, proof)
    commands = (_venv(source), f"uv pip install --compile-bytecode -r {proof}")
    names = frozenset(requirements.of_files(source, requirements.required(source, proof)))
    if requirements.needs_sources(source, paths):
        has_project = requirements.installs_itself(source, paths)
        names |= requirements.of_pyproject(source) | requirements.of_setup(source) if has_project else frozenset()
        return Install("pip", proof, (SOURCES, _install(commands, ())), names, has_project=has_project)
    return Install("pip", proof, (_install(commands, tuple(paths)), SOURCES), names)
