"""``rw config``: what the railway file says, checked and explained. Reads files only; no daemon is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rw_cli.client import Json
from rw_cli.context.session import FILES, Session, root_of
from rw_cli.render.text import table
from rw_shared.errors import ConfigInvalidError, NotFoundError

if TYPE_CHECKING:
    from rw_shared.config import ServiceConfig
    from rw_shared.railway_toml import ProjectConfig

config_app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
Where = Annotated[str, typer.Argument(help="The folder; default: this one.")]
# what holds where the file says nothing; daemon/rw_daemon/settings.py has the reasons
DEFAULTS = {
    "deploy.healthcheckTimeout": 60, "deploy.restartPolicyType": "ON_FAILURE", "deploy.restartPolicyMaxRetries": 10,
    "deploy.numReplicas": 1, "deploy.overlapSeconds": 60, "deploy.drainingSeconds": 30,
    "deploy.queue": "newest", "deploy.rollout.strategy": "replace",
}  # fmt: skip
MASK = "*****"


@config_app.command()
def validate(
    ctx: typer.Context, path: Where = ".", strict: Annotated[bool, typer.Option("--strict", help="Unknown keys are errors.")] = False
) -> None:
    """Check the railway file: `rw config validate --strict`. Exits 10 when it cannot be used."""
    session: Session = ctx.obj
    try:
        file, found = _read(session, path, strict=strict)
    except ConfigInvalidError as error:
        session.fail(error, diagnostics=[_diagnostic(error)])
        raise typer.Exit(error.exit_code) from None
    rows = [one.wire() for one in found.diagnostics]
    lines = [f"{one['path']}:{one['line']}: {one['severity']}: {one['message']} {one['fix']}".rstrip() for one in rows]
    session.result({"file": str(file), "diagnostics": rows}, "\n".join([*lines, f"{file} can be used."]))


@config_app.command()
def show(ctx: typer.Context, path: Where = ".", reveal: Annotated[bool, typer.Option("--reveal", help="Show variables.")] = False) -> None:
    """Show what holds in this environment: `rw config show --environment staging`."""
    session: Session = ctx.obj
    values = {key: value for key, value, _ in _effective(session, path, reveal=reveal)}
    session.result(
        {"environment": session.environment, "values": values}, "\n".join(f"{key} = {_shown(value)}" for key, value in values.items())
    )


@config_app.command()
def explain(ctx: typer.Context, path: Where = ".") -> None:
    """Show each value that holds and where it comes from: file and line, or default: `rw config explain --environment staging`."""
    session: Session = ctx.obj
    rows = _effective(session, path, reveal=False)
    items = [{"key": key, "value": value, "origin": origin} for key, value, origin in rows]
    text = table(("KEY", "VALUE", "FROM"), [(key, _shown(value), origin) for key, value, origin in rows], width=session.width)
    session.result({"environment": session.environment, "items": items, "next": None}, text)


@config_app.command()
def schema(ctx: typer.Context) -> None:
    """Print the JSON Schema of railway.toml, for editors: `rw config schema > railway.schema.json`."""
    import json  # lazy, as is the schema

    from rw_shared.railway_schema import json_schema

    session: Session = ctx.obj
    found = json_schema()
    session.result(found, json.dumps(found, indent=2))


def _read(session: Session, path: str, *, strict: bool = False) -> tuple[Path, ProjectConfig]:
    """Return the nearest railway file and what it says. ``ConfigInvalidError``; ``NotFoundError`` when there is none."""
    from rw_shared.railway_toml import parse  # lazy: pydantic takes 60 ms

    root, _ = root_of(Path(path).absolute())
    file = next((root / name for name in FILES if (root / name).is_file()), None)
    if file is None:
        raise NotFoundError("railway file", str(root), hint="Run `rw init` to write one.")
    return file, parse(file.read_text(), filename=file.name, environment=session.environment, strict=strict)


def _effective(session: Session, path: str, *, reveal: bool) -> list[tuple[str, Any, str]]:
    """Return key, value and origin of everything that holds, the file's first."""
    _, found = _read(session, path)
    rows = [("project.name", found.name, "the file")] if found.name else []
    for name in found.services or [""]:
        rows += _of_service(found.service(name), f"services.{name}." if name else "", reveal=reveal)
    return rows


def _of_service(service: ServiceConfig, prefix: str, *, reveal: bool) -> list[tuple[str, Any, str]]:
    values = {"source": service.source, **_flat("build", service.build.wire()), **_flat("deploy", service.deploy.wire())}
    said = {key: value for key, value in values.items() if key in service.origins}
    rows = [(key, value, service.origins[key]) for key, value in said.items()]
    rows += [(f"variables.{name}", value if reveal else MASK, "the file") for name, value in service.variables.items()]
    rows += ((key, value, "default") for key, value in DEFAULTS.items() if key not in said)
    return [(f"{prefix}{key}", value, origin) for key, value, origin in rows]


def _flat(prefix: str, table: Json) -> Json:
    """Return the values of a table and of those in it, by dotted key."""
    found: Json = {}
    for name, value in table.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            value = {str(place): one for place, one in enumerate(value)}
        found |= _flat(f"{prefix}.{name}", value) if isinstance(value, dict) else {f"{prefix}.{name}": value}
    return found


def _diagnostic(error: ConfigInvalidError) -> Json:
    place, _, line = str(error.details.get("where", "")).rpartition(":")
    return {
        "path": place or line, "line": int(line) if place and line.isdigit() else 1, "severity": "error", "code": error.code,
        "message": error.message, "fix": error.hint,
    }  # fmt: skip


def _shown(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    return " && ".join(value) if all(isinstance(one, str) for one in value) else ", ".join(map(str, value))
