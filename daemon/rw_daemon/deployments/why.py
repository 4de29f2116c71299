"""Why a deployment is as it is: what was different about it, and all that happened to it, told from the events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rw_daemon.deployments.lookup import served_before
from rw_daemon.deployments.planner import Planner
from rw_daemon.snapshots import Snapshots
from rw_daemon.store.store import Store
from rw_shared import events as e
from rw_shared.config import ServiceConfig
from rw_shared.errors import SnapshotMissingError
from rw_shared.events import StoredEvent
from rw_shared.models import Deployment, FileChange, Pace, Scope, StepStatus
from rw_shared.timeline import Moment, Timeline

FILES_NAMED = 5
EVENTS_AT_MOST = 5000
STARTED = e.StepStarted.name
OF_ORDERS = {one.name for one in (e.OperationCreated, e.OperationWaiting, e.OperationBegun, e.OperationSettled)}


class Why:
    """Tells timelines."""

    def __init__(self, store: Store, planner: Planner, snapshots: Snapshots) -> None:
        self._store, self._planner, self._snapshots = store, planner, snapshots

    async def read(self, deployment: Deployment) -> Timeline:
        """Return the timeline of a deployment, oldest first."""
        own = await self._store.events(deployment=deployment.id, limit=EVENTS_AT_MOST)
        orders = await self._orders(deployment, own)
        running = _running(deployment, own)
        told = [_moment(one) for one in sorted([*own, *orders], key=lambda one: one.sequence) if one.name != STARTED or one in running]
        items = [one for one in told if one is not None]
        asked_at = next((place for place, one in enumerate(items) if one.kind == "asked"), -1)
        scope = Scope.of(deployment)
        before = await served_before(self._store, scope, deployment.service, before=deployment.id)
        items[asked_at + 1 : asked_at + 1] = await self.differences(deployment, before)
        return Timeline(deployment=deployment, items=tuple(items))

    async def _orders(self, deployment: Deployment, own: Sequence[StoredEvent]) -> list[StoredEvent]:
        """Return what is told of the operation that made a deployment, and of others that changed it and made none of their own."""
        found: list[StoredEvent] = []
        for identity in sorted({deployment.operation, *(one.operation for one in own)} - {""}):
            events = await self._store.events(operation=identity, limit=EVENTS_AT_MOST)
            makes = any(one.name == e.DeploymentCreated.name for one in events)
            if identity == deployment.operation or not makes:
                found += [one for one in events if one.name in OF_ORDERS]
        return found

    async def differences(self, deployment: Deployment, before: Deployment | None) -> list[Moment]:
        """Return what is different from another release: files, settings, names of variables."""

        def moment(kind: str, words: str, data: dict[str, Any]) -> Moment:
            return Moment(at=deployment.created_at, kind=kind, words=words, data=data)

        if before is None:
            return [moment("source", "The first release of this service.", {})]
        name = f"v{before.version}"
        try:
            changes = await self._snapshots.changes(deployment.snapshot, since=before.snapshot)
            old, new = [await self._planner.config(one) for one in (before, deployment)]
        except SnapshotMissingError:
            return [moment("source", f"What {name} was made of is no longer kept.", {"since": before.id})]
        found = [moment("source", _files(changes, name), {"since": before.id, "files": [one.wire() for one in changes]})]
        if settings := compare(settings_of(old), settings_of(new)):
            words = "; ".join(f"{key}: {_value(was)} → {_value(now)}" for key, (was, now) in settings.items())
            found.append(moment("configuration", words, {key: list(pair) for key, pair in settings.items()}))
        if variables := compare(old.variables, new.variables):
            kinds = {one: "added" if was is None else "removed" if now is None else "changed" for one, (was, now) in variables.items()}
            found.append(moment("variables", ", ".join(f"{one} {kind}" for one, kind in kinds.items()), kinds))
        return found


def _running(deployment: Deployment, own: Sequence[StoredEvent]) -> list[StoredEvent]:
    """Return the last start of each step that is not over."""
    open_ = {one.name.value for one in deployment.steps if one.status is StepStatus.RUNNING}
    begun = {one.data["step"]: one for one in own if one.name == STARTED}
    return [one for step, one in begun.items() if step in open_]


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what differs, by key: its value before and after, ``None`` where it had none."""
    keys = sorted(before.keys() | after.keys())
    return {key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)}


