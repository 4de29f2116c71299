"""The whole room on fakes: a real store and snapshots, a fake target, edge and clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes.clock import FakeClock
from fakes.targets import FakeBuilder, FakeEdge, FakeRuntime

from rw_daemon.deployments.composition import Deployments
from rw_daemon.deployments.targets import Opener, Target
from rw_daemon.logs.logs import Logs
from rw_daemon.settings import Settings
from rw_daemon.snapshots import Snapshots
from rw_daemon.store.sql import SqlStore
from rw_daemon.tasks import Tasks
from rw_shared.events import Event, RouteChanged, StoredEvent
from rw_shared.models import Deployment, Operation, OperationKind, OperationOrder, ProjectOrder, Scope, TargetKind

SCOPE = Scope(project="shop", environment="production")
FLASK = {"requirements.txt": "flask\ngunicorn\n", "app.py": "from flask import Flask\napp = Flask(__name__)\n"}


class World:
    """One daemon's worth of deployments; ``restart`` plays a new daemon on the same store and target."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log: list[str] = []
        self.runtime, self.builder, self.edge = FakeRuntime(self.log), FakeBuilder(self.log), FakeEdge(self.log)
        self.clock = FakeClock()
        self.settings = Settings(healthy_seconds=1.0, warm_seconds=5.0, liveness_period_seconds=1e9)
        self.server: asyncio.Server | None = None
        self.engine: FakeRuntime | None = None
        """What the target ``docker`` runs on, where a test wants two targets."""
        self.page: Callable[[str], tuple[int, str]] = lambda _: (200, "ok")
        """What every replica answers at a path: a status and a text."""

    async def open(self) -> World:
        self.tasks = Tasks(self.clock)
        self.store = await SqlStore.open(self.folder / "state.db")
        self.snapshots = Snapshots(self.folder / "snapshots", limit_files=1000, limit_bytes=10**8)
        self.logs = Logs(self.folder / "logs", clock=self.clock, settings=self.settings)
        await self.logs.open()
        self.rooms = Deployments(
            store=self.store, snapshots=self.snapshots, logs=self.logs, edge=self.edge, openers=self._openers(),
            environs=self.folder / "environs", tasks=self.tasks, clock=self.clock, settings=self.settings,
        )  # fmt: skip
        if self.server is None:
            self.server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
            self.runtime.port = self.server.sockets[0].getsockname()[1]
        return self

    def _openers(self) -> dict[TargetKind, Opener]:
        engine = self.engine
        if engine is None:
            return {TargetKind.PROCESS: self._target}

        async def docker(_: Mapping[str, str]) -> Target:
            return Target(TargetKind.DOCKER, engine, self.builder)

        return {TargetKind.DOCKER: docker, TargetKind.PROCESS: self._target}

    async def _target(self, _: Mapping[str, str]) -> Target:
        target = Target(TargetKind.PROCESS, self.runtime, self.builder)
        self.tasks.keep("exits", lambda: self.rooms.exits.follow(self.runtime))
        return target

    async def kill(self) -> None:
        """What a SIGKILL leaves: tasks are gone in the middle, the store holds what was committed."""
        await self.tasks.close()
        await self.logs.close()
        await self.store.close()

    async def restart(self) -> None:
        await self.kill()
        await self.open()
        await self.rooms.recovery.run()

    async def close(self) -> None:
        await self.kill()
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()

    async def snapshot(self, files: Mapping[str, str]) -> str:
        source = self.folder / "source"
        for path, text in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_text(text)
        return (await self.snapshots.take(source)).digest

    async def start(
        self, kind: OperationKind = OperationKind.UP, *, files: Mapping[str, str] | None = None, scope: Scope = SCOPE, **options: Any
    ) -> Operation:
        await self.rooms.projects.link(ProjectOrder(name=scope.project))
        snapshot = await self.snapshot(files or FLASK) if kind is OperationKind.UP else ""
        return await self.rooms.orders.start(scope, OperationOrder(kind=kind, snapshot=snapshot, **options))

    async def settled(self, operation: Operation) -> Operation:
        async with asyncio.timeout(20):
            while True:
                found = await self.store.operation(operation.id)
                assert found is not None
                if found.status.is_settled:
                    return found
                await asyncio.sleep(0.01)

    async def up(self, files: Mapping[str, str] | None = None, **options: Any) -> Operation:
        return await self.settled(await self.start(files=files, **options))

    async def up_cancelled_too_late(self, files: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Operation:
        """Order an ``up`` that is cancelled while its switch is being written."""
        commit, loop, cancelling = self.store._commit, asyncio.get_running_loop(), []

        def slowly(events: Sequence[Event]) -> list[StoredEvent]:
            if any(isinstance(one, RouteChanged) for one in events):
                cancel = self.rooms.orders.cancel(operation.id)
                loop.call_soon_threadsafe(lambda: cancelling.append(asyncio.ensure_future(cancel)))
                time.sleep(0.1)
            return commit(events)

        with monkeypatch.context() as patch:
            patch.setattr(self.store, "_commit", slowly)
            operation = await self.start(files=files)
            found = await self.settled(operation)
            await asyncio.gather(*cancelling)
        return found

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(20):
            while not await condition():
                await asyncio.sleep(0.01)

    async def deployments(self, scope: Scope = SCOPE) -> list[Deployment]:
        """All deployments, newest first."""
        return await self.store.deployments(scope)

    async def statuses(self) -> list[str]:
        return [one.status.value for one in await self.deployments()]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            status, text = self.page(head.split()[1].decode())
            writer.write(f"HTTP/1.1 {status} -\r\ncontent-length: {len(text)}\r\nconnection: close\r\n\r\n{text}".encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
