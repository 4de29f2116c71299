"""Whatever happens, the projections are what the events add up to."""

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rw_daemon.store.projections import changes
from rw_daemon.store.sql import SqlStore
from rw_daemon.store.tables import PROJECTIONS
from rw_shared import events as e
from rw_shared.models import Artifact, ErrorBody

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SMALL = {
    "at": st.integers(0, 10_000).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    "project": st.sampled_from(["shop", "blog"]),
    "environment": st.sampled_from(["production", "staging"]),
    "service": st.sampled_from(["web", "api"]),
    "operation": st.sampled_from(["op_1", "op_2", "op_3"]),
    "actor": st.just("user"),
    "deployment": st.sampled_from(["dep_1", "dep_2", "dep_3"]),
    "plan": st.just({"buildpack": "go"}),
    "request": st.just({"kind": "up"}),
}


NUMBERS = st.floats(0, 1e6)  # what is measured is never NaN, which equals nothing
TYPES = {
    int: st.integers(0, 99),
    float: NUMBERS,
    tuple[e.MetricJudged, ...]: st.lists(st.builds(e.MetricJudged, value=st.none() | NUMBERS, old=st.none() | NUMBERS), max_size=3).map(
        tuple
    ),
    tuple[tuple[float, int], ...]: st.lists(st.tuples(NUMBERS, st.integers(0, 99)), max_size=4).map(tuple),
    ErrorBody | None: st.sampled_from([None, ErrorBody(code="X", message="it broke", details={"n": [1]})]),
}


def field(name: str, annotation: object) -> st.SearchStrategy[object]:
    known = SMALL.get(name, TYPES.get(annotation))
    return st.from_type(annotation) if known is None else known


def strategy(kind: type[e.Event]) -> st.SearchStrategy[e.Event]:
    fields = {name: field(name, info.annotation) for name, info in kind.model_fields.items() if name != "artifact"}
    return st.builds(kind, **fields, **artifact(kind))


def artifact(kind: type[e.Event]) -> dict[str, st.SearchStrategy[Artifact]]:
    return {"artifact": st.builds(Artifact, kind=st.just("image"), size_bytes=st.integers(0, 9))} if kind is e.DeploymentBuilt else {}


HISTORIES = st.lists(st.one_of(*(strategy(kind) for kind in e.Event.kinds.values())), max_size=25)


def contents(path: Path) -> dict[str, list[object]]:
    with closing(sqlite3.connect(path)) as connection:
        return {table.name: sorted(connection.execute(f"SELECT * FROM {table.name}"), key=repr) for table in PROJECTIONS}


@settings(max_examples=40, deadline=None)
@given(HISTORIES, st.integers(1, 6))
def test_rebuilt_projections_equal_the_kept_ones(history, size):
    async def scenario(path: Path) -> None:
        store = await SqlStore.open(path)
        for start in range(0, len(history), size):
            await store.append(*history[start : start + size])
        kept = contents(path)
        read = (await store.deployments(), await store.unsettled_operations(), await store.projects())
        await store.rebuild()
        assert contents(path) == kept
        assert (await store.deployments(), await store.unsettled_operations(), await store.projects()) == read
        assert [stored.event() for stored in await store.events()] == history
        await store.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(scenario(Path(folder) / "state.db"))


@given(st.one_of(*(strategy(kind) for kind in e.Event.kinds.values())))
def test_changes_depend_on_nothing_but_the_event(event):
    assert changes(event, sequence=7) == changes(e.Event.kinds[event.name].model_validate(event.wire()), sequence=7)
