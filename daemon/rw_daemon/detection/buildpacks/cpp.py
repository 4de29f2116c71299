"""C and C++: built by CMake, Meson or Make; the running image holds the program, its libraries and the files that are no code."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from rw_daemon.detection import cpp_projects
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.compiled import OUTPUT, RUN_BASE
from rw_daemon.detection.cpp_projects import CMAKE, CODE, MAKE, MESON, Project
from rw_daemon.detection.kept_files import kept_files
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Bases, Beat, BuildPlan, Cache, Notice, Origin, Packages, ServicePlan, Step

OVERRIDE = "RW_BUILD_CPP_TARGET"
SERVERS = ("server", "web", "api", "app", "main")
CACHE = Cache(id="ccache", path="/root/.cache/ccache", variable="CCACHE_DIR")
LAUNCHER = '-DCMAKE_C_COMPILER_LAUNCHER="$(command -v ccache)" -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache)"'
# each release has a folder of its own on a machine without Docker: what ccache keeps must not name it
CCACHE = 'export CCACHE_BASEDIR="$PWD" && '
BOOST = "1.83.0"
# library as CMake or pkg-config calls it → Debian packages for the build, and for the running program, on Debian 13
LIBRARIES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "asio": (("libasio-dev",), ()),
    "curl": (("libcurl4-openssl-dev",), ("libcurl4t64",)),
    "drogon": (("libdrogon-dev",), ("libdrogon1t64",)),
    "fmt": (("libfmt-dev",), ("libfmt10",)),
    "hiredis": (("libhiredis-dev",), ("libhiredis1.1.0",)),
    "libmicrohttpd": (("libmicrohttpd-dev",), ("libmicrohttpd12t64",)),
    "libpqxx": (("libpqxx-dev",), ("libpqxx-7.10",)),
    "libuv": (("libuv1-dev",), ("libuv1t64",)),
    "nlohmann_json": (("nlohmann-json3-dev",), ()),
    "openssl": (("libssl-dev",), ("libssl3t64",)),
    "postgresql": (("libpq-dev",), ("libpq5",)),
    "protobuf": (("libprotobuf-dev", "protobuf-compiler"), ("libprotobuf32t64",)),
    "spdlog": (("libspdlog-dev",), ("libspdlog1.15",)),
    "sqlite3": (("libsqlite3-dev",), ("libsqlite3-0",)),
    "yaml-cpp": (("libyaml-cpp-dev",), ("libyaml-cpp0.8",)),
    "zlib": (("zlib1g-dev",), ("zlib1g",)),
}
ALIASES = {"libcurl": "curl", "libpq": "postgresql", "sqlite": "sqlite3", "libssl": "openssl", "pqxx": "libpqxx"}
TRUSTS = frozenset({"curl", "openssl"})
_LEFT_OUT = r"(?:.*/)?(?:CMakeLists\.txt|CMakePresets\.json|meson\.build|meson_options\.txt|.*\.(?:cmake|mk|in|wrap)|GNUmakefile)$"
LEFT_OUT = _LEFT_OUT + r"|(?:build|out|tests?|bench|benchmarks|third_party|external|subprojects|cmake)/"


class CppBuildpack:
    """Detects CMakeLists.txt, meson.build, and a Makefile beside C or C++ sources."""

    name = "cpp"
    recognises = "C, C++: CMakeLists.txt, meson.build, or a Makefile beside sources"
    looked_for = ("add_executable() in CMakeLists.txt", "executable() in meson.build", "TARGET, -o or all in a Makefile")
    programs = frozenset({"cmake", "meson", "ninja", "make"})

    def detect(self, source: Source) -> str | None:
        """Return the file that builds. Makefiles serve all languages: one counts only beside sources in the root, src/ or source/."""
        proof = source.first(CMAKE, MESON, *MAKE)
        if proof not in MAKE:
            return proof
        has_code = any(path.endswith(CODE) and posixpath.dirname(path) in {"", "src", "source"} for path in source.paths)
        return proof if has_code else None

    def plan(self, request: Request) -> BuildPlan:
        """Describe the build of one program."""
        tool, project = _project(request.source)
        program, origin, notices = _program(request, project)
        build, run = _packages(tool, project)
        kept = (".",) if project.is_shared else (f"{OUTPUT}/{program}", *kept_files(request.source, code=CODE, left_out=LEFT_OUT))
        return BuildPlan(
            buildpack=self.name,
            package_manager=tool,
            bases=Bases(build=RUN_BASE, run=RUN_BASE),  # libstdc++ is in it
            steps=(Step(name="build", commands=_commands(tool, program), inputs=(".",), caches=(CACHE,), variables=("*",)),),
            packages=Packages(build=build, runtime=run),
            services=(ServicePlan(name="web", start=f"./{OUTPUT}/{program}" if program else ""),),
            tools=dict.fromkeys(("cc", tool, *(() if tool == "make" else ("ninja",))), ""),
            keep=kept if program else (".",),
            origins={"start": origin} if origin else {},
            warnings=notices,
        )


def _project(source: Source) -> tuple[str, Project]:
    if source.has(CMAKE):
        return "cmake", cpp_projects.cmake(source)
    return ("meson", cpp_projects.meson(source)) if source.has(MESON) else ("make", cpp_projects.make(source))


def _program(request: Request, project: Project) -> tuple[str, Origin | None, tuple[Notice, ...]]:
    """Return the program to start, where that comes from, and a warning when another could be meant."""
    programs, said = project.programs, request.variables.get(OVERRIDE, "")
    if said in programs:
        return said, _origin(said, OVERRIDE, programs), ()
    if not programs:
        return "", None, ()
    sure = next((name for name in (project.name, *SERVERS) if name in programs), "")
    chosen = sure or next(iter(programs))
    notice = Notice(
        code="SEVERAL_COMMANDS",
        message=f"{len(programs)} programs were found ({', '.join(programs)}); {chosen} is started.",
        fix=f"Set {OVERRIDE} to the one that is meant.",
    )
    is_guess = len(programs) > 1 and not sure
    return chosen, _origin(chosen, programs[chosen], programs), (notice,) if is_guess else ()


def _origin(chosen: str, place: str, programs: Mapping[str, str]) -> Origin:
    beat = [Beat.model_validate({"value": f"./{OUTPUT}/{name}", "from": path}) for name, path in programs.items() if name != chosen]
    return Origin.model_validate({"value": f"./{OUTPUT}/{chosen}", "from": place, "beat": beat})


def _commands(tool: str, program: str) -> tuple[str, ...]:
    """Return the build, and the copy of the program from wherever it was put."""
    target = {"cmake": f" --target {program}", "meson": f" {program}"}.get(tool, "") if program else ""
    build = {
        "cmake": f"{CCACHE}cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release {LAUNCHER} && cmake --build build{target}",
        "meson": f"{CCACHE}meson setup build --buildtype=release -Ddefault_library=static && meson compile -C build{target}",
        "make": f'{CCACHE}PATH="/usr/lib/ccache:$PATH" make -j"$(nproc)"',
    }[tool]
    found = f'"$(find . -type f -name {program} -perm -u+x -not -path "./{OUTPUT}/*" | head -n 1)"'
    return (build, f"mkdir -p {OUTPUT} && cp {found} {OUTPUT}/") if program else (build,)


def _packages(tool: str, project: Project) -> tuple[tuple[str, ...], tuple[str, ...]]:
    build = {"build-essential", "ccache"} | {"cmake": {"cmake", "ninja-build"}, "meson": {"meson", "ninja-build"}, "make": set()}[tool]
    run = set[str]()
    for said, parts in project.libraries.items():
        name = ALIASES.get(said, said)
        if name == "boost":
            names = [f"libboost-{part.replace('_', '-')}" for part in parts]
            build |= {"libboost-dev", *(f"{one}-dev" for one in names)}
            run |= {f"{one}{BOOST}" for one in names}
        elif name in LIBRARIES:
            build |= set(LIBRARIES[name][0])
            run |= {*LIBRARIES[name][1], *(("ca-certificates",) if name in TRUSTS else ())}
    build |= {"git", "ca-certificates"} if project.fetches else set()
    build |= {"pkg-config"} if project.libraries else set()
    return tuple(sorted(build)), tuple(sorted(run))
