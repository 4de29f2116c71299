"""Puts the room together: the parts know each other by their arguments only, and each is made once, when it is first needed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from rw_daemon.clock import Clock
from rw_daemon.deployments.autoscaler import Autoscaler
from rw_daemon.deployments.building import Building
from rw_daemon.deployments.checks import Checks
from rw_daemon.deployments.contents import Contents
from rw_daemon.deployments.controller import Controller
from rw_daemon.deployments.drafts import Drafts
from rw_daemon.deployments.entries import Entries
from rw_daemon.deployments.environs import Environs
from rw_daemon.deployments.exits import Exits
from rw_daemon.deployments.liveness import Liveness
from rw_daemon.deployments.meters import Meters
from rw_daemon.deployments.offers import Offers
from rw_daemon.deployments.ongoing import Ongoing
from rw_daemon.deployments.operations import Operations
from rw_daemon.deployments.orders import Orders
from rw_daemon.deployments.output import Output
from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.projects import Projects
from rw_daemon.deployments.proving import Proving
from rw_daemon.deployments.recovery import Recovery
from rw_daemon.deployments.replicas import Replicas
from rw_daemon.deployments.retire import Retirer
from rw_daemon.deployments.rollbacks import Rollbacks
from rw_daemon.deployments.rollout import Rollout
from rw_daemon.deployments.rollouts import Rollouts
from rw_daemon.deployments.router import Router
from rw_daemon.deployments.running import Running
from rw_daemon.deployments.sleeping import Sleeping
from rw_daemon.deployments.status import Status
from rw_daemon.deployments.steps import Recorder
from rw_daemon.deployments.supervisor import Supervisor
from rw_daemon.deployments.sweeping import Sweeper
from rw_daemon.deployments.targets import Opener, Target, Targets
from rw_daemon.deployments.tending import Tending
from rw_daemon.deployments.vacancies import Vacancies
from rw_daemon.deployments.watches import Watches
from rw_daemon.deployments.why import Why
from rw_daemon.deployments.windows import Windows
from rw_daemon.edge.edge import Edge
from rw_daemon.logs.collector import Collector
from rw_daemon.logs.logs import Logs
from rw_daemon.runtimes.runtime import Instance, ReleaseSpec
from rw_daemon.settings import Settings
from rw_daemon.snapshots import Snapshots
from rw_daemon.store.store import Store
from rw_daemon.tasks import Tasks
from rw_daemon.variables.masking import Mask
from rw_shared.models import Deployment, TargetKind


class Deployments:
    """The room's parts; what is not named in ``Rooms`` or ``app.py`` is the room's own business."""

    def __init__(
        self,
        *,
        store: Store,
        snapshots: Snapshots,
        logs: Logs,
        edge: Edge,
        openers: Mapping[TargetKind, Opener],
        environs: Path,
        tasks: Tasks,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self.store, self.snapshots, self.logs, self.edge = store, snapshots, logs, edge
        self.tasks, self.clock, self.settings = tasks, clock, settings
        self.exits, self.environs, self.output = Exits(self._ended), Environs(environs), Output(logs, clock)
        self.starting = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self.targets = Targets(openers, opened=self._follow)
        self.recorder, self.planner, self.vacancies = Recorder(store, clock), Planner(snapshots), Vacancies()

    async def everything(self) -> None:
        """Take down all that rw runs, also what is only on its way, and the edge last: for uninstalling."""
        await self.orders.cancel_all()
        await self.running.take_down_everything(self.targets)
        await self.edge.stop()

    def _follow(self, target: Target) -> None:
        self.tasks.keep(f"exits on {target.kind}", lambda: self.exits.follow(target.runtime))

    def _ended(self, instance: Instance) -> None:
        self.supervisor.ended(instance)

    # --- what others ask

    @cached_property
    def orders(self) -> Orders:
        """Accepts what commands ask for."""
        return Orders(
            store=self.store,
            operations=self.operations,
            building=self.building,
            controller=self.controller,
            watches=self.watches,
            running=self.running,
            drafts=Drafts(self.store, self.clock),
            planner=self.planner,
            targets=self.targets,
            environs=self.environs,
            ongoing=self.ongoing,
            clock=self.clock,
            swept=self._swept,
        )

    @cached_property
    def rollouts(self) -> Rollouts:
        """Answers about rollouts, and takes words to them."""
        return Rollouts(
            store=self.store,
            recorder=self.recorder,
            planner=self.planner,
            controller=self.controller,
            watches=self.watches,
            operations=self.operations,
            rollout=self.rollout,
            router=self.router,
            clock=self.clock,
        )

    @cached_property
    def rollbacks(self) -> Rollbacks:
        """Tells what a rollback would change."""
        return Rollbacks(self.store, self.planner, self.controller, self.targets, self.why, self.ongoing)

    @cached_property
    def why(self) -> Why:
        """Tells how something came about."""
        return Why(self.store, self.planner, self.snapshots)

    @cached_property
    def status(self) -> Status:
        """Tells what runs."""
        return Status(self.store, self.planner, self.targets, self.router, self.edge, self.vacancies)

    @cached_property
    def contents(self) -> Contents:
        """Tells what artifacts hold."""
        return Contents(self.store, self.targets, self.snapshots)

    @cached_property
    def projects(self) -> Projects:
        """Knows projects by their folders."""
        return Projects(self.store, self.clock)

    @cached_property
    def checks(self) -> Checks:
        """Looks whether everything is there that rw needs."""
        return Checks(self.targets, self.edge, self.store)

    @cached_property
    def entries(self) -> Entries:
        """Tells ways into replicas."""
        return Entries(self.store, self.targets, self.controller)

    # --- what goes on by itself

    @cached_property
    def recovery(self) -> Recovery:
        """Brings store and machine together at the start."""
        return Recovery(
            store=self.store,
            recorder=self.recorder,
            targets=self.targets,
            planner=self.planner,
            controller=self.controller,
            replicas=self.replicas,
            operations=self.operations,
            orders=self.orders,
            watches=self.watches,
            sleeping=self.sleeping,
            router=self.router,
            collector=self.collector,
            exits=self.exits,
            output=self.output,
            tasks=self.tasks,
            clock=self.clock,
            settings=self.settings,
        )

    @cached_property
    def supervisor(self) -> Supervisor:
        """Keeps alive what should run."""
        return Supervisor(
            store=self.store,
            recorder=self.recorder,
            planner=self.planner,
            operations=self.operations,
            replicas=self.replicas,
            router=self.router,
            targets=self.targets,
            exits=self.exits,
            output=self.output,
            tasks=self.tasks,
            clock=self.clock,
            settings=self.settings,
            vacancies=self.vacancies,
        )

    @cached_property
    def liveness(self) -> Liveness:
        """Asks replicas whether they live."""
        return Liveness(
            store=self.store,
            planner=self.planner,
            replicas=self.replicas,
            supervisor=self.supervisor,
            targets=self.targets,
            clock=self.clock,
            settings=self.settings,
        )

    @cached_property
    def tending(self) -> Tending:
        """Keeps the edge alive."""
        return Tending(self.edge, self.router, self.clock, self.settings)

    @cached_property
    def autoscaler(self) -> Autoscaler:
        """Has as many replicas run as the load asks for."""
        return Autoscaler(
            store=self.store,
            planner=self.planner,
            replicas=self.replicas,
            operations=self.operations,
            targets=self.targets,
            output=self.output,
            edge=self.edge,
            tasks=self.tasks,
            clock=self.clock,
            settings=self.settings,
        )

    @cached_property
    def sleeping(self) -> Sleeping:
        """Puts services to sleep and wakes them."""
        return Sleeping(
            store=self.store,
            recorder=self.recorder,
            planner=self.planner,
            controller=self.controller,
            operations=self.operations,
            router=self.router,
            retirer=self.retirer,
            watches=self.watches,
            targets=self.targets,
            output=self.output,
            edge=self.edge,
            starting=self.starting,
            tasks=self.tasks,
            clock=self.clock,
            settings=self.settings,
        )

    # --- the parts of a deployment

    @cached_property
    def operations(self) -> Operations:
        """The queue of each service."""
        return Operations(self.store, self.ongoing, self.tasks, self.clock)

    @cached_property
    def ongoing(self) -> Ongoing:
        """What is on its way."""
        return Ongoing(self.store, self.planner)

    @cached_property
    def building(self) -> Building:
        """The first step of a deployment."""
        return Building(
            store=self.store,
            recorder=self.recorder,
            planner=self.planner,
            offers=self.offers,
            output=self.output,
            environs=self.environs,
            clock=self.clock,
            settings=self.settings,
        )

    @cached_property
    def controller(self) -> Controller:
        """The steps after the build."""
        return Controller(
            store=self.store,
            recorder=self.recorder,
            planner=self.planner,
            offers=self.offers,
            router=self.router,
            retirer=self.retirer,
            exits=self.exits,
            output=self.output,
            collector=self.collector,
            environs=self.environs,
            proving=self.proving,
            rollout=self.rollout,
            starting=self.starting,
            clock=self.clock,
            settings=self.settings,
        )

    @cached_property
    def running(self) -> Running:
        """What is done to services that run."""
        return Running(
            store=self.store,
            recorder=self.recorder,
            operations=self.operations,
            replicas=self.replicas,
            router=self.router,
            retirer=self.retirer,
            sleeping=self.sleeping,
            clock=self.clock,
        )

    @cached_property
    def router(self) -> Router:
        """Where requests go."""
        return Router(self.store, self.targets, self.edge, self._is_sticky, answer_seconds=self.settings.answer_seconds)

    @cached_property
    def offers(self) -> Offers:
        """What services find in their environment."""
        return Offers(self.store, self.planner, self.router)

    @cached_property
    def collector(self) -> Collector:
        """Keeps what replicas print, without secrets."""
        return Collector(self.logs, mask_of=self._mask_of)

    @cached_property
    def retirer(self) -> Retirer:
        """The way out of an old release."""
        return Retirer(
            recorder=self.recorder,
            router=self.router,
            edge=self.edge,
            environs=self.environs,
            tasks=self.tasks,
            clock=self.clock,
            settings=self.settings,
            gone=self.collector.detach,
        )

    @cached_property
    def proving(self) -> Proving:
        """Whether a release is healthy."""
        return Proving(
            recorder=self.recorder,
            planner=self.planner,
            exits=self.exits,
            output=self.output,
            collector=self.collector,
            clock=self.clock,
            settings=self.settings,
        )

    @cached_property
    def replicas(self) -> Replicas:
        """How many replicas a release has."""
        return Replicas(
            store=self.store,
            proving=self.proving,
            controller=self.controller,
            router=self.router,
            collector=self.collector,
            clock=self.clock,
        )

    @cached_property
    def windows(self) -> Windows:
        """What is looked at while a release is tried."""
        meters = Meters(spec=self._spec, output=self.output, clock=self.clock, settings=self.settings)
        return Windows(self.edge, meters, self.clock, self.settings)

    @cached_property
    def rollout(self) -> Rollout:
        """The steps in which requests move to a new release."""
        return Rollout(
            store=self.store,
            recorder=self.recorder,
            router=self.router,
            windows=self.windows,
            retirer=self.retirer,
            clock=self.clock,
            settings=self.settings,
        )

    @cached_property
    def watches(self) -> Watches:
        """The watch after the last step."""
        return Watches(
            store=self.store,
            recorder=self.recorder,
            planner=self.planner,
            proving=self.proving,
            controller=self.controller,
            exits=self.exits,
            windows=self.windows,
            edge=self.edge,
            tasks=self.tasks,
        )

    @cached_property
    def sweeper(self) -> Sweeper:
        """Removes what old releases leave behind."""
        return Sweeper(self.store, self.targets, self.snapshots, self.clock, self.settings)

    def _swept(self) -> None:
        self.tasks.spawn("sweep", self.sweeper.soon())

    async def _spec(self, deployment: Deployment) -> ReleaseSpec:
        return await self.controller.spec(deployment)  # which needs the windows itself

    async def _is_sticky(self, deployment: Deployment) -> bool:
        return (await self.planner.deploy_of(deployment)).rollout.sticky

    async def _mask_of(self, deployment: str) -> Mask:
        found = await self.store.deployment(deployment)
        return Mask(await self.offers.secrets(found)) if found else Mask(())
