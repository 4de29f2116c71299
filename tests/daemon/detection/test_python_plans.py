"""What the Python buildpack makes of source trees, as people write them."""

from __future__ import annotations

import pytest

from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.buildpacks.python import PythonBuildpack
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan

FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
FLASK = "from flask import Flask\napp = Flask(__name__)\n"
FACTORY = "from flask import Flask\ndef create_app(config=None):\n    app = Flask(__name__)\n    return app\n"
MAIN = "if __name__ == '__main__':\n    print('up')\n"
MANAGE = "import os\ndef main():\n    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
BUILD = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
PROJECT = '[project]\nname = "shop"\nversion = "1"\n'
POETRY = '[tool.poetry]\nname = "shop"\nversion = "1"\n[tool.poetry.dependencies]\npython = "^3.10"\n'
POETRY += 'fastapi = { version = "*", extras = ["standard"] }\n'

UVICORN = "uvicorn {} --host $HOST --port $PORT"
GUNICORN = "gunicorn {} --bind $HOST:$PORT"


def planned(files: dict[str, str], **variables: str) -> BuildPlan:
    source = Source(files)
    assert PythonBuildpack().detect(source) is not None
    return PythonBuildpack().plan(Request(source, variables=variables))


def start_of(files: dict[str, str]) -> str:
    return planned(files).services[0].start


def codes(plan: BuildPlan) -> list[str]:
    return [one.code for one in plan.warnings]


