"""Idle stretches, actions at their limit, values that never change. Pure; see `recorder.motion`."""

from __future__ import annotations

from typing import Final

import numpy as np

from recorder.driven import PLANAR
from recorder.finding import Finding, Rule, found, seconds
from recorder.motion import (
    QUIET,
    Motion,
    full_speed,
    idle_stretches,
    measurement,
    motion_channels,
)
from recorder.series import Series, runs
from transport.messages import Description

AT_LIMIT: Final = 0.99  # of full speed
SATURATED_SHARE: Final = 0.8  # of the ticks in which a person drove
CONSTANT_S: Final = 10.0  # nobody holds a stick at exactly the same place for so long
DRIVE_S: Final = 2.0  # shorter drives say nothing about shares

_UNITS: Final = {"mps": "m/s", "radps": "rad/s", "ps": "strokes/s"}


def motion_findings(series: Series, description: Description, motion: Motion) -> list[Finding]:
    """All of this module's."""
    return [
        *_idle(series, description, motion),
        *_saturated(series, description),
        *_same_action(series, description),
        *_dead_measurements(series, description, motion),
    ]


def _idle(series: Series, description: Description, motion: Motion) -> list[Finding]:
    findings = []
    for first, last in idle_stretches(series, description, motion):
        for_s = seconds(series, first, last)
        driven = float(series.driven[first : last + 1].mean())
        who = "while a person drove" if driven > 0.5 else "while nobody drove"
        findings.append(
            found(
                *(Rule.IDLE, series, first, last),
                f"Neither commanded nor moving for {for_s:.1f} s, {who}.",
                seconds=for_s,
                driven_share=driven,
            )
        )
    return findings


def _saturated(series: Series, description: Description) -> list[Finding]:
    """Actions that stand at their limit for most of the drive."""
    driven = np.flatnonzero(series.driven)
    if len(driven) < DRIVE_S * description.tick_hz:
        return []
    findings = []
    names = description.action_names or PLANAR
    for axis, (action, limit) in enumerate(zip(names, full_speed(description), strict=True)):
        name, _, unit = action.rpartition("_")
        share = float((np.abs(series.applied[driven, axis]) >= AT_LIMIT * limit).mean())
        if share >= SATURATED_SHARE:
            findings.append(
                found(
                    *(Rule.SATURATED, series, int(driven[0]), int(driven[-1])),
                    f"The {name} action stands at its limit of {limit:g} {_UNITS[unit]} for "
                    f"{share:.0%} of the drive.",
                    share=share,
                    limit=float(limit),
                )
            )
    return findings


def _same_action(series: Series, description: Description) -> list[Finding]:
    """An action other than standing still that does not change by a bit."""
    same = series.driven & (series.applied != 0.0).any(axis=1)
    same[0] = False
    same[1:] &= (series.applied[1:] == series.applied[:-1]).all(axis=1)
    findings = []
    for first, last in runs(same, round(CONSTANT_S * description.tick_hz)):
        for_s = seconds(series, first, last)
        findings.append(
            found(
                *(Rule.CONSTANT, series, first, last),
                f"The action is exactly the same for {for_s:.1f} s: is a stick or a key stuck?",
                seconds=for_s,
            )
        )
    return findings


def _dead_measurements(series: Series, description: Description, motion: Motion) -> list[Finding]:
    """Measurements of motion that never change although others do."""
    moving = np.flatnonzero(motion.measured >= QUIET)
    if len(moving) < DRIVE_S * description.tick_hz:
        return []
    findings = []
    for name, _ in motion_channels(description):
        values = measurement(series, description, name)
        if np.ptp(values) == 0.0:
            findings.append(
                found(
                    *(Rule.CONSTANT, series, int(moving[0]), int(moving[-1])),
                    f"The measurement {name} is {values[0]:g} throughout, though the robot moves.",
                    value=float(values[0]),
                )
            )
    return findings
