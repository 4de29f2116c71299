"""How an operation goes, as lines: a value that takes rows. No I/O."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from rw_cli.render.text import line
from rw_shared.errors import RwError

Json = dict[str, Any]
LAST_LINES = 6
PACES = {
    "steps": "the rollout goes on by its steps",
    "paused": "the rollout is paused: `rw rollout resume`, `promote` or `abort`",
    "promoted": "the rollout skips the rest of its steps",
}
PAUSED = ", paused"
WAITING, BEGUN = "operation.waiting", "operation.begun"
MARKS = {"done": "✓", "skipped": "–", "failed": "✗", "cancelled": "✗", "running": "●"}


def row_of(row: Json) -> Json:
    """Return a stream's row as ``rw up --json`` prints it: of type log, step or event."""
    if row.get("type"):
        return row
    if row["name"].startswith("step."):
        data = row["data"]
        return {"type": "step", "at": row["at"], "service": row["service"], "deployment": data["deployment"], "step": data["step"],
                "status": data.get("status", "running"), "detail": data.get("detail", "")}  # fmt: skip
    found = {"type": "event", "name": row["name"], "at": row["at"], "service": row["service"], "operation": row["operation"]}
    return {**found, "words": row["data"]["words"]} if row["name"] == WAITING else found


@dataclass
class ServiceProgress:
    """One service's line."""

    begun: float
    step: str = "queued"
    part: str = ""
    """The build's own step, or the share of the requests. Lines and events come by streams of their own: it may be early."""
    status: str = "running"
    ended: float = 0
    waits: bool = False
    """Its order waits for others, or did."""

    @property
    def words(self) -> str:
        """What it is at."""
        return f"{self.step}: {self.part}" if self.step in {"build", "shift"} and self.part else self.step


@dataclass
class Progress:
    """What was seen so far. ``take`` returns the plain lines of a row, ``picture`` the whole view."""

    is_brief: bool = False
    """Steps that go well say nothing: for somebody who sees them again and again."""
    services: dict[str, ServiceProgress] = field(default_factory=dict)
    last: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    def take(self, row: Json) -> list[str]:
        """Learn from ``row`` and return what it says in plain lines; an empty row says nothing."""
        if not row:
            return []
        if row.get("type") == "gap":
            return [f"… {row['missed']} lines were too fast to show; `rw logs` has them"]
        if row.get("type") == "log" and row.get("attrs", {}).get("state"):
            lines = self._build_step(row["service"], line(row["step"] or row["message"]), row["attrs"])
            return [] if self.is_brief and row["attrs"]["state"] == "cached" else lines
        if row.get("type") == "log":
            text = line(row["message"])
            self.last.append(f"{row['service']} | {text}")
            return [f"{row['service']} | {text}"]
        lines = self._event(row["name"], row["service"], row["data"])
        return [] if self.is_brief and row["name"] != WAITING else lines

    def _event(self, name: str, service: str, data: Json) -> list[str]:
        if name == "operation.settled":
            self._end_waiting(data["status"])
        if not service:
            return []
        known = self.services.setdefault(service, ServiceProgress(time.monotonic()))
        if name == WAITING:
            known.step, known.waits = line(data["words"]), True
            return [f"{service}: {known.step}"]
        if name == BEGUN:
            known.step = "at work"
            return [f"{service}: waits no longer"]
        if name == "step.started":
            known.step, known.status = data["step"], "running"
            if known.step == "shift":
                known.part = ""
            return [f"{service}: {data['step']}"]
        if name == "step.finished":
            known.status = data["status"]
            detail = f" ({line(data['detail'])})" if data.get("detail") else ""
            return [f"{service}: {data['step']} {data['status']}{detail}"]
        if name == "rollout.shifted":
            known.part = f"{data['share']} %"
            if not data["share"]:
                return [f"{service}: no request goes to the new release"]
            return [f"{service}: {data['share']} % of the requests go to the new release"]
        if name == "rollout.paced":
            held, part = data.get("reason", ""), known.part.removesuffix(PAUSED)
            known.part = part + PAUSED if data["pace"] == "paused" else part
            return [f"{service}: the rollout is held: {line(held)}" if held else f"{service}: {PACES[data['pace']]}"]
        if name == "rollout.watch_ended":
            return [f"{service}: the watch is over, {data['outcome']}: {line(data['words'])}"]
        if name == "rollout.judged":
            return [f"{service}: {data['verdict']}: {line(data['words'])}"]
        if name == "deployment.status_changed":
            return self._status(service, known, data)
        return []

    def _end_waiting(self, status: str) -> None:
        """End the line of a service that waited and has no steps: nothing else says how that ended."""
        for one in self.services.values():
            if one.waits and not one.ended:
                one.step, one.status, one.ended = status, "done" if status == "succeeded" else "failed", time.monotonic()

    def _build_step(self, service: str, name: str, attrs: Json) -> list[str]:
        """One line when a step of the build is over; while it runs it is part of the service's line."""
        state = attrs["state"]
        if state == "started":
            self.services.setdefault(service, ServiceProgress(time.monotonic())).part = name
            return []
        seconds = f" {attrs['seconds']:.1f} s" if attrs.get("seconds", 0) >= 0.1 else ""
        text = f"{service} | {MARKS['done' if state == 'cached' else state]} {name}{' cached' if state == 'cached' else seconds}"
        self.last.append(text)
        return [text]

    def _status(self, service: str, known: ServiceProgress, data: Json) -> list[str]:
        if data["after"] in {"active", "completed", "sleeping", "failed", "crashed", "cancelled", "skipped", "rolled_back"}:
            known.step, known.ended = data["after"], time.monotonic()
            known.status = "done" if data["after"] in {"active", "completed", "sleeping", "skipped"} else "failed"
        reason = f": {line(data['reason'])}" if data.get("reason") else ""
        return [f"{service} is {data['after']}{reason}"]

    def finish(self, error: RwError | None) -> list[str]:  # noqa: ARG002 - the error itself follows
        """Leave the last lines away: the result follows."""
        self.last.clear()
        return []

    def picture(self, *, width: int) -> list[str]:
        """Return the view's lines, with ANSI colours, none wider than ``width``."""
        broad = max((len(name) for name in self.services), default=0)
        lines = []
        for name, one in self.services.items():
            seconds = (one.ended or time.monotonic()) - one.begun
            color = {"done": 32, "failed": 31}.get(one.status, 36)
            text = f" {name.ljust(broad)}  {one.words}  {seconds:.1f} s"[: width - 2]
            lines.append(f"\x1b[{color}m{MARKS.get(one.status, '●')}\x1b[0m{text}")
        lines += [f"\x1b[2m  {text[: width - 3]}\x1b[0m" for text in self.last]
        return lines
