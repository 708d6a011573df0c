"""A robot's control process for the fault tests: the real control loop, the real sockets, a point
on a line in place of motors.

`python -m tests.faults.robot_child ADDRESS PORT STATE_FOLDER`; the folder holds its key and whom it
admits. Says
`{"ready": …}` when every socket listens, answers `{"do": "counts"}`, leaves when standard input
closes. What it did is heard on its inner bus (`tests.faults.bus_child`), not from itself.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from teleop.control import Control
from teleop.key_files import ROBOT_KEY, load_or_make
from teleop.latch import LatchFile
from teleop.patrol import Patrol
from teleop.robot_door import robot_door
from teleop.roster import AUTHORIZED_KEYS, RosterFile
from teleop.stuck import StuckDetector
from tests.faults.child_lines import listen, say
from tests.faults.namespace import be_a_machine_of_its_own
from tests.point_robot import PointRobot


def main(address: str, port: int, state: Path) -> None:
    """Run until standard input closes."""
    roster = RosterFile(state / AUTHORIZED_KEYS)
    door = robot_door(load_or_make(state / ROBOT_KEY), roster)
    control = Control(
        robot=PointRobot(),
        name="point-1",
        site="bench",
        host=address,
        port=port,
        door=door,
        roster=roster,
        latch=LatchFile(state / "point-1.latch.json"),
        policy=Patrol(0),
        stuck=StuckDetector(),
        start_policy=False,
    )

    def obey(order: dict[str, Any]) -> None:
        if order["do"] == "counts":
            state = control.state
            say(
                accepted=state.accepted,
                duplicates=state.duplicates,
                refused={str(reason): count for reason, count in state.refused.items()},
            )

    leaving = listen(obey)
    say(ready=True)
    try:
        control.run(leaving)
    finally:
        control.close()
        door.close()


if __name__ == "__main__":
    be_a_machine_of_its_own()
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
