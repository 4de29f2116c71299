"""Rust: the binaries of one package on a slim image. Dependencies are built first, from manifests and empty sources."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from rw_daemon.detection import cargo, overrides
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.cargo import Crate, Workspace
from rw_daemon.detection.kept_files import kept_files
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Resolved, Wanted, choose
from rw_daemon.plans.plan import Bases, Beat, BuildPlan, Cache, Notice, Origin, Packages, ServicePlan, Step
from rw_shared.errors import ConfigInvalidError

RUN_BASE = "debian:trixie-slim"
BINARY_NAMES = ("RW_BUILD_RUST_BIN", "NIXPACKS_RUST_BIN", "RAILPACK_RUST_BIN")
PACKAGE_NAMES = ("RW_BUILD_CARGO_WORKSPACE", "NIXPACKS_CARGO_WORKSPACE", "RAILPACK_CARGO_WORKSPACE")
SERVERS = ("server", "web", "api", "app", "main")
RELEASES = "target/release"
# Outside the app's folder, and under a name that Cargo does not know: what somebody else's build command makes lies in ./target as ever.
# One command at a time: the binary of another app with the same name could lie there before it is copied.
TARGET = Cache(id="cargo-target", path="/root/.cache/cargo-target", variable="RW_CARGO_TARGET", locked=True)
REGISTRY = (Cache(id="cargo-registry", path="/usr/local/cargo/registry"), Cache(id="cargo-git", path="/usr/local/cargo/git"))
INTO_CACHE = f'export CARGO_TARGET_DIR="${{{TARGET.variable}:-{TARGET.path}}}"'
TOOLCHAINS = ("rust-toolchain.toml", "rust-toolchain")
EDITIONS = {"2021": "1.56", "2024": "1.85"}
LOCKS = {"4": "1.78"}  # the first Cargo that reads this version of the lock file
FRAMEWORKS = {"rocket": "rocket", "axum": "axum", "actix-web": "actix", "warp": "warp", "poem": "poem", "salvo": "salvo", "tide": "tide"}
STARTS = {"rocket": "env ROCKET_ADDRESS=$HOST ROCKET_PORT=$PORT "}
# crate → Debian packages for the build, and for the running app: what its documentation asks for, on Debian 13
NATIVE: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "openssl-sys": (("libssl-dev", "pkg-config"), ("libssl3t64",)),
    "openssl-src": (("make", "perl"), ()),
    "pq-sys": (("libpq-dev",), ("libpq5",)),
    "mysqlclient-sys": (("default-libmysqlclient-dev", "pkg-config"), ("libmariadb3",)),
    "libsqlite3-sys": (("libsqlite3-dev", "pkg-config"), ("libsqlite3-0",)),
    "libsodium-sys": (("libsodium-dev", "pkg-config"), ("libsodium23",)),
    "cmake": (("cmake", "g++", "make"), ()),
    "rdkafka-sys": (("g++", "make", "zlib1g-dev"), ("zlib1g",)),
    "link-cplusplus": (("g++",), ("libstdc++6",)),
    "clang-sys": (("libclang-dev",), ()),
    "prost-build": (("protobuf-compiler",), ()),
}
_NOT_READ = r"target/|(?:.*/)?(?:Cargo\.(?:toml|lock)$|rust-toolchain(?:\.toml)?$|(?:tests|benches|examples)/)"


@dataclass(frozen=True)
class Choice:
    """What is started: a binary of a package, where that comes from, and a warning when another could be meant."""

    crate: Crate
    binary: str
    origin: Origin
    notices: tuple[Notice, ...] = ()


class RustBuildpack:
    """Detects Cargo.toml."""

    name = "rust"
    recognises = "Rust: Cargo.toml, with a binary"
    looked_for = ("src/main.rs", "src/bin/", "[[bin]] in Cargo.toml")
    programs = frozenset({"cargo"})

    def detect(self, source: Source) -> str | None:
        """Return the manifest."""
        return source.first(cargo.NAME)

    def plan(self, request: Request) -> BuildPlan:
        """Describe the build of one package's binaries, and start one of them."""
        workspace = Workspace(request.source)
        chosen = _choose(workspace, request)
        version, channel = _version(workspace, chosen, request)
        built = _built(workspace, chosen, request)
        framework = next((name for key, name in FRAMEWORKS.items() if chosen and key in chosen.crate.dependencies), "")
        base = f"rust:{version.version}-slim"
        with_tools = bool(overrides.runs_tool(request, self.programs))
        return BuildPlan(
            buildpack=self.name,
            version=channel.text if channel else version.version,
            package_manager="cargo",
            framework=framework,
            bases=Bases(build=base, run=base if with_tools else RUN_BASE),
            steps=_steps(workspace, built),
            packages=_native(workspace),
            services=(ServicePlan(name="web", start=f"{STARTS.get(framework, '')}./{RELEASES}/{chosen.binary}" if chosen else ""),),
            tools={"cargo": "" if channel else version.allowed},
            keep=(".",) if with_tools else (*(f"{RELEASES}/{name}" for name in sorted(built)), *_read(workspace)),
            origins={"version": _channel_origin(version.origin, channel)} | ({"start": chosen.origin} if chosen else {}),
            warnings=(*version.notices, *(chosen.notices if chosen else ())),
        )


