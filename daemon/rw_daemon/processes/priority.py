"""What serves goes first: the daemon and builds on processes take what it leaves of the processors.

Where Linux schedules by session (sched(7), autogroup), niceness alone counts only within one. Each service has a session of its own.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

GROUP = "/proc/self/autogroup"
NICENESS = 10
BEHIND = f'{{ echo {NICENESS} >{GROUP}; }} 2>/dev/null; exec nice -n {NICENESS} /bin/sh -c "$0"'
"""Shell text that runs its argument 0, a command, behind what serves."""


def stand_behind() -> None:
    """Let this process's session stand behind others, unless a user's shell is in it."""
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # a kernel without it
            Path(GROUP).write_text(str(NICENESS))
