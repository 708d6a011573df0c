"""A scripted operator for the wedged rover: what a patient person does, as a pure function.

It knows what a person at the console knows: the robot's reported state, and the picture as painted
(its age and how bright it is). It answers with keys. It has no way to the robot but the keys.

The plan: accept the call; wait until the picture is live and the robot is ready; back out with
full power; when that does not move, rock left and right while backing; once the robot is out and
far enough, stop, judge by telemetry and picture whether it is free, mark, hand back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from teleop.robot import Image
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import Mode, RobotState

SETTLE_NS = 700 * NS_PER_MS  # hands off after the self-test; the robot asks for 500 ms
AWAY_M = 0.75  # from where it was stuck: the body is then clear of a sofa's edge
STALLED_MPS = 0.03
STALL_NS = 800 * NS_PER_MS
ROCK_NS = 700 * NS_PER_MS  # one swing to one side
GIVE_UP_NS = 60 * NS_PER_S  # of driving; then it is a failure and a person has to go there
READ_NS = 400 * NS_PER_MS  # between two label keys, as a person would
BRIGHT = 60.0  # mean of the painted picture, 0 to 255: 37 to 45 under the sofa, 75 and more outside


class Stage(StrEnum):
    """Where the operator is in the plan."""

    WAIT_CALL = "wait for a call"
    ACCEPT = "accept"
    SETTLE = "hands off"
    BACK = "back out"
    ROCK = "rock"
    STILL = "let it come to rest"
    LABEL = "mark the outcome"
    HAND_BACK = "hand back"
    DONE = "done"


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

    stage: Stage = Stage.WAIT_CALL
    since_ns: int = 0  # when the stage began
    began_ns: int = 0  # when the driving began
    start_x_m: float = 0.0
    start_y_m: float = 0.0
    moving_ns: int = 0  # when the robot last moved
    rocks: int = 0
    success: bool = False

    @property
    def waiting(self) -> bool:
        """Whether it has not taken over yet."""
        return self.stage in (Stage.WAIT_CALL, Stage.ACCEPT)

    @property
    def driving_since_ns(self) -> int | None:
        """Since when it drives; None while it does not."""
        return self.began_ns if self.stage in (Stage.BACK, Stage.ROCK) else None

    @property
    def done(self) -> bool:
        """Whether it has handed back."""
        return self.stage is Stage.DONE

    def act(self, seen: Seen, now_ns: int) -> tuple[Operator, Hands]:
        """The operator after a look at `seen`, and what the hands do until the next look."""
        state = seen.state
        if state is None:
            return self, Hands()
        match self.stage:
            case Stage.WAIT_CALL:
                if state.call is not None:
                    return self._now(Stage.ACCEPT, now_ns), Hands()
            case Stage.ACCEPT:
                if seen.yours:
                    return self._now(Stage.SETTLE, now_ns), Hands()
                live = seen.picture_age_ms is not None and seen.picture_age_ms < 1000
                if live and now_ns - self.since_ns >= READ_NS:
                    return replace(self, since_ns=now_ns), Hands(tap="Return")
            case Stage.SETTLE:
                if not seen.tested:
                    return replace(self, since_ns=now_ns), Hands()
                if now_ns - self.since_ns >= SETTLE_NS and state.mode is Mode.READY:
                    driving = self._now(Stage.BACK, now_ns)
                    return (
                        replace(
                            driving,
                            began_ns=now_ns,
                            start_x_m=state.x_m,
                            start_y_m=state.y_m,
                            moving_ns=now_ns,
                        ),
                        Hands(),
                    )
            case Stage.BACK | Stage.ROCK:
                return self._drive(state, now_ns)
            case Stage.STILL:
                if abs(state.speed_mps) < STALLED_MPS and now_ns - self.since_ns >= READ_NS:
                    away = self._away_m(state) >= AWAY_M and seen.brightness >= BRIGHT
                    return replace(self._now(Stage.LABEL, now_ns), success=away), Hands()
            case Stage.LABEL:
                tap = "Y" if self.success else "Backspace"
                return self._now(Stage.HAND_BACK, now_ns), Hands(tap=tap)
            case Stage.HAND_BACK:
                if not seen.yours and now_ns - self.since_ns >= READ_NS:
                    return self._now(Stage.DONE, now_ns), Hands()
                if now_ns - self.since_ns >= READ_NS:
                    return replace(self, since_ns=now_ns), Hands(tap="Return")
            case Stage.DONE:
                pass
        return self, Hands()

    def _drive(self, state: RobotState, now_ns: int) -> tuple[Operator, Hands]:
        moving = abs(state.speed_mps) >= STALLED_MPS
        me = replace(self, moving_ns=now_ns) if moving else self
        if me._away_m(state) >= AWAY_M or now_ns - me.began_ns > GIVE_UP_NS:
            return me._now(Stage.STILL, now_ns), Hands()
        if me.stage is Stage.BACK:
            if now_ns - me.moving_ns > STALL_NS:
                me = replace(me._now(Stage.ROCK, now_ns), rocks=me.rocks + 1)
            return me, Hands(held=frozenset({"S", "Shift"}))
        if now_ns - me.since_ns > ROCK_NS:
            return replace(me._now(Stage.BACK, now_ns), moving_ns=now_ns), Hands(
                held=frozenset({"S", "Shift"})
            )
        side = "A" if me.rocks % 2 else "D"
        return me, Hands(held=frozenset({"S", side, "Shift"}))

    def _away_m(self, state: RobotState) -> float:
        return math.hypot(state.x_m - self.start_x_m, state.y_m - self.start_y_m)

    def _now(self, stage: Stage, now_ns: int) -> Operator:
        return replace(self, stage=stage, since_ns=now_ns)
