"""Waiting for the watch of a release, which goes on after its deployment is active."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from rw_cli.client import Client, Json
from rw_cli.context.session import Session
from rw_cli.render.progress import row_of
from rw_shared.errors import WaitTimedOutError

LOOK_SECONDS = 1.0
BEGUN, OVER = "rollout.watched", "rollout.watch_ended"


def watch(session: Session, operation: Json, lines: Callable[[Json], list[str]], *, timeout_seconds: float) -> None:
    """Show the verdicts on an operation's releases until none of them is watched any more; ``WaitTimedOutError``."""
    until = time.monotonic() + timeout_seconds
    for deployment in operation["deployments"]:
        after, is_going_on = 0, False
        while True:
            for event in _events(session.client, deployment, after=after):
                after = event["sequence"]
                is_going_on = (is_going_on or event["name"] == BEGUN) and event["name"] != OVER
                if event["name"] == OVER or event["data"].get("share") == 100:
                    _tell(session, event, lines)
            if not is_going_on:
                break
            if timeout_seconds and time.monotonic() > until:
                raise WaitTimedOutError(seconds=timeout_seconds, operation=operation["id"])
            time.sleep(LOOK_SECONDS)


def _tell(session: Session, event: Json, lines: Callable[[Json], list[str]]) -> None:
    if session.is_json:
        session.row(row_of(event))
    for line in lines(event):
        session.mark(line)


def _events(client: Client, deployment: str, *, after: int) -> Iterator[Json]:
    while True:
        page = client.call("GET", "/v1/events", query={"deployment": deployment, "after": after, "limit": 1000})
        yield from page["items"]
        if not page.get("next"):
            return
        after = int(page["next"])
