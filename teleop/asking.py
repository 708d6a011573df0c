"""What this console asks of the robot: what waits to be sent, what waits for its answer.

Not for several threads at once: the link's lock is around it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from teleop.operator_view import Refused
from transport.messages import (
    Arm,
    ChooseProfile,
    ClearFault,
    DenyLease,
    ForceLease,
    GrantLease,
    HandBack,
    KeepLease,
    LabelEpisode,
    LookAtCall,
    MarkMoment,
    MarkOutcome,
    MarkPhase,
    PassCall,
    Ping,
    ReleaseLease,
    Reply,
    Request,
    RequestBody,
    RequestLease,
    ResetStop,
    SkipCall,
    StartPolicy,
)

WAITING: Final = 32  # requests not sent yet; more are the oldest ones' loss
UNANSWERED: Final = 64  # replies that never came

SPOKEN: Final[dict[type, str]] = {
    Ping: "Ping",
    RequestLease: "Request lease",
    ForceLease: "Take over",
    GrantLease: "Grant the lease",
    DenyLease: "Keep the lease",
    KeepLease: "Renew the lease",
    ReleaseLease: "Release lease",
    Arm: "Arm",
    MarkOutcome: "Mark the outcome",
    MarkPhase: "Mark the phase",
    MarkMoment: "Set a marker",
    LabelEpisode: "Label the episode",
    ChooseProfile: "Change the speed profile",
    StartPolicy: "Let it drive",
    HandBack: "Hand back",
    ResetStop: "Reset",
    ClearFault: "Clear the fault",
    LookAtCall: "Look at the call",
    SkipCall: "Skip the call",
    PassCall: "Pass the call on",
}


@dataclass(frozen=True)
class Asked:
    """A request under way."""

    body: RequestBody
    sent_ns: int

    @property
    def unprompted(self) -> bool:
        """Whether the link asked by itself: its refusal is no news for the operator."""
        return isinstance(self.body, Ping | KeepLease | LookAtCall)


class Asking:
    """The requests of one session."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._waiting: deque[RequestBody] = deque(maxlen=WAITING)
        self._asked: dict[int, Asked] = {}
        self._next_id = 1

    def want(self, body: RequestBody) -> None:
        """Send this one, as soon as the link's thread comes round."""
        self._waiting.append(body)

    def next_wanted(self) -> RequestBody | None:
        """The oldest that was not sent yet; it is forgotten here."""
        return self._waiting.popleft() if self._waiting else None

    def take_id(self) -> int:
        """A number for a message that wants an answer."""
        self._next_id += 1
        return self._next_id

    def request(self, body: RequestBody, stamp_ns: int) -> Request:
        """The message to send now; its reply will be recognised."""
        request_id = self.take_id()
        self._asked[request_id] = Asked(body, stamp_ns)
        while len(self._asked) > UNANSWERED:
            self._asked.pop(next(iter(self._asked)))
        return Request(request_id=request_id, session=self._session, body=body)

    def answered(self, reply: Reply) -> Asked | None:
        """What this reply answers; None when it was not asked, or answered already."""
        return self._asked.pop(reply.request_id, None)


def refused(body: RequestBody, reason: str, stamp_ns: int) -> Refused:
    """A refusal in the operator's words."""
    return Refused(SPOKEN[type(body)], reason, stamp_ns)
