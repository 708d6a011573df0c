"""Whom a robot's sockets let in: who is on its list, and on its inner bus only the robot itself."""

from __future__ import annotations

from teleop.roster import RosterFile
from transport.clock import now_ns
from transport.curve import Domain, Door, KeyPair
from transport.descriptors import allow_descriptors


def robot_door(keys: KeyPair, roster: RosterFile) -> Door:
    """A door for one process of a robot; the list is asked at each handshake, as it is by then.

    It stays shut for pairing, which has a process and a door of its own.

    Raises:
        LinkError: this machine's ZeroMQ cannot keep strangers out.
    """

    def admits(channel: str, key: str) -> bool:
        if channel == Domain.BUS:
            return key == keys.public
        if channel == Domain.PAIRING:
            return False
        return roster.refreshed(now_ns()).member_of(key) is not None

    # Each stranger that connects holds one until its handshake has run out of time, after 2 s.
    allow_descriptors()
    return Door(keys, admits)
