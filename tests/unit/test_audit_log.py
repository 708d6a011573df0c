"""What the audit log says of a shift, from the ticks that the robot's bus carries."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from teleop.audit_entry import AuditEntry, Driven, Kind, entry_in, line_of
from teleop.audit_log import Sealed, Shift
from tests.unit.recorder_support import description, later, session, stamp
from transport.channels import TICK_HZ
from transport.messages import (
    STILL,
    AnnotationKind,
    Event,
    Mode,
    Outcome,
    Phase,
    Said,
    Source,
    Tick,
    Twist,
    VerdictNotice,
)

MORNING = datetime(2026, 5, 4, 9, 12, 31, 250_000, UTC)
ADA_KEY = "a" * 40
KEYS = {"ada": ADA_KEY, "otto": "o" * 40}
FIRST = next(iter(session()))
AHEAD = Twist(forward_mps=0.3, turn_radps=0.0)


def shift() -> Shift:
    return Shift("rover-1", lambda name: KEYS.get(name, ""))


def told(ticks: Iterable[Tick], of: Shift | None = None, boot_id: str = "boot") -> list[AuditEntry]:
    """The entries of a boot that is described before its first tick."""
    of = of or shift()
    entries = list(of.heard(description(boot_id=boot_id), MORNING))
    for tick in ticks:
        entries += of.heard(tick, MORNING + timedelta(seconds=tick.tick / TICK_HZ))
    return entries


def rescue(**changes: Any) -> Iterable[Tick]:
    """Wedged after 1.5 s, taken over 0.5 s later, driven for 3 s with an input every tick."""
    for tick in session(**changes):
        held = tick.mode is Mode.TELEOP
        yield structs.replace(tick, operator_key=ADA_KEY if held else "", epoch=7 if held else 0)


def still(number: int, **changes: Any) -> Tick:
    """A tick in which nothing happens, changed."""
    return structs.replace(later(FIRST, number), **changes)


def one(entries: Iterable[AuditEntry], kind: Kind) -> AuditEntry:
    (found,) = (entry for entry in entries if entry.kind is kind)
    return found


def test_a_rescue_is_told_in_order() -> None:
    kinds = [entry.kind for entry in told(rescue())]
    assert kinds == [
        Kind.STARTED,
        Kind.CALL,
        Kind.PHASE,
        Kind.CALL_ENDED,
        Kind.TAKEOVER,
        Kind.PHASE,
        Kind.FIRST_MOTION,
        Kind.MARKER,
        Kind.HAND_BACK,
        Kind.PHASE,
    ]


def test_an_entry_says_who_where_when_and_of_which_boot() -> None:
    taken = one(told(rescue()), Kind.TAKEOVER)
    assert (taken.robot, taken.site, taken.boot_id) == ("rover-1", "Test bench", "boot")
    assert (taken.by, taken.key, taken.session, taken.intervention) == ("ada", ADA_KEY, 7, 0)
    assert (taken.x_m, taken.y_m) == (0.0, 0.0)
    assert taken.task == "Reach open floor"
    assert taken.wall == MORNING + timedelta(seconds=2)
    assert b'"wall":"2026-05-04T09:12:33.250000Z"' in line_of(taken)


def test_a_call_says_its_reason_and_how_long_it_waited() -> None:
    entries = told(rescue())
    assert one(entries, Kind.CALL).reason == "Wedged"
    ended = one(entries, Kind.CALL_ENDED)
    assert (ended.text, ended.reason, ended.after_s) == ("accepted", "Wedged", 0.5)
    assert one(entries, Kind.TAKEOVER).reason == "Wedged"


def test_reason_and_detail_of_a_call_stand_apart() -> None:
    call = Event(kind="call", text="Wedged under furniture. Wheels turn 4 s, moved 0.01 m")
    entry = one(told([still(0), still(1, events=(call,), mode=Mode.HOLD)]), Kind.CALL)
    assert (entry.reason, entry.text) == (
        "Wedged under furniture",
        "Wheels turn 4 s, moved 0.01 m",
    )


def test_a_call_that_is_repeated_is_one_call() -> None:
    call = (Event(kind="call", text="Wedged"),)
    entries = told([still(n, events=call, phase=Phase.HANDOVER) for n in range(3)])
    assert [entry.kind for entry in entries] == [Kind.STARTED, Kind.CALL]


def test_a_call_from_before_the_log_began_is_told_without_its_reason() -> None:
    """Cameras take longer to start than a robot takes to say that it needs somebody."""
    waits = still(200, phase=Phase.HANDOVER, mode=Mode.HOLD)
    taken = Event(kind="takeover", by="ada")
    entries = told([waits, driving(201, taken)])
    assert one(entries, Kind.CALL).reason == ""
    ended = one(entries, Kind.CALL_ENDED)
    assert (ended.text, ended.by, ended.after_s) == ("accepted", "ada", None)


def test_a_robot_that_gets_free_by_itself_withdraws_its_call() -> None:
    call = still(1, events=(Event(kind="call", text="Wedged"),), phase=Phase.HANDOVER)
    ticks = [still(0), call, *(still(n) for n in range(2, 2 * TICK_HZ))]
    ended = one(told(ticks), Kind.CALL_ENDED)
    assert (ended.text, ended.by, ended.after_s) == ("withdrawn", "", 1.0)


def test_a_robot_that_withdraws_its_call_says_why_and_it_has_ended_then() -> None:
    call = still(1, events=(Event(kind="call", text="Wedged"),), phase=Phase.HANDOVER)
    free = Event(kind="call_withdrawn", text="it moves again")
    entries = told([still(0), call, still(31, events=(free,))])
    assert one(entries, Kind.NOTE).text == "call_withdrawn it moves again"
    ended = one(entries, Kind.CALL_ENDED)
    assert (ended.text, ended.after_s) == ("withdrawn", 0.5)


def test_a_hand_back_says_what_the_operator_did() -> None:
    back = one(told(rescue()), Kind.HAND_BACK)
    assert (back.text, back.by, back.key, back.session) == ("success", "ada", ADA_KEY, 7)
    assert back.after_s == 3.0
    assert back.did == Driven(held_s=3.0, driven_s=3.0, motion_rows=89, inputs=179)


def test_standing_while_driving_is_no_motion() -> None:
    back = one(told(rescue(pause=range(150, 270))), Kind.HAND_BACK)
    assert back.did is not None
    assert (back.did.driven_s, back.did.motion_rows) == (3.0, 29)


def test_an_input_that_is_sent_again_counts_once() -> None:
    ticks = [structs.replace(t, input_ns=9 * (t.input_ns > 0)) for t in rescue()]
    back = one(told(ticks), Kind.HAND_BACK)
    assert back.did is not None
    assert back.did.inputs == 1


def test_the_first_motion_is_timed_from_the_takeover() -> None:
    first = one(told(rescue(pause=range(120, 180))), Kind.FIRST_MOTION)
    assert (first.after_s, first.by, first.reason) == (1.0, "ada", "Wedged")


def test_a_policy_that_is_taken_over_on_the_move_is_no_motion_of_the_operator() -> None:
    """It brakes by the ramp while the hands are still off."""
    takeover = (Event(kind="takeover", by="ada"),)
    ready = {"mode": Mode.READY, "operator": "ada", "source": Source.HUMAN, "applied": AHEAD}
    entries = told([still(0), still(1, events=takeover, **ready), still(2, **ready)])
    assert Kind.FIRST_MOTION not in [entry.kind for entry in entries]


def test_each_minute_says_how_long_it_was_in_each_mode() -> None:
    ticks = [still(n, mode=Mode.HOLD if n < 600 else Mode.AUTONOMY) for n in range(60 * 62)]
    minute = one(told(ticks), Kind.MINUTE)
    assert minute.modes == {Mode.HOLD: 10.0, Mode.AUTONOMY: 50.0}


def test_the_seconds_of_all_modes_are_those_that_passed() -> None:
    of = shift()
    entries = [*told(rescue(), of), *of.closed(MORNING)]
    seconds = sum(sum(entry.modes.values()) for entry in entries)
    assert seconds == pytest.approx((stamp(379) - stamp(0)) / 1e9, abs=0.01)


def test_a_minute_of_driving_says_what_was_done_so_far() -> None:
    """A log that ends there still knows the operator's minutes."""
    minute = one(told(rescue(drive=60 * 61)), Kind.MINUTE)
    assert minute.by == "ada"
    assert minute.did is not None
    assert minute.did.held_s == pytest.approx(58.0)


