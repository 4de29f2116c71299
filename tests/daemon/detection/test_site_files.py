"""What a site's own files say about how it is served: Caddyfile, Staticfile, _headers."""

from __future__ import annotations

import json

import pytest

from rw_daemon.detection import registry, site_files
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan

VITE = {"package.json": json.dumps({"scripts": {"build": "vite build"}, "devDependencies": {"vite": "7"}}), "index.html": ""}
PAGES = {"index.html": ""}
FALLS_BACK = "try_files {path} {path}/index.html {path}.html /index.html"
OWN = ":{$PORT:80} {\n\troot * dist\n\tfile_server\n}\n"


def planned(files: dict[str, str], **more: str) -> BuildPlan:
    return registry.plan(Request(Source({**files, **more})))


def caddyfile(files: dict[str, str], **more: str) -> str:
    return planned(files, **more).files["Caddyfile"]


@pytest.mark.parametrize(
    ("files", "said", "falls_back"),
    [
        pytest.param(VITE, "", True, id="a single page"),
        pytest.param(VITE, "index_fallback: false", False, id="a single page that wants its 404"),
        pytest.param(PAGES, "", False, id="pages"),
        pytest.param(PAGES, "root: .\nindex_fallback: true\n", True, id="pages with a router"),
        pytest.param(PAGES, "index_fallback: perhaps", False, id="another word"),
    ],
)
def test_the_staticfile_says_whether_a_router_answers_every_path(files: dict[str, str], said: str, *, falls_back: bool) -> None:
    text = caddyfile(files, **({"Staticfile": said} if said else {}))
    assert (FALLS_BACK in text) is falls_back


def test_a_single_page_that_wants_none_gets_its_page_for_what_is_not_there() -> None:
    assert 'rewrite * "/404.html"' in caddyfile(VITE, Staticfile="index_fallback: false")
    assert 'rewrite * "/404.html"' not in caddyfile(VITE)


@pytest.mark.parametrize("files", [VITE, PAGES], ids=["built", "as it is"])
def test_an_own_caddyfile_is_taken_as_it_is(files: dict[str, str]) -> None:
    plan = planned(files, Caddyfile=OWN)
    assert (plan.files["Caddyfile"], plan.warnings) == (OWN, ())


def test_an_own_caddyfile_that_listens_elsewhere_is_told() -> None:
    assert [one.code for one in planned(PAGES, Caddyfile="example.com {\n}\n").warnings] == ["CADDYFILE_PORT"]


def test_railpacks_template_is_filled_with_the_folder() -> None:
    assert caddyfile(VITE, **{"Caddyfile.template": OWN.replace("dist", "{{.DIST_DIR}}")}) == OWN


def test_headers_that_a_site_names_are_sent() -> None:
    text = "# ours\n/*\n  X-Frame-Options: DENY\n/admin/:id\n  X-Skipped: 1\n/fonts/*\n  Access-Control-Allow-Origin: *\n  no header\n"
    assert site_files.headers(Source({"public/_headers": text}), "dist") == [
        'header /* X-Frame-Options "DENY"',
        'header /fonts/* Access-Control-Allow-Origin "*"',
    ]
    assert 'header /* X-Frame-Options "DENY"' in caddyfile(VITE, **{"public/_headers": text})
    assert "hide _headers" in caddyfile(VITE)


@pytest.mark.parametrize(("name", "value"), [("RAILPACK_NO_SPA", "1"), ("NIXPACKS_SPA_CADDY", "0"), ("NIXPACKS_SPA_CADDY", "false")])
def test_pages_are_not_served_where_a_variable_says_so(name: str, value: str) -> None:
    plan = registry.plan(Request(Source({**VITE, "server.js": ""}), variables={name: value}))
    assert plan.services[0].start == "node server.js"