STARTS: dict[str, tuple[dict[str, str], str]] = {
    "fastapi": ({"main.py": FASTAPI, "requirements.txt": "fastapi\nuvicorn"}, UVICORN.format("main:app")),
    "fastapi with extras": ({"main.py": FASTAPI, "requirements.txt": "fastapi[standard]==0.115"}, UVICORN.format("main:app")),
    "annotated": (
        {"main.py": "import fastapi\napi: fastapi.FastAPI = fastapi.FastAPI()\n", "requirements.txt": "uvicorn"},
        UVICORN.format("main:api"),
    ),
    "imported under another name": (
        {"main.py": "from fastapi import FastAPI as F\nx = F()\n", "requirements.txt": ""},
        UVICORN.format("main:x"),
    ),
    "flask": ({"app.py": FLASK, "requirements.txt": "flask"}, GUNICORN.format("app:app")),
    "flask with waitress": ({"app.py": FLASK, "requirements.txt": "flask\nwaitress"}, "waitress-serve --listen=$HOST:$PORT app:app"),
    "fastapi with hypercorn": ({"app.py": FASTAPI, "requirements.txt": "fastapi\nhypercorn"}, "hypercorn app:app --bind $HOST:$PORT"),
    "fastapi with granian": (
        {"app.py": FASTAPI, "requirements.txt": "granian"},
        "granian --interface asgi --host $HOST --port $PORT app:app",
    ),
    "fastapi with daphne": ({"app.py": FASTAPI, "requirements.txt": "daphne"}, "daphne -b $HOST -p $PORT app:app"),
    "starlette": (
        {"app.py": "from starlette.applications import Starlette\napp = Starlette()\n", "requirements.txt": ""},
        UVICORN.format("app:app"),
    ),
    "litestar": ({"app.py": "from litestar import Litestar\napp = Litestar([])\n", "requirements.txt": ""}, UVICORN.format("app:app")),
    "quart": ({"app.py": "import quart\napp = quart.Quart('x')\n", "requirements.txt": ""}, UVICORN.format("app:app")),
    "sanic": ({"app.py": "from sanic import Sanic\napp = Sanic('x')\n", "requirements.txt": ""}, UVICORN.format("app:app")),
    "bottle": ({"app.py": "import bottle\napp = bottle.Bottle()\n", "requirements.txt": ""}, GUNICORN.format("app:app")),
    "falcon, both kinds": (
        {"a.py": "import falcon\napp = falcon.App()\n", "main.py": "import falcon.asgi\napp = falcon.asgi.App()\n", "requirements.txt": ""},
        UVICORN.format("main:app"),
    ),
    "fasthtml, star import": (
        {"main.py": "from fasthtml.common import *\napp, rt = fast_app()\n", "requirements.txt": "python-fasthtml"},
        UVICORN.format("main:app"),
    ),
    "dash, server named": (
        {"app.py": "from dash import Dash\napp = Dash()\nserver = app.server\n", "requirements.txt": "dash\ngunicorn"},
        GUNICORN.format("app:server"),
    ),
    "dash": (
        {"app.py": "from dash import Dash\napp = Dash()\n", "requirements.txt": "dash\ngunicorn"},
        "waitress-serve --listen=$HOST:$PORT app:app.server",
    ),
    "factory": ({"app.py": FACTORY, "requirements.txt": "flask\ngunicorn"}, "gunicorn 'app:create_app()' --bind $HOST:$PORT"),
    "factory with waitress": (
        {"app.py": FACTORY, "requirements.txt": "waitress"},
        "waitress-serve --listen=$HOST:$PORT --call app:create_app",
    ),
    "asgi factory": (
        {"app.py": "from fastapi import FastAPI\ndef create_app():\n    return FastAPI()\n", "requirements.txt": "uvicorn"},
        "uvicorn app:create_app --host $HOST --port $PORT --factory",
    ),
    "asgi factory with hypercorn": (
        {"app.py": "from fastapi import FastAPI\ndef create_app():\n    return FastAPI()\n", "requirements.txt": "hypercorn"},
        "hypercorn 'app:create_app()' --bind $HOST:$PORT",
    ),
    "factory in a package": ({"shop/__init__.py": FACTORY, "requirements.txt": "flask"}, "gunicorn 'shop:create_app()' --bind $HOST:$PORT"),
    "factory, called in wsgi.py": (
        {"shop/__init__.py": FACTORY, "wsgi.py": "from shop import create_app\napplication = create_app()\n", "requirements.txt": "flask"},
        GUNICORN.format("wsgi:application"),
    ),
    "factory, called by a relative import": (
        {
            "shop/factory.py": FACTORY,
            "shop/__init__.py": "",
            "shop/main.py": "from .factory import create_app\napp = create_app()\n",
            "requirements.txt": "",
        },
        GUNICORN.format("shop.main:app"),
    ),
    "factory, called in its own file": ({"app.py": FACTORY + "app = create_app()\n", "requirements.txt": ""}, GUNICORN.format("app:app")),
    "a factory that needs an argument": ({"app.py": FACTORY.replace("=None", ""), "requirements.txt": "flask"}, ""),
    "src layout": ({"src/shop/main.py": FASTAPI, "src/shop/__init__.py": "", "requirements.txt": ""}, UVICORN.format("shop.main:app")),
    "src as the package": ({"src/main.py": FASTAPI, "src/__init__.py": "", "requirements.txt": ""}, UVICORN.format("src.main:app")),
    "package": ({"shop/__init__.py": "", "shop/main.py": FASTAPI, "requirements.txt": ""}, UVICORN.format("shop.main:app")),
    "folder whose modules import each other barely": (
        {"backend/main.py": "import database\n" + FASTAPI, "backend/database.py": "", "requirements.txt": ""},
        UVICORN.format("main:app"),
    ),
    "root before folders": ({"admin/app.py": FLASK, "main.py": FASTAPI, "requirements.txt": ""}, UVICORN.format("main:app")),
    "likely names before others": ({"aaa.py": FLASK, "main.py": FASTAPI, "requirements.txt": ""}, UVICORN.format("main:app")),
    "an unlikely name alone": ({"shop.py": FLASK, "requirements.txt": ""}, GUNICORN.format("shop:app")),
    "not the one in tests": (
        {"tests/app.py": FLASK, "test_app.py": FLASK, "examples/main.py": FLASK, "z.py": FASTAPI, "requirements.txt": ""},
        UVICORN.format("z:app"),
    ),
    "not one that is made in a function": (
        {"main.py": "from flask import Flask\ndef x():\n    app = Flask('x')\n" + MAIN, "requirements.txt": "flask"},
        "python main.py",
    ),
    "not one under __main__": (
        {"main.py": "from flask import Flask\nif __name__ == '__main__':\n    app = Flask('x')\n", "requirements.txt": ""},
        "python main.py",
    ),
    "one in a branch": (
        {"main.py": "from flask import Flask\ntry:\n    app = Flask('x')\nexcept OSError:\n    raise\n", "requirements.txt": ""},
        GUNICORN.format("main:app"),
    ),
    "a class of one's own called Flask": (
        {"main.py": "class Flask: ...\napp = Flask()\n" + MAIN, "requirements.txt": "flask"},
        "python main.py",
    ),
    "another file has a syntax error": ({"app.py": "def (:\n", "main.py": FASTAPI, "requirements.txt": ""}, UVICORN.format("main:app")),
    "a file that is no text": ({"app.py": "\0", "main.py": FASTAPI, "requirements.txt": ""}, UVICORN.format("main:app")),
    "script": ({"main.py": MAIN}, "python main.py"),
    "script that just runs": ({"bot.py": "import time\nwhile True:\n    time.sleep(1)\n"}, "python bot.py"),
    "script in src": ({"src/main.py": MAIN, "requirements.txt": ""}, "python src/main.py"),
    "module that defines only": ({"main.py": "X = 1\n", "requirements.txt": ""}, ""),
    "package that runs": ({"shop/__main__.py": "print(1)", "shop/__init__.py": "", "requirements.txt": ""}, "python -m shop"),
    "package in src that runs": ({"src/shop/__main__.py": "print(1)", "requirements.txt": ""}, "python -m shop"),
    "console script": ({"pyproject.toml": PROJECT + '[project.scripts]\nshop = "shop.cli:main"\n' + BUILD, "src/shop/cli.py": ""}, "shop"),
    "console script of a likely name": (
        {"pyproject.toml": PROJECT + '[project.scripts]\na = "s:a"\nserve = "s:b"\n' + BUILD, "s.py": ""},
        "serve",
    ),
    "several console scripts": ({"pyproject.toml": PROJECT + '[project.scripts]\na = "s:a"\nb = "s:b"\n' + BUILD, "s.py": ""}, ""),
    "console script that is not installed": (
        {"pyproject.toml": PROJECT + '[project.scripts]\nshop = "s:run"\n', "s.py": ""},
        "python -c 'import sys; from s import run as main; sys.exit(main())'",
    ),
    "console script of poetry": (
        {"pyproject.toml": POETRY + '[tool.poetry.scripts]\nshop = "s:run"\n' + BUILD, "poetry.lock": "", "s.py": ""},
        "shop",
    ),
    "an app beats a console script": (
        {"pyproject.toml": PROJECT + '[project.scripts]\nshop = "s:run"\n', "main.py": FASTAPI},
        UVICORN.format("main:app"),
    ),
    "streamlit": (
        {"page.py": "import streamlit as st\n", "requirements.txt": "streamlit"},
        "streamlit run page.py --server.address $HOST --server.port $PORT --server.headless true",
    ),
    "gradio": (
        {"demo.py": "import gradio as gr\ngr.Interface(str, 'text', 'text').launch()\n", "requirements.txt": "gradio"},
        "env GRADIO_SERVER_NAME=$HOST GRADIO_SERVER_PORT=$PORT python demo.py",
    ),
    "gradio below an app of its own": (
        {"main.py": "import gradio\nfrom fastapi import FastAPI\napp = FastAPI()\n", "requirements.txt": "gradio\nfastapi\nuvicorn"},
        "uvicorn main:app --host $HOST --port $PORT",
    ),
    "streamlit, the likely page": (
        {"Home.py": "import streamlit\n", "charts.py": "import streamlit\n", "requirements.txt": "streamlit"},
        "streamlit run Home.py --server.address $HOST --server.port $PORT --server.headless true",
    ),
    "django": (
        {"manage.py": MANAGE, "shop/settings.py": "", "shop/wsgi.py": "", "requirements.txt": "django"},
        GUNICORN.format("shop.wsgi:application"),
    ),
    "django, asgi": (
        {"manage.py": MANAGE, "shop/settings.py": "", "shop/asgi.py": "", "requirements.txt": "django\ndaphne"},
        "daphne -b $HOST -p $PORT shop.asgi:application",
    ),
    "django, both files, gunicorn": (
        {
            "manage.py": MANAGE,
            "shop/settings.py": "",
            "shop/asgi.py": "",
            "shop/wsgi.py": "",
            "requirements.txt": "django\nuvicorn\ngunicorn",
        },
        GUNICORN.format("shop.wsgi:application"),
    ),
    "django in a folder": (
        {"site/manage.py": MANAGE, "site/shop/settings.py": "STATIC_ROOT = 'x'\n", "site/shop/wsgi.py": "", "requirements.txt": "django"},
        GUNICORN.format("shop.wsgi:application"),
    ),
    "a manage.py of another kind": (
        {"manage.py": "from flask_script import Manager\n", "app.py": FLASK, "requirements.txt": "flask"},
        GUNICORN.format("app:app"),
    ),
    "nothing to run": ({"requirements.txt": "requests\n"}, ""),
}


