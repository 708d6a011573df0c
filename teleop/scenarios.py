"""What the simulated robots can be asked to do, by name: the one list that everything chooses from.

Light: robots, cameras and policies are imported when they are made, so that a console and `--help`
load no simulator. To add one, name it in `SCENARIOS`; the agent, the demo and the replay find it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from teleop import home_troubles
from teleop.safety import ConfigError, Limits
from teleop.scene_reset import Patience, SceneReset
from transport.clock import NS_PER_S
from transport.messages import RobotKind

if TYPE_CHECKING:
    from teleop.policy import Policy, StuckWatch
    from teleop.rescue_script import Hands, Seen
    from teleop.robot import CameraRig, Robot

# What a kind of robot is limited to where the site says nothing. An arm: ISO 10218-1's reduced
# speed, 250 mm/s, at which people can get out of a hand's way.
LIMITS: Final = {RobotKind.ROVER: Limits(), RobotKind.ARM: Limits(max_mps=0.25)}


class Script(Protocol):
    """A scripted operator: what a patient person does, as a pure function of what is seen."""

    def act(self, seen: Seen, now_ns: int) -> tuple[Script, Hands]:
        """The operator after a look, and what the hands do until the next one."""

    @property
    def waiting(self) -> bool:
        """Whether it has not taken over yet."""

    @property
    def driving_since_ns(self) -> int | None:
        """Since when it drives; None while it does not."""

    @property
    def done(self) -> bool:
        """Whether it has handed back."""


@dataclass(frozen=True)
class Scenario:
    """One task of one simulated robot, and how to make all that takes part in it."""

    name: str
    kind: RobotKind
    robot_type: str  # Description.robot_type, by which a replay finds its robot
    task: str  # what has to be achieved: "Reach open floor"
    story: str  # what happens, for people
    cameras: tuple[str, ...]
    make_robot: Callable[[int, Path | None], Robot]  # seed, another scene file
    make_cameras: Callable[[int, Path | None], CameraRig]
    make_policy: Callable[[int], Policy]  # seed
    make_stuck: Callable[[], StuckWatch]
    make_script: Callable[[int], Script]  # which person; no two work alike
    one_scene: bool = False  # put back for each demonstration; else the next has another scene

    @property
    def limits(self) -> Limits:
        """Where the site says nothing."""
        return LIMITS[self.kind]

    def scene_reset(self, again_s: float | None) -> SceneReset | None:
        """When its scene is put back; `again_s`: it is to go on by itself, and waits so long for
        an answer to a call."""
        if again_s is not None:
            return SceneReset(Patience(unanswered_ns=round(again_s * NS_PER_S)))
        return SceneReset() if self.one_scene else None


def _rover(name: str, task: str, story: str) -> Scenario:
    """The vacuum-like rover that patrols a home and gets stuck in one of its ways."""

    def robot(seed: int, scene: Path | None) -> Robot:
        from teleop.sim_rover import SimRover

        return SimRover(name, seed, scene)

    def cameras(seed: int, scene: Path | None) -> CameraRig:
        from teleop.sim_rover import SimCameras

        return SimCameras(name, seed, scene)

    def policy(seed: int) -> Policy:
        from teleop.patrol import Patrol

        return Patrol(seed)

    def stuck() -> StuckWatch:
        from teleop.stuck import StuckDetector

        return StuckDetector()

    def script(person: int) -> Script:
        from teleop.rescue_script import Operator, Slack

        return Operator(Slack.of(person)) if person else Operator()

    return Scenario(
        name=name,
        kind=RobotKind.ROVER,
        robot_type="sim-rover",
        task=task,
        story=story,
        cameras=("front", "ceiling"),
        make_robot=robot,
        make_cameras=cameras,
        make_policy=policy,
        make_stuck=stuck,
        make_script=script,
    )


def _arm(name: str, task: str, story: str) -> Scenario:
    """The arm on a table, which nobody but people drives."""

    def robot(seed: int, scene: Path | None) -> Robot:
        from teleop.sim_arm import SimArm

        return SimArm(name, seed, scene)

    def cameras(seed: int, scene: Path | None) -> CameraRig:
        from teleop.sim_arm import ArmCameras

        return ArmCameras(name, seed, scene)

    def policy(seed: int) -> Policy:
        from teleop.policy import NoPolicy

        return NoPolicy()

    def stuck() -> StuckWatch:
        from teleop.policy import NeverStuck

        return NeverStuck()

    def script(person: int) -> Script:
        from teleop.arm_operators import operator_for
        from teleop.sim_arm import ArmCameras

        return operator_for(name, ArmCameras(name, 0).settings("top"), person)

    return Scenario(
        name=name,
        kind=RobotKind.ARM,
        robot_type="sim-arm",
        task=task,
        story=story,
        one_scene=True,
        cameras=("top", "front"),
        make_robot=robot,
        make_cameras=cameras,
        make_policy=policy,
        make_stuck=stuck,
        make_script=script,
    )


def _by_name(scenarios: Iterable[Scenario]) -> dict[str, Scenario]:
    return {scenario.name: scenario for scenario in scenarios}


SCENARIOS: Final = _by_name(
    [
        *(
            _rover(name, trouble.task, trouble.start)
            for name, trouble in home_troubles.SCENARIOS.items()
        ),
        _arm(
            "pick-place",
            "Put the cube into the tray",
            "A red cube lies on the table, a tray stands on the other side of the arm.",
        ),
        _arm(
            "push",
            "Push the puck into the circle",
            "A blue puck lies before the arm, a circle is drawn further away.",
        ),
    ]
)
DEFAULT_SCENARIO: Final = "wedged-under-sofa"


def scenario(name: str) -> Scenario:
    """One of them.

    Raises:
        ConfigError: there is none of this name; the message lists those that there are.
    """
    found = SCENARIOS.get(name)
    if found is None:
        alike = difflib.get_close_matches(name, SCENARIOS, n=1)
        hint = f"; did you mean {alike[0]}?" if alike else f"; there are {', '.join(SCENARIOS)}"
        raise ConfigError(f"There is no scenario {name!r}{hint}")
    return found
