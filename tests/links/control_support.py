"""The real control loop around a toy robot, and consoles without windows, over real sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from teleop.both_ends import acquaint
from teleop.control import Control
from teleop.key_files import ROBOT_KEY, load_or_make
from teleop.latch import LatchFile
from teleop.operator_input import OperatorInput
from teleop.operator_link import OperatorLink
from teleop.operator_view import LinkView, Reach
from teleop.patrol import Patrol
from teleop.replaying import Replaying
from teleop.robot import Robot
from teleop.robot_door import robot_door
from teleop.roster import AUTHORIZED_KEYS, RosterFile
from teleop.self_test import TESTABLE, Stage
from teleop.stuck import StuckDetector
from tests.point_robot import PointRobot
from transport.clock import NS_PER_MS, now_ns
from transport.control_link import LOOPBACK, free_base_port
from transport.curve import Credentials
from transport.messages import Arm, HoldReason, Mode, RequestLease, ResetStop, RobotState, Role

HANG_S = 15.0
PUSHES = 6  # until one gets through, on a machine however busy
AGAIN_S = 0.2  # between two requests


def forward() -> OperatorInput:
    """Full speed ahead, held."""
    return OperatorInput(forward=1.0, deadman=True, input_ns=now_ns())


@contextmanager
def control(
    folder: Path, robot: PointRobot | None = None, **options: object
) -> Iterator[tuple[Control, PointRobot]]:
    """A rover's control loop for the length of a test."""
    robot = robot or PointRobot()
    policed = {"policy": Patrol(0), "stuck": StuckDetector(), **options}
    with controlled(folder, robot, **policed) as loop:
        yield loop, robot


@contextmanager
def controlled(folder: Path, robot: Robot, **options: object) -> Iterator[Control]:
    """Any robot's control loop for the length of a test."""
    with prepared(folder, robot, **options) as loop:
        leaving = threading.Event()
        thread = threading.Thread(target=loop.run, args=(leaving,))
        thread.start()
        try:
            yield loop
        finally:
            leaving.set()
            thread.join(5.0)


@contextmanager
def prepared(folder: Path, robot: Robot, **options: object) -> Iterator[Control]:
    """Any robot's control loop with its keys and sockets; nothing ticks yet."""
    roster = RosterFile(folder / AUTHORIZED_KEYS)
    with closing(robot_door(load_or_make(folder / ROBOT_KEY), roster)) as door:
        loop = Control(
            robot=robot,
            name="toy-1",
            site="bench",
            host=LOOPBACK,
            port=free_base_port(),
            door=door,
            roster=roster,
            latch=LatchFile(folder / "toy.latch.json"),
            **options,  # type: ignore[arg-type]
        )
        with closing(loop):
            yield loop


def admitted(loop: Control, operator: str, role: Role = Role.OPERATOR) -> Credentials:
    """What a console knocks with that this robot knows by that name."""
    state = loop.roster.path.parents[1]
    address = f"{loop.host}:{loop.port}"
    credentials = acquaint(state, state / f"console-{operator}", address, operator, role)
    deadline = time.monotonic() + HANG_S
    while loop._members.member_of(credentials.own.public) is None:
        assert time.monotonic() < deadline, "the robot never looked at its list"
        time.sleep(0.005)
    return credentials


def in_mode(mode: Mode) -> Callable[[LinkView], bool]:
    """Whether the robot says that it is in `mode`."""
    return lambda view: view.state is not None and view.state.mode is mode


def must_let_go(view: LinkView) -> bool:
    """Whether the robot heeds nothing that is held before hands were off."""
    hold = view.state.hold if view.state is not None else None
    return hold is not None and hold.reason is HoldReason.NOT_NEUTRAL


