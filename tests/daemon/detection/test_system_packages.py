"""Which Debian packages a plan asks for, on which side, and who asked."""

from __future__ import annotations

import json

import pytest

from rw_daemon.detection import browsers, overrides, system_packages
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.buildpacks.node import NodeBuildpack
from rw_daemon.detection.buildpacks.python import PythonBuildpack
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan


def planned(files: dict[str, str], variables: dict[str, str] | None = None) -> BuildPlan:
    request = Request(Source({"main.py": "print(1)\n", **files}), variables=variables or {})
    return overrides.apply(PythonBuildpack().plan(request), request, {})


SETTINGS = "INSTALLED_APPS = ['django.contrib.gis']\n"
MANAGE = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
POETRY = '[tool.poetry]\nname = "a"\n[tool.poetry.dependencies]\npsycopg = {version = "3", extras = ["binary"]}\n'
NEEDED: dict[str, tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]] = {
    "what has wheels": ({"requirements.txt": "pillow\nlxml\ncryptography\nopencv-python-headless"}, (), ()),
    "a compiled driver": ({"requirements.txt": "psycopg2==2.9"}, ("gcc", "libc6-dev", "libpq-dev"), ("libpq5",)),
    "a driver with its library": ({"requirements.txt": "psycopg2-binary"}, (), ()),
    "a driver that loads the library": ({"requirements.txt": "psycopg"}, (), ("libpq5",)),
    "an extra with the library": ({"requirements.txt": "psycopg[binary,pool]"}, (), ()),
    "an extra that is compiled": ({"requirements.txt": "psycopg[c]"}, ("gcc", "libc6-dev", "libpq-dev"), ("libpq5",)),
    "an extra in Poetry's table": ({"pyproject.toml": POETRY}, (), ()),
    "an extra in a Pipfile": ({"Pipfile": '[packages]\npsycopg = {version = "*", extras = ["binary"]}\n'}, (), ()),
    "a program": ({"requirements.txt": "pdf2image\npydub"}, (), ("ffmpeg", "poppler-utils")),
    "a name in other letters": ({"requirements.txt": "Python_Magic"}, (), ("libmagic1",)),
    "a comment only": ({"requirements.txt": "flask  # not psycopg2\n# mysqlclient"}, (), ()),
    "another system's": ({"requirements.txt": "pyodbc; sys_platform == 'win32'"}, (), ()),
    "two that share": ({"requirements.txt": "cairosvg\npycairo"}, ("gcc", "libc6-dev", "libcairo2-dev", "pkg-config"), ("libcairo2",)),
    "maps in Django": ({"requirements.txt": "django", "manage.py": MANAGE, "shop/settings.py": SETTINGS}, (), ("gdal-bin",)),
}


@pytest.mark.parametrize(("files", "build", "runtime"), NEEDED.values(), ids=NEEDED)
def test_packages_follow_from_parsed_dependencies(files: dict[str, str], build: tuple[str, ...], runtime: tuple[str, ...]) -> None:
    packages = planned(files).packages
    assert (packages.build, packages.runtime) == (build, runtime)


def test_the_plan_says_which_dependency_asked() -> None:
    origins = planned({"requirements.txt": "psycopg\nmysqlclient"}).origins
    asked = {key: (one.value, one.source) for key, one in origins.items() if key.startswith("packages.")}
    assert asked == {
        "packages.build": ("default-libmysqlclient-dev gcc libc6-dev pkg-config", "mysqlclient in requirements.txt"),
        "packages.runtime": ("libmariadb3 libpq5", "mysqlclient, psycopg in requirements.txt"),
    }


OVERRIDES = {
    "dots keep what was found": ({"NIXPACKS_APT_PKGS": "... jq"}, ("gcc", "libc6-dev", "libpq-dev", "jq"), ("libpq5",)),
    "a list replaces it": ({"NIXPACKS_APT_PKGS": "jq"}, ("jq",), ("libpq5",)),
    "the running app has a list of its own": (
        {"RAILPACK_DEPLOY_APT_PACKAGES": "..., jq"},
        ("gcc", "libc6-dev", "libpq-dev"),
        ("libpq5", "jq"),
    ),
}


