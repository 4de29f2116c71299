"""Whatever is sent, the API answers as its schema says: no fault of its own, one shape of errors."""

import asyncio
import tempfile
from pathlib import Path

import schemathesis
from fakes.rooms import fake_rooms
from hypothesis import HealthCheck, settings
from schemathesis import checks

from rw_daemon.api.application import build
from rw_daemon.store.sql import SqlStore

FOLDER = tempfile.TemporaryDirectory()
STORE = asyncio.run(SqlStore.open(Path(FOLDER.name) / "state.db"))
SCHEMA = schemathesis.openapi.from_asgi("/v1/openapi.json", build(fake_rooms(STORE)))


def teardown_module():
    asyncio.run(STORE.close())
    FOLDER.cleanup()


@SCHEMA.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_makes_the_daemon_fail(case):
    answer = case.call()
    case.validate_response(answer, checks=[checks.not_a_server_error, schemathesis.checks.CHECKS.get_one("response_schema_conformance")])
    if answer.status_code >= 400:
        wire = answer.json()
        assert wire["schema"] == "rw/v1"
        assert set(wire["error"]) == {"code", "message", "why", "hint", "candidates", "details"}
