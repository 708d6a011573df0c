"""A replay on hardware in words: what it waits for, how far it is, what it has shown. Pure."""

from __future__ import annotations

import math
from typing import Final

from teleop.hardware_replay import START_WITHIN, Stage
from teleop.operator_view import ReplayView
from ui.screen import Act, Look, Notice

STARTING: Final = (
    10  # letters of an episode's id: when it was recorded; `unstick episodes` takes it
)
JUDGING: Final = (("Yes", Act.SUCCESS), ("No", Act.FAILURE))


def replay_notice(view: ReplayView) -> Notice:
    """Over the picture for as long as there is a replay."""
    hold = f"Replay of {_short(view.name)}: hold the deadman"
    match view.stage:
        case Stage.CHECK:
            return Notice("wheel", hold, _start(view), look=Look.LIMITED)
        case Stage.APPROACH:
            return Notice("wheel", hold, f"Approach, {_to_go(view)} to go")
        case Stage.SETTLE:
            return Notice("wheel", hold, "At the start")
        case Stage.PLAY:
            off, limit = amount(view.off, view.unit), amount(view.limit, view.unit)
            return Notice(
                "wheel",
                f"Playing {view.played} of {view.actions}",
                f"{off} off, limit {limit}",
            )
        case Stage.JUDGE:
            return Notice(
                "person",
                "Played. Did it solve the task?",
                "Y yes, Backspace no. Nothing drives before.",
                JUDGING,
                Look.LIMITED,
            )
        case Stage.ENDED:
            # Three lines fit: that it was not kept is more than what everybody tries anyway.
            then = view.trouble or "Let go, then keys and pad drive again."
            title = f"Replay of {_short(view.name)} has ended"
            return Notice("disc", title, f"{view.sentence} {then}")


def amount(value: float, unit: str) -> str:
    """4 mm, 3.0°, 12 % of the stroke: how far something is off."""
    match unit:
        case "m":
            return f"{value * 1e3:.0f} mm"
        case "rad":
            return f"{math.degrees(value):.1f}°"
        case _:
            return f"{value:.0%} of the stroke".replace("%", " %")


def _short(name: str) -> str:
    return name if len(name) <= STARTING else f"{name[:STARTING]}…"


def _to_go(view: ReplayView) -> str:
    if view.away_m > START_WITHIN["m"]:
        return f"{view.away_m:.2f} m"
    return amount(view.off, view.unit)


def _start(view: ReplayView) -> str:
    if not view.known:
        return "Where the robot is, is not known yet"
    if view.away_m > START_WITHIN["m"]:
        return f"Its start is {view.away_m:.2f} m away: approached first, at a tenth of the speed"
    return "The robot is where it began, or turns there first"
