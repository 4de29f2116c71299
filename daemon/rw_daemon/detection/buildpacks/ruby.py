"""Ruby: Rails, whatever speaks Rack, and scripts."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from rw_daemon.detection import node_assets
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.gemfile import NAMES, Gemfile, tag
from rw_daemon.detection.node_assets import PROGRAMS, Assets
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Resolved, choose
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Notice, Origin, Packages, ServicePlan, Step, Toolchain

RACK = "config.ru"
RAILS = "config/application.rb"
SCRIPTS = ("app.rb", "main.rb", "server.rb", "web.rb", "hello.rb")
GEMS = "vendor/bundle"
CACHE = Cache(id="bundle", path="/root/.bundle/cache", variable="BUNDLE_USER_CACHE")
# the servers of Rack that take an address on their command line, the usual one first
SERVERS = {
    "puma": "puma -b tcp://$HOST:$PORT",
    "falcon": "falcon serve --bind http://$HOST:$PORT",
    "unicorn": "unicorn -l $HOST:$PORT",
    "iodine": "iodine -b $HOST -p $PORT",
    "thin": "thin start -a $HOST -p $PORT",
}
FRAMEWORKS = {"hanami": "Hanami", "roda": "Roda", "grape": "Grape", "sinatra": "Sinatra", "rack": "Rack"}
COMPILERS = ("build-essential", "git", "libyaml-dev", "pkg-config")
# gem → (packages to build it, packages to run it), by names that Debian 12 and 13 share
SYSTEM = {
    "pg": (("libpq-dev",), ("libpq5",)),
    "mysql2": (("default-libmysqlclient-dev",), ("libmariadb3",)),
    "trilogy": (("libssl-dev",), ()),
    "sqlite3": (("libsqlite3-dev",), ("libsqlite3-0",)),
    "rmagick": (("libmagickwand-dev",), ("imagemagick",)),
    "mini_magick": ((), ("imagemagick",)),
    "ruby-vips": ((), ("libvips42",)),
    "charlock_holmes": (("libicu-dev", "zlib1g-dev"), ("icu-devtools",)),
    "tiny_tds": (("freetds-dev",), ("libsybdb5",)),
    "rugged": (("cmake", "libssl-dev"), ()),
    "rbnacl": ((), ("libsodium23",)),
    "ruby-filemagic": (("libmagic-dev",), ("libmagic1",)),
    "curb": (("libcurl4-openssl-dev",), ("libcurl4",)),
}
NODE = "/usr/local/bin/node"
NEEDS_JAVASCRIPT = frozenset({"execjs", "uglifier", "autoprefixer-rails"})


@dataclass(frozen=True)
class Start:
    """What to run; ``command`` is empty when nothing was found."""

    command: str = ""
    source: str = ""
    framework: str = ""
    pre_deploy: tuple[str, ...] = ()


class RubyBuildpack:
    """Detects Gemfile, config.ru, and scripts that are called as an app's."""

    name = "ruby"
    recognises = f"Ruby: {', '.join(NAMES)}, {RACK}, or {', '.join(SCRIPTS)}"
    looked_for = ("a Rails application (config/application.rb)", RACK, *SCRIPTS)
    programs = frozenset({"ruby", "bundle", "rails", "rake", "rackup", "puma", "unicorn", "falcon", "thin", "iodine", "sidekiq"})

    def detect(self, source: Source) -> str | None:
        """Return the file that proves a Ruby project."""
        return source.first(*NAMES, RACK, *SCRIPTS)

    def plan(self, request: Request) -> BuildPlan:
        """Describe gems, assets, and the server."""
        source, gemfile = request.source, Gemfile(request.source)
        own, manifests = gemfile.versions()
        version = choose("ruby", source, own=own, manifests=manifests, variables=request.variables)
        assets, start = node_assets.find(request), _start(source, gemfile)
        base = f"ruby:{tag(version)}-slim"
        toolchains = _toolchains(request, gemfile, assets, start)
        return BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager="bundler" if gemfile.name else "",
            framework=start.framework,
            bases=Bases(build=base, run=base),
            toolchains=toolchains,
            steps=_steps(source, gemfile, assets, start),
            packages=_packages(gemfile),
            services=(ServicePlan(name="web", start=start.command, pre_deploy=start.pre_deploy),),
            tools=_tools(version, gemfile, assets, needs_node=bool(toolchains)),
            environment=_environment(gemfile, start),
            path=(f"{PROGRAMS}/node_modules/.bin",) if assets and assets.manager.name != "npm" else (),
            installed=(GEMS,) if gemfile.name and not assets else (),
            origins=_origins(gemfile, version, start),
            warnings=(*version.notices, *(assets.version.notices if assets else ()), *_notices(gemfile)),
        )


