"""What the docker command knows about a registry's users: ``config.json`` and the helpers that it names."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rw_daemon.plans.bases import HUB
from rw_daemon.processes import spawning

HUB_KEY = "https://index.docker.io/v1/"
"""Under this name ``docker login`` keeps the hub's user."""
TOKEN_USER = "<token>"  # noqa: S105 - a helper's way of saying that the secret is an identity token


async def registry_auth(registry: str, environ: Mapping[str, str]) -> str:
    """Return the value of ``X-Registry-Auth`` for a registry; empty when nobody logged in.

    The format is that of the Engine API's "Authentication"; the helpers' protocol that of docker-credential-helpers.

    :param environ: HOME, DOCKER_CONFIG and PATH are read.
    """
    folder = Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME", "/")) / ".docker")
    config = await asyncio.to_thread(_config, folder / "config.json")
    name = HUB_KEY if registry == HUB else registry
    helper = (config.get("credHelpers") or {}).get(name) or config.get("credsStore")
    found = await _asked(str(helper), name, environ) if helper else {}
    return _encoded({"serveraddress": name, **found}) if found else _kept(config, name)


def _kept(config: Mapping[str, Any], name: str) -> str:
    entries = config.get("auths") or {}
    entry = entries.get(name) or entries.get(f"https://{name}") or {}
    try:
        user, _, password = base64.b64decode(entry.get("auth", "")).decode().partition(":")
    except ValueError:
        return ""
    if token := entry.get("identitytoken"):
        return _encoded({"serveraddress": name, "identitytoken": token})
    return _encoded({"serveraddress": name, "username": user, "password": password}) if user else ""


async def _asked(helper: str, name: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a helper keeps; empty when it is not installed or knows nobody."""
    try:
        code, said = await spawning.ask([f"docker-credential-{helper}", "get"], text=name, environ=environ)
        answer = json.loads(said) if code == 0 else {}
    except (OSError, ValueError):
        return {}
    if not answer.get("Secret"):
        return {}
    if answer.get("Username") == TOKEN_USER:
        return {"identitytoken": answer["Secret"]}
    return {"username": answer.get("Username", ""), "password": answer["Secret"]}


def _config(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _encoded(value: Mapping[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
