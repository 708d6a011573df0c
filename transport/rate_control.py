"""How many bits a camera may have: what each viewer's line carries, and whom the encoder follows.

Pure: time is handed in. A viewer's line is judged by what its receiver reports over RTCP: an
estimate of the rate that arrives (REMB, draft-alvestrand-rmcat-remb), which falls, and comes with
every frame, when packets take longer and longer; and the share of packets lost (RR, RFC 3550).

Down at once, up slowly. When a line is too narrow its queue holds what was sent too much; that is
waited for, not only sent more slowly, because everything else on the line waits in it, too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from transport.clock import NS_PER_MS, NS_PER_S

# At 640x480@30; other sizes in proportion to (pixels per second)^0.75, as bits are not needed in
# proportion to pixels. The ceiling is where our encoder's pictures stop getting visibly better.
FLOOR_BPS: Final = 50_000
START_BPS: Final = 1_000_000  # a key frame of it passes 500 kbit/s in a quarter of a second
CEILING_BPS: Final = 4_000_000
_REFERENCE_RATE: Final = 640 * 480 * 30  # pixels per second
_EXPONENT: Final = 0.75
_FRAME_BITS: Final = 10_000  # at 640x480: with less in a frame, fewer frames are the better picture
SMALL_FPS: Final = 15.0  # of a small rendition, for a pane at the side
MIN_FPS: Final = 10.0  # a picture every 100 ms is the least to drive by

# A receiver repeats its estimate every 500 ms (aiortc, rate.py), sooner only while it sees delays
# grow; libwebrtc's likewise, or when it falls by 3 %.
_SOON_NS: Final = 400 * NS_PER_MS
_LOWER: Final = 0.97
_RECEIVED: Final = 0.85  # an estimate under congestion is this share of what arrived (the same)
_BACK_OFF: Final = 0.7  # of the estimate, which is a mean of the last second and lags behind
_AGAIN: Final = 0.6  # while it goes on
_A_LITTLE: Final = 0.85  # where no queue can be made out
_AGAIN_NS: Final = 150 * NS_PER_MS  # longer than a round trip takes to show the last step
_HOLD_NS: Final = NS_PER_S  # at most this long nothing is sent, whatever is under way
_DRAIN: Final = 1.5  # times as long as the queue would take alone: others go on sending
_ARRIVING_NS: Final = 250 * NS_PER_MS  # without an estimate: nothing of ours arrives any more
_WINDOW_NS: Final = NS_PER_S  # the receiver's mean

_CALM_NS: Final = 700 * NS_PER_MS  # without a sign of congestion before the rate grows
_SILENT_NS: Final = 2 * NS_PER_S  # reports come every 0.5 to 1.5 s (RFC 3550 6.2, aiortc)
# A queue that stands still delays without growing; only the round trip shows it.
_QUEUE_MS: Final = 80.0  # above the shortest round trip; two frames at 30 Hz and some jitter
_CLOGGED_MS: Final = 150.0  # then others on the line are about to miss their own limits
_CLOGGED_FPS: Final = 3.0  # the picture is late anyway; an empty line makes it young again
_FORGET: Final = 0.02  # of the difference, per report: a new way may be longer for good
_LOSS_DOWN: Final = 0.10  # more lost: slower; below the next: faster; Google's congestion control
_LOSS_HOLD: Final = 0.02  # (draft-ietf-rmcat-gcc-02, 6)
_OVERRUN_S: Final = 0.25  # of a rate that may go out at once
_REPEATED: Final = 0.5  # of the rate, in addition, for lost packets; enough at 20 % loss
_USED: Final = 0.6  # of the rate has to be in use before more is tried
# Growth per second: until a line was found too narrow, well below the rate that was too much, near
# it, and past it.
_START, _BACK, _NEAR, _PAST = 1.5, 1.25, 1.04, 1.15
_NEAR_FROM, _NEAR_TO = 0.8, 1.1


@dataclass(frozen=True)
class RateLimits:
    """Between what a camera's rate moves; bits per second."""

    floor_bps: int
    start_bps: int
    ceiling_bps: int
    fps: float
    frame_bits: float  # of a frame, below which fewer frames are sent instead

    def fps_at(self, bitrate_bps: int) -> float:
        """Frames per second that a rate is good for."""
        return min(self.fps, max(MIN_FPS, bitrate_bps / self.frame_bits))

    def small(self) -> RateLimits:
        """Those of a small rendition of the same camera: half the size, `SMALL_FPS`."""
        scale: float = (SMALL_FPS / self.fps / 4) ** _EXPONENT
        return RateLimits(
            floor_bps=int(self.floor_bps * scale),
            start_bps=int(self.start_bps * scale),
            ceiling_bps=int(self.ceiling_bps * scale),
            fps=SMALL_FPS,
            frame_bits=self.frame_bits * 0.25**_EXPONENT,
        )


