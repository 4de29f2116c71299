"""What beats detection, in one order: RW_BUILD_* variables, NIXPACKS_* and RAILPACK_*, railway.toml, Procfile, detection."""

from __future__ import annotations

from collections.abc import Mapping

from rw_daemon.detection import procfile
from rw_daemon.detection.buildpack import Request
from rw_daemon.plans.plan import Beat, BuildPlan, Origin, Packages, ServicePlan, Step
from rw_shared.models import ServiceKind

START = ("RW_BUILD_START_CMD", "NIXPACKS_START_CMD", "RAILPACK_START_CMD")
BUILD = ("RW_BUILD_BUILD_CMD", "NIXPACKS_BUILD_CMD", "RAILPACK_BUILD_CMD")
INSTALL = ("RW_BUILD_INSTALL_CMD", "NIXPACKS_INSTALL_CMD", "RAILPACK_INSTALL_CMD")
BUILD_PACKAGES = ("RW_BUILD_APT_PACKAGES", "NIXPACKS_APT_PKGS", "RAILPACK_BUILD_APT_PACKAGES")
RUN_PACKAGES = ("RW_DEPLOY_APT_PACKAGES", "RAILPACK_DEPLOY_APT_PACKAGES")
MAIN = "web"
INSTALL_STEP, BUILD_STEP = "install", "build"


def apply(plan: BuildPlan, request: Request, commands: Mapping[str, str]) -> BuildPlan:
    """Return ``plan`` with everything that beats it, each value with its origin."""
    plan = _procfile(plan, commands)
    plan = _command(plan, INSTALL_STEP, _first(INSTALL, request.variables))
    command = request.config.build.build_command
    configured = (command, request.config.origins.get("build.buildCommand", "railway.toml")) if command else None
    plan = _command(plan, BUILD_STEP, _first(BUILD, request.variables) or configured)
    plan = _start(plan, request)
    plan = _deploy(plan, request)
    return _packages(plan, request.variables)


def _first(names: tuple[str, ...], variables: Mapping[str, str]) -> tuple[str, str] | None:
    return next(((variables[name], name) for name in names if variables.get(name)), None)


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


def _command(plan: BuildPlan, step: str, said: tuple[str, str] | None) -> BuildPlan:
    """Replace the commands of a step; a build step that is not there comes after all others."""
    if said is None:
        return plan
    command, source = said
    before = next((one for one in plan.steps if one.name == step), None)
    lost = " && ".join(before.commands) if before else ""
    if before is not None:
        steps = tuple(one.model_copy(update={"commands": (command,), "variables": ("*",)}) if one is before else one for one in plan.steps)
    else:
        steps = (*plan.steps, Step(name=step, commands=(command,), variables=("*",)))
    return plan.model_copy(update={"steps": steps, "origins": _origin(plan, f"steps.{step}", command, source, lost, "detection")})


def _start(plan: BuildPlan, request: Request) -> BuildPlan:
    """The start command of the main service: of the web one where there is one."""
    configured = request.config.deploy.start_command
    place = request.config.origins.get("deploy.startCommand", "railway.toml")
    said = _first(START, request.variables) or ((configured, place) if configured else None)
    if said is None:
        return plan
    services = plan.services or (ServicePlan(name=MAIN),)
    origins = _origin(plan, "start", said[0], said[1], services[0].start, "detection")
    return plan.model_copy(update={"services": (services[0].model_copy(update={"start": said[0]}), *services[1:]), "origins": origins})


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
    build, run = (
        _list(plan.packages.build, _first(BUILD_PACKAGES, variables)),
        _list(plan.packages.runtime, _first(RUN_PACKAGES, variables)),
    )
    return plan.model_copy(update={"packages": Packages(build=build, runtime=run)})


def _list(before: tuple[str, ...], said: tuple[str, str] | None) -> tuple[str, ...]:
    """Return the list that was said; ``...`` in it stands for what was there."""
    if said is None:
        return before
    words = said[0].replace(",", " ").split()
    return tuple(dict.fromkeys(name for word in words for name in (before if word == "..." else (word,))))
