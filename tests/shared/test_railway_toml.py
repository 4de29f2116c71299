"""railway.toml and railway.json: files written for Railway work unchanged, and nothing but ConfigInvalidError comes out of a broken one."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rw_shared.config import RestartPolicy
from rw_shared.errors import ConfigInvalidError
from rw_shared.railway_toml import BUILD_IGNORED, BUILD_KEYS, DEPLOY_ALL, DEPLOY_KEYS, TOP_KEYS, ProjectConfig, parse


def toml(text: str, **options) -> ProjectConfig:
    return parse(text, filename="railway.toml", **options)


def problem(text: str, *, filename: str = "railway.toml", **options) -> str:
    with pytest.raises(ConfigInvalidError) as caught:
        parse(text, filename=filename, **options)
    assert caught.value.exit_code == 10
    return caught.value.message


FULL = """\
[build]
builder = "nixpacks"
buildCommand = "npm run build"
watchPatterns = ["src/**", "!src/**/*.md"]

[deploy]
startCommand = "gunicorn app:app"
preDeployCommand = ["python manage.py migrate"]
healthcheckPath = "/health"
healthcheckTimeout = 100
restartPolicyType = "never"
restartPolicyMaxRetries = 3
numReplicas = 2
overlapSeconds = "60"
drainingSeconds = "10.5"
limitOverride = { containers = { cpu = 0.5, memoryBytes = 1000000000 } }