def settings_of(config: ServiceConfig) -> dict[str, Any]:
    """Return the settings by their dotted keys, as railway.toml spells them; variables are not among them."""
    return {key: value for table in ("build", "deploy") for key, value in _flat(table, config.wire()[table])}


def _flat(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the values of tables in tables; those of a list go by their place."""
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        yield key, value
        return
    for name, one in value.items():
        yield from _flat(f"{key}.{name}", one)


def _value(value: Any) -> str:
    return "not said" if value is None else json.dumps(value, ensure_ascii=False)


def _files(changes: Sequence[FileChange], since: str) -> str:
    if not changes:
        return f"The same files as {since}."
    named = ", ".join(f"{one.path} {one.kind}" for one in changes[:FILES_NAMED])
    more = f" and {len(changes) - FILES_NAMED} more" if len(changes) > FILES_NAMED else ""
    return f"{len(changes)} file{'s' if len(changes) > 1 else ''} changed since {since}: {named}{more}."


def _moment(stored: StoredEvent) -> Moment | None:
    """Return an event in words; ``None`` for one that says nothing of its own, and for one that a newer rw wrote."""
    kind = e.Event.kinds.get(stored.name)
    rule = WORDS.get(kind) if kind else None
    if rule is None:
        return None
    category, words = rule
    return Moment(at=stored.at, kind=category, words=words(stored.event()), data=stored.data)


def _asked(event: e.OperationCreated) -> str:
    said = f": {event.message}" if event.message else ""
    return f"{event.actor} asked for {event.kind.value}{said}"


def _ended(event: e.StepFinished) -> str:
    return f"{event.step} {event.status}" + (f": {event.detail}" if event.detail else "")


def _replica(event: e.InstanceChanged) -> str:
    again = f", started again {event.restarts} times" if event.restarts else ""
    return f"replica {event.index} {event.state}" + (f": {event.exit}" if event.exit else "") + again


def _share(event: e.RolloutShifted) -> str:
    return f"{event.share} % of the requests" if event.share else "no request any more"


def _paced(event: e.RolloutPaced) -> str:
    return f"{PACES[event.pace]} by {event.actor}" + (f": {event.reason}" if event.reason else "")


def _routed(event: e.RouteChanged) -> str:
    return f"every request goes to it{f', at {event.url}' if event.url else ''}" if event.deployment else "no request any more"


def _status(event: e.DeploymentStatusChanged) -> str:
    hint = f" {event.error.hint}" if event.error and event.error.hint else ""
    why = f" {event.error.why}" if event.error and event.error.why else ""
    return f"{event.before} → {event.after}" + (f": {event.reason}{why}{hint}" if event.reason else "")


def _settled(event: e.OperationSettled) -> str:
    return f"the order {event.status}" + (f": {event.error.message}" if event.error else "")


def _watched(event: e.RolloutWatched) -> str:
    return f"to be watched for {event.seconds:g} s; before it {event.failed} of {event.requests} failed"


def _watch_ended(event: e.RolloutWatchEnded) -> str:
    return f"{event.outcome}{f' by {event.actor}' if event.actor not in NOBODY else ''}: {event.words}"


NOBODY = {"rw", "user"}
"""Actors that name nobody who ended a watch."""
PACES = {Pace.STEPS: "sent on by its steps", Pace.PAUSED: "paused", Pace.PROMOTED: "sent to its end"}
WORDS: dict[type[e.Event], tuple[str, Callable[[Any], str]]] = {
    e.OperationCreated: ("asked", _asked),
    e.OperationWaiting: ("wait", lambda event: event.words),
    e.OperationBegun: ("wait", lambda _: "its turn"),
    e.StepStarted: ("step", lambda event: f"{event.step} started"),
    e.StepFinished: ("step", _ended),
    e.InstanceChanged: ("replica", _replica),
    e.RolloutShifted: ("share", _share),
    e.RolloutPaced: ("pace", _paced),
    e.RolloutAborted: ("pace", lambda event: f"to be taken back, by {event.actor}"),
    e.RolloutJudged: ("verdict", lambda event: f"{event.verdict} at {event.share} %: {event.words}"),
    e.RolloutWatched: ("watch", _watched),
    e.RolloutWatchEnded: ("watch", _watch_ended),
    e.RouteChanged: ("route", _routed),
    e.DeploymentStatusChanged: ("status", _status),
    e.OperationSettled: ("end", _settled),
}
