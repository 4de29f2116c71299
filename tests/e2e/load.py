"""Constant load on loopback, bounded: counts what failed and how long the slowest took."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Load:
    """Two threads that ask for ``url`` until told to stop: one on kept connections, one on fresh ones; every tenth is a POST.

    ``limit``: requests at most.
    """

    url: str
    pause_seconds: float = 0.002
    limit: int = 100_000
    seen: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    requests: int = 0
    slowest_seconds: float = 0.0

    def __enter__(self) -> Load:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(keep,)) for keep in (True, False)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, keep: bool) -> None:
        parts = urlsplit(self.url)
        connection: http.client.HTTPConnection | None = None
        number = 0
        while not self._stop.is_set() and self.requests < self.limit:
            number += 1
            began = time.monotonic()
            problem, body = "", ""
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=40)
                is_post = number % 10 == 0
                connection.request(
                    "POST" if is_post else "GET",
                    "/echo" if is_post else "/",
                    body=b"x" * 100 if is_post else None,
                    headers={"Host": parts.netloc},
                )
                response = connection.getresponse()
                body = response.read().decode()
                if response.status != 200:
                    problem = f"{response.status} {body[:80]}"
            except (OSError, http.client.HTTPException) as error:
                problem = repr(error)
            if problem or not keep:
                if connection is not None:
                    connection.close()
                connection = None
            with self._lock:
                self.requests += 1
                self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
                if problem:
                    self.failures.append(problem)
                elif number % 10:
                    self.seen.add(body)
            time.sleep(self.pause_seconds)
        if connection is not None:
            connection.close()
