"""The files that Envoy watches: replaced by rename, in force when its admin socket says so, put back when it refused."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from rw_daemon.clock import Clock
from rw_daemon.edge import documents
from rw_daemon.edge.admin import Admin
from rw_shared.errors import EdgeFailedError

LOOK_SECONDS = 0.003  # between two looks whether a change is in force: that takes 1 to 5 ms
FORCE_SECONDS = 10.0
LOG_CHARACTERS = 400

Resources = list[dict[str, Any]]
STATS = {"cds": "cluster_manager.cds", "lds": "listener_manager.lds", "rds": f"rds.{documents.ROUTES}"}


class Watched:
    """One folder's ``cds.json``, ``lds.json``, ``rds.json``."""

    def __init__(self, folder: Path, *, admin: Admin, clock: Clock) -> None:
        self._folder, self._admin, self._clock = folder, admin, clock
        self._seen: dict[str, Any] = {}  # what Envoy said last of all three

    def path(self, name: str) -> Path:
        """Return the file of a document."""
        return self._folder / f"{name}.json"

    def write(self, name: str, resources: Resources) -> None:
        """Replace a document by rename: a write in place is not noticed."""
        self._replace(name, json.dumps(documents.dynamic(resources)))

    def resources(self, name: str) -> Resources:
        """Return what a file holds; nothing when there is none, or half of one."""
        with suppress(OSError, ValueError, KeyError):
            found: Resources = json.loads(self.path(name).read_text())["resources"]
            return found
        return []

    async def look(self) -> None:
        """Ask Envoy what is in force: before the first ``put`` after somebody else may have changed something."""
        self._seen = await self._admin.stats("|".join(STATS.values()))

    def is_in_force(self, name: str, resources: Resources) -> bool:
        """Return whether a document was in force when Envoy was asked last."""
        return _has(self._seen, STATS[name], documents.version_of(resources))

    def in_force(self, name: str) -> Resources:
        """Return what a file holds if Envoy took it. A daemon that was killed may have left one behind that was refused."""
        resources = self.resources(name)
        return resources if self.is_in_force(name, resources) else []

    async def put(self, name: str, resources: Resources) -> None:
        """Write a document unless it is in force, and return once it is.

        :raises EdgeFailedError: it was refused. The file from before is back, so that an Envoy that is started anew does not stumble.
        """
        if self.is_in_force(name, resources):
            return
        stat = STATS[name]
        refused, before = _refusals(self._seen, stat), self._text(name)
        self.write(name, resources)
        deadline = self._clock.monotonic() + FORCE_SECONDS
        while True:
            await self._clock.sleep(LOOK_SECONDS)  # first: a look costs the processor what a hundred requests do
            await self.look()
            if self.is_in_force(name, resources):
                return
            if _refusals(self._seen, stat) > refused or self._clock.monotonic() > deadline:
                if before:
                    self._replace(name, before)
                raise EdgeFailedError(f"{name} was not taken: {self.log_tail(LOG_CHARACTERS)}", log=str(self._folder / "envoy.log"))

    def log_tail(self, characters: int) -> str:
        """Return the end of Envoy's own log: there it says what it did not like."""
        with suppress(OSError):
            return (self._folder / "envoy.log").read_text(errors="replace")[-characters:].strip()
        return ""

    def _text(self, name: str) -> str:
        with suppress(OSError):
            return self.path(name).read_text()
        return ""

    def _replace(self, name: str, text: str) -> None:
        partial = self._folder / f"{name}.partial"
        partial.write_text(text)
        partial.replace(self.path(name))


def _has(stats: dict[str, Any], stat: str, version: str) -> bool:
    """Return whether everything that reads the document has this version: listeners may share a subscription or have their own."""
    found = [value for key, value in stats.items() if key.endswith(f"{stat}.version_text")]
    return bool(found) and all(value == version for value in found)


def _refusals(stats: dict[str, Any], stat: str) -> int:
    return sum(int(value) for key, value in stats.items() if key.endswith((f"{stat}.update_rejected", f"{stat}.update_failure")))
