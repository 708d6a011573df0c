"""What people do with a robot's call before somebody takes the robot: look, skip, pass on.

Pure, and kept by the robot, so that all consoles see the same. Nothing here moves it or grants
anything: who gets the robot is settled by its lease. Looking has to be said again; skipping and
passing on last as long as the call. People go by the names that the robot's list gives them.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from transport.clock import NS_PER_MS
from transport.messages import Call, Looker, PassedOn

LOOKING_MS: Final = 3_000  # as a lease
LOOK_AGAIN_MS: Final = 1_000  # the console's period: two losses in a row tolerated
MOST_LOOKERS: Final = 8  # the newest; each state carries them
MOST_SKIPPED: Final = 32  # likewise


def looked_at(call: Call, who: str, now_ns: int) -> Call:
    """`who` looks at it, for a while from now on; to have skipped it counts no more."""
    others = tuple(one for one in call.looking if one.name != who)
    looker = Looker(name=who, until_ns=now_ns + LOOKING_MS * NS_PER_MS)
    return replace(
        call,
        looking=(*others, looker)[-MOST_LOOKERS:],
        skipped=_without(call.skipped, who),
    )


def aged(call: Call, now_ns: int) -> Call:
    """Who has not said for a while that they look at it does not."""
    if all(now_ns < one.until_ns for one in call.looking):
        return call
    return replace(call, looking=tuple(one for one in call.looking if now_ns < one.until_ns))


def skipped(call: Call, who: str) -> Call:
    """`who` leaves it to the others; one that was passed to them is everybody's again."""
    passed = call.passed
    return replace(
        call,
        looking=tuple(one for one in call.looking if one.name != who),
        skipped=(*_without(call.skipped, who), who)[-MOST_SKIPPED:],
        passed=None if passed is not None and passed.to == who else passed,
    )


def passed_on(call: Call, by: str, to: str, note: str, now_ns: int) -> Call:
    """`by` leaves it to `to`; the last word counts. Everybody else may still take the robot."""
    left = skipped(call, by)
    return replace(
        left,
        skipped=_without(left.skipped, to),
        passed=PassedOn(to=to, by=by, note=note, stamp_ns=now_ns),
    )


def _without(names: tuple[str, ...], gone: str) -> tuple[str, ...]:
    return tuple(name for name in names if name != gone)
