"""Reads railway.toml and railway.json. Pure: the caller hands in the text.

A file written for Railway works unchanged: ``[build]``, ``[deploy]``, ``[environments.NAME.build|deploy]``, enum values in any case,
seconds as a number or a quoted string. Keys and their meaning: Railway's config-as-code reference.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from math import isfinite
from typing import Any

from rw_shared import lines, selectors
from rw_shared.config import (
    BuildConfig,
    DeployConfig,
    MetricConfig,
    OnFailure,
    Queue,
    Reading,
    RestartPolicy,
    RolloutConfig,
    ScaleConfig,
    ServiceConfig,
    Strategy,
)
from rw_shared.errors import ConfigInvalidError
from rw_shared.models import NAME_PATTERN, Model


class Diagnostic(Model):
    """Something odd about the file that does not stop a deployment. ``severity``: ``warning`` or ``info``."""

    path: str
    line: int
    severity: str
    code: str
    message: str
    fix: str = ""


class ProjectConfig(Model):
    """A whole file for one environment."""

    name: str = ""
    main: ServiceConfig = ServiceConfig()
    variables: dict[str, str] = {}
    diagnostics: tuple[Diagnostic, ...] = ()

    def service(self) -> ServiceConfig:
        """Return the settings of the project's one service, shared variables included."""
        return self.main.model_copy(update={"variables": {**self.variables, **self.main.variables}})


# known keys of the tables; those without a reader are Railway's and mean nothing to rw, or nothing yet
BUILD_KEYS: dict[str, str] = {
    "builder": "text",
    "buildCommand": "text",
    "dockerfilePath": "text",
    "watchPatterns": "texts",
    "cache": "image",
    "nixpacksConfigPath": "text",
    "nixpacksPlan": "table",
}
# host, path in small letters, tag: as the distribution project's reference grammar has it
IMAGE = r"(?:[A-Za-z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::\w[\w.-]{0,127})?"
BUILD_IGNORED = {"railpackVersion", "nixpacksVersion", "buildEnvironment"}
DEPLOY_KEYS: dict[str, str] = {
    "startCommand": "text",
    "preDeployCommand": "commands",
    "healthcheckPath": "url_path",
    "healthcheckTimeout": "seconds",
    "restartPolicyType": "policy",
    "restartPolicyMaxRetries": "count",
    "numReplicas": "count",
    "overlapSeconds": "seconds",
    "drainingSeconds": "seconds",
    "queue": "queue",
    "sleepApplication": "flag",
    "sleepAfterSeconds": "seconds",
}
DEPLOY_IGNORED = {
    "multiRegionConfig",
    "region",
    "cronSchedule",
    "requiredMountPath",
    "registryCredentials",
    "ipv6EgressEnabled",
}
DEPLOY_IGNORED |= {"runtime", "useLegacyStacker"}
ROLLOUT_KEYS: dict[str, str] = {
    "strategy": "strategy",
    "steps": "shares",
    "stepSeconds": "seconds",
    "monitorSeconds": "seconds",
    "autoPromote": "flag",
    "sticky": "flag",
    "check": "text",
    "maxErrorRate": "rate",
    "maxLatencySeconds": "seconds",
    "onFailure": "outcome",
}
METRIC_KEYS: dict[str, str] = {
    "name": "title",
    "metric": "selector",
    "path": "url_path",
    "read": "reading",
    "command": "text",
    "max": "number",
    "min": "number",
    "maxRatio": "positive",
}
SCALE_KEYS: dict[str, str] = {"min": "count", "max": "count", "cpu": "rate", "memory": "rate", "requests": "positive"}
METRICS = "deploy.rollout.metrics"
METRICS_FIX = "Set deploy.rollout.monitorSeconds, or the strategy gradual or blue-green."
DEFAULT_CPU = 0.7  # what a replica is to use of its cores where `deploy.scale` names no target
DEPLOY_ALL = {*DEPLOY_KEYS, *DEPLOY_IGNORED, "limitOverride", "rollout", "scale"}
TOP_KEYS = {"build", "deploy", "environments", "project", "variables", "$schema"}
BUILDERS = {"RAILPACK", "DOCKERFILE", "NIXPACKS", "HEROKU", "PAKETO"}