[environments.staging.deploy]
startCommand = "flask run"
numReplicas = 1
"""


def test_every_key_of_a_railway_file_is_read():
    config = toml(FULL).main
    assert (config.build.builder, config.build.build_command) == ("NIXPACKS", "npm run build")
    assert config.build.watch_patterns == ("src/**", "!src/**/*.md")
    deploy = config.deploy
    assert (deploy.start_command, deploy.pre_deploy_command) == ("gunicorn app:app", ("python manage.py migrate",))
    assert (deploy.healthcheck_path, deploy.healthcheck_timeout) == ("/health", 100)
    assert (deploy.restart_policy_type, deploy.restart_policy_max_retries) == (RestartPolicy.NEVER, 3)
    assert (deploy.num_replicas, deploy.overlap_seconds, deploy.draining_seconds) == (2, 60, 10.5)
    assert (deploy.cpu, deploy.memory_bytes) == (0.5, 10**9)
    assert toml(FULL).diagnostics == ()


REAL_FILES: dict[str, tuple[str, dict[str, object]]] = {
    "empty": ("", {}),
    "nixpacks plan": ('[build]\nbuilder = "NIXPACKS"\n[build.nixpacksPlan.phases.setup]\nnixPkgs = ["...", "ffmpeg"]', {}),
    "nixpacks file": ('[build]\nnixpacksConfigPath = "deploy/nixpacks.toml"', {}),
    "dockerfile": ('[build]\nbuilder = "DOCKERFILE"\ndockerfilePath = "docker/Dockerfile"', {}),
    "one pre-deploy command": ('[deploy]\npreDeployCommand = "npm run migrate"', {"pre_deploy_command": ("npm run migrate",)}),
    "empty pre-deploy command": ('[deploy]\npreDeployCommand = ""', {"pre_deploy_command": ()}),
    "cron": ('[deploy]\ncronSchedule = "0 3 * * *"\nrestartPolicyType = "NEVER"', {"restart_policy_type": RestartPolicy.NEVER}),
    "regions": ('[deploy.multiRegionConfig.us-west2]\nnumReplicas = 2', {"num_replicas": None}),
    "manifest keys": ('[deploy]\nruntime = "V2"\nuseLegacyStacker = false\nregion = "us-west2"', {}),
    "asleep while nobody asks": ("[deploy]\nsleepApplication = true", {"sleep_application": True, "sleep_after_seconds": 600, "sleeps": True}),
    "awake": ("[deploy]\nsleepApplication = false\nsleepAfterSeconds = 30", {"sleep_after_seconds": 30, "sleeps": False}),
    "scale to nothing": ("[deploy.scale]\nmin = 0\nmax = 3", {"sleeps": True}),
    "mixed case policy": ('[deploy]\nrestartPolicyType = "On_Failure"', {"restart_policy_type": RestartPolicy.ON_FAILURE}),
    "path without a slash": ('[deploy]\nhealthcheckPath = "health"', {"healthcheck_path": "/health"}),
    "byte order mark": ('\ufeff[deploy]\nstartCommand = "x"', {"start_command": "x"}),
    "windows line ends": ('[deploy]\r\nstartCommand = "x"\r\n', {"start_command": "x"}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "values"), REAL_FILES.values(), ids=REAL_FILES)
def test_files_as_people_write_them(text: str, values: dict[str, object]):
    deploy = toml(text, strict=True).main.deploy
    assert {name: getattr(deploy, name) for name in values} == values


@pytest.mark.parametrize("name", ["shop", "team/shop:main", "localhost:5000/a/b_c:1.2", "registry.example.com/x--y"])
def test_cache_is_an_images_name(name: str):
    assert toml(f'[build]\ncache = "{name}"', strict=True).main.build.cache == name


def test_json_reads_the_same_and_null_clears():
    document = {
        "$schema": "https://railway.com/railway.schema.json",
        "build": {"builder": "RAILPACK", "buildCommand": None},
        "deploy": {"startCommand": "node .", "healthcheckPath": None, "numReplicas": 2},
        "environments": {"staging": {"deploy": {"startCommand": None}}},
    }
    text = json.dumps(document, indent=2)
    main = parse(text, filename="railway.json", strict=True).main
    assert (main.build.build_command, main.deploy.start_command, main.deploy.num_replicas) == (None, "node .", 2)
    assert parse(text, filename="railway.json", environment="staging").main.deploy.start_command is None
    assert main.origins["deploy.startCommand"] == "railway.json:8"


def test_an_environments_block_is_merged_over_the_base():
    staging = toml(FULL, environment="staging").main
    assert (staging.deploy.start_command, staging.deploy.num_replicas) == ("flask run", 1)
    assert (staging.deploy.healthcheck_path, staging.build.build_command) == ("/health", "npm run build")
    assert staging.origins["deploy.startCommand"] == "railway.toml:19"
    assert staging.origins["deploy.healthcheckPath"] == "railway.toml:9"


OVERLAYS: dict[str, tuple[str, str, object]] = {
    "unset": ('unset = ["startCommand"]', "start_command", None),
    "unset, then said": ('unset = ["startCommand"]\nstartCommand = "y"', "start_command", "y"),
    "unset of what nobody said": ('unset = ["numReplicas"]', "num_replicas", None),
    "nested tables merge": ("limitOverride.containers.cpu = 1", "memory_bytes", 512),
    "a nested key replaces": ("limitOverride.containers.cpu = 1", "cpu", 1),
    "lists replace": ('preDeployCommand = ["c"]', "pre_deploy_command", ("c",)),
    "dots stand for what was there": ('preDeployCommand = ["c", "..."]', "pre_deploy_command", ("c", "a", "b")),
}


@pytest.mark.parametrize(("block", "name", "value"), OVERLAYS.values(), ids=OVERLAYS)
def test_how_a_block_changes_the_base(block: str, name: str, value: object):
    base = '[deploy]\nstartCommand = "x"\npreDeployCommand = ["a", "b"]\nlimitOverride.containers = { cpu = 2, memoryBytes = 512 }\n'
    assert getattr(toml(f"{base}[environments.e.deploy]\n{block}\n", environment="e").main.deploy, name) == value


def test_variables_are_shared_and_an_environment_replaces_some():
    text = '[variables]\nA = "x"\nPORT = 9000\nDEBUG = true\n[environments.e.variables]\nA = "y"\n'
    assert toml(text).service().variables == {"A": "x", "PORT": "9000", "DEBUG": "true"}
    assert toml(text, environment="e").service().variables["A"] == "y"


def test_a_variable_named_like_a_key_does_not_move_that_keys_place():
    text = '[deploy]\nnumReplicas = 1\n[environments.e.variables]\nnumReplicas = "x"\n'
    assert toml(text, environment="e").main.origins["deploy.numReplicas"] == "railway.toml:2"


WRONG: dict[str, tuple[str, str]] = {
    "no TOML": ("[build\n", "railway.toml:1: is not valid TOML"),
    "text for a number": (
        '[deploy]\nnumReplicas = "two"',
        "railway.toml:2: deploy.numReplicas: a whole number from 0 to 1000 was expected",
    ),
    "truth for a number": ("[deploy]\nnumReplicas = true", "a truth value True was found"),
    "negative seconds": ("\n\n[deploy]\noverlapSeconds = -1", "railway.toml:4: deploy.overlapSeconds"),
    "seconds that are no number": ('[deploy]\noverlapSeconds = "soon"', "the text 'soon' was found"),
    "seconds nan": ("[deploy]\noverlapSeconds = nan", "a number of seconds"),
    "list for a text": ('[deploy]\nstartCommand = ["a"]', "deploy.startCommand: a text was expected, a list was found"),
    "number among commands": ("[deploy]\npreDeployCommand = [1]", "deploy.preDeployCommand: a text was expected, the number 1 was found"),
    "unknown policy": ('[deploy]\nrestartPolicyType = "SOMETIMES"', "one of ON_FAILURE, ALWAYS, NEVER was expected"),
    "unknown queue": ('[deploy]\nqueue = "fifo"', "deploy.queue: one of newest, all, interrupt was expected, the text 'fifo' was found"),
    "unknown builder": ('[build]\nbuilder = "MAKE"', "build.builder: one of DOCKERFILE"),
    "text for a table": ('deploy = "x"', "railway.toml:1: deploy: a table was expected, the text 'x' was found"),
    "list of tables": ("[[deploy]]\na = 1", "deploy: a table was expected, a list was found"),
    "another environment": ("[environments]\nstaging = 3", "railway.toml:2: environments.staging: a table was expected"),
    "unset is no list": ('[environments.production.deploy]\nunset = "x"', "environments.production.deploy.unset: a list of texts"),
    "name": ('[project]\nname = "My Shop"', "railway.toml:2: project.name"),
    "variable's name": ('[variables]\n"A-B" = "x"', "a name of letters, digits and _"),
    "variable's value": ("[variables]\nA = [1]", "railway.toml:2: variables.A: a text or number was expected, a list was found"),
    "cache that is no image": ('[build]\ncache = "Team/Shop"', "railway.toml:2: build.cache: an image's name like"),
    "a port that is none": ('[variables]\nPORT = "http"', "railway.toml:2: variables.PORT: a port from 1 to 65535 was expected"),
    "a port beyond all": ("[variables]\nPORT = 65536", "a port from 1 to 65535"),
    "NUL": ('[deploy]\nstartCommand = "a\\u0000"', "deploy.startCommand: a text"),
    "spaces in a path": ('[deploy]\nhealthcheckPath = "/a b"', "a path like /health"),
    "line break in a path": ('[deploy]\nhealthcheckPath = "/a\\r\\nHost: x"', "a path like /health"),
    "endless number": (f"[deploy]\nnumReplicas = 0x{'f' * 5000}", "a number that is too long"),
    "no memory": ("[deploy.limitOverride.containers]\nmemoryBytes = 0", "railway.toml:2: deploy.limitOverride.containers.memoryBytes"),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_names_line_key_expected_and_found(text: str, words: str):
    assert words in problem(text)


def test_a_wrong_value_of_an_environment_is_found_in_its_block():
    text = "[deploy]\nnumReplicas = 1\n[environments.e.deploy]\nnumReplicas = -1\n"
    assert problem(text, environment="e").startswith("railway.toml:4: environments.e.deploy.numReplicas:")


def test_broken_json_names_its_line():
    assert problem('{\n  "build": }', filename="railway.json").startswith("railway.json:2: is not valid JSON")
    assert "an object was expected, a list was found" in problem("[]", filename="railway.json")
    assert "half a surrogate pair" in problem('{"deploy": {"startCommand": "\\ud800"}}', filename="railway.json")
    assert "nested too deeply" in problem("[" * 100_000, filename="railway.json")


def test_an_unknown_key_is_a_warning_with_the_nearest_name_and_an_error_when_strict():
    text = '[deploy]\nstartComand = "x"\n'
    (found,) = toml(text).diagnostics
    assert (found.line, found.severity, found.code, found.fix) == (2, "warning", "UNKNOWN_KEY", "Did you mean startCommand?")
    with pytest.raises(ConfigInvalidError) as caught:
        toml(text, strict=True)
    assert caught.value.message.startswith("railway.toml:2: deploy.startComand is not")
    assert caught.value.hint == "Did you mean startCommand?"


def test_an_unknown_key_that_resembles_nothing_shows_what_is_known():
    (found,) = toml("[project]\nzzz = 1\n").diagnostics
    assert found.fix == "Known here: name."


def test_keys_that_only_railway_acts_on_are_told_as_such():
    notes = toml('[deploy]\nregion = "us-west2"\n').diagnostics
    assert [(one.line, one.severity, one.code) for one in notes] == [(2, "info", "KEY_WITHOUT_EFFECT")]


# --- whatever is thrown at it

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["ALWAYS", "60", "...", "/"])
KEYS = st.sampled_from(sorted({*TOP_KEYS, *BUILD_KEYS, *BUILD_IGNORED, *DEPLOY_ALL, *DEPLOY_KEYS, "unset", "containers", "cpu", "e"}))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=8), inner, max_size=4), max_leaves=15
)
TABLES = st.dictionaries(KEYS | st.text(max_size=8), VALUES, max_size=5)
DOCUMENTS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(TOP_KEYS, TABLES | VALUES) | {"environments": st.dictionaries(st.just("e"), TABLES | VALUES)}
)


def survives(text: str, filename: str, *, strict: bool = False) -> None:
    try:
        config = parse(text, filename=filename, environment="e", strict=strict)
    except ConfigInvalidError as error:
        refused = error
    else:
        assert ProjectConfig.model_validate_json(config.model_dump_json()).name == config.name
        return
    assert refused.message.startswith(filename)
    json.dumps(refused.to_wire(), ensure_ascii=False).encode()


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=200), st.sampled_from(["railway.toml", "railway.json"]))
def test_arbitrary_text_is_read_or_refused(text: str, filename: str):
    survives(text, filename)


@settings(deadline=None, max_examples=300)
@given(DOCUMENTS | VALUES, st.booleans())
def test_arbitrary_json_documents_are_read_or_refused(document: object, strict: bool):
    survives(json.dumps(document), "railway.json", strict=strict)


RIGHT_SIDES = ["1", "-1", "1e400", "0xffffffffffffffffffffff", "nan", "true", '"x"', '"60"', "[]", '["..."]', "{}", "{ cpu = 1 }"]
RIGHT_SIDES += ["2026-11-01", "'''", '"\\u0000"']
LINES = st.one_of(
    st.sampled_from(["[build]", "[deploy]", "[variables]", "[environments.e.deploy]", "[environments.e]", "[project]", "[[deploy]]"]),
    st.builds(
        "{} = {}".format,
        KEYS.filter(lambda key: "$" not in key) | st.text(string.ascii_letters + ".", min_size=1, max_size=6),
        st.sampled_from(RIGHT_SIDES),
    ),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(LINES, max_size=10))
def test_arbitrary_lines_of_toml_are_read_or_refused(lines: list[str]):
    survives("\n".join(lines), "railway.toml")


def test_rollout_is_read_with_its_defaults() -> None:
    found = parse('[deploy.rollout]\nstrategy = "Gradual"\nsteps = [5, 100]\n', filename="railway.toml").service().deploy.rollout
    assert (found.strategy, found.steps, found.step_seconds, found.max_error_rate) == ("gradual", (5, 100), 15.0, 0.01)
    assert parse("", filename="railway.toml").service().deploy.rollout.strategy == "replace"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param('strategy = "canary"', "one of replace, gradual, blue-green, recreate was expected", id="unknown strategy"),
        pytest.param('onFailure = "ignore"', "one of rollback was expected", id="unknown end"),
        pytest.param("steps = [50, 10, 100]", "rising whole percents", id="falling"),
        pytest.param("steps = [10, 50]", "ends with 100", id="not everything"),
        pytest.param("steps = []", "rising whole percents", id="none"),
        pytest.param("maxErrorRate = 5", "a share from 0 to 1", id="percent for a share"),
    ],
)
def test_wrong_rollout_names_line_and_what_was_expected(line: str, expected: str) -> None:
    with pytest.raises(ConfigInvalidError) as wrong:
        parse(f"[deploy.rollout]\n{line}\n", filename="railway.toml")
    assert "railway.toml:2" in str(wrong.value.details)
    assert expected in f"{wrong.value.message} {wrong.value.why}"


METRICS = """\
[deploy.rollout]
strategy = "gradual"

