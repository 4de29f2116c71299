"""A release as the engine's container, and back: request bodies and answers. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rw_daemon.plans.commands import shell_text
from rw_daemon.runtimes.docker_frames import parse_stamp
from rw_daemon.runtimes.runtime import Exit, ReleaseKey, ReleaseSpec


def container(
    spec: ReleaseSpec, *, labels: dict[str, str], network: str, command: str, is_generated: bool, is_published: bool
) -> dict[str, Any]:
    """Return the body of ``/containers/create``."""
    variables = {**spec.variables, "HOST": "0.0.0.0"} | ({"PORT": str(spec.port)} if spec.port else {})  # noqa: S104 - inside the container
    host: dict[str, Any] = {
        "NetworkMode": network,
        "Init": True,  # reaps, and gives SIGTERM to apps that as process 1 would ignore it
        "RestartPolicy": {"Name": "no"},  # the supervisor restarts, with a budget
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "50m", "max-file": "4"}},
        "SecurityOpt": ["no-new-privileges"],
    }
    if is_generated:
        host |= {"CapDrop": ["ALL"], "CapAdd": ["NET_BIND_SERVICE"]}
    if spec.limits.memory_bytes:
        host |= {"Memory": spec.limits.memory_bytes, "MemorySwap": spec.limits.memory_bytes}  # equal: no swap
    if spec.limits.cpu:
        host["NanoCpus"] = round(spec.limits.cpu * 1e9)
    body: dict[str, Any] = {
        "Image": spec.artifact.reference,
        "Labels": labels,
        "Env": [f"{name}={value}" for name, value in variables.items()],
        "StopTimeout": round(spec.grace_seconds),
        "HostConfig": host,
    }
    if command:
        body |= {"Entrypoint": [], "Cmd": ["/bin/sh", "-c", shell_text(command)]}
    if spec.port and is_published:
        body["ExposedPorts"] = {f"{spec.port}/tcp": {}}
        host["PortBindings"] = {f"{spec.port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}
    return body


def address(found: dict[str, Any], *, is_bridged: bool) -> tuple[str, int]:
    """Return host and port where the edge reaches an inspected container; port 0 when it has none."""
    port = int(found["Config"]["Labels"].get("rw.port", 0))
    settings = found.get("NetworkSettings") or {}
    if is_bridged:
        own = [one["IPAddress"] for one in (settings.get("Networks") or {}).values() if one.get("IPAddress")]
        return (own[0], port) if own else ("127.0.0.1", 0)
    bound = (settings.get("Ports") or {}).get(f"{port}/tcp") or []
    return "127.0.0.1", int(bound[0]["HostPort"]) if bound else 0


def exit_of(state: dict[str, Any]) -> Exit | None:
    """Return how an inspected container ended. The engine tells 128 + n for a signal, as a shell does."""
    if state["Running"] or state["Status"] not in {"exited", "dead"}:
        return None
    code = int(state["ExitCode"])
    return Exit(code, code - 128 if 128 < code < 160 else 0, bool(state.get("OOMKilled")))


def key_of(labels: dict[str, str]) -> ReleaseKey:
    """Return the release that a container's labels name."""
    return ReleaseKey(
        labels["rw.project"], labels["rw.environment"], labels["rw.service"], labels["rw.deployment"], version=int(labels["rw.version"])
    )


def labels_of(key: ReleaseKey) -> dict[str, str]:
    """Return the labels from which ``key_of`` reads a release again."""
    return {
        "rw.project": key.project,
        "rw.environment": key.environment,
        "rw.service": key.service,
        "rw.deployment": key.deployment,
        "rw.version": str(key.version),
    }


def moment(text: str) -> datetime | None:
    """Return a moment of an answer; ``None`` for the zero that says never."""
    return None if text.startswith("0001-") else parse_stamp(text)[0]
