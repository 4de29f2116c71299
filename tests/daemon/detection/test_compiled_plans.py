"""What becomes of Dart, Swift, Zig, Crystal, Haskell and COBOL: one program on a slim image."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pins import pinned

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import ConfigInvalidError, NoStartCommandError, NothingDetectedError

PINS = Path(__file__).parent / "dockerfiles"
DART = {"pubspec.yaml": "name: shop\nenvironment:\n  sdk: ^3.5.0\n", "pubspec.lock": "", "bin/shop.dart": "void main() {}\n"}
SWIFT = {
    "Package.swift": '// swift-tools-version:5.4\nlet package = Package(\n  targets: [.executableTarget(name: "shop")]\n)\n',
    "Sources/shop/main.swift": 'print("hi")\n',
}
VAPOR = """// swift-tools-version:5.6
let package = Package(
    dependencies: [.package(url: "https://github.com/vapor/vapor.git", from: "4.0.0")],
    targets: [.target(name: "App"), .executableTarget(name: "Run", dependencies: [.target(name: "App")])]
)
"""
ZIG = {"build.zig": 'const exe = b.addExecutable(.{\n    .name = "shop",\n});\n', "src/main.zig": ""}
CRYSTAL = {"shard.yml": "name: shop\nversion: 0.1.0\ntargets:\n  shop:\n    main: src/shop.cr\n", "shard.lock": "", "src/shop.cr": ""}
STACK = {
    "stack.yaml": "resolver: lts-22.0\n",
    "package.yaml": "name: shop\nexecutables:\n  shop-exe:\n    main: Main.hs\n",
    "app/Main.hs": "",
}
CABAL = {"shop.cabal": "name: shop\n\nexecutable shop\n  main-is: Main.hs\n", "app/Main.hs": ""}
COBOL = {"index.cbl": "", "my-app.cbl": "", "src/other.cbl": ""}


def planned(files: dict[str, str], **variables: str) -> BuildPlan:
    return registry.plan(Request(Source(files), variables=variables))


STARTS: dict[str, tuple[dict[str, str], dict[str, str], str, str]] = {
    "Dart, the package's own": (DART, {}, "dart", "./out/shop"),
    "Dart, a server": ({**DART, "bin/server.dart": ""}, {}, "dart", "./out/server"),
    "Dart, the only one": ({"pubspec.yaml": "name: x\n", "bin/console_simple.dart": ""}, {}, "dart", "./out/console_simple"),
    "Swift, a target": (SWIFT, {}, "swift", "./out/shop"),
    "Swift, a product": (
        {"Package.swift": 'products: [.executable(name: "shop", targets: ["x"])], targets: [.executableTarget(name: "x")]'},
        {},
        "swift",
        "./out/shop",
    ),
    "Swift, as targets were once": (
        {"Package.swift": '.target(\n name: "swift"), .testTarget(name: "t")', "Sources/swift/main.swift": ""},
        {},
        "swift",
        "./out/swift",
    ),
    "Swift, not in comments": ({"Package.swift": '// .executable(name: "a")\n.executable(name: "b")'}, {}, "swift", "./out/b"),
    "Swift, Vapor": ({"Package.swift": VAPOR}, {}, "swift", "./out/Run serve --env production --hostname $HOST --port $PORT"),
    "Zig": (ZIG, {}, "zig", "./zig-out/bin/shop"),
    "Zig, as it was once": ({"build.zig": 'const exe = b.addExecutable("zig", "src/main.zig");'}, {}, "zig", "./zig-out/bin/zig"),
    "Crystal": (CRYSTAL, {}, "crystal", "./bin/shop"),
    "Crystal, a server": ({"shard.yml": "name: x\ntargets:\n  a: {main: a.cr}\n  server: {main: b.cr}\n"}, {}, "crystal", "./bin/server"),
    "Stack": (STACK, {}, "haskell", "./out/shop-exe"),
    "Cabal": (CABAL, {}, "haskell", "./out/shop"),
    "COBOL": (COBOL, {}, "cobol", "./out/index"),
    "COBOL, named": (COBOL, {"NIXPACKS_COBOL_APP_NAME": "my-app"}, "cobol", "./out/my-app"),
    "COBOL, in src": ({"src/index.cbl": "", "src/my-app.cbl": ""}, {"NIXPACKS_COBOL_APP_NAME": "my-app"}, "cobol", "./out/my-app"),
    "COBOL, the only one": ({"cobol-no-index.cbl": ""}, {}, "cobol", "./out/cobol-no-index"),
}


@pytest.mark.parametrize(("files", "variables", "pack", "start"), STARTS.values(), ids=STARTS)
def test_the_program_is_found(files: dict[str, str], variables: dict[str, str], pack: str, start: str) -> None:
    plan = planned(files, **variables)
    assert (plan.buildpack, plan.services[0].start) == (pack, start)
    assert plan.keep[0] == start.split()[0].removeprefix("./")
    assert plan.bases.run == "debian:trixie-slim"


BASES: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "Dart": (DART, {}, "dart:3"),
    "Dart 2": ({**DART, "pubspec.yaml": "environment:\n  sdk: '>=2.12.0 <3.0.0'\n"}, {}, "dart:2"),
    "Swift": (SWIFT, {}, "swift:6.2"),
    "Swift, a file": ({**SWIFT, ".swift-version": "5.4"}, {}, "swift:5.4"),
    "Crystal": (CRYSTAL, {}, "crystallang/crystal:1.14.1"),
    "Crystal, a range": ({**CRYSTAL, "shard.yml": CRYSTAL["shard.yml"] + "crystal: '~> 1.12.0'\n"}, {}, "crystallang/crystal:1.12.2"),
    "Crystal, a variable": (CRYSTAL, {"RW_BUILD_CRYSTAL_VERSION": "1.17"}, "crystallang/crystal:1.17.1"),
    "Haskell": (STACK, {}, "haskell:9-slim"),
    "COBOL": (COBOL, {}, "debian:trixie-slim"),
}


@pytest.mark.parametrize(("files", "variables", "base"), BASES.values(), ids=BASES)
def test_the_image_that_builds(files: dict[str, str], variables: dict[str, str], base: str) -> None:
    assert planned(files, **variables).bases.build == base


@pytest.mark.parametrize(
    ("manifest", "version"), [("", "0.15.2"), ('.{ .minimum_zig_version = "0.13.0" }', "0.13.0")], ids=["default", "minimum"]
)
def test_zig_is_of_the_version_that_the_project_was_written_for(manifest: str, version: str) -> None:
    assert f"'ziglang=={version}'" in planned({**ZIG, "build.zig.zon": manifest}).steps[0].commands[0]


def test_zig_takes_no_instructions_that_only_the_building_machine_knows() -> None:
    chosen = planned({"build.zig": "const target = b.standardTargetOptions(.{});\n" + ZIG["build.zig"]})
    assert [plan.steps[0].commands[0].endswith("-Dcpu=baseline") for plan in (chosen, planned(ZIG))] == [True, False]


def test_cobol_is_compiled_as_its_author_says() -> None:
    plan = planned({"cobol-free.cbl": ""}, NIXPACKS_COBOL_APP_NAME="cobol-free", NIXPACKS_COBOL_COMPILE_ARGS="-free -x -o")
    assert plan.steps[0].commands == ("mkdir -p out && cobc -free -x -o out/cobol-free cobol-free.cbl",)


def test_swift_gets_the_libraries_that_are_in_no_program() -> None:
    plan = planned({**SWIFT, "Sources/shop/a.swift": "import Foundation\nimport FoundationNetworking\n"})
    assert plan.packages.runtime == ("ca-certificates", "tzdata", "libcurl4t64")


def test_what_is_generated_in_dart_is_generated_first() -> None:
    plan = planned({**DART, "pubspec.yaml": "name: shop\ndev_dependencies:\n  build_runner: any\n"})
    assert plan.steps[-1].commands[0].split(" && ")[1].startswith("dart run build_runner build")


def test_files_that_are_no_code_are_kept() -> None:
    assert planned({**CRYSTAL, "views/a.html": "", "spec/a_spec.cr": "", "lib/x/y.txt": ""}).keep == ("bin/shop", "views")


OTHERS: dict[str, tuple[dict[str, str], str]] = {
    "a Swift library beside a Node server": (
        {"Package.swift": '.target(name: "x")', "package.json": json.dumps({"scripts": {"start": "node a.js"}})},
        "node",
    ),
    "a sample in COBOL beside pages": ({"index.html": "", "samples/a.cbl": ""}, "static"),
}


@pytest.mark.parametrize(("files", "pack"), OTHERS.values(), ids=OTHERS)
def test_what_only_lies_there_is_not_the_app(files: dict[str, str], pack: str) -> None:
    assert planned(files).buildpack == pack


def test_flutter_is_no_dart_program() -> None:
    with pytest.raises(NothingDetectedError):
        planned({"pubspec.yaml": "name: x\ndependencies:\n  flutter:\n    sdk: flutter\n", "lib/main.dart": ""})


@pytest.mark.parametrize("files", [DART, SWIFT, ZIG, CRYSTAL, STACK, CABAL, COBOL], ids=lambda files: next(iter(files)))
def test_the_dockerfile_is_as_pinned(files: dict[str, str]) -> None:
    plan = planned(files)
    name = f"haskell-{plan.package_manager}" if plan.buildpack == "haskell" else plan.buildpack
    text = render(plan, portable=True)
    assert text == pinned(PINS / f"{name}.Dockerfile", text)


@pytest.mark.parametrize("name", ["pubspec.yaml", "shard.yml"])
@pytest.mark.parametrize("text", ["a: [", "[" * 3000, "a: &a [*a]\n b", "\x00", "? {a: 1}\n: 2\n- x"])
def test_a_broken_manifest_is_named(name: str, text: str) -> None:
    with pytest.raises(ConfigInvalidError, match=name.replace(".", r"\.")):
        planned({name: text})


MANIFESTS = ["pubspec.yaml", "Package.swift", "build.zig", "build.zig.zon", "shard.yml", "package.yaml", "x.cabal"]


@settings(deadline=None)
@given(st.sampled_from(MANIFESTS), st.text(alphabet='targets: name\n"{}[]().,&*!|>-#/executable', max_size=200))
def test_no_text_breaks_the_readers(name: str, text: str) -> None:
    with suppress(ConfigInvalidError, NoStartCommandError, NothingDetectedError):
        planned({name: text, "stack.yaml": "", "index.cbl": ""})
