"""The long run: a service is redeployed, rolled back and its rollouts are aborted under constant load, and no request may fail.

Kept and fresh connections, HTTP/1.1 and HTTP/2, GETs and POSTs; an upload and a download of 50 MB and 500 WebSockets are always open.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.apps import SERVER, at_home
from bench.figures import Figure, Run
from bench.loader import Loader
from bench.sockets import Sockets, too_early
from bench.windows import Window, switch, within
from e2e.conftest import Rw

from rw_cli.client import Client
from rw_cli.context.load import Figures, Sample
from rw_shared.paths import Home

DRAIN_SECONDS = 30.0
QUIET_SECONDS = 10.0
SETTLED_SECONDS = 0.5
"""After a shift is in force: connections to the new release are made then."""
LONGEST_SECONDS = 1_500
SHOWN = 5
SHARE_SECONDS = 60.0
WORDS = {"redeploy": "redeployments", "rollback": "rollbacks", "abort": "aborted rollouts"}
GRADUAL = "[deploy.rollout]\nstrategy = 'gradual'\nsteps = [10, 50, 100]\nstepSeconds = 60\n"
SWITCHES = 10
SWITCH_RATE = 1_000
REST_SECONDS = 10.0
RESTED_SECONDS = 3.0
"""Before each command, when nothing of the one before is on its way any more: a machine's own pace changes within minutes."""
PLAIN = {"kept": 8, "fresh": 2, "http2": 2, "echo": "/count"}
LOAD = {"kept": 14, "fresh": 4, "http2": 6, "echo": "/count", "big": 50_000_000}


@dataclass(frozen=True)
class Extent:
    """How long a run is. Every fifth redeployment is followed by a rollback, and every fifth by a rollout that is aborted."""

    redeployments: int
    requests: int
    rate: int
    sockets: int


LONG = Extent(100, 1_001_000, 2_500, 500)
SHORT = Extent(20, 50_000, 800, 100)


@dataclass
class Driver:
    """Does it all to one service, and notes when."""

    rw: Rw
    folder: Path
    serving: str = ""
    version: int = 0
    actions: list[Window] = field(default_factory=list)
    switches: list[Window] = field(default_factory=list)
    replaced: dict[str, float] = field(default_factory=dict)
    """When each release that no longer serves lost its last requests, in seconds since 1970."""

    def begin(self) -> str:
        """Deploy it for the first time, and return its URL."""
        self._change()
        service = self.rw.up(self.folder)["services"][0]
        self.serving = service["deployment"]
        return str(service["url"])

    def do(self, action: str) -> None:
        """Do what an action's name says."""
        began = time.time()
        switched, left = {"redeploy": self._redeploy, "rollback": self._roll_back, "abort": self._abort}[action]()
        self.actions.append(Window(began, time.time()))
        self.switches.append(switched)
        self.replaced[left] = switched.end - SETTLED_SECONDS

    def release(self, railway: str) -> str:
        """Deploy a change with such a file, and return the status that it came to."""
        self._change(railway=railway)
        code, result, _ = self.rw.result("up", str(self.folder))
        [service] = result["services"]
        assert code in {0, 3}, f"{result}\n{self.rw.log_tail()}"
        return str(service["status"])

    def _redeploy(self) -> tuple[Window, str]:
        self._change()
        return self._switched(*self.rw.result("up", str(self.folder)))

    def _roll_back(self) -> tuple[Window, str]:
        return self._switched(*self.rw.result("deployments", "rollback", "--previous", cwd=self.folder))

    def _abort(self) -> tuple[Window, str]:
        self._change(railway=GRADUAL)
        self.rw.ok("up", str(self.folder), "-d")
        deadline = time.monotonic() + SHARE_SECONDS
        while not any(one["share"] for one in self._ask("/rollouts")["items"]):
            assert time.monotonic() < deadline, self.rw.log_tail()
            time.sleep(0.02)
        aborted = self.rw.json("rollout", "abort", cwd=self.folder)
        assert aborted["status"] == "rolled_back", aborted
        shift = next(step for step in aborted["steps"] if step["name"] == "shift")
        return Window.of((shift["startedAt"], shift["endedAt"]), more=SETTLED_SECONDS), aborted["id"]

    def _switched(self, code: int, result: dict[str, Any], rows: Sequence[dict[str, Any]]) -> tuple[Window, str]:
        assert code == 0, f"{result}\n{self.rw.log_tail()}"
        left, self.serving = self.serving, next(one["deployment"] for one in result["services"])
        self.replaced.pop(self.serving, None)
        return switch(rows, more=SETTLED_SECONDS), left

    def _ask(self, what: str) -> dict[str, Any]:
        """Ask the daemon itself: a command of its own would take processor time from what is measured."""
        client = Client(str(Home.of(self.rw.environ, uid=os.geteuid()).socket), ensure=lambda: None)
        return dict(client.call("GET", f"/v1/projects/{self.folder.name}/environments/production{what}"))

    def _change(self, *, railway: str = "") -> None:
        self.version += 1
        (self.folder / "version.go").write_text(f'package main\n\nconst version = "{self.version}"\n')
        (self.folder / "railway.toml").write_text(railway)


