"""When a simulated scene is put back, so that its task can be done once more.

Pure. It is due when an intervention is over, nobody has the robot, nothing is latched, and that has
lasted for `WAIT_NS`. The scene then jumps, and that belongs to nobody's demonstration.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from teleop.gate_state import GateState
from transport.clock import NS_PER_S
from transport.messages import Mode, Phase

# The recorder's post-roll: what the scene came to is in the episode, the jump is not.
WAIT_NS: Final = 1 * NS_PER_S


@dataclass(frozen=True)
class SceneReset:
    """What is known of the scene and its resets."""

    count: int = 0  # resets so far
    after: int = -1  # the intervention after which the last one was
    free_ns: int = 0  # since when it might be put back; 0: it might not
    due: bool = False  # now

    def at(self, state: GateState, now_ns: int) -> SceneReset:
        """The same after a control tick."""
        used = state.intervention > self.after
        free = (
            state.mode is Mode.AUTONOMY
            and state.phase is Phase.AUTONOMOUS
            and not state.lease.session
            and not state.stopped_by
        )
        if not (used and free):
            return replace(self, free_ns=0, due=False)
        free_ns = self.free_ns or now_ns
        if now_ns - free_ns < WAIT_NS:
            return replace(self, free_ns=free_ns, due=False)
        return SceneReset(count=self.count + 1, after=state.intervention, due=True)
