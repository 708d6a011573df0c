"""A trimmed episode is an episode like any other, and its parent stays as it was."""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.annotations import annotate
from recorder.driven import Driven
from recorder.episode import EpisodeError, is_episode_id
from recorder.export_lerobot import export_lerobot
from recorder.export_mcap import export_mcap
from recorder.finding import Rule
from recorder.folder_lock import make_locked
from recorder.labels import AnnotationKind
from recorder.lerobot_columns import columns_of
from recorder.lerobot_origin import ExportOptions
from recorder.library import Episode, list_episodes, open_episode
from recorder.lint import lint
from recorder.log import RowRecord
from recorder.recover import recover_all
from recorder.series import as_series, series_of
from recorder.trim import Cut, proposed, trim
from recorder.validate import validate
from recorder.verdict import Kind
from recorder.versions import recording_code
from recorder.video_track import read_packets
from teleop import replay_robots
from teleop.trimming import run_trim
from tests.unit.recorder_support import CountingRover, Rover, number_of, record, session, stamp
from transport.messages import Event, Outcome, Twist

GROUP = 15  # rows
TICK = msgspec.structs.replace(next(session()), observation=(0.0, 0.0, 0.0))
BEFORE, DRIVE = 400, 900
PAUSE = range(700, 1100)  # ticks; the drive begins at 430


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Episode:
    """A rescue after a long wait, with a pause in the middle of the drive."""
    root = tmp_path_factory.mktemp("slow")
    return record(root, before=BEFORE, drive=DRIVE, pause=PAUSE)


@pytest.fixture(scope="module")
def shorter(slow: Episode) -> Episode:
    return trim(slow, cuts_of(slow))


def cuts_of(episode: Episode) -> tuple[Cut, ...]:
    return proposed(series_of(episode), episode.manifest)


def files(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in path.iterdir()}


def left_rows(episode: Episode, cuts: tuple[Cut, ...]) -> Iterator[int]:
    for row in range(episode.manifest.rows):
        if not any(cut.first_row <= row <= cut.last_row for cut in cuts):
            yield row


def test_cuts_are_whole_groups_of_pictures_within_what_is_idle(slow: Episode) -> None:
    wait, pause = cuts_of(slow)
    for cut in (wait, pause):
        assert cut.first_row % GROUP == 0
        assert (cut.last_row + 1) % GROUP == 0
    assert (wait.first_tick, wait.last_tick < BEFORE) == (0, True)
    assert pause.first_tick >= PAUSE.start
    assert pause.last_tick < PAUSE.stop
    assert pause.last_tick - pause.first_tick > len(PAUSE) - 2 * 60 - 2 * 30


def test_takeover_and_hand_back_are_kept_with_what_is_around_them(slow: Episode) -> None:
    ending = slow.manifest.ending
    for cut in cuts_of(slow):
        for tick in (ending.start_tick, ending.end_tick):
            assert cut.last_tick < tick - 30 or cut.first_tick > tick + 30


@given(st.lists(st.integers(1, 400), min_size=1, max_size=6), st.integers(0, 1500))
def test_any_cut_is_whole_groups_of_idle_ticks_away_from_what_decides(
    slow: Episode, lengths: list[int], handed: int
) -> None:
    """Stretches of work and rest in turn, these many ticks long."""
    moving = np.concatenate([np.full(n, i % 2 == 0) for i, n in enumerate(lengths)])
    ticks = [
        msgspec.structs.replace(
            TICK,
            tick=number,
            stamp_ns=stamp(number),
            applied=Twist(forward_mps=0.5 * moves, turn_radps=0.0),
            events=(Event(kind="hand_back"),) if number == handed else (),
        )
        for number, moves in enumerate(moving.tolist())
    ]
    rows = [
        RowRecord(row=number, tick=tick.tick, stamp_ns=tick.stamp_ns, cameras={})
        for number, tick in enumerate(ticks[::2])
    ]
    ending = msgspec.structs.replace(slow.manifest.ending, start_tick=-1, end_tick=-1)
    manifest = msgspec.structs.replace(slow.manifest, ending=ending)
    for cut in proposed(as_series([*ticks, *rows], (), 3), manifest):
        assert cut.first_row % GROUP == 0
        assert (cut.last_row + 1) % GROUP == 0 or cut.last_row == len(rows) - 1
        assert cut.first_tick == rows[cut.first_row].tick
        whole = cut.last_row == len(rows) - 1
        assert cut.last_tick == (ticks[-1].tick if whole else rows[cut.last_row + 1].tick - 1)
        assert not moving[cut.first_tick : cut.last_tick + 1].any()
        assert handed >= len(ticks) or not cut.first_tick - 30 <= handed <= cut.last_tick + 30


