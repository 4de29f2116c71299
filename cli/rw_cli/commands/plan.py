"""``rw plan``: what would be built and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rw_cli.context.session import Session, path_of, root_of
from rw_cli.render.plan import plan_text

plan_app = typer.Typer(rich_markup_mode=None, add_completion=False)


@plan_app.command()
def plan(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(help="The folder; default: this one.")] = ".",
    dockerfile: Annotated[bool, typer.Option("--dockerfile", help="Print the Dockerfile instead.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Unknown keys in railway.toml are errors.")] = False,
) -> None:
    """Show the plan; nothing is built."""
    session: Session = ctx.obj
    project, environment = path_of(session.place(path))
    body = {"path": str(root_of(Path(path).absolute())[0]), "environ": session.environ}
    digest = session.client.call("POST", "/v1/snapshots", body=body)["digest"]
    answer = session.client.call("POST", "/v1/plans", body={
        "snapshot": digest, "project": project, "environment": environment, "strict": strict, "environ": session.environ,
    })  # fmt: skip
    value = {"dockerfile": answer["dockerfile"]} if dockerfile else answer["plan"]
    session.result(value, answer["dockerfile"] if dockerfile else plan_text(answer["plan"]))
