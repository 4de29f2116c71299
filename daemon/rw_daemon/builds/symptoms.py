"""What a failing build step's output says about the cause: one table for both targets. Pure."""

from __future__ import annotations

import re
from typing import Literal

Symptom = Literal["network", "disk"]

# the words of curl, uv, pip, npm, pnpm, yarn, Go, git, apt and libc; compared without case
WORDS: tuple[tuple[Symptom, str], ...] = (
    ("disk", r"no space left on device"),
    ("disk", r"\bENOSPC\b"),
    ("disk", r"disk quota exceeded"),
    ("disk", r"not enough (free )?(disk )?space"),
    ("network", r"temporary failure (in name resolution|resolving)"),
    ("network", r"name or service not known"),
    ("network", r"could not resolve host"),
    ("network", r"nodename nor servname provided"),
    ("network", r"dns error"),
    ("network", r"failed to lookup address"),
    ("network", r"no such host"),
    ("network", r"\b(EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH)\b"),
    ("network", r"ERR_SOCKET_TIMEOUT|ERR_PNPM_META_FETCH_FAIL"),
    ("network", r"network is unreachable"),
    ("network", r"connection (refused|reset by peer|timed out)"),
    ("network", r"(operation|request) timed out"),
    ("network", r"tls handshake timeout"),
    ("network", r"i/o timeout"),
    ("network", r"failed to (fetch|download)[^\n]*\n[^\n]*(error sending request|client error \(connect\)|request failed after)"),
    ("network", r"newconnectionerror|max retries exceeded with url"),
    ("network", r"\b(502 bad gateway|503 service unavailable|504 gateway time-?out)\b"),
    ("network", r"unable to connect to (the )?(server|registry|proxy)"),
)
# what a build asks for itself, a database most often: its own fault, whatever the words
OWN = re.compile(
    r"(ECONNREFUSED|connection refused)[^\n]*\b(5432|3306|6379|27017)\b"
    r"|getaddrinfo (ENOTFOUND|EAI_AGAIN) [\w-]+$|could not translate host name",
    re.IGNORECASE | re.MULTILINE,
)
COMPILED = tuple((symptom, re.compile(words, re.IGNORECASE)) for symptom, words in WORDS)


def classify(output: str) -> Symptom | None:
    """Return ``network`` or ``disk`` when a failing step's last lines say so, else None: then it is the step's own fault."""
    found = next((symptom for symptom, words in COMPILED if words.search(output)), None)
    return None if found == "network" and OWN.search(output) else found
