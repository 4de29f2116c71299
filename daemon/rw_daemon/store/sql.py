"""The store on SQLite: one writer thread, a few readers, events and projections in one transaction, told after the commit."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Select, Table, and_, create_engine, delete, event, func, insert, select, update
from sqlalchemy.exc import DatabaseError

from rw_daemon.store import migrations, rows, tables
from rw_daemon.store.bus import Bus, Subscription
from rw_daemon.store.kept import Kept
from rw_daemon.store.projections import Change, Update, changes
from rw_daemon.store.reserve import Reserve
from rw_daemon.store.store import ServiceRow
from rw_daemon.tasks import to_its_end
from rw_shared.errors import DiskFullError
from rw_shared.events import Event, StoredEvent
from rw_shared.models import Deployment, DeploymentStatus, Operation, OperationStatus, Project, Scope, TargetKind

T = TypeVar("T")
READERS = 2  # threads: reads are short, and two cores are the machine this is made for
BUSY_SECONDS = 5.0
REBUILD_PAGE = 1000


class SqlStore:
    """Implements ``Store``; made by ``open``."""

    def __init__(self, path: Path, writing: Engine, reading: Engine, *, last: int) -> None:
        self._path, self._writing, self._reading = path, writing, reading
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")
        self._readers = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="store-reader")
        self._reserve = Reserve(path.with_name("state.reserve"))
        self._kept = Kept()
        self._bus = Bus(lambda after, limit: self.events(after=after, limit=limit), last=last)

    @classmethod
    async def open(cls, path: Path) -> SqlStore:
        """Open the database, make or migrate it where needed.

        :raises DatabaseCorruptError: it is damaged. ``DatabaseNewerError``: a newer rw wrote it. ``DiskFullError``: no space is left.
        """
        return await asyncio.to_thread(cls._open, path)

    @classmethod
    def _open(cls, path: Path) -> SqlStore:
        writing, reading = _engine(path, "IMMEDIATE", connections=1), _engine(path, "DEFERRED", connections=READERS)
        try:
            migrations.prepare(path, writing)
            with writing.begin() as connection:
                last = connection.execute(select(func.max(tables.events.c.sequence))).scalar() or 0
        except BaseException as error:
            writing.dispose()
            reading.dispose()
            raise _named(error, path) from error
        return cls(path, writing, reading, last=last)

    # --- writing

    async def append(self, *events: Event) -> list[StoredEvent]:
        """Write ``events`` and what they change, or nothing. Told after the commit.

        A cancelled caller takes nothing back, and goes on only when it is written: what he reads then holds it.
        """
        loop = asyncio.get_running_loop()
        with self._kept.writing():
            return await self._work(self._writer, lambda: self._write(events, loop))

    def _write(self, events: Sequence[Event], loop: asyncio.AbstractEventLoop) -> list[StoredEvent]:
        try:
            stored = self._commit(events)
        except DatabaseError as error:
            if not isinstance(_named(error, self._path), DiskFullError) or not self._reserve.spend():
                raise
            stored = self._commit(events)
        loop.call_soon_threadsafe(self._bus.publish, stored)  # committed first, told second
        return stored

    def _commit(self, events: Sequence[Event]) -> list[StoredEvent]:
        with self._writing.begin() as connection:
            return [_insert(connection, one) for one in events]

    async def prepare(self) -> None:
        """Make sure that what begins now can also be ended: put some space by. ``DiskFullError`` when there is none."""
        if not await self._work(self._writer, self._reserve.fill):
            raise DiskFullError(str(self._path.parent))

    async def rebuild(self) -> None:
        """Make the projections anew from the events, in one transaction: they are a reading of the history, nothing of their own."""
        with self._kept.writing():
            await self._work(self._writer, self._rebuild)

    def _rebuild(self) -> None:
        with self._writing.begin() as connection:
            for table in tables.PROJECTIONS:
                connection.execute(delete(table))
            after = 0
            while page := connection.execute(_events_after(after).limit(REBUILD_PAGE)).mappings().all():
                for row in page:
                    stored = rows.stored_event(row)
                    if stored.name in Event.kinds:
                        _apply(connection, changes(stored.event(), sequence=stored.sequence))
                after = page[-1]["sequence"]

    # --- reading

    def subscribe(self, *, after: int | None = None) -> Subscription:
        """Yield the events after a sequence number (``None``: from now on): the kept ones, then new ones, none lost or doubled."""
        return self._bus.subscribe(after=after)

    async def events(self, *, after: int = 0, operation: str = "", deployment: str = "", limit: int = 1000) -> list[StoredEvent]:
        """Return kept events in order."""
        query = _events_after(after).limit(limit)
        if operation:
            query = query.where(tables.events.c.operation == operation)
        if deployment:
            query = query.where(tables.events.c.deployment == deployment)
        return await self._read(lambda connection: [rows.stored_event(row) for row in connection.execute(query).mappings()])

    async def projects(self) -> list[Project]:
        """Return all projects by name."""
        query = select(tables.projects).order_by(tables.projects.c.name)
        return await self._listed(("projects",), lambda connection: [rows.project(row) for row in connection.execute(query).mappings()])

    async def environments(self, project: str) -> dict[str, TargetKind]:
        """Return the environments of a project with their targets, by name."""
        table = tables.environments
        query = select(table.c.name, table.c.target).where(table.c.project == project).order_by(table.c.name)
        found = await self._listed(("environments", project), lambda connection: list(connection.execute(query)))
        return {name: TargetKind(target) for name, target in found}

    async def services(self, scope: Scope | None = None) -> list[ServiceRow]:
        """Return the services of an environment, or of all, that are not removed, by name."""
        return await self._listed(("services", scope), lambda connection: _services(connection, scope))

    async def operation(self, identity: str) -> Operation | None:
        """Return an operation by id."""
        return await self._first_operation(select(tables.operations).where(tables.operations.c.id == identity))

    async def request(self, identity: str) -> dict[str, Any]:
        """Return what ``OperationCreated`` kept as its ``request``; empty for an unknown id."""
        query = select(tables.operations.c.request).where(tables.operations.c.id == identity)
        return await self._read(lambda connection: connection.execute(query).scalar() or {})

    async def operation_by_key(self, scope: Scope, idempotency_key: str) -> Operation | None:
        """Return the operation that was created with this key, the newest if there are several; none for an empty key."""
        if not idempotency_key:
            return None
        table = tables.operations
        query = select(table).where(table.c.idempotency_key == idempotency_key).order_by(table.c.sequence.desc())
        return await self._first_operation(_within(query, table, scope))

    async def unsettled_operations(self) -> list[Operation]:
        """Return queued and running operations, oldest first."""
        table = tables.operations
        open_ = [status.value for status in OperationStatus if not status.is_settled]
        query = select(table).where(table.c.status.in_(open_)).order_by(table.c.sequence)
        return await self._read(lambda connection: _operations(connection, query))

    async def _first_operation(self, query: Select[Any]) -> Operation | None:
        found = await self._read(lambda connection: _operations(connection, query.limit(1)))
        return found[0] if found else None

    async def deployment(self, identity: str) -> Deployment | None:
        """Return a deployment with its steps, by id."""
        found = await self._listed(
            ("deployment", identity),  # asked for most of all: where it is kept, not even the query is made
            lambda connection: _deployments(connection, select(tables.deployments).where(tables.deployments.c.id == identity)),
        )
        return found[0] if found else None

    async def deployments(
        self,
        scope: Scope | None = None,
        *,
        service: str = "",
        operation: str = "",
        unsettled: bool = False,
        limit: int = 50,
        before: str = "",
    ) -> list[Deployment]:
        """Return deployments, newest first. ``before`` is the id of the last one of the page before."""
        table = tables.deployments
        query = _within(select(table), table, scope).order_by(table.c.sequence.desc()).limit(limit)
        if service:
            query = query.where(table.c.service == service)
        if operation:
            query = query.where(table.c.operation == operation)
        if unsettled:
            query = query.where(table.c.status.in_([status.value for status in DeploymentStatus if not status.is_settled]))
        if before:
            query = query.where(table.c.sequence < select(table.c.sequence).where(table.c.id == before).scalar_subquery())
        question = ("deployments", scope, service, operation, unsettled, limit, before)
        return await self._listed(question, lambda connection: _deployments(connection, query))

    async def _listed(self, question: Hashable, read: Callable[[Connection], list[T]]) -> list[T]:
        return list(await self._kept.get(question, lambda: self._read(read)))

    async def _read(self, read: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._reading.connect() as connection:
                return read(connection)

        return await self._work(self._readers, run)

    async def _work(self, pool: ThreadPoolExecutor, run: Callable[[], T]) -> T:
        work = asyncio.get_running_loop().run_in_executor(pool, run)
        work.add_done_callback(_retrieved)
        try:
            if pool is self._writer:
                return await to_its_end(work)  # cancelling the caller would otherwise take back a write that still waits for its turn
            return await asyncio.shield(work)
        except DatabaseError as error:
            raise _named(error, self._path) from error

    async def close(self) -> None:
        """Finish writing, end the subscriptions, close. Calling it again does nothing."""
        await asyncio.to_thread(self._shut)
        self._bus.close()

    def _shut(self) -> None:
        for pool in (self._writer, self._readers):
            pool.shutdown(wait=True)
        for engine in (self._reading, self._writing):
            engine.dispose()


def _engine(path: Path, begin: str, *, connections: int) -> Engine:
    """Return an engine whose transactions begin as said. IMMEDIATE: a writer takes its lock at once, not at its first write."""
    engine = create_engine(
        f"sqlite:///{path}", pool_size=connections, max_overflow=0,
        connect_args={"isolation_level": None, "timeout": BUSY_SECONDS, "check_same_thread": False},
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: object) -> None:
        # FULL: a commit that was told of survives the loss of power, too
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {begin}")

    return engine


def _insert(connection: Connection, one: Event) -> StoredEvent:
    values = rows.event_values(one)
    key = connection.execute(insert(tables.events), values).inserted_primary_key
    if key is None:
        raise RuntimeError("the database gave an event no sequence number")
    _apply(connection, changes(one, sequence=key[0]))
    return rows.stored_event({**values, "sequence": key[0]})


def _apply(connection: Connection, wanted: Sequence[Change]) -> None:
    for change in wanted:
        table = tables.metadata.tables[change.table]
        fits = and_(*(table.c[name] == value for name, value in change.key.items()))
        # one writer only: between the two statements nobody else can make the row
        if connection.execute(update(table).where(fits).values(change.values)).rowcount == 0 and not isinstance(change, Update):
            connection.execute(insert(table), {**change.defaults, **change.values, **change.key})


def _events_after(after: int) -> Select[Any]:
    return select(tables.events).where(tables.events.c.sequence > after).order_by(tables.events.c.sequence)


def _within(query: Select[Any], table: Table, scope: Scope | None) -> Select[Any]:
    if scope is None:
        return query
    return query.where(table.c.project == scope.project, table.c.environment == scope.environment)


def _operations(connection: Connection, query: Select[Any]) -> list[Operation]:
    found = connection.execute(query).mappings().all()
    table = tables.deployments
    made = select(table.c.operation, table.c.id).where(table.c.operation.in_([row["id"] for row in found])).order_by(table.c.sequence)
    pairs = connection.execute(made).all() if found else []
    return [rows.operation(row, (identity for operation, identity in pairs if operation == row["id"])) for row in found]


def _services(connection: Connection, scope: Scope | None) -> list[ServiceRow]:
    table = tables.services
    query = select(table).where(~table.c.is_removed).order_by(table.c.name, table.c.project, table.c.environment)
    return [rows.service(row) for row in connection.execute(_within(query, table, scope)).mappings()]


def _deployments(connection: Connection, query: Select[Any]) -> list[Deployment]:
    found = connection.execute(query).mappings().all()
    table = tables.steps
    taken = connection.execute(select(table).where(table.c.deployment.in_([row["id"] for row in found]))).mappings().all() if found else []
    return [rows.deployment(row, [step for step in taken if step["deployment"] == row["id"]]) for row in found]


def _retrieved(work: asyncio.Future[Any]) -> None:
    if not work.cancelled():
        work.exception()  # a caller that was cancelled does not ask for it any more


_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _named(error: BaseException, path: Path) -> BaseException:
    """Return the error that says what is wrong with the file, else ``error`` itself."""
    cause = error.orig if isinstance(error, DatabaseError) else error
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
    if code in _DAMAGED:
        return migrations.corrupt(path, str(cause))
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(str(path.parent))
    return error
