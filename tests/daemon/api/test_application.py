"""The API in-process: resources, the one shape of errors, what surrounds a call."""

import json
import logging
from datetime import UTC, datetime

import httpx
import pytest
from fakes.rooms import fake_rooms

from rw_daemon.api import scopes
from rw_daemon.api.application import build
from rw_daemon.store.sql import SqlStore
from rw_shared import events as e
from rw_shared.errors import ConflictError, NothingToRollBackError, RwError
from rw_shared.models import LogRecord, LogSource, OperationKind, ServiceKind, TargetKind
from rw_shared.version import VERSION

NOW = datetime(2026, 1, 2, tzinfo=UTC)
WEB = {"project": "shop", "environment": "production", "service": "web", "operation": "op_a"}
HERE = "/v1/projects/shop/environments/production"


@pytest.fixture
async def store(tmp_path):
    store = await SqlStore.open(tmp_path / "state.db")
    await store.append(
        e.ProjectCreated(at=NOW, project="shop", path="/src/shop"),
        e.EnvironmentCreated(at=NOW, project="shop", environment="production", target=TargetKind.PROCESS),
        e.ServiceConfigured(at=NOW, **WEB, kind=ServiceKind.WEB, replicas=1, port=4000),
        e.OperationCreated(at=NOW, **WEB, kind=OperationKind.UP),
        *(e.DeploymentCreated(at=NOW, **WEB, deployment=f"dep_{letter}1", number=number) for number, letter in enumerate("abc", start=1)),
    )
    yield store
    await store.close()


@pytest.fixture
def rooms(store):
    return fake_rooms(store)


@pytest.fixture
async def client(rooms):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(rooms)), base_url="http://rw") as client:
        yield client


async def test_every_answer_carries_version_and_request_id(client):
    answer = await client.get("/v1/daemon", headers={"X-Request-Id": "mine-1", "RW-Client-Version": "99.0"})
    assert (answer.status_code, answer.headers["RW-Daemon-Version"], answer.headers["X-Request-Id"]) == (200, VERSION, "mine-1")
    forged = await client.get("/v1/daemon", headers={"X-Request-Id": 'a"b c'})
    assert forged.headers["X-Request-Id"].startswith("req_")


