"""``rw completion``: commands, flags and live names at the press of Tab."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from rw_cli.context.session import Session
from rw_shared.errors import UsageError

completion_app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
Shell = Annotated[str, typer.Argument(help="bash, zsh or fish; default: the one that runs.")]
SCRIPTS = {
    "bash": """_rw() {
    local IFS=$'\\n'
    COMPREPLY=($(rw completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _rw rw
""",
    "zsh": """#compdef rw
_rw() {
    local -a found
    found=("${(@f)$(rw completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    (( ${#found[1]} )) && compadd -a found || _files
}
compdef _rw rw
""",
    "fish": """complete -c rw -f -a '(set -l typed (commandline -opc) (commandline -ct); rw completion words -- $typed[2..-1] 2>/dev/null)'
""",
}
PLACES = {
    "bash": Path(".local/share/bash-completion/completions/rw"),
    "zsh": Path(".local/share/zsh/site-functions/_rw"),
    "fish": Path(".config/fish/completions/rw.fish"),
}
AFTERWARDS = {"zsh": "Add to ~/.zshrc, before compinit: fpath=(~/.local/share/zsh/site-functions $fpath)"}


@completion_app.command()
def install(ctx: typer.Context, shell: Shell = "") -> None:
    """Write the script where the shell looks for it: `rw completion install zsh`."""
    session: Session = ctx.obj
    name = _known(shell)
    file = Path(os.environ.get("HOME", "~")).expanduser() / PLACES[name]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SCRIPTS[name])
    more = AFTERWARDS.get(name, "Open a new shell to use it.")
    session.result({"shell": name, "file": str(file)}, f"{file}\n{more}")


@completion_app.command()
def show(ctx: typer.Context, shell: Shell = "") -> None:
    """Print the script: `rw completion show bash`, or `source <(rw completion show bash)`."""
    session: Session = ctx.obj
    name = _known(shell)
    session.result({"shell": name, "script": SCRIPTS[name]}, SCRIPTS[name])


@completion_app.command(hidden=True)
def words(ctx: typer.Context, typed: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Print what may stand for the last word; the scripts call it."""
    from rw_cli.context.words import words as fitting  # lazy: it looks into other commands

    session: Session = ctx.obj
    found = fitting(session, ctx.find_root().command, typed or [""])
    session.result({"items": found, "next": None}, "\n".join(found))


def _known(shell: str) -> str:
    name = shell or Path(os.environ.get("SHELL", "")).name
    if name not in SCRIPTS:
        known = list(SCRIPTS)
        raise UsageError(f"{name or 'This shell'} has no completion here.", hint=f"Name one of: {', '.join(known)}.", candidates=known)
    return name
