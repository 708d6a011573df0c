"""Packets to frames: each frame as soon as it is whole, none that could not be shown truly.

Pure: time is passed in. Frames come out in the order of the stream. Behind a lost packet they wait
as long as it may still be sent again; when that is over a key frame is asked for, and whichever is
there first, the packet or a whole key frame, ends the wait. What builds on a frame that never came
is never given out: a picture is late rather than wrong, and its age says so.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from transport.arrivals import Arrivals
from transport.clock import NS_PER_MS

START_CODE: Final = b"\x00\x00\x00\x01"  # what a depayloaded NAL unit begins with
_NAL_IDR, _NAL_SPS = 5, 7  # H.264 7.4.1
MOST_PACKETS: Final = 1024  # waiting; three seconds at 4 Mbit/s, then only a key frame helps
ASK_AGAIN_MS: Final = 300.0  # the request, or the key frame, may be lost, too


@dataclass(frozen=True)
class Piece:
    """One RTP packet of H.264, depayloaded to Annex B."""

    sequence: int  # 16 bits, as on the wire
    timestamp: int
    marker: bool  # the last of its frame (RFC 6184 5.1)
    data: bytes


@dataclass(frozen=True)
class WholeFrame:
    """One frame, Annex B."""

    timestamp: int
    data: bytes
    is_key: bool


class Reassembly:
    """The packets of one camera that wait to be whole frames."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.abandoned = 0  # frames, as far as they were seen, that a key frame was jumped to over
        self.requests = 0  # for key frames
        self._arrivals = arrivals
        self._restarts = 0
        self._pieces: dict[int, Piece] = {}  # by sequence number without wrapping
        self._sets: set[int] = set()  # packets with parameter sets: key frames begin there
        self._next: int | None = None  # first packet of the next frame; None: a key frame's
        self._begun_ns = 0  # when the first packet came since everything was forgotten
        self._asked_ns = 0

    def add(self, piece: Piece, now_ns: int) -> tuple[list[WholeFrame], bool]:
        """(frames that are whole now, whether to ask for a key frame)."""
        number = self._arrivals.arrived(piece.sequence, now_ns)
        if self._arrivals.restarts != self._restarts:
            self._restarts = self._arrivals.restarts
            self._forget()
        if not self._pieces and self._next is None:
            self._begun_ns = now_ns
        if number in self._pieces or (self._next is not None and number < self._next):
            return [], self._wants_key(now_ns)  # a copy, or given out or up already
        self._pieces[number] = piece
        if _NAL_SPS in nal_types(piece.data):
            self._sets.add(number)
        frames = self._take_whole()
        return frames, self._wants_key(now_ns)

    def _forget(self) -> None:
        self._pieces.clear()
        self._sets.clear()
        self._next = None

    def _wants_key(self, now_ns: int) -> bool:
        """Whether a key frame is the way out, and it is time to say so (again)."""
        if len(self._pieces) > MOST_PACKETS:
            self._arrivals.given_up(max(self._pieces))
            self._forget()
            self._begun_ns = 0
        since = [self._arrivals.oldest_ns(), self._begun_ns if self._next is None else None]
        oldest_ns = min((ns for ns in since if ns is not None), default=now_ns)
        if now_ns - oldest_ns <= self._arrivals.patience_ms * NS_PER_MS:
            return False
        if self._asked_ns and now_ns - self._asked_ns < ASK_AGAIN_MS * NS_PER_MS:
            return False
        self._asked_ns = now_ns
        self.requests += 1
        return True

    # --- which frames are whole ---

    def _take_whole(self) -> list[WholeFrame]:
        frames: list[WholeFrame] = []
        while True:
            end = self._end_from(self._next) if self._next is not None else None
            if end is None or self._next is None:
                break
            frames.append(self._given_out(self._next, end))
        key = self._newest_whole_key()
        if key is not None:
            self._abandon_before(key[0])
            frames.append(self._given_out(*key))
            frames += self._take_whole()
        return frames

    def _end_from(self, begin: int) -> int | None:
        """The last packet of the frame that begins there, None while one of it is missing."""
        number = begin
        while (piece := self._pieces.get(number)) is not None:
            if piece.marker:
                return number
            number += 1
        return None

    def _newest_whole_key(self) -> tuple[int, int] | None:
        """(first, last packet) of the newest key frame that is whole, None without one."""
        for number in sorted(self._sets, reverse=True):
            begin = self._begin_of(number)
            end = self._end_from(begin)
            if end is not None:
                return begin, end
        return None

    def _begin_of(self, number: int) -> int:
        """The first packet of a key frame whose parameter sets are in `number`."""
        timestamp = self._pieces[number].timestamp
        while (before := self._pieces.get(number - 1)) and before.timestamp == timestamp:
            number -= 1
        return number

    def _abandon_before(self, begin: int) -> None:
        given_up = {piece.timestamp for n, piece in self._pieces.items() if n < begin}
        self.abandoned += len(given_up)
        self._pieces = {n: piece for n, piece in self._pieces.items() if n >= begin}

    def _given_out(self, begin: int, end: int) -> WholeFrame:
        pieces = [self._pieces.pop(number) for number in range(begin, end + 1)]
        self._next = end + 1
        self._arrivals.given_up(self._next)
        self._sets = {n for n in self._sets if n > end}
        data = b"".join(piece.data for piece in pieces)
        return WholeFrame(pieces[0].timestamp, data, is_key=_NAL_IDR in nal_types(data))


def nal_types(data: bytes) -> set[int]:
    """Types of the NAL units that begin in some Annex B bytes with four-byte start codes."""
    return {part[0] & 0x1F for part in data.split(START_CODE)[1:] if part}


class Backlog:
    """Whole frames that wait for the decoder; when it is behind, up to the next key frame go.

    It is behind when a frame has waited for too long, whatever their number: behind a packet that
    was sent again, a dozen frames are whole at once, and are decoded in a moment.
    """

    def __init__(self, longest_ms: float) -> None:
        """`longest_ms`: how long a frame may wait."""
        self.dropped = 0
        self._longest_ns = round(longest_ms * NS_PER_MS)
        self._waiting: deque[tuple[WholeFrame, int]] = deque()  # and since when
        self._asked_ns: int | None = None  # for the key frame that is waited for

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, frame: WholeFrame, now_ns: int) -> bool:
        """Take a frame in; True when a key frame is needed to go on, and again while it is."""
        if frame.is_key:
            self.dropped += len(self._waiting)
            self._waiting.clear()
            self._asked_ns = None
        elif self._asked_ns is not None or self._is_behind(now_ns):
            self.dropped += 1 + len(self._waiting)
            self._waiting.clear()
            asked_ns = self._asked_ns
            if asked_ns is not None and now_ns - asked_ns < ASK_AGAIN_MS * NS_PER_MS:
                return False
            self._asked_ns = now_ns
            return True
        self._waiting.append((frame, now_ns))
        return False

    def take(self) -> WholeFrame | None:
        """The next frame to decode, None when there is none."""
        return self._waiting.popleft()[0] if self._waiting else None

    def _is_behind(self, now_ns: int) -> bool:
        return bool(self._waiting) and now_ns - self._waiting[0][1] > self._longest_ns
