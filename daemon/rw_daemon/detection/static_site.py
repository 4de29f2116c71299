"""Files served by Caddy: the Caddyfile's text and the parts of a plan that every static site shares. Pure."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence

from rw_daemon.detection import site_files
from rw_daemon.detection.site_files import CADDYFILE, HEADERS, STATICFILE, TEMPLATE
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Bases, BuildPlan, Notice, Origin, ServicePlan

INDEX = "index.html"
BASE = "caddy:2-alpine"
START = f"caddy run --config {CADDYFILE} --adapter caddyfile"
SERVICE = ServicePlan(name="web", start=START)
BASES = Bases(build=BASE, run=BASE)
HIDDEN = (CADDYFILE, TEMPLATE, STATICFILE, HEADERS, "_redirects", "railway.toml", "railway.json", "Procfile")
"""Files that configure and are no content: kept from visitors when the root of the sources is served."""

_FOLDER = re.compile(r"[\w./-]+")
HASHED = r"[.-][A-Za-z0-9_-]{8,}\.(?:js|mjs|css|woff2?|ttf|png|jpe?g|gif|svg|webp|avif|ico|wasm|map)$"
"""How bundlers name files by their content (``index-Dk3b9xQz.js``, ``main.8f2c1a9b.css``), below their asset folders."""


def folder(said: object, default: str) -> str:
    """Return the folder that a setting names, relative to the app's; ``default`` when it names none below it."""
    path = posixpath.normpath(said) if isinstance(said, str) and said else ""
    return default if path in {"", "."} or path.startswith(("/", "..")) or not _FOLDER.fullmatch(path) else path


def served(plan: BuildPlan, source: Source, root: str, *, place: str, single_page: bool = False, page: str = INDEX) -> BuildPlan:
    """Return a plan that builds pages into ``root`` with Caddy as what runs.

    :param place: what names the folder.
    :param single_page: a router in the browser answers every path; otherwise 404.html is the page for what is not there. A Staticfile
        decides otherwise.
    :param page: what the paths of a single page get.
    """
    text, notices = configured(source, root, single_page=single_page, page=page, not_found="404.html")
    return plan.model_copy(
        update={
            "bases": Bases(build=plan.bases.build, run=BASE),
            "services": (SERVICE,),
            "tools": {**plan.tools, "caddy": ""},
            "path": plan.path[-1:],
            "keep": (root, CADDYFILE),
            "files": {CADDYFILE: text},
            "origins": {**plan.origins, "start": Origin.model_validate({"value": START, "from": place})},
            "warnings": (*plan.warnings, *notices),
        }
    )


def configured(source: Source, root: str, *, single_page: bool, not_found: str, page: str = INDEX) -> tuple[str, tuple[Notice, ...]]:
    """Return the Caddyfile of a site as its own files want it: its own one, else one that knows its Staticfile and its headers."""
    own, notices = site_files.own_caddyfile(source, root)
    if own is not None:
        return own, notices
    single_page = site_files.fallback(source, default=single_page)
    headers = site_files.headers(source, root)
    if single_page:
        return caddyfile(root, single_page=True, page=page, headers=headers), ()
    return caddyfile(root, not_found=not_found, headers=headers), ()


def caddyfile(root: str, *, single_page: bool = False, page: str = INDEX, not_found: str = "", headers: Sequence[str] = ()) -> str:
    """Return a Caddyfile that serves ``root`` (relative to the app's folder) on ``$HOST:$PORT``.

    :param single_page: paths that are no file get ``page``, as a router in the browser expects.
    :param headers: directives of the site's own, which beat those that every site gets.
    :param not_found: page below ``root`` for what is not there, with status 404; empty for none.
    """
    lines = ["root * " + json.dumps(root or "."), "encode zstd gzip", *_hidden(), *_cached(), *_headers(), *headers, *_health()]
    lines += (
        [f"try_files {{path}} {{path}}/index.html {{path}}.html /{page}"]
        if single_page
        else ["try_files {path} {path}/index.html {path}.html"]
    )
    lines += ["file_server {", *(f"\thide {name}" for name in HIDDEN), "}"]
    if not_found and not single_page:
        lines += ["handle_errors 404 {", f"\trewrite * {json.dumps('/' + not_found)}", "\tfile_server {", "\t\tstatus 404", "\t}", "}"]
    site = "\n".join("\t" + line for line in ["bind {$HOST:0.0.0.0}", *lines])
    return f"{_GLOBAL}\nhttp://:{{$PORT:8080}} {{\n{site}\n}}\n"


# No admin endpoint: nothing reconfigures a release. Nothing is written to disk: the container may be read-only.
_GLOBAL = """{
	admin off
	persist_config off
	auto_https off
	log {
		output stderr
		level WARN
	}
}
"""


def _hidden() -> list[str]:
    return ["@hidden {", "\tpath_regexp (^|/)\\.", "\tnot path /.well-known/*", "}", "error @hidden 404"]


def _cached() -> list[str]:
    return [
        "@hashed {",
        f'\tpath_regexp "^/(assets|static|_astro|_next/static|_app/immutable|_nuxt)/.*{HASHED}"',
        "\tfile",
        "}",
        'header @hashed Cache-Control "public, max-age=31536000, immutable"',
    ]


def _health() -> list[str]:
    """``/health`` says that the server lives, as with railpack, unless the site has such a page."""
    pages = "['/health', '/health.html', '/health/index.html']"
    # what was asked for: by then a single page's path has become /index.html
    return [f"@health expression `{{http.request.orig_uri.path}} == '/health' && !file({{'try_files': {pages}}})`", "respond @health 200"]


def _headers() -> list[str]:
    return ["@pages not path_regexp \\.[A-Za-z0-9]+$", "header @pages Cache-Control no-cache", "header X-Content-Type-Options nosniff"]
