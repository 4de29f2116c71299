"""What a proof came to, as a table and a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rw_cli.render.text import table

HEADS = ("PHASE", "TOOK", "REQUESTS", "FAILED", "P50 / P99 BEFORE", "DURING", "AFTER")


def proof(found: Mapping[str, Any], *, width: int) -> str:
    """Return a row for each phase, the sum, and which release serves now."""
    rows = [_row(one) for one in found["phases"]]
    lost = f"{found['failed']} of {found['requests']:,} requests failed"
    apart = f"; {found['inFlight']} more were being answered by the killed replica" if found["inFlight"] else ""
    serving = f"v{found['servingVersion']} of {found['service']} serves"
    same = ", as before" if found["restored"] else f"; before it was v{found['servedVersion']}"
    verdict = "Proven" if found["proven"] else "Not proven"
    return f"{table(HEADS, rows, width=width)}\n\n{verdict}: {lost}{apart}. {serving}{same}."


def _row(phase: Mapping[str, Any]) -> tuple[str, ...]:
    if phase["status"] == "skipped":
        return (phase["name"], "left out", "", "", "", "", "")
    slices = [phase[name] for name in ("before", "during", "after")]
    failed = ", ".join(f"{count} {kind}" for kind, count in phase["kinds"].items()) or "0"
    apart = f" (+ {phase['inFlight']} in flight)" if phase["inFlight"] else ""
    took = f"{phase['seconds']:.1f} s" if phase["status"] == "done" else phase["status"]
    times = (f"{one['p50Ms']:.1f} / {one['p99Ms']:.1f} ms" for one in slices)
    return (phase["name"], took, f"{phase['requests']:,}", failed + apart, *times)
