"""A limit of memory for one process, by a control group of its own. Linux, root.

Whoever exceeds it is killed by the system at once. Version 1 where the `memory` controller is
mounted alone, else version 2. Where neither can be used the test is skipped, and says why.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.rig import until

GROUPS = Path("/sys/fs/cgroup")


@contextmanager
def memory_limit(pid: int, limit_bytes: int) -> Iterator[None]:
    """Let a process have no more than `limit_bytes` for the length of a block, which ends it."""
    first = (GROUPS / "memory").is_dir()
    group = (GROUPS / "memory" if first else GROUPS) / f"unstick-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        try:
            limit = group / ("memory.limit_in_bytes" if first else "memory.max")
            limit.write_text(str(limit_bytes))
            (group / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            pytest.skip(f"memory cannot be limited here: {error}")
        yield
    finally:
        until(lambda: removed(group), "the control group is empty")


def removed(group: Path) -> bool:
    """Whether a control group is gone; it stays for as long as there is a process in it."""
    try:
        group.rmdir()
    except OSError:
        return False
    return True
