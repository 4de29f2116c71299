"""The holder of one replica: starts it, keeps its output, its pid and its end, and outlives the daemon.

Run as ``python -I -S -E shim.py FOLDER``, it stands alone: nothing of rw is imported, and only modules that keep it below 10 MB.
In FOLDER it finds ``order`` (NUL-separated ``key=value``, 0600; claimed by renaming, then deleted, for it holds secrets) and leaves
``pid`` (pid, start time, boot id), ``out/<n>.seg`` (see segments.py) and at the end ``exit`` (code, signal, out of memory, time in ns).
The first process returns 0 once the app was started; by then its child, a session leader of its own, holds the app.
"""
# pathlib costs two megabytes, and the shell is in the order:
# ruff: noqa: PTH102, PTH104, PTH108, PTH123, PTH208, S606

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # the signal module proper costs half a megabyte of enum
import contextlib
import ctypes
import os
import select
import sys
import time

SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
CLAIM_LOST, NOT_STARTED = 3, 4
STDOUT, STDERR, OWN = 1, 2, 3
LINGER_SECONDS = 2.0  # what the app leaves behind has this long after it, while it is being stopped
MEMORY_PERIOD_SECONDS = 1.0
PIPE_READ_BYTES = 65536
FLOW_SECONDS = 0.002  # between two reads of a stream of short lines: woken at each of them, this process costs more than the app's printing
SHORT_BYTES = 4096
LIBC = ctypes.CDLL(None, use_errno=True)


class Order:
    """What to run, as it stands in the ``order`` file."""

    def __init__(self, text: bytes) -> None:
        self.arguments: list[bytes] = []
        self.environment: dict[bytes, bytes] = {}
        self.values: dict[bytes, bytes] = {}
        for field in text.split(b"\0"):
            key, _, value = field.partition(b"=")
            if key == b"arg":
                self.arguments.append(value)
            elif key == b"env":
                name, _, content = value.partition(b"=")
                self.environment[name] = content
            else:
                self.values[key] = value

    def number(self, key: bytes) -> float:
        """Return a number of the order; 0 when it is not there."""
        return float(self.values.get(key, b"0"))


