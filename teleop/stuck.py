"""Notices that a robot gets nowhere although it asks for motion, and says so in words for people.

It does not move, or it bumps and bumps and does not get away. Pure: time is passed in. The control
process feeds it once a tick; a diagnosis becomes a call. Nothing here looks at pictures or knows
the room: the words are what wheels, motors, tilt and bumper make most likely.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from teleop.policy import Diagnosis
from teleop.robot import Observation, RoverObservation
from transport.channels import TICK_HZ
from transport.clock import NS_PER_S
from transport.messages import Mode, Twist

WINDOW_S: Final = 4.0  # longer than a bump, its way back and its turn can look like standing still
MOVED_M: Final = 0.03  # three times what wheels drag a wedged body about
TURNED_RAD: Final = math.radians(10)
ASKED_MPS: Final = 0.05  # below this nobody expects motion
ASKED_RADPS: Final = 0.2
SLIP_M: Final = 0.10  # wheel travel beyond the body's within the window: they spin
TILTED_RAD: Final = 0.03  # something presses or lifts the body
STRAIN_A: Final = 2.0  # ten times the current of free driving; less and they grip nothing firm
LIFTED_RAD: Final = 0.08  # the nose stands on something: 0.22 on a sill, 0.005 below a sofa
CAUGHT_BUMPS: Final = 5  # without getting away in between; a corner of the room takes two or three
CAUGHT_M: Final = 0.3  # from a bump: twice as far as the policy backs up after one
CAUGHT_S: Final = 12.0  # from the first to now; a bump, its way back and its turn take 2 to 3 s
MOST_BUMPS: Final = 100  # a limit on memory; none of them can be the one that counts
BUMP_NS: Final = NS_PER_S  # what touches and lets go while the body turns is one bump
FRESH_NS: Final = NS_PER_S // 2  # older measurements say nothing about now
TRACK_M: Final = 0.25  # turning on the spot moves each rim by half of this per radian


@dataclass(frozen=True)
class _Sample:
    now_ns: int
    x_m: float
    y_m: float
    heading_rad: float
    rim_mps: float  # mean magnitude of both wheels
    tilt_rad: float
    motor_a: float
    bumper: bool


class StuckDetector:
    """Watches the last `window_s` of a rover's asked and measured motion in autonomy."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_ns = round(window_s * NS_PER_S)
        # Twice the ticks of a window: a caller that is too fast loses the oldest, not memory.
        self._samples: deque[_Sample] = deque(maxlen=max(2, round(2 * window_s * TICK_HZ)))
        # The robot has not got away from any of these since.
        self._bumps: list[_Sample] = []
        self._touched_ns = -BUMP_NS

    def reset(self) -> None:
        """Forget everything, as after a rescue."""
        self._samples.clear()
        self._bumps.clear()

    def observe(self, now_ns: int, mode: Mode, asked: Twist, seen: Observation) -> None:
        """Take in one control tick; any that is not the policy asking for motion resets.

        Raises:
            TypeError: it was put beside a robot without wheels.
        """
        if not isinstance(seen, RoverObservation):
            raise TypeError("A StuckDetector watches wheels; this robot needs a watch of its own.")
        asks = abs(asked.forward_mps) >= ASKED_MPS or abs(asked.turn_radps) >= ASKED_RADPS
        if mode is not Mode.AUTONOMY or not asks:
            self.reset()
            return
        samples = self._samples
        sample = _Sample(
            now_ns=now_ns,
            x_m=seen.x_m,
            y_m=seen.y_m,
            heading_rad=seen.heading_rad,
            rim_mps=(abs(seen.left_wheel_mps) + abs(seen.right_wheel_mps)) / 2,
            tilt_rad=seen.tilt_rad,
            motor_a=seen.motor_a,
            bumper=seen.bumper,
        )
        # What is left after this are poses the robot has not moved away from since.
        while samples and _moved(samples[0], sample):
            samples.popleft()
        samples.append(sample)
        # Keep the newest sample that is a whole window old, and all after it.
        while len(samples) > 1 and now_ns - samples[1].now_ns >= self._window_ns:
            samples.popleft()
        self._note_bump(sample)

    def freed(self, now_ns: int) -> str:
        """A rover that holds moves no wheel, so it cannot find out whether it could again."""
        return ""

    def _note_bump(self, sample: _Sample) -> None:
        """Keep the bumps since which the robot has always been near; a new one is among them."""
        left = [at for at, bump in enumerate(self._bumps) if _apart_m(bump, sample) > CAUGHT_M]
        del self._bumps[: left[-1] + 1 if left else 0]
        if not sample.bumper:
            return
        if sample.now_ns - self._touched_ns >= BUMP_NS and len(self._bumps) < MOST_BUMPS:
            self._bumps.append(sample)
        self._touched_ns = sample.now_ns

    def diagnosis(self, now_ns: int) -> Diagnosis | None:
        """Why the robot is stuck, or None while it is not, or is not known to be."""
        samples = self._samples
        if not samples or now_ns - samples[-1].now_ns > FRESH_NS:
            return None
        if samples[-1].now_ns - samples[0].now_ns >= self._window_ns:
            return _diagnose(list(samples))
        return _caught(self._bumps, now_ns)


