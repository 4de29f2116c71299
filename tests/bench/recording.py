"""Records what the edge counts of two releases that are the same: the tests of the judge go by it (``recorded.json`` there)."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from bench.apps import at_home
from bench.figures import Figure, Run
from bench.loader import Loader
from e2e.conftest import rollout

from rw_daemon.edge import documents
from rw_daemon.edge.admin import Admin
from rw_daemon.edge.edge import Traffic
from rw_shared.paths import Home

UNEVEN = Path(__file__).parent / "uneven"
RECORDED = Path(__file__).parent.parent / "daemon" / "deployments" / "recorded.json"
HALF_EACH = "[deploy.rollout]\nstrategy = 'gradual'\nsteps = [50, 100]\nstepSeconds = 3600\n"
RATE, SECONDS, SHORT_SECONDS = 300, 240, 5
LONGEST_SECONDS = 600


def recording(run: Run) -> Iterator[Figure]:
    """Half of the requests go to either of two releases of one app; what the edge counts in each second is written down."""
    seconds = SHORT_SECONDS if run.is_short else SECONDS
    with at_home(run, UNEVEN) as (rw, folder):
        (folder / "railway.toml").write_text(HALF_EACH)
        rw.up(folder)
        with (folder / "main.py").open("a") as file:
            file.write("# the same once more\n")
        rw.ok("up", str(folder), "-d")
        found = rollout(rw, folder, share=50)
        service = rw.json("status", cwd=folder)["services"][0]
        with Loader(service["url"], rate=RATE, kept=64, seconds=LONGEST_SECONDS):
            socket = Home.of(rw.environ, uid=os.geteuid()).runtime / "envoy.sock"
            rows = asyncio.run(_counted(socket, (found["deployment"], service["serving"]), seconds=seconds))
        rw.ok("rollout", "abort", cwd=folder)
    if not run.is_short:
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        RECORDED.write_text(f"[\n{lines}\n]\n")
    yield Figure("seconds recorded of two releases that are the same", len(rows), "s", note=f"at {RATE} requests/s")


async def _counted(socket: Path, releases: tuple[str, str], *, seconds: int) -> list[list[list[object]]]:
    """Return for each second, of either release: how many requests, how many failed, and how many answers by the bucket of their latency."""
    admin, rows, began = Admin(socket), [], time.monotonic()
    before: tuple[Traffic, ...] | None = None
    while len(rows) < seconds:
        found = await admin.traffic(releases)
        now = tuple(documents.traffic(found, release) for release in releases)
        if before is not None:
            rows.append([_row(one.since(earlier)) for one, earlier in zip(now, before, strict=True)])
        before = now
        await asyncio.sleep(max(0.0, began + len(rows) + 1 - time.monotonic()))
    await admin.close()
    return rows


def _row(second: Traffic) -> list[object]:
    counts = [count for _, count in second.latency_ms]
    each = [count - below for count, below in zip(counts, [0, *counts], strict=False)]
    return [second.requests, second.failed, [[place, count] for place, count in enumerate(each) if count]]
