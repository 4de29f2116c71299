"""Snapshots of folders on this machine."""

from __future__ import annotations

from fastapi import APIRouter

from rw_daemon.api.rooms import Behind
from rw_shared.models import Snapshot, SnapshotOrder, SnapshotProgress

router = APIRouter(tags=["snapshots"])


@router.post("/v1/snapshots")
async def take_snapshot(order: SnapshotOrder, rooms: Behind) -> Snapshot:
    """Take a folder as it is now."""
    return await rooms.snapshots.take(order)


@router.get("/v1/snapshots/progress")
async def read_progress(path: str, rooms: Behind) -> SnapshotProgress:
    """Return how far the snapshot of a folder is that is being taken now."""
    return rooms.snapshots.progress(path)
