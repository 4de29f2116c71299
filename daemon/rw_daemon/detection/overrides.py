"""What beats detection, in one order: RW_BUILD_* variables, NIXPACKS_* and RAILPACK_*, railway.toml, nixpacks.toml, railpack.json,
Procfile, detection. Both tools put their file above the Procfile: a project that has one was started by it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rw_daemon.detection import nixpacks_file, procfile, railpack_file
from rw_daemon.detection.build_file import KEPT, PACKAGES, BuildFile, Commands, Said, not_mapped, unread
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.package_json import NAME as PACKAGE
from rw_daemon.detection.package_json import Package
from rw_daemon.plans.plan import Beat, BuildPlan, Cache, Notice, Origin, ServicePlan, Step
from rw_shared.errors import ConfigInvalidError
from rw_shared.models import ServiceKind

START = ("RW_BUILD_START_CMD", "NIXPACKS_START_CMD", "RAILPACK_START_CMD")
BUILD = ("RW_BUILD_BUILD_CMD", "NIXPACKS_BUILD_CMD", "RAILPACK_BUILD_CMD")
INSTALL = ("RW_BUILD_INSTALL_CMD", "NIXPACKS_INSTALL_CMD", "RAILPACK_INSTALL_CMD")
BUILD_PACKAGES = ("RW_BUILD_APT_PACKAGES", "NIXPACKS_APT_PKGS", "RAILPACK_BUILD_APT_PACKAGES")
RUN_PACKAGES = ("RW_BUILD_RUNTIME_APT_PACKAGES", "RAILPACK_DEPLOY_APT_PACKAGES")
CACHES = {"NIXPACKS_INSTALL_CACHE_DIRS": "install", "NIXPACKS_BUILD_CACHE_DIRS": "build"}
INLINE = "build.nixpacksPlan"
MAIN = "web"
INSTALL_STEP, BUILD_STEP = "install", "build"
VENV = 'uv venv --quiet --seed --python "${UV_PYTHON:-python3}" .venv'  # with a pip of its own, which many install commands call
CLEARS = re.compile(r"\b(rm|rimraf|del|del-cli|clean)\b")
"""What clears folders: one that is mounted for the build cannot be cleared (EBUSY)."""
PROGRAMS = {"NIXPACKS_PKGS": ("build", "runtime"), "NIXPACKS_LIBS": ("build",), "RAILPACK_PACKAGES": ("build", "runtime")}
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?(?:=[\w.+~:-]+)?")


def with_files(request: Request) -> Request:
    """Return the request with what nixpacks's and railpack's files ask for, and with their variables where nobody set the same one.

    ``ConfigInvalidError``: a file cannot be used, or is named and not there.
    """
    build = request.config.build
    path = _configured(request, "build.nixpacksConfigPath", build.nixpacks_config_path)
    files = [railpack_file.read(request.source, request.variables), nixpacks_file.read(request.source, request.variables, named=path)]
    if build.nixpacks_plan:
        place = f"{request.config.origins[INLINE]}: {INLINE}"
        files.append(nixpacks_file.asked(build.nixpacks_plan, place))
    said = {name: value for one in files for name, (value, _) in one.variables.items()}
    return replace(request, files=tuple(files), variables={**said, **request.variables})


def apply(plan: BuildPlan, request: Request, commands: Mapping[str, str]) -> BuildPlan:
    """Return ``plan`` with everything that beats it, each value with its origin and all that it beat.

    A Dockerfile or an image of the user's own is taken as it is: install and build commands, packages and process types have no place
    in it.
    ``ConfigInvalidError``: a name that cannot be a package's.
    """
    if plan.as_is:
        plan = _passed_over(plan, request)
    else:
        plan = _procfile(plan, commands)
        for file in request.files:
            plan = _file(plan, request, file)
        for said in _weakest_first(INSTALL, request.variables):
            plan = _command(plan, INSTALL_STEP, said)
        for said in _weakest_first(
            BUILD, request.variables, _configured(request, "build.buildCommand", request.config.build.build_command)
        ):
            plan = _command(plan, BUILD_STEP, said)
        plan = _programs(_packages(plan, request.variables), request.variables)
        for name, step in CACHES.items():
            plan = _cached(plan, request, step, tuple(request.variables.get(name, "").replace(",", " ").split()), name)
    plan = _start(plan, request)
    plan = plan.model_copy(update={"warnings": (*plan.warnings, *unread(request.variables))})
    return _named_by_file(_deploy(plan, request), request)


def whole(plan: BuildPlan, request: Request) -> BuildPlan:
    """Return the plan with all sources where somebody wrote a command: nobody knows what it reads."""
    if not plan.left_out:
        return plan
    is_said = any(key.startswith("steps.") for key in plan.origins) or bool(written(request))
    return plan.model_copy(update={"left_out": ()}) if is_said else plan


def start_said(request: Request, commands: Mapping[str, str]) -> str:
    """Return the start command that somebody wrote down, the strongest one; empty when nobody did."""
    said = _starts(request)
    return said[-1][0] if said else commands.get(MAIN) or next((text for name, text in commands.items() if name != procfile.RELEASE), "")


def start_place(request: Request) -> str:
    """Return where the strongest start command beside the Procfile's stands; empty when there is none."""
    said = _starts(request)
    return said[-1][1] if said else ""


