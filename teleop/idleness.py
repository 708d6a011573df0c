"""When nothing moves while an episode runs: a notice, then a pause that the record shows.

An episode runs while somebody has the robot, and while the robot has called and waits for somebody.
Pure: time is passed in. People who collect demonstrations forget that a recording runs. After
`NOTICE_S` the console says so; after `PAUSE_S` the phase becomes `PAUSED`, with a mark at that
tick, and the first motion brings the phase before it back. The ticks in between are recorded like
all others: whoever trains can leave them out, and no jump is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from msgspec import structs

from teleop.gate_state import GateState
from teleop.robot import Observation
from transport.clock import NS_PER_S
from transport.messages import Event, Mode, Phase, Twist

NOTICE_S: Final = 10.0
PAUSE_S: Final = 60.0
# Above the noise of sticks and of odometry; a stick in use and a robot that drives are far above.
SLOW_MPS: Final = 0.02
SLOW_RADPS: Final = 0.05
_WORKS_ITSELF: Final = frozenset({Mode.AUTONOMY})


@dataclass(frozen=True)
class Idleness:
    """Since when nothing has moved."""

    since_ns: int = 0  # 0: something moves, or no episode runs
    before: Phase | None = None  # the phase that the pause interrupted
    session: str = ""  # who has the robot meanwhile; empty: it has called and waits

    def seconds(self, now_ns: int) -> float:
        """For how long nothing has moved; 0 while something does."""
        return (now_ns - self.since_ns) / NS_PER_S if self.since_ns else 0.0


def watched(
    idleness: Idleness, state: GateState, seen: Observation, now_ns: int
) -> tuple[Idleness, GateState, tuple[Event, ...]]:
    """The next state of both, and what the record has to know."""
    session = state.lease.session
    runs = (session or state.call is not None) and state.mode not in _WORKS_ITSELF
    anew = not idleness.since_ns
    if runs and (anew or session == idleness.session) and _stands(state.applied, seen):
        idleness = Idleness(now_ns, session=session) if anew else idleness
        if idleness.before is None and idleness.seconds(now_ns) >= PAUSE_S:
            said = Event(kind="paused", text=f"nothing moved for {PAUSE_S:.0f} s")
            paused = replace(idleness, before=state.phase)
            return paused, structs.replace(state, phase=Phase.PAUSED), (said,)
        return idleness, state, ()
    if idleness.before is not None and state.phase is Phase.PAUSED:
        said = Event(kind="resumed", text=f"after {idleness.seconds(now_ns):.0f} s")
        return Idleness(), structs.replace(state, phase=idleness.before), (said,)
    return Idleness(), state, ()


def _stands(told: Twist, seen: Observation) -> bool:
    return (
        abs(told.forward_mps) <= SLOW_MPS
        and abs(told.turn_radps) <= SLOW_RADPS
        and abs(seen.speed_mps) <= SLOW_MPS
        and abs(seen.turn_radps) <= SLOW_RADPS
    )
