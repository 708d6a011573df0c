"""What a demonstration bears, how often it succeeds, and how much of it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.driven import Driven
from recorder.judge import judge
from recorder.margin import HALVINGS, held_over, late, margins, over_link
from recorder.prefix import shortest_prefix
from recorder.replay import Wanted, replay
from recorder.replayable import Action
from recorder.stepping import run
from recorder.verdict import Disturbance, Kind, Margin
from tests.unit.recorder_support import CountingRover, Rover
from tests.unit.replay_support import demonstration, robots
from transport.messages import Twist

STILL = np.zeros(2)


def movable(goal_m: float = 0.5) -> Driven:
    class Movable(Rover):
        def moved(self, state: bytes, forward_m: float, left_m: float) -> bytes:
            numbers = np.frombuffer(state, "<f8").copy()
            numbers[:2] += (forward_m, left_m)
            return numbers.tobytes()

    return Driven(Movable(goal_m))


def test_every_disturbance_gets_its_margin_for_a_few_replays() -> None:
    found = list(margins(movable(), demonstration()))
    assert [margin.disturbance for margin in found] == list(Disturbance)
    assert all(margin.replays == HALVINGS for margin in found)


def test_the_knee_of_a_start_offset_is_where_the_goal_is_missed() -> None:
    """The rover ends 1 cm beyond the goal: a start moved back by more than that misses it."""
    states = demonstration().states
    assert states is not None
    goal = float(states[180:, 0].min()) - 0.01
    robot = movable(goal)
    (start, *_) = margins(robot, demonstration())
    assert start.bears <= 0.03
    assert 0.01 <= start.fails_at <= 0.032


def test_a_robot_that_cannot_be_moved_has_no_margin_of_its_start() -> None:
    found = [
        margin.disturbance
        for margin in margins(robots()(demonstration().description), demonstration())
    ]
    assert Disturbance.START not in found
    assert Disturbance.DELAY in found


def test_a_demonstration_that_bears_nothing_is_fragile() -> None:
    states = demonstration(after=120).states
    assert states is not None
    place = float(states[-1, 0])

    class Exacting(Rover):
        """Wants to stand within a tenth of a millimetre of where it was left."""

        def solved(self) -> bool:
            return bool(abs(self.state[0] - place) < 1e-4)

    rested = demonstration(after=120)
    evidence = replay(
        replace(rested, end=len(rested) - 12),
        lambda _: Driven(Exacting()),
        wanted=Wanted(margins=True),
    ).evidence
    kind, sentence = judge(evidence)
    assert kind is Kind.FRAGILE
    assert "too much for it" in sentence


def test_an_environment_that_ends_after_its_steps_says_nothing_about_a_delay() -> None:
    """MetaWorld refuses to step on after its limit; what comes too late for it did not fail."""

    class Limited(CountingRover):
        def apply(self, action: Twist) -> Twist:
            if self.steps == len(one):
                raise ValueError("You must reset the env manually once truncate==True")
            return super().apply(action)

    one = demonstration()
    assert one.states is not None
    goal = float(one.states[180:, 0].min()) - 0.001

    def delay(robot: Rover) -> Margin | None:
        found = margins(Driven(robot), one, errors=(ValueError,))
        return next((each for each in found if each.disturbance is Disturbance.DELAY), None)

    free, limited = delay(Rover(goal)), delay(Limited(goal))
    assert free is not None
    assert free.bears == 0.32 * 15 / 16, "it comes late, and is solved when it has come"
    assert limited is None or limited.fails_at == 0.0


def test_the_same_demonstration_has_the_same_margins() -> None:
    assert list(margins(movable(), demonstration())) == list(margins(movable(), demonstration()))


class Moody(Rover):
    """Drives slower each time it is made anew."""

    made = 0

    def __init__(self, goal_m: float = 0.5) -> None:
        super().__init__(goal_m)
        Moody.made += 1
        self.share = 1.0 if Moody.made == 1 else 0.5

    def apply(self, action):  # type: ignore[no-untyped-def]
        told = super().apply(replace_twist(action, self.share))
        del told
        return action


def replace_twist(action, share):  # type: ignore[no-untyped-def]
    return type(action)(forward_mps=action.forward_mps * share, turn_radps=action.turn_radps)


def test_a_replay_that_succeeds_now_and_then_is_fragile() -> None:
    Moody.made = 0
    evidence = replay(demonstration(), lambda _: Driven(Moody()), wanted=Wanted(repeats=3)).evidence
    assert evidence.repeats is not None
    assert (evidence.repeats.runs, evidence.repeats.solved, evidence.repeats.alike) == (3, 0, False)
    assert judge(evidence)[0] is Kind.FRAGILE


def test_repeats_of_an_exact_robot_are_alike() -> None:
    evidence = replay(demonstration(), robots(), wanted=Wanted(repeats=2)).evidence
    assert evidence.repeats is not None
    assert (evidence.repeats.solved, evidence.repeats.alike) == (2, True)


def test_the_shortest_prefix_solves_the_task_and_one_action_less_does_not() -> None:
    one, robot = demonstration(), robots()(demonstration().description)
    whole = run(robot, one.start, one.actions)
    length = shortest_prefix(robot, one, whole)
    assert 0 < length < len(one)
    assert _ends_solved(robot, one.actions[:length])
    assert not _ends_solved(robot, one.actions[: length - 1])


def _ends_solved(robot, actions) -> bool:  # type: ignore[no-untyped-def]
    waiting = np.concatenate([actions, np.zeros((20, 2))])
    return bool(run(robot, demonstration().start, waiting).solved[-10:].all())


def test_a_demonstration_that_never_solves_has_no_prefix() -> None:
    one, robot = demonstration(), robots(goal_m=9.0)(demonstration().description)
    assert shortest_prefix(robot, one, run(robot, one.start, one.actions)) == -1


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.integers(0, 5))
def test_late_actions_keep_their_order(values: list[float], steps: int) -> None:
    actions = np.array(values)[:, None]
    moved = late(actions, steps, np.zeros(1))
    assert np.array_equal(moved[steps:], actions)
    assert not moved[:steps].any()


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_what_is_lost_is_held_over_from_before(lost: list[bool]) -> None:
    actions = np.arange(1, len(lost) + 1, dtype=float)[:, None]
    kept = held_over(actions, np.array(lost), np.zeros(1))
    last = 0.0
    for i, gone in enumerate(lost):
        last = last if gone else float(actions[i, 0])
        assert kept[i, 0] == last


@given(
    st.lists(st.floats(0, 0.3), min_size=1, max_size=30),
)
def test_over_a_link_nothing_is_carried_out_before_it_has_arrived(ages: list[float]) -> None:
    """And nothing that was overtaken comes after what overtook it."""
    actions = np.arange(1, len(ages) + 1, dtype=float)[:, None]
    done = over_link(actions, np.array(ages), 1 / 60, np.zeros(1))[:, 0]
    assert (np.diff(done) >= 0).all()
    for step, number in enumerate(done):
        if number:
            sent = int(number) - 1
            assert sent + round(ages[sent] * 60) <= step


def test_a_link_without_any_delay_changes_nothing() -> None:
    actions = demonstration().actions
    assert np.array_equal(over_link(actions, np.zeros(len(actions)), 1 / 60, STILL), actions)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_an_action_that_is_altered_in_any_step_it_is_held_for_was_altered(at: int) -> None:
    class Balky(Rover):
        steps = 0

        def apply(self, action: Twist) -> Twist:
            told = super().apply(action)
            self.steps += 1
            return Twist(0.0, 0.0) if self.steps % 3 == (at + 1) % 3 else told

    one = demonstration()
    told = run(Driven(Balky()), one.start, one.actions[:40], steps_per_action=3).told
    assert told.shape == (40, 2)
    assert not told.any()


def test_a_run_at_once_is_the_same_as_step_by_step() -> None:
    """`Rolling` robots are trusted to be so; what `run` makes of them must not differ."""

    class Rolling(Rover):
        def rollout(self, actions):  # type: ignore[no-untyped-def]
            from recorder.replayable import Rollout

            states, solved = [self.state.copy()], [self.solved()]
            told: list[Sequence[float]] = []
            inner = Driven(Rover(self.goal_m))
            inner.restore(self.snapshot())
            for action in actions:
                told.append(inner.apply(action))
                states.append(np.frombuffer(inner.snapshot(), "<f8"))
                solved.append(inner.solved())
            return Rollout(np.array(told), np.array(states), np.array(solved))

    one = demonstration()
    at_once = run(Driven(Rolling()), one.start, one.actions[:40], steps_per_action=2)
    stepped = run(Driven(Rover()), one.start, one.actions[:40], steps_per_action=2)
    assert np.array_equal(at_once.states, stepped.states)
    assert np.array_equal(at_once.solved, stepped.solved)
    assert np.array_equal(at_once.told, stepped.told)


def test_a_robot_that_fails_ends_the_run_and_says_why() -> None:
    class Breaking(Driven):
        steps = 0

        def apply(self, action: Sequence[float]) -> Action:
            self.steps += 1
            if self.steps > 5:
                raise RuntimeError("wheel fell off")
            return super().apply(action)

    one = demonstration()
    done = run(Breaking(Rover()), one.start, one.actions, errors=(RuntimeError,))
    assert (len(done), len(done.states), done.fault) == (5, 6, "wheel fell off")
    with pytest.raises(RuntimeError):
        run(Breaking(Rover()), one.start, one.actions)


def test_a_set_without_states_can_be_semantic_at_best() -> None:
    blind = replace(demonstration(), states=None)
    kind, sentence = judge(replay(blind, robots()).evidence)
    assert kind is Kind.SEMANTIC
    assert "no states were recorded" in sentence
