"""`rw config`: no daemon is started for it, and what it says is what deployments go by."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rw_cli.commands.config import DEFAULTS, _shown
from rw_daemon.settings import Settings
from rw_shared.railway_schema import json_schema

ROOT = Path(__file__).parent.parent.parent
FILE = """[project]
name = "shop"
[deploy]
healthcheckPath = "/up"
numReplicas = 2
[variables]
API_KEY = "s3cret-value"
[environments.staging.deploy]
numReplicas = 1
"""


def rw(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    environ = {**os.environ, "RW_HOME": str(folder / "home"), "XDG_RUNTIME_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "rw_cli", "config", *arguments, "--json"],
        capture_output=True, text=True, env=environ, cwd=folder, timeout=60, check=False,
    )  # fmt: skip
    assert not (folder / "home").exists(), "no daemon was needed"
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "railway.toml").write_text(FILE)
    return tmp_path


def test_each_value_is_explained_with_its_place(folder: Path) -> None:
    code, found = rw(folder, "explain")
    rows = {one["key"]: (one["value"], one["origin"]) for one in found["items"]}
    assert code == 0
    assert rows["deploy.numReplicas"] == (2, "railway.toml:5")
    assert rows["deploy.drainingSeconds"] == (30, "default")
    assert rows["variables.API_KEY"] == ("*****", "the file")
    assert {one["key"]: one["value"] for one in rw(folder, "explain", "--environment", "staging")[1]["items"]}["deploy.numReplicas"] == 1


def test_lists_and_the_tables_in_them_are_explained(tmp_path: Path) -> None:
    metric = '[[deploy.rollout.metrics]]\nname = "errors"\nmetric = "errors_total"\nmax = 3\n'
    (tmp_path / "railway.toml").write_text(f'[deploy.rollout]\nstrategy = "gradual"\nsteps = [10, 100]\n{metric}')
    code, found = rw(tmp_path, "explain")
    rows = {one["key"]: (one["value"], one["origin"]) for one in found["items"]}
    assert code == 0
    assert rows["deploy.rollout.metrics.0.max"] == (3, "railway.toml:7")
    assert _shown(rows["deploy.rollout.steps"][0]) == "10, 100"


def test_variables_are_shown_when_that_is_asked_for(folder: Path) -> None:
    assert rw(folder, "show")[1]["values"]["variables.API_KEY"] == "*****"
    assert rw(folder, "show", "--reveal")[1]["values"]["variables.API_KEY"] == "s3cret-value"


@pytest.mark.parametrize(
    ("text", "flags", "code", "line", "word"),
    [
        ("[deploy]\nnumReplicas = 'two'\n", (), 10, 2, "numReplicas"),
        ("[deploy\n", (), 10, 1, "valid"),
        ("[deploy]\n\nnumReplica = 2\n", (), 0, 3, "numReplica"),
        ("[deploy]\n\nnumReplica = 2\n", ("--strict",), 10, 3, "numReplica"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, flags: tuple[str, ...], code: int, line: int, word: str) -> None:
    (tmp_path / "railway.toml").write_text(text)
    found_code, found = rw(tmp_path, "validate", *flags)
    [one] = found["diagnostics"]
    assert (found_code, one["line"]) == (code, line)
    assert word.lower() in one["message"].lower() or word == "valid"
    assert one["path"].endswith("railway.toml")


def test_a_folder_without_a_file_is_exit_5(tmp_path: Path) -> None:
    code, found = rw(tmp_path, "show")
    assert (code, "rw init" in found["error"]["hint"]) == (5, True)


def test_defaults_are_those_that_the_daemon_goes_by() -> None:
    settings = Settings()
    assert DEFAULTS["deploy.healthcheckTimeout"] == settings.healthy_seconds
    assert DEFAULTS["deploy.overlapSeconds"] == settings.warm_seconds
    assert DEFAULTS["deploy.drainingSeconds"] == settings.grace_seconds
    assert DEFAULTS["deploy.restartPolicyMaxRetries"] == settings.restart_budget


def documents() -> list[dict[str, Any]]:
    blocks = re.findall(r"^```toml\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    files = [*(ROOT / "tests/apps").glob("*/railway.toml"), *(ROOT / "templates").glob("*/*/railway.toml")]
    return [tomllib.loads(text) for text in [FILE, *blocks, *(file.read_text() for file in files)]]


def test_the_schema_takes_every_file_that_is_right_and_refuses_others() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert len(documents()) > 3
    for document in documents():
        jsonschema.validate(document, schema)
    for wrong in ({"deploy": {"numReplicas": "two"}}, {"deploy": {"numReplica": 2}}, {"build": {"builder": "MAGIC"}}, {"depoy": {}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_each_service_of_a_list_is_explained_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "railway.toml").write_text(
        "[deploy]\nnumReplicas = 2\n\n[services.web]\nsource = 'front'\n[services.api.variables]\nA = 1\n"
    )
    code, found = rw(tmp_path, "explain")
    rows = {one["key"]: (one["value"], one["origin"]) for one in found["items"]}
    assert code == 0
    assert rows["services.web.source"] == ("front", "railway.toml:5")
    assert rows["services.web.deploy.numReplicas"] == rows["services.api.deploy.numReplicas"] == (2, "railway.toml:2")
    assert rows["services.api.variables.A"] == ("*****", "the file")
    assert rows["services.api.deploy.queue"] == ("newest", "default")
