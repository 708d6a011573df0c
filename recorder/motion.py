"""How fast a robot was asked to go and did go, and where it did neither.

Pure functions over a `Series`. A single step says little: a stick is never quite still, a drift
never quite zero. A tick is therefore idle when in the second around it (`WINDOW_S`) neither the
command nor the measured motion reached `QUIET` of full speed (root mean square), and no switch
(a gripper, a bumper) changed within half a second. One short movement anywhere in the window is
enough to keep a tick, so that a found stretch has half a second of standing before and after it.

Full speed is what the description names (`max_mps`, `max_radps`, `max_grip_ps`). What a
measurement is follows from the end of its name: `_mps`, `_radps` are speeds, `_m`, `_rad` places,
no unit at all is a switch; anything else (current, charge) tells nothing about motion.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from recorder.driven import PLANAR
from recorder.series import Flags, Integers, Numbers, Series, runs
from transport.messages import Description

WINDOW_S: Final = 1.0
QUIET: Final = 0.02  # of full speed; noise of a stick is 0.001 to 0.01, a slow drift 0.005
IDLE_S: Final = 2.0  # shorter pauses belong to the work
AROUND_SWITCH_S: Final = 0.5
SWITCH_RANGE: Final = 0.5  # what moves less has not been switched, it trembles

_UNITS: Final = ("mps", "radps", "m", "rad")
_LIMITS: Final = {"mps": "max_mps", "radps": "max_radps", "ps": "max_grip_ps"}
_DEFAULT_SPEED: Final = 1.0  # m/s, rad/s, strokes/s, where the description names none


def full_speed(description: Description) -> Numbers:
    """(axes,): of each action, as the gate limited it."""
    names = description.action_names or PLANAR
    return np.array([_limit(description, _LIMITS[name.rpartition("_")[2]]) for name in names])


def _limit(description: Description, name: str) -> float:
    known = {**description.controller, **description.limits}
    return known.get(name, 0.0) or _DEFAULT_SPEED


def idle_stretches(series: Series, description: Description) -> list[tuple[int, int]]:
    """(first, last) index of the ticks of each idle stretch."""
    hz = description.tick_hz
    at_rest = asked_motion(series, description) < QUIET
    at_rest &= measured_motion(series, description) < QUIET
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
    fastest = np.zeros(len(series))
    for name, unit in motion_channels(description):
        values = measurement(series, description, name)[:, None]
        limit = turn if unit.startswith("rad") else forward
        if unit.endswith("ps"):
            motion = _windowed_rms(values / limit, hz)
        else:
            # A place that moves steadily spreads by speed * window / sqrt(12).
            places = np.unwrap(values, axis=0) if unit == "rad" else values
            motion = _windowed_spread(places, hz) * np.sqrt(12.0) / WINDOW_S / limit
        fastest = np.maximum(fastest, motion[:, 0])
    return fastest


def motion_channels(description: Description) -> list[tuple[str, str]]:
    """(name, unit) of the measurements that tell of motion."""
    ends = [(name, name.rpartition("_")[2]) for name in description.observation_names]
    return [(name, end) for name, end in ends if name != end and end in _UNITS]


def measurement(series: Series, description: Description, name: str) -> Numbers:
    """(n,): one measurement; where it has no value, the one before."""
    values = series.observation[:, description.observation_names.index(name)]
    good = np.flatnonzero(np.isfinite(values))
    if not len(good):
        return np.zeros(len(values))
    before = np.searchsorted(good, np.arange(len(values)), side="right") - 1
    return values[good[np.maximum(before, 0)]]


def _switched(series: Series, description: Description) -> Flags:
    """(n,): a switch changed in this tick. Trembling on either side is no change."""
    changed = np.zeros(len(series), np.bool_)
    for name in description.observation_names:
        values = measurement(series, description, name)
        reach = float(np.ptp(values)) if len(values) else 0.0
        if "_" in name or reach < SWITCH_RANGE:
            continue
        from_middle = (values - values.min()) / reach - 0.5
        sure = np.flatnonzero(np.abs(from_middle) > 0.25)
        sides = from_middle[sure] > 0
        changed[sure[1:][sides[1:] != sides[:-1]]] = True
    return changed


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
