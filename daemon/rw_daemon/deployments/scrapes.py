"""Reads an app's Prometheus text: a request of its own to each replica, and only the lines that are asked for."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from rw_daemon.edge.edge import Endpoint
from rw_daemon.edge.health import HOST
from rw_shared.selectors import Selector

LIMIT_BYTES = 8 * 1024**2
HEADERS = {"Host": HOST, "User-Agent": "rw-judge", "Accept": "text/plain;version=0.0.4"}
KINDS = ("text/plain", "application/openmetrics-text")


class ScrapeError(Exception):
    """The text could not be had, or is none. Its words end the sentence ``could not measure: …``."""


async def fetch(endpoint: Endpoint, path: str, *, timeout_seconds: float) -> str:
    """Return the text at a path of a replica. ``ScrapeError``."""
    url, text = f"http://{endpoint.host}:{endpoint.port}{path}", bytearray()
    try:
        async with (
            httpx.AsyncClient(verify=False, trust_env=False, timeout=timeout_seconds) as client,  # noqa: S501 - there is no TLS to a replica
            client.stream("GET", url, headers=HEADERS) as answer,
        ):
            kind = answer.headers.get("content-type", KINDS[0])
            if answer.status_code != 200:
                raise ScrapeError(f"GET {path} answered {answer.status_code}")
            if not kind.startswith(KINDS):
                raise ScrapeError(f"GET {path} answered {kind.partition(';')[0][:40]}, not Prometheus's text")
            async for part in answer.aiter_bytes():
                text += part
                if len(text) > LIMIT_BYTES:
                    raise ScrapeError(f"GET {path} answered more than {LIMIT_BYTES // 1024**2} MiB")
    except httpx.TimeoutException:
        raise ScrapeError(f"GET {path} was not answered within {timeout_seconds:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ScrapeError(f"GET {path} failed: {str(error) or type(error).__name__}") from None
    return text.decode(errors="replace")


def values_of(text: str, wanted: Mapping[str, Selector]) -> dict[str, float]:
    """Return the sum of the series that each selector means, by its key; without one where there is none. ``ScrapeError``.

    Other lines are not parsed: an app may have a hundred thousand of them.
    """
    from prometheus_client.parser import text_string_to_metric_families as families  # lazy: 0.1 s and 0.7 MiB for few

    names = tuple({one.name for one in wanted.values()})
    lines = "".join(f"{line}\n" for line in text.splitlines() if line.startswith(names))
    found: dict[str, float] = {}
    try:
        for sample in (sample for family in families(lines) for sample in family.samples):
            for key, selector in wanted.items():
                if selector.fits(sample.name, sample.labels):
                    found[key] = found.get(key, 0.0) + float(sample.value)
    except (ValueError, IndexError, KeyError) as error:
        raise ScrapeError(f"a line of it is not Prometheus's text: {error}"[:200]) from None
    return found
