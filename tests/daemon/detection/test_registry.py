"""The whole of detection: which buildpack, what beats it, what is told, and that equal trees give equal bytes."""

from __future__ import annotations

import json
import random
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rw_daemon.deployments.planner import prepare
from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan
from rw_shared.config import BuildConfig, DeployConfig, ServiceConfig
from rw_shared.errors import ConfigInvalidError, NoStartCommandError, NothingDetectedError, SeveralAppsError

APPS = Path(__file__).parents[2] / "apps"
FLASK = "from flask import Flask\napp = Flask(__name__)\n"
PYTHON = {"requirements.txt": "flask\ngunicorn\n", "app.py": FLASK}
EXPRESS = {"package.json": json.dumps({"scripts": {"start": "node server.js"}, "dependencies": {"express": "4"}}), "server.js": ""}
ASSETS = {"package.json": json.dumps({"scripts": {"build": "tailwind"}})}


def planned(files: dict[str, str], config: ServiceConfig | None = None, **variables: str) -> BuildPlan:
    return registry.plan(Request(Source(files), config=config or ServiceConfig(), variables=variables))


def beaten(plan: BuildPlan, key: str) -> list[tuple[str, str]]:
    return [(one.value, one.source) for one in plan.origins[key].beat]


# --- the apps that are brought up elsewhere


@pytest.mark.parametrize("app", sorted(path.parent.name for path in APPS.glob("*/expect.toml")))
def test_every_example_app_is_recognised(app: str) -> None:
    folder = APPS / app
    expected = tomllib.loads((folder / "expect.toml").read_text())
    paths = [path for path in folder.rglob("*") if path.is_file() and not {"node_modules", ".venv", "__pycache__"} & set(path.parts)]
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.name != "expect.toml"}
    plan = prepare(Source(files), environment="production", environ={})[0].plan
    assert plan.buildpack == expected["buildpack"]
    assert [one.name for one in plan.services] == expected.get("services", ["web"])


# --- which buildpack

TIES: dict[str, tuple[dict[str, str], str, list[tuple[str, str]]]] = {
    "two servers": ({**PYTHON, **EXPRESS}, "python", [("node", "package.json")]),
    "assets beside a Python server": ({**PYTHON, **ASSETS}, "python", [("node", "package.json")]),
    "a stray requirements.txt": (
        {**EXPRESS, "requirements.txt": "mkdocs"},
        "node",
        [("python", "requirements.txt (nothing to start was found by it)")],
    ),
    "the Procfile names the language": (
        {**PYTHON, **EXPRESS, "Procfile": "web: node server.js"},
        "node",
        [("python", "requirements.txt (the start command runs node)")],
    ),
    "a path before the program": (
        {**EXPRESS, "requirements.txt": "", "Procfile": "web: .venv/bin/python x.py"},
        "python",
        [("node", "package.json")],
    ),
    "a program of no language": ({**PYTHON, **EXPRESS, "Procfile": "web: ./run"}, "python", [("node", "package.json")]),
    "Go library beside a Python server": (
        {**PYTHON, "go.mod": "module x\n", "x.go": "package x\n"},
        "python",
        [("go", "go.mod (nothing to start was found by it)")],
    ),
    "Go before Node": ({**EXPRESS, "go.mod": "module x\n", "main.go": "package main\nfunc main() {}\n"}, "go", [("node", "package.json")]),
    "assets beside PHP": ({"index.php": "", **ASSETS}, "php", [("node", "package.json")]),
    "assets beside Ruby": ({"app.rb": "", **ASSETS}, "ruby", [("node", "package.json")]),
    "a Gemfile for a tool beside a Node server": (
        {**EXPRESS, "Gemfile": 'gem "fastlane"'},
        "node",
        [("ruby", "Gemfile (nothing to start was found by it)")],
    ),
    "a .NET tool in a folder of a Python project": ({**PYTHON, "tools/t/t.csproj": "<Project/>"}, "python", []),
    "the Procfile names Ruby": (
        {**PYTHON, "Gemfile": "", "Procfile": "web: bundle exec thin start"},
        "ruby",
        [("python", "requirements.txt")],
    ),
    "a Dockerfile beats all": (
        {**PYTHON, **EXPRESS, "Dockerfile": "FROM x"},
        "dockerfile",
        [("python", "requirements.txt"), ("node", "package.json")],
    ),
    "a Dockerfile beats a broken manifest": ({"Dockerfile": "FROM x", "pyproject.toml": "["}, "dockerfile", []),
    "a Dockerfile beats a broken Procfile": ({"Dockerfile": "FROM x", "Procfile": "nonsense"}, "dockerfile", []),
    "pages of a Python server": ({**PYTHON, "index.html": ""}, "python", [("static", "index.html")]),
}