def load(run: Run) -> Iterator[Figure]:
    """Requests that failed, and how long answers took before, during and after the switches."""
    extent = SHORT if run.is_short else LONG
    with at_home(run, SERVER, RW_DRAIN_SECONDS=str(DRAIN_SECONDS), RW_WARM_SECONDS="5") as (rw, folder):
        driver = Driver(rw, folder)
        url = driver.begin()
        with (
            Sockets(url, extent.sockets) as sockets,
            Loader(url, rate=extent.rate, least=extent.requests, seconds=LONGEST_SECONDS, **LOAD) as loader,
        ):
            time.sleep(QUIET_SECONDS)
            _spread(actions(extent.redeployments), driver, seconds=extent.requests / extent.rate - 2 * QUIET_SECONDS)
            time.sleep(QUIET_SECONDS)
        words = [one.detail for one in (*loader.requests, *loader.transfers) if one.kind] + sockets.refused
        for line in words[:SHOWN]:
            print(line, file=sys.stderr)
        yield from _failures(extent, loader, sockets, driver)
        first = driver.actions[0].begin
        yield from _times(loader.requests, driver, before=[Window(first - QUIET_SECONDS, first)])


def switches(run: Run) -> Iterator[Figure]:
    """How long answers take while releases change places, with nothing else on the way: no transfer, no WebSocket that comes back."""
    with at_home(run, SERVER, RW_WARM_SECONDS="5") as (rw, folder):
        driver = Driver(rw, folder)
        url = driver.begin()
        with Loader(url, rate=SWITCH_RATE, seconds=LONGEST_SECONDS, **PLAIN) as loader:
            time.sleep(QUIET_SECONDS)
            for _ in range(run.rounds(SWITCHES)):
                driver.do("redeploy")
                time.sleep(REST_SECONDS)
            time.sleep(QUIET_SECONDS)
        before = [Window(one.begin - RESTED_SECONDS, one.begin) for one in driver.actions]
        yield from _times(loader.requests, driver, before=before, load=f"{SWITCH_RATE:,} requests/s, ")


def actions(redeployments: int) -> list[str]:
    """Return what is done, in order."""
    after = {1: ["rollback"], 3: ["abort"]}
    return [action for number in range(redeployments) for action in ("redeploy", *after.get(number % 5, ()))]


def _spread(names: Sequence[str], driver: Driver, *, seconds: float) -> None:
    """Do it all, evenly over the time if there is enough of it."""
    began = time.monotonic()
    for index, name in enumerate(names):
        time.sleep(max(0.0, began + seconds * index / len(names) - time.monotonic()))
        driver.do(name)


def _failures(extent: Extent, loader: Loader, sockets: Sockets, driver: Driver) -> Iterator[Figure]:
    names = actions(extent.redeployments)
    done = ", ".join(f"{names.count(name)} {words}" for name, words in WORDS.items())
    for what, samples in (("requests", loader.requests), ("uploads and downloads of 50 MB", loader.transfers)):
        found = Figures.of(samples)
        kinds = "".join(f", {count} {kind}" for kind, count in found.failed.items())
        yield Figure(f"{what} failed over {done}", sum(found.failed.values()), f"of {found.requests:,}", goal="0", note=kinds[2:])
    early = too_early(sockets.closings, driver.replaced, drain_seconds=DRAIN_SECONDS)
    note = f"{extent.sockets} always open, {len(sockets.refused)} refused"
    yield Figure("WebSockets closed before their drain time", len(early), f"of {sockets.opened:,}", goal="0", note=note)


def _times(samples: Sequence[Sample], driver: Driver, *, before: list[Window], load: str = "") -> Iterator[Figure]:
    last = driver.actions[-1].end
    parts = {
        "before": before, "during the switches": driver.switches,
        "during the commands, builds included": driver.actions, "after": [Window(last + SETTLED_SECONDS, last + QUIET_SECONDS)],
    }  # fmt: skip
    found = {name: Figures.of(within(samples, windows)) for name, windows in parts.items()}
    for name, figures in found.items():
        yield Figure(f"{load}{name}: p99", figures.p99, "ms", note=f"p50 {figures.p50:.2f} ms, {figures.requests:,} requests")
    yield Figure(f"{load}p99 during the switches", found["during the switches"].p99 / found["before"].p99, "× before", goal="≤ 1.5")