class Segments:
    """Writes frames; a full disk costs output, never the app: what was lost is counted and told."""

    def __init__(self, *, segment_bytes: int, count: int) -> None:
        self._limit, self._count = segment_bytes, count
        self._number = self._size = self._lost = 0
        os.mkdir("out", 0o700)
        self._file = self._open()

    def _open(self) -> int:
        return os.open(f"out/{self._number:08d}.seg", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def write(self, stream: int, data: bytes) -> None:
        """Append one frame."""
        if self._lost and self._append(OWN, b"%d bytes of output were lost: no space left\n" % self._lost):
            self._lost = 0
        if not self._append(stream, data):
            self._lost += len(data)

    def _append(self, stream: int, data: bytes) -> bool:
        header = time.time_ns().to_bytes(8, "big") + bytes((stream,)) + len(data).to_bytes(4, "big")
        try:
            if self._size >= self._limit:
                self._rotate()
            if os.writev(self._file, (header, data)) != len(header) + len(data):
                raise OSError
        except OSError:
            with contextlib.suppress(OSError):  # back to the last whole frame
                os.ftruncate(self._file, self._size)
                os.lseek(self._file, self._size, os.SEEK_SET)
            return False
        self._size += len(header) + len(data)
        return True

    def _rotate(self) -> None:
        self._number += 1
        try:
            fresh = self._open()
        except OSError:
            self._number -= 1
            raise
        os.close(self._file)
        self._file, self._size = fresh, 0
        if self._number >= self._count:
            with contextlib.suppress(OSError):
                os.unlink(f"out/{self._number - self._count:08d}.seg")


def write_whole(name: str, text: str) -> None:
    """Write a small file so that it is there with all its content or not at all."""
    descriptor = os.open(name + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, text.encode())
    os.close(descriptor)
    os.rename(name + ".new", name)


def read_text(path: str) -> str:
    """Return a file's text; empty when it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return (file.read() or b"").decode("utf-8", "replace")
    except OSError:
        return ""


def start_time(pid: int) -> str:
    """Return the start of a process in ticks since boot: with the pid and the boot id it names one process for ever."""
    return read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()[19]


def descendants() -> list[int]:
    """Return all processes below this one, also those that left the app's session: they are re-parented to here."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := read_text(f"/proc/{name}/stat").rpartition(")")[2].split()):
            parents.setdefault(int(fields[1]), []).append(int(name))
    found, at = [os.getpid()], 0
    while at < len(found):
        found += parents.get(found[at], [])
        at += 1
    return found[1:]


def resident_bytes(pids: list[int]) -> int:
    """Return the sum of what ``pids`` hold in memory; shared pages count for each."""
    pages = sum(int((read_text(f"/proc/{pid}/statm").split() or ["0", "0"])[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE")


def out_of_memory_kills() -> str:
    """Return how many processes the kernel has killed for want of memory, as text."""
    return read_text("/proc/vmstat").partition("\noom_kill ")[2].partition("\n")[0]


class Holder:
    """The loop: output to segments, signals to the group, the end to the ``exit`` file."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._segments = Segments(segment_bytes=int(order.number(b"segment_bytes")), count=int(order.number(b"segments")))
        self._poll = select.poll()
        self._streams: dict[int, int] = {}
        self._memory = int(order.number(b"memory"))
        self._status: int | None = None  # of the app, as wait gives it
        self._stopping = self._out_of_memory = False
        self._deadline = self._watched = self._copied = 0.0  # monotonic; 0: none
        self._kills = out_of_memory_kills()

    def start(self) -> None:
        """Start the app in a session of its own; it dies with this process."""
        self._wake, write_end = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._poll.register(self._wake, select.POLLIN)
        pipes = {STDOUT: os.pipe(), STDERR: os.pipe()}
        holder = os.getpid()
        self._app = os.fork()
        if not self._app:
            self._become(pipes, holder)
        for stream, (read_end, other) in pipes.items():
            os.close(other)
            os.set_blocking(read_end, False)
            self._poll.register(read_end, select.POLLIN)
            self._streams[read_end] = stream

    def _become(self, pipes: dict[int, tuple[int, int]], holder: int) -> None:
        try:
            os.setsid()
            LIBC.prctl(SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != holder:
                os._exit(1)
            for stream, (_, write_end) in pipes.items():
                os.dup2(write_end, stream)
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)  # Python ignores some, and an exec keeps that
            os.chdir(self._order.values[b"cwd"])
            os.execve(self._order.arguments[0], self._order.arguments, self._order.environment)
        except OSError as error:
            os.write(2, f"cannot be started: {error.strerror}\n".encode())
        finally:
            os._exit(127)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def hold(self) -> None:
        """Return when the app and all that it started are gone and its output is kept."""
        stop_sent = False
        while True:
            copied = 0
            for descriptor, _ in self._poll.poll(self._timeout()):
                if descriptor == self._wake:
                    os.read(self._wake, 4096)
                else:
                    copied += self._copy(descriptor)
            if copied:
                self._rest(copied)
            alone = self._reap()
            if alone and self._status is not None:
                break
            if self._stopping and not stop_sent:
                stop_sent = True
                self._terminate()
            self._watch_memory()
            if self._deadline and time.monotonic() >= self._deadline:
                self._kill()
        for descriptor in tuple(self._streams):
            while self._copy(descriptor):
                pass

    def _timeout(self) -> int | None:
        now = time.monotonic()
        waits = [self._deadline - now] if self._deadline else []
        if self._memory and self._status is None:
            waits.append(max(0.05, self._watched + MEMORY_PERIOD_SECONDS - now))
        return max(1, int(min(waits) * 1000)) if waits else None

    def _rest(self, copied: int) -> None:
        """Let short lines come together in the pipe while they come fast."""
        if copied < SHORT_BYTES and time.monotonic() - self._copied < FLOW_SECONDS:
            time.sleep(FLOW_SECONDS)
        self._copied = time.monotonic()

    def _copy(self, descriptor: int) -> int:
        """Keep what one read returns; the number of its bytes, 0 when there is nothing or the stream has ended."""
        try:
            data = os.read(descriptor, PIPE_READ_BYTES)
        except BlockingIOError:
            return 0
        if data:
            self._segments.write(self._streams[descriptor], data)
            return len(data)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        del self._streams[descriptor]
        return 0

    def _reap(self) -> bool:
        """Collect ended children; True when there is none left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if not pid:
                return False
            if pid == self._app:
                self._status = status
                now = time.monotonic()
                linger = min(self._deadline, now + LINGER_SECONDS) if self._stopping and self._deadline else now
                self._deadline = max(linger, 0.001)

    def _terminate(self) -> None:
        grace = float(read_text("grace") or self._order.number(b"grace"))
        if not self._deadline:
            self._deadline = time.monotonic() + grace
        for pid in descendants() if grace else ():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM)

    def _kill(self) -> None:
        for pid in descendants():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self._deadline = time.monotonic() + 0.02  # again, until none was forked meanwhile

    def _watch_memory(self) -> None:
        if not self._memory or self._status is not None or time.monotonic() - self._watched < MEMORY_PERIOD_SECONDS:
            return
        self._watched = time.monotonic()
        if resident_bytes(descendants()) > self._memory:
            self._out_of_memory = True
            self._segments.write(OWN, b"killed: over its memory limit of %d bytes\n" % self._memory)
            self._kill()

    def ending(self) -> str:
        """Return the text of the ``exit`` file."""
        status = self._status or 0
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        code = 128 + number if number else os.WEXITSTATUS(status)
        by_kernel = number == signal.SIGKILL and not self._stopping and out_of_memory_kills() != self._kills
        return f"{code} {number} {int(self._out_of_memory or by_kernel)} {time.time_ns()}"


def main(folder: str) -> int:
    """Claim the order, start the app, leave a holder behind."""
    os.chdir(folder)
    try:
        os.rename("order", "order.taken")  # the daemon may take it back by unlinking: one of the two succeeds
    except FileNotFoundError:
        return CLAIM_LOST
    with open("order.taken", "rb", buffering=0) as file:
        order = Order(file.readall())
    started, tell = os.pipe()
    if os.fork():
        os.close(tell)
        return 0 if os.read(started, 1) else NOT_STARTED
    os.setsid()
    LIBC.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    holder = Holder(order)
    write_whole("pid", f"{os.getpid()} {start_time(os.getpid())} {read_text('/proc/sys/kernel/random/boot_id').strip()}")
    os.unlink("order.taken")  # as long as it is there, nobody may say that the app never ran
    holder.start()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # until here a fault is told to whoever starts this
        os.dup2(nowhere, descriptor)
    os.write(tell, b"1")
    os.close(tell)
    os.close(started)
    holder.hold()
    write_whole("exit", holder.ending())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
