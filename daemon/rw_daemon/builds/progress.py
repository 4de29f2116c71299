"""From the engine's messages to what a person follows: which step runs, what it prints, what failed."""

from __future__ import annotations

import base64
import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rw_daemon.builds import trace
from rw_daemon.builds.builder import BuildOutput
from rw_daemon.plans.plan import BuildPlan
from rw_daemon.variables.masking import Mask

LAST_LINES = 30
_EXIT_CODE = re.compile(r"exit code: (\d+)")
_INTERNAL = ("[internal]", "[auth]")
_MOUNTS = re.compile(r"^(?:--mount=\S+\s+)+")
_SOURCING = re.compile(r"^set -a; \. \S+; set \+a; ")


@dataclass
class Failure:
    """Why a build ended without an image."""

    message: str
    step: str = ""
    command: str = ""
    exit_code: int | None = None
    output: str = ""


@dataclass
class _Running:
    name: str
    state: str = ""
    pending: dict[str, bytes] = field(default_factory=dict)
    last: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))


class Progress:
    """Takes the lines of a build's answer one by one.

    :param secrets: values to black out wherever they occur.
    """

    def __init__(self, plan: BuildPlan, *, secrets: Mapping[str, str], show: Callable[[BuildOutput], None]) -> None:
        self._plan, self._show = plan, show
        self._masked = Mask(secrets.values())
        self._running: dict[str, _Running] = {}
        self.image = ""
        self.failure: Failure | None = None

    def take(self, line: bytes) -> None:
        """Understand one JSON line; one of an unknown kind is passed over."""
        message = json.loads(line)
        if message.get("id") == "moby.buildkit.trace":
            self._trace(trace.decode(base64.b64decode(message.get("aux", ""))))
        elif message.get("id") == "moby.image.id":
            self.image = str(message["aux"]["ID"])
        elif "error" in message:
            self._fail(message)

    def _trace(self, status: trace.Status) -> None:
        for vertex in status.vertexes:
            self._vertex(vertex)
        for log in status.logs:
            self._log(log)

    def _vertex(self, vertex: trace.Vertex) -> None:
        running = self._running.setdefault(vertex.digest, _Running(""))
        running.name = running.name or self.label(vertex.name)  # its first lines may come before its name
        if vertex.name.startswith(_INTERNAL):
            return
        state = (
            "failed"
            if vertex.error
            else "cached"
            if vertex.is_cached
            else "done"
            if vertex.completed
            else "started"
            if vertex.started
            else ""
        )
        if state and state != running.state:
            running.state = state
            self._flush(vertex.digest)
            seconds = max(vertex.completed - vertex.started, 0.0) if vertex.completed else 0.0
            self._show(BuildOutput(running.name, state=state, seconds=seconds))
        if vertex.error and self.failure is None:
            code = _EXIT_CODE.search(vertex.error)
            command = running.name.partition("RUN ")[2] or running.name
            self.failure = Failure(
                self._masked(vertex.error), running.name, command, int(code[1]) if code else None, "\n".join(running.last)
            )

    def label(self, name: str) -> str:
        """Return a vertex's name without the mounts that rw put in front of the command."""
        head, word, command = name.partition(" RUN ")
        if not word:
            return name
        return f"{head} RUN {_SOURCING.sub('', _MOUNTS.sub('', command))}"

    def _log(self, log: trace.VertexLog) -> None:
        running = self._running.setdefault(log.vertex, _Running(""))
        *lines, rest = (running.pending.get(log.stream, b"") + log.data).split(b"\n")
        running.pending[log.stream] = rest
        for line in lines:
            self._line(running, log.stream, line)

    def _flush(self, digest: str) -> None:
        running = self._running[digest]
        for stream, rest in running.pending.items():
            if rest and running.state in {"done", "failed"}:
                self._line(running, stream, rest)
                running.pending[stream] = b""

    def _line(self, running: _Running, stream: str, line: bytes) -> None:
        text = self._masked(line.decode("utf-8", "replace").rstrip("\r"))
        running.last.append(text)
        self._show(BuildOutput(running.name, text, stream=stream))

    def _fail(self, message: dict[str, Any]) -> None:
        words = self._masked(str(message.get("errorDetail", {}).get("message") or message["error"]))
        for digest in self._running:
            self._flush(digest)
        if self.failure is None:
            code = _EXIT_CODE.search(words)
            self.failure = Failure(words, exit_code=int(code[1]) if code else None)
        elif not self.failure.output:
            self.failure.output = "\n".join(next((list(one.last) for one in self._running.values() if one.name == self.failure.step), []))
