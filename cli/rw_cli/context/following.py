"""Following an operation until the state stored in the daemon says that it is settled. Streams only show the way there."""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from rw_cli.client import Client, Json
from rw_cli.context.session import Session, path_of
from rw_cli.render.progress import Progress, row_of
from rw_shared.errors import DeploymentFailedError, RwError, WaitTimedOutError

SETTLED = {"succeeded", "failed", "cancelled"}
LOOK_SECONDS = 1.0  # how often the stored state is asked when no event says anything
TICK_SECONDS = 0.1
INTERRUPTED = 130
Show = Callable[[Json], None]


def order(session: Session, place: str, body: Mapping[str, Any]) -> Json:
    """Give an order and return its Operation; safe to be sent again, by its key."""
    whole = {"environ": session.environ, "idempotencyKey": secrets.token_hex(12), **body}
    return session.client.call("POST", f"{place}/operations", body=whole)


def last_cursor(client: Client, place: str) -> int:
    """Return where the log stands; 0 for an environment that is only about to be."""
    project, environment = path_of(place)
    with suppress(RwError):
        found = client.call("GET", "/v1/logs", query={"project": project, "environment": environment, "n": 1})["items"]
        return int(found[-1]["cursor"]) if found else 0
    return 0


class Following:
    """The rows of one operation: two threads read streams, the caller's thread takes rows and looks at the stored state."""

    def __init__(self, client: Client, operation: Json, *, cursor: int) -> None:
        self.operation = operation
        self._client, self._cursor, self._rows = client, cursor, queue.SimpleQueue[Json]()
        self._done = threading.Event()
        self._deployments: set[str] = set(operation.get("deployments", ()))
        self._held: list[Json] = []
        scope = {"project": operation["project"], "environment": operation["environment"]}
        self._streams = (
            ("/v1/events/stream", {"operation": operation["id"], "after": 0}, "sequence"),
            ("/v1/logs/stream", {**scope, "after": cursor}, "cursor"),
        )

    def rows(self, *, timeout_seconds: float = 0) -> Iterator[Json]:
        """Yield rows until the operation is settled, an empty one at each tick; ``WaitTimedOutError``."""
        for path, query, cursor in self._streams:
            threading.Thread(target=self._read, args=(path, query, cursor), daemon=True).start()
        begun = looked = time.monotonic()
        try:
            while True:
                row = self._next()
                yield from self._fitting(row)
                now = time.monotonic()
                if row.get("name") == "operation.settled" or now - looked > LOOK_SECONDS:
                    looked = now
                    self.operation = self._client.call("GET", f"/v1/operations/{self.operation['id']}")
                    self._deployments |= set(self.operation["deployments"])
                if self.operation["status"] in SETTLED:
                    yield from self._rest()
                    return
                if timeout_seconds and now - begun > timeout_seconds:
                    raise WaitTimedOutError(seconds=timeout_seconds, operation=self.operation["id"])
        finally:
            self._done.set()

    def _next(self) -> Json:
        try:
            return self._rows.get(timeout=TICK_SECONDS)
        except queue.Empty:
            return {}

    def _read(self, path: str, query: Json, cursor: str) -> None:
        with suppress(RwError, OSError):  # the stored state decides; a stream that cannot be had takes nothing away from it
            for row in self._client.stream(path, query=query, cursor=cursor, ended=self._done.is_set):
                self._rows.put(row)

    def _fitting(self, row: Json) -> Iterator[Json]:
        if row.get("type") != "log":
            if row.get("name") == "deployment.created":
                self._deployments.add(row["data"]["deployment"])
            yield row
            return
        self._cursor = max(self._cursor, row["cursor"])
        if row["deployment"] in self._deployments:
            yield row

    def _rest(self) -> Iterator[Json]:
        """Yield what was written before the end and has not come by stream yet."""
        while not self._rows.empty():
            yield from self._fitting(self._rows.get())
        scope = {"project": self.operation["project"], "environment": self.operation["environment"]}
        with suppress(RwError):
            for row in self._client.call("GET", "/v1/logs", query={**scope, "after": self._cursor, "n": 1000})["items"]:
                yield from self._fitting(row)


