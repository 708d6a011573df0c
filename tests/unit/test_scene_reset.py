"""When a scene is put back: after an intervention, with nobody at the robot and nothing latched."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from recorder.segmenter import LABEL_NS
from teleop.gate_state import GateState
from teleop.scene_reset import UNTROUBLED_NS, WAIT_NS, Patience, SceneReset, Why
from transport.channels import TICK_HZ
from transport.clock import NS_PER_S
from transport.messages import Call, Lease, Mode, Outcome, Phase

TICK_NS = NS_PER_S // TICK_HZ
FREE = GateState(boot_id="boot", mode=Mode.AUTONOMY, phase=Phase.AUTONOMOUS, intervention=0)
HELD = replace(
    FREE,
    mode=Mode.TELEOP,
    phase=Phase.RECOVERY,
    lease=Lease(epoch=1, operator="ada", key="k", session="s"),
)


CALLING = replace(
    FREE,
    mode=Mode.HOLD,
    phase=Phase.HANDOVER,
    intervention=-1,
    call=Call(call_id=1, reason="Wedged", detail="", stamp_ns=1),
)
AGAIN = Patience(unanswered_ns=20 * NS_PER_S)


def dues(
    *states: GateState, ticks: int = 2 * TICK_HZ, patience: Patience | None = None
) -> list[int]:
    """The ticks, counted over all `states`, at which it is due."""
    scene, due, number = SceneReset(patience), [], 0
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
    scene = SceneReset(count=4, after=0, why=Why.DONE, since_ns=1)
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


# --- of a robot that goes on by itself ---


def seconds(*states: GateState, each_s: int) -> list[float]:
    """When it is due, with each of `states` for so long."""
    ticks = each_s * TICK_HZ
    return [round(n / TICK_HZ, 1) for n in dues(*states, ticks=ticks, patience=AGAIN)]


def test_a_call_that_nobody_answers_ends_with_its_scene() -> None:
    assert seconds(CALLING, each_s=21) == [20.0]
    lost = replace(CALLING, mode=Mode.LINK_LOST, intervention=0)  # its driver has vanished
    assert seconds(HELD, lost, each_s=21) == [41.0]


def test_without_being_told_so_it_waits_for_an_answer_for_ever() -> None:
    assert dues(CALLING, replace(FREE, intervention=-1), ticks=100 * TICK_HZ) == []


def test_whoever_takes_it_has_all_the_time_and_a_new_call_waits_as_long() -> None:
    again = replace(CALLING, call=Call(call_id=2, reason="Left", detail="", stamp_ns=2))
    assert seconds(CALLING, HELD, again, each_s=19) == []
    assert seconds(CALLING, each_s=19) == []


@pytest.mark.parametrize(
    "busy",
    [
        replace(CALLING, lease=HELD.lease),
        replace(CALLING, stopped_by="ada", mode=Mode.ESTOP),
        replace(CALLING, mode=Mode.DISARMED),  # control was started again: a person has to look
        replace(CALLING, mode=Mode.SAFE_STOP),
        replace(CALLING, mode=Mode.FAULT),
        replace(FREE, intervention=-1, lease=HELD.lease),
    ],
)
def test_no_patience_ends_while_somebody_has_it_or_a_person_has_to_look(busy: GateState) -> None:
    assert seconds(busy, each_s=100) == []


def test_a_robot_that_gets_on_by_itself_is_given_another_start() -> None:
    roams = replace(FREE, intervention=-1)
    assert seconds(roams, each_s=2 * UNTROUBLED_NS // NS_PER_S + 1) == [60.0, 120.0]


def test_after_a_hand_back_there_is_time_to_say_how_it_went() -> None:
    said = replace(FREE, outcome=Outcome.SUCCESS)
    assert seconds(HELD, said, each_s=12) == [12.0 + WAIT_NS / NS_PER_S]
    assert seconds(HELD, FREE, each_s=12) == [12.0 + LABEL_NS / NS_PER_S]
