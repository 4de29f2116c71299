"""Reads railway.toml and railway.json. Pure: the caller hands in the text.

A file written for Railway works unchanged: ``[build]``, ``[deploy]``, ``[environments.NAME.build|deploy]``, enum values in any case,
seconds as a number or a quoted string. Keys and their meaning: Railway's config-as-code reference.
"""

from __future__ import annotations

import difflib
import json
import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rw_shared import lines
from rw_shared.config import BuildConfig, DeployConfig, MetricConfig, RolloutConfig, ScaleConfig, ServiceConfig, Strategy
from rw_shared.errors import ConfigInvalidError
from rw_shared.models import NAME_PATTERN, Model
from rw_shared.railway_values import READERS, kind_of, positive, snake, texts


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
    services: dict[str, ServiceConfig] = {}
    """The tables under ``[services]``, by name. What ``main`` says holds in each of them as well."""
    variables: dict[str, str] = {}
    diagnostics: tuple[Diagnostic, ...] = ()

    def service(self, name: str = "") -> ServiceConfig:
        """Return the settings of the project's one service, or of a named one, shared variables included. ``KeyError``."""
        said = self.services[name] if name else self.main
        return said.model_copy(update={"variables": {**self.variables, **said.variables}})


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
SHARED = "shared"
TABLES = ("build", "deploy")
SERVICE_KEYS = {*TABLES, "variables", "source"}
TOP_KEYS = {*TABLES, "variables", "services", "environments", "project", "$schema"}
BUILDERS = {"RAILPACK", "DOCKERFILE", "NIXPACKS", "HEROKU", "PAKETO"}


def parse(text: str, *, filename: str, environment: str = "production", strict: bool = False) -> ProjectConfig:
    """Return what the file says for ``environment``.

    :param strict: an unknown key is an error.
    :raises ConfigInvalidError: it cannot be parsed, or a value has the wrong type: names file, line, key, expected and found.
    """
    reader = _Reader(text.removeprefix("\ufeff"), filename, is_strict=strict)
    document = reader.load()
    reader.known(document, TOP_KEYS, "")
    environments = reader.table(document, "environments", "")
    for other in environments:
        reader.known(reader.table(environments, other, "environments"), {*TABLES, "variables", "services"}, f"environments.{other}")
    top, here = Layer(document), Layer(reader.table(environments, environment, "environments"), f"environments.{environment}")
    return ProjectConfig(
        name=reader.name(document),
        main=reader.service([top, here]),
        services={name: reader.fresh().service([top, own, here, over], own=(own, over)) for name, own, over in reader.services(top, here)},
        variables=reader.fresh().variables(reader.merged("variables", [top, here])),
        diagnostics=tuple(dict.fromkeys(reader.diagnostics)),
    )


@dataclass(frozen=True)
class Layer:
    """Tables that say something about a service: the file's own, a service's, an environment's. The later ones win.

    :param place: dotted name, empty for the file's own.
    """

    tables: Mapping[str, Any]
    place: str = ""

    def key(self, name: str) -> str:
        """Return the dotted name of something in it."""
        return f"{self.place}.{name}".lstrip(".")


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
            raise ConfigInvalidError(f"{self.filename}:1", f"an object was expected, {kind_of(document)} was found.")
        return document

    def fresh(self) -> _Reader:
        """Return a reader for another service, which finds its values elsewhere in the file."""
        return replace(self, origins={}, places={})

    def services(self, top: Layer, here: Layer) -> Iterator[tuple[str, Layer, Layer]]:
        """Yield the name of each service under ``[services]``, its table, and the environment's for it."""
        named, overlays = self.table(top.tables, "services", ""), self.table(here.tables, "services", here.place)
        if overlays:
            self.known(overlays, {*named}, here.key("services"))
        for name in named:
            own = Layer(self.table(named, name, "services"), f"services.{name}")
            if not re.fullmatch(NAME_PATTERN, name):
                raise self.wrong(own.place, "a name of lower-case letters, digits and -, at most 40,", name)
            if name == SHARED:
                raise self.wrong(own.place, "another name (variables refer to the shared ones by it)", name)
            self.known(own.tables, SERVICE_KEYS, own.place)
            over = Layer(self.table(overlays, name, here.key("services")), here.key(own.place))
            self.known(over.tables, {*TABLES, "variables"}, over.place)
            yield name, own, over

    def service(self, layers: Sequence[Layer], *, own: Sequence[Layer] = ()) -> ServiceConfig:
        """Return a service's settings: the last layer wins. ``own``: those of a service with a name, whose variables are not shared."""
        build, deploy = (self.merged(name, layers) for name in TABLES)
        return ServiceConfig(
            source=self.source(own[0]) if own else "",
            build=self.build(build),
            deploy=self.deploy(deploy),
            variables=self.variables(self.merged("variables", own)),
            origins=self.origins,
        )

    def merged(self, name: str, layers: Sequence[Layer]) -> dict[str, Any]:
        """Return a table as all layers together say it."""
        found: dict[str, Any] = {}
        for layer in layers:
            table = self.table(layer.tables, name, layer.place)
            if layer.place:
                self.overlay(found, table, place=layer.key(name), over=name)
            else:
                found.update(table)
        return found

    def source(self, layer: Layer) -> str:
        """Return the folder of a service, from the file's; empty for that one itself."""
        key, value = layer.key("source"), layer.tables.get("source", "")
        said = READERS["text"](self, key, value)
        folder = posixpath.normpath(said.strip() or ".")
        if folder.startswith(("/", "..")):
            raise self.wrong(key, "a folder below this one, like apps/web,", value)
        if said:
            self.origins["source"] = f"{self.filename}:{self.line(key)}"
        return "" if folder == "." else folder

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
            f"{self.filename}:{self.line(key)}", f"{self.place(key)}: {expected} was expected, {kind_of(found)} was found."
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
            words = f"{self.place(dotted)} is not a key that rw knows"
            if self.is_strict:
                raise ConfigInvalidError(f"{self.filename}:{self.line(dotted)}", f"{words}.", hint=fix)
            self.note(dotted, "warning", "UNKNOWN_KEY", f"{words}; it changes nothing.", fix)

    def overlay(self, base: dict[str, Any], table: Mapping[str, Any], *, place: str, over: str) -> None:
        """Merge an environment's table over ``base``: keys merge, lists replace (``"..."`` stands for what was there), ``unset`` removes.

        :param place: dotted name of ``table``. ``over``: of ``base``.
        """
        for key in texts(self, f"{place}.unset", table.get("unset", [])):
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
                values[snake(key)] = READERS[kind](self, dotted, table[key])
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
            values["cpu"] = positive(self, "deploy.limitOverride.containers.cpu", containers["cpu"])
        if containers.get("memoryBytes") is not None:
            key = "deploy.limitOverride.containers.memoryBytes"
            values["memory_bytes"] = max(1, int(positive(self, key, containers["memoryBytes"])))
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
