"""From a snapshot to a plan: reads the configuration in it, asks detection. Nothing is run and no network is touched."""

from __future__ import annotations

import asyncio
import hashlib
import json
import posixpath
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from rw_daemon.deployments import places
from rw_daemon.detection import members, registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.check_text import check_text
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan, Notice, ServicePlan
from rw_daemon.snapshots import Snapshots, as_dockerignore
from rw_daemon.variables.references import services_in
from rw_shared import railway_toml
from rw_shared.config import DeployConfig, ServiceConfig, Strategy
from rw_shared.errors import ConfigInvalidError, RwError, ServiceNotFoundError, UsageError
from rw_shared.models import Deployment, Place, PlanAnswer, PlanOrder, slug
from rw_shared.railway_toml import ProjectConfig

CONFIG_FILES = ("railway.toml", "railway.json")
PLANS_KEPT = 500
RECREATES = Notice(
    code="REQUESTS_WAIT",
    message='strategy = "recreate": the old release stops before the new one starts, and requests wait meanwhile, at most 100 s.',
    fix="Where two may run at once, remove the line: then nobody waits.",
)
BUILD_PREFIXES = ("RW_BUILD_", "NIXPACKS_", "RAILPACK_")


@dataclass(frozen=True)
class Planned:
    """A plan and the configuration that it was made with.

    :param is_part: the project holds other apps of the same folder, so their services are none of this plan's business.
    """

    plan: BuildPlan
    config: ServiceConfig
    is_part: bool = False

    @property
    def needs(self) -> set[str]:
        """Names of the services that its variables refer to."""
        return services_in(self.config.variables)

    def service(self, name: str) -> ServicePlan:
        """Return one service of the plan; ``KeyError`` when it has none of that name."""
        for service in self.plan.services:
            if service.name == name:
                return service
        raise KeyError(name)


def read_project(source: Source, *, environment: str, app: str = "", strict: bool = False) -> tuple[ProjectConfig, list[Notice]]:
    """Return what the railway file says and what is odd about it. ``ConfigInvalidError`` when it cannot be used.

    :param app: the folder of the app that is named; a file of its own is read instead of the root's.
    """
    filename = source.first(*(posixpath.join(app, one) for one in CONFIG_FILES), *CONFIG_FILES)
    if filename is None:
        return ProjectConfig(), []
    project = railway_toml.parse(source.text(filename), filename=filename, environment=environment, strict=strict)
    notices = [
        Notice(code=one.code, message=f"{one.path}:{one.line}: {one.message}", fix=one.fix)
        for one in project.diagnostics
        if one.severity != "info"
    ]
    return project, notices


class Planner:
    """Plans snapshots."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._planned: dict[str, Planned] = {}
        """By deployment, which never changes its plan: liveness asks for it every few seconds."""

    async def prepare(
        self,
        snapshot: str,
        *,
        environment: str,
        environ: Mapping[str, str],
        image: str = "",
        only: Sequence[str] = (),
        strict: bool = False,
    ) -> list[Planned]:
        """Return the plans of a snapshot, or of an image with the settings that lie in the snapshot: one for each app.

        :param only: services that are wanted; what the file says of others is left alone.
        :raises SnapshotMissingError: it is not kept.
        :raises ConfigInvalidError: and ``NothingDetectedError``, ``NoStartCommandError``, ``ServiceNotFoundError``: as they say.
        """
        source = await self._snapshots.source(snapshot)
        work = partial(prepare, source, environment=environment, environ=environ, image=image, only=only, strict=strict)
        return await asyncio.to_thread(work)

    async def config(self, deployment: Deployment) -> ServiceConfig:
        """Return the settings that lie in a deployment's snapshot."""
        source, plan = await self._snapshots.source(deployment.snapshot), deployment.plan or {}
        entry = str(plan.get("entry", ""))
        project, _ = read_project(source, environment=deployment.environment, app="" if entry else str(plan.get("app", "")))
        return project.service(entry)

    async def place(self, path: str) -> Place:
        """Answer where the app in a folder is built from. ``SourceMissingError``: there is no such folder."""
        return await asyncio.to_thread(places.find, path)

    async def planned(self, deployment: Deployment) -> Planned:
        """Return a deployment's kept plan with the configuration that lies in its snapshot; ``ValueError`` when it has none yet."""
        known = self._planned.get(deployment.id)
        if known is None:
            if deployment.plan is None:
                raise ValueError(f"{deployment.id} has no plan yet")
            config = await self.config(deployment)
            known = self._planned[deployment.id] = Planned(BuildPlan.model_validate(deployment.plan), config)
            while len(self._planned) > PLANS_KEPT:
                del self._planned[next(iter(self._planned))]
        return known

    async def deploy_of(self, deployment: Deployment) -> DeployConfig:
        """Return what a deployment's file says of how it is run; where its snapshot is lost, what goes for everybody.

        For whoever looks at many: one that is lost must not keep the others from being looked at.
        """
        try:
            return (await self.planned(deployment)).config.deploy
        except (RwError, OSError, ValueError):
            return DeployConfig()

    async def health_path(self, deployment: Deployment) -> str:
        """Return where a deployment is asked whether it lives: its plan says so, which is kept without its snapshot."""
        with suppress(RwError, OSError):
            return (await self.planned(deployment)).service(deployment.service).health_path
        return Planned(BuildPlan.model_validate(deployment.plan), ServiceConfig()).service(deployment.service).health_path

    async def plan(self, order: PlanOrder) -> PlanAnswer:
        """Answer ``rw plan``."""
        source = await self._snapshots.source(order.snapshot)
        found = await self.prepare(
            order.snapshot, environment=order.environment, environ=order.environ, only=order.services, strict=order.strict
        )
        first, *others = [_answer(planned.plan, source.below(planned.plan.root)) for planned in found]
        return first.model_copy(update={"others": tuple(others)})


