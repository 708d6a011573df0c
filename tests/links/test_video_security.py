"""The picture and strangers: swapped fingerprints, unconfirmed ends, revoked keys, listeners."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import select
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import SimpleNamespace

import av
import numpy as np
import numpy.typing as npt
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.codecs.h264 import H264Encoder
from aiortc.sdp import SessionDescription

from tests.links.video_support import (
    CAMERAS,
    HANG_S,
    LOOPBACK,
    Channel,
    Robot,
    offered,
    pictures_of,
    wait_until,
)
from tests.unit.sdp_mutations import mutated
from transport import video_receiver, video_sender
from transport.errors import LinkError
from transport.h264 import RTP_CLOCK
from transport.messages import VideoAnswer, VideoConfirmed
from transport.peer_connection import h264_only, new_connection
from transport.picture_maker import PictureMaker
from transport.sdp_check import DescriptionRefused, check_answer, check_offer
from transport.video_connection import Pictures
from transport.video_receiver import VideoReceiver
from transport.viewers import OFFERS_AT_ONCE, PLACES_PER_KEY

STAMP_UUID = bytes.fromhex("8f6d1c0e5b7a4d0c9a3e75f2b6c1d904")


@pytest.fixture
def robot() -> Iterator[Robot]:
    made = Robot()
    yield made
    made.close()


@contextlib.contextmanager
def receiving(channel: Channel, cameras: Sequence[str] = ("front",)) -> Iterator[VideoReceiver]:
    receiver = VideoReceiver(cameras, channel, bind_host=LOOPBACK)
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.close()


class Connections:
    """The peer connections of one end, and every state that each of them has had."""

    def __init__(self) -> None:
        self.made: list[RTCPeerConnection] = []
        self.states: list[list[str]] = []

    def new(self, *, relay_only: bool = False) -> RTCPeerConnection:
        connection = new_connection(relay_only=relay_only)
        states: list[str] = []

        @connection.on("connectionstatechange")
        def on_change() -> None:
            states.append(connection.connectionState)

        self.made.append(connection)
        self.states.append(states)
        return connection

    def first_closed(self) -> bool:
        return self.made[0].connectionState == "closed"

    def all_closed(self) -> bool:
        return all(made.connectionState == "closed" for made in self.made)


@pytest.fixture
def at_robot(monkeypatch: pytest.MonkeyPatch) -> Connections:
    connections = Connections()
    monkeypatch.setattr(video_sender, "new_connection", connections.new)
    return connections


@pytest.fixture
def at_console(monkeypatch: pytest.MonkeyPatch) -> Connections:
    connections = Connections()
    monkeypatch.setattr(video_receiver, "new_connection", connections.new)
    return connections


class Listening(Channel):
    """A channel that keeps what went over it."""

    def __init__(self, robot: Robot, session: str) -> None:
        super().__init__(robot, session)
        self.sent: list[str] = []
        self.answered: list[str] = []

    def exchange_video(self, sdp: str, cameras: Sequence[str]) -> VideoAnswer:
        self.sent.append(sdp)
        answer = super().exchange_video(sdp, cameras)
        self.answered.append(answer.sdp)
        return answer


def same(sdp: str) -> str:
    return sdp


def flipped(sdp: str) -> str:
    """One digit of the SHA-256 fingerprint changed, in every section alike."""

    def flip(found: re.Match[str]) -> str:
        return found[1] + ("1" if found[2] == "0" else "0")

    return re.sub(r"(a=fingerprint:sha-256 )([0-9A-F])", flip, sdp)


def removed(sdp: str) -> str:
    return re.sub(r"a=fingerprint:.*\r\n", "", sdp)


def md5_only(sdp: str) -> str:
    weak = "a=fingerprint:md5 " + ":".join(["4A"] * 16) + "\r\n"
    return re.sub(r"(a=fingerprint:.*\r\n)+", weak, sdp)


class ManInTheMiddle(Channel):
    """Changes the one offer or answer that it lets through; afterwards the line is dead.

    So nothing but the ends themselves can end what the first exchange began.
    """

    def __init__(
        self,
        robot: Robot,
        *,
        offer: Callable[[str], str] = same,
        answer: Callable[[str], str] = same,
    ) -> None:
        super().__init__(robot, "session")
        self.of_offer = offer
        self.of_answer = answer
        self.answers: list[VideoAnswer] = []
        self.tries = 0
        self.looked = threading.Event()  # whoever clears it keeps what the first try came to
        self.looked.set()

    def exchange_video(self, sdp: str, cameras: Sequence[str]) -> VideoAnswer:
        self.tries += 1
        if self.tries > 1:
            self.looked.wait(HANG_S)
            raise LinkError("the line is dead")
        answer = super().exchange_video(self.of_offer(sdp), cameras)
        self.answers.append(answer)
        return VideoAnswer(
            request_id=answer.request_id,
            ok=answer.ok,
            sdp=self.of_answer(answer.sdp),
            reason=answer.reason,
        )


# --- what is sent ---


def test_what_our_own_ends_send_passes_the_check_of_the_other(robot: Robot) -> None:
    channel = Listening(robot, "session")
    with receiving(channel, CAMERAS) as receiver:
        pictures_of(receiver, "ceiling", 2)
    check_offer(channel.sent[0], cameras=2, bind_host=LOOPBACK)
    check_answer(channel.answered[0], cameras=2, bind_host=LOOPBACK)
    with pytest.raises(DescriptionRefused):
        check_answer(channel.sent[0], cameras=2, bind_host=LOOPBACK)


def test_every_connection_has_a_certificate_of_its_own(robot: Robot) -> None:
    channel = Listening(robot, "session")
    for _ in range(2):
        with receiving(channel) as receiver:
            pictures_of(receiver, "front", 1)
    described = channel.sent + channel.answered
    found = [re.findall(r"a=fingerprint:sha-256 (\S+)", sdp) for sdp in described]
    assert len(found) == 4
    assert len({fingerprints[0] for fingerprints in found}) == 4


def test_what_passes_the_check_never_breaks_aiortc() -> None:
    async def answered(sdp: str) -> None:
        connection = new_connection()
        await connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        assert len(connection.getTransceivers()) == len(CAMERAS)
        await connection.createAnswer()
        await connection.close()

    async def run() -> int:
        rng = random.Random(4)
        offer = await offered(h264_only())
        passed = set()
        for _ in range(10_000):
            text = mutated(offer, rng)
            with contextlib.suppress(DescriptionRefused):
                check_offer(text, cameras=2, bind_host="")
                passed.add(text)
        for number, text in enumerate(sorted(passed)):
            sections = SessionDescription.parse(text).media
            assert sections[0].dtls is not None
            assert all(section.dtls.fingerprints for section in sections)
            if number % 10 == 0:
                await answered(text)
        return len(passed)

    assert asyncio.run(run()) > 100


# --- a man in the middle of the exchange ---


def test_a_fingerprint_flipped_in_the_offer_ends_both_ends_without_a_picture(
    robot: Robot, at_robot: Connections, at_console: Connections
) -> None:
    with receiving(ManInTheMiddle(robot, offer=flipped)) as receiver:
        wait_until(lambda: len(at_console.made) >= 2, "the console did not give up")
        wait_until(at_robot.all_closed, "the robot kept its end")
        wait_until(at_console.first_closed, "the console kept its end")
        assert receiver.mailboxes["front"].delivered == 0
        assert robot.sender.viewers("front") == 0
    # What makes the confirmation necessary: one end fails, the other believes to be connected.
    assert "failed" in at_robot.states[0]
    assert "connected" in at_console.states[0]


def test_a_fingerprint_flipped_in_the_answer_ends_both_ends_without_a_picture(
    robot: Robot, at_robot: Connections, at_console: Connections
) -> None:
    with receiving(ManInTheMiddle(robot, answer=flipped)) as receiver:
        wait_until(lambda: len(at_console.made) >= 2, "the console did not give up")
        wait_until(at_console.first_closed, "the console kept its end")
        wait_until(lambda: robot.sender.viewers("front") == 0, "the robot kept its viewer")
        wait_until(at_robot.all_closed, "the robot kept its end")
        assert receiver.mailboxes["front"].delivered == 0
    assert "failed" in at_console.states[0]
    assert "connected" in at_robot.states[0]


@pytest.mark.parametrize("change", [removed, md5_only])
def test_an_offer_without_a_strong_fingerprint_never_reaches_aiortc(
    robot: Robot, at_robot: Connections, change: Callable[[str], str]
) -> None:
    man = ManInTheMiddle(robot, offer=change)
    with receiving(man) as receiver:
        wait_until(lambda: len(man.answers) == 1, "nothing was answered")
        assert not man.answers[0].ok
        assert "fingerprint" in man.answers[0].reason
        wait_until(lambda: man.tries >= 2, "the console was not told")
        assert receiver.mailboxes["front"].delivered == 0
    assert at_robot.made == []


@pytest.mark.parametrize("change", [removed, md5_only])
def test_an_answer_without_a_strong_fingerprint_never_reaches_aiortc(
    robot: Robot, at_console: Connections, change: Callable[[str], str]
) -> None:
    man = ManInTheMiddle(robot, answer=change)
    man.looked.clear()
    with receiving(man) as receiver:
        try:
            wait_until(lambda: "fingerprint" in receiver.problem, "the answer was not refused")
            wait_until(lambda: len(at_console.made) >= 2, "the console did not try again")
            wait_until(at_console.first_closed, "the console kept its end")
            assert at_console.made[0].remoteDescription is None
            assert receiver.mailboxes["front"].delivered == 0
        finally:
            man.looked.set()


# --- both ends confirm ---


class LosesTheFirstConfirmation(Channel):
    """The first confirmation gets no answer."""

    lost = False

    def confirm_video(self, request_id: int, within_ms: int) -> VideoConfirmed:
        if not self.lost:
            self.lost = True
            raise LinkError("no answer on video")
        return super().confirm_video(request_id, within_ms)


def test_a_console_that_could_not_confirm_offers_again(robot: Robot) -> None:
    channel = LosesTheFirstConfirmation(robot, "session")
    with receiving(channel) as receiver:
        wait_until(lambda: channel.offers == 2, "it did not offer again")
        wait_until(lambda: receiver.problem == "", "the second connection was not confirmed")
        receiver.mailboxes["front"].take()
        pictures_of(receiver, "front", 3)
        assert robot.sender.viewers("front") == 1


@pytest.mark.long
def test_a_viewer_that_has_confirmed_stays(robot: Robot) -> None:
    channel = Channel(robot, "session")
    with receiving(channel, CAMERAS) as receiver:
        wait_until(lambda: receiver.problem == "", "it was not confirmed")
        pictures_of(receiver, "front", 180)  # 6 s: beyond both times after which places are lost
        assert channel.offers == 1
        assert robot.sender.viewers("front") == 1


@pytest.mark.parametrize(
    ("key", "session", "number"), [("other", "a", 1), ("key", "b", 1), ("key", "a", 2)]
)
def test_only_the_viewer_itself_confirms_its_connection(
    robot: Robot, key: str, session: str, number: int
) -> None:
    with receiving(Channel(robot, "a")) as receiver:
        pictures_of(receiver, "front", 1)
        answer = Channel(robot, session, key).confirm_video(number, 1_000)
        assert not answer.ok
        assert "offer again" in answer.reason


def test_a_connection_that_is_not_up_is_not_confirmed(robot: Robot) -> None:
    listening = Listening(robot, "a")
    with receiving(listening) as receiver:
        pictures_of(receiver, "front", 1)
    # Offered again by somebody who then does nothing: the robot has answered, no more.
    idle = Channel(robot, "b")
    assert idle.exchange_video(listening.sent[0], ["front"]).ok
    answer = idle.confirm_video(idle.offers, 1_000)
    assert not answer.ok
    assert "is not up" in answer.reason


def test_a_picture_is_given_out_only_while_dtls_is_connected() -> None:
    receiver = VideoReceiver(("front",), Channel.__new__(Channel), bind_host=LOOPBACK)
    connection = SimpleNamespace(connectionState="new")
    pictures, maker = Pictures(connection), PictureMaker("front")  # type: ignore[arg-type]
    given = []
    for connection.connectionState in ("connecting", "connected", "failed"):
        receiver._show(pictures, maker, av.VideoFrame(64, 48, "yuv420p"), newest=True)
        given.append(receiver.mailboxes["front"].delivered)
    receiver.close()
    assert given == [0, 1, 1]


def test_of_a_connection_that_was_replaced_nothing_is_shown_any_more() -> None:
    receiver = VideoReceiver(("front",), Channel.__new__(Channel), bind_host=LOOPBACK)
    connection = SimpleNamespace(connectionState="connected")
    pictures, maker = Pictures(connection), PictureMaker("front")  # type: ignore[arg-type]
    pictures.retire()
    receiver._show(pictures, maker, av.VideoFrame(64, 48, "yuv420p"), newest=True)
    receiver.close()
    assert receiver.mailboxes["front"].delivered == 0


# --- places belong to keys ---


def test_a_revoked_key_loses_its_picture_and_the_others_keep_theirs(robot: Robot) -> None:
    stays, goes = Channel(robot, "s", "kept"), Channel(robot, "s", "revoked")
    with receiving(stays) as kept, receiving(goes) as revoked:
        pictures_of(kept, "front", 2)
        pictures_of(revoked, "front", 2)
        goes.exchange_video = refuse  # type: ignore[method-assign]
        robot.sender.keep_only({"kept"})
        assert robot.sender.viewers("front") == 1
        wait_until(lambda: "not admitted" in revoked.problem, "the picture was not cut")
        delivered = revoked.mailboxes["front"].delivered
        kept.mailboxes["front"].take()
        pictures_of(kept, "front", 10)
        assert revoked.mailboxes["front"].delivered == delivered
        assert stays.offers == 1


def refuse(sdp: str, cameras: Sequence[str]) -> VideoAnswer:
    raise LinkError("this key is not admitted")


def test_nobody_takes_a_viewers_place_by_naming_its_session(robot: Robot) -> None:
    owner, other = Channel(robot, "s", "owner"), Channel(robot, "s", "other")
    with receiving(owner) as first, receiving(other) as second:
        pictures_of(second, "front", 2)
        first.mailboxes["front"].take()
        pictures_of(first, "front", 5)
        assert robot.sender.viewers("front") == 2
        assert owner.offers == 1


def test_a_third_console_of_one_key_is_told_to_close_one(robot: Robot) -> None:
    with contextlib.ExitStack() as open_consoles:
        for number in range(PLACES_PER_KEY):
            console = receiving(Channel(robot, f"console {number}"))
            pictures_of(open_consoles.enter_context(console), "front", 1)
        third = open_consoles.enter_context(receiving(Channel(robot, "one more")))
        wait_until(lambda: "close one of them" in third.problem, "it was not refused")
        assert robot.sender.viewers("front") == PLACES_PER_KEY


def test_a_flood_of_offers_is_refused_before_anybody_reads_them(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counting(sdp: str, *, cameras: int, bind_host: str) -> None:
        read.append(sdp)
        raise DescriptionRefused("not this time")

    monkeypatch.setattr(video_sender, "check_offer", counting)
    channel = Channel(robot, "greedy")
    answers = [channel.exchange_video("v=0", ["front"]) for _ in range(100)]
    assert OFFERS_AT_ONCE <= len(read) <= OFFERS_AT_ONCE + 3  # some are earned back meanwhile
    assert "too many offers" in answers[-1].reason
    patient = Channel(robot, "patient", "another key").exchange_video("v=0", ["front"])
    assert "too many" not in patient.reason


def test_a_console_that_hangs_loses_its_place(robot: Robot) -> None:
    thaw = threading.Event()
    with receiving(Channel(robot, "hangs")) as receiver:
        wait_until(lambda: receiver.problem == "", "it was not confirmed")
        pictures_of(receiver, "front", 1)
        try:
            receiver._thread.loop.call_soon_threadsafe(thaw.wait)
            wait_until(lambda: robot.sender.viewers("front") == 0, "its place was kept")
        finally:
            thaw.set()


# --- what can be heard on the wire ---


class Relay:
    """Stands between the two ends, as a relay of strangers would, and keeps what it forwards."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._for_console = self._socket()  # the robot sends here
        self._for_robot = self._socket()  # the console sends here
        self._console = self._robot = ("", 0)
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def offer(self, sdp: str) -> str:
        """The offer, with this relay in the place of the console."""
        self._console = (LOOPBACK, port_in(sdp))
        return at_port(sdp, self._for_console.getsockname()[1])

    def answer(self, sdp: str) -> str:
        """The answer, with this relay in the place of the robot."""
        self._robot = (LOOPBACK, port_in(sdp))
        return at_port(sdp, self._for_robot.getsockname()[1])

    def close(self) -> None:
        self._leaving.set()
        self._thread.join(5.0)
        self._for_console.close()
        self._for_robot.close()

    def _run(self) -> None:
        while not self._leaving.is_set():
            for ready in select.select([self._for_console, self._for_robot], [], [], 0.1)[0]:
                datagram, _ = ready.recvfrom(65536)
                self.heard.append(datagram)
                if ready is self._for_console:
                    self._for_robot.sendto(datagram, self._console)
                elif self._robot[1]:  # until the answer has passed, it is lost, as on any network
                    self._for_console.sendto(datagram, self._robot)

    @staticmethod
    def _socket() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((LOOPBACK, 0))
        return made


