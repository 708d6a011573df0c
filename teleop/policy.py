"""Who drives a robot while nobody else does, and who notices that it is stuck: two collaborators.

Control asks both in every tick. Neither has a clock, a thread or a socket. A robot that is only
ever driven by people has `NoPolicy`, which stands still and says so in time, and `NeverStuck`,
which never calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from teleop.robot import Observation
from transport.messages import STILL, Mode, Twist

NO_POLICY: Final = "none"  # Description.policy of a robot that has none


class Policy(Protocol):
    """What drives the robot in autonomy."""

    def act(self, seen: Observation) -> Twist:
        """What it wishes for this control tick, obeyed or not."""

    def memory(self) -> str:
        """All that decides what it will wish for next, its random numbers included; JSON."""

    def resume(self, seen: Observation) -> None:
        """Go on after somebody else has driven."""

    def begin(self) -> None:
        """Begin anew, in a simulated scene that was put back."""


@dataclass(frozen=True)
class Diagnosis:
    """Why a robot calls for help."""

    reason: str  # "Wedged under furniture"
    detail: str  # "Wheels turn 4 s, moved 0.01 m"


class StuckWatch(Protocol):
    """What notices that the robot does not get on by itself."""

    def observe(self, now_ns: int, mode: Mode, asked: Twist, seen: Observation) -> None:
        """Take in one control tick: what was asked for, and how the robot was before it."""

    def diagnosis(self, now_ns: int) -> Diagnosis | None:
        """Why the robot is stuck, or None while it is not, or is not known to be."""

    def freed(self, now_ns: int) -> str:
        """Why a robot that has called and holds needs nobody any more; empty while it does.

        To say so starts the policy. A watch says it only where the robot may do that by itself.
        """


class NoPolicy:
    """Stands still: a wish like any other, made in time, so that nothing is missing."""

    def act(self, seen: Observation) -> Twist:
        """To stand."""
        return STILL

    def memory(self) -> str:
        """Nothing."""
        return "{}"

    def resume(self, seen: Observation) -> None:
        """Nothing to go on with."""

    def begin(self) -> None:
        """Nothing to begin."""


class NeverStuck:
    """For a robot that does nothing by itself, and so never needs help by itself."""

    def observe(self, now_ns: int, mode: Mode, asked: Twist, seen: Observation) -> None:
        """Nothing is kept."""

    def diagnosis(self, now_ns: int) -> Diagnosis | None:
        """It is not stuck."""
        return None

    def freed(self, now_ns: int) -> str:
        """Whoever called for it, it knows nothing better."""
        return ""
