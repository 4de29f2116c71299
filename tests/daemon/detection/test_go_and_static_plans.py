"""What the Go and static buildpacks make of source trees."""

from __future__ import annotations

import pytest

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.buildpacks.go import GoBuildpack
from rw_daemon.detection.buildpacks.static import StaticBuildpack
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import ConfigInvalidError

MAIN = "package main\n\nfunc main() {}\n"
MODULE = "module example.org/x\n\ngo 1.22\n"


def go(files: dict[str, str], **variables: str) -> BuildPlan:
    return GoBuildpack().plan(Request(Source({"go.mod": MODULE, **files}), variables=variables))


@pytest.mark.parametrize(
    ("files", "target"),
    [
        pytest.param({"main.go": MAIN}, ".", id="root"),
        pytest.param({"cmd/x/main.go": MAIN}, "./cmd/x", id="one command"),
        pytest.param({"cmd/a/main.go": MAIN, "cmd/server/main.go": MAIN}, "./cmd/server", id="the one called server"),
        pytest.param({"main.go": MAIN, "cmd/a/main.go": MAIN}, ".", id="root before commands"),
        pytest.param({"main.go": MAIN, "vendor/v/main.go": MAIN}, ".", id="not in vendor"),
    ],
)
def test_the_command_is_found(files: dict[str, str], target: str) -> None:
    assert go(files).steps[-1].commands[0].endswith(f" -o bin/server {target}")


def test_several_commands_are_explained_and_can_be_chosen() -> None:
    files = {"cmd/a/main.go": MAIN, "cmd/b/main.go": MAIN}
    assert [one.code for one in go(files).warnings] == ["SEVERAL_COMMANDS"]
    assert go(files, RW_BUILD_GO_BIN="b").steps[-1].commands[0].endswith("./cmd/b")


def test_a_library_has_no_start_command() -> None:
    assert go({"x.go": "package x\n"}).services[0].start == ""


def test_vendored_modules_are_not_downloaded() -> None:
    assert [step.name for step in go({"main.go": MAIN, "vendor/modules.txt": ""}).steps] == ["build"]


def test_the_oldest_go_that_will_do_is_no_reason_to_use_it() -> None:
    assert go({"main.go": MAIN}).bases.build == "golang:1.24"


def test_files_that_are_no_go_code_are_kept() -> None:
    plan = go({"main.go": MAIN, "templates/a/b.html": "", "web/web.go": "package web\n", "web/static/a.css": "", "README.md": ""})
    assert plan.keep == ("bin/server", "templates", "web/static")


@pytest.mark.parametrize(
    ("files", "root"),
    [
        pytest.param({"index.html": ""}, ".", id="root"),
        pytest.param({"public/index.html": ""}, "public", id="public"),
        pytest.param({"dist/index.html": ""}, "dist", id="dist"),
        pytest.param({"Staticfile": "root: pages\n", "pages/a.html": "", "index.html": ""}, "pages", id="Staticfile"),
    ],
)
def test_the_folder_of_pages_is_found(files: dict[str, str], root: str) -> None:
    plan = StaticBuildpack().plan(Request(Source(files)))
    assert f'root * "{root}"' in plan.files["Caddyfile"]
    assert plan.origins["root"].value == root


@pytest.mark.parametrize("root", ["../etc", "gone"])
def test_a_folder_outside_the_sources_is_refused(root: str) -> None:
    with pytest.raises(ConfigInvalidError, match="not there"):
        StaticBuildpack().plan(Request(Source({"Staticfile": f"root: {root}"})))


def test_a_go_program_without_a_module_is_built_from_its_files_by_name() -> None:
    plan = registry.plan(
        Request(Source({"main.go": "package main\n\nfunc main() {}\n", "more.go": "package main\n", "main_test.go": "package main\n"}))
    )
    assert [step.commands for step in plan.steps] == [('go build -trimpath -ldflags="-s -w" -o bin/server main.go more.go',)]


def test_a_start_command_alone_runs_beside_the_files() -> None:
    plan = registry.plan(Request(Source({"notes.txt": ""}), variables={"NIXPACKS_START_CMD": "cat notes.txt"}))
    assert (plan.buildpack, plan.services[0].start) == ("shell", "cat notes.txt")
    assert plan.origins["buildpack"].source == "NIXPACKS_START_CMD"
