"""One deployment, step by step. Every method may be called again after a crash and then does only what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from functools import partial

from rw_daemon.clock import Clock
from rw_daemon.deployments.deadlines import moving
from rw_daemon.deployments.environs import Environs
from rw_daemon.deployments.exits import Exits
from rw_daemon.deployments.offers import Offers
from rw_daemon.deployments.output import Output
from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.proving import LAST_LINES, Proving
from rw_daemon.deployments.release import asking, key_of, spec_of
from rw_daemon.deployments.retire import Retirer
from rw_daemon.deployments.rollout import Rollout, has_steps
from rw_daemon.deployments.room import Room
from rw_daemon.deployments.router import Router, has_room, id_of, is_proven
from rw_daemon.deployments.steps import Recorder, of
from rw_daemon.deployments.targets import Target
from rw_daemon.deployments.verdicts import said_of
from rw_daemon.deployments.windows import Trial
from rw_daemon.edge.edge import Endpoint
from rw_daemon.logs.collector import Collector
from rw_daemon.runtimes.runtime import Instance, JobLostError, JobSpec, Line, Release, ReleaseSpec
from rw_daemon.settings import Settings
from rw_daemon.store.store import ServiceRow, Store
from rw_daemon.tasks import to_its_end
from rw_shared.config import Strategy
from rw_shared.errors import (
    CheckFailedError,
    EdgeFailedError,
    NotWarmError,
    PreDeployFailedError,
    PreDeployUnknownError,
    RolloutFailedError,
    RwError,
    ServiceNotFoundError,
)
from rw_shared.events import Event, RouteChanged
from rw_shared.models import Deployment, DeploymentStatus, Scope, ServiceKind, StepName, StepStatus


class Controller:
    """Builds, starts, proves and switches. It decides nothing about order and concurrency: an operation does."""

    def __init__(
        self,
        *,
        store: Store,
        recorder: Recorder,
        planner: Planner,
        offers: Offers,
        router: Router,
        retirer: Retirer,
        exits: Exits,
        output: Output,
        collector: Collector,
        environs: Environs,
        proving: Proving,
        rollout: Rollout,
        starting: Mapping[str, asyncio.Lock],
        clock: Clock,
        settings: Settings,
    ) -> None:
        """:param starting: by ``id_of``, a lock that is held by who starts or stops the release that serves; any name has one."""
        self._store, self._recorder, self._planner, self._offers = store, recorder, planner, offers
        self._router, self._retirer = router, retirer
        self._rollout, self._proving = rollout, proving
        self._exits, self._output, self._collector, self._environs = exits, output, collector, environs
        self._clock, self._settings = clock, settings
        self.room = Room(
            store=store,
            recorder=recorder,
            router=router,
            retirer=retirer,
            start_again=self.start_again,
            starting=starting,
        )

    async def left(self, instances: Sequence[Instance]) -> None:
        """Wait for the last requests of replicas that no route leads to any more."""
        await self._retirer.left([Endpoint(one.host, one.port) for one in instances if one.port])

    async def spec(self, deployment: Deployment) -> ReleaseSpec:
        """Return what the runtime starts for a deployment that was built. ``ServiceNotFoundError`` when it was taken down meanwhile."""
        await self.row(deployment)
        if deployment.artifact is None:
            raise ValueError(f"{deployment.id} was not built yet")
        return spec_of(
            deployment,
            await self._planner.planned(deployment),
            artifact=deployment.artifact,
            variables=await self._offers.variables(deployment),
            environ=self._environs.find(deployment.id),
            settings=self._settings,
        )

    async def row(self, deployment: Deployment) -> ServiceRow:
        """Return the service that a deployment belongs to; ``ServiceNotFoundError`` when it was taken down meanwhile."""
        rows = await self._store.services(Scope.of(deployment))
        for row in rows:
            if row.name == deployment.service:
                return row
        raise ServiceNotFoundError(deployment.service, candidates=[row.name for row in rows])

    async def unsettled(self, identities: Sequence[str]) -> tuple[list[str], list[RwError]]:
        """Return the deployments that still need work, and the errors of those that failed for good."""
        found = [await self._recorder.read(identity) for identity in identities]
        failures = [RwError.from_wire(one.error.wire()) for one in found if one.error is not None and one.status.is_settled]
        return [one.id for one in found if not one.status.is_settled], failures

    def remark(self, deployment: Deployment, words: str) -> None:
        """Keep a sentence of rw's own among a deployment's lines."""
        self._output.remark(deployment, words)

    async def wait(self, deployment: Deployment, others: Set[str]) -> None:
        """Say that a deployment that was built waits for the services that it refers to."""
        found = await self._recorder.read(deployment.id)
        if found.status is DeploymentStatus.BUILDING:  # after a crash it may be further
            words = f"It waits for {' and '.join(sorted(others))}, which it refers to."
            moved = self._recorder.moved(found, DeploymentStatus.WAITING, reason=words)
            await self._store.append(moved, self._recorder.started(found, StepName.WAIT))

    async def waited(self, identity: str) -> None:
        """Say that a deployment waits no longer, if it did."""
        deployment = await self._recorder.read(identity)
        if any(one.name is StepName.WAIT and one.status is StepStatus.RUNNING for one in deployment.steps):
            await self._store.append(self._recorder.finished(deployment, StepName.WAIT))

    # --- pre-deploy

    async def pre_deploy(self, identity: str, target: Target) -> None:
        """Run the pre-deploy commands once, in order, in the new artifact."""
        deployment = await self._recorder.read(identity)
        commands = (await self._planner.planned(deployment)).service(deployment.service).pre_deploy
        if not commands or await self._recorder.is_done(identity, StepName.PRE_DEPLOY):
            return
        await self._recorder.move(identity, DeploymentStatus.DEPLOYING)
        spec = await self.spec(await self._recorder.read(identity))
        async with self._recorder.step(identity, StepName.PRE_DEPLOY):
            for number, command in enumerate(commands):
                job = JobSpec(f"{identity}-pre-deploy-{number}", spec, command)
                async with moving("pre-deploy", seconds=self._settings.step_deadline_seconds) as moved:
                    code, output = await self._job(deployment, target, job, moved=moved)
                if code is None:
                    raise PreDeployUnknownError(command)
                if code != 0:
                    raise PreDeployFailedError(command, exit_code=code, output=output)

    async def _job(self, deployment: Deployment, target: Target, job: JobSpec, *, moved: Callable[[], None]) -> tuple[int | None, str]:
        """Return a command's exit code, ``None`` when nobody knows it, and its last lines. ``moved`` is called at each line."""
        lines: list[str] = []

        def show(line: Line) -> None:
            moved()
            self._output.job(deployment, line)
            lines.append(line.text)
            del lines[:-LAST_LINES]

        try:
            code = await target.runtime.run_job(job, output=show)
        except JobLostError:
            return None, "\n".join(lines)
        return code, "\n".join(lines)

    # --- start, prove, switch

    async def release(self, identity: str, target: Target, *, is_known: bool = False) -> None:
        """Start the release, prove it, move requests to it. On return it is active.

        :param is_known: it served before: it need pass no check and no steps, which would leave requests with a bad release meanwhile.
        """
        await self._recorder.move(identity, DeploymentStatus.DEPLOYING)
        deployment = await self._recorder.read(identity)
        if (await self._planner.planned(deployment)).config.deploy.rollout.strategy is Strategy.RECREATE:
            await self.room.make(deployment, await self.row(deployment), target)
        spec = await self.spec(await self._recorder.read(identity))
        waiting = self._exits.first(identity)
        try:
            async with self._recorder.step(identity, StepName.START):
                async with moving("start", seconds=self._settings.step_deadline_seconds):
                    release = await target.runtime.start(spec)
                self._router.learn(release)
                for instance in release.instances:
                    self._collector.attach(instance, target.runtime)
            async with self._recorder.step(identity, StepName.HEALTHCHECK) as step:
                step.detail = await self._proving.proven(release, spec, target, waiting)
            if not is_known:
                await self._check(identity, target, release, spec)
            await self._shift(identity, target, release, waiting, is_known=is_known)
        finally:
            self._exits.forget(identity)

    async def start_again(self, deployment: Deployment, target: Target, *, replicas: int) -> str:
        """Start a release that was stopped, and prove it; returns how it was proven. What was started stays, whatever is raised.

        :raises CrashedError: it ended. ``NeverHealthyError``: it does not answer in time.
        """
        spec = replace(await self.spec(deployment), replicas=replicas)
        ended = self._exits.first(deployment.id)
        try:
            async with moving("start", seconds=self._settings.step_deadline_seconds):
                release = await target.runtime.start(spec)
            self._router.learn(release)
            for instance in release.instances:
                self._collector.attach(instance, target.runtime)
            return await self._proving.proven(release, spec, target, ended)
        finally:
            self._exits.forget(deployment.id)

    async def _check(self, identity: str, target: Target, release: Release, spec: ReleaseSpec) -> None:
        """Run the command that a proven release must pass before any request reaches it. It may run again after a crash."""
        deployment = await self._recorder.read(identity)
        command = (await self._planner.planned(deployment)).config.deploy.rollout.check
        if not command or spec.kind is ServiceKind.WORKER or await self._recorder.is_done(identity, StepName.CHECK):
            return
        await self._router.apply()  # from now on the release answers at its own name
        spec = asking(spec, release)
        async with self._recorder.step(identity, StepName.CHECK):
            attempt = next(one.attempt for one in (await self._recorder.read(identity)).steps if one.name is StepName.CHECK)
            async with moving("check", seconds=self._settings.step_deadline_seconds) as moved:
                code, output = await self._job(deployment, target, JobSpec(f"{identity}-check-{attempt}", spec, command), moved=moved)
            if code != 0:
                raise CheckFailedError(deployment.service, command, exit_code=code, output=output)

    async def _shift(self, identity: str, target: Target, release: Release, ended: asyncio.Future[Instance], *, is_known: bool) -> None:
        deployment = await self._recorder.read(identity)
        row = await self.row(deployment)
        async with self._recorder.step(identity, StepName.SHIFT, is_last=True):
            trial = None if is_known else await self._trial(deployment, row, release, ended, target)
            with self._rollout.heeding(trial):
                old = await self._walked(trial, row, identity)
                await self._switch(deployment, row, old, target)

    async def _switch(self, deployment: Deployment, row: ServiceRow, old: Deployment | None, target: Target) -> None:
        events = self._switched(deployment, row, old)
        try:
            if row.kind is ServiceKind.WEB:
                await self._router.apply(serving={id_of(row): deployment.id}, record=events)
            else:
                await self._store.append(*events())
        finally:  # one that is cancelled too late serves all the same, and nobody else would see the old one off
            if old is not None:
                has_stopped = has_room(deployment) or old.status is DeploymentStatus.SLEEPING
                await to_its_end(self._see_off(old, target, by=deployment.id, has_stopped=has_stopped))

    async def _trial(
        self, deployment: Deployment, row: ServiceRow, release: Release, ended: asyncio.Future[Instance], target: Target
    ) -> Trial | None:
        """Return what goes through steps before the switch; ``None`` where there are none, or no old release to compare with."""
        planned = await self._planner.planned(deployment)
        config, path = planned.config.deploy.rollout, planned.service(deployment.service).health_path
        old = await self._store.deployment(row.serving) if row.serving else None
        if row.kind is not ServiceKind.WEB or not has_steps(config, deployment, old):
            return None
        endpoints = [Endpoint(one.host, one.port) for one in release.instances]
        return Trial(deployment, row.serving, config, endpoints, ended, partial(self._proving.ending, deployment), target, health_path=path)

    async def _walked(self, trial: Trial | None, row: ServiceRow, identity: str) -> Deployment | None:
        """Walk the steps, where there are any; return the release that has the requests when the switch may begin."""
        while True:
            if trial is not None:
                await self._rollout.run(trial)
            old = await self._recorder.read(row.serving) if row.serving not in {"", identity} else None
            if trial is None or await self._rollout.may_switch(trial):
                return old

    def _url(self, row: ServiceRow) -> str:
        return f"http://{row.hostname}:{self._router.port}" if row.kind is ServiceKind.WEB else ""

    def _gap(self, deployment: Deployment) -> str:
        """Return how long requests had to wait because the old release stopped first, in words."""
        began = next((one.started_at for one in deployment.steps if one.name is StepName.STOP), None)
        return f"; requests waited {(self._clock.now() - began).total_seconds():.1f} s" if began else ""

    def _held(self, row: ServiceRow) -> str:
        return f"; another program holds its own port {row.port}" if self._router.is_held(row) else ""

    def _switched(self, deployment: Deployment, row: ServiceRow, old: Deployment | None) -> Callable[[], list[Event]]:
        """Return what makes the events of a switch, once it is in force."""

        def events() -> list[Event]:
            url = self._url(row)  # the first route of all starts the edge: before it there is no port
            made = [
                RouteChanged(at=self._clock.now(), **of(deployment), deployment=deployment.id, url=url, before=row.serving),
                self._recorder.finished(deployment, StepName.SHIFT, detail=url + self._gap(deployment) + self._held(row)),
                self._recorder.moved(deployment, DeploymentStatus.ACTIVE),
            ]
            if old is not None and old.status not in {DeploymentStatus.REMOVING, DeploymentStatus.REMOVED}:
                made.append(self._recorder.moved(old, DeploymentStatus.REMOVING, reason=f"v{deployment.version} took its place."))
            return made

        return events

    async def _see_off(self, old: Deployment, target: Target, *, by: str, has_stopped: bool = False) -> None:
        """Retire a release, if the other one serves now."""
        if (await self._recorder.read(by)).status is DeploymentStatus.ACTIVE:
            await self._retire(await self._recorder.read(old.id), target, has_stopped=has_stopped)

    async def _retire(self, old: Deployment, target: Target, *, has_stopped: bool = False) -> None:
        if old.status is not DeploymentStatus.REMOVING:
            return
        # two workers at once would do everything twice
        warm = 0.0 if old.kind is ServiceKind.WORKER or has_stopped else await self._warm_seconds(old)
        self._retirer.retire(old, target, warm_seconds=warm)

    async def _warm_seconds(self, old: Deployment) -> float:
        """Return how long a replaced release stays: at least until the watch of the one in its place is over."""
        said = (await self._planner.deploy_of(old)).overlap_seconds
        warm = self._settings.warm_seconds if said is None else said
        scope = Scope.of(old)
        serving = next((row.serving for row in await self._store.services(scope) if row.name == old.service), "")
        new = await self._store.deployment(serving) if serving else None
        watch = (await self._planner.deploy_of(new)).rollout if new else None
        return max(warm, watch.monitor_seconds + watch.step_seconds) if watch and watch.monitor_seconds else warm

    async def retire(self, identity: str, target: Target) -> None:
        """Take up the retirement of a deployment that is being removed (after a restart of the daemon)."""
        await self._retire(await self._recorder.read(identity), target)

    # --- going back

    async def is_warm(self, deployment: Deployment, target: Target) -> bool:
        """Return whether a replaced release still runs, whole, so that going back to it is one change at the edge."""
        if deployment.status is not DeploymentStatus.REMOVING or self._retirer.is_stopping(deployment.id):
            return False
        release = await target.runtime.release(deployment.id)
        return sum(one.is_running for one in (release.instances if release else ())) >= deployment.replicas

    async def go_back(self, identity: str, target: Target, *, operation: str, error: RwError | None = None) -> None:
        """Give every request to a release that is still warm, and retire the one that had them. Nothing where it serves already.

        :param operation: in whose name it happens: both releases were made by others.
        :param error: why the one that had them is taken back for good; without it, it is kept warm in its turn.
        """
        deployment = (await self._recorder.read(identity)).model_copy(update={"operation": operation})
        row = await self.row(deployment)
        if row.serving == identity:
            return
        replaced = await self._store.deployment(row.serving) if row.serving else None
        if not self._retirer.keep(identity):
            raise NotWarmError(deployment.service, version=deployment.version)

        def events() -> list[Event]:
            words = f"Rolled back from v{replaced.version}." if replaced else ""
            made: list[Event] = [
                RouteChanged(at=self._clock.now(), **of(deployment), deployment=identity, url=self._url(row), before=row.serving),
                self._recorder.moved(deployment, DeploymentStatus.ACTIVE, reason=words),
            ]
            if replaced is not None:
                left = replaced.model_copy(update={"operation": operation})
                words = error.message if error else f"Rolled back to v{deployment.version}."
                status = DeploymentStatus.ROLLED_BACK if error else DeploymentStatus.REMOVING
                made.append(self._recorder.moved(left, status, reason=words, error=error))
            return made

        try:
            await self._router.apply(serving={id_of(row): identity}, record=events)
        finally:  # refused, cancelled, or cancelled too late: one of the two goes
            await to_its_end(self._one_goes(identity, replaced if error is None else None, target))
        if replaced is not None and error is not None:
            await self._retirer.remove(replaced, target)

    async def _one_goes(self, identity: str, replaced: Deployment | None, target: Target) -> None:
        await self._retire(await self._recorder.read(identity), target)  # nothing, where it serves
        if replaced is not None:
            await self._see_off(replaced, target, by=identity)

    # --- taking back

    async def take_back(self, identity: str, target: Target | None, status: DeploymentStatus, error: RwError) -> None:
        """Remove what an unfinished deployment made and record the verdict; what served before still serves."""
        deployment = await self._recorder.read(identity)
        if deployment.status.is_settled:
            return
        if isinstance(error, RolloutFailedError) or (await said_of(self._store, identity)).most:  # however it came: it had requests
            status = DeploymentStatus.ROLLED_BACK
        with suppress(EdgeFailedError):  # an edge that is gone sends nothing anywhere; the next change brings it up with the old release
            await self._rollout.undo(deployment)
        open_ = [one.name for one in deployment.steps if one.status is StepStatus.RUNNING]
        ended = [self._recorder.finished(deployment, one, status=StepStatus.CANCELLED) for one in open_]
        await self._store.append(*ended, self._recorder.moved(deployment, status, reason=error.message, error=error))
        if is_proven(deployment):  # its own name goes as well
            with suppress(EdgeFailedError):
                await self._router.apply()
        if target is not None:
            await target.runtime.stop(key_of(deployment), grace_seconds=min(self._settings.grace_seconds, 5.0))
            if has_room(deployment):
                with suppress(ServiceNotFoundError):
                    await self.room.give_back(await self.row(deployment), target)
        self._environs.forget(identity)
