"""Gleam: a shipment for Erlang."""

from __future__ import annotations

from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.ranges import pessimistic
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted, choose
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Notice, Origin, ServicePlan, Step

NAME, LOCK = "gleam.toml", "manifest.toml"
SHIPMENT = "build/erlang-shipment"
START = f"./{SHIPMENT}/entrypoint.sh run"
CACHE = Cache(id="gleam", path="/root/.cache/gleam")


class GleamBuildpack:
    """Detects gleam.toml."""

    name = "gleam"
    recognises = f"Gleam: {NAME}"
    looked_for = (f"name in {NAME}, for Erlang",)
    programs = frozenset({"gleam"})

    def detect(self, source: Source) -> str | None:
        """Return gleam.toml."""
        return source.first(NAME)

    def plan(self, request: Request) -> BuildPlan:
        """Describe the export of a shipment. What runs it is the same image: modules load on the Erlang that compiled them."""
        source = request.source
        document = source.toml(NAME)
        said = document.get("gleam")
        wanted = [Wanted(pessimistic(said), f"gleam in {NAME}")] if isinstance(said, str) else []
        version = choose("gleam", source, own=[], manifests=wanted, variables=request.variables)
        is_javascript = document.get("target") == "javascript"
        base = f"ghcr.io/gleam-lang/gleam:v{version.version}-erlang-slim"
        words = f"{NAME} aims at JavaScript, and only Erlang can be started."
        notice = Notice(code="TARGET_NOT_SERVED", message=words, fix=f'Write target = "erlang" in {NAME}, or a start command.')
        return BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager="gleam",
            bases=Bases(build=base, run=base),
            steps=(
                Step(name="install", commands=("gleam deps download",), inputs=_manifests(source), caches=(CACHE,)),
                Step(name="build", commands=("gleam export erlang-shipment",), inputs=(".",), caches=(CACHE,), variables=("*",)),
            ),
            services=(ServicePlan(name="web", start="" if is_javascript else START),),
            tools={"gleam": version.allowed, "erl": ""},
            keep=(SHIPMENT,),
            origins={"version": version.origin}
            | ({} if is_javascript else {"start": Origin.model_validate({"value": START, "from": NAME})}),
            warnings=(*version.notices, *((notice,) if is_javascript else ())),
        )


def _manifests(source: Source) -> tuple[str, ...]:
    """Return what a download reads; all sources where a package is a folder of them."""
    tables = [source.toml(NAME).get(key) for key in ("dependencies", "dev-dependencies")]
    is_local = any(isinstance(one, dict) and "path" in one for table in tables if isinstance(table, dict) for one in table.values())
    return (".",) if is_local else tuple(one for one in (NAME, LOCK) if source.has(one))
