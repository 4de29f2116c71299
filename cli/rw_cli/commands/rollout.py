"""``rw rollout``: a release that is on its way, and what may be said to it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rw_cli.context.following import again
from rw_cli.context.session import Session
from rw_cli.render.text import clean, table
from rw_shared.errors import NoRolloutError, UsageError

rollout_app = typer.Typer(rich_markup_mode=None, add_completion=False)
Service = Annotated[str, typer.Argument(help="Needed when several services are on their way.")]
SHARES = {"deploying": "{share} %", "active": "{share} %, watched"}
PACES = {"steps": "", "paused": "paused", "promoted": "to its end at once"}


@rollout_app.callback(invoke_without_command=True)
def rollout(ctx: typer.Context) -> None:
    """Show what is on its way; or pause, resume, promote, abort, retry."""
    if ctx.invoked_subcommand is None:
        status(ctx)


@rollout_app.command()
def status(ctx: typer.Context) -> None:
    """Show every release that is on its way, its share and the last verdict: `rw rollout status`."""
    session: Session = ctx.obj
    page = session.client.call("GET", f"{session.place()}/rollouts")
    heads = ("SERVICE", "RELEASE", "SHARE", "STEPS", "PACE", "VERDICT", "PREVIEW")
    rows = [
        (
            one["service"],
            f"v{one['servingVersion']} → v{one['version']}",
            SHARES.get(one["status"], one["status"]).format(**one),
            " ".join(map(str, one["steps"])),
            PACES[one["pace"]],
            clean(": ".join(word for word in (one["verdict"], one["words"]) if word)),
            one["preview"],
        )
        for one in page["items"]
    ]
    session.result(page, table(heads, rows, width=session.width) if rows else "No rollout is going on.")


@rollout_app.command()
def pause(ctx: typer.Context, service: Service = "") -> None:
    """Keep the share that the release has; one that does badly is taken back all the same: `rw rollout pause web`."""
    _pace(ctx.obj, service, "paused", "stays at {share} % until `rw rollout resume`, `promote` or `abort`.")


@rollout_app.command()
def resume(ctx: typer.Context, service: Service = "") -> None:
    """Let a paused rollout go on by its steps: `rw rollout resume web`."""
    _pace(ctx.obj, service, "steps", "goes on from {share} %.")


@rollout_app.command()
def promote(ctx: typer.Context, service: Service = "") -> None:
    """Give the release every request at once, whatever steps are left, or end its watch: `rw rollout promote web`."""
    _pace(ctx.obj, service, "promoted", "gets every request now.", is_watched_too=True)


@rollout_app.command()
def abort(ctx: typer.Context, service: Service = "") -> None:
    """Take the release back; returns when the old one has every request again: `rw rollout abort web`."""
    session: Session = ctx.obj
    place = session.place()
    found = session.client.call("DELETE", f"{place}/rollouts/{_chosen(session, place, service, is_watched_too=True)}")
    session.result(found, f"{found['service']} v{found['version']} is {found['status'].replace('_', ' ')}.")


@rollout_app.command()
def retry(ctx: typer.Context, service: Service = "") -> None:
    """Release once more what was taken back last; measure again what is held on its way: `rw rollout retry web`."""
    session: Session = ctx.obj
    if any(service in {"", one["service"]} for one in _on_their_way(session, session.place())):
        _pace(session, service, "steps", "goes on from {share} %.")
        return
    page = session.client.call("GET", f"{session.place()}/deployments", query={"service": service, "limit": 100})
    newest = {one["service"]: one for one in reversed(page["items"])}
    back = [one for one in newest.values() if one["status"] == "rolled_back"]
    if not back:
        raise NoRolloutError(service)
    one = _only(back)
    again(session, "redeploy", one["id"], one["service"])


def _pace(session: Session, service: str, pace: str, words: str, *, is_watched_too: bool = False) -> None:
    place = session.place()
    chosen = _chosen(session, place, service, is_watched_too=is_watched_too)
    found = session.client.call("PATCH", f"{place}/rollouts/{chosen}", body={"pace": pace})
    words = "is not watched any more." if found["status"] == "active" else words.format(share=found["share"])
    session.result(found, f"{found['service']} v{found['version']} {words}")


def _chosen(session: Session, place: str, service: str, *, is_watched_too: bool) -> str:
    if service:
        return service
    items = _on_their_way(session, place, is_watched_too=is_watched_too)
    if not items:
        raise NoRolloutError("")
    return str(_only(items)["service"])


def _on_their_way(session: Session, place: str, *, is_watched_too: bool = False) -> list[dict[str, Any]]:
    """Return the rollouts that are going on; one that is watched has every request already."""
    items = session.client.call("GET", f"{place}/rollouts")["items"]
    return [one for one in items if is_watched_too or one["status"] != "active"]


def _only(found: list[dict[str, Any]]) -> dict[str, Any]:
    names = sorted({one["service"] for one in found})
    if len(names) > 1:
        raise UsageError(f"Several services may be meant: {', '.join(names)}.", hint=f"Name one: `rw rollout promote {names[0]}`, say.")
    return found[0]
