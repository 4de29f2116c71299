"""``rw deploy``: ``rw up`` for CI."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from rw_cli.context.following import follow, last_cursor, new_key, order
from rw_cli.context.outcomes import Outcome, refused
from rw_cli.context.session import FILES, Session
from rw_cli.render.ci import Grouped, forge_of, links, outputs, summary
from rw_shared.errors import RwError, UsageError

deploy_app = typer.Typer(rich_markup_mode=None, add_completion=False)
COMMIT_VARIABLES = ("RW_GIT_SHA", "GITHUB_SHA", "CI_COMMIT_SHA")


@deploy_app.command()
def deploy(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(help="The folder; default: this one.")] = ".",
    service: Annotated[list[str] | None, typer.Option("-s", "--service", help="Only this service; may be repeated.")] = None,
    image: Annotated[str, typer.Option(help="Run this image instead of building the folder.")] = "",
    target: Annotated[str, typer.Option(help="process or docker; remembered for this environment.")] = "",
    git_sha: Annotated[str, typer.Option("--git-sha", help="The commit; default: the one that the CI system names.")] = "",
    idempotency_key: Annotated[str, typer.Option("--idempotency-key", help="The same key again is the same deployment.")] = "",
    timeout: Annotated[float, typer.Option(help="Seconds to wait; 0 waits until it is settled. Exit 9.", min=0)] = 0,
    wait_monitor: Annotated[
        bool, typer.Option("--wait-monitor/--no-wait-monitor", help="Wait for deploy.rollout.monitorSeconds too; a rollback is exit 3.")
    ] = True,
    message: Annotated[str, typer.Option("-m", "--message", help="A note for the history.")] = "",
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Build everything anew.")] = False,
    github_output: Annotated[bool, typer.Option("--github-output", help="Write outputs and summary for GitHub Actions.")] = False,
    dotenv: Annotated[str, typer.Option(help="Write a dotenv report for GitLab to this file: RW_DEPLOY_URL=…")] = "",
    annotate: Annotated[str, typer.Option("--annotations", help="Write a report of annotations for GitLab to this file.")] = "",
) -> None:
    """Deploy from CI: never asks, and exits with the state that is stored, whatever becomes of the log: `rw deploy --github-output`."""
    session: Session = ctx.obj
    session.no_input = True
    reports = _reports(os.environ, github_output=github_output, dotenv=dotenv, annotate=annotate)
    forge = forge_of(os.environ)
    body = {
        "kind": "up", "services": service or [], "message": message, "noCache": no_cache, "image": image,
        "commit": git_sha or next((value for name in COMMIT_VARIABLES if (value := os.environ.get(name))), ""),
        "target": target or os.environ.get("RW_TARGET", ""), "idempotencyKey": idempotency_key or new_key(),
    }  # fmt: skip
    try:
        place = session.place(path)
        snapshot = session.take(path, only=FILES if image else ())["digest"]
        cursor = last_cursor(session.client, place)
        operation = order(session, place, {**body, "snapshot": snapshot})
    except RwError as error:  # nothing was begun: a plan that cannot be made, a target that does not answer
        if note := forge.failed(error):
            session.mark(note)
        _write(session, reports, refused(error, project=session.project, environment=session.environment))
        raise
    outcome = follow(session, place, operation, cursor=cursor, timeout_seconds=timeout, view=Grouped(forge), is_watched=wait_monitor)
    _write(session, reports, outcome)
    raise typer.Exit(outcome.exit_code)


def _reports(environ: Mapping[str, str], *, github_output: bool, dotenv: str, annotate: str) -> dict[str, str]:
    """Return the files to write, by report. ``UsageError``: GitHub's are wanted and this is not GitHub."""
    wanted = {"dotenv": dotenv, "annotations": annotate}
    if github_output:
        if not environ.get("GITHUB_OUTPUT"):
            raise UsageError("--github-output needs GITHUB_OUTPUT, which GitHub Actions sets.", hint="Leave the flag out elsewhere.")
        wanted |= {"output": environ["GITHUB_OUTPUT"], "summary": environ.get("GITHUB_STEP_SUMMARY", "")}
    return {name: file for name, file in wanted.items() if file}


def _write(session: Session, reports: Mapping[str, str], outcome: Outcome) -> None:
    """Append each report to its file. One that cannot be written is told and changes nothing: the exit status is the deployment's."""
    for name, file in reports.items():
        try:
            with Path(file).open("a") as stream:
                stream.write(_REPORTS[name](outcome))
        except OSError as error:
            session.say(f"{file} cannot be written: {error.strerror}")


def _lines(values: Mapping[str, str], prefix: str = "") -> str:
    return "".join(f"{prefix}{name}={value}\n" for name, value in values.items())


_REPORTS: dict[str, Callable[[Outcome], str]] = {
    "output": lambda outcome: _lines(outputs(outcome.result)),
    "summary": lambda outcome: summary(outcome.result, outcome.error),
    "dotenv": lambda outcome: _lines({name.upper(): value for name, value in outputs(outcome.result).items()}, "RW_DEPLOY_"),
    "annotations": lambda outcome: json.dumps(links(outcome.result)) + "\n",
}
