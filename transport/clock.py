"""The only module that reads time. Everything else is handed `now_ns`.

Durations and stamps are monotonic nanoseconds of one machine and are never compared across
machines; wall time exists for people: file names, headers, the clock in the window.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

# Before Python 3.13 the monotonic clock of Windows steps by 16 ms, a whole control tick.
_read_ns = time.perf_counter_ns if sys.platform == "win32" else time.monotonic_ns


def now_ns() -> int:
    """Monotonic nanoseconds, the same clock for every process of one machine."""
    return _read_ns()


def wall_time() -> datetime:
    """Wall time in UTC, for people to read; no decision depends on it."""
    return datetime.now(UTC)


def sleep_until(deadline_ns: int) -> None:
    """Sleep until `deadline_ns` on the monotonic clock; return at once when it has passed."""
    remaining_ns = deadline_ns - _read_ns()
    if remaining_ns > 0:
        time.sleep(remaining_ns / NS_PER_S)