@pytest.mark.parametrize(("files", "buildpack", "beat"), TIES.values(), ids=TIES)
def test_a_tie_is_decided_by_a_rule_that_the_plan_explains(files: dict[str, str], buildpack: str, beat: list[tuple[str, str]]) -> None:
    plan = planned(files)
    assert plan.buildpack == plan.origins["buildpack"].value == buildpack
    assert beaten(plan, "buildpack") == beat


def test_a_start_script_starts_what_has_no_server_of_its_own() -> None:
    plan = planned({"requirements.txt": "requests", "start.sh": "#!/usr/bin/env bash\npython -m jobs\n"})
    assert (plan.buildpack, plan.services[0].start, plan.origins["start"].source) == ("python", "bash start.sh", "start.sh")


def test_a_python_project_without_a_server_is_not_served_as_pages() -> None:
    with pytest.raises(NoStartCommandError):
        planned({"requirements.txt": "requests", "index.html": "", "settings.py": "KEY = 1"})


def test_nothing_detected_shows_what_was_seen_and_what_would_do() -> None:
    with pytest.raises(NothingDetectedError) as caught:
        planned({"notes.txt": "", "photos/a.jpg": "", **{f"z{number:02}": "" for number in range(20)}})
    assert caught.value.why.startswith("Seen: notes.txt, photos/, z00,")
    assert "and 7 more. Recognised would be: Dockerfile:" in caught.value.why
    assert all(f"{name}:" in caught.value.why for name in ("Python", "Node", "Go", "static", "shell"))


def test_an_empty_folder_is_called_empty() -> None:
    with pytest.raises(NothingDetectedError, match="cannot tell") as caught:
        planned({})
    assert "the folder is empty, or everything in it is ignored" in caught.value.why


def test_no_start_command_shows_where_it_was_looked_for() -> None:
    with pytest.raises(NoStartCommandError) as caught:
        planned({"requirements.txt": "requests", "package.json": "{}"})
    assert caught.value.message == "This is a python project, but nothing says how to start it."
    assert "manage.py" in caught.value.why
    assert "package.json" in caught.value.why
    assert "deploy.startCommand" in caught.value.hint


# --- a Dockerfile


@pytest.mark.parametrize(
    ("config", "variables", "words"),
    [
        pytest.param(BuildConfig(dockerfile_path="docker/Gone"), {}, "docker/Gone is to be built", id="configured"),
        pytest.param(BuildConfig(builder="DOCKERFILE"), {}, "Dockerfile is to be built", id="builder"),
        pytest.param(BuildConfig(), {"RW_BUILD_DOCKERFILE_PATH": "x"}, "RW_BUILD_DOCKERFILE_PATH: x is to be built", id="variable"),
    ],
)
def test_a_dockerfile_that_is_named_and_not_there_is_an_error(config: BuildConfig, variables: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigInvalidError, match=words):
        planned(PYTHON, ServiceConfig(build=config), **variables)


def test_a_dockerfiles_path_by_variable_beats_the_configured_one() -> None:
    config = ServiceConfig(build=BuildConfig(dockerfile_path="a"), variables={"RAILWAY_DOCKERFILE_PATH": "c"})
    files = {"a": "FROM x", "b": "FROM x", "c": "FROM x"}
    assert planned(files, config).dockerfile == "a"
    assert planned(files, config, RW_BUILD_DOCKERFILE_PATH="b").dockerfile == "b"
    assert planned(files, ServiceConfig(variables=config.variables)).dockerfile == "c"


def test_a_dockerfile_is_built_as_it_is_and_what_has_no_effect_is_told() -> None:
    files = {"Dockerfile": "FROM x\nEXPOSE 3000\nEXPOSE 9000/udp\n", "Procfile": "web: a\nworker: b\n"}
    plan = planned(files, ServiceConfig(build=BuildConfig(build_command="make")), RW_BUILD_INSTALL_CMD="x")
    assert (plan.steps, [one.name for one in plan.services], plan.services[0].start, plan.services[0].port) == ((), ["web"], "", 3000)
    assert [one.message.split()[0] for one in plan.warnings] == ["Procfile", "railway.toml", "RW_BUILD_INSTALL_CMD"]


