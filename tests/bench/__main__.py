"""Measurements, side by side in one run: ``python tests/bench [NAME…]``. Prints a table, or JSON; asserts no time.

Exit code 1: something failed of which nothing may.

Everything runs on loopback with a home of its own and is removed afterwards. Docker rows appear where an engine answers.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parent.parent)  # where `bench`, and the tests' own tools, are found

from bench import alarms, builds, edge, idle, load, logs, planning, recording, rollback, speed  # noqa: E402
from bench.apps import has_engine  # noqa: E402
from bench.figures import Measurement, Run  # noqa: E402

ONCE: dict[str, Measurement] = {"commands": speed.commands, "plan": planning.plan, "planning": planning.planning}
"""The target makes no difference to these."""
ON_EACH_TARGET: dict[str, Measurement] = {
    "unchanged": speed.unchanged, "changed": speed.changed, "watching": speed.watching, "latency": logs.latency, "lines": logs.throughput,
    "idle": idle.idle, "rollback": rollback.rollback, "added": edge.added, "throughput": edge.throughput, "builds": builds.builds,
    "switches": load.switches, "load": load.load, "alarms": alarms.alarms, "recording": recording.recording,
}  # fmt: skip
LONG = ("load", "alarms", "recording")  # minutes of load: only by name
TARGETS = ("process", "docker")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python tests/bench", description="Measurements on this machine; bounded, on loopback.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join({**ONCE, **ON_EACH_TARGET})}; default: all but {' and '.join(LONG)}"
    )
    parser.add_argument("--target", choices=TARGETS, help="default: both, where an engine answers")
    parser.add_argument("--short", action="store_true", help="few rounds: whether it can be measured, not how fast it is")
    parser.add_argument("--json", action="store_true", help="one object a line")
    said = parser.parse_args()
    if unknown := set(said.names) - {*ONCE, *ON_EACH_TARGET}:
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    is_lost = False
    if not said.json:
        print("| what | here |\n|---|---|")
    for name in said.names or [name for name in (*ONCE, *ON_EACH_TARGET) if name not in LONG]:
        for target in _targets(name, said.target):
            for figure in {**ONCE, **ON_EACH_TARGET}[name](Run(target, said.short)):
                is_lost |= figure.is_lost
                shown = "" if name in ONCE else target
                print(json.dumps(figure.to_json(shown)) if said.json else figure.row(shown), flush=True)
    sys.exit(is_lost)


def _targets(name: str, wanted: str | None) -> list[str]:
    if name in ONCE:
        return ["process"]
    return [wanted] if wanted else [one for one in TARGETS if one != "docker" or has_engine()]


if __name__ == "__main__":
    main()
