"""``rw why``: what led to a deployment's state."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from rw_cli.context.session import Session, path_of
from rw_cli.render.text import clean, table
from rw_shared.errors import DeploymentNotFoundError

why_app = typer.Typer(rich_markup_mode=None, add_completion=False)


@why_app.command()
def why(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[DEPLOYMENT|SERVICE]", help="vN, an id, or a service: its newest one.")] = "",
    service: Annotated[str, typer.Option("-s", "--service", help="The service that vN belongs to.")] = "",
) -> None:
    """Tell why a deployment is as it is: what was different, and all that happened to it: `rw why v3`."""
    session: Session = ctx.obj
    place = session.place()
    project, environment = path_of(place)
    newest = session.client.call("GET", f"{place}/deployments", query={"service": service, "limit": 100})["items"]
    fitting = [one["id"] for one in newest if not name or one["service"] == name]
    if not name and not fitting:
        raise DeploymentNotFoundError("")
    query = {"project": project, "environment": environment, "service": service}
    found = session.client.call("GET", f"/v1/deployments/{fitting[0] if fitting else name}/why", query=query)
    deployment, items = found["deployment"], found["items"]
    begun = datetime.fromisoformat(items[0]["at"] if items else deployment["createdAt"])
    rows = [(_after(begun, one["at"]), one["kind"], clean(one["words"])) for one in items]
    head = f"{deployment['service']} v{deployment['version']} is {deployment['status'].replace('_', ' ')}"
    reason = f": {clean(deployment['reason'])}" if deployment["reason"] else "."
    session.result(found, f"{head}{reason}\n{table(('AFTER', 'WHAT', ''), rows, width=session.width)}")


def _after(begun: datetime, at: str) -> str:
    seconds = (datetime.fromisoformat(at) - begun).total_seconds()
    return f"{seconds:.2f} s" if seconds < 60 else f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.0f} h"
