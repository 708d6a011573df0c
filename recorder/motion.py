"""How fast a robot was asked to go and did go, and where it did neither.

Pure functions over a `Series`. A single step says little: a stick is never quite still, a drift
never quite zero. A tick is therefore idle when in the second around it (`WINDOW_S`) neither the
command nor the measured motion reached `QUIET` of full speed (root mean square), and no switch
(a gripper, a bumper) changed within half a second. One short movement anywhere in the window is
enough to keep a tick, so that a found stretch has half a second of standing before and after it.

Full speed is what the description names (`max_mps`, `max_radps`, `max_grip_ps`). What a
measurement is follows from its unit there, or from the end of its name where it has none: m/s,
rad/s (`_mps`, `_radps`) are speeds, m, rad (`_m`, `_rad`) places, a number without a unit is a
switch (`left_gripper`, of its stroke); anything else (current, charge) tells nothing about motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from recorder.driven import PLANAR
from recorder.series import Flags, Integers, Numbers, Series, runs
from transport.messages import Description

WINDOW_S: Final = 1.0
QUIET: Final = 0.02  # of full speed; noise of a stick is 0.001 to 0.01, a slow drift 0.005
IDLE_S: Final = 2.0  # shorter pauses belong to the work
AROUND_SWITCH_S: Final = 0.5
SWITCH_RANGE: Final = 0.5  # of a stroke: more than any tremble
LEAST_RANGE: Final = 0.02  # less is a digit of the sensor
# A change is at least this many times what the switch trembles in a quiet second; the tremble of
# two minutes reaches 1.7 times as far as that of one second.
OVER_TREMBLE: Final = 3.0
QUIET_SHARE: Final = 0.1  # of the seconds a switch is left alone, however busy it is

_LIMITS: Final = {"mps": "max_mps", "radps": "max_radps", "ps": "max_grip_ps"}
_MOTION: Final = {"m/s": "mps", "rad/s": "radps", "m": "m", "rad": "rad"}
_UNITS: Final = tuple(_MOTION.values())
# Ends of names that are units, too, and tell nothing about motion.
_OTHER_UNITS: Final = frozenset(
    {"a", "v", "w", "n", "nm", "pct", "c", "k", "s", "ms", "us", "ns", "hz", "deg", "degps"}
    | {"pa", "kg", "lux", "db", "mps2", "radps2"}
)
_NO_UNIT: Final = ("", "fraction", "of")  # "of its stroke", "1 pressed, 0 free"
_DEFAULT_SPEED: Final = 1.0  # m/s, rad/s, strokes/s, where the description names none


def full_speed(description: Description) -> Numbers:
    """(axes,): of each action, as the gate limited it."""
    names = description.action_names or PLANAR
    return np.array([_limit(description, _LIMITS[name.rpartition("_")[2]]) for name in names])


def _limit(description: Description, name: str) -> float:
    known = {**description.controller, **description.limits}
    return known.get(name, 0.0) or _DEFAULT_SPEED


@dataclass(frozen=True, eq=False)
class Motion:
    """What was asked and what was measured, of full speed, in the second around each tick."""

    asked: Numbers  # (n,)
    measured: Numbers  # (n,)


def motion_of(series: Series, description: Description) -> Motion:
    """Both at once: several rules look at the same motion, and it takes its time."""
    return Motion(asked_motion(series, description), measured_motion(series, description))


def idle_stretches(
    series: Series, description: Description, motion: Motion | None = None
) -> list[tuple[int, int]]:
    """(first, last) index of the ticks of each idle stretch; `motion` where it is known."""
    hz = description.tick_hz
    motion = motion or motion_of(series, description)
    at_rest = (motion.asked < QUIET) & (motion.measured < QUIET)
    at_rest &= ~_near(_switched(series, description), round(AROUND_SWITCH_S * hz))
    return runs(at_rest, round(IDLE_S * hz))


def asked_motion(series: Series, description: Description) -> Numbers:
    """(n,): the most that was asked of an axis in the second around each tick, of full speed.

    Both what the motors were told and, while driving, what the operator wished.
    """
    wished = np.where(series.driven[:, None], series.human, 0.0)
    asked = np.hstack((series.applied, wished)) / np.tile(full_speed(description), 2)
    asked[~np.isfinite(asked)] = 1.0  # whatever it was, it was not a rest
    fastest: Numbers = _windowed_rms(asked, description.tick_hz).max(axis=1)
    return fastest


def measured_motion(series: Series, description: Description) -> Numbers:
    """(n,): the fastest measured motion in the second around each tick, of full speed."""
    hz = description.tick_hz
    forward, turn = _limit(description, "max_mps"), _limit(description, "max_radps")
    speeds, places = [np.zeros(len(series))], [np.zeros(len(series))]
    for name, unit in motion_channels(description):
        values = measurement(series, description, name)
        limit = turn if unit.startswith("rad") else forward
        if unit.endswith("ps"):
            speeds.append(values / limit)
        else:
            places.append((np.unwrap(values) if unit == "rad" else values) / limit)
    # A place that moves steadily spreads by speed * window / sqrt(12).
    steadily = np.sqrt(12.0) / WINDOW_S
    fastest: Numbers = np.maximum(
        _windowed_rms(np.column_stack(speeds), hz).max(axis=1),
        _windowed_spread(np.column_stack(places), hz).max(axis=1) * steadily,
    )
    return fastest


def motion_channels(description: Description) -> list[tuple[str, str]]:
    """(name, unit) of the measurements that tell of motion, as mps, radps, m or rad."""
    units = [(name, _unit(description, name)) for name in description.observation_names]
    return [(name, unit) for name, unit in units if unit in _UNITS]


def measurement(series: Series, description: Description, name: str) -> Numbers:
    """(n,): one measurement; where it has no value, the one before."""
    values = series.observation[:, description.observation_names.index(name)]
    good = np.flatnonzero(np.isfinite(values))
    if not len(good):
        return np.zeros(len(values))
    before = np.searchsorted(good, np.arange(len(values)), side="right") - 1
    return values[good[np.maximum(before, 0)]]


def _unit(description: Description, name: str) -> str:
    """mps, radps, m, rad, another unit, or empty: it has none and is a switch."""
    told = description.units.get(name)
    if told is None:
        before, _, end = name.rpartition("_")
        return end if before and (end in _UNITS or end in _OTHER_UNITS) else ""
    unit = told.replace(",", " ").partition(" ")[0]
    if unit in _NO_UNIT or unit[0].isdigit():
        return ""
    return _MOTION.get(unit, unit)


def _switched(series: Series, description: Description) -> Flags:
    """(n,): a switch changed in this tick. Trembling on either side is no change."""
    changed = np.zeros(len(series), np.bool_)
    for name in description.observation_names:
        if _unit(description, name):
            continue
        values = measurement(series, description, name)
        reach = float(np.ptp(values)) if len(values) else 0.0
        tremble = OVER_TREMBLE * _tremble(values, description.tick_hz)
        if reach < min(SWITCH_RANGE, max(LEAST_RANGE, tremble)):
            continue
        from_middle = (values - values.min()) / reach - 0.5
        sure = np.flatnonzero(np.abs(from_middle) > 0.25)
        sides = from_middle[sure] > 0
        changed[sure[1:][sides[1:] != sides[:-1]]] = True
    return changed


def _tremble(values: Numbers, hz: int) -> float:
    """How far a switch that is left alone goes within a second."""
    whole = values[: len(values) // hz * hz].reshape(-1, hz)
    if not len(whole):
        return 0.0
    return float(np.quantile(np.ptp(whole, axis=1), QUIET_SHARE))


def _near(flags: Flags, ticks: int) -> Flags:
    """True within so many ticks of a true flag."""
    near = np.zeros(len(flags), np.bool_)
    for at in np.flatnonzero(flags):
        near[max(0, at - ticks) : at + ticks + 1] = True
    return near


def _windowed_rms(values: Numbers, hz: int) -> Numbers:
    """Root mean square of each column in the window around each tick; shorter at both ends."""
    return np.sqrt(np.maximum(_windowed_mean(values**2, hz), 0.0))


def _windowed_spread(values: Numbers, hz: int) -> Numbers:
    """Standard deviation of each column in the window around each tick."""
    near_zero = values - values.mean(axis=0)  # so that squares keep their digits
    square, mean = _windowed_mean(near_zero**2, hz), _windowed_mean(near_zero, hz)
    return np.sqrt(np.maximum(square - mean**2, 0.0))


def _windowed_mean(values: Numbers, hz: int) -> Numbers:
    begin, end = _windows(len(values), hz)
    sums = np.vstack((np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)))
    means: Numbers = (sums[end] - sums[begin]) / (end - begin)[:, None]
    return means


def _windows(length: int, hz: int) -> tuple[Integers, Integers]:
    half = round(WINDOW_S * hz) // 2
    places = np.arange(length)
    return np.maximum(places - half, 0), np.minimum(places + half + 1, length)
