"""What one console has heard of its robot, and what follows for its lease. Pure: time is passed in.

Not for several threads at once: the link's lock is around it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from teleop.asking import Asked, refused
from teleop.operator_view import Reach, Refused
from teleop.round_trips import RoundTrips
from transport.channels import STATE
from transport.clock import NS_PER_MS
from transport.handshake import Trouble
from transport.messages import (
    Beat,
    ForceLease,
    HandBack,
    KeepLease,
    MediaState,
    Ping,
    ReleaseLease,
    Reply,
    RequestBody,
    RequestLease,
    RobotState,
    Role,
)

FIGURES_KEPT: Final = 600  # command times kept for the percentiles


class Hearing:
    """The newest of everything. Stamps are this console's clock unless they say otherwise."""

    def __init__(self, session: str, started_ns: int) -> None:
        self._session = session
        self._state_ns = self._media_ns = started_ns
        self._timed_input_ns = 0
        self._name = ""
        self._role: Role | None = None
        self._beat: Beat | None = None
        self.state: RobotState | None = None
        self.media: MediaState | None = None
        self.trouble: Trouble | None = None
        self.epoch = 0  # of our lease; 0: none
        self.round_trips = RoundTrips()
        self.command_ms: deque[float] = deque(maxlen=FIGURES_KEPT)
        self.refused: Refused | None = None

    # --- what it comes to ---

    @property
    def name(self) -> str:
        """By which the robot knows this console; empty as long as it has not said so."""
        return "" if self.trouble is Trouble.NOT_PAIRED else self._name

    @property
    def role(self) -> Role | None:
        """What the robot lets this console do."""
        return None if self.trouble is Trouble.NOT_PAIRED else self._role

    @property
    def yours(self) -> bool:
        """Whether the robot says that the lease is this console's."""
        return self.state is not None and self.state.lease.session == self._session

    @property
    def state_ns(self) -> int:
        """When the state was heard; before the first: when the console started."""
        return self._state_ns

    def echo_ns(self, now_ns: int) -> int:
        """The newest stamp heard of the robot, for a command to carry; 0: none.

        A beat counts only beside a state that is not lost: nobody drives by what cannot be seen.
        """
        if self.state is None:
            return 0
        beat = self._beat
        if beat is None or beat.boot_id != self.state.boot_id or self.fresh(now_ns) is None:
            return self.state.stamp_ns
        return max(beat.stamp_ns, self.state.stamp_ns)

    def silent_ms(self, now_ns: int) -> float:
        """Since the robot was heard last, or since the start."""
        return (now_ns - self._state_ns) / NS_PER_MS

    def media_silent_ms(self, now_ns: int) -> float:
        """The same of cameras and recorder."""
        return (now_ns - self._media_ns) / NS_PER_MS

    def reach(self, now_ns: int) -> Reach:
        """Whether the robot can be heard."""
        if self.state is None:
            return Reach.SEARCHING
        return Reach.LOST if self.silent_ms(now_ns) > STATE.ttl_ms else Reach.CONNECTED

    def fresh(self, now_ns: int) -> RobotState | None:
        """The state, unless it is too old to be true."""
        return self.state if self.reach(now_ns) is Reach.CONNECTED else None

    def keeping(self) -> KeepLease:
        """What renews the lease, with what the robot's record is to know of the clocks."""
        offset_ns, error_ns = self.round_trips.offset_ns, self.round_trips.error_ns
        if offset_ns is None or error_ns is None:
            return KeepLease(epoch=self.epoch)
        return KeepLease(epoch=self.epoch, clock_offset_ns=offset_ns, clock_error_ns=error_ns)

    # --- what comes in ---

    def hear_state(self, state: RobotState, now_ns: int) -> bool:
        """Take in a state; True when it is that of another life of the robot."""
        restarted = self.state is not None and state.boot_id != self.state.boot_id
        if restarted:
            self.epoch = 0
            self.round_trips.clear()
        self.state, self._state_ns = state, now_ns
        self.round_trips.heard(state.stamp_ns, now_ns)
        if self.yours:
            self.epoch = state.lease.epoch
        elif state.lease.epoch >= self.epoch:
            self.epoch = 0
        self._time_command(state)
        return restarted

    def hear_beat(self, beat: Beat) -> None:
        """Take in a beat."""
        self._beat = beat

    def hear_media(self, media: MediaState, now_ns: int) -> None:
        """Take in what cameras and recorder say."""
        self.media, self._media_ns = media, now_ns

    def hear_reply(self, asked: Asked, reply: Reply, now_ns: int) -> None:
        """Take in the answer to a request."""
        self._name, self._role = reply.name, reply.role
        match asked.body:
            case Ping():
                self.round_trips.add(asked.sent_ns, now_ns, reply.stamp_ns)
            case RequestLease() | ForceLease() if reply.ok:
                self.epoch = reply.epoch  # 0: its holder was asked
            case HandBack() | ReleaseLease() if reply.ok:
                self.epoch = 0
            case KeepLease() if not reply.ok:
                self.epoch = 0  # the state says who has the lease
        if not asked.unprompted:
            # What was refused before is no news any more.
            self.refused = None if reply.ok else refused(asked.body, reply.reason, now_ns)

    def not_sent(self, body: RequestBody, now_ns: int) -> None:
        """There was no connection to send a request on."""
        self.refused = refused(body, "the robot does not answer", now_ns)

    def _time_command(self, state: RobotState) -> None:
        """Key event to `apply`, both ends on this console's clock."""
        offset_ns = self.round_trips.offset_ns
        if state.command_input_ns in (0, self._timed_input_ns) or offset_ns is None:
            return
        self._timed_input_ns = state.command_input_ns
        if not self.yours:
            return
        applied_here_ns = state.command_applied_ns - offset_ns
        self.command_ms.append((applied_here_ns - state.command_input_ns) / NS_PER_MS)