@pytest.mark.parametrize(("variables", "build", "runtime"), OVERRIDES.values(), ids=OVERRIDES)
def test_lists_of_the_users_own_beat_the_table(variables: dict[str, str], build: tuple[str, ...], runtime: tuple[str, ...]) -> None:
    plan = planned({"requirements.txt": "psycopg2"}, variables)
    assert (plan.packages.build, plan.packages.runtime) == (build, runtime)
    changed = "packages.build" if "NIXPACKS_APT_PKGS" in variables else "packages.runtime"
    assert plan.origins[changed].source in variables
    assert plan.origins[changed].beat[0].source == "psycopg2 in requirements.txt"


def node(*names: str, variables: dict[str, str] | None = None, **more: object) -> BuildPlan:
    package = {"scripts": {"start": "node a.js"}, "dependencies": dict.fromkeys(names, "*"), **more}
    return NodeBuildpack().plan(Request(Source({"package.json": json.dumps(package)}), variables=variables or {}))


def test_packages_of_node_are_split_into_what_compiles_and_what_runs() -> None:
    assert node("express", "sharp", "argon2").packages == node().packages
    plan = node("better-sqlite3", "@prisma/client", "pg-native")
    assert (plan.packages.build, plan.packages.runtime) == (("g++", "libpq-dev", "make", "openssl", "python3"), ("libpq5", "openssl"))
    assert plan.origins["packages.runtime"].source == "@prisma/client, pg-native in package.json"


def test_pages_need_no_packages_to_run() -> None:
    plan = node("canvas", scripts={"build": "vite build"}, devDependencies={"vite": "7"})
    assert (plan.bases.run, plan.packages.runtime) == ("caddy:2-alpine", ())


@pytest.mark.parametrize("value", ["", "0", "false"])
@pytest.mark.parametrize("name", ["puppeteer", "playwright"])
def test_a_browser_stays_away_unless_asked_for(name: str, value: str) -> None:
    plan = node(name, variables={"RW_BUILD_BROWSER": value})
    assert plan.packages.runtime == ()
    assert [(one.code, one.fix) for one in plan.warnings] == [("BROWSER_LEFT_OUT", "Set RW_BUILD_BROWSER to 1.")]
    assert plan.environment.get("PUPPETEER_SKIP_DOWNLOAD", "") == ("true" if name == "puppeteer" else "")


def test_puppeteer_gets_the_browser_of_the_distribution() -> None:
    plan = node("puppeteer", "canvas", variables={"RW_BUILD_BROWSER": "1"})
    assert {"chromium", "libcairo2"} <= set(plan.packages.runtime)
    assert plan.environment["PUPPETEER_EXECUTABLE_PATH"] == "/usr/bin/chromium"
    origin = plan.origins["packages.runtime"]
    assert (origin.source, [one.source for one in origin.beat]) == ("puppeteer and RW_BUILD_BROWSER", ["canvas in package.json"])


@pytest.mark.parametrize(
    ("plan", "place"),
    [
        (node("playwright", variables={"RAILPACK_NODE_PLAYWRIGHT_INSTALL": "true"}), "RAILPACK_NODE_PLAYWRIGHT_INSTALL"),
        (
            planned({"requirements.txt": "playwright"}, {"RAILPACK_PYTHON_PLAYWRIGHT_INSTALL": "1"}),
            "RAILPACK_PYTHON_PLAYWRIGHT_INSTALL",
        ),
    ],
    ids=["Node", "Python"],
)
def test_playwright_gets_its_own_browser_and_what_that_is_linked_to(plan: BuildPlan, place: str) -> None:
    assert plan.steps[-1].commands == ("playwright install --only-shell chromium",)
    assert plan.environment["PLAYWRIGHT_BROWSERS_PATH"] == ".browsers"
    assert set(browsers.LIBRARIES) <= set(plan.packages.runtime)
    assert plan.origins["packages.runtime"].source == f"playwright and {place}"


@pytest.mark.parametrize("table", [system_packages.NODE, system_packages.PYTHON], ids=["Node", "Python"])
def test_headers_are_for_the_build_alone(table: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]) -> None:
    assert not [one for _, runtime in table.values() for one in runtime if one.endswith("-dev")]
