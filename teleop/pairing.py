"""How a console becomes known to a robot: the rules, without a socket, a clock or a terminal.

1. The robot shows a link with its public key, and a code that is good once, for five minutes.
   Both reach the operator by a way people trust: by telephone, by a message, on paper.
2. The console connects. The link has the robot's key, so CURVE leaves nobody in the middle. It
   sends a name and a proof that it knows the code, bound to both keys: a proof that was made for
   another robot, or is repeated by another console, is a wrong one.
3. Both ends show the six words of the console's key. A person at the robot compares them with
   those the operator reads out, and decides.
4. The robot writes the key down with the role chosen there, and the console writes the robot's.

A code tried wrongly five times is dead, for the right one too. The key a robot judges is the one
that CURVE has authenticated, never one that a message names.
"""

from __future__ import annotations

import base64
import dataclasses
import hmac
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from teleop.public_key import KEY_BYTES, key_bytes, key_of
from teleop.roster import Member, Roster, check_name
from teleop.safety import ConfigError
from transport.clock import NS_PER_S
from transport.messages import (
    NAME_LENGTH,
    PROTOCOL_VERSION,
    Count,
    Name,
    Role,
    Text,
    Wire,
)

CODE_DIGITS: Final = 8
TRIES: Final = 5  # of a hundred million codes: a guess succeeds once in twenty million pairings
OPEN_S: Final = 300  # to read a link and a code to somebody, and for them to type it
DECIDE_S: Final = 180  # to compare six words on the telephone
SCHEME: Final = "teleop://"
_HOST: Final = "[A-Za-z0-9._-]+"
_LINK: Final = re.compile(rf"teleop://(?P<host>{_HOST}):(?P<port>[0-9]+)#(?P<key>[A-Za-z0-9_-]*)")
_PURPOSE: Final = b"unstick pairing 1\0"  # a proof for this is a proof for nothing else


# --- the link ---


@dataclass(frozen=True)
class Link:
    """Where a robot that wants to pair is, and which key it must have."""

    host: str
    port: int  # the robot's base port
    key: str  # the robot's public key, Z85

    @property
    def address(self) -> str:
        """host:port, as a console is started with it."""
        return f"{self.host}:{self.port}"

    def __str__(self) -> str:
        """The key stands in base64url: unlike Z85 it means nothing to a shell or a chat program."""
        key = base64.urlsafe_b64encode(key_bytes(self.key)).decode().rstrip("=")
        return f"{SCHEME}{self.address}#{key}"


def parse_link(text: str) -> Link:
    """The link a person typed or pasted.

    Raises:
        ConfigError: it is none; says what one looks like.
    """
    found = _LINK.fullmatch(text.strip())
    if found is None or not is_port(found["port"]):
        raise ConfigError(
            f"{text!r} is no pairing link. One looks like {SCHEME}HOST:PORT#KEY; "
            f"`unstick pair` on the robot prints it. Write it in quotes"
        )
    try:
        raw = base64.urlsafe_b64decode(found["key"] + "=" * (-len(found["key"]) % 4))
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise ConfigError(
            f"{text!r} is incomplete: 43 characters must follow the #. Copy all of it, in quotes"
        )
    return Link(found["host"].lower(), int(found["port"]), key_of(raw))


def is_host(text: str) -> bool:
    """Whether this can be where a robot is: a host name or an IPv4 address."""
    return re.fullmatch(_HOST, text) is not None


def is_port(text: str) -> bool:
    """Whether this can be a robot's base port."""
    return text.isascii() and text.isdigit() and len(text) <= 5 and 1024 <= int(text) <= 65_500


# --- the code and its proof ---


def new_code() -> str:
    """Eight digits, good for one pairing."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def spoken(code: str) -> str:
    """The code as it is read out: 1234 5678."""
    return f"{code[:4]} {code[4:]}"


def typed(text: str) -> str | None:
    """The code somebody typed, with or without blanks and dashes; None when it cannot be one."""
    digits = "".join(text.split()).replace("-", "")
    return digits if len(digits) == CODE_DIGITS and digits.isascii() and digits.isdigit() else None


def proof(code: str, robot: str, console: str, name: str) -> bytes:
    """What only somebody who knows `code` can send, for these two keys and this name alone."""
    bound = _PURPOSE + key_bytes(robot) + key_bytes(console) + name.encode()
    return hmac.digest(code.encode(), bound, "sha256")


# --- what is said ---


class PairingRequest(Wire, frozen=True, tag="pairing_request"):
    """A console asks to be admitted; its key is the one that CURVE has authenticated."""

    name: Name  # what the operator wants to be called on this robot
    proof: Annotated[bytes, Meta(min_length=32, max_length=32)]
    version: Count = PROTOCOL_VERSION


class PairingSeen(Wire, frozen=True, tag="pairing_seen"):
    """The console has heard the robot's last word, and has written the robot down if paired."""


