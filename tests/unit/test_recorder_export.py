"""An exported data set holds the episodes' rows, frame by frame, and only proved ones."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from recorder.driven import Driven
from recorder.episode import EpisodeError
from recorder.episode_recorder import EpisodeRecorder
from recorder.export_lerobot import export_lerobot
from recorder.lerobot_features import CODES, TrainerLabels
from recorder.lerobot_origin import ExportOptions, read_origin, require_whole
from recorder.library import Episode, open_episode
from recorder.validate import validate
from tests.unit.recorder_support import (
    CAMERAS,
    Rover,
    description,
    feed,
    number_of,
    one_after_the_other,
    record,
    recorder,
    session,
    stamp,
)
from transport.messages import Outcome, Source, Tick, Twist


@pytest.fixture(scope="module")
def episodes(tmp_path_factory: pytest.TempPathFactory) -> list[Episode]:
    root = tmp_path_factory.mktemp("episodes")
    good = record(root), record(root, wait=34, drive=200)
    for episode in good:
        assert validate(episode, lambda _: Driven(Rover())).passed
    failed = record(root, drive=60, outcome=Outcome.FAILURE)
    assert not validate(failed, lambda _: Driven(Rover())).passed
    return [*good, failed, record(root)]


@pytest.fixture(scope="module")
def exported(episodes: list[Episode], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "set"
    summary = export_lerobot(episodes, out)
    assert summary.episodes == (episodes[0].id, episodes[1].id)
    reasons = dict(summary.skipped)
    assert "UNVERIFIABLE" in reasons[episodes[2].id]
    assert "not replayed" in reasons[episodes[3].id]
    return out


def test_rows_carry_what_was_recorded(exported: Path, episodes: list[Episode]) -> None:
    for index, episode in enumerate(episodes[:2]):
        table = pq.read_table(exported / f"data/chunk-000/file-{index:03d}.parquet")
        rows = {row.tick for row in episode.rows()}
        ticks = [tick for tick in episode.ticks() if tick.tick in rows]
        assert table["unstick.tick"].to_pylist() == [t.tick for t in ticks]
        action = np.array(table["action"].to_pylist(), np.float32)
        assert np.array_equal(
            action, np.array([(t.applied.forward_mps, t.applied.turn_radps) for t in ticks], "f4")
        )
        assert table["intervention"].to_pylist() == [t.source == "human" for t in ticks]
        assert table["next.done"].to_pylist() == [False] * (len(ticks) - 1) + [True]
        assert table["next.success"].to_pylist()[-1] is True
        assert table["unstick.capture_ns.front"].to_pylist() == [t.stamp_ns for t in ticks]


def test_no_action_between_two_rows_is_lost(exported: Path, episodes: list[Episode]) -> None:
    table = pq.read_table(exported / "data/chunk-000/file-001.parquet")
    first = table["unstick.tick"].to_pylist()[0]
    ticks = [t for t in episodes[1].ticks() if t.tick >= first]
    applied = [v for t in ticks for v in (t.applied.forward_mps, t.applied.turn_radps)]
    exported_actions = np.array(table["unstick.action_ticks"].to_pylist(), np.float32).reshape(-1)
    assert np.array_equal(exported_actions[: len(applied)], np.array(applied, np.float32))
    assert sum(table["unstick.ticks"].to_pylist()) == len(ticks)


def test_rows_say_what_the_tick_knew(exported: Path, episodes: list[Episode]) -> None:
    table = pq.read_table(exported / "data/chunk-000/file-000.parquet")
    by_tick = {tick.tick: tick for tick in episodes[0].ticks()}
    for row in table.to_pylist():
        tick = by_tick[row["unstick.tick"]]
        assert row["unstick.deadman"] == tick.deadman
        assert row["unstick.command_seq"] == tick.command_seq
        assert row["unstick.picture_age_ms"] == tick.picture_age_ms
        assert row["unstick.sent_ns"] == tick.sent_ns
        assert row["unstick.clock_error_ns"] == tick.clock_error_ns
        assert row["unstick.mode"] == CODES["mode"][tick.mode]
    marked = [r["unstick.tick"] for r in table.to_pylist() if r["unstick.marker"]]
    assert marked == [124]  # said at tick 125, which belongs to the row of tick 124


def test_hg_dagger_gets_what_a_person_drove_and_the_same_pictures(
    episodes: list[Episode], tmp_path: Path
) -> None:
    options = ExportOptions(labels=TrainerLabels.HG_DAGGER)
    out = export_lerobot(episodes, tmp_path / "set", options=options).path
    (row,) = pq.read_table(out / "meta/episodes/chunk-000/file-001.parquet").to_pylist()
    table = pq.read_table(out / "data/chunk-000/file-001.parquet")
    assert set(table["intervention"].to_pylist()) == {True}
    assert table["timestamp"].to_pylist()[0] == 0.0
    assert table["next.done"].to_pylist()[-1] is True
    begins = round(row["videos/observation.images.front/from_timestamp"] * 30)
    assert begins == row["unstick/first_row"] % 15 != 0  # cut at the key frame before it
    with av.open(str(out / "videos/observation.images.front/chunk-000/file-001.mp4")) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    shown = [number_of(frame) for frame in frames[begins:]]
    assert shown == [tick // 2 for tick in table["unstick.tick"].to_pylist()]


def test_sirius_marks_the_wait_for_help_and_the_time_before_it(
    episodes: list[Episode], tmp_path: Path
) -> None:
    options = ExportOptions(labels=TrainerLabels.SIRIUS)
    out = export_lerobot(episodes[:1], tmp_path / "set", options=options).path
    rows = pq.read_table(out / "data/chunk-000/file-000.parquet").to_pylist()
    labels = {row["unstick.tick"]: row["sirius.intv_labels"] for row in rows}
    # Called at tick 90, taken over at 120, handed back at 300; the window is 0.75 s, 45 ticks.
    assert {labels[t] for t in range(0, 44, 2)} == {0}
    assert {labels[t] for t in range(46, 120, 2)} == {-10}
    assert {labels[t] for t in range(120, 300, 2)} == {1}
    assert {labels[t] for t in range(300, 340, 2)} == {0}
    assert {row["sirius.action_modes"] for row in rows} == {0, 1}


def table_of(out: Path, index: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(
        out / f"data/chunk-000/file-{index:03d}.parquet"
    ).to_pylist()
    return rows


def meta_of(out: Path, index: int) -> dict[str, Any]:
    (row,) = pq.read_table(out / f"meta/episodes/chunk-000/file-{index:03d}.parquet").to_pylist()
    found: dict[str, Any] = row
    return found


@pytest.fixture(scope="module")
def overlapping(tmp_path_factory: pytest.TempPathFactory) -> tuple[Episode, Episode]:
    """ada's success, and eve's failure four seconds later, whose pre-roll holds ada's drive."""
    root = tmp_path_factory.mktemp("overlapping")
    one, two = one_after_the_other(root, outcome=Outcome.FAILURE)
    assert two.manifest.first_tick < one.manifest.ending.end_tick
    assert two.manifest.overlap_tick == one.manifest.last_tick
    return one, two


