"""Following an operation until the state stored in the daemon says that it is settled. Streams only show the way there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NoReturn, Protocol

import typer

from rw_cli.client import Client, Json
from rw_cli.context.monitoring import watch
from rw_cli.context.outcomes import Outcome, outcome_of
from rw_cli.context.rows import Rows, Stream
from rw_cli.context.session import Session, path_of
from rw_cli.render.progress import BEGUN, WAITING, Progress, row_of
from rw_shared.errors import RwError, WaitTimedOutError

SETTLED = {"succeeded", "failed", "cancelled"}
LOOK_SECONDS = 1.0  # how often the stored state is asked when no event says anything
ANSWER_SECONDS = 20.0  # such a question is answered within milliseconds: a daemon that takes longer hangs, or was stopped
INTERRUPTED = 130


class View(Protocol):
    """What plain lines an operation is told in."""

    def take(self, row: Json) -> list[str]:
        """Return what a row says; an empty row says nothing."""
        ...

    def finish(self, error: RwError | None) -> list[str]:
        """Return what comes behind the last row."""
        ...


def new_key() -> str:
    """Return a key by which an order that is sent again is known. Not ``secrets``: that imports OpenSSL for 13 ms."""
    return os.urandom(12).hex()


def order(session: Session, place: str, body: Mapping[str, Any]) -> Json:
    """Give an order and return its Operation; safe to be sent again, by its key."""
    whole = {"environ": session.environ, "idempotencyKey": new_key(), **body}
    return session.client.call("POST", f"{place}/operations", body=whole)


def again(session: Session, kind: str, name: str, service: str) -> NoReturn:
    """Have a release deployed once more (``kind``: redeploy or rollback), follow it, and exit as it ends."""
    place = session.place()
    cursor = last_cursor(session.client, place)
    operation = order(session, place, {"kind": kind, "deployment": name, "services": [service] if service else []})
    raise typer.Exit(follow(session, place, operation, cursor=cursor).exit_code)


def last_cursor(client: Client, place: str) -> int:
    """Return where the log stands; 0 for an environment that is only about to be."""
    project, environment = path_of(place)
    with suppress(RwError):
        found = client.call("GET", "/v1/logs", query={"project": project, "environment": environment, "n": 1})["items"]
        return int(found[-1]["cursor"]) if found else 0
    return 0


class Following:
    """The rows of one operation, from streams, with a look at the stored state now and then."""

    def __init__(self, client: Client, operation: Json, *, cursor: int) -> None:
        self.operation = operation
        self._client, self._cursor = client, cursor
        self._deployments: set[str] = set(operation.get("deployments", ()))
        self.is_waiting = False
        """Whether it waits for others, as far as is known."""
        self._scope = {"project": operation["project"], "environment": operation["environment"]}

    def rows(self, *, timeout_seconds: float = 0) -> Iterator[Json]:
        """Yield rows until the operation is settled, an empty one at each tick; ``WaitTimedOutError``."""
        streams: list[Stream] = [
            ("/v1/events/stream", {"operation": self.operation["id"], "after": 0}, "sequence"),
            ("/v1/logs/stream", {**self._scope, "after": self._cursor}, "cursor"),
        ]
        begun = looked = time.monotonic()
        with Rows(self._client, streams) as rows:
            while True:
                row = rows.next()
                yield from self._fitting(row)
                now = time.monotonic()
                if row.get("name") == "operation.settled" or now - looked > LOOK_SECONDS:
                    looked = now
                    self.operation = self._client.call("GET", f"/v1/operations/{self.operation['id']}", seconds=ANSWER_SECONDS)
                    self._deployments |= set(self.operation["deployments"])
                if self.operation["status"] in SETTLED:
                    yield from self._rest(rows)
                    return
                if timeout_seconds and now - begun > timeout_seconds:
                    raise WaitTimedOutError(seconds=timeout_seconds, operation=self.operation["id"])

    def _fitting(self, row: Json) -> Iterator[Json]:
        if row.get("type") != "log":
            if row.get("name") == "deployment.created":
                self._deployments.add(row["data"]["deployment"])
            if row.get("name") in {WAITING, BEGUN}:
                self.is_waiting = row["name"] == WAITING
            yield row
            return
        self._cursor = max(self._cursor, row["cursor"])
        if row["deployment"] in self._deployments:
            yield row

    def _rest(self, rows: Rows) -> Iterator[Json]:
        """Yield what was written before the end and has not come by stream yet."""
        for row in rows.rest():
            yield from self._fitting(row)
        with suppress(RwError):
            for row in self._client.call("GET", "/v1/logs", query={**self._scope, "after": self._cursor, "n": 1000})["items"]:
                yield from self._fitting(row)


def follow(
    session: Session,
    place: str,
    operation: Json,
    *,
    cursor: int,
    timeout_seconds: float = 0,
    view: View | None = None,
    is_watched: bool = False,
) -> Outcome:
    """Show an operation until it is settled, then its result.

    :param view: how it is told in lines; without one a terminal gets the live view.
    :param is_watched: wait for the watch of what was released, too: a release that is taken back by then is the result.
    """
    begun = time.monotonic()
    following = Following(session.client, operation, cursor=cursor)
    late: RwError | None = None
    if session.is_json:
        session.row({"schema": "rw/v1", "type": "event", "name": "operation.followed", "operation": operation["id"]})
    lines = view or Progress()
    try:
        _show(session, following, timeout_seconds=timeout_seconds, lines=lines, is_live=view is None and session.is_live)
        if is_watched and following.operation["status"] == "succeeded":
            left = max(timeout_seconds - (time.monotonic() - begun), 1.0) if timeout_seconds else 0
            watch(session, following.operation, lines.take, timeout_seconds=left)
    except WaitTimedOutError as error:
        late = error
    except KeyboardInterrupt:
        return _interrupted(session, following)
    outcome = outcome_of(session.client, place, following.operation, late=late, seconds=time.monotonic() - begun)
    for line in lines.finish(outcome.error):
        session.mark(line)
    _tell(session, outcome)
    return outcome


def _show(session: Session, following: Following, *, timeout_seconds: float, lines: View, is_live: bool) -> None:
    if is_live:
        from rw_cli.context.live import show  # lazy: rich takes 60 ms

        show(Progress(), following.rows(timeout_seconds=timeout_seconds))
        return
    for row in following.rows(timeout_seconds=timeout_seconds):
        if row and session.is_json:
            session.row(row_of(row))
        for line in lines.take(row):
            session.mark(line)


def _interrupted(session: Session, following: Following) -> Outcome:
    operation = following.operation
    goes_on = "waits on, and begins when it is its turn" if following.is_waiting else "goes on"
    session.say(f"Stopped following; the operation {goes_on}. Ctrl-C again cancels it, or `rw deployments cancel {operation['id']}`.")
    try:
        time.sleep(1.5)
    except KeyboardInterrupt:
        session.client.call("POST", f"/v1/operations/{operation['id']}/cancel")
        session.say("Cancelled.")
    result = {"schema": "rw/v1", "type": "result", "status": "interrupted", "operation": operation["id"], "services": []}
    if session.is_json:
        session.row(result)
    return Outcome(result, None, INTERRUPTED)


def _tell(session: Session, outcome: Outcome) -> None:
    if session.is_json:
        session.row(outcome.result)
    elif outcome.error is not None:
        session.fail(outcome.error)
    else:
        for line in outcome.said:
            session.say(line)
        session.result({}, "\n".join(row["url"] for row in outcome.result["services"] if row["url"]))
