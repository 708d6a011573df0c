"""Every socket that the control bench opens beside the product's own, and the keys for them.

Robot, operator and observers get to know each other in a folder of the bench, as in a demonstration
(`teleop.both_ends`). Its processes find their keys there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from teleop.both_ends import acquaint
from teleop.key_files import CONSOLE_KEY, ROBOT_KEY, load_or_make
from teleop.operator_link import OperatorLink
from teleop.robot_door import robot_door
from teleop.roster import AUTHORIZED_KEYS, RosterFile
from transport.channels import BEATS, MEDIA_STATE, STATE, STATES
from transport.control_link import (
    LOOPBACK,
    BusReceiver,
    CommandInbox,
    CommandOutbox,
    Listener,
)
from transport.curve import Credentials
from transport.messages import Role


class BenchSockets:
    """What the bench needs to meet its robot: whoever can read the folder has the keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def state(self) -> Path:
        """The robot's state folder."""
        return self.folder / "state"

    def make_keys(self, port: int, observers: int) -> None:
        """Keys for the robot, one operator and so many observers."""
        address = f"{LOOPBACK}:{port}"
        acquaint(self.state, self.folder / "operator", address, "bench")
        for number in range(observers):
            config = self.folder / f"observer-{number}"
            acquaint(self.state, config, address, f"observer-{number}", Role.OBSERVER)

    def link(self, port: int) -> OperatorLink:
        """The operator who drives."""
        return OperatorLink(self._credentials("operator"), LOOPBACK, port)

    def bus(self, port: int) -> BusReceiver:
        """The robot's inner bus, which admits the robot only."""
        robot = load_or_make(self.state / ROBOT_KEY)
        return BusReceiver(Credentials(robot, robot.public), port)

    def outbox(self, port: int) -> CommandOutbox:
        """The sending end of the commands."""
        return CommandOutbox(self._credentials("operator"), LOOPBACK, port)

    @contextmanager
    def inbox(self, port: int) -> Iterator[CommandInbox]:
        """The receiving end of the commands, as the robot's, behind a door of its own."""
        roster = RosterFile(self.state / AUTHORIZED_KEYS)
        with closing(robot_door(load_or_make(self.state / ROBOT_KEY), roster)) as door:
            yield CommandInbox(door, LOOPBACK, port)

    def observer(self, number: int, port: int) -> tuple[Listener, ...]:
        """The sockets of one observer: the robot's state and beat, and that of its cameras."""
        credentials = self._credentials(f"observer-{number}")
        return (
            Listener(STATE, credentials, LOOPBACK, port, STATES),
            Listener(STATE, credentials, LOOPBACK, port, BEATS),
            Listener(MEDIA_STATE, credentials, LOOPBACK, port),
        )

    def _credentials(self, who: str) -> Credentials:
        robot = load_or_make(self.state / ROBOT_KEY)
        return Credentials(load_or_make(self.folder / who / CONSOLE_KEY), robot.public)
