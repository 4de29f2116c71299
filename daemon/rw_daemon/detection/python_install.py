"""How a Python project's dependencies are installed: by the tool whose lock file lies there, with uv underneath."""

from __future__ import annotations

from dataclasses import dataclass

from rw_daemon.detection import requirements
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Cache, Step

UV_CACHE = Cache(id="uv", path="/root/.cache/uv", variable="UV_CACHE_DIR")
SOURCES = Step(name="sources", commands=(), inputs=(".",))
VENV = "uv venv --quiet .venv"


@dataclass(frozen=True)
class Install:
    """The steps up to a complete environment in ``.venv``.

    :param manager: ``uv``, ``poetry``, ``pdm``, ``pipenv`` or ``pip`` (requirements files, which uv installs).
    :param names: what the project depends on, normalised.
    """

    manager: str
    proof: str
    steps: tuple[Step, ...]
    names: frozenset[str]


def choose(source: Source) -> Install:
    """Return how to install: a lock file says which tool its author uses; without one, requirements before pyproject."""
    if source.has("uv.lock"):
        return _uv(source, "uv.lock", "--locked ")
    if source.has("poetry.lock"):
        commands = (VENV, "POETRY_VIRTUALENVS_IN_PROJECT=true uv tool run poetry install --only main --no-root --no-interaction --no-ansi")
        return _locked(source, "poetry", "poetry.lock", commands)
    if source.has("pdm.lock"):
        return _locked(source, "pdm", "pdm.lock", (VENV, "uv tool run pdm install --prod --frozen-lockfile --no-self"))
    if source.has("Pipfile"):
        return _pipenv(source)
    if source.has("requirements.txt"):
        return _requirements(source)
    if source.has("pyproject.toml") and "project" in source.toml("pyproject.toml"):
        return _uv(source, "pyproject.toml", "")
    proof = source.first("pyproject.toml", "setup.py", "setup.cfg")
    if proof and (proof != "pyproject.toml" or requirements.of_pyproject(source)):
        steps = (SOURCES, _install((VENV, "uv pip install --compile-bytecode ."), ()))
        return Install("pip", proof, steps, frozenset(requirements.of_pyproject(source)))
    return Install("pip", proof or "", (_install((VENV,), ()), SOURCES), frozenset())


def _install(commands: tuple[str, ...], inputs: tuple[str, ...]) -> Step:
    return Step(name="install", commands=commands, inputs=inputs, caches=(UV_CACHE,))


def _uv(source: Source, proof: str, flag: str) -> Install:
    """Dependencies first, the project itself once its sources are there."""
    members = [path for path in source.paths if path.endswith("/pyproject.toml")] if "workspace" in _tool_uv(source) else []
    inputs = tuple(path for path in ("pyproject.toml", "uv.lock", ".python-version", *members) if source.has(path))
    sync = f"uv sync {flag}--no-dev --compile-bytecode"
    steps = [_install((f"{sync} --no-install-workspace" if members else f"{sync} --no-install-project",), inputs), SOURCES]
    if "build-system" in source.toml("pyproject.toml") or members:
        steps.append(Step(name="project", commands=(f"{sync} --no-editable",), caches=(UV_CACHE,)))
    return Install("uv", proof, tuple(steps), frozenset(requirements.of_pyproject(source)))


def _tool_uv(source: Source) -> dict[str, object]:
    tool = source.toml("pyproject.toml").get("tool", {})
    found = tool.get("uv", {}) if isinstance(tool, dict) else {}
    return found if isinstance(found, dict) else {}


def _locked(source: Source, manager: str, lock: str, commands: tuple[str, ...]) -> Install:
    steps = [_install(commands, ("pyproject.toml", lock)), SOURCES]
    if "build-system" in source.toml("pyproject.toml") and source.has_folder("src"):
        steps.append(Step(name="project", commands=("uv pip install --no-deps --compile-bytecode .",), caches=(UV_CACHE,)))
    return Install(manager, lock, tuple(steps), frozenset(requirements.of_pyproject(source)))


def _pipenv(source: Source) -> Install:
    inputs = tuple(path for path in ("Pipfile", "Pipfile.lock") if source.has(path))
    lock = () if source.has("Pipfile.lock") else ("uv tool run pipenv lock",)
    export = "uv tool run pipenv requirements > .venv/requirements.txt"
    commands = (VENV, *lock, export, "uv pip install --compile-bytecode -r .venv/requirements.txt")
    return Install("pipenv", inputs[-1], (_install(commands, inputs), SOURCES), frozenset(requirements.of_pipfile(source)))


def _requirements(source: Source) -> Install:
    paths = requirements.included(source, "requirements.txt")
    command = "uv pip install --compile-bytecode -r requirements.txt"
    names = frozenset(requirements.of_files(source, paths))
    if requirements.needs_sources(source, paths):
        return Install("pip", "requirements.txt", (SOURCES, _install((VENV, command), ())), names)
    return Install("pip", "requirements.txt", (_install((VENV, command), tuple(paths)), SOURCES), names)