def parse(text: str, *, filename: str, environment: str = "production", strict: bool = False) -> ProjectConfig:
    """Return what the file says for ``environment``.

    :param strict: an unknown key is an error.
    :raises ConfigInvalidError: it cannot be parsed, or a value has the wrong type: names file, line, key, expected and found.
    """
    reader = _Reader(text.removeprefix("\ufeff"), filename, is_strict=strict)
    document = reader.load()
    reader.known(document, TOP_KEYS, "")
    build, deploy = dict(reader.table(document, "build", "")), dict(reader.table(document, "deploy", ""))
    variables = dict(reader.table(document, "variables", ""))
    environments = reader.table(document, "environments", "")
    for other in environments:
        reader.known(reader.table(environments, other, "environments"), {"build", "deploy", "variables"}, f"environments.{other}")
    overlay, prefix = reader.table(environments, environment, "environments"), f"environments.{environment}"
    for name, base in (("build", build), ("deploy", deploy), ("variables", variables)):
        reader.overlay(base, reader.table(overlay, name, prefix), place=f"{prefix}.{name}", over=name)
    return ProjectConfig(
        name=reader.name(document),
        main=ServiceConfig(build=reader.build(build), deploy=reader.deploy(deploy), origins=reader.origins),
        variables=reader.variables(variables),
        diagnostics=tuple(reader.diagnostics),
    )


