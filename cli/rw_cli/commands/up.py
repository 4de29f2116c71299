"""``rw up``: build and run a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from rw_cli.context.following import follow, last_cursor, order
from rw_cli.context.session import Session, path_of
from rw_cli.render.plan import plans_text

up_app = typer.Typer(rich_markup_mode=None, add_completion=False)


@up_app.command()
def up(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(help="The folder; default: this one.")] = ".",
    service: Annotated[list[str] | None, typer.Option("-s", "--service", help="Only this service; may be repeated.")] = None,
    detach: Annotated[bool, typer.Option("-d", "--detach", help="Do not wait.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait; 0 waits until it is settled. Exit 9.", min=0)] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done.")] = False,
    message: Annotated[str, typer.Option("-m", "--message", help="A note for the history.")] = "",
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Build everything anew.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on: each change is deployed, until Ctrl-C.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="With --watch: Ctrl-C leaves running what was not running before.")] = False,
    target: Annotated[str, typer.Option(help="process or docker; remembered for this environment.")] = "",
    wait_monitor: Annotated[bool, typer.Option("--wait-monitor", help="Wait for deploy.rollout.monitorSeconds too.")] = False,
) -> None:
    """Snapshot, build, deploy, prove, switch. Ends when the deployment is settled, with its URL: `rw up`, `rw up shop --watch`."""
    session: Session = ctx.obj
    body = {
        "kind": "up", "services": service or [], "message": message, "noCache": no_cache,
        "target": target or os.environ.get("RW_TARGET", ""),
    }  # fmt: skip
    if watch:
        from rw_cli.context.redeploying import Redeploying  # lazy: only this flag needs it

        raise typer.Exit(Redeploying(session, path, body, keep=keep).run())
    place = session.place(path)
    snapshot = session.take(path)["digest"]
    if dry_run:
        _dry_run(session, place, snapshot, service or ())
        return
    cursor = last_cursor(session.client, place)
    operation = order(session, place, {**body, "snapshot": snapshot})
    if detach:
        session.result({"type": "result", "status": operation["status"], "operation": operation["id"]}, operation["id"])
        return
    outcome = follow(session, place, operation, cursor=cursor, timeout_seconds=timeout, is_watched=wait_monitor)
    raise typer.Exit(outcome.exit_code)


def _dry_run(session: Session, place: str, digest: str, services: Sequence[str]) -> None:
    plans = [one["plan"] for one in session.plans(digest, project=path_of(place)[0], services=services)]
    newest = session.client.call("GET", f"{place}/deployments", query={"limit": 1})["items"]
    is_same = bool(newest) and newest[0]["snapshot"] == digest
    words = "The sources are those of the newest deployment." if is_same else "The sources differ from the newest deployment's."
    session.result({"type": "result", "status": "planned", "plan": plans[0], "plans": plans, "sourceChanged": not is_same},
                   f"{plans_text(plans, width=session.width)}\n{words} Nothing was deployed.")  # fmt: skip
