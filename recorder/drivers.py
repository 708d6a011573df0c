"""Whose data an episode is: who had the robot in which of its ticks, and who else is named.

Pure, over the ticks of a log, so that sealing, recovery and `verify` agree. An episode begins ten
seconds before its call or takeover: whoever drove there stands in it as well, under a consent of
his own.
"""

from __future__ import annotations

from typing import Final

import msgspec

from recorder.episode import Label
from recorder.provenance import Driver
from transport.messages import Tick

# Only who has the robot causes these. That of the tick in which it is given up tells it no more.
_BY_DRIVER: Final = frozenset(
    {"takeover", "outcome", "phase", "marker", "hand_back"}
    | {"lease_passed", "link_lost", "released"}
)


class Drivers:
    """Collects everybody who stands in a run of ticks."""

    def __init__(self) -> None:
        self._found: list[Driver] = []
        self._named: set[str] = set()
        self._before = -1  # number of the tick before

    def add(self, tick: Tick) -> None:
        """Look at one more tick."""
        said = {event.by for event in tick.events if event.kind in _BY_DRIVER} - {""}
        for name in sorted(said - {tick.operator}):
            self._had(name, None, tick.tick)
        if tick.operator:
            self._had(tick.operator, tick.consent, tick.tick)
        self._named |= {event.by for event in tick.events}
        self._before = tick.tick

    def said(self, label: Label) -> None:
        """Look at what somebody said between two ticks."""
        self._named.add(label.by)

    @property
    def found(self) -> tuple[Driver, ...]:
        """A stretch of ticks each, in order."""
        return tuple(self._found)

    @property
    def named(self) -> tuple[str, ...]:
        """Everybody else whose name stands there, in the order of the alphabet."""
        return tuple(sorted(self._named - {driver.name for driver in self._found} - {""}))

    def _had(self, name: str, consent: str | None, tick: int) -> None:
        """`consent` is None where the tick does not tell it: it is the one of the tick before."""
        for place, driver in enumerate(self._found):
            goes_on = driver.last_tick in (self._before, tick) and driver.name == name
            if goes_on and consent in (None, driver.consent):
                self._found[place] = msgspec.structs.replace(driver, last_tick=tick)
                return
        self._found.append(
            Driver(name=name, consent=consent or "", first_tick=tick, last_tick=tick)
        )
