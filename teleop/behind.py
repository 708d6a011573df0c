"""`python -m teleop.behind ARGUMENTS…`: what `unstick ARGUMENTS…` does, behind everything else.

For a window that wants something done while somebody may be driving in it. It ends with whoever
started it, whose pipe is its standard input, and when it is asked to terminate it tidies up.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

from teleop.__main__ import main
from teleop.child import give_way, terminate_with_parent

BEHIND = 10  # steps of niceness


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _leave)
    terminate_with_parent()
    give_way(BEHIND)
    main()