def test_a_trimmed_episode_verifies_and_counts_nothing_as_lost(shorter: Episode) -> None:
    shorter.verify()
    assert shorter.manifest.counts.dropped_records == 0
    assert Rule.LOST_TICKS not in {finding.rule for finding in lint(shorter)}


def test_each_row_shows_the_picture_it_showed_before(slow: Episode, shorter: Episode) -> None:
    rows = list(shorter.rows())
    assert [row.row for row in rows] == list(range(shorter.manifest.rows))
    for row, front, rear in zip(rows, shorter.frames("front"), shorter.frames("rear"), strict=True):
        assert number_of(front) == number_of(rear) == row.tick // 2


def test_nothing_is_encoded_again(slow: Episode, shorter: Episode) -> None:
    before = [packet.data for packet in read_packets(slow.path / "cam_front.mkv")]
    after = [packet.data for packet in read_packets(shorter.path / "cam_front.mkv")]
    assert after == [before[row] for row in left_rows(slow, cuts_of(slow))]


def test_ticks_keep_their_numbers_stamps_and_states(slow: Episode, shorter: Episode) -> None:
    before = {tick.tick: tick for tick in slow.ticks()}
    after = list(shorter.ticks())
    assert all(before[tick.tick] == tick for tick in after)
    taken_out = sum(cut.last_tick - cut.first_tick + 1 for cut in cuts_of(slow))
    assert len(after) == len(before) - taken_out


def test_labels_stay_and_the_parent_is_named(slow: Episode, shorter: Episode) -> None:
    assert shorter.manifest.ending == slow.manifest.ending
    (parent,) = shorter.manifest.parents
    assert (parent.episode, parent.operation) == (slow.id, "trim")
    assert parent.removed == tuple((c.first_tick, c.last_tick) for c in cuts_of(slow))
    assert parent.source_sha256 == recording_code().source_sha256
    assert datetime.fromisoformat(parent.wall).tzinfo is not None
    assert shorter.verdict() is None


def test_labels_that_were_given_later_are_carried_over(slow: Episode, tmp_path: Path) -> None:
    copy = tmp_path / slow.id
    shutil.copytree(slow.path, copy)
    for kind, text in ((AnnotationKind.OUTCOME, "failure"), (AnnotationKind.NOTE, "rug moved")):
        annotate(copy, slow.manifest_sha256, kind, text, "eve")
    made = trim(open_episode(copy), cuts_of(slow))
    made.verify()
    assert (made.labels.outcome, made.labels.notes) == (Outcome.FAILURE, ("rug moved",))
    said, before = made.history.annotations, open_episode(copy).history.annotations
    assert [(one.wall, one.by) for one in said] == [(one.wall, one.by) for one in before]


def test_a_replay_passes_over_the_seams(shorter: Episode) -> None:
    verdict = validate(shorter, lambda _: Driven(Rover()))
    assert verdict.verdict is Kind.SEMANTIC, verdict.sentence
    assert verdict.evidence.one_step is not None
    assert verdict.evidence.one_step.failed == 0
    assert verdict.evidence.lost_ticks == 0


def test_a_trimmed_episode_is_exported_like_any_other(shorter: Episode, tmp_path: Path) -> None:
    options = ExportOptions(include_unverified=True)
    data_set = export_lerobot([shorter], tmp_path / "set", options=options)
    mcap = export_mcap([shorter], tmp_path / "mcap")
    assert (data_set.rows, mcap.rows) == (shorter.manifest.rows, shorter.manifest.rows)


def test_the_original_is_not_touched(tmp_path: Path) -> None:
    episode = record(tmp_path, before=BEFORE)
    before = files(episode.path)
    trim(episode, cuts_of(episode))
    assert files(episode.path) == before


def test_the_same_cuts_give_the_same_episode(slow: Episode, shorter: Episode) -> None:
    again = trim(slow, cuts_of(slow))
    assert again.path == shorter.path
    assert is_episode_id(again.id)
    assert again.id[:10] == slow.id[:10]


def test_a_trimmed_episode_that_is_trimmed_remembers_all_its_parents(
    slow: Episode, tmp_path: Path
) -> None:
    copy = tmp_path / slow.id
    shutil.copytree(slow.path, copy)
    wait, pause = cuts_of(slow)
    once = trim(open_episode(copy), [wait])
    (rest,) = cuts_of(once)
    assert (rest.first_tick, rest.last_tick) == (pause.first_tick, pause.last_tick)
    twice = trim(once, [rest])
    twice.verify()
    assert [parent.episode for parent in twice.manifest.parents] == [slow.id, once.id]
    assert twice.manifest.counts.dropped_records == 0


