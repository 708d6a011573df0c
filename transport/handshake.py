"""What a console makes of the attempts to reach a robot: reached, or why not.

Pure. libzmq tells a client nothing but events about its connection. Measured with libzmq 4.3.5 on
real sockets, alike for DEALER, SUB and PUSH (tests/links/test_curve.py holds it):

| at the address                    | events of one attempt, in order                | tried again |
|-----------------------------------|------------------------------------------------|-------------|
| a robot that admits this key      | CONNECTED, SUCCEEDED                           |             |
| a robot that does not             | CONNECTED, FAILED_AUTH 400, DISCONNECTED       | never       |
| a robot with another key          | CONNECTED, FAILED_NO_DETAIL EPIPE,             | after 50 ms |
|                                   | DISCONNECTED, RETRIED: all at once             |             |
| a tunnel to a robot that is off   | the same, EPIPE or ECONNRESET                  | after 50 ms |
| something that says nothing       | the same, but after HANDSHAKE_IVL, with an     | after 50 ms |
|                                   | errno left over from elsewhere                 |             |
| one who forges a robot's answer   | CONNECTED, FAILED_PROTOCOL (cryptographic),    | never       |
|                                   | DISCONNECTED                                   |             |
| ZeroMQ without keys               | CONNECTED, FAILED_PROTOCOL, DISCONNECTED       | never       |
| a web server                      | CONNECTED, DISCONNECTED                        | never       |
| nothing that listens              | CLOSED, RETRIED                                | 50-200 ms   |

Two things follow. Where libzmq never tries again, the caller has to (`given_up`). And a robot with
another key looks like a tunnel without a robot, so the caller has to look (`suspicious`): a robot
greets before it reads a key (`transport.greeting`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
from typing import Final

from transport.clock import NS_PER_MS

AGAIN_MS: Final = 500  # until a connection that libzmq has given up is made anew
EARLY_MS: Final = 1000  # half of HANDSHAKE_IVL: a handshake that ends sooner was ended by the peer
SUSPICIOUS: Final = 2  # handshakes ended by the peer in a row; one may be a robot that leaves
LOOK_AGAIN_MS: Final = 2000  # the tunnel may have got another far end meanwhile


class Trouble(StrEnum):
    """Why a console does not reach a robot."""

    UNREACHABLE = "unreachable"  # nothing there answers as a robot does
    WRONG_ROBOT_KEY = "wrong robot key"  # a robot answers, but not the one that is expected
    NOT_PAIRED = "not paired"  # the robot does not admit this console's key


class Seen(Enum):
    """One event of a connection, in our words."""

    CONNECTED = auto()  # TCP only
    ADMITTED = auto()
    NOT_ADMITTED = auto()  # the robot's list does not have this key
    NOT_DECIDED = auto()  # the robot could not read its list
    FORGED = auto()  # answered without the key that belongs to the answer
    FOREIGN = auto()  # speaks something else
    BROKEN = auto()  # ended in the middle of the handshake, by the peer or by the clock
    REFUSED = auto()  # nothing listens
    ENDED = auto()  # the TCP connection
    RETRIED = auto()  # libzmq will try again by itself


@dataclass(frozen=True)
class Attempts:
    """What is known after all attempts so far."""

    trouble: Trouble | None = Trouble.UNREACHABLE  # None while a handshake stands
    connected_ns: int = 0
    ended_early: int = 0  # handshakes in a row that the peer ended at once
    ended_ns: int | None = None  # since when nothing is under way
    looked_ns: int | None = None

    def after(self, seen: Seen, now_ns: int) -> Attempts:
        """What is known after one more event."""
        match seen:
            case Seen.CONNECTED:
                return replace(self, connected_ns=now_ns, ended_ns=None)
            case Seen.ADMITTED:
                return Attempts(trouble=None)
            case Seen.NOT_ADMITTED:
                return replace(self, trouble=Trouble.NOT_PAIRED, ended_early=0)
            case Seen.FORGED:
                return replace(self, trouble=Trouble.WRONG_ROBOT_KEY, ended_early=0)
            case Seen.BROKEN if now_ns - self.connected_ns < EARLY_MS * NS_PER_MS:
                return replace(self, ended_early=self.ended_early + 1)
            case Seen.BROKEN | Seen.NOT_DECIDED | Seen.FOREIGN | Seen.REFUSED:
                return replace(self, trouble=Trouble.UNREACHABLE, ended_early=0)
            case Seen.ENDED:
                # A link that stood is lost with its connection; otherwise the reason was said.
                return replace(self, trouble=self.trouble or Trouble.UNREACHABLE, ended_ns=now_ns)
            case Seen.RETRIED:
                return replace(self, ended_ns=None)

    def suspicious(self, now_ns: int) -> bool:
        """Whether to look what it is that answers there: a robot, or only a tunnel to one."""
        due = self.looked_ns is None or now_ns - self.looked_ns >= LOOK_AGAIN_MS * NS_PER_MS
        return due and self.ended_early >= SUSPICIOUS

    def looked(self, now_ns: int, *, robot: bool) -> Attempts:
        """What is known after having looked whether a robot answers there."""
        if self.ended_early < SUSPICIOUS:
            return self  # meanwhile something else has happened
        trouble = Trouble.WRONG_ROBOT_KEY if robot else Trouble.UNREACHABLE
        return replace(self, trouble=trouble, looked_ns=now_ns)

    def given_up(self, now_ns: int) -> bool:
        """Whether libzmq has given the connection up, so that it has to be made anew."""
        return self.ended_ns is not None and now_ns - self.ended_ns >= AGAIN_MS * NS_PER_MS
