"""What is said about a plan or a Dockerfile before anything is built; and that rw's own Dockerfiles keep the same rules."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes import compiled, other, web

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.check import check
from rw_daemon.plans.check_text import check_text, instructions
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import Bases, BuildPlan, Step
from rw_shared.errors import ConfigInvalidError, RwError

ROWS = {**compiled.ROWS, **web.ROWS, **other.ROWS}
GOOD = 'FROM python:3.13-slim\nUSER 10001\nCMD ["python", "app.py"]\n'
TOKEN = "ghp_" + "a1" * 18


def plans() -> dict[str, BuildPlan]:
    """Return the plans of all shapes that can be planned without variables and have no Dockerfile of their own."""
    found = {}
    for name, (files, *_) in ROWS.items():
        with suppress(RwError):
            found[name] = registry.plan(Request(Source(files)))
    return {name: plan for name, plan in found.items() if not plan.as_is}


PLANS = plans()


def test_nearly_every_shape_is_looked_at() -> None:
    assert len(PLANS) > 0.9 * len(ROWS)


@pytest.mark.parametrize("name", sorted(PLANS))
def test_every_dockerfile_that_rw_writes_keeps_the_rules(name: str) -> None:
    plan = PLANS[name]
    asked = {one.code for one in plan.warnings}
    for portable in (False, True):
        found = check_text(render(plan, portable=portable))
        assert [one for one in found if one.code not in asked] == []


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        pytest.param("FROM python\n" + GOOD.partition("\n")[2], "BASE_NOT_PINNED", 1, id="no tag"),
        pytest.param(GOOD.replace("python:3.13-slim", "python:slim"), "BASE_NOT_PINNED", 1, id="tag without a version"),
        pytest.param(GOOD.replace("python:3.13-slim", "localhost:5000/python"), "BASE_NOT_PINNED", 1, id="port is no tag"),
        pytest.param("ARG BASE=node\nFROM $BASE\n" + GOOD.partition("\n")[2], "BASE_NOT_PINNED", 1, id="by an argument"),
        pytest.param(GOOD.replace("USER", "COPY --from=busybox /bin/sh /bin/\nUSER"), "BASE_NOT_PINNED", 2, id="copied from"),
        pytest.param(GOOD.replace("USER", "ARG NPM_TOKEN\nUSER"), "SECRET_IN_IMAGE", 2, id="argument"),
        pytest.param(GOOD.replace("USER", "ENV A=1 \\\n  DB_PASSWORD=x\nUSER"), "SECRET_IN_IMAGE", 2, id="second of an ENV"),
        pytest.param(GOOD.replace("USER", "ENV DB_PASSWORD x\nUSER"), "SECRET_IN_IMAGE", 2, id="old form of ENV"),
        pytest.param(GOOD.replace("USER", f"RUN git clone https://{TOKEN}@host/x\nUSER"), "SECRET_IN_IMAGE", 2, id="token in a command"),
        pytest.param(GOOD.replace("USER", "ENV URL=postgres://a:b@db/x\nUSER"), "SECRET_IN_IMAGE", 2, id="password in an address"),
        pytest.param(GOOD.replace("USER 10001", "USER root:root"), "RUNS_AS_ROOT", 3, id="root by name"),
        pytest.param(GOOD.replace("USER 10001\n", ""), "RUNS_AS_ROOT", 2, id="no user"),
        pytest.param("FROM a:1\nUSER 1\n" + GOOD.replace("USER 10001\n", ""), "RUNS_AS_ROOT", 4, id="user of another stage"),
        pytest.param(GOOD.replace('["python", "app.py"]', "python app.py"), "SHELL_FORM", 3, id="shell form"),
    ],
)
def test_dockerfile_with_a_surprise_is_told_of_it(text: str, code: str, line: int) -> None:
    found = check_text(text, name="web/Dockerfile")
    assert [one.code for one in found] == [code]
    assert found[0].message.startswith(f"web/Dockerfile:{line}: ")
    assert found[0].fix


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "FROM python@sha256:" + "0" * 64 + "\n" + GOOD.partition("\n")[2],
        "FROM a:1 AS base\nUSER 1\nFROM base\nCMD exec app\n",
        'FROM gcr.io/distroless/static:nonroot-1\nCMD ["/app"]\n',
        GOOD.replace("USER", "RUN <<EOF\nUSER root\nENV API_TOKEN=1\nEOF\nUSER"),
        GOOD.replace("USER", "ENV TOKENIZERS_PARALLELISM=false URL=postgres://a:$PASSWORD@db/x\nUSER"),
        GOOD.replace("USER", "RUN --mount=type=secret,id=npm_token npm ci\nUSER"),
    ],
    ids=["plain", "digest", "user of its stage", "base without rights", "here-document", "only looks like one", "mounted"],
)
def test_dockerfile_without_one_is_left_alone(text: str) -> None:
    assert check_text(text) == ()


@given(st.text(max_size=300))
def test_any_text_can_be_checked(text: str) -> None:
    lines = text.splitlines()
    assert all(1 <= one.line <= len(lines) for one in instructions(text))
    assert check_text(text) == check_text(text)


@pytest.mark.parametrize(("name", "value"), [("API_TOKEN", "x"), ("REMOTE", f"https://{TOKEN}@host"), ("URL", "redis://:pw@cache")])
def test_secret_never_stands_in_a_plans_environment(name: str, value: str) -> None:
    with pytest.raises(ConfigInvalidError, match=name):
        check(BuildPlan(buildpack="node", environment={name: value}))


def test_plan_with_a_token_in_a_command_and_a_moving_base_says_both() -> None:
    step = Step(name="install", commands=(f"npm config set //host/:_authToken {TOKEN}",))
    found = check(BuildPlan(buildpack="node", bases=Bases(build="node:lts", run="node:24-slim"), steps=(step,)))
    assert [one.code for one in found] == ["BASE_NOT_PINNED", "SECRET_IN_IMAGE"]
    assert TOKEN not in repr(found)