async def test_an_order_reaches_the_room_with_scope_and_actor(client, rooms):
    answer = await client.post(f"{HERE}/operations", json={"kind": "up", "snapshot": "sha256:1", "environ": {"PATH": "/bin"}})
    assert answer.status_code == 202
    assert answer.json()["status"] == "queued"
    ((scope, order, actor),) = rooms.operations.asked
    assert (str(scope), order.environ, bool(actor)) == ("shop/production", {"PATH": "/bin"}, True)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        pytest.param("GET", "/v1/nothing", None, 404, "NOT_FOUND", id="unknown path"),
        pytest.param("DELETE", "/v1/daemon", None, 405, "INVALID_REQUEST", id="wrong method"),
        pytest.param("POST", "/v1/snapshots", b"{", 422, "INVALID_REQUEST", id="no JSON"),
        pytest.param("POST", "/v1/snapshots", b'{"path": 3}', 422, "INVALID_REQUEST", id="wrong type"),
        pytest.param("POST", "/v1/snapshots", b'{"path": "/x", "more": 1}', 422, "INVALID_REQUEST", id="unknown key"),
        pytest.param("POST", "/v1/snapshots", rb'{"path": "/\ud800"}', 422, "INVALID_REQUEST", id="lone surrogate"),
        pytest.param("POST", "/v1/snapshots", rb'{"path": "/x", "\ud800": 1}', 422, "INVALID_REQUEST", id="lone surrogate in a key"),
        pytest.param("POST", "/v1/snapshots", b'{"path": "x"}', 404, "SOURCE_MISSING", id="error of a room"),
        pytest.param("GET", "/v1/operations/op_zzz", None, 404, "OPERATION_NOT_FOUND", id="operation"),
        pytest.param("POST", "/v1/operations/op_zzz/cancel", None, 404, "OPERATION_NOT_FOUND", id="cancel"),
        pytest.param("GET", "/v1/deployments/dep_zzz", None, 404, "DEPLOYMENT_NOT_FOUND", id="deployment"),
        pytest.param("GET", "/v1/projects/shpo/environments/production", None, 404, "PROJECT_NOT_FOUND", id="project"),
        pytest.param("GET", "/v1/projects/SHOP/environments/production", None, 422, "INVALID_REQUEST", id="no name"),
        pytest.param("GET", "/v1/projects/shop/environments/stagng/deployments", None, 404, "ENVIRONMENT_NOT_FOUND", id="environment"),
        pytest.param("GET", f"{HERE}/deployments?service=wbe", None, 404, "SERVICE_NOT_FOUND", id="service"),
        pytest.param("GET", f"{HERE}/deployments?before=dep_q", None, 404, "DEPLOYMENT_NOT_FOUND", id="page after nothing"),
        pytest.param("GET", f"{HERE}/deployments?limit=0", None, 422, "INVALID_REQUEST", id="limit"),
        pytest.param("GET", f"/v1/events?after={2**70}", None, 422, "INVALID_REQUEST", id="cursor beyond all numbers"),
        pytest.param("GET", "/v1/logs?project=other", None, 404, "PROJECT_NOT_FOUND", id="logs of no project"),
    ],
)
async def test_every_error_has_the_one_shape(client, method, path, body, status, code):
    answer = await client.request(method, path, content=body, headers={"content-type": "application/json"})
    wire = answer.json()
    assert (answer.status_code, wire["schema"], wire["error"]["code"]) == (status, "rw/v1", code)
    assert RwError.from_wire(wire["error"]).message == wire["error"]["message"]


@pytest.mark.parametrize(("query", "edge"), [("", "running"), ("?live=true", "running"), ("?live=false", "")])
async def test_target_and_edge_are_asked_how_an_environment_stands_unless_nobody_wants_to_know(client, query, edge):
    assert (await client.get(f"{HERE}{query}")).json()["edge"] == edge


async def test_a_misspelt_name_is_answered_with_what_may_be_meant(client):
    wire = (await client.get("/v1/projects/shpo/environments/production/deployments")).json()
    assert wire["error"]["candidates"] == ["shop"]


