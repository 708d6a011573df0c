"""What the control bench makes of what it has seen: jitter, ages, losses. Pure.

The robot's own control ticks are the ground truth: what it accepted and what it told the motors,
stamped by the clock that every process of the machine shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from teleop.safety import Limits
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import STILL, Mode, Tick, Twist

TICK_MS = 1e3 / TICK_HZ
# The stick is pushed a little further all the time, so that each speed tells when it was asked for.
STICK_START = 0.2  # fraction; far above what counts as hands off
STICK_PER_S = 0.04  # of full deflection; 20 s until it is reached


@dataclass(frozen=True)
class Beat:
    """What the bench keeps of one control tick."""

    tick: int
    stamp_ns: int
    mode: Mode
    applied: Twist
    human: Twist
    command_seq: int  # -1: no command was accepted in this tick
    loop_age_ms: float  # of the last command received
    missed_before: int

    @classmethod
    def of(cls, tick: Tick) -> Beat:
        """A tick as it came over the robot's bus."""
        return cls(
            tick=tick.tick,
            stamp_ns=tick.stamp_ns,
            mode=tick.mode,
            applied=tick.applied,
            human=tick.human,
            command_seq=tick.command_seq,
            loop_age_ms=tick.command_age_ms,
            missed_before=tick.missed_before,
        )


def jitter_ms(beats: Sequence[Beat]) -> list[float]:
    """How far the interval of each two successive ticks is from the period, without its sign."""
    return [
        abs((after.stamp_ns - before.stamp_ns) / NS_PER_MS - TICK_MS)
        for before, after in pairwise(beats)
        if after.tick == before.tick + 1
    ]


def missed_ticks(beats: Sequence[Beat]) -> int:
    """Ticks that the robot skipped because it was late."""
    return sum(beat.missed_before for beat in beats)


def loop_ages_ms(beats: Sequence[Beat]) -> list[float]:
    """The loop age of each command obeyed: robot's state to operator to robot, as it judged it."""
    return [beat.loop_age_ms for beat in beats if beat.command_seq >= 0]


@dataclass(frozen=True)
class Loss:
    """One loss of commands while driving."""

    from_cut_ms: float  # from the cut of the wire to a set-point of zero
    from_last_ms: float  # from the last command obeyed
    ramp_ms: float  # what braking from that speed takes by the robot's limits

    def bound_ms(self, limits: Limits) -> float:
        """What is promised: silence is noticed, then the ramp, all of it by whole ticks."""
        return limits.hold_ms + self.ramp_ms + TICK_MS

    def over_ms(self, limits: Limits) -> float:
        """How much longer it took than `hold_ms` and the ramp; a tick is allowed."""
        return self.from_last_ms - limits.hold_ms - self.ramp_ms


def loss_after(beats: Sequence[Beat], cut_ns: int, limits: Limits) -> Loss | None:
    """What became of the set-point after the wire was cut; None: not at zero yet."""
    last: Beat | None = None
    for beat in beats:
        if beat.stamp_ns > cut_ns and beat.applied == STILL:
            if last is None:
                return None
            return Loss(
                from_cut_ms=(beat.stamp_ns - cut_ns) / NS_PER_MS,
                from_last_ms=(beat.stamp_ns - last.stamp_ns) / NS_PER_MS,
                ramp_ms=_ramp_ms(last.applied, limits),
            )
        if beat.command_seq >= 0:
            last = beat
    return None


def _ramp_ms(speed: Twist, limits: Limits) -> float:
    straight_s = abs(speed.forward_mps) / limits.decel_mps2
    turning_s = abs(speed.turn_radps) / limits.decel_radps2
    return max(straight_s, turning_s) * 1e3


def stop_after(beats: Sequence[Beat], press_ns: int) -> float | None:
    """From the STOP key to the first tick that stands because of it, ms; None: not yet."""
    for beat in beats:
        if beat.stamp_ns > press_ns and beat.mode is Mode.ESTOP and beat.applied == STILL:
            return (beat.stamp_ns - press_ns) / NS_PER_MS
    return None


def stick_at(now_ns: int, begin_ns: int) -> float:
    """How far the stick is pushed at a moment."""
    return STICK_START + STICK_PER_S * (now_ns - begin_ns) / NS_PER_S


def wish_age_ms(stick: float, begin_ns: int, obeyed_ns: int) -> float:
    """How old a wish was when it was obeyed, by the deflection that it asked for."""
    asked_ns = begin_ns + (stick - STICK_START) / STICK_PER_S * NS_PER_S
    return (obeyed_ns - asked_ns) / NS_PER_MS


@dataclass(frozen=True)
class Aftermath:
    """What was obeyed once a blackout was over."""

    stale: int  # wishes older than the limit that were obeyed
    oldest_ms: float | None  # age of the oldest wish obeyed; None: none was obeyed
    first_fresh_ms: float | None  # from the end of the blackout to the first fresh wish obeyed


def aftermath(
    obeyed: Sequence[tuple[int, float]], begin_ns: int, back_ns: int, limit_ms: float
) -> Aftermath:
    """`obeyed`: (stamp, stick) of each wish obeyed. `back_ns`: when the wire was whole again."""
    later = [(at_ns, wish_age_ms(stick, begin_ns, at_ns)) for at_ns, stick in obeyed]
    later = [(at_ns, age_ms) for at_ns, age_ms in later if at_ns >= back_ns]
    fresh_ns = [at_ns for at_ns, age_ms in later if age_ms <= limit_ms]
    return Aftermath(
        stale=len(later) - len(fresh_ns),
        oldest_ms=max((age_ms for _, age_ms in later), default=None),
        first_fresh_ms=(fresh_ns[0] - back_ns) / NS_PER_MS if fresh_ns else None,
    )


def first_of_each(stamped: Sequence[tuple[int, int]], since_ns: int, until_ns: int) -> list[float]:
    """Delays in ms of (event, arrival) stamps, for the events of a stretch of time.

    What arrived more than once counts when it was first there.
    """
    arrivals: dict[int, int] = {}
    for event_ns, arrival_ns in stamped:
        if since_ns <= event_ns <= until_ns:
            arrivals.setdefault(event_ns, arrival_ns)
    return [(arrival_ns - event_ns) / NS_PER_MS for event_ns, arrival_ns in arrivals.items()]
