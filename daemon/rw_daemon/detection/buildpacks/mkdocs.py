"""MkDocs: pages built from Markdown, served by Caddy."""

from __future__ import annotations

from rw_daemon.detection import python_install, static_site, versions
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.python_install import UV_CACHE
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted
from rw_daemon.plans.plan import Bases, BuildPlan, Notice, Origin, Step

CONFIGS = ("mkdocs.yml", "mkdocs.yaml")
GENERATOR = "mkdocs"
THEMES = {"material": "mkdocs-material"}
# beside the project's own packages, which seldom hold what only the documentation needs
OWN_REQUIREMENTS = ("docs/requirements.txt", "requirements-docs.txt", "requirements/docs.txt")


class MkdocsBuildpack:
    """Detects mkdocs.yml."""

    name = "mkdocs"
    recognises = "MkDocs: mkdocs.yml"
    looked_for = CONFIGS
    programs = frozenset({"mkdocs"})

    def detect(self, source: Source) -> str | None:
        """Return the configuration."""
        return source.first(*CONFIGS)

    def plan(self, request: Request) -> BuildPlan:
        """Describe the environment, the build, and a Caddy."""
        source = request.source
        config = source.first(*CONFIGS) or CONFIGS[0]
        own = [Wanted(source.text(".python-version").strip(), ".python-version")]
        version = versions.choose("python", source, own=own, manifests=[], variables=request.variables)
        steps, manager, notices = _environment(source, config)
        base = f"python:{version.version}-slim"
        plan = BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager=manager,
            framework=self.name,
            bases=Bases(build=base, run=base),
            steps=(*steps, Step(name="build", commands=(f"mkdocs build --quiet --config-file {config}",), inputs=(".",), variables=("*",))),
            tools={"uv": "", "python": version.allowed},
            path=(".venv/bin",),
            origins={"version": version.origin, "packageManager": Origin.model_validate({"value": manager, "from": config})},
            warnings=(*version.notices, *notices),
        )
        return static_site.served(plan, source, static_site.folder(source.yaml(config).get("site_dir"), "site"), place=config)


def _environment(source: Source, config: str) -> tuple[tuple[Step, ...], str, tuple[Notice, ...]]:
    """Return the steps up to an environment with MkDocs in it, what installs, and a warning when MkDocs is asked for nowhere."""
    if path := source.first(*OWN_REQUIREMENTS):
        commands = ("uv venv --quiet .venv", f"uv pip install --compile-bytecode -r {path}")
        return (Step(name="install", commands=commands, inputs=(path,), caches=(UV_CACHE,)),), "pip", ()
    install = python_install.choose(source)
    if any(name == GENERATOR or name.startswith(f"{GENERATOR}-") for name in install.names):
        return install.steps, install.manager, ()
    theme = source.yaml(config).get("theme")
    package = THEMES.get(str(theme.get("name") if isinstance(theme, dict) else theme), GENERATOR)
    beside = f" {package}" if package != GENERATOR else ""
    commands = ("uv venv --quiet .venv", f"uv pip install --compile-bytecode '{GENERATOR}<2'{beside}")
    words = f"No file asks for {package}, so its newest version is installed, without plugins."
    notice = Notice(code="GENERATOR_ADDED", message=words, fix=f"Write {OWN_REQUIREMENTS[0]} with {package} and the plugins in it.")
    return (Step(name="install", commands=commands, caches=(UV_CACHE,)),), "pip", (notice,)
