"""The line that tells how far something is."""

from __future__ import annotations

import threading

import pytest

from rw_cli.context import waiting


def test_a_wait_is_told_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 0.0)
    asked = threading.Event()

    def words(seconds: float) -> str:
        asked.set()
        return f"reading after {seconds:.0f} s"

    with waiting.shown(words, is_live=True):
        assert asked.wait(5)
    told = capsys.readouterr().err
    assert "reading after 0 s" in told
    assert told.endswith(waiting.CLEAR)


def test_nothing_is_shown_where_nothing_can_be_redrawn_and_an_error_of_the_telling_harms_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 0.0)
    with waiting.shown(lambda _: "never", is_live=False):
        pass
    assert capsys.readouterr().err == ""
    asked = threading.Event()

    def broken(_: float) -> str:
        asked.set()
        raise ConnectionRefusedError

    with waiting.shown(broken, is_live=True):
        assert asked.wait(5)
    assert capsys.readouterr().err == waiting.CLEAR
