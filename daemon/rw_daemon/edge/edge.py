"""The Protocol of the public door, and the routes that describe all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Endpoint:
    """Where a replica listens."""

    host: str
    port: int


@dataclass(frozen=True)
class Upstream:
    """A release that requests may go to.

    :param release: deployment id; becomes the cluster's name, and so the release in the access log.
    :param weight: share in percent; the weights of a route add up to 100.
    :param name: a request that names it in the header ``X-RW-Release`` gets it, whatever the weights; empty for none.
    """

    release: str
    endpoints: tuple[Endpoint, ...]
    weight: int = 100
    name: str = ""


@dataclass(frozen=True)
class Traffic:
    """What became of a release's requests: since the proxy started, or within a window.

    :param failed: answered with 5xx, or broken off by the release.
    :param latency_ms: a histogram: for each upper bound in milliseconds how many answers took at most that long (cumulative).
    """

    requests: int = 0
    failed: int = 0
    latency_ms: tuple[tuple[float, int], ...] = ()

    @property
    def rate(self) -> float:
        """Failed of all, 0 to 1."""
        return self.failed / self.requests if self.requests else 0.0

    def __add__(self, other: Traffic) -> Traffic:
        """Return both together: of one release in two windows."""
        more = dict(other.latency_ms)
        rows = tuple((bound, count + more.get(bound, 0)) for bound, count in self.latency_ms) or other.latency_ms
        return Traffic(self.requests + other.requests, self.failed + other.failed, rows)

    def since(self, before: Traffic) -> Traffic:
        """Return what came after ``before``. ``ValueError`` when the proxy began to count anew in between."""
        earlier = dict(before.latency_ms)
        rows = tuple((bound, count - earlier.get(bound, 0)) for bound, count in self.latency_ms)
        found = Traffic(self.requests - before.requests, self.failed - before.failed, rows)
        if found.requests < 0 or found.failed < 0 or any(count < 0 for _, count in rows):
            raise ValueError("the counters went backwards")
        return found

    def quantile_ms(self, share: float) -> float:
        """Return the latency that ``share`` of the answers stayed below, interpolated within a bucket; 0 without any."""
        wanted = share * (self.latency_ms[-1][1] if self.latency_ms else 0)
        low, below = 0.0, 0
        for bound, count in self.latency_ms:
            if wanted and count >= wanted:
                return low + (bound - low) * (wanted - below) / (count - below)
            low, below = bound, count
        return 0.0

    def slower_than(self, milliseconds: float) -> tuple[int, int]:
        """Return how many answers took longer, by the histogram's next bound so that all counted did, and how many were timed."""
        timed = self.latency_ms[-1][1] if self.latency_ms else 0
        within = next((count for bound, count in self.latency_ms if bound >= milliseconds), timed)
        return timed - within, timed


@dataclass(frozen=True)
class Use:
    """How a release is asked: ``requests`` since the proxy started, and how many of them are ``in_flight``."""

    requests: int = 0
    in_flight: int = 0


@dataclass(frozen=True)
class HttpRoute:
    """One service's way in.

    :param key: ``project/environment/service``.
    :param hostnames: without port.
    :param port: the stable loopback port that serves only this service; 0 for none.
    :param upstreams: empty when nothing is proven: requests get the page of 503.
    :param notice: one sentence for that page and what to type (``web crashed; run `rw logs web```).
    :param is_sticky: whoever has met one of several releases keeps it, by a cookie; the weights are those of new visitors.
    :param is_held: nothing runs: each request waits until the daemon has said which release it goes to.
    :param gone: releases that no request goes to any more. One that waits to be tried again is tried at their endpoints.
    """

    key: str
    hostnames: tuple[str, ...]
    port: int = 0
    upstreams: tuple[Upstream, ...] = ()
    notice: str = ""
    is_sticky: bool = False
    is_held: bool = False
    gone: tuple[Upstream, ...] = ()


@dataclass(frozen=True)
class Lead:
    """Where a held request goes: to a release, or nowhere (``release`` is empty), with what its client reads then."""

    release: str = ""
    words: str = ""
    code: str = "NOT_RUNNING"


class Edge(Protocol):
    """The proxy in front of all services. It outlives the daemon and is found again by the next one."""

    @property
    def port(self) -> int:
        """The port of all host-based routes; 0 before it was reserved, or the first ``route``."""
        ...

    @property
    def held_ports(self) -> frozenset[int]:
        """Services' own ports that other programs hold: those services answer at the port of all host-based routes only."""
        ...

    def reserve(self) -> int:
        """Return that port, chosen now where there was none. ``EdgeFailedError``: a long row of ports is taken."""
        ...

    async def route(self, routes: tuple[HttpRoute, ...]) -> None:
        """Make ``routes`` the whole desired state; returns when it is in force. Starts or adopts the proxy when needed.

        Clusters first, routes second, unused clusters last (edge.md).
        :raises EdgeFailedError: it does not run, or refused; what was in force stays.
        """
        ...

    async def resume(self) -> None:
        """Bring a proxy that was killed up again at once, with the routes it had: what runs may be slow to find out.

        Nothing where it runs, or has never had a route. ``EdgeFailedError``.
        """
        ...

    def last_known(self, release: str) -> tuple[Endpoint, ...]:
        """Return where a release's replicas were by the routes that were made last, also by the daemon before; none for an unknown one."""
        ...

    async def active(self, release: str) -> int:
        """Return the requests that a release has open; 0 when it has no cluster."""
        ...

    async def connected(self, endpoints: Sequence[Endpoint]) -> int:
        """Return the connections that lead to endpoints: none are left soon after the last request, once no route leads there."""
        ...

    async def samples(self, *releases: str) -> dict[str, Traffic]:
        """Return what became of each release's requests so far, all at the same moment. ``EdgeFailedError`` when it cannot be read."""
        ...

    async def use(self, *releases: str) -> dict[str, Use]:
        """Return how releases are asked, all at the same moment: less than ``samples``, and cheap. ``EdgeFailedError``."""
        ...

    async def check(self) -> bool:
        """Return whether the proxy runs."""
        ...

    async def ended(self) -> None:
        """Return when the proxy that this daemon started or adopted is gone (killed, crashed)."""
        ...

    async def tend(self) -> None:
        """Keep what the proxy writes within its limits, and end one that hangs. To be called now and then; never raises."""
        ...

    async def stop(self) -> None:
        """Stop the proxy: for uninstalling and tests, never when the daemon ends."""
        ...

    async def close(self) -> None:
        """Let go of connections; the proxy stays."""
        ...
