"""What the tests of the screen's words share: a moment, a picture, a held robot."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from teleop.operator_view import LinkView, PictureView
from tests.console.fakes import CALL, driven, link_view, robot_state
from transport.messages import Hold, HoldReason, Mode, Phase
from ui.facts import Facts
from ui.screen import Screen
from ui.view_state import screen_of

NOW = 10**12
S = 10**9
WALL = datetime(2026, 3, 4, 14, 32, 8)  # noqa: DTZ001 - local time of the operator's wall


def camera(name: str = "front", age_ms: float | None = 62.0, **changes: object) -> PictureView:
    """A camera whose picture is live."""
    ages = () if age_ms is None else (age_ms,) * 5
    view = PictureView(name, age_ms, 100, 30.0, "14:32:05", ages)
    return replace(view, **changes)  # type: ignore[arg-type]


def screen(
    link: LinkView, facts: Facts | None = None, *pictures: PictureView, now_ns: int = NOW
) -> Screen:
    """What the window shows of `link`."""
    shown = pictures or (camera(), camera("ceiling", 71.0))
    return screen_of(link, shown, facts or Facts(), now_ns, WALL)


def held(reason: HoldReason, value: float = 0.0, limit: float = 0.0, **changes: object) -> LinkView:
    """A robot of yours that holds."""
    hold = Hold(reason=reason, value=value, limit=limit)
    return link_view(driven(mode=Mode.HOLD, hold=hold, **changes))


CALLING = robot_state(
    mode=Mode.HOLD, phase=Phase.HANDOVER, call=CALL, hold=Hold(reason=HoldReason.CALLING)
)
