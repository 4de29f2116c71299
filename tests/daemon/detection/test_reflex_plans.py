"""What the Python buildpack makes of Reflex: pages are built with the image, and served beside the backend."""

from __future__ import annotations

from pathlib import Path

import pytest
from pins import pinned

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan

PINS = Path(__file__).parent / "dockerfiles"
REFLEX = {
    "requirements.txt": "reflex==0.10.1\n",
    "rxconfig.py": "import reflex as rx\nconfig = rx.Config(app_name='shop')\n",
    "shop/shop.py": "",
}
TOLD = "env REFLEX_ENV_MODE=prod __REFLEX_SKIP_COMPILE=true __REFLEX_MOUNT_FRONTEND_COMPILED_APP=true"
LOCK = {
    "uv.lock": '[[package]]\nname = "reflex"\nversion = "0.7.14"\n',
    "pyproject.toml": '[project]\nname = "x"\ndependencies = ["reflex"]\n',
}


def planned(**more: str) -> BuildPlan:
    return registry.plan(Request(Source({**REFLEX, **more})))


def commands(plan: BuildPlan) -> list[str]:
    return [command for step in plan.steps for command in step.commands]


def test_the_dockerfile_is_pinned() -> None:
    text = render(planned())
    assert text == pinned(PINS / "python-reflex.Dockerfile", text)


STARTS: dict[str, tuple[dict[str, str], str]] = {
    "its own server": ({}, f"{TOLD} granian --interface asgi --host $HOST --port $PORT shop.shop:app --factory"),
    "the server among the requirements": (
        {"requirements.txt": "reflex\nuvicorn"},
        f"{TOLD} uvicorn shop.shop:app --host $HOST --port $PORT --factory",
    ),
    "a module of another name": (
        {"rxconfig.py": "from reflex import Config\nconfig = Config(app_name='x', app_module_import='web.pages')\n"},
        f"{TOLD} granian --interface asgi --host $HOST --port $PORT web.pages:app --factory",
    ),
    "a name that nobody can read": ({"rxconfig.py": "import reflex as rx\nconfig = rx.Config(app_name=NAME)\n", "main.py": "x = 1\nprint(x)\n"}, "python main.py"),
    "another rxconfig.py": ({"requirements.txt": "flask", "app.py": "from flask import Flask\napp = Flask(__name__)\n"}, "gunicorn app:app --bind $HOST:$PORT"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "start"), STARTS.values(), ids=STARTS)
def test_the_start_command_builds_no_pages(files: dict[str, str], start: str) -> None:
    assert planned(**files).services[0].start == start


def test_pages_are_built_by_what_locked_their_packages() -> None:
    bun = planned(**{"reflex.lock/bun.lock": ""})
    npm = planned(**{"reflex.lock/package-lock.json": ""})
    assert any("bun@" in one for one in commands(bun))
    assert not any("bun" in one for one in commands(npm))
    assert [one.environment.get("REFLEX_USE_NPM") for one in (bun, npm)] == [None, "true"]
    assert commands(planned()) == commands(bun)


def test_what_only_the_build_needs_does_not_run() -> None:
    plan = planned()
    assert [one.runs for one in plan.toolchains] == [False]
    assert commands(plan)[-1].startswith("rm -rf .web/node_modules")


def test_node_comes_once_where_a_package_json_asks_for_it_as_well() -> None:
    plan = planned(**{"package.json": '{"scripts": {"build": "tailwindcss -o assets/app.css"}}'})
    assert [one.image for one in plan.toolchains] == ["node:22-slim"]
    assert [step.name for step in plan.steps] == ["node", "bun", "install", "sources", "assets", "pages", "clean"]


@pytest.mark.parametrize(
    ("files", "is_old"),
    [
        ({"requirements.txt": "reflex==0.7.14"}, True),
        ({"requirements.txt": "reflex~=0.8.3"}, False),
        ({"requirements.txt": "reflex<0.8"}, True),
        ({"requirements.txt": "reflex==0.8.*"}, False),
        ({"requirements.txt": "reflex[db]>=0.6  # any"}, False),
        ({"requirements.txt": "reflex>=0.10,<0.11"}, False),
        (LOCK, True),
    ],
)
def test_a_reflex_that_needs_two_ports_is_told(files: dict[str, str], is_old: bool) -> None:
    assert ("REFLEX_TOO_OLD" in [one.code for one in planned(**files).warnings]) is is_old
