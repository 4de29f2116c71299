"""One run of the command: flags, environment variables, linked project, output, daemon."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPException
from pathlib import Path
from typing import Any

from rw_cli import launcher
from rw_cli.client import Client, Json
from rw_cli.context.waiting import shown
from rw_cli.render.text import clean, error_text
from rw_shared import version
from rw_shared.amounts import progress_text
from rw_shared.errors import AnswerNeededError, ConfigInvalidError, RwError
from rw_shared.paths import Home, client_environment
from rw_shared.version import newer

SCHEMA = "rw/v1"
TRUTHY = {"1", "true", "yes", "on"}
FILES = ("railway.toml", "railway.json")
APP = "RW_BUILD_APP"


@dataclass
class Session:
    """The global flags, with what is derived from them."""

    project: str = ""
    environment: str = "production"
    is_json: bool = False
    no_input: bool = False
    verbose: bool = False
    is_stream: bool = False
    """The command prints rows: what ends it is a row of type ``result``, also when it failed."""
    _is_waiting: bool = field(default=False, init=False)

    @cached_property
    def home(self) -> Home:
        """The state folder."""
        return launcher.home_of(os.environ)

    @cached_property
    def client(self) -> Client:
        """The daemon, started when it is first needed; an older one gives way first."""
        client = Client(
            str(self.home.socket),
            ensure=lambda: launcher.ensure(self.home),
            silent=lambda seconds: launcher.silent(self.home, seconds=seconds),
            revive=self._revive,
        )
        if launcher.answers(self.home):
            try:
                self._renew(client)
            except TimeoutError:
                raise launcher.silent(self.home, seconds=launcher.START_SECONDS) from None
            except (OSError, HTTPException):
                pass  # it ends just now: the call that follows starts another
        return client

    def _revive(self) -> None:
        is_there = launcher.revive(self.home)
        if not is_there and not self._is_waiting:
            self.say("The daemon was stopped; this goes on when it runs again (`rw daemon start`).")
        self._is_waiting = not is_there

    def _renew(self, client: Client) -> None:
        """Stop a daemon of an older version, between operations; the next call starts the new one, and services do not notice."""
        info = client.once("GET", "/v1/daemon", seconds=launcher.START_SECONDS)
        if not newer(version.VERSION, info["version"]):
            return
        if info.get("busy"):
            self.explain(f"daemon {info['version']} is older than this command and busy: it stays for now")
            return
        self.explain(f"daemon {info['version']} is older than this command: it is replaced")
        client.once("POST", "/v1/daemon/stop", body={})
        launcher.wait_for_end(self.home, info["pid"])

    @property
    def is_interactive(self) -> bool:
        """Somebody can be asked."""
        refused = self.no_input or os.environ.get("CI", "").lower() in TRUTHY or os.environ.get("RW_NO_INPUT", "").lower() in TRUTHY
        return not refused and sys.stdin.isatty() and sys.stdout.isatty()

    @property
    def is_live(self) -> bool:
        """stderr can show a view that redraws itself."""
        return sys.stderr.isatty() and not self.is_json and not self.is_plain and os.environ.get("TERM") != "dumb"

    @property
    def is_plain(self) -> bool:
        """Somebody has the screen read aloud (``RW_PLAIN=1``): nothing redraws itself, and no mark stands for a word."""
        return os.environ.get("RW_PLAIN", "").lower() in TRUTHY

    @property
    def colored(self) -> bool:
        """stdout may have colours."""
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and not self.is_plain

    @property
    def width(self) -> int:
        """Columns of the terminal that stdout is; 0 when it is none."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0

    @cached_property
    def environ(self) -> dict[str, str]:
        """What an order carries of the caller's environment."""
        return client_environment(os.environ)

    def result(self, value: Mapping[str, Any], text: str) -> None:
        """Write the result: ``value`` in JSON mode, else ``text``."""
        if self.is_json:
            self.row({"schema": SCHEMA, **value})
        elif text:
            sys.stdout.write(text.rstrip("\n") + "\n")

    def flush(self) -> None:
        """Let what was written be seen: the command goes on."""
        sys.stdout.flush()

    def row(self, value: Mapping[str, Any]) -> None:
        """Write one line of JSON."""
        sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """Tell about progress on stderr; nothing in JSON mode."""
        if not self.is_json:
            sys.stderr.write(clean(text) + "\n")
            sys.stderr.flush()

    def mark(self, text: str) -> None:
        """Tell a line of a view, whose control bytes are its own."""
        if not self.is_json:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def explain(self, text: str) -> None:
        """Tell what was chosen and why, under ``-v``."""
        if self.verbose:
            sys.stderr.write(clean(text) + "\n")

    def fail(self, error: RwError, **more: Any) -> None:
        """Write an error the way the output mode asks for; ``more`` stands beside it in JSON."""
        if self.is_json:
            row = {"type": "result", "status": "failed"} if self.is_stream else {}
            self.row({"schema": SCHEMA, **row, **more, "error": error.to_wire()})
        else:
            sys.stderr.write(error_text(error))

    def confirm(self, question: str, *, flag: str) -> bool:
        """Return the answer; ``AnswerNeededError`` where nobody can be asked."""
        if not self.is_interactive or self.is_json:
            raise AnswerNeededError(question, flag=flag)
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def linked(self, path: str = ".") -> str:
        """Return the project's name: flag, else variable, else the daemon decides by the nearest file and its folder."""
        folder, name = root_of(Path(path).absolute())
        asked = self.project or os.environ.get("RW_PROJECT", "")
        if asked:
            self.explain(f"project {asked}: {'--project' if self.project else 'RW_PROJECT'}")
        known = self.client.call("POST", "/v1/projects", body={"name": asked or name, "path": str(folder)})
        if not asked:
            self.explain(f"project {known['name']}: {folder}")
        return str(known["name"])

    def context(self, path: str = ".") -> Path:
        """Return the folder that is snapshotted: the project's, or that of the workspace around it. Below it, orders name the app."""
        folder = Path(path).absolute()
        root, _ = root_of(folder)
        if root != folder and path == ".":
            return root
        found = Path(self.client.call("POST", "/v1/places", body={"path": str(folder)})["context"])
        context = min(root, found, key=lambda one: len(one.parts))
        if context != folder:
            self.environ[APP] = folder.relative_to(context).as_posix()
            self.explain(f"app {self.environ[APP]}: built from {context}")
        return context

    def take(self, path: str, *, only: Sequence[str] = (), since: str = "", folders: bool = False) -> Json:
        """Have a snapshot of the project's folder taken.

        :param only: of these files alone. :param since, folders: what else is wanted, see ``SnapshotOrder``.
        """
        root = root_of(Path(path).absolute())[0] if only else self.context(path)
        body = {"path": str(root), "only": list(only), "since": since, "folders": folders}
        with shown(lambda seconds: self._reading(str(body["path"]), seconds), is_live=self.is_live):
            taken = self.client.call("POST", "/v1/snapshots", body={**body, "environ": self.environ})
        for skipped in taken["skipped"] if not since else ():
            self.say(f"left out: {skipped}")
        return taken

    def _reading(self, path: str, seconds: float) -> str:
        found = self.client.once("GET", "/v1/snapshots/progress", query={"path": path})
        if not found["allBytes"]:
            return "looking at the folder"
        return f"reading {found['files']:,} files: {progress_text(found['hadBytes'], found['allBytes'], seconds)}"

    def plans(self, digest: str, *, project: str = "app", services: Sequence[str] = (), strict: bool = False) -> list[Json]:
        """Return the daemon's answers for a snapshot: plan, Dockerfile, what a build must leave out; one for each service of the file."""
        body = {"snapshot": digest, "project": project, "environment": self.environment, "strict": strict, "environ": self.environ}
        answer = self.client.call("POST", "/v1/plans", body={**body, "services": list(services)})
        return [answer, *answer.pop("others")]

    def place(self, path: str = ".") -> str:
        """Return the API's path of the project's environment."""
        return f"/v1/projects/{self.linked(path)}/environments/{self.environment}"


def root_of(folder: Path) -> tuple[Path, str]:
    """Return the folder of the nearest railway file upwards (else ``folder``) and the name it gives; ``ConfigInvalidError``."""
    for place in (folder, *folder.parents):
        for filename in FILES:
            file = place / filename
            if file.is_file():
                return place, _named(file)
    return folder, ""


def _named(file: Path) -> str:
    try:
        text = file.read_text()
        if file.suffix == ".json":
            document = json.loads(text)
        else:
            import tomllib  # lazy: most folders have no such file

            document = tomllib.loads(text)
    except (OSError, ValueError) as error:
        line = re.search(r"line (\d+)", str(error))
        raise ConfigInvalidError(f"{file}:{line[1]}" if line else str(file), f"{error}.") from None
    project = document.get("project") if isinstance(document, dict) else None
    name = project.get("name", "") if isinstance(project, dict) else ""
    return name if isinstance(name, str) else ""


def path_of(place: str) -> tuple[str, str]:
    """Return project and environment of an API path that ``Session.place`` made."""
    parts = place.split("/")
    return parts[3], parts[5]


__all__ = ["SCHEMA", "Json", "Session", "path_of", "root_of"]
