"""What of a plan could end an instruction of the Dockerfile too early, and the rules that a finished plan keeps."""

from __future__ import annotations

import json

import pytest

from rw_daemon.plans.check import check
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import Bases, BuildPlan, ServicePlan, Step, Toolchain
from rw_shared.errors import ConfigInvalidError

BASE = "debian:trixie-slim"


def plan(*commands: str, start: str = "./server", **changes: object) -> BuildPlan:
    steps = (Step(name="build", commands=commands, inputs=(".",)),)
    services = (ServicePlan(name="web", start=start),)
    values: dict[str, object] = {"buildpack": "shell", "bases": Bases(build=BASE, run=BASE), "steps": steps, "services": services}
    return BuildPlan.model_validate({**values, **changes})


@pytest.mark.parametrize("is_portable", [False, True])
@pytest.mark.parametrize("command", ["set -e\nmake\nmake install\n./x", "a \\\n  b", "a\r\nb"])
def test_a_command_of_several_lines_stays_one_instruction(command: str, is_portable: bool) -> None:
    (line,) = [
        one for one in render(plan(command), portable=is_portable).split("\n") if "make" in one or ("/bin/sh" in one and "RUN" in one)
    ]
    assert json.loads(line.removeprefix("RUN ")) == ["/bin/sh", "-c", command]


def test_a_command_of_one_line_is_readable() -> None:
    assert "\nRUN make all\n" in render(plan("make all\n"))


def test_commands_in_comments_stay_in_them() -> None:
    services = (ServicePlan(name="web", start="a", pre_deploy=("b\nRUN evil",)), ServicePlan(name="worker", start="c\nRUN evil \\", port=0))
    text = render(plan("x", services=services))
    assert [line for line in text.splitlines() if "evil" in line] == ["#   worker: c RUN evil ", "# before each release: b RUN evil"]


def test_the_app_is_process_one() -> None:
    assert 'CMD ["/bin/sh", "-c", "exec ./server --port $PORT"]' in render(plan("x", start="./server --port $PORT"))


def test_two_services_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigInvalidError, match="two services are called 'web'"):
        check(plan("x", services=(ServicePlan(name="web"), ServicePlan(name="web"))))


@pytest.mark.parametrize("name", ["DJANGO_SECRET_KEY", "DB_PASSWORD", "GITHUB_TOKEN", "API_KEY"])
def test_a_secret_never_stands_in_an_image(name: str) -> None:
    with pytest.raises(ConfigInvalidError, match=name) as caught:
        check(plan("x", environment={name: "s3cret"}))
    assert "s3cret" not in str(caught.value.to_wire())


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"bases": Bases(build="python", run="python:latest")}, ["BASE_NOT_PINNED", "BASE_NOT_PINNED"]),
        ({"toolchains": (Toolchain(image="composer", path="/usr/bin/composer"),)}, ["BASE_NOT_PINNED"]),
        ({"services": (ServicePlan(name="web", start="gunicorn app:app -b 127.0.0.1:$PORT"),)}, ["BINDS_LOOPBACK"]),
        ({"services": (ServicePlan(name="web", start="uvicorn app:app --host localhost --port $PORT"),)}, ["BINDS_LOOPBACK"]),
        ({"services": (ServicePlan(name="web", start="server --host=127.0.0.1 --port=8000"),)}, ["BINDS_LOOPBACK"]),
        ({"services": (ServicePlan(name="web", start="server --db localhost:5432 --bind $HOST:$PORT"),)}, []),
        ({"services": (ServicePlan(name="worker", start="work --redis localhost:6379", port=0),)}, []),
    ],
)
def test_what_would_surprise_later_is_told_now(changes: dict[str, object], codes: list[str]) -> None:
    assert [one.code for one in check(plan("x", **changes))] == codes


def copies(plan: BuildPlan) -> list[str]:
    """Return what the last stage copies, in order."""
    return [line for line in render(plan).rpartition("\nFROM ")[2].splitlines() if line.startswith("COPY")]


INSTALL = Step(name="install", commands=("uv sync",), inputs=("uv.lock",))


def test_sources_lie_above_what_was_installed_so_that_a_changed_line_keeps_its_layer() -> None:
    installed, sources = copies(plan(steps=(INSTALL, Step(name="sources", commands=(), inputs=(".",))), installed=(".venv",)))
    assert installed == "COPY --from=build --chown=10001:10001 /app/.venv /app/.venv"
    assert sources == "COPY --chown=10001:10001 src/ /app/"


def test_a_command_that_may_read_the_sources_keeps_everything_together() -> None:
    built = plan(steps=(INSTALL, Step(name="build", commands=("make",), inputs=(".",))), installed=(".venv",))
    assert copies(built) == ["COPY --from=build --chown=10001:10001 /app /app"]


def test_folders_beside_files_keep_their_names() -> None:
    install = Step(name="install", commands=("make",), inputs=("package.json", "patches/", ".yarn/releases/", ".yarn/plugins/"))
    lines = [line for line in render(plan(steps=(install,))).splitlines() if line.startswith("COPY src/")]
    assert lines == [
        "COPY src/package.json ./",
        "COPY src/patches/ ./patches/",
        "COPY src/.yarn/releases/ ./.yarn/releases/",
        "COPY src/.yarn/plugins/ ./.yarn/plugins/",
    ]


def test_another_languages_programs_come_from_its_image_and_only_what_runs_stays() -> None:
    node = Toolchain(image="node:22-slim", path="/usr/local/")
    program = Toolchain(image="node:22-slim", path="/usr/local/bin/node", runs=True)
    text = render(plan("make", toolchains=(node, program)))
    assert "COPY --from=node:22-slim /usr/local/ /usr/local/" in text.partition("# --- what runs")[0]
    assert [line for line in text.partition("# --- what runs")[2].splitlines() if "node:22" in line] == [
        "COPY --from=node:22-slim /usr/local/bin/node /usr/local/bin/node"
    ]
