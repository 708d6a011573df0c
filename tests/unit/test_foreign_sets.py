"""Somebody else's data set: the robot and the start that are named, and what is proved of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder.lerobot_set import LeRobotSet
from recorder.verdict import Kind, Verdict
from teleop import gym_robot, replay_worker, validation
from teleop.foreign_sets import check_names
from teleop.replay_jobs import ReplayAnswer, ReplayJob
from teleop.replay_worker import judged
from teleop.safety import ConfigError
from teleop.set_starts import FromColumn, FromLibrary, FromSeed, parse_start, rest_of
from teleop.validation import Asked, run_validation
from tests.foreign_set import Written, write_set
from tests.unit import gym_environments as environments
from transport.messages import Outcome

FPS = 20  # of the cart
PUSH = np.ones((60, 1))  # moves it beyond the goal, which is 5 cm away


@pytest.fixture(autouse=True)
def _environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """`gym:Cart` and the like are small environments of the tests."""
    monkeypatch.setattr(gym_robot, "_made", lambda name, _: environments.KINDS[name]())


def verdict_on(path: Path, robot: str = "gym:Cart", start: str = "seed", **more: Any) -> Verdict:
    answer = judged(ReplayJob(path=str(path), episode=0, robot=robot, start=start, **more))
    assert answer.verdict is not None, answer.error
    return answer.verdict


def a_set(path: Path, actions: Any = PUSH, *, fps: int = FPS, **said: Any) -> Path:
    return write_set(path / "set", [Written(np.asarray(actions), said=said)], fps=fps)


# --- verdicts ------------------------------------------------------------------------------------


def test_actions_that_solve_the_task_from_the_seed_pass_and_nobody_saw_states(
    tmp_path: Path,
) -> None:
    verdict = verdict_on(a_set(tmp_path))
    assert (verdict.verdict, verdict.passed) == (Kind.SEMANTIC, True)
    assert "no states were recorded to compare with" in verdict.sentence
    controls = verdict.evidence.controls
    assert controls is not None
    assert (controls.null_actions_solved, controls.recorded_states_solved) == (False, None)
    assert (verdict.evidence.one_step, verdict.evidence.same_versions) == (None, False)
    assert verdict.versions_recorded == {}  # the set does not say


def test_actions_that_do_not_are_told_apart_from_an_honest_failure(tmp_path: Path) -> None:
    still = np.zeros((60, 1))
    claimed = verdict_on(a_set(tmp_path / "claimed", still))
    assert claimed.verdict is Kind.DIVERGED
    assert "does not solve the task, though it counts as success" in claimed.sentence
    honest = verdict_on(a_set(tmp_path / "honest", still, success=False))
    assert honest.verdict is Kind.UNVERIFIABLE
    assert "does not solve the task either" in honest.sentence


def test_a_failure_that_solves_the_task_is_a_contradiction(tmp_path: Path) -> None:
    verdict = verdict_on(a_set(tmp_path, success=False))
    assert verdict.verdict is Kind.DIVERGED
    assert "solves the task, though it counts as failure" in verdict.sentence


@pytest.mark.parametrize(("last", "label"), [(True, Outcome.SUCCESS), (False, Outcome.FAILURE)])
def test_rows_say_whether_it_succeeded_where_metadata_do_not(
    tmp_path: Path, last: bool, label: Outcome
) -> None:
    success = np.zeros(60, bool)
    success[-1] = last
    path = write_set(tmp_path / "set", [Written(PUSH, rows={"next.success": success})], fps=FPS)
    assert verdict_on(path).evidence.label is label


def test_a_set_that_ends_with_the_row_that_solved_it_is_held_to_it_afterwards(
    tmp_path: Path,
) -> None:
    robot = environments.cart()
    robot.start_from_seed(0)
    steps = 0
    while not robot.solved():
        robot.apply((1.0,))
        steps += 1
    verdict = verdict_on(a_set(tmp_path, np.ones((steps, 1))))
    assert verdict.verdict is Kind.SEMANTIC
    assert verdict.evidence.recorded_steps == steps + 10  # its last action goes on


def test_a_goal_test_that_standing_still_passes_proves_nothing(tmp_path: Path) -> None:
    begins = {seed: np.random.default_rng(seed).uniform(-0.1, 0.1) for seed in range(100)}
    beyond = next(seed for seed, x_m in begins.items() if x_m > 0.06)
    verdict = verdict_on(a_set(tmp_path), start=f"seed:{beyond}")
    assert verdict.verdict is Kind.PREDICATE_FAULT


def test_more_can_be_found_out(tmp_path: Path) -> None:
    verdict = verdict_on(a_set(tmp_path), repeats=2, prefix=True)
    assert verdict.evidence.repeats is not None
    assert verdict.evidence.repeats.alike
    assert 0 < verdict.evidence.shortest_prefix < 70


# --- starts --------------------------------------------------------------------------------------


def test_each_episode_starts_from_its_own_seed(tmp_path: Path) -> None:
    """A column of the set counts, unless the first seed is named."""
    path = write_set(tmp_path / "set", [Written(PUSH), Written(PUSH, said={"seed": 40})], fps=FPS)

    def begins_at(start: str, path: Path = path) -> int:
        job = ReplayJob(path=str(path), episode=1, robot="gym:Cart", start=start)
        found: list[int] = []

        class Noting(environments.Cart):
            def reset(self, *, seed: int | None = None) -> Any:
                found.append(seed or 0)
                return super().reset(seed=seed)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gym_robot, "_made", lambda *_: Noting())
            judged(job)
        return found[-1]

    assert begins_at("seed") == 40
    assert begins_at("seed", path=write_set(tmp_path / "other", [Written(PUSH)] * 2, fps=FPS)) == 1
    assert begins_at("seed:7") == 8


def test_a_seed_that_is_none_is_told(tmp_path: Path) -> None:
    verdict = verdict_on(a_set(tmp_path, seed="x"))
    assert verdict.verdict is Kind.UNVERIFIABLE
    assert "'x', which is no seed: name the first one yourself" in verdict.sentence


@pytest.mark.parametrize("where", ["rows", "said"])
def test_a_column_that_holds_the_complete_state_is_a_start(tmp_path: Path, where: str) -> None:
    robot = environments.cart()
    for _ in range(5):
        robot.apply((-1.0,))
    state = np.frombuffer(robot.snapshot(), "<f8")
    held = np.tile(state, (60, 1)) if where == "rows" else state.tolist()
    one = Written(PUSH, **{where: {"state": held}})
    path = write_set(tmp_path / "set", [one], fps=FPS)
    assert verdict_on(path, start="column:state").verdict is Kind.SEMANTIC


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (np.zeros((60, 3)), "bytes are no state of this environment"),
        (np.zeros((60, 3), np.float32), "is float32; a complete state takes float64"),
        (np.array(["x"] * 60), "holds no numbers"),
    ],
)
def test_a_column_that_holds_something_else_is_told(
    tmp_path: Path, state: Any, sentence: str
) -> None:
    path = write_set(tmp_path / "set", [Written(PUSH, rows={"state": state})], fps=FPS)
    verdict = verdict_on(path, start="column:state")
    assert verdict.verdict is Kind.UNVERIFIABLE
    assert sentence in verdict.sentence
    missing = verdict_on(path, start="column:other")
    assert "have a column 'other'; there are: action" in missing.sentence


# --- what does not fit ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("robot", "sentence"),
    [
        ("gym:Arm", "Its actions have 1 numbers, the robot takes 2 (a0, a1)"),
        ("gym:Entropic", "A seed does not say where an episode of Entropic begins"),
        ("gym:Silent", "does not say whether its task is solved"),
    ],
)
def test_a_robot_that_does_not_fit_is_told_and_never_passes(
    tmp_path: Path, robot: str, sentence: str
) -> None:
    verdict = verdict_on(a_set(tmp_path), robot=robot)
    assert verdict.verdict is Kind.UNVERIFIABLE
    assert sentence in verdict.sentence


def test_a_reward_may_be_named_where_the_environment_does_not_judge(tmp_path: Path) -> None:
    verdict = verdict_on(a_set(tmp_path), robot="gym:Silent?solved_reward=-0.95")
    assert verdict.verdict is Kind.SEMANTIC


def test_a_rate_that_does_not_fit_is_told_and_half_the_rate_holds_each_action_twice(
    tmp_path: Path,
) -> None:
    wrong = verdict_on(a_set(tmp_path / "wrong", fps=30))
    assert wrong.verdict is Kind.UNVERIFIABLE
    assert "30 rows a second, the robot takes 20" in wrong.sentence
    half = verdict_on(a_set(tmp_path / "half", PUSH[:30], fps=FPS // 2))
    assert half.verdict is Kind.SEMANTIC


def test_actions_in_double_precision_need_to_be_named(tmp_path: Path) -> None:
    path = write_set(tmp_path / "set", [Written(PUSH * 0.9)], fps=FPS, dtype="float64")
    assert verdict_on(path).verdict is Kind.NOT_APPLIED
    named = verdict_on(path, robot="gym:Cart?action_dtype=float64")
    assert named.verdict is Kind.SEMANTIC


@pytest.mark.parametrize("actions", [np.full((60, 1), np.nan), np.empty((0, 1))])
def test_actions_that_are_none_are_told(tmp_path: Path, actions: Any) -> None:
    assert verdict_on(a_set(tmp_path, actions)).verdict is Kind.UNVERIFIABLE


# --- the command line ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("seed", FromSeed(None)),
        ("seed:100", FromSeed(100)),
        ("column:env.state", FromColumn("env.state")),
        ("./seed", FromLibrary(Path("seed"))),
    ],
)
def test_a_start_is_said_in_a_word(said: str, meant: object) -> None:
    assert parse_start(said) == meant


@pytest.mark.parametrize(
    ("robot", "start", "rest", "sentence"),
    [
        ("", "", "", "give --start LIBRARY"),
        ("", "seed", "", "needs the robot: --robot gym:ID"),
        ("gym:Cart", "seed:x", "", "as in seed:100"),
        ("gym:Cart", "column:", "", "lacks the column's name"),
        ("cart", "seed", "", "There is no robot called 'cart'"),
        ("sim-rover", "seed", "", "give --start LIBRARY alone"),
        ("gym:Cart?x", "seed", "", "write option=value"),
        ("gym:Cart", "seed", "none", "there are first and zero"),
        ("gym:Cart", ".", "", "know their robot"),
        ("", "no-such-folder", "", "no such folder"),
    ],
)
def test_words_that_cannot_be_meant_are_refused_before_a_run(
    robot: str, start: str, rest: str, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        check_names(robot, start, rest)


# --- the action that asks for nothing ------------------------------------------------------------

LIMITS = (-np.ones(2), np.ones(2))
ACTIONS = np.array([[0.3, 0.4], [0.5, -0.6]])


@pytest.mark.parametrize(
    ("rule", "limits", "measured", "rest"),
    [
        ("", LIMITS, None, "zero"),
        ("", (np.zeros(2), np.full(2, 512.0)), None, "first"),  # places on a picture
        ("", (np.full(2, -np.inf), np.full(2, np.inf)), None, "first"),  # nothing is known
        ("", None, None, "first"),  # choices
        ("", LIMITS, ACTIONS - 0.01, "first"),  # they follow the joints: positions
        ("", LIMITS, ACTIONS[::-1], "zero"),
        ("", LIMITS, np.zeros((2, 5)), "zero"),
        ("zero", None, None, "zero"),
        ("first", LIMITS, None, "first"),
    ],
)
def test_nothing_is_zero_unless_actions_are_positions(
    rule: str, limits: Any, measured: Any, rest: str
) -> None:
    expected = ACTIONS[0] if rest == "first" else np.zeros(2)
    assert (rest_of(rule, ACTIONS, limits, measured) == expected).all()


def test_the_null_control_asks_for_what_was_named(tmp_path: Path) -> None:
    """Its first action alone solves this task: as nothing it proves nothing."""
    path = a_set(tmp_path)
    assert verdict_on(path, rest="first").verdict is Kind.PREDICATE_FAULT
    assert verdict_on(path, rest="zero").verdict is Kind.SEMANTIC


# --- a run ---------------------------------------------------------------------------------------


def run(path: Path, **asked: Any) -> int:
    asked = {"robot": "gym:Cart", "start": "seed", **asked}
    return run_validation(path, json=True, background=False, asked=Asked(**asked))


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the jobs that were really replayed."""
    done: list[str] = []

    def noting(job: ReplayJob) -> ReplayAnswer:
        done.append(job.name)
        return replay_worker.judged(job)

    monkeypatch.setattr(validation, "judged", noting)
    return done


