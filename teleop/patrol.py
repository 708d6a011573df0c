"""The policy a robot drives by itself: straight on, and after a bump back and turn away.

`step` is pure, `Patrol` only keeps its state. There is no clock (it counts control ticks) and no
random generator (turns are drawn from the seed and a counter), so a run repeats. The policy knows
its bumper and nothing else: it does not notice being wedged, which is why robots have to call.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Final

import msgspec

from teleop.robot import Observation
from transport.channels import TICK_HZ
from transport.messages import Twist

POLICY: Final = "bump-and-turn 1"

CRUISE_MPS: Final = 0.3  # what robot vacuums drive at
BACK_MPS: Final = -0.2
BACK_TICKS: Final = TICK_HZ * 3 // 4  # 0.15 m, room enough to turn a round body
TURN_RADPS: Final = 1.2
TURN_TICKS: Final = (
    4 * TICK_HZ
)  # gives a turn up: a half turn takes 2.6 s when nothing is in the way
TURN_RAD: Final = (math.radians(60), math.radians(150))
RESUME_RAD: Final = (math.radians(120), math.radians(180))  # leaves the place of the rescue behind
ARRIVED_RAD: Final = 0.06  # the heading at which a turn is over; 3 ticks at TURN_RADPS


class Doing(StrEnum):
    """What the policy is in the middle of."""

    CRUISE = "cruise"
    BACK = "back"
    TURN = "turn"


@dataclass(frozen=True)
class PatrolState:
    """All the policy remembers."""

    doing: Doing = Doing.CRUISE
    ticks_left: int = 0  # of BACK or TURN
    turn_rad: float = 0.0  # still to be turned after BACK, + left
    goal_rad: float = 0.0  # world heading that ends TURN
    draws: int = 0  # random numbers taken so far


class Patrol:
    """The policy of one robot: `step` with its state kept; `seed` decides how it turns."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.state = PatrolState()

    def act(self, seen: Observation) -> Twist:
        """What the policy wishes for this control tick, obeyed or not."""
        self.state, wish = step(self.seed, self.state, seen)
        return wish

    def memory(self) -> str:
        """All that decides what it will wish for next, its random numbers included; JSON."""
        return msgspec.json.encode({"seed": self.seed, **asdict(self.state)}).decode()

    def resume(self, seen: Observation) -> None:
        """Go on after a rescue: first turn away from where the robot faces."""
        angle, draws = _angle(self.seed, self.state.draws, RESUME_RAD)
        self.state = _turning(replace(self.state, turn_rad=angle, draws=draws), seen.heading_rad)

    def begin(self) -> None:
        """Begin anew: straight on from a new start, with random numbers not drawn before."""
        self.state = PatrolState(draws=self.state.draws)


def step(seed: int, state: PatrolState, seen: Observation) -> tuple[PatrolState, Twist]:
    """The state after this tick, and the policy's wish for it."""
    if state.doing is Doing.TURN:
        left_rad = _wrapped(state.goal_rad - seen.heading_rad)
        if abs(left_rad) > ARRIVED_RAD and state.ticks_left > 0:
            # Near a half turn the shorter way flips from tick to tick: keep the chosen side.
            side = state.turn_rad if abs(left_rad) > math.pi / 2 else left_rad
            return _one_less(state), Twist(
                forward_mps=0.0, turn_radps=math.copysign(TURN_RADPS, side)
            )
        state = replace(state, doing=Doing.CRUISE, ticks_left=0)
    if state.doing is Doing.CRUISE and seen.bumper:
        angle, draws = _angle(seed, state.draws, TURN_RAD)
        state = PatrolState(
            doing=Doing.BACK, ticks_left=BACK_TICKS, turn_rad=angle, goal_rad=0.0, draws=draws
        )
    if state.doing is Doing.BACK:
        if state.ticks_left == 0:
            return step(seed, _turning(state, seen.heading_rad), seen)
        return _one_less(state), Twist(forward_mps=BACK_MPS, turn_radps=0.0)
    return state, Twist(forward_mps=CRUISE_MPS, turn_radps=0.0)


def _angle(seed: int, draws: int, span_rad: tuple[float, float]) -> tuple[float, int]:
    """A pseudo-random angle within `span_rad` to a pseudo-random side, and the new count."""
    low, high = span_rad
    size = low + (high - low) * fraction(seed, draws)
    side = 1.0 if fraction(seed, draws + 1) < 0.5 else -1.0
    return side * size, draws + 2


def _one_less(state: PatrolState) -> PatrolState:
    return replace(state, ticks_left=state.ticks_left - 1)


def _turning(state: PatrolState, heading_rad: float) -> PatrolState:
    goal_rad = _wrapped(heading_rad + state.turn_rad)
    return replace(state, doing=Doing.TURN, ticks_left=TURN_TICKS, goal_rad=goal_rad)


def _wrapped(angle_rad: float) -> float:
    """The same direction within -pi .. pi."""
    return math.remainder(angle_rad, math.tau)


def fraction(seed: int, draw: int) -> float:
    """Number `draw` of a stream of fractions in 0 .. 1 (splitmix64, the same on every machine)."""
    mask = 2**64 - 1
    word = (seed * 0x9E3779B97F4A7C15 + (draw + 1) * 0xD1B54A32D192ED03) & mask
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & mask
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & mask
    return ((word ^ (word >> 31)) >> 11) / 2**53
