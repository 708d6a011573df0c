"""What the operator's side knows at one moment, frozen, for the window to render.

Pure. `teleop.operator_link` makes a `LinkView` whenever something changed; `ui.view_state` turns it
into words. No word on the screen comes from what the console hopes: the robot reports.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from teleop.hardware_replay import Stage
from teleop.self_test import SelfTest
from transport.handshake import Trouble
from transport.messages import MediaState, RobotState, Role


class Reach(StrEnum):
    """Whether the robot can be heard."""

    SEARCHING = "searching"  # never heard since the console started
    CONNECTED = "connected"
    LOST = "lost"  # heard before, silent now


@dataclass(frozen=True)
class StopView:
    """The operator's own STOP: sent, and answered or not."""

    sent_ns: int  # this console's clock
    acked_ns: int | None = None  # this console's clock; None: no answer yet
    trouble: Trouble | None = None  # why STOP does not reach the robot

    @property
    def round_trip_ms(self) -> float | None:
        """Key to answer, None while waiting."""
        return None if self.acked_ns is None else (self.acked_ns - self.sent_ns) / 1e6


@dataclass(frozen=True)
class Refused:
    """The robot said no to a request, in its own words."""

    what: str  # "Request lease"
    reason: str
    stamp_ns: int  # this console's clock


@dataclass(frozen=True)
class ReplayView:
    """A replay for the screen: numbers, no words."""

    name: str  # of the demonstration
    stage: Stage
    played: int
    actions: int
    off: float  # of the measurement that is furthest off, as a share of its limit
    limit: float  # how far off that one may be while it is played
    unit: str  # of both: m, rad, or 1 of a gripper's stroke
    away_m: float  # distance to the start
    known: bool  # the robot has said where it is
    sentence: str  # what it has shown so far
    trouble: str = ""  # why it could not be written down


@dataclass(frozen=True)
class LinkView:
    """The robot as heard by this console."""

    address: str  # host:port
    name: str  # by which the robot knows this console; empty: it has not said so yet
    role: Role | None  # what the robot lets this console do; None: it has not said so yet
    session: str
    reach: Reach
    silent_ms: float  # since the last RobotState (or since the start, when there was none)
    trouble: Trouble | None  # why the robot is not reached; None: it is
    state: RobotState | None
    media: MediaState | None
    media_silent_ms: float
    round_trip_ms: float | None  # of the last ping
    round_trip_p95_ms: float | None  # of the pings of the last 10 s
    clock_offset_ns: int | None  # robot clock minus console clock
    yours: bool  # the lease is this session's
    command_hz: float  # commands sent, measured
    command_ms: tuple[float, ...]  # recent key-event-to-applied times, newest last
    stop: StopView | None
    refused: Refused | None
    self_test: SelfTest
    unattended_s: float | None  # until the lease is given back for want of anybody here
    let_go_ns: int | None  # when that happened last; this console's clock
    input_device: str
    deadman: bool
    # What the hands do is heeded: this window has the focus, or the pad's profile needs none.
    focused: bool = True
    input_problem: str = ""  # why the input device may not drive, in plain words; empty: it may
    replay: ReplayView | None = None  # what this console plays on the robot


@dataclass(frozen=True)
class PictureView:
    """One camera as this window shows it."""

    camera: str
    age_ms: float | None  # of what is on the screen now; None: nothing painted yet
    painted: int  # frames painted so far; the LIVE hand turns with it
    fps: float  # painted per second
    last_painted_wall: str  # "14:32:05", for a stale picture
    ages_ms: tuple[float, ...] = field(default=())  # recent ages at paint, newest last