def _tools(version: Resolved, gemfile: Gemfile, assets: Assets | None, *, needs_node: bool) -> dict[str, str]:
    tools = {"ruby": version.allowed} | ({"bundle": ""} if gemfile.name else {}) | ({"node": ""} if needs_node else {})
    return tools | (assets.tools if assets else {})


def _origins(gemfile: Gemfile, version: Resolved, start: Start) -> dict[str, Origin]:
    said = {"version": version.origin}
    if gemfile.name:
        said["packageManager"] = Origin.model_validate({"value": "bundler", "from": gemfile.lock or gemfile.name})
    if start.command:
        said["start"] = Origin.model_validate({"value": start.command, "from": start.source})
    return said


def _notices(gemfile: Gemfile) -> tuple[Notice, ...]:
    if gemfile.platforms and not any(one == "ruby" or "linux" in one for one in gemfile.platforms):
        words = f"{gemfile.lock} knows gems for {', '.join(gemfile.platforms)} only, and the app runs on Linux."
        fix = "Run `bundle lock --add-platform x86_64-linux aarch64-linux` and commit it."
        return (Notice(code="LOCK_FOR_ANOTHER_SYSTEM", message=words, fix=fix),)
    if not gemfile.name or gemfile.lock:
        return ()
    lock = NAMES[gemfile.name]
    return (Notice(code="LOCK_MISSING", message=f"Without {lock} each build may take other gems.", fix="Run `bundle lock` and commit it."),)


# --- what runs


def _start(source: Source, gemfile: Gemfile) -> Start:
    """Return the first that fits: Rails, a Rack application, a script."""
    gems, bundled = gemfile.gems, "bundle exec " if gemfile.name else ""
    server = next((SERVERS[one] for one in SERVERS if one in gems), "")
    if {"rails", "railties"} & gems and source.has(RAILS):
        migrate = ("bundle exec rails db:migrate",) if source.has_folder("db") and _has_records(gems) else ()
        # not `rails server`: its file with the process id keeps a second replica, or a restarted one, from starting
        return Start(f"bundle exec {server or 'rails server -b $HOST -p $PORT -P /tmp/rails-$PORT.pid'}", RAILS, "Rails", migrate)
    framework = next((title for gem, title in FRAMEWORKS.items() if gem in gems), "")
    if source.has(RACK):
        return Start(f"{bundled}{server or 'rackup -o $HOST -p $PORT'}", RACK, framework or "Rack", _records(source, gems))
    script = source.first(*SCRIPTS)
    return Start(f"{bundled}ruby {shlex.quote(script)}", script, framework, _records(source, gems)) if script else Start()


def _has_records(gems: frozenset[str]) -> bool:
    """Return whether there is a database to migrate."""
    return bool({"activerecord", "rails"} & gems) and bool({"pg", "mysql2", "trilogy", "sqlite3", "activerecord"} & gems)


def _records(source: Source, gems: frozenset[str]) -> tuple[str, ...]:
    """Return the migration of an app that uses Rails' records without Rails."""
    has = "sinatra-activerecord" in gems and source.has_folder("db/migrate") and source.has("Rakefile")
    return ("bundle exec rake db:migrate",) if has else ()


