"""What a process takes of the machine, from Linux's /proc."""

from __future__ import annotations

from pathlib import Path


def rss_mb(pid: int) -> float:
    """Its resident memory, MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"process {pid} has no memory")


def open_files(pid: int) -> int:
    """How many file descriptors it has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
