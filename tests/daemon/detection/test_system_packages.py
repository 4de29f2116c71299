"""Which Debian packages a plan asks for, on which side, and who asked."""

from __future__ import annotations

import pytest

from rw_daemon.detection import overrides
from rw_daemon.detection.buildpack import Request
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
