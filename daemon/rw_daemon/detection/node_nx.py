"""Projects of Nx: what their targets build, and what starts it. Pure.

Source: nx.dev, "Project Configuration"; the fields are those of project.json and of ``nx`` in package.json.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rw_daemon.detection.package_json import Package

NAME, PROJECT = "nx.json", "project.json"
SERVERS = ("@nx/js:node", "@nrwl/js:node", "@nrwl/node:node", "@nrwl/node:execute", "@nx/node:node")
PAGES = re.compile(
    r".*(?:vite:build|web:(?:webpack|build)|react:webpack|(?:angular|build-angular):(?:application|browser|webpack-browser)"
    r"|build:application)"
)
COMMANDS = ("nx:run-commands", "@nrwl/workspace:run-commands", "@nx/workspace:run-commands")


def is_used(root: Package) -> bool:
    """Return whether the tree is Nx's."""
    return root.source.has(NAME)


def default(root: Package) -> str:
    """Return the project that commands without a name mean; empty for none."""
    said = root.source.jsonc(NAME).get("defaultProject")
    return said if isinstance(said, str) else ""


@dataclass(frozen=True)
class Project:
    """One project; ``package`` may be a folder without package.json."""

    package: Package

    @cached_property
    def data(self) -> dict[str, Any]:
        """What project.json says, else ``nx`` in package.json."""
        path = self.package.at(PROJECT)
        return self.package.source.jsonc(path) if self.package.source.has(path) else _table(self.package.data.get("nx"))

    @property
    def name(self) -> str:
        """How commands call it."""
        said = self.data.get("name")
        return said if isinstance(said, str) and said else self.package.text("name") or posixpath.basename(self.package.folder)

    def target(self, name: str) -> dict[str, Any]:
        """Return a target; empty when the files name none, which plugins may still add."""
        return _table(_table(self.data.get("targets")).get(name))

    def options(self, name: str) -> dict[str, Any]:
        """Return the options of a target, those for production before the others."""
        target = self.target(name)
        return _table(target.get("options")) | _table(_table(target.get("configurations")).get("production"))

    def run(self, target: str) -> str:
        """Return the command that runs a target, for production where it tells that apart; without a process that stays behind."""
        production = ":production" if "production" in _table(self.target(target).get("configurations")) else ""
        return f"NX_DAEMON=false nx run {self.name}:{target}{production}"

    @property
    def is_library(self) -> bool:
        """It is there for other projects."""
        return self.data.get("projectType") == "library"

    @property
    def builds(self) -> bool:
        """It has something to build: a target, or a script that Nx takes for one."""
        return bool(self.target("build")) or "build" in self.package.scripts

    @property
    def output(self) -> str:
        """The folder that its build writes, from the top; empty when that is not said."""
        said = self.options("build").get("outputPath")
        said = said if isinstance(said, str) else _table(said).get("base", "")
        outputs = self.target("build").get("outputs")
        first = outputs[0] if isinstance(outputs, list) and outputs and isinstance(outputs[0], str) else ""
        path = said or ("" if "{options." in first else first)
        path = path.replace("{workspaceRoot}/", "").replace("{projectRoot}", self.package.folder).replace("{projectName}", self.name)
        path = posixpath.normpath(path) if path else ""
        return "" if path.startswith(("/", "..")) or "{" in path else path

    @property
    def pages(self) -> str:
        """The folder of pages that it builds for browsers; empty for a server."""
        executor = self._executor("build")
        is_server = self._executor("serve").startswith(SERVERS) or self.options("build").get("target") == "node"
        if self.is_library or is_server or not PAGES.fullmatch(executor):
            return ""
        return posixpath.join(self.output, "browser") if executor.endswith(":application") and self.output else self.output

    @property
    def start(self) -> str:
        """The command that starts what was built, from the top; empty when nothing says it."""
        if self.target("start"):
            return self._command("start") or self.run("start")
        if self.is_library or not self.target("build") or not self.output or self.pages:
            return ""
        if (served := self._command("serve")).startswith("node ") and self.output in served:  # of what was built: no server for developing
            return served
        if self._executor("build").endswith("next:build"):
            return f"sh -c 'cd {self.output} && exec next start -H $HOST -p $PORT'"
        if self._executor("build") in COMMANDS or self.options("build").get("main"):
            main = self.options("build").get("main") or "index.js"
            stem = posixpath.splitext(posixpath.basename(str(main)))[0]
            return f"node {posixpath.join(self.output, self._file(stem))}"
        return ""

    def _file(self, stem: str) -> str:
        said = self.options("build").get("outputFileName")
        return said if isinstance(said, str) and said else f"{stem}.js"

    def _executor(self, target: str) -> str:
        said = self.target(target).get("executor")
        return said if isinstance(said, str) else ""

    def _command(self, target: str) -> str:
        """Return the one command of a target that only runs one: without Nx in front of it SIGTERM arrives."""
        options = self.options(target)
        said = options.get("commands")
        listed = said if isinstance(said, list) else [self.target(target).get("command") or options.get("command")]
        commands = [_table(one).get("command") if isinstance(one, dict) else one for one in listed]
        is_plain = self._executor(target) in {*COMMANDS, ""} and not options.get("cwd")
        return commands[0] if is_plain and len(commands) == 1 and isinstance(commands[0], str) else ""


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