def written(request: Request) -> tuple[str, ...]:
    """Return all commands that somebody wrote for the finished app: what they name has to be there.

    ``ConfigInvalidError``: the Procfile cannot be read.
    """
    deploy = request.config.deploy
    said = [request.variables.get(name, "") for name in START]
    said += [one.start[0] for one in request.files if one.start]
    said += [deploy.start_command or "", *(deploy.pre_deploy_command or ()), *procfile.read(request.source).values()]
    return tuple(one for one in said if one.strip())


def named_paths(request: Request, *folders: str) -> list[str]:
    """Return the paths below ``folders`` that written commands name; with a wildcard in it, the folder that it looks in."""
    pattern = re.compile(rf"(?<![\w./-])(?:\./|/app/)?((?:{'|'.join(map(re.escape, folders))})/[^\s'\":$;&|<>()`]+)")
    found = [one for command in written(request) for one in pattern.findall(command)]
    return sorted({one if not (wild := re.search(r"[*?\[]", one)) else posixpath.dirname(one[: wild.start()]) for one in found})


def runs_tool(request: Request, programs: frozenset[str]) -> str:
    """Return the program of ``programs`` that a written command calls; empty where none does."""
    return next((word for command in written(request) if (word := called(command, programs))), "")


def called(command: str, programs: frozenset[str]) -> str:
    """Return the first program of ``programs`` that a command calls; empty where it calls none."""
    words = (posixpath.basename(word) for word in re.split(r"[\s;&|()'\"`]+", command))
    return next((word for word in words if word in programs), "")


def _starts(request: Request) -> list[Said]:
    configured = _configured(request, "deploy.startCommand", request.config.deploy.start_command)
    return [*(one.start for one in request.files if one.start), *_weakest_first(START, request.variables, configured)]


def _configured(request: Request, key: str, value: str | None) -> Said | None:
    return (value, request.config.origins.get(key, "railway.toml")) if value else None


def _weakest_first(names: tuple[str, ...], variables: Mapping[str, str], configured: Said | None = None) -> list[Said]:
    """Return all that was said, so that applied in turn the strongest one stays and has beaten the others."""
    said = [(variables[name], name) for name in reversed(names) if variables.get(name, "").strip()]
    return [configured, *said] if configured else said


def _passed_over(plan: BuildPlan, request: Request) -> BuildPlan:
    places = [procfile.NAME] if request.source.has(procfile.NAME) else []
    places += [name for name in (*nixpacks_file.NAMES, railpack_file.NAME) if request.source.has(name)]
    places += [INLINE] if request.config.build.nixpacks_plan else []
    places += [request.config.origins.get("build.buildCommand", "railway.toml")] if request.config.build.build_command else []
    places += [name for name in (*INSTALL, *BUILD, *BUILD_PACKAGES, *RUN_PACKAGES) if request.variables.get(name)]
    words = "{} has no effect: {} is taken as it is."
    fix = f"Write it into {plan.dockerfile}, or remove {plan.dockerfile}." if plan.dockerfile else "Remove it, or build it into the image."
    notices = [
        Notice(code="DOCKERFILE_DECIDES" if plan.dockerfile else "IMAGE_DECIDES", message=words.format(place, plan.as_is), fix=fix)
        for place in places
    ]
    return plan.model_copy(update={"warnings": (*plan.warnings, *notices)})


def _origin(plan: BuildPlan, key: str, value: str, source: str, lost: str = "", lost_from: str = "") -> dict[str, Origin]:
    before = plan.origins.get(key)
    beat = list(before.beat) if before else []
    if before is not None:
        beat.insert(0, Beat.model_validate({"value": before.value, "from": before.source}))
    elif lost:
        beat.insert(0, Beat.model_validate({"value": lost, "from": lost_from}))
    return {**plan.origins, key: Origin.model_validate({"value": value, "from": source, "beat": beat})}


