"""Requests that are held until the daemon says where they go, as data: Envoy asks it by the filter for external authorization.

The filter stands in every listener, disabled, so that no listener changes when a service falls asleep; its routes enable it. It does not
read the body, and what the client is sent in the end comes from the release itself. Pure.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

Json = dict[str, Any]
EXTENSION = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3."
CLUSTER = FILTER = "held"
TO = "x-rw-to"  # the daemon's answer: a release's cluster. What a client says there is overwritten, and no app sees it
HELD_AT_MOST = 10_000  # requests at a time
HELD_SECONDS = 100.0
"""How long the daemon may take to answer. Envoy gives it a little longer, so that the client reads the daemon's words."""
ENVOY_SECONDS = HELD_SECONDS + 10

# While nobody answers, Envoy asks again with doubling pauses, each drawn between nothing and its limit: 26 s in all on average, 51 s at
# most, and less than 4 s for 3 of 10,000 requests. Then the client is told. With 8 of them it was less than 2 s for one in a hundred, and
# a daemon that was killed while it releases takes as long to be there again.
_AGAIN: Json = {
    "retry_on": "connect-failure,reset,refused-stream",
    "num_retries": 10,
    "retry_back_off": {"base_interval": "0.05s", "max_interval": f"{ENVOY_SECONDS:.0f}s"},  # the second is each attempt's time as well
}
ACTION: Json = {"timeout": "0s", "idle_timeout": "0s", "cluster_header": TO}
"""Where a held request goes: the daemon knows only afterwards, it may be another release by then."""


def cluster(socket: Path) -> Json:
    """Return the cluster that is the daemon's socket for these questions."""
    limits = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests", "max_retries"), HELD_AT_MOST)
    return {
        "name": CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        "circuit_breakers": {"thresholds": [{"priority": "DEFAULT", **limits}]},
        "load_assignment": {
            "cluster_name": CLUSTER,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": str(socket)}}}}]}],
        },
    }


def http_filter() -> Json:
    """Return the filter, which does nothing on routes that do not enable it."""
    return {
        "name": FILTER,
        "disabled": True,
        "typed_config": {
            "@type": f"{EXTENSION}ExtAuthz",
            "http_service": _service("/"),
            "clear_route_cache": True,  # the route is looked up again with the answer's header
            "status_on_error": {"code": "ServiceUnavailable"},
        },
    }


def asks(key: str) -> Json:
    """Return what a route has to say to hold its requests. ``key``: the service's, which the daemon is asked about."""
    return {
        "typed_per_filter_config": {
            FILTER: {"@type": f"{EXTENSION}ExtAuthzPerRoute", "check_settings": {"http_service": _service(f"/{key}")}}
        }
    }


def _service(path: str) -> Json:
    def only(*names: str) -> Json:
        return {"patterns": [{"exact": name} for name in names]}

    return {
        "server_uri": {"uri": "http://rw", "cluster": CLUSTER, "timeout": f"{ENVOY_SECONDS:.0f}s"},
        "path_override": path,
        "authorization_request": {"allowed_headers": only("accept")},
        "authorization_response": {"allowed_upstream_headers": only(TO), "allowed_client_headers": only("content-type", "retry-after")},
        "retry_policy": _AGAIN,
    }