def test_a_second_run_replays_nothing(tmp_path: Path, replays: list[str]) -> None:
    """Pictures, which the command line asks for, are never compared here: they are not missed."""
    path = write_set(tmp_path / "set", [Written(PUSH), Written(PUSH * 0)], fps=FPS)
    assert run(path, pictures=True) == 1
    assert run(path, pictures=True) == 1
    assert replays == ["set#0", "set#1"]
    assert len((tmp_path / "set.verdicts.jsonl").read_bytes().splitlines()) == 2


@pytest.mark.parametrize(
    "changed", [{"start": "seed:1"}, {"rest": "zero"}, {"again": True}, {"repeats": 1}]
)
def test_unless_something_else_is_asked(
    tmp_path: Path, replays: list[str], changed: dict[str, Any]
) -> None:
    path = a_set(tmp_path)
    run(path)
    run(path, **changed)
    assert len(replays) == 2


def test_or_the_set_or_the_code_is_another_one_by_now(
    tmp_path: Path, replays: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = a_set(tmp_path)
    run(path)
    info = path / "meta/info.json"
    info.write_text(info.read_text().replace('"fps": 20', '"fps": 20, "robot_type": "cart"'))
    run(path)
    assert len(replays) == 2
    monkeypatch.setattr(validation, "replaying_versions", lambda: {"source_sha256": "other"})
    run(path)
    assert len(replays) == 3


def test_or_it_could_not_be_replayed(tmp_path: Path, replays: list[str]) -> None:
    """What was amiss may have been put right: a package that was not installed, say."""
    path = a_set(tmp_path)
    assert run(path, robot="gym:Entropic") == 2
    assert run(path, robot="gym:Entropic") == 2
    assert len(replays) == 2


def test_a_line_that_a_kill_cut_off_is_no_verdict(tmp_path: Path, replays: list[str]) -> None:
    path = write_set(tmp_path / "set", [Written(PUSH), Written(PUSH)], fps=FPS)
    run(path)
    journal = tmp_path / "set.verdicts.jsonl"
    journal.write_bytes(journal.read_bytes()[:-40])
    assert run(path) == 0
    assert replays == ["set#0", "set#1", "set#1"]
    assert len(journal.read_bytes().splitlines()) == 2


def test_a_worker_reads_the_metadata_of_a_set_once_and_again_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_set(tmp_path / "set", [Written(PUSH), Written(PUSH)], fps=FPS)
    opened = []
    monkeypatch.setattr(replay_worker, "LeRobotSet", lambda at: opened.append(at) or LeRobotSet(at))
    jobs = [ReplayJob(path=str(path), episode=i, robot="gym:Cart", start="seed") for i in range(2)]
    assert all(judged(job).verdict for job in jobs)
    assert len(opened) == 1
    info = path / "meta/info.json"
    info.write_text(info.read_text().replace('"fps": 20', '"fps": 30'))
    answer = judged(jobs[0])
    assert answer.verdict is not None
    assert "30 rows a second" in answer.verdict.sentence
    assert len(opened) == 2


def test_recorded_episodes_are_not_told_their_robot(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="recorded episodes know their robot"):
        run(tmp_path)