@pytest.mark.parametrize(("files", "start"), STARTS.values(), ids=STARTS)
def test_the_start_command(files: dict[str, str], start: str) -> None:
    assert start_of(files) == start


INSTALLS: dict[str, tuple[dict[str, str], str, list[str]]] = {
    "requirements": ({"requirements.txt": ""}, "pip", ["uv venv --quiet .venv", "uv pip install --compile-bytecode -r requirements.txt"]),
    "uv": (
        {"uv.lock": "", "pyproject.toml": PROJECT + BUILD},
        "uv",
        ["uv sync --locked --no-dev --compile-bytecode --no-install-project", "uv sync --locked --no-dev --compile-bytecode --no-editable"],
    ),
    "uv, no package": (
        {"uv.lock": "", "pyproject.toml": PROJECT},
        "uv",
        ["uv sync --locked --no-dev --compile-bytecode --no-install-project"],
    ),
    "uv, a dependency in a folder": (
        {"uv.lock": "", "pyproject.toml": PROJECT + '[tool.uv.sources]\nlib = { path = "lib" }\n'},
        "uv",
        ["uv sync --locked --no-dev --compile-bytecode --no-editable"],
    ),
    "uv, computed metadata": (
        {"uv.lock": "", "pyproject.toml": '[project]\nname = "shop"\ndynamic = ["version"]\n' + BUILD},
        "uv",
        ["uv sync --locked --no-dev --compile-bytecode --no-editable"],
    ),
    "uv workspace": (
        {"uv.lock": "", "pyproject.toml": PROJECT + '[tool.uv.workspace]\nmembers = ["libs/*"]\n', "libs/a/pyproject.toml": PROJECT},
        "uv",
        [
            "uv sync --locked --no-dev --compile-bytecode --no-install-workspace",
            "uv sync --locked --no-dev --compile-bytecode --no-editable",
        ],
    ),
    "pyproject without a lock": ({"pyproject.toml": PROJECT}, "uv", ["uv sync --no-dev --compile-bytecode --no-install-project"]),
    "poetry": (
        {"poetry.lock": "", "pyproject.toml": POETRY},
        "poetry",
        [
            "uv venv --quiet .venv",
            "POETRY_VIRTUALENVS_IN_PROJECT=true uv tool run poetry install --only main --no-root --no-interaction --no-ansi",
        ],
    ),
    "poetry without a lock": (
        {"pyproject.toml": POETRY},
        "poetry",
        [
            "uv venv --quiet .venv",
            "POETRY_VIRTUALENVS_IN_PROJECT=true uv tool run poetry install --only main --no-root --no-interaction --no-ansi",
        ],
    ),
    "pdm": (
        {"pdm.lock": "", "pyproject.toml": PROJECT},
        "pdm",
        ["uv venv --quiet .venv", "uv tool run 'pdm[locked]' install --prod --frozen-lockfile --no-self"],
    ),
    "pipenv": (
        {"Pipfile": "", "Pipfile.lock": "{}"},
        "pipenv",
        [
            "uv venv --quiet .venv",
            "uv tool run pipenv requirements > .venv/requirements.txt",
            "uv pip install --compile-bytecode -r .venv/requirements.txt",
        ],
    ),
    "setup.py": (
        {"setup.py": "from setuptools import setup\nsetup()"},
        "pip",
        ["uv venv --quiet .venv", "uv pip install --compile-bytecode ."],
    ),
    "build-system alone": (
        {"pyproject.toml": BUILD, "setup.cfg": ""},
        "pip",
        ["uv venv --quiet .venv", "uv pip install --compile-bytecode ."],
    ),
    "no manifest": ({"main.py": MAIN}, "pip", ["uv venv --quiet .venv"]),
    "a lock beats requirements": (
        {"uv.lock": "", "pyproject.toml": PROJECT, "requirements.txt": "x", "poetry.lock": ""},
        "uv",
        ["uv sync --locked --no-dev --compile-bytecode --no-install-project"],
    ),
    ".python-version does not decide the patch": (
        {"requirements.txt": "", ".python-version": "3.12.1"},
        "pip",
        ['uv venv --quiet --python "${UV_PYTHON:-python3}" .venv', "uv pip install --compile-bytecode -r requirements.txt"],
    ),
}


