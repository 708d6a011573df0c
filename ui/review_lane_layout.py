"""Where the lanes of the review lie, for a height. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

TOP: Final = 12  # for the head of the playhead
GAP: Final = 4
TIME: Final = 20
# Lanes of one height, px; those that are not here share what is left.
FIXED: Final = {"control": 20, "phase": 16, "idle": 16, "labels": 16, "latency": 20, "events": 18}
WEIGHTS: Final = {"deviation": 116.0, "quiet": 40.0, "axis": 72.0}  # of the others
HIGHEST: Final = {"deviation": 360.0, "quiet": 160.0, "axis": 280.0}
LEAST: Final = 18.0


def least_height(axes: int, text: float = 1.0) -> float:
    """What the lanes of an episode with so many axes need at least, px."""
    last = lay_out([""] * axes, 0.0, deviates=True, text=text)[-1]
    return last.top + last.height


@dataclass(frozen=True)
class Lane:
    """One lane."""

    kind: str
    name: str
    top: float
    height: float
    number: int = 0  # of an axis


def lay_out(
    names: Sequence[str], height: float, *, deviates: bool, text: float = 1.0
) -> tuple[Lane, ...]:
    """Lanes of an episode with these action names, top to bottom; the axis of time is the last.

    `text` is the size of text, 1 at 100 %. A deviation that nobody would see gets less room than
    one that is the point of it all.
    """
    large = "deviation" if deviates else "quiet"
    fixed = (sum(FIXED.values()) + TIME) * text + TOP
    gaps = GAP * (len(FIXED) + len(names) + 1)
    weight = WEIGHTS[large] + WEIGHTS["axis"] * len(names)
    least = LEAST * text
    spare = max(0.0, height - fixed - gaps - least * (1 + len(names))) / weight
    tall = {
        kind: min(least + WEIGHTS[kind] * spare, HIGHEST[kind] * text) for kind in (large, "axis")
    }
    plan = [
        ("control", "Control", 0, FIXED["control"] * text),
        ("phase", "Phase", 0, FIXED["phase"] * text),
        ("idle", "Idle", 0, FIXED["idle"] * text),
        ("labels", "Labels", 0, FIXED["labels"] * text),
        ("deviation", "Deviation", 0, tall[large]),
        *(("axis", name, number, tall["axis"]) for number, name in enumerate(names)),
        ("latency", "Latency", 0, FIXED["latency"] * text),
        ("events", "Events", 0, FIXED["events"] * text),
        ("time", "", 0, TIME * text),
    ]
    lanes: list[Lane] = []
    top = float(TOP)
    for kind, name, number, high in plan:
        lanes.append(Lane(kind, name, top, int(high), number))
        top += int(high) + GAP
    return tuple(lanes)
