"""Every example of railpack as a small project of the same shape: the same language, and a start of the same effect."""

from __future__ import annotations

import re

import pytest
from shapes.railpack import ROWS

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import NothingDetectedError

EXAMPLES = 150
GOAL = 0.95
VARIABLES = {
    "node-subfolder-node-version": {"RAILPACK_NODE_VERSION": "22"},
    "node-version-precedence": {"RAILPACK_NODE_VERSION": "22"},
    "railpack-env-configuration": {"RAILPACK_SHELL_SCRIPT": "run.sh"},
}
DIFFERENT = {
    "flutter-web": "there is no official image of Flutter",
    "python-compiled": "uv, which makes the environment, knows no Python 3.7",
    "python-freethreaded": "there is no official image of Python without its lock",
}
RUNS_OTHERWISE = {
    "config-file": "the start command calls Python beside Node, and a program that mise installs",
    "mise-config": "the program calls Go beside Bun",
    "npm-out-of-sync-package-lock": "a lock file that does not fit stops the build, with what to type",
}
"""Planned alike, and still not the same when it runs."""


def planned(name: str) -> BuildPlan:
    return registry.plan(Request(Source(ROWS[name][0]), variables=VARIABLES.get(name, {})))


def conforms(name: str) -> bool:
    _, buildpack, version, pattern = ROWS[name]
    try:
        plan = planned(name)
    except NothingDetectedError:
        return False
    return (plan.buildpack, plan.version) == (buildpack, version) and re.fullmatch(pattern, plan.services[0].start) is not None


@pytest.mark.parametrize("name", sorted(ROWS.keys() - DIFFERENT))
def test_a_project_of_that_shape_is_started_to_the_same_effect(name: str) -> None:
    plan, (_, buildpack, version, pattern) = planned(name), ROWS[name]
    assert (plan.buildpack, plan.version) == (buildpack, version)
    assert re.fullmatch(pattern, plan.services[0].start), plan.services[0].start


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_difference_that_has_gone_leaves_the_table(name: str) -> None:
    assert not conforms(name)


def test_the_goal_is_kept_over_all_examples() -> None:
    rate = sum(conforms(name) and name not in RUNS_OTHERWISE for name in ROWS) / len(ROWS)
    assert len(ROWS) == EXAMPLES
    assert rate >= GOAL, f"{rate:.1%}"
