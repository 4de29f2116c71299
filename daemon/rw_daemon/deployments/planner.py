"""From a snapshot to a plan: reads the configuration in it, asks detection. Nothing is run and no network is touched."""

from __future__ import annotations

import asyncio
import hashlib
import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from rw_daemon.deployments import places
from rw_daemon.detection import members, registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.check_text import check_text
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan, Notice, ServicePlan
from rw_daemon.snapshots import Snapshots, as_dockerignore
from rw_shared import railway_toml
from rw_shared.config import ServiceConfig
from rw_shared.models import Deployment, Place, PlanAnswer, PlanOrder, slug

CONFIG_FILES = ("railway.toml", "railway.json")
PLANS_KEPT = 500
BUILD_PREFIXES = ("RW_BUILD_", "NIXPACKS_", "RAILPACK_")


@dataclass(frozen=True)
class Planned:
    """A plan and the configuration that it was made with.

    :param is_part: the project holds other apps of the same folder, so their services are none of this plan's business.
    """

    plan: BuildPlan
    config: ServiceConfig
    is_part: bool = False

    def service(self, name: str) -> ServicePlan:
        """Return one service of the plan; ``KeyError`` when it has none of that name."""
        for service in self.plan.services:
            if service.name == name:
                return service
        raise KeyError(name)


def read_config(source: Source, *, environment: str, app: str = "", strict: bool = False) -> tuple[ServiceConfig, list[Notice]]:
    """Return the single service's settings and what is odd about the file. ``ConfigInvalidError`` when it cannot be used.

    :param app: the folder of the app that is named; a file of its own is read instead of the root's.
    """
    filename = source.first(*(posixpath.join(app, one) for one in CONFIG_FILES), *CONFIG_FILES)
    if filename is None:
        return ServiceConfig(), []
    project = railway_toml.parse(source.text(filename), filename=filename, environment=environment, strict=strict)
    notices = [
        Notice(code=one.code, message=f"{one.path}:{one.line}: {one.message}", fix=one.fix)
        for one in project.diagnostics
        if one.severity != "info"
    ]
    return project.service(), notices


class Planner:
    """Plans snapshots."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._planned: dict[str, Planned] = {}
        """By deployment, which never changes its plan: liveness asks for it every few seconds."""

    async def prepare(
        self, snapshot: str, *, environment: str, environ: Mapping[str, str], image: str = "", strict: bool = False
    ) -> Planned:
        """Return the plan of a snapshot, or of an image with the settings that lie in the snapshot.

        :raises SnapshotMissingError: it is not kept.
        :raises ConfigInvalidError: and ``NothingDetectedError``, ``NoStartCommandError``: as they say.
        """
        source = await self._snapshots.source(snapshot)
        return await asyncio.to_thread(prepare, source, environment=environment, environ=environ, image=image, strict=strict)

    async def config(self, deployment: Deployment) -> ServiceConfig:
        """Return the settings that lie in a deployment's snapshot."""
        source = await self._snapshots.source(deployment.snapshot)
        return read_config(source, environment=deployment.environment, app=str((deployment.plan or {}).get("app", "")))[0]

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

    async def plan(self, order: PlanOrder) -> PlanAnswer:
        """Answer ``rw plan``."""
        planned = await self.prepare(order.snapshot, environment=order.environment, environ=order.environ, strict=order.strict)
        plan, wire = planned.plan, planned.plan.wire()
        source = await self._snapshots.source(order.snapshot)
        source = source.below(plan.root)
        if plan.dockerfile:
            return PlanAnswer(plan=wire, dockerfile=source.text(plan.dockerfile), dockerignore="", digest=digest(wire))
        return PlanAnswer(plan=wire, dockerfile=render(plan, portable=True), dockerignore=ignored(source, plan), digest=digest(wire))


def ignored(source: Source, plan: BuildPlan) -> str:
    """Return the ``.dockerignore`` of a build without rw."""
    named = [one for step in plan.steps for one in step.inputs if one.startswith(tuple(f"{folder}/" for folder in plan.left_out))]
    return as_dockerignore(source.text) + "".join(f"{one}\n" for one in (*plan.left_out, *(f"!{one}" for one in named)))


def prepare(source: Source, *, environment: str, environ: Mapping[str, str], image: str = "", strict: bool = False) -> Planned:
    """Plan a source tree: pure, so that equal input gives equal bytes."""
    app = "" if image else members.named(source, environ)
    config, notices = read_config(source, environment=environment, app=app, strict=strict)
    overrides = {name: value for name, value in {**environ, **config.variables}.items() if name.startswith(BUILD_PREFIXES)}
    plan = registry.plan(Request(source=source, config=config, variables=overrides, image=image))
    own = check_text(source.below(plan.root).text(plan.dockerfile), name=plan.dockerfile) if plan.dockerfile else ()
    plan = plan.model_copy(update={"app": app, "warnings": (*plan.warnings, *own, *notices)})
    is_own = not source.first(*CONFIG_FILES) or (app and source.first(*(posixpath.join(app, one) for one in CONFIG_FILES)))
    if is_own or not (app or plan.apps):
        return Planned(plan, config)
    return Planned(plan.model_copy(update={"services": _called_after(plan)}), config, is_part=True)


def _called_after(plan: BuildPlan) -> tuple[ServicePlan, ...]:
    """Return the services by the name of their app: the project that the railway file at the root describes holds others as well."""
    name = slug(posixpath.basename(plan.origins["app"].value))
    main, *others = plan.services
    return (main.model_copy(update={"name": name}), *(one.model_copy(update={"name": f"{name}-{one.name}"}) for one in others))


def digest(value: object) -> str:
    """Return the sha256 of a JSON value's canonical text, 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
