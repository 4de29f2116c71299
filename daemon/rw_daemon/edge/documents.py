"""Envoy's configuration as data: bootstrap, listeners, clusters, routes. Pure; edge.md says why each value is what it is."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from rw_daemon.edge import held, pages
from rw_daemon.edge.edge import Endpoint, HttpRoute, Traffic, Upstream

Json = dict[str, Any]
TYPE = "type.googleapis.com/envoy."
ROUTES = "rw"
SHARED = "shared"
PLENTY = 10_000  # circuit breakers: the default of 1,024 connections makes WebSockets hang
HOLD_RETRIES = 200  # with the back-off below, some 30 s on a port that refuses
SAFE = "reset,connect-failure,refused-stream"
UNSAFE = "connect-failure,refused-stream,reset-before-request"  # nothing that may have reached the app
HELD_BODY_BYTES = 64 * 1024 * 1024
RELEASE = "x-rw-release"  # of a request that wants one release, whatever the weights
STICKY = "rw-release"
STICKY_SECONDS = 600  # since the last answer: a visitor who comes back after longer is a new one
FOR = "x-rw-for"  # what chooses the virtual host: put on by each listener whatever the client sent, taken off before the app sees it
HOSTS_TRIED = 3  # replicas that a retry looks at for one that has not just failed


BUCKETS_MS = [round(0.5 * 1.25**step, 2) for step in range(60)]  # to 260 s; a quarter apart, so that "half as slow again" can be seen


def version_of(document: object) -> str:
    """Return the version text of a document: the digest of its content."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]


def dynamic(resources: list[Json]) -> Json:
    """Return a file for Envoy to watch."""
    return {"version_info": version_of(resources), "resources": resources}


def bootstrap(folder: Path, *, admin_socket: Path, held_socket: Path) -> Json:
    """Return what Envoy starts with: its admin socket, the daemon's for held requests, and where the three watched files are."""

    def watched(name: str) -> Json:
        return {"resource_api_version": "V3", "path_config_source": {"path": str(folder / name)}}

    return {
        "node": {"id": "rw", "cluster": "rw"},
        "admin": {"address": {"pipe": {"path": str(admin_socket), "mode": 0o600}}},
        "stats_flush_interval": "1s",  # histograms are merged so often
        "stats_config": {"histogram_bucket_settings": [{"match": {"suffix": "upstream_rq_time"}, "buckets": BUCKETS_MS}]},
        "static_resources": {"clusters": [held.cluster(held_socket)]},
        "dynamic_resources": {"lds_config": watched("lds.json"), "cds_config": watched("cds.json")},
    }


# --- clusters


def clusters(routes: tuple[HttpRoute, ...]) -> list[Json]:
    """Return one cluster for each release, by name."""
    found = {upstream.release: upstream for route in routes for upstream in route.gone}
    found |= {upstream.release: upstream for route in routes for upstream in route.upstreams}
    return [cluster(found[name]) for name in sorted(found)]


