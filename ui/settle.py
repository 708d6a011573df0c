"""Keeps the readiness word from flickering. Pure.

What is abnormal appears at once and leaves after half a second of normal, so that a state that
comes and goes within one blink is seen at all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ui.screen import Chip, Look, Screen

STAND_NS: Final = 400_000_000  # a word stands at least this long, except towards the more severe
CALM_NS: Final = 500_000_000  # of normal before the abnormal leaves

SEVERITY: Final = {
    Look.QUIET: 0,
    Look.DIM: 0,
    Look.YOURS: 0,
    Look.LIMITED: 1,
    Look.HOLD: 2,
    Look.FAILED: 2,
    Look.LATCHED: 3,
}


class Settle:
    """Remembers the readiness that is shown, and since when."""

    def __init__(self) -> None:
        self._shown: Chip | None = None
        self._since_ns = 0
        self._calmer_ns: int | None = None

    def settled(self, screen: Screen, now_ns: int) -> Screen:
        """The screen with the readiness that is to be shown now."""
        wanted, shown = screen.readiness, self._shown
        if shown is None or wanted.word == shown.word:
            self._take(wanted, now_ns if shown is None else self._since_ns)
            return screen
        if SEVERITY[wanted.look] > SEVERITY[shown.look]:
            self._take(wanted, now_ns)
            return screen
        if self._calmer_ns is None:
            self._calmer_ns = now_ns
        calmer = SEVERITY[wanted.look] < SEVERITY[shown.look]
        stood = now_ns - self._since_ns >= STAND_NS
        calm = not calmer or now_ns - self._calmer_ns >= CALM_NS
        # A latched state ends because somebody reset it: that is no flicker.
        if (stood and calm) or shown.look is Look.LATCHED:
            self._take(wanted, now_ns)
            return screen
        return replace(screen, readiness=shown)

    def _take(self, chip: Chip, since_ns: int) -> None:
        self._shown = chip
        self._since_ns = since_ns
        self._calmer_ns = None
