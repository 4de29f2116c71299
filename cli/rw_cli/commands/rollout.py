"""``rw rollout``: a release that is on its way, and what may be said to it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rw_cli.context.following import again
from rw_cli.context.session import Session
from rw_cli.render.text import clean, table
from rw_shared.errors import CheckFailedError, NoRolloutError, NothingToRetryError, UsageError

rollout_app = typer.Typer(rich_markup_mode=None, add_completion=False)
Service = Annotated[str, typer.Argument(help="Needed when several services are on their way.")]
SHARES = {"deploying": "{share} %", "active": "{share} %, watched"}
VERBS = {"steps": "resume", "paused": "pause", "promoted": "promote"}
TO_A_WATCH_TOO = {"promote", "abort"}
BACK = {"rolled_back", "cancelled"}
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
    _pace(ctx.obj, service, "promoted", "gets every request now.")


@rollout_app.command()
def abort(ctx: typer.Context, service: Service = "") -> None:
    """Take the release back; returns when the old one has every request again: `rw rollout abort web`."""
    session: Session = ctx.obj
    place = session.place()
    found = session.client.call("DELETE", f"{place}/rollouts/{_chosen(session, place, service, 'abort')}")
    session.result(found, f"{found['service']} v{found['version']} is {found['status'].replace('_', ' ')}.")


@rollout_app.command()
def retry(ctx: typer.Context, service: Service = "") -> None:
    """Release once more what was taken back or cancelled, or failed its check; measure again what is held: `rw rollout retry web`."""
    session: Session = ctx.obj
    items = session.client.call("GET", f"{session.place()}/rollouts")["items"]
    if any(service in {"", one["service"]} and not _is_watched(one) for one in items):
        _pace(session, service, "steps", "goes on from {share} %.")
        return
    page = session.client.call("GET", f"{session.place()}/deployments", query={"service": service, "limit": 100})
    newest = {one["service"]: one for one in reversed(page["items"])}
    again_ = [one for one in newest.values() if _is_to_retry(one)]
    if not again_:
        raise NothingToRetryError(service, newest=", ".join(f"{name} v{one['version']}, {one['status']}" for name, one in newest.items()))
    one = _only(again_, "retry")
    again(session, "redeploy", one["id"], one["service"])


def _is_to_retry(deployment: dict[str, Any]) -> bool:
    return deployment["status"] in BACK or (deployment["error"] or {}).get("code") == CheckFailedError.code


def _pace(session: Session, service: str, pace: str, words: str) -> None:
    place = session.place()
    chosen = _chosen(session, place, service, VERBS[pace])
    found = session.client.call("PATCH", f"{place}/rollouts/{chosen}", body={"pace": pace})
    words = "is not watched any more." if found["status"] == "active" else words.format(share=found["share"])
    session.result(found, f"{found['service']} v{found['version']} {words}")


def _chosen(session: Session, place: str, service: str, verb: str) -> str:
    """Return the service that is meant: where none is on its way, one that is watched, of which the daemon knows what may be said."""
    if service:
        return service
    items = session.client.call("GET", f"{place}/rollouts")["items"]
    if verb not in TO_A_WATCH_TOO:
        items = [one for one in items if not _is_watched(one)] or items
    if not items:
        raise NoRolloutError("")
    return str(_only(items, verb)["service"])


def _is_watched(rollout: dict[str, Any]) -> bool:
    return bool(rollout["status"] == "active")


def _only(found: list[dict[str, Any]], verb: str) -> dict[str, Any]:
    names = sorted({one["service"] for one in found})
    if len(names) > 1:
        raise UsageError(f"Several services may be meant: {', '.join(names)}.", hint=f"Name one: `rw rollout {verb} {names[0]}`, say.")
    return found[0]