@pytest.mark.parametrize(("files", "manager", "commands"), INSTALLS.values(), ids=INSTALLS)
def test_packages_are_installed_by_the_tool_of_the_project(files: dict[str, str], manager: str, commands: list[str]) -> None:
    plan = planned(files)
    assert plan.package_manager == manager
    assert [command for step in plan.steps if step.name in {"install", "project"} for command in step.commands] == commands


INPUTS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "includes": (
        {
            "requirements.txt": "-r base.txt\n-c limits.txt",
            "base.txt": "--requirement=more/x.txt",
            "more/x.txt": "-r ../base.txt",
            "limits.txt": "",
        },
        ("requirements.txt", "base.txt", "limits.txt", "more/x.txt"),
    ),
    "an include without a space": ({"requirements.txt": "-rbase.txt", "base.txt": ""}, ("requirements.txt", "base.txt")),
    "an include outside": ({"requirements.txt": "-r ../base.txt"}, ("requirements.txt",)),
    "itself": ({"requirements.txt": "-e .", "setup.py": ""}, ()),
    "itself with extras": ({"requirements.txt": ".[web]", "setup.py": ""}, ()),
    "a folder": ({"requirements.txt": "./libs/a", "libs/a/setup.py": ""}, ()),
    "a wheel": ({"requirements.txt": "wheels/a-1-py3-none-any.whl"}, ()),
    "a file address": ({"requirements.txt": "a @ file:./libs/a"}, ()),
    "an address elsewhere": ({"requirements.txt": "a @ git+https://example.org/a.git"}, ("requirements.txt",)),
    "uv": ({"uv.lock": "", "pyproject.toml": PROJECT, ".python-version": "3.12"}, ("pyproject.toml", "uv.lock", ".python-version")),
}


