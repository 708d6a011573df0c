"""When a simulated scene is put back, so that its task can be done once more.

Pure. It is due when an intervention is over, nobody has the robot, nothing is latched, and that has
lasted for `WAIT_NS`. A robot that is to go on by itself (`again`) begins anew in two more cases:
nobody came to its call, or it does not get stuck at all. The scene then jumps, and that belongs to
nobody's demonstration.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from recorder.segmenter import LABEL_NS
from teleop.gate_state import GateState
from transport.clock import NS_PER_S
from transport.messages import Mode, Outcome, Phase

# The recorder's post-roll: what the scene came to is in the episode, the jump is not.
WAIT_NS: Final = 1 * NS_PER_S
UNTROUBLED_NS: Final = 60 * NS_PER_S  # four times what the bundled troubles take to begin


class Why(StrEnum):
    """What a scene is put back for."""

    DONE = "the robot was handed back"
    UNANSWERED = "nobody came"
    UNTROUBLED = "it does not get stuck"


@dataclass(frozen=True)
class Patience:
    """Of a robot that goes on by itself: how long each case lasts before the scene is put back."""

    unanswered_ns: int  # a call
    untroubled_ns: int = UNTROUBLED_NS
    unlabelled_ns: int = LABEL_NS  # after a hand-back that says no outcome: time to say it


@dataclass(frozen=True)
class SceneReset:
    """What is known of the scene and its resets."""

    patience: Patience | None = None  # None: it is put back after interventions only
    count: int = 0  # resets so far
    after: int = -1  # the intervention after which the last one was
    why: Why | None = None  # it might be put back for; None: it might not
    since_ns: int = 0  # when that began
    due: bool = False  # now

    def at(self, state: GateState, now_ns: int) -> SceneReset:
        """The same after a control tick."""
        why = self._case(state)
        if why is None:
            return replace(self, why=None, due=False)
        since_ns = self.since_ns if why is self.why else now_ns
        if now_ns - since_ns < self._wait_ns(why, state):
            return replace(self, why=why, since_ns=since_ns, due=False)
        return replace(
            self,
            count=self.count + 1,
            after=state.intervention,
            why=why,
            since_ns=now_ns,
            due=True,
        )

    @property
    def sentence(self) -> str:
        """What the log says of the reset that is due: "start 3: nobody came"."""
        return f"start {self.count}: {self.why}"

    def _case(self, state: GateState) -> Why | None:
        if state.lease.session or state.stopped_by:
            return None
        if state.mode is Mode.AUTONOMY and state.phase is Phase.AUTONOMOUS:
            if state.intervention > self.after:
                return Why.DONE
            return Why.UNTROUBLED if self.patience is not None else None
        calls = state.call is not None and state.mode in (Mode.HOLD, Mode.LINK_LOST)
        return Why.UNANSWERED if calls and self.patience is not None else None

    def _wait_ns(self, why: Why, state: GateState) -> int:
        if self.patience is None:
            return WAIT_NS
        match why:
            case Why.UNANSWERED:
                return self.patience.unanswered_ns
            case Why.UNTROUBLED:
                return self.patience.untroubled_ns
            case Why.DONE:
                unlabelled = state.outcome is Outcome.UNLABELLED
                return self.patience.unlabelled_ns if unlabelled else WAIT_NS
