"""Keys pressed and released at random moments while everything runs: a stretch of work."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Final

from teleop.bench_figures import Beat, first_of_each
from teleop.bench_load import ProcessorTime, cores_between
from teleop.bench_operator import Operator
from teleop.bench_peer import PeerOperator
from teleop.bench_robot import BenchRobot
from transport.clock import NS_PER_S, now_ns

# Two key events: no rhythm that the control tick could have, and slower than the robot reports.
BETWEEN_S: Final = (0.035, 0.095)
SETTLE_S: Final = 0.2  # the last events are still under way
TURN: Final = 0.6  # what a key asks for at normal speed


@dataclass(frozen=True)
class Stretch:
    """What was seen meanwhile."""

    begin_ns: int
    end_ns: int
    beats: list[Beat]
    keys_ms: list[float]  # key event to motors
    cores: tuple[float | None, float | None]  # kept busy meanwhile: by everything, by us
    pictures_hz: dict[str, float]  # received and decoded, of each camera

    @property
    def seconds(self) -> float:
        """How long it was."""
        return (self.end_ns - self.begin_ns) / NS_PER_S


def press_keys(
    robot: BenchRobot, operator: Operator, seconds: float, peer: PeerOperator | None = None
) -> Stretch:
    """Turn left and let go, over and over; the peer gets the same events."""
    dice = random.Random(1)
    pictures = dict(operator.pictures)
    used = ProcessorTime.now()
    begin_ns = now_ns()
    end_ns = begin_ns + round(seconds * NS_PER_S)
    pressed = False
    while now_ns() < end_ns:
        pressed = not pressed
        stamp_ns = operator.push(turn=TURN if pressed else 0.0)
        if peer is not None:
            peer.push(0.0, TURN if pressed else 0.0, stamp_ns)
        time.sleep(dice.uniform(*BETWEEN_S))
    end_ns = now_ns()
    cores = cores_between(used, ProcessorTime.now())
    took_s = (end_ns - begin_ns) / NS_PER_S
    seen = {camera: operator.pictures[camera] - pictures[camera] for camera in pictures}
    operator.push()
    time.sleep(SETTLE_S)
    return Stretch(
        begin_ns=begin_ns,
        end_ns=end_ns,
        beats=robot.beats(begin_ns, end_ns),
        keys_ms=first_of_each(operator.obeyed, begin_ns, end_ns),
        cores=cores,
        pictures_hz={camera: count / took_s for camera, count in seen.items()},
    )
