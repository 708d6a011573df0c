"""What a look at an episode finds: a rule, the rows it holds for, and a sentence."""

from __future__ import annotations

from enum import StrEnum

from recorder.series import Series
from transport.messages import Wire


class Rule(StrEnum):
    """What is wrong, or at least worth a look."""

    IDLE = "idle"  # neither commanded nor moving
    LATE_PICTURES = "late_pictures"  # rows that show the picture before once more
    BLACK = "black"  # nothing to be seen
    FROZEN = "frozen"  # the robot moves, the picture does not
    MISSED_TICKS = "missed_ticks"  # control periods that the robot skipped
    LOST_TICKS = "lost_ticks"  # ticks that happened and are not in the record
    CLOCK = "clock"  # stamps that jump against the ticks, or against the rows
    NO_STATE = "no_state"  # ticks without the state that their neighbours have
    NOT_A_NUMBER = "not_a_number"  # measurements without a value
    SATURATED = "saturated"  # the action stands at its limit
    CONSTANT = "constant"  # an action or a measurement that never changes
    LABELS = "labels"  # what was said does not fit what was recorded


class Finding(Wire, frozen=True):
    """One finding. It changes nothing; a person decides."""

    rule: Rule
    first_row: int  # -1: the episode has no rows
    last_row: int  # inclusive
    reason: str  # a sentence
    figures: dict[str, float]  # units in the names


def found(
    rule: Rule, series: Series, first: int, last: int, reason: str, **figures: float
) -> Finding:
    """A finding about the ticks of index `first` to `last`."""
    first_row, last_row = series.rows_of(first, last)
    ticks = {"first_tick": int(series.tick[first]), "last_tick": int(series.tick[last])}
    return Finding(
        rule=rule,
        first_row=first_row,
        last_row=last_row,
        reason=reason,
        figures={**ticks, **{name: round(value, 4) for name, value in figures.items()}},
    )


def seconds(series: Series, first: int, last: int) -> float:
    """Time between two ticks by the robot's clock."""
    return float(series.stamp_ns[last] - series.stamp_ns[first]) / 1e9
