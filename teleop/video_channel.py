"""The authenticated way on which an operator's offers about pictures reach the robot.

One connection at a time, kept from reaching the robot to its last answer, so that an attempt costs
one handshake. Called on a video link's worker threads, one after the other; the lock hands the
socket from one to the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from transport.channels import VIDEO
from transport.control_link import Asker
from transport.curve import Credentials
from transport.errors import LinkError
from transport.messages import (
    MalformedMessage,
    VideoAnswer,
    VideoConfirm,
    VideoConfirmed,
    VideoOffer,
    ViewerMessage,
    decoder_of,
    encode,
)

A = TypeVar("A", VideoAnswer, VideoConfirmed)

ANSWER_MS: Final = 8_000

_decode_answer = decoder_of(VideoAnswer)
_decode_confirmed = decoder_of(VideoConfirmed)


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

    def reach_robot(self, within_ms: int) -> None:
        """Return when there is a connection to ask the robot on.

        Raises:
            NoAnswer: there is none within that time.
        """
        with self._lock:
            self._drop()
            self._asker = self._connecting()
            try:
                self._asker.reach(within_ms, self._leaving)
            except LinkError:
                self._drop()
                raise

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

    def _connecting(self) -> Asker:
        if self._leaving():
            raise LinkError("this console is closing")
        return Asker(*self._target)

    def _drop(self) -> None:
        if self._asker is not None:
            self._asker.close()
            self._asker = None
