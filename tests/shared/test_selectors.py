"""Selectors of series, as Prometheus spells them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rw_shared.selectors import parse

LABELS = {"code": "503", "path": 'a"b'}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        pytest.param("errors_total", True, id="name alone"),
        pytest.param("other_total", False, id="another name"),
        pytest.param("errors_total{}", True, id="no matcher"),
        pytest.param('errors_total{code="503"}', True, id="equal"),
        pytest.param('errors_total{code="50"}', False, id="equal is whole"),
        pytest.param('errors_total{code!="200", }', True, id="not equal"),
        pytest.param('errors_total{code=~"5.."}', True, id="pattern"),
        pytest.param('errors_total{code=~"5"}', False, id="pattern is of the whole"),
        pytest.param('errors_total{code!~"5.."}', False, id="no such pattern"),
        pytest.param('errors_total{code=~"5..",zone=""}', True, id="a label that is not there is empty"),
        pytest.param(r'errors_total{path="a\"b"}', True, id="an escaped quote"),
    ],
)
def test_what_fits(text: str, fits: bool) -> None:
    assert parse(text).fits("errors_total", LABELS) is fits


@pytest.mark.parametrize("text", ["", "a b", "a{", "a{b}", "a{b=c}", 'a{b="c" d="e"}', 'a{b=~"("}', "rate(a[5m])", "a{,}"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no "):
        parse(text)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.text()))
def test_any_value_can_be_spelled(labels: dict[str, str]) -> None:
    def spelled(value: str) -> str:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    found = parse("m{" + ",".join(f'{label}="{spelled(value)}"' for label, value in labels.items()) + "}")
    assert found.fits("m", labels)
    assert not any(found.fits("m", labels | {label: value + "x"}) for label, value in labels.items())
