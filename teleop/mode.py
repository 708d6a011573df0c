"""The robot's modes as one table: (mode, trigger) -> mode.

Pure. A pair that is not listed changes nothing; `tests/unit/test_mode.py` walks all pairs, so that
each of them is a decision. The more severe mode wins: what leads to a latched one is accepted from
everywhere below it, and each latch has its own way out.
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import Final

from transport.messages import Mode


class Trigger(IntEnum):
    """What can change the mode, least severe first."""

    CHECKED = auto()  # self-check passed
    ARMED = auto()  # lease holder switched the motors on
    POLICY_STARTED = auto()  # by the site's configuration, a hand-back, or the holder
    PUT_BACK = auto()  # a simulated scene begins anew, with nobody at the robot
    LEFT_TO_POLICY = auto()  # the holder is gone, and the site wants the policy then
    TAKEN_OVER = auto()  # an operator got the lease
    DEADMAN_PRESSED = auto()
    DEADMAN_RELEASED = auto()
    RESUMED = auto()  # fresh commands and picture again within the limit
    RELEASED = auto()  # lease given back or run out without a hand-back
    CALLED = auto()  # the robot asks for help
    HELD = auto()  # commands silent, picture too old, policy silent, or the tick itself late
    LOST = auto()  # commands silent for too long
    STOP_RESET = auto()
    REPAIRED = auto()  # maintenance has cleared a fault
    UNSAFE = auto()  # STOP cannot be heard, the driver disobeys, the battery is empty
    STOPPED = auto()
    FAILED = auto()


SEVERITY: Final = (  # from the least to the most severe; design and tests compare positions
    Mode.AUTONOMY,
    Mode.TELEOP,
    Mode.READY,
    Mode.HOLD,
    Mode.LINK_LOST,
    Mode.DISARMED,
    Mode.BOOT,
    Mode.SAFE_STOP,
    Mode.ESTOP,
    Mode.FAULT,
)
STILL_MODES: Final = frozenset(
    {Mode.BOOT, Mode.DISARMED, Mode.LINK_LOST, Mode.SAFE_STOP, Mode.ESTOP, Mode.FAULT}
)
CUT_MODES: Final = frozenset({Mode.BOOT, Mode.ESTOP, Mode.FAULT})  # zero in the same tick
DRIVEN_MODES: Final = frozenset({Mode.READY, Mode.TELEOP, Mode.HOLD})
DEAF_MODES: Final = STILL_MODES - {Mode.LINK_LOST}  # no command leaves them, only a request does

TABLE: Final[dict[tuple[Mode, Trigger], Mode]] = {
    (Mode.BOOT, Trigger.CHECKED): Mode.DISARMED,
    (Mode.DISARMED, Trigger.ARMED): Mode.READY,
    (Mode.DISARMED, Trigger.POLICY_STARTED): Mode.AUTONOMY,
    (Mode.AUTONOMY, Trigger.TAKEN_OVER): Mode.READY,
    (Mode.AUTONOMY, Trigger.DEADMAN_PRESSED): Mode.TELEOP,
    (Mode.AUTONOMY, Trigger.CALLED): Mode.HOLD,
    (Mode.AUTONOMY, Trigger.HELD): Mode.HOLD,
    (Mode.AUTONOMY, Trigger.RELEASED): Mode.HOLD,
    (Mode.HOLD, Trigger.TAKEN_OVER): Mode.READY,
    (Mode.HOLD, Trigger.RESUMED): Mode.READY,
    (Mode.HOLD, Trigger.POLICY_STARTED): Mode.AUTONOMY,
    (Mode.HOLD, Trigger.PUT_BACK): Mode.AUTONOMY,
    (Mode.HOLD, Trigger.LEFT_TO_POLICY): Mode.AUTONOMY,
    (Mode.HOLD, Trigger.LOST): Mode.LINK_LOST,
    (Mode.READY, Trigger.DEADMAN_PRESSED): Mode.TELEOP,
    (Mode.READY, Trigger.POLICY_STARTED): Mode.AUTONOMY,
    (Mode.READY, Trigger.LEFT_TO_POLICY): Mode.AUTONOMY,
    (Mode.READY, Trigger.RELEASED): Mode.HOLD,
    (Mode.READY, Trigger.HELD): Mode.HOLD,
    (Mode.READY, Trigger.LOST): Mode.LINK_LOST,
    (Mode.TELEOP, Trigger.DEADMAN_RELEASED): Mode.READY,
    (Mode.TELEOP, Trigger.TAKEN_OVER): Mode.READY,
    (Mode.TELEOP, Trigger.POLICY_STARTED): Mode.AUTONOMY,
    (Mode.TELEOP, Trigger.LEFT_TO_POLICY): Mode.AUTONOMY,
    (Mode.TELEOP, Trigger.RELEASED): Mode.HOLD,
    (Mode.TELEOP, Trigger.HELD): Mode.HOLD,
    (Mode.TELEOP, Trigger.LOST): Mode.LINK_LOST,
    (Mode.LINK_LOST, Trigger.DEADMAN_PRESSED): Mode.TELEOP,
    (Mode.LINK_LOST, Trigger.PUT_BACK): Mode.AUTONOMY,
    (Mode.LINK_LOST, Trigger.LEFT_TO_POLICY): Mode.AUTONOMY,
    (Mode.SAFE_STOP, Trigger.STOP_RESET): Mode.DISARMED,
    (Mode.ESTOP, Trigger.STOP_RESET): Mode.DISARMED,
    (Mode.FAULT, Trigger.REPAIRED): Mode.DISARMED,
    **{
        (mode, Trigger.UNSAFE): Mode.SAFE_STOP
        for mode in Mode
        if mode not in (Mode.ESTOP, Mode.FAULT)
    },
    **{(mode, Trigger.STOPPED): Mode.ESTOP for mode in Mode if mode is not Mode.FAULT},
    **{(mode, Trigger.FAILED): Mode.FAULT for mode in Mode},
}


def after(mode: Mode, trigger: Trigger) -> Mode:
    """The mode after `trigger`; unlisted pairs change nothing."""
    return TABLE.get((mode, trigger), mode)
