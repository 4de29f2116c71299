"""``rw deployments``: attempts so far, and going back to one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rw_cli.context.following import again
from rw_cli.context.monitoring import OVER
from rw_cli.context.session import Session, path_of
from rw_cli.render.text import clean, table
from rw_shared.errors import RwError, UsageError

deployments_app = typer.Typer(rich_markup_mode=None, add_completion=False)
PACES = {"steps": "by its steps", "paused": "paused", "promoted": "to its end at once"}
Service = Annotated[str, typer.Option("-s", "--service", help="The service that vN belongs to.")]


@deployments_app.callback(invoke_without_command=True)
def deployments(ctx: typer.Context) -> None:
    """List deployments; or show, cancel, redeploy, rollback."""
    if ctx.invoked_subcommand is None:
        _list(ctx.obj, service="", limit=20)


@deployments_app.command("list")
def list_deployments(
    ctx: typer.Context, service: Service = "", limit: Annotated[int, typer.Option("-n", help="How many.", min=1, max=500)] = 20
) -> None:
    """List deployments, newest first: `rw deployments list -s web -n 5`."""
    _list(ctx.obj, service=service, limit=limit)


def _list(session: Session, *, service: str, limit: int) -> None:
    page = session.client.call("GET", f"{session.place()}/deployments", query={"service": service, "limit": limit})
    rows = [
        (one["id"], one["service"], f"v{one['version']}", one["status"], one["createdAt"][:19], one["message"]) for one in page["items"]
    ]
    heads = ("ID", "SERVICE", "VERSION", "STATUS", "CREATED (UTC)", "MESSAGE")
    session.result(page, table(heads, rows, width=session.width) if rows else "No deployments yet.")


@deployments_app.command()
def show(ctx: typer.Context, name: str, service: Service = "") -> None:
    """Show one deployment: its steps, its share, where it answers alone, and how the judge found it: `rw deployments show v3`."""
    session: Session = ctx.obj
    found = _read(session, session.place(), name, service)
    rows = [(one["name"], one["status"], one["detail"]) for one in found["steps"]]
    events = session.client.call("GET", "/v1/events", query={"deployment": found["id"], "limit": 1000})["items"]
    said = [one["data"] for one in events if one["name"] == "rollout.judged"]
    verdicts = [{**{name: one[name] for name in ("share", "verdict", "words")}, "metrics": one.get("metrics", [])} for one in said]
    judged = [(f"{one['share']} %", one["verdict"], one["words"]) for one in verdicts]
    watch = next(({name: one["data"][name] for name in ("outcome", "words")} for one in events if one["name"] == OVER), None)
    rollout = _rollout(session, found)
    blocks = (f"{found['service']} v{found['version']} {found['status']} {found['id']}", clean(found["reason"]), _stands(rollout),
              table(("STEP", "STATUS", "DETAIL"), rows, width=session.width),
              table(("SHARE", "VERDICT", "FIGURES"), judged, width=session.width) if judged else "",
              clean(f"watch {watch['outcome']}: {watch['words']}") if watch else "")  # fmt: skip
    session.result(
        {**found, "preview": rollout.get("preview", ""), "verdicts": verdicts, "watch": watch},
        "\n".join(block for block in blocks if block),
    )


def _rollout(session: Session, deployment: dict[str, Any]) -> dict[str, Any]:
    """Return how a release stands that is on its way, or watched; empty for any other."""
    if deployment["status"] not in {"deploying", "active"}:
        return {}
    place = f"/v1/projects/{deployment['project']}/environments/{deployment['environment']}"
    items = session.client.call("GET", f"{place}/rollouts")["items"]
    return next((one for one in items if one["deployment"] == deployment["id"]), {})


def _stands(rollout: dict[str, Any]) -> str:
    """Return what share a release has, how it goes on, and where it answers alone."""
    if not rollout:
        return ""
    pace = "watched" if rollout["status"] == "active" else PACES[rollout["pace"]]
    preview = f", alone at {rollout['preview']}" if rollout["preview"] else ""
    return f"{rollout['share']} % of the requests, {pace}{preview}"


def _read(session: Session, place: str, name: str, service: str) -> dict[str, Any]:
    project, environment = path_of(place)
    query = {"project": project, "environment": environment, "service": service}
    return session.client.call("GET", f"/v1/deployments/{name}", query=query)


@deployments_app.command()
def cancel(ctx: typer.Context, name: str, service: Service = "") -> None:
    """Cancel what is still going on: a deployment's operation, or an operation by its id: `rw deployments cancel v4`."""
    session: Session = ctx.obj
    try:
        operation = _read(session, session.place(), name, service)["operation"]
    except RwError as error:
        if error.exit_code != 5:
            raise
        operation = name
    session.result(session.client.call("POST", f"/v1/operations/{operation}/cancel"), "Cancelled.")


@deployments_app.command()
def redeploy(ctx: typer.Context, name: Annotated[str, typer.Argument()] = "", service: Service = "") -> None:
    """Deploy a release again; default: the serving one: `rw deployments redeploy v3`."""
    again(ctx.obj, "redeploy", name, service)


@deployments_app.command()
def rollback(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="vN or an id.")] = "",
    previous: Annotated[bool, typer.Option("--previous", help="The one before the serving one.")] = False,
    service: Service = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
) -> None:
    """Go back to a release: its artifact and its variables: `rw deployments rollback --previous`."""
    if name and previous:
        raise UsageError("Both a version and --previous were given.", hint="Type `rw deployments rollback vN`, or --previous alone.")
    if dry_run:
        _preview(ctx.obj, name, service)
    else:
        again(ctx.obj, "rollback", name, service)


def _preview(session: Session, name: str, service: str) -> None:
    place = session.place()
    services = [service] if service else [one["name"] for one in session.client.call("GET", place)["services"]]
    found = [session.client.call("GET", f"{place}/services/{one}/rollback", query={"to": name}) for one in services]
    session.result({"items": found, "next": None}, "\n\n".join(map(_way_back, found)))


def _way_back(found: dict[str, Any]) -> str:
    how = "still runs: one change at the edge" if found["isWarm"] else f"is started from its kept artifact, {found['replicas']} times"
    artifact = (found["artifact"] or {}).get("reference", "")
    lines = [
        f"{found['service']}: v{found['servingVersion']} → v{found['version']}, which {how}.",
        *([f"  artifact: {artifact}"] if artifact else []),
        *(f"  {one['kind']}: {clean(one['words'])}" for one in found["changes"]),
        *(f"  not undone: {clean(one)}" for one in found["notUndone"]),
    ]
    return "\n".join(lines)
