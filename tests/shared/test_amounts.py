"""How far something is, in words."""

from __future__ import annotations

from rw_shared.amounts import progress_text


def test_progress_says_bytes_and_time_left() -> None:
    assert progress_text(10_000_000, 40_000_000, 2.0) == "10.0 of 40.0 MB, 6 s left"
    assert progress_text(0, 40_000_000, 2.0) == "0.0 of 40.0 MB"
