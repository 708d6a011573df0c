"""One robot of many, as a console looks at it: its sockets, and what they have brought.

Belongs to the thread of `teleop.fleet_watch`; nothing here waits. A robot that is away has one
socket, which tries every two seconds. One that answers has a second, for cameras and recorder; one
that calls has a third, for what this console answers to its call.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace
from typing import Final

from teleop.asking import Asking, refused
from teleop.call_answers import LOOK_AGAIN_MS
from teleop.glimpse import ELSEWHERE_MS, SILENT_MS, Heard, RobotGlimpse, place_at
from teleop.key_files import KnownRobot
from teleop.pairing import is_port
from transport.channels import MEDIA_STATE, REQUESTS, STATE, WATCHES, Channel
from transport.clock import NS_PER_MS
from transport.control_link import WATCHING, Asker, Listener
from transport.curve import Credentials, KeyPair
from transport.errors import LinkError
from transport.messages import (
    LookAtCall,
    MalformedMessage,
    MediaState,
    PassCall,
    Ping,
    Reply,
    RobotState,
    SkipCall,
    decoder_of,
    encode,
)

log = logging.getLogger("fleet")

CallAnswer = LookAtCall | SkipCall | PassCall

MEDIA_EVERY_MS: Final = 1_000  # thumbnails and fleet rows; it comes five times as often
AWAY_EVERY_MS: Final = 1_000  # looked after so often while it is silent
ASK_WITHIN_MS: Final = 2_000  # an answer that could not be sent for so long is given up
QUIET_MS: Final = 5_000  # without a call: the third socket is closed
MOST_ANSWERS: Final = 8  # waiting to be sent; more are the oldest ones' loss

_decode_state = decoder_of(RobotState)
_decode_media = decoder_of(MediaState)
_decode_reply = decoder_of(Reply)


class RobotWatch:
    """The sockets to one robot."""

    def __init__(self, own: KeyPair, robot: KnownRobot, session: str, now_ns: int) -> None:
        self.robot = robot
        glimpse = RobotGlimpse(robot.address, robot.address, robot.name, robot.key)
        self.heard = Heard(glimpse, now_ns, now_ns)
        self._credentials = Credentials(own, robot.key)
        self._asking = Asking(session)
        self._wanted: deque[tuple[CallAnswer, int]] = deque(maxlen=MOST_ANSWERS)
        self._turn = 0
        self._there_ns = now_ns  # since when it is looked for at this place
        self._due_ns = self._media_due_ns = self._looked_ns = self._called_ns = self._named_ns = 0
        self._states: Listener | None = None
        self._medias: Listener | None = None
        self._asker: Asker | None = None

    def close(self) -> None:
        """Close every socket; idempotent."""
        for link in (self._states, self._medias, self._asker):
            if link is not None:
                link.close()
        self._states = self._medias = self._asker = None

    def want(self, body: CallAnswer, now_ns: int) -> None:
        """Send this as soon as there is a connection for it."""
        self._wanted.append((body, now_ns))
        self._due_ns = 0

    def sweep(self, elsewhere: tuple[str, ...], looking: bool, now_ns: int) -> None:
        """Take in what has come, send what waits. `looking`: its call is before the operator."""
        if now_ns < self._due_ns:
            return
        silent = now_ns - self.heard.state_ns > SILENT_MS * NS_PER_MS
        self._due_ns = now_ns + AWAY_EVERY_MS * NS_PER_MS if silent else 0
        if silent:
            self._search(elsewhere, now_ns)
        self._hear_state(now_ns)
        self._hear_media(silent, now_ns)
        self._answer_call(looking, now_ns)

    def _search(self, elsewhere: tuple[str, ...], now_ns: int) -> None:
        """Look for it where it was paired and where it was seen, by turns."""
        if now_ns - self._there_ns < ELSEWHERE_MS * NS_PER_MS:
            return
        self._there_ns = now_ns
        self._turn += 1
        place = place_at(self.robot.address, elsewhere, self._turn)
        if place != self.heard.glimpse.address:
            self.close()
            self._know(address=place)

    def _hear_state(self, now_ns: int) -> None:
        if self._states is None:
            self._states = self._listener(STATE, WATCHES)
        if self._states is None:
            return
        raw = self._states.take()
        if raw is None:
            if now_ns - self.heard.state_ns > STATE.ttl_ms * NS_PER_MS:
                self._know(trouble=self._states.trouble)
            return
        try:
            state = _decode_state(raw)
        except MalformedMessage as error:
            if not self.heard.glimpse.unreadable:
                log.warning("%s: state that cannot be read: %s", self.robot.address, error)
            self._know(unreadable=True, trouble=None)
            return
        self.heard = self.heard.with_state(state, now_ns)

    def _hear_media(self, silent: bool, now_ns: int) -> None:
        if silent:
            if self._medias is not None:
                self._medias.close()
                self._medias = None
            return
        if now_ns < self._media_due_ns or self.heard.glimpse.state is None:
            return
        self._media_due_ns = now_ns + MEDIA_EVERY_MS * NS_PER_MS
        if self._medias is None:
            self._medias = self._listener(MEDIA_STATE, b"")
        raw = self._medias.take() if self._medias is not None else None
        if raw is None:
            return
        try:
            self._know(media=_decode_media(raw))
        except MalformedMessage as error:
            log.debug("%s: media state that cannot be read: %s", self.robot.address, error)
            return
        self.heard = replace(self.heard, media_ns=now_ns)

    # --- answers to its call ---

    def _answer_call(self, looking: bool, now_ns: int) -> None:
        state = self.heard.glimpse.state
        call = state.call if state is not None else None
        if call is not None or self._wanted:
            self._called_ns = now_ns
        if self._asker is None:
            if self._called_ns != now_ns:
                return
            self._asker = self._new_asker()
        if self._asker is None:
            return
        if now_ns - self._called_ns > QUIET_MS * NS_PER_MS:
            self._asker.close()
            self._asker = None
            return
        again = now_ns - self._looked_ns >= LOOK_AGAIN_MS * NS_PER_MS
        if looking and call is not None and again:
            self._looked_ns = now_ns
            self._wanted.append((LookAtCall(call_id=call.call_id), now_ns))
        self._send(self._asker, now_ns)
        while (raw := self._asker.take()) is not None:
            self._hear_reply(raw, now_ns)

    def _send(self, asker: Asker, now_ns: int) -> None:
        if not asker.ready(0):
            while self._wanted and now_ns - self._wanted[0][1] > ASK_WITHIN_MS * NS_PER_MS:
                body, _ = self._wanted.popleft()
                if not isinstance(body, LookAtCall):
                    self._know(refused=refused(body, "the robot does not answer", now_ns))
            return
        if not self.heard.glimpse.you and now_ns - self._named_ns >= LOOK_AGAIN_MS * NS_PER_MS:
            self._named_ns = now_ns  # its reply says by which name it knows this console
            asker.send(encode(self._asking.request(Ping(), now_ns)))
        while self._wanted:
            body, _ = self._wanted.popleft()
            asker.send(encode(self._asking.request(body, now_ns)))

    def _hear_reply(self, raw: bytes, now_ns: int) -> None:
        try:
            reply = _decode_reply(raw)
        except MalformedMessage as error:
            log.debug("%s: reply that cannot be read: %s", self.robot.address, error)
            return
        asked = self._asking.answered(reply)
        if asked is None:
            return
        self._know(you=reply.name)
        if not asked.unprompted:
            said = None if reply.ok else refused(asked.body, reply.reason, now_ns)
            self._know(refused=said)

    # --- sockets ---

    def _know(self, **news: object) -> None:
        self.heard = replace(self.heard, glimpse=replace(self.heard.glimpse, **news))  # type: ignore[arg-type]

    def _listener(self, channel: Channel, topic: bytes) -> Listener | None:
        """None where the address cannot be used; it is tried again."""
        if (place := self._place()) is None:
            return None
        try:
            return Listener(channel, self._credentials, *place, topic, pace=WATCHING)
        except LinkError as error:
            log.debug("%s: %s", self.robot.address, error)
            return None

    def _new_asker(self) -> Asker | None:
        if (place := self._place()) is None:
            return None
        try:
            return Asker(REQUESTS, self._credentials, *place, pace=WATCHING)
        except LinkError as error:
            log.debug("%s: %s", self.robot.address, error)
            return None

    def _place(self) -> tuple[str, int] | None:
        host, _, port = self.heard.glimpse.address.rpartition(":")
        return (host, int(port)) if host and is_port(port) else None
