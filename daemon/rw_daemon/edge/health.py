"""Is it healthy? Probes of replicas over plain sockets: a fresh connection each time, nothing kept."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from rw_daemon.clock import Clock
from rw_daemon.edge.edge import Endpoint
from rw_daemon.settings import Settings

KEPT = 50  # probes remembered for the explanation
HEAD_BYTES = 4096
# a name that Host checks of frameworks let pass (Django's DEBUG list, Rails' development list); a 400 counts as alive anyway
HOST = "localhost"


@dataclass(frozen=True)
class ProbeResult:
    """One probe. ``status`` is 0 when no HTTP answer came; then ``error`` says why."""

    endpoint: Endpoint
    at_seconds: float
    latency_ms: float
    status: int = 0
    error: str = ""
    is_open: bool = False
    """The port accepted the connection."""
    is_foreign: bool = False
    """It answered, and not in HTTP."""

    def wire(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "address": f"{self.endpoint.host}:{self.endpoint.port}",
            "atSeconds": round(self.at_seconds, 2),
            "latencyMs": round(self.latency_ms, 1),
            "status": self.status,
            "error": self.error,
        }


@dataclass
class Outcome:
    """How a proof ended."""

    is_healthy: bool = False
    words: str = ""
    probes: list[ProbeResult] = field(default_factory=list)


def passes(result: ProbeResult, *, is_strict: bool) -> bool:
    """Return whether a probe proves health: 200–399 on a path that somebody named, else any answer below 500 or not in HTTP."""
    return 200 <= result.status < 400 if is_strict else 0 < result.status < 500 or result.is_foreign


async def prove(endpoints: Sequence[Endpoint], *, path: str, is_strict: bool, seconds: float, clock: Clock, settings: Settings) -> Outcome:
    """Probe until every endpoint passed, or the time is over.

    A port that only accepts is healthy when the time is over, unless a path was named, and no sooner: a server that listens before its app
    is loaded (gunicorn) does just that.
    :param is_strict: a path was named: only 200–399 will do.
    :param seconds: time to become healthy.
    """
    outcome, began = Outcome(), clock.monotonic()
    pause = settings.probe_first_seconds
    left = list(endpoints)
    while True:
        results = await asyncio.gather(*(_probe_once(one, path or "/", began, clock, settings) for one in left))
        outcome.probes = [*outcome.probes, *results][-KEPT:]
        left = [one for one, result in zip(left, results, strict=True) if not passes(result, is_strict=is_strict)]
        elapsed = clock.monotonic() - began
        if not left:
            outcome.is_healthy, outcome.words = True, _words(outcome.probes[-1], path, elapsed)
            return outcome
        if elapsed >= seconds:
            failed = [one for one in results if not passes(one, is_strict=is_strict)]
            outcome.is_healthy = not is_strict and all(one.is_open and not one.status for one in failed)
            outcome.words = "the port accepts" if outcome.is_healthy else ""
            return outcome
        await clock.sleep(min(pause, max(seconds - elapsed, 0.01)))
        pause = min(pause * 1.25, settings.probe_last_seconds)


def _words(last: ProbeResult, path: str, elapsed: float) -> str:
    if last.is_foreign:
        return f"the port answers, not in HTTP, after {elapsed:.1f} s"
    return f"GET {path or '/'} answered {last.status} after {elapsed:.1f} s"


async def _probe_once(endpoint: Endpoint, path: str, began: float, clock: Clock, settings: Settings) -> ProbeResult:
    return await probe(endpoint, path=path, timeout_seconds=settings.probe_timeout_seconds, at_seconds=clock.monotonic() - began)


async def probe(endpoint: Endpoint, *, path: str, timeout_seconds: float, at_seconds: float = 0.0) -> ProbeResult:
    """Ask once over HTTP/1.1. Never raises: what went wrong is in the result."""
    began = time.perf_counter()

    def result(**values: Any) -> ProbeResult:
        return ProbeResult(endpoint, at_seconds, (time.perf_counter() - began) * 1000, **values)

    is_open = False
    try:
        async with asyncio.timeout(timeout_seconds):
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
            is_open = True
            try:
                writer.write(_request(path))
                head = await reader.readline()
            finally:
                writer.close()
    except TimeoutError:
        return result(error=f"no answer within {timeout_seconds:.0f} s", is_open=is_open)
    except OSError as error:
        return result(error=os.strerror(error.errno) if error.errno else type(error).__name__, is_open=is_open)
    except ValueError:
        return result(error="the first line of the answer is too long", is_open=is_open)
    words = head[:HEAD_BYTES].split()
    if len(words) >= 2 and words[0].startswith(b"HTTP/") and words[1].isdigit():
        return result(status=int(words[1]), is_open=True)
    return result(error="the answer is not HTTP" if head else "closed without an answer", is_open=True, is_foreign=bool(head))


def _request(path: str) -> bytes:
    rows = (f"GET {_target(path)} HTTP/1.1", f"Host: {HOST}", "User-Agent: rw-health", "Accept: */*", "Connection: close")
    return "".join(f"{row}\r\n" for row in (*rows, "")).encode()


def _target(path: str) -> str:
    """Return a path as a request line takes it: from the root on, nothing in it that would end the line."""
    return quote("/" + path.removeprefix("/"), safe="/%?=&:@!$'()*+,;~-._[]")


async def live(endpoint: Endpoint, *, path: str, timeout_seconds: float) -> bool:
    """Return whether a replica that was proven still answers: on its path below 500, else anything at all, else the port."""
    found = await probe(endpoint, path=path or "/", timeout_seconds=timeout_seconds)
    if found.status:
        return found.status < 500 or not path
    return found.is_open and not path and not found.error.startswith("no answer")
