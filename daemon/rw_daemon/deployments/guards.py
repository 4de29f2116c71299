"""One service that cannot be read, because its snapshot is gone for instance, is no reason to leave the others alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rw_daemon.deployments.router import service_of
from rw_shared.errors import EdgeFailedError, RwError, UnreachableError
from rw_shared.models import Deployment

log = logging.getLogger(__name__)


class Guard:
    """Keeps what is wrong with one release from the others in a loop, and logs it once until it is well again."""

    def __init__(self, work: str) -> None:
        """:param work: what the loop does, for the log."""
        self._work = work
        self._told: set[str] = set()

    @contextmanager
    def around(self, deployment: Deployment) -> Iterator[None]:
        """Run the body for one release. What is away altogether, an engine or the edge, is nothing of this one's: that is raised."""
        try:
            yield
        except (UnreachableError, EdgeFailedError):
            raise
        except (RwError, OSError, ValueError, KeyError) as error:
            if deployment.id not in self._told:
                self._told.add(deployment.id)
                log.warning("%s leaves out %s v%d: %s", self._work, service_of(deployment), deployment.version, error)
        else:
            self._told.discard(deployment.id)
