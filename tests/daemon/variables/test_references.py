"""References between variables: what they stand for, and what is refused."""

import pytest

from rw_daemon.variables.references import LARGEST_BYTES, resolve
from rw_shared.errors import ConfigInvalidError

SERVICES = {"db": {"URL": "postgres://db"}, "web": {"RAILWAY_PROJECT_NAME": "shop"}}
SHARED = {"LEVEL": "info", "NAMED": "${{RAILWAY_PROJECT_NAME}}-${{LEVEL}}", "LOOP": "${{LOOP}}"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("plain", "plain", id="no reference"),
        pytest.param("${{ B }}", "b", id="spaces"),
        pytest.param("x-${{B}}-${{B}}-y", "x-b-b-y", id="inside a text, twice"),
        pytest.param("${{C}}", "b!", id="through another"),
        pytest.param("${{db.URL}}/x", "postgres://db/x", id="of another service"),
        pytest.param("${{shared.LEVEL}}", "info", id="shared"),
        pytest.param("${{shared.NAMED}}", "shop-info", id="a shared one that refers to what rw provides and to a shared one"),
        pytest.param("${{RAILWAY_PROJECT_NAME}}", "shop", id="what rw provides"),
        pytest.param("$HOME ${X} {{B}}", "$HOME ${X} {{B}}", id="what only looks like one"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_reference_becomes_what_it_stands_for(value: str, expected: str) -> None:
    assert resolve({"A": value, "B": "b", "C": "${{B}}!"}, services=SERVICES, shared=SHARED)["A"] == expected


def test_a_shared_variable_may_be_taken_under_its_own_name() -> None:
    assert resolve({"LEVEL": "${{shared.LEVEL}}"}, services={}, shared=SHARED) == {"LEVEL": "info"}


@pytest.mark.parametrize(
    ("own", "words"),
    [
        pytest.param({"A": "${{A}}"}, "A → A", id="itself"),
        pytest.param({"A": "${{B}}", "B": "${{A}}"}, "A → B → A", id="two"),
        pytest.param({"A": "${{shared.LOOP}}"}, "A → shared.LOOP → shared.LOOP", id="shared"),
        pytest.param({"A": "${{GONE}}"}, "A refers to ${{GONE}}", id="missing"),
        pytest.param({"A": "${{db.GONE}}"}, "A refers to ${{db.GONE}}", id="missing in a service"),
        pytest.param({"A": "${{nobody.URL}}"}, "A refers to ${{nobody.URL}}", id="missing service"),
    ],
)
def test_what_leads_nowhere_or_back_is_named_without_values(own: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigInvalidError) as caught:
        resolve({**own, "SECRET": "hunter2"}, services=SERVICES, shared=SHARED)
    assert words in caught.value.message
    assert "hunter2" not in caught.value.message


def test_references_that_double_each_other_are_stopped() -> None:
    own = {"V0": "x" * 1000, **{f"V{n}": f"${{{{V{n - 1}}}}}" * 10 for n in range(1, 12)}}
    with pytest.raises(ConfigInvalidError, match=str(LARGEST_BYTES)):
        resolve(own, services={}, shared={})
