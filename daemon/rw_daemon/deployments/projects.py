"""Which project a folder is: by the name that its file or a flag gives, else by the folder itself."""

from __future__ import annotations

from pathlib import Path

from rw_daemon.clock import Clock
from rw_daemon.store.store import Store
from rw_shared.events import ProjectCreated
from rw_shared.models import Project, ProjectOrder, slug


class Projects:
    """Finds and makes projects."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def link(self, order: ProjectOrder) -> Project:
        """Return the project of a folder, made when it is new.

        A name that was given names one project, wherever the folder lies (a second checkout is the same project). Without one,
        a folder keeps the project that it made first; another folder of the same name gets ``name-2``.
        """
        projects = await self._store.projects()
        by_name = {project.name: project for project in projects}
        if order.name:
            return by_name.get(order.name) or await self._create(order.name, order.path)
        for project in projects:
            if order.path and project.path == order.path:
                return project
        wanted = slug(Path(order.path).name)
        return await self._create(free_name(wanted, by_name), order.path)

    async def _create(self, name: str, path: str) -> Project:
        event = ProjectCreated(at=self._clock.now(), project=name, path=path)
        await self._store.append(event)
        return Project(name=name, path=path, created_at=event.at)


def free_name(wanted: str, taken: dict[str, Project]) -> str:
    """Return ``wanted``, or it with the first free number from 2 on."""
    if wanted not in taken:
        return wanted
    number = 2
    while (name := f"{wanted[: 39 - len(str(number))]}-{number}") in taken:
        number += 1
    return name
