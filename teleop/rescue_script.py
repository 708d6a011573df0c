"""Scripted operators for the stuck rover: what a patient person does, as a pure function.

They know what a person at the console knows: the robot's reported state, the task it names, and the
picture as painted (its age and how bright it is). They answer with keys and have no other way to
the robot. All accept the call, wait until the picture is live and the robot is ready, drive, stop,
judge by telemetry and picture whether it is free, mark, hand back.

How they drive is a `Plan`, chosen by the task on the screen. Two ways: back out with full power
and, when that does not move it, rock from side to side while backing; or, where the robot does not
face away from the way out, push with full power to where the ground track came in, if they have
seen it, and when that does not move it, turn a little and push again; once out, straight away from
there. How long they wait and swing is a person's `Slack`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from teleop.home_troubles import SCENARIOS
from teleop.patrol import fraction
from teleop.robot import Image
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import Mode, RobotState

SETTLE_NS = 700 * NS_PER_MS  # hands off after the self-test; the robot asks for 500 ms
STALLED_MPS = 0.03
STALL_NS = 800 * NS_PER_MS
ROCK_NS = 700 * NS_PER_MS  # one swing to one side
TURN_RAD = math.radians(30)  # from one try to the next; a try succeeds within 20° of the gap
AIMED_RAD = 0.12  # a turn is over; what the body turns on while it stops is less
TRACK_M = 0.1  # between two points of the ground track
TRACKED = 100  # of them are remembered
OUT_M = 0.33  # from where it was stuck: through the gap, and now straight away from it
TURN_LIMIT_NS = 5 * NS_PER_S  # a half turn takes 3.5 s where nothing is in the way
GIVE_UP_NS = 60 * NS_PER_S  # of driving; then it is a failure and a person has to go there
READ_NS = 400 * NS_PER_MS  # between two label keys, as a person would


class Stage(StrEnum):
    """Where the operator is in the plan."""

    WAIT_CALL = "wait for a call"
    ACCEPT = "accept"
    SETTLE = "hands off"
    BACK = "back out"
    ROCK = "rock"
    PUSH = "push ahead"
    TURN = "turn a little"
    STILL = "let it come to rest"
    LABEL = "mark the outcome"
    HAND_BACK = "hand back"
    DONE = "done"


# A robot whose driver has vanished waits, latched, for hands off and a press: as if it were ready.
READY_MODES: Final = frozenset({Mode.READY, Mode.LINK_LOST})
DRIVING: Final = frozenset({Stage.BACK, Stage.ROCK, Stage.PUSH, Stage.TURN})


@dataclass(frozen=True)
class Plan:
    """How to free a robot from one kind of trouble."""

    away_m: float  # from where it was stuck: the body is then clear
    first: Stage = Stage.BACK  # or PUSH: the way out has to be found
    bright: float = 0.0  # mean of the painted picture, 0 to 255, below which it is not out yet


PLANS: Final[dict[str, Plan]] = {
    # 37 to 45 under the sofa, 75 and more outside; its edge is 0.6 m away at most.
    "wedged-under-sofa": Plan(away_m=0.75, bright=60.0),
    "high-centred": Plan(away_m=0.45),  # the sill begins just before the wheels
    "chair-legs": Plan(
        away_m=0.95, first=Stage.PUSH
    ),  # of legs and table, beyond the chairs' backs
    "loose-rug": Plan(away_m=1.0),  # back over the cloth that was crossed, 0.55 m, and off it
}


def plan_for(task: str) -> Plan:
    """The plan for the task that the robot names; backing out where none is known."""
    for name, scenario in SCENARIOS.items():
        if scenario.task == task:
            return PLANS[name]
    return PLANS["wedged-under-sofa"]


@dataclass(frozen=True)
class Slack:
    """What differs from one person to the next, as factors of the times and angles above."""

    pause: float = 1.0  # before driving, and between two keys
    patience: float = 1.0  # how long a standing robot is pushed on
    swing: float = 1.0  # of a rock or a turn
    right_first: bool = True

    @classmethod
    def of(cls, seed: int) -> Slack:
        """The same person for the same seed."""

        def between(draw: int, low: float, high: float) -> float:
            return low + (high - low) * fraction(seed, draw)

        return cls(
            pause=between(0, 1.0, 2.0),  # never hastier than the robot allows
            patience=between(1, 0.8, 1.4),
            swing=between(2, 0.8, 1.25),
            right_first=fraction(seed, 3) < 0.5,
        )


@dataclass(frozen=True)
class Seen:
    """What the operator sees at one moment."""

    state: RobotState | None
    yours: bool
    picture_age_ms: float | None  # of the main view; None: nothing painted yet
    brightness: float  # mean of the painted main view, 0 to 255
    tested: bool = True  # the session's self-test is through
    picture: Image | None = None  # painted, of the camera that the work is done by; RGB


@dataclass(frozen=True)
class Hands:
    """What the hands do: keys held down, and at most one key tapped."""

    held: frozenset[str] = frozenset()
    tap: str = ""


@dataclass(frozen=True)
class Operator:
    """The scripted operator's memory."""

    slack: Slack = field(default_factory=Slack)
    stage: Stage = Stage.WAIT_CALL
    since_ns: int = 0  # when the stage began
    began_ns: int = 0  # when the driving began
    plan: Plan = PLANS["wedged-under-sofa"]
    start_x_m: float = 0.0
    start_y_m: float = 0.0
    aim_rad: float = 0.0  # heading that ends a turn
    out: bool = False  # of what stood around it
    track: tuple[tuple[float, float], ...] = ()  # where the robot was while nobody drove it, m
    moving_ns: int = 0  # when the robot last moved
    tries: int = 0  # rocks or turns so far
    success: bool = False

    @property
    def waiting(self) -> bool:
        """Whether it has not taken over yet."""
        return self.stage in (Stage.WAIT_CALL, Stage.ACCEPT)

    @property
    def driving_since_ns(self) -> int | None:
        """Since when it drives; None while it does not."""
        return self.began_ns if self.stage in DRIVING else None

    @property
    def done(self) -> bool:
        """Whether it has handed back."""
        return self.stage is Stage.DONE

    def act(self, seen: Seen, now_ns: int) -> tuple[Operator, Hands]:
        """The operator after a look at `seen`, and what the hands do until the next look."""
        state = seen.state
        if state is None:
            return self, Hands()
        if self.stage in DRIVING:
            return self._drive(state, now_ns)
        if self.waiting:
            return self.watching(state)._act(seen, state, now_ns)
        return self._act(seen, state, now_ns)

    def _act(self, seen: Seen, state: RobotState, now_ns: int) -> tuple[Operator, Hands]:
        read_ns, waited_ns = READ_NS * self.slack.pause, now_ns - self.since_ns
        match self.stage:
            case Stage.WAIT_CALL:
                if state.call is not None:
                    return self._now(Stage.ACCEPT, now_ns), Hands()
            case Stage.ACCEPT:
                if seen.yours:
                    return self._now(Stage.SETTLE, now_ns), Hands()
                live = seen.picture_age_ms is not None and seen.picture_age_ms < 1000
                if live and waited_ns >= read_ns:
                    return replace(self, since_ns=now_ns), Hands(tap="Return")
            case Stage.SETTLE:
                if state.mode is Mode.DISARMED:  # control was started again while it called
                    arm = "F5" if waited_ns >= read_ns else ""
                    return (replace(self, since_ns=now_ns) if arm else self), Hands(tap=arm)
                if not seen.tested:
                    return replace(self, since_ns=now_ns), Hands()
                if waited_ns >= SETTLE_NS * self.slack.pause and state.mode in READY_MODES:
                    return self._begun(state, now_ns), Hands()
            case Stage.STILL:
                if abs(state.speed_mps) < STALLED_MPS and waited_ns >= read_ns:
                    out = self._away_m(state) >= self.plan.away_m
                    bright = seen.brightness >= self.plan.bright
                    return replace(self._now(Stage.LABEL, now_ns), success=out and bright), Hands()
            case Stage.LABEL:
                tap = "Y" if self.success else "Backspace"
                return self._now(Stage.HAND_BACK, now_ns), Hands(tap=tap)
            case Stage.HAND_BACK:
                if not seen.yours and waited_ns >= read_ns:
                    return self._now(Stage.DONE, now_ns), Hands()
                if waited_ns >= read_ns:
                    return replace(self, since_ns=now_ns), Hands(tap="Return")
            case _:
                pass
        return self, Hands()

    def watching(self, state: RobotState) -> Operator:
        """With the robot's place on the ground track, as the console draws it."""
        here = (state.x_m, state.y_m)
        if self.track and math.dist(self.track[-1], here) < TRACK_M:
            return self
        return replace(self, track=(*self.track[-TRACKED:], here))

    def _begun(self, state: RobotState, now_ns: int) -> Operator:
        plan = plan_for(state.task)
        here = (state.x_m, state.y_m)
        outside = [place for place in self.track if math.dist(place, here) > OUT_M]
        first, aim_rad = plan.first, state.heading_rad
        if first is Stage.PUSH and outside:  # it came in there
            first = Stage.TURN
            aim_rad = math.atan2(outside[-1][1] - here[1], outside[-1][0] - here[0])
        return replace(
            self._now(first, now_ns),
            plan=plan,
            aim_rad=aim_rad,
            began_ns=now_ns,
            start_x_m=state.x_m,
            start_y_m=state.y_m,
            moving_ns=now_ns,
        )

    def _drive(self, state: RobotState, now_ns: int) -> tuple[Operator, Hands]:
        moving = abs(state.speed_mps) >= STALLED_MPS
        me = replace(self, moving_ns=now_ns) if moving else self
        if me._away_m(state) >= me.plan.away_m or now_ns - me.began_ns > GIVE_UP_NS:
            return me._now(Stage.STILL, now_ns), Hands()
        stalled = now_ns - me.moving_ns > STALL_NS * me.slack.patience
        match me.stage:
            case Stage.BACK | Stage.PUSH if stalled:
                other = Stage.ROCK if me.stage is Stage.BACK else Stage.TURN
                side = -1.0 if me.slack.right_first else 1.0
                aim_rad = state.heading_rad + side * TURN_RAD * me.slack.swing
                me = replace(me._now(other, now_ns), tries=me.tries + 1, aim_rad=aim_rad)
            case Stage.PUSH if not me.out and me._away_m(state) > OUT_M:
                away_rad = math.atan2(state.y_m - me.start_y_m, state.x_m - me.start_x_m)
                me = replace(me._now(Stage.TURN, now_ns), out=True, aim_rad=away_rad)
            case Stage.ROCK if now_ns - me.since_ns > ROCK_NS * me.slack.swing:
                me = replace(me._now(Stage.BACK, now_ns), moving_ns=now_ns)
            case Stage.TURN if abs(me._left_rad(state)) < AIMED_RAD or me._tired(now_ns):
                me = replace(me._now(Stage.PUSH, now_ns), moving_ns=now_ns)
            case _:
                pass
        return me, Hands(held=me._keys(state))

    def _keys(self, state: RobotState) -> frozenset[str]:
        """What is held in the present stage of driving."""
        right = (self.tries % 2 == 0) is not self.slack.right_first
        match self.stage:
            case Stage.ROCK:
                return frozenset({"S", "D" if right else "A", "Shift"})
            case Stage.TURN:
                return frozenset({"A" if self._left_rad(state) > 0 else "D"})
            case Stage.PUSH:
                return frozenset({"W", "Shift"})
            case _:
                return frozenset({"S", "Shift"})

    def _tired(self, now_ns: int) -> bool:
        """Whether it has turned, or tried to, for long enough."""
        return now_ns - self.since_ns > TURN_LIMIT_NS

    def _left_rad(self, state: RobotState) -> float:
        """How far it still has to turn, + left."""
        return math.remainder(self.aim_rad - state.heading_rad, math.tau)

    def _away_m(self, state: RobotState) -> float:
        return math.hypot(state.x_m - self.start_x_m, state.y_m - self.start_y_m)

    def _now(self, stage: Stage, now_ns: int) -> Operator:
        return replace(self, stage=stage, since_ns=now_ns)