def test_rows_that_two_episodes_share_are_exported_once(
    overlapping: tuple[Episode, Episode], tmp_path: Path
) -> None:
    options = ExportOptions(include_unverified=True)
    out = export_lerobot(overlapping, tmp_path / "set", options=options).path
    ticks = [[row["unstick.tick"] for row in table_of(out, index)] for index in (0, 1)]
    whole = sorted({row.tick for episode in overlapping for row in episode.rows()})
    assert ticks[0] + ticks[1] == whole, "each once, and none is lost"
    begins = meta_of(out, 1)["unstick/first_row"]
    assert begins == len(list(overlapping[1].rows())) - len(ticks[1])
    last = overlapping[1].manifest.ending
    human = [row["unstick.tick"] for row in table_of(out, 1) if row["intervention"]]
    assert human == [t for t in ticks[1] if last.start_tick <= t < last.end_tick]


def test_hg_dagger_takes_each_drive_once_with_its_own_operator_and_outcome(
    overlapping: tuple[Episode, Episode], tmp_path: Path
) -> None:
    options = ExportOptions(include_unverified=True, labels=TrainerLabels.HG_DAGGER)
    out = export_lerobot(overlapping, tmp_path / "set", options=options).path
    assert len(read_origin(out).episodes) == 2
    told = [(meta_of(out, i)["operator"], meta_of(out, i)["success"]) for i in (0, 1)]
    assert told == [("ada", True), ("eve", False)]
    for index, episode in enumerate(overlapping):
        ending = episode.manifest.ending
        rows = [row["unstick.tick"] for row in table_of(out, index)]
        assert rows == [
            row.tick for row in episode.rows() if ending.start_tick <= row.tick < ending.end_tick
        ]


