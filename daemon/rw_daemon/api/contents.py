"""What is inside of what was built."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from rw_daemon.api.rooms import Behind
from rw_daemon.api.scopes import InScope, check_scope
from rw_shared.contents import Sizes

router = APIRouter(tags=["contents"])


@router.get("/v1/projects/{project}/environments/{environment}/sizes")
async def read_sizes(scope: InScope, rooms: Behind, of: str = "") -> Sizes:
    """Say where the bytes of a built release are. ``of``: a service, ``vN``, an id; empty for the newest that was built."""
    await check_scope(rooms.store, scope)
    return await rooms.contents.sizes(scope, of)


@router.get("/v1/projects/{project}/environments/{environment}/sbom")
async def read_sbom(scope: InScope, rooms: Behind, of: str = "") -> dict[str, Any]:
    """List the packages in a built release, as an SPDX 2.3 document. ``of`` as for its sizes."""
    await check_scope(rooms.store, scope)
    return await rooms.contents.sbom(scope, of)
