"""`unstick pair LINK` on the operator's machine: become known to a robot, and know it again."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from teleop.key_files import CONSOLE_KEY, KNOWN_ROBOTS, KnownRobot, KnownRobots, load_or_make
from teleop.pair_screen import Screen
from teleop.pairing import (
    CODE_DIGITS,
    DECIDE_S,
    Link,
    PairingAnswer,
    PairingRequest,
    PairingSeen,
    PairingStage,
    parse_link,
    proof,
    typed,
)
from teleop.public_key import fingerprint
from teleop.roster import check_name
from teleop.safety import ConfigError
from transport.channels import PAIRING
from transport.clock import NS_PER_MS, NS_PER_S, now_ns, sleep_until, wall_time
from transport.control_link import Asker, Trouble
from transport.curve import Credentials
from transport.errors import LinkError, NoAnswer
from transport.messages import NAME_LENGTH, MalformedMessage, decoder_of, encode

EXIT_REFUSED = 1
CONNECT_S = 10  # a handshake over a bad link takes a few seconds
WAIT_S = DECIDE_S + 10  # the robot gives up first, and says so
FAREWELL_MS = 1000  # for the last message to leave
REPEAT_S = 2  # says the request again: the connection may have been made anew meanwhile
LOOK_MS = 20

_decode = decoder_of(PairingAnswer)


def pair_with(link_text: str, code: str, name: str, config: Path, screen: Screen) -> int:
    """Pair with the robot of a link; 0 when it was done, 1 when the robot refused.

    `code` and `name` may be empty: the code is asked for, the name is that of the account.

    Raises:
        ConfigError: link, code or name cannot be used, or a key file cannot.
        LinkError: no such robot answers.
    """
    link = parse_link(link_text)
    name = name or account_name()
    check_name(name)
    if code and typed(code) is None:
        raise ConfigError(f"the code has {CODE_DIGITS} digits; the robot shows it")
    known = KnownRobots(config / KNOWN_ROBOTS)
    known.read()
    keys = load_or_make(config / CONSOLE_KEY)
    screen.say(
        f"Pairing with the robot at {link.address} as {name}.",
        f"The robot's words: {fingerprint(link.key)}",
    )
    asker = Asker(PAIRING, Credentials(keys, link.key), link.host, link.port)
    try:
        answer = _with_codes(_Robot(asker, link), code, keys.public, name, screen)
        if answer.stage is PairingStage.PAIRED:
            known.pin(KnownRobot(link.address, answer.robot, link.key, wall_time().date()))
        asker.send(encode(PairingSeen()))
    finally:
        asker.close(FAREWELL_MS)
    if answer.stage is not PairingStage.PAIRED:
        return _refused(answer, screen)
    screen.say(
        f"Paired: {answer.robot} admits you as {answer.name}, {answer.role}. Drive it with:",
        style="green",
    )
    screen.show(f"unstick console {link.address}")
    screen.step(
        "paired", robot=answer.robot, address=link.address, name=answer.name, role=answer.role
    )
    return 0


def account_name() -> str:
    """What this machine calls its user."""
    try:
        return getpass.getuser()[:NAME_LENGTH]
    except (OSError, KeyError, ImportError):  # an account without a name
        raise ConfigError("say what the robot shall call you: --name") from None


def _with_codes(robot: _Robot, code: str, own_key: str, name: str, screen: Screen) -> PairingAnswer:
    """Try codes until one is right or the robot hears no more; the last answer."""
    while True:
        digits = typed(code) or _asked_code(screen)
        request = PairingRequest(name=name, proof=proof(digits, robot.key, own_key, name))
        answer = robot.answer_to(request, CONNECT_S)
        if answer.stage is PairingStage.ASKING:
            words = fingerprint(own_key)
            screen.say("The code was right. Read these words to the person at the robot:")
            screen.show(words)
            screen.say("Waiting for their answer.")
            screen.step("asking", words=words)
            return robot.answer_to(request, WAIT_S, past_asking=True)
        if code or not answer.again:
            return answer
        screen.say(answer.reason, style="yellow")


def _asked_code(screen: Screen) -> str:
    """The code as the operator types it."""
    while True:
        screen.ask("The code that the robot shows:")
        line = sys.stdin.readline()
        if not line:
            raise ConfigError("there is nobody to type the code; give it with --code")
        digits = typed(line)
        if digits is not None:
            return digits
        screen.say(f"It has {CODE_DIGITS} digits.", style="yellow")


def _refused(answer: PairingAnswer, screen: Screen) -> int:
    screen.say(f"Not paired. {answer.reason}", style="yellow")
    screen.step("refused", reason=answer.reason)
    return EXIT_REFUSED


class _Robot:
    """The robot's end, as far as this console reaches it."""

    def __init__(self, asker: Asker, link: Link) -> None:
        self.key = link.key
        self._asker = asker
        self._address = link.address
        self._port = link.port + PAIRING.offset

    def answer_to(
        self, request: PairingRequest, limit_s: float, *, past_asking: bool = False
    ) -> PairingAnswer:
        """The robot's answer; with `past_asking` the one after its person has decided.

        Raises:
            LinkError: it does not answer within `limit_s`, is gone for `CONNECT_S`, or is not the
                robot of the link.
        """
        message = encode(request)
        begun_ns = reached_ns = now_ns()
        repeat_ns = 0
        while True:
            stamp_ns = now_ns()
            trouble = self._asker.trouble
            if trouble is None:
                reached_ns = stamp_ns
            late = stamp_ns - begun_ns >= limit_s * NS_PER_S
            if late or stamp_ns - reached_ns >= CONNECT_S * NS_PER_S:
                raise self._silence(trouble)
            if trouble is Trouble.WRONG_ROBOT_KEY:
                raise self._silence(trouble)
            if stamp_ns >= repeat_ns and self._asker.send(message):
                repeat_ns = stamp_ns + REPEAT_S * NS_PER_S
            raw = self._asker.take()
            if raw is None:
                sleep_until(stamp_ns + LOOK_MS * NS_PER_MS)
                continue
            try:
                answer = _decode(raw)
            except MalformedMessage:
                continue  # another version's; silence ends it
            if not (past_asking and answer.stage is PairingStage.ASKING):
                return answer

    def _silence(self, trouble: Trouble | None) -> LinkError:
        if trouble is Trouble.WRONG_ROBOT_KEY:
            return LinkError(
                f"the robot at {self._address} has another key than the link says. "
                f"Copy the whole link again, from that robot's screen"
            )
        if trouble is None:
            return NoAnswer(
                f"the robot at {self._address} does not answer. Run `unstick pair` there again"
            )
        return LinkError(
            f"nobody is pairing at {self._address}. Run `unstick pair` on the robot and keep it "
            f"open; this machine must reach its TCP port {self._port}"
        )
