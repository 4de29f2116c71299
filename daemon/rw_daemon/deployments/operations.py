"""What commands ask for: accepted, queued, carried out, cancelled. One operation at a time changes a service."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rw_daemon.clock import Clock
from rw_daemon.deployments.claims import Claim, Claims
from rw_daemon.deployments.identities import new_id
from rw_daemon.deployments.ongoing import Ongoing
from rw_daemon.store.store import Store
from rw_daemon.tasks import Tasks
from rw_shared.config import Queue
from rw_shared.errors import CancelledError, DiskFullError, InternalError, OperationNotFoundError, RwError, SupersededError
from rw_shared.events import (
    DeploymentStatusChanged,
    OperationBegun,
    OperationCreated,
    OperationSettled,
    OperationWaiting,
    RolloutPaced,
    RolloutShifted,
    StepStarted,
)
from rw_shared.models import ErrorBody, Operation, OperationKind, OperationOrder, OperationStatus, Scope

log = logging.getLogger(__name__)
WRITE_AGAIN_SECONDS = 5.0
Work = Callable[[], Awaitable[None]]
"""The rest of an operation, to be run when it is its turn; raises the error that it fails with."""
NEWS = {one.name for one in (DeploymentStatusChanged, StepStarted, RolloutShifted, RolloutPaced, OperationSettled)}
"""After which others may wait for something else, or for nothing that they should wait for."""


@dataclass
class Job:
    """An operation that is queued or running."""

    operation: Operation
    claim: Claim
    task: asyncio.Task[None] | None = None
    has_started: bool = False
    """A task that is cancelled before its first step runs none of it."""
    verdict: RwError | None = None
    """Set when somebody decided that it ends: cancelled, superseded."""
    is_ending: bool = False
    """How it ended is being written: nobody may decide otherwise, nor break the writing off, or it would never be settled."""


class Operations:
    """The queue of each service, first come first served; what an ``up`` does about those before it is configured."""

    def __init__(self, store: Store, ongoing: Ongoing, tasks: Tasks, clock: Clock) -> None:
        self._store, self._ongoing, self._tasks, self._clock = store, ongoing, tasks, clock
        self._claims = Claims()
        self._jobs: dict[str, Job] = {}
        self._unwritten: dict[str, Operation] = {}
        self._resumed = asyncio.Event()
        self._resumed.set()

    @contextmanager
    def resuming(self) -> Iterator[None]:
        """Hold what is said about operations while those that a daemon before this one left behind are taken up again."""
        self._resumed.clear()
        try:
            yield
        finally:
            self._resumed.set()

    async def resumed(self) -> None:
        """Return once nothing is left behind: a cancel would find nobody to cancel, a new order would be overtaken by an old one."""
        if not self._resumed.is_set() and await self._store.unsettled_operations():
            await self._resumed.wait()

    def has(self, identity: str) -> bool:
        """Return whether somebody works on an operation, or will."""
        return identity in self._jobs

    @property
    def are_running(self) -> bool:
        """Whether anything is queued or running."""
        return bool(self._jobs)

    def new_id(self) -> str:
        """Return the id of the next operation."""
        return new_id("op", at=self._clock.now())

    def created(
        self, identity: str, scope: Scope, order: OperationOrder, *, services: tuple[str, ...], stale: Sequence[str] = (), actor: str
    ) -> OperationCreated:
        """Return the event of a new operation. What the order carries of the caller's environment is not in it.

        :param stale: services that it takes down, since the file has them no more.
        """
        request = {**order.model_dump(mode="json", by_alias=True, exclude={"environ"}), "stale": list(stale)}
        return OperationCreated(
            at=self._clock.now(),
            project=scope.project,
            environment=scope.environment,
            operation=identity,
            actor=actor,
            kind=order.kind,
            services=services,
            message=order.message,
            idempotency_key=order.idempotency_key,
            request=request,
        )

    async def between(self, service: str, work: Work) -> bool:
        """Run ``work`` where no operation is at work on a service (as ``id_of``), and have others wait; else return ``False`` at once."""
        claim = Claim(frozenset({service}))
        if self._claims.is_at_work(claim):
            return False
        claim.has_begun = True
        self._claims.ask(claim)
        try:
            await work()
        finally:
            self._claims.leave(claim)
        return True

    def free(self, identity: str, service: str) -> None:
        """Let others change a service (as ``id_of``) that an operation at work is done with: the rest of it may take a day."""
        if (job := self._jobs.get(identity)) is not None:
            self._claims.free(job.claim, service)

    def is_leaving(self, service: str) -> bool:
        """Return whether a service is about to be taken down."""
        return any(job.operation.kind is OperationKind.DOWN and service in job.claim.services for job in self._jobs.values())

    async def read(self, identity: str) -> Operation:
        """Return an operation as it is stored; ``OperationNotFoundError``."""
        found = self._unwritten.get(identity) or await self._store.operation(identity)
        if found is None:
            raise OperationNotFoundError(identity)
        return found

    def begin(
        self,
        operation: Operation,
        work: Work,
        give_up: Callable[[RwError], Awaitable[None]],
        *,
        claim: Claim,
        queue: Queue = Queue.NEWEST,
    ) -> None:
        """Run ``work`` when it is its turn.

        :param give_up: called with the error when the operation fails or is cancelled: takes back what is unfinished.
        :param claim: the services that it changes.
        :param queue: what an ``up`` does about earlier ones of the same services.
        """
        if operation.kind is OperationKind.UP:
            self._supersede(operation, queue)
        job = self._jobs[operation.id] = Job(operation, claim)
        self._claims.ask(claim)
        job.task = self._tasks.spawn(f"operation {operation.id}", self._run(job, work, give_up))

    def _supersede(self, newer: Operation, queue: Queue) -> None:
        for job in self._jobs.values():
            waiting = job.operation
            same = Scope.of(waiting) == Scope.of(newer) and waiting.kind is OperationKind.UP and waiting.services == newer.services
            if same and queue is not Queue.ALL and (queue is Queue.INTERRUPT or not job.claim.has_begun):
                self._end(job, SupersededError(newer.id))

    async def _in_turn(self, job: Job, work: Work) -> None:
        try:
            if job.verdict is not None:
                raise asyncio.CancelledError
            has_ended_others = job.operation.kind is OperationKind.DOWN and await self._clear_way(job)
            if await self._claims.begin(job.claim, waits=lambda: self._tell(job)) or has_ended_others:
                await self._store.append(OperationBegun(**self._about(job)))
            await work()
        finally:
            self._claims.leave(job.claim)

    # --- waiting

    async def _clear_way(self, job: Job) -> bool:
        """Have all that is on its way for services that are taken down come to its end, and be taken back, first.

        Return whether anything was said of that.
        """
        earlier = list(self._jobs.values())
        earlier = [one for one in earlier[: earlier.index(job)] if one.claim.services and one.claim.services <= job.claim.services]
        ended = [one for one in earlier if one.operation.kind is not OperationKind.DOWN and one.task is not None]
        told = [words for one in ended if (words := await self._ongoing.words(one.operation, has_hints=False))]
        if told:
            await self._say(job, f"ends {' and '.join(told)} first")
        for one in ended:
            self._end(one, CancelledError(f"{', '.join(sorted(_names(one.claim)))} was taken down before it was done."))
        for one in ended:
            if one.task is not None:
                await asyncio.wait({one.task})
        return bool(told)

    async def _tell(self, job: Job) -> None:
        """Say what an operation waits for, whenever that is something else; end it where it must not wait."""
        said, news = "", self._store.subscribe()
        try:
            while True:
                before = [one.operation for one in self._jobs.values() if one.claim in self._claims.before(job.claim)]
                scope, names = Scope.of(job.operation), _names(job.claim)
                if error := await self._ongoing.refused(job.operation.kind, scope, names):
                    self._end(job, error)
                    return
                words, others = await self._words(before), {one.id for one in before}
                if words and words != said:
                    await self._say(job, f"waits for {words}")
                    said = words
                while (one := await anext(news)).name not in NEWS or one.operation not in others:
                    pass
        except StopAsyncIteration:
            pass  # the daemon stops
        except Exception:
            log.exception("what %s waits for cannot be told", job.operation.id)

    async def _words(self, operations: Sequence[Operation]) -> str:
        if not operations:
            return "rw itself, which starts or stops replicas"
        told = [await self._ongoing.words(one) for one in operations]
        return " and for ".join(one for one in told if one)

    async def _say(self, job: Job, words: str) -> None:
        await self._store.append(OperationWaiting(**self._about(job), words=words))

    def _about(self, job: Job) -> dict[str, Any]:
        """Return the envelope of an operation's own events. One service stands for all of its."""
        one = job.operation
        first = min(_names(job.claim), default="")
        return {
            "at": self._clock.now(),
            "project": one.project,
            "environment": one.environment,
            "operation": one.id,
            "service": first,
        }

    # --- the way to the end

    async def _run(self, job: Job, work: Work, give_up: Callable[[RwError], Awaitable[None]]) -> None:
        job.has_started = True
        try:
            await self._in_turn(job, work)
        except asyncio.CancelledError:
            if job.verdict is None:
                raise  # the daemon stops: nothing is undone, the next one goes on
            await self._settle(job, job.verdict, give_up)
        except RwError as error:
            await self._settle(job, error, give_up)
        except Exception as error:
            full = DiskFullError.of(error)
            await self._settle(job, full or InternalError(job.operation.id), give_up)
            if full is None:
                raise  # the task's guard logs it with its traceback
        else:
            await self._settle(job, None, give_up)
        finally:
            self._jobs.pop(job.operation.id, None)

    async def _settle(self, job: Job, error: RwError | None, give_up: Callable[[RwError], Awaitable[None]]) -> None:
        """Write how it ended. Until that can be written, it is told from memory and tried again: nobody waits for ever."""
        operation, job.is_ending = job.operation, True
        cancelled = isinstance(error, CancelledError | SupersededError)
        status = OperationStatus.CANCELLED if cancelled else OperationStatus.FAILED if error else OperationStatus.SUCCEEDED
        body = ErrorBody.model_validate(error.to_wire()) if error else None
        while True:
            try:
                if error is not None:
                    await give_up(error)
                at = self._clock.now()
                await self._store.append(
                    OperationSettled(
                        at=at,
                        project=operation.project,
                        environment=operation.environment,
                        operation=operation.id,
                        status=status,
                        error=body,
                    )
                )
            except Exception:
                log.exception("the end of %s cannot be written yet", operation.id)
                found = await self._store.operation(operation.id) or operation
                self._unwritten[operation.id] = found.model_copy(update={"status": status, "error": body})
                await self._clock.sleep(WRITE_AGAIN_SECONDS)
            else:
                self._unwritten.pop(operation.id, None)
                return

    def adopt(self, operation: Operation, give_up: Callable[[RwError], Awaitable[None]]) -> None:
        """Settle an operation that nobody works on as cancelled: it could not be taken up again, say. Nothing where somebody does."""
        if operation.status.is_settled or self.has(operation.id):
            return
        job = self._jobs[operation.id] = Job(operation, Claim(frozenset()))  # it changes nothing more

        async def work() -> None:
            try:
                await self._settle(job, CancelledError(), give_up)
            finally:
                self._jobs.pop(operation.id, None)

        job.is_ending = True
        job.task = self._tasks.spawn(f"operation {operation.id}", work())

    async def cancel(self, identity: str) -> Operation:
        """End an operation that is not settled; what it made is taken back. Returns once that is done."""
        await self.resumed()
        job = self._jobs.get(identity)
        if job is not None and job.task is not None:
            self._end(job, CancelledError())
            await asyncio.wait({job.task})
        return await self.read(identity)  # last: one that was read before may have ended meanwhile

    def _end(self, job: Job, verdict: RwError) -> None:
        if job.verdict is None and not job.is_ending and job.task is not None:
            job.verdict = verdict
            if job.has_started:
                job.task.cancel()


def _names(claim: Claim) -> set[str]:
    return {one.rpartition("/")[2] for one in claim.services}
