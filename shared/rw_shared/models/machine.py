"""What the daemon tells about itself and this machine: log lines, ways into replicas, checks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from rw_shared.models.base import Model, Order


class LogSource(StrEnum):
    """Where a line came from."""

    BUILD = "build"
    DEPLOY = "deploy"
    HTTP = "http"
    """A request that the edge served."""


class LogRecord(Model):
    """One line. ``cursor`` grows with every kept line of this daemon and is where a reader resumes.

    :param stream: ``stdout``, ``stderr``, ``http`` for a request, or ``rw`` for a line of rw's own (a gap, a restart).
    :param replica: index of the replica; -1 for builds and jobs.
    """

    type: Literal["log"] = "log"
    cursor: int
    ts: datetime
    project: str
    environment: str
    service: str
    deployment: str
    version: int = 0
    replica: int = -1
    source: LogSource = LogSource.DEPLOY
    stream: str = "stdout"
    level: str = ""
    message: str
    step: str = ""
    attrs: dict[str, Any] = {}


class Entry(Model):
    """The way into a service for a command on the same machine. It holds secrets: it is handed out over the socket and never kept.

    :param variables: what the release was given.
    :param replica: id of the running replica, empty when none runs; then only ``variables`` is there.
    :param environ: the whole environment of a replica that is a process, and ``folder`` where it runs.
    :param container: of a replica that is a container, with the address of its engine and the API version to speak.
    :param address: where it listens, ``host:port``; empty for a worker.
    """

    service: str
    deployment: str
    variables: dict[str, str] = Field(default={}, repr=False)
    replica: str = ""
    environ: dict[str, str] = Field(default={}, repr=False)
    folder: str = ""
    container: str = ""
    engine: str = ""
    api: str = ""
    address: str = ""


class Check(Model):
    """One condition that rw needs, and how it stands.

    :param status: ``warn`` is something that will bite sooner or later, ``fail`` what does not work now.
    :param fix: the command to type; empty when nothing is to be done.
    """

    id: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    fix: str = ""


class CheckOrder(Order):
    """The body of ``POST /v1/checks``."""

    environ: dict[str, str] = Field(default={}, repr=False)


class DaemonInfo(Model):
    """Who answers on the socket."""

    version: str
    pid: int
    home: str
    started_at: datetime
    busy: bool = False
    """An operation is queued or running: a newer command leaves it alone until then."""
    previous_end: str = ""
    """``stopped``, ``killed`` or empty: how the daemon before this one ended."""