@dataclass
class _Reader:
    text: str
    filename: str
    is_strict: bool
    diagnostics: list[Diagnostic] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    """Key → the same key in the environment's block that said it."""

    def load(self) -> Mapping[str, Any]:
        try:
            document = json.loads(self.text or "{}") if self.filename.endswith(".json") else tomllib.loads(self.text)
            json.dumps(document, ensure_ascii=False, default=str).encode()  # what cannot be written again is refused here, once
        except tomllib.TOMLDecodeError as error:
            where = re.search(r"line (\d+)", str(error))
            raise ConfigInvalidError(f"{self.filename}:{where[1] if where else 1}", f"is not valid TOML: {error}.") from None
        except json.JSONDecodeError as error:
            raise ConfigInvalidError(f"{self.filename}:{error.lineno}", f"is not valid JSON: {error.msg}.") from None
        except UnicodeEncodeError:
            raise ConfigInvalidError(self.filename, "holds half a surrogate pair, which is no text.") from None
        except RecursionError:
            raise ConfigInvalidError(self.filename, "is nested too deeply.") from None
        except ValueError:
            raise ConfigInvalidError(self.filename, "holds a number that is too long.") from None
        if not isinstance(document, dict):
            raise ConfigInvalidError(f"{self.filename}:1", f"an object was expected, {_kind(document)} was found.")
        return document

    def line(self, key: str) -> int:
        """Return the line that sets a dotted key, where it stands in an environment's block that one; 1 when it cannot be told."""
        return lines.find(self.text, self.place(key), is_json=self.filename.endswith(".json"))

    def place(self, key: str) -> str:
        """Return the key in the environment's block that said it, or a table around it."""
        head = key
        while head and head not in self.places:
            head = head.rpartition(".")[0]
        return self.places[head] + key.removeprefix(head) if head else key

    def wrong(self, key: str, expected: str, found: Any) -> ConfigInvalidError:
        return ConfigInvalidError(
            f"{self.filename}:{self.line(key)}", f"{self.place(key)}: {expected} was expected, {_kind(found)} was found."
        )

    def note(self, key: str, severity: str, code: str, message: str, fix: str = "") -> None:
        self.diagnostics.append(Diagnostic(path=self.filename, line=self.line(key), severity=severity, code=code, message=message, fix=fix))

    def table(self, parent: Mapping[str, Any], key: str, prefix: str) -> Mapping[str, Any]:
        value = parent.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(f"{prefix}.{key}".lstrip("."), "a table", value)
        return value

    def known(self, table: Mapping[str, Any], names: set[str], prefix: str) -> None:
        for key in table:
            if key in names:
                continue
            dotted = f"{prefix}.{key}".lstrip(".")
            near = difflib.get_close_matches(key, sorted(names), n=1)
            fix = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(sorted(names))}."
            if self.is_strict:
                raise ConfigInvalidError(f"{self.filename}:{self.line(dotted)}", f"{dotted} is not a key that rw knows.", hint=fix)
            self.note(dotted, "warning", "UNKNOWN_KEY", f"{dotted} is not a key that rw knows; it changes nothing.", fix)

    def overlay(self, base: dict[str, Any], table: Mapping[str, Any], *, place: str, over: str) -> None:
        """Merge an environment's table over ``base``: keys merge, lists replace (``"..."`` stands for what was there), ``unset`` removes.

        :param place: dotted name of ``table``. ``over``: of ``base``.
        """
        for key in _texts(self, f"{place}.unset", table.get("unset", [])):
            base.pop(key, None)
        for key, value in table.items():
            before = base.get(key)
            if key == "unset":
                continue
            if isinstance(value, dict) and isinstance(before, dict):
                base[key] = dict(before)
                self.overlay(base[key], value, place=f"{place}.{key}", over=f"{over}.{key}")
                continue
            if isinstance(value, list) and "..." in value and isinstance(before, list):
                at = value.index("...")
                value = [*value[:at], *before, *value[at + 1 :]]
            base[key] = value
            self.places[f"{over}.{key}"] = f"{place}.{key}"

    # --- values

    def _read(self, table: Mapping[str, Any], prefix: str, kinds: Mapping[str, str]) -> dict[str, Any]:
        values = {}
        for key, kind in kinds.items():
            if table.get(key) is not None:
                dotted = f"{prefix}.{key}"
                values[_snake(key)] = READERS[kind](self, dotted, table[key])
                self.origins[dotted] = f"{self.filename}:{self.line(dotted)}"
        return values

    def build(self, table: Mapping[str, Any]) -> BuildConfig:
        self.known(table, {*BUILD_KEYS, *BUILD_IGNORED}, "build")
        self._ignored(table, BUILD_IGNORED, "build")
        values = self._read(table, "build", BUILD_KEYS)
        builder = values.get("builder")
        if builder is not None:
            values["builder"] = builder.upper()
            if values["builder"] not in BUILDERS:
                raise self.wrong("build.builder", f"one of {', '.join(sorted(BUILDERS))}", builder)
        return BuildConfig(**values)

    def deploy(self, table: Mapping[str, Any]) -> DeployConfig:
        self.known(table, DEPLOY_ALL, "deploy")
        self._ignored(table, DEPLOY_IGNORED, "deploy")
        values = self._read(table, "deploy", DEPLOY_KEYS)
        rollout = self.table(table, "rollout", "deploy")
        self.known(rollout, {*ROLLOUT_KEYS, "metrics"}, "deploy.rollout")
        said = self._read(rollout, "deploy.rollout", ROLLOUT_KEYS)
        if metrics := self.metrics(rollout.get("metrics")):
            said["metrics"] = metrics
        if said:
            values["rollout"] = made = RolloutConfig(**said)
            if metrics and made.strategy not in {Strategy.GRADUAL, Strategy.BLUE_GREEN} and not made.monitor_seconds:
                self.note(METRICS, "warning", "KEY_WITHOUT_EFFECT", f"{METRICS}: nobody judges this release.", METRICS_FIX)
        containers = self.table(self.table(table, "limitOverride", "deploy"), "containers", "deploy.limitOverride")
        self.known(containers, {"cpu", "memoryBytes", "diskBytes"}, "deploy.limitOverride.containers")
        if containers.get("cpu") is not None:
            values["cpu"] = _positive(self, "deploy.limitOverride.containers.cpu", containers["cpu"])
        if containers.get("memoryBytes") is not None:
            key = "deploy.limitOverride.containers.memoryBytes"
            values["memory_bytes"] = max(1, int(_positive(self, key, containers["memoryBytes"])))
        return DeployConfig(**values, scale=self.scale(self.table(table, "scale", "deploy"), has_limit="memory_bytes" in values))

    def metrics(self, value: Any) -> tuple[MetricConfig, ...]:
        if value is not None and not isinstance(value, list):
            raise self.wrong(METRICS, f"a list of tables, each under [[{METRICS}]],", value)
        found = [self._metric(one, f"{METRICS}.{place}") for place, one in enumerate(value or ())]
        for place, one in enumerate(found):
            if one.name in [other.name for other in found[:place]]:
                raise self.wrong(f"{METRICS}.{place}.name", "a name of its own", one.name)
        return tuple(found)

    def _metric(self, table: Any, prefix: str) -> MetricConfig:
        if not isinstance(table, dict):
            raise self.wrong(prefix, "a table", table)
        self.known(table, {*METRIC_KEYS}, prefix)
        said = self._read(table, prefix, METRIC_KEYS)
        if "name" not in said:
            raise self.wrong(f"{prefix}.name", "a name for the verdicts", None)
        if not said.keys() & {"metric", "command"}:
            raise self.wrong(f"{prefix}.metric", "a metric of the app, or a command,", None)
        for key in ("metric", "path", "read"):
            if "command" in said and key in said:
                raise self.wrong(f"{prefix}.{key}", "nothing beside command", table[key])
        made = MetricConfig(**said)
        if made.metric and not made.is_bounded:
            raise self.wrong(f"{prefix}.max", "a bound (max, min or maxRatio)", None)
        if made.max is not None and made.min is not None and made.min > made.max:
            raise self.wrong(f"{prefix}.min", f"a number up to {made.max:g} (max)", made.min)
        return made

    def scale(self, table: Mapping[str, Any], *, has_limit: bool) -> ScaleConfig | None:
        self.known(table, {*SCALE_KEYS}, "deploy.scale")
        said = self._read(table, "deploy.scale", SCALE_KEYS)
        if not said:
            return None
        least, most = said.get("min", 1), said.get("max")
        if most is None or most < max(least, 1):
            raise self.wrong("deploy.scale.max", f"a whole number from {max(least, 1)} on", most)
        for key in ("cpu", "memory"):
            if said.get(key) == 0:
                raise self.wrong(f"deploy.scale.{key}", "a share above 0", 0)
        if "memory" in said and not has_limit:
            raise self.wrong("deploy.limitOverride.containers.memoryBytes", "a limit for deploy.scale.memory to be a share of", None)
        return ScaleConfig(**said if said.keys() & {"cpu", "memory", "requests"} else {**said, "cpu": DEFAULT_CPU})

    def _ignored(self, table: Mapping[str, Any], names: set[str], prefix: str) -> None:
        for key in sorted(names & table.keys()):
            self.note(f"{prefix}.{key}", "info", "KEY_WITHOUT_EFFECT", f"{prefix}.{key} is Railway's; rw does not act on it.")

    def variables(self, table: Mapping[str, Any]) -> dict[str, str]:
        found = {}
        for name, value in table.items():
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                raise self.wrong(f"variables.{name}", "a name of letters, digits and _", name)
            if isinstance(value, bool):
                found[name] = "true" if value else "false"
            elif isinstance(value, str | int | float):
                found[name] = str(value)
            elif value is not None:
                raise self.wrong(f"variables.{name}", "a text or number", value)
            said = found.get(name, "")
            if name == "PORT" and "${{" not in said and not (said.isascii() and said.isdigit() and 0 < int(said[:6]) < 65536):
                raise self.wrong("variables.PORT", "a port from 1 to 65535", value)
            if "\0" in found.get(name, ""):
                raise self.wrong(f"variables.{name}", "a text without a NUL byte", value)
        return found

    def name(self, document: Mapping[str, Any]) -> str:
        table = self.table(document, "project", "")
        self.known(table, {"name"}, "project")
        name = table.get("name")
        if name is None:
            return ""
        if not isinstance(name, str) or not re.fullmatch(NAME_PATTERN, name):
            raise self.wrong("project.name", "a name of lower-case letters, digits and -, at most 40,", name)
        return name


