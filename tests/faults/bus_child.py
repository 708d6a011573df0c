"""Tells every control tick of a robot as a line of JSON: the ground truth of the fault tests.

`python -m tests.faults.bus_child PORT STATE_FOLDER`, on the robot's machine, with the robot's own
key; leaves when standard input closes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from teleop.key_files import ROBOT_KEY, load_or_make
from tests.faults.child_lines import listen, say
from tests.faults.namespace import be_a_machine_of_its_own
from transport.control_link import BusReceiver
from transport.curve import Credentials
from transport.messages import RobotBus, Tick, decoder_of

LOOK_MS = 100  # how long leaving may take to be noticed

_decode: Callable[[bytes], RobotBus] = decoder_of(RobotBus)  # type: ignore[arg-type]


def main(port: int, state: Path) -> None:
    """Tell ticks until standard input closes."""
    keys = load_or_make(state / ROBOT_KEY)
    bus = BusReceiver(Credentials(keys, keys.public), port)
    leaving = listen()
    while not leaving.is_set():
        raw = bus.receive(LOOK_MS)
        if raw is None:
            continue
        tick = _decode(raw)
        if isinstance(tick, Tick):
            say(**told(tick))
    bus.close()


def told(tick: Tick) -> dict[str, object]:
    """What the tests ask of a tick."""
    return {
        "tick": tick.tick,
        "stamp_ns": tick.stamp_ns,
        "boot_id": tick.boot_id,
        "mode": tick.mode,
        "forward_mps": tick.applied.forward_mps,
        "turn_radps": tick.applied.turn_radps,
        "deadman": tick.deadman,
        "command_seq": tick.command_seq,
        "command_age_ms": tick.command_age_ms,
        "picture_age_ms": tick.picture_age_ms,
        "missed_before": tick.missed_before,
        "events": [event.kind for event in tick.events],
    }


if __name__ == "__main__":
    be_a_machine_of_its_own()
    main(int(sys.argv[1]), Path(sys.argv[2]))