def limits_for(
    width: int,
    height: int,
    fps: float,
    floor_bps: int = FLOOR_BPS,
    ceiling_bps: int = CEILING_BPS,
) -> RateLimits:
    """The limits of a camera; `floor_bps` and `ceiling_bps` are meant for 640x480 at 30 Hz."""
    scale: float = (width * height * fps / _REFERENCE_RATE) ** _EXPONENT
    frame_scale: float = (width * height / (640 * 480)) ** _EXPONENT
    start_bps = min(max(START_BPS, floor_bps), ceiling_bps)
    return RateLimits(
        floor_bps=int(floor_bps * scale),
        start_bps=int(start_bps * scale),
        ceiling_bps=int(ceiling_bps * scale),
        fps=fps,
        frame_bits=_FRAME_BITS * frame_scale,
    )


class ViewerLine:
    """What the line to one viewer carries of one camera."""

    def __init__(self, limits: RateLimits, now_ns: int, start_bps: int = 0) -> None:
        """`start_bps`: what a former connection of the same viewer had; 0: nothing is known."""
        self._limits = limits
        self._rate = float(start_bps or limits.start_bps)
        self._grown_ns = now_ns  # until when growth is reckoned
        self._estimate_bps = 0.0
        self._estimate_ns = -_WINDOW_NS
        self._congested_ns: int | None = None
        self._cut_ns = -_WINDOW_NS
        self._too_much_bps = 0.0  # what was being sent when the line was too narrow last
        self.hold_until_ns = 0  # nothing is to be sent before
        self.clogged = False  # a long queue stands on the way: signs of life only
        self._heard_ns: int | None = None
        self._lossy = False
        self._shortest_ms = 0.0
        self._sent: deque[tuple[int, int]] = deque()  # when, bits; of the last second
        self._sent_bits = 0
        self._owed = _Debt(now_ns)
        self._repeated = _Debt(now_ns)

    # --- what is told ---

    def sent(self, bits: int, now_ns: int) -> None:
        """A frame of so many bits goes out to the viewer."""
        if self._heard_ns is None:
            self._heard_ns = now_ns  # from here on it may be expected to report
        self._note_sent(bits, now_ns)
        self._owed.add(bits, self._rate, now_ns)

    def estimated(self, bps: int, now_ns: int) -> None:
        """The receiver's estimate (REMB) has come."""
        self._heard_ns = now_ns
        since_ns = now_ns - self._estimate_ns
        lower = bps < self._estimate_bps * _LOWER
        repeated = since_ns < _SOON_NS and bps <= self._estimate_bps / _LOWER
        first = self._estimate_bps == 0.0 and bps < self._sent_bps(now_ns)
        self._estimate_bps, self._estimate_ns = float(bps), now_ns
        if lower or repeated or first:
            self._narrow(bps, now_ns)

    def reported(self, lost: float, rtt_ms: float | None, now_ns: int) -> None:
        """A receiver report has come.

        Args:
            lost: share of packets lost since the last report.
            rtt_ms: the round trip that it shows, not averaged; None: it shows none.
            now_ns: when it came.
        """
        self._heard_ns = now_ns
        if rtt_ms is not None:
            self._judge_round_trip(rtt_ms, now_ns)
        self._lossy = lost > _LOSS_HOLD
        # What was lost before the last cut has been paid for by it.
        if lost > _LOSS_DOWN and now_ns - self._cut_ns > _WINDOW_NS:
            self._grow(now_ns)
            self._set(self._rate * (1.0 - lost / 2.0))

    def overflowed(self, now_ns: int) -> None:
        """Its queue at this end was full: not even the sending keeps up."""
        self._cut(self._rate, now_ns, _AGAIN)

    # --- what follows ---

    def rate_bps(self, now_ns: int) -> int:
        """What the viewer may be sent now."""
        self._grow(now_ns)
        return int(self._rate)

    def holds(self, now_ns: int) -> bool:
        """Whether to send nothing for a moment: the line has to empty its queue first."""
        return now_ns < self.hold_until_ns

    def overrun(self, now_ns: int) -> bool:
        """Whether it has been sent more than its own rate allows, by a quarter of a second."""
        rate = self.rate_bps(now_ns)
        return self._owed.left(rate, now_ns) > rate * _OVERRUN_S

    def may_repeat(self, bits: int, now_ns: int) -> bool:
        """Whether a lost packet may be sent once more; if so it counts as sent.

        On a line that is too narrow, repeating what did not fit would only fill it again.
        """
        if self.holds(now_ns):
            return False
        share = self.rate_bps(now_ns) * _REPEATED
        if self._repeated.left(share, now_ns) > max(share * _OVERRUN_S, float(bits)):
            return False
        self._repeated.add(bits, share, now_ns)
        self._note_sent(bits, now_ns)
        return True

    # --- inside ---

    def _narrow(self, bps: int, now_ns: int) -> None:
        """Packets take longer and longer: the line carries less than it is sent."""
        sent_bps = self._sent_bps(now_ns)
        if self._congested_ns is None or now_ns - self._congested_ns > _CALM_NS:
            self._too_much_bps = min(self._rate, max(sent_bps, bps))
        self._congested_ns = now_ns
        if self.holds(now_ns):
            # What was under way still arrives. When that is over its estimates are, too.
            self.hold_until_ns = min(self.hold_until_ns, now_ns + _ARRIVING_NS)
            self._cut(bps * _BACK_OFF, now_ns, _AGAIN)
            return
        under_way = max(0.0, sent_bps - bps / _RECEIVED)  # bits sent, but not received, in a second
        queue_s = under_way / max(bps, 1)
        if queue_s >= _QUEUE_MS / 1e3:
            self.hold_until_ns = now_ns + min(_HOLD_NS, int(_DRAIN * queue_s * NS_PER_S))
            self._cut(bps * _BACK_OFF, now_ns, _AGAIN)
        elif now_ns - self.hold_until_ns > _CALM_NS:  # until then its mean is low for the pause
            self._cut(self._rate, now_ns, _A_LITTLE)

    def _judge_round_trip(self, rtt_ms: float, now_ns: int) -> None:
        shortest_ms = self._shortest_ms or rtt_ms
        shortest_ms = min(rtt_ms, shortest_ms + _FORGET * (rtt_ms - shortest_ms))
        self._shortest_ms = shortest_ms
        standing_ms = rtt_ms - shortest_ms
        self.clogged = standing_ms > _CLOGGED_MS
        if standing_ms > _QUEUE_MS and not self.holds(now_ns):
            self.hold_until_ns = now_ns + min(_HOLD_NS, int(_DRAIN * standing_ms * NS_PER_MS))
            self._cut(self._rate * _AGAIN, now_ns, _AGAIN)

    def _cut(self, bps: float, now_ns: int, again: float) -> None:
        """Down to `bps`, or, while that is no less, by the factor `again` from time to time."""
        self._grow(now_ns)
        self._congested_ns = now_ns
        if bps < self._rate:
            self._set(bps)
            self._cut_ns = now_ns
        elif now_ns - self._cut_ns >= _AGAIN_NS and not self.holds(now_ns):
            self._set(self._rate * again)
            self._cut_ns = now_ns

    def _set(self, bps: float) -> None:
        limits = self._limits
        self._rate = min(max(bps, float(limits.floor_bps)), float(limits.ceiling_bps))

    def _grow(self, now_ns: int) -> None:
        """Let the rate follow the time since it was looked at last."""
        passed_s = min(1.0, max(0, now_ns - self._grown_ns) / NS_PER_S)
        self._grown_ns = max(now_ns, self._grown_ns)
        if self._heard_ns is not None and now_ns - self._heard_ns > _SILENT_NS:
            self._set(self._rate * 0.5**passed_s)
            return
        congested_ns = self._congested_ns
        calm = congested_ns is None or now_ns - congested_ns > _CALM_NS
        if not calm or self._lossy or self._heard_ns is None:
            return
        if self._sent_bps(now_ns) < _USED * self._rate:
            return  # nothing to show so far; what the line carries is not known
        # An estimate that does not fall is no limit: it is never far above what has been sent.
        self._set(self._rate * self._growth() ** passed_s)

    def _growth(self) -> float:
        if self._congested_ns is None:
            return _START
        if self._rate < _NEAR_FROM * self._too_much_bps:
            return _BACK
        return _NEAR if self._rate < _NEAR_TO * self._too_much_bps else _PAST

    def _note_sent(self, bits: int, now_ns: int) -> None:
        self._sent.append((now_ns, bits))
        self._sent_bits += bits

    def _sent_bps(self, now_ns: int) -> float:
        while self._sent and now_ns - self._sent[0][0] >= _WINDOW_NS:
            self._sent_bits -= self._sent.popleft()[1]
        return float(self._sent_bits)


