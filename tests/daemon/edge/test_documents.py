"""What Envoy is told, by meaning: the values without which requests are lost (edge.md), and pages that any text may stand on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rw_daemon.edge import documents, pages
from rw_daemon.edge.edge import Endpoint, HttpRoute, Upstream

FOLDER = Path("/home/of/edge")
WEB = HttpRoute(
    "shop/production/web", ("web.shop.localhost", "shop.localhost"), 20_001, (Upstream("d1", (Endpoint("127.0.0.1", 5001),)),), "web is up"
)


def hosts(*routes: HttpRoute) -> dict[str, Any]:
    return {one["name"]: one for one in documents.route_configuration(routes)["virtual_hosts"]}


def manager(listener: dict[str, Any]) -> dict[str, Any]:
    return listener["filter_chains"][0]["filters"][0]["typed_config"]


def test_a_service_is_chosen_by_its_names_and_by_its_own_listener() -> None:
    assert hosts(WEB)["shop/production/web"]["domains"] == ["web.shop.localhost", "shop.localhost", "own-20001"]
    shared, own = documents.listeners((WEB,), port=8080, folder=FOLDER)
    chosen_by = [manager(one)["early_header_mutation_extensions"][0]["typed_config"]["mutations"][0]["append"] for one in (shared, own)]
    assert [one["header"]["value"] for one in chosen_by] == ["%REQ(:AUTHORITY)%", "own-20001"]
    assert {one["append_action"] for one in chosen_by} == {"OVERWRITE_IF_EXISTS_OR_ADD"}, "a client must not choose for itself"
    configuration = documents.route_configuration((WEB,))
    assert configuration["vhost_header"] in configuration["request_headers_to_remove"]


def test_a_name_that_two_services_claim_stays_with_the_first_since_envoy_would_refuse_both() -> None:
    other = HttpRoute("shop/production/api", ("WEB.shop.localhost", "api.shop.localhost"))
    assert hosts(WEB, other)["shop/production/api"]["domains"] == ["api.shop.localhost"]
    assert "shop/production/api" not in hosts(WEB, HttpRoute("shop/production/api", ("shop.localhost",)))


def test_requests_that_reached_the_app_are_sent_again_only_when_they_may_be() -> None:
    safe, rest = hosts(WEB)["shop/production/web"]["routes"]
    assert safe["match"]["headers"][0]["string_match"]["safe_regex"]["regex"] == "GET|HEAD|OPTIONS"
    assert rest["match"]["headers"] == []
    assert "reset" in safe["route"]["retry_policy"]["retry_on"].split(",")
    assert not {"reset", "5xx", "gateway-error"} & set(rest["route"]["retry_policy"]["retry_on"].split(","))


def test_request_that_names_a_release_gets_it_whatever_the_weights() -> None:
    old, new = Upstream("d1", WEB.upstreams[0].endpoints, weight=100), Upstream("d2", WEB.upstreams[0].endpoints, weight=0, name="v2")
    routes = hosts(replace(WEB, upstreams=(old, new)))["shop/production/web"]["routes"]
    assert [one["route"].get("cluster", "both") for one in routes] == ["d2", "d2", "both", "both"]
    assert all({"name": "x-rw-release", "string_match": {"exact": "v2"}} in one["match"]["headers"] for one in routes[:2])


@pytest.mark.parametrize(
    ("route", "routed"),
    [
        pytest.param(WEB, {"d1"}, id="one release"),
        pytest.param(replace(WEB, upstreams=(Upstream("d1", (), 90), Upstream("d2", (), 10, "v2"))), {"d1", "d2"}, id="by weight and name"),
        pytest.param(replace(WEB, upstreams=()), set(), id="nothing runs"),
        pytest.param(replace(WEB, is_held=True), set(), id="held: the daemon says where"),
        pytest.param(replace(WEB, gone=(Upstream("d0", ()),)), {"d1"}, id="one that was replaced"),
    ],
)
def test_clusters_that_routes_lead_to_are_known_by_the_routes_alone(route: HttpRoute, routed: set[str]) -> None:
    assert documents.routed([documents.route_configuration((route,))]) == routed
    assert documents.routed([]) == set()


def test_no_limit_of_envoy_cuts_a_download_or_hangs_a_websocket() -> None:
    action = hosts(WEB)["shop/production/web"]["routes"][0]["route"]
    assert (action["timeout"], action["idle_timeout"], action["retry_policy"]["num_retries"]) == ("0s", "0s", 200)
    (cluster,) = documents.clusters((WEB,))
    (threshold,) = cluster["circuit_breakers"]["thresholds"]
    assert {value for key, value in threshold.items() if key != "priority"} == {10_000}
    options = cluster["typed_extension_protocol_options"]["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]
    assert options["common_http_protocol_options"]["idle_timeout"] == "1s", "below every server's keep-alive time"


def test_there_is_one_static_cluster_for_a_release_even_when_two_routes_share_it() -> None:
    again = HttpRoute("shop/production/www", ("www.shop.localhost",), 0, WEB.upstreams)
    (cluster,) = documents.clusters((WEB, again))
    assert (cluster["name"], cluster["type"]) == ("d1", "STATIC")
    (endpoint,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 5001}


def test_two_upstreams_share_by_weight() -> None:
    both = (Upstream("d1", (Endpoint("127.0.0.1", 1),), 90), Upstream("d2", (Endpoint("127.0.0.1", 2),), 10))
    action = hosts(HttpRoute("p/e/s", ("s.localhost",), 0, both))["p/e/s"]["routes"][0]["route"]
    assert action["weighted_clusters"]["clusters"] == [{"name": "d1", "weight": 90}, {"name": "d2", "weight": 10}]
    assert "cluster" not in action


def test_listeners_are_on_loopback_only_and_never_share_a_port() -> None:
    made = documents.listeners((WEB, HttpRoute("p/e/x", ("x",), 20_002)), port=8080, folder=FOLDER, without=frozenset({20_002}))
    assert [one["name"] for one in made] == ["shared", "own-20001"]
    for one in made:
        assert one["address"]["socket_address"]["address"] == "127.0.0.1"
        assert one["enable_reuse_port"] is False
        settings = manager(one)
        assert (settings["codec_type"], settings["use_remote_address"]) == ("AUTO", True)
        assert settings["upgrade_configs"] == [{"upgrade_type": "websocket"}]


def test_the_listeners_do_not_change_with_a_release_so_that_no_connection_is_drained_for_it() -> None:
    new = HttpRoute(WEB.key, WEB.hostnames, WEB.port, (Upstream("d2", (Endpoint("127.0.0.1", 5002),)),))
    before, after = (documents.listeners((one,), port=8080, folder=FOLDER) for one in (WEB, new))
    assert documents.version_of(before) == documents.version_of(after)
    before, after = (documents.dynamic([documents.route_configuration((one,))]) for one in (WEB, new))
    assert before["version_info"] != after["version_info"]


def test_a_service_that_sleeps_changes_its_routes_alone_and_no_listener() -> None:
    asleep = replace(WEB, is_held=True)
    assert documents.listeners((asleep,), port=8080, folder=FOLDER) == documents.listeners((WEB,), port=8080, folder=FOLDER)
    for awake, route in zip(hosts(WEB)[WEB.key]["routes"], hosts(asleep)[WEB.key]["routes"], strict=True):
        assert route["typed_per_filter_config"]["held"]["check_settings"]["http_service"]["path_override"] == f"/{WEB.key}"
        assert "typed_per_filter_config" not in awake
        assert "cluster" not in route["route"], "it may be another release by the time it goes on"
    configuration = documents.route_configuration((asleep,))
    assert "x-rw-to" in configuration["request_headers_to_remove"], "no app is to see where rw sends it"


def test_the_access_log_tells_the_release_and_the_service() -> None:
    (access,) = manager(documents.listeners((WEB,), port=8080, folder=FOLDER)[0])["access_log"]
    fields = access["typed_config"]["log_format"]["json_format"]
    assert {"method", "path", "status", "durationMs", "release", "service", "requestId", "bytesOut", "flags"} <= set(fields)


def test_the_admin_socket_is_for_the_owner_only() -> None:
    made = documents.bootstrap(FOLDER, admin_socket=Path("/run/x/envoy.sock"), held_socket=Path("/run/x/held.sock"))
    pipe = made["admin"]["address"]["pipe"]
    assert pipe == {"path": "/run/x/envoy.sock", "mode": 0o600}


@pytest.mark.parametrize(
    "notice",
    [
        pytest.param("web crashed at 100%; run `rw logs web`", id="a percent sign"),
        pytest.param("%REQ(COOKIE)% %s %%", id="what looks like a format"),
        pytest.param("<script>alert('x')</script> & \"more\"", id="HTML"),
        pytest.param("schön – 完了\nsecond line", id="not ASCII"),
        pytest.param("x" * 100_000, id="far too long"),
    ],
)
def test_a_notice_is_any_text_and_arrives_as_text(notice: str) -> None:
    browser, program, anybody = hosts(HttpRoute("p/e/web", ("web",), 0, (), notice))["p/e/web"]["routes"]
    bodies = [one["direct_response"]["body"]["inline_string"] for one in (browser, program, anybody)]
    assert all(len(body.encode()) <= 4096 for body in bodies), "Envoy refuses a longer page"
    assert "<script" not in bodies[0]
    assert json.loads(bodies[1])["error"]["message"][:20] == notice[:20]
    assert bodies[2].startswith(f"503: {notice[:20]}")
    headers = {one["header"]["key"]: one["header"]["value"] for one in anybody["response_headers_to_add"]}
    assert headers == {"content-type": "text/plain; charset=utf-8", "retry-after": "5"}


def test_a_service_without_a_notice_is_named_with_what_to_type() -> None:
    page = hosts(HttpRoute("p/e/api", ("api",)))["p/e/api"]["routes"][-1]["direct_response"]["body"]["inline_string"]
    assert page == "503: api is not running; `rw up` starts it.\n"


def test_the_page_for_an_unknown_name_lists_nothing_that_is_served() -> None:
    page = json.dumps(hosts(WEB)["*"])
    assert "404" in page
    assert "`rw status`" in page
    assert not [word for word in ("shop", "20001", "d1", "5001") if word in page]


def test_failures_of_envoy_itself_name_the_service_and_the_command() -> None:
    mappers = pages.local_replies()["mappers"]
    kinds = [one["body_format_override"]["content_type"].partition(";")[0] for one in mappers if "body_format_override" in one]
    assert kinds == ["text/html", "application/json", "text/plain"] * 4
    silent = mappers[2]["body_format_override"]["text_format_source"]["inline_string"]
    assert silent.count(pages.SERVICE) == 2
    assert silent.replace(pages.SERVICE, "").count("%") == 0, "Envoy reads everything else between percent signs as a format"
