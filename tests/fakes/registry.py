"""An image registry with one small image behind a password, as much of it as pulls and pushes ask for.

The calls are those of the distribution specification: github.com/opencontainers/distribution-spec.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs
from uuid import uuid4

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    """Serves ``private/base:1`` with a file ``/greeting``, and what was pushed, to whoever has the password.

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
        self._uploads: dict[str, bytes] = {}
        self._manifests: dict[str, tuple[str, bytes]] = {}
        self._name("private/base", "1", MANIFEST, json.dumps(manifest).encode())
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

    def _name(self, repository: str, tag: str, kind: str, manifest: bytes) -> None:
        for name in (tag, _digest(manifest)):
            self._manifests[f"/v2/{repository}/manifests/{name}"] = (kind, manifest)

    def holds(self, name: str) -> bool:
        """Tell whether ``repository:tag`` is here."""
        repository, _, tag = name.rpartition(":")
        return f"/v2/{repository}/manifests/{tag}" in self._manifests

    @property
    def blobs(self) -> list[bytes]:
        """Everything that is kept, unpacked."""
        return [gzip.decompress(one) if one.startswith(b"\x1f\x8b") else one for one in self._blobs.values()]

    def may(self, authorization: str) -> bool:
        """Tell whether a caller has the password."""
        return not self._wanted or authorization == self._wanted

    def answer(self, path: str, authorization: str) -> tuple[int, str, bytes]:
        """Return status, type and body."""
        if not self.may(authorization):
            return 401, "application/json", b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
        if path == "/v2/":
            return 200, "application/json", b"{}"
        name = path.rpartition("/")[2]
        if path in self._manifests:
            return 200, *self._manifests[path]
        if name in self._blobs:
            return 200, "application/octet-stream", self._blobs[name]
        return 404, "application/json", b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'

    def take(self, method: str, target: str, kind: str, body: bytes) -> tuple[int, str]:
        """Take a part of a push; return status and the place where the next part belongs."""
        path, _, query = target.partition("?")
        if "/manifests/" in path:
            repository, _, tag = path.removeprefix("/v2/").partition("/manifests/")
            self._name(repository, tag, kind, body)
            return 201, path
        if method == "POST":
            path += uuid4().hex
        self._uploads[path] = self._uploads.get(path, b"") + body
        if method == "PUT":
            assert parse_qs(query)["digest"] == [self._keep(self._uploads.pop(path))]
        return 201 if method == "PUT" else 202, path

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

            def do_POST(self) -> None:
                if not registry.may(self.headers.get("authorization", "")):
                    return self.do_GET()
                body = self._body()
                status, place = registry.take(self.command, self.path, self.headers.get("content-type", ""), body)
                had = f"0-{max(len(body) - 1, 0)}"
                self.send_response(status)
                for name, value in (
                    ("location", place),
                    ("docker-upload-uuid", "1"),
                    ("range", had),
                    ("docker-content-digest", _digest(body)),
                    ("content-length", "0"),
                ):
                    self.send_header(name, value)
                self.end_headers()
                return None

            def do_PATCH(self) -> None:
                self.do_POST()

            def do_PUT(self) -> None:
                self.do_POST()

            def _body(self) -> bytes:
                if self.headers.get("transfer-encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("content-length") or 0))
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)

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