def _procfile(plan: BuildPlan, commands: Mapping[str, str]) -> BuildPlan:
    """All process types become services of one image; ``release`` becomes the pre-deploy command of the first."""
    types = {name: command for name, command in commands.items() if name != procfile.RELEASE}
    if not types and procfile.RELEASE not in commands:
        return plan
    main = plan.services[0] if plan.services else ServicePlan(name=MAIN)
    services = list(plan.services)
    if types:
        ordered = sorted(types, key=lambda name: name != MAIN)  # the web service first: it carries the pre-deploy command
        services = [_service(main, name, types[name]) for name in ordered]
    if procfile.RELEASE in commands:
        services[0] = services[0].model_copy(update={"pre_deploy": (commands[procfile.RELEASE],)})
        plan = plan.model_copy(update={"origins": _origin(plan, "preDeploy", commands[procfile.RELEASE], procfile.NAME)})
    elif types:
        services[0] = services[0].model_copy(update={"pre_deploy": main.pre_deploy})
    for name, command in types.items():
        key = "start" if name == services[0].name else f"start.{name}"
        plan = plan.model_copy(
            update={"origins": _origin(plan, key, command, procfile.NAME, main.start if name == MAIN else "", "detection")}
        )
    return plan.model_copy(update={"services": tuple(services)})


def _service(main: ServicePlan, name: str, command: str) -> ServicePlan:
    if name == MAIN:
        return ServicePlan(name=name, start=command, port=main.port or 8080, health_path=main.health_path)
    return ServicePlan(name=name, kind=ServiceKind.WORKER, start=command, port=0)


def _command(plan: BuildPlan, step: str, said: Said) -> BuildPlan:
    return _commands(plan, Commands(step, (said[0],), said[1]))


def _commands(plan: BuildPlan, said: Commands) -> BuildPlan:
    """Replace the commands of a step, or add to them.

    A step that is not there comes behind the one that is named, else after all others, an install step before the sources.

    What somebody else's command reads nobody knows: it gets all sources and variables, and in Python an environment to install into.
    """
    step, before = said.step, next((one for one in plan.steps if one.name == said.step), None)
    found = before.commands if before else ()
    commands = tuple(one for word in said.commands for one in (found if word == KEPT else (word,)))
    if step == INSTALL_STEP and KEPT not in said.commands and ".venv/bin" in plan.path:
        commands = (VENV, *commands)
    changes: dict[str, Any] = {"commands": commands, "variables": ("*",)} | ({"inputs": (".",)} if step == INSTALL_STEP else {})
    if before is not None and any(CLEARS.search(one) for one in commands):
        changes["caches"] = tuple(one for one in before.caches if one.path.startswith("/"))
    if before is not None:
        steps = tuple(one.model_copy(update=changes) if one is before else one for one in plan.steps)
    else:
        new = Step(name=step, commands=commands, inputs=(".",), variables=("*",))
        names = [one.name for one in plan.steps]
        first = step in {INSTALL_STEP, "setup"}
        place = names.index(said.after) + 1 if said.after in names else 0 if first else len(names)
        steps = (*plan.steps[:place], new, *plan.steps[place:])
    origins = _origin(plan, f"steps.{step}", " && ".join(commands), said.source, " && ".join(found), "detection")
    return plan.model_copy(update={"steps": steps, "origins": origins})


def _file(plan: BuildPlan, request: Request, file: BuildFile) -> BuildPlan:
    """Apply commands, packages and variables of another tool's file; its start command is one of ``_starts``."""
    for commands in file.commands:
        plan = _commands(plan, commands)
    for step, folders in file.caches.items():
        plan = _cached(plan, request, step, folders, f"phases.{step}.cacheDirectories")
    for side, said in file.packages.items():
        plan = _package(plan, side, said)
    for name, (value, place) in file.environment.items():
        origins = _origin(plan, f"environment.{name}", value, place, plan.environment.get(name, ""), "detection")
        plan = plan.model_copy(update={"environment": {**plan.environment, name: value}, "origins": origins})
    return plan.model_copy(update={"path": (*plan.path, *file.path), "warnings": (*plan.warnings, *file.notices)})


