"""``rw plan --why``: one value of a plan."""

from __future__ import annotations

from typing import Any

import pytest

from rw_cli.commands.plan import origin_of
from rw_cli.render.plan import why_text
from rw_shared.errors import NotFoundError

PLAN: dict[str, Any] = {
    "buildpack": "python",
    "origins": {
        "version": {"value": "3.13", "from": ".python-version", "beat": [{"value": "3.9", "from": "runtime.txt"}]},
        "steps.build": {"value": "make", "from": "RW_BUILD_BUILD_CMD", "beat": []},
    },
}


@pytest.mark.parametrize("name", ["version", "python"])
def test_a_value_is_told_with_its_origin_and_what_lost(name: str) -> None:
    assert why_text(*origin_of(PLAN, name)) == "version: 3.13\n  from .python-version\n  it beat 3.9, from runtime.txt"


@pytest.mark.parametrize(("name", "near"), [("Step.build", ["steps.build"]), ("versoin", ["version"]), ("x", ["steps.build", "version"])])
def test_a_value_that_is_not_there_names_the_nearest(name: str, near: list[str]) -> None:
    with pytest.raises(NotFoundError) as caught:
        origin_of(PLAN, name)
    assert list(caught.value.candidates) == near
