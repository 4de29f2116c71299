"""Elixir: a release of the application, Phoenix or not, which brings Erlang along."""

from __future__ import annotations

from rw_daemon.detection import node_assets
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.mix import LOCK, NAME, Mix
from rw_daemon.detection.node_assets import Assets
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import choose
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Notice, Origin, Packages, ServicePlan, Step

# the official images stand on Debian 12 or 13; what is built there runs on 13
RUN_BASE = "debian:trixie-slim"
RUN_PACKAGES = ("ca-certificates", "libncurses6", "libstdc++6", "openssl")
RELEASE = "release"
OWN_MIGRATION = "rel/overlays/bin/migrate"
CACHES = (
    Cache(id="hex", path="/root/.hex", variable="HEX_HOME"),
    Cache(id="mix", path="/root/.mix", variable="MIX_HOME"),
)
CHECKS_LOCK_SINCE = (1, 15)
# packages that bring C along
COMPILED = frozenset({"argon2_elixir", "bcrypt_elixir", "elixir_make", "exqlite", "fast_html", "jiffy", "pbkdf2_elixir", "rustler"})
MIGRATE = (
    "Application.ensure_all_started(:ssl); Enum.each([{apps}], fn app -> Application.load(app); "
    "for repo <- Application.get_env(app, :ecto_repos, []), do: "
    "{{:ok, _, _}} = Ecto.Migrator.with_repo(repo, &Ecto.Migrator.run(&1, :up, all: true)) end)"
)


class ElixirBuildpack:
    """Detects mix.exs."""

    name = "elixir"
    recognises = f"Elixir: {NAME}"
    looked_for = (f"app: or releases: in {NAME}",)
    programs = frozenset({"mix", "elixir", "iex"})

    def detect(self, source: Source) -> str | None:
        """Return mix.exs."""
        return source.first(NAME)

    def plan(self, request: Request) -> BuildPlan:
        """Describe packages, assets, and the release."""
        source, mix = request.source, Mix(request.source)
        own, manifests = mix.versions()
        version = choose("elixir", source, own=own, manifests=manifests, variables=request.variables)
        assets = node_assets.find(request, "assets") if source.has("assets/package.json") else None
        start = f"{RELEASE}/bin/{mix.release} start" if mix.release else ""
        return BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager="mix",
            framework="Phoenix" if "phoenix" in mix.packages else "",
            bases=Bases(build=f"elixir:{version.version}-slim", run=RUN_BASE),
            toolchains=(assets.toolchain,) if assets else (),
            steps=_steps(mix, assets, version.version),
            packages=Packages(build=_build_packages(mix), runtime=RUN_PACKAGES),
            services=(ServicePlan(name="web", start=start, pre_deploy=_migrations(source, mix)),),
            tools={"elixir": version.allowed, "mix": "", **(assets.tools if assets else {})},
            environment=_environment(mix),
            keep=(RELEASE,),
            origins={"version": version.origin} | ({"start": _origin(start, f"app or releases in {NAME}")} if start else {}),
            warnings=(*version.notices, *(assets.version.notices if assets else ()), *_notices(source, mix)),
        )


def _origin(value: str, source: str) -> Origin:
    return Origin.model_validate({"value": value, "from": source})


def _notices(source: Source, mix: Mix) -> tuple[Notice, ...]:
    if not mix.packages or source.has(LOCK):
        return ()
    words = f"Without {LOCK} each build may take other packages."
    return (Notice(code="LOCK_MISSING", message=words, fix="Run `mix deps.get` and commit it."),)


def _environment(mix: Mix) -> dict[str, str]:
    # replicas on one machine would claim the same name of a node; a cluster sets RELEASE_DISTRIBUTION itself
    values = {"ELIXIR_ERL_OPTIONS": "+fnu", "LANG": "C.UTF-8", "MIX_ENV": "prod", "RELEASE_DISTRIBUTION": "none"}
    return dict(sorted((values | ({"PHX_SERVER": "true"} if "phoenix" in mix.packages else {})).items()))


def _build_packages(mix: Mix) -> tuple[str, ...]:
    return ("build-essential", "git") if mix.packages & COMPILED else ("git",) if mix.packages else ()


def _migrations(source: Source, mix: Mix) -> tuple[str, ...]:
    """Return the migration: the project's own, else that of every repository of Ecto. A release has no mix."""
    if not mix.release or not any("/migrations/" in path for path in source.paths if path.endswith(".exs") and "priv/" in path):
        return ()
    if source.has(OWN_MIGRATION):
        return (f"sh {RELEASE}/bin/migrate",)
    apps = ", ".join(f":{app}" for app in mix.apps)
    return (f"{RELEASE}/bin/{mix.release} eval '{MIGRATE.format(apps=apps)}'",) if {"ecto_sql", "ecto"} & mix.packages else ()


def _steps(mix: Mix, assets: Assets | None, version: str) -> tuple[Step, ...]:
    steps = []
    if mix.packages:
        tools = "mix local.hex --force --if-missing && mix local.rebar --force --if-missing"
        is_locked = mix.source.has(LOCK) and tuple(int(part) for part in version.split(".")) >= CHECKS_LOCK_SINCE
        fetch = "mix deps.get --only prod" + (" --check-locked" if is_locked else "")
        commands = (tools, fetch, "mix deps.compile")
        steps.append(Step(name="install", commands=commands, inputs=mix.inputs(), caches=CACHES, variables=("HEX_API_KEY",)))
    if assets:
        steps.append(assets.install())
    caches = (*(CACHES if mix.packages else ()), *(assets.manager.caches if assets else ()))
    build = ("mix compile", *_assets(mix, assets), f"mix release --overwrite --path {RELEASE} {mix.declared}".rstrip())
    return (*steps, Step(name="build", commands=build, inputs=(".",), caches=caches, variables=("*",)))


def _assets(mix: Mix, assets: Assets | None) -> tuple[str, ...]:
    if "phoenix" not in mix.packages:
        return ()
    if "assets.deploy" in mix.code:
        return ("mix assets.deploy",)
    script = assets.build("deploy", "build") if assets else ""
    return (*((script,) if script else ()), "mix phx.digest") if script or mix.source.has_folder("priv/static") else ()
