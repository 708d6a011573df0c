"""Who waits when the processor is short: replays and cameras give way to control."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

AUTOGROUP = Path("/proc/self/autogroup")
SAY = (
    "from teleop.child import give_way; import os; give_way(7);"
    "print(os.nice(0), open('/proc/self/autogroup').read())"
)


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel has no autogroups")
def test_giving_way_counts_between_sessions_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SAY], start_new_session=True, capture_output=True, text=True
    )
    own, group = done.stdout.split(maxsplit=1)
    assert int(own) == 7
    assert group.strip().endswith("nice 7")
