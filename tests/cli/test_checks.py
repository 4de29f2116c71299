"""What `rw doctor` makes of what it finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from rw_cli.context.checks import (
    clock_check,
    cluster_check,
    disk_check,
    filesystem_of,
    home_check,
    linger_check,
    names_check,
    watches_check,
)
from rw_shared.paths import Home

MOUNTS = "/dev/sda1 / ext4 rw 0 0\nserver:/x /home nfs4 rw 0 0\ntmpfs /home/me/my\\040disk tmpfs rw 0 0\n"


@pytest.mark.parametrize(
    ("folder", "kind"), [("/var/x", "ext4"), ("/home/me", "nfs4"), ("/home/me/my disk/rw", "tmpfs"), ("/homes", "ext4")]
)
def test_the_innermost_mount_holds_a_folder(folder: str, kind: str) -> None:
    assert filesystem_of(Path(folder), MOUNTS) == kind


def test_a_home_on_a_network_is_refused_and_one_that_others_read_is_named(tmp_path: Path) -> None:
    home = Home(Path("/home/me/.local/state/rw"), Path("/run/rw"))
    found = home_check(home, mounts=MOUNTS)
    assert (found["status"], "RW_HOME" in found["fix"]) == ("fail", True)
    tmp_path.chmod(0o755)
    assert home_check(Home(tmp_path, tmp_path), mounts="")["fix"] == f"chmod 700 {tmp_path}"
    tmp_path.chmod(0o700)
    assert home_check(Home(tmp_path, tmp_path), mounts="")["status"] == "ok"


def test_names_watches_clock_and_disk(tmp_path: Path) -> None:
    def unknown(_: str) -> str:
        raise OSError("no such name")

    assert names_check(lambda _: "127.0.0.1")["status"] == "ok"
    assert names_check(unknown)["status"] == names_check(lambda _: "10.0.0.1")["status"] == "warn"
    assert [watches_check(text)["status"] for text in ("8192\n", "524288\n", "")] == ["warn", "ok", "ok"]
    assert clock_check(tmp_path)["status"] == "ok"
    assert disk_check(tmp_path / "not" / "there")["status"] in {"ok", "warn"}


def test_lingering_matters_only_where_logout_kills(tmp_path: Path) -> None:
    settings, linger = tmp_path / "etc/systemd/logind.conf", tmp_path / "var/lib/systemd/linger/me"
    assert linger_check({"USER": "me"}, tmp_path)["status"] == "ok"
    settings.parent.mkdir(parents=True)
    settings.write_text("[Login]\n#KillUserProcesses=no\nKillUserProcesses = yes\n")
    assert linger_check({"USER": "me"}, tmp_path)["fix"] == "loginctl enable-linger me"
    linger.parent.mkdir(parents=True)
    linger.touch()
    assert linger_check({"USER": "me"}, tmp_path)["status"] == "ok"


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        pytest.param("current-context: kind-shop\n", "ok", "context kind-shop", id="a context"),
        pytest.param("contexts: []\n", "ok", "names no current context", id="none is current"),
        pytest.param("- a list\n", "ok", "names no current context", id="another kind of file"),
        pytest.param("a: [\n", "warn", "cannot be read", id="no YAML"),
    ],
)
def test_the_cluster_that_tools_would_take_is_named(tmp_path: Path, text: str, status: str, words: str) -> None:
    assert cluster_check({}, tmp_path)["status"] == "ok"
    (tmp_path / "config").write_text(text)
    found = cluster_check({"KUBECONFIG": f"{tmp_path}/none:{tmp_path}/config"}, Path("/nowhere"))
    assert (found["status"], words in found["detail"]) == (status, True)
