"""Reflex: pages compiled from Python, and the backend that they talk to, served by one process on one port. Pure."""

from __future__ import annotations

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from rw_daemon.detection import node_assets, python_code, requirements
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.node_managers import CACHES, DEFAULTS, NPM_CACHE
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan, Notice, Step

NAME, PACKAGE, CONFIG, SERVER = "Reflex", "reflex", "rxconfig.py", "granian"
ONE_PORT_SINCE = "0.8.14"
LATER = ("0.9.0", "1.0")
"""Releases that tell whether a range reaches beyond the first one that serves its pages."""

BUN_LOCK, NPM_LOCK = "reflex.lock/bun.lock", "reflex.lock/package-lock.json"
UNNEEDED = f".web/node_modules .web/reflex.json {node_assets.PROGRAMS}"
MODULES = f"{node_assets.PROGRAMS}/node_modules/.bin"
SERVED = "env REFLEX_ENV_MODE=prod __REFLEX_SKIP_COMPILE=true __REFLEX_MOUNT_FRONTEND_COMPILED_APP=true"
"""What `reflex run --env prod` tells its server once the pages are built. That command itself builds them at each start."""

# the pages look for their backend at the port that they were built for, which is not where the edge listens
SAME_PORT = r"sed -i 's/endpoint\.hostname = frontend_hostname;/& endpoint.port = window.location.port;/' .web/utils/state.js"


def target(source: Source, names: frozenset[str]) -> str:
    """Return what a server is told to serve; empty where the project is none of Reflex.

    :param names: what the project depends on.
    """
    if PACKAGE not in names or not source.has(CONFIG):
        return ""
    module = python_code.keyword(source, CONFIG, call="Config", name="app_module_import")
    name = python_code.keyword(source, CONFIG, call="Config", name="app_name")
    module = module or (f"{name}.{name}" if name else "")
    return f"{module}:app" if module else ""


def notices(source: Source) -> tuple[Notice, ...]:
    """Return a warning where the project asks for a Reflex that cannot serve its pages and its backend on one port."""
    wanted = requirements.specifier(source, PACKAGE)
    if _reaches(wanted):
        return ()
    words = f"Reflex{wanted} serves its pages and its backend on two ports, and a service has one: the pages would be missing."
    return (Notice(code="REFLEX_TOO_OLD", message=words, fix=f"Ask for reflex>={ONE_PORT_SINCE}."),)


def _reaches(wanted: SpecifierSet) -> bool:
    """Return whether a range holds a release that serves on one port."""
    named = [one.version.removesuffix(".*") for one in wanted]
    return any(wanted.contains(one) for one in (ONE_PORT_SINCE, *LATER, *named) if Version(one) >= Version(ONE_PORT_SINCE))


def with_pages(plan: BuildPlan, request: Request) -> BuildPlan:
    """Return the plan with the steps that compile the pages, and what these need: Bun, or npm where its lock file is there.

    Bun comes through npm, so that both targets do the same. What only the build needs goes away again.
    """
    assets, has_bun = node_assets.read(request), not request.source.has(NPM_LOCK) or request.source.has(BUN_LOCK)
    bun = Step(name="bun", commands=(node_assets.brought(f"bun@{DEFAULTS['bun']}"),), caches=(NPM_CACHE,))
    pages = Step(
        name="pages",
        commands=("reflex compile", SAME_PORT, "reflex export --frontend-only --no-zip", f"rm -rf {UNNEEDED}"),
        caches=(CACHES["bun"] if has_bun else NPM_CACHE,),
        variables=("*",),
    )
    manager = {"REFLEX_USE_SYSTEM_BUN": "true"} if has_bun else {"REFLEX_USE_NPM": "true"}
    return plan.model_copy(
        update={
            "toolchains": (*plan.toolchains, assets.toolchain),
            "tools": {**plan.tools, **assets.tools},
            "steps": (*((bun,) if has_bun else ()), *plan.steps, pages),
            "environment": {**plan.environment, **manager},
            "path": (*plan.path, *((MODULES,) if has_bun else ())),
            "installed": (),
            "warnings": (*plan.warnings, *assets.version.notices),
        }
    )