def _environment(gemfile: Gemfile, start: Start) -> dict[str, str]:
    values = {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2", "RACK_ENV": "production"}
    if gemfile.name:
        values |= {"BUNDLE_PATH": GEMS, "BUNDLE_WITHOUT": "development:test"}
        values |= {"BUNDLE_DEPLOYMENT": "1"} if gemfile.lock else {}
    if start.framework == "Rails":
        values |= {"RAILS_ENV": "production", "RAILS_LOG_TO_STDOUT": "1", "RAILS_SERVE_STATIC_FILES": "1"}
    return dict(sorted(values.items()))


# --- what builds


def _steps(source: Source, gemfile: Gemfile, assets: Assets | None, start: Start) -> tuple[Step, ...]:
    steps = []
    if gemfile.name:
        steps.append(_install(gemfile, uses_bootsnap=start.framework == "Rails" and "bootsnap" in gemfile.gems))
    if assets:
        steps.append(assets.install(by_name=True))
    commands = _rails(source, gemfile, assets) if start.framework == "Rails" else [assets.build("build")] if assets else []
    commands = [one for one in commands if one]
    if not commands:
        return (*steps, Step(name="sources", commands=(), inputs=(".",)))
    caches = assets.manager.caches if assets else ()
    return (*steps, Step(name="build", commands=tuple(commands), inputs=(".",), caches=caches, variables=("*",)))


def _install(gemfile: Gemfile, *, uses_bootsnap: bool) -> Step:
    # downloads stay in the cache of all projects, so what lies beside the gems is a second copy
    unpacked = f"rm -rf {GEMS}/ruby/*/cache {GEMS}/ruby/*/bundler/gems/*/.git"
    commands = [f"mkdir -p {GEMS} && BUNDLE_GLOBAL_GEM_CACHE=true bundle install --jobs 4 --retry 3 && {unpacked}"]
    commands += ["bundle exec bootsnap precompile --gemfile"] if uses_bootsnap else []
    return Step(name="install", commands=tuple(commands), inputs=gemfile.inputs(), caches=(CACHE,), variables=gemfile.credentials())


def _rails(source: Source, gemfile: Gemfile, assets: Assets | None) -> list[str]:
    folders = [one for one in ("app", "lib") if source.has_folder(one)]
    commands = []
    if "bootsnap" in gemfile.gems and folders:
        commands.append(f"bundle exec bootsnap precompile {' '.join(folders)}")
    if {"sprockets", "sprockets-rails", "propshaft", "vite_rails", "webpacker", "shakapacker"} & gemfile.gems:
        # Rails 7.1 and later take the first; older ones want any key at all
        commands.append("SECRET_KEY_BASE_DUMMY=1 SECRET_KEY_BASE=${SECRET_KEY_BASE:-unused} bundle exec rails assets:precompile")
    elif assets:
        commands.append(assets.build("build"))
    return [*commands, *([assets.clean()] if assets and not NEEDS_JAVASCRIPT & gemfile.gems else [])]


def _toolchains(request: Request, gemfile: Gemfile, assets: Assets | None, start: Start) -> tuple[Toolchain, ...]:
    """Return Node: for the build; for the app as well where it runs JavaScript itself, which Rails does only while it builds."""
    is_called = bool(NEEDS_JAVASCRIPT & gemfile.gems) or (assets is not None and not assets.build("build"))
    runs = is_called and start.framework != "Rails"
    if assets:
        program = Toolchain(image=assets.image, path=NODE, runs=True)
        return (assets.toolchain, program) if runs else (assets.toolchain,)
    if not is_called:
        return ()
    version = choose("node", request.source, own=[], manifests=[], variables=request.variables)
    return (Toolchain(image=f"node:{version.version}-slim", path=NODE, runs=runs),)


def _packages(gemfile: Gemfile) -> Packages:
    if not gemfile.fetched:
        return Packages()
    known = [SYSTEM[name] for name in sorted(gemfile.gems & SYSTEM.keys())]
    build, run = ({package for one in known for package in one[side]} for side in (0, 1))
    return Packages(build=tuple(sorted({*COMPILERS, *build})), runtime=tuple(sorted(run | {"libyaml-0-2"})))
