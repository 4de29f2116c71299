"""The query language: what fits, and that nothing a person types can harm."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rw_daemon.logs.expressions import parse
from rw_shared.errors import UsageError

ROW: dict[str, Any] = {
    "message": "Connection reset by peer", "level": "error", "service": "web", "replica": 0, "stream": "stderr", "step": "",
    "attrs": {"status": 502, "ms": 12.5, "user": {"id": 42}, "ok": False, "path": "/a b"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("reset", True),
        ("RESET peer", True),
        ("peer AND missing", False),
        ("peer OR missing", True),
        ('"reset by"', True),
        ('"by reset"', False),
        ("-missing", True),
        ("-reset", False),
        ("NOT missing", True),
        ("@level:error", True),
        ("@level:ERROR @service:web", True),
        ("@level:info", False),
        ("-@level:info", True),
        ("@status:502", True),
        ("@status:>=500", True),
        ("@status:>502", False),
        ("@status:<502", False),
        ("@status:<=502", True),
        ("@status:500..599", True),
        ("@status:400..499", False),
        ("@ms:10..20", True),
        ("@user.id:42", True),
        ("@ok:false", True),
        ('@path:"/a b"', True),
        ("@absent:1", False),
        ("-@absent:1", True),
        ("missing OR reset peer", True),
        ("(missing OR reset) -peer", False),
        ("missing AND (reset OR peer)", False),
        ("-(missing OR absent)", True),
        ("well-known OR reset", True),
        ("@message:>5", False),
    ],
)
def test_what_fits(text: str, fits: bool) -> None:
    assert parse(text)(ROW) is fits


@pytest.mark.parametrize(
    "text", ["(a", "a)", "a OR", "AND", "OR b", '"open', "()", "a AND OR b", "-" * 100 + "a", "(" * 99 + "a" + ")" * 99, "x" * 3000]
)
def test_what_cannot_be_understood_is_said(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


WORDS = st.sampled_from(
    ["a", "AND", "OR", "NOT", "-", "(", ")", '"', '"a b"', "@level:error", "@status:>=1", "@a.b:1..2", "@:", "@x:", "é", "\x00"]
)


@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join), st.lists(WORDS, max_size=12).map("".join)))
def test_anything_is_parsed_or_refused(text: str) -> None:
    try:
        wanted = parse(text)
    except UsageError:
        return
    assert wanted(ROW) in {True, False}
    assert wanted({"message": "", "attrs": {}}) in {True, False}