@pytest.mark.parametrize(("files", "inputs"), INPUTS.values(), ids=INPUTS)
def test_manifests_come_before_sources_where_they_say_enough(files: dict[str, str], inputs: tuple[str, ...]) -> None:
    steps = planned(files).steps
    install = next(step for step in steps if step.name == "install")
    assert install.inputs == inputs
    assert (steps.index(install) == 0) == bool(inputs)


SERVERS_ADDED: dict[str, tuple[str, list[str]]] = {
    "named": ("gunicorn==23", []),
    "not named": ("flask", ["SERVER_ADDED"]),
    "in a comment": ("flask # or gunicorn\n# gunicorn", ["SERVER_ADDED"]),
    "a longer name": ("gunicorn-extras", ["SERVER_ADDED"]),
    "spelled otherwise": ("Gunicorn[gevent] >= 20 ; python_version > '3.8'", []),
    "with hashes": ("gunicorn==23 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n", []),
    "with windows line ends": ("flask\r\ngunicorn==23 \\\r\n    --hash=sha256:aa\r\n", []),
    "from an address": ("gunicorn @ https://example.org/gunicorn.whl", []),
    "from git": ("git+https://example.org/gunicorn.git#egg=gunicorn", []),
    "editable from git": ("-e git+https://example.org/gunicorn.git#egg=gunicorn", []),
    "as a constraint": ("-c limits.txt", ["SERVER_ADDED"]),
    "in an include": ("-r base.txt", []),
    "both": ("-c base.txt\n-r base.txt", []),
}