def test_a_start_command_replaces_that_of_the_dockerfile() -> None:
    plan = planned({"Dockerfile": "FROM x"}, ServiceConfig(deploy=DeployConfig(start_command="a")))
    assert (plan.services[0].start, plan.dockerfile) == ("a", "Dockerfile")


# --- precedence

LEVELS = ["RW_BUILD_{}_CMD", "NIXPACKS_{}_CMD", "RAILPACK_{}_CMD", "railway.toml", "Procfile", "detection"]


def expected(present: list[str], key: str) -> list[str]:
    return [level.format(key) for level in LEVELS if level in present]


@settings(deadline=None, max_examples=100)
@given(st.sets(st.sampled_from(LEVELS[:5])))
def test_the_start_command_comes_from_the_strongest_place_and_names_all_it_beat(present: set[str]) -> None:
    files = {**PYTHON, **({"Procfile": "web: Procfile"} if "Procfile" in present else {})}
    config = ServiceConfig(deploy=DeployConfig(start_command="railway.toml" if "railway.toml" in present else None))
    variables = {name: name for level in LEVELS[:3] if level in present for name in [level.format("START")]}
    plan = planned(files, config, **variables)
    order = expected([*present], "START")
    detected = "gunicorn app:app --bind $HOST:$PORT"
    assert plan.services[0].start == (order[0] if order else detected)
    assert plan.origins["start"].source == (order[0] if order else "app.py")
    assert [value for value, _ in beaten(plan, "start")] == [*order, detected][1:]


@settings(deadline=None, max_examples=60)
@given(st.sets(st.sampled_from(LEVELS[:4])))
def test_the_build_command_comes_from_the_strongest_place(present: set[str]) -> None:
    config = ServiceConfig(build=BuildConfig(build_command="railway.toml" if "railway.toml" in present else None))
    plan = planned(PYTHON, config, **{name: name for level in LEVELS[:3] if level in present for name in [level.format("BUILD")]})
    order = expected([*present], "BUILD")
    assert [step.commands for step in plan.steps if step.name == "build"] == [(one,) for one in order[:1]]
    assert [source for _, source in beaten(plan, "steps.build")] == order[1:] if order else "steps.build" not in plan.origins


@settings(deadline=None, max_examples=40)
@given(st.sets(st.sampled_from(LEVELS[:3]), min_size=1))
def test_the_install_command_gets_an_environment_to_install_into_and_all_sources(present: set[str]) -> None:
    plan = planned(PYTHON, **{name: name for level in LEVELS[:3] if level in present for name in [level.format("INSTALL")]})
    (install,) = [step for step in plan.steps if step.name == "install"]
    order = expected([*present], "INSTALL")
    assert install.commands == ('uv venv --quiet --seed --python "${UV_PYTHON:-python3}" .venv', order[0])
    assert install.inputs == (".",)
    assert [source for _, source in beaten(plan, "steps.install")] == [*order[1:], "detection"]


@pytest.mark.parametrize(
    ("said", "packages"),
    [
        ("...", ("gcc", "libc6-dev", "libpq-dev")),
        ("git ...", ("git", "gcc", "libc6-dev", "libpq-dev")),
        ("git, gcc", ("git", "gcc")),
        ("git git", ("git",)),
    ],
)
def test_a_list_of_packages_replaces_and_dots_stand_for_what_was_there(said: str, packages: tuple[str, ...]) -> None:
    plan = planned({"requirements.txt": "psycopg2", "main.py": "print(1)"}, RW_BUILD_APT_PACKAGES=said, NIXPACKS_APT_PKGS="...")
    assert plan.packages.build == packages
    assert plan.packages.runtime == ("libpq5",)
    assert beaten(plan, "packages.build")[-1] == ("gcc libc6-dev libpq-dev", "psycopg2 in requirements.txt")


def test_packages_for_running_have_a_variable_of_their_own() -> None:
    plan = planned(PYTHON, RW_BUILD_RUNTIME_APT_PACKAGES="ffmpeg ...", RAILPACK_DEPLOY_APT_PACKAGES="curl")
    assert plan.packages.runtime == ("ffmpeg", "curl")


@pytest.mark.parametrize("word", ["git;reboot", "$(x)", "-y", "A"])
def test_what_cannot_be_a_package_is_refused(word: str) -> None:
    with pytest.raises(ConfigInvalidError, match="RW_BUILD_APT_PACKAGES"):
        planned(PYTHON, RW_BUILD_APT_PACKAGES=f"git {word}")


