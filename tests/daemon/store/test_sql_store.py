"""The store on a real file: order, transactions, subscriptions, damage."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event as sql_event

from rw_daemon.store import bus, migrations
from rw_daemon.store.sql import SqlStore, _engine
from rw_daemon.store.tables import metadata
from rw_shared import events as e
from rw_shared.errors import DatabaseCorruptError, DatabaseNewerError
from rw_shared.models import (
    Artifact,
    DeploymentStatus,
    ErrorBody,
    OperationKind,
    OperationStatus,
    Scope,
    ServiceKind,
    StepName,
    StepStatus,
    TargetKind,
)

NOW = datetime(2026, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
SCOPE = Scope(project="shop", environment="production")
WEB = {"project": "shop", "environment": "production", "service": "web", "operation": "op_1"}


def at(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def created(identity: str, number: int, **more: str) -> e.DeploymentCreated:
    return e.DeploymentCreated(at=at(number), **{**WEB, **more}, deployment=identity, number=number)


def moved(identity: str, before: str, after: str, seconds: int = 0, **more: object) -> e.DeploymentStatusChanged:
    return e.DeploymentStatusChanged(at=at(seconds), **WEB, deployment=identity, before=before, after=after, **more)


@pytest.fixture
async def store(tmp_path):
    opened = await SqlStore.open(tmp_path / "state.db")
    yield opened
    await opened.close()


async def test_a_deployment_adds_up_from_its_events(store):
    error = ErrorBody(code="X", message="it broke")
    await store.append(
        e.ProjectCreated(at=NOW, project="shop", path="/src/shop"),
        e.EnvironmentCreated(at=NOW, project="shop", environment="production", target=TargetKind.DOCKER),
        e.ServiceConfigured(at=NOW, **WEB, kind=ServiceKind.WEB, replicas=2, port=4000, hostname="web.shop.localhost"),
        e.OperationCreated(at=NOW, **WEB, kind=OperationKind.UP, services=("web",), request={"snapshot": "s"}, idempotency_key="k"),
        created("dep_1", 1),
    )
    assert (await store.operation("op_1")).status is OperationStatus.QUEUED
    await store.append(
        e.DeploymentPlanned(at=NOW, **WEB, deployment="dep_1", plan={"buildpack": "go"}, replicas=2),
        e.StepStarted(at=at(1), **WEB, deployment="dep_1", step=StepName.BUILD),
        moved("dep_1", "queued", "building"),
        e.DeploymentBuilt(at=NOW, **WEB, deployment="dep_1", artifact=Artifact(kind="image", reference="sha256:1", size_bytes=5)),
        e.StepFinished(at=at(2), **WEB, deployment="dep_1", step=StepName.BUILD, status=StepStatus.DONE, detail="reused"),
        e.StepFinished(at=at(2), **WEB, deployment="dep_1", step=StepName.SNAPSHOT, status=StepStatus.SKIPPED),
        e.RouteChanged(at=at(3), **WEB, deployment="dep_1"),
        moved("dep_1", "deploying", "active", 3),
        moved("dep_1", "active", "crashed", 9, reason="It exited.", error=error),
    )
    deployment = await store.deployment("dep_1")
    assert (deployment.status, deployment.reason, deployment.error) == (DeploymentStatus.CRASHED, "It exited.", error)
    assert (deployment.settled_at, deployment.replicas, deployment.plan) == (at(3), 2, {"buildpack": "go"})
    assert deployment.artifact.reference == "sha256:1"
    assert [(step.name, step.detail, step.started_at, step.ended_at) for step in deployment.steps] == [
        (StepName.SNAPSHOT, "", at(2), at(2)),
        (StepName.BUILD, "reused", at(1), at(2)),
    ]
    operation = await store.operation("op_1")
    assert (operation.status, operation.deployments, operation.services) == (OperationStatus.RUNNING, ("dep_1",), ("web",))
    assert await store.request("op_1") == {"snapshot": "s"}
    assert (await store.operation_by_key(SCOPE, "k")).id == "op_1"
    assert await store.operation_by_key(SCOPE, "") is None
    (row,) = await store.services(SCOPE)
    assert (row.serving, row.port, row.hostname, row.replicas) == ("dep_1", 4000, "web.shop.localhost", 2)
    assert await store.environments("shop") == {"production": TargetKind.DOCKER}
    assert [project.path for project in await store.projects()] == ["/src/shop"]
    await store.append(e.OperationSettled(at=NOW, **WEB, status=OperationStatus.FAILED, error=error))
    assert await store.unsettled_operations() == []


async def test_a_removed_service_is_hidden_and_comes_back_when_configured_again(store):
    configured = e.ServiceConfigured(at=NOW, **WEB, kind=ServiceKind.WEB, replicas=1, port=1)
    await store.append(configured, e.ServiceScaled(at=NOW, **WEB, replicas=3), e.RouteChanged(at=NOW, **WEB, deployment="dep_1"))
    assert [(row.replicas, row.serving) for row in await store.services()] == [(3, "dep_1")]
    await store.append(e.ServiceRemoved(at=NOW, **WEB))
    assert await store.services() == []
    await store.append(configured)
    assert [(row.replicas, row.serving) for row in await store.services()] == [(1, "")]


async def test_the_reason_of_a_take_over_stays_when_the_deployment_is_gone(store):
    await store.append(
        created("dep_1", 1),
        moved("dep_1", "deploying", "active", 1),
        moved("dep_1", "active", "removing", 5, reason="v2 took its place."),
        moved("dep_1", "removing", "removed", 9),
    )
    deployment = await store.deployment("dep_1")
    assert (deployment.status, deployment.reason, deployment.settled_at) == (DeploymentStatus.REMOVED, "v2 took its place.", at(1))


async def test_deployments_come_newest_first_page_by_page(store):
    await store.append(*(created(f"dep_{number}", number) for number in range(1, 8)), created("dep_x", 1, service="api"))
    first = await store.deployments(SCOPE, service="web", limit=3)
    second = await store.deployments(SCOPE, service="web", limit=3, before=first[-1].id)
    assert [one.version for one in (*first, *second)] == [7, 6, 5, 4, 3, 2]
    assert [one.id for one in await store.deployments(SCOPE, service="api")] == ["dep_x"]
    await store.append(moved("dep_2", "queued", "failed"))
    assert "dep_2" not in [one.id for one in await store.deployments(unsettled=True)]


async def test_events_are_filtered_and_go_on_after_a_cursor(store):
    stored = await store.append(created("dep_1", 1), created("dep_2", 2, operation="op_2"), moved("dep_1", "queued", "building"))
    assert [one.sequence for one in await store.events(after=stored[0].sequence)] == [2, 3]
    assert [one.name for one in await store.events(deployment="dep_1")] == ["deployment.created", "deployment.status_changed"]
    assert [one.data["deployment"] for one in await store.events(operation="op_2")] == ["dep_2"]
    assert (await store.events(limit=1))[0].event() == created("dep_1", 1)


async def test_a_failed_append_changes_nothing_and_tells_nobody(store):
    heard = store.subscribe(after=0)

    def refuse(_connection, _cursor, statement, *_rest):
        if statement.startswith("INSERT INTO deployments"):
            raise RuntimeError("no")

    sql_event.listen(store._writing, "before_cursor_execute", refuse)
    with pytest.raises(RuntimeError):
        await store.append(e.ProjectCreated(at=NOW, project="lost"), created("dep_1", 1))
    sql_event.remove(store._writing, "before_cursor_execute", refuse)
    await store.append(e.ProjectCreated(at=NOW, project="kept"))
    assert (await anext(heard)).project == "kept"
    assert [one.project for one in await store.events()] == ["kept"]
    assert [project.name for project in await store.projects()] == ["kept"]


async def test_a_cancelled_caller_keeps_its_write_even_while_it_waits_for_its_turn(store):
    gate = threading.Event()
    store._writer.submit(gate.wait)
    writing = asyncio.ensure_future(store.append(e.ProjectCreated(at=NOW, project="kept")))
    await asyncio.sleep(0.01)
    writing.cancel()
    await asyncio.sleep(0.01)
    assert not writing.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert [one.project for one in await store.events()] == ["kept"]  # whoever was cancelled decides by what he reads next


async def test_writes_keep_their_order_when_many_write_at_once(store):
    stored = await asyncio.gather(*(store.append(e.ProjectCreated(at=NOW, project=f"p{number}")) for number in range(60)))
    assert [one.sequence for (one,) in stored] == list(range(1, 61))
    assert [one.project for one in await store.events()] == [f"p{number}" for number in range(60)]


@pytest.mark.parametrize("queue", [pytest.param(3, id="overflowing queues"), pytest.param(1000, id="roomy queues")])
async def test_a_subscriber_gets_kept_and_new_events_each_once(store, monkeypatch, queue):
    monkeypatch.setattr(bus, "QUEUE_EVENTS", queue)
    monkeypatch.setattr(bus, "PAGE_EVENTS", 7)
    await store.append(*(e.ProjectCreated(at=NOW, project=f"p{number}") for number in range(20)))

    async def read(after, wanted):
        subscription = store.subscribe(after=after)
        found = []
        while len(found) < wanted:
            found.append((await anext(subscription)).sequence)
            if len(found) % 5 == 0:
                await asyncio.sleep(0.002)
        return found

    readers = [asyncio.ensure_future(read(after, 100 - after)) for after in (0, 5, 19)]
    for number in range(20, 100, 4):
        await store.append(*(e.ProjectCreated(at=NOW, project=f"p{number + more}") for more in range(4)))
    for after, reader in zip((0, 5, 19), readers, strict=True):
        assert await reader == list(range(after + 1, 101))


async def test_a_subscriber_without_a_cursor_hears_only_what_is_new(store):
    await store.append(e.ProjectCreated(at=NOW, project="old"))
    heard = store.subscribe()
    await store.append(e.ProjectCreated(at=NOW, project="new"))
    assert (await anext(heard)).project == "new"


async def test_subscriptions_end_when_the_store_closes(tmp_path):
    store = await SqlStore.open(tmp_path / "state.db")
    heard = store.subscribe()
    waiting = asyncio.ensure_future(anext(heard))
    await asyncio.sleep(0)
    await store.close()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_everything_is_there_after_opening_again(tmp_path):
    path = tmp_path / "state.db"
    first = await SqlStore.open(path)
    await first.append(created("dep_1", 1))
    await first.close()
    second = await SqlStore.open(path)
    assert (await second.deployment("dep_1")).version == 1
    assert (await second.append(created("dep_2", 2)))[0].sequence == 2
    await second.close()


def shape(path) -> dict[str, object]:
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        tables = {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in names}
        indexes = {
            name: sorted(
                (index[1], index[2], tuple(connection.execute(f"PRAGMA index_info({index[1]})")))
                for index in connection.execute(f"PRAGMA index_list({name})")
            )
            for name in names
        }
        return {"tables": tables, "indexes": indexes, "revision": connection.execute("SELECT * FROM alembic_version").fetchall()}


def test_migrating_from_nothing_leads_to_the_schema_of_a_new_file(tmp_path):
    made, migrated = tmp_path / "made.db", tmp_path / "migrated.db"
    for path, work in ((made, lambda engine: migrations.prepare(made, engine)), (migrated, migrations.upgrade)):
        engine = _engine(path, "IMMEDIATE", connections=1)
        work(engine)
        engine.dispose()
    assert shape(made) == shape(migrated)
    assert set(metadata.tables) < set(shape(made)["tables"])


def test_the_head_of_the_migrations_is_the_revision_that_the_code_writes():
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(migrations.Path(migrations.__file__).parent))
    assert scripts.get_current_head() == migrations.HEAD


async def test_an_older_database_is_copied_and_migrated(tmp_path, monkeypatch):
    path = tmp_path / "state.db"
    await (await SqlStore.open(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
        connection.commit()
    called = []
    monkeypatch.setattr(migrations, "known", lambda: {"0000", migrations.HEAD})
    monkeypatch.setattr(migrations, "upgrade", called.append)
    await (await SqlStore.open(path)).close()
    assert len(called) == 1
    assert migrations.revision(tmp_path / f"state.db.before-{migrations.HEAD}") == "0000"


async def test_a_newer_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "state.db"
    await (await SqlStore.open(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(DatabaseNewerError) as caught:
        await SqlStore.open(path)
    assert "9999" in caught.value.why
    assert path.read_bytes() == before


def overwrite_head(data: bytes) -> bytes:
    return b"x" * 200 + data[200:]


def overwrite_middle(data: bytes) -> bytes:
    return data[:4096] + b"\xff" * (len(data) - 4096)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(overwrite_head, id="header"),
        pytest.param(overwrite_middle, id="pages"),
        pytest.param(lambda data: data[:5000], id="cut off"),
    ],
)
async def test_a_damaged_database_is_named_copied_once_and_the_way_out_works(tmp_path, damage):
    path = tmp_path / "state.db"
    store = await SqlStore.open(path)
    await store.append(created("dep_1", 1))
    await store.close()
    path.write_bytes(damage(path.read_bytes()))
    for _ in range(2):
        with pytest.raises(DatabaseCorruptError) as caught:
            await SqlStore.open(path)
    (copy,) = tmp_path.glob("state.db.damaged-*")
    assert str(copy) in caught.value.why
    assert copy.read_bytes() == path.read_bytes()
    path.rename(tmp_path / "state.db.damaged")  # what the hint says
    fresh = await SqlStore.open(path)
    assert await fresh.projects() == []
    await fresh.close()


async def test_another_programs_database_is_not_touched(tmp_path):
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (x)")
    with pytest.raises(DatabaseCorruptError):
        await SqlStore.open(path)