def _text(reader: _Reader, key: str, value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise reader.wrong(key, "a text", value)
    return value


def _texts(reader: _Reader, key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise reader.wrong(key, "a list of texts", value)
    return tuple(_text(reader, key, one) for one in value)


def _commands(reader: _Reader, key: str, value: Any) -> tuple[str, ...]:
    texts = _texts(reader, key, value if isinstance(value, list) else [value])
    return tuple(one for one in texts if one.strip())


def _image(reader: _Reader, key: str, value: Any) -> str:
    name = _text(reader, key, value)
    if not re.fullmatch(IMAGE, name):
        raise reader.wrong(key, "an image's name like registry.example.com/team/shop:cache", value)
    return name


def _url_path(reader: _Reader, key: str, value: Any) -> str:
    path = _text(reader, key, value).strip()
    if not path.isprintable() or " " in path or not path.isascii():
        raise reader.wrong(key, "a path like /health, without spaces", value)
    return path if not path or path.startswith("/") else f"/{path}"


def _seconds(reader: _Reader, key: str, value: Any) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise reader.wrong(key, "a number of seconds", value) from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 86_400:
        raise reader.wrong(key, "a number of seconds from 0 to 86400", value)
    return float(value)


def _flag(reader: _Reader, key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise reader.wrong(key, "true or false", value)
    return value


def _count(reader: _Reader, key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1000:
        raise reader.wrong(key, "a whole number from 0 to 1000", value)
    return value


def _positive(reader: _Reader, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e15:
        raise reader.wrong(key, "a number above 0", value)
    return float(value)


def _one_of(kind: type[StrEnum]) -> Callable[[_Reader, str, Any], StrEnum]:
    """Return what reads one of an enumeration's values, in any case."""

    def read(reader: _Reader, key: str, value: Any) -> StrEnum:
        said = _text(reader, key, value).lower()
        for one in kind:
            if one.lower() == said:
                return one
        raise reader.wrong(key, f"one of {', '.join(kind)}", value)

    return read


def _table(reader: _Reader, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise reader.wrong(key, "a table", value)
    return value


def _title(reader: _Reader, key: str, value: Any) -> str:
    text = _text(reader, key, value).strip()
    if not text.isprintable() or not 0 < len(text) <= 40:
        raise reader.wrong(key, "a name of at most 40 letters", value)
    return text


def _selector(reader: _Reader, key: str, value: Any) -> str:
    try:
        selectors.parse(_text(reader, key, value))
    except ValueError:
        raise reader.wrong(key, 'a metric such as errors_total or http_requests_total{code=~"5.."}', value) from None
    return str(value)


def _number(reader: _Reader, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or abs(value) > 1e300:
        raise reader.wrong(key, "a number", value)
    return float(value)


def _shares(reader: _Reader, key: str, value: Any) -> tuple[int, ...]:
    expected = "a list of rising whole percents that ends with 100"
    if not isinstance(value, list) or not value or any(isinstance(one, bool) or not isinstance(one, int) for one in value):
        raise reader.wrong(key, expected, value)
    if value[-1] != 100 or value[0] < 1 or any(later <= earlier for earlier, later in pairwise(value)):
        raise reader.wrong(key, expected, ", ".join(map(str, value)))
    return tuple(value)


def _rate(reader: _Reader, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise reader.wrong(key, "a share from 0 to 1", value)
    return float(value)


READERS: dict[str, Callable[[_Reader, str, Any], Any]] = {
    "text": _text, "texts": _texts, "commands": _commands, "url_path": _url_path, "seconds": _seconds, "count": _count,
    "policy": _one_of(RestartPolicy), "strategy": _one_of(Strategy), "queue": _one_of(Queue), "outcome": _one_of(OnFailure), "flag": _flag,
    "shares": _shares, "rate": _rate, "positive": _positive,
    "title": _title, "selector": _selector, "reading": _one_of(Reading), "number": _number, "image": _image, "table": _table,
}  # fmt: skip


def _snake(key: str) -> str:
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), key)


def _kind(value: Any) -> str:
    """Return what a value is, in words, and the value where it is short."""
    names = {
        bool: "a truth value",
        str: "the text",
        int: "the number",
        float: "the number",
        list: "a list",
        dict: "a table",
        type(None): "nothing",
    }
    word = names.get(type(value), type(value).__name__)
    return f"{word} {value!r}"[:80] if isinstance(value, str | int | float) else word