def follow(session: Session, place: str, operation: Json, *, cursor: int, timeout_seconds: float = 0) -> int:
    """Show an operation until it is settled, then its result; returns the exit status."""
    begun = time.monotonic()
    following = Following(session.client, operation, cursor=cursor)
    error: RwError | None = None
    status = ""
    if session.is_json:
        session.row({"schema": "rw/v1", "type": "event", "name": "operation.followed", "operation": operation["id"]})
    try:
        _show(session, following, timeout_seconds=timeout_seconds)
    except WaitTimedOutError as late:
        error, status = late, "running"
    except KeyboardInterrupt:
        return _interrupted(session, following.operation)
    if error is None:
        error = _error(session, following.operation)
    return _finish(session, place, following.operation, error=error, status=status, seconds=time.monotonic() - begun)


def _show(session: Session, following: Following, *, timeout_seconds: float) -> None:
    progress = Progress()
    if session.is_live:
        from rw_cli.context.live import show  # lazy: rich takes 60 ms

        show(progress, following.rows(timeout_seconds=timeout_seconds))
        return
    for row in following.rows(timeout_seconds=timeout_seconds):
        if row and session.is_json:
            session.row(row_of(row))
        for line in progress.take(row):
            session.say(line)


def _interrupted(session: Session, operation: Json) -> int:
    session.say(f"Stopped following; the operation goes on. Ctrl-C again cancels it, or `rw deployments cancel {operation['id']}`.")
    try:
        time.sleep(1.5)
    except KeyboardInterrupt:
        session.client.call("POST", f"/v1/operations/{operation['id']}/cancel")
        session.say("Cancelled.")
    if session.is_json:
        session.row({"schema": "rw/v1", "type": "result", "status": "interrupted", "operation": operation["id"]})
    return INTERRUPTED


def _error(session: Session, operation: Json) -> RwError | None:
    """Return why the operation did not succeed: the failed deployment's words say more than the operation's."""
    if operation["status"] == "succeeded":
        return None
    for name in operation["deployments"]:
        deployment = session.client.call("GET", f"/v1/deployments/{name}")
        if deployment.get("error"):
            return RwError.from_wire(deployment["error"])
    return (
        RwError.from_wire(operation["error"])
        if operation.get("error")
        else DeploymentFailedError(f"The operation was {operation['status']}.")
    )


def _finish(session: Session, place: str, operation: Json, *, error: RwError | None, status: str, seconds: float) -> int:
    deployments = {name: session.client.call("GET", f"/v1/deployments/{name}") for name in operation["deployments"]}
    services = {one["name"]: one for one in session.client.call("GET", place)["services"]}
    made = {one["service"]: one for one in deployments.values()}
    rows = []
    for name in operation["services"]:
        service = services.get(name, {})
        kept = None if name in made or not service.get("serving") else session.client.call("GET", f"/v1/deployments/{service['serving']}")
        deployment = made.get(name) or ({**kept, "changed": False} if kept else None)
        if deployment is not None:
            rows.append(_service(deployment, service))
    names = {"succeeded": "active"}
    if session.is_json:
        result: Json = {"schema": "rw/v1", "type": "result", "status": status or names.get(operation["status"], operation["status"]),
                        "operation": operation["id"], "services": rows, "durationMs": round(seconds * 1000)}  # fmt: skip
        session.row(result if error is None else {**result, "error": error.to_wire()})
    elif error is not None:
        session.fail(error)
    else:
        _tell(session, rows)
    return error.exit_code if error else 0


def _tell(session: Session, rows: list[Json]) -> None:
    if rows and not any(row["changed"] for row in rows):
        session.say("Nothing changed; this version already runs.")
    session.result({}, "\n".join(row["url"] for row in rows if row["url"]))


def _service(deployment: Json, service: Json) -> Json:
    artifact = deployment.get("artifact") or {}
    return {
        "name": deployment["service"], "status": deployment["status"], "url": service.get("url", ""), "urls": service.get("urls", []),
        "deployment": deployment["id"], "version": deployment["version"], "image": artifact.get("reference", ""),
        "imageBytes": artifact.get("sizeBytes", 0), "changed": deployment["changed"],
    }  # fmt: skip
