"""An image registry with one small image behind a password, as much of it as a pull asks for."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    """Serves ``private/base:1`` with a file ``/greeting`` to whoever has the password.

    :param user: empty for a registry that asks nobody.
    """

    def __init__(self, *, user: str = "", password: str = "") -> None:
        self._wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode() if user else ""
        self._blobs: dict[str, bytes] = {}
        layer = _layer({"greeting": b"hello from a private base\n"})
        packed = gzip.compress(layer, mtime=0)
        config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]}}
        described = [
            {"mediaType": kind, "size": len(blob), "digest": self._keep(blob)}
            for kind, blob in (
                ("application/vnd.docker.container.image.v1+json", json.dumps(config).encode()),
                ("application/vnd.docker.image.rootfs.diff.tar.gzip", packed),
            )
        ]
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described[0], "layers": described[1:]}
        self._manifest = json.dumps(manifest).encode()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.host = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Registry:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _keep(self, blob: bytes) -> str:
        self._blobs[_digest(blob)] = blob
        return _digest(blob)

    def answer(self, path: str, authorization: str) -> tuple[int, str, bytes]:
        """Return status, type and body."""
        if self._wanted and authorization != self._wanted:
            return 401, "application/json", b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
        if path == "/v2/":
            return 200, "application/json", b"{}"
        name = path.rpartition("/")[2]
        if path.startswith("/v2/private/base/manifests/") and name in {"1", _digest(self._manifest)}:
            return 200, MANIFEST, self._manifest
        if name in self._blobs:
            return 200, "application/octet-stream", self._blobs[name]
        return 404, "application/json", b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, kind, body = registry.answer(self.path, self.headers.get("authorization", ""))
                self.send_response(status)
                if status == 401:
                    self.send_header("www-authenticate", 'Basic realm="test"')
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.send_header("docker-content-digest", _digest(body))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _layer(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return held.getvalue()


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
