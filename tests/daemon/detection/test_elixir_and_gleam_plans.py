"""What the Elixir and Gleam buildpacks make of source trees."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pins import pinned

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.buildpacks.elixir import ElixirBuildpack
from rw_daemon.detection.buildpacks.gleam import GleamBuildpack
from rw_daemon.detection.mix import Mix
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import ConfigInvalidError

PINS = Path(__file__).parent / "dockerfiles"


def project(*dependencies: str, elixir: str = "~> 1.14", more: str = "") -> str:
    listed = ", ".join(f'{{:{one}, "~> 1.0"}}' for one in dependencies)
    return (
        "defmodule Shop.MixProject do\n  use Mix.Project\n"
        f'  def project do\n    [app: :shop, version: "0.1.0", elixir: "{elixir}", deps: deps(){more}]\n  end\n'
        "  def application, do: [mod: {Shop.Application, []}, extra_applications: [:logger]]\n"
        f"  defp deps do\n    [{listed}]\n  end\nend\n"
    )


PLAIN = {"mix.exs": project()}
PHOENIX = {
    "mix.exs": project("phoenix", "ecto_sql", "postgrex", more=', aliases: ["assets.deploy": ["esbuild default", "phx.digest"]]'),
    "mix.lock": '%{\n  "phoenix": {:hex, :phoenix, "1.7.0", "x"},\n  "bcrypt_elixir": {:hex, :bcrypt_elixir, "3.0.0", "x"},\n}\n',
    "config/config.exs": "",
    "config/runtime.exs": "",
    "priv/repo/migrations/1_a.exs": "",
    "assets/js/app.js": "",
}
GLEAM = {"gleam.toml": 'name = "shop"\ngleam = ">= 1.6.0"\n[dependencies]\ngleam_stdlib = ">= 0.28.0"\n', "manifest.toml": ""}


def elixir(files: dict[str, str], **variables: str) -> BuildPlan:
    return ElixirBuildpack().plan(Request(Source(files), variables=variables))


def gleam(files: dict[str, str], **variables: str) -> BuildPlan:
    return GleamBuildpack().plan(Request(Source(files), variables=variables))


def commands(plan: BuildPlan) -> list[str]:
    return [command for step in plan.steps for command in step.commands]


@pytest.mark.parametrize(
    ("files", "version"),
    [
        pytest.param({"mix.exs": project(elixir="~> 1.13")}, "1.18", id="the last number may rise"),
        pytest.param({"mix.exs": project(elixir="~> 1.13.2")}, "1.13", id="not the one before it"),
        pytest.param({"mix.exs": project(elixir=">= 1.12.0 and < 1.15.0")}, "1.14", id="two ends"),
        pytest.param({"mix.exs": project(elixir="~> 1.12.0 or ~> 1.16.0")}, "1.16", id="two ranges"),
        pytest.param({**PLAIN, ".elixir-version": "1.17.3\n"}, "1.17", id="a file of its own"),
        pytest.param({**PLAIN, ".tool-versions": "erlang 27.1\nelixir 1.16.2-otp-26\n"}, "1.16", id="a tool manager's, with its Erlang"),
    ],
)
def test_the_version_is_found(files: dict[str, str], version: str) -> None:
    assert elixir(files).bases.build == f"elixir:{version}-slim"


def test_a_release_is_what_runs_and_brings_erlang_along() -> None:
    plan = registry.plan(Request(Source(PLAIN)))
    assert (plan.buildpack, plan.services[0].start, plan.keep) == ("elixir", "release/bin/shop start", ("release",))
    assert plan.bases.run == "debian:trixie-slim"


def test_a_project_without_packages_asks_no_registry() -> None:
    assert commands(elixir(PLAIN)) == ["mix compile", "mix release --overwrite --path release"]


@pytest.mark.parametrize(
    ("more", "name"),
    [
        pytest.param(", releases: [api: [include_executables_for: [:unix]]]", "api", id="written out"),
        pytest.param(", default_release: :web, releases: [api: [], web: []]", "web", id="the default one"),
        pytest.param(" # releases: [old: []]\n", "shop", id="a comment"),
    ],
)
def test_the_releases_name_is_read(more: str, name: str) -> None:
    plan = elixir({"mix.exs": project(more=more)})
    assert plan.services[0].start == f"release/bin/{name} start"
    assert commands(plan)[-1].endswith("release" if name == "shop" else f"release {name}")  # mix knows none that is not described


def test_an_umbrella_is_read_with_its_projects() -> None:
    umbrella = 'def project do [apps_path: "apps", releases: [all: [applications: [web: :permanent]]]] end'
    files = {"mix.exs": umbrella, "apps/web/mix.exs": project("phoenix").replace(":shop", ":web"), "apps/web/deps/x/mix.exs": "app: :no"}
    plan = elixir(files)
    assert (plan.framework, plan.services[0].start) == ("Phoenix", "release/bin/all start")
    assert plan.steps[0].inputs == ("mix.exs", "apps/web/mix.exs")
    assert Mix(Source(files)).apps == ("web",)


def test_packages_are_compiled_before_the_sources_come_but_not_with_what_is_read_at_the_start() -> None:
    install = elixir(PHOENIX).steps[0]
    assert install.inputs == ("mix.exs", "mix.lock", "config/config.exs")
    assert install.commands[-1] == "mix deps.compile"


def test_phoenix_serves_with_its_assets() -> None:
    plan = elixir(PHOENIX)
    assert "mix assets.deploy" in commands(plan)
    assert plan.environment["PHX_SERVER"] == "true"
    assert "build-essential" in plan.packages.build


def test_assets_with_packages_of_their_own_are_built_by_node() -> None:
    files = {"mix.exs": project("phoenix"), "assets/package.json": '{"scripts": {"deploy": "webpack"}}', "assets/package-lock.json": ""}
    plan = elixir(files)
    assert plan.steps[1].commands[0].startswith("cd assets && npm ci")
    assert [one for one in commands(plan) if "assets" in one or "digest" in one][1:] == ["cd assets && npm run deploy", "mix phx.digest"]
    assert [one.image for one in plan.toolchains] == ["node:22-slim"]


def test_migrations_run_before_a_release_and_never_in_the_build() -> None:
    (migrate,) = elixir(PHOENIX).services[0].pre_deploy
    assert migrate.startswith("release/bin/shop eval '")
    assert "[:shop]" in migrate
    assert "Ecto.Migrator.run(&1, :up, all: true)" in migrate
    assert not any("ecto" in one for one in commands(elixir(PHOENIX)))
    assert elixir({**PHOENIX, "rel/overlays/bin/migrate": ""}).services[0].pre_deploy == ("sh release/bin/migrate",)
    assert elixir({"mix.exs": project("ecto_sql")}).services[0].pre_deploy == ()


def test_a_project_without_a_name_has_no_start_command() -> None:
    assert elixir({"mix.exs": "Code.eval_file(x)"}).services[0].start == ""


@settings(deadline=None)
@given(st.text(alphabet='app: :x"#\n{},[]~>1.0 elixir deps releases\\'), st.text(alphabet='%{"a": {:hex, }\n'))
def test_any_text_is_a_project(code: str, locked: str) -> None:
    assert elixir({"mix.exs": code, "mix.lock": locked}).buildpack == "elixir"


# --- Gleam


def test_a_shipment_is_exported_and_run() -> None:
    plan = registry.plan(Request(Source(GLEAM)))
    assert (plan.buildpack, plan.version, plan.keep) == ("gleam", "1.18.1", ("build/erlang-shipment",))
    assert plan.services[0].start == "./build/erlang-shipment/entrypoint.sh run"
    assert commands(plan) == ["gleam deps download", "gleam export erlang-shipment"]
    assert plan.steps[0].inputs == ("gleam.toml", "manifest.toml")


@pytest.mark.parametrize(("wanted", "version"), [("~> 1.7.0", "1.7.0"), (">= 1.7.0 and < 1.9.0", "1.8.1"), ("~> 1.6", "1.18.1")])
def test_gleams_version_is_read(wanted: str, version: str) -> None:
    assert gleam({"gleam.toml": f'gleam = "{wanted}"'}).version == version


def test_packages_that_are_folders_of_the_sources_need_them() -> None:
    assert gleam({"gleam.toml": '[dependencies]\na = { path = "../a" }'}).steps[0].inputs == (".",)


def test_a_target_that_is_not_served_is_told() -> None:
    plan = gleam({"gleam.toml": 'target = "javascript"'})
    assert (plan.services[0].start, [one.code for one in plan.warnings]) == ("", ["TARGET_NOT_SERVED"])


@settings(deadline=None)
@given(st.text(alphabet='gleam = "~>1.0"[dependencies]\n{}path'))
def test_any_text_is_a_gleam_project_or_an_error_of_the_users(text: str) -> None:
    try:
        said = gleam({"gleam.toml": text}).buildpack
    except ConfigInvalidError as error:
        said = error.message
    assert "gleam" in said


@pytest.mark.parametrize(
    ("name", "plan"),
    [("elixir-phoenix", elixir(PHOENIX)), ("elixir-plain", elixir(PLAIN)), ("gleam", gleam(GLEAM))],
    ids=["phoenix", "elixir", "gleam"],
)
def test_the_dockerfile_is_what_was_decided(name: str, plan: BuildPlan) -> None:
    text = render(plan, portable=True)
    assert text == pinned(PINS / f"{name}.Dockerfile", text)