[[deploy.rollout.metrics]]
name = "errors"
metric = 'http_requests_total{code=~"5.."}'
read = "per-request"
max = 0.01
maxRatio = 2

[[deploy.rollout.metrics]]
name = "smoke"
command = "python smoke.py"
"""


def test_metrics_are_read_each_with_its_lines() -> None:
    main = toml(METRICS).main
    errors, smoke = main.deploy.rollout.metrics
    assert (errors.metric, errors.path, errors.read) == ('http_requests_total{code=~"5.."}', "/metrics", "per-request")
    assert (errors.max, errors.min, errors.max_ratio, errors.command) == (0.01, None, 2.0, None)
    assert (smoke.name, smoke.command, smoke.is_bounded) == ("smoke", "python smoke.py", False)
    assert main.origins["deploy.rollout.metrics.0.max"] == "railway.toml:8"
    assert main.origins["deploy.rollout.metrics.1.name"] == "railway.toml:12"
    assert toml(METRICS).diagnostics == ()


TABLE = '[[deploy.rollout.metrics]]\nname = "x"\n'


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        pytest.param("metrics = 3", 5, "a list of tables, each under [[deploy.rollout.metrics]], was expected", id="no list"),
        pytest.param("metrics = [3]", 5, "deploy.rollout.metrics.0: a table was expected", id="no table"),
        pytest.param('[[deploy.rollout.metrics]]\nmetric = "up"', 5, "metrics.0.name: a name for the verdicts", id="no name"),
        pytest.param('[[deploy.rollout.metrics]]\nname = ""', 6, "a name of at most 40 letters", id="empty name"),
        pytest.param(TABLE, 5, "metrics.0.metric: a metric of the app, or a command", id="neither"),
        pytest.param(f'{TABLE}command = "x"\nmetric = "up"', 8, "metric: nothing beside command", id="both"),
        pytest.param(f'{TABLE}metric = "up"', 5, "a bound (max, min or maxRatio)", id="no bound"),
        pytest.param(f'{TABLE}metric = "up"\nmax = 1\nmin = 2', 9, "a number up to 1 (max) was expected", id="nothing fits"),
        pytest.param(f'{TABLE}metric = "up{{"\nmax = 1', 7, "a metric such as errors_total", id="no selector"),
        pytest.param(f'{TABLE}metric = "up"\nmax = 1\nread = "mean"', 9, "one of value, rate, per-request", id="no reading"),
        pytest.param(f'{TABLE}metric = "up"\nmax = inf', 8, "a number was expected", id="infinite"),
    ],
)
def test_wrong_metric_names_its_line(text: str, line: int, expected: str) -> None:
    with pytest.raises(ConfigInvalidError) as wrong:
        toml(f"[deploy.rollout]\n# 2\n# 3\n# 4\n{text}\n")
    assert wrong.value.details["where"] == f"railway.toml:{line}"
    assert expected in f"{wrong.value.message} {wrong.value.why}"


def test_second_metric_is_named_by_its_own_line() -> None:
    assert "railway.toml:14:" in problem(f'{METRICS}max = "x"\n')
    assert "metrics.1.name: a name of its own was expected" in problem(METRICS.replace('"smoke"', '"errors"'))


def test_metric_of_an_environment_is_named_there() -> None:
    text = '[environments.staging.deploy.rollout]\nstrategy = "gradual"\nmetrics = [{name = "x", command = "x", max = "y"}]\n'
    message = problem(text, environment="staging")
    assert "railway.toml:3" in message
    assert "environments.staging.deploy.rollout.metrics.0.max: a number was expected" in message


def test_metrics_that_nobody_looks_at_are_remarked() -> None:
    (found,) = toml(METRICS.replace("gradual", "replace")).diagnostics
    assert (found.code, found.line) == ("KEY_WITHOUT_EFFECT", 4)
    assert "monitorSeconds" in found.fix
    assert toml(METRICS.replace('strategy = "gradual"', "monitorSeconds = 60")).diagnostics == ()


SHOP = """
[deploy]
drainingSeconds = 5

