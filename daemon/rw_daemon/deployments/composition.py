"""Puts the room together: the parts know each other by their arguments only."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
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
from rw_daemon.deployments.meters import Meters
from rw_daemon.deployments.offers import Offers
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
from rw_daemon.deployments.watches import Watches
from rw_daemon.deployments.why import Why
from rw_daemon.deployments.windows import Windows
from rw_daemon.edge.edge import Edge
from rw_daemon.logs.collector import Collector
from rw_daemon.logs.logs import Logs
from rw_daemon.settings import Settings
from rw_daemon.snapshots import Snapshots
from rw_daemon.store.store import Store
from rw_daemon.tasks import Tasks
from rw_daemon.variables.masking import Mask
from rw_shared.models import Deployment, TargetKind


@dataclass(frozen=True)
class Deployments:
    """What the rest of the daemon needs of this room."""

    orders: Orders
    operations: Operations
    rollouts: Rollouts
    rollbacks: Rollbacks
    why: Why
    planner: Planner
    contents: Contents
    projects: Projects
    status: Status
    checks: Checks
    entries: Entries
    recovery: Recovery
    supervisor: Supervisor
    autoscaler: Autoscaler
    sleeping: Sleeping
    router: Router
    targets: Targets
    exits: Exits
    collector: Collector
    everything: Callable[[], Awaitable[None]]
    """Takes down all that rw runs, the edge last: for uninstalling."""

    @classmethod
    def compose(
        cls,
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
    ) -> Deployments:
        """Make every part once."""
        exits, kept, output = Exits(), Environs(environs), Output(logs, clock)

        def follow(target: Target) -> None:
            tasks.keep(f"exits on {target.kind}", lambda: exits.follow(target.runtime))

        targets = Targets(openers, opened=follow)

        async def mask_of(deployment: str) -> Mask:
            found = await store.deployment(deployment)
            return Mask(await offers.secrets(found)) if found else Mask(())

        recorder, collector, planner = Recorder(store, clock), Collector(logs, mask_of=mask_of), Planner(snapshots)

        async def is_sticky(deployment: Deployment) -> bool:
            return (await planner.planned(deployment)).config.deploy.rollout.sticky

        router = Router(store, targets, edge, is_sticky)
        offers = Offers(store, planner, router)
        retirer = Retirer(recorder=recorder, edge=edge, environs=kept, tasks=tasks, clock=clock, settings=settings, gone=collector.detach)
        proving = Proving(
            recorder=recorder, planner=planner, exits=exits, output=output, collector=collector, clock=clock, settings=settings
        )
        meters = Meters(spec=lambda deployment: controller.spec(deployment), output=output, clock=clock, settings=settings)
        windows = Windows(edge, meters, clock, settings)
        rollout = Rollout(store=store, recorder=recorder, router=router, windows=windows, retirer=retirer, clock=clock, settings=settings)
        starting = defaultdict[str, asyncio.Lock](asyncio.Lock)
        controller = Controller(
            store=store,
            recorder=recorder,
            planner=planner,
            offers=offers,
            router=router,
            retirer=retirer,
            exits=exits,
            output=output,
            collector=collector,
            environs=kept,
            proving=proving,
            rollout=rollout,
            starting=starting,
            clock=clock,
            settings=settings,
        )
        building = Building(
            store=store,
            recorder=recorder,
            planner=planner,
            offers=offers,
            output=output,
            environs=kept,
            clock=clock,
            settings=settings,
        )
        replicas = Replicas(store=store, proving=proving, controller=controller, router=router, collector=collector, clock=clock)
        operations = Operations(store, recorder, tasks, clock)
        watches = Watches(
            store=store,
            recorder=recorder,
            planner=planner,
            proving=proving,
            controller=controller,
            exits=exits,
            windows=windows,
            edge=edge,
            tasks=tasks,
        )

        why = Why(store, planner, snapshots)

        async def everything() -> None:
            await running.take_down_everything(targets)
            await edge.stop()

        sleeping = Sleeping(
            store=store,
            recorder=recorder,
            planner=planner,
            controller=controller,
            operations=operations,
            router=router,
            retirer=retirer,
            watches=watches,
            targets=targets,
            output=output,
            edge=edge,
            starting=starting,
            tasks=tasks,
            clock=clock,
            settings=settings,
        )
        running = Running(
            store=store,
            recorder=recorder,
            operations=operations,
            replicas=replicas,
            router=router,
            retirer=retirer,
            sleeping=sleeping,
            clock=clock,
        )
        sweeper = Sweeper(store, targets, snapshots, clock, settings)
        orders = Orders(
            store=store,
            swept=lambda: tasks.spawn("sweep", sweeper.soon()),
            operations=operations,
            building=building,
            controller=controller,
            watches=watches,
            running=running,
            drafts=Drafts(store, clock),
            planner=planner,
            targets=targets,
            environs=kept,
            clock=clock,
        )
        supervisor = Supervisor(
            store=store,
            recorder=recorder,
            planner=planner,
            operations=operations,
            replicas=replicas,
            router=router,
            targets=targets,
            exits=exits,
            output=output,
            tasks=tasks,
            clock=clock,
            settings=settings,
            edge=edge,
        )
        autoscaler = Autoscaler(
            store=store,
            planner=planner,
            replicas=replicas,
            operations=operations,
            targets=targets,
            output=output,
            edge=edge,
            tasks=tasks,
            clock=clock,
            settings=settings,
        )
        recovery = Recovery(
            store=store,
            targets=targets,
            planner=planner,
            controller=controller,
            replicas=replicas,
            operations=operations,
            orders=orders,
            watches=watches,
            sleeping=sleeping,
            router=router,
            collector=collector,
            exits=exits,
            tasks=tasks,
            clock=clock,
        )
        return cls(
            orders=orders,
            operations=operations,
            rollouts=Rollouts(
                store=store,
                recorder=recorder,
                planner=planner,
                controller=controller,
                watches=watches,
                operations=operations,
                rollout=rollout,
                router=router,
                clock=clock,
            ),
            rollbacks=Rollbacks(store, planner, controller, targets, why),
            why=why,
            planner=planner,
            contents=Contents(store, targets, snapshots),
            projects=Projects(store, clock),
            status=Status(store, planner, targets, router, edge),
            checks=Checks(targets, edge, store),
            entries=Entries(store, targets, controller),
            recovery=recovery,
            supervisor=supervisor,
            autoscaler=autoscaler,
            sleeping=sleeping,
            router=router,
            targets=targets,
            exits=exits,
            collector=collector,
            everything=everything,
        )