def _said(request: Request, names: tuple[str, ...]) -> tuple[str, str]:
    return next(((request.variables[name], name) for name in names if request.variables.get(name)), ("", ""))


def _choose(workspace: Workspace, request: Request) -> Choice | None:
    """Return the binary to start: the one that is asked for, ``default-run``, the package's own, one called like a server.

    ``ConfigInvalidError``: what is asked for is not there.
    """
    (package, package_place), (wanted, binary_place) = _said(request, PACKAGE_NAMES), _said(request, BINARY_NAMES)
    scope = [crate for crate in workspace.default_members if crate.binaries] or workspace.members
    if package:
        scope = [crate for crate in workspace.members if package in {crate.name, crate.folder}]
        _known(package, package_place, {crate.name: crate for crate in workspace.members}, found=bool(scope))
    pairs = [(crate, binary) for crate in scope for binary in crate.binaries]
    everything = pairs + [(crate, binary) for crate in workspace.members for binary in crate.binaries]
    if wanted:
        asked = next((pair for pair in everything if pair[1] == wanted), None)
        _known(wanted, binary_place, {binary: crate for crate, binary in everything}, found=asked is not None)
        return Choice(*asked, _origin(asked, binary_place, everything)) if asked else None
    default = next((pair for pair in pairs if pair[0].package.get("default-run") == pair[1]), None)
    if default:
        return Choice(*default, _origin(default, f"default-run in {default[0].at(cargo.NAME)}", everything))
    return _likely(pairs, everything) if pairs else None


def _known(said: str, place: str, known: Mapping[str, Crate], *, found: bool) -> None:
    if not found:
        names = ", ".join(known) or "none"
        raise ConfigInvalidError(place, f"nothing in this project is called {said[:60]!r}.", hint=f"There are: {names}.")


def _likely(pairs: list[tuple[Crate, str]], everything: list[tuple[Crate, str]]) -> Choice:
    """Return the only package's own binary, one called like a server, else the first; with a warning where that is a guess."""
    own = [pair for pair in pairs if pair[0].binaries[pair[1]] == "src/main.rs"]
    called = [pair for name in SERVERS for pair in pairs if pair[1] == name]
    crate, binary = own[0] if len(own) == 1 else (called or pairs)[0]
    notice = Notice(
        code="SEVERAL_COMMANDS",
        message=f"{len(pairs)} binaries were found ({', '.join(name for _, name in pairs)}); {binary} is started.",
        fix=f"Set {BINARY_NAMES[0]} to the one that is meant, or default-run in {crate.at(cargo.NAME)}.",
    )
    is_guess = len(pairs) > 1 and len(own) != 1 and not called
    return Choice(crate, binary, _origin((crate, binary), crate.at(crate.binaries[binary]), everything), (notice,) if is_guess else ())


def _origin(chosen: tuple[Crate, str], place: str, pairs: list[tuple[Crate, str]]) -> Origin:
    others = {binary: crate.at(crate.binaries[binary]) for crate, binary in pairs if binary != chosen[1]}
    beat = [Beat.model_validate({"value": f"./{RELEASES}/{binary}", "from": path}) for binary, path in others.items()]
    return Origin.model_validate({"value": f"./{RELEASES}/{chosen[1]}", "from": place, "beat": beat})


def _built(workspace: Workspace, chosen: Choice | None, request: Request) -> dict[str, Crate]:
    """Return what is built, each binary with its package: those of the chosen package, and others that a written command names."""
    named = {path.removeprefix(f"{RELEASES}/") for path in overrides.named_paths(request, RELEASES)}
    others = {binary: crate for crate in workspace.members for binary in crate.binaries if binary in named}
    return others | (dict.fromkeys(chosen.crate.binaries, chosen.crate) if chosen else {})