def cluster(upstream: Upstream) -> Json:
    """Return a release's cluster."""
    limits = {"max_connections": PLENTY, "max_pending_requests": PLENTY, "max_requests": PLENTY, "max_retries": PLENTY}
    return {
        "@type": f"{TYPE}config.cluster.v3.Cluster",
        "name": upstream.release,
        "type": "STATIC",
        "connect_timeout": "5s",
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "circuit_breakers": {"thresholds": [{"priority": "DEFAULT", **limits}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{TYPE}extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {
                    "idle_timeout": "1s"
                },  # below every server's keep-alive: no POST meets a closing connection
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
        "load_assignment": {
            "cluster_name": upstream.release,
            "endpoints": [{"lb_endpoints": [_endpoint(one.host, one.port) for one in upstream.endpoints]}],
        },
    }


def endpoints(found: Json) -> tuple[Endpoint, ...]:
    """Return where the replicas of a cluster are that ``cluster`` made."""
    addresses = [one["endpoint"]["address"]["socket_address"] for one in found["load_assignment"]["endpoints"][0]["lb_endpoints"]]
    return tuple(Endpoint(one["address"], one["port_value"]) for one in addresses)


def _endpoint(host: str, port: int) -> Json:
    return {"endpoint": {"address": {"socket_address": {"address": host, "port_value": port}}}}


def traffic(rows: list[Json], release: str) -> Traffic:
    """Return a release's figures from the admin socket's statistics: broken off requests have no answer to be counted."""
    prefix = f"cluster.{release}.upstream_rq_"
    counts = {row["name"].removeprefix(prefix): int(row["value"]) for row in rows if row.get("name", "").startswith(prefix)}
    histograms = [one for row in rows for one in row.get("histograms", ()) if one["name"] == f"{prefix}time"]
    latency = tuple((float(one["upper_bound"]), int(one["cumulative"])) for found in histograms for one in found["buckets"])
    reset = counts.get("rx_reset", 0)
    return Traffic(counts.get("completed", 0) + reset, counts.get("5xx", 0) + reset, latency)


# --- routes


def route_configuration(routes: tuple[HttpRoute, ...]) -> Json:
    """Return the one route configuration of all ports: Envoy watches one file and takes one resource from it.

    A service's own port answers to any name, also to one of another service (an app that passes the Host header on must not meet itself):
    virtual hosts are chosen by ``FOR``, which is the Host header on the shared port and the port's own name elsewhere.
    """
    unknown = "no service answers to this name. `rw status` in the project's folder shows the URL of each service."
    return {
        "@type": f"{TYPE}config.route.v3.RouteConfiguration",
        "name": ROUTES,
        "virtual_hosts": [*_virtual_hosts(routes), {"name": "*", "domains": ["*"], "routes": pages.direct(404, "NO_SUCH_HOST", unknown)}],
        "vhost_header": FOR,
        "ignore_port_in_host_matching": True,
        # the third says what X-Forwarded-For says, and a header costs a Python app two requests in a hundred
        "request_headers_to_remove": ["x-real-ip", "x-forwarded-host", "x-envoy-external-address", FOR, held.TO],
    }


def routed(configurations: list[Json]) -> set[str]:
    """Return the clusters that routes lead to which ``route_configuration`` made."""
    rules = [rule for found in configurations for host in found["virtual_hosts"] for rule in host["routes"]]
    actions = [rule["route"] for rule in rules if "route" in rule]
    weighted = [one["name"] for action in actions for one in action.get("weighted_clusters", {}).get("clusters", ())]
    return {*weighted, *(action["cluster"] for action in actions if "cluster" in action)}


def own_name(port: int) -> str:
    """Return the name of a service's own listener, which is its virtual host's domain as well."""
    return f"own-{port}"


def _virtual_hosts(routes: tuple[HttpRoute, ...]) -> list[Json]:
    """Return a virtual host for each service. A name that two of them claim stays with the first: Envoy would refuse everything."""
    taken: set[str] = set()
    hosts = []
    for route in routes:
        names = [name.lower() for name in route.hostnames] + ([own_name(route.port)] if route.port else [])
        domains = [name for name in dict.fromkeys(names) if name not in taken]
        taken.update(domains)
        if domains:
            hosts.append({"name": route.key, "domains": domains, "routes": _rules(route), "request_body_buffer_limit": HELD_BODY_BYTES})
    return hosts


def _rules(route: HttpRoute) -> list[Json]:
    """Return one service's routes: requests that may be repeated, and the others."""
    name = route.key.rpartition("/")[2]
    if not route.upstreams:
        return pages.direct(503, "NOT_RUNNING", route.notice or f"{name} is not running; `rw up` starts it.")
    about = {
        "name": route.key,
        "metadata": {"filter_metadata": {"rw": {"service": name}}},
        **(held.asks(route.key) if route.is_held else {}),
    }
    rules = []
    for wanted, upstreams in _choices(route):
        action = held.ACTION if route.is_held else _action(upstreams, is_sticky=route.is_sticky)
        safe = [*wanted, {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD|OPTIONS"}}}]
        rules += [
            {**about, "match": {"prefix": "/", "headers": safe}, "route": {**action, "retry_policy": _retries(SAFE)}},
            {**about, "match": {"prefix": "/", "headers": wanted}, "route": {**action, "retry_policy": _retries(UNSAFE)}},
        ]
    return rules


def _choices(route: HttpRoute) -> list[tuple[list[Json], tuple[Upstream, ...]]]:
    """Return what a request's headers must match to go to which releases, first come first: by name, by cookie, by weight."""

    def whole(one: Upstream) -> Upstream:
        return replace(one, weight=100)

    named = [([{"name": RELEASE, "string_match": {"exact": one.name}}], (whole(one),)) for one in route.upstreams if one.name]
    met = [
        ([_has_cookie(one.release)], (whole(one),))
        for one in route.upstreams
        if route.is_sticky and one.weight and len(route.upstreams) > 1
    ]
    return [*named, *met, ([], route.upstreams)]


def _has_cookie(release: str) -> Json:
    return {"name": "cookie", "string_match": {"safe_regex": {"regex": rf"(?:.*;)?\s*{STICKY}={re.escape(release)}\s*(?:;.*)?"}}}


def _cookie(release: str) -> list[Json]:
    value = f"{STICKY}={release}; Path=/; Max-Age={STICKY_SECONDS}; HttpOnly; SameSite=Lax"
    return [{"header": {"key": "set-cookie", "value": value}, "append_action": "APPEND_IF_EXISTS_OR_ADD"}]


def _action(upstreams: tuple[Upstream, ...], *, is_sticky: bool) -> Json:
    """Return where a request goes. A single release is weighted as well where it is kept by a cookie: only weights carry headers."""
    base: Json = {"timeout": "0s", "idle_timeout": "0s"}
    if not is_sticky and len(upstreams) == 1:
        return {**base, "cluster": upstreams[0].release}

    def of(one: Upstream) -> Json:
        kept = {"response_headers_to_add": _cookie(one.release)} if is_sticky else {}
        return {"name": one.release, "weight": one.weight, **kept}

    return {**base, "weighted_clusters": {"clusters": [of(one) for one in upstreams]}}


def _retries(conditions: str) -> Json:
    """Return a policy that holds a request while its only replica comes up again."""
    predicate = "envoy.retry_host_predicates.previous_hosts"
    kind = f"{TYPE}extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    return {
        "retry_on": conditions,
        "num_retries": HOLD_RETRIES,
        "retry_back_off": {"base_interval": "0.1s", "max_interval": "0.25s"},
        "retry_host_predicate": [{"name": predicate, "typed_config": {"@type": kind}}],
        "host_selection_retry_max_attempts": HOSTS_TRIED,
    }


# --- listeners


def listeners(routes: tuple[HttpRoute, ...], *, port: int, folder: Path, without: frozenset[int] = frozenset()) -> list[Json]:
    """Return the shared port's listener and one for each service's own port, but for those in ``without``."""
    own = sorted({route.port for route in routes if route.port} - without)
    return [
        _listener(SHARED, port, folder, chosen_by="%REQ(:AUTHORITY)%"),
        *(_listener(own_name(one), one, folder, chosen_by=own_name(one)) for one in own),
    ]


def _listener(name: str, port: int, folder: Path, *, chosen_by: str) -> Json:
    source = {"resource_api_version": "V3", "path_config_source": {"path": str(folder / "rds.json")}}
    mark = {"append": {"header": {"key": FOR, "value": chosen_by}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
    manager = {
        "@type": f"{TYPE}extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "codec_type": "AUTO",
        "rds": {"route_config_name": ROUTES, "config_source": source},
        "early_header_mutation_extensions": [_early(mark, {"remove": "x-forwarded-for"})],  # the client's own word
        "http_filters": [
            held.http_filter(),
            {"name": "router", "typed_config": {"@type": f"{TYPE}extensions.filters.http.router.v3.Router"}},
        ],
        "use_remote_address": True,  # forged X-Forwarded-* and X-Request-Id do not pass
        "normalize_path": True,
        "merge_slashes": True,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "server_header_transformation": "PASS_THROUGH",
        "stream_idle_timeout": "0s",
        "http_protocol_options": {"accept_http_10": True},
        "access_log": [_access_log(folder)],
        "local_reply_config": pages.local_replies(),
    }
    return {
        "@type": f"{TYPE}config.listener.v3.Listener",
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "enable_reuse_port": False,  # the default lets a second Envoy share the port in silence
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def _early(*mutations: Json) -> Json:
    kind = "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
    return {"name": "for", "typed_config": {"@type": f"{TYPE}{kind}", "mutations": list(mutations)}}


def _access_log(folder: Path) -> Json:
    fields = {
        "ts": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
        "method": "%REQ(:METHOD)%",
        "host": "%REQ(:AUTHORITY)%",
        "path": "%PATH(NQ:ORIG_OR_PATH)%",  # no query: tokens stand there
        "protocol": "%PROTOCOL%",
        "status": "%RESPONSE_CODE%",
        "durationMs": "%DURATION%",
        "bytesIn": "%BYTES_RECEIVED%",
        "bytesOut": "%BYTES_SENT%",
        "release": "%UPSTREAM_CLUSTER_RAW%",
        "service": "%ROUTE_NAME%",
        "flags": "%RESPONSE_FLAGS%",
        "requestId": "%REQ(X-REQUEST-ID)%",
    }
    return {
        "name": "file",
        "typed_config": {
            "@type": f"{TYPE}extensions.access_loggers.file.v3.FileAccessLog",
            "path": str(folder / "access.log"),
            "log_format": {"json_format": fields},
        },
    }
