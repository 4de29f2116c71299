"""``rw plan``: what would be built and why."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer

from rw_cli.client import Json
from rw_cli.context.session import Session, path_of
from rw_cli.render.plan import plans_text, sizes_text, why_text
from rw_shared.errors import ConflictError, NotFoundError, UsageError

plan_app = typer.Typer(rich_markup_mode=None, add_completion=False)


@plan_app.command()
def plan(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(help="The folder; default: this one.")] = ".",
    dockerfile: Annotated[bool, typer.Option("--dockerfile", help="Print the Dockerfile instead.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write Dockerfile and Dockerfile.dockerignore into the project's folder.")] = False,
    why: Annotated[str, typer.Option("--why", help="One value of the plan: what it is, where it comes from, what lost.")] = "",
    sizes: Annotated[bool, typer.Option("--sizes", help="Where the bytes of the newest build are: the base, and each step.")] = False,
    service: Annotated[list[str] | None, typer.Option("-s", "--service", help="Only this service; may be repeated.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Unknown keys in railway.toml are errors.")] = False,
) -> None:
    """Show the plan; nothing is built: `rw plan`, `rw plan --dockerfile`, `rw plan --why start`, `rw plan --sizes`."""
    session: Session = ctx.obj
    project, _ = path_of(session.place(path))
    root = session.context(path)
    answers = session.plans(session.take(path)["digest"], project=project, services=service or (), strict=strict)
    answer = answers[0]
    if len(answers) > 1 and (dockerfile or write or why):
        names = [one["plan"]["entry"] for one in answers]
        raise UsageError(f"The railway file lists {' and '.join(names)}, each with a plan of its own.", hint=f"Add -s {names[0]}.")
    if sizes:
        found = session.client.call("GET", f"/v1/projects/{project}/environments/{session.environment}/sizes")
        is_current = found["plan"] in {one["digest"] for one in answers}
        session.result({**found, "isCurrent": is_current}, sizes_text(found, is_current=is_current, width=session.width))
    elif why:
        key, origin = origin_of(answer["plan"], why)
        session.result({"key": key, **origin}, why_text(key, origin))
    elif write:
        files = write_recipe(root / answer["plan"]["root"], answer)
        session.result({"written": [str(file) for file in files]}, "\n".join(str(file) for file in files))
    elif dockerfile:
        if answer["dockerignore"]:
            session.say("A plain build copies whatever lies in the folder: `rw plan --write` also writes what it must leave out.")
        session.result({name: answer[name] for name in ("dockerfile", "dockerignore")}, answer["dockerfile"])
    else:
        found = answer["plan"] if len(answers) == 1 else {"items": [one["plan"] for one in answers], "next": None}
        session.result(found, plans_text([one["plan"] for one in answers], width=session.width))


def origin_of(plan: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    """Return a value's key and origin; the language's own name asks for its version. ``NotFoundError`` names the nearest keys."""
    origins: dict[str, Any] = plan.get("origins") or {}
    key = "version" if name == plan.get("buildpack") and name not in origins else name
    if key not in origins:
        lower = {one.lower(): one for one in origins}
        near = [lower[one] for one in get_close_matches(name.lower(), lower, n=3)]
        hint = f"Did you mean `rw plan --why {near[0]}`?" if near else "Run `rw plan` to see all values."
        raise NotFoundError("value in the plan", name, candidates=near or sorted(origins), hint=hint)
    return key, origins[key]


def write_recipe(root: Path, answer: Json) -> list[Path]:
    """Write Dockerfile and Dockerfile.dockerignore; ``ConflictError`` when one of them is there already: nothing is overwritten."""
    if not answer["dockerignore"]:
        raise ConflictError("The project has a Dockerfile of its own.", why="rw builds with it.", hint="`docker build` does the same.")
    files = {root / "Dockerfile": answer["dockerfile"], root / "Dockerfile.dockerignore": answer["dockerignore"]}
    for file in files:
        if file.exists():
            raise ConflictError(f"{file} is there already.", why="rw overwrites no file of yours.", hint=f"Move {file.name} away first.")
    for file, text in files.items():
        file.write_text(text)
    return list(files)
