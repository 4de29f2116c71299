"""``rw doctor``: every condition that rw needs, each with the command to type."""

from __future__ import annotations

from typing import Annotated

import typer

from rw_cli.context.checks import checks, mend
from rw_cli.context.session import Session
from rw_cli.render.text import clean

doctor_app = typer.Typer(rich_markup_mode=None, add_completion=False)
WORDS = {"ok": "fine:", "warn": "warning:", "fail": "failed:", "fixed": "mended:"}
MARKS = {"ok": "✓", "warn": "!", "fail": "✗", "fixed": "✓"}
COLORS = {"ok": 32, "warn": 33, "fail": 31, "fixed": 32}
FAILED = 8
"""Something that rw needs cannot be reached."""


@doctor_app.command()
def doctor(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(help="The project's folder; default: this one.")] = ".",
    fix: Annotated[bool, typer.Option("--fix", help="Mend what needs no other rights.")] = False,
) -> None:
    """Look at everything rw needs: `rw doctor --fix`. Exits 8 when something does not work."""
    session: Session = ctx.obj
    rows = []
    for found in checks(session, path):
        if fix and found["status"] != "ok" and (done := mend(session, found)):
            found.update(status="fixed", detail=done, fix="")
        rows.append(found)
        if not session.is_json:
            mark = (WORDS if session.is_plain else MARKS)[found["status"]]
            colored = f"\x1b[{COLORS[found['status']]}m{mark}\x1b[0m" if session.colored else mark
            hint = f"\n    → {found['fix']}" if found["fix"] else ""
            session.result({}, f"{colored} {found['id']:<12} {clean(found['detail'])}{clean(hint)}")
    if session.is_json:
        session.result({"checks": rows}, "")
    if any(row["status"] == "fail" for row in rows):
        raise typer.Exit(FAILED)
