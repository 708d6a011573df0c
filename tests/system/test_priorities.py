"""Who waits when the processor is short: replays and cameras give way, control goes first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

AUTOGROUP = Path("/proc/self/autogroup")
SAY = "print(os.nice(0), open('/proc/self/autogroup').read())"

pytestmark = pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel has no autogroups")


def niceness_after(call: str) -> tuple[int, int]:
    """(of the process, of its session) after a call in a process of its own."""
    program = f"from teleop.child import give_way, go_first; import os; {call}; {SAY}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        start_new_session=True,
        capture_output=True,
        text=True,
        check=True,
    )
    own, group = done.stdout.split(maxsplit=1)
    return int(own), int(group.rsplit("nice", 1)[1])


def test_giving_way_counts_between_sessions_too() -> None:
    assert niceness_after("give_way(7)") == (7, 7)


@pytest.mark.skipif(os.geteuid() != 0, reason="going first takes root")
def test_going_first_counts_between_sessions_too() -> None:
    assert niceness_after("go_first(5)") == (-5, -5)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes somebody else, which takes root")
def test_without_the_right_to_it_nothing_changes() -> None:
    assert niceness_after("os.setuid(65534); go_first(5)") == (0, 0)
