"""What the edge itself answers: a page for browsers, JSON for programs, text for everybody else. Pure; no page lists what is served."""

from __future__ import annotations

import html
import json
from typing import Any

Json = dict[str, Any]
HTML_TYPE, JSON_TYPE, TEXT_TYPE = "text/html; charset=utf-8", "application/json", "text/plain; charset=utf-8"
WORDS_LIMIT = 600  # characters; Envoy takes 4,096 bytes for a page
RETRY_SECONDS = 5
SERVICE = "%METADATA(ROUTE:rw:service)%"
REFUSED, REFUSED_AS = 403, 503
"""What the daemon answers for a held request that goes nowhere, and what becomes of it: from 500 on Envoy would throw its page away."""

# Envoy's response flags: nobody answered, and somebody broke off (the request may have reached the app, so it was not sent again)
UNANSWERED = ("UF", "UH", "URX", "UO", "NC", "UT")
BROKEN_OFF = ("UC", "UR", "LR", "UPE")
HELD = ("UAEX",)  # a held request that goes nowhere: the daemon said so, or nobody answered for it


def bodies(status: int, code: str, words: str) -> list[tuple[str, str, str]]:
    """Return what a page reads like, as (part of the Accept header, content type, body); the last one is for everybody."""
    words = words if len(words) <= WORDS_LIMIT else words[: WORDS_LIMIT - 1] + "…"
    shown = html.escape(words)
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{status}</title><h1>{status}</h1><p>{shown}</p></html>'
    wire = json.dumps({"schema": "rw/v1", "error": {"code": code, "status": status, "message": words}})
    return [("text/html", HTML_TYPE, page), ("application/json", JSON_TYPE, wire), ("", TEXT_TYPE, f"{status}: {words}")]


def page(status: int, code: str, words: str, *, accept: str) -> tuple[str, str]:
    """Return content type and body of the page for a client that sent ``accept``."""
    return next((content_type, body + "\n") for kind, content_type, body in bodies(status, code, words) if kind in accept.lower())


def accepts(kind: str) -> list[Json]:
    """Return the condition on the Accept header; none for the page of everybody."""
    return [{"name": "accept", "string_match": {"contains": kind, "ignore_case": True}}] if kind else []


def direct(status: int, code: str, words: str) -> list[Json]:
    """Return routes that answer everything with one page. ``words`` may be any text: nothing in it is a format."""
    return [
        {
            "match": {"prefix": "/", "headers": accepts(kind)},
            "direct_response": {"status": status, "body": {"inline_string": body + "\n"}},
            "response_headers_to_add": [
                _header("content-type", content_type),
                *([_header("retry-after", str(RETRY_SECONDS))] if status == 503 else []),
            ],
        }
        for kind, content_type, body in bodies(status, code, words)
    ]


def _header(name: str, value: str) -> Json:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def local_replies() -> Json:
    """Return how Envoy's own failures read. A format: its words are ours alone, and the service's name is a slug."""
    silent = f"no replica of {SERVICE} answers. `rw status` says why, `rw logs {SERVICE}` what it printed."
    broken = f"{SERVICE} broke the connection before it had answered. `rw logs {SERVICE}` shows what it printed."
    asleep = f"{SERVICE} is asleep, and the daemon that wakes it does not run. `rw status` starts it, `rw daemon install` keeps it running."
    nameless = "the request names no host. `rw status` in the project's folder shows the URL of each service."
    return {
        "mappers": [
            *_mappers(UNANSWERED, 503, "NO_REPLICA_ANSWERS", silent),
            *_mappers(BROKEN_OFF, 503, "CONNECTION_BROKEN", broken),
            *_mappers(("NR",), 404, "NO_SUCH_HOST", nameless),
            {"filter": {"and_filter": {"filters": [_flagged(HELD), _has_status(REFUSED)]}}, "status_code": REFUSED_AS},
            *({**one, "headers_to_add": [_header("retry-after", str(RETRY_SECONDS))]} for one in _mappers(HELD, 503, "ASLEEP", asleep)),
        ]
    }


def _mappers(flags: tuple[str, ...], status: int, code: str, words: str) -> list[Json]:
    flagged = _flagged(flags)
    return [
        {
            "filter": {"and_filter": {"filters": [flagged, *({"header_filter": {"header": one}} for one in conditions)]}}
            if (conditions := accepts(kind))
            else flagged,
            "body_format_override": {"text_format_source": {"inline_string": body + "\n"}, "content_type": content_type},
        }
        for kind, content_type, body in bodies(status, code, words)
    ]


def _flagged(flags: tuple[str, ...]) -> Json:
    return {"response_flag_filter": {"flags": list(flags)}}


def _has_status(status: int) -> Json:
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": {"default_value": status, "runtime_key": "rw.refused"}}}}
