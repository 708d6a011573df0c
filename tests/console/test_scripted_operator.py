"""The scripted operator at the window: who is asked to take the hands off does so, and goes on."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from teleop.rescue_script import SETTLE_NS, Hands, Seen
from tests.console.fakes import driven, link_view
from tests.console.support import Console
from transport import clock
from transport.clock import NS_PER_MS
from transport.messages import Hold, HoldReason
from ui.scripted_operator import ScriptedOperator


class Pusher:
    """A script that knows one thing: full speed ahead."""

    waiting = done = False
    driving_since_ns = None

    def act(self, seen: Seen, now_ns: int) -> tuple[Pusher, Hands]:
        """Push on."""
        return self, Hands(held=frozenset({"W"}))


def test_hands_are_off_for_as_long_as_the_robot_asks_and_then_push_again(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ns = clock.now_ns()
    monkeypatch.setattr(clock, "now_ns", lambda: now_ns)
    operator = ScriptedOperator(console.window, Pusher(), None)

    def pushed(hold: HoldReason | None) -> bool:
        state = replace(driven(), hold=None if hold is None else Hold(reason=hold))
        console.show(link_view(state))
        operator._look()
        return console.link.inputs[-1].forward > 0.0

    assert pushed(None)
    assert not pushed(HoldReason.NOT_NEUTRAL)
    now_ns += SETTLE_NS - NS_PER_MS
    assert not pushed(None), "the robot asks for some time without a key"
    now_ns += NS_PER_MS
    assert pushed(None)
