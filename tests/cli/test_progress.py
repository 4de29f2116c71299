"""What an operation says while it waits for others: in lines, in the live view, and in rows."""

from __future__ import annotations

from typing import Any

import pytest

from rw_cli.render.progress import Progress, row_of

WORDS = "waits for v3 of web: its rollout is paused at 10 % (`rw rollout promote web` or `rw rollout abort web`)"


def row(name: str, service: str = "web", **data: Any) -> dict[str, Any]:
    return {"name": name, "service": service, "data": data, "at": "2026-01-01T00:00:00Z", "operation": "op_1", "sequence": 1}


def picture(progress: Progress) -> str:
    return "\n".join(progress.picture(width=200))


@pytest.mark.parametrize("is_brief", [True, False], ids=["brief", "in full"])
def test_what_an_order_waits_for_is_told_at_once(is_brief: bool) -> None:
    progress = Progress(is_brief=is_brief)
    assert progress.take(row("operation.waiting", words=WORDS)) == [f"web: {WORDS}"]
    assert WORDS in picture(progress)
    progress.take(row("operation.begun"))
    assert WORDS not in picture(progress)


@pytest.mark.parametrize(("status", "mark"), [("succeeded", "✓"), ("failed", "✗"), ("cancelled", "✗")])
def test_the_line_of_an_order_without_steps_ends_with_it(status: str, mark: str) -> None:
    progress = Progress()
    progress.take(row("operation.waiting", words=WORDS))
    progress.take(row("operation.settled", service="", status=status))
    assert mark in picture(progress)
    assert f"web  {status}" in picture(progress)


def test_a_row_of_json_has_the_words() -> None:
    assert row_of(row("operation.waiting", words=WORDS))["words"] == WORDS
    assert "words" not in row_of(row("operation.begun"))
