"""A whole robot and its keys: who gets in, who is cut off while it runs."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from teleop.key_files import ROBOT_KEY, load
from teleop.operator_link import OperatorLink
from teleop.operator_view import Reach
from teleop.roster import AUTHORIZED_KEYS, RosterFile
from tests.system.rig import agent, hand, until
from transport.clock import now_ns
from transport.control_link import LOOPBACK, Trouble
from transport.curve import Credentials, new_key_pair

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="finds the processes through Linux's /proc"
)


def test_an_agent_admits_its_list_and_cuts_off_who_is_struck_off_it(tmp_path: Path) -> None:
    with agent(tmp_path / "episodes") as robot, hand(robot) as operator:
        key = robot.state / ROBOT_KEY
        if sys.platform != "win32":
            assert stat.S_IMODE(key.stat().st_mode) == 0o600
        made = load(key)
        assert made is not None
        stranger = OperatorLink(Credentials(new_key_pair(), made.public), LOOPBACK, robot.port)
        stranger.start()
        try:
            until(lambda: stranger.view(now_ns()).trouble is Trouble.NOT_PAIRED, "told why")
            assert stranger.view(now_ns()).state is None
        finally:
            stranger.close()

        with hand(robot, "watcher") as watcher:
            watcher.wait(lambda v: v.reach is Reach.CONNECTED and v.media is not None, "it hears")
            operator.wait(lambda v: v.media is not None, "the operator hears, too")
            RosterFile(robot.state / AUTHORIZED_KEYS).revoke("watcher")
            watcher.wait(lambda v: v.trouble is not None, "cut off from control")
            watcher.wait(lambda v: v.trouble is Trouble.NOT_PAIRED, "told why")
            watcher.wait(lambda v: v.media_silent_ms > 1500, "media cut it off, too")
            operator.wait(
                lambda v: v.reach is Reach.CONNECTED and v.media_silent_ms < 1000, "as before"
            )