def test_an_episode_that_two_had_names_both_and_its_stretches_name_one_each(
    tmp_path: Path,
) -> None:
    ticks = list(session())
    for at in range(200, 300):
        ticks[at] = msgspec.structs.replace(ticks[at], operator="eve")
    rec = recorder(tmp_path)
    feed(rec, iter(ticks))
    rec.close(stamp(10_000))
    episode = open_episode(rec.sealed()[0])
    for labels, meant in ((None, ["ada, eve"]), (TrainerLabels.HG_DAGGER, ["ada", "eve"])):
        options = ExportOptions(include_unverified=True, labels=labels)
        out = export_lerobot([episode], tmp_path / f"set-{labels}", options=options).path
        assert [meta_of(out, i)["operator"] for i in range(len(meant))] == meant


def test_letting_go_for_seconds_does_not_end_an_intervention_for_sirius(tmp_path: Path) -> None:
    ticks = list(session())
    for at in range(180, 260):  # holds the robot, drives nothing
        ticks[at] = msgspec.structs.replace(ticks[at], source=Source.HOLD, deadman=False)
    rec = recorder(tmp_path)
    feed(rec, iter(ticks))
    rec.close(stamp(10_000))
    options = ExportOptions(include_unverified=True, labels=TrainerLabels.SIRIUS)
    episode = open_episode(rec.sealed()[0])
    out = export_lerobot([episode], tmp_path / "set", options=options).path
    for row in table_of(out, 0):
        held = 120 <= row["unstick.tick"] < 300
        assert row["sirius.action_modes"] == held
        assert (row["sirius.intv_labels"] == 1) == held


def test_annotations_that_cannot_be_read_are_damage_and_not_a_reason(
    episodes: list[Episode], tmp_path: Path
) -> None:
    spoilt = tmp_path / episodes[0].id
    shutil.copytree(episodes[0].path, spoilt)
    (spoilt / "annotations.jsonl").write_bytes(b"{}\n")
    summary = export_lerobot([open_episode(spoilt), episodes[1]], tmp_path / "set")
    assert summary.episodes == (episodes[1].id,)
    assert [episode for episode, _ in summary.damaged] == [episodes[0].id]
    assert summary.skipped == ()


def test_a_set_says_what_it_was_made_from(exported: Path, episodes: list[Episode]) -> None:
    origin = read_origin(exported)
    assert origin.options == ExportOptions()
    assert [e.episode for e in origin.episodes] == [e.id for e in episodes[:2]]
    assert origin.episodes[0].rows == (0, episodes[0].manifest.rows)
    require_whole(exported, origin)