class _Debt:
    """Bits that went out, less what a rate has paid off since."""

    def __init__(self, now_ns: int) -> None:
        self._bits = 0.0
        self._ns = now_ns

    def left(self, rate_bps: float, now_ns: int) -> float:
        """What is not paid off yet, bits."""
        return max(0.0, self._bits - rate_bps * max(0, now_ns - self._ns) / NS_PER_S)

    def add(self, bits: int, rate_bps: float, now_ns: int) -> None:
        """Bits go out."""
        self._bits = self.left(rate_bps, now_ns) + bits
        self._ns = now_ns


@dataclass(frozen=True)
class EncoderPlan:
    """What a camera's encoder has to keep to from now on."""

    bitrate_bps: int
    fps: float
    hold_until_ns: int = 0  # encode nothing before: a queue on the way has to empty first


def plan_for(lines: Sequence[ViewerLine], limits: RateLimits, now_ns: int) -> EncoderPlan:
    """Follow the slowest of `lines`, those that the encoder has to follow; none: the start."""
    rate_bps = min((line.rate_bps(now_ns) for line in lines), default=limits.start_bps)
    bitrate_bps = min(max(rate_bps, limits.floor_bps), limits.ceiling_bps)
    hold_until_ns = max((line.hold_until_ns for line in lines), default=0)
    fps = limits.fps_at(bitrate_bps)
    if any(line.clogged for line in lines):
        bitrate_bps, fps = int(bitrate_bps * _CLOGGED_FPS / fps), _CLOGGED_FPS
    return EncoderPlan(bitrate_bps, fps, hold_until_ns)
