"""Load on this machine, bounded in rate, time and count: what failed and how, and how long answers took.

Threads with plain sockets: they wait nearly all the time, so that what they measure is the service and not this process.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from rw_shared.errors import UsageError

LOCAL = {"127.0.0.1", "localhost"}
TIMEOUT_SECONDS = 40.0
ECHO_EVERY = 10
ECHO = b"x" * 100


@dataclass(frozen=True)
class Sample:
    """One request.

    :param due: when it was to be sent, of the monotonic clock. :param seconds: from then to its end: a request that had to wait for a
        slow one before it counts as slow itself. :param kind: empty, or how it failed: refused, reset, timeout, ``5xx``, other, or
        ``4xx`` (see ``Load.begin``).
    """

    due: float
    seconds: float
    kind: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Figures:
    """What a part of the load came to; times in milliseconds, 0 where nothing was asked."""

    requests: int
    failed: dict[str, int]
    p50: float
    p99: float

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Figures:
        """Sum samples up."""
        times = sorted(one.seconds * 1000 for one in samples)
        failed = Counter(one.kind for one in samples if one.kind)
        return cls(len(times), dict(sorted(failed.items())), _quantile(times, 0.5), _quantile(times, 0.99))


class Load:
    """Asks for ``url`` from several threads while it is entered, by turns on kept connections and on fresh ones.

    :param rate: requests a second, evenly spread; 0: as many as it can. :param seconds, limit: it ends by itself after so long, so many.
    :param echo: every tenth request is a POST to this path; empty: GET alone. ``UsageError``: ``url`` is not on this machine.
    """

    def __init__(
        self, url: str, *, rate: float = 300, workers: int = 2, seconds: float = 600, limit: int = 100_000, echo: str = ""
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not (parts.hostname in LOCAL or (parts.hostname or "").endswith(".localhost")):
            raise UsageError(f"{url} is not on this machine.", hint="Load goes to a service of this machine's edge only: see `rw status`.")
        self._host, self._port, self._path = parts.netloc, parts.port, parts.path or "/"
        self._rate, self._workers, self._seconds, self._limit, self._echo = rate, workers, seconds, limit, echo
        self._stop, self._lock = threading.Event(), threading.Lock()
        self.samples: list[Sample] = []
        self.seen: set[str] = set()
        self._refuses, self._has_begun = False, False

    def __enter__(self) -> Load:
        self._begun = time.monotonic()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(self._workers)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def begin(self) -> None:
        """From now on an answer of 4xx has failed, unless there were some before: then the path is one that refuses."""
        self._has_begun = True

    @property
    def requests(self) -> int:
        """Those that have ended."""
        return len(self.samples)

    @property
    def failures(self) -> list[str]:
        """What went wrong, in words."""
        return [one.detail for one in list(self.samples) if one.kind]

    @property
    def slowest_seconds(self) -> float:
        """Of all requests so far."""
        return max((one.seconds for one in list(self.samples)), default=0.0)

    def between(self, begin: float, end: float) -> list[Sample]:
        """Return the requests that were due from ``begin`` until before ``end``, of the monotonic clock."""
        return [one for one in list(self.samples) if begin <= one.due < end]

    def _run(self, number: int) -> None:
        connection: http.client.HTTPConnection | None = None
        for turn in range(number, self._limit, self._workers):
            due = self._begun + turn / self._rate if self._rate else time.monotonic()
            if due > self._begun + self._seconds or self._stop.wait(max(0.0, due - time.monotonic())):
                break
            connection = connection or http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
            is_echo = bool(self._echo) and turn // self._workers % ECHO_EVERY == ECHO_EVERY - 1
            kind, detail, body = self._ask(connection, is_echo=is_echo)
            with self._lock:
                self.samples.append(Sample(due, time.monotonic() - due, kind, detail))
                if not kind and not is_echo:
                    self.seen.add(body)
            if kind or number % 2:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection, *, is_echo: bool) -> tuple[str, str, str]:
        """Return how a request failed, in a word and in words, and its answer."""
        try:
            method, path, body = ("POST", self._echo, ECHO) if is_echo else ("GET", self._path, None)
            connection.request(method, path, body=body, headers={"Host": self._host})
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return _kind(error), repr(error), ""
        kind = self._kind_of(response.status)
        return (kind, f"{response.status} {text[:80]}" if kind else "", text)

    def _kind_of(self, status: int) -> str:
        if status < 400:
            return ""
        if status < 500:
            self._refuses = self._refuses or not self._has_begun
            return "" if self._refuses else "4xx"
        return "5xx"


def _kind(error: Exception) -> str:
    kinds = {ConnectionRefusedError: "refused", TimeoutError: "timeout", ConnectionError: "reset", http.client.IncompleteRead: "reset"}
    return next((word for kind, word in kinds.items() if isinstance(error, kind)), "other")


def _quantile(times: Sequence[float], share: float) -> float:
    """Return the nearest-rank quantile of sorted ``times``."""
    return times[min(len(times) - 1, int(len(times) * share))] if times else 0.0
