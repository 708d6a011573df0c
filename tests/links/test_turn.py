"""Pictures through a real TURN server on loopback, and what the operator reads when it fails."""

from __future__ import annotations

import asyncio
import inspect
import ipaddress
import logging
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aioice import Connection, stun
from aioice.ice import relayed_candidate, server_reflexive_candidate
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.links.turn_server import TurnServer, free_port
from tests.links.video_support import (
    CAMERAS,
    LOOPBACK,
    Channel,
    Robot,
    pictures_of,
    wait_until,
)
from transport import ice_gathering
from transport.clock import wall_time
from transport.errors import LinkError
from transport.ice_gathering import IceGathering, checks_at_once
from transport.ice_servers import NO_SERVERS, IceServers, ice_servers
from transport.messages import VideoAnswer
from transport.peer_connection import h264_only, new_connection
from transport.video_receiver import VideoReceiver


class Listening(Channel):
    """A channel that keeps what went over it."""

    def __init__(self, robot: Robot, session: str = "session") -> None:
        super().__init__(robot, session)
        self.sdp: list[str] = []

    def exchange_video(self, sdp: str, cameras: Sequence[str]) -> VideoAnswer:
        answer = super().exchange_video(sdp, cameras)
        self.sdp += [sdp, answer.sdp]
        return answer

    def kinds(self) -> set[str]:
        """The kinds of candidates that were told, by either end."""
        return set(re.findall(r"a=candidate:.* typ (\w+)", "".join(self.sdp)))


@contextmanager
def watching(
    robot_ice: IceServers, console_ice: IceServers
) -> Iterator[tuple[VideoReceiver, Listening]]:
    """A robot and a console, each with its servers; the console connects."""
    robot = Robot(ice=robot_ice)
    channel = Listening(robot)
    receiver = VideoReceiver(CAMERAS, channel, bind_host=LOOPBACK, ice=console_ice)
    receiver.start()
    try:
        yield receiver, channel
    finally:
        receiver.close()
        robot.close()


def see(receiver: VideoReceiver) -> None:
    """Pictures come, confirmed by both ends."""
    wait_until(lambda: receiver.problem == "", f"no connection: {receiver.problem}")
    for camera in CAMERAS:
        receiver.mailboxes[camera].take()
        pictures_of(receiver, camera, 5)


@pytest.fixture
def turn(tmp_path: Path) -> Iterator[Callable[..., TurnServer]]:
    """Starts TURN servers that end with the test."""
    started: list[TurnServer] = []

    def start(**options: Any) -> TurnServer:
        started.append(TurnServer(tmp_path, **options))
        return started[-1]

    yield start
    for server in started:
        server.close()


def gathered(ice: IceServers, bind_host: str = LOOPBACK) -> tuple[list[str], IceGathering]:
    """The candidates that a console with these servers would offer."""
    gathering = IceGathering(ice, bind_host, whose="this console's")

    async def offer() -> str:
        connection = new_connection(relay_only=ice.relay_only)
        transceiver = connection.addTransceiver("video", direction="recvonly")
        transceiver.setCodecPreferences(h264_only())
        gathering.arrange(connection)
        try:
            await connection.setLocalDescription(await connection.createOffer())
            return str(connection.localDescription.sdp)
        finally:
            await connection.close()

    sdp = asyncio.run(offer())
    return re.findall(r"a=candidate:(.*)\r\n", sdp), gathering


# --- pictures ---


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_pictures_come_through_a_relay_and_nothing_else_is_told(
    turn: Callable[..., TurnServer], transport: str
) -> None:
    ice = turn(rest=True).ice(transport, relay_only=True)
    with watching(ice, ice) as (receiver, channel):
        see(receiver)
        assert receiver.way == "relayed"
        assert channel.kinds() == {"relay"}
        # Not even as the address that a relay stands for.
        assert set(re.findall(r"raddr (\S+)", "".join(channel.sdp))) == {"0.0.0.0"}


@pytest.mark.long
@pytest.mark.parametrize("relayed", ["the robot", "the console"])
def test_one_end_may_be_relayed_alone(turn: Callable[..., TurnServer], relayed: str) -> None:
    ice = turn().ice("udp", relay_only=True)
    ends = (ice, NO_SERVERS) if relayed == "the robot" else (NO_SERVERS, ice)
    with watching(*ends) as (receiver, channel):
        see(receiver)
        assert receiver.way == "relayed"
        assert channel.kinds() == {"host", "relay"}


@pytest.mark.long
def test_the_direct_way_is_taken_where_there_is_one(turn: Callable[..., TurnServer]) -> None:
    ice = turn().ice("udp", "tcp")
    with watching(ice, ice) as (receiver, channel):
        see(receiver)
        assert receiver.way == "direct"
        assert channel.kinds() == {"host", "relay"}


