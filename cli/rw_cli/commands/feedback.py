"""``rw feedback``: what somebody who helps needs to see, in one file without secrets."""

from __future__ import annotations

import io
import json
import platform
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from rw_cli.context.checks import checks
from rw_cli.context.session import Session
from rw_shared.errors import RwError
from rw_shared.version import VERSION

feedback_app = typer.Typer(rich_markup_mode=None, add_completion=False)
LOG_BYTES = 200_000
DEPLOYMENTS = 50
KEPT = {"id", "service", "version", "kind", "status", "steps", "replicas", "changed", "createdAt", "settledAt", "operation"}
"""Of a deployment goes along what happened, not what was said: a plan, a reason or an error may quote the user's own text."""


@feedback_app.command()
def feedback(
    ctx: typer.Context,
    file: Annotated[str, typer.Option("-o", "--output", help="The file to write; default: rw-feedback-TIME.tar.gz here.")] = "",
) -> None:
    """Write a bundle for a report: versions, checks, the daemon's log, steps of deployments. No variables, no sources, no lines of apps.

    `rw feedback -o report.tar.gz`.
    """
    session: Session = ctx.obj
    target = Path(file or f"rw-feedback-{time.strftime('%Y%m%dT%H%M%S')}.tar.gz")
    contents = dict(_contents(session))
    with tarfile.open(target, "w:gz") as archive:
        for name, text in contents.items():
            member = tarfile.TarInfo(f"rw-feedback/{name}")
            data = text.encode()
            member.size, member.mtime = len(data), int(time.time())
            archive.addfile(member, io.BytesIO(data))
    rows = "\n".join(f"  {name} ({len(text):,} characters)" for name, text in contents.items())
    session.result({"file": str(target), "contents": sorted(contents)}, f"{target}\n{rows}\nLook into it before you send it.")


def _contents(session: Session) -> Iterator[tuple[str, str]]:
    yield "versions.json", _text({"rw": VERSION, "python": platform.python_version(), "system": platform.platform()})
    yield "checks.json", _text(list(checks(session, ".")))
    log = session.home.daemon_log
    if log.exists():
        yield "daemon.log", log.read_bytes()[-LOG_BYTES:].decode(errors="replace")
    try:
        found = session.client.call("GET", f"{session.place()}/deployments", query={"limit": DEPLOYMENTS})["items"]
        yield "deployments.json", _text([{key: value for key, value in one.items() if key in KEPT} for one in found])
    except RwError as error:
        yield "deployments.json", _text({"code": error.code})


def _text(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
