"""The replay's process for the tests' small rover: `python -m tests.console.review_worker`; with
arguments, what `unstick` does with them, for the same rover.

Its camera paints how far the rover has come, so that a picture tells which state it is of.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from recorder.driven import Driven
from recorder.replayable import Image, Replayable, StatePart
from teleop import replay_robots, scenarios
from teleop.__main__ import main as unstick
from teleop.replay_film import work
from tests.unit.recorder_support import HEIGHT, WIDTH, Rover
from transport.messages import Description

PARTS = (
    StatePart("rover x", "m"),
    StatePart("rover y", "m"),
    StatePart("rover heading", "rad"),
    StatePart("forward", "m/s"),
    StatePart("turn", "rad/s"),
)


class NamedRover(Driven):
    """A rover that says what its state is."""

    def state_parts(self) -> tuple[StatePart, ...]:
        return PARTS


class Paint:
    """A rig whose pictures are as bright as the rover is far: 1 cm a grey level."""

    names = ("front", "rear")
    width, height, noisy = WIDTH, HEIGHT, False

    def open(self) -> None:
        pass

    def render(self, camera: str, state: bytes) -> Image:
        far = int(np.clip(np.frombuffer(state, "<f8")[0] * 100, 0, 255))
        return np.full((HEIGHT, WIDTH, 3), far, np.uint8)

    def close(self) -> None:
        pass


def make(description: Description, scene: Path | None) -> Replayable:
    return NamedRover(Rover(), description.action_names)


def main() -> None:
    replay_robots.ROBOTS["rover"] = make
    like = scenarios.SCENARIOS[scenarios.DEFAULT_SCENARIO]
    scenarios.SCENARIOS["wedged"] = replace(
        like, name="wedged", make_cameras=lambda seed, scene: Paint()
    )
    if len(sys.argv) > 1:
        unstick()
    else:
        work()


if __name__ == "__main__":
    main()
