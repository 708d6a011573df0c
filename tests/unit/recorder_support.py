"""What the recorder's tests share: a small exact robot, scripted ticks, numbered pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from recorder.episode import CameraFormat
from recorder.episode_recorder import EpisodeRecorder
from recorder.library import Episode, open_episode
from transport.channels import TICK_HZ, TICKS_PER_ROW
from transport.clock import NS_PER_S
from transport.i420 import I420, ToI420
from transport.messages import (
    STILL,
    Description,
    Event,
    Mode,
    Outcome,
    Phase,
    Source,
    Tick,
    Twist,
)

WIDTH, HEIGHT = 64, 48
CAMERAS = tuple(CameraFormat(name=n, width=WIDTH, height=HEIGHT) for n in ("front", "rear"))
T0 = 5 * NS_PER_S


def stamp(tick: int) -> int:
    return T0 + tick * NS_PER_S // TICK_HZ


def description(**changes: Any) -> Description:
    base = Description(
        robot="rover-1",
        robot_type="rover",
        site="Test bench",
        boot_id="boot",
        scenario="wedged",
        seed=7,
        scene_sha256="ab" * 32,
        task="Reach open floor",
        tick_hz=TICK_HZ,
        observation_names=("x_m", "y_m", "heading_rad"),
        action_names=("forward_mps", "turn_radps"),
        controller={"gain": 0.2},
        policy="patrol 1",
        versions={"integrator": "1"},
        cameras=("front", "rear"),
    )
    return msgspec.structs.replace(base, **changes)


class Rover:
    """Lagged unicycle; the goal is x >= `goal_m`. Its state is complete."""

    def __init__(self, goal_m: float = 0.5, gain: float = 0.2) -> None:
        self.goal_m = goal_m
        self.gain = gain
        self.state = np.zeros(5)
        self.closed = False

    def apply(self, action: Twist) -> Twist:
        x, y, heading, v, w = self.state
        v += self.gain * (action.forward_mps - v)
        w += self.gain * (action.turn_radps - w)
        heading += w / TICK_HZ
        x += v * math.cos(heading) / TICK_HZ
        y += v * math.sin(heading) / TICK_HZ
        self.state = np.array([x, y, heading, v, w])
        return action

    def snapshot(self) -> bytes:
        return self.state.astype("<f8").tobytes()

    def restore(self, state: bytes) -> None:
        self.state = np.frombuffer(state, "<f8").copy()

    def solved(self) -> bool:
        return bool(self.state[0] >= self.goal_m)

    def describe(self, boot_id: str) -> Description:
        return description(boot_id=boot_id)

    def close(self) -> None:
        self.closed = True


def session(
    *,
    before: int = 90,
    wait: int = 30,
    drive: int = 180,
    after: int = 80,
    outcome: Outcome = Outcome.SUCCESS,
    rover: Rover | None = None,
    boot_id: str = "boot",
    pause: range = range(0),
    operator: str = "ada",
    consent: str = "",
) -> Iterator[Tick]:
    """Patrol, call, wait, takeover, drive, hand back, patrol: lengths in ticks. In the ticks of
    `pause` the operator lets the robot stand."""
    robot = rover or Rover()
    called, taken = before, before + wait
    handed = taken + drive
    for number in range(handed + after):
        driving = taken <= number < handed
        events = {
            called: (Event(kind="call", text="Wedged"),),
            taken: (Event(kind="takeover", by=operator),),
            taken + 5: (Event(kind="marker", text="here", by=operator),),
            handed: (Event(kind="hand_back", text=outcome.value, by=operator),),
        }.get(number, ())
        applied = (
            Twist(forward_mps=0.3 + 0.1 * math.sin(number), turn_radps=0.5 * math.cos(number / 7))
            if driving and number not in pause
            else STILL
        )
        yield Tick(
            tick=number,
            stamp_ns=stamp(number),
            boot_id=boot_id,
            mode=Mode.TELEOP if driving else Mode.AUTONOMY if number < called else Mode.HOLD,
            source=Source.HUMAN if driving else Source.POLICY,
            phase=(
                Phase.RECOVERY
                if driving
                else Phase.HANDOVER
                if called <= number < taken
                else Phase.AUTONOMOUS
            ),
            intervention=0 if driving else -1,
            outcome=outcome if number >= handed - 3 else Outcome.UNLABELLED,
            observation=tuple(float(v) for v in robot.state[:3]),
            policy=STILL,
            human=applied,
            requested=applied,
            applied=applied,
            deadman=driving,
            command_seq=number if driving else -1,
            command_age_ms=12.5 if driving else -1.0,
            picture_age_ms=31.25 if driving else -1.0,
            observed_ns=stamp(number),
            received_ns=stamp(number) if driving else 0,
            applied_ns=stamp(number) + 200_000,
            input_ns=stamp(number) - 9_000_000 if driving else 0,
            sent_ns=stamp(number) - 8_000_000 if driving else 0,
            clock_offset_ns=0,
            clock_error_ns=400_000 if driving else -1,
            missed_before=0,
            state=robot.snapshot(),
            events=events,
            operator=operator if driving else "",
            consent=consent if driving else "",
        )
        robot.apply(applied)


def later(tick: Tick, by: int, **changes: Any) -> Tick:
    """The same tick, so many ticks later."""
    moved = {"tick": tick.tick + by, "stamp_ns": stamp(tick.tick + by)}
    return msgspec.structs.replace(tick, **moved, **changes)


def one_after_the_other(root: Path, *, apart: int = 240, **changes: Any) -> tuple[Episode, Episode]:
    """ada drives for ten seconds; eve takes over `apart` ticks after ada has handed back."""
    rec = recorder(root)
    first = list(session(operator="ada", consent="form 1", drive=600, after=apart))
    second = session(before=0, wait=0, operator="eve", consent="form 2", **changes)
    moved = (later(tick, len(first), intervention=1) for tick in second)
    feed(rec, iter([*first, *moved]))
    rec.close(stamp(10_000))
    one, two = (open_episode(path) for path in rec.sealed())
    return one, two


def numbered(number: int) -> I420:
    """A picture that shows `number` as 12 large bits, so that it survives encoding."""
    bits = np.array([(number >> bit) & 1 for bit in range(12)], np.uint8).reshape(3, 4) * 200 + 25
    grey = np.kron(bits, np.ones((16, 16), np.uint8))
    return ToI420()(np.repeat(grey[:, :, None], 3, axis=2))


def number_of(picture: npt.NDArray[np.uint8]) -> int:
    """What `numbered` wrote."""
    cells = picture[8::16, 8::16, 0].reshape(-1) > 128
    return int(sum(1 << bit for bit, on in enumerate(cells) if on))


class InlineDisk(Executor):
    """Runs disk jobs at once, in the caller."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001
            future.set_exception(error)
        return future


