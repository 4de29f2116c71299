"""From a deployment to what a runtime starts: pure, so that a restarted daemon comes to the same specification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rw_daemon.builds.builder import SOURCE_DATE_EPOCH
from rw_daemon.deployments.planner import Planned
from rw_daemon.plans.plan import ServicePlan
from rw_daemon.runtimes.runtime import Limits, Release, ReleaseKey, ReleaseSpec
from rw_daemon.settings import Settings
from rw_shared.config import ServiceConfig
from rw_shared.errors import ConfigInvalidError
from rw_shared.models import DEFAULT_ENVIRONMENT, Artifact, Deployment, ServiceKind


def key_of(deployment: Deployment) -> ReleaseKey:
    """Return what the deployment's release is known by."""
    return ReleaseKey(deployment.project, deployment.environment, deployment.service, deployment.id, deployment.version)


def hostname(*, project: str, environment: str, service: str) -> str:
    """Return the service's name at the edge; every ``*.localhost`` name is this machine (RFC 6761)."""
    parts = [service] if environment == DEFAULT_ENVIRONMENT else [service, environment]
    return ".".join([*parts, project, "localhost"])


def wanted_replicas(config: ServiceConfig, service: ServicePlan, *, before: int = 0) -> int:
    """Return how many replicas the file asks for: of the web service, since a worker may not be safe to run twice.

    :param before: how many the service has by now: a new release takes over the number that the load asked for.
    """
    scale = config.deploy.scale
    if service.kind is ServiceKind.WEB and scale is not None:
        return max(scale.least, min(before or config.deploy.num_replicas or scale.least, scale.max))
    if service.kind is ServiceKind.WEB and config.deploy.num_replicas is not None:
        return config.deploy.num_replicas
    return 1


def epoch_of(variables: Mapping[str, str], environ: Mapping[str, str]) -> int | None:
    """Return the moment that an image is to carry: the service's SOURCE_DATE_EPOCH, else the caller's; ``None`` for that of its build.

    Seconds since 1970, below 2**33, which is what an archive's header holds. :raises ConfigInvalidError: it is no such number.
    """
    said = variables.get(SOURCE_DATE_EPOCH) or environ.get(SOURCE_DATE_EPOCH) or ""
    if not said:
        return None
    if not (said.isascii() and said.isdigit() and len(said) <= 10 and int(said) < 2**33):
        hint = f"Set it to seconds since 1970, like `{SOURCE_DATE_EPOCH}=$(git log -1 --format=%ct)`."
        raise ConfigInvalidError(SOURCE_DATE_EPOCH, "is no moment.", hint=hint)
    return int(said)


def spec_of(
    deployment: Deployment,
    planned: Planned,
    *,
    artifact: Artifact,
    variables: dict[str, str],
    environ: Mapping[str, str],
    settings: Settings,
) -> ReleaseSpec:
    """Return what to run for a deployment."""
    service = planned.service(deployment.service)
    deploy = planned.config.deploy
    return ReleaseSpec(
        key=key_of(deployment),
        artifact=artifact,
        command=service.start,
        kind=service.kind,
        variables=variables,
        port=port_of(planned, deployment),
        replicas=deployment.replicas,
        path=planned.plan.path,
        limits=Limits(deploy.cpu, deploy.memory_bytes),
        grace_seconds=settings.grace_seconds if deploy.draining_seconds is None else deploy.draining_seconds,
        environ=dict(environ),
    )


def asking(spec: ReleaseSpec, release: Release) -> ReleaseSpec:
    """Return what to run for a command that asks a release something: it finds it at ``RW_PREVIEW_URL``."""
    first = release.instances[0]
    url = f"http://{first.inside or f'{first.host}:{first.port}'}"
    return replace(spec, variables={**spec.variables, "RW_PREVIEW_URL": url})


def port_of(planned: Planned, deployment: Deployment) -> int:
    """Return where an app listens in its container: what the user says, else what a foreign image says, else what the plan says."""
    service, artifact = planned.service(deployment.service), deployment.artifact
    own = planned.config.variables.get("PORT", "")
    return int(own) if own.isdigit() and service.port else (service.port and artifact and artifact.port) or service.port