def _cached(plan: BuildPlan, request: Request, step: str, folders: tuple[str, ...], place: str) -> BuildPlan:
    """Return the plan with folders that survive the builds of a step. One in the app's folder has its app's name: two must not share it."""
    owner = Package(request.source).text("name") if request.source.has(PACKAGE) else ""
    caches, notices = [], []
    for one in folders:
        path = posixpath.normpath(one.removeprefix("/app/"))
        if path.startswith("..") or path == "." or not (owner or path.startswith("/")):
            notices.append(not_mapped(place, f"names {one[:60]}, which cannot be kept apart from another app's"))
        else:
            name = path if path.startswith("/") else f"{owner}-{path}"
            caches.append(Cache(id=re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"), path=path))
    steps = [one.model_copy(update={"caches": (*one.caches, *caches)}) if one.name == step else one for one in plan.steps]
    return plan.model_copy(update={"steps": tuple(steps), "warnings": (*plan.warnings, *notices)})


def _named_by_file(plan: BuildPlan, request: Request) -> BuildPlan:
    """Return the plan with the file and key as the origin of what a file's variable decided."""
    places = {name: (value, place) for one in request.files for name, (value, place) in one.variables.items()}
    origins = {}
    for key, origin in plan.origins.items():
        value, place = places.get(origin.source, ("", ""))
        is_files = bool(place) and request.variables.get(origin.source) == value
        origins[key] = origin.model_copy(update={"source": place}) if is_files else origin
    return plan.model_copy(update={"origins": origins})


def _start(plan: BuildPlan, request: Request) -> BuildPlan:
    """The start command of the main service: of the web one where there is one."""
    for command, place in _starts(request):
        services = plan.services or (ServicePlan(name=MAIN),)
        origins = _origin(plan, "start", command, place, services[0].start, "detection")
        plan = plan.model_copy(update={"services": (services[0].model_copy(update={"start": command}), *services[1:]), "origins": origins})
    return plan


def _deploy(plan: BuildPlan, request: Request) -> BuildPlan:
    deploy, services, origins = request.config.deploy, list(plan.services), dict(plan.origins)
    if not services:
        return plan
    if deploy.pre_deploy_command is not None:
        services[0] = services[0].model_copy(update={"pre_deploy": deploy.pre_deploy_command})
        place = request.config.origins.get("deploy.preDeployCommand", "railway.toml")
        origins = _origin(plan, "preDeploy", " && ".join(deploy.pre_deploy_command), place)
    if deploy.healthcheck_path:
        services[0] = services[0].model_copy(update={"health_path": deploy.healthcheck_path})
        plan = plan.model_copy(update={"origins": origins})
        origins = _origin(plan, "healthPath", deploy.healthcheck_path, request.config.origins.get("deploy.healthcheckPath", "railway.toml"))
    return plan.model_copy(update={"services": tuple(services), "origins": origins})


def _packages(plan: BuildPlan, variables: Mapping[str, str]) -> BuildPlan:
    for side, names in (("build", BUILD_PACKAGES), ("runtime", RUN_PACKAGES)):
        for said in _weakest_first(names, variables):
            plan = _package(plan, side, said)
    return plan


def _programs(plan: BuildPlan, variables: Mapping[str, str]) -> BuildPlan:
    """Add what both tools' lists of programs name, by Debian's names; what has none that is known is told."""
    debian = nixpacks_file.DEBIAN
    for name, sides in PROGRAMS.items():
        asked = [one.partition("@")[0] for one in variables.get(name, "").replace(",", " ").split() if one != KEPT]
        known = " ".join(debian[one] for one in asked if one in debian)
        for side in sides if known else ():
            plan = _package(plan, side, (f"{KEPT} {known}", name))
        words = "asks for {}, whose Debian package rw does not know"
        notices = [not_mapped(name, words.format(one[:60]), PACKAGES) for one in asked if one not in debian]
        plan = plan.model_copy(update={"warnings": (*plan.warnings, *notices)})
    return plan


def _package(plan: BuildPlan, side: str, said: Said) -> BuildPlan:
    before: tuple[str, ...] = getattr(plan.packages, side)
    after = _list(before, said)
    origins = _origin(plan, f"packages.{side}", " ".join(after), said[1], " ".join(before), "detection")
    return plan.model_copy(update={"packages": plan.packages.model_copy(update={side: after}), "origins": origins})


def _list(before: tuple[str, ...], said: Said) -> tuple[str, ...]:
    """Return the list that was said; ``...`` in it stands for what was there."""
    words = said[0].replace(",", " ").split()
    for word in words:
        if word != "..." and not _PACKAGE.fullmatch(word):
            raise ConfigInvalidError(said[1], f"{word[:60]!r} cannot be the name of a Debian package.", hint="Separate names by spaces.")
    return tuple(dict.fromkeys(name for word in words for name in (before if word == "..." else (word,))))