def test_a_silence_of_the_bus_is_no_time_in_any_mode() -> None:
    of = shift()
    entries = [*told([still(0), still(1), still(TICK_HZ * 3600)], of), *of.closed(MORNING)]
    assert sum(sum(entry.modes.values()) for entry in entries) < 11.0


def test_stop_names_the_key_of_who_pressed_and_who_resets_it_says_why() -> None:
    stop = still(1, events=(Event(kind="stop", by="otto"),), mode=Mode.ESTOP)
    reset = still(2, events=(Event(kind="stop_reset", text="path is clear", by="ada"),))
    entries = told([still(0), stop, reset])
    pressed = one(entries, Kind.STOP)
    assert (pressed.by, pressed.key) == ("otto", KEYS["otto"])
    assert one(entries, Kind.STOP_RESET).text == "path is clear"


@pytest.mark.parametrize("mode", [Mode.FAULT, Mode.SAFE_STOP])
def test_a_fault_is_told_with_its_cause(mode: Mode) -> None:
    failed = Event(kind="mode", text=f"AUTONOMY to {mode}: driver: no answer")
    entries = told([still(0), still(1, events=(failed,), mode=mode)])
    assert one(entries, Kind.FAULT).text == "driver: no answer"


def driving(number: int, *events: Event, mode: Mode = Mode.TELEOP, heard: bool = True) -> Tick:
    held = {"operator": "ada", "operator_key": ADA_KEY, "epoch": 7, "intervention": 0}
    held["received_ns"] = stamp(number) if heard else 0
    return still(number, mode=mode, events=events, phase=Phase.RECOVERY, **held)


