"""A fault of labels that a replay has found is undone in a new episode, and proved."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.driven import Driven
from recorder.episode import EpisodeError
from recorder.library import Episode, list_episodes, open_episode
from recorder.repair import operation_of, repair, repairable, undone
from recorder.replayable import Numbers
from recorder.validate import validate
from recorder.verdict import Diagnosis, Fault, Kind
from teleop import replay_robots
from teleop.repairing import run_repair
from tests.console.review_library import make_library
from tests.unit.recorder_support import Rover

NAMES = ("forward_mps", "turn_radps")
SHIFT = Diagnosis(fault=Fault.SHIFTED, sentence="", advice="", explains=1.0, rows=1)


def fault(kind: Fault, **said: object) -> Diagnosis:
    return Diagnosis(fault=kind, sentence="", advice="", explains=1.0, **said)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_library(tmp_path_factory.mktemp("repair"))


@pytest.fixture
def late(library: dict[str, Path]) -> Episode:
    return open_episode(library["late"])


@given(st.integers(12, 40), st.integers(-5, 5).filter(bool))
def test_a_shift_is_undone_but_for_what_nobody_recorded(n: int, rows: int) -> None:
    actions = np.arange(n * 2, dtype=np.float64).reshape(n, 2)
    late = actions[np.clip(np.arange(n) - rows, 0, n - 1)]
    back = undone(late, NAMES, fault(Fault.SHIFTED, rows=rows))
    kept = slice(0, n - rows) if rows > 0 else slice(-rows, n)
    assert (back[kept] == actions[kept]).all()


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda a: a * [1, -1], fault(Fault.SIGN, axes=("turn_radps",), factor=-1.0)),
        (lambda a: a[:, ::-1], fault(Fault.SWAPPED, axes=NAMES)),
        (lambda a: a * 4.0, fault(Fault.SCALED, axes=NAMES, factor=4.0)),
    ],
)
def test_what_can_be_undone_is(damage: Callable[[Numbers], Numbers], found: Diagnosis) -> None:
    actions = np.random.default_rng(1).normal(size=(50, 2))
    actions[7] = 0.0
    back = undone(damage(actions), NAMES, found)
    assert (back == actions).all()
    assert not np.signbit(back[7]).any()


@pytest.mark.parametrize("kind", sorted(set(Fault) - {"shifted", "sign", "swapped", "scaled"}))
def test_what_is_lost_is_not_offered_to_be_repaired(late: Episode, kind: Fault) -> None:
    verdict = late.verdict()
    assert verdict is not None
    evidence = msgspec.structs.replace(verdict.evidence, diagnosis=fault(kind, factor=2.0))
    assert repairable(msgspec.structs.replace(verdict, evidence=evidence)) is None


def test_a_repaired_episode_names_its_parent_and_replays_exactly(late: Episode) -> None:
    found = repairable(late.verdict())
    assert found is not None
    before = {file.name: file.read_bytes() for file in late.path.iterdir()}
    made = repair(late, found)
    parent = made.manifest.parents[-1]
    assert (parent.episode, parent.operation) == (late.id, "repair: shift actions -1")
    assert made.manifest.rows == late.manifest.rows
    assert made.labels == late.labels
    assert made.verdict() is None  # that has to be proved again
    assert validate(made, lambda _: Driven(Rover())).verdict is Kind.EXACT
    assert {file.name: file.read_bytes() for file in late.path.iterdir()} == before
    assert repair(late, found).id == made.id  # doing it twice makes one episode


def test_a_repair_that_a_replay_does_not_prove_is_not_kept(
    late: Episode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(replay_robots.ROBOTS, "rover", lambda *_: Driven(Rover(goal_m=99.0)))
    for made in list_episodes(late.path.parent):
        if made.name[:10] == late.id[:10] and open_episode(made).manifest.parents:
            shutil.rmtree(made)
    before = list_episodes(late.path.parent)
    assert run_repair(late.path, json=True) == 1
    facts = json.loads(capsys.readouterr().out)
    assert (facts["made"], facts["rejected"]) == (None, True)
    assert list_episodes(late.path.parent) == before


@pytest.mark.parametrize(
    ("which", "says"), [("none", "not replayed yet"), ("outdated", "out of date")]
)
def test_without_a_verdict_that_counts_there_is_nothing_to_repair(
    library: dict[str, Path], which: str, says: str
) -> None:
    with pytest.raises(EpisodeError, match=says):
        run_repair(library[which], json=False)


def test_an_episode_that_is_right_has_no_repair(library: dict[str, Path]) -> None:
    with pytest.raises(EpisodeError, match="Nothing is known that could be undone"):
        run_repair(library["exact"], json=False)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (SHIFT, "repair: shift actions -1"),
        (fault(Fault.SIGN, axes=("turn_radps",), factor=-1.0), "repair: divide turn_radps by -1"),
        (fault(Fault.SWAPPED, axes=NAMES), "repair: swap forward_mps turn_radps"),
    ],
)
def test_the_manifest_says_what_was_done(found: Diagnosis, said: str) -> None:
    assert operation_of(found) == said
