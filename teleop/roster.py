"""Who may do what with a robot: its list of public keys, each with a name and a role.

`Roster` is pure. `RosterFile` is the list on disk, `authorized_keys.toml`; every process of the
robot asks it again and again, so that a key that was added or revoked counts within `LOOK_MS`. The
control tick does not ask the disk but for what was read last; see `teleop.roster_watch`.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from teleop.private_files import locked, read_entries, write_entries
from teleop.public_key import key_bytes
from teleop.safety import ConfigError
from transport.clock import NS_PER_MS, wall_time
from transport.messages import NAME_LENGTH, Role

log = logging.getLogger("keys")

AUTHORIZED_KEYS: Final = Path("keys") / "authorized_keys.toml"  # within a robot's state folder
LOOK_MS: Final = 250  # a fourth of the second within which a change has to count
_HEADING: Final = """\
Who may do what with this robot. Written by `unstick pair` and `unstick keys`; a change counts
within a second, also while the robot runs. Roles: observer, operator, supervisor, maintenance."""


class Member(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody this robot knows: the owner of one key."""

    key: str  # public, Z85
    name: str  # what the robot's log and the other consoles call them
    role: Role
    added: datetime.date | None = None  # for people to read; no decision depends on it
    consent: str = ""  # under which this person's driving is recorded: goes into each manifest


class Roster:
    """Whom a robot knows; immutable. No key and no name appears twice."""

    def __init__(self, members: Iterable[Member] = ()) -> None:
        """Raises ConfigError for a malformed key or name, or one that appears twice."""
        self.members: Final = tuple(members)
        self._by_key: Final[dict[str, Member]] = {}
        names: dict[str, Member] = {}
        for member in self.members:
            _check(member)
            twin = self._by_key.setdefault(member.key, member)
            if twin is not member:
                raise ConfigError(f"{twin.name} and {member.name} have the same key")
            if names.setdefault(member.name.casefold(), member) is not member:
                raise ConfigError(f"{member.name} is there twice; names must differ")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Roster) and self.members == other.members

    def __hash__(self) -> int:
        return hash(self.members)

    def member_of(self, key: str) -> Member | None:
        """Whose key this is; None for a stranger's."""
        return self._by_key.get(key)

    def named(self, name: str) -> Member | None:
        """Who has this name, in upper or lower case."""
        wanted = name.casefold()
        return next((one for one in self.members if one.name.casefold() == wanted), None)

    def with_member(self, member: Member) -> Roster:
        """This list and `member`; whoever had the same key before is replaced.

        Raises:
            ConfigError: somebody else has that name, or key or name is malformed.
        """
        namesake = self.named(member.name)
        if namesake is not None and namesake.key != member.key:
            raise ConfigError(
                f"another key has the name {namesake.name} already. Choose another name, "
                f"or revoke that key first: unstick keys revoke {namesake.name}"
            )
        return Roster([*(one for one in self.members if one.key != member.key), member])

    def without(self, name: str) -> Roster:
        """This list without the member called `name`.

        Raises:
            ConfigError: there is no such member.
        """
        gone = self.named(name)
        if gone is None:
            known = ", ".join(one.name for one in self.members) or "nobody"
            raise ConfigError(f"there is no key of {name}. This robot knows: {known}")
        return Roster(one for one in self.members if one is not gone)


def _check(member: Member) -> None:
    try:
        key_bytes(member.key)
    except ValueError as error:
        raise ConfigError(f"the key of {member.name}: {error}") from None
    check_name(member.name)


def check_name(name: str) -> None:
    """Refuse what could not be shown, or would be mistaken for another name.

    Raises:
        ConfigError: it is not a name.
    """
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable() or name != name.strip():
        raise ConfigError(f"{name!r} is not a name: it needs 1 to {NAME_LENGTH} visible characters")


Stamp = tuple[int, int, int, int]


class RosterFile:
    """The list on disk. Safe to ask from several threads; changes come from the commands."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self._seen: tuple[Stamp | None, Roster] = (None, Roster())
        self._next_look_ns = 0
        self._trouble = ""

    def read(self) -> Roster:
        """The list as it lies on disk now; an empty one when there is no file yet.

        Raises:
            ConfigError: the file is malformed, or others could read or change it.
        """
        try:
            self._load()
        except FileNotFoundError:
            self._seen = (None, Roster())
        return self._seen[1]

    @property
    def newest(self) -> Roster:
        """The list as it was read last, by whichever thread; asks no disk and never waits."""
        return self._seen[1]

    def _load(self) -> None:
        stamp = self._stamp()  # before reading: what changes in between is read again
        try:
            roster = Roster(read_entries(self.path, "member", Member))
        except ConfigError as error:
            where = "" if str(self.path) in str(error) else f"{self.path}: "
            roles = f". Roles are: {', '.join(Role)}" if "$.role" in str(error) else ""
            raise ConfigError(f"{where}{error}{roles}") from None
        self._seen = (stamp, roster)

    def refreshed(self, now_ns: int) -> Roster:
        """The list, read again when the file has changed; looks at most every `LOOK_MS`.

        A file that is gone, malformed or open to others while the robot runs changes nothing: who
        was admitted stays, nobody new is, and the trouble is logged once. Dropping everybody would
        take STOP out of their hands, because of a typing mistake. A key is revoked by a list that
        can be read and does not have it.
        """
        if now_ns >= self._next_look_ns:
            self._next_look_ns = now_ns + LOOK_MS * NS_PER_MS
            self._look()
        return self._seen[1]

    def _look(self) -> None:
        if self._stamp() == self._seen[0] and not self._trouble:
            return
        try:
            self._load()
        except FileNotFoundError:
            self._report(f"{self.path} is gone. To shut everybody out, stop the agent")
        except ConfigError as error:
            self._report(str(error))
        else:
            self._mended()

    def _report(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            log.error("%s. Until this is mended, nobody new is admitted", trouble)

    def _mended(self) -> None:
        if self._trouble:
            self._trouble = ""
            log.warning("%s can be read again", self.path)

    def add(self, member: Member) -> Roster:
        """Admit somebody; whoever had the same key before is replaced. Durable on return.

        Raises:
            ConfigError: the name is taken, key or name is malformed, or the disk refuses.
        """
        if member.added is None:
            member = structs.replace(member, added=wall_time().date())
        with locked(self.path.parent):
            return self._write(self.read().with_member(member))

    def revoke(self, name: str) -> Member:
        """Take somebody off the list; returns who it was. Durable on return.

        Raises:
            ConfigError: there is nobody of that name, or the disk refuses.
        """
        with locked(self.path.parent):
            roster = self.read()
            rest = roster.without(name)
            self._write(rest)
        return next(one for one in roster.members if one not in rest.members)

    def _write(self, roster: Roster) -> Roster:
        today = wall_time().date()
        entries: list[dict[str, object]] = []
        for one in roster.members:
            entry = {"name": one.name, "role": one.role.value, "key": one.key}
            consent = {"consent": one.consent} if one.consent else {}
            entries.append({**entry, "added": one.added or today, **consent})
        write_entries(self.path, "member", entries, _HEADING)
        return roster

    def _stamp(self) -> Stamp | None:
        """What differs after any change: of content, of mode, or by a new file in its place."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