@pytest.mark.parametrize(("text", "warnings"), SERVERS_ADDED.values(), ids=SERVERS_ADDED)
def test_names_are_parsed_never_looked_for(text: str, warnings: list[str]) -> None:
    plan = planned({"app.py": FLASK, "requirements.txt": text, "limits.txt": "gunicorn<24", "base.txt": "gunicorn"})
    assert codes(plan) == warnings
    assert [step.name for step in plan.steps if step.name == "server"] == (["server"] if warnings else [])


NAMED: dict[str, dict[str, str]] = {
    "pyproject": {"pyproject.toml": PROJECT + 'dependencies = ["uvicorn[standard]>=0.30"]\n'},
    "poetry": {"pyproject.toml": POETRY, "poetry.lock": ""},
    "pipfile": {"Pipfile": '[packages]\nuvicorn = "*"\n'},
    "setup.py": {"setup.py": "from setuptools import setup\nsetup(name='x', install_requires=['uvicorn'])\n"},
    "setup.cfg": {"setup.cfg": "[options]\ninstall_requires =\n    fastapi\n    uvicorn\n", "setup.py": "import setuptools\n"},
    "itself": {"requirements.txt": "-e .", "setup.py": "from setuptools import setup\nsetup(install_requires=['uvicorn'])\n"},
}


@pytest.mark.parametrize("files", NAMED.values(), ids=NAMED)
def test_every_manifest_names_the_server(files: dict[str, str]) -> None:
    assert codes(planned({"main.py": FASTAPI, **files})) == []


VERSIONS: dict[str, tuple[dict[str, str], str, str]] = {
    ".python-version": ({".python-version": "# pyenv\n3.12.4\n"}, "3.12", ".python-version"),
    "runtime.txt": ({"runtime.txt": "python-3.11.9\n"}, "3.11", "runtime.txt"),
    "Pipfile": ({"Pipfile": '[requires]\npython_version = "3.10"\n'}, "3.10", "Pipfile"),
    ".tool-versions": ({".tool-versions": "python 3.11.2\n"}, "3.11", ".tool-versions"),
    "mise": ({"mise.toml": '[tools]\npython = "3.12"\n'}, "3.12", "mise.toml"),
    "requires-python": ({"pyproject.toml": PROJECT + 'requires-python = ">=3.9,<3.11"\n'}, "3.10", "requires-python in pyproject.toml"),
    "poetry": ({"pyproject.toml": POETRY.replace("^3.10", "~3.11")}, "3.11", "tool.poetry in pyproject.toml"),
    "setup.py": ({"setup.py": "from setuptools import setup\nsetup(python_requires='<3.12')\n"}, "3.11", "setup.py"),
    "setup.cfg": ({"setup.cfg": "[options]\npython_requires = ==3.12.*\n"}, "3.12", "setup.cfg"),
    "the file beats the range": (
        {".python-version": "3.12", "pyproject.toml": PROJECT + 'requires-python = ">=3.9"\n'},
        "3.12",
        ".python-version",
    ),
    "nothing": ({}, "3.13", "default"),
}


