"""How an environment stands, as text."""

from __future__ import annotations

from typing import Any

from rw_cli.render.text import clean, table


def status_text(status: dict[str, Any], *, width: int = 0) -> str:
    """Return a line for each service, and why one is not well.

    :param width: as ``table`` takes it.
    """
    head = f"{status['project']} · {status['environment']} · {status.get('target') or 'not deployed yet'}"
    if not status["services"]:
        return f"{head}\nNothing runs here. Type `rw up`."
    rows = []
    for one in status["services"]:
        running = sum(replica["state"] == "running" for replica in one["replicas"])
        bounds = f" ({one['replicasMin']}-{one['replicasMax']})" if one["replicasMax"] else ""
        rows.append((one["name"], one["status"] or "-", f"v{one['version']}" if one["version"] else "-",
                     f"{running}/{one['replicasWanted']}{bounds}", one["url"]))  # fmt: skip
    lines = [head, table(("SERVICE", "STATUS", "VERSION", "REPLICAS", "URL"), rows, width=width)]
    for one in status["services"]:
        reason = one["newestReason"] if one["newest"] != one["serving"] else one["reason"]
        if reason:
            lines.append(f"{one['name']}: {clean(reason)}")
    if not status.get("supervised", True):
        lines.append("Nobody watches over these services at the moment.")
    if status.get("edge") == "down":
        lines.append("The edge is down: no URL answers.")
    return "\n".join(lines)