def recorder(root: Path, **changes: Any) -> EpisodeRecorder:
    options: dict[str, Any] = {"disk": InlineDisk(), "syncs": InlineDisk(), "min_free_bytes": 0}
    return EpisodeRecorder(root, description(), CAMERAS, **{**options, **changes})


def feed(rec: EpisodeRecorder, ticks: Iterator[Tick], delay: int = 2) -> None:
    """Ticks in order; the pictures of a row come `delay` ticks later, as from a renderer."""
    waiting: list[Tick] = []
    for tick in ticks:
        rec.tick(tick)
        if tick.tick % TICKS_PER_ROW == 0:
            waiting.append(tick)
        while waiting and waiting[0].tick <= tick.tick - delay:
            show(rec, waiting.pop(0))
        rec.poll(tick.stamp_ns)
    for late in waiting:
        show(rec, late)


def show(rec: EpisodeRecorder, tick: Tick) -> None:
    for camera in CAMERAS:
        rec.picture(camera.name, tick.stamp_ns, numbered(tick.tick // TICKS_PER_ROW % 4096))


def record(root: Path, **changes: Any) -> Episode:
    """One sealed episode."""
    rec = recorder(root)
    feed(rec, session(**changes))
    rec.close(stamp(10_000))
    (path,) = rec.sealed()
    return open_episode(path)


class CountingRover(Rover):
    """Knows how many steps it has made since it was brought to a state."""

    steps = 0

    def restore(self, state: bytes) -> None:
        super().restore(state)
        self.steps = 0

    def apply(self, action: Twist) -> Twist:
        self.steps += 1
        return super().apply(action)
