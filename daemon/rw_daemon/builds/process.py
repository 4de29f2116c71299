"""Carries a plan out in a fresh folder on this machine. A folder counts only once its ``complete`` file is there.

Virtual environments name their own folder, so a release is built where it stays: ``releases/<key>/app``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shlex
import shutil
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rw_daemon.builds.builder import BuildOrder, BuildOutput
from rw_daemon.builds.causes import likely
from rw_daemon.builds.components import Component
from rw_daemon.builds.layers import OWN_FOLDER, Layers, content_digest
from rw_daemon.builds.looking import components_of_folder
from rw_daemon.builds.sizes import parts_of_folder
from rw_daemon.builds.symptoms import classify
from rw_daemon.builds.toolbox import Toolbox, Tools
from rw_daemon.plans.plan import BuildPlan, Step
from rw_daemon.processes import priority, proc, spawning
from rw_daemon.processes.holders import write_private
from rw_daemon.variables.masking import Mask
from rw_shared.contents import Part
from rw_shared.errors import BuildFailedError, DiskFullError, RegistryUnreachableError, ToolMissingError
from rw_shared.models import Artifact

COMPLETE = "complete"
EVERYTHING = "."
LAST_LINES = 40
MARKER = "RW_BUILDER"
"""Variable of every process of a build: its value is the folder of all releases, so what a killed daemon was building is found."""
RETRY_PAUSES_SECONDS = (1.0, 3.0)
"""A registry that does not answer is asked again twice: most faults of a network last a moment."""

UV_WRAPPER = """#!/bin/sh
# UV_PYTHON says what a virtual environment is made from; `uv pip` would take it for the place to install to: the user's own Python
[ "$1" = pip ] && unset UV_PYTHON
exec {program} "$@"
"""

LayOut = Callable[[str, Path], Awaitable[None]]


@dataclass
class Work:
    """One build under way."""

    order: BuildOrder
    tools: Tools
    laid_out: Path
    context: Path
    output: Callable[[BuildOutput], None]

    @property
    def plan(self) -> BuildPlan:
        """The order's plan."""
        return self.order.plan

    @property
    def source(self) -> Path:
        """The folder of the snapshot that is built; what lies beside it has no part in it."""
        return self.laid_out / self.plan.root


