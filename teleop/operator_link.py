"""The operator's side of the wire: one thread for commands, requests and states, one for STOP.

The window calls the public methods; none of them blocks. Commands go out at `COMMAND_HZ` while the
lease is held, and at once when the input changes; they stop when the window's own thread has been
silent for `ALIVE_MS`, so that a frozen window loses the robot, and for a moment during the
self-test. What was asked is in `teleop.asking`, what is tested in `teleop.self_test`.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
from collections import deque

from teleop.asking import Asking
from teleop.hands import Hands, moved
from teleop.hearing import Hearing
from teleop.lease import RENEW_MS
from teleop.live_replay import Seen
from teleop.operator_input import OperatorInput
from teleop.operator_view import LinkView
from teleop.replaying import Replaying
from teleop.session_watch import SessionWatch
from teleop.stop_sender import StopSender
from teleop.video_channel import VideoChannel
from transport.channels import BEATS, COMMAND_HZ, MEDIA_STATE, REQUESTS, STATE, STATES
from transport.clock import NS_PER_MS, NS_PER_S, now_ns
from transport.control_link import LOOPBACK, Asker, CommandOutbox, Listener, Waiter
from transport.curve import Credentials
from transport.ice_servers import NO_SERVERS, IceServers
from transport.messages import (
    Beat,
    Command,
    MalformedMessage,
    MediaState,
    Outcome,
    Ping,
    ReleaseLease,
    Reply,
    RequestBody,
    RobotState,
    decoder_of,
    encode,
)
from transport.video_receiver import VideoReceiver

log = logging.getLogger("link")

ALIVE_MS = 300  # a window that has not ticked for so long is frozen
LAST_WORDS_MS = 300  # a lease given back while the window closes still gets out

_decode_state = decoder_of(RobotState)
_decode_beat = decoder_of(Beat)
_decode_media = decoder_of(MediaState)
_decode_reply = decoder_of(Reply)


class OperatorLink:
    """One operator's link to one robot."""

    def __init__(
        self, credentials: Credentials, host: str, port: int, replaying: Replaying | None = None
    ) -> None:
        """The names of both ends are what their keys say, see `teleop.credentials`. `replaying` is
        played while the deadman is held, instead of what the hands do."""
        self.replaying = replaying
        self._credentials = credentials
        self.host = host
        self.port = port
        self.session = secrets.token_hex(8)
        self._video_channels: list[VideoChannel] = []
        self._lock = threading.Lock()
        self._leaving = threading.Event()
        self._waiter = Waiter()
        self._waking = threading.Lock()  # the waiter is woken by one thread at a time
        self._started_ns = now_ns()
        self._heard = Hearing(self.session, self._started_ns)
        self._hands = Hands()
        self._watch = SessionWatch(self._started_ns)
        self._painted_ns = 0
        self._alive_ns = self._started_ns
        self._asking = Asking(self.session)
        self._seq = 0
        self._unreadable = False
        self._sent_ns: deque[int] = deque(maxlen=COMMAND_HZ)
        self._stop = StopSender(self.session)
        self._thread = threading.Thread(target=self._run, name="operator-link", daemon=True)

    # --- called by the window ---

    def start(self) -> None:
        """Start both threads.

        Raises:
            LinkError: the address cannot be used.
        """
        self._outbox = CommandOutbox(self._credentials, self.host, self.port)
        self._states = Listener(STATE, self._credentials, self.host, self.port, STATES)
        self._beats = Listener(STATE, self._credentials, self.host, self.port, BEATS)
        self._medias = Listener(MEDIA_STATE, self._credentials, self.host, self.port)
        self._asker = Asker(REQUESTS, self._credentials, self.host, self.port)
        for link in (self._states, self._beats, self._medias, self._asker):
            self._waiter.watch(link)
        self._thread.start()
        self._stop.start(self._credentials, self.host, self.port)

    def close(self) -> None:
        """End both threads and close the sockets; idempotent."""
        if self._leaving.is_set() or not self._thread.is_alive():
            return
        with self._waking:
            self._leaving.set()
            self._waiter.wake()
        self._thread.join(2.0)
        for channel in self._video_channels:
            channel.close()
        self._stop.close()
        self._waiter.close()
        if self.replaying is not None:
            self.replaying.close()

    def set_input(self, keyboard: OperatorInput) -> None:
        """The keys as they are now; a change goes out at once."""
        with self._lock:
            self._hands = self._hands.with_keyboard(keyboard)
            self._watch.touched(now_ns())
        self._wake()

    def set_focus(self, focused: bool) -> None:
        """Whether the window has the focus; without it nothing drives."""
        with self._lock:
            self._hands = self._hands.with_focus(focused, now_ns())
        self._wake()

    def let_go(self) -> None:
        """Motion to zero, until keys and pad were released and are pressed again."""
        with self._lock:
            self._hands = self._hands.let_go(now_ns())
        self._wake()

    def set_pad(self, pad: OperatorInput | None) -> None:
        """The gamepad as it is now, None when there is none; the pad's thread calls this, and says
        it again while nothing changes: a pad not heard of for `PAD_SILENT_MS` counts as gone."""
        with self._lock:
            stamp_ns, before = now_ns(), self._hands
            self._hands = self._hands.with_pad(pad, stamp_ns)
            changed = self._hands.input != before.input
            if pad is not None and (pad.deadman or moved(pad, before.pad)):
                self._watch.touched(stamp_ns)
        if changed:
            self._wake()

    def painted(self, captured_ns: int) -> None:
        """The newest frame of the main view that was painted, by its capture stamp."""
        with self._lock:
            newest_ns = self._heard.state.stamp_ns if self._heard.state else 0
            if captured_ns <= newest_ns + NS_PER_S:  # else it is of an earlier life of the robot
                self._painted_ns = captured_ns  # also an older one: of another camera, swapped in
                self._heard.round_trips.heard(captured_ns, now_ns())

    def alive(self, stamp_ns: int) -> None:
        """The window's own thread is running."""
        with self._lock:
            self._alive_ns = stamp_ns

    def touched(self, stamp_ns: int) -> None:
        """Somebody has used keys or mouse here: the console is not unattended."""
        with self._lock:
            self._watch.touched(stamp_ns)

    def request(self, body: RequestBody) -> None:
        """Ask the robot for something; a refusal shows up in `view().refused`."""
        with self._lock:
            self._asking.want(body)
        self._wake()

    def judge(self, outcome: Outcome) -> None:
        """Whether a replay that was played to its end has solved the task."""
        if self.replaying is not None:
            self.replaying.judge(outcome)

    def stop(self) -> None:
        """STOP, repeated until the robot answers. Works without a lease."""
        self._stop.press()

    def view(self, stamp_ns: int) -> LinkView:
        """What is known now."""
        with self._lock:
            heard, hands = self._heard, self._hands
            recent = sum(stamp_ns - t < NS_PER_S for t in self._sent_ns)
            return LinkView(
                address=f"{self.host}:{self.port}",
                name=heard.name,
                role=heard.role,
                session=self.session,
                reach=heard.reach(stamp_ns),
                silent_ms=heard.silent_ms(stamp_ns),
                trouble=heard.trouble,
                state=heard.state,
                media=heard.media,
                media_silent_ms=heard.media_silent_ms(stamp_ns),
                round_trip_ms=heard.round_trips.newest_ms,
                round_trip_p95_ms=heard.round_trips.p95_ms,
                clock_offset_ns=heard.round_trips.offset_ns,
                yours=heard.yours,
                command_hz=float(recent),
                command_ms=tuple(heard.command_ms),
                stop=self._stop.view,
                refused=heard.refused,
                self_test=self._watch.self_test,
                unattended_s=self._watch.unattended_s(heard, stamp_ns),
                let_go_ns=self._watch.let_go_ns,
                input_device=hands.input.device,
                deadman=hands.input.deadman,
                focused=hands.heeded,
                input_problem=hands.input.problem,
                replay=self.replaying.view() if self.replaying else None,
            )

    def video(self, cameras: tuple[str, ...], ice: IceServers = NO_SERVERS) -> VideoReceiver:
        """A receiver for some of the robot's cameras, not started yet; `ice` are its servers."""
        channel = VideoChannel(
            self._credentials,
            self.host,
            self.port,
            self.session,
            self._take_id,
            self._leaving.is_set,
        )
        self._video_channels.append(channel)
        here = self.host in (LOOPBACK, "localhost")
        return VideoReceiver(
            cameras,
            channel,
            bind_host=LOOPBACK if here else "",
            ice=ice,
            reach_robot=channel.reach_robot,
        )

    def _take_id(self) -> int:
        with self._lock:
            return self._asking.take_id()

    def _wake(self) -> None:
        """Let the link's thread look at once; the window and the pad's thread call this."""
        with self._waking:
            if not self._leaving.is_set():
                self._waiter.wake()

    # --- the link's thread ---

    def _run(self) -> None:
        period_ns = NS_PER_S // COMMAND_HZ
        due_ns = now_ns()
        ping_ns = keep_ns = 0
        last_input = OperatorInput()
        silent = False
        while not self._leaving.is_set():
            stamp_ns = now_ns()
            wait_ns = min(due_ns, ping_ns) - stamp_ns
            self._waiter.wait(max(0, (wait_ns + NS_PER_MS - 1) // NS_PER_MS))
            stamp_ns = now_ns()
            self._take_news(stamp_ns)
            self._send_requests(stamp_ns)
            self._outbox.tend()
            with self._lock:
                frozen = stamp_ns - self._alive_ns > ALIVE_MS * NS_PER_MS
                self._hands = self._hands.at(stamp_ns)
                changed = self._hands.input != last_input
            if stamp_ns >= ping_ns:
                self._ask(Ping(), now_ns())
                # From when it was due, not from when it came to it: the period must be exact.
                ping_ns = max(ping_ns + self._heard.round_trips.period_ms * NS_PER_MS, stamp_ns)
            self._watch_the_session(stamp_ns)
            if self.replaying is not None:
                self._carry_on(self.replaying, frozen, stamp_ns)
            silent, was_silent = self._watch.self_test.withholds(stamp_ns), silent
            if self._heard.epoch and not frozen:
                if stamp_ns >= keep_ns:
                    self._ask(self._heard.keeping(), stamp_ns)
                    keep_ns = stamp_ns + RENEW_MS * NS_PER_MS
                if not silent and (changed or was_silent or stamp_ns >= due_ns):
                    last_input = self._send_command(stamp_ns)
            if stamp_ns >= due_ns:
                # After a pause (a suspended laptop) the beat starts again, it is not caught up.
                due_ns = max(due_ns + period_ns, stamp_ns)
        self._send_requests(now_ns())
        self._asker.close(linger_ms=LAST_WORDS_MS)
        for link in (self._outbox, self._states, self._beats, self._medias):
            link.close()

    def _send_command(self, stamp_ns: int) -> OperatorInput:
        with self._lock:
            operator_input, state = self._hands.input, self._heard.state
            painted_ns, echo_ns = self._painted_ns, self._heard.echo_ns(stamp_ns)
            if state is None:
                return operator_input
            asked = self.replaying.asked(operator_input) if self.replaying else operator_input
            self._seq += 1
            self._sent_ns.append(stamp_ns)
        command = Command(
            session=self.session,
            boot_id=state.boot_id,
            epoch=self._heard.epoch,
            seq=self._seq,
            echo_ns=echo_ns,
            painted_ns=painted_ns,
            # Stick and keys go as they are: the robot must not take a held one for hands off.
            deadman=asked.deadman and self._watch.self_test.may_drive,
            forward=asked.forward,
            turn=asked.turn,
            left=asked.left,
            up=asked.up,
            grip=asked.grip,
            input_ns=operator_input.input_ns,
            sent_ns=stamp_ns,
        )
        self._outbox.send(encode(command))
        return operator_input

    def _carry_on(self, replaying: Replaying, frozen: bool, stamp_ns: int) -> None:
        with self._lock:
            seen = Seen.now(self._hands, self._heard, frozen, stamp_ns)
            if (marker := replaying.look(seen, stamp_ns)) is not None:
                self._asking.want(marker)

    def _watch_the_session(self, stamp_ns: int) -> None:
        answer = self._stop.tested
        with self._lock:
            sent_ns = self._sent_ns[-1] if self._sent_ns else 0
            hands = self._hands.input
            demands = self._watch.look(self._heard, hands, sent_ns, answer, stamp_ns)
            if demands.release:
                self._asking.want(ReleaseLease(epoch=self._heard.epoch))
        if demands.test_stop:
            self._stop.test()

    def _take_news(self, stamp_ns: int) -> None:
        self._outbox.tend()  # commands flow only with a lease, their way is open before
        raw = self._states.take()
        if raw is not None:
            self._hear_state(raw)
        raw = self._beats.take()
        if raw is not None:
            with contextlib.suppress(MalformedMessage), self._lock:  # its states are not, either
                self._heard.hear_beat(_decode_beat(raw))
        raw = self._medias.take()
        if raw is not None:
            try:
                media = _decode_media(raw)
            except MalformedMessage as error:
                log.warning("media state that cannot be read: %s", error)
            else:
                with self._lock:
                    self._heard.hear_media(media, stamp_ns)
        while (raw := self._asker.take()) is not None:
            try:
                reply = _decode_reply(raw)
            except MalformedMessage as error:
                log.warning("reply that cannot be read: %s", error)
                continue
            with self._lock:
                asked = self._asking.answered(reply)
                if asked is not None:
                    self._heard.hear_reply(asked, reply, now_ns())
        # A revoked key keeps its connection for requests, without answers; its states are cut.
        trouble = self._asker.trouble or self._states.trouble
        with self._lock:
            self._heard.trouble = trouble

    def _hear_state(self, raw: bytes) -> None:
        try:
            state = _decode_state(raw)
        except MalformedMessage as error:
            if not self._unreadable:
                log.warning("state that cannot be read, another version? %s", error)
            self._unreadable = True
            return
        with self._lock:
            if self._heard.hear_state(state, now_ns()):
                log.info("the robot has restarted")
                self._painted_ns = 0

    def _send_requests(self, stamp_ns: int) -> None:
        while True:
            with self._lock:
                body = self._asking.next_wanted()
            if body is None:
                return
            if not self._ask(body, stamp_ns):
                with self._lock:
                    self._heard.not_sent(body, stamp_ns)

    def _ask(self, body: RequestBody, stamp_ns: int) -> bool:
        with self._lock:
            request = self._asking.request(body, stamp_ns)
        return self._asker.send(encode(request))
