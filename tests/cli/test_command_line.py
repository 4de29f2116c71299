import json
import os
import subprocess
import sys

import pytest

from rw_cli.main import COMMANDS, global_flags
from rw_cli.render.text import line


@pytest.fixture
def rw(tmp_path):
    def call(*arguments):
        environ = {**os.environ, "RW_HOME": str(tmp_path / "home"), "XDG_RUNTIME_DIR": "", "PYTHONPATH": ""}
        return subprocess.run([sys.executable, "-m", "rw_cli", *arguments], capture_output=True, text=True, env=environ, timeout=60)

    return call


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(rw, command):
    done = rw(command, "--help")
    assert (done.returncode, "Usage: rw " + command in done.stdout) == (0, True)


def test_a_wrong_flag_is_a_json_error_with_exit_2(rw):
    done = rw("up", "--hlp", "--json")
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (2, "USAGE")


def test_a_mistyped_command_names_the_nearest(rw):
    done = rw("statsu")
    assert (done.returncode, done.stdout, "`rw status`" in done.stderr) == (2, "", True)


@pytest.mark.parametrize("arguments", [("--help",), ("version",)])
def test_light_commands_import_nothing_heavy(arguments):
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "rw_cli", *arguments], capture_output=True, text=True, timeout=60)
    imported = {row.rsplit("|", 1)[-1].strip().split(".")[0] for row in done.stderr.splitlines()}
    assert not imported & {"rw_daemon", "docker", "httpx", "pydantic", "rich", "kubernetes", "websockets"}


def test_global_flags_may_stand_anywhere_but_not_in_a_message():
    session, rest = global_flags(["up", "-m", "--json", "--project=shop", "-v"])
    assert (session.project, session.is_json, session.verbose, rest) == ("shop", False, True, ["up", "-m", "--json"])


@pytest.mark.parametrize(
    ("raw", "shown"),
    [("\x1b[31mred\x1b[0m", "red"), ("\x1b]0;title\x07x", "x"), ("10%\r90%\r\n", "90%"), ("a\tb\x9b2J", "a\tb"), ("\x00\x08é", "é")],
)
def test_no_control_byte_of_an_app_gets_through(raw, shown):
    assert line(raw) == shown
