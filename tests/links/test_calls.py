"""A robot's call as two consoles see it, over real sockets."""

from __future__ import annotations

from pathlib import Path

from teleop.policy import Diagnosis, NeverStuck
from tests.links.control_support import Console, console, control
from transport.messages import (
    Call,
    LookAtCall,
    Mode,
    PassCall,
    RequestLease,
    Role,
    SkipCall,
)


class Wedged(NeverStuck):
    """Stuck from the start, until somebody says that it is free."""

    def __init__(self) -> None:
        self.why_free = ""

    def diagnosis(self, now_ns: int) -> Diagnosis | None:
        return None if self.why_free else Diagnosis("Wedged", "wheels turn")

    def freed(self, now_ns: int) -> str:
        return self.why_free


def call_of(view_of: Console) -> Call | None:
    return view_of.state.call


def test_two_consoles_see_the_same_answers_to_a_call(tmp_path: Path) -> None:
    with (
        control(tmp_path, stuck=Wedged()) as (loop, _),
        console(loop) as anna,
        console(loop, "op-2") as ben,
        console(loop, "guest", Role.OBSERVER) as guest,
    ):
        for one in (anna, ben, guest):
            one.knock()
        anna.wait(lambda v: v.state and v.state.call, "it calls")
        call = call_of(anna)
        assert call is not None

        anna.link.request(LookAtCall(call_id=call.call_id))
        guest.wait(
            lambda v: v.state and v.state.call and v.state.call.looking, "the guest sees who looks"
        )
        seen = call_of(guest)
        assert seen is not None
        assert [one.name for one in seen.looking] == ["op-1"]

        anna.link.request(PassCall(call_id=call.call_id, to="op-2", note="your room"))
        ben.wait(lambda v: v.state and v.state.call and v.state.call.passed, "it is passed on")
        seen = call_of(ben)
        assert seen is not None
        assert seen.passed is not None
        assert (seen.passed.by, seen.passed.to, seen.passed.note) == ("op-1", "op-2", "your room")

        ben.link.request(RequestLease())
        anna.wait(lambda v: v.state and v.state.lease.operator == "op-2", "the other one has it")
        anna.link.request(SkipCall(call_id=call.call_id))
        told = anna.wait(lambda v: v.refused, "it is too late").refused
        assert told is not None
        assert (told.what, told.reason) == ("Skip the call", "op-2 has the robot already")


def test_a_robot_that_comes_free_ends_its_call_and_works_on(tmp_path: Path) -> None:
    wedged = Wedged()
    with control(tmp_path, stuck=wedged) as (loop, _), console(loop) as watcher:
        watcher.wait(lambda v: v.state and v.state.call, "it calls")
        watcher.wait(lambda v: v.state and v.state.speed_mps == 0.0, "it stands")
        wedged.why_free = "pushed off by a cat"
        watcher.wait(lambda v: v.state and v.state.call is None, "it calls no more")
        watcher.wait_mode(Mode.AUTONOMY)
        watcher.wait(lambda v: v.state and v.state.speed_mps > 0.1, "it works on")
        assert loop.state.policy_refused == 0, "its wishes count from the first tick"
