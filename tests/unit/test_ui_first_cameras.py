"""Which cameras a window begins with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec

from teleop.operator_view import LinkView
from tests.console.fakes import arm_state, link_view, media_state
from ui.first_cameras import LOOK_NS, PATIENCE_NS, USUAL, first_cameras


@dataclass
class Robot:
    """One that tells of its cameras from `tells_ns` on, on a clock of its own."""

    tells_ns: int
    now_ns: int = 10**9
    begun_ns: int = field(default=10**9)

    def view(self, stamp_ns: int) -> LinkView:
        camera = media_state().cameras[0]
        names = ("top", "front")
        cameras = tuple(msgspec.structs.replace(camera, name=name) for name in names)
        told = self.now_ns - self.begun_ns >= self.tells_ns
        media = media_state(cameras=cameras) if told else None
        return replace(link_view(arm_state()), media=media)

    def sleep_until(self, due_ns: int) -> None:
        self.now_ns = due_ns


def begun(robot: Robot) -> tuple[str, ...]:
    return first_cameras(robot, now_ns=lambda: robot.now_ns, sleep_until=robot.sleep_until)


def test_it_begins_with_what_the_robot_has_as_soon_as_that_is_known() -> None:
    robot = Robot(tells_ns=300_000_000)
    assert begun(robot) == ("top", "front")
    assert robot.now_ns - robot.begun_ns <= 300_000_000 + LOOK_NS


def test_a_robot_that_does_not_answer_is_not_waited_for_long() -> None:
    robot = Robot(tells_ns=10**12)
    assert begun(robot) == USUAL
    assert robot.now_ns - robot.begun_ns <= PATIENCE_NS + LOOK_NS
