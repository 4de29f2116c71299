"""Jekyll: pages built from Markdown, served by Caddy."""

from __future__ import annotations

import re

from rw_daemon.detection import static_site
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.gemfile import Gemfile, tag
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import choose
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Notice, Packages, Step

CONFIGS = ("_config.yml", "_config.yaml", "_config.toml")
FOLDERS = ("_posts", "_layouts", "_includes", "_data", "_sass", "_drafts")
MANIFESTS = ("Gemfile", "Gemfile.lock", ".ruby-version", ".bundle/config")
CACHE = Cache(id="bundler", path="/root/.bundle/cache", variable="BUNDLE_USER_CACHE")
_GEM = re.compile(r"^\s*gem\s+[\"'](?:jekyll|github-pages)[\"']", re.MULTILINE)


class JekyllBuildpack:
    """Detects _config.yml beside Jekyll's folders or a Gemfile that names Jekyll."""

    name = "jekyll"
    recognises = "Jekyll: _config.yml beside _posts/, _layouts/ or a Gemfile with jekyll"
    looked_for = CONFIGS[:1]
    programs = frozenset({"jekyll"})

    def detect(self, source: Source) -> str | None:
        """Return the configuration."""
        is_jekyll = any(source.has_folder(folder) for folder in FOLDERS) or bool(_GEM.search(source.text("Gemfile")))
        return source.first(*CONFIGS) if is_jekyll else None

    def plan(self, request: Request) -> BuildPlan:
        """Describe gems, the build, and a Caddy."""
        source = request.source
        config = source.first(*CONFIGS) or CONFIGS[0]
        own, manifests = Gemfile(source).versions()
        version = choose("ruby", source, own=own, manifests=manifests, variables=request.variables)
        base = f"ruby:{tag(version)}-slim"
        steps, notices = _steps(source)
        plan = BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager="bundler",
            framework=self.name,
            bases=Bases(build=base, run=base),
            steps=steps,
            packages=Packages(build=("build-essential", "git")),
            tools={"ruby": version.allowed, "bundle": ""},
            environment={"JEKYLL_ENV": "production", "BUNDLE_PATH": "vendor/bundle", "BUNDLE_GLOBAL_GEM_CACHE": "true"},
            origins={"version": version.origin},
            warnings=(*version.notices, *notices),
        )
        settings = source.toml(config) if config.endswith(".toml") else source.yaml(config)
        return static_site.served(plan, source, static_site.folder(settings.get("destination"), "_site"), place=config)


def _steps(source: Source) -> tuple[tuple[Step, ...], tuple[Notice, ...]]:
    build = Step(name="build", commands=("bundle exec jekyll build",), inputs=(".",), variables=("*",))
    if source.has("Gemfile"):
        frozen = "BUNDLE_FROZEN=true " if source.has("Gemfile.lock") else ""
        inputs = tuple(path for path in (*MANIFESTS, *(one for one in source.paths if one.endswith(".gemspec"))) if source.has(path))
        return (Step(name="install", commands=(f"{frozen}bundle install",), inputs=inputs, caches=(CACHE,)), build), ()
    install = Step(name="install", commands=("bundle init", "bundle add jekyll minima"), caches=(CACHE,))
    words = "No Gemfile asks for Jekyll, so its newest version is installed, with the theme minima."
    return (install, build), (Notice(code="GENERATOR_ADDED", message=words, fix="Write a Gemfile with jekyll and its plugins in it."),)
