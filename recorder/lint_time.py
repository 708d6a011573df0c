"""What is missing in time, and stamps that do not fit: ticks, clock, late pictures. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from recorder.finding import Finding, Rule, found
from recorder.row_grid import NEAR_NS
from recorder.series import Flags, Integers, Series, runs
from transport.channels import ROW_HZ
from transport.clock import NS_PER_MS, NS_PER_S

CLOCK_NS: Final = 100 * NS_PER_MS  # what a tick may be late against its number
TOGETHER_S: Final = 1.0  # what happens again within a second is one finding
LATE_ROWS: Final = 3  # of them; fewer are ordinary life


def time_findings(
    series: Series, tick_hz: int, removed: Sequence[tuple[int, int]] = ()
) -> list[Finding]:
    """All of this module's. `removed`: first and last tick of what a trim has taken out."""
    lost = _lost_before(series, removed)
    return [
        *_missed(series, tick_hz),
        *_lost(series, lost, tick_hz),
        *_clock(series, tick_hz, removed),
        *_pictures(series),
        *_states(series),
        *_numbers(series),
    ]


def _missed(series: Series, tick_hz: int) -> list[Finding]:
    missed = series.missed_before.copy()
    missed[:1] = 0  # before the episode
    return [
        found(
            *(Rule.MISSED_TICKS, series, first, last),
            f"The robot skipped {_count(missed[first : last + 1].sum(), 'control period')}.",
            ticks=int(missed[first : last + 1].sum()),
        )
        for first, last in _together(missed > 0, tick_hz)
    ]


def _lost(series: Series, lost: Integers, tick_hz: int) -> list[Finding]:
    return [
        found(
            *(Rule.LOST_TICKS, series, first, last),
            f"{_count(lost[first : last + 1].sum(), 'tick')} happened and never reached the "
            "record.",
            ticks=int(lost[first : last + 1].sum()),
        )
        for first, last in _together(lost > 0, tick_hz)
    ]


def _lost_before(series: Series, removed: Sequence[tuple[int, int]]) -> Integers:
    """(n,): ticks between each one and the one before that are not in the record."""
    lost = np.zeros(len(series), np.int64)
    lost[1:] = np.maximum(np.diff(series.tick) - 1, 0)
    for first, last in removed:
        after = int(np.searchsorted(series.tick, last, side="right"))
        if 0 < after < len(series) and series.tick[after - 1] < first:
            lost[after] -= last - first + 1
    return np.maximum(lost, 0)


def _clock(series: Series, tick_hz: int, removed: Sequence[tuple[int, int]]) -> list[Finding]:
    """Time that does not pass as the ticks count, and pictures taken at another time than shown."""
    findings = []
    periods = np.diff(series.tick) + series.missed_before[1:]
    passed_ns = np.diff(series.stamp_ns)
    off_ns = passed_ns - periods * NS_PER_S // tick_hz
    for at in np.flatnonzero((np.abs(off_ns) > CLOCK_NS) | (passed_ns <= 0)):
        first = int(at)
        if any(series.tick[first] < gap[0] and series.tick[first + 1] > gap[1] for gap in removed):
            continue  # how many periods were skipped within the gap is in the parent only
        jump_ms = float(off_ns[at]) / NS_PER_MS
        findings.append(
            found(
                *(Rule.CLOCK, series, first, first + 1),
                f"Between two ticks the clock goes {abs(jump_ms):.0f} ms "
                f"{'forward' if jump_ms > 0 else 'back'} against their number.",
                jump_ms=jump_ms,
            )
        )
    rows = series.rows
    for camera, captured_ns in rows.captured_ns.items():
        new = ~rows.repeated[camera] & (captured_ns > 0)
        wrong = new & (np.abs(captured_ns - rows.stamp_ns) > NEAR_NS)
        for first_row, last_row in runs(wrong):
            worst = int(np.abs(captured_ns - rows.stamp_ns)[first_row : last_row + 1].max())
            findings.append(
                Finding(
                    rule=Rule.CLOCK,
                    first_row=first_row,
                    last_row=last_row,
                    reason=f"Camera {camera}: pictures were taken up to {worst / NS_PER_MS:.0f} ms "
                    "from the row that shows them.",
                    figures={"off_ms": worst / NS_PER_MS},
                )
            )
    return findings


def _pictures(series: Series) -> list[Finding]:
    findings = []
    rows = series.rows
    for camera, repeated in rows.repeated.items():
        never = rows.captured_ns[camera] == 0
        for first, last in runs(never):
            if last - first + 1 < ROW_HZ:
                continue  # a camera takes a moment to open
            reason = f"Camera {camera} had given no picture yet."
            findings.append(_rows(Rule.BLACK, first, last, last - first + 1, reason))
        late = repeated & ~never
        for first, last in _together(late, ROW_HZ):
            count = int(late[first : last + 1].sum())
            if count >= LATE_ROWS:
                reason = (
                    f"{count} of {last - first + 1} rows show a picture of camera {camera} once "
                    "more, because none came in time."
                )
                findings.append(_rows(Rule.LATE_PICTURES, first, last, count, reason))
    return findings


def _states(series: Series) -> list[Finding]:
    if not series.stated.any():
        return []  # this robot gives none
    return [
        found(
            *(Rule.NO_STATE, series, first, last),
            f"{_count(last - first + 1, 'tick')} without the robot's state: no replay can begin "
            "or pass here.",
            ticks=last - first + 1,
        )
        for first, last in runs(~series.stated)
    ]


def _numbers(series: Series) -> list[Finding]:
    numbers = np.hstack((series.observation, series.applied, series.human))
    broken: Flags = ~np.asarray(np.isfinite(numbers).all(axis=1))
    return [
        found(
            *(Rule.NOT_A_NUMBER, series, first, last),
            f"A measurement or an action has no value in {_count(last - first + 1, 'tick')}.",
            ticks=last - first + 1,
        )
        for first, last in runs(broken)
    ]


def _together(flags: Flags, hz: int) -> list[tuple[int, int]]:
    """(first, last) of true flags that lie within `TOGETHER_S` of each other."""
    places = np.flatnonzero(flags)
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > TOGETHER_S * hz)
    groups = np.split(places, breaks + 1)
    return [(int(group[0]), int(group[-1])) for group in groups]


def _rows(rule: Rule, first: int, last: int, count: int, reason: str) -> Finding:
    return Finding(
        rule=rule, first_row=first, last_row=last, reason=reason, figures={"rows": count}
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