def test_video_sits_exactly_on_the_grid_and_shows_the_rows_picture(
    exported: Path, episodes: list[Episode]
) -> None:
    path = exported / "videos/observation.images.rear/chunk-000/file-001.mp4"
    ticks = [row.tick for row in episodes[1].rows()]
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == len(ticks)
    for k, frame in enumerate(frames):
        assert frame.pts is not None
        assert frame.time_base is not None
        assert frame.pts * frame.time_base * 30 == k
        assert number_of(frame.to_ndarray(format="rgb24")) == ticks[k] // 2


def test_meta_adds_up(exported: Path, episodes: list[Episode]) -> None:
    info = json.loads((exported / "meta/info.json").read_text())
    table = pq.read_table(exported / "meta/episodes/chunk-000/file-001.parquet")
    row = table.to_pylist()[0]
    assert info["total_episodes"] == 2
    assert info["total_frames"] == sum(e.manifest.rows for e in episodes[:2])
    assert row["dataset_from_index"] == episodes[0].manifest.rows
    assert (row["success"], row["replay/verdict"], row["operator"]) == (True, "EXACT", "ada")
    assert (row["reason"], row["unstick/call"]) == ("", "Wedged")
    tasks = pq.read_table(exported / "meta/tasks.parquet")
    assert tasks.to_pylist() == [{"task_index": 0, "task": "Reach open floor"}]
    stats = json.loads((exported / "meta/stats.json").read_text())
    assert np.shape(stats["observation.images.front"]["mean"]) == (3, 1, 1)
    assert stats["action"]["count"] == [info["total_frames"]]


def test_statistics_of_a_video_are_those_of_its_pictures(exported: Path) -> None:
    feature = "observation.images.rear"
    with av.open(str(exported / f"videos/{feature}/chunk-000/file-001.mp4")) as container:
        keys = [frame for frame in container.decode(video=0) if frame.key_frame]
    shown = np.stack([frame.to_ndarray(format="rgb24")[::8, ::8] for frame in keys])
    pixels = shown.reshape(-1, 3) / 255.0
    (row,) = pq.read_table(exported / "meta/episodes/chunk-000/file-001.parquet").to_pylist()
    told = {name: np.ravel(row[f"stats/{feature}/{name}"]) for name in ("mean", "std", "q90")}
    level = 3 / 255  # two ways of FFmpeg from YUV to RGB differ by that
    assert told["mean"] == pytest.approx(pixels.mean(axis=0), abs=level)
    assert told["std"] == pytest.approx(pixels.std(axis=0), abs=level)
    assert told["q90"] == pytest.approx(np.quantile(pixels, 0.9, axis=0), abs=level)
    assert row[f"stats/{feature}/count"] == [len(keys)]


def test_exporting_again_gives_the_same_bytes(
    exported: Path, episodes: list[Episode], tmp_path: Path
) -> None:
    again = export_lerobot(episodes, tmp_path / "again").path
    assert _files(again) == _files(exported)
    assert [p.name for p in tmp_path.iterdir()] == ["again"]


def test_all_episodes_on_request(episodes: list[Episode], tmp_path: Path) -> None:
    summary = export_lerobot(
        episodes, tmp_path / "all", options=ExportOptions(include_unverified=True)
    )
    assert len(summary.episodes) == 4
    assert [e for e, _ in summary.unverified] == [e.id for e in episodes[2:]]
    row = pq.read_table(tmp_path / "all/meta/episodes/chunk-000/file-003.parquet").to_pylist()[0]
    assert row["replay/verdict"] == "NOT_REPLAYED"


def test_a_damaged_episode_is_left_out_and_told(episodes: list[Episode], tmp_path: Path) -> None:
    damaged = shutil.copytree(episodes[0].path, tmp_path / "damaged")
    (damaged / "log.mcap").write_bytes(b"")
    summary = export_lerobot([open_episode(damaged), episodes[1]], tmp_path / "set")
    assert summary.episodes == (episodes[1].id,)
    assert "log.mcap" in dict(summary.damaged)[episodes[0].id]


