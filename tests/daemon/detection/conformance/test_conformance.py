"""Every example of nixpacks as a small project of the same shape: the same language, and a start of the same effect."""

from __future__ import annotations

import re

import pytest
from shapes import compiled, other, web

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_shared.errors import NoStartCommandError, NothingDetectedError

ROWS = {**compiled.ROWS, **web.ROWS, **other.ROWS}
EXAMPLES = 152
GOAL = 0.97
VARIABLES = {
    "config-from-environment-variables": {"NIXPACKS_INSTALL_CMD": "install", "NIXPACKS_BUILD_CMD": "build", "NIXPACKS_START_CMD": "start"},
    "custom-plan-path": {"NIXPACKS_CONFIG_FILE": "nixpacks.other.toml"},
    "node-monorepo": {"NIXPACKS_START_CMD": "echo hello world"},
    "pin_archive": {"NIXPACKS_START_CMD": "bash start.sh"},
}
DIFFERENT = {
    "scheme": "no buildpack for Haunt and Guile: there is no official image of either",
}
OLDER = {"node-legacy-prisma": "22", "node-nvmrc": "22"}
"""Node 14 is no longer published for the distribution that rw builds on: a warning names the versions there are."""


def outcome(name: str) -> tuple[str, str, str]:
    """Return buildpack, version and start; nothing of what cannot be planned."""
    files, _, version, _ = ROWS[name]
    try:
        plan = registry.plan(Request(Source(files), variables=VARIABLES.get(name, {})))
    except NoStartCommandError as error:
        return str(error.details["buildpack"]), version, ""
    except NothingDetectedError:
        return "", "", ""
    return plan.buildpack, plan.version, plan.services[0].start


def conforms(name: str) -> bool:
    _, buildpack, _, pattern = ROWS[name]
    found, _, start = outcome(name)
    return found == buildpack and re.fullmatch(pattern, start) is not None


@pytest.mark.parametrize("name", sorted(ROWS.keys() - DIFFERENT))
def test_a_project_of_that_shape_is_started_to_the_same_effect(name: str) -> None:
    _, buildpack, version, pattern = ROWS[name]
    found = outcome(name)
    assert found[:2] == (buildpack, OLDER.get(name, version))
    assert re.fullmatch(pattern, found[2]), found[2]


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_difference_that_has_gone_leaves_the_table(name: str) -> None:
    assert not conforms(name)


def test_the_goal_is_kept_over_all_examples() -> None:
    rate = sum(map(conforms, ROWS)) / len(ROWS)
    assert len(ROWS) == EXAMPLES
    assert rate >= GOAL, f"{rate:.1%}"


@pytest.mark.parametrize("name", OLDER)
def test_a_version_that_is_not_there_is_told(name: str) -> None:
    plan = registry.plan(Request(Source(ROWS[name][0])))
    assert "VERSION_UNKNOWN" in [one.code for one in plan.warnings]


@pytest.mark.parametrize("name", sorted(ROWS.keys() - DIFFERENT))
def test_a_tree_in_another_order_gives_the_same_bytes(name: str) -> None:
    files = ROWS[name][0]
    plans = []
    for order in (files, files, dict(reversed(files.items()))):
        try:
            plans.append(registry.plan(Request(Source(order), variables=VARIABLES.get(name, {}))).model_dump_json(by_alias=True))
        except NoStartCommandError as error:
            plans.append(str(error))
    assert len(set(plans)) == 1


def test_a_program_among_debians_games_is_on_the_path() -> None:
    plan = registry.plan(Request(Source(ROWS["config-toml-file"][0])))
    assert (plan.packages.runtime, plan.path, plan.environment) == (("cowsay",), ("/usr/games",), {"HELLO": "hey there"})
    assert "PATH=/usr/games:$PATH" in render(plan)
