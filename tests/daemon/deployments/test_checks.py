"""What the daemon says of targets and edge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rw_daemon.runtimes.docker_checks import LEAST_FREE_BYTES, engine_checks

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def statuses(stamp: str, free: int | None) -> dict[str, str]:
    info = {"SystemTime": stamp, "DockerRootDir": "/var/lib/docker"}
    return {one.id: one.status for one in engine_checks(info, words="engine 28", is_bridged=True, now=NOW, free_bytes=free)}


def test_an_engine_that_is_well_says_so() -> None:
    assert statuses("2026-01-01T12:00:00.123456789Z", LEAST_FREE_BYTES) == {"engine": "ok", "engine-disk": "ok"}
    assert statuses("2026-01-01T14:00:01.5+02:00", None) == {"engine": "ok"}


def test_a_clock_that_is_off_and_a_full_disk_are_told() -> None:
    late = (NOW - timedelta(minutes=3)).isoformat()
    assert statuses(late, 5) == {"engine": "ok", "engine-clock": "warn", "engine-disk": "warn"}
