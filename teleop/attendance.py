"""Whether anybody sits at the console: a forgotten one must not keep a robot from the others.

Pure. The lease is kept alive by a window that runs; a window also runs when its operator has gone
home. So a lease whose robot stands is given back when nothing was touched for a long while.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from transport.clock import NS_PER_S
from transport.messages import STILL, Mode, RobotState

# Whoever looks at a robot that stands, or is on the phone about it, touches something sooner: a
# whole rescue takes two minutes. Longer would keep a robot that calls from everybody else.
UNATTENDED_S: Final = 600.0
WARNING_S: Final = 60.0  # before that; a glance at the window is enough to notice it


@dataclass(frozen=True)
class Attendance:
    """When somebody was last there."""

    seen_ns: int = 0

    def after(
        self, touched_ns: int, yours: bool, state: RobotState | None, now_ns: int
    ) -> Attendance:
        """After a look; `touched_ns` is when a key, a pad or the mouse was last used here."""
        if not yours or state is None or not stands(state):
            return replace(self, seen_ns=now_ns)
        return replace(self, seen_ns=max(self.seen_ns, touched_ns))

    def left_s(self, now_ns: int) -> float:
        """Seconds until the lease is given back; never negative."""
        return max(0.0, UNATTENDED_S - (now_ns - self.seen_ns) / NS_PER_S)

    def is_over(self, now_ns: int) -> bool:
        """Whether nobody was there for too long."""
        return self.left_s(now_ns) <= 0.0


def stands(state: RobotState) -> bool:
    """Whether neither its driver nor its policy moves it."""
    return state.mode is not Mode.AUTONOMY and state.applied == STILL
