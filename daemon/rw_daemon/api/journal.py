"""The daemon's own log: JSON lines that rotate, each with the request that it belongs to."""

from __future__ import annotations

import json
import logging
import os
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_BYTES = 5 * 1024**2
FILES = 5  # in all: 25 MB of a daemon that logs decisions, not lines of apps
QUIET = ("httpx", "httpcore", "asyncio", "alembic", "sqlalchemy", "uvicorn.access", "uvicorn.error", "websockets")

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being answered; empty outside of one. Tasks that a request starts inherit it."""


class JsonLines(logging.Formatter):
    """One object a line. Only what was logged goes in, never the record's arguments a second time."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request := request_id.get():
            line["request"] = request
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str).encode("utf-8", errors="replace").decode()


class PrivateFiles(RotatingFileHandler):
    """Rotating files that only their owner reads."""

    def _open(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 - typeshed's signature differs between versions
        stream = super()._open()
        os.fchmod(stream.fileno(), 0o600)
        return stream


def write_to(path: Path, *, level: str = "") -> None:
    """Send everything that is logged to ``path``. ``level``: as RW_LOG_LEVEL says it (``debug`` …); anything else means info."""
    handler = PrivateFiles(path, maxBytes=FILE_BYTES, backupCount=FILES - 1, encoding="utf-8")
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(logging.getLevelNamesMapping().get(level.upper(), logging.INFO))
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
