"""What has come in on the robot's command socket, sorted for the gate; nothing is left out.

The control thread's. A message that is no command, and one beyond what its key may send, is handed
on by its sender's key: the gate counts it, by reason, and the console shows it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from teleop.gate import Incoming
from teleop.roster import Member
from transport.control_link import CommandInbox
from transport.messages import Command, MalformedMessage, decoder_of
from transport.rate_limit import RateLimit

log = logging.getLogger("control")

COMMANDS_PER_S: Final = 300.0  # of one key; a console sends 120, and each change of the input
COMMANDS_BURST: Final = 150  # what queues up while a tick is late is judged, not dropped

_decode = decoder_of(Command)


@dataclass(frozen=True)
class Arrived:
    """All that came in since the last tick."""

    commands: list[Incoming]
    malformed: list[str]  # key of the sender of each message that is no command
    flooding: list[str]  # key of the sender of each message that was one too many to be read


class CommandReader:
    """Takes what has arrived, within what one tick and one key are allowed."""

    def __init__(self, inbox: CommandInbox) -> None:
        self._inbox = inbox
        self._limit = RateLimit(COMMANDS_PER_S, COMMANDS_BURST)

    def read(self, member_of: Callable[[str], Member | None], now_ns: int) -> Arrived:
        """What has arrived; never waits. `member_of` a public key: who that is, None: nobody."""
        messages, malformed = self._inbox.drain()
        arrived = Arrived([], malformed, [])
        for key, raw in messages:
            if not self._limit.admits(key, now_ns):
                arrived.flooding.append(key)
                continue
            try:
                command = _decode(raw)
            except MalformedMessage as error:
                arrived.malformed.append(key)
                log.debug("command refused: %s", error)
            else:
                member = member_of(key)
                arrived.commands.append(Incoming(command, key, member.role if member else None))
        return arrived
