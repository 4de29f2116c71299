"""Clojure by Leiningen or tools.build: one jar with everything in it, run on a JRE."""

from __future__ import annotations

import re
import shlex
from typing import Any

from rw_daemon.detection import edn, jvm, overrides
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.jvm import JAR
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Origin, ServicePlan, Step

LEIN, TOOLS_DEPS, TOOLS_BUILD = "project.clj", "deps.edn", "build.clj"
GITLIBS = Cache(id="clojure-git", path="/root/.gitlibs", variable="GITLIBS")
IMAGES = {"lein": "clojure:temurin-{}-lein", "clojure": "clojure:temurin-{}-tools-deps"}
RING = "lein-ring"
NOT_READ = r"(?:.*/)?(?:target|classes|test|\.cpcache)/|(?:project\.clj|deps\.edn|build\.clj|profiles\.clj|system\.properties)$"


class ClojureBuildpack:
    """Detects project.clj, and build.clj beside deps.edn."""

    name = "clojure"
    recognises = "Clojure: project.clj, or deps.edn with build.clj"
    looked_for = (":main or :ring in project.clj", "the function uber in build.clj")
    programs = frozenset({"java", "lein", "clojure", "clj"})

    def detect(self, source: Source) -> str | None:
        """Return the build's file."""
        return source.first(LEIN) or (source.first(TOOLS_BUILD) if source.has(TOOLS_DEPS) else None)

    def plan(self, request: Request) -> BuildPlan:
        """Describe the build of the one jar, and start it."""
        source = request.source
        tool = "lein" if source.has(LEIN) else "clojure"
        project = _project(source) if tool == "lein" else {}
        version = jvm.version(source, manifests=[], variables=request.variables)
        image = IMAGES[tool].format(version.version)
        with_tools = overrides.runs_tool(request, self.programs - {"java"})
        start, place = (jvm.command(None, f"-jar {JAR}"), LEIN if tool == "lein" else TOOLS_BUILD) if _starts(source, project) else ("", "")
        kept = (JAR, *overrides.named_paths(request, "target"), *jvm.read_at_run_time(source, made=NOT_READ))
        return BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager=tool,
            framework="ring" if _is_ring(project) else "",
            bases=Bases(build=image, run=image if with_tools else f"eclipse-temurin:{version.version}-jre"),
            steps=_lein(source, project) if tool == "lein" else _tools_build(source),
            services=(ServicePlan(name="web", start=start),),
            tools={"java": version.allowed, tool: ""},
            keep=(".",) if with_tools else tuple(dict.fromkeys(kept)),
            origins={"version": version.origin} | ({"start": Origin.model_validate({"value": start, "from": place})} if start else {}),
            warnings=version.notices,
        )


def _project(source: Source) -> dict[str, Any]:
    """Return ``(defproject name "version" :key value …)`` as a map; name and version under ``name`` and ``version``."""
    for form in edn.read(LEIN, source.text(LEIN)):
        if isinstance(form, list) and len(form) > 2 and form[0] == "defproject":
            said = {key: value for key, value in zip(form[3::2], form[4::2], strict=False) if isinstance(key, str)}
            return {**said, "name": form[1], "version": edn.text(form[2])}
    return {}


def _is_ring(project: dict[str, Any]) -> bool:
    plugins = project.get(":plugins")
    used = {one[0] for one in plugins if isinstance(one, list) and one and isinstance(one[0], str)} if isinstance(plugins, list) else set()
    return RING in used and ":ring" in project


def _starts(source: Source, project: dict[str, Any]) -> bool:
    profiles = project.get(":profiles")
    uberjar = profiles.get(":uberjar") if isinstance(profiles, dict) else None
    has_main = ":main" in project or (isinstance(uberjar, dict) and ":main" in uberjar)
    return has_main or _is_ring(project) if source.has(LEIN) else bool(re.search(r"\(defn\s+uber\b", source.text(TOOLS_BUILD)))


def _jar(project: dict[str, Any]) -> str:
    """Return the file name of the jar with everything in it."""
    profiles = project.get(":profiles")
    uberjar = profiles.get(":uberjar") if isinstance(profiles, dict) else None
    said = edn.text(uberjar.get(":uberjar-name")) if isinstance(uberjar, dict) else ""
    name, version = str(project.get("name", "*")).rpartition("/")[2], project.get("version") or "*"
    return said or edn.text(project.get(":uberjar-name")) or f"{name}-{version}-standalone.jar"


def _lein(source: Source, project: dict[str, Any]) -> tuple[Step, ...]:
    build = "lein ring uberjar" if _is_ring(project) else "lein uberjar"
    inputs = (LEIN, *(["profiles.clj"] if source.has("profiles.clj") else []))
    caches = (jvm.MAVEN_CACHE,)
    # below target, or a folder of a profile in it: by name it is always the same one
    collect = f"cp $(find target -name {shlex.quote(_jar(project))}) {JAR}"
    return (
        Step(name="install", commands=("lein deps",), inputs=inputs, caches=caches),
        Step(name="build", commands=(build,), inputs=(".",), caches=caches, variables=("*",)),
        Step(name="collect", commands=(collect,)),
    )


def _tools_build(source: Source) -> tuple[Step, ...]:
    caches = (jvm.MAVEN_CACHE, GITLIBS)
    local = ":local/root" in source.text(TOOLS_DEPS)
    fetch = Step(name="install", commands=("clojure -P && clojure -P -T:build",), inputs=(TOOLS_DEPS, TOOLS_BUILD), caches=caches)
    return (
        *(() if local else (fetch,)),
        Step(name="build", commands=("clojure -T:build uber",), inputs=(".",), caches=caches, variables=("*",)),
        Step(name="collect", commands=(jvm.only_jar("target"),)),
    )
