"""What references in variables stand for, and how those that stand for nothing are told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rw_daemon.variables.provided import provided
from rw_daemon.variables.references import LONGEST, resolve, services_in
from rw_shared.errors import ConfigInvalidError

SERVICES = {
    "api": {"PORT": "20001", "RAILWAY_PRIVATE_DOMAIN": "localhost", "LINK": "http://${{RAILWAY_PRIVATE_DOMAIN}}:${{PORT}}/${{LEVEL}}"},
    "db": {"DATABASE_URL": "postgres://x"},
}
SHARED = {"LEVEL": "info", "BASE": "example.org", "URL": "https://${{BASE}}"}


@pytest.mark.parametrize(
    ("own", "value"),
    [
        pytest.param({"A": "x"}, "x", id="no reference"),
        pytest.param({"A": "${{B}}", "B": "y"}, "y", id="another variable"),
        pytest.param({"A": "<${{ B }}${{C}}>", "B": "y", "C": "${{B}}"}, "<yy>", id="nested, twice, with spaces"),
        pytest.param({"A": "${{shared.LEVEL}}"}, "info", id="shared"),
        pytest.param({"LEVEL": "${{shared.LEVEL}}", "A": "${{LEVEL}}"}, "info", id="shared under the same name"),
        pytest.param({"A": "${{LEVEL}}"}, "info", id="shared by its bare name"),
        pytest.param({"A": "${{LEVEL}}", "LEVEL": "debug"}, "debug", id="own before shared"),
        pytest.param({"A": "${{shared.URL}}", "BASE": "other"}, "https://example.org", id="a shared value stays among the shared"),
        pytest.param({"A": "http://${{api.RAILWAY_PRIVATE_DOMAIN}}:${{api.PORT}}"}, "http://localhost:20001", id="another service"),
        pytest.param({"A": "${{DATABASE_URL}}"}, "postgres://x", id="offered by some service"),
        pytest.param({"A": "${{api.LINK}}", "PORT": "1"}, "http://localhost:20001/info", id="its references are of that service"),
        pytest.param({"A": "$B ${B} {{B}} ${{}} ${{B.C.D}}", "B": "y"}, "$B ${B} {{B}} ${{}} ${{B.C.D}}", id="what is none"),
        pytest.param({"A": "${{db.DATABASE_URL}}?${{B}}", "B": "${{api.PORT}}"}, "postgres://x?20001", id="mixed"),
    ],
)
def test_a_reference_is_replaced_by_what_it_stands_for(own: dict[str, str], value: str) -> None:
    assert resolve(own, services=SERVICES, shared=SHARED)["A"] == value


@pytest.mark.parametrize(
    ("own", "words"),
    [
        pytest.param({"A": "${{B}}"}, "A refers to ${{B}}, which is not there", id="missing"),
        pytest.param({"A": "${{web.PORT}}"}, "A refers to ${{web.PORT}}, which is not there", id="missing service"),
        pytest.param({"A": "${{shared.B}}", "B": "x"}, "A refers to ${{shared.B}}", id="own is not shared"),
        pytest.param({"A": "${{A}}"}, "A → A is a circle", id="itself"),
        pytest.param({"A": "${{B}}", "B": "${{C}}", "C": "${{B}}"}, "B → C → B is a circle", id="a circle further on"),
        pytest.param({f"A{n}": f"${{{{A{n + 1}}}}}" for n in range(60)} | {"A60": "x"}, "A0 leads through more than 50", id="too deep"),
    ],
)
def test_a_reference_that_stands_for_nothing_is_told(own: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigInvalidError) as caught:
        resolve(own, services=SERVICES, shared=SHARED)
    assert words in caught.value.message


def test_values_that_multiply_are_stopped() -> None:
    own = {f"A{n}": f"${{{{A{n + 1}}}}}" * 2 for n in range(40)} | {"A40": "s3cret"}
    with pytest.raises(ConfigInvalidError, match=f"longer than {LONGEST}") as caught:
        resolve(own, services={}, shared={})
    assert "s3cret" not in str(caught.value.to_wire())


def test_a_value_is_never_quoted_in_an_error() -> None:
    with pytest.raises(ConfigInvalidError) as caught:
        resolve({"A": "s3cret ${{B}} s3cret"}, services={}, shared={})
    assert "s3cret" not in str(caught.value.to_wire())


NAMES = st.sampled_from(["A", "B", "C", "D"])
VALUES = st.lists(NAMES.map("${{{{{}}}}}".format) | NAMES.map("${{{{shared.{}}}}}".format) | st.text(max_size=4), max_size=3).map("".join)


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES))
def test_any_references_end_in_values_or_in_a_word(own: dict[str, str], shared: dict[str, str]) -> None:
    try:
        found = resolve(own, services={}, shared=shared)
    except ConfigInvalidError:
        return
    assert found.keys() == own.keys()


def test_what_rw_tells_an_app_about_itself() -> None:
    facts = {"project": "shop", "environment": "production", "service": "web", "deployment": "d1", "snapshot": "s1", "commit": "c1"}
    web = provided(**facts, domain="web.shop.localhost:8080", private="localhost")
    worker = provided(**facts, domain="", private="localhost")
    assert web["RAILWAY_PUBLIC_DOMAIN"] == "web.shop.localhost:8080"
    assert web["RAILWAY_SERVICE_NAME"] == "web"
    assert web["RAILWAY_GIT_COMMIT_SHA"] == "c1"
    assert web.keys() - worker.keys() == {"RAILWAY_PUBLIC_DOMAIN", "RAILWAY_PRIVATE_DOMAIN"}
    assert not {"PORT", "HOST"} & web.keys()


def test_the_services_that_values_refer_to() -> None:
    values = {"A": "${{api.PORT}}/${{ db.URL }}", "B": "${{shared.X}} ${{OWN}} ${api.Y}"}
    assert services_in(values) == {"api", "db"}


def test_services_that_refer_to_each_other_without_end_are_told() -> None:
    with pytest.raises(ConfigInvalidError, match="a circle"):
        resolve({"A": "${{api.B}}"}, services={"api": {"B": "${{web.A}}"}, "web": {"A": "${{api.B}}"}}, shared={})
