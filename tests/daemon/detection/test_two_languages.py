"""Node and Python in one image: when both are installed, and what is taken from which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pins import pinned

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan

PINS = Path(__file__).parent / "dockerfiles"
FLASK = {"requirements.txt": "flask\ngunicorn\n", "app.py": "from flask import Flask\napp = Flask(__name__)\n"}
DJANGO = {
    "requirements.txt": "django\ngunicorn\npsycopg\n",
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
    "shop/settings.py": "STATIC_ROOT = 'static'\n",
    "shop/wsgi.py": "application = None\n",
}


def package(**more: Any) -> dict[str, str]:
    return {"package.json": json.dumps({"name": "both", **more})}


def planned(*trees: dict[str, str]) -> BuildPlan:
    return registry.plan(Request(Source({path: text for tree in trees for path, text in tree.items()})))


EXAMPLES = {
    "python-with-assets": (DJANGO, package(scripts={"build": "tailwindcss -o static/app.css"}, devDependencies={"tailwindcss": "3"})),
    "node-with-python": (
        package(scripts={"start": "python warm.py && node server.js"}),
        {"server.js": "", "requirements.txt": "humanize\n"},
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_dockerfile_is_pinned(name: str) -> None:
    text = render(planned(*EXAMPLES[name]))
    assert text == pinned(PINS / f"{name}.Dockerfile", text)


def test_assets_are_there_before_static_files_are_collected_and_node_goes_after_it() -> None:
    plan = planned(*EXAMPLES["python-with-assets"])
    assert [step.name for step in plan.steps] == ["node", "install", "sources", "assets", "build", "clean"]
    assert [(one.image, one.runs) for one in plan.toolchains] == [("node:22-slim", False)]
    assert plan.origins["node"].source == "scripts.build in package.json"


def test_a_package_json_without_a_build_changes_nothing() -> None:
    assert planned(FLASK, package(devDependencies={"prettier": "3"})).model_dump(exclude={"origins"}) == planned(FLASK).model_dump(
        exclude={"origins"}
    )


def test_python_keeps_node_where_a_command_calls_it() -> None:
    plan = planned(FLASK, package(), {"Procfile": "web: gunicorn app:app\nworker: node worker.js\n"})
    assert (plan.buildpack, [one.runs for one in plan.toolchains]) == ("python", [True])
    assert plan.origins["node"].source == "node"


@pytest.mark.parametrize(
    ("trees", "place"),
    [
        ((package(scripts={"start": "node a.js"}), {"a.js": "", "Procfile": "web: node a.js\nworker: python work.py\n", "requirements.txt": "x"}), "python in a command"),
        ((package(scripts={"start": "uvicorn api:app & node a.js"}), {"requirements.txt": "uvicorn"}), "scripts.start in package.json"),
        ((package(scripts={"start": "node a.js"}), {"nixpacks.toml": 'providers = ["...", "python"]'}), "nixpacks.toml: providers"),
    ],
    ids=["Procfile", "script", "list of providers"],
)  # fmt: skip
def test_node_gets_python_where_something_asks_for_it(trees: tuple[dict[str, str], ...], place: str) -> None:
    plan = planned(*trees)
    assert (plan.buildpack, plan.bases.run) == ("node", "python:3.13-slim")
    assert [(one.image, one.runs) for one in plan.toolchains] == [("node:22-slim", True)]
    assert plan.origins["python"].source == place
    assert ("python" in [step.name for step in plan.steps]) is any("requirements.txt" in tree for tree in trees)


def test_a_stray_requirements_file_brings_no_python() -> None:
    plan = planned(package(scripts={"start": "node a.js"}), {"a.js": "", "requirements.txt": "mkdocs"})
    assert (plan.bases.run, plan.toolchains) == ("node:22-slim", ())


def test_pages_need_no_second_language_at_run_time() -> None:
    pages = package(scripts={"build": "python make.py && vite build"}, devDependencies={"vite": "5"})
    assert planned(pages, {"requirements.txt": "jinja2"}).bases.run == "caddy:2-alpine"


def test_a_language_that_cannot_be_beside_it_is_told() -> None:
    plan = planned(package(scripts={"start": "node a.js"}), {"nixpacks.toml": 'providers = ["...", "ruby"]'})
    assert "names ruby as well; node is built alone" in " ".join(one.message for one in plan.warnings)