async def test_a_bug_is_a_reference_to_the_caller_and_a_traceback_to_the_log(client, rooms, caplog):
    rooms.operations.fault = ZeroDivisionError("secret-value")
    with caplog.at_level(logging.ERROR):
        answer = await client.post(f"{HERE}/operations", json={"kind": "up"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (500, "INTERNAL")
    assert "secret-value" not in answer.text
    (record,) = [record for record in caplog.records if record.exc_info]
    assert error["details"]["reference"] in record.getMessage()
    assert record.exc_info[0] is ZeroDivisionError


@pytest.mark.parametrize(
    "fault", [ConflictError("A deployment runs.", hint="Wait."), NothingToRollBackError("web")], ids=lambda fault: fault.code
)
async def test_an_error_keeps_its_words_status_and_class_across_the_wire(client, rooms, fault):
    rooms.operations.fault = fault
    answer = await client.post(f"{HERE}/operations", json={"kind": "up"})
    assert answer.status_code == fault.status
    assert type(RwError.from_wire(answer.json()["error"])) is type(fault)
    assert answer.json()["error"] == fault.to_wire()


async def test_a_refused_value_is_not_repeated_in_the_error(client):
    answer = await client.post(f"{HERE}/operations", json={"kind": "up", "environ": {"TOKEN": ["hunter2"]}})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text


async def test_lists_are_cut_into_pages(client):
    first = (await client.get(f"{HERE}/deployments?limit=2")).json()
    assert ([one["version"] for one in first["items"]], first["next"]) == ([3, 2], "dep_b1")
    last = (await client.get(f"{HERE}/deployments?limit=2&before={first['next']}")).json()
    assert ([one["version"] for one in last["items"]], last["next"]) == ([1], None)
    events = (await client.get("/v1/events?limit=3")).json()
    assert ([one["sequence"] for one in events["items"]], events["next"]) == ([1, 2, 3], "3")
    rest = (await client.get(f"/v1/events?after={events['next']}&operation=op_a")).json()
    assert (rest["items"][0]["name"], rest["next"]) == ("operation.created", None)


@pytest.mark.parametrize("name", ["dep_b1", "dep_b", "b", "v2"])
async def test_a_deployment_is_found_by_id_beginning_or_version(client, name):
    answer = await client.get(f"/v1/deployments/{name}?project=shop&service=web")
    assert (answer.status_code, answer.json()["id"]) == (200, "dep_b1")


async def test_a_beginning_that_fits_several_names_them(client):
    wire = (await client.get("/v1/deployments/dep_")).json()
    assert wire["error"]["code"] == "AMBIGUOUS_NAME"
    assert len(wire["error"]["candidates"]) == 3


async def test_environments_are_listed_with_their_targets(client):
    assert (await client.get("/v1/projects/shop/environments")).json()["items"] == [{"name": "production", "target": "process"}]
    assert (await client.get("/v1/projects/other/environments")).json()["items"] == []


async def test_log_queries_arrive_with_whole_ids(client, rooms):
    line = LogRecord(cursor=1, ts=NOW, project="shop", environment="production", service="web", deployment="dep_a1", message="hi")
    rooms.logs.lines.append(line)
    answer = await client.get("/v1/logs?project=shop&service=web&deployment=v1&source=build&n=5")
    assert answer.json() == {"items": [line.wire()], "next": None}
    (query,) = rooms.logs.asked
    assert (query.services, query.deployments, query.source, query.n) == (("web",), ("dep_a1",), LogSource.BUILD, 5)


async def test_the_order_to_stop_is_answered_and_passed_on(store):
    told = []
    app = build(fake_rooms(store, stop=lambda: told.append(1)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://rw") as client:
        answer = await client.post("/v1/daemon/stop")
    assert (answer.status_code, answer.json(), told) == (202, {"stopping": True}, [1])


async def test_openapi_describes_every_path_and_there_are_no_other_pages(client):
    schema = (await client.get("/v1/openapi.json")).json()
    assert {
        "/v1/daemon", "/v1/daemon/stop", "/v1/snapshots", "/v1/snapshots/progress", "/v1/places", "/v1/plans", "/v1/projects",
        "/v1/projects/{project}/environments/{environment}",
        "/v1/projects/{project}/environments/{environment}/rollouts", "/v1/projects/{project}/environments/{environment}/rollouts/{service}",
        "/v1/projects/{project}/environments/{environment}/operations", "/v1/operations/{identity}", "/v1/operations/{identity}/cancel",
        "/v1/projects/{project}/environments/{environment}/deployments", "/v1/deployments/{name}", "/v1/deployments/{name}/why",
        "/v1/projects/{project}/environments/{environment}/services/{service}/rollback",
        "/v1/projects/{project}/environments/{environment}/services/{service}/replicas/{index}/kill", "/v1/events", "/v1/logs", "/v1/checks",
        "/v1/projects/{project}/environments/{environment}/entry", "/v1/projects/{project}/environments/{environment}/sizes", "/v1/projects/{project}/environments/{environment}/sbom",
        "/v1/projects/{project}/environments",
    } == set(schema["paths"])  # fmt: skip
    assert json.dumps(schema).count("HTTPValidationError") == 0
    assert [(await client.get(path)).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404, 404, 404]


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        pytest.param("wbe", ["api", "web"], ["web"], id="similar"),
        pytest.param("zzz", ["api", "web"], ["api", "web"], id="nothing similar: what there is"),
    ],
)
def test_near_names(name, known, found):
    assert scopes.near(name, known) == found
