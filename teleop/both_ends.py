"""A robot and a console that know each other from the start, both on this machine.

For the demonstration, the benches and tests: keys in folders of their own, which are thrown away
afterwards. Everybody else pairs.
"""

from __future__ import annotations

from pathlib import Path

from teleop.key_files import (
    CONSOLE_KEY,
    KNOWN_ROBOTS,
    ROBOT_KEY,
    KnownRobot,
    KnownRobots,
    load_or_make,
)
from teleop.roster import AUTHORIZED_KEYS, Member, RosterFile
from transport.clock import wall_time
from transport.curve import Credentials
from transport.messages import Role


def acquaint(
    state: Path,
    config: Path,
    address: str,
    name: str,
    role: Role = Role.OPERATOR,
    robot: str = "both ends",
) -> Credentials:
    """Make a robot (its state folder) admit a console (its config folder), and the other way.

    `address` is the robot's, host:port; `name` is what the robot calls the console's owner,
    `robot` what the console calls the robot.

    Raises:
        ConfigError: a folder cannot be used, or the name is taken.
    """
    itself = load_or_make(state / ROBOT_KEY)
    console = load_or_make(config / CONSOLE_KEY)
    RosterFile(state / AUTHORIZED_KEYS).add(Member(key=console.public, name=name, role=role))
    KnownRobots(config / KNOWN_ROBOTS).pin(
        KnownRobot(address, robot, itself.public, wall_time().date())
    )
    return Credentials(console, itself.public)
