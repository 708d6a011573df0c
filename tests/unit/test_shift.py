"""A scripted operator's shift: which call is next, and what comes of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from teleop.glimpse import SILENT_MS, RobotGlimpse
from teleop.rescue_script import SETTLE_NS, Hands, Operator, Seen, Stage
from teleop.shift import (
    ACCEPT_NS,
    RELEASE,
    RESCUE_NS,
    REST_NS,
    CallId,
    End,
    Shift,
    call_of,
    next_call,
)
from tests.unit.screen_support import robot_state
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import (
    Call,
    Hold,
    HoldReason,
    Lease,
    Looker,
    Mode,
    Outcome,
    PassedOn,
    Phase,
    RobotState,
)

LOOK_NS = 20 * NS_PER_MS
MINE = Lease(epoch=1, operator="op-1", key="k", session="mine", expires_ns=10**15)
THEIRS = Lease(epoch=1, operator="op-2", key="q", session="theirs", expires_ns=10**15)


def calling(name: str, number: int = 1, age_s: float = 1.0) -> RobotState:
    """A robot that has called for so long."""
    call = Call(call_id=number, reason="Wedged", detail="", stamp_ns=100 * NS_PER_S)
    return structs.replace(
        robot_state(),
        robot=name,
        boot_id=f"boot-{name}",
        stamp_ns=100 * NS_PER_S + round(age_s * NS_PER_S),
        mode=Mode.HOLD,
        phase=Phase.HANDOVER,
        lease=Lease(),
        call=call,
        hold=None,
        stopped_by="",
        latched_for="",
        intervention=-1,
        task="Reach open floor",
    )


def at_work(name: str) -> RobotState:
    """A robot that needs nobody."""
    return structs.replace(calling(name), call=None, mode=Mode.AUTONOMY, phase=Phase.AUTONOMOUS)


def driven(name: str, lease: Lease) -> RobotState:
    """A robot that somebody has."""
    return structs.replace(
        at_work(name), mode=Mode.READY, phase=Phase.RECOVERY, lease=lease, intervention=4
    )


def seen(state: RobotState | None) -> Seen:
    """The same on a screen whose picture is live and bright."""
    yours = state is not None and state.lease == MINE
    return Seen(state, yours, picture_age_ms=40.0, brightness=200.0)


def fleet(states: dict[str, RobotState], you: str = "op-1") -> list[RobotGlimpse]:
    """What is known of robots that say this."""
    return [
        RobotGlimpse(paired=at, address=at, name=state.robot, key="k", state=state, you=you)
        for at, state in states.items()
    ]


def asks_next(states: dict[str, RobotState], you: str = "op-1") -> str | None:
    return next_call(fleet(states, you), {}, 0)


class Room:
    """Robots that say what the test has them say, and one operator who looks at them."""

    def __init__(self, shift: Shift, **states: RobotState) -> None:
        self.shift, self.states, self.now_ns = shift, states, 10 * NS_PER_S
        self.hands: list[Hands] = []

    def look(self, seconds: float = 0.0) -> Room:
        for _ in range(max(1, round(seconds * NS_PER_S / LOOK_NS))):
            at = self.states.get(self.shift.at)
            self.shift, hands = self.shift.step(fleet(self.states), seen(at), self.now_ns)
            self.hands.append(hands)
            self.now_ns += LOOK_NS
        return self

    @property
    def ends(self) -> list[End]:
        return [one.end for one in self.shift.served]


# --- which is next ---


def test_the_oldest_call_is_next_by_the_robots_own_clocks() -> None:
    states = {"a": calling("a", age_s=3), "b": calling("b", age_s=9), "c": at_work("c")}
    # A robot that started long ago has larger stamps, and says nothing about ages by that.
    call = structs.replace(states["a"].call, stamp_ns=states["a"].call.stamp_ns + NS_PER_S * 900)
    states["a"] = structs.replace(
        states["a"], stamp_ns=states["a"].stamp_ns + NS_PER_S * 900, call=call
    )
    assert asks_next(states) == "b"


def test_a_severe_call_comes_before_an_older_one() -> None:
    states = {"a": calling("a", age_s=30), "b": calling("b", age_s=3), "c": calling("c", age_s=50)}
    assert states["b"].call is not None
    severe = structs.replace(states["b"].call, reason="Restarted")
    states["b"] = structs.replace(states["b"], call=severe)
    assert asks_next(states) == "b"


def test_a_call_that_was_passed_on_is_for_whom_it_was_passed_to() -> None:
    state = calling("a")
    assert state.call is not None
    passed = PassedOn(to="op-2", by="op-1", note="you know this sill", stamp_ns=1)
    state = structs.replace(state, call=structs.replace(state.call, passed=passed))
    assert asks_next({"a": state}, "op-1") is None
    assert asks_next({"a": state}, "op-2") == "a"


def test_a_call_at_which_somebody_looks_is_left_to_them_while_they_do() -> None:
    state = calling("a", age_s=1)
    assert state.call is not None
    looks = Looker(name="op-2", until_ns=state.stamp_ns + NS_PER_S)
    looked = structs.replace(state, call=structs.replace(state.call, looking=(looks,)))
    assert asks_next({"a": looked}, "op-1") is None
    assert asks_next({"a": looked}, "op-2") == "a"
    later = structs.replace(looked, stamp_ns=looked.stamp_ns + 2 * NS_PER_S)
    assert asks_next({"a": later}, "op-1") == "a"


def test_a_robot_that_does_not_answer_is_left() -> None:
    (robot,) = fleet({"a": calling("a")})
    assert next_call([replace(robot, silent_ms=SILENT_MS + 1)], {}, 0) is None


def test_nobody_goes_where_somebody_is_where_it_was_stopped_or_where_it_does_not_call() -> None:
    states = {
        "a": structs.replace(calling("a"), lease=THEIRS),
        "b": structs.replace(calling("b"), stopped_by="ada"),
        "c": structs.replace(calling("c"), latched_for="the battery is empty"),
        "d": at_work("d"),
    }
    assert asks_next(states) is None


def test_a_call_that_was_given_up_rests_and_another_of_the_same_robot_does_not() -> None:
    first, second = calling("a", 1), calling("a", 2)
    rests = {call_of(first): 100}
    assert next_call(fleet({"a": first}), rests, 99) is None
    assert next_call(fleet({"a": first}), rests, 100) == "a"
    assert next_call(fleet({"a": second}), rests, 0) == "a"


# --- what comes of a call ---


def test_a_call_is_accepted_by_key_once_the_picture_is_live() -> None:
    room = Room(Shift(), a=calling("a")).look(1.0)
    assert room.shift.at == "a"
    assert next(hands.tap for hands in room.hands if hands.tap) == "Return"


def test_whoever_does_not_get_the_lease_goes_on_to_the_next_call() -> None:
    room = Room(Shift(), a=calling("a", age_s=9), b=calling("b")).look(0.1)
    assert room.shift.at == "a"
    room.states["a"] = driven("a", THEIRS)
    room.look(0.1)
    assert (room.ends, room.shift.at) == ([End.TAKEN], "b")


def test_a_call_that_its_robot_withdraws_is_left() -> None:
    for gone in (at_work("a"), calling("a", number=2)):
        room = Room(Shift(), a=calling("a")).look(0.1)
        room.states["a"] = gone
        assert room.look().ends == [End.WITHDRAWN]


def test_a_robot_without_pictures_is_given_up_and_tried_again_later() -> None:
    room = Room(Shift(), a=calling("a")).look()
    for _ in range(ACCEPT_NS // LOOK_NS + 2):
        room.shift, _hands = room.shift.step(fleet(room.states), None, room.now_ns)
        room.now_ns += LOOK_NS
    assert (room.ends, room.shift.at) == ([End.GIVEN_UP], "")
    assert room.look().shift.at == ""
    room.now_ns += REST_NS
    assert room.look().shift.at == "a"


def leased(stage: Stage, **changes: object) -> Room:
    """One operator with the lease, in the middle of a rescue."""
    room = Room(Shift(), a=calling("a")).look(0.1)
    room.states["a"] = driven("a", MINE)
    room.look()
    here = {"start_x_m": room.states["a"].x_m, "start_y_m": room.states["a"].y_m}
    times = dict.fromkeys(("since_ns", "began_ns", "moving_ns"), room.now_ns)
    operator = replace(room.shift._operator, stage=stage, **times, **here, **changes)
    room.shift = replace(room.shift, _operator=operator)
    return room


def test_a_rescue_that_is_handed_back_is_in_the_list_as_it_was_marked() -> None:
    room = leased(Stage.LABEL, success=True).look(0.5)
    taps = [hands.tap for hands in room.hands if hands.tap]
    assert taps[-2:] == ["Y", "Return"]
    room.states["a"] = structs.replace(at_work("a"), intervention=4)
    room.look(1.0)
    (one,) = room.shift.served
    assert (one.call, one.end) == (CallId("a", "boot-a", 1), End.SERVED)
    assert (one.outcome, one.intervention) == (Outcome.SUCCESS, 4)


def test_a_lease_that_ends_by_itself_is_no_rescue() -> None:
    room = leased(Stage.BACK)
    room.states["a"] = calling("a", number=2)
    room.look()
    (one,) = room.shift.served
    assert (one.end, one.outcome, one.call.number) == (End.LOST, Outcome.UNLABELLED, 1)


def test_a_lease_that_ended_just_before_the_hand_back_is_none_either() -> None:
    room = leased(Stage.HAND_BACK, success=True)
    room.states["a"] = calling("a", number=2)
    assert room.look(1.0).ends == [End.LOST]


def test_a_robot_that_cannot_be_handed_back_is_given_up_with_its_lease() -> None:
    room = leased(Stage.HAND_BACK)
    room.now_ns += RESCUE_NS
    room.look()
    assert room.ends == [End.GIVEN_UP]
    assert room.hands[-1] == Hands(tap=RELEASE)


def test_a_robot_that_was_started_again_is_armed_first() -> None:
    room = Room(Shift(), a=calling("a")).look(0.1)
    room.states["a"] = structs.replace(driven("a", MINE), mode=Mode.DISARMED)
    room.look(0.5)
    assert "F5" in {hands.tap for hands in room.hands}


def test_hands_stay_off_while_the_robot_asks_for_it() -> None:
    room = leased(Stage.BACK)
    assert room.look().hands[-1].held
    hold = Hold(reason=HoldReason.NOT_NEUTRAL)
    room.states["a"] = structs.replace(room.states["a"], hold=hold)
    assert not room.look().hands[-1].held
    room.states["a"] = structs.replace(room.states["a"], hold=None)
    assert not room.look(SETTLE_NS / NS_PER_S - 0.1).hands[-1].held
    assert room.look(0.2).hands[-1].held


# --- the end of a shift ---


def test_a_shift_ends_with_its_calls_or_its_time_and_never_in_the_middle_of_one() -> None:
    done = leased(Stage.HAND_BACK)
    done.shift = replace(done.shift, calls=1, until_ns=done.now_ns)
    assert not done.shift.over(done.now_ns)
    done.states["a"] = at_work("a")
    done.look(1.0)
    assert done.shift.over(done.now_ns)
    done.states["b"] = calling("b")
    assert done.look().shift.at == ""


def test_a_call_that_went_to_somebody_else_is_none_of_those_to_serve() -> None:
    room = Room(Shift(calls=1), a=calling("a")).look(0.1)
    room.states["a"] = driven("a", THEIRS)
    room.look()
    assert not room.shift.over(room.now_ns)


Say = Callable[[str, int], RobotState]
SAYINGS: dict[str, Say] = {
    "works": lambda name, _: at_work(name),
    "calls": lambda name, number: calling(name, number),
    "theirs": lambda name, _: driven(name, THEIRS),
    "mine": lambda name, _: driven(name, MINE),
    "stopped": lambda name, n: structs.replace(calling(name, n), stopped_by="ada", mode=Mode.ESTOP),
}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(sorted(SAYINGS))), max_size=40))
def test_whatever_robots_say_no_call_is_twice_in_the_list_as_served(
    says: list[tuple[str, str]],
) -> None:
    room, number = Room(Shift(), a=at_work("a"), b=at_work("b")), 0
    for name, what in says:
        number += what == "calls"
        room.states[name] = SAYINGS[what](name, number)
        room.look(0.1)
        assert len(room.hands[-1].held) == 0 or room.shift.at, "hands at no robot"
    served = [one.call for one in room.shift.served if one.end is End.SERVED]
    assert len(set(served)) == len(served)


def test_an_operator_knows_the_way_in_from_the_track_before_the_call() -> None:
    room = Room(Shift(), a=at_work("a"))
    for x_m in (0.0, 0.5, 1.0):
        room.states["a"] = structs.replace(room.states["a"], x_m=x_m)
        room.look()
    room.states["a"] = structs.replace(calling("a"), x_m=1.0)
    room.look()
    assert isinstance(room.shift._operator, Operator)
    assert [x for x, _ in room.shift._operator.track] == [0.0, 0.5, 1.0]
