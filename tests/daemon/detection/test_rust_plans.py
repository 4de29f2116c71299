"""What the Rust buildpack makes of source trees."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pins import pinned

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.buildpacks.rust import RustBuildpack
from rw_daemon.detection.cargo import Workspace
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import ConfigInvalidError

MAIN = "fn main() {}\n"
PINS = Path(__file__).parent / "dockerfiles"


def package(name: str = "shop", more: str = "", tables: str = "") -> str:
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\n{more}\n{tables}'


def rust(files: dict[str, str], **variables: str) -> BuildPlan:
    return registry.plan(Request(Source(files), variables=variables))


SINGLE = {"Cargo.toml": package(), "Cargo.lock": "version = 4\n", "src/main.rs": MAIN}
TWO = {"Cargo.toml": package(more='edition = "2021"'), "src/bin/bin1.rs": MAIN, "src/bin/bin2/main.rs": MAIN}
WORKSPACE = {
    "Cargo.toml": '[workspace]\nmembers = ["binary", "crates/*"]\nexclude = ["crates/old"]\n',
    "Cargo.lock": "",
    "binary/Cargo.toml": package("binary", tables='[dependencies]\nlibrary = { path = "../crates/library" }\n'),
    "binary/src/main.rs": MAIN,
    "crates/library/Cargo.toml": package("library"),
    "crates/library/src/lib.rs": "",
    "crates/old/Cargo.toml": "not read",
}
STARTS: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "one program": (SINGLE, {}, "shop"),
    "a program with another name": ({"Cargo.toml": package(tables='[[bin]]\nname = "x"\npath = "src/main.rs"'), "src/main.rs": MAIN}, {}, "x"),
    "the package's own before others": ({**SINGLE, "src/bin/a.rs": MAIN}, {}, "shop"),
    "the one called server": ({"Cargo.toml": package(), "src/bin/a.rs": MAIN, "src/bin/server.rs": MAIN}, {}, "server"),
    "default-run": ({**TWO, "Cargo.toml": package(more='default-run = "bin2"')}, {}, "bin2"),
    "asked for": (TWO, {"NIXPACKS_RUST_BIN": "bin2"}, "bin2"),
    "asked for by rw before railpack": (TWO, {"RAILPACK_RUST_BIN": "bin1", "RW_BUILD_RUST_BIN": "bin2"}, "bin2"),
    "a program that needs a feature is left out": (
        {"Cargo.toml": package(tables='[[bin]]\nname = "a"\nrequired-features = ["x"]'), "src/bin/a.rs": MAIN, "src/bin/b.rs": MAIN},
        {},
        "b",
    ),
    "a program whose feature is on by default": (
        {"Cargo.toml": package(tables='[features]\ndefault = ["x"]\n[[bin]]\nname = "a"\nrequired-features = ["x"]'), "src/bin/a.rs": MAIN},
        {},
        "a",
    ),
    "no search for programs": ({**TWO, "Cargo.toml": package(more="autobins = false", tables='[[bin]]\nname = "bin2"')}, {}, "bin2"),
    "a workspace": (WORKSPACE, {}, "binary"),
    "default-members": (
        {
            "Cargo.toml": '[workspace]\nmembers = ["a", "b"]\ndefault-members = ["b"]\n',
            "a/Cargo.toml": package("a"), "a/src/main.rs": MAIN, "b/Cargo.toml": package("b"), "b/src/main.rs": MAIN,
        },
        {},
        "b",
    ),
    "a package of the workspace asked for": (
        {**WORKSPACE, "crates/other/Cargo.toml": package("other"), "crates/other/src/main.rs": MAIN}, {"NIXPACKS_CARGO_WORKSPACE": "other"}, "other",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "variables", "binary"), STARTS.values(), ids=STARTS)
def test_the_program_is_found(files: dict[str, str], variables: dict[str, str], binary: str) -> None:
    plan = rust(files, **variables)
    assert plan.services[0].start == f"./target/release/{binary}"
    assert f"target/release/{binary}" in plan.keep
    assert f'"$CARGO_TARGET_DIR"/release/{binary}' in plan.steps[1].commands[0]


def test_several_programs_are_explained_and_all_are_there() -> None:
    plan = rust(TWO)
    assert (plan.services[0].start, [one.code for one in plan.warnings]) == ("./target/release/bin1", ["SEVERAL_COMMANDS"])
    assert plan.keep == ("target/release/bin1", "target/release/bin2")
    assert [(one.value, one.source) for one in plan.origins["start"].beat] == [("./target/release/bin2", "src/bin/bin2/main.rs")]


@pytest.mark.parametrize("name", ["RW_BUILD_RUST_BIN", "NIXPACKS_CARGO_WORKSPACE"])
def test_a_name_that_is_asked_for_and_not_there_is_an_error(name: str) -> None:
    with pytest.raises(ConfigInvalidError, match=f"{name}: nothing in this project is called 'gone'"):
        rust(TWO, **{name: "gone"})


def test_programs_of_other_packages_are_built_where_a_procfile_names_them() -> None:
    other = {"worker/Cargo.toml": package("worker"), "worker/src/main.rs": MAIN}
    files = {**WORKSPACE, **other, "Cargo.toml": '[workspace]\nmembers = ["binary", "worker"]\n'}
    plan = rust({**files, "Procfile": "web: ./target/release/binary\nworker: target/release/worker --fast"})
    assert plan.keep[:2] == ("target/release/binary", "target/release/worker")
    assert "--package binary --package worker" in plan.steps[0].commands[1]
    assert "--package worker" not in rust(files).steps[0].commands[1]


def test_a_start_command_that_calls_cargo_keeps_the_toolchain() -> None:
    plan = rust({**SINGLE, "Procfile": "web: cargo run --release"})
    assert (plan.bases.run, plan.keep) == (plan.bases.build, (".",))


def test_a_library_beside_a_server_in_another_language_is_not_started() -> None:
    library = {"Cargo.toml": package(), "src/lib.rs": ""}
    assert rust({**library, "requirements.txt": "", "main.py": "import time\nwhile True: time.sleep(1)"}).buildpack == "python"


def test_every_file_that_a_manifest_names_gets_a_stub() -> None:
    tables = '[lib]\nproc-macro = true\n[[bench]]\nname = "speed"\n[[example]]\nname = "x"\npath = "demo/x.rs"'
    files = {
        "Cargo.toml": package(tables=tables), "src/lib.rs": "", "src/main.rs": MAIN, "build.rs": MAIN,
        "benches/speed.rs": MAIN, "demo/x.rs": MAIN,
    }  # fmt: skip
    stubs = {path: is_program for crate in Workspace(Source(files)).crates for path, is_program in crate.stubs()}
    assert stubs == {"src/main.rs": True, "src/lib.rs": False, "build.rs": True, "benches/speed.rs": True, "demo/x.rs": True}


def test_the_install_step_sees_manifests_only() -> None:
    files = {
        **WORKSPACE,
        ".cargo/config.toml": '[source.vendored]\ndirectory = "vendor"',
        "vendor/a/Cargo.toml": "x",
        "vendor/a/src/lib.rs": "",
    }
    install, build = rust(files).steps
    assert install.inputs == ("Cargo.toml", "binary/Cargo.toml", "crates/library/Cargo.toml", "Cargo.lock", ".cargo/config.toml", "vendor/")
    assert build.inputs == (".",)


VERSIONS: dict[str, tuple[dict[str, str], dict[str, str], str, str]] = {
    "nothing said": ({}, {}, "1", "default"),
    "rust-version is the oldest that will do": ({"Cargo.toml": package(more='rust-version = "1.56.0"')}, {}, "1", "rust-version in Cargo.toml"),
    "a new one": ({"Cargo.toml": package(more='rust-version = "1.88"')}, {}, "1", "rust-version in Cargo.toml"),
    "edition": ({"Cargo.toml": package(more='edition = "2024"')}, {}, "1", "edition in Cargo.toml"),
    "toolchain file": ({"rust-toolchain.toml": '[toolchain]\nchannel = "1.75.0"'}, {}, "1.75", "rust-toolchain.toml"),
    "toolchain file of one line": ({"rust-toolchain": "1.70\n"}, {}, "1.70", "rust-toolchain"),
    "stable": ({"rust-toolchain": "stable"}, {}, "1", "rust-toolchain"),
    ".rust-version": ({".rust-version": "1.80.1"}, {}, "1.80", ".rust-version"),
    "a tool manager's": ({".tool-versions": "rust 1.81.0"}, {}, "1.81", ".tool-versions"),
    "asked for": ({"rust-toolchain": "1.70"}, {"NIXPACKS_RUST_VERSION": "1.72"}, "1.72", "NIXPACKS_RUST_VERSION"),
    "from the workspace": (
        {"Cargo.toml": package(more="rust-version.workspace = true", tables='[workspace.package]\nrust-version = "1.90"')}, {}, "1",
        "rust-version in Cargo.toml",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "variables", "version", "place"), VERSIONS.values(), ids=VERSIONS)
def test_the_version_is_found(files: dict[str, str], variables: dict[str, str], version: str, place: str) -> None:
    plan = rust({"Cargo.toml": package(), "src/main.rs": MAIN, **files}, **variables)
    assert (plan.bases.build, plan.origins["version"].source) == (f"rust:{version}-slim", place)


def test_a_nightly_toolchain_is_left_to_rustup() -> None:
    plan = rust({**SINGLE, "rust-toolchain.toml": '[toolchain]\nchannel = "nightly-2024-08-12"'})
    assert (plan.version, plan.bases.build, plan.tools) == ("nightly-2024-08-12", "rust:1-slim", {"cargo": ""})
    assert (plan.origins["version"].source, plan.warnings) == ("rust-toolchain.toml", ())
    assert "rust-toolchain.toml" in plan.steps[0].inputs


def test_a_lock_file_that_an_old_toolchain_cannot_read_is_told() -> None:
    (notice,) = rust({**SINGLE, "rust-toolchain": "1.70"}).warnings
    assert notice.message == "rust-toolchain says rust 1.70, version in Cargo.lock says >=1.78."


def test_native_libraries_come_from_the_lock_file() -> None:
    lock = '[[package]]\nname = "openssl-sys"\n[[package]]\nname = "ring"\n'
    plan = rust({**SINGLE, "Cargo.lock": lock})
    assert (plan.packages.build, plan.packages.runtime) == (("libssl-dev", "pkg-config"), ("ca-certificates", "libssl3t64"))


def test_rocket_is_told_where_to_listen() -> None:
    plan = rust({**SINGLE, "Cargo.toml": package("api", tables='[dependencies]\nrocket = "0.5"'), "Rocket.toml": ""})
    assert plan.services[0].start == "env ROCKET_ADDRESS=$HOST ROCKET_PORT=$PORT ./target/release/api"
    assert (plan.framework, plan.keep) == ("rocket", ("target/release/api", "Rocket.toml"))


def test_files_that_are_no_code_are_kept() -> None:
    files = {"templates/a.html": "", "migrations/1/up.sql": "", "tests/data.json": "", "README.md": "", "src/x.txt": "", "target/old": ""}
    assert rust({**SINGLE, **files}).keep == ("target/release/shop", "migrations", "src/x.txt", "templates")


def test_a_target_that_is_configured_is_where_the_program_is_found() -> None:
    plan = rust({**SINGLE, ".cargo/config.toml": '[build]\ntarget = "x86_64-unknown-linux-musl"'})
    assert '"$CARGO_TARGET_DIR"/x86_64-unknown-linux-musl/release/shop' in plan.steps[1].commands[0]


@pytest.mark.parametrize(("name", "files"), [("rust-single", SINGLE), ("rust-workspace", WORKSPACE)])
def test_the_dockerfile_is_what_was_decided(name: str, files: dict[str, str]) -> None:
    text = render(rust(files), portable=True)
    assert text == pinned(PINS / f"{name}.Dockerfile", text)


KEYS = ["name", "path", "bin", "lib", "package", "workspace", "members", "default-members", "dependencies", "build", "edition", "features",
        "required-features", "default", "rust-version", "source", "directory", "target", "x", "version", "toolchain", "channel"]  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["src/main.rs", "../x", "*", "crates/*", "lib"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


class Loose(Source):
    """A tree whose TOML files hold any values."""

    tables: dict[str, object]

    def toml(self, path: str) -> dict[str, object]:
        return self.tables if self.has(path) else {}


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
def test_no_value_in_a_manifest_is_a_traceback(tables: dict[str, object]) -> None:
    tree = Loose(
        dict.fromkeys(
            ["Cargo.toml", "Cargo.lock", "crates/a/Cargo.toml", ".cargo/config.toml", "rust-toolchain.toml", "src/main.rs"], "[x]"
        )
    )
    tree.tables = tables
    RustBuildpack().plan(Request(tree))


@settings(max_examples=200)
@given(
    st.text(max_size=60)
    | st.sampled_from([package(), WORKSPACE["Cargo.toml"]]).flatmap(lambda text: st.integers(0, len(text)).map(lambda end: text[:end]))
)
def test_a_broken_manifest_is_an_error_of_the_users(text: str) -> None:
    with suppress(ConfigInvalidError):
        RustBuildpack().plan(Request(Source({**WORKSPACE, "Cargo.toml": text, "Cargo.lock": text})))
