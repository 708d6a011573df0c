"""When a scene is put back: after an intervention, with nobody at the robot and nothing latched."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from teleop.gate_state import GateState
from teleop.scene_reset import WAIT_NS, SceneReset
from transport.channels import TICK_HZ
from transport.clock import NS_PER_S
from transport.messages import Lease, Mode, Phase

TICK_NS = NS_PER_S // TICK_HZ
FREE = GateState(boot_id="boot", mode=Mode.AUTONOMY, phase=Phase.AUTONOMOUS, intervention=0)
HELD = replace(
    FREE,
    mode=Mode.TELEOP,
    phase=Phase.RECOVERY,
    lease=Lease(epoch=1, operator="ada", key="k", session="s"),
)


def dues(*states: GateState, ticks: int = 2 * TICK_HZ) -> list[int]:
    """The ticks, counted over all `states`, at which it is due."""
    scene, due, number = SceneReset(), [], 0
    for state in states:
        for _ in range(ticks):
            scene = scene.at(state, NS_PER_S + number * TICK_NS)
            due += [number] if scene.due else []
            number += 1
    return due


def test_it_is_due_once_a_second_after_an_intervention() -> None:
    (at,) = dues(HELD, FREE)
    assert (at - 2 * TICK_HZ) * TICK_NS >= WAIT_NS > (at - 1 - 2 * TICK_HZ) * TICK_NS


def test_it_is_due_after_each_intervention_and_counts_them() -> None:
    again = [replace(HELD, intervention=1), replace(FREE, intervention=1)]
    assert len(dues(HELD, FREE, *again)) == 2
    scene = SceneReset(count=4, after=0, free_ns=1)
    scene = scene.at(replace(FREE, intervention=1), 1 + WAIT_NS)
    assert (scene.due, scene.count, scene.after) == (True, 5, 1)


def test_before_anybody_has_driven_nothing_is_put_back() -> None:
    assert dues(replace(FREE, intervention=-1)) == []


@pytest.mark.parametrize(
    "busy",
    [
        HELD,
        replace(FREE, lease=HELD.lease),
        replace(FREE, mode=Mode.HOLD),
        replace(FREE, mode=Mode.ESTOP, stopped_by="ada"),
        replace(FREE, stopped_by="ada"),
        replace(FREE, phase=Phase.CORRECTION),
        replace(FREE, mode=Mode.FAULT),
    ],
)
def test_never_while_somebody_has_the_robot_or_anything_is_latched(busy: GateState) -> None:
    assert dues(busy) == []


def test_whoever_comes_back_within_the_second_finds_the_scene_as_it_was() -> None:
    almost = WAIT_NS // TICK_NS - 1
    assert dues(FREE, HELD, FREE, ticks=almost) == []
