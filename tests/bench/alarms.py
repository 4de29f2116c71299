"""False alarms: gradual releases that do nothing worse than the ones before them, each under load, with the real edge and clock."""

from __future__ import annotations

from collections.abc import Iterator

from bench.apps import SERVER, at_home
from bench.figures import Figure, Run
from bench.load import Driver
from bench.loader import Loader

RELEASES = 5
RATE = 200
LONGEST_SECONDS = 600
GRADUAL = "[deploy.rollout]\nstrategy = 'gradual'\n"
QUICK = GRADUAL + "steps = [50, 100]\nstepSeconds = 2\n"


def alarms(run: Run) -> Iterator[Figure]:
    """How many releases of an app that has not become worse are taken back, with the default steps."""
    count = run.rounds(RELEASES)
    with at_home(run, SERVER) as (rw, folder):
        driver = Driver(rw, folder)
        url = driver.begin()
        with Loader(url, rate=RATE, kept=8, echo="/count", seconds=LONGEST_SECONDS) as loader:
            ended = [driver.release(QUICK if run.is_short else GRADUAL) for _ in range(count)]
    failed = sum(1 for one in loader.requests if one.kind)
    note = f"at {RATE} requests/s, {failed} of {len(loader.requests):,} requests failed"
    yield Figure(
        "gradual releases, no worse than before, that were taken back", ended.count("rolled_back"), f"of {count}", goal="0", note=note
    )
