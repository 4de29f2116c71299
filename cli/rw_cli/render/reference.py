"""The reference of all commands, as Markdown and as a man page, from the commands themselves. Pure.

cli/README.md and rw_cli/rw.1 are made with it; tests/cli/test_reference.py compares them with the commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

EXAMPLE = re.compile(r"`(rw [^`]+)`")
GLOBAL = (
    ("--json", "One object, or one object a line for streams; errors as well."),
    ("--project NAME", "Instead of the nearest railway file's project."),
    ("--environment NAME", "Instead of `production`."),
    ("--no-input", "Never ask: a missing answer is exit 4."),
    ("-v, --verbose", "Say what was chosen and why."),
)
CODES = (
    (0, "done"), (1, "unexpected fault of rw"), (2, "usage"), (3, "deployment failed, crashed or never healthy"),
    (4, "an answer is needed and nobody can be asked"), (5, "not found"), (6, "not allowed"), (7, "conflict"),
    (8, "daemon or engine cannot be reached"), (9, "waiting timed out; the work goes on"), (10, "configuration is invalid"),
    (130, "interrupted"),
)  # fmt: skip


@dataclass(frozen=True)
class Page:
    """One command: its usage, words, arguments and flags, each with its help."""

    name: str
    usage: str
    text: str
    rows: tuple[tuple[str, str], ...]

    @property
    def examples(self) -> list[str]:
        """The examples in the text; the bare command where it has none."""
        return EXAMPLE.findall(self.text)


def pages(root: Any) -> list[Page]:
    """Return a page for each command and subcommand, in the help's order. ``root``: the command's tree."""
    return list(_pages(root, "rw"))


def _pages(command: Any, name: str) -> Iterator[Page]:
    for one in command.list_commands(None):
        found = command.get_command(None, one)
        if found.hidden:
            continue
        if hasattr(found, "list_commands"):
            yield from _pages(found, f"{name} {one}")
        else:
            yield _page(found, f"{name} {one}")


def _page(command: Any, name: str) -> Page:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    flags = [one for one in command.params if one.param_type_name == "option" and not one.hidden and "--help" not in one.opts]
    words = " ".join(_argument(one) for one in arguments)
    rows = [(_argument(one), one.help or "") for one in arguments] + [(_flag(one), one.help or "") for one in flags]
    usage = " ".join(part for part in (name, "[OPTIONS]" if flags else "", words) if part)
    return Page(name, usage, " ".join((command.help or "").split()), tuple(rows))


def _argument(one: Any) -> str:
    name = one.metavar or one.name.upper()
    name = name if one.nargs != -1 or "…" in name else f"{name}…"
    return name if one.required else f"[{name}]"


def _flag(one: Any) -> str:
    names = ", ".join(sorted(one.opts, key=len))
    return names if one.is_flag else f"{names} {one.type.name.upper()}"


def markdown(found: list[Page]) -> str:
    """Return the reference as Markdown."""
    lines = ["# The rw command", "", "Made from the commands: `RW_PIN=1 pytest tests/cli/test_reference.py` writes it anew.", ""]
    lines += ["Everywhere:", "", "| flag | means |", "|---|---|", *(f"| `{flag}` | {_cell(text)} |" for flag, text in GLOBAL), ""]
    for page in found:
        lines += [f"## {page.name}", "", page.text, "", "```text", page.usage, "```", ""]
        if page.rows:
            lines += ["| | |", "|---|---|", *(f"| `{_cell(name)}` | {_cell(text)} |" for name, text in page.rows), ""]
    lines += ["## Exit codes", "", "| code | meaning |", "|---|---|", *(f"| {code} | {text} |" for code, text in CODES), ""]
    return "\n".join(lines)


def manual(found: list[Page], *, version: str) -> str:
    """Return the man page rw(1). Source: man(7)."""
    lines = [f'.TH RW 1 "" "rw {version}" "User commands"', ".SH NAME", "rw \\- turn a folder into running services", ".SH SYNOPSIS"]
    lines += [".B rw", r"\fICOMMAND\fR [\fIOPTIONS\fR]", ".SH OPTIONS EVERYWHERE"]
    for flag, text in GLOBAL:
        lines += [".TP", f".B {_roff(flag)}", _roff(text)]
    lines.append(".SH COMMANDS")
    for page in found:
        lines += [f".SS {_roff(page.usage)}", _roff(page.text)]
        for name, text in page.rows:
            lines += [".TP", f".B {_roff(name)}", _roff(text) or r"\&"]
        lines += [".PP", "Example:", ".PP", ".RS", *(f".B {_roff(one)}" for one in page.examples), ".RE"]
    lines.append(".SH EXIT STATUS")
    for code, text in CODES:
        lines += [".TP", f".B {code}", _roff(text)]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
