"""A command in a container, over the engine's own socket: input, output, window size and exit status.

Source: Engine API reference, "Exec" and "Attach to a container" (upgraded connection, stream format).
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from typing import Any

from rw_cli.client import UnixConnection
from rw_shared.errors import EngineFailedError, EngineUnreachableError

HEADER_BYTES = 8
BLOCK_BYTES = 64 * 1024


class Container:
    """A running container.

    :param engine: address of its engine, ``unix://PATH`` or a path. :param api: the API version to speak.
    """

    def __init__(self, identity: str, *, engine: str, api: str) -> None:
        self._id, self._engine, self._api = identity, engine, api

    def execute(self, arguments: Sequence[str], *, is_terminal: bool) -> int:
        """Run a command with this process's input and output; returns its exit status.

        :param is_terminal: give it a terminal: ours is then in raw mode, so that Ctrl-C reaches the command.
        :raises EngineUnreachableError: nobody answers. ``EngineFailedError``: the engine refused.
        """
        body = {"AttachStdin": True, "AttachStdout": True, "AttachStderr": True, "Tty": is_terminal, "Cmd": list(arguments)}
        made = self._call("POST", f"/containers/{self._id}/exec", body)["Id"]
        stream, early = self._start(made, is_terminal=is_terminal)
        with stream:
            if is_terminal:
                with _raw(), self._resized(made):
                    _pump(stream, early, is_terminal=True)
            else:
                _pump(stream, early, is_terminal=False)
        code = self._call("GET", f"/exec/{made}/json")["ExitCode"]
        return int(code or 0)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        connection = UnixConnection(self._engine.removeprefix("unix://"), timeout=None)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, f"/v{self._api}{path}", body=text, headers={"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            if answer.status >= 400:
                raise EngineFailedError(f"{method} {path}", status=answer.status, reason=_message(content))
            return json.loads(content) if content else None
        except OSError as error:
            raise EngineUnreachableError(self._engine, why=str(error)) from error
        finally:
            connection.close()

    def _start(self, made: str, *, is_terminal: bool) -> tuple[socket.socket, bytes]:
        """Start the command; returns the upgraded connection and what came with its head."""
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            stream.connect(self._engine.removeprefix("unix://"))
            body = json.dumps({"Detach": False, "Tty": is_terminal}).encode()
            head = (
                f"POST /v{self._api}/exec/{made}/start HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
                f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            stream.sendall(head.encode() + body)
            received = b""
            while b"\r\n\r\n" not in received:
                block = stream.recv(BLOCK_BYTES)
                if not block:
                    raise EngineUnreachableError(self._engine, why="It closed the connection.")
                received += block
        except OSError as error:
            stream.close()
            raise EngineUnreachableError(self._engine, why=str(error)) from error
        answer, _, early = received.partition(b"\r\n\r\n")
        status = int(answer.split()[1])
        if status >= 400:
            stream.close()
            raise EngineFailedError("start a command", status=status, reason=_message(early))
        return stream, early

    @contextlib.contextmanager
    def _resized(self, made: str) -> Iterator[None]:
        """Give the command's terminal the size of ours, now and whenever it changes."""

        def resize(*_: object) -> None:
            size = shutil.get_terminal_size()
            with contextlib.suppress(EngineFailedError, EngineUnreachableError):  # it may have ended just now
                self._call("POST", f"/exec/{made}/resize?h={size.lines}&w={size.columns}")

        before = signal.signal(signal.SIGWINCH, resize)
        try:
            resize()
            yield
        finally:
            signal.signal(signal.SIGWINCH, before)


@contextlib.contextmanager
def _raw() -> Iterator[None]:
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _pump(stream: socket.socket, early: bytes, *, is_terminal: bool) -> None:
    """Carry bytes both ways until the command has closed its side."""
    frames = bytearray()
    _write(frames, early, is_terminal=is_terminal)
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        try:
            selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        except PermissionError:  # a plain file is always ready, and epoll takes none
            stream.sendall(sys.stdin.buffer.read())
            stream.shutdown(socket.SHUT_WR)
        while True:
            for key, _ in selector.select():
                if key.fileobj is stream:
                    data = stream.recv(BLOCK_BYTES)
                    if not data:
                        return
                    _write(frames, data, is_terminal=is_terminal)
                elif data := os.read(key.fd, BLOCK_BYTES):
                    stream.sendall(data)
                else:
                    selector.unregister(key.fileobj)
                    stream.shutdown(socket.SHUT_WR)


def _write(frames: bytearray, data: bytes, *, is_terminal: bool) -> None:
    """Write output: of a terminal as it is, else each frame to the stream that its first byte names."""
    if is_terminal:
        os.write(1, data)
        return
    frames += data
    while len(frames) >= HEADER_BYTES:
        end = HEADER_BYTES + int.from_bytes(frames[4:HEADER_BYTES], "big")
        if len(frames) < end:
            return
        target = sys.stderr.buffer if frames[0] == 2 else sys.stdout.buffer
        target.write(frames[HEADER_BYTES:end])
        target.flush()
        del frames[:end]


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace").strip()
