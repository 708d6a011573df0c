"""Whom a robot's own door lets in, with real lists on disk and real sockets."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from teleop.both_ends import acquaint
from teleop.key_files import ROBOT_KEY, load_or_make
from teleop.robot_door import robot_door
from teleop.roster import AUTHORIZED_KEYS, RosterFile
from tests.links.link_support import until
from transport.channels import PAIRING, REQUESTS
from transport.control_link import (
    LOOPBACK,
    Asker,
    BusReceiver,
    BusSender,
    Requests,
    Trouble,
    free_base_port,
)
from transport.curve import Credentials, Door, KeyPair
from transport.descriptors import DESCRIPTORS


class House:
    """A robot's folder, its door, and one member."""

    def __init__(self, folder: Path) -> None:
        self.port = free_base_port()
        self.member = acquaint(folder, folder / "console", f"{LOOPBACK}:{self.port}", "op-1")
        self.roster = RosterFile(folder / AUTHORIZED_KEYS)
        self.keys: KeyPair = load_or_make(folder / ROBOT_KEY)
        self.itself = Credentials(self.keys, self.keys.public)
        self.door: Door = robot_door(self.keys, self.roster)


@pytest.fixture
def house(tmp_path: Path, closing: ExitStack) -> House:
    made = House(tmp_path)
    closing.callback(made.door.close)
    return made


def test_who_is_on_the_list_comes_in_until_struck_off(house: House, closing: ExitStack) -> None:
    closing.callback(Requests(REQUESTS, house.door, LOOPBACK, house.port).close)
    first = Asker(REQUESTS, house.member, LOOPBACK, house.port)
    closing.callback(first.close)
    until(lambda: first.trouble is None)
    house.roster.revoke("op-1")

    until(lambda: told(house) is Trouble.NOT_PAIRED)


def told(house: House) -> Trouble | None:
    """What the member's next handshake comes to."""
    asker = Asker(REQUESTS, house.member, LOOPBACK, house.port)
    try:
        until(lambda: asker.trouble is not Trouble.UNREACHABLE)
        return asker.trouble
    finally:
        asker.close()


def test_the_robot_itself_is_no_operator(house: House, closing: ExitStack) -> None:
    closing.callback(Requests(REQUESTS, house.door, LOOPBACK, house.port).close)
    itself = Asker(REQUESTS, house.itself, LOOPBACK, house.port)
    closing.callback(itself.close)
    until(lambda: itself.trouble is Trouble.NOT_PAIRED)


def test_the_inner_bus_is_for_the_robot_alone(house: House, closing: ExitStack) -> None:
    sender = BusSender(house.door, house.port)
    itself = BusReceiver(house.itself, house.port)
    member = BusReceiver(house.member, house.port)
    for link in (sender, itself, member):
        closing.callback(link.close)
    until(lambda: member.trouble is Trouble.NOT_PAIRED)

    def heard() -> bool:
        sender.send(b"tick")
        assert member.receive(0) is None
        return itself.receive(5) == b"tick"

    until(heard)


def test_nobody_pairs_through_the_agents_door(house: House, closing: ExitStack) -> None:
    closing.callback(Requests(PAIRING, house.door, LOOPBACK, house.port).close)
    for credentials in (house.member, house.itself):
        asker = Asker(PAIRING, credentials, LOOPBACK, house.port)
        closing.callback(asker.close)
        until(lambda asker=asker: asker.trouble is Trouble.NOT_PAIRED)  # type: ignore[misc]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_strangers_find_room_while_they_are_shown_out(tmp_path: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        House(tmp_path).door.close()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(DESCRIPTORS, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