def test_a_damaged_episode_is_not_trimmed(slow: Episode, tmp_path: Path) -> None:
    copy = tmp_path / slow.id
    shutil.copytree(slow.path, copy)
    with (copy / "cam_rear.mkv").open("r+b") as stream:
        stream.seek(-100, 2)
        stream.write(b"x")
    with pytest.raises(EpisodeError, match="not the one that was sealed"):
        trim(open_episode(copy), cuts_of(slow))
    assert list_episodes(tmp_path) == [copy]


def test_an_episode_of_nothing_but_waiting_is_not_trimmed_away(slow: Episode) -> None:
    manifest = slow.manifest
    everything = Cut(0, manifest.rows - 1, manifest.first_tick, manifest.last_tick, 1.0)
    with pytest.raises(EpisodeError, match="Nothing would be left"):
        trim(slow, [everything])


def test_an_export_tells_where_something_was_taken_out(shorter: Episode, slow: Episode) -> None:
    told = columns_of(shorter)
    before = dict(zip(told["unstick.tick"].tolist(), told["unstick.removed_before"], strict=True))
    wait, pause = cuts_of(slow)
    seams = {cut.last_tick + 1: cut.last_tick - cut.first_tick + 1 for cut in (wait, pause)}
    assert {tick: int(count) for tick, count in before.items() if count} == seams
    assert not columns_of(slow)["unstick.removed_before"].any()


def test_recovery_clears_what_a_killed_trim_left_but_not_one_that_runs(
    slow: Episode, tmp_path: Path
) -> None:
    work = tmp_path / f"{slow.id}.tmp"
    with make_locked(work):
        recover_all(tmp_path)
        assert work.exists()
    recover_all(tmp_path)
    assert not work.exists()


@pytest.fixture
def copied(slow: Episode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The rescue in a library of its own, whose robot can be replayed."""
    monkeypatch.setitem(replay_robots.ROBOTS, "rover", lambda *_: Driven(Rover()))
    return shutil.copytree(slow.path, tmp_path / slow.id)


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def test_the_command_proposes_first_and_writes_only_when_told(
    slow: Episode, copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_trim(copied, apply=False, prefix=False, json=True) == 0
    proposal = told(capsys)
    assert [cut["first_row"] for cut in proposal["cuts"]] == [c.first_row for c in cuts_of(slow)]
    assert proposal["made"] is None
    assert list_episodes(copied.parent) == [copied]
    assert run_trim(copied, apply=True, prefix=False, json=True) == 0
    assert Path(told(capsys)["made"]) in list_episodes(copied.parent)


def test_what_is_left_is_proved_to_solve_still(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_trim(copied, apply=True, prefix=False, json=True)
    facts = told(capsys)
    assert (facts["rejected"], facts["verdict"]["passed"]) == (False, True)
    made = open_episode(Path(facts["made"]))
    verdict = made.verdict()
    assert verdict is not None
    assert verdict.passed


def test_a_shorter_episode_that_does_not_solve_its_task_is_not_kept(
    copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Patient(CountingRover):
        """Is not done before it has been at it for so long: what looks idle is needed."""

        def solved(self) -> bool:
            return super().solved() and self.steps > 800 if self.steps else super().solved()

    monkeypatch.setitem(replay_robots.ROBOTS, "rover", lambda *_: Driven(Patient()))
    assert run_trim(copied, apply=True, prefix=False, json=True) == 1
    facts = told(capsys)
    assert (facts["made"], facts["rejected"]) == (None, True)
    assert list_episodes(copied.parent) == [copied]


def test_what_comes_after_the_shortest_solution_can_go_too(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_trim(copied, apply=False, prefix=False, json=True)
    idle = told(capsys)["cuts"]
    assert run_trim(copied, apply=True, prefix=True, json=True) == 0
    facts = told(capsys)
    assert facts["verdict"]["passed"]
    assert sum(cut["seconds"] for cut in facts["cuts"]) > sum(cut["seconds"] for cut in idle) + 1


def test_a_rescue_that_nothing_solves_has_no_such_part(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(replay_robots.ROBOTS, "rover", lambda *_: Driven(Rover(goal_m=99.0)))
    with pytest.raises(EpisodeError, match="No beginning is known to solve it"):
        run_trim(copied, apply=True, prefix=True, json=True)
