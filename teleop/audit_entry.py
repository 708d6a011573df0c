"""The vocabulary of a robot's audit log: one frozen struct for each line, a closed schema. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta, field

from transport.messages import Count, Mode, Stamp, Wire

YEARS: Final = range(1969, 9000)  # a board without a battery starts in 1970
Wall = Annotated[datetime, Meta(tz=True)]
Seconds = Annotated[float, Meta(ge=0.0, le=1e9)]


class Kind(StrEnum):
    """What an entry is about."""

    STARTED = "started"  # the log of a boot begins; after_s: for how long control has run by then
    ENDED = "ended"  # … ends: the robot was switched off, or control started anew
    MINUTE = "minute"  # modes: seconds in each since the last such entry, or the start
    CALL = "call"
    CALL_ENDED = "call_ended"  # text: accepted, withdrawn; after_s: since the call
    TAKEOVER = "takeover"
    FIRST_MOTION = "first_motion"  # after_s: since the takeover
    PHASE = "phase"
    MARKER = "marker"
    OUTCOME = "outcome"
    HAND_BACK = "hand_back"  # text: the outcome; after_s: since the takeover
    RELEASED = "released"  # the lease ended without a hand-back
    REPLACED = "replaced"  # somebody else has the lease from here on; text: who took or got it
    STOP = "stop"
    STOP_RESET = "stop_reset"
    LINK_LOST = "link_lost"
    LINK_DIP = "link_dip"  # it held for want of commands or pictures; after_s: for so long
    FAULT = "fault"
    FAULT_CLEARED = "fault_cleared"
    EPISODE = "episode"  # sealed: which intervention it shows
    VERDICT = "verdict"
    LABEL = "label"  # somebody said something about an episode
    NOTE = "note"  # any other event, its kind first: armed, profile, lease_asked, scene_reset …


ENDS_TURN: Final = frozenset({Kind.HAND_BACK, Kind.RELEASED, Kind.REPLACED, Kind.ENDED})


class Driven(Wire, frozen=True, omit_defaults=True):
    """What one operator has done so far in one turn, from getting the robot to giving it up."""

    held_s: Seconds = 0.0  # had the lease
    driven_s: Seconds = 0.0  # … and the robot obeyed a held deadman: mode TELEOP
    motion_rows: Count = 0  # rows, 30 a second, in which it moved as the operator wished
    inputs: Count = 0  # distinct inputs, key events or positions of a stick, that were obeyed


class AuditEntry(Wire, frozen=True, omit_defaults=True):
    """One line of the log. What is not known, or not meant by its kind, is left out."""

    wall: Wall  # UTC, to a millisecond, for people
    robot: str
    boot_id: str
    kind: Kind
    stamp_ns: Stamp  # the robot's clock; with `n` the order within a boot
    n: Count = 0  # counts the entries since the log's process began
    site: str = ""
    by: str = ""  # name on the robot's list; of an end of a turn: whose turn it was
    key: str = ""  # their public key
    session: Count = 0  # number of the drive: the lease's epoch, which only grows
    intervention: int = -1  # number within the boot; -1: nobody has the robot
    task: str = ""
    reason: str = ""  # of the call that this is about: "Wedged under furniture"
    x_m: float | None = None  # where: world frame; of an arm its hand, frame of its base
    y_m: float | None = None
    text: str = ""
    after_s: Seconds | None = None  # see `Kind`
    modes: dict[Mode, Seconds] = field(default_factory=dict)
    did: Driven | None = None  # of the running turn, or of the one that ends here
    episode: str = ""
    shown_boot_id: str = ""  # of `EPISODE`: the boot whose `intervention` it shows
    label: str = ""  # what is said: outcome, reason, task …
    verdict: str = ""
    lost: Count = 0  # entries before this one that could not be written


def line_of(entry: AuditEntry) -> bytes:
    """The entry as a line of the log, its end included."""
    return msgspec.json.encode(entry) + b"\n"


_decode = msgspec.json.Decoder(AuditEntry).decode


def entry_in(line: bytes) -> AuditEntry | None:
    """The entry in a line; None for one that is torn, or that another version wrote."""
    try:
        entry = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return entry if entry.wall.year in YEARS else None
