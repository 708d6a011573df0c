"""What robots announce, and what a console makes of what anybody may announce."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.announcement import (
    MOST_ADDRESSES,
    MOST_HEARD,
    Announcement,
    Announcements,
    neighbourhood,
    read,
)
from teleop.key_files import KnownRobot
from teleop.public_key import digest_of, fingerprint, key_of
from transport.messages import NAME_LENGTH, PROTOCOL_VERSION

KEYS = [key_of(bytes([number]) * 32) for number in range(3)]
DAY = datetime.date(2026, 1, 1)
ROVER = Announcement(
    "rover-07", "home-3 · living room", "rover", digest_of(KEYS[0]), 7600, hosts=("192.0.2.7",)
)
KNOWN = KnownRobot("192.0.2.7:7600", "rover-07", KEYS[0], DAY)


def on_the_wire(said: Announcement) -> dict[bytes, bytes | None]:
    return {key.encode(): value.encode() for key, value in said.properties().items()}


def test_what_a_robot_announces_is_read_as_it_was_said() -> None:
    assert read(on_the_wire(ROVER), ROVER.hosts, ROVER.port) == ROVER


def test_the_name_on_the_network_has_the_form_of_one_and_tells_robots_of_one_name_apart() -> None:
    odd = replace(ROVER, name="Röver \n 7" * 7, port=7610)
    for said in (ROVER, odd, replace(ROVER, digest=digest_of(KEYS[1]))):
        assert said.instance.isascii()
        assert len(said.instance) <= 63, "of a DNS label"
    assert len({one.instance for one in (ROVER, odd, replace(ROVER, digest="f" * 64))}) == 3


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"name", None),
        (b"name", b""),
        (b"name", b"  "),
        (b"name", b"x" * (NAME_LENGTH + 1)),
        (b"name", b"rover\x1b[2J"),
        (b"name", b"rover\n07"),
        (b"name", b"\xff\xfe"),
        (b"site", "‮gnp.exe".encode()),
        (b"site", b"x" * (NAME_LENGTH + 1)),
        (b"key", None),
        (b"key", b"f" * 63),
        (b"key", b"F" * 64),
        (b"key", b"f" * 10_000),
        (b"version", b""),
        (b"version", b"-1"),
        (b"version", b"9" * 5000),
        (b"version", "٣".encode()),
    ],
)
def test_a_record_that_is_none_of_a_robots_is_nothing(key: bytes, value: bytes | None) -> None:
    assert read({**on_the_wire(ROVER), key: value}, ROVER.hosts, ROVER.port) is None


@pytest.mark.parametrize("port", [None, 0, 80, 1023, 65_501, 70_000, -1])
def test_a_port_that_no_robot_has_is_nothing(port: int | None) -> None:
    assert read(on_the_wire(ROVER), ROVER.hosts, port) is None


def test_a_robot_without_an_address_is_nothing_and_one_with_very_many_has_a_few() -> None:
    assert read(on_the_wire(ROVER), [], ROVER.port) is None
    said = read(on_the_wire(ROVER), [f"192.0.2.{n}" for n in range(99)], ROVER.port)
    assert said is not None
    assert len(said.addresses) == MOST_ADDRESSES


@pytest.mark.parametrize("kind", [b"submarine", b"\xff", b"", None])
def test_a_kind_that_this_version_does_not_know_is_left_out(kind: bytes | None) -> None:
    said = read({**on_the_wire(ROVER), b"kind": kind}, ROVER.hosts, ROVER.port)
    assert said is not None
    assert said.kind == ""


@given(
    st.dictionaries(
        st.sampled_from([b"name", b"site", b"kind", b"key", b"version", b"more"]),
        st.none() | st.binary(max_size=300),
    ),
    st.lists(st.text(max_size=20), max_size=5),
    st.none() | st.integers(),
)
def test_whatever_is_announced_is_read_or_is_nothing(
    txt: dict[bytes, bytes | None], hosts: list[str], port: int | None
) -> None:
    said = read({**on_the_wire(ROVER), **txt}, hosts, port)
    if said is not None:
        assert said.name.isprintable()
        assert len(said.name) <= NAME_LENGTH
        neighbourhood([said], [KNOWN])


# --- how much of it is remembered ---


def strangers(count: int) -> list[Announcement]:
    return [
        replace(ROVER, name=f"r-{n}", digest=f"{n:064x}", hosts=(f"198.51.100.{n % 250}",))
        for n in range(count)
    ]


def test_thousands_of_announcements_are_bounded_and_counted() -> None:
    heard = Announcements()
    for said in strangers(5000):
        heard.hear(said.instance, said)
    assert len(heard.all()) == MOST_HEARD
    assert heard.crowded_out == 5000 - MOST_HEARD


def test_strangers_make_room_for_a_robot_that_was_paired() -> None:
    heard = Announcements()
    heard.know([KNOWN])
    for said in strangers(MOST_HEARD):
        heard.hear(said.instance, said)
    heard.hear("rover", ROVER)
    assert ROVER in heard.all()
    assert len(heard.all()) == MOST_HEARD


def test_what_says_good_bye_or_says_nonsense_from_now_on_is_forgotten() -> None:
    heard = Announcements()
    heard.hear("a", ROVER)
    heard.hear("b", replace(ROVER, port=7610))
    heard.gone("a")
    heard.gone("never heard")
    assert [one.port for one in heard.all()] == [7610]
    heard.hear("b", None)
    assert (heard.all(), heard.malformed) == ((), 1)


# --- what it comes to ---


def test_a_known_robot_where_it_was_paired_is_nowhere_else() -> None:
    found = neighbourhood([ROVER], [KNOWN])
    assert (found.elsewhere, found.strangers) == ({}, ())


def test_a_known_robot_at_another_address_may_be_there() -> None:
    moved = replace(ROVER, hosts=("192.0.2.99", "192.0.2.7"), name="named anew")
    found = neighbourhood([moved], [KNOWN])
    assert found.elsewhere == {"192.0.2.7:7600": ("192.0.2.99:7600",)}
    assert found.strangers == ()


def test_two_robots_of_one_key_are_not_taken_for_each_other() -> None:
    other = KnownRobot("192.0.2.7:7610", "rover-08", KEYS[0], DAY)
    found = neighbourhood([ROVER, replace(ROVER, name="rover-08", port=7610)], [KNOWN, other])
    assert found.elsewhere == {}


def test_many_who_say_to_be_a_known_robot_give_a_few_places_to_look() -> None:
    liars = [replace(ROVER, hosts=(f"198.51.100.{n}",)) for n in range(200)]
    (places,) = neighbourhood(liars, [KNOWN]).elsewhere.values()
    assert len(places) == MOST_ADDRESSES


def test_an_unknown_robot_is_listed_with_its_words_and_what_to_do() -> None:
    said = replace(ROVER, digest=digest_of(KEYS[1]), hosts=("192.0.2.8", "192.0.2.9"))
    (stranger,) = neighbourhood([said, said], [KNOWN]).strangers
    assert (stranger.name, stranger.site, stranger.kind) == (said.name, said.site, "rover")
    assert stranger.address == "192.0.2.8:7600"
    assert stranger.words == fingerprint(KEYS[1])
    assert stranger.sentence == (
        "Not paired. Run `unstick pair` on the robot, then here what it shows: unstick pair 'LINK'"
    )


def test_a_robot_that_has_the_address_of_a_known_one_and_another_key_is_a_stranger() -> None:
    (stranger,) = neighbourhood([replace(ROVER, digest=digest_of(KEYS[2]))], [KNOWN]).strangers
    assert stranger.address == KNOWN.address


def test_an_unknown_robot_of_another_version_says_which_to_update() -> None:
    said = replace(ROVER, digest=digest_of(KEYS[1]), version=PROTOCOL_VERSION + 1)
    (stranger,) = neighbourhood([said], []).strangers
    assert f"version {PROTOCOL_VERSION + 1}" in stranger.sentence
    assert f"this console {PROTOCOL_VERSION}" in stranger.sentence
    assert "update the older one" in stranger.sentence