def test_a_verdict_that_cannot_be_read_holds_up_nobody_else(
    episodes: list[Episode], tmp_path: Path
) -> None:
    damaged = shutil.copytree(episodes[0].path, tmp_path / "damaged")
    (damaged / "verdict.json").write_text("{")
    summary = export_lerobot([open_episode(damaged), episodes[1]], tmp_path / "set")
    assert summary.episodes == (episodes[1].id,)
    assert "Verdict is unreadable" in dict(summary.damaged)[episodes[0].id]


def test_what_a_sensor_did_not_measure_is_not_exported_as_a_number(tmp_path: Path) -> None:
    rec = recorder(tmp_path / "episodes")
    blind = (
        msgspec.structs.replace(tick, observation=(0.0, math.nan, 0.0)) if tick.tick == 40 else tick
        for tick in session(before=20, wait=4, drive=40, after=70)
    )
    feed(rec, blind)
    rec.close(stamp(10_000))
    (path,) = rec.sealed()
    options = ExportOptions(include_unverified=True)
    with pytest.raises(EpisodeError, match="y_m was not measured in every row"):
        export_lerobot([open_episode(path)], tmp_path / "set", options=options)


AXES = ("forward_mps", "left_mps", "up_mps", "turn_radps", "grip_ps")


def by_hand(tick: Tick) -> Tick:
    """The same tick of an arm whose hand goes up while its gripper closes."""
    if tick.source is not Source.HUMAN:
        return tick
    up, grip = 0.1 + tick.tick / 1e4, 0.5 - tick.tick / 1e4
    told = Twist(forward_mps=0.0, turn_radps=0.0, left_mps=0.02, up_mps=up, grip_ps=grip)
    return msgspec.structs.replace(tick, applied=told, human=told, requested=told)


def test_every_axis_of_an_arm_is_recorded_and_exported_in_its_order(tmp_path: Path) -> None:
    arm = description(action_names=AXES)
    rec = EpisodeRecorder(tmp_path / "episodes", arm, CAMERAS, min_free_bytes=0)
    feed(rec, map(by_hand, session()))
    rec.close(stamp(10_000))
    (path,) = rec.sealed()
    episode = open_episode(path)
    ticks = list(episode.ticks())
    applied = np.array([[getattr(t.applied, name) for name in AXES] for t in ticks])
    assert applied[:, 2].max() > 0.1
    assert np.array_equal(episode.actions(), applied)
    options = ExportOptions(include_unverified=True)
    out = export_lerobot([episode], tmp_path / "set", options=options).path
    info = json.loads((out / "meta/info.json").read_text())
    assert info["features"]["action"]["names"] == list(AXES)
    table = pq.read_table(out / "data/chunk-000/file-000.parquet")
    rows = np.array(table["action"].to_pylist(), np.float32)
    assert np.array_equal(rows, applied[::2].astype(np.float32)[: len(rows)])
    each = np.array(table["unstick.action_ticks"].to_pylist(), np.float32)
    assert each.shape == (len(rows), 2 * len(AXES))
    human = np.array(table["unstick.action_human"].to_pylist())
    assert human[:, 4].max() == pytest.approx(max(t.human.grip_ps for t in ticks))


def test_an_existing_target_is_refused_and_untouched(
    episodes: list[Episode], tmp_path: Path
) -> None:
    with pytest.raises(EpisodeError, match="Target exists"):
        export_lerobot(episodes, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_export_says_why(episodes: list[Episode], tmp_path: Path) -> None:
    with pytest.raises(EpisodeError, match="not replayed"):
        export_lerobot(episodes[3:], tmp_path / "set")
    with pytest.raises(EpisodeError, match="at least one"):
        export_lerobot([], tmp_path / "set")


def test_an_export_that_died_is_cleared_away(episodes: list[Episode], tmp_path: Path) -> None:
    left = tmp_path / ".set.unstick-tmp" / "data"
    left.mkdir(parents=True)
    export_lerobot(episodes, tmp_path / "set")
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def _files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
