"""The operator's side of the wire: one thread for commands, requests and states, one for STOP.

The window calls the public methods; none of them blocks. Commands go out at `COMMAND_HZ` while the
lease is held, and at once when the input changes; they stop when the window's own thread has been
silent for `ALIVE_MS`, so that a frozen window loses the robot.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from dataclasses import dataclass

from teleop.hands import Hands
from teleop.lease import RENEW_MS
from teleop.operator_input import OperatorInput
from teleop.operator_view import LinkView, Reach, Refused
from teleop.stop_sender import StopSender
from transport.channels import (
    COMMAND_HZ,
    MEDIA_STATE,
    REQUESTS,
    STATE,
    VIDEO,
)
from transport.clock import NS_PER_MS, NS_PER_S, now_ns
from transport.control_link import LOOPBACK, Asker, CommandOutbox, Listener, Waiter
from transport.errors import LinkError
from transport.messages import (
    NAME_LENGTH,
    Command,
    HandBack,
    KeepLease,
    MalformedMessage,
    MediaState,
    Ping,
    ReleaseLease,
    Reply,
    Request,
    RequestBody,
    RequestLease,
    RobotState,
    VideoAnswer,
    VideoOffer,
    decoder_of,
    encode,
)
from transport.video_receiver import VideoReceiver

log = logging.getLogger("link")

ALIVE_MS = 300  # a window that has not ticked for so long is frozen
PING_MS = 517  # no multiple of the control tick: the robot answers in one, the wait averages out
VIDEO_ANSWER_MS = 8_000
LAST_WORDS_MS = 300  # a lease given back while the window closes still gets out
FIGURES_KEPT = 600  # command times kept for the percentiles

_decode_state = decoder_of(RobotState)
_decode_media = decoder_of(MediaState)
_decode_reply = decoder_of(Reply)
_decode_answer = decoder_of(VideoAnswer)


@dataclass(frozen=True)
class _Asked:
    what: str
    body: RequestBody
    sent_ns: int


class OperatorLink:
    """One operator's link to one robot."""

    def __init__(self, host: str, port: int, operator: str) -> None:
        """Raises `LinkError` when `operator` is not a name that messages can carry."""
        if not 1 <= len(operator) <= NAME_LENGTH:
            raise LinkError(f"an operator's name has 1 to {NAME_LENGTH} characters")
        self.host = host
        self.port = port
        self.operator = operator
        self.session = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._leaving = threading.Event()
        self._waiter = Waiter()
        self._started_ns = now_ns()
        self._state: RobotState | None = None
        self._state_ns = 0
        self._media: MediaState | None = None
        self._media_ns = 0
        self._hands = Hands()
        self._painted_ns = 0
        self._alive_ns = now_ns()
        self._to_ask: deque[RequestBody] = deque(maxlen=32)
        self._asked: dict[int, _Asked] = {}
        self._next_id = 1
        self._epoch = 0  # of our lease; 0: none
        self._seq = 0
        self._unreadable = False
        self._sent_ns: deque[int] = deque(maxlen=COMMAND_HZ)
        self._command_ms: deque[float] = deque(maxlen=FIGURES_KEPT)
        self._timed_input_ns = 0
        self._pings: deque[tuple[float, int]] = deque(maxlen=20)  # (round trip ms, offset ns)
        self._refused: Refused | None = None
        self._stop = StopSender(operator, self.session)
        self._thread = threading.Thread(target=self._run, name="operator-link", daemon=True)

    # --- called by the window ---

    def start(self) -> None:
        """Start both threads.

        Raises:
            LinkError: the address cannot be used.
        """
        self._outbox = CommandOutbox(self.host, self.port)
        self._states = Listener(STATE, self.host, self.port)
        self._medias = Listener(MEDIA_STATE, self.host, self.port)
        self._asker = Asker(REQUESTS, self.host, self.port)
        for link in (self._states, self._medias, self._asker):
            self._waiter.watch(link)
        self._thread.start()
        self._stop.start(self.host, self.port)

    def close(self) -> None:
        """End both threads and close the sockets; idempotent."""
        if self._leaving.is_set() or not self._thread.is_alive():
            return
        self._leaving.set()
        self._waiter.wake()
        self._thread.join(2.0)
        self._stop.close()
        self._waiter.close()

    def set_input(self, keyboard: OperatorInput) -> None:
        """The keys as they are now; a change goes out at once."""
        with self._lock:
            self._hands = self._hands.with_keyboard(keyboard)
        self._waiter.wake()

    def set_focus(self, focused: bool) -> None:
        """Whether the window has the focus; without it nothing drives."""
        with self._lock:
            self._hands = self._hands.with_focus(focused, now_ns())
        self._waiter.wake()

    def set_pad(self, pad: OperatorInput | None) -> None:
        """The gamepad as it is now, None when there is none; the pad's thread calls this."""
        with self._lock:
            self._hands = self._hands.with_pad(pad)

    def painted(self, captured_ns: int) -> None:
        """The newest frame of the main view that was painted, by its capture stamp."""
        with self._lock:
            newest_ns = self._state.stamp_ns if self._state else 0
            if captured_ns <= newest_ns + NS_PER_S:  # else it is of an earlier life of the robot
                self._painted_ns = max(self._painted_ns, captured_ns)

    def alive(self, stamp_ns: int) -> None:
        """The window's own thread is running."""
        with self._lock:
            self._alive_ns = stamp_ns

    def request(self, body: RequestBody) -> None:
        """Ask the robot for something; a refusal shows up in `view().refused`."""
        with self._lock:
            self._to_ask.append(body)
        self._waiter.wake()

    def stop(self) -> None:
        """STOP, repeated until the robot answers. Works without a lease."""
        self._stop.press()

    def view(self, stamp_ns: int) -> LinkView:
        """What is known now."""
        with self._lock:
            state = self._state
            heard_ns = self._state_ns or self._started_ns
            silent_ms = (stamp_ns - heard_ns) / NS_PER_MS
            if state is None:
                reach = Reach.SEARCHING
            elif silent_ms > STATE.ttl_ms:
                reach = Reach.LOST
            else:
                reach = Reach.CONNECTED
            best = min(self._pings, default=None)
            recent = sum(stamp_ns - t < NS_PER_S for t in self._sent_ns)
            media_ns = self._media_ns or self._started_ns
            return LinkView(
                address=f"{self.host}:{self.port}",
                operator=self.operator,
                session=self.session,
                reach=reach,
                silent_ms=silent_ms,
                state=state,
                media=self._media,
                media_silent_ms=(stamp_ns - media_ns) / NS_PER_MS,
                round_trip_ms=self._pings[-1][0] if self._pings else None,
                clock_offset_ns=best[1] if best else None,
                yours=state is not None and state.lease.session == self.session,
                command_hz=float(recent),
                command_ms=tuple(self._command_ms),
                stop=self._stop.view,
                refused=self._refused,
                input_device=self._hands.input.device,
                deadman=self._hands.input.deadman,
                focused=self._hands.focused,
            )

    def exchange_video(self, sdp: str, cameras: tuple[str, ...]) -> VideoAnswer:
        """Bring a WebRTC offer to the robot; a video link's worker thread calls this."""
        with self._lock:
            request_id = self._take_id()
        offer = VideoOffer(
            request_id=request_id,
            operator=self.operator,
            session=self.session,
            sdp=sdp,
            cameras=cameras,
        )
        asker = Asker(VIDEO, self.host, self.port)
        try:
            answer = asker.ask(encode(offer), VIDEO_ANSWER_MS, self._leaving.is_set)
            return _decode_answer(answer)
        except (LinkError, MalformedMessage) as error:
            raise LinkError(str(error)) from None
        finally:
            asker.close()

    def video(self, cameras: tuple[str, ...]) -> VideoReceiver:
        """A receiver for some of the robot's cameras, not started yet."""
        return VideoReceiver(
            cameras,
            lambda sdp, wanted: self.exchange_video(sdp, tuple(wanted)),
            bind_host=self.host if self.host == LOOPBACK else "",
        )

    # --- the link's thread ---

    def _run(self) -> None:
        period_ns = NS_PER_S // COMMAND_HZ
        due_ns = now_ns()
        ping_ns = keep_ns = 0
        last_input = OperatorInput()
        while not self._leaving.is_set():
            stamp_ns = now_ns()
            self._waiter.wait(max(0, (due_ns - stamp_ns + NS_PER_MS - 1) // NS_PER_MS))
            stamp_ns = now_ns()
            self._take_news(stamp_ns)
            self._send_requests(stamp_ns)
            with self._lock:
                frozen = stamp_ns - self._alive_ns > ALIVE_MS * NS_PER_MS
                changed = self._hands.input != last_input
            if stamp_ns >= ping_ns:
                self._ask(Ping(), stamp_ns)
                ping_ns = stamp_ns + PING_MS * NS_PER_MS
            if self._epoch and not frozen:
                if stamp_ns >= keep_ns:
                    self._ask(KeepLease(epoch=self._epoch), stamp_ns)
                    keep_ns = stamp_ns + RENEW_MS * NS_PER_MS
                if changed or stamp_ns >= due_ns:
                    last_input = self._send_command(stamp_ns)
            if stamp_ns >= due_ns:
                # After a pause (a suspended laptop) the beat starts again, it is not caught up.
                due_ns = max(due_ns + period_ns, stamp_ns)
        self._send_requests(now_ns())
        self._asker.close(linger_ms=LAST_WORDS_MS)
        for link in (self._outbox, self._states, self._medias):
            link.close()

    def _send_command(self, stamp_ns: int) -> OperatorInput:
        with self._lock:
            operator_input, state = self._hands.input, self._state
            painted_ns = self._painted_ns
            if state is None:
                return operator_input
            self._seq += 1
            self._sent_ns.append(stamp_ns)
        command = Command(
            session=self.session,
            boot_id=state.boot_id,
            epoch=self._epoch,
            seq=self._seq,
            echo_ns=state.stamp_ns,
            painted_ns=painted_ns,
            deadman=operator_input.deadman,
            forward=operator_input.forward,
            turn=operator_input.turn,
            input_ns=operator_input.input_ns,
        )
        self._outbox.send(encode(command))
        return operator_input

    def _take_news(self, stamp_ns: int) -> None:
        raw = self._states.take()
        if raw is not None:
            self._hear_state(raw, stamp_ns)
        raw = self._medias.take()
        if raw is not None:
            try:
                media = _decode_media(raw)
            except MalformedMessage as error:
                log.warning("media state that cannot be read: %s", error)
            else:
                with self._lock:
                    self._media, self._media_ns = media, stamp_ns
        while (raw := self._asker.take()) is not None:
            try:
                self._hear_reply(_decode_reply(raw), stamp_ns)
            except MalformedMessage as error:
                log.warning("reply that cannot be read: %s", error)

    def _hear_state(self, raw: bytes, stamp_ns: int) -> None:
        try:
            state = _decode_state(raw)
        except MalformedMessage as error:
            if not self._unreadable:
                log.warning("state that cannot be read, another version? %s", error)
            self._unreadable = True
            return
        with self._lock:
            if self._state is not None and state.boot_id != self._state.boot_id:
                log.info("the robot has restarted")
                self._epoch = 0
                self._painted_ns = 0
                self._pings.clear()
            self._state, self._state_ns = state, stamp_ns
            if state.lease.session == self.session:
                self._epoch = state.lease.epoch
            elif state.lease.epoch >= self._epoch:
                self._epoch = 0
            self._time_command(state)

    def _time_command(self, state: RobotState) -> None:
        """Key event to `apply`, both ends on this console's clock."""
        if state.command_input_ns in (0, self._timed_input_ns) or not self._pings:
            return
        self._timed_input_ns = state.command_input_ns
        if state.lease.session != self.session:
            return
        applied_here_ns = state.command_applied_ns - min(self._pings)[1]
        self._command_ms.append((applied_here_ns - state.command_input_ns) / NS_PER_MS)

    def _hear_reply(self, reply: Reply, stamp_ns: int) -> None:
        with self._lock:
            asked = self._asked.pop(reply.request_id, None)
            if asked is None:
                return
            if isinstance(asked.body, Ping):
                round_trip_ns = stamp_ns - asked.sent_ns
                offset_ns = reply.stamp_ns - (asked.sent_ns + stamp_ns) // 2
                self._pings.append((round_trip_ns / NS_PER_MS, offset_ns))
            elif isinstance(asked.body, RequestLease) and reply.ok:
                self._epoch = reply.epoch
            elif isinstance(asked.body, HandBack | ReleaseLease) and reply.ok:
                self._epoch = 0
            if isinstance(asked.body, KeepLease) and not reply.ok:
                self._epoch = 0  # nobody asked for that renewal: the state says who has the lease
            elif reply.ok and not isinstance(asked.body, Ping | KeepLease):
                self._refused = None  # what was refused before is no news any more
            elif not reply.ok:
                self._refused = Refused(asked.what, reply.reason, stamp_ns)

    def _send_requests(self, stamp_ns: int) -> None:
        while True:
            with self._lock:
                if not self._to_ask:
                    return
                body = self._to_ask.popleft()
            if not self._ask(body, stamp_ns):
                with self._lock:
                    reason = "the robot does not answer"
                    self._refused = Refused(_spoken(body), reason, stamp_ns)

    def _ask(self, body: RequestBody, stamp_ns: int) -> bool:
        with self._lock:
            request_id = self._take_id()
            self._asked[request_id] = _Asked(_spoken(body), body, stamp_ns)
            while len(self._asked) > 64:  # replies that never came
                self._asked.pop(next(iter(self._asked)))
        request = Request(
            request_id=request_id, operator=self.operator, session=self.session, body=body
        )
        return self._asker.send(encode(request))

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id


def _spoken(body: RequestBody) -> str:
    """A request's name in the operator's words."""
    words = {
        "RequestLease": "Request lease",
        "KeepLease": "Keep lease",
        "ReleaseLease": "Release lease",
        "MarkOutcome": "Mark the outcome",
        "MarkPhase": "Mark the phase",
        "MarkMoment": "Set a marker",
        "HandBack": "Hand back",
        "ResetStop": "Reset STOP",
    }
    name = type(body).__name__
    return words.get(name, name)
