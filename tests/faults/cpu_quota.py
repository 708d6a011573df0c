"""A share of one processor for one process, by a control group of its own. Linux, root.

Version 1 where the `cpu` controller is mounted alone, else version 2. Where neither can be used the
test is skipped, and says why.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from transport.clock import now_ns

PERIOD_MS = 100  # the kernel's own; a second is the longest that it takes
GROUPS = Path("/sys/fs/cgroup")


@contextmanager
def cpu_quota(pid: int, share: float, period_ms: int = PERIOD_MS) -> Iterator[int]:
    """Give a process `share` of one processor for the length of a block; since when, ns.

    What it uses up early in a period it lacks for the rest of it: a long period makes long gaps.
    """
    first = (GROUPS / "cpu").is_dir()
    parent = GROUPS / "cpu" if first else GROUPS
    group = parent / f"unstick-{os.getpid()}"
    period_us = period_ms * 1000
    quota_us = int(period_us * share)
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        try:
            if first:
                (group / "cpu.cfs_period_us").write_text(str(period_us))
                (group / "cpu.cfs_quota_us").write_text(str(quota_us))
            else:
                (group / "cpu.max").write_text(f"{quota_us} {period_us}")
            (group / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            pytest.skip(f"the processor cannot be rationed here: {error}")
        yield now_ns()
    finally:
        for member in (group / "cgroup.procs").read_text().split():
            (parent / "cgroup.procs").write_text(member)
        group.rmdir()
