"""What a single view of the link cannot say: since when, how often, and what was told to whom."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from teleop.operator_view import LinkView, Reach
from transport.messages import Call, RobotState


@dataclass(frozen=True)
class Facts:
    """Carried from view to view. Stamps are this console's clock."""

    lease_ns: int | None = None  # since when the present holder has it
    call: Call | None = None  # the call that waits, or the one you answered
    call_ns: int | None = None
    accepted_ns: int | None = None
    first_motion_ns: int | None = None
    stopped_ns: int | None = None
    lost_ns: int | None = None
    held_ns: int | None = None
    blocked_ns: int | None = None  # since when it is told to move and does not
    stale_ns: int | None = None  # when a command was refused as too old last
    call_spot: tuple[float, float] | None = None
    rescues: int = 0
    freed: int = 0
    free_s: tuple[float, ...] = ()  # of the freed: from accepting to handing back
    verified: int = 0
    replayed: int = 0
    note: str = ""  # how the lease left, or did not come to, this console; until it is dismissed
    told: str = ""  # why a key or a button did nothing
    told_ns: int = 0
    page_drives: bool = True  # whether the page that is shown drives at all
    page_pictured: bool = True  # whether it shows the robot's main camera
    video_problem: str = ""  # why there is no video connection; empty: there is

    @property
    def median_free_s(self) -> float | None:
        """Median time from accepting to handing back."""
        return median(self.free_s) if self.free_s else None


def heard(link: LinkView) -> RobotState | None:
    """The robot's state, unless it is so old that it says nothing any more."""
    return link.state if link.reach is Reach.CONNECTED else None
