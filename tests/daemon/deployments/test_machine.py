"""Random orders, faults, crashes and steps of the clock, against what must hold whatever happened."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from daemon.deployments.world import FLASK, SCOPE, World
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from rw_daemon.deployments.states import NEXT
from rw_daemon.edge.edge import Lead
from rw_shared.config import Queue
from rw_shared.errors import BuildFailedError, EdgeFailedError, RwError
from rw_shared.models import DeploymentStatus, Operation, OperationKind, Pace, StepStatus

FINAL = {status for status, after in NEXT.items() if not after}
TURNS = 4
LOOKS = 5000  # half a second of the fake clock each: whatever takes longer than 40 minutes has no deadline that acts
GRADUAL = '[deploy.rollout]\nstrategy = "gradual"\n'
ORDERS = [
    OperationKind.REDEPLOY,
    OperationKind.ROLLBACK,
    OperationKind.RESTART,
    OperationKind.SLEEP,
    OperationKind.WAKE,
    OperationKind.DOWN,
]
RECREATE = '[deploy.rollout]\nstrategy = "recreate"\n'


class Machine(RuleBasedStateMachine):
    """One world. Rules do something, or let something go wrong; what must hold is looked at when it has come to rest."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._folder = tempfile.TemporaryDirectory()
        self._world = World(Path(self._folder.name))
        self._operations: list[Operation] = []
        self._finals: dict[str, DeploymentStatus] = {}
        self._seen = 0
        self._number = 0
        self._asking: list[asyncio.Task[Lead]] = []
        self._do(self._open())

    async def _open(self) -> None:
        await self._world.open()
        await self._world.rooms.recovery.run()

    def teardown(self) -> None:
        try:
            self._do(self._rest())
        finally:
            self._do(self._world.close())
            self._loop.close()
            self._folder.cleanup()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)

    async def _order(self, kind: OperationKind, **options: Any) -> None:
        with suppress(RwError):  # refused is an answer, too
            self._operations.append(await self._world.start(kind, **options))
        await self._turns()

    async def _turns(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)

    @rule(strategy=st.sampled_from(["", GRADUAL, RECREATE]), queue=st.sampled_from(Queue))
    def up(self, strategy: str, queue: Queue) -> None:
        self._number += 1
        railway = f'[deploy]\nqueue = "{queue}"\n{strategy}'
        files = {**FLASK, "app.py": f"{FLASK['app.py']}# {self._number}\n", "railway.toml": railway}
        self._do(self._order(OperationKind.UP, files=files))

    @rule(kind=st.sampled_from(ORDERS))
    def order(self, kind: OperationKind) -> None:
        self._do(self._order(kind))

    @rule(replicas=st.integers(0, 3))
    def scale(self, replicas: int) -> None:
        self._do(self._order(OperationKind.SCALE, scale={"web": replicas}))

    @precondition(lambda self: self._operations)
    @rule()
    def cancel(self) -> None:
        async def work() -> None:
            with suppress(RwError):
                await self._world.rooms.orders.cancel(self._operations[-1].id)

        self._do(work())

    @rule(pace=st.sampled_from(Pace))
    def pace(self, pace: Pace) -> None:
        async def work() -> None:
            with suppress(RwError):
                await self._world.rooms.rollouts.pace(SCOPE, "web", pace, actor="test")

        self._do(work())

    @rule()
    def abort(self) -> None:
        async def work() -> None:
            with suppress(RwError):
                await self._world.rooms.rollouts.abort(SCOPE, "web")

        self._do(work())

    @rule()
    def fall_asleep(self) -> None:
        async def work() -> None:
            for deployment in await self._world.deployments():
                if deployment.status is DeploymentStatus.ACTIVE:
                    self._world.tasks.keep(f"sleep {deployment.id}", partial(self._world.rooms.sleeping.nap, deployment, "Nobody asked."))
            await self._turns()

        self._do(work())

    @rule()
    def ask(self) -> None:
        async def work() -> None:
            self._asking.append(asyncio.create_task(self._world.rooms.sleeping.lead("shop/production/web")))
            await self._turns()

        self._do(work())

    @rule(turns=st.integers(1, 40))
    def go_on(self, turns: int) -> None:
        self._do(asyncio.sleep(turns * 0.001))

    @rule(seconds=st.sampled_from([0.5, 10.0, 400.0]))
    def pass_time(self, seconds: float) -> None:
        self._do(self._world.clock.advance(seconds))

    @rule(fails=st.booleans())
    def build(self, fails: bool) -> None:
        self._world.builder.error = BuildFailedError("install", exit_code=1, output="") if fails else None

    @rule(fails=st.booleans())
    def edge(self, fails: bool) -> None:
        self._world.edge.error = EdgeFailedError("refused", log="") if fails else None

    @rule()
    def replica_dies(self) -> None:
        running = [one for one in self._world.runtime.instances.values() if one.is_running]
        if running:
            self._do(self._world.runtime.kill(running[0]))

    @rule()
    def crash(self) -> None:
        self._do(self._world.restart())
        self._do(self._moves())

    @rule()
    def rest(self) -> None:
        self._do(self._rest())

    async def _moves(self) -> None:
        """No move that the table does not know, and none away from the end."""
        for event in await self._world.store.events(after=self._seen, limit=1000):
            self._seen = event.sequence
            if event.name == "deployment.status_changed":
                before, after = DeploymentStatus(event.data["before"]), DeploymentStatus(event.data["after"])
                assert after in NEXT[before], f"{before} → {after}"
        for one in await self._world.deployments():
            assert self._finals.get(one.id, one.status) is one.status, f"{one.id} was {self._finals[one.id]}, is {one.status}"
            open_ = [step.name for step in one.steps if step.status is StepStatus.RUNNING]
            assert not (open_ and one.status.is_settled), f"{one.id} is {one.status}, and still has {open_}"
            if one.status in FINAL:
                self._finals[one.id] = one.status

    async def _rest(self) -> None:
        """Faults end, time passes, and everything has to be settled and consistent."""
        self._world.builder.error = self._world.edge.error = None
        looks = 0
        while await self._world.store.unsettled_operations() or await self._unsettled():
            looks += 1
            assert looks < LOOKS, await self._story()
            with suppress(RwError):  # a paused one would wait a day for a word
                await self._world.rooms.rollouts.pace(SCOPE, "web", Pace.STEPS, actor="test")
            await asyncio.sleep(0.002)
            await self._world.clock.advance(0.5)
        while any(name.startswith(("sleep ", "wake ")) for name in self._world.tasks.names):
            looks += 1
            assert looks < LOOKS, await self._story()
            await asyncio.sleep(0.002)
            await self._world.clock.advance(0.5)
        async with asyncio.timeout(20):
            answers = await asyncio.gather(*self._asking, return_exceptions=True)  # those of a daemon that was killed are asked again
        assert all(isinstance(one, asyncio.CancelledError) or one.release or one.words for one in answers), answers
        await self._world.rooms.tending.tend()
        await self._moves()
        world = self._world
        serving = {row.serving for row in await world.store.services(SCOPE)} - {""}
        known = {one.id: one for one in await world.deployments()}
        active = [one.id for one in known.values() if one.status is DeploymentStatus.ACTIVE]
        assert len(active) <= 1, {name: one.status for name, one in known.items()}
        for instance in world.runtime.instances.values():
            owner = known[instance.key.deployment]
            assert owner.status in {DeploymentStatus.ACTIVE, DeploymentStatus.CRASHED, DeploymentStatus.COMPLETED}, (instance, owner.status)
        asleep = {f"{SCOPE}/{row.name}" for row in await world.store.services(SCOPE)
                  if row.serving and known[row.serving].status is DeploymentStatus.SLEEPING}  # fmt: skip
        assert {route.key for route in world.edge.routes if route.is_held} == asleep
        assert {upstream.release for route in world.edge.routes for upstream in route.upstreams} <= serving | set(active)

    async def _story(self) -> str:
        """What is not settled, and what happened before, for whoever has to find out why."""
        told = [f"{one.name} {one.data}" for one in (await self._world.store.events(limit=100_000))[-40:]]
        at_work = [str(task) for task in asyncio.all_tasks()]
        return "\n".join([str(await self._world.store.unsettled_operations()), str(await self._world.statuses()), *told, *at_work])

    async def _unsettled(self) -> bool:
        return any(not one.status.is_settled for one in await self._world.deployments())


def explore(examples: int) -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples, stateful_step_count=14, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def test_whatever_happens_it_comes_to_rest_consistent() -> None:
    explore(25)


@pytest.mark.full
@pytest.mark.timeout(600)
def test_whatever_happens_in_many_more_ways() -> None:
    explore(250)
