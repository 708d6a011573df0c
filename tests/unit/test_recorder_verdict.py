"""The verdict table, and replays that lead to each verdict."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.driven import Driven
from recorder.episode import EpisodeError, sealed_json
from recorder.judge import judge
from recorder.library import Episode, list_episodes, open_episode
from recorder.replayable import CannotReplay
from recorder.validate import replay_episode, validate, verdict_of
from recorder.verdict import Controls, Evidence, Kind, OneStep, OpenLoop, held, parse_verdict
from tests.unit.recorder_support import Rover, feed, record, recorder, session, stamp
from transport.messages import STILL, Outcome, Tick, Twist

RIGHT = OneStep(checked=100, failed=0, max_deviation=0.0, tolerance=1e-9, shift=0)
WRONG = OneStep(checked=100, failed=92, max_deviation=0.1, tolerance=1e-9, shift=-1)


def loop(*, solved: bool, exact: bool) -> OpenLoop:
    return OpenLoop(
        solved=solved,
        exact=exact,
        max_deviation=0.0 if exact else 0.01,
        first_divergent_step=-1 if exact else 4,
        first_divergent_tick=-1 if exact else 124,
    )


SUCCESS, FAILURE, NONE = Outcome.SUCCESS, Outcome.FAILURE, Outcome.UNLABELLED


@pytest.mark.parametrize(
    ("label", "solved", "exact", "recorded", "null", "step", "verdict"),
    [
        (SUCCESS, True, True, True, False, RIGHT, Kind.EXACT),
        (SUCCESS, True, False, True, False, RIGHT, Kind.SEMANTIC),
        (SUCCESS, False, False, True, False, RIGHT, Kind.DIVERGED),
        (SUCCESS, True, False, True, False, WRONG, Kind.LABEL_FAULT),
        (SUCCESS, False, False, True, False, WRONG, Kind.LABEL_FAULT),
        (SUCCESS, True, True, True, False, WRONG, Kind.EXACT),  # restore() is at fault
        (SUCCESS, True, True, True, True, RIGHT, Kind.PREDICATE_FAULT),
        (SUCCESS, False, True, False, False, RIGHT, Kind.PREDICATE_FAULT),
        (FAILURE, True, True, True, False, RIGHT, Kind.PREDICATE_FAULT),
        (FAILURE, False, True, False, False, RIGHT, Kind.UNVERIFIABLE),
        (FAILURE, True, False, False, False, RIGHT, Kind.DIVERGED),
        (NONE, True, True, True, False, RIGHT, Kind.EXACT),
        (NONE, False, False, True, False, RIGHT, Kind.DIVERGED),
        (NONE, False, True, False, False, RIGHT, Kind.UNVERIFIABLE),
    ],
)
def test_the_table(
    label: Outcome,
    solved: bool,
    exact: bool,
    recorded: bool,
    null: bool,
    step: OneStep,
    verdict: Kind,
) -> None:
    evidence = Evidence(
        label=label,
        recorded_steps=10,
        applied_steps=10,
        open_loop=loop(solved=solved, exact=exact),
        one_step=step,
        controls=Controls(null_actions_solved=null, recorded_states_solved=recorded),
    )
    kind, sentence = judge(evidence)
    assert kind is verdict
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    "changes", [{"applied_steps": 9}, {"lost_ticks": 1}, {"altered_steps": 1}, {"applied_steps": 0}]
)
def test_actions_that_did_not_reach_the_robot_are_never_a_pass(changes: dict[str, int]) -> None:
    evidence = Evidence(
        label=SUCCESS,
        recorded_steps=10,
        applied_steps=10,
        open_loop=loop(solved=True, exact=True),
        one_step=RIGHT,
        controls=Controls(null_actions_solved=False, recorded_states_solved=True),
    )
    assert judge(evidence)[0] is Kind.EXACT
    assert judge(msgspec.structs.replace(evidence, **changes))[0] is Kind.NOT_APPLIED


def test_nothing_replayed_is_unverifiable() -> None:
    assert judge(Evidence(label=SUCCESS))[0] is Kind.UNVERIFIABLE
    assert judge(Evidence(label=SUCCESS, problem="No robot."))[1] == "No robot."


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 29))
def test_held_is_a_run_of_ten_around_the_hand_back(solved: list[bool], at: int) -> None:
    found = held(dict(enumerate(solved)), at)
    runs = [
        range(i, i + 10)
        for i in range(len(solved) - 9)
        if all(solved[i : i + 10]) and i <= at < i + 10
    ]
    # Any run of ten that holds `at`, or a longer one around it, contains a window of ten with `at`.
    assert found == bool(runs)


@pytest.mark.parametrize(
    ("label", "solved", "kind", "told"),
    [
        (SUCCESS, True, Kind.SEMANTIC, "no states were recorded to compare with"),
        (SUCCESS, False, Kind.DIVERGED, "though it counts as success"),
        (Outcome.FAILURE, True, Kind.DIVERGED, "though it counts as failure"),
        (Outcome.FAILURE, False, Kind.UNVERIFIABLE, "does not solve the task either"),
        (Outcome.UNLABELLED, True, Kind.SEMANTIC, "no states were recorded to compare with"),
        (Outcome.UNLABELLED, False, Kind.UNVERIFIABLE, "and the replay does not solve the task"),
    ],
)
def test_without_states_the_label_is_all_that_a_replay_is_held_to(
    label: Outcome, solved: bool, kind: Kind, told: str
) -> None:
    loop = OpenLoop(
        solved=solved,
        exact=False,
        max_deviation=0.0,
        first_divergent_step=-1,
        first_divergent_tick=-1,
    )
    evidence = Evidence(
        label=label,
        recorded_steps=10,
        applied_steps=10,
        open_loop=loop,
        controls=Controls(null_actions_solved=False, recorded_states_solved=None),
    )
    found, sentence = judge(evidence)
    assert found is kind
    assert told in sentence
    assert "recording" not in sentence  # nobody saw it


# --- real replays --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def success(tmp_path_factory: pytest.TempPathFactory) -> Episode:
    return record(tmp_path_factory.mktemp("success"))


def test_a_robot_of_the_same_version_replays_exactly(success: Episode) -> None:
    robots: list[Rover] = []

    def make(_: object) -> Driven:
        robots.append(Rover())
        return Driven(robots[-1])

    verdict = validate(success, make)
    assert (verdict.verdict, verdict.passed) == (Kind.EXACT, True)
    assert verdict.evidence.recorded_steps == 180 + 9  # to the hand-back, and the hold
    assert verdict.evidence.one_step == OneStep(
        checked=189, failed=0, max_deviation=0.0, tolerance=0.0, shift=0
    )
    assert verdict.evidence.controls == Controls(
        null_actions_solved=False, recorded_states_solved=True
    )
    assert open_episode(success.path).verdict() == verdict
    assert robots[0].closed


class Drifting(Rover):
    """Another engine version: almost the same."""

    def apply(self, action: Twist) -> Twist:
        done = super().apply(action)
        self.state[1] += 1e-7
        return done

    def describe(self, boot_id: str):  # type: ignore[no-untyped-def]
        return msgspec.structs.replace(super().describe(boot_id), versions={"integrator": "2"})


class Reluctant(Rover):
    """Carries out less than it is told."""

    def apply(self, action: Twist) -> Twist:
        return super().apply(
            Twist(forward_mps=action.forward_mps / 2, turn_radps=action.turn_radps)
        )


class Breaking(Rover):
    """Fails in the middle."""

    steps = 0

    def apply(self, action: Twist) -> Twist:
        self.steps += 1
        if self.steps > 50:
            raise RuntimeError("wheel fell off")
        return super().apply(action)


class Elsewhere(Rover):
    def describe(self, boot_id: str):  # type: ignore[no-untyped-def]
        return msgspec.structs.replace(super().describe(boot_id), scene_sha256="cd" * 32)


class Forgetful(Rover):
    def restore(self, state: bytes) -> None:
        super().restore(state)
        self.state[0] += 1.0


def refuse(_: object) -> Driven:
    raise CannotReplay("no simulator for rover-9")


@pytest.mark.parametrize(
    ("make", "verdict", "says"),
    [
        (lambda _: Driven(Drifting()), Kind.SEMANTIC, "deviate"),
        (lambda _: Driven(Rover(gain=0.02)), Kind.LABEL_FAULT, "do not lead"),
        (lambda _: Driven(Rover(goal_m=-1.0)), Kind.PREDICATE_FAULT, "Standing still"),
        (lambda _: Driven(Rover(goal_m=9.0)), Kind.PREDICATE_FAULT, "do not meet"),
        (lambda _: Driven(Reluctant()), Kind.NOT_APPLIED, "changed"),
        (lambda _: Driven(Breaking()), Kind.NOT_APPLIED, "wheel fell off"),
        (lambda _: Driven(Elsewhere()), Kind.UNVERIFIABLE, "scene"),
        (lambda _: Driven(Forgetful()), Kind.UNVERIFIABLE, "does not return"),
        (refuse, Kind.UNVERIFIABLE, "rover-9"),
    ],
)
def test_each_robot_gets_its_verdict(
    success: Episode, make: Callable[[object], Driven], verdict: Kind, says: str
) -> None:
    found = verdict_of(success, replay_episode(success, make))
    assert found.verdict is verdict
    assert says in found.sentence
    assert parse_verdict(sealed_json(found), Path("verdict.json")) == found  # no NaN, no infinity


@pytest.mark.parametrize(("shift", "expected"), [(1, -1), (-1, 1)])
def test_actions_one_tick_off_are_found_though_they_solve_the_task(
    tmp_path: Path, shift: int, expected: int
) -> None:
    ticks = list(session())
    moved = [
        msgspec.structs.replace(t, applied=ticks[min(max(i + shift, 0), len(ticks) - 1)].applied)
        for i, t in enumerate(ticks)
    ]
    found = verdict_of(*_replayed(tmp_path, moved))
    assert found.verdict is Kind.LABEL_FAULT
    assert found.evidence.one_step is not None
    assert found.evidence.one_step.shift == expected
    assert found.evidence.open_loop is not None
    assert found.evidence.open_loop.solved


def test_a_failure_that_repeats_is_consistent_but_proves_nothing(tmp_path: Path) -> None:
    episode = record(tmp_path, drive=60, outcome=Outcome.FAILURE)
    found = verdict_of(episode, replay_episode(episode, lambda _: Driven(Rover())))
    assert found.verdict is Kind.UNVERIFIABLE
    assert "does not solve the task either" in found.sentence
    assert found.evidence.open_loop is not None
    assert found.evidence.open_loop.exact


def test_handing_back_right_at_the_goal_is_a_success(tmp_path: Path) -> None:
    """The goal is reached 3 ticks before the hand-back; the post-roll shows that it holds."""
    rover = Rover()
    handed = next(session(before=0, wait=0, drive=0, after=1, rover=rover))
    assert handed.tick == 0
    states = [t.observation[0] for t in session()]
    goal = states[297]
    episode = record(tmp_path)
    found = verdict_of(episode, replay_episode(episode, lambda _: Driven(Rover(goal_m=goal))))
    assert found.verdict is Kind.EXACT


def test_ticks_missing_in_the_record_are_not_applied(tmp_path: Path) -> None:
    ticks = [t for t in session() if t.tick != 201]
    assert verdict_of(*_replayed(tmp_path, ticks)).verdict is Kind.NOT_APPLIED


def test_periods_the_robot_skipped_are_no_missing_ticks(tmp_path: Path) -> None:
    """Ticks are numbered as they are carried out; a skipped period only shows in the stamps."""
    ticks = [
        msgspec.structs.replace(
            t,
            stamp_ns=stamp(t.tick + 2 * (t.tick > 200)),
            missed_before=2 if t.tick == 201 else 0,
        )
        for t in session()
    ]
    episode, result = _replayed(tmp_path, ticks)
    assert verdict_of(episode, result).verdict is Kind.EXACT
    assert episode.manifest.counts.missed_ticks == 2
    assert episode.manifest.counts.dropped_records == 0


def test_an_episode_without_intervention_or_state_is_unverifiable(tmp_path: Path) -> None:
    blind = [msgspec.structs.replace(t, state=b"") for t in session()]
    found = verdict_of(*_replayed(tmp_path / "blind", blind))
    assert found.verdict is Kind.UNVERIFIABLE
    lonely = [t for t in session() if t.tick < 110]
    found = verdict_of(*_replayed(tmp_path / "lonely", lonely))
    assert found.verdict is Kind.UNVERIFIABLE
    assert "Nobody took over" in found.sentence


def test_still_is_still() -> None:
    assert Rover().apply(STILL) == STILL


def _replayed(root: Path, ticks: list[Tick]):  # type: ignore[no-untyped-def]
    rec = recorder(root)
    feed(rec, iter(ticks))
    rec.close(stamp(10_000))
    episode = open_episode(rec.sealed()[0])
    return episode, replay_episode(episode, lambda _: Driven(Rover()))


class _Measured:
    def __init__(self, values: tuple[float, ...]) -> None:
        self._values = values

    def values(self) -> tuple[float, ...]:
        return self._values


class MeasuringRover(Rover):
    """Measures what the session's rover does: x, y, heading."""

    def observe(self) -> _Measured:
        return _Measured(tuple(float(value) for value in self.state[:3]))


