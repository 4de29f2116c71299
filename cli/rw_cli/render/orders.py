"""What an order did that made no release. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def done(kind: str, services: Sequence[Json]) -> list[str]:
    """Return what became of ``services`` by an order of this ``kind``, a line for each; none where the events have said it."""
    if kind in {"up", "redeploy"} and services:
        return ["Nothing changed; this version already runs."]
    return [f"{service['name']}: {words}" for service in services if (words := _words(kind, service))]


def _words(kind: str, service: Json) -> str:
    match kind:
        case "restart":
            return "every replica was started anew"
        case "scale":
            wanted = service["replicasWanted"]
            return f"{wanted} {'replica' if wanted == 1 else 'replicas'} from now on"
        case "sleep":
            return "asleep until somebody asks for it"
        case "wake":
            return "awake"
        case _:
            return ""
