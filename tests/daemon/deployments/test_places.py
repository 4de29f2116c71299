"""From a folder that is named to what is snapshotted, and what its services are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rw_daemon.deployments import places
from rw_daemon.deployments.planner import prepare
from rw_daemon.detection.source import Source
from rw_shared.errors import ConfigInvalidError, NothingDetectedError, RwError, ServiceNotFoundError, SourceMissingError, UsageError

WEB = {"package.json": json.dumps({"name": "web", "scripts": {"start": "node a.js"}}), "Procfile": "web: node a.js\nmail: node b.js\n"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tmp_path / "repository"


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


MANIFESTS = {
    "npm": {"package.json": '{"workspaces": ["apps/*"]}', "apps/web/package.json": "{}"},
    "pnpm": {"package.json": "{}", "pnpm-workspace.yaml": "packages:\n  - apps/*\n", "apps/web/package.json": "{}"},
    "nx": {"nx.json": "{}", "apps/web/project.json": "{}"},
    "moon": {".moon/workspace.yml": "projects:\n  web: apps/web\n", "apps/web/package.json": "{}"},
    "uv": {"pyproject.toml": '[tool.uv.workspace]\nmembers = ["apps/*"]\n', "apps/web/pyproject.toml": ""},
    "go": {"go.work": "use ./apps/web\n", "apps/web/go.mod": "module web\n"},
    "cargo": {"Cargo.toml": '[workspace]\nmembers = ["apps/*"]\n', "apps/web/Cargo.toml": '[package]\nname = "web"\n'},
    "gradle": {"settings.gradle": "include 'apps:web'\n", "apps/web/build.gradle": ""},
    "maven": {"pom.xml": "<project><modules><module>apps/web</module></modules></project>", "apps/web/pom.xml": "<project/>"},
}


@pytest.mark.parametrize("files", MANIFESTS.values(), ids=MANIFESTS)
def test_a_member_is_built_from_its_workspace(tree: Path, files: dict[str, str]) -> None:
    write(tree, files)
    assert places.find(str(tree / "apps/web")).wire() == {"context": str(tree), "app": "apps/web"}


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"package.json": '{"workspaces": ["packages/*"]}', "apps/web/package.json": "{}"}, id="another folder is a member"),
        pytest.param({"package.json": "{", "apps/web/package.json": "{}"}, id="a broken file above"),
        pytest.param({"apps/web/package.json": "{}", "README.md": ""}, id="no workspace"),
        pytest.param({"package.json": '{"workspaces": ["apps/*"]}', "apps/web/package.json": "{}", "apps/web/.git/HEAD": ""}, id="a repository of its own"),
    ],
)  # fmt: skip
def test_every_other_folder_is_built_alone(tree: Path, files: dict[str, str]) -> None:
    write(tree, files)
    folder = str(tree / "apps/web")
    assert places.find(folder).wire() == {"context": folder, "app": ""}


def test_a_folder_that_is_not_there_is_told(tree: Path) -> None:
    with pytest.raises(SourceMissingError):
        places.find(str(tree))


def planned(files: dict[str, str], app: str) -> tuple[list[str], bool, dict[str, str]]:
    [made] = prepare(Source(files), environment="production", environ={"RW_BUILD_APP": app} if app else {})
    return [one.name for one in made.plan.services], made.is_part, made.config.variables


TOGETHER = {f"{app}/{name}": text for app in ("api", "web") for name, text in WEB.items()}
PROJECT = {"railway.toml": '[project]\nname = "shop"\n[variables]\nA = "1"\n'}


def test_apps_of_one_project_are_services_called_after_their_folders() -> None:
    assert planned({**TOGETHER, **PROJECT}, "api") == (["api", "api-mail"], True, {"A": "1"})


def test_an_app_without_a_project_around_it_keeps_the_names_of_its_services() -> None:
    assert planned(TOGETHER, "api") == (["web", "mail"], False, {})


def test_a_railway_file_of_the_apps_own_is_read_instead() -> None:
    assert planned({**TOGETHER, **PROJECT, "api/railway.toml": '[variables]\nB = "2"\n'}, "api") == (["web", "mail"], False, {"B": "2"})


def test_the_one_app_of_a_project_keeps_the_names_of_its_services() -> None:
    assert planned({**{f"api/{name}": text for name, text in WEB.items()}, **PROJECT}, "") == (["web", "mail"], False, {"A": "1"})


LISTED = {"railway.toml": '[services.site]\nsource = "web"\n[services.site.variables]\nA = "1"\n[services.api]\nsource = "api"\n'}


def all_planned(files: dict[str, str], *only: str, app: str = "", image: str = "") -> list[tuple[str, list[str], bool]]:
    environ = {"RW_BUILD_APP": app} if app else {}
    found = prepare(Source({**TOGETHER, **files}), environment="production", environ=environ, only=only, image=image)
    return [(made.plan.app, [one.name for one in made.plan.services], made.is_part) for made in found]


def test_services_that_the_railway_file_lists_are_planned_each_from_its_folder() -> None:
    assert all_planned(LISTED) == [("web", ["site", "site-mail"], False), ("api", ["api", "api-mail"], False)]


@pytest.mark.parametrize(
    ("only", "app", "found"),
    [
        pytest.param((), "api", ["api"], id="by the folder"),
        pytest.param(("site",), "", ["site"], id="by name"),
        pytest.param(("site-mail",), "", ["site"], id="by the name of another process of it"),
    ],
)
def test_one_of_the_listed_services_is_planned_alone(only: tuple[str, ...], app: str, found: list[str]) -> None:
    [(_, services, is_part)] = all_planned(LISTED, *only, app=app)
    assert (services[:1], is_part) == (found, True)


def test_an_app_that_the_railway_file_does_not_list_is_still_planned_by_its_folder() -> None:
    assert all_planned({f"docs/{name}": text for name, text in WEB.items()} | LISTED, app="docs") == [("docs", ["docs", "docs-mail"], True)]


@pytest.mark.parametrize(
    ("files", "only", "image", "error", "words"),
    [
        pytest.param(LISTED, ("nope",), "", ServiceNotFoundError, "nope", id="a service that is not there"),
        pytest.param(LISTED, (), "nginx:1", UsageError, "nginx:1 cannot be all of site, api", id="an image for two"),
        pytest.param(
            {"railway.toml": "[services.x]\nsource = 'y'\n"}, (), "", ConfigInvalidError, "there is no folder 'y'", id="no folder"
        ),
        pytest.param(
            {"railway.toml": "[services.x]\nsource = 'y'\n", "y/a.txt": ""}, (), "", NothingDetectedError, "x: ", id="nothing in it"
        ),
    ],
)
def test_a_list_that_cannot_be_planned_is_told(
    files: dict[str, str], only: tuple[str, ...], image: str, error: type[RwError], words: str
) -> None:
    with pytest.raises(error) as caught:
        all_planned(files, *only, image=image)
    assert words in str(caught.value.to_wire())


def test_a_railway_file_below_the_list_is_told_not_to_be_read() -> None:
    [site, _] = prepare(Source({**TOGETHER, **LISTED, "web/railway.toml": ""}), environment="production", environ={})
    assert [one.message for one in site.plan.warnings if one.code == "FILE_NOT_READ"] == [
        "web/railway.toml is not read: the file above it has [services.site]."
    ]