def test_a_services_own_variables_beat_those_of_the_caller() -> None:
    files = {**PYTHON, "railway.toml": '[variables]\nRW_BUILD_START_CMD = "file"\n'}
    environ = {"RW_BUILD_START_CMD": "shell", "RW_BUILD_BUILD_CMD": "make", "START": "x"}
    plan = prepare(Source(files), environment="production", environ=environ)[0].plan
    assert plan.services[0].start == "file"
    assert plan.origins["steps.build"].source == "RW_BUILD_BUILD_CMD"


def test_what_the_file_says_carries_its_line() -> None:
    files = {**PYTHON, "railway.toml": '[deploy]\nstartCommand = "x"\npreDeployCommand = "y"\nhealthcheckPath = "/up"\n'}
    plan = prepare(Source(files), environment="production", environ={})[0].plan
    places = {key: plan.origins[key].source for key in ("start", "preDeploy", "healthPath")}
    assert places == {"start": "railway.toml:2", "preDeploy": "railway.toml:3", "healthPath": "railway.toml:4"}
    assert (plan.services[0].pre_deploy, plan.services[0].health_path) == (("y",), "/up")


# --- Procfile


def test_process_types_become_services_of_one_image() -> None:
    plan = planned({**PYTHON, "Procfile": "# types\nworker: python w.py\nrelease: ./prepare\nweb: gunicorn app:app\n\nClock_2: x: y\n"})
    assert [(one.name, one.kind.value, one.start, one.port) for one in plan.services] == [
        ("web", "web", "gunicorn app:app", 8080),
        ("worker", "worker", "python w.py", 0),
        ("clock-2", "worker", "x: y", 0),
    ]
    assert [one.pre_deploy for one in plan.services] == [("./prepare",), (), ()]
    assert plan.origins["start.worker"].source == plan.origins["preDeploy"].source == "Procfile"


def test_a_worker_alone_has_no_port() -> None:
    (service,) = planned({"Procfile": "worker: ./w", "w": ""}).services
    assert (service.name, service.port) == ("worker", 0)


def test_a_release_command_alone_keeps_the_server_that_was_found() -> None:
    plan = planned({**PYTHON, "Procfile": "release: ./prepare"})
    assert (plan.services[0].start, plan.services[0].pre_deploy) == ("gunicorn app:app --bind $HOST:$PORT", ("./prepare",))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("web: a\nnonsense\n", "Procfile:2: `name: command` was expected"),
        ("web: a\nWEB: b\n", "Procfile:2: 'web' stands there twice"),
        ("-x-: a\n", "Procfile:1: '-x-' cannot be a service's name"),
        ("web:\n", "Procfile:1: `name: command` was expected"),
    ],
)
def test_a_procfile_that_cannot_be_read_names_its_line(text: str, words: str) -> None:
    with pytest.raises(ConfigInvalidError) as caught:
        planned({**PYTHON, "Procfile": text})
    assert caught.value.message.startswith(words)


def test_a_procfile_written_on_windows_is_read() -> None:
    assert planned({**PYTHON, "Procfile": "\ufeffweb: a\r\nworker: b\r\n"}).services[0].start == "a"


# --- bytes

NAMES = [
    "requirements.txt",
    "pyproject.toml",
    "package.json",
    "go.mod",
    "main.py",
    "app.py",
    "src/x/main.py",
    "index.html",
    "start.sh",
    "uv.lock",
]
NAMES += [
    "Procfile",
    "Dockerfile",
    "manage.py",
    "Pipfile",
    ".python-version",
    "runtime.txt",
    "railway.toml",
    "package-lock.json",
    "main.go",
]
TEXTS = [
    "",
    "{}",
    FLASK,
    "flask\ngunicorn",
    '[project]\nname = "x"\n',
    "web: x",
    '{"scripts": {"start": "node ."}}',
    "package main",
    "3.12",
    "\0",
]


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(TEXTS) | st.text(max_size=30), max_size=8), st.randoms())
def test_any_tree_is_planned_alike_each_time_or_refused_with_a_word(files: dict[str, str], chance: random.Random) -> None:
    shuffled = list(files.items())
    chance.shuffle(shuffled)
    assert outcome(files) == outcome(dict(shuffled))


def outcome(files: dict[str, str]) -> str:
    try:
        return json.dumps(prepare(Source(files), environment="production", environ={})[0].plan.wire())
    except (ConfigInvalidError, NoStartCommandError, NothingDetectedError, SeveralAppsError) as error:
        return json.dumps(error.to_wire())