def _answer(plan: BuildPlan, source: Source) -> PlanAnswer:
    wire = plan.wire()
    if plan.dockerfile:
        return PlanAnswer(plan=wire, dockerfile=source.text(plan.dockerfile), dockerignore="", digest=digest(wire))
    return PlanAnswer(plan=wire, dockerfile=render(plan, portable=True), dockerignore=ignored(source, plan), digest=digest(wire))


def ignored(source: Source, plan: BuildPlan) -> str:
    """Return the ``.dockerignore`` of a build without rw."""
    named = [one for step in plan.steps for one in step.inputs if one.startswith(tuple(f"{folder}/" for folder in plan.left_out))]
    return as_dockerignore(source.text) + "".join(f"{one}\n" for one in (*plan.left_out, *(f"!{one}" for one in named)))


def prepare(
    source: Source, *, environment: str, environ: Mapping[str, str], image: str = "", only: Sequence[str] = (), strict: bool = False
) -> list[Planned]:
    """Plan a source tree: pure, so that equal input gives equal bytes. See ``Planner.prepare``."""
    app = "" if image else members.named(source, environ)
    project, notices = read_project(source, environment=environment, app=app, strict=strict)
    entries = [name for name, one in project.services.items() if not app or one.source == app]
    if not entries:
        return [_of_app(source, project.service(), notices, app=app, environ=environ, image=image)]
    wanted = [name for name in entries if not only or any(one == name or one.startswith(f"{name}-") for one in only)]
    if not wanted:
        raise ServiceNotFoundError(only[0], candidates=entries)
    if image and len(wanted) > 1:
        raise UsageError(f"{image} cannot be all of {', '.join(wanted)}.", hint=f"Say which it is: -s {wanted[0]}.")
    is_part = len(wanted) < len(project.services)
    return [_of_entry(source, project, notices, entry=name, environ=environ, image=image, is_part=is_part) for name in wanted]


def _of_entry(
    source: Source, project: ProjectConfig, notices: list[Notice], *, entry: str, environ: Mapping[str, str], image: str, is_part: bool
) -> Planned:
    """Plan one of the services that the railway file lists."""
    config = project.service(entry)
    if config.source and not source.has_folder(config.source):
        where = config.origins.get("source", CONFIG_FILES[0])
        raise ConfigInvalidError(
            where, f"services.{entry}.source: there is no folder {config.source!r}.", hint="Name it from the file's folder, like apps/web."
        )
    try:
        plan = _plan(source, config, app=config.source, environ=environ, image=image)
    except RwError as error:
        error.message = f"{entry}: {error.message}"
        raise
    warnings = (*plan.warnings, *notices, *_not_read(source, config.source, entry))
    return Planned(plan.model_copy(update={"entry": entry, "services": _called(plan, entry), "warnings": warnings}), config, is_part)


def _not_read(source: Source, folder: str, entry: str) -> list[Notice]:
    other = source.first(*(posixpath.join(folder, one) for one in CONFIG_FILES)) if folder else None
    if other is None:
        return []
    words = f"{other} is not read: the file above it has [services.{entry}]."
    return [Notice(code="FILE_NOT_READ", message=words, fix=f"Move what it says to [services.{entry}].")]


def _of_app(source: Source, config: ServiceConfig, notices: list[Notice], *, app: str, environ: Mapping[str, str], image: str) -> Planned:
    """Plan the only app of a tree, or the one that is meant."""
    plan = _plan(source, config, app=app, environ=environ, image=image)
    plan = plan.model_copy(update={"warnings": (*plan.warnings, *notices)})
    is_own = not source.first(*CONFIG_FILES) or (app and source.first(*(posixpath.join(app, one) for one in CONFIG_FILES)))
    if is_own or not (app or plan.apps):
        return Planned(plan, config)
    # the project that the railway file at the root describes holds others as well
    name = slug(posixpath.basename(plan.origins["app"].value))
    return Planned(plan.model_copy(update={"services": _called(plan, name)}), config, is_part=True)


def _plan(source: Source, config: ServiceConfig, *, app: str, environ: Mapping[str, str], image: str) -> BuildPlan:
    said = {**environ, **config.variables, **({members.VARIABLE: app} if app else {})}
    overrides = {name: value for name, value in said.items() if name.startswith(BUILD_PREFIXES)}
    plan = registry.plan(Request(source=source, config=config, variables=overrides, image=image))
    gap = [RECREATES] if config.deploy.rollout.strategy is Strategy.RECREATE else []
    own = check_text(source.below(plan.root).text(plan.dockerfile), name=plan.dockerfile) if plan.dockerfile else ()
    return plan.model_copy(update={"app": app, "warnings": (*plan.warnings, *own, *gap)})


def _called(plan: BuildPlan, name: str) -> tuple[ServicePlan, ...]:
    """Return the services of an app by its name: the first has it, the others have it before their own."""
    main, *others = plan.services
    return (main.model_copy(update={"name": name}), *(one.model_copy(update={"name": f"{name}-{one.name}"}) for one in others))


def digest(value: object) -> str:
    """Return the sha256 of a JSON value's canonical text, 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
