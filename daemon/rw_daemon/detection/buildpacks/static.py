"""Pages that are served as they are."""

from __future__ import annotations

import posixpath

from rw_daemon.detection import site_files, static_site
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.site_files import CADDYFILE, STATICFILE
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan, Origin, Step
from rw_shared.errors import ConfigInvalidError

FOLDERS = ("", "public", "dist", "build", "site", "www", "_site")
ROOT_OVERRIDES = ("RW_BUILD_STATIC_ROOT", "NIXPACKS_STATICFILE_ROOT", "RAILPACK_STATIC_FILE_ROOT")


class StaticBuildpack:
    """Detects index.html and Staticfile."""

    name = "static"
    recognises = "static: index.html (in the root, public/, dist/, build/, site/), or a Staticfile"
    looked_for = ("index.html",)
    programs: frozenset[str] = frozenset()

    def detect(self, source: Source) -> str | None:
        """Return the Staticfile or the first index.html."""
        return source.first(STATICFILE, *(posixpath.join(folder, "index.html") for folder in FOLDERS))

    def plan(self, request: Request) -> BuildPlan:
        """Describe a Caddy that serves the folder."""
        root, place = _root(request)
        page = "404.html" if request.source.has(posixpath.join(root, "404.html")) else ""
        text, notices = static_site.configured(request.source, root, single_page=False, not_found=page)
        return BuildPlan(
            buildpack=self.name,
            bases=static_site.BASES,
            steps=(Step(name="sources", commands=(), inputs=(".",)),),
            services=(static_site.SERVICE,),
            tools={"caddy": ""},
            keep=(root, CADDYFILE) if root else (".",),
            files={CADDYFILE: text},
            origins={"root": Origin.model_validate({"value": root or ".", "from": place})},
            warnings=notices,
        )


def _root(request: Request) -> tuple[str, str]:
    """Return the folder that is served and what names it. ``ConfigInvalidError`` when it lies outside the sources."""
    source = request.source
    said = next(((request.variables[name], name) for name in ROOT_OVERRIDES if request.variables.get(name)), None)
    if said is None and (folder := site_files.said(source, "root")):
        said = (folder, STATICFILE)
    if said is not None:
        folder = posixpath.normpath(said[0].lstrip("/") or ".")
        if folder.startswith("..") or (folder != "." and not source.has_folder(folder)):
            raise ConfigInvalidError(said[1], f"the folder {said[0]!r} is not there.")
        return ("" if folder == "." else folder), said[1]
    index = source.first(*(posixpath.join(folder, "index.html") for folder in FOLDERS))
    return posixpath.dirname(index or ""), index or STATICFILE
