"""``rw sbom``: which packages are in what runs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from rw_cli.context.session import Session

sbom_app = typer.Typer(rich_markup_mode=None, add_completion=False)


@sbom_app.command()
def sbom(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A service, vN or an id; default: the newest that was built.")] = "",
) -> None:
    """Print the packages in a built release, as SPDX 2.3 in JSON: `rw sbom`, `rw sbom web`, `rw sbom v3 > sbom.spdx.json`."""
    session: Session = ctx.obj
    found = session.client.call("GET", f"{session.place()}/sbom", query={"of": name})
    session.result({"sbom": found}, json.dumps(found, indent=1, ensure_ascii=False))
