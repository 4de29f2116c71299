"""The JSON Schema of railway.toml, made from the keys that the reader knows, so that the two cannot differ."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from rw_shared.config import OnFailure, Queue, Reading, RestartPolicy, Strategy
from rw_shared.models import NAME_PATTERN
from rw_shared.railway_toml import (
    BUILD_IGNORED,
    BUILD_KEYS,
    BUILDERS,
    DEPLOY_IGNORED,
    DEPLOY_KEYS,
    METRIC_KEYS,
    ROLLOUT_KEYS,
    SCALE_KEYS,
)
from rw_shared.railway_values import IMAGE

Json = dict[str, Any]
TEXT: Json = {"type": "string"}


def _one_of(kind: type[StrEnum]) -> Json:
    return {"type": "string", "pattern": f"^(?i:{'|'.join(kind)})$"}


KINDS: dict[str, Json] = {
    "text": TEXT,
    "texts": {"type": "array", "items": TEXT},
    "commands": {"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
    "image": {"type": "string", "pattern": f"^{IMAGE}$"},
    "url_path": TEXT,
    "seconds": {"anyOf": [{"type": "number", "minimum": 0, "maximum": 86_400}, {"type": "string", "pattern": r"^\d+(\.\d+)?$"}]},
    "count": {"type": "integer", "minimum": 0, "maximum": 1000},
    "strategy": _one_of(Strategy),
    "queue": _one_of(Queue),
    "outcome": _one_of(OnFailure),
    "flag": {"type": "boolean"},
    "shares": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 100}, "minItems": 1},
    "rate": {"type": "number", "minimum": 0, "maximum": 1},
    "positive": {"type": "number", "exclusiveMinimum": 0},
    "policy": _one_of(RestartPolicy),
    "title": {"type": "string", "minLength": 1, "maxLength": 40},
    "selector": TEXT,
    "reading": _one_of(Reading),
    "number": {"type": "number"},
    "table": {"type": "object"},
}
WITHOUT_EFFECT: Json = {"description": "Railway's; rw does not act on it."}


def json_schema() -> Json:
    """Return the schema (JSON Schema 2020-12)."""
    build = _table(BUILD_KEYS, BUILD_IGNORED)
    build["properties"]["builder"] = {"type": "string", "pattern": f"^(?i:{'|'.join(sorted(BUILDERS))})$"}
    deploy = _table(DEPLOY_KEYS, DEPLOY_IGNORED)
    above_zero = {"type": "number", "exclusiveMinimum": 0}
    containers = {"type": "object", "properties": {"cpu": above_zero, "memoryBytes": above_zero, "diskBytes": above_zero}}
    deploy["properties"]["limitOverride"] = {"type": "object", "properties": {"containers": containers}}
    deploy["properties"]["rollout"] = rollout = _table(ROLLOUT_KEYS, set())
    rollout["properties"]["metrics"] = {"type": "array", "items": {**_table(METRIC_KEYS, set()), "required": ["name"]}}
    deploy["properties"]["scale"] = _table(SCALE_KEYS, set())
    variables: Json = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
    tables = {"build": build, "deploy": deploy, "variables": variables}
    overlay = {name: {**one, "properties": {**one.get("properties", {}), "unset": KINDS["texts"]}} for name, one in tables.items()}
    of_service = {"type": "object", "properties": overlay, "additionalProperties": False}
    environment = {"type": "object", "properties": {**overlay, "services": _by_name(of_service)}, "additionalProperties": False}
    service = {"type": "object", "properties": {"source": TEXT, **tables}, "additionalProperties": False}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "railway.toml",
        "type": "object",
        "properties": {
            "$schema": TEXT,
            "project": {"type": "object", "properties": {"name": {"type": "string", "pattern": NAME_PATTERN}}},
            **tables,
            "services": _by_name(service),
            "environments": {"type": "object", "additionalProperties": environment},
        },
        "additionalProperties": False,
    }


def _by_name(table: Json) -> Json:
    return {"type": "object", "propertyNames": {"pattern": NAME_PATTERN}, "additionalProperties": table}


def _table(keys: dict[str, str], ignored: set[str]) -> Json:
    properties = {name: KINDS[kind] for name, kind in keys.items()} | dict.fromkeys(sorted(ignored), WITHOUT_EFFECT)
    return {"type": "object", "properties": properties, "additionalProperties": False}
