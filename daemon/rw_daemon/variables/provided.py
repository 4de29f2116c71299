"""What rw tells each app about itself, under Railway's names."""

from __future__ import annotations


def provided(
    *, project: str, environment: str, service: str, deployment: str, snapshot: str, commit: str, domain: str, private: str
) -> dict[str, str]:
    """Return the provided variables of a service. PORT and HOST are the runtime's.

    :param domain: host and port at the edge, empty for a worker.
    :param private: where services of the same environment reach it.
    Source of the names: Railway's reference of variables.
    """
    found = {
        "RAILWAY_PROJECT_NAME": project,
        "RAILWAY_ENVIRONMENT_NAME": environment,
        "RAILWAY_ENVIRONMENT": environment,
        "RAILWAY_SERVICE_NAME": service,
        "RAILWAY_DEPLOYMENT_ID": deployment,
        "RAILWAY_SNAPSHOT_ID": snapshot,
    }
    if commit:
        found["RAILWAY_GIT_COMMIT_SHA"] = commit
    if domain:
        found |= {"RAILWAY_PUBLIC_DOMAIN": domain, "RAILWAY_PRIVATE_DOMAIN": private}
    return found
