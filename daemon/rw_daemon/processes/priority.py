"""What serves goes first, then the daemon, which still has to answer on a busy machine, then builds on processes.

Where Linux schedules by session (sched(7), autogroup), niceness alone counts only within one. Each service has a session of its own.
"""

from __future__ import annotations

import ctypes
import os
import struct
from contextlib import suppress
from pathlib import Path

GROUP = "/proc/self/autogroup"
DAEMON, BUILD = 5, 10
BEHIND = f'{{ echo {BUILD} >{GROUP}; }} 2>/dev/null; exec nice -n {BUILD} /bin/sh -c "$0"'
"""Shell text that runs its argument 0, a command of a build."""
SLICE_NS = 100_000  # the shortest that Linux takes
SET_ATTRIBUTES = {"x86_64": 314, "aarch64": 274}  # sched_setattr(2): C libraries have a function for it only since 2025
ATTRIBUTES = struct.Struct("=IIQiIQQQ")  # sched_attr: size, policy, flags, nice, priority, runtime, deadline, period
RESET_ON_FORK = 1


def stand_behind() -> None:
    """Let this process's session stand behind what serves, unless a user's shell is in it."""
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # a kernel without it
            Path(GROUP).write_text(str(DAEMON))


def be_brief(thread: int = 0, *, is_inherited: bool = False) -> None:
    """Let a thread (0: the calling one) have a processor for the shortest of slices, and be preferred as it wakes up.

    Whoever wakes up where a thread is at work waits until its slice is over, some milliseconds: with a daemon that is busy releasing,
    one answer in a hundred took twice its time. Linux heeds it since 6.12 (sched_setattr(2), the runtime of SCHED_OTHER).

    :param is_inherited: by the threads and processes that it starts, too.
    """
    system = os.uname()
    number = SET_ATTRIBUTES.get(system.machine)
    if number is not None and system.sysname == "Linux":
        flags = 0 if is_inherited else RESET_ON_FORK
        nice = os.getpriority(os.PRIO_PROCESS, thread)
        asked = ATTRIBUTES.pack(ATTRIBUTES.size, os.SCHED_OTHER, flags, nice, 0, SLICE_NS, 0, 0)
        ctypes.CDLL(None).syscall(number, thread, asked, 0)  # one that refuses it costs some milliseconds now and then, no more
