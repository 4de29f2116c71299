"""Deno projects whose packages come from a registry, as their lock files have them."""

from __future__ import annotations

import json
from typing import Any

INTEGRITY = {
    "is-number@6.0.0": "sha512-Wu1VHeILBK8KAWJUAiSZQX94GmOE45Rg6/538fKwiloUu21KncEkYGPqob2oSZ5mUT73vLGrHQjKw3KMPwfDzg==",
    "is-odd@3.0.1": "sha512-CQpnWPrDwmP1+SMHXZhtLtJv90yiyVfluGsX5iNCVkrhQtU3TQHsUWPG9wkdk9Lgd5yNpAg9jQEo90CBaXgWMA==",
    "ms@2.1.3": "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==",
}
DEPENDENCIES = {"is-odd@3.0.1": ["is-number"]}


def locked(name: str, *packages: str) -> dict[str, str]:
    """Return an app of this name that asks for ``packages`` (``is-odd@3.0.1``)."""
    asked = [f"npm:{one}" for one in packages]
    there = sorted({*packages, *(key for key in INTEGRITY for one in packages if key.partition("@")[0] in DEPENDENCIES.get(one, ()))})
    npm: dict[str, Any] = {
        key: {"integrity": INTEGRITY[key]} | ({"dependencies": DEPENDENCIES[key]} if key in DEPENDENCIES else {}) for key in there
    }
    lock = {
        "version": "5",
        "specifiers": {one: one.rpartition("@")[2] for one in asked},
        "npm": npm,
        "workspace": {"dependencies": asked},
    }
    return {
        "deno.json": json.dumps(
            {"name": name, "exports": "./main.ts", "imports": {one.partition("@")[0]: f"npm:{one}" for one in packages}}
        ),
        "deno.lock": json.dumps(lock, indent=2) + "\n",
        "main.ts": "".join(f'import "{one.partition("@")[0]}";\n' for one in packages) + "Deno.serve(() => new Response());\n",
    }
