"""What a console wants from one robot's archive, asked for in one request after the other.

Pure: time is handed in. There is at most one wish of each kind and camera; a newer one takes the
older one's place, of which nobody hears any more. Wishes take turns, a part of a rewind each time,
so that a look does not wait for a whole rewind.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from teleop.rewind import Gathering, Rewind
from transport.archive_messages import (
    ASKS_AT_ONCE,
    ASKS_PER_S,
    THUMBNAIL_LEAST,
    THUMBNAIL_WIDTHS,
    ArchiveAnswer,
    ArchiveRequest,
    AuditPiece,
    AuditRequest,
    NotInArchive,
    RewindPart,
    RewindRequest,
    ThumbnailAnswer,
    ThumbnailRequest,
)
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import MalformedMessage
from transport.rate_limit import RateLimit

PATIENCE_NS: Final = 10 * NS_PER_S  # with a wish that makes no progress
AGAIN_NS: Final = 3 * NS_PER_S  # without an answer a request is sent again: robots drop a flood's
SOON_NS: Final = 300 * NS_PER_MS  # until what is not there yet is asked for again
MOST_WISHES: Final = 16  # to one robot; further ones are refused


@dataclass(frozen=True)
class Look:
    """The newest picture of a camera, small; becomes a `Seen`."""

    camera: str
    width: int = 160  # pixels, at most 320


@dataclass(frozen=True)
class BeforeCall:
    """What a camera saw before the present call; becomes a `Rewind`."""

    call_id: int
    camera: str


@dataclass(frozen=True)
class AuditLines:
    """Lines of the audit log, from a line's beginning on; becomes an `AuditPiece`."""

    day: datetime.date | None = None  # None: only which days there are
    offset: int = 0  # bytes


@dataclass(frozen=True, eq=False)
class Seen:
    """One picture. `bgra` is (height, width, 4) uint8, ready for QImage.Format_RGB32."""

    camera: str
    captured_ns: int  # the robot's clock
    age_ms: float  # when the robot answered
    received_ns: int  # this console's clock
    bgra: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Missing:
    """There is none; `reason` is a sentence for the operator."""

    reason: str


Wish: TypeAlias = Look | BeforeCall | AuditLines
Got: TypeAlias = Seen | Rewind | AuditPiece | Missing
Tell: TypeAlias = Callable[[Got], None]
Answered: TypeAlias = ThumbnailAnswer | Rewind | AuditPiece | Missing  # a picture still encoded
Told: TypeAlias = tuple[Tell, Answered]


@dataclass(eq=False)
class _Wanted:
    wish: Wish
    tell: Tell
    since_ns: int  # of the last progress
    due_ns: int  # not asked for before
    why_not_yet: str = ""  # the robot's word
    gathering: Gathering = field(default_factory=Gathering)

    @property
    def what(self) -> tuple[type[Wish], str]:
        camera = "" if isinstance(self.wish, AuditLines) else self.wish.camera
        return type(self.wish), camera


