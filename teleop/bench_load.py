"""How full the machine was while something was measured, and how much of that was ours (Linux)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from transport.clock import NS_PER_S, now_ns

DISTURBED_CORES: Final = 0.2  # of others; a desktop at rest has less

_PROC = Path("/proc")


@dataclass(frozen=True)
class ProcessorTime:
    """Processor time spent up to a moment, in seconds."""

    stamp_ns: int
    all_s: float | None  # by everything on the machine; None where it cannot be known
    ours_s: float | None  # by this process and all its descendants that still run

    @classmethod
    def now(cls) -> ProcessorTime:
        """As it is at this moment."""
        if sys.platform != "linux":
            return cls(now_ns(), None, None)
        ticks_per_s = os.sysconf("SC_CLK_TCK")
        processes = dict(_processes())
        return cls(
            now_ns(),
            busy_ticks((_PROC / "stat").read_text()) / ticks_per_s,
            sum(processes[pid][1] for pid in family(os.getpid(), processes)) / ticks_per_s,
        )


def keep_to(cores: int) -> None:
    """Measure what the product needs, not what a large machine has; children inherit it."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def cores_between(before: ProcessorTime, after: ProcessorTime) -> tuple[float | None, float | None]:
    """Cores kept busy meanwhile: (by everything, by us); None where it cannot be known."""
    seconds = (after.stamp_ns - before.stamp_ns) / NS_PER_S

    def rate(start_s: float | None, end_s: float | None) -> float | None:
        return None if start_s is None or end_s is None else (end_s - start_s) / seconds

    return rate(before.all_s, after.all_s), rate(before.ours_s, after.ours_s)


def tell_disturbance(cores: tuple[float | None, float | None], say: Callable[[str], None]) -> None:
    """Say when what is not ours kept the machine busy; `cores` as `cores_between` gives them."""
    everything, ours = cores
    others = 0.0 if everything is None or ours is None else everything - ours
    if others > DISTURBED_CORES:
        say(f"other programs keep {others:.1f} cores busy; that is in every figure")


def busy_ticks(stat: str) -> int:
    """Clock ticks that were not idle, from the first line of /proc/stat."""
    user, nice, system, _idle, _waiting, irq, softirq = map(int, stat.split()[1:8])
    return user + nice + system + irq + softirq


def family(pid: int, processes: Mapping[int, tuple[int, int]]) -> set[int]:
    """A process and all its descendants; `processes`: pid to (parent, anything)."""
    found = {pid}
    grown = True
    while grown:
        more = {child for child, (parent, _) in processes.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found & set(processes)


def _processes() -> list[tuple[int, tuple[int, int]]]:
    """(pid, (parent, clock ticks used)) of every process."""
    found = []
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text()
        except OSError:
            continue  # it has just ended
        fields = stat.rsplit(")", 1)[1].split()  # the name before may hold spaces
        found.append((int(folder.name), (int(fields[1]), int(fields[11]) + int(fields[12]))))
    return found


def spent_s(pid: int) -> float | None:
    """Processor time of one process so far, in seconds; None where it cannot be known."""
    if sys.platform != "linux":
        return None
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None  # it has ended
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
