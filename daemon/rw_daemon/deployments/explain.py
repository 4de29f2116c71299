"""Why a release is not healthy, in words and with what to type: from what was seen, without asking anything."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any

from rw_daemon.builds.causes import likely
from rw_daemon.edge.health import ProbeResult
from rw_daemon.runtimes.runtime import Exit, Listener
from rw_shared.errors import CrashedError, NeverHealthyError

LOOPBACK = ("127.", "::1")
COMMAND_NOT_FOUND, NOT_EXECUTABLE = 127, 126


def ending(exit_: Exit | None) -> str:
    """Return how a process ended as the end of a sentence: ``ended with exit code 1``. ``None``: it did not end, and hangs."""
    if exit_ is None:
        return "does not answer any more"
    if exit_.with_host:
        return "went down with the machine or the engine"
    if exit_.out_of_memory:
        return "was killed: out of memory (OOM)"
    if exit_.signal:
        try:
            name = signal.Signals(exit_.signal).name
        except ValueError:
            name = f"signal {exit_.signal}"
        return f"was killed by {name}"
    if exit_.code < 0:
        return "vanished, and nobody saw how"
    return f"ended with exit code {exit_.code}"


def crashed(service: str, exit_: Exit | None, lines: Sequence[str]) -> CrashedError:
    """Return the error of an app that ended by itself, or hangs (``None``)."""
    if exit_ is None:
        hint = "`rw logs` may show what it waits for; deploy.healthcheckPath names a path that answers by itself."
        return CrashedError(service, ending=ending(None), hint=hint, details={"lastLines": list(lines), "likelyCause": ""})
    cause = None if exit_.out_of_memory else likely(lines)
    details: dict[str, Any] = {
        "exitCode": exit_.code, "signal": exit_.signal, "outOfMemory": exit_.out_of_memory, "lastLines": list(lines),
        "likelyCause": cause.text if cause else "",
    }  # fmt: skip
    return CrashedError(service, ending=ending(exit_), hint=cause.hint if cause else _crash_hint(exit_), details=details)


def _crash_hint(exit_: Exit) -> str:
    if exit_.out_of_memory:
        return "Raise deploy.limitOverride.containers.memoryBytes in railway.toml, or make the app need less."
    if exit_.code == COMMAND_NOT_FOUND:
        return "The start command names a program that is not there: `rw plan` shows the command, deploy.startCommand changes it."
    if exit_.code == NOT_EXECUTABLE:
        return "The start command names a file that may not be executed: run `chmod +x` on it."
    return "The last lines say why; `rw logs` has all of them."


def never_healthy(
    service: str,
    *,
    probes: Sequence[ProbeResult],
    listeners: Sequence[Listener],
    lines: Sequence[str],
    port: int,
    path: str,
    seconds: float,
) -> NeverHealthyError:
    """Return the error of an app that runs and does not answer as it should."""
    why, hint = _reason(probes, listeners, port=port, path=path, seconds=seconds)
    if cause := likely(lines):
        why, hint = f"{why}\n{cause.text}", cause.hint
    details = {
        "probes": [one.wire() for one in probes[-10:]],
        "listening": [f"{one.host}:{one.port}" for one in listeners],
        "lastLines": list(lines),
        "likelyCause": cause.text if cause else "",
        "port": port,
        "path": path,
    }
    return NeverHealthyError(service, why=why, hint=hint, details=details)


def _reason(probes: Sequence[ProbeResult], listeners: Sequence[Listener], *, port: int, path: str, seconds: float) -> tuple[str, str]:
    answered = next((one for one in reversed(probes) if one.status), None)
    if answered is not None:
        return (
            f"GET {path or '/'} answered {answered.status} ({answered.latency_ms:.0f} ms) for {seconds:.0f} s.",
            "Look at `rw logs`; set deploy.healthcheckPath to a path that answers 200, or raise deploy.healthcheckTimeout.",
        )
    on_port = [one for one in listeners if one.port == port]
    if on_port and all(one.host.startswith(LOOPBACK) for one in on_port):
        return f"It listens on {on_port[0].host}:{port}, which only it can reach.", "Bind 0.0.0.0:$PORT (or $HOST:$PORT) instead."
    if on_port:
        return (
            f"It accepts connections on port {port}, and no request was answered in {seconds:.0f} s.",
            "Look at `rw logs` for what it waits for.",
        )
    if listeners:
        seen = ", ".join(f"{one.host}:{one.port}" for one in listeners)
        return f"It listens on {seen}, and not on port {port} that it was given as PORT.", "Listen on 0.0.0.0:$PORT (or $HOST:$PORT)."
    return (
        f"It runs, but nothing listens on port {port} after {seconds:.0f} s.",
        "Listen on 0.0.0.0:$PORT (or $HOST:$PORT), or raise deploy.healthcheckTimeout if it needs longer.",
    )
