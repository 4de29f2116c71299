"""Which start commands get `exec` in front, and that a shell still does the same with them."""

import subprocess

import pytest

from rw_daemon.plans.commands import shell_text

SIMPLE = [
    "gunicorn app:app --bind $HOST:$PORT",
    "./server --x='a; b'",
    'node -e "a && b | c; d"',
    "python -m http.server ${PORT:-8080}",
    "'./my server' --fast",
    "server > out.log",
    "server --filter a\\;b",
    "server $(cat options)",
    "env HOSTNAME=$HOST node server.js",
    "sh -c 'cd web && exec node .'",
    "$HOME/bin/server",
]
UNTOUCHED = [
    "cd web && node .",
    "A=1 node .",
    "PATH+=:x node .",
    "exec node .",
    "exit 3",
    "a; b",
    "a &",
    "a\nb",
    "tail -f x | grep y",
    "server 2>&1",
    "(cd x; y)",
    "{ a; }",
    "! a",
    "if true",
    "while true",
    "f() (a)",
    "f () (a)",
    "# nothing",
    "< input server",
    "server `cat options`",
    "echo it's",
    "trap x TERM",
    "source env.sh",
    "",
]


@pytest.mark.parametrize("command", SIMPLE)
def test_one_simple_command_takes_the_shells_place(command):
    assert shell_text(f"  {command}\n") == f"exec {command}"


@pytest.mark.parametrize("command", UNTOUCHED)
def test_what_exec_would_break_is_left_as_written(command):
    assert shell_text(command) == command


@pytest.mark.parametrize(
    "command", ["printf '%s;' 'a b' c", 'printf %s "$X && y"', "printf %s $(printf z)", "printf %s a\\;b", "X=2 printf %s $X"]
)
def test_a_shell_prints_the_same_with_and_without(command):
    shell = ["env", "-i", "PATH=/usr/bin:/bin", "X=1", "sh", "-c"]
    before, after = (subprocess.run([*shell, text], check=True, capture_output=True).stdout for text in (command, shell_text(command)))
    assert before == after != b""
