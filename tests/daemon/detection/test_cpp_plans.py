"""What the C and C++ buildpack makes of source trees."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pins import pinned

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.buildpacks.cpp import CppBuildpack
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import NoStartCommandError

PINS = Path(__file__).parent / "dockerfiles"
MAKEFILE = "CC ?= cc\nTARGET = server\n\nall: $(TARGET)\n\n$(TARGET): main.o\n\t$(CC) -o $@ $^\n"


def cpp(files: dict[str, str], **variables: str) -> BuildPlan:
    return registry.plan(Request(Source({"main.cpp": "", **files}), variables=variables))


def cmake(text: str, **more: str) -> dict[str, str]:
    return {"CMakeLists.txt": text, **more}


PROGRAMS: dict[str, tuple[dict[str, str], str]] = {
    "CMake": (cmake("add_executable(shop main.cpp)"), "shop"),
    "CMake, over several lines, in capitals": (cmake("ADD_EXECUTABLE(\n  shop\n  main.cpp\n)"), "shop"),
    "CMake, by the project's name": (cmake("project(shop VERSION 1.0)\nadd_executable(${PROJECT_NAME} main.cpp)"), "shop"),
    "CMake, by a variable": (cmake('set(NAME "shop")\nadd_executable(${NAME}_x main.cpp)'), "shop_x"),
    "CMake, not in comments": (cmake("# add_executable(a a.c)\n#[[ add_executable(b b.c) ]]\nadd_executable(c c.c)"), "c"),
    "CMake, in a folder": (cmake("add_subdirectory(src)", **{"src/CMakeLists.txt": "add_executable(shop main.cpp)"}), "shop"),
    "CMake, not a folder that is not added": (cmake("add_executable(c c.c)", **{"x/CMakeLists.txt": "add_executable(a a.c)"}), "c"),
    "CMake, folders in a circle": (cmake("add_subdirectory(.)\nadd_executable(c c.c)"), "c"),
    "CMake, no tests": (cmake("add_executable(unit_tests t.c)\nadd_executable(c c.c)"), "c"),
    "CMake, the project's own": (cmake("project(z)\nadd_executable(a a.c)\nadd_executable(z z.c)"), "z"),
    "CMake, the one called server": (cmake("add_executable(a a.c)\nadd_executable(server z.c)"), "server"),
    "CMake, not what is imported": (cmake("add_executable(tool IMPORTED)\nadd_executable(c c.c)"), "c"),
    "Meson": ({"meson.build": "project('x', 'c')\nexecutable('shop', 'main.c')"}, "shop"),
    "Meson, by the project's name": ({"meson.build": "project('x', 'c')\nexecutable(meson.project_name(), 'main.c')"}, "x"),
    "Meson, in a folder": ({"meson.build": "subdir('src')", "src/meson.build": "executable('shop', 'main.c')"}, "shop"),
    "Make, by a variable": ({"Makefile": MAKEFILE}, "server"),
    "Make, by a rule": ({"Makefile": "shop: main.cpp\n\tg++ main.cpp -o shop\n"}, "shop"),
    "Make, by the rule's own name": ({"Makefile": "bin/shop: main.cpp\n\tg++ main.cpp -o $@\n"}, "shop"),
    "Make, by all": ({"Makefile": "all: shop\n"}, "shop"),
    "Make, a name made of another": ({"Makefile": "DIR = build\nTARGET := $(DIR)/shop\n"}, "shop"),
}


@pytest.mark.parametrize(("files", "program"), PROGRAMS.values(), ids=PROGRAMS)
def test_the_program_is_found(files: dict[str, str], program: str) -> None:
    plan = cpp(files)
    assert (plan.buildpack, plan.services[0].start) == ("cpp", f"./out/{program}")
    assert f"-name {program} " in plan.steps[0].commands[1]


NO_PROGRAMS: dict[str, dict[str, str]] = {
    "CMake, a library": cmake("add_library(x STATIC main.cpp)"),
    "CMake, a name that is made when it runs": cmake("foreach(name ${NAMES})\nadd_executable(${name} x.c)\nendforeach()"),
    "Make, what cleans": {"Makefile": "clean:\n\trm -f *.o\n"},
}


@pytest.mark.parametrize("files", NO_PROGRAMS.values(), ids=NO_PROGRAMS)
def test_without_a_program_a_start_command_is_asked_for(files: dict[str, str]) -> None:
    with pytest.raises(NoStartCommandError):
        cpp(files)
    assert cpp(files, RW_BUILD_START_CMD="./build/x").keep == (".",)


def test_a_makefile_of_another_language_is_no_project() -> None:
    plan = registry.plan(Request(Source({"Makefile": "all:\n\techo\n", "index.html": "", "vendor/x.c": ""})))
    assert plan.buildpack == "static"


def test_an_extension_beside_a_python_server_is_not_the_app() -> None:
    assert cpp({**cmake("add_executable(x x.c)"), "requirements.txt": "", "main.py": "print(1)"}).buildpack == "python"


def test_several_programs_are_explained_and_can_be_chosen() -> None:
    files = cmake("add_executable(a a.c)\nadd_executable(b b.c)")
    assert [one.code for one in cpp(files).warnings] == ["SEVERAL_COMMANDS"]
    chosen = cpp(files, RW_BUILD_CPP_TARGET="b")
    assert (chosen.services[0].start, chosen.warnings) == ("./out/b", ())


LIBRARIES: dict[str, tuple[dict[str, str], set[str], set[str]]] = {
    "CMake": (cmake("find_package(OpenSSL REQUIRED)\nadd_executable(a a.c)"), {"libssl-dev"}, {"libssl3t64", "ca-certificates"}),
    "pkg-config in CMake": (
        cmake("pkg_check_modules(PQ REQUIRED libpq>=14)\nadd_executable(a a.c)"),
        {"libpq-dev", "pkg-config"},
        {"libpq5"},
    ),
    "parts of Boost": (
        cmake("find_package(Boost 1.74 REQUIRED COMPONENTS system program_options)\nadd_executable(a a.c)"),
        {"libboost-dev", "libboost-system-dev", "libboost-program-options-dev"},
        {"libboost-system1.83.0", "libboost-program-options1.83.0"},
    ),
    "Meson": ({"meson.build": "executable('a', 'a.c', dependencies: dependency('sqlite3'))"}, {"libsqlite3-dev"}, {"libsqlite3-0"}),
    "sources that are fetched": (cmake("FetchContent_Declare(x URL y)\nadd_executable(a a.c)"), {"git", "ca-certificates"}, set()),
    "one that is unknown": (cmake("find_package(Strange)\nadd_executable(a a.c)"), {"cmake"}, set()),
}


@pytest.mark.parametrize(("files", "build", "run"), LIBRARIES.values(), ids=LIBRARIES)
def test_libraries_become_packages(files: dict[str, str], build: set[str], run: set[str]) -> None:
    packages = cpp(files).packages
    assert build <= set(packages.build)
    assert set(packages.runtime) == run


def test_the_image_holds_the_program_and_no_code() -> None:
    plan = cpp(cmake("add_executable(a a.c)", **{"include/a.h": "", "pages/index.html": "", "tests/data.txt": ""}))
    assert plan.keep == ("out/a", "pages")


def test_shared_libraries_stay_where_the_program_looks_for_them() -> None:
    assert cpp(cmake("add_library(x SHARED x.c)\nadd_executable(a a.c)")).keep == (".",)


@pytest.mark.parametrize("name", ["CMakeLists.txt", "meson.build", "Makefile"])
def test_the_dockerfile_is_as_pinned(name: str) -> None:
    text = {"CMakeLists.txt": "add_executable(shop a.c)", "meson.build": "executable('shop', 'a.c')", "Makefile": "TARGET = shop\n"}[name]
    dockerfile = render(cpp({name: text}), portable=True)
    assert dockerfile == pinned(PINS / f"cpp-{name.split('.')[0].lower()}.Dockerfile", dockerfile)


@settings(deadline=None)
@given(
    st.sampled_from(["CMakeLists.txt", "meson.build", "Makefile"]), st.text(alphabet="add_executable(x) ${}#[]=\n\t'\"-o$@:", max_size=300)
)
def test_no_text_breaks_the_readers(name: str, text: str) -> None:
    with suppress(NoStartCommandError):
        CppBuildpack().plan(Request(Source({name: text, "main.c": ""})))
