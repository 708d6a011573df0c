"""Robots that announce themselves over real multicast, on this machine's loopback."""

from __future__ import annotations

import datetime
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from zeroconf import IPVersion, ServiceInfo, Zeroconf

from teleop import announcing, discovery
from teleop.announcement import SERVICE, Announcement
from teleop.announcing import announce
from teleop.discovery import NO_MULTICAST, Discovery
from teleop.key_files import KnownRobot
from teleop.own_addresses import EVERYWHERE, listened_on, own_addresses
from teleop.public_key import digest_of
from tests.links.link_support import until
from transport.control_link import LOOPBACK
from transport.curve import new_key_pair

DAY = datetime.date(2026, 1, 1)
HEARD_S = 30.0


@pytest.fixture
def robot() -> Announcement:
    """A robot that nobody else on this machine is."""
    key = new_key_pair().public
    return Announcement("röver 7", "home-3 · living room", "rover", digest_of(key), 7600)


@contextmanager
def announced(robot: Announcement, host: str = LOOPBACK) -> Iterator[None]:
    leaving = threading.Event()
    thread = threading.Thread(target=announce, args=(robot, host, leaving))
    thread.start()
    try:
        yield
    finally:
        leaving.set()
        thread.join(15.0)
        assert not thread.is_alive()


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Discovery]:
    """A console that listens on loopback only: nobody's real robots take part."""
    monkeypatch.setattr(discovery, "own_addresses", lambda: (LOOPBACK,))
    found = Discovery()
    with closing(found):
        found.start()
        yield found


def words_of(found: Discovery) -> set[str]:
    return {one.address + " " + one.name for one in found.neighbourhood().strangers}


def test_a_robot_is_found_while_it_is_there_and_with_all_that_it_says(
    heard: Discovery, robot: Announcement
) -> None:
    other = Announcement("röver 7", "", "arm", digest_of(new_key_pair().public), 7610)
    both = {f"{LOOPBACK}:7600 röver 7", f"{LOOPBACK}:7610 röver 7"}
    with announced(robot), announced(other):
        until(lambda: words_of(heard) >= both, "both are found", HEARD_S)
        seen = {one.address: one for one in heard.neighbourhood().strangers}
        assert seen[f"{LOOPBACK}:7600"].site == "home-3 · living room"
        assert seen[f"{LOOPBACK}:7610"].kind == "arm"
        assert heard.trouble == ""
    until(lambda: not words_of(heard) & both, "their good-bye is heard", HEARD_S)


def test_a_robot_that_was_paired_elsewhere_is_found_here(heard: Discovery) -> None:
    key = new_key_pair().public
    known = KnownRobot("192.0.2.7:7600", "rover-7", key, DAY)
    heard.know([known])
    with announced(Announcement("rover-7", "", "rover", digest_of(key), 7620)):
        wanted = {known.address: (f"{LOOPBACK}:7620",)}
        until(lambda: heard.neighbourhood().elsewhere == wanted, "it is found", HEARD_S)
        assert heard.neighbourhood().strangers == ()


def test_two_robots_that_take_the_same_name_on_the_network_are_both_found(
    heard: Discovery, robot: Announcement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Announcement, "instance", "the-same-for-all")
    other = Announcement("rover-8", "", "rover", digest_of(new_key_pair().public), 7630)
    with announced(robot):
        until(lambda: bool(words_of(heard)), "the first is found", HEARD_S)
        with announced(other):
            both = {f"{LOOPBACK}:7600 röver 7", f"{LOOPBACK}:7630 rover-8"}
            until(lambda: words_of(heard) >= both, "both are found", HEARD_S)


HOSTILE: tuple[dict[str, str | bytes], ...] = (
    {},
    {"name": b"\xff\xfe", "key": "f" * 64, "version": "6"},
    {"name": "rover\x1b[2J", "key": "f" * 64, "version": "6"},
    {"name": "x" * 200, "key": "f" * 64, "version": "6"},
    {"name": "rover", "key": "nonsense", "version": "6"},
    {"name": "rover", "key": "f" * 64, "version": "six"},
)


def test_records_that_are_none_of_a_robots_are_dropped_and_hide_no_robot(
    heard: Discovery, robot: Announcement
) -> None:
    liar = Zeroconf(interfaces=[LOOPBACK], ip_version=IPVersion.V4Only)
    with closing(liar):
        for number, txt in enumerate(HOSTILE):
            info = ServiceInfo(
                SERVICE,
                f"hostile-{robot.digest[:8]}-{number}.{SERVICE}",
                addresses=[socket.inet_aton(LOOPBACK)],
                port=7640 + number,
                properties=dict(txt),
            )
            liar.register_service(info, cooperating_responders=True)
        with announced(robot):
            until(lambda: f"{LOOPBACK}:7600 röver 7" in words_of(heard), "it is found", HEARD_S)
        until(lambda: heard._heard.malformed >= len(HOSTILE), "all were heard", HEARD_S)
        assert not any(one.address[-4:-1] == "764" for one in heard.neighbourhood().strangers)


def test_who_listens_on_loopback_is_announced_there_alone() -> None:
    assert listened_on(LOOPBACK) == (LOOPBACK,)
    assert listened_on("localhost") == (LOOPBACK,)
    assert not any(host.startswith("127.") for host in listened_on(EVERYWHERE))
    assert set(listened_on(EVERYWHERE)) <= set(own_addresses())
    assert listened_on("no such host.invalid") == ()


# --- without multicast ---


def refused(*_: object, **__: object) -> Zeroconf:
    raise OSError(19, "No such device")


def test_a_robot_that_cannot_be_announced_says_so_once_and_goes_on_trying(
    robot: Announcement, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[object] = []

    def count(*arguments: object, **options: object) -> Zeroconf:
        tries.append(options["interfaces"])
        return refused()

    monkeypatch.setattr(announcing, "Zeroconf", count)
    monkeypatch.setattr(announcing, "LOOK_S", 0.001)
    with announced(robot):
        until(lambda: len(tries) > 3, "it tries again")
    assert set(map(str, tries)) == {f"['{LOOPBACK}']"}
    (said,) = [one.message for one in caplog.records if one.levelno >= logging.WARNING]
    assert said == (
        "this network cannot be told that röver 7 is here (no multicast on 127.0.0.1); it is "
        "reached by its address as ever"
    )


@pytest.mark.parametrize("host", ["no such host.invalid"])
def test_a_robot_on_no_network_at_all_is_not_announced(
    robot: Announcement, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    with announced(robot, host):
        until(lambda: "cannot be told" in caplog.text, "it says so")


def test_a_console_without_multicast_finds_nothing_and_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("zeroconf.Zeroconf", refused)
    monkeypatch.setattr(discovery, "LOOK_S", 0.001)
    found = Discovery()
    with closing(found):
        found.start()
        until(lambda: found.trouble == NO_MULTICAST, "it says so")
        assert found.neighbourhood().strangers == ()
    assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) == 1


@pytest.mark.parametrize("ends", [Discovery.close, lambda _: None])
def test_closing_before_the_start_is_no_error(ends: Callable[[Discovery], None]) -> None:
    found = Discovery()
    ends(found)
    found.close()
