"""``rw init``: the file that describes a project, a starter application, a CI job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from rw_cli.client import Json
from rw_cli.context.session import FILES, Session
from rw_cli.context.starters import ci_template, names, starter, write
from rw_cli.render.plan import plan_text
from rw_cli.render.starting import railway_toml, services_text
from rw_shared.errors import ConflictError, NoStartCommandError, NothingDetectedError, RwError, SeveralAppsError, UsageError
from rw_shared.models import NAME_PATTERN, slug

init_app = typer.Typer(rich_markup_mode=None, add_completion=False)
CONFIG = Path(FILES[0])


@init_app.command()
def init(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(help="The folder; default: this one.")] = ".",
    name: Annotated[str, typer.Option("--name", help="The project's name; default: the folder's.")] = "",
    template: Annotated[str, typer.Option("--template", help=f"Begin with a starter: {', '.join(names())}.")] = "",
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Do nothing where a railway.toml is.")] = False,
    ci: Annotated[str, typer.Option("--ci", help="Write the job that deploys from CI: github or gitlab.")] = "",
) -> None:
    """Write railway.toml after showing what was detected: `rw init`, `rw init shop --template flask`."""
    session: Session = ctx.obj
    root = Path(path).absolute()
    project = name or slug(root.name)
    _check_name(project)
    made: dict[Path, bytes] = ci_template(ci) if ci else {}
    has_config = any((root / one).exists() for one in FILES)
    if template:
        found = starter(template)
        rest = found.pop(CONFIG, b"").decode()
        made |= {CONFIG: railway_toml(project, None, rest=rest).encode(), **found}
    elif not has_config:
        plan, apps = _detected(session, root)
        made[CONFIG] = railway_toml(project, plan, rest=services_text(apps)).encode()
    elif not ci and not if_missing:
        raise ConflictError(
            f"{root} has a railway file already.", why="rw overwrites no file of yours.", hint="`rw config show` tells what it says."
        )
    root.mkdir(parents=True, exist_ok=True)
    files = [str(one) for one in write(root, made)]
    next_ = f"Next: {'cd ' + path + ' && ' if path != '.' else ''}rw up"
    session.result({"project": project, "files": files}, "\n".join([*files, next_]) if files else "Nothing to do.")


def _check_name(name: str) -> None:
    import re  # lazy: only where a name is given

    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"{name!r} cannot be a project's name.", hint="Use up to 40 lower-case letters, digits and dashes.")


def _detected(session: Session, root: Path) -> tuple[Json | None, Sequence[str]]:
    """Show what is detected and return the plan, ``None`` where there is nothing yet; and the folders of apps of which each is one."""
    if not root.is_dir() or not any(root.iterdir()):
        return None, ()
    try:
        taken = session.client.call("POST", "/v1/snapshots", body={"path": str(root), "environ": session.environ})
        [answer] = session.plans(taken["digest"])
    except RwError as error:
        if error.code not in {NothingDetectedError.code, NoStartCommandError.code, SeveralAppsError.code}:
            raise
        session.say(f"{error.message} {error.why}")
        if error.code != SeveralAppsError.code:
            return None, ()
        session.say(f"{' and '.join(error.candidates)} become services of this project: `rw up` deploys them all.")
        return None, error.candidates
    plan: Json = answer["plan"]
    session.say(plan_text(plan))
    return plan, ()