[variables]
LEVEL = "info"

[services.web]
source = "apps/web"
[services.web.build]
buildCommand = "npm run build"
[services.web.deploy]
numReplicas = 2
[services.web.variables]
API = "http://${{api.RAILWAY_PRIVATE_DOMAIN}}"

[services.api]
source = "./apps/api/"

[environments.staging.variables]
LEVEL = "debug"
[environments.staging.deploy]
drainingSeconds = 1
[environments.staging.services.web.deploy]
numReplicas = 1
unset = ["drainingSeconds"]
"""


def test_services_have_tables_of_their_own_over_what_the_file_says_for_all() -> None:
    found = toml(SHOP)
    web, api = (found.service(name) for name in ("web", "api"))
    assert list(found.services) == ["web", "api"]
    assert (web.source, api.source) == ("apps/web", "apps/api")
    assert (web.deploy.num_replicas, api.deploy.num_replicas) == (2, None)
    assert web.deploy.draining_seconds == api.deploy.draining_seconds == 5
    assert (web.build.build_command, api.build.build_command) == ("npm run build", None)
    assert web.variables == {"LEVEL": "info", "API": "http://${{api.RAILWAY_PRIVATE_DOMAIN}}"}
    assert api.variables == {"LEVEL": "info"}
    assert web.origins["deploy.numReplicas"] == "railway.toml:13"
    assert web.origins["deploy.drainingSeconds"] == api.origins["deploy.drainingSeconds"] == "railway.toml:3"
    assert found.diagnostics == ()


def test_an_environment_says_something_else_about_one_service_or_all() -> None:
    found = toml(SHOP, environment="staging")
    web, api = (found.service(name) for name in ("web", "api"))
    assert (web.deploy.num_replicas, web.deploy.draining_seconds) == (1, None)
    assert api.deploy.draining_seconds == 1
    assert web.variables["LEVEL"] == api.variables["LEVEL"] == "debug"
    assert web.origins["deploy.numReplicas"] == "railway.toml:25"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[services.Web]\n", "services.Web: a name of lower-case letters"),
        ("[services]\nweb = 1\n", "services.web: a table was expected"),
        ("[services.shared]\n", "services.shared: another name"),
        ("[services.web]\nsource = 1\n", "services.web.source: a text was expected"),
        ("[services.web]\nsource = '../web'\n", "services.web.source: a folder below this one"),
        ("[services.web]\nsource = '/web'\n", "services.web.source: a folder below this one"),
        ("[services.web.deploy]\nnumReplicas = 'x'\n", "services.web.deploy.numReplicas: a whole number"),
        ("[services.web.variables]\n'A B' = 'x'\n", "services.web.variables.A B: a name of letters"),
        ("[services.web]\n[environments.e.services.web.deploy]\nqueue = 'x'\n", "environments.e.services.web.deploy.queue: one of"),
    ],
)
def test_what_is_wrong_about_a_service_is_told_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ConfigInvalidError) as caught:
        toml(text, environment="e")
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[services.web]\nsauce = 'web'\n", "services.web.sauce is not a key"),
        ("[services.web.deploy]\nnumReplica = 1\n", "services.web.deploy.numReplica is not a key"),
        ("[services.web]\n[environments.e.services.wep.deploy]\n", "environments.e.services.wep is not a key"),
        ("[deploy]\nnope = 1\n[services.web]\n[services.api]\n", "deploy.nope is not a key"),
    ],
)
def test_what_nobody_knows_about_a_service_is_told_once(text: str, words: str) -> None:
    (one,) = toml(text, environment="e").diagnostics
    assert words in one.message
