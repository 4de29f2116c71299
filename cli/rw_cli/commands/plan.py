"""``rw plan``: what would be built and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rw_cli.client import Json
from rw_cli.context.session import Session, path_of, root_of
from rw_cli.render.plan import plan_text
from rw_shared.errors import ConflictError

plan_app = typer.Typer(rich_markup_mode=None, add_completion=False)


@plan_app.command()
def plan(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(help="The folder; default: this one.")] = ".",
    dockerfile: Annotated[bool, typer.Option("--dockerfile", help="Print the Dockerfile instead.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write Dockerfile and Dockerfile.dockerignore into the project's folder.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Unknown keys in railway.toml are errors.")] = False,
) -> None:
    """Show the plan; nothing is built: `rw plan`, `rw plan --dockerfile`."""
    session: Session = ctx.obj
    project, _ = path_of(session.place(path))
    root = root_of(Path(path).absolute())[0]
    answer = session.plan(session.take(path)["digest"], project=project, strict=strict)
    if write:
        files = write_recipe(root, answer)
        session.result({"written": [str(file) for file in files]}, "\n".join(str(file) for file in files))
    elif dockerfile:
        if answer["dockerignore"]:
            session.say("A plain build copies whatever lies in the folder: `rw plan --write` also writes what it must leave out.")
        session.result({name: answer[name] for name in ("dockerfile", "dockerignore")}, answer["dockerfile"])
    else:
        session.result(answer["plan"], plan_text(answer["plan"], width=session.width))


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
