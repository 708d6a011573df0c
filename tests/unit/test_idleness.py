"""When nothing moves while somebody has the robot."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from teleop.gate_state import GateState
from teleop.idleness import NOTICE_S, PAUSE_S, Idleness, watched
from teleop.robot import RoverObservation
from transport.clock import NS_PER_S
from transport.messages import STILL, Event, Lease, Mode, Phase, Twist

STANDING = RoverObservation(
    x_m=1.0,
    y_m=2.0,
    heading_rad=0.0,
    speed_mps=0.0,
    turn_radps=0.0,
    left_wheel_mps=0.0,
    right_wheel_mps=0.0,
    tilt_rad=0.0,
    motor_a=0.0,
    battery_pct=80.0,
    bumper=False,
)
HELD = Lease(epoch=1, operator="ada", key="k", session="s")


@dataclass
class Watch:
    """A robot that is looked at ten times a second."""

    state: GateState = field(
        default_factory=lambda: GateState(
            boot_id="boot", mode=Mode.READY, phase=Phase.RECOVERY, lease=HELD
        )
    )
    seen: RoverObservation = STANDING
    idleness: Idleness = field(default_factory=Idleness)
    at_ns: int = NS_PER_S
    events: list[Event] = field(default_factory=list)

    def wait(self, seconds: float) -> Watch:
        for _ in range(round(seconds * 10)):
            self.at_ns += NS_PER_S // 10
            self.idleness, self.state, said = watched(
                self.idleness, self.state, self.seen, self.at_ns
            )
            self.events += said
        return self

    def drive(self, told: Twist) -> Watch:
        self.state = replace(self.state, applied=told)
        return self

    @property
    def idle_s(self) -> float:
        return self.idleness.seconds(self.at_ns)


def test_time_in_which_nothing_moves_is_counted() -> None:
    assert Watch().wait(NOTICE_S + 0.1).idle_s == pytest.approx(NOTICE_S)


def test_a_stick_in_use_counts_as_motion_also_against_a_wall() -> None:
    watch = Watch().wait(5)
    assert watch.drive(Twist(forward_mps=0.1, turn_radps=0.0)).wait(PAUSE_S + 5).idle_s == 0.0
    assert watch.state.phase is Phase.RECOVERY


def test_a_robot_that_rolls_by_itself_is_not_idle() -> None:
    watch = Watch(seen=RoverObservation(**{**STANDING.__dict__, "speed_mps": 0.1}))
    assert watch.wait(PAUSE_S + 5).idle_s == 0.0


def test_the_noise_of_a_stick_is_no_motion() -> None:
    watch = Watch().drive(Twist(forward_mps=0.01, turn_radps=0.03))
    assert watch.wait(PAUSE_S + 0.2).state.phase is Phase.PAUSED


def test_after_a_minute_the_phase_is_paused_and_a_mark_says_so_once() -> None:
    watch = Watch().wait(PAUSE_S)
    assert (watch.state.phase, watch.events) == (Phase.RECOVERY, [])
    watch.wait(PAUSE_S)
    assert watch.state.phase is Phase.PAUSED
    assert [event.kind for event in watch.events] == ["paused"]


@pytest.mark.parametrize("phase", [Phase.RECOVERY, Phase.CORRECTION, Phase.RESET])
def test_the_first_motion_brings_the_phase_before_back(phase: Phase) -> None:
    watch = Watch()
    watch.state = replace(watch.state, phase=phase)
    watch.wait(PAUSE_S + 30).drive(Twist(forward_mps=0.3, turn_radps=0.0)).wait(0.1)
    assert watch.state.phase is phase
    assert [(event.kind, event.text) for event in watch.events][1:] == [("resumed", "after 90 s")]
    assert watch.drive(STILL).wait(PAUSE_S + 0.2).state.phase is Phase.PAUSED


def test_a_phase_marked_during_the_pause_stays() -> None:
    watch = Watch().wait(PAUSE_S + 1)
    watch.state = replace(watch.state, phase=Phase.CORRECTION)
    watch.drive(Twist(forward_mps=0.3, turn_radps=0.0)).wait(0.1)
    assert watch.state.phase is Phase.CORRECTION
    assert [event.kind for event in watch.events] == ["paused"]


@pytest.mark.parametrize(
    ("mode", "lease"),
    [(Mode.HOLD, Lease(epoch=1)), (Mode.AUTONOMY, HELD), (Mode.AUTONOMY, Lease())],
)
def test_a_robot_that_nobody_drives_is_not_idle(mode: Mode, lease: Lease) -> None:
    watch = Watch()
    watch.state = replace(watch.state, mode=mode, lease=lease)
    assert watch.wait(PAUSE_S + 5).idle_s == 0.0
    assert watch.events == []


def test_whoever_leaves_in_a_pause_leaves_no_paused_robot_behind() -> None:
    watch = Watch().wait(PAUSE_S + 1)
    watch.state = replace(watch.state, mode=Mode.HOLD, phase=Phase.HANDOVER, lease=Lease(epoch=1))
    assert watch.wait(1).state.phase is Phase.HANDOVER
    assert watch.idleness == Idleness()
