"""nixpacks.toml, nixpacks.json and railpack.json: what of them is mapped, what beats what, and what is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rw_daemon.detection import nixpacks_file, railpack_file, registry
from rw_daemon.detection.build_file import UNREAD, BuildFile
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan
from rw_shared import railway_toml
from rw_shared.config import DeployConfig, ServiceConfig
from rw_shared.errors import ConfigInvalidError

APP = {"requirements.txt": "psycopg2\n", "main.py": "print(1)\n"}


def planned(files: dict[str, str], **variables: str) -> BuildPlan:
    return registry.plan(Request(Source({**APP, **files}), variables=variables))


def nixpacks(text: str, **variables: str) -> BuildPlan:
    return planned({"nixpacks.toml": text}, **variables)


def railpack(text: str, **variables: str) -> BuildPlan:
    return planned({"railpack.json": text}, **variables)


def steps(plan: BuildPlan) -> dict[str, tuple[str, ...]]:
    return {step.name: step.commands for step in plan.steps}


def test_commands_of_phases_replace_add_and_follow_what_they_depend_on() -> None:
    plan = nixpacks(
        '[phases.setup]\ncmds = ["a"]\n[phases.install]\ncmds = ["...", "b"]\n[phases.build]\ncmds = ["c"]\n'
        '[phases.late]\ncmds = ["e"]\ndependsOn = ["early"]\n[phases.early]\ncmds = ["d"]\ndependsOn = ["install"]\n'
    )
    names = [step.name for step in plan.steps]
    assert names.index("setup") < names.index("install") < names.index("early") < names.index("late")
    assert steps(plan)["install"] == (*steps(planned({}))["install"], "b")
    assert (steps(plan)["build"], steps(plan)["early"]) == (("c",), ("d",))
    assert plan.origins["steps.early"].source == "nixpacks.toml: phases.early.cmds"


def test_a_phase_that_the_build_depends_on_comes_before_it() -> None:
    plan = nixpacks('[phases.build]\ncmds = ["c"]\ndependsOn = ["...", "assets"]\n[phases.assets]\ncmds = ["d"]\n')
    names = [step.name for step in plan.steps]
    assert names.index("assets") < names.index("build")


def test_packages_of_nixpacks_add_debian_names_and_name_the_others() -> None:
    plan = nixpacks('[phases.setup]\naptPkgs = ["...", "ffmpeg"]\nnixPkgs = ["...", "poppler_utils", "hello-unknown"]\n')
    found = planned({}).packages
    assert plan.packages.runtime == (*found.runtime, "ffmpeg", "poppler-utils")
    assert plan.packages.build == (*found.build, "ffmpeg", "poppler-utils")
    assert [one.message for one in plan.warnings if "hello-unknown" in one.message]


def test_variables_of_the_file_hold_in_the_image_and_the_tools_own_choose() -> None:
    plan = nixpacks('[variables]\nHELLO = "there"\nNIXPACKS_PYTHON_VERSION = "3.11"\n')
    assert (plan.environment["HELLO"], plan.version) == ("there", "3.11")
    assert plan.origins["environment.HELLO"].source == "nixpacks.toml: variables.HELLO"
    assert plan.origins["version"].source == "nixpacks.toml: variables.NIXPACKS_PYTHON_VERSION"
    assert nixpacks('[variables]\nNIXPACKS_PYTHON_VERSION = "3.11"\n', NIXPACKS_PYTHON_VERSION="3.12").version == "3.12"


@pytest.mark.parametrize(
    ("files", "buildpack"),
    [
        ({"nixpacks.toml": 'providers = ["node"]\n'}, "node"),
        ({"nixpacks.toml": 'providers = ["...", "node"]\n'}, "python"),
        ({"nixpacks.json": '{"providers": []}', "start.sh": ""}, "shell"),
        ({"railpack.json": '{"provider": "node"}'}, "node"),
        ({"railpack.json": '{"provider": "python"}', "nixpacks.toml": 'providers = ["node"]'}, "node"),
    ],
)
def test_a_provider_that_a_file_names_is_the_buildpack(files: dict[str, str], buildpack: str) -> None:
    plan = planned({"package.json": '{"scripts": {"start": "node x.js"}}', "x.js": "", **files})
    assert plan.buildpack == buildpack


def test_railpack_with_comments_maps_steps_packages_and_deploy() -> None:
    plan = railpack(
        '{ // ours\n "packages": {"python": "3.11", "jq": "1"}, "buildAptPackages": ["git"],\n "steps": {"build": {"commands": '
        '["a", {"cmd": "b"}, {"path": "/x"}, {"src": "y", "dest": "z"}], "caches": []}, "extra": {"commands": "c"}},\n'
        '"deploy": {"aptPackages": ["curl"], "startCommand": "python -u main.py", "variables": {"A": "1"}, "base": {}},}'
    )
    assert (plan.version, plan.services[0].start, plan.environment["A"]) == ("3.11", "python -u main.py", "1")
    assert (steps(plan)["build"], steps(plan)["extra"]) == (("a", "b", "cp -R y z"), ("c",))
    assert ("git" in plan.packages.build, "git" in plan.packages.runtime, "curl" in plan.packages.runtime) == (True, False, True)
    assert plan.origins["start"].source == "railpack.json: deploy.startCommand"
    assert plan.origins["version"].source == "railpack.json: packages.python"
    assert plan.path == (".venv/bin", "/x")
    told = " ".join(one.message for one in plan.warnings if one.code == "NOT_MAPPED")
    assert all(word in told for word in ("packages.jq", "steps.build.caches", "deploy.base"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[start", "not valid TOML"),
        ('providers = ["lunatic"]', "no buildpack is called 'lunatic'"),
        ('providers = ["ruby"]', "nothing of it was found"),
        ("[phases.build]\ncmds = 3", "a list of texts was expected"),
        ("[start]\ncmd = []", "a text was expected"),
        ('[phases.a]\ndependsOn = ["b"]\n[phases.b]\ndependsOn = ["a"]', "wait for each other"),
        ('[phases.setup]\naptPkgs = ["a;b"]', "cannot be the name of a Debian package"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(text: str, problem: str) -> None:
    with pytest.raises(ConfigInvalidError, match=problem):
        nixpacks(text)


@pytest.mark.parametrize("name", ["NIXPACKS_CONFIG_FILE", "RAILPACK_CONFIG_FILE"])
def test_a_file_that_is_named_is_read_and_must_be_there(name: str) -> None:
    text = '{"start": {"cmd": "python x"}, "deploy": {"startCommand": "python x"}}'
    assert planned({"other.json": text}, **{name: "other.json"}).services[0].start == "python x"
    with pytest.raises(ConfigInvalidError, match=name):
        planned({}, **{name: "absent.json"})


def configured(files: dict[str, str], railway: str, **variables: str) -> BuildPlan:
    config = railway_toml.parse(railway, filename="railway.toml", strict=True).service()
    return registry.plan(Request(Source({**APP, **files}), config=config, variables=variables))


def test_railway_toml_names_a_file_and_a_variable_beats_it() -> None:
    railway = '[build]\nnixpacksConfigPath = "deploy/nixpacks.toml"\n'
    files = {"deploy/nixpacks.toml": '[start]\ncmd = "python x"\n', "other.toml": '[start]\ncmd = "python y"\n'}
    assert configured(files, railway).services[0].start == "python x"
    assert configured(files, railway, NIXPACKS_CONFIG_FILE="other.toml").services[0].start == "python y"
    with pytest.raises(ConfigInvalidError, match=r"railway.toml:2"):
        configured({}, railway)


def test_a_plan_in_railway_toml_beats_the_file_and_is_beaten_by_its_commands() -> None:
    railway = '[build.nixpacksPlan]\nproviders = ["python"]\n[build.nixpacksPlan.start]\ncmd = "python x"\n'
    railway += '[build.nixpacksPlan.phases.setup]\naptPkgs = ["...", "ffmpeg"]\n[build.nixpacksPlan.phases.build]\ncmds = ["make"]\n'
    file = {"nixpacks.toml": '[start]\ncmd = "python y"\n[phases.build]\ncmds = ["cmake"]\n'}
    plan = configured(file, railway)
    assert (plan.services[0].start, steps(plan)["build"]) == ("python x", ("make",))
    assert "ffmpeg" in plan.packages.runtime
    assert plan.origins["steps.build"].source == "railway.toml:1: build.nixpacksPlan: phases.build.cmds"
    plan = configured(file, f'[build]\nbuildCommand = "ninja"\n[deploy]\nstartCommand = "python z"\n{railway}')
    assert (plan.services[0].start, steps(plan)["build"]) == ("python z", ("ninja",))


def test_a_plan_in_railway_toml_makes_one_image_of_two_languages() -> None:
    railway = '[build.nixpacksPlan]\nproviders = ["python", "node"]\n'
    plan = configured({"package.json": '{"scripts": {"build": "vite build"}}'}, railway)
    assert (plan.buildpack, plan.origins["node"].source) == ("python", "railway.toml:1: build.nixpacksPlan: providers")


@pytest.mark.parametrize(
    "railway", ["[build]\nnixpacksPlan = 3\n", "[build.nixpacksPlan]\nproviders = 3\n", "[build.nixpacksPlan]\nproviders = ['x']\n"]
)
def test_a_plan_in_railway_toml_that_cannot_be_used_says_where(railway: str) -> None:
    with pytest.raises(ConfigInvalidError, match=r"railway\.toml:[12]: build\.nixpacksPlan"):
        configured({}, railway)


def test_a_dockerfile_passes_the_files_over_and_says_so() -> None:
    plan = planned({"Dockerfile": "FROM debian\n", "nixpacks.toml": "[broken"})
    assert [one.message for one in plan.warnings if "nixpacks.toml" in one.message]


@pytest.mark.parametrize("name", sorted(UNREAD))
def test_a_variable_that_is_read_nowhere_is_told(name: str) -> None:
    assert [one.message for one in planned({}, **{name: "1"}).warnings if one.message.startswith(f"{name} ")]


def test_no_variable_counts_as_unread_that_a_buildpack_reads() -> None:
    folder = Path(registry.__file__).parent
    texts = [path.read_text() for path in folder.rglob("*.py") if path.name != "build_file.py"]
    assert [name for name in UNREAD if any(f'"{name}"' in text for text in texts)] == []


PLACES = (
    "RW_BUILD_START_CMD", "NIXPACKS_START_CMD", "RAILPACK_START_CMD", "railway.toml", "nixpacks.toml: start.cmd",
    "railpack.json: deploy.startCommand", "Procfile",
)  # fmt: skip
FILES = {
    "nixpacks.toml": '[start]\ncmd = "python 4"\n',
    "railpack.json": '{"deploy": {"startCommand": "python 5"}}',
    "Procfile": "web: python 6\n",
}


@given(st.sets(st.sampled_from(PLACES), min_size=1))
@settings(deadline=None)
def test_the_strongest_start_wins_and_has_beaten_all_others(places: set[str]) -> None:
    files = {place.split(":")[0]: FILES[place.split(":")[0]] for place in places if place.split(":")[0] in FILES}
    variables = {place: f"python {PLACES.index(place)}" for place in places if place.endswith("_CMD")}
    config = ServiceConfig(deploy=DeployConfig(start_command="python 3")) if "railway.toml" in places else ServiceConfig()
    plan = registry.plan(Request(Source({**APP, **files}), config=config, variables=variables))
    order = sorted(places, key=PLACES.index)
    assert plan.services[0].start == f"python {PLACES.index(order[0])}"
    assert plan.origins["start"].source == order[0]
    assert [one.source for one in plan.origins["start"].beat][: len(order) - 1] == order[1:]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
WORDS = "providers phases setup install build cmds dependsOn aptPkgs nixPkgs start cmd variables provider packages node steps commands deploy aptPackages startCommand buildAptPackages path"
KEYS = st.sampled_from(WORDS.split())
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
@settings(deadline=None)
def test_any_content_is_read_or_refused_in_plain_words(content: dict[str, object]) -> None:
    for reader, name in ((nixpacks_file.read, "nixpacks.json"), (railpack_file.read, "railpack.json")):
        try:
            found = reader(Source({name: json.dumps(content)}), {})
        except ConfigInvalidError:
            continue
        assert isinstance(found, BuildFile)


@given(st.text(max_size=60))
@settings(deadline=None)
def test_any_text_is_read_or_refused_in_plain_words(text: str) -> None:
    for reader, name in (
        (nixpacks_file.read, "nixpacks.toml"),
        (nixpacks_file.read, "nixpacks.json"),
        (railpack_file.read, "railpack.json"),
    ):
        try:
            found = reader(Source({name: text}), {})
        except ConfigInvalidError:
            continue
        assert isinstance(found, BuildFile)


def test_railpacks_copies_variables_and_secrets_of_a_step_are_what_rw_does_anyway() -> None:
    plan = railpack(
        '{"secrets": ["A"], "steps": {"own": {"commands": [{"src": ".", "dest": "."}, {"src": "a", "dest": "b/c"}, "run"],'
        ' "secrets": ["A"], "variables": {"B": "two words"}}}, "deploy": {"inputs": ["..."], "paths": ["/opt/bin"]}}'
    )
    assert steps(plan)["own"] == ("export B='two words' && mkdir -p b && cp -R a b/c", "export B='two words' && run")
    assert "/opt/bin" in plan.path
    assert "NOT_MAPPED" not in [one.code for one in plan.warnings]


def test_what_railpack_takes_from_other_images_is_told() -> None:
    plan = railpack(
        '{"deploy": {"inputs": [{"image": "x", "include": ["/y"]}]}, "steps": {"a": {"commands": [{"src": "a", "image": "x"}]}}}'
    )
    assert [one.message.split(" ")[1] for one in plan.warnings if one.code == "NOT_MAPPED"] == ["steps.a.commands", "deploy.inputs"]


def test_a_shell_script_that_is_named_is_run() -> None:
    source = Source({"start.sh": "", "bin/other.sh": "#!/bin/bash\n"})
    plan = registry.plan(Request(source, variables={"RAILPACK_SHELL_SCRIPT": "bin/other.sh"}))
    assert (plan.services[0].start, plan.origins["start"].source) == ("bash bin/other.sh", "RAILPACK_SHELL_SCRIPT")
    with pytest.raises(ConfigInvalidError, match=r"gone\.sh"):
        registry.plan(Request(source, variables={"RW_BUILD_SHELL_SCRIPT": "gone.sh"}))


def test_folders_that_survive_builds_have_the_name_of_their_app() -> None:
    app = {"package.json": '{"name": "shop", "scripts": {"build": "b", "start": "s"}}'}
    text = '[phases.build]\ncacheDirectories = ["/root/.cache/tool", "/app/.out/cache"]\n'
    plan = registry.plan(Request(Source({**app, "nixpacks.toml": text}), variables={"NIXPACKS_BUILD_CACHE_DIRS": "tmp"}))
    found = {one.id: one.path for step in plan.steps if step.name == "build" for one in step.caches}
    assert {"root-cache-tool": "/root/.cache/tool", "shop-out-cache": ".out/cache", "shop-tmp": "tmp"}.items() <= found.items()


@pytest.mark.parametrize("folder", ["out", "../out", "."])
def test_a_folder_that_two_apps_would_share_is_told(folder: str) -> None:
    plan = nixpacks(f'[phases.install]\ncacheDirectories = ["{folder}"]\n')
    assert [one.message.split(" ")[0] for one in plan.warnings if one.code == "NOT_MAPPED"] == ["phases.install.cacheDirectories"]


def test_programs_that_both_tools_list_come_by_debians_names() -> None:
    plan = planned({}, NIXPACKS_PKGS="... ffmpeg hello-unknown", RAILPACK_PACKAGES="jq@latest")
    assert {"ffmpeg", "jq"} <= set(plan.packages.build) & set(plan.packages.runtime)
    assert {"libpq5"} <= set(plan.packages.runtime)
    told = [one for one in plan.warnings if one.code == "NOT_MAPPED"]
    assert [("hello-unknown" in one.message, "RW_BUILD_APT_PACKAGES" in one.fix) for one in told] == [(True, True)]


@pytest.mark.parametrize(("command", "kept"), [("next build", True), ("rm -rf .next && next build", False)])
def test_a_written_build_that_clears_folders_finds_none_mounted(command: str, *, kept: bool) -> None:
    app = {"package.json": '{"scripts": {"build": "next build"}, "dependencies": {"next": "15"}}'}
    plan = registry.plan(Request(Source(app), variables={"RW_BUILD_BUILD_CMD": command}))
    caches = [one.path for step in plan.steps if step.name == "build" for one in step.caches]
    assert (".next/cache" in caches) is kept
    assert "/root/.npm" in caches
