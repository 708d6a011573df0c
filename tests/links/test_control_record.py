"""What the real control loop tells the recorder, tick by tick, in simulated time."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from recorder.episode import EndedBy
from recorder.segmenter import Close, Open, Segmenter
from teleop.control import TICK_NS, Control
from teleop.key_files import ROBOT_KEY, load_or_make
from teleop.latch import LatchFile
from teleop.patrol import Patrol
from teleop.policy import Diagnosis, NeverStuck
from teleop.robot import Robot, RoverObservation
from teleop.robot_door import robot_door
from teleop.roster import AUTHORIZED_KEYS, Member, RosterFile
from teleop.scene_reset import Patience, SceneReset
from tests.point_robot import PointRobot
from transport.channels import TICK_HZ
from transport.clock import NS_PER_S
from transport.control_link import LOOPBACK, free_base_port
from transport.curve import new_key_pair
from transport.messages import (
    STILL,
    Call,
    Calling,
    Lease,
    Mode,
    Phase,
    RobotBus,
    Role,
    Tick,
    decoder_of,
)

FOR_EVER_NS = 2**61


class Bench:
    """A control loop that is ticked by hand; the clock is ours, and the bus is a list."""

    def __init__(
        self,
        folder: Path,
        patch: pytest.MonkeyPatch,
        *,
        start_policy: bool = True,
        robot: Robot | None = None,
    ) -> None:
        self.now_ns = NS_PER_S
        self.ticks: list[Tick] = []
        self.calls: list[Call | None] = []  # as it tells them
        self.roster = RosterFile(folder / AUTHORIZED_KEYS)
        patch.setattr("teleop.control.now_ns", lambda: self.now_ns)
        self.door = robot_door(load_or_make(folder / ROBOT_KEY), self.roster)
        self.control = Control(
            robot=robot or PointRobot(),
            name="toy-1",
            site="bench",
            host=LOOPBACK,
            port=free_base_port(),
            door=self.door,
            roster=self.roster,
            latch=LatchFile(folder / "toy.latch.json"),
            start_policy=start_policy,
        )
        decode = decoder_of(RobotBus)  # type: ignore[arg-type]

        def send(raw: bytes) -> None:
            message = decode(raw)
            if isinstance(message, Tick):
                self.ticks.append(message)
            elif isinstance(message, Calling):
                self.calls.append(message.call)

        patch.setattr(self.control._bus, "send", send)
        patch.setattr(self.control, "_stop_silent_ns", lambda: 0)  # its thread is not started

    def run(self, seconds: float) -> list[Tick]:
        """The ticks of so many seconds."""
        before = len(self.ticks)
        for _ in range(round(seconds * TICK_HZ)):
            self.now_ns += TICK_NS
            self.control.tick()
        return self.ticks[before:]

    def lend(self, key: str, operator: str) -> None:
        """Somebody has the robot from here on, and is heard for ever."""
        lease = Lease(epoch=1, operator=operator, key=key, session="s", expires_ns=FOR_EVER_NS)
        self.control.state = structs.replace(self.control.state, lease=lease)

    def close(self) -> None:
        self.control.close()
        self.door.close()


def test_each_tick_tells_who_has_the_robot_and_under_which_consent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key_pair().public
    member = Member(name="ada", key=key, role=Role.OPERATOR, consent="form 1")
    RosterFile(tmp_path / AUTHORIZED_KEYS).add(member)
    with closing(Bench(tmp_path, monkeypatch)) as bench:
        (free,) = bench.run(1 / TICK_HZ)
        assert (free.operator, free.consent) == ("", "")
        bench.lend(key, "ada")
        (held,) = bench.run(1 / TICK_HZ)
        assert (held.operator, held.consent) == ("ada", "form 1")


def paused_from(ticks: list[Tick]) -> float:
    """Seconds until the first tick of the phase `paused`, which says so in a mark."""
    number, first = next((n, tick) for n, tick in enumerate(ticks) if tick.phase is Phase.PAUSED)
    assert [event.kind for event in first.events] == ["paused"]
    assert all(tick.phase is Phase.PAUSED for tick in ticks[number:])
    return number / TICK_HZ


def test_a_call_that_nobody_answers_for_a_minute_is_recorded_as_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Bench(tmp_path, monkeypatch, start_policy=False)) as bench:
        ticks = bench.run(63)
        called = next(n for n, t in enumerate(ticks) if any(e.kind == "call" for e in t.events))
        assert paused_from(ticks[called:]) == pytest.approx(60.0, abs=0.1)
        assert len(ticks) == 63 * TICK_HZ, "every tick of the wait is recorded"


def test_an_operator_who_does_nothing_for_a_minute_is_recorded_as_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key_pair().public
    RosterFile(tmp_path / AUTHORIZED_KEYS).add(Member(name="ada", key=key, role=Role.OPERATOR))
    with closing(Bench(tmp_path, monkeypatch, start_policy=False)) as bench:
        bench.lend(key, "ada")
        assert paused_from(bench.run(62)) == pytest.approx(60.0, abs=0.1)


def test_the_cameras_are_told_of_a_call_at_once_when_it_ends_and_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Bench(tmp_path, monkeypatch, start_policy=False)) as bench:
        while bench.control.state.call is None:
            bench.run(1 / TICK_HZ)
        called = bench.control.state.call
        assert bench.calls[-1] == called
        told = len(bench.calls)
        bench.run(3)
        assert bench.calls[told:] == [called] * 3
        bench.control.state = structs.replace(bench.control.state, call=None)
        bench.run(1 / TICK_HZ)
        assert bench.calls[-1] is None


class PuttingBack(PointRobot):
    """A point whose scene can be put back."""

    def reset(self, count: int) -> None:
        """Another start, to be told by its place."""
        self.told, self.x_m = STILL, -float(count)


class StuckOnce(NeverStuck):
    """Says that the robot is stuck, once it is told so."""

    stuck = False

    def diagnosis(self, now_ns: int) -> Diagnosis | None:
        """Stuck, or not."""
        return Diagnosis("Wedged", "for the test") if self.stuck else None

    def freed(self, now_ns: int) -> str:
        """It does not come free by itself."""
        return ""


def test_a_call_that_nobody_answers_ends_in_another_start_and_an_episode_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Bench(tmp_path, monkeypatch, robot=PuttingBack())) as bench:
        watch = StuckOnce()
        bench.control._drive.start()  # whoever is to move needs a watchdog
        bench.control.policy, bench.control.stuck = Patrol(0), watch
        bench.control.scene = SceneReset(Patience(unanswered_ns=5 * NS_PER_S))
        bench.run(2.0)
        watch.stuck = True
        bench.run(1.0)
        watch.stuck = False
        bench.run(6.0)
    told = {event.kind: tick for tick in bench.ticks for event in tick.events}
    called, reset = told["call"], told["scene_reset"]
    assert reset.stamp_ns - called.stamp_ns == pytest.approx(5 * NS_PER_S, abs=2 * TICK_NS)
    x = RoverObservation.NAMES.index("x_m")
    after = [tick for tick in bench.ticks if tick.tick > reset.tick]
    assert reset.observation[x] > 0 > after[0].observation[x], "the last tick of the old scene"
    assert {(tick.mode, tick.phase) for tick in after} == {(Mode.AUTONOMY, Phase.AUTONOMOUS)}
    assert after[-1].observation[x] > after[0].observation[x], "it works again"
    segmenter = Segmenter()
    cuts = [(tick.tick, cut) for tick in bench.ticks for cut in segmenter.step(tick)]
    (_, opened), (closed_at, closed) = cuts
    assert (isinstance(opened, Open), closed_at) == (True, reset.tick)
    assert isinstance(closed, Close)
    assert closed.ending.ended_by is EndedBy.WITHDRAWN


def test_without_patience_a_rover_keeps_calling_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Bench(tmp_path, monkeypatch, robot=PuttingBack())) as bench:
        watch = StuckOnce()
        bench.control._drive.start()  # whoever is to move needs a watchdog
        bench.control.policy, bench.control.stuck = Patrol(0), watch
        bench.control.scene = None
        watch.stuck = True
        ticks = bench.run(90.0)
    assert ticks[-1].mode is Mode.HOLD
    assert not [e for tick in ticks for e in tick.events if e.kind == "scene_reset"]