def test_measurements_that_differ_from_the_record_are_a_label_fault(tmp_path: Path) -> None:
    ticks = [
        msgspec.structs.replace(t, observation=(t.observation[0] + 1.0, *t.observation[1:]))
        for t in session()
    ]
    rec = recorder(tmp_path)
    feed(rec, iter(ticks))
    rec.close(stamp(10_000))
    episode = open_episode(rec.sealed()[0])
    found = verdict_of(episode, replay_episode(episode, lambda _: Driven(MeasuringRover())))
    assert found.verdict is Kind.LABEL_FAULT
    assert episode.manifest.description.observation_names[0] in found.sentence


def test_measurements_as_recorded_are_none(tmp_path: Path) -> None:
    episode = record(tmp_path)
    found = verdict_of(episode, replay_episode(episode, lambda _: Driven(MeasuringRover())))
    assert found.evidence.observations is not None
    assert found.evidence.observations.failed == 0
    assert found.verdict is Kind.EXACT


def test_a_folder_that_lost_its_manifest_is_not_passed_over(tmp_path: Path) -> None:
    episode = record(tmp_path)
    (episode.path / "manifest.json").unlink()
    assert list_episodes(tmp_path) == [episode.path]
    with pytest.raises(EpisodeError, match=r"manifest\.json"):
        open_episode(episode.path)
