"""What became of an operation, from the state stored in the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rw_cli.client import Client, Json
from rw_cli.render.orders import done
from rw_shared.errors import DeploymentFailedError, RwError

CHANGES = {"rollback", "sleep", "wake"}
"""Orders that make no deployment and still change what answers."""


@dataclass(frozen=True)
class Outcome:
    """The result row, the error that is in it, the status to exit with, and what to say of an order that made no release."""

    result: Json
    error: RwError | None
    exit_code: int
    said: Sequence[str] = ()


def outcome_of(client: Client, place: str, operation: Json, *, late: RwError | None, seconds: float) -> Outcome:
    """Return the outcome as it is stored now.

    :param late: set when the waiting ended before the operation did.
    """
    made = {name: client.call("GET", f"/v1/deployments/{name}") for name in operation["deployments"]}
    error = late or _error(operation, list(made.values()))
    status = "running" if late else {"succeeded": "failed" if error else "active"}.get(operation["status"], operation["status"])
    there = client.call("GET", place, query={"live": False})["services"]
    rows = _services(client, there, operation, list(made.values()))
    result: Json = {
        "schema": "rw/v1", "type": "result", "status": status, "operation": operation["id"], "project": operation["project"],
        "environment": operation["environment"], "services": rows, "durationMs": round(seconds * 1000),
    }  # fmt: skip
    if error:
        return Outcome({**result, "error": error.to_wire()}, error, error.exit_code)
    if any(one["changed"] for one in made.values()):
        return Outcome(result, None, 0)
    named = {row["name"] for row in rows}
    return Outcome(result, None, 0, done(operation["kind"], [one for one in there if one["name"] in named]))


def refused(error: RwError, *, project: str, environment: str) -> Outcome:
    """Return the outcome of an order that was not accepted."""
    result: Json = {"schema": "rw/v1", "type": "result", "status": "failed", "operation": "", "project": project,
                    "environment": environment, "services": [], "durationMs": 0, "error": error.to_wire()}  # fmt: skip
    return Outcome(result, error, error.exit_code)


def _error(operation: Json, made: list[Json]) -> RwError | None:
    """Return why the operation did not succeed: the failed deployment's words say more than the operation's."""
    if operation["status"] == "succeeded":  # a release may have been taken back since, by its watch
        made = [one for one in made if one["status"] == "rolled_back"]
        return RwError.from_wire(made[0]["error"]) if made else None
    said = next((one["error"] for one in made if one.get("error")), None) or operation.get("error")
    return RwError.from_wire(said) if said else DeploymentFailedError(f"The operation was {operation['status']}.")


def _services(client: Client, there: list[Json], operation: Json, made: list[Json]) -> list[Json]:
    """Return a row for each service that the operation is about, also for one that stayed as it was."""
    deployments = {one["service"]: one for one in made}
    rows = []
    for service in there:
        name, serving = service["name"], service.get("serving")
        if name in deployments:
            rows.append(_row(deployments[name], service))
        elif name in operation["services"] and serving:
            rows.append(_row({**client.call("GET", f"/v1/deployments/{serving}"), "changed": operation["kind"] in CHANGES}, service))
    told = {row["name"] for row in rows}
    return [*rows, *(_row(one, {}) for name, one in deployments.items() if name not in told)]


def _row(deployment: Json, service: Json) -> Json:
    artifact = deployment.get("artifact") or {}
    reference = artifact.get("reference", "")
    return {
        "name": deployment["service"], "status": deployment["status"], "url": service.get("url", ""), "urls": service.get("urls", []),
        "deployment": deployment["id"], "version": deployment["version"], "image": reference,
        "imageDigest": artifact.get("digest") or (reference if artifact.get("kind") == "image" else ""),
        "imageBytes": artifact.get("sizeBytes", 0), "commit": deployment["commit"], "previousDeployment": deployment["previous"],
        "changed": deployment["changed"],
    }  # fmt: skip
