"""Where keys live: a machine's own key pair, and the robots a console has paired with.

A secret key is written once and never shown, logged or sent. Both files are private (0600).
"""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path
from typing import Final

import msgspec
import tomli_w
from msgspec import Struct, structs

from teleop.private_files import (
    locked,
    read_entries,
    read_private,
    write_entries,
    write_private,
)
from teleop.public_key import key_bytes
from teleop.safety import ConfigError
from transport.curve import KeyPair, new_key_pair, public_of

ROBOT_KEY: Final = Path("keys") / "robot.key"  # within a robot's state folder
CONSOLE_KEY: Final = Path("keys") / "console.key"  # within a console's config folder
KNOWN_ROBOTS: Final = Path("keys") / "known_robots.toml"  # there, too

_KEY_HEADING: Final = """\
# The key of this machine. Whoever has it is taken for this machine: never copy it, never send it.
# If it may have been seen, delete this file: a new one is made, and everything is paired again.

"""
_KNOWN_HEADING: Final = """\
The robots this console has paired with. Written by `unstick pair` and `unstick keys forget`."""


class _Pair(Struct, forbid_unknown_fields=True, frozen=True):
    public: str
    secret: str


def load(path: Path) -> KeyPair | None:
    """The key pair in `path`; None when there is none yet.

    Raises:
        ConfigError: the file is damaged, or others could read it.
    """
    try:
        content = read_private(path)
    except FileNotFoundError:
        return None
    try:
        pair = msgspec.convert(tomllib.loads(content.decode()), _Pair)
        key_bytes(pair.public)
        key_bytes(pair.secret)
        if public_of(pair.secret) != pair.public:
            raise ValueError
    except ValueError:  # of TOML, its encoding, the schema, a key, or the pair
        # Not the parser's words: they may quote what it found.
        raise ConfigError(
            f"{path} is damaged and holds no usable key. Restore it from a backup, "
            f"or delete it: a new key is made then, and everything has to be paired again"
        ) from None
    return KeyPair(pair.public, pair.secret)


def load_or_make(path: Path) -> KeyPair:
    """The key pair in `path`, made and written there when there is none yet.

    Several processes may come at once; all get the same pair.

    Raises:
        ConfigError: the file is damaged, others could read it, or it cannot be written.
    """
    with locked(path.parent):
        pair = load(path)
        if pair is None:
            pair = new_key_pair()
            content = tomli_w.dumps({"public": pair.public, "secret": pair.secret})
            write_private(path, (_KEY_HEADING + content).encode())
    return pair


class KnownRobot(Struct, frozen=True, forbid_unknown_fields=True):
    """A robot this console has paired with."""

    address: str  # host:port, as it was paired
    name: str
    key: str  # public, Z85; a robot at that address with another one is not trusted
    added: datetime.date


class KnownRobots:
    """The list on disk, `known_robots.toml`; one robot for each address."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path

    def read(self) -> tuple[KnownRobot, ...]:
        """All of them; none when there is no file yet.

        Raises:
            ConfigError: the file is malformed, or others could read or change it.
        """
        try:
            robots = read_entries(self.path, "robot", KnownRobot)
        except FileNotFoundError:
            return ()
        addresses: set[str] = set()
        for robot in robots:
            try:
                key_bytes(robot.key)
            except ValueError as error:
                raise ConfigError(f"{self.path}: the key of {robot.address}: {error}") from None
            if robot.address in addresses:
                raise ConfigError(f"{self.path}: {robot.address} is there twice")
            addresses.add(robot.address)
        return tuple(robots)

    def at(self, address: str) -> KnownRobot | None:
        """The robot that was paired under this address, None when none was.

        Raises:
            ConfigError: the file is malformed, or others could read or change it.
        """
        return next((robot for robot in self.read() if robot.address == address), None)

    def pin(self, robot: KnownRobot) -> None:
        """Trust this robot, and no other, at its address from now on. Durable on return.

        Raises:
            ConfigError: the file is malformed or cannot be written.
        """
        with locked(self.path.parent):
            others = [one for one in self.read() if one.address != robot.address]
            self._write([*others, robot])

    def forget(self, address: str) -> KnownRobot:
        """Trust no robot at this address any more; returns which it was. Durable on return.

        Raises:
            ConfigError: there is none, or the file is malformed or cannot be written.
        """
        with locked(self.path.parent):
            robots = self.read()
            gone = [one for one in robots if one.address == address]
            if not gone:
                known = ", ".join(one.address for one in robots) or "none"
                raise ConfigError(f"no robot at {address} is known. Known are: {known}")
            self._write([one for one in robots if one.address != address])
        return gone[0]

    def _write(self, robots: list[KnownRobot]) -> None:
        write_entries(self.path, "robot", map(structs.asdict, robots), _KNOWN_HEADING)
