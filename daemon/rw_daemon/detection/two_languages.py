"""Node and Python in one image: a plan of one of them, and what the other one adds to it. Pure.

Such an image stands on Python's, for Node's programs run on every Debian and Python's do not.
"""

from __future__ import annotations

from rw_daemon.detection import node_assets, overrides
from rw_daemon.detection.build_file import not_mapped
from rw_daemon.detection.buildpack import Buildpack, Request
from rw_daemon.detection.package_json import NAME, Package
from rw_daemon.plans.plan import BuildPlan, Notice, Origin, Step, Toolchain

NODE, PYTHON = "node", "python"
NODE_PROGRAMS = frozenset({"node", "npm", "npx", "pnpm", "yarn"})
EVERYTHING = "/usr/local/"
SCRIPTS = ("start", "prestart", "build", "prebuild", "postbuild", "postinstall")


def joined(plan: BuildPlan, request: Request, *, python: Buildpack) -> BuildPlan:
    """Return the plan with the other language, where a file asks for both, or commands of the one call the other.

    A build script of package.json beside a Python app makes its assets, which is reason enough.
    """
    asked = {name: place for one in request.files for name, place in one.beside}
    second = {NODE: PYTHON, PYTHON: NODE}.get(plan.buildpack, "")
    notices = [_alone(plan, name, place) for name, place in asked.items() if name not in {second, plan.buildpack}]
    plan = plan.model_copy(update={"warnings": (*plan.warnings, *notices)})
    if plan.buildpack == NODE and plan.bases.build == plan.bases.run:  # pages are served by something else
        caller = _caller(request, python)
        place = asked.get(PYTHON) or (caller if caller and python.detect(request.source) else "")
        return _with_python(plan, python.plan(request), place) if place else plan
    if plan.buildpack == PYTHON and (NODE in asked or request.source.has(NAME)):
        return _with_node(plan, request, asked.get(NODE) or overrides.runs_tool(request, NODE_PROGRAMS))
    return plan


def _alone(plan: BuildPlan, name: str, place: str) -> Notice:
    return not_mapped(place, f"names {name} as well; {plan.buildpack} is built alone", "Write a Dockerfile for both.")


def _caller(request: Request, python: Buildpack) -> str:
    """Return what calls Python: a written command, or a script of package.json; empty for nothing."""
    if program := overrides.runs_tool(request, python.programs):
        return f"{program} in a command"
    called = Package(request.source).scripts
    return next((f"scripts.{name} in {NAME}" for name in SCRIPTS if overrides.called(called.get(name, ""), python.programs)), "")


def _with_python(plan: BuildPlan, python: BuildPlan, place: str) -> BuildPlan:
    """Return Node's plan on Python's image; packages are installed where a manifest names them."""
    found = [one for one in python.steps if one.name == overrides.INSTALL_STEP and "packageManager" in python.origins]
    steps = [one.model_copy(update={"name": PYTHON, "inputs": one.inputs or (".",)}) for one in found]
    return plan.model_copy(
        update={
            "bases": python.bases,
            "toolchains": (*plan.toolchains, Toolchain(image=plan.bases.build, path=EVERYTHING, runs=True)),
            "steps": (*steps, *plan.steps),
            "packages": plan.packages.model_copy(update={side: _both(plan, python, side) for side in ("build", "runtime")}),
            "tools": {**plan.tools, **python.tools},
            "environment": {**plan.environment, "PYTHONUNBUFFERED": "1"},
            "path": (*plan.path, *(python.path if steps else ())),
            "keep": (".",),
            "origins": {**plan.origins, PYTHON: _origin(python.version, place)},
            "warnings": (*plan.warnings, *(one for one in python.warnings if one.code.startswith("VERSION"))),
        }
    )


def _both(plan: BuildPlan, other: BuildPlan, side: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*getattr(plan.packages, side), *getattr(other.packages, side))))


def _with_node(plan: BuildPlan, request: Request, place: str) -> BuildPlan:
    """Return Python's plan with Node.

    :param place: what needs Node when the app runs; empty where it only builds assets.
    """
    assets = node_assets.read(request)
    build = assets.build("build")
    if not build and not place:
        return plan
    has_packages = request.source.has(NAME)
    at = next((at for at, step in enumerate(plan.steps) if "." in step.inputs), len(plan.steps) - 1) + 1
    made = (Step(name="assets", commands=(build,), caches=assets.manager.caches, variables=("*",)),) if build else ()
    clean = (Step(name="clean", commands=(assets.clean(),)),) if not place else ()
    return plan.model_copy(
        update={
            "toolchains": (
                *(one for one in plan.toolchains if one.image != assets.image),  # Reflex brings it as well
                assets.toolchain.model_copy(update={"runs": bool(place)}),
            ),
            "steps": (*((assets.install(),) if has_packages else ()), *plan.steps[:at], *made, *plan.steps[at:], *clean),
            "tools": {**plan.tools, **assets.tools},
            "installed": (),
            "origins": {**plan.origins, NODE: _origin(assets.version.version, place or f"scripts.build in {NAME}")},
            "warnings": (*plan.warnings, *assets.version.notices),
        }
    )


def _origin(version: str, place: str) -> Origin:
    return Origin.model_validate({"value": version, "from": place})
