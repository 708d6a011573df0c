"""The authenticated way on which an operator's offers about pictures reach the robot.

The connection is kept from reaching the robot to its last answer, so that an attempt costs one
handshake. Called on a video link's worker threads; the lock hands the socket from one to the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from transport.channels import VIDEO
from transport.clock import NS_PER_MS, now_ns
from transport.control_link import Asker
from transport.curve import Credentials
from transport.errors import LinkError, NoAnswer
from transport.messages import (
    MalformedMessage,
    Rendition,
    VideoAnswer,
    VideoChoose,
    VideoChosen,
    VideoConfirm,
    VideoConfirmed,
    VideoOffer,
    ViewerMessage,
    decoder_of,
    encode,
)

A = TypeVar("A", VideoAnswer, VideoConfirmed)

ANSWER_MS: Final = 8_000
CHOOSE_MS: Final = 2_000
# TCP tries to connect again after 1, 2 and 4 s: a link that is back would be found seconds later.
EAGER_MS: Final = 300  # more than most round trips; longer ones are for the patient
LOOK_MS: Final = 10  # from one look at the two to the next
FRESH_MS: Final = 1_000  # a connection that is dead is found to be so within that time

_decode_answer = decoder_of(VideoAnswer)
_decode_confirmed = decoder_of(VideoConfirmed)
_decode_chosen = decoder_of(VideoChosen)


class VideoChannel:
    """What a `VideoReceiver` asks the robot through."""

    def __init__(
        self,
        credentials: Credentials,
        host: str,
        port: int,
        session: str,
        take_id: Callable[[], int],
        leaving: Callable[[], bool],
    ) -> None:
        """`take_id` numbers requests; nothing waits any longer once `leaving()`."""
        self._target = (VIDEO, credentials, host, port)
        self._session = session
        self._take_id = take_id
        self._leaving = leaving
        self._lock = threading.Lock()
        self._asker: Asker | None = None
        self._reached_ns = 0

    def reach_robot(self, within_ms: int) -> None:
        """Return when there is a connection to ask the robot on.

        Raises:
            NoAnswer: there is none within that time.
        """
        with self._lock:
            # One that was reached just now and not used: its pictures came back, and stopped again.
            fresh = now_ns() - self._reached_ns < FRESH_MS * NS_PER_MS
            if self._asker is None or not fresh or not self._asker.ready(0):
                self._drop()
                self._asker = self._first_of_two(within_ms)
            self._reached_ns = now_ns()

    def _first_of_two(self, within_ms: int) -> Asker:
        """An eager one finds a link that is back at once, a patient one a robot far away."""
        both = [self._connecting(), self._connecting(EAGER_MS)]
        first, trouble = None, None
        try:
            deadline_ns = now_ns() + within_ms * NS_PER_MS
            while now_ns() < deadline_ns and not self._leaving():
                for asker in both:
                    if asker.ready(LOOK_MS):
                        first = asker
                        return first
                trouble = both[0].trouble
            raise NoAnswer(f"no connection for {VIDEO.name}" + (f": {trouble}" if trouble else ""))
        finally:
            for asker in both:
                if asker is not first:
                    asker.close()

    def exchange_video(self, sdp: str, cameras: Sequence[str]) -> VideoAnswer:
        """Bring a WebRTC offer to the robot."""
        offer = VideoOffer(
            request_id=self._take_id(), session=self._session, sdp=sdp, cameras=tuple(cameras)
        )
        return self._ask(offer, ANSWER_MS, _decode_answer)

    def confirm_video(self, request_id: int, within_ms: int) -> VideoConfirmed:
        """Tell the robot that the pictures have come."""
        confirm = VideoConfirm(request_id=request_id, session=self._session)
        try:
            return self._ask(confirm, within_ms, _decode_confirmed)
        finally:
            self.close()

    def choose_video(self, camera: str, rendition: Rendition) -> VideoChosen:
        """Ask for another rendition of a camera of this session's connection."""
        wish = VideoChoose(
            request_id=self._take_id(), session=self._session, camera=camera, rendition=rendition
        )
        asker = self._connecting()  # its own: an offer that is made meanwhile does not wait
        try:
            return _decode_chosen(asker.ask(encode(wish), CHOOSE_MS, self._leaving))
        except MalformedMessage as error:
            raise LinkError(f"the robot's answer cannot be read: {error}") from None
        finally:
            asker.close()

    def close(self) -> None:
        """Let go of the connection; the next call makes another."""
        with self._lock:
            self._drop()

    def _ask(self, message: ViewerMessage, within_ms: int, read: Callable[[bytes], A]) -> A:
        with self._lock:
            asker = self._asker or self._connecting()
            self._asker = None
            answered = False
            try:
                answer = read(asker.ask(encode(message), within_ms, self._leaving))
                answered = True
            except MalformedMessage as error:
                raise LinkError(
                    f"the robot's answer cannot be read, another version? {error}"
                ) from None
            finally:
                if answered:
                    self._asker = asker
                else:  # a late answer must not be taken for that of the next question
                    asker.close()
            return answer

    def _connecting(self, connect_ms: int = 0) -> Asker:
        if self._leaving():
            raise LinkError("this console is closing")
        return Asker(*self._target, connect_ms=connect_ms)

    def _drop(self) -> None:
        if self._asker is not None:
            self._asker.close()
            self._asker = None
