"""How a CI system wants its log: groups that fold, errors that stand beside the change, a summary. Pure.

Sources: GitHub's workflow commands, GitLab's custom collapsible sections.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rw_cli.render.progress import Progress
from rw_shared.errors import RwError

Json = dict[str, Any]
GROUPS = {"build": "Build", "pre-deploy": "Pre-deploy", "start": "Release"}
"""Steps that open a group; all services take them together, so the groups never overlap."""


class Forge(Protocol):
    """A CI system."""

    def begin(self, title: str) -> str:
        """Return the line that opens a group."""
        ...

    def end(self, title: str) -> str:
        """Return the line that closes it; empty for none."""
        ...

    def failed(self, error: RwError) -> str:
        """Return the line that shows an error outside the log; empty for none."""
        ...

    def harmless(self, text: str) -> str:
        """Return an app's line so that the system does not take it for a command of its own."""
        ...


class Plain:
    """No CI system that is known."""

    def begin(self, title: str) -> str:
        """Return a heading."""
        return f"— {title}"

    def end(self, title: str) -> str:  # noqa: ARG002 - the Protocol's signature
        """Return nothing."""
        return ""

    def failed(self, error: RwError) -> str:  # noqa: ARG002 - the Protocol's signature
        """Return nothing: the error itself follows."""
        return ""

    def harmless(self, text: str) -> str:
        """Return the text."""
        return text


class GitHub:
    """GitHub Actions."""

    def begin(self, title: str) -> str:
        """Return the command that opens a group."""
        return f"::group::{_data(title)}"

    def end(self, title: str) -> str:  # noqa: ARG002 - the Protocol's signature
        """Return the command that closes it."""
        return "::endgroup::"

    def failed(self, error: RwError) -> str:
        """Return an annotation."""
        text = "\n".join(part for part in (error.message, error.why, error.hint) if part)
        return f"::error title=rw {_property(error.code)}::{_data(text)}"

    def harmless(self, text: str) -> str:
        """Return the text with both forms of a command broken: one counts at the start of a line, the older one anywhere."""
        text = text.replace("##[", "## [")
        return f" {text}" if text.lstrip().startswith("::") else text


class GitLab:
    """GitLab CI. ``now`` gives seconds since 1970, which its sections are stamped with."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now

    def begin(self, title: str) -> str:
        """Return the marker that opens a section."""
        return f"\x1b[0Ksection_start:{self._now():.0f}:{_slug(title)}[collapsed=true]\r\x1b[0K{title}"

    def end(self, title: str) -> str:
        """Return the marker that closes it."""
        return f"\x1b[0Ksection_end:{self._now():.0f}:{_slug(title)}\r\x1b[0K"

    def failed(self, error: RwError) -> str:  # noqa: ARG002 - the Protocol's signature
        """Return nothing: it has no annotations for errors."""
        return ""

    def harmless(self, text: str) -> str:
        """Return the text: its markers need control bytes, which are gone by then."""
        return text


def forge_of(environ: Mapping[str, str]) -> Forge:
    """Return the CI system that a job runs on."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return GitHub()
    return GitLab() if environ.get("GITLAB_CI") == "true" else Plain()


@dataclass
class Grouped:
    """The lines of ``Progress``, in groups. Implements ``View`` of following.py."""

    forge: Forge
    progress: Progress = field(default_factory=Progress)
    _open: str = ""

    def take(self, row: Json) -> list[str]:
        """Return the lines of a row, behind the line that opens its group."""
        lines = [self.forge.harmless(line) for line in self.progress.take(row)]
        title = GROUPS.get(row.get("data", {}).get("step", "")) if row.get("name") == "step.started" else None
        if title is None or title == self._open:
            return lines
        ended, self._open = self._ended(), title
        return [*ended, self.forge.begin(title), *lines]

    def finish(self, error: RwError | None) -> list[str]:
        """Return what comes behind the last line."""
        failed = self.forge.failed(error) if error else ""
        return [*self._ended(), *([failed] if failed else [])]

    def _ended(self) -> list[str]:
        line = self.forge.end(self._open) if self._open else ""
        self._open = ""
        return [line] if line else []


def outputs(result: Json) -> dict[str, str]:
    """Return what later steps of a job may want to know of a deployment, by name: of the service with a URL, else of the first."""
    services = result["services"]
    main = next((one for one in services if one["url"]), services[0] if services else {})
    named = {"url": "url", "deployment": "deployment", "version": "version", "image": "image", "previous_deployment": "previousDeployment"}
    return {
        "status": result["status"],
        "operation": result["operation"],
        "changed": str(any(one["changed"] for one in services)).lower(),
        **{name: str(main.get(key, "")) for name, key in named.items()},
    }


def summary(result: Json, error: RwError | None) -> str:
    """Return a summary in Markdown."""
    head = f"### Deployment {'failed' if error else 'succeeded'}: {result['project']}, {result['environment']}\n"
    rows = [
        f"| {one['name']} | {one['status']} | v{one['version']} | {one['url']} | {'' if one['changed'] else 'unchanged'} |"
        for one in result["services"]
    ]
    table = ["| service | status | version | URL | |", "|---|---|---|---|---|", *rows] if rows else []
    why = (
        ["", f"**{_cell(error.message)}** ({error.code})", "", *_fenced(error.why), f"→ {error.hint}" if error.hint else ""]
        if error
        else []
    )
    return "\n".join([head, *table, *why, "", f"{result['durationMs'] / 1000:.1f} s", ""])


def links(result: Json) -> Json:
    """Return GitLab's report of annotations: a link for each service."""
    found = [{"external_link": {"label": one["name"], "url": one["url"]}} for one in result["services"] if one["url"]]
    return {"deployment": found}


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _slug(title: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in title.lower())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _fenced(text: str) -> list[str]:
    fence = "`" * max(3, *(len(run) + 1 for run in _runs(text)), 3)
    return [fence, text, fence] if text else []


def _runs(text: str) -> list[str]:
    return [run for run in "".join(letter if letter == "`" else " " for letter in text).split() if run]