class PairingStage(StrEnum):
    """How far a pairing has come."""

    ASKING = "asking"  # the code was right; the person at the robot decides
    PAIRED = "paired"
    REFUSED = "refused"


class PairingAnswer(Wire, frozen=True, tag="pairing_answer"):
    """What the robot says to a request, and again when its person has decided."""

    stage: PairingStage
    reason: Text = ""  # a sentence for the operator, when refused
    again: bool = False  # refused, but another code may be tried
    robot: Annotated[str, Meta(max_length=NAME_LENGTH)] = ""  # its name, when paired
    name: Annotated[str, Meta(max_length=NAME_LENGTH)] = ""  # the operator's there, when paired
    role: Role | None = None  # when paired


PairingMessage = PairingRequest | PairingSeen


# --- the robot's side ---


@dataclass(frozen=True)
class Candidate:
    """Who knew the code, and waits for the person at the robot."""

    key: str
    name: str


@dataclass(frozen=True)
class Pairing:
    """One opening of the robot for one console; each request gives the next state."""

    robot: str  # the robot's public key
    code: str = dataclasses.field(repr=False)
    opened_ns: int
    called: str = ""  # the name chosen at the robot; empty: the one the console asks for
    wrong: int = 0  # codes tried
    candidate: Candidate | None = None

    def spent(self, now_ns: int) -> str:
        """Why nobody can come in any more, as a sentence; empty while somebody can."""
        if self.wrong >= TRIES:
            return f"{TRIES} wrong codes were tried, so this one is not good any more."
        if now_ns - self.opened_ns >= OPEN_S * NS_PER_S:
            return f"The code was good for {OPEN_S // 60} minutes, which are over."
        return ""

    def heard(
        self, key: str, request: PairingRequest, known: Roster, now_ns: int
    ) -> tuple[Pairing, PairingAnswer]:
        """What follows from a request of the console that owns `key`; `known` are those admitted.

        Whoever knew the code takes the pairing: others are refused, whatever they send.
        """
        if self.candidate is not None:
            if self.candidate.key == key:  # said again: its connection was a new one
                return self, PairingAnswer(stage=PairingStage.ASKING)
            return self, _refused("Somebody else is being paired. Ask for a new code.")
        if spent := self.spent(now_ns):
            return self, _refused(f"{spent} Ask for a new one at the robot.")
        if request.version != PROTOCOL_VERSION:
            return self, _refused(
                f"The robot speaks version {PROTOCOL_VERSION} of the protocol, this console "
                f"{request.version}. Install the same version of Unstick on both."
            )
        if not hmac.compare_digest(request.proof, proof(self.code, self.robot, key, request.name)):
            after = dataclasses.replace(self, wrong=self.wrong + 1)
            left = TRIES - after.wrong
            if not left:
                return after, _refused(f"{after.spent(now_ns)} Ask for a new one at the robot.")
            tries = "1 try is" if left == 1 else f"{left} tries are"
            return after, _refused(f"That is not the code; {tries} left.", again=True)
        name = self.called or request.name
        try:
            check_name(name)
        except ConfigError as error:
            return self, _refused(f"{error}. Choose another one with --name.")
        namesake = known.named(name)
        if namesake is not None and namesake.key != key:
            return self, _refused(
                f"The robot knows somebody called {name}, with another key. Pair under another "
                f"name (--name), or have that key revoked at the robot: unstick keys revoke"
            )
        return (
            dataclasses.replace(self, candidate=Candidate(key, name)),
            PairingAnswer(stage=PairingStage.ASKING),
        )

    def member(self, role: Role) -> Member:
        """Who is to be admitted once the person at the robot has said yes.

        Raises:
            ValueError: nobody has given the right code.
        """
        if self.candidate is None:
            raise ValueError("nobody has given the right code")
        return Member(self.candidate.key, self.candidate.name, role)


def _refused(reason: str, *, again: bool = False) -> PairingAnswer:
    return PairingAnswer(stage=PairingStage.REFUSED, reason=reason, again=again)
