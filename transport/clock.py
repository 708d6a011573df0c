"""The only module that reads time. Everything else is handed `now_ns`.

Durations and stamps are monotonic nanoseconds of one machine and are never compared across
machines; wall time exists for people: file names, headers, the clock in the window.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


def now_ns() -> int:
    """Monotonic nanoseconds. On Linux the same clock for every process of one machine."""
    return time.monotonic_ns()


def wall_time() -> datetime:
    """Wall time in UTC, for people to read; no decision depends on it."""
    return datetime.now(UTC)


def sleep_until(deadline_ns: int) -> None:
    """Sleep until `deadline_ns` on the monotonic clock; return at once when it has passed."""
    remaining_ns = deadline_ns - time.monotonic_ns()
    if remaining_ns > 0:
        time.sleep(remaining_ns / NS_PER_S)
