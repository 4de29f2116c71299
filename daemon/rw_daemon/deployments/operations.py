"""What commands ask for: accepted, queued, carried out, cancelled. One operation at a time changes an environment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rw_daemon.clock import Clock
from rw_daemon.deployments.identities import new_id
from rw_daemon.deployments.steps import Recorder
from rw_daemon.store.store import Store
from rw_daemon.tasks import Tasks
from rw_shared.config import Queue
from rw_shared.errors import CancelledError, DiskFullError, InternalError, OperationNotFoundError, RwError, SupersededError
from rw_shared.events import OperationCreated, OperationSettled
from rw_shared.models import ErrorBody, Operation, OperationKind, OperationOrder, OperationStatus, Scope

log = logging.getLogger(__name__)
WRITE_AGAIN_SECONDS = 5.0
Work = Callable[[], Awaitable[None]]
"""The rest of an operation, to be run when it is its turn; raises the error that it fails with."""


@dataclass
class Job:
    """An operation that is queued or running."""

    operation: Operation
    task: asyncio.Task[None] | None = None
    verdict: RwError | None = None
    """Set when somebody decided that it ends: cancelled, superseded."""
    has_begun: bool = field(default=False)
    is_ending: bool = field(default=False)
    """How it ended is being written: nobody may decide otherwise, nor break the writing off, or it would never be settled."""


class Operations:
    """The queue of each environment, first come first served; what an ``up`` does about those before it is configured."""

    def __init__(self, store: Store, recorder: Recorder, tasks: Tasks, clock: Clock) -> None:
        self._store, self._recorder, self._tasks, self._clock = store, recorder, tasks, clock
        self._turns: dict[str, asyncio.Lock] = {}
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

    def created(self, identity: str, scope: Scope, order: OperationOrder, *, services: tuple[str, ...], actor: str) -> OperationCreated:
        """Return the event of a new operation. What the order carries of the caller's environment is not in it."""
        request = order.model_dump(mode="json", by_alias=True, exclude={"environ"})
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

    async def between(self, scope: Scope, work: Work) -> bool:
        """Run ``work`` where no operation is at work in its environment, and have later ones wait for it; else return ``False`` at once."""
        turn = self._turns.setdefault(str(scope), asyncio.Lock())
        if turn.locked():
            return False
        async with turn:
            await work()
        return True

    async def read(self, identity: str) -> Operation:
        """Return an operation as it is stored; ``OperationNotFoundError``."""
        found = self._unwritten.get(identity) or await self._store.operation(identity)
        if found is None:
            raise OperationNotFoundError(identity)
        return found

    def begin(
        self, operation: Operation, work: Work, give_up: Callable[[RwError], Awaitable[None]], *, queue: Queue = Queue.NEWEST
    ) -> None:
        """Run ``work`` when it is its turn.

        :param give_up: called with the error when the operation fails or is cancelled: takes back what is unfinished.
        :param queue: what an ``up`` does about earlier ones of the same services.
        """
        scope = f"{operation.project}/{operation.environment}"
        if operation.kind is OperationKind.UP:
            self._supersede(scope, operation, queue)
        job = self._jobs[operation.id] = Job(operation)
        job.task = self._tasks.spawn(f"operation {operation.id}", self._run(scope, job, work, give_up))

    def _supersede(self, scope: str, newer: Operation, queue: Queue) -> None:
        for job in self._jobs.values():
            waiting = job.operation
            same = (
                f"{waiting.project}/{waiting.environment}" == scope
                and waiting.kind is OperationKind.UP
                and waiting.services == newer.services
            )
            if same and queue is not Queue.ALL and (queue is Queue.INTERRUPT or not job.has_begun):
                self._end(job, SupersededError(newer.id))

    async def _run(self, scope: str, job: Job, work: Work, give_up: Callable[[RwError], Awaitable[None]]) -> None:
        try:
            async with self._turns.setdefault(scope, asyncio.Lock()):
                job.has_begun = True
                await work()
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
        job = self._jobs[operation.id] = Job(operation)

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
            job.task.cancel()