def test_a_dip_of_the_link_is_told_once_it_is_over() -> None:
    dips = Event(kind="mode", text="TELEOP to HOLD: gap")
    back = Event(kind="mode", text="HOLD to TELEOP: resumed")
    ticks = [driving(0), driving(1, dips, mode=Mode.HOLD), driving(31, back)]
    dip = one(told(ticks), Kind.LINK_DIP)
    assert (dip.text, dip.by, dip.after_s) == ("gap", "ada", 0.5)


def test_a_console_that_has_not_sent_yet_is_no_dip() -> None:
    waits = Event(kind="mode", text="READY to HOLD: gap")
    ready = Event(kind="mode", text="HOLD to READY: resumed")
    ticks = [driving(0, heard=False), driving(1, waits, heard=False), driving(31, ready)]
    assert Kind.LINK_DIP not in [entry.kind for entry in told(ticks)]


def test_a_hold_that_somebody_chose_is_no_dip() -> None:
    called = Event(kind="mode", text="AUTONOMY to HOLD: Wedged under furniture")
    goes_on = Event(kind="mode", text="HOLD to READY: taken over")
    kinds = [entry.kind for entry in told([still(0), still(1, events=(called, goes_on))])]
    assert kinds == [Kind.STARTED]


def test_an_operator_who_vanishes_ends_the_turn_with_what_was_done() -> None:
    lost = Event(kind="link_lost", by="ada")
    gone = Event(kind="released", by="ada")
    call = Event(kind="call", text="Operator is gone. ada was not heard for 3 s")
    free = still(91, events=(gone, call), mode=Mode.LINK_LOST, phase=Phase.HANDOVER)
    entries = told([driving(0), driving(60, lost, mode=Mode.LINK_LOST), free])
    assert one(entries, Kind.LINK_LOST).by == "ada"
    left = one(entries, Kind.RELEASED)
    assert (left.by, left.session) == ("ada", 7)
    assert left.did is not None
    assert left.did.driven_s == 1.0
    assert one(entries, Kind.CALL).reason == "Operator is gone"


def test_who_takes_the_robot_from_somebody_ends_that_turn_and_begins_another() -> None:
    note = "otto took the robot from ada: shift is over"
    forced = Event(kind="lease_forced", text=note, by="otto")
    taken = Event(kind="takeover", by="otto")
    mine = {"operator": "otto", "operator_key": KEYS["otto"], "epoch": 8}
    entries = told([driving(0), structs.replace(driving(60, forced, taken), **mine)])
    replaced = one(entries, Kind.REPLACED)
    assert (replaced.by, replaced.text) == ("ada", note)
    took = one(entries, Kind.TAKEOVER)
    assert (took.by, took.key, took.session, took.intervention) == ("otto", KEYS["otto"], 8, 0)


def test_a_lease_whose_end_was_lost_on_the_bus_ends_all_the_same() -> None:
    entries = told([driving(0), still(1)])
    assert one(entries, Kind.RELEASED).by == "ada"


def test_a_log_that_begins_while_somebody_drives_says_who() -> None:
    back = Event(kind="hand_back", text="success", by="ada")
    entries = told([driving(600), driving(660), still(661, events=(back,))])
    assert one(entries, Kind.STARTED).after_s == 10.0
    ended = one(entries, Kind.HAND_BACK)
    assert (ended.by, ended.after_s) == ("ada", None), "since when is not known"


def test_another_boot_ends_the_one_before() -> None:
    of = shift()
    entries = told([driving(n) for n in range(60)], of)
    for tick in (still(0, boot_id="next"), still(1, boot_id="next")):
        entries += of.heard(tick, MORNING)
    assert [entry.kind for entry in entries] == [Kind.STARTED]
    entries = list(of.heard(description(boot_id="next"), MORNING))
    assert [(entry.kind, entry.boot_id) for entry in entries] == [
        (Kind.MINUTE, "boot"),
        (Kind.ENDED, "boot"),
        (Kind.STARTED, "next"),
    ]
    assert (entries[1].text, entries[1].by) == ("control started anew", "ada")


