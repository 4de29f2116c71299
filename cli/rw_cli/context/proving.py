"""A proof: what happens to the requests of a service while it is redeployed, its replica and the daemon are killed, and it is rolled back.

The load goes on through all of it, and each phase is a part of it with the quiet time before and after. At the end the release
serves that served at the beginning.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rw_cli import launcher
from rw_cli.client import Json
from rw_cli.context.following import SETTLED, new_key, order
from rw_cli.context.load import Figures, Load, Sample
from rw_cli.context.session import Session
from rw_shared.errors import DeploymentFailedError, RwError, ServiceNotFoundError, UsageError, WaitTimedOutError

QUIET_SECONDS = 1.5
POLL_SECONDS = 0.05
RESTORE_SECONDS = 120.0
WORKERS = 8


class Proof:
    """One run. ``ServiceNotFoundError``, ``UsageError``: there is nothing that load can be put on.

    :param rate: requests a second. :param seconds: the load ends after so long; phases that are not done by then are not proven.
    """

    def __init__(self, session: Session, service: str, *, rate: float, seconds: float, path: str, skipped: frozenset[str]) -> None:
        self._session, self._seconds = session, seconds
        self._skipped = skipped | ({"rollback"} if "redeploy" in skipped else set())  # nothing newer to come back from
        self._place = session.place()
        self._before = self._find(service)
        self._ordered: dict[str, Any] = {}
        """What was ordered last, until it is settled."""
        self.service: str = self._before["name"]
        if not self._before.get("url") or not self._before["serving"]:
            raise UsageError(f"{self.service} answers no requests.", hint="`rw status` shows what serves, and where.")
        self._load = Load(self._before["url"].rstrip("/") + path, rate=rate, workers=WORKERS, seconds=seconds, limit=int(rate * seconds))

    def run(self) -> Json:
        """Do it all and return what came of it; the release that served before serves afterwards, whatever happened.

        At Ctrl-C as well, which is raised then; a second one ends it at once.
        """
        with self._load:
            try:
                phases = self._phases()
            except KeyboardInterrupt:
                self._leave()
                raise
        return self._result([one if one["status"] == "skipped" else self._summed(one) for one in phases])

    def _phases(self) -> list[Json]:
        actions: dict[str, Callable[[], None]] = {
            "redeploy": lambda: self._order("redeploy"), "replica": self._kill_replica, "daemon": self._kill_daemon,
            "rollback": lambda: self._order("rollback"),
        }  # fmt: skip
        phases: list[Json] = []
        self._deadline = time.monotonic() + self._seconds
        time.sleep(QUIET_SECONDS)
        self._load.begin()
        try:
            for name, action in actions.items():
                phases.append({"name": name, "status": "skipped"} if name in self._skipped else self._phase(name, action))
        except Exception:
            self._restore()
            raise
        self._restore()
        return phases

    def _phase(self, name: str, action: Callable[[], None]) -> Json:
        self._session.say(f"{name} …")
        begin = time.monotonic()
        status = "done"
        try:
            action()
        except WaitTimedOutError:
            status = "too slow"
        except DeploymentFailedError as error:
            self._session.say(f"{name}: {error.message}")
            status = "failed"
        end = time.monotonic()
        time.sleep(QUIET_SECONDS)
        return {"name": name, "status": status, "begin": begin, "end": end}

    def _summed(self, phase: Json) -> Json:
        begin, end = phase["begin"], phase["end"]
        samples = self._load.between(begin, end + QUIET_SECONDS)
        in_flight = sum(self._is_in_flight(one) for one in samples) if phase["name"] == "replica" else 0
        figures = Figures.of([one for one in samples if phase["name"] != "replica" or not self._is_in_flight(one)])
        return {
            "name": phase["name"], "status": phase["status"], "seconds": round(end - begin, 2), "requests": len(samples),
            "failed": sum(figures.failed.values()), "kinds": figures.failed, "inFlight": in_flight,
            "before": self._times(begin - QUIET_SECONDS, begin), "during": self._times(begin, end),
            "after": self._times(end, end + QUIET_SECONDS),
        }  # fmt: skip

    def _is_in_flight(self, sample: Sample) -> bool:
        """The killed replica had begun to answer it: the edge repeats every other GET, and so this is no loss of the edge's."""
        began, ended = sample.due, sample.due + sample.seconds
        return sample.kind == "reset" and began < self._killed[1] and ended > self._killed[0]

    def _times(self, begin: float, end: float) -> Json:
        found = Figures.of(self._load.between(begin, end))
        return {"requests": found.requests, "p50Ms": round(found.p50, 2), "p99Ms": round(found.p99, 2)}

    def _result(self, phases: list[Json]) -> Json:
        now = self._find(self.service)
        in_flight = sum(one.get("inFlight", 0) for one in phases)
        failed = len(self._load.failures) - in_flight
        is_whole = all(one["status"] in {"done", "skipped"} for one in phases)
        return {
            "service": self.service, "url": self._before["url"], "phases": phases, "requests": self._load.requests, "failed": failed,
            "inFlight": in_flight, "proven": failed == 0 and is_whole, "servedVersion": self._before["version"],
            "servingVersion": now["version"], "restored": now["serving"] == self._before["serving"],
        }  # fmt: skip

    # --- what happens to it

    def _order(self, kind: str, *, deadline: float = 0) -> None:
        body = {"kind": kind, "deployment": self._before["serving"], "services": [self.service]}
        self._ordered = {"idempotencyKey": new_key(), **body}
        identity = order(self._session, self._place, self._ordered)["id"]
        operation = self._settled(identity, deadline=deadline or self._deadline)
        if operation["status"] != "succeeded":
            raise RwError.from_wire(operation["error"]) if operation.get("error") else DeploymentFailedError(f"{kind} failed.")

    def _settled(self, identity: str, *, deadline: float) -> Json:
        """Return an operation once it is settled."""
        operation: Json = {}

        def is_settled() -> bool:
            nonlocal operation
            operation = self._session.client.call("GET", f"/v1/operations/{identity}")
            return operation["status"] in SETTLED

        self._until(is_settled, identity, deadline=deadline)
        self._ordered = {}
        return operation

    def _kill_replica(self) -> None:
        begin = time.monotonic()
        place = f"{self._place}/services/{self.service}/replicas/0/kill"
        killed = self._session.client.call("POST", place)["id"]
        self._killed = (begin, time.monotonic())

        def is_back() -> bool:
            found = self._find(self.service)
            running = [one["id"] for one in found["replicas"] if one["state"] == "running"]
            return killed not in running and len(running) >= found["replicasWanted"]

        self._until(is_back, "", deadline=self._deadline)

    def _kill_daemon(self) -> None:
        pid = launcher.holder(self._session.home)
        if pid:
            os.kill(pid, signal.SIGKILL)
            launcher.wait_for_end(self._session.home, pid)
        self._session.client.call("GET", "/v1/daemon")  # starts it again
        self._until(lambda: self._find(self.service)["status"] == "active", "", deadline=self._deadline)

    def _restore(self) -> None:
        """Bring back what served before, outside the figures, when the phases have not. What is still under way is cancelled first."""
        deadline = time.monotonic() + RESTORE_SECONDS
        if self._ordered:
            with suppress(RwError):  # settled meanwhile
                identity = order(self._session, self._place, self._ordered)["id"]  # by its key the same one, had it got there or not
                self._session.client.call("POST", f"/v1/operations/{identity}/cancel")
                self._settled(identity, deadline=deadline)
        if self._find(self.service)["serving"] != self._before["serving"]:
            with suppress(RwError):  # the result says which release serves
                self._order("rollback", deadline=deadline)

    def _leave(self) -> None:
        """End early, with what served before; a second Ctrl-C is told what it leaves."""
        version = f"v{self._before['version']}"
        try:
            self._session.say(f"Stopped; {version} of {self.service} is brought back. Ctrl-C again ends at once.")
            self._restore()
        except KeyboardInterrupt:
            back = f"`rw deployments rollback {version}` brings {version} back"
            self._session.say(f"Ended; what was ordered may go on, and another release may serve: `rw status` shows which, {back}.")
            raise
        now = self._find(self.service)
        is_back = now["serving"] == self._before["serving"]
        self._session.say(f"v{now['version']} of {self.service} serves{', as before' if is_back else f'; before it was {version}'}.")
        self._session.result({"status": "interrupted", "servingVersion": now["version"], "restored": is_back}, "")

    def _until(self, condition: Callable[[], bool], operation: str, *, deadline: float) -> None:
        while not condition():
            if time.monotonic() > deadline:
                raise WaitTimedOutError(seconds=self._seconds, operation=operation)
            time.sleep(POLL_SECONDS)

    def _find(self, name: str) -> Json:
        services = self._session.client.call("GET", self._place)["services"]
        found = [one for one in services if one["name"] == name or (not name and len(services) == 1)]
        if not found:
            raise ServiceNotFoundError(name or "(none was named)", candidates=[one["name"] for one in services])
        return dict(found[0])