def test_a_stun_server_tells_the_address_that_others_see(turn: Callable[..., TurnServer]) -> None:
    server = turn()
    ice = ice_servers({"server": [{"urls": f"stun:{server.address}:{server.port}"}]})
    candidates, gathering = gathered(ice)
    assert [line.split(" typ ")[1].split()[0] for line in candidates] == ["host", "srflx"]
    seen, host = (line.split() for line in reversed(candidates))
    assert seen[4:6] == host[4:6], "there is no NAT on loopback"
    assert seen[-4:] == ["raddr", LOOPBACK, "rport", host[5]]
    assert gathering.trouble == ""


@pytest.mark.long
def test_pictures_come_with_a_stun_server(turn: Callable[..., TurnServer]) -> None:
    server = turn()
    ice = ice_servers({"server": [{"urls": f"stun:{server.address}:{server.port}"}]})
    with watching(ice, ice) as (receiver, channel):
        see(receiver)
        assert receiver.way == "direct"
        assert channel.kinds() == {"host", "srflx"}


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of its own making for this machine's loopback address, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "turn")])
    begin = wall_time() - timedelta(hours=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "turn.crt", tmp_path / "turn.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


@pytest.mark.long
def test_pictures_come_over_tls_from_a_server_that_is_trusted_and_no_other(
    turn: Callable[..., TurnServer],
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ice = turn(certificate=certificate).ice("tls", relay_only=True)
    with pytest.raises(LinkError, match="a certificate that is not accepted here"):
        gathered(ice)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with watching(ice, ice) as (receiver, channel):
        see(receiver)
        assert receiver.way == "relayed"
        assert channel.kinds() == {"relay"}


# --- what goes wrong, and what the operator reads ---


def test_a_wrong_secret_is_told_as_such(turn: Callable[..., TurnServer]) -> None:
    server = turn(rest=True)
    with pytest.raises(LinkError) as refused:
        gathered(server.ice("udp", relay_only=True, secret="south"))
    assert str(refused.value).startswith(
        f"this console's relay {server.url()} refuses the credentials"
    )


@pytest.mark.long
def test_a_robot_whose_relay_refuses_it_says_so_to_the_console(
    turn: Callable[..., TurnServer],
) -> None:
    server = turn(rest=True)
    wrong = server.ice("udp", relay_only=True, secret="south")
    with watching(wrong, NO_SERVERS) as (receiver, _):
        wait_until(lambda: "refuses the credentials" in receiver.problem, "it was not told")
        assert receiver.problem.startswith(f"the robot's relay {server.url()}")


@pytest.mark.long
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_relay_that_is_away_is_told_and_the_direct_way_is_used(
    transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"turn:{LOOPBACK}:{free_port(LOOPBACK)}?transport={transport}"
    account = {"username": "op", "password": "pw"}
    away = ice_servers({"server": [{"urls": url, **account}]})
    with caplog.at_level(logging.WARNING, "video"), watching(NO_SERVERS, away) as (receiver, _):
        see(receiver)
        assert receiver.way == "direct"
        assert receiver.server_trouble == (
            f"this console's relay {url} does not answer: is it running, and is its port open?"
        )
    told = [r.getMessage() for r in caplog.records if r.name == "video"]
    assert told == [receiver.server_trouble], "told once"


@pytest.mark.long
def test_a_relay_that_dies_in_mid_session_leaves_the_direct_way(
    turn: Callable[..., TurnServer],
) -> None:
    server = turn()
    # The console's own addresses are of no use to the robot at first: only a relay can be reached.
    with watching(server.ice("udp", relay_only=True), server.ice("udp")) as (receiver, channel):
        see(receiver)
        assert receiver.way == "relayed"
        channel.sender._gathering = IceGathering(NO_SERVERS, LOOPBACK, whose="the robot's")
        server.kill()
        wait_until(lambda: receiver.problem != "", "the dead relay was not noticed")
        see(receiver)
        assert receiver.way == "direct"


@pytest.mark.long
def test_a_relay_that_dies_is_told_and_used_again_when_it_is_back(
    turn: Callable[..., TurnServer],
) -> None:
    server = turn(rest=True)
    ice = server.ice("udp", relay_only=True)
    with watching(ice, ice) as (receiver, _):
        see(receiver)
        server.kill()
        wait_until(lambda: "does not answer" in receiver.problem, "it was not told")
        assert receiver.problem.startswith(f"this console's relay {server.url()}")
        turn(rest=True, port=server.port)
        see(receiver)
        assert receiver.way == "relayed"


@pytest.mark.long
def test_every_connection_gets_credentials_of_its_own_time(
    turn: Callable[..., TurnServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """coturn does not look at the end of a name again while a session lasts; who comes with an old
    one is refused."""
    ice = turn(rest=True).ice("udp", relay_only=True)
    account = ice.servers[0].account
    assert account is not None
    assert len(gathered(ice)[0]) == 1
    long_ago = ice_gathering.wall_time().timestamp() - account.lifetime_s - 60
    with monkeypatch.context() as earlier:
        stamp = type("Stamp", (), {"timestamp": lambda self: long_ago})
        earlier.setattr(ice_gathering, "wall_time", stamp)
        with pytest.raises(LinkError, match="refuses the credentials"):
            gathered(ice)
    assert len(gathered(ice)[0]) == 1


@pytest.mark.long
def test_a_silent_relay_delays_the_direct_way_by_two_seconds_once() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, 0))
        url = f"turn:{LOOPBACK}:{silent.getsockname()[1]}"
        ice = ice_servers({"server": [{"urls": url, "username": "op", "password": "pw"}]})
        gathering = IceGathering(ice, LOOPBACK, whose="this console's")

        async def both() -> list[float]:
            took = []
            loop = asyncio.get_running_loop()
            for _ in range(2):
                connection = new_connection()
                connection.addTransceiver("video", direction="recvonly")
                gathering.arrange(connection)
                begin_s = loop.time()
                await connection.setLocalDescription(await connection.createOffer())
                took.append(loop.time() - begin_s)
                await connection.close()
            return took

        first_s, second_s = asyncio.run(both())
    assert ice_gathering.ANSWER_MS / 1e3 <= first_s < ice_gathering.ANSWER_MS / 1e3 + 0.5
    assert ice_gathering.AGAIN_MS / 1e3 <= second_s < ice_gathering.AGAIN_MS / 1e3 + 0.5
    assert "does not answer" in gathering.trouble


# --- what reaches below the public interfaces of aiortc and aioice ---


def test_relay_only_opens_no_other_way_when_the_relay_is_away() -> None:
    url = f"turn:{LOOPBACK}:{free_port(LOOPBACK)}?transport=tcp"
    account = {"username": "op", "password": "pw"}
    ice = ice_servers({"relay_only": True, "server": [{"urls": url, **account}]})
    with pytest.raises(LinkError, match=f"this console's relay {re.escape(url)} does not answer"):
        gathered(ice)


def test_without_servers_only_our_own_addresses_are_offered() -> None:
    candidates, gathering = gathered(NO_SERVERS)
    assert len(candidates) == 1
    assert candidates[0].endswith(" typ host")
    assert gathering.trouble == ""


def test_aioice_still_gets_a_relay_by_the_function_that_is_called_for_it() -> None:
    # Where there is no coturn nothing else here would notice.
    assert set(inspect.signature(relayed_candidate).parameters) == {
        *("component", "hide_related_address", "protocol_factory", "turn_server"),
        *("turn_username", "turn_password", "turn_ssl", "turn_transport"),
    }
    assert list(inspect.signature(server_reflexive_candidate).parameters) == [
        *("protocol", "stun_server")
    ]


async def connected_s(*, at_once: bool) -> float:
    """How long the controlled end of a connection takes whose first check is lost."""
    ends = Connection(ice_controlling=True), Connection(ice_controlling=False)
    for end in ends:
        end._local_candidates = await end.get_component_candidates(1, [LOOPBACK])
        end._local_candidates_end = True
    for end, other in (ends, ends[::-1]):
        await end.add_remote_candidate(other.local_candidates[0])
        await end.add_remote_candidate(None)
        end.remote_username, end.remote_password = other.local_username, other.local_password
    controlled = ends[1]
    (protocol,) = controlled._protocols
    send, lost = protocol.send_stun, asyncio.Event()

    def lossy(message: stun.Message, addr: tuple[str, int]) -> None:
        if message.message_class is stun.Class.REQUEST and not lost.is_set():
            lost.set()
        else:
            send(message, addr)

    protocol.send_stun = lossy  # type: ignore[method-assign]
    if at_once:
        controlled.check_incoming = checks_at_once(  # type: ignore[method-assign]
            controlled.check_incoming
        )
    begin_s = asyncio.get_running_loop().time()

    async def connect_first() -> float:
        await controlled.connect()
        return asyncio.get_running_loop().time() - begin_s

    async def connect_then() -> None:
        await lost.wait()  # it is under way when the other end's comes
        await ends[0].connect()

    took_s, _ = await asyncio.gather(connect_first(), connect_then())
    for end in ends:
        await end.close()
    return took_s


def test_a_lost_check_is_repeated_when_the_other_ends_has_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stun, "RETRY_RTO", 60.0)  # aioice's own repetition would not come in time

    async def connected() -> None:
        async with asyncio.timeout(20.0):
            await connected_s(at_once=True)

    asyncio.run(connected())


def test_aioice_itself_still_waits_half_a_second() -> None:
    assert asyncio.run(connected_s(at_once=False)) > 0.4