class Asks:
    """The wishes to one robot, and the request that is under way."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[type[Wish], str], _Wanted] = {}  # the next one to ask for is first
        self._asked: _Wanted | None = None  # what the present request is for
        self._request_id = 0
        self._sent_ns: int | None = None
        # Slower than robots allow: another window may have the same key.
        self._pace = RateLimit(ASKS_PER_S / 2, ASKS_AT_ONCE // 2)

    @property
    def idle(self) -> bool:
        """Whether nothing is wanted."""
        return not self._wanted

    def want(self, wish: Wish, tell: Tell, now_ns: int) -> list[Told]:
        """Take a wish; what has to be told of it at once."""
        wanted = _Wanted(wish, tell, since_ns=now_ns, due_ns=now_ns)
        before = self._wanted.get(wanted.what)
        if before is not None and before.wish == wish:
            before.tell = tell  # what has come of it already counts
        elif before is None and len(self._wanted) >= MOST_WISHES:
            return [(tell, Missing("Too much is asked of this robot at once; ask again."))]
        else:
            self._wanted[wanted.what] = wanted
        return []

    def next(self, now_ns: int) -> ArchiveRequest | None:
        """What to send now, None when there is nothing; the same again until it was `sent`."""
        if self._asked is None or not self._is_wanted(self._asked):
            due = next((one for one in self._wanted.values() if now_ns >= one.due_ns), None)
            if due is None or not self._pace.admits("", now_ns):
                self._asked = None
                return None
            self._asked, self._sent_ns = due, None
            self._request_id += 1
        if self._sent_ns is not None and now_ns - self._sent_ns < AGAIN_NS:
            return None
        return _request(self._request_id, self._asked)

    def sent(self, now_ns: int) -> None:
        """What `next` said is on its way."""
        self._sent_ns = now_ns

    def heard(self, answer: ArchiveAnswer | MalformedMessage, now_ns: int) -> list[Told]:
        """Something has come from the robot: what has to be told."""
        wanted = self._asked
        if wanted is None or not self._is_wanted(wanted):
            return []
        if not isinstance(answer, MalformedMessage) and answer.request_id != self._request_id:
            return []  # of a wish that was given up
        self._asked = None
        del self._wanted[wanted.what]
        try:
            found = _found(wanted, answer)
        except MalformedMessage as error:
            return [(wanted.tell, _unreadable(error))]
        if found is not None:
            return [(wanted.tell, found)]
        if isinstance(answer, NotInArchive):
            wanted.why_not_yet = answer.reason
            wanted.due_ns = now_ns + SOON_NS
        else:
            wanted.since_ns = now_ns
        self._wanted[wanted.what] = wanted  # the others first
        return []

    def expired(self, now_ns: int, trouble: str) -> list[Told]:
        """What nobody waits for any longer; `trouble` is what is known of the link."""
        late = [one for one in self._wanted.values() if now_ns - one.since_ns >= PATIENCE_NS]
        silent = f"The robot has not answered for {PATIENCE_NS // NS_PER_S} s"
        silent += f": {trouble}." if trouble else "."
        for one in late:
            del self._wanted[one.what]
        return [(one.tell, Missing(one.why_not_yet or silent)) for one in late]

    def given_up(self, reason: str) -> list[Told]:
        """Nothing will come of any of them."""
        told: list[Told] = [(one.tell, Missing(reason)) for one in self._wanted.values()]
        self._wanted.clear()
        return told

    def _is_wanted(self, wanted: _Wanted) -> bool:
        return self._wanted.get(wanted.what) is wanted


def _request(request_id: int, wanted: _Wanted) -> ArchiveRequest:
    match wanted.wish:
        case Look(camera, width):
            width = max(THUMBNAIL_LEAST, min(width, THUMBNAIL_WIDTHS[-1]))
            return ThumbnailRequest(request_id=request_id, camera=camera, width=width)
        case BeforeCall(call_id, camera):
            part = wanted.gathering.next_part
            return RewindRequest(request_id=request_id, call_id=call_id, camera=camera, part=part)
        case AuditLines(day, offset):
            return AuditRequest(request_id=request_id, day=day, offset=offset)


def _found(wanted: _Wanted, answer: ArchiveAnswer | MalformedMessage) -> Answered | None:
    """What the answer means for the wish; None when there is more to ask for.

    Raises:
        MalformedMessage: it is no answer to it.
    """
    match wanted.wish, answer:
        case _, MalformedMessage():
            raise answer
        case _, NotInArchive():
            return None if answer.soon else Missing(answer.reason)
        case Look(camera), ThumbnailAnswer() if answer.camera == camera:
            return answer
        case BeforeCall(call_id, camera), RewindPart() if (answer.call_id, answer.camera) == (
            call_id,
            camera,
        ):
            return wanted.gathering.take(answer)
        case AuditLines(), AuditPiece():
            return answer
    raise MalformedMessage("it answers something else")


def _unreadable(error: MalformedMessage) -> Missing:
    return Missing(f"The robot's answer cannot be read, is it of another version? {error}"[:400])
