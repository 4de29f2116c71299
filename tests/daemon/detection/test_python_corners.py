"""Trees that once led to a wrong start command or to a traceback."""

import pytest

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_shared.errors import NoStartCommandError

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
FACTORY = "from flask import Flask\n\n\ndef create_app(config):\n    return Flask(__name__)\n"


def start_of(files: dict[str, str]) -> str:
    return registry.plan(Request(Source(files))).services[0].start


def test_file_name_that_a_shell_would_read_is_never_part_of_a_command():
    with pytest.raises(NoStartCommandError):
        start_of({"requirements.txt": "flask", "my app;touch pwned.py": FLASK})


@pytest.mark.parametrize(
    ("files", "start"),
    [
        pytest.param({"pyproject.toml": "tool = 3", "main.py": "print(1)\n"}, "python main.py", id="tool is a number"),
        pytest.param(
            {
                "requirements.txt": "flask\ngunicorn",
                "wsgi.py": 'from shop import create_app\n\napp = create_app("prod")\n',
                "shop/__init__.py": FACTORY,
            },
            "gunicorn wsgi:app --bind $HOST:$PORT",
            id="a factory with an argument, called in wsgi.py",
        ),
        pytest.param(
            {"requirements.txt": 'flask\nwaitress; sys_platform == "win32"', "app.py": FLASK},
            "gunicorn app:app --bind $HOST:$PORT",
            id="a server for another system",
        ),
    ],
)
def test_start_command(files: dict[str, str], start: str):
    assert start_of(files) == start


def test_a_file_that_is_no_python_is_named_where_nothing_to_start_is_found() -> None:
    with pytest.raises(NoStartCommandError) as caught:
        start_of({"app.py": "from flask import Flask\napp = Flask(__name__\n", "requirements.txt": "flask"})
    assert "app.py:2: '(' was never closed" in caught.value.why
