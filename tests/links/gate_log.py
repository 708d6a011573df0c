"""What a real control loop handed its gate, as a file; and the same once more from that file.

`python -m tests.links.gate_log FILE` decides everything in the file again, in a process of its own,
and says how many decisions there are and which of them differ.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from teleop import control, gate
from teleop.gate import Body, Decision, Incoming, Wish
from teleop.gate_state import GateState
from teleop.requests import Answer, answered
from teleop.roster import Member
from teleop.safety import Limits
from transport.messages import Request


class Stepped(msgspec.Struct, tag="step"):
    """One tick: all that `gate.step` was handed, and what it decided."""

    state: GateState
    inbox: tuple[Incoming, ...]
    malformed: tuple[str, ...]
    policy: Wish
    body: Body
    now_ns: int
    limits: Limits
    flooding: tuple[str, ...]
    decided: bytes
    seen_ns: int  # when it was decided, by the clock that never steps

    def again(self) -> bytes:
        """The decision, made anew."""
        return _told(
            gate.step(
                self.state,
                self.inbox,
                self.malformed,
                self.policy,
                self.body,
                self.now_ns,
                self.limits,
                self.flooding,
            )
        )


class Asked(msgspec.Struct, tag="ask"):
    """One request: all that `answered` was handed, and what it answered."""

    state: GateState
    request: Request
    member: Member
    now_ns: int
    ceiling: int
    decided: bytes

    def again(self) -> bytes:
        """The answer, made anew."""
        return _told(answered(self.state, self.request, self.member, self.now_ns, self.ceiling))


Entry = Stepped | Asked


def _told(decided: Decision | Answer) -> bytes:
    return msgspec.msgpack.encode(decided)


def logged(monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    """From now on, everything that control loops of this process hand to the gate."""
    log: list[Entry] = []
    step, answer = gate.step, control.answered

    def stepping(
        state: GateState,
        inbox: Sequence[Incoming],
        malformed: Sequence[str],
        *more: Any,
        flooding: Sequence[str] = (),
    ) -> Decision:
        decision = step(state, inbox, malformed, *more, flooding=flooding)
        handed = (state, tuple(inbox), tuple(malformed), *more, tuple(flooding))
        log.append(Stepped(*handed, _told(decision), time.monotonic_ns()))
        return decision

    def answering(state: GateState, *more: Any) -> Answer:
        said = answer(state, *more)
        log.append(Asked(state, *more, _told(said)))
        return said

    monkeypatch.setattr(gate, "step", stepping)
    monkeypatch.setattr(control, "answered", answering)
    return log


def main(path: Path) -> None:
    """Decide again, and tell."""
    log = msgspec.msgpack.decode(path.read_bytes(), type=list[Entry])
    differ = [number for number, entry in enumerate(log) if entry.again() != entry.decided]
    print(msgspec.json.encode({"decisions": len(log), "differ": differ}).decode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