def port_in(sdp: str) -> int:
    found = {int(port) for port in re.findall(r"a=candidate:.* (\d+) typ", sdp)}
    assert len(found) == 1
    return found.pop()


def at_port(sdp: str, port: int) -> str:
    return re.sub(r"(a=candidate:.*) \d+ typ", rf"\1 {port} typ", sdp)


def noise(number: int) -> npt.NDArray[np.uint8]:
    """A picture that cannot be compressed, so that there is something to find on the wire."""
    return np.random.default_rng(number).integers(0, 255, (120, 160, 3), dtype=np.uint8)


LONG = 12  # octets that two unrelated streams do not have in common by chance
START_CODES = [
    b"\x00\x00\x00\x01" + bytes([header]) for header in (0x06, 0x41, 0x61, 0x65, 0x67, 0x68)
]


def plaintext_in(datagrams: Iterable[bytes], frames: Iterable[bytes]) -> list[str]:
    """What of the frames can be read in the datagrams: start codes, stamps, pieces of pictures."""
    known = {frame[at : at + LONG] for frame in frames for at in range(len(frame) - LONG + 1)}
    known = {piece for piece in known if len(set(piece)) > LONG // 2}
    found = []
    for datagram in datagrams:
        if STAMP_UUID in datagram:
            found.append("stamp")
        if any(code in datagram for code in START_CODES):
            found.append("start code")
        if any(datagram[at : at + LONG] in known for at in range(len(datagram) - LONG + 1)):
            found.append("picture")
    return found


def test_a_listener_on_the_wire_reads_nothing_of_the_picture() -> None:
    robot, relay = Robot(noise), Relay()
    channel = ManInTheMiddle(robot, offer=relay.offer, answer=relay.answer)
    try:
        with receiving(channel, CAMERAS) as receiver:
            for camera in CAMERAS:
                pictures_of(receiver, camera, 15)
            wait_until(lambda: receiver.problem == "", "the connection was not confirmed")
    finally:
        robot.close()
        relay.close()
    frames = list(robot.encoded)
    heard = sum(len(datagram) for datagram in relay.heard)
    assert heard > 15 * len(CAMERAS) * min(len(frame) for frame in frames)  # all went through it
    assert plaintext_in(relay.heard, frames) == []


def test_the_listener_would_have_noticed_a_picture_that_is_not_encrypted() -> None:
    robot = Robot(noise)
    try:
        wait_until(lambda: len(robot.encoded) >= 10, "nothing was filmed")
    finally:
        robot.close()
    frames = list(robot.encoded)
    payloads = []
    for frame in frames:
        packet = av.Packet(frame)
        packet.pts, packet.time_base = 0, RTP_CLOCK
        payloads += H264Encoder().pack(packet)[0]
    found = plaintext_in(payloads, frames)
    assert found.count("stamp") == len(frames)
    assert found.count("picture") >= len(frames)
    assert "start code" in plaintext_in(frames, frames)
