"""``rw prove``: whether a service loses a request when things happen to it."""

from __future__ import annotations

from typing import Annotated

import typer

from rw_cli.context.session import Session
from rw_cli.render.proof import proof
from rw_shared.errors import NotProvenError, UsageError

prove_app = typer.Typer(rich_markup_mode=None, add_completion=False)
PHASES = ("redeploy", "replica", "daemon", "rollback")


@prove_app.command()
def prove(
    ctx: typer.Context,
    service: Annotated[str, typer.Argument(help="Default: the only one.")] = "",
    rate: Annotated[float, typer.Option("--rate", help="Requests a second.", min=1, max=1000)] = 50,
    seconds: Annotated[float, typer.Option("--seconds", help="How long the load may last.", min=10, max=600)] = 60,
    path: Annotated[str, typer.Option("--path", help="What is asked for.")] = "/",
    skip: Annotated[list[str] | None, typer.Option("--skip", help=f"Leave out: {', '.join(PHASES)}. May be repeated.")] = None,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
) -> None:
    """Under load, redeploy, kill a replica and the daemon, roll back; exit 3 when requests were lost: `rw prove web --yes`."""
    session: Session = ctx.obj
    wrong = [one for one in skip or () if one not in PHASES]
    if wrong or not path.startswith("/"):
        word = f"--skip {wrong[0]}" if wrong else f"--path {path}"
        raise UsageError(f"{word} is not known.", hint=f"--skip takes {', '.join(PHASES)}; a path begins with `/`.")
    from rw_cli.context.proving import Proof  # lazy: the load and its clock are for this command alone

    prover = Proof(session, service, rate=rate, seconds=seconds, path=path, skipped=frozenset(skip or ()))
    question = f"Put load on {prover.service} of {session.environment} and kill a replica and the daemon meanwhile?"
    if not yes and not session.confirm(question, flag="--yes"):
        session.say("Nothing was done.")
        return
    found = prover.run()
    unfinished = [one["name"] for one in found["phases"] if one["status"] not in {"done", "skipped"}]
    error = NotProvenError(prover.service, lost=found["failed"], requests=found["requests"], unfinished=unfinished)
    said = {} if found["proven"] else {"error": error.to_wire()}
    session.result({**found, **said}, proof(found, width=session.width))
    if said:
        if not session.is_json:
            session.fail(error)
        raise typer.Exit(error.exit_code)