def test_what_comes_before_the_description_is_told_after_it() -> None:
    of = shift()
    call = still(3, events=(Event(kind="call", text="Wedged"),), phase=Phase.HANDOVER)
    assert of.heard(still(2), MORNING) == ()
    assert of.heard(call, MORNING) == ()
    kinds = [entry.kind for entry in of.heard(description(), MORNING)]
    assert kinds == [Kind.STARTED, Kind.CALL, Kind.PHASE]


def test_a_tick_heard_twice_counts_once() -> None:
    ticks = list(rescue())
    twice = [tick for tick in ticks for _ in range(2)]
    assert told(twice) == told(ticks)


def test_a_place_that_is_no_number_is_left_out() -> None:
    entry = one(told([still(0, observation=(math.nan, 2.0, 0.0))]), Kind.STARTED)
    assert (entry.x_m, entry.y_m) == (None, 2.0)


def test_a_robot_that_knows_no_place_has_none() -> None:
    of = shift()
    of.heard(description(observation_names=("temperature_c",)), MORNING)
    (entry,) = of.heard(still(0, observation=(21.0,)), MORNING)
    assert (entry.x_m, entry.y_m) == (None, None)


def test_labels_and_verdicts_are_told() -> None:
    of = shift()
    told([still(0)], of)
    said = Said(episode="01K", kind=AnnotationKind.OUTCOME, text="failure", by="ada")
    (label,) = of.heard(said, MORNING)
    assert (label.kind, label.episode, label.label, label.text, label.by) == (
        *(Kind.LABEL, "01K", "outcome", "failure", "ada"),
    )
    (verdict,) = of.told(VerdictNotice(episode="01K", verdict="EXACT", sentence="Bit"), MORNING)
    assert (verdict.kind, verdict.episode, verdict.verdict) == (Kind.VERDICT, "01K", "EXACT")


def test_an_episode_names_the_boot_that_it_shows() -> None:
    of = shift()
    told([still(0)], of)
    (entry,) = of.told(Sealed("01K", "earlier", 3, "ada", Outcome.SUCCESS), MORNING)
    assert (entry.boot_id, entry.shown_boot_id, entry.intervention) == ("boot", "earlier", 3)
    assert (entry.by, entry.text) == ("ada", "success")


EVENTS = st.sampled_from(
    [
        Event(kind=kind, text=text, by=by)
        for kind, text in (
            *(("call", "Wedged. Wheels turn"), ("takeover", ""), ("released", "")),
            *(("hand_back", "success"), ("lease_forced", "mine"), ("stop", ""), ("marker", "x")),
            *(("mode", "TELEOP to HOLD: gap"), ("mode", "HOLD to FAULT: x"), ("mode", "odd")),
            *(("phase", "recovery"), ("never_heard_of", "y")),
        )
        for by in ("", "ada", "otto")
    ]
)


@st.composite
def histories(draw: st.DrawFn) -> list[Tick]:
    """Ticks of one boot in order, with anything in them and any of them missing."""
    numbers = sorted(draw(st.sets(st.integers(0, 20_000), max_size=30)))
    return [
        still(
            number,
            mode=draw(st.sampled_from(Mode)),
            phase=draw(st.sampled_from(Phase)),
            source=draw(st.sampled_from(Source)),
            human=draw(st.sampled_from([STILL, AHEAD])),
            applied=draw(st.sampled_from([STILL, AHEAD])),
            operator=draw(st.sampled_from(["", "ada", "otto"])),
            epoch=draw(st.integers(0, 3)),
            input_ns=draw(st.integers(0, 3)),
            events=tuple(draw(st.lists(EVENTS, max_size=3))),
            observation=draw(st.sampled_from([(), (0.1, 0.2), (math.inf, math.nan, 0.0)])),
        )
        for number in numbers
    ]


@given(histories())
def test_whatever_is_heard_makes_entries_that_can_be_read_back(ticks: list[Tick]) -> None:
    """The reader's schema refuses negative times, so it holds that there are none."""
    of = shift()
    entries = [*told(ticks, of), *of.closed(MORNING)]
    assert [entry_in(line_of(entry)) for entry in entries] == entries
    assert [entry.n for entry in entries] == list(range(len(entries)))
    started = sum(entry.kind is Kind.STARTED for entry in entries)
    ended = sum(entry.kind is Kind.ENDED for entry in entries)
    assert started == ended == bool(ticks)