class ProcessBuilder:
    """Builds release folders.

    :param releases: one folder for each key.
    :param caches: what builds share; on the same disk as ``releases`` packages are linked instead of copied.
    :param lay_out: writes a snapshot's files into an empty folder.
    """

    def __init__(self, releases: Path, caches: Path, *, lay_out: LayOut, retry_pauses: tuple[float, ...] = RETRY_PAUSES_SECONDS) -> None:
        self._releases, self._caches, self._lay_out, self._retry_pauses = releases, caches, lay_out, retry_pauses
        self._layers = Layers(caches / "layers")
        self._toolbox = Toolbox(caches / "tools")
        self._locks: dict[str, asyncio.Lock] = {}
        self._cache_locks: dict[str, asyncio.Lock] = {}
        self._sweeping, self._is_swept = asyncio.Lock(), False

    async def sweep(self) -> None:
        """End what a killed daemon was building, and remove what it left half done; once, before the first build."""
        async with self._sweeping:
            await asyncio.to_thread(self._sweep)

    async def find(self, key: str) -> Artifact | None:
        """Return a whole release folder with this key."""
        folder = self._releases / folder_name(key)
        try:
            facts = json.loads((folder / COMPLETE).read_text())
        except (OSError, ValueError):
            return None
        if not (folder / "app").is_dir():
            return None
        return Artifact(kind="folder", reference=str(folder / "app"), size_bytes=facts["sizeBytes"], key=key, reused=True)

    async def build(self, order: BuildOrder, *, output: Callable[[BuildOutput], None]) -> Artifact:
        """Carry out ``order``; an equal one under way is waited for and its result taken."""
        name = folder_name(order.key)
        async with self._locks.setdefault(name, asyncio.Lock()):
            if not order.no_cache and (found := await self.find(order.key)):
                return found
            if order.plan.as_is:
                raise ToolMissingError(
                    "A Docker engine",
                    needed_for=f"to build {order.plan.dockerfile}" if order.plan.dockerfile else f"to run {order.plan.image}",
                    hint="Start one and add `--target docker`" + (", or remove the Dockerfile." if order.plan.dockerfile else "."),
                )
            await self.sweep()
            folder = self._releases / name
            try:
                return await self._carry_out(order, folder, output)
            except OSError as error:
                if full := DiskFullError.of(error, str(self._releases)):
                    raise full from error
                raise
            finally:
                if not (folder / COMPLETE).exists():
                    shutil.rmtree(folder, ignore_errors=True)

    async def parts(self, artifact: Artifact, *, base: str) -> tuple[Part, ...]:  # noqa: ARG002 - folders have no base
        """Return the entries of a release folder, the largest first."""
        folder = Path(artifact.reference)
        return await asyncio.to_thread(parts_of_folder, folder) if folder.is_dir() else ()

    async def components(self, artifact: Artifact) -> list[Component] | None:
        """Return the packages in a release folder."""
        folder = Path(artifact.reference)
        return await asyncio.to_thread(components_of_folder, folder) if folder.is_dir() else None

    async def remove(self, artifact: Artifact) -> None:
        """Remove a release folder, unless a process runs from it."""
        folder = Path(artifact.reference).parent
        if folder.parent != self._releases or not folder.exists():
            return
        async with self._locks.setdefault(folder.name, asyncio.Lock()):
            if await asyncio.to_thread(is_used, folder):
                return
            (folder / COMPLETE).unlink(missing_ok=True)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    # --- the work

    async def _carry_out(self, order: BuildOrder, folder: Path, output: Callable[[BuildOutput], None]) -> Artifact:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        order = replace(order, environ={**order.environ, MARKER: str(self._releases)})
        tools = await self._toolbox.find(order.plan, environ=order.environ)
        work = Work(order, tools, folder / "source", folder / "app", output)
        work.laid_out.mkdir(mode=0o700, parents=True)
        work.context.mkdir(parents=True)
        await self._lay_out(order.snapshot, work.laid_out)
        await asyncio.to_thread(leave_out, work)
        await asyncio.to_thread(self._prepare, work)
        first = await self._dependencies(work)
        for step in order.plan.steps[first:]:
            await asyncio.to_thread(bring, work, step.inputs)
            await self._step(work, step)
        size = await asyncio.to_thread(self._finish, work)
        write_private(folder / COMPLETE, json.dumps({"key": order.key, "sizeBytes": size}).encode())
        return Artifact(kind="folder", reference=str(work.context), size_bytes=size, key=order.key)

    async def _dependencies(self, work: Work) -> int:
        """Do the leading steps that need no sources, or take what an earlier build kept of them; return how many these are."""
        steps = leading(work.plan)
        if not steps:
            return 0
        key = await asyncio.to_thread(layer_key, work, steps)
        if not work.order.no_cache and await asyncio.to_thread(self._layers.restore, key, work.context):
            await asyncio.to_thread(bring, work, tuple(name for step in steps for name in step.inputs))
            for step in steps:
                work.output(BuildOutput(step.name, state="cached"))
            return len(steps)
        for step in steps:
            await asyncio.to_thread(bring, work, step.inputs)
            await self._step(work, step, compile_bytecode=True)
        if work.order.no_cache:
            await asyncio.to_thread(self._layers.forget, key)
        await asyncio.to_thread(self._layers.keep, key, work.context)
        return len(steps)

    async def _step(self, work: Work, step: Step, *, compile_bytecode: bool = False) -> None:
        work.output(BuildOutput(step.name, state="started"))
        began = time.monotonic()
        environ = self._environ(work, step)
        if compile_bytecode:  # kept with the layer, it makes each first start of an app faster
            environ = {"UV_COMPILE_BYTECODE": "1", **environ}
        try:
            for command in step.commands:
                async with AsyncExitStack() as held:
                    for name in sorted({cache.id for cache in step.caches if cache.locked}):
                        await held.enter_async_context(self._cache_locks.setdefault(name, asyncio.Lock()))
                    await self._command(work, step, command, environ)
        except Exception:
            work.output(BuildOutput(step.name, state="failed", seconds=time.monotonic() - began))
            raise
        work.output(BuildOutput(step.name, state="done", seconds=time.monotonic() - began))

    async def _command(self, work: Work, step: Step, command: str, environ: Mapping[str, str]) -> None:
        masked = Mask(declared(work.order, step).values())
        for pause in (*self._retry_pauses, None):
            last: deque[str] = deque(maxlen=LAST_LINES)

            def show(stream: str, line: str, last: deque[str] = last) -> None:
                line = masked(line)
                last.append(line)
                work.output(BuildOutput(step.name, text=line, stream=stream))

            code = await spawning.run(["/bin/sh", "-c", priority.BEHIND, command], cwd=work.context, environ=environ, output=show)
            if not code:
                return
            words = "\n".join(last)
            symptom = classify(words)
            if symptom == "disk":
                raise DiskFullError(str(self._releases))
            if symptom is None:
                cause = likely(words.splitlines()) or ("", "")
                raise BuildFailedError(step.name, exit_code=code, output=words, command=command, cause=cause)
            if pause is None:
                raise RegistryUnreachableError(step.name, output=words)
            work.output(BuildOutput(step.name, text=f"the registry did not answer, trying again in {pause:g} s", stream="rw"))
            await asyncio.sleep(pause)

    def _environ(self, work: Work, step: Step) -> dict[str, str]:
        """Return the environment of a step: the caller's, the plan's, the caches', and the variables that the step declares."""
        path = [str(work.context / OWN_FOLDER / "bin"), *(str(work.context / one) for one in work.plan.path)]
        caches = {cache.variable: str(self._caches / cache.id) for cache in step.caches if cache.variable}
        environ = {**work.order.environ, **work.plan.environment, **work.tools.environment, **caches, **declared(work.order, step)}
        environ.pop("UV_SYSTEM_PYTHON", None)  # a build never installs into the user's own Python
        environ["PATH"] = os.pathsep.join([*path, work.order.environ.get("PATH", os.defpath)])
        return environ

    def _prepare(self, work: Work) -> None:
        """Put tools and generated files in their places, make the caches' folders."""
        own = work.context / OWN_FOLDER / "bin"
        own.mkdir(parents=True)
        for name, program in work.tools.links.items():
            if name == "uv":
                (own / name).write_text(UV_WRAPPER.format(program=shlex.quote(str(program))))
                (own / name).chmod(0o755)
            else:
                (own / name).symlink_to(program)
        for cache in {cache.id: cache for step in work.plan.steps for cache in step.caches if cache.variable}.values():
            (self._caches / cache.id).mkdir(mode=0o700, parents=True, exist_ok=True)
        write_files(work)

    def _finish(self, work: Work) -> int:
        bring(work, (EVERYTHING,))
        write_files(work)
        shutil.rmtree(work.laid_out, ignore_errors=True)
        return sum((Path(at) / name).lstat().st_size for at, _, names in os.walk(work.context) for name in names)

    def _sweep(self) -> None:
        if self._is_swept or not self._releases.is_dir():
            self._is_swept = True
            return
        self._is_swept = True
        proc.kill_sessions(f"{MARKER}={self._releases}")
        for folder in self._releases.iterdir():
            if not (folder / COMPLETE).exists():
                shutil.rmtree(folder, ignore_errors=True)


