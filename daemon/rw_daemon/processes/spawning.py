"""The only place that starts processes. Each gets a session of its own, no input, and exactly the environment that is handed in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rw_daemon.processes import priority

STREAM_LIMIT_BYTES = 64 * 1024  # asyncio's buffer for one stream
LINE_LIMIT_BYTES = 1024**2
CANCEL_GRACE_SECONDS = 1.0


async def spawn(arguments: Sequence[str], *, cwd: Path, environ: Mapping[str, str]) -> asyncio.subprocess.Process:
    """Start a process with both streams as pipes. ``OSError`` when the program or the folder is not there."""
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *arguments,
            cwd=cwd,
            env=dict(environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=STREAM_LIMIT_BYTES,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio would kill the process alone, then wait for its children as long as they hold the pipes
        await asyncio.shield(_undo(starting))
        raise


async def _undo(starting: asyncio.Future[asyncio.subprocess.Process]) -> None:
    with contextlib.suppress(OSError):
        await end_group(await starting)


async def run(arguments: Sequence[str], *, cwd: Path, environ: Mapping[str, str], output: Callable[[str, str], None] | None = None) -> int:
    """Run a command to its end and return its exit code (128 + n by a signal). Cancelled, it kills the whole group first.

    :param output: called with stream and line while it runs.
    """
    process = await spawn(arguments, cwd=cwd, environ=environ)
    show = output or (lambda _stream, _line: None)
    assert process.stdout is not None
    assert process.stderr is not None
    copying = asyncio.gather(split(process.stdout, "stdout", show), split(process.stderr, "stderr", show))
    try:
        code = await process.wait()
        kill_group(process.pid, signal.SIGKILL)  # what it left behind holds the pipes
        await copying
    except BaseException:
        copying.cancel()
        await asyncio.shield(end_group(process))
        with contextlib.suppress(asyncio.CancelledError):
            await copying
        raise
    return 128 - code if code < 0 else code


async def ask(arguments: Sequence[str], *, text: str, environ: Mapping[str, str], timeout_seconds: float = 10.0) -> tuple[int, str]:
    """Run a short command with ``text`` on its input; return exit code and output. ``OSError`` when it is not there or takes too long."""
    process = await asyncio.create_subprocess_exec(
        *arguments,
        env=dict(environ),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(text.encode()), timeout_seconds)
    except BaseException:
        await asyncio.shield(end_group(process))
        raise
    return process.returncode or 0, said.decode(errors="replace")


async def split(reader: asyncio.StreamReader, stream: str, output: Callable[[str, str], None]) -> None:
    """Hand each line of ``reader`` to ``output``; a line beyond the limit is cut, bytes that are not UTF-8 are replaced."""
    pending = b""
    while data := await reader.read(STREAM_LIMIT_BYTES):
        *lines, pending = (pending + data).split(b"\n")
        if len(pending) > LINE_LIMIT_BYTES:
            lines, pending = [*lines, pending], b""
        for line in lines:
            output(stream, line.decode("utf-8", "replace"))
    if pending:
        output(stream, pending.decode("utf-8", "replace"))


async def end_group(process: asyncio.subprocess.Process) -> None:
    """End a process and its group: SIGTERM, a second, SIGKILL."""
    kill_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), CANCEL_GRACE_SECONDS)
    kill_group(process.pid, signal.SIGKILL)
    await process.wait()


def kill_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to the process group that ``pid`` leads; nothing happens when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


# the process begins only once its parent is gone: one that asks to die with its parent (Envoy does) must never have had the daemon as one
DETACH = 'exec 3<&0; { read -r _ <&3; exec 3<&-; exec "$@" </dev/null >>"$0" 2>&1; } >/dev/null & echo $!'


async def detach(arguments: Sequence[str], *, cwd: Path, environ: Mapping[str, str], output: Path) -> int:
    """Start a process that outlives the daemon, both streams appended to ``output``; return its pid. ``OSError`` when it cannot start.

    Requests pass through it: like the daemon, it gives way to who wakes up (priority.py).
    """
    os.close(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    shell = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", DETACH, str(output), *arguments,
        cwd=cwd, env=dict(environ), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert shell.stdin is not None
    assert shell.stdout is not None
    pid = int(await shell.stdout.read())  # to its end, which comes when the shell is gone
    priority.be_brief(pid, is_inherited=True)  # before it begins, and has threads
    shell.stdin.close()
    await shell.wait()
    return pid
