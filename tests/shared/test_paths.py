"""Both processes compute the same folders from the same environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from rw_shared.paths import Home, client_environment


@pytest.mark.parametrize(
    ("environ", "root"),
    [
        pytest.param({"RW_HOME": "/srv/rw", "HOME": "/home/a"}, "/srv/rw", id="RW_HOME first"),
        pytest.param({"XDG_STATE_HOME": "/state", "HOME": "/home/a"}, "/state/rw", id="XDG"),
        pytest.param({"HOME": "/home/a"}, "/home/a/.local/state/rw", id="home"),
        pytest.param({"HOME": "/home/a", "RW_HOME": "", "XDG_STATE_HOME": ""}, "/home/a/.local/state/rw", id="empty is not said"),
    ],
)
def test_the_state_folder(environ: dict[str, str], root: str):
    assert Home.of(environ, uid=1).root == Path(root)


def test_a_relative_home_is_made_absolute():
    assert Home.of({"RW_HOME": "state"}, uid=1).root == Path.cwd() / "state"


@pytest.mark.parametrize(
    ("environ", "base"),
    [
        pytest.param({"XDG_RUNTIME_DIR": "/run/user/7"}, "/run/user/7/rw", id="session"),
        pytest.param({"TMPDIR": "/var/tmp"}, "/var/tmp/rw-7", id="temporary folder"),
        pytest.param({}, "/tmp/rw-7", id="neither"),
    ],
)
def test_the_folder_of_the_socket(environ: dict[str, str], base: str):
    assert str(Home.of({"RW_HOME": "/h", **environ}, uid=7).runtime.parent) == base


def test_a_sockets_path_is_short_however_deep_the_home():
    home = Home.of({"RW_HOME": "/" + "deep/" * 60, "XDG_RUNTIME_DIR": "/run/user/1000"}, uid=1000)
    assert len(str(home.socket)) < 107


def test_two_homes_have_two_sockets():
    assert Home.of({"RW_HOME": "/a"}, uid=1).socket != Home.of({"RW_HOME": "/b"}, uid=1).socket


def test_everything_kept_lies_below_the_root_and_apart():
    home = Home.of({"RW_HOME": "/h"}, uid=1)
    kept = [
        home.lock,
        home.daemon_log,
        home.database,
        home.snapshots,
        home.releases,
        home.caches,
        home.instances,
        home.jobs,
        home.logs,
        home.edge,
    ]
    assert len(set(kept)) == len(kept)
    assert all(path.parent == home.root for path in kept)


def test_an_order_carries_what_builds_need_and_nothing_else():
    environ = {
        "PATH": "/bin", "DOCKER_HOST": "unix:///x", "RW_BUILD_START_CMD": "x", "NIXPACKS_START_CMD": "y", "RAILPACK_START_CMD": "z",
        "UV_INDEX_URL": "i", "npm_config_registry": "r", "https_proxy": "p", "SSL_CERT_FILE": "c", "SOURCE_DATE_EPOCH": "1",
        "AWS_SECRET_ACCESS_KEY": "s", "DATABASE_URL": "d", "GITHUB_TOKEN": "t", "PYTHONPATH": "l", "RWX": "n",
    }  # fmt: skip
    assert set(environ) - set(client_environment(environ)) == {
        "AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "GITHUB_TOKEN", "PYTHONPATH", "RWX",
    }  # fmt: skip
