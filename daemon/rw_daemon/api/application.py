"""The ASGI application, put together from its resources."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import Field

from rw_daemon.api import contents, daemon, deployments, errors, events, logs, operations, plans, projects, rollouts, snapshots
from rw_daemon.api.rooms import Rooms
from rw_daemon.api.surroundings import Surroundings
from rw_shared.models import ErrorBody, Model
from rw_shared.version import VERSION


class Failure(Model):
    """What every error looks like; its ``code`` is stable, its status tells its kind."""

    schema_: str = Field(alias="schema")
    error: ErrorBody


def build(rooms: Rooms) -> FastAPI:
    """Return the application that answers for ``rooms``. Schema at /v1/openapi.json; no pages of documentation."""
    app = FastAPI(title="rw", version=VERSION, openapi_url="/v1/openapi.json", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.rooms = rooms
    errors.install(app)
    for resource in (daemon, snapshots, plans, contents, projects, operations, deployments, rollouts, events, logs):
        app.include_router(resource.router, responses={"default": {"model": Failure}})
    app.add_middleware(Surroundings)
    return app
