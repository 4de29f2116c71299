"""What the Ruby buildpack makes of source trees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pins import pinned

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.buildpacks.ruby import RubyBuildpack
from rw_daemon.detection.gemfile import Gemfile
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan

PINS = Path(__file__).parent / "dockerfiles"


def lock(*gems: str, ruby: str = "") -> str:
    specs = "".join(f"    {gem} (1.0)\n      other (>= 1)\n" for gem in gems)
    tail = f"\nRUBY VERSION\n   ruby {ruby}\n" if ruby else ""
    return f"GEM\n  remote: https://gems.example.org/\n  specs:\n{specs}\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  x\n{tail}\nBUNDLED WITH\n   2.4.9\n"


RAILS = {
    ".ruby-version": "3.3\n",
    "Gemfile": 'source "https://gems.example.org"\nruby file: ".ruby-version"\ngem "rails", "~> 7.1"\ngem "pg"\n',
    "Gemfile.lock": lock("rails", "railties", "activerecord", "pg", "puma", "bootsnap", "sprockets-rails"),
    "config/application.rb": "",
    "app/models/a.rb": "",
    "lib/b.rb": "",
    "db/schema.rb": "",
}
SINATRA = {
    "Gemfile": 'ruby "3.1.2"\ngem "sinatra"\n',
    "Gemfile.lock": lock("sinatra", "puma", "rack", ruby="3.1.2p20"),
    "config.ru": "",
    "app.rb": "",
}
PACKAGE = json.dumps({"scripts": {"build": "esbuild"}})


def ruby(files: dict[str, str], **variables: str) -> BuildPlan:
    return RubyBuildpack().plan(Request(Source(files), variables=variables))


# nixpacks's examples by their shape: name → (files, version, image, start, pre-deploy)
SHAPES: dict[str, tuple[dict[str, str], str, str, tuple[str, ...]]] = {
    "a script with a locked Ruby": (
        {"Gemfile": "", "Gemfile.lock": lock("rack", ruby="3.1.2p20"), "app.rb": ""},
        "ruby:3.1-slim",
        "bundle exec ruby app.rb",
        (),
    ),
    "Ruby 2 by a file": ({"Gemfile": "", ".ruby-version": "2.6.6", "app.rb": ""}, "ruby:2.6.6-slim", "bundle exec ruby app.rb", ()),
    "Ruby 3 by a file": ({"Gemfile": "", ".ruby-version": "ruby-3.2.1\n", "app.rb": ""}, "ruby:3.2.1-slim", "bundle exec ruby app.rb", ()),
    "no version is said": ({"Gemfile": "", "app.rb": ""}, "ruby:3.3-slim", "bundle exec ruby app.rb", ()),
    "Sinatra": (SINATRA, "ruby:3.1.2-slim", "bundle exec puma -b tcp://$HOST:$PORT", ()),
    "Rails": (RAILS, "ruby:3.3-slim", "bundle exec puma -b tcp://$HOST:$PORT", ("bundle exec rails db:migrate",)),
    "Rails without a database": (
        {**RAILS, "Gemfile.lock": lock("railties", "puma"), "Gemfile": 'gem "railties"\n'},
        "ruby:3.3-slim",
        "bundle exec puma -b tcp://$HOST:$PORT",
        (),
    ),
    "Rails without puma": (
        {**RAILS, "Gemfile.lock": lock("rails", "sqlite3")},
        "ruby:3.3-slim",
        "bundle exec rails server -b $HOST -p $PORT -P /tmp/rails-$PORT.pid",
        ("bundle exec rails db:migrate",),
    ),
    "Rack without a server": ({"Gemfile": 'gem "rackup"', "config.ru": ""}, "ruby:3.3-slim", "bundle exec rackup -o $HOST -p $PORT", ()),
    "falcon": ({"Gemfile": 'gem "falcon"', "config.ru": ""}, "ruby:3.3-slim", "bundle exec falcon serve --bind http://$HOST:$PORT", ()),
    "no gems at all": ({"server.rb": ""}, "ruby:3.3-slim", "ruby server.rb", ()),
    "gems.rb": ({"gems.rb": 'gem "puma"', "config.ru": ""}, "ruby:3.3-slim", "bundle exec puma -b tcp://$HOST:$PORT", ()),
    "migrations without Rails": (
        {"Gemfile": 'gem "sinatra-activerecord"\ngem "puma"', "config.ru": "", "Rakefile": "", "db/migrate/1_a.rb": ""},
        "ruby:3.3-slim",
        "bundle exec puma -b tcp://$HOST:$PORT",
        ("bundle exec rake db:migrate",),
    ),
}


@pytest.mark.parametrize(("files", "image", "start", "pre_deploy"), SHAPES.values(), ids=SHAPES)
def test_image_and_start_are_told(files: dict[str, str], image: str, start: str, pre_deploy: tuple[str, ...]) -> None:
    plan = registry.plan(Request(Source(files)))
    service = plan.services[0]
    assert (plan.buildpack, plan.bases.run, service.start, service.pre_deploy) == ("ruby", image, start, pre_deploy)


@pytest.mark.parametrize(
    ("line", "version"),
    [
        pytest.param('ruby "~> 3.2"', "3.3", id="the last number may rise"),
        pytest.param('ruby "~> 3.2.0"', "3.2", id="not the one before it"),
        pytest.param("ruby '>= 3.1', '< 3.3'", "3.2", id="two ends"),
        pytest.param('ruby "3.4.1", engine: "ruby"', "3.4", id="options are no version"),
        pytest.param('# ruby "2.7"', "3.3", id="a comment"),
        pytest.param("ruby(RUBY_VERSION)", "3.3", id="computed"),
    ],
)
def test_the_version_is_read_from_the_gemfile(line: str, version: str) -> None:
    assert ruby({"Gemfile": line}).version == version


def test_the_lock_tells_which_ruby_of_a_range_was_used() -> None:
    plan = ruby({"Gemfile": 'ruby "~> 3.1"', "Gemfile.lock": lock("rack", ruby="3.2.4p170")})
    assert (plan.version, plan.origins["version"].source, plan.warnings) == ("3.2", "Gemfile.lock", ())


def test_a_variable_beats_every_file() -> None:
    plan = ruby({".ruby-version": "3.1"}, NIXPACKS_RUBY_VERSION="3.4", RAILPACK_RUBY_VERSION="3.2")
    assert (plan.version, [one.value for one in plan.origins["version"].beat]) == ("3.4", ["3.2", "3.1"])


@pytest.mark.parametrize(
    ("code", "gems"),
    [
        pytest.param('gem "a"\ngem(\'b\')\n  gem "c", "~> 1"', {"a", "b", "c"}, id="all forms"),
        pytest.param('# gem "a"\ngem "b" # gem "c"', {"b"}, id="comments"),
        pytest.param('gem "a#b-c"\ngem "d", git: "https://x#y"', {"d"}, id="a sign in a string is no comment"),
        pytest.param("gem name", set(), id="computed"),
    ],
)
def test_gems_are_read_where_they_stand_literally(code: str, gems: set[str]) -> None:
    assert Gemfile(Source({"Gemfile": code})).asked == gems


def test_system_packages_follow_the_locked_gems() -> None:
    packages = ruby(RAILS).packages
    assert {"libpq-dev", "build-essential"} <= set(packages.build)
    assert packages.runtime == ("libpq5", "libyaml-0-2")


def test_gems_in_the_sources_need_no_compiler() -> None:
    local = "PATH\n  remote: lib/hello\n  specs:\n    hello (1.0)\n\nGEM\n  specs:\n\nDEPENDENCIES\n  hello!\n"
    plan = ruby({"Gemfile": 'gem "hello", path: "lib/hello"', "Gemfile.lock": local, "app.rb": "", "lib/hello/hello.gemspec": ""})
    assert plan.packages.build == ()
    assert plan.steps[0].inputs == ("Gemfile", "Gemfile.lock", "lib/hello/")


def test_assets_are_compiled_in_the_build_and_migrations_are_not() -> None:
    commands = [command for step in ruby(RAILS).steps for command in step.commands]
    assert commands[-1].endswith("bundle exec rails assets:precompile")
    assert commands[-1].startswith("SECRET_KEY_BASE_DUMMY=1 ")
    assert not any("migrate" in command for command in commands)


def test_manifests_come_first_and_bring_gems_that_lie_in_the_sources() -> None:
    files = {
        **SINATRA,
        "Gemfile": 'gem "lib", path: "local"\nruby file: ".ruby-version"',
        "local/lib.gemspec": "",
        ".ruby-version": "3.1.2",
    }
    assert ruby(files).steps[0].inputs == ("Gemfile", "Gemfile.lock", ".ruby-version", "local/")
    assert ruby({"Gemfile": "gemspec\n", "app.rb": ""}).steps[0].inputs == (".",)


def test_gems_keep_a_layer_of_their_own_below_the_sources() -> None:
    text = render(ruby(SINATRA))
    assert text.index("COPY --from=build --chown=10001:10001 /app/vendor/bundle") < text.index("COPY --chown=10001:10001 src/ /app/")


def test_node_builds_assets_and_stays_out_of_the_image() -> None:
    plan = ruby({**RAILS, "package.json": PACKAGE, "yarn.lock": ""})
    assert [(one.image, one.path, one.runs) for one in plan.toolchains] == [("node:22-slim", "/usr/local/", False)]
    assert plan.steps[-1].commands[-1] == "rm -rf node_modules .node-programs"
    assert plan.path == (".node-programs/node_modules/.bin",)


@pytest.mark.parametrize(
    ("lock", "program"),
    [
        pytest.param({"yarn.lock": ""}, "yarn@1.22.22", id="yarn 1"),
        pytest.param({"yarn.lock": "__metadata:\n"}, "@yarnpkg/cli-dist@4", id="a later yarn"),
        pytest.param({"pnpm-lock.yaml": "lockfileVersion: '9.0'"}, "pnpm@9", id="pnpm"),
    ],
)
def test_a_package_manager_is_there_by_its_name_for_what_calls_it(lock: dict[str, str], program: str) -> None:
    step = next(step for step in ruby({**RAILS, "package.json": PACKAGE, **lock}).steps if step.name == "node")
    assert step.commands[0] == f"npm install --no-audit --no-fund --prefix .node-programs {program}"


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"Gemfile": 'gem "execjs"', "app.rb": ""}, id="a gem that runs JavaScript"),
        pytest.param({"Gemfile": "", "app.rb": "", "package.json": "{}"}, id="packages without a build"),
    ],
)
def test_node_runs_beside_an_app_that_calls_it(files: dict[str, str]) -> None:
    plan = ruby(files)
    assert [one.path for one in plan.toolchains if one.runs] == ["/usr/local/bin/node"]
    assert "node" in plan.tools


def test_a_lock_that_was_made_on_another_system_only_is_told() -> None:
    made = lock("rack").replace("PLATFORMS\n  ruby", "PLATFORMS\n  arm64-darwin-23")
    assert [one.code for one in ruby({"Gemfile": "", "Gemfile.lock": made, "app.rb": ""}).warnings] == ["LOCK_FOR_ANOTHER_SYSTEM"]
    both = made.replace("arm64-darwin-23", "arm64-darwin-23\n  x86_64-linux")
    assert ruby({"Gemfile": "", "Gemfile.lock": both, "app.rb": ""}).warnings == ()


def test_private_sources_of_gems_get_their_credentials() -> None:
    assert ruby({"Gemfile": 'source "https://gems.my-shop.example"'}).steps[0].variables == ("BUNDLE_GEMS__MY___SHOP__EXAMPLE",)


@settings(deadline=None)
@given(st.text(alphabet="gem \"'#()\n,path:./~>1ruby"), st.text(alphabet="GEMPATH specs:remote\n ().1"))
def test_any_text_is_a_gemfile_with_a_lock(code: str, locked: str) -> None:
    plan = ruby({"Gemfile": code, "Gemfile.lock": locked, "app.rb": ""})
    assert plan.services[0].start == "bundle exec ruby app.rb"


@pytest.mark.parametrize(("name", "files"), [("ruby-rails", {**RAILS, "package.json": PACKAGE}), ("ruby-sinatra", SINATRA)])
def test_the_dockerfile_is_what_was_decided(name: str, files: dict[str, str]) -> None:
    text = render(ruby(files), portable=True)
    assert text == pinned(PINS / f"{name}.Dockerfile", text)
