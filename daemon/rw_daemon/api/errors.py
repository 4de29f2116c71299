"""The one place where an error becomes a response: one shape, the class's status, no traceback."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.websockets import WebSocketState

from rw_shared.errors import DiskFullError, InternalError, InvalidRequestError, NotFoundError, RwError
from rw_shared.version import SCHEMA

log = logging.getLogger(__name__)
POLICY_VIOLATION, INTERNAL_FAULT = 1008, 1011  # WebSocket close codes, RFC 6455 section 7.4.1


def body(error: RwError) -> dict[str, Any]:
    """Return the JSON value that says what happened; text that is not UTF-8 is replaced."""
    return {"schema": SCHEMA, "error": _clean(error.to_wire())}


def response(error: RwError, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return an error as a response; ``status`` where HTTP has a more exact word than the error's class."""
    return JSONResponse(body(error), status_code=status or error.status, headers=dict(headers or {}))


def unexpected(error: BaseException) -> RwError:
    """Log a bug with its traceback under a new reference and return the error that names only the reference. A full disk is no bug."""
    if full := DiskFullError.of(error):
        return full
    reference = uuid4().hex[:12]
    log.error("unexpected error, reference %s", reference, exc_info=error)
    return InternalError(reference)


async def close(websocket: WebSocket, error: RwError) -> None:
    """Send an error as the stream's last message and close it."""
    if websocket.client_state is WebSocketState.CONNECTING:
        await websocket.accept()
    await websocket.send_json(body(error))
    await websocket.close(INTERNAL_FAULT if error.status >= 500 else POLICY_VIOLATION)


def install(app: FastAPI) -> None:
    """Make ``app`` answer every error in the one shape."""
    app.add_exception_handler(RwError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(WebSocketRequestValidationError, _invalid_stream)
    app.add_exception_handler(HTTPException, _http)


async def _known(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RwError):
        return response(unexpected(error))
    return response(error)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    return response(InvalidRequestError(_problems(error)))


async def _invalid_stream(websocket: WebSocket, error: Exception) -> None:
    await close(websocket, InvalidRequestError(_problems(error)))


async def _http(request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework refuses by itself: unknown paths, methods, bodies that are no JSON."""
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    if status == NotFoundError.status:
        return response(NotFoundError("resource", request.url.path, hint="Compare the path with /v1/openapi.json."))
    said = str(error.detail) if isinstance(error, HTTPException) else ""
    return response(InvalidRequestError([f"{request.method} {request.url.path}: {said}"]), status=status, headers=headers)


def _problems(error: Exception) -> list[str]:
    """Return ``place: what is wrong`` for each problem. Never the value: it may be a secret."""
    found: Sequence[Mapping[str, Any]] = []
    if isinstance(error, RequestValidationError | WebSocketRequestValidationError):
        found = error.errors()
    return [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in found]


def _clean(value: Any) -> Any:
    """Return ``value`` with lone surrogates replaced: they come from file names and cannot be sent."""
    if isinstance(value, str):
        return value.encode("utf-8", errors="replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return value
