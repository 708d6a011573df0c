"""Operator and policy in the same ticks: every way in which they can fall together (L5, I16).

The policy works under the operator's lease. In each of four ticks the operator is silent, presses,
has hands off, or the second connection brings an old copy, alone or with a press; the policy
wishes, says nothing, or wishes under a sub-lease that has ended: 15^4 = 50,625 histories, all of
them walked.
"""

from __future__ import annotations

import pytest

from teleop.gate import Incoming, Wish
from tests.unit.gate_world import ANNA, CRUISE, World
from transport.messages import STILL, Mode, Source, StartPolicy, Twist

TICKS = 4
OPERATOR = ("silent", "presses", "hands off", "old copy", "presses, old copy")
POLICY = ("wishes", "silent", "wishes under an old sub-lease")
LEAST_HISTORIES = 10_000


class Walk:
    """All histories from one state on, depth first; each tick is taken once for what follows it."""

    def __init__(self) -> None:
        self.histories = 0
        self.ticks_with_both = 0

    def on(self, world: World, left: int, held: bool | None) -> None:
        """`held`: what the operator did last since the policy was started; None: nothing yet."""
        if not left:
            self.histories += 1
            return
        for operator in OPERATOR:
            for policy in POLICY:
                after, now_held = world.twin(), held
                if "presses" in operator:
                    now_held = True
                elif operator == "hands off" and held is not None:
                    now_held = False
                inbox = commands(after, operator)
                if policy == "silent":
                    after.wish(Wish(STILL, -1, 0))
                else:
                    sublease = after.state.sublease - (policy != "wishes")
                    after.wish(Wish(CRUISE, sublease, after.now_ns))
                after.tick(*inbox)
                self.ticks_with_both += "presses" in operator and policy == "wishes"
                check(after, policy, now_held)
                self.on(after, left - 1, now_held)


def commands(world: World, operator: str) -> list[Incoming]:
    sent = []
    if "presses" in operator or operator == "hands off":
        sent.append(world.command(deadman=operator != "hands off", forward=-1.0))
    if "old copy" in operator:  # what it says is the opposite of what holds
        held = world.state.deadman
        sent.append(world.command(seq=world.state.last_seq, deadman=not held, forward=0.3))
    return [World.by(ANNA, command) for command in sent]


def check(world: World, policy: str, held: bool | None) -> None:
    """Whose wish was carried out, from what the two did and nothing else."""
    decision = world.decision
    if held is None:
        assert decision.source is Source.POLICY
        assert decision.asked == (CRUISE if policy == "wishes" else STILL)
        return
    assert decision.source is Source.HUMAN, "only a hand-back gives it to the policy again"
    assert world.state.mode is (Mode.TELEOP if held else Mode.READY)
    backwards = Twist(forward_mps=-world.limits.max_mps, turn_radps=0.0)
    assert decision.asked == (backwards if held else STILL)


def test_the_operator_wins_in_every_interleaving_with_the_policy() -> None:
    world = World().driving()
    assert world.ask(StartPolicy(epoch=1)).ok
    world.run(0.6)
    assert world.decision.source is Source.POLICY
    assert world.decision.applied.forward_mps == pytest.approx(CRUISE.forward_mps)
    walk = Walk()
    walk.on(world, TICKS, held=None)
    assert walk.histories == (len(OPERATOR) * len(POLICY)) ** TICKS > LEAST_HISTORIES
    assert walk.ticks_with_both > LEAST_HISTORIES / 4
