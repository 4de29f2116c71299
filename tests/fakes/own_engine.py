"""A Docker engine beside the machine's own, which a test may kill. Real, and all it shares with the other one is the kernel."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

BRIDGE, ADDRESS = "rwtest0", "10.213.0.1/24"
START_SECONDS = 30.0
DISK = "800m"


def missing() -> str:
    """Return why no second engine can be had here; empty when one can."""
    if sys.platform != "linux" or os.geteuid():
        return "a second engine needs root on Linux"
    without = [name for name in ("dockerd", "docker", "ip") if shutil.which(name) is None]
    return f"a second engine needs {', '.join(without)}" if without else ""


class OwnEngine:
    """``dockerd`` with folders, a bridge and addresses of its own. It writes no firewall rules: those are one for the whole machine."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rw-engine-"))
        self.host = f"unix://{self.folder}/docker.sock"
        self.data = self.folder / "data"
        """What it keeps: on a disk of its own, which a test may fill."""
        self._daemon: subprocess.Popen[bytes] | None = None
        self.data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", self.data], check=True)
        subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=True)
        subprocess.run(["ip", "addr", "add", ADDRESS, "dev", BRIDGE], check=True)
        subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)

    @property
    def pid(self) -> int:
        assert self._daemon is not None
        return self._daemon.pid

    def start(self, *, live_restore: bool = False) -> None:
        """Start it, or start it again; returns once it answers."""
        with (self.folder / "dockerd.log").open("ab") as log:
            self._daemon = subprocess.Popen(
                dockerd_args(self.folder, live_restore=live_restore),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(["docker", "-H", self.host, "version"], capture_output=True, check=False).returncode:
            assert self._daemon.poll() is None, self.log_tail()
            assert time.monotonic() < deadline, self.log_tail()
            time.sleep(0.1)

    def docker(self, *arguments: str) -> str:
        return subprocess.run(["docker", "-H", self.host, *arguments], check=True, capture_output=True, text=True).stdout

    def hand_over(self, image: str) -> None:
        """Copy an image of the machine's engine: no registry is asked."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saving:
            subprocess.run(["docker", "-H", self.host, "load", "-q"], stdin=saving.stdout, check=True, capture_output=True)
        assert saving.returncode == 0

    def kill(self) -> None:
        """SIGKILL, to its containerd as well; containers go on under their shims."""
        assert self._daemon is not None
        pid_file = self.folder / "exec/containerd/containerd.pid"
        self._daemon.kill()
        self._daemon.wait()
        with suppress(ProcessLookupError):  # it is told to go with the engine
            os.kill(int(pid_file.read_text()), signal.SIGKILL)
        pid_file.unlink()  # a zombie that nobody has buried yet passes for alive, and the next engine would wait for it

    def cut_power(self) -> None:
        """End everything at once: the engine, what looks after its containers, and these themselves."""
        containers = self.docker("ps", "--quiet").split()
        pids = [int(pid) for pid in self.docker("inspect", "--format", "{{.State.Pid}}", *containers).split()]
        self.kill()
        shims = subprocess.run(["pgrep", "-f", f"{self.folder}/exec"], capture_output=True, text=True, check=False).stdout.split()
        for pid in (*map(int, shims), *pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, as a service manager does; without live-restore, containers are stopped first."""
        assert self._daemon is not None
        self._daemon.terminate()
        self._daemon.wait(timeout=60)

    def remove(self) -> None:
        """End it and everything it ran and made, also when a test failed in the middle."""
        if self._daemon is not None:
            if self._daemon.poll() is not None:
                self.start()
            if containers := self.docker("ps", "--all", "--quiet").split():
                self.docker("rm", "--force", *containers)
            self.docker("network", "prune", "--force")
            self.stop()
        for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
            if (mounted := line.split()[4]).startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", mounted], check=False)
        subprocess.run(["ip", "link", "delete", BRIDGE], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_tail(self) -> str:
        return (self.folder / "dockerd.log").read_text(errors="replace")[-2000:]


def dockerd_args(folder: Path, *, live_restore: bool) -> list[str]:
    return [
        "dockerd",
        "--host", f"unix://{folder}/docker.sock",
        "--data-root", str(folder / "data"),
        "--exec-root", str(folder / "exec"),
        "--pidfile", str(folder / "docker.pid"),
        # "none", or a --default-address-pool, makes it delete docker0, the bridge of the machine's engine; without, it takes subnets that no
        # route leads to
        "--bridge", BRIDGE,
        "--iptables=false",  # starting with it, an engine removes the chains that another one wrote
        "--ip-masq=false",
        *(["--live-restore"] if live_restore else []),
    ]  # fmt: skip