@pytest.mark.parametrize(("files", "version", "place"), VERSIONS.values(), ids=VERSIONS)
def test_the_version_of_python(files: dict[str, str], version: str, place: str) -> None:
    plan = planned({"main.py": MAIN, **files})
    assert (plan.version, plan.origins["version"].source) == (version, place)
    assert plan.bases.build == plan.bases.run == f"python:{version}-slim"


def test_versions_that_disagree_are_told() -> None:
    plan = planned({"main.py": MAIN, ".python-version": "3.12", "runtime.txt": "python-3.9.1"})
    assert codes(plan) == ["VERSIONS_DISAGREE"]
    assert [(one.value, one.source) for one in plan.origins["version"].beat] == [("python-3.9.1", "runtime.txt")]


def test_django_collects_its_files_when_it_has_a_place_for_them_and_migrates_before_each_release() -> None:
    files = {
        "manage.py": MANAGE,
        "shop/settings/__init__.py": "",
        "shop/settings/base.py": "if 1:\n    STATIC_ROOT = 'x'\n",
        "requirements.txt": "django\ngunicorn",
    }
    plan = planned(files)
    assert plan.steps[-1].commands == ("python manage.py collectstatic --noinput",)
    assert plan.steps[-1].variables == ("*",)
    assert plan.services[0].pre_deploy == ("python manage.py migrate --noinput",)
    assert [step.name for step in planned({**files, "shop/settings/base.py": ""}).steps] == ["install", "sources"]


def test_django_on_sqlite_migrates_at_each_start_for_a_replica_has_files_of_its_own() -> None:
    files = {
        "manage.py": MANAGE,
        "shop/settings.py": "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'db.sqlite3'}}\n",
        "shop/wsgi.py": "",
        "requirements.txt": "django\ngunicorn",
    }
    plan = planned(files)
    assert plan.services[0].start == "python manage.py migrate --noinput && exec gunicorn shop.wsgi:application --bind $HOST:$PORT"
    assert codes(plan) == ["DATABASE_IN_RELEASE"]
    served = planned({**files, "requirements.txt": "django\ngunicorn\npsycopg[binary]"})
    assert served.services[0].start.startswith("gunicorn")
    assert codes(served) == []


def test_django_in_a_folder_is_found_from_there() -> None:
    plan = planned(STARTS["django in a folder"][0])
    assert plan.environment["PYTHONPATH"] == "site"
    assert plan.services[0].pre_deploy == ("python site/manage.py migrate --noinput",)
    assert plan.steps[-1].commands == ("python site/manage.py collectstatic --noinput",)


@pytest.mark.parametrize(
    ("case", "folder"),
    [
        ("src layout", "src"),
        ("folder whose modules import each other barely", "backend"),
        ("package in src that runs", "src"),
        ("package", None),
    ],
)
def test_a_folder_that_is_no_package_is_on_the_import_path(case: str, folder: str | None) -> None:
    assert planned(STARTS[case][0]).environment.get("PYTHONPATH") == folder


def test_a_framework_without_any_manifest_is_told() -> None:
    assert codes(planned({"app.py": FLASK})) == ["REQUIREMENTS_MISSING"]


def test_an_app_that_beats_a_console_script_says_so() -> None:
    origin = planned(STARTS["an app beats a console script"][0]).origins["start"]
    assert (origin.source, [(one.value, one.source) for one in origin.beat]) == (
        "main.py",
        [("shop", "[project.scripts] in pyproject.toml")],
    )


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"pyproject.toml": "[tool.ruff]\nline-length = 100\n", "go.mod": ""}, id="a pyproject that only sets tools"),
        pytest.param({"package.json": "{}", "scripts/x.py": ""}, id="a script somewhere"),
        pytest.param({}, id="nothing"),
    ],
)
def test_what_is_no_python_project(files: dict[str, str]) -> None:
    assert PythonBuildpack().detect(Source(files)) is None


def test_no_step_reads_the_users_variables_but_those_that_run_his_code() -> None:
    assert [step.name for step in planned(STARTS["django in a folder"][0]).steps if step.variables] == ["build"]