def _version(workspace: Workspace, chosen: Choice | None, request: Request) -> tuple[Resolved, Wanted | None]:
    """Return the version, and a toolchain that no image has (``nightly-2024-08-12``): rustup in the image gets that one."""
    source, crate = request.source, chosen.crate if chosen else workspace.root
    own, channel = list[Wanted](), None
    if path := source.first(*TOOLCHAINS):
        text = source.text(path).strip()
        said = cargo.table(source.toml(path).get("toolchain")).get("channel") if text.startswith("[") or "\n[" in text else text
        if isinstance(said, str) and re.match(r"stable$|\d", said):
            own.append(Wanted(said, path))
        elif isinstance(said, str):
            channel = Wanted(said, path)
    own.append(Wanted(source.text(".rust-version").strip(), ".rust-version"))
    least = [
        (crate.inherited("rust-version", workspace.root), "rust-version"),
        (EDITIONS.get(crate.inherited("edition", workspace.root), ""), "edition"),
    ]
    manifests = [Wanted(f">={text}", f"{key} in {crate.at(cargo.NAME)}") for text, key in least if re.fullmatch(r"\d+(\.\d+)*", text)]
    if lock := LOCKS.get(str(source.toml(cargo.LOCK).get("version"))):
        manifests.append(Wanted(f">={lock}", f"version in {cargo.LOCK}"))
    return choose("rust", source, own=own, manifests=manifests, variables=request.variables), channel


def _channel_origin(origin: Origin, channel: Wanted | None) -> Origin:
    if channel is None:
        return origin
    beat = (Beat.model_validate({"value": origin.value, "from": origin.source}), *origin.beat)
    return Origin.model_validate({"value": channel.text, "from": channel.source, "beat": beat})


def _steps(workspace: Workspace, built: Mapping[str, Crate]) -> tuple[Step, ...]:
    """Describe a build of the dependencies alone, with an empty program in each place that a manifest names, and the real one.

    Sources have no times of their own, so Cargo could take what it made of the empty ones for the real thing: that is removed first.
    """
    options = ["--release", *(["--locked"] if workspace.source.has(cargo.LOCK) else [])]
    packages = dict.fromkeys(crate.name for crate in built.values() if len(workspace.members) > 1)
    build = " ".join(["cargo build", *options, *(f"--package {name}" for name in packages)])
    clean = " ".join(["cargo clean --release", *(f"--package {crate.name}" for crate in workspace.members)])
    made = " ".join(f'"$CARGO_TARGET_DIR"/{workspace.output}/{name}' for name in sorted(built))
    copy = [f"mkdir -p {RELEASES}", f"cp {made} {RELEASES}/"] if built else []
    caches = (*REGISTRY, TARGET)
    install = (_stubs(workspace), f"{INTO_CACHE} && {build}")
    return (
        Step(name="install", commands=install, inputs=_manifests(workspace), caches=caches),
        Step(name="build", commands=(" && ".join([INTO_CACHE, clean, build, *copy]),), inputs=(".",), caches=caches, variables=("*",)),
    )


def _stubs(workspace: Workspace) -> str:
    """Return the command that writes an empty program or library wherever a manifest expects one."""
    files = dict(one for crate in workspace.crates for one in crate.stubs())
    folders = sorted({posixpath.dirname(path) for path in files} - {""})
    programs = [shlex.quote(path) for path, is_program in sorted(files.items()) if is_program]
    libraries = [shlex.quote(path) for path, is_program in sorted(files.items()) if not is_program]
    parts = [f"mkdir -p {' '.join(map(shlex.quote, folders))}"] if folders else []
    parts += [f"touch {' '.join(libraries)}"] if libraries else []
    parts += [f"echo 'fn main() {{}}' | tee {' '.join(programs)} > /dev/null"] if programs else []
    return " && ".join(parts) or "true"


def _manifests(workspace: Workspace) -> tuple[str, ...]:
    files = [path for path in (cargo.LOCK, *cargo.CONFIGS, *TOOLCHAINS) if workspace.source.has(path)]
    return (*(crate.at(cargo.NAME) for crate in workspace.crates), *files, *(f"{folder}/" for folder in workspace.vendored))


def _native(workspace: Workspace) -> Packages:
    found = [NATIVE[one] for one in NATIVE if one in workspace.locked]
    build = {name for names, _ in found for name in names}
    return Packages(build=tuple(sorted(build)), runtime=tuple(sorted({"ca-certificates", *(name for _, names in found for name in names)})))


def _read(workspace: Workspace) -> list[str]:
    left_out = "|".join([_NOT_READ, *(f"{re.escape(folder)}/" for folder in workspace.vendored)])
    return kept_files(workspace.source, code=(".rs",), left_out=left_out)
