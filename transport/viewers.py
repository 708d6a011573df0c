"""Who gets a place in front of a robot's cameras, how often one may ask, and when a place is free.

Pure: time is handed in. A viewer is a session of an authenticated key; its place is found by both,
so nobody takes another one's place by naming its session.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from transport.clock import NS_PER_MS

PLACES: Final = 8  # two cameras are 5 Mbit/s for each viewer; 40 Mbit/s is a good uplink
DRIVERS_PLACES: Final = 2  # of these, for keys that may drive: watching never blinds a driver
PLACES_PER_KEY: Final = 2  # a console, and the one that was started after it died
CONFIRM_MS: Final = 5_000  # from the robot's answer until both ends have said that pictures flow
# A viewer reports its reception (RTCP) every 0.5 to 1.5 s. One that is silent for so long has died,
# and its console would have offered again after 2 s; ICE alone notices after 30 s.
SILENT_MS: Final = 5_000
OFFERS_PER_S: Final = 2  # a console that fails at once tries again after 0.5 s
OFFERS_AT_ONCE: Final = 5


class ViewerId(NamedTuple):
    """Whose viewer: the authenticated public key, and the session its console made."""

    key: str
    session: str


def no_place(taken: Collection[ViewerId], viewer: ViewerId, *, may_drive: bool) -> str:
    """Why `viewer` gets no place beside those `taken`, as a sentence; empty when it gets one.

    A viewer that has a place already keeps it.
    """
    if viewer in taken:
        return ""
    if sum(other.key == viewer.key for other in taken) >= PLACES_PER_KEY:
        return (
            f"{PLACES_PER_KEY} consoles with your key show the cameras already; close one of them"
        )
    places = PLACES if may_drive else PLACES - DRIVERS_PLACES
    if len(taken) >= places:
        kept = "" if may_drive else " (the last are kept for those who may drive)"
        return f"{len(taken)} viewers show the cameras already{kept}; try again when one has left"
    return ""


def place_lost(*, answered_ns: int, confirmed: bool, heard_ns: int, now_ns: int) -> str:
    """Why a viewer loses its place now; empty while it keeps it.

    Args:
        answered_ns: when the robot answered its offer.
        confirmed: whether it has confirmed since.
        heard_ns: when something of it arrived last; counts once it has confirmed.
        now_ns: the same clock.
    """
    if not confirmed:
        late = now_ns - answered_ns >= CONFIRM_MS * NS_PER_MS
        return f"not confirmed within {CONFIRM_MS // 1000} s" if late else ""
    silent = now_ns - heard_ns >= SILENT_MS * NS_PER_MS
    return f"silent for {SILENT_MS // 1000} s" if silent else ""
