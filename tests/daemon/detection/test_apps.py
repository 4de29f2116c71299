"""Trees that hold apps below their root: which one is planned, from which folder, and what is said where it cannot be told."""

from __future__ import annotations

import json
import posixpath
from pathlib import Path

import pytest
from pins import pinned

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import ConfigInvalidError, NoStartCommandError, NothingDetectedError, SeveralAppsError

EXPRESS = {"package.json": json.dumps({"scripts": {"start": "node server.js"}, "dependencies": {"express": "4"}}), "server.js": ""}
FLASK = {"requirements.txt": "flask\ngunicorn\n", "app.py": "from flask import Flask\napp = Flask(__name__)\n"}
MKDOCS = {"mkdocs.yml": "site_name: x\n"}


PINS = Path(__file__).parent / "dockerfiles"


def below(folder: str, files: dict[str, str]) -> dict[str, str]:
    return {f"{folder}/{path}": text for path, text in files.items()}


def planned(*trees: dict[str, str], **variables: str) -> BuildPlan:
    files = {path: text for tree in trees for path, text in tree.items()}
    return registry.plan(Request(Source(files), variables=variables))


def test_what_lies_aside_is_no_choice_between_equals() -> None:
    with pytest.raises(SeveralAppsError) as caught:
        planned(below("backend", FLASK), below("frontend", EXPRESS), below("docs", MKDOCS))
    assert caught.value.candidates == ("backend", "frontend")


def test_what_starts_a_member_is_named_with_its_folder() -> None:
    plan = planned({"package.json": json.dumps({"workspaces": ["apps/*"]})}, below("apps/web", EXPRESS), RW_BUILD_APP="apps/web")
    assert plan.origins["start"].source == "scripts.start in apps/web/package.json"


def test_the_only_app_is_built_from_its_folder_alone() -> None:
    plan = planned({"README.md": "", "docs/intro.md": ""}, below("hello/sub", EXPRESS))
    assert (plan.root, plan.buildpack, plan.services[0].start) == ("hello/sub", "node", "node server.js")
    assert (plan.origins["app"].value, plan.origins["app"].source) == ("hello/sub", "the only folder with an app")
    assert plan.steps[0].inputs == ("package.json",)
    assert "COPY src/ ./" in render(plan)


def test_what_lies_inside_an_app_is_part_of_it() -> None:
    assert planned(below("server", FLASK), below("server/web", EXPRESS)).root == "server"


def test_what_is_called_like_documentation_is_passed_over_with_a_warning() -> None:
    plan = planned(below("docs", MKDOCS), below("backend", FLASK))
    assert plan.root == "backend"
    assert [one.code for one in plan.warnings] == ["SEVERAL_APPS"]
    assert [(one.path, one.buildpack, one.score) for one in plan.apps] == [("backend", "python", 70), ("docs", "mkdocs", 20)]
    assert plan.apps[0].why == "can be started (+50), is called backend (+20)"


def test_a_front_end_and_an_api_are_named_and_neither_is_guessed() -> None:
    with pytest.raises(SeveralAppsError) as caught:
        planned(below("backend", FLASK), below("frontend", EXPRESS))
    assert caught.value.candidates == ("backend", "frontend")
    assert caught.value.why == "There are: backend (python Flask), frontend (node express)."
    assert "`rw up backend` or `rw up frontend`" in caught.value.hint


@pytest.mark.parametrize("folder", ["backend", "./backend/", "/backend"])
def test_one_is_chosen_by_its_folder(folder: str) -> None:
    plan = planned(below("backend", FLASK), below("frontend", EXPRESS), RW_BUILD_APP=folder)
    assert (plan.root, plan.buildpack) == ("backend", "python")
    assert plan.origins["app"].source == "RW_BUILD_APP"


def test_the_root_can_be_named_as_well() -> None:
    assert planned(FLASK, below("docs", MKDOCS), RW_BUILD_APP=".").root == ""


def test_a_folder_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigInvalidError, match="no folder 'web'"):
        planned(below("backend", FLASK), RW_BUILD_APP="web")


def test_a_root_that_only_holds_tools_says_which_apps_there_are() -> None:
    with pytest.raises(SeveralAppsError) as caught:
        planned({"package.json": json.dumps({"scripts": {"dev": "concurrently"}})}, below("api", FLASK))
    assert caught.value.candidates == ("api",)


def test_a_library_with_an_example_stays_a_project_without_a_start() -> None:
    library = {"pyproject.toml": '[project]\nname = "lib"\nversion = "1"\n', "lib/__init__.py": ""}
    with pytest.raises(NoStartCommandError):
        planned(library, below("examples", FLASK))


@pytest.mark.parametrize("folder", ["node_modules/x", ".github", "tests/app", "fixtures/app"])
def test_what_others_wrote_and_what_tests_is_no_app(folder: str) -> None:
    with pytest.raises(NothingDetectedError):
        planned(below(folder, EXPRESS))


def test_a_member_of_a_workspace_is_built_from_the_workspace_around_it() -> None:
    workspace = {
        "js/package.json": json.dumps({"workspaces": ["apps/*"]}),
        **below("js/apps/web", EXPRESS),
        **below("js/apps/api", EXPRESS),
    }
    plan = planned(workspace, below("other", FLASK), RW_BUILD_APP="js/apps/web")
    assert plan.root == "js"
    assert plan.services[0].start == "sh -c 'cd apps/web && exec node server.js'"


