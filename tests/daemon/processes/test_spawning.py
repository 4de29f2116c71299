"""Shell text, and what stands in a process list."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from rw_daemon.plans.commands import shell_text
from rw_daemon.processes.holders import HoldOrder, shim_args
from rw_daemon.processes.proc import address
from rw_daemon.processes.spawning import run


@pytest.mark.parametrize(
    ("command", "text"),
    [
        pytest.param("gunicorn app:app --bind $HOST:$PORT", "exec gunicorn app:app --bind $HOST:$PORT", id="simple"),
        pytest.param("./server --x='a b'", "exec ./server --x='a b'", id="quoted"),
        pytest.param("cd web && node .", "cd web && node .", id="list"),
        pytest.param("A=1 node .", "A=1 node .", id="assignment first"),
        pytest.param("exec node .", "exec node .", id="exec already"),
        pytest.param("exit 3", "exit 3", id="built in"),
        pytest.param("a; b", "a; b", id="sequence"),
        pytest.param("tail -f x | grep y", "tail -f x | grep y", id="pipe"),
        pytest.param("(cd x; y)", "(cd x; y)", id="subshell"),
        pytest.param("", "", id="empty"),
    ],
)
def test_exec_is_put_before_one_simple_command_only(command, text):
    assert shell_text(command) == text


def test_no_variable_stands_in_the_holders_arguments_and_all_stand_in_its_order():
    order = HoldOrder(("/bin/sh", "-c", "x"), Path("/app"), {"TOKEN": "a=b\nc"})
    assert "a=b" not in " ".join(shim_args(Path("/folder")))
    fields = order.encode(Path("/folder")).split(b"\0")
    assert b"env=TOKEN=a=b\nc" in fields
    assert b"env=RW_INSTANCE=/folder" in fields


def test_an_orders_variables_do_not_show_when_it_is_printed():
    assert "secret" not in repr(HoldOrder(("/bin/sh",), Path("/app"), {"TOKEN": "secret"}))


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        pytest.param("0100007F:1F90", "127.0.0.1", 8080, id="IPv4"),
        pytest.param("00000000000000000000000001000000:0050", "::1", 80, id="IPv6"),
    ],
)
def test_addresses_of_proc_net(text, host, port):
    assert address(text) == (host, port)


async def test_cancelled_while_it_is_being_started_it_leaves_no_child_behind(tmp_path: Path) -> None:
    """The command runs already when asyncio has not connected its pipes yet."""
    written = tmp_path / "pid"
    running = asyncio.create_task(
        run(["/bin/sh", "-c", f"sleep 300 & echo $! > {written}; wait"], cwd=tmp_path, environ={"PATH": os.defpath})
    )
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # it has been forked, and from here on nothing of this loop moves until its child is there
    deadline = time.monotonic() + 10
    while not written.exists() or not written.read_text().strip():
        assert time.monotonic() < deadline, "the command never ran"
    running.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(running, return_exceptions=True)
    stat = Path(f"/proc/{written.read_text().strip()}/stat")
    assert running.cancelled()
    assert not stat.exists() or ") Z" in stat.read_text()