def _apart_m(old: _Sample, new: _Sample) -> float:
    return math.hypot(new.x_m - old.x_m, new.y_m - old.y_m)


def _moved(old: _Sample, new: _Sample) -> bool:
    turned = abs(math.remainder(new.heading_rad - old.heading_rad, math.tau))
    return _apart_m(old, new) >= MOVED_M or turned >= TURNED_RAD


def _caught(bumps: list[_Sample], now_ns: int) -> Diagnosis | None:
    """Bump after bump, all about: what a ring of thin legs does to a round body."""
    if len(bumps) < CAUGHT_BUMPS or now_ns - bumps[0].now_ns < CAUGHT_S * NS_PER_S:
        return None
    seconds = (now_ns - bumps[0].now_ns) / NS_PER_S
    return Diagnosis(
        "Caught between chair legs",
        f"{len(bumps)} bumps in {seconds:.0f} s, never more than {CAUGHT_M:.1f} m away",
    )


def _diagnose(samples: list[_Sample]) -> Diagnosis:
    first, last = samples[0], samples[-1]
    seconds = (last.now_ns - first.now_ns) / NS_PER_S
    moved_m = _apart_m(first, last)
    rolled_m = sum(
        new.rim_mps * (new.now_ns - old.now_ns) / NS_PER_S for old, new in pairwise(samples)
    )
    turned_rad = abs(math.remainder(last.heading_rad - first.heading_rad, math.tau))
    slips = rolled_m - moved_m - turned_rad * TRACK_M / 2 > SLIP_M
    strain_a = sum(sample.motor_a for sample in samples) / len(samples)
    tilt_rad = sum(sample.tilt_rad for sample in samples) / len(samples)
    bumped = sum(sample.bumper for sample in samples) * 2 > len(samples)
    if slips:
        detail = f"Wheels turn {seconds:.0f} s, moved {moved_m:.2f} m"
    elif strain_a > STRAIN_A:
        detail = f"Motors push {seconds:.0f} s at {strain_a:.1f} A, moved {moved_m:.2f} m"
    else:
        detail = f"Asked to move for {seconds:.0f} s, moved {moved_m:.2f} m"
    if bumped:  # something stands in front of it, which is not on top of it
        return Diagnosis("Cannot move", f"{detail}, bumper pressed")
    if tilt_rad > LIFTED_RAD:
        degrees = math.degrees(tilt_rad)
        return Diagnosis("High-centred on a sill", f"{detail}, tilted {degrees:.0f}°")
    if slips and tilt_rad <= TILTED_RAD and strain_a <= STRAIN_A:
        return Diagnosis("Wheels spin on a loose rug", f"{detail} at {strain_a:.1f} A only")
    if slips or tilt_rad > TILTED_RAD:
        return Diagnosis("Wedged under furniture", detail)
    return Diagnosis("Cannot move", detail)