@pytest.mark.parametrize(
    ("text", "root", "path"),
    [("FROM node\nCOPY . .\n", "js/apps/web", "Dockerfile"), ("FROM node\nCOPY apps/web/ ./\n", "js", "apps/web/Dockerfile")],
    ids=["of its folder", "of the workspace"],
)
def test_a_members_own_dockerfile_is_built_in_the_context_that_it_is_written_for(text: str, root: str, path: str) -> None:
    workspace = {"js/package.json": json.dumps({"workspaces": ["apps/*"]}), **below("js/apps/web", {**EXPRESS, "Dockerfile": text})}
    plan = planned(workspace, RW_BUILD_APP="js/apps/web")
    assert (plan.root, plan.dockerfile) == (root, path)
    chosen = planned({path.removeprefix("js/"): text for path, text in workspace.items()})
    assert posixpath.join(chosen.root, chosen.dockerfile) == "apps/web/Dockerfile"


CRATE = '[package]\nname = "%s"\nversion = "1.0.0"\n'
POM = "<project><modelVersion>4.0.0</modelVersion><groupId>a</groupId><artifactId>%s</artifactId><version>1</version>%s</project>"
MAIN = "package a; public class Main { public static void main(String[] a) {} }"
WORKSPACES = {
    "cargo": (
        {
            "Cargo.toml": '[workspace]\nmembers = ["*"]\n',
            **below("api", {"Cargo.toml": CRATE % "the-api", "src/main.rs": "fn main() {}"}),
            **below("web", {"Cargo.toml": CRATE % "the-web", "src/main.rs": "fn main() {}"}),
        },
        "./target/release/the-web",
    ),
    "go": (
        {
            "go.work": "go 1.24\n\nuse (\n\t./api // first\n\t./web\n)\n",
            **below("api", {"go.mod": "module a\n", "main.go": "package main\nfunc main() {}\n"}),
            **below("web", {"go.mod": "module w\n", "cmd/web/main.go": "package main\nfunc main() {}\n"}),
        },
        "-o bin/server ./web/cmd/web",
    ),
    "uv": (
        {
            "pyproject.toml": '[project]\nname = "all"\nversion = "1"\n[tool.uv.workspace]\nmembers = ["*"]\n',
            "uv.lock": "",
            **below("api", {"pyproject.toml": '[project]\nname = "the-api"\n', "main.py": "print(1)\n"}),
            **below("web", {"pyproject.toml": '[project]\nname = "the-web"\ndependencies = ["flask"]\n', "app.py": FLASK["app.py"]}),
        },
        "uv sync --locked --no-dev --compile-bytecode --package the-web --no-editable",
    ),
    "maven": (
        {
            "pom.xml": POM % ("all", "<packaging>pom</packaging><modules><module>api</module><module>web</module></modules>"),
            **below("api", {"pom.xml": POM % ("the-api", ""), "src/main/java/a/Main.java": MAIN}),
            **below("web", {"pom.xml": POM % ("the-web", ""), "src/main/java/a/Main.java": MAIN}),
        },
        "--projects web --also-make package",
    ),
}


@pytest.mark.parametrize(("files", "words"), WORKSPACES.values(), ids=WORKSPACES)
def test_members_of_every_kind_of_workspace_are_chosen_by_their_folder(files: dict[str, str], words: str) -> None:
    plan = planned(files, RW_BUILD_APP="web")
    assert plan.root == ""
    assert words in f"{plan.steps} {plan.services[0].start}"


def test_the_only_app_of_a_workspace_of_another_language_is_found() -> None:
    root = {"pyproject.toml": '[tool.uv.workspace]\nmembers = ["apps/*", "libs/*"]\n[project]\nname = "all"\n', "uv.lock": ""}
    library = below("libs/core", {"pyproject.toml": '[project]\nname = "core"\n', "core/__init__.py": ""})
    django = {
        "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["django", "psycopg", "core"]\n',
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
        "shop/settings.py": "STATIC_ROOT = 'static'\n",
    }
    plan = planned(root, library, below("apps/shop", django))
    assert (plan.root, plan.services[0].start) == ("", "sh -c 'cd apps/shop && exec gunicorn shop.wsgi:application --bind $HOST:$PORT'")
    assert plan.services[0].pre_deploy == ("sh -c 'cd apps/shop && exec python manage.py migrate --noinput'",)
    assert [step.name for step in plan.steps] == ["install", "sources", "project", "server", "build"]
    assert plan.steps[0].inputs == ("pyproject.toml", "uv.lock", "apps/shop/pyproject.toml", "libs/core/pyproject.toml")
    assert plan.steps[-1].commands == ("cd apps/shop && python manage.py collectstatic --noinput",)
    assert plan.left_out == ()


def test_members_that_an_app_does_not_need_stay_out_of_its_build() -> None:
    plan = planned(WORKSPACES["uv"][0], RW_BUILD_APP="web")
    assert plan.left_out == ("api",)
    assert [path for path in ("web/app.py", "api/main.py", "api/pyproject.toml", "uv.lock") if plan.takes(path)] == [
        "web/app.py",
        "api/pyproject.toml",
        "uv.lock",
    ]


def test_the_dockerfile_of_a_member_is_pinned() -> None:
    text = render(planned(WORKSPACES["uv"][0], RW_BUILD_APP="web"))
    assert text == pinned(PINS / "python-uv-member.Dockerfile", text)
