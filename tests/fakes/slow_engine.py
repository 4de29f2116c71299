"""A Docker engine that answers a ping at once and everything else late: one on a disk that is full of other people's work."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    late_seconds = 0.0

    def do_GET(self) -> None:
        if not self.path.endswith("/_ping"):
            time.sleep(self.late_seconds)
        self.send_response(200)
        self.send_header("api-version", "1.45")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Who asked may be gone by the time of the answer."""


@contextmanager
def slow_engine(socket: Path, *, seconds: float) -> Iterator[str]:
    """Yield the address (``DOCKER_HOST``) of one that needs ``seconds``."""
    with Server(str(socket), type("Late", (Answers,), {"late_seconds": seconds})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"unix://{socket}"
        server.shutdown()
