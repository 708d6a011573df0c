"""`unstick pair` on the robot: open it for one console, and ask the person here.

A process of its own with a port of its own, so that a running agent is not disturbed; the agent
sees the new key in its list. Only while this runs does anything answer on that port.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from teleop.key_files import ROBOT_KEY, load_or_make
from teleop.pair_screen import Screen, TypedLine
from teleop.pairing import (
    DECIDE_S,
    OPEN_S,
    TRIES,
    Link,
    Pairing,
    PairingAnswer,
    PairingMessage,
    PairingRequest,
    PairingSeen,
    PairingStage,
    is_host,
    new_code,
    spoken,
)
from teleop.public_key import fingerprint
from teleop.roster import AUTHORIZED_KEYS, RosterFile, check_name
from teleop.safety import ConfigError
from transport.channels import PAIRING
from transport.clock import NS_PER_S, now_ns
from transport.control_link import Asked, Requests
from transport.curve import Domain, Door
from transport.errors import LinkError, PortTaken
from transport.messages import MalformedMessage, Role, decoder_of, encode
from transport.ports import holder_of

EXIT_REFUSED = 1
SEEN_S = 3  # for the console to say that it has heard the last word
EVERYWHERE = "0.0.0.0"
LOOK_MS = 100  # how long a request or a typed answer may wait

_decode: Callable[[bytes], PairingMessage] = decoder_of(PairingMessage)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Opening:
    """What was chosen on the command line."""

    state: Path
    host: str  # to listen on
    address: str  # how the console reaches it; empty: found out
    port: int
    role: Role
    robot: str  # the robot's name
    called: str  # the new member's name; empty: as the console asks


def pair_here(opening: Opening, screen: Screen) -> int:
    """Open the robot for one console; 0 when it was paired, 1 when not.

    Raises:
        ConfigError: key or list cannot be used, or an option makes no sense.
        LinkError: the port cannot be listened on.
    """
    for name in (opening.robot, opening.called or opening.robot):
        check_name(name)
    roster = RosterFile(opening.state / AUTHORIZED_KEYS)
    roster.read()
    keys = load_or_make(opening.state / ROBOT_KEY)
    pairing = Pairing(keys.public, new_code(), now_ns(), opening.called)
    with ExitStack() as closes:
        door = closes.enter_context(
            closing(Door(keys, lambda channel, _: channel == Domain.PAIRING))
        )
        try:
            channel = Requests(PAIRING, door, opening.host, opening.port)
        except PortTaken:
            port = opening.port + PAIRING.offset
            raise PortTaken(
                f"port {port} is taken{holder_of(port)}: is `unstick pair` open in another window?"
            ) from None
        closes.enter_context(closing(channel))
        return _Desk(opening, screen, roster, channel, pairing).run()


class _Desk:
    """Where one console at a time is let in."""

    def __init__(
        self,
        opening: Opening,
        screen: Screen,
        roster: RosterFile,
        channel: Requests,
        pairing: Pairing,
    ) -> None:
        self._opening = opening
        self._screen = screen
        self._roster = roster
        self._channel = channel
        self._pairing = pairing
        self._guest: Asked | None = None  # what the candidate, or else the last one, said last
        self._link = Link(where_consoles_find(opening), opening.port, pairing.robot)

    def run(self) -> int:
        """Until somebody is paired, or cannot be any more."""
        self._welcome()
        try:
            while self._pairing.candidate is None:
                if spent := self._pairing.spent(now_ns()):
                    self._part(_refusal(f"{spent} Ask for a new one at the robot."))
                    return self._closed(f"{spent} Start again for a new one.")
                self._serve()
            return self._decide()
        except KeyboardInterrupt:
            self._part(_refusal("The pairing was closed at the robot."))
            raise

    def _welcome(self) -> None:
        words = fingerprint(self._pairing.robot)
        self._screen.say(
            f"{self._opening.robot} can be paired with for {OPEN_S // 60} minutes. "
            f"On the operator's machine:"
        )
        self._screen.show(f"unstick pair '{self._link}'")
        self._screen.say(
            f"Code, for nobody but the operator: {spoken(self._pairing.code)}",
            f"This robot's words:                {words}",
            "",
        )
        if self._link.host.startswith("127."):
            self._screen.say("Only this machine itself can reach it; for others choose --host.")
        self._screen.say("Waiting. Ctrl-C closes it.")
        self._screen.step(
            "open", link=str(self._link), code=self._pairing.code, words=words, open_s=OPEN_S
        )

    def _serve(self) -> None:
        """Answer what comes within `LOOK_MS`."""
        asked = self._channel.receive(LOOK_MS)
        request = _read(asked)
        if asked is None or not isinstance(request, PairingRequest):
            return
        before = self._pairing
        self._pairing, answer = before.heard(asked.key, request, self._roster.read(), now_ns())
        candidate = self._pairing.candidate
        if candidate is None or candidate.key == asked.key:
            self._guest = asked
        self._channel.reply(asked.who, encode(answer))
        if self._pairing.wrong > before.wrong:
            self._screen.say(f"A wrong code was tried, {self._pairing.wrong} of {TRIES}.")
            self._screen.step("wrong code", tried=self._pairing.wrong)

    def _decide(self) -> int:
        """Ask the person here, and carry out the answer."""
        member = self._pairing.member(self._opening.role)
        words = fingerprint(member.key)
        known = self._roster.read().member_of(member.key)
        self._screen.say(
            "",
            f"{member.name} knew the code and asks to come in, as {member.role}.",
            "Have the six words on the operator's screen read out to you. They must be:",
        )
        self._screen.show(words)
        if known is not None:
            self._screen.say(f"This robot knows that key as {known.name}, {known.role}, until now.")
        self._screen.ask(f"Are they the same, and may {member.name} come in? [y/N]")
        typed = TypedLine()
        self._screen.step("asking", name=member.name, role=member.role, words=words)
        deadline_ns = now_ns() + DECIDE_S * NS_PER_S
        while typed.get() is None and now_ns() < deadline_ns:
            self._serve()
        self._screen.say("")
        if typed.get() is None:
            self._part(_refusal("Nobody answered at the robot."))
            return self._closed(f"No answer within {DECIDE_S // 60} minutes; nobody was let in.")
        if (typed.get() or "").lower() not in ("y", "yes"):
            self._part(_refusal("The person at the robot said no."))
            return self._closed(f"{member.name} was not let in.")
        try:
            self._roster.add(member)
        except ConfigError:
            self._part(_refusal("The robot could not write its list of keys."))
            raise
        return self._paired(
            PairingAnswer(
                stage=PairingStage.PAIRED,
                robot=self._opening.robot,
                name=member.name,
                role=member.role,
            )
        )

    def _paired(self, answer: PairingAnswer) -> int:
        self._screen.say(f"{answer.name} is admitted as {answer.role}.", style="green")
        self._screen.step("paired", name=answer.name, role=answer.role)
        if not self._part(answer):
            self._screen.say(
                f"But the console of {answer.name} does not answer any more. "
                f"If it says that it is not paired, pair once more."
            )
        return 0

    def _part(self, answer: PairingAnswer) -> bool:
        """Say the last word, and wait until it was heard; False when nobody says so.

        A console loses what it has not read yet in the moment the robot's end closes.
        """
        if self._guest is None:
            return False
        self._channel.reply(self._guest.who, encode(answer))
        deadline_ns = now_ns() + SEEN_S * NS_PER_S
        while now_ns() < deadline_ns:
            asked = self._channel.receive(LOOK_MS)
            if asked is None or asked.key != self._guest.key:
                continue
            if isinstance(_read(asked), PairingSeen):
                return True
            self._guest = asked  # it has connected again, and asks once more
            self._channel.reply(asked.who, encode(answer))
        return False

    def _closed(self, why: str) -> int:
        self._screen.say(why, style="yellow")
        self._screen.step("refused", reason=why)
        return EXIT_REFUSED


def _read(asked: Asked | None) -> PairingMessage | None:
    if asked is None:
        return None
    try:
        return _decode(asked.message)
    except MalformedMessage:
        return None  # no console of ours


def _refusal(reason: str) -> PairingAnswer:
    return PairingAnswer(stage=PairingStage.REFUSED, reason=reason)


def where_consoles_find(opening: Opening) -> str:
    """The robot's address for others.

    Raises:
        ConfigError: it cannot stand in a link.
        LinkError: the robot listens on all addresses of this machine, and none leads to others.
    """
    host = opening.address or opening.host
    if host == EVERYWHERE:
        host = _own_address()
    if not is_host(host):
        raise ConfigError(f"{host!r} is no host name and no IPv4 address; choose --address")
    return host


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: asks which of our addresses leads out, to one that exists nowhere.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            raise LinkError(
                "this machine has no address that others can reach; give one with --address"
            ) from None
        return str(probe.getsockname()[0])