class Console:
    """What the window does, without a window; its pictures are always fresh."""

    def __init__(
        self, loop: Control, operator: str, role: Role, replaying: Replaying | None = None
    ) -> None:
        credentials = admitted(loop, operator, role)
        self.loop = loop
        self.link = OperatorLink(credentials, LOOPBACK, loop.port, replaying)
        self.frozen = False
        self.picture_ms = 30  # age of what is painted
        self.link.start()
        self.link.set_focus(True)

    def look(self) -> LinkView:
        stamp_ns = now_ns()
        if not self.frozen:
            self.link.alive(stamp_ns)
            self.link.painted(stamp_ns - self.picture_ms * NS_PER_MS)
        return self.link.view(stamp_ns)

    def wait(self, condition: Callable[[LinkView], object], what: str) -> LinkView:
        deadline = time.monotonic() + HANG_S
        while not condition(view := self.look()):
            assert time.monotonic() < deadline, f"never happened: {what}"
            time.sleep(0.005)
        return view

    def wait_mode(self, mode: Mode) -> LinkView:
        return self.wait(in_mode(mode), mode)

    def hold(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.look()
            time.sleep(0.005)

    def knock(self) -> None:
        """Until the robot is heard, and has said who this is."""
        self.wait(lambda v: v.reach is Reach.CONNECTED and v.role is not None, "the robot is heard")

    def take(self) -> None:
        """Take the robot, wait for the self-test, keep hands off for as long as is asked."""
        self.knock()
        self.link.request(RequestLease())
        self.wait(lambda v: v.yours, "the lease")
        self.settle()

    def settle(self) -> None:
        """Until the self-test is through as far as it goes now, and hands were off long enough."""
        self.wait(lambda v: v.self_test.stop is Stage.PASSED, "STOP is answered")
        if self.state.mode in TESTABLE:
            self.wait(lambda v: v.self_test.passed, "the self-test")
            self.wait(self.may_press, "hands were off long enough")
        else:
            self.hold(0.7)

    def may_press(self, view: LinkView) -> bool:
        """Whether the robot has seen hands off for long enough, and says so."""
        return self.loop.state.neutral_seen and not must_let_go(view)

    def push(self, stick: OperatorInput, condition: Callable[[LinkView], object], what: str) -> int:
        """Push and keep at it until `condition` holds; how often it took.

        A tick of the robot that came late has to be followed by hands off: as a person would, who
        is told to let go lets go, and pushes again.
        """
        for pushes in range(1, PUSHES + 1):
            self.link.set_input(replace(stick, input_ns=now_ns()))
            if not must_let_go(self.wait(lambda v: must_let_go(v) or condition(v), what)):
                return pushes
            self.link.set_input(OperatorInput(input_ns=now_ns()))
            self.wait(self.may_press, "hands were off long enough")
        raise AssertionError(f"pushed {PUSHES} times, and never: {what}")

    def drive(self) -> int:
        """Full speed ahead, until the robot says that it is driven; how often it took."""
        return self.push(forward(), in_mode(Mode.TELEOP), "it is driven")

    def arm(self) -> None:
        """Out of an answered STOP. One more of its repeats may come after that answer and latch
        again: what is wanted is asked until it is so."""
        modes = []
        deadline = time.monotonic() + HANG_S
        while (mode := self.state.mode) is not Mode.READY:
            assert time.monotonic() < deadline, f"still {mode}"
            modes.append(mode)
            if mode is Mode.ESTOP:
                self.link.request(ResetStop(epoch=self.epoch, reason="checked"))
            if mode is Mode.DISARMED:
                self.link.request(Arm(epoch=self.epoch))
            self.hold(AGAIN_S)
        assert Mode.DISARMED in modes, "a reset alone armed it"

    @property
    def state(self) -> RobotState:
        """The newest state; fails when the robot was never heard."""
        state = self.look().state
        assert state is not None
        return state

    @property
    def epoch(self) -> int:
        """Of the lease, whoever has it."""
        return self.state.lease.epoch


@contextmanager
def console(
    loop: Control,
    operator: str = "op-1",
    role: Role = Role.OPERATOR,
    replaying: Replaying | None = None,
) -> Iterator[Console]:
    """A console for the length of a test."""
    made = Console(loop, operator, role, replaying)
    try:
        yield made
    finally:
        made.link.close()
