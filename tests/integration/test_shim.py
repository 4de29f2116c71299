"""The holder of a replica under attack: killed, flooded, left by its daemon."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rw_daemon.processes import proc
from rw_daemon.processes.changes import FolderChanges
from rw_daemon.processes.holders import MARKER, Ending, Hold, HoldOrder
from rw_daemon.processes.segments import OutputLine, SegmentReader


@pytest.fixture
async def hold(tmp_path: Path) -> AsyncIterator[Hold]:
    folder = tmp_path / "one"
    folder.mkdir()
    found = Hold(folder)
    yield found
    await found.stop(grace_seconds=0)
    proc.kill_marked(f"{MARKER}={folder}")


def order(command: str, *, environ: dict[str, str] | None = None, **changes: int) -> HoldOrder:
    return HoldOrder(("/bin/sh", "-c", command), Path("/"), {"PATH": os.environ["PATH"], **(environ or {})}, **changes)


async def all_lines(hold: Hold, *, after: str = "", count: int = 0) -> list[OutputLine]:
    changes, found = FolderChanges(), []
    stream = hold.lines(changes, after=after)
    async with asyncio.timeout(60):
        async for line in stream:
            found.append(line)
            if len(found) == count:
                break
        await stream.aclose()
    changes.close()
    return found


def left_over(hold: Hold) -> list[int]:
    return proc.marked(f"{MARKER}={hold.folder}")


async def test_variables_stand_in_no_process_list_and_in_no_file(hold):
    await hold.launch(order('test "$TOKEN" = sesame-open && echo known; sleep 30', environ={"TOKEN": "sesame-open"}))
    [line] = await all_lines(hold, count=1)
    assert line.text == "known"
    assert all(b"sesame-open" not in (proc.PROC / str(pid) / "cmdline").read_bytes() for pid in [hold.pid(), os.getpid()])
    assert [path for path in hold.folder.rglob("*") if path.is_file() and b"sesame-open" in path.read_bytes()] == []


async def test_a_killed_holder_takes_the_app_with_it_and_the_rest_is_swept(hold):
    await hold.launch(order("(setsid sleep 300 &); setsid sleep 301 & echo up; sleep 302"))
    await all_lines(hold, count=1)
    assert len(left_over(hold)) >= 3
    os.kill(hold.pid(), signal.SIGKILL)
    async with asyncio.timeout(5):
        assert await hold.wait() == Ending(-1)
    assert left_over(hold) == []


async def test_a_process_that_left_its_parent_and_session_is_found_when_stopping(hold, tmp_path):
    script = tmp_path / "escape.py"
    script.write_text(
        "import os, time\n"
        "if not os.fork():\n"
        "    os.setsid()\n"
        "    if os.fork(): os._exit(0)\n"
        "    print('away', flush=True)\n"
        "time.sleep(300)\n"
    )
    await hold.launch(order(f"exec {sys.executable} {script}"))
    await all_lines(hold, count=1)
    assert len(left_over(hold)) == 2
    await hold.stop(grace_seconds=1)
    assert left_over(hold) == []


async def test_what_an_ended_app_left_behind_is_killed(hold):
    await hold.launch(order("setsid sleep 300 & (setsid sleep 301 &); exit 3"))
    async with asyncio.timeout(5):
        assert (await hold.wait()).code == 3
    assert left_over(hold) == []


async def test_sigterm_reaches_the_whole_group_and_the_app_may_finish(hold):
    await hold.launch(order("trap 'echo finishing; sleep 0.2; exit 7' TERM; echo up; while true; do sleep 0.05; done"))
    await all_lines(hold, count=1)
    await hold.stop(grace_seconds=5)
    ending = hold.ending()
    assert ending is not None
    assert (ending.code, ending.signal) == (7, 0)
    assert [line.text for line in await all_lines(hold) if line.stream == "stdout"] == ["up", "finishing"]


async def test_an_app_that_ignores_sigterm_is_killed_with_its_children(hold):
    await hold.launch(order("trap '' TERM; sleep 300 & echo up; while true; do sleep 0.05; done"))
    await all_lines(hold, count=1)
    began = time.monotonic()
    await hold.stop(grace_seconds=0.5)
    assert 0.4 < time.monotonic() - began < 3
    ending = hold.ending()
    assert ending is not None
    assert ending.signal == signal.SIGKILL
    assert left_over(hold) == []


async def test_a_burst_of_200_000_lines_is_lossless_and_resumes_in_the_middle(hold):
    await hold.launch(order("seq 1 200000; seq 200001 200005 >&2"))
    head = await all_lines(hold, count=123_456)
    began = time.monotonic()
    tail = await all_lines(hold, after=head[-1].cursor)
    rate = len(tail) / (time.monotonic() - began)
    assert [line.text for line in head + tail if line.stream == "stdout"] == [str(number) for number in range(1, 200_001)]
    assert sorted(line.text for line in head + tail if line.stream == "stderr") == [str(number) for number in range(200_001, 200_006)]
    assert rate >= 50_000


async def test_short_lines_that_come_fast_are_read_together(hold):
    printing = "import os, time\nfor n in range(2000): os.write(1, b'%d\\n' % n), time.sleep(0.0002)"
    await hold.launch(order(f'exec {sys.executable} -c "{printing}"'))
    lines = await all_lines(hold)
    assert [line.text for line in lines] == [str(number) for number in range(2000)]
    assert len({line.at for line in lines}) < 1000  # a frame, and a moment, for each read


async def test_output_beyond_the_limit_loses_the_oldest_and_says_so(hold):
    await hold.launch(order("seq 1 100000", segment_bytes=65536, segments=3))
    await hold.wait()
    lines = await all_lines(hold)
    assert len(list((hold.folder / "out").glob("*.seg"))) == 3
    assert lines[0].stream == "rw"
    assert "dropped" in lines[0].text
    numbers = [int(line.text) for line in lines[2:]]  # the first kept line may have lost its beginning
    assert numbers == list(range(numbers[0], 100_001))


async def test_a_printed_line_is_read_within_milliseconds(hold):
    await hold.launch(order(f"exec {sys.executable} -uc 'import time\nfor _ in range(60):\n print(time.time_ns()); time.sleep(0.01)'"))
    delays, changes = [], FolderChanges()
    async for line in hold.lines(changes):
        delays.append((time.time_ns() - int(line.text)) / 1e6)
    changes.close()
    assert len(delays) == 60
    assert sorted(delays)[30] <= 10


async def test_a_holder_stays_below_ten_megabytes(hold):
    await hold.launch(order("seq 1 50000; sleep 30"))
    await all_lines(hold, count=50_000)
    status = (proc.PROC / str(hold.pid()) / "status").read_text()
    assert int(status.partition("VmRSS:")[2].split()[0]) <= 10 * 1024


async def test_a_command_that_cannot_start_says_why(hold):
    await hold.launch(HoldOrder(("/bin/sh", "-c", "true"), Path("/nowhere/at/all"), {}))
    assert (await hold.wait()).code == 127
    assert "No such file" in (await all_lines(hold))[0].text


async def test_an_order_that_was_taken_back_is_never_started(hold):
    (hold.folder / "order").write_bytes(order("touch ran").encode(hold.folder))
    assert await hold.settle() is False
    assert not (hold.folder / "order").exists()
    assert hold.pid() == 0


async def test_a_reused_pid_is_not_taken_for_the_holder(hold):
    (hold.folder / "pid").write_text(f"{os.getpid()} 1 {proc.boot_id()}")
    assert hold.pid() == 0
    (hold.folder / "pid").write_text(f"{os.getpid()} {proc.process(os.getpid()).started} another-boot")
    assert hold.pid() == 0


def test_reading_never_waits(tmp_path):
    assert SegmentReader(tmp_path / "nothing").read() == []
