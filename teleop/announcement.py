"""What a robot tells the local network of itself, and what a console makes of what it hears. Pure.

Anybody on the network can announce anything. So nothing here is more than a hint: where a robot
that has been paired may be found, its pinned key still decides there, and that there is something
that calls itself a robot, which a person may pair with. What is heard is checked and bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleop.public_key import digest_of, words_of
from transport.messages import NAME_LENGTH, PROTOCOL_VERSION, RobotKind

if TYPE_CHECKING:
    from teleop.key_files import KnownRobot

SERVICE: Final = "_unstick._tcp.local."
MOST_ADDRESSES: Final = 3  # of one announcement, and of one robot elsewhere
MOST_HEARD: Final = 256  # announcements that are remembered
_DIGEST: Final = re.compile("[0-9a-f]{64}")
_VERSION: Final = re.compile("[0-9]{1,6}")
_INSTANCE: Final = re.compile("[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Announcement:
    """What one robot says of itself."""

    name: str
    site: str
    kind: str  # of `RobotKind`; empty: one that this version does not know
    digest: str  # `public_key.digest_of` its key
    port: int  # its base port
    version: int = PROTOCOL_VERSION
    hosts: tuple[str, ...] = ()  # IPv4 addresses at which it says that it listens

    @property
    def addresses(self) -> tuple[str, ...]:
        """host:port of each."""
        return tuple(f"{host}:{self.port}" for host in self.hosts)

    @property
    def instance(self) -> str:
        """A name on the network that no other robot takes by chance, whatever it is called."""
        said = _INSTANCE.sub("-", self.name)[:32]
        return f"{said}-{self.digest[:12]}-{self.port}"

    def properties(self) -> dict[str, str]:
        """The TXT record."""
        return {
            "name": self.name,
            "site": self.site[:NAME_LENGTH],
            "kind": self.kind,
            "key": self.digest,
            "version": str(self.version),
        }


def read(
    txt: Mapping[bytes, bytes | None], hosts: Sequence[str], port: int | None
) -> Announcement | None:
    """What a record says; None when it is not one of a robot's."""
    name, site = _text(txt, b"name"), _text(txt, b"site")
    kind, digest, version = _text(txt, b"kind"), _text(txt, b"key"), _text(txt, b"version")
    if not name or site is None or not hosts or port is None or not 1024 <= port <= 65_500:
        return None
    if not _DIGEST.fullmatch(digest or "") or not _VERSION.fullmatch(version or ""):
        return None
    return Announcement(
        name=name,
        site=site,
        kind=kind if kind in {known.value for known in RobotKind} else "",
        digest=digest or "",
        port=port,
        version=int(version or ""),
        hosts=tuple(dict.fromkeys(hosts))[:MOST_ADDRESSES],
    )


def _text(txt: Mapping[bytes, bytes | None], key: bytes) -> str | None:
    """A value that can be shown to a person, empty when it is missing; None when it cannot."""
    raw = txt.get(key) or b""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return text.strip() if len(text) <= NAME_LENGTH and text.isprintable() else None


class Announcements:
    """What is announced at present, by the name of the service; bounded."""

    def __init__(self) -> None:
        self._heard: dict[str, Announcement] = {}
        self._known: frozenset[str] = frozenset()
        self.malformed = 0  # records that are none of a robot's
        self.crowded_out = 0  # robots that there was no room for

    def know(self, robots: Iterable[KnownRobot]) -> None:
        """These robots were paired: room is made for them."""
        self._known = frozenset(digest_of(robot.key) for robot in robots)

    def hear(self, service: str, said: Announcement | None) -> None:
        """A service is announced, or says something else; None: nothing that can be read."""
        if said is None:
            self.malformed += 1
            self._heard.pop(service, None)
            return
        if service not in self._heard and len(self._heard) >= MOST_HEARD:
            self.crowded_out += 1
            strangers = (n for n, one in self._heard.items() if one.digest not in self._known)
            stranger = next(strangers, None) if said.digest in self._known else None
            if stranger is None:
                return
            del self._heard[stranger]
        self._heard[service] = said

    def gone(self, service: str) -> None:
        """A service has said good-bye, or was not heard for long."""
        self._heard.pop(service, None)

    def all(self) -> tuple[Announcement, ...]:
        """Those that are announced now, the oldest first."""
        return tuple(self._heard.values())


@dataclass(frozen=True)
class Stranger:
    """Something that says it is a robot and was not paired with."""

    name: str
    site: str
    kind: str
    address: str  # host:port
    words: str  # the six of its key, as it says: compare them with the robot's own when pairing
    sentence: str  # why it cannot be driven, and what to do


@dataclass(frozen=True)
class Neighbourhood:
    """What the announcements come to for one console."""

    elsewhere: dict[str, tuple[str, ...]]  # address of the pairing -> where it may be, too
    strangers: tuple[Stranger, ...]


def neighbourhood(announced: Iterable[Announcement], known: Iterable[KnownRobot]) -> Neighbourhood:
    """Where the robots of the address book may be by now, and who else there is."""
    known = tuple(known)
    paired = {robot.address for robot in known}
    digests = {robot.address: digest_of(robot.key) for robot in known}
    places: dict[str, tuple[str, ...]] = {}
    strangers: dict[tuple[str, str], Stranger] = {}
    for said in announced:
        # Where another robot of the list is, this one is not: two may share a machine and a key.
        there = tuple(address for address in said.addresses if address not in paired)
        places[said.digest] = tuple(dict.fromkeys((*places.get(said.digest, ()), *there)))
        if said.digest not in digests.values():
            strangers.setdefault((said.digest, said.addresses[0]), _stranger(said))
    elsewhere = {
        address: places[digest][:MOST_ADDRESSES]
        for address, digest in digests.items()
        if places.get(digest)
    }
    by_name = sorted(strangers.values(), key=lambda one: (one.name, one.address))
    return Neighbourhood(elsewhere, tuple(by_name))


def _stranger(said: Announcement) -> Stranger:
    sentence = (
        "Not paired. Run `unstick pair` on the robot, then here what it shows: unstick pair 'LINK'"
    )
    if said.version != PROTOCOL_VERSION:
        sentence = (
            f"It speaks version {said.version} of the protocol, this console "
            f"{PROTOCOL_VERSION}: update the older one, then pair"
        )
    return Stranger(
        name=said.name,
        site=said.site,
        kind=said.kind,
        address=said.addresses[0],
        words=words_of(said.digest),
        sentence=sentence,
    )
