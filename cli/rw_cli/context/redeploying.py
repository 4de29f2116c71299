"""``rw up --watch``: each change that rests becomes a deployment, and the newest one cancels the one before it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from rw_cli.client import Json
from rw_cli.context.following import INTERRUPTED, LOOK_SECONDS, SETTLED, last_cursor, order
from rw_cli.context.outcomes import Outcome, outcome_of
from rw_cli.context.rows import Rows, Stream
from rw_cli.context.session import SCHEMA, Session, path_of
from rw_cli.context.watching import Watcher
from rw_cli.render.changes import action, changed_text, migrating
from rw_cli.render.progress import Progress, row_of
from rw_cli.render.text import error_text
from rw_shared.errors import DaemonUnreachableError, RwError

OFTEN = 5
"""A file that changed this often alone is probably written by a program: it is said how to leave it out."""


class Redeploying:
    """One run of ``rw up --watch``.

    :param body: the order of each deployment, without its snapshot.
    :param keep: leave running what was not running before, too.
    """

    def __init__(self, session: Session, path: str, body: Mapping[str, Any], *, keep: bool) -> None:
        self._session, self._client, self._path, self._body = session, session.client, path, body
        self._place, self._root = session.place(path), session.context(path)
        self._keep = keep or bool(self._serving())
        self._watcher = Watcher(self._root, say=session.say)
        self._progress, self._often = Progress(), Counter[str]()
        self._digest, self._said, self._secret = "", "", self._stamp()
        self._operation: Json = {}
        self._began = self._looked = 0.0

    def run(self) -> int:
        """Watch until Ctrl-C; returns the exit status."""
        project, environment = path_of(self._place)
        scope = {"project": project, "environment": environment}
        streams: list[Stream] = [
            ("/v1/logs/stream", {**scope, "after": last_cursor(self._client, self._place)}, "cursor"),
            ("/v1/events/stream", scope, "sequence"),
        ]
        if self._session.is_json:
            self._session.row({"schema": SCHEMA, "type": "event", "name": "watch.started", **scope})
        try:
            with Rows(self._client, streams) as rows:
                self._look()
                while True:
                    self._show(rows.next())
                    if self._watcher.changed():
                        self._look()
                    self._settle()
        except KeyboardInterrupt:
            return self._stop()
        finally:
            self._watcher.close()

    def _serving(self) -> list[Json]:
        with suppress(RwError):
            return [one for one in self._client.call("GET", self._place)["services"] if one["serving"]]
        return []

    # --- a change

    def _look(self) -> None:
        """Take the folder as it is now, and deploy it where its content is another than before."""
        began = time.monotonic()
        try:
            taken = self._session.take(self._path, since=self._digest, folders=True)
            self._watcher.over(taken["folders"], took_seconds=time.monotonic() - began)
            self._left_out()
            if taken["digest"] == self._digest:
                return
            self._cancel()
            self._began = began
            self._operation = order(self._session, self._place, {**self._body, "snapshot": taken["digest"]})
        except DaemonUnreachableError:
            raise
        except RwError as error:  # a manifest that is half written, a folder that is not there just now: the next change mends it
            self._tell_error(error)
            return
        is_first, self._digest, self._said = not self._digest, taken["digest"], ""
        if not is_first:
            self._explain(taken["changes"])

    def _left_out(self) -> None:
        """Say once for each change of ``.env`` that it reaches no release: who edits it waits for something to happen."""
        before, self._secret = self._secret, self._stamp()
        if self._secret != before:
            self._remark(
                ".env changed, and no release reads it: it is never taken along. "
                "Put what is no secret under [variables] in railway.toml; `rw run` reads what your shell exports."
            )

    def _remark(self, words: str) -> None:
        if self._session.is_json:
            self._session.row({"type": "event", "name": "watch.remarked", "message": words})
        self._session.say(words)

    def _stamp(self) -> tuple[int, int]:
        try:
            found = (self._root / ".env").stat()
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size)

    def _cancel(self) -> None:
        """End the deployment under way; one that was quicker stays as it is."""
        under_way, self._operation = self._operation, {}
        if under_way:
            with suppress(RwError):
                self._client.call("POST", f"/v1/operations/{under_way['id']}/cancel")

    def _explain(self, changes: list[Json]) -> None:
        made = self._operation["deployments"]
        plan = self._client.call("GET", f"/v1/deployments/{made[0]}")["plan"] if made else {}
        done, why = action(changes, plan or {})
        if self._session.is_json:
            files = [one["path"] for one in changes]
            self._session.row({"type": "event", "name": "watch.changed", "files": files, "action": done, "why": why,
                               "operation": self._operation["id"]})  # fmt: skip
        self._session.say(f"{changed_text(changes)} → {done}: {why}")
        if words := migrating(changes, plan or {}):
            self._remark(words)
        if len(changes) == 1:
            path = changes[0]["path"]
            self._often[path] += 1
            if self._often[path] == OFTEN:
                self._session.say(f"{path} changes often. If a program writes it: echo '/{path}' >> .railwayignore")

    # --- what is seen meanwhile

    def _show(self, row: Json) -> None:
        if row and self._session.is_json:
            self._session.row(row_of(row))
        for line in self._progress.take(row):
            self._session.mark(line)
        if row.get("name") == "operation.settled":
            self._looked = 0.0

    def _settle(self) -> None:
        """Tell the outcome of the operation under way once it has one."""
        if not self._operation or time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        found = self._client.call("GET", f"/v1/operations/{self._operation['id']}")
        if found["status"] in SETTLED:
            self._operation, self._progress.is_brief = {}, True
            self._tell(outcome_of(self._client, self._place, found, late=None, seconds=time.monotonic() - self._began))

    def _tell(self, outcome: Outcome) -> None:
        if self._session.is_json:
            self._session.row({**outcome.result, "type": "event", "name": "watch.settled"})
        elif outcome.error is not None:
            kept = "The version before it still serves; " if self._serving() else ""
            self._session.mark(f"{error_text(outcome.error)}{kept}watching for the next change.")
        else:
            urls = [one["url"] for one in outcome.result["services"] if one["url"]]
            words = f"{' '.join(urls) or 'It'} {'run' if len(urls) > 1 else 'runs'} this version"
            self._session.say(f"✓ {words}, {outcome.result['durationMs'] / 1000:.2f} s after the change was seen.")

    def _tell_error(self, error: RwError) -> None:
        text = error_text(error)
        if text != self._said:
            self._said = text
            self._session.mark(text.rstrip("\n"))

    # --- the end

    def _stop(self) -> int:
        """What ran before goes on in its newest version; what this command brought up goes with it."""
        if self._keep:
            self._session.say("Stopped watching; what runs goes on. `rw down` ends it.")
        else:
            self._session.say("Taking down what this command brought up (`--keep` leaves it) …")
            with suppress(KeyboardInterrupt):
                self._cancel()
                order(self._session, self._place, {"kind": "down"})
        if self._session.is_json:
            self._session.row({"schema": SCHEMA, "type": "result", "status": "interrupted"})
        return INTERRUPTED