def folder_name(key: str) -> str:
    """Return a short folder name for a key: no colon, which would end an entry of PATH."""
    return hashlib.sha256(key.encode()).hexdigest()[:24]


def leading(plan: BuildPlan) -> tuple[Step, ...]:
    """Return the first steps of ``plan`` that need only named files: their outcome is kept."""
    count = next((at for at, step in enumerate(plan.steps) if EVERYTHING in step.inputs), len(plan.steps))
    return plan.steps[:count]


def declared(order: BuildOrder, step: Step) -> dict[str, str]:
    """Return the user's variables that ``step`` may read."""
    if "*" in step.variables:
        return dict(order.variables)
    return {name: order.variables[name] for name in step.variables if name in order.variables}


def layer_key(work: Work, steps: tuple[Step, ...]) -> str:
    """Return a digest of everything that the outcome of ``steps`` depends on."""
    facts = [
        [work.plan.version, work.plan.root, work.plan.environment, work.plan.files, list(work.tools.identity)],
        *(
            [
                step.commands,
                step.inputs,
                [content_digest(path) for name in step.inputs for path in [find_input(work, name)] if path],
                [f"{name}={value}" for name, value in sorted(declared(work.order, step).items())],
            ]
            for step in steps
        ),
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def find_input(work: Work, name: str) -> Path | None:
    """Return where an input lies in the sources."""
    path = work.source / name
    return path if path.exists() or path.is_symlink() else None


def leave_out(work: Work) -> None:
    """Remove from the sources what belongs to other apps."""
    for folder in work.plan.left_out:
        for file in [one for one in (work.source / folder).rglob("*") if not one.is_dir() or one.is_symlink()]:
            if not work.plan.takes(file.relative_to(work.source).as_posix()):
                file.unlink()


def bring(work: Work, inputs: tuple[str, ...]) -> None:
    """Move inputs from the sources to their places; those that are there already, or nowhere, are left out."""
    for name in inputs:
        if name == EVERYTHING:
            move(work.source, work.context)
        elif found := find_input(work, name):
            move(found, work.context / found.relative_to(work.source))


def move(source: Path, target: Path) -> None:
    """Move a file, or a folder into one that may exist; sources win over what steps made."""
    if source.is_dir() and not source.is_symlink():
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
            return
        for child in list(source.iterdir()):
            move(child, target / child.name)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    source.replace(target)


def write_files(work: Work) -> None:
    """Write the plan's generated files; a new file each time, for the old one may be linked elsewhere."""
    for name, text in work.plan.files.items():
        target = work.context / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_text(text)


def is_used(folder: Path) -> bool:
    """Tell whether a process runs from ``folder``: its path stands in the process's working folder or environment."""
    wanted = os.fsencode(folder)
    for pid in proc.pids():
        base = proc.PROC / str(pid)
        try:
            if wanted in os.fsencode(os.readlink(base / "cwd")) or wanted in (base / "environ").read_bytes():  # noqa: PTH115
                return True
        except OSError:
            continue
    return False
