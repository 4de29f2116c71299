"""A daemon process whose rooms are fakes around the real store. ``python -m fakes.daemon_process``."""

import gc
import os
import sys
from dataclasses import dataclass
from typing import Any

from rw_daemon.__main__ import run, scrub
from rw_shared.paths import Home


@dataclass
class FakeComposition:
    rooms: Any

    async def close(self) -> None:
        await self.rooms.store.close()


async def compose(home: Home, *, clock: Any, settings: Any, info: Any, stop: Any) -> FakeComposition:
    from fakes.rooms import fake_rooms  # lazy, as app.py is in the real process: lock and socket come first

    from rw_daemon.store.sql import SqlStore

    return FakeComposition(fake_rooms(await SqlStore.open(home.database), info=info, stop=stop))


if __name__ == "__main__":
    gc.disable()  # as main() does
    home = Home.of(os.environ, uid=os.geteuid())
    scrub()
    sys.exit(run(home, compose=compose))
