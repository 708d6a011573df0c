"""What the record says of a tick: whose command it was, beyond any name."""

from __future__ import annotations

import pytest

from teleop.robot_report import Ticked, recorded
from tests.point_robot import PointRobot
from tests.unit.gate_world import ANNA, CARA, World
from transport.messages import ForceLease, HandBack, ReleaseLease, RequestBody, Tick


def tick_of(world: World) -> Tick:
    ticked = Ticked(
        tick=7,
        stamp_ns=world.now_ns,
        state=world.state,
        decision=world.decision,
        observation=PointRobot().observe(),
        observed_ns=world.now_ns,
        policy=world.policy_twist,
        applied=world.decision.applied,
        applied_ns=world.now_ns,
        state_before=b"",
        events=(),
        missed_before=0,
        consent="",
    )
    return recorded(ticked, "boot")


def test_an_obeyed_command_is_recorded_with_its_holders_key_epoch_and_number() -> None:
    world = World().driving()
    command = world.command(deadman=True, forward=1.0)
    world.tick(command)
    tick = tick_of(world)
    assert tick.operator_key == ANNA.key
    assert (tick.epoch, tick.command_seq) == (world.state.lease.epoch, command.seq)


def test_whoever_takes_over_is_recorded_under_an_epoch_of_their_own() -> None:
    world = World().driving()
    before = tick_of(world)
    assert world.ask(ForceLease(reason="people near the robot"), CARA).ok
    world.tick()
    tick = tick_of(world)
    assert (tick.operator_key, tick.epoch) == (CARA.key, before.epoch + 1)


@pytest.mark.parametrize("body", [HandBack(epoch=1), ReleaseLease(epoch=1)])
def test_while_nobody_drives_nobodys_key_is_recorded(body: RequestBody) -> None:
    world = World().driving()
    assert world.ask(body).ok
    world.tick()
    tick = tick_of(world)
    assert (tick.operator_key, tick.epoch, tick.command_seq) == ("", 1, -1)
