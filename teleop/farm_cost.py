"""What a process and all that it has started take of this machine (Linux)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from teleop.bench_load import family
from transport.clock import NS_PER_MS

_PROC: Final = Path("/proc")


@dataclass(frozen=True)
class Cost:
    """Of one family of processes."""

    spent_ms: float  # processor time since each of them began, of ended children included
    megabytes: int  # resident, what they share counted for each


def costs(pids: Iterable[int]) -> dict[int, Cost]:
    """By the pid of the eldest; none where that cannot be known."""
    if sys.platform != "linux":
        return {}
    tick_ms = 1000 / os.sysconf("SC_CLK_TCK")
    page = os.sysconf("SC_PAGE_SIZE")
    processes: dict[int, tuple[int, int]] = {}  # pid to (parent, 0), as `family` wants it
    used: dict[int, tuple[int, int]] = {}  # pid to (clock ticks, resident pages)
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has just ended
        pid = int(folder.name)
        processes[pid] = (int(fields[1]), 0)
        used[pid] = (sum(map(int, fields[11:15])), int(fields[21]))
    found = {}
    for eldest in pids:
        ours = [used[pid] for pid in family(eldest, processes)]
        if ours:
            ticks, pages = map(sum, zip(*ours, strict=True))
            found[eldest] = Cost(ticks * tick_ms, round(pages * page / 1e6))
    return found


def cores(before: Cost, after: Cost, passed_ns: int) -> float:
    """How many cores were kept busy between two looks."""
    return max(0.0, (after.spent_ms - before.spent_ms) * NS_PER_MS / passed_ns)
