"""What serves goes first, then the daemon, which still has to answer on a busy machine, then builds on processes.

Where Linux schedules by session (sched(7), autogroup), niceness alone counts only within one. Each service has a session of its own.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

GROUP = "/proc/self/autogroup"
DAEMON, BUILD = 5, 10
BEHIND = f'{{ echo {BUILD} >{GROUP}; }} 2>/dev/null; exec nice -n {BUILD} /bin/sh -c "$0"'
"""Shell text that runs its argument 0, a command of a build."""


def stand_behind() -> None:
    """Let this process's session stand behind what serves, unless a user's shell is in it."""
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # a kernel without it
            Path(GROUP).write_text(str(DAEMON))
