"""Tasks that nobody awaits: named, guarded, restarted, ended."""

import asyncio
import logging

import pytest
from fakes.clock import FakeClock

from rw_daemon.tasks import Tasks


@pytest.fixture
async def tasks():
    tasks = Tasks(FakeClock())
    yield tasks
    await tasks.close()


async def test_a_task_that_fails_is_logged_and_hurts_nobody(tasks, caplog):
    async def work():
        raise ValueError("boom")

    with caplog.at_level(logging.ERROR):
        await tasks.spawn("operation op_1", work())
    assert "operation op_1" in caplog.text
    assert "boom" in caplog.text
    assert tasks.names == []


async def test_a_kept_task_is_started_again_with_growing_pauses(caplog):
    clock, began = FakeClock(), []
    tasks = Tasks(clock)

    async def work():
        began.append(clock.elapsed)
        if len(began) < 5:
            raise ValueError("boom")

    await tasks.keep("watch", work)
    assert began == [0, 0.5, 1.5, 3.5, 7.5]


async def test_a_vital_task_that_fails_is_reported_once_and_not_tried_again(tasks):
    tries = []

    async def work():
        tries.append(1)
        raise ValueError("boom")

    tasks.keep("store", work, is_vital=True)
    assert await asyncio.wait_for(tasks.failed(), 1) == "store"
    assert tries == [1]


async def test_closing_cancels_what_runs_and_what_has_not_begun():
    tasks, ended = Tasks(FakeClock(is_running=False)), []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    tasks.spawn("begun", work())
    await asyncio.sleep(0)
    tasks.spawn("not begun", work())  # its coroutine must not be left unawaited: warnings are errors here
    assert tasks.names == ["begun", "not begun"]
    await tasks.close()
    assert (ended, tasks.names) == ([1], [])


async def test_what_a_task_starts_as_it_is_cancelled_never_runs(tasks):
    ran = []

    async def late():
        ran.append("late")

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            tasks.keep("late", late)

    tasks.spawn("work", work())
    await asyncio.sleep(0)
    await tasks.close()
    await asyncio.sleep(0)
    assert (ran, tasks.names) == ([], [])
