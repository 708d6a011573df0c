"""One intervention through the whole recorder, and what lies on disk afterwards."""

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from recorder.episode import CONSENT, POLICY_STATE, EndedBy, EpisodeError, Status, sealed_json
from recorder.episode_recorder import EpisodeRecorder
from recorder.finding import Rule
from recorder.library import list_episodes, open_episode
from recorder.lint import lint
from recorder.provenance import CameraSettings, Custody
from recorder.versions import recording_code
from tests.unit.recorder_support import (
    CAMERAS,
    InlineDisk,
    Rover,
    description,
    feed,
    number_of,
    record,
    recorder,
    session,
    stamp,
)
from transport.i420 import ToI420, black
from transport.messages import Event, Outcome, RecorderPhase, Tick


def test_an_intervention_becomes_one_sealed_episode(tmp_path: Path) -> None:
    episode = record(tmp_path)
    manifest = episode.manifest
    assert manifest.status is Status.SEALED
    assert manifest.ending.ended_by is EndedBy.HAND_BACK
    assert manifest.ending.outcome is Outcome.SUCCESS
    assert manifest.ending.operator == "ada"
    assert (manifest.ending.start_tick, manifest.ending.end_tick) == (120, 300)
    assert manifest.first_tick == 0
    assert manifest.last_tick == 360  # one second after the hand-back
    assert [label.kind for label in manifest.ending.labels] == [
        "call",
        "takeover",
        "marker",
        "hand_back",
    ]
    episode.verify()
    assert list_episodes(tmp_path) == [episode.path]


def test_ticks_come_back_exactly_as_they_were(tmp_path: Path) -> None:
    episode = record(tmp_path)
    assert list(episode.ticks()) == list(session())[:361]
    assert episode.states().shape == (361, 5)
    assert episode.actions().shape == (361, 2)


def test_every_row_has_the_picture_of_its_own_tick_in_every_camera(tmp_path: Path) -> None:
    episode = record(tmp_path)
    rows = list(episode.rows())
    assert [row.tick for row in rows] == list(range(0, 361, 2))
    for camera in CAMERAS:
        shown = [number_of(frame) for frame in episode.frames(camera.name)]
        assert shown == [row.tick // 2 for row in rows]
    assert not any(shown.repeated for row in rows for shown in row.cameras.values())


def test_preroll_is_ten_seconds_and_begins_with_a_key_frame(tmp_path: Path) -> None:
    episode = record(tmp_path, before=1500)
    first = episode.manifest.first_tick
    assert 10.0 <= (1500 - first) / 60 <= 10.5
    assert first % 30 == 0  # GOP_ROWS rows of two ticks
    episode.verify()  # checks the key frames' grid


def test_a_camera_that_stops_repeats_its_last_picture_and_says_so(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    for tick in session():
        rec.tick(tick)
        if tick.tick % 2 == 0:
            rec.picture("front", tick.stamp_ns, black(64, 48))
            if tick.tick < 200:
                show_rear = ToI420()(np.full((48, 64, 3), 90, np.uint8))
                rec.picture("rear", tick.stamp_ns, show_rear)
        rec.poll(tick.stamp_ns)
    rec.close(stamp(1000))
    episode = open_episode(rec.sealed()[0])
    assert episode.camera("front").repeated == 0
    assert episode.camera("rear").repeated == sum(
        row.cameras["rear"].repeated for row in episode.rows()
    )
    assert episode.camera("rear").repeated == 181 - 100
    assert episode.camera("rear").frames == episode.manifest.rows == 181


def test_status_tells_what_the_recorder_does(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    assert rec.status() == (RecorderPhase.PREROLL, "", 0.0, "")
    feed(rec, iter(list(session())[:200]))
    phase, episode, seconds, detail = rec.status()
    assert (phase, detail) == (RecorderPhase.RECORDING, "")
    assert len(episode) == 26
    assert seconds == pytest.approx(199 / 60, abs=0.01)
    rec.close(stamp(200))
    assert rec.status()[0] is RecorderPhase.SEALED
    assert open_episode(rec.sealed()[0]).manifest.ending.ended_by is EndedBy.SHUTDOWN
    rec.close(stamp(201))
    assert rec.sealed() == []


def test_two_interventions_give_two_episodes_that_overlap_in_preroll(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    first = list(session())
    feed(rec, iter(first))
    feed(
        rec,
        iter(_later(tick, len(first)) for tick in session()),
    )
    rec.close(stamp(10_000))
    one, two = (open_episode(path) for path in rec.sealed())
    assert one.manifest.last_tick == 360
    assert two.manifest.first_tick < 360
    assert two.manifest.ending.start_tick == len(first) + 120
    two.verify()


def test_a_scene_that_is_put_back_lies_in_no_episode(tmp_path: Path) -> None:
    """Neither behind the hand-back of one, though nobody has said how it went yet, nor in the
    pre-roll of the next: lint finds nothing, and every step of the record leads to the next."""
    rec = recorder(tmp_path)
    first = list(session(after=60, outcome=Outcome.UNLABELLED))
    said = Event(kind="scene_reset", text="start 1")
    first[-1] = msgspec.structs.replace(first[-1], events=(said,))
    feed(rec, iter(first))
    feed(rec, iter(_later(tick, len(first)) for tick in session()))
    rec.close(stamp(10_000))
    one, two = (open_episode(path) for path in rec.sealed())
    assert one.manifest.last_tick == len(first) - 1
    assert one.manifest.ending.labels[-1].kind == "scene_reset"
    assert two.manifest.first_tick >= len(first)
    for episode in (one, two):
        episode.verify()
        robot, ticks = Rover(), list(episode.ticks())
        for tick, following in pairwise(ticks):
            robot.restore(tick.state)
            robot.apply(tick.applied)
            assert robot.snapshot() == following.state
        assert {f.rule for f in lint(episode)} <= {Rule.IDLE, Rule.LABELS}
        assert not any("scene_reset" in f.reason for f in lint(episode))


def test_a_robot_that_restarts_ends_the_episode(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    feed(rec, iter(list(session())[:200]))
    feed(rec, session(boot_id="other"))
    rec.close(stamp(10_000))
    one, two = (open_episode(path) for path in rec.sealed())
    assert one.manifest.ending.ended_by is EndedBy.RESTART
    assert one.manifest.ending.end_tick == 199
    assert two.manifest.ending.ended_by is EndedBy.HAND_BACK


def test_pictures_of_the_wrong_size_are_refused_and_counted(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    rec.picture("front", 1, black(10, 10))
    assert rec.refused_pictures == 1
    rec.close(0)


def test_a_thread_of_its_own_gives_the_same_episode(tmp_path: Path) -> None:
    rec = recorder(tmp_path, disk=None)
    feed(rec, session())
    rec.close(stamp(10_000))
    episode = open_episode(rec.sealed()[0])
    episode.verify()
    assert episode.manifest.rows == 181


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: (p / "log.mcap").unlink(), "missing"),
        (lambda p: _flip(p / "log.mcap", 5000), "not the one that was sealed"),
        (lambda p: _flip(p / "cam_rear.mkv", -100), "cam_rear.mkv"),
        (lambda p: (p / "cam_front.mkv").write_bytes(b""), "cam_front.mkv"),
    ],
)
def test_a_changed_file_is_named(tmp_path: Path, spoil: object, says: str) -> None:
    episode = record(tmp_path)
    spoil(episode.path)  # type: ignore[operator]
    with pytest.raises(EpisodeError, match=says):
        episode.verify()


def test_opening_what_is_no_episode_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EpisodeError, match="No such folder"):
        open_episode(tmp_path / "nothing")
    with pytest.raises(EpisodeError, match="no episode"):
        open_episode(tmp_path)
    torn = tmp_path / "01K.rec"
    torn.mkdir()
    with pytest.raises(EpisodeError, match="not sealed"):
        open_episode(torn)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"format": 2', b'"format": 3', "newer Unstick"),
        (b'"format": 2', b'"format": 1', "record the episode again"),
        (b'"format": 2', b'"format": "x"', "unreadable"),
        (b'"rows"', b'"lines"', "unreadable"),
        (b'"ada"', b'"eve"', "not as it was written"),
        (b'"sealed"', b'"sealed" ', "not as it was written"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    tmp_path: Path, old: bytes, new: bytes, says: str
) -> None:
    path = record(tmp_path).path
    manifest = path / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(old, new, 1))
    with pytest.raises(EpisodeError, match=says):
        open_episode(path)


def test_a_manifest_from_elsewhere_does_not_lead_outside_its_folder(tmp_path: Path) -> None:
    episode = record(tmp_path)
    first, *rest = episode.manifest.files
    files = (msgspec.structs.replace(first, name="../log.mcap"), *rest)
    (episode.path / "manifest.json").write_bytes(
        sealed_json(msgspec.structs.replace(episode.manifest, files=files))
    )
    with pytest.raises(EpisodeError, match="outside"):
        open_episode(episode.path)


def test_show_is_exact() -> None:
    """The helper's own check: numbers survive."""
    from tests.unit.recorder_support import numbered

    shown = [numbered(n).frame().to_ndarray(format="rgb24") for n in (0, 1, 5, 4095)]
    assert [number_of(rgb) for rgb in shown] == [0, 1, 5, 4095]


def _later(tick, by):  # type: ignore[no-untyped-def]
    import msgspec

    return msgspec.structs.replace(
        tick, tick=tick.tick + by, stamp_ns=stamp(tick.tick + by), intervention=1
    )


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def test_old_and_repeated_ticks_are_refused_and_counted(tmp_path: Path) -> None:
    ticks = list(session())
    rec = recorder(tmp_path)
    feed(rec, iter([*ticks[:200], ticks[150], ticks[199], *ticks[200:]]))
    rec.close(stamp(10_000))
    assert rec.refused_ticks == 2
    assert list(open_episode(rec.sealed()[0]).ticks()) == ticks[:361]


def test_ticks_lost_on_the_way_are_counted(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    feed(rec, (tick for tick in session() if tick.tick not in (51, 201, 202)))
    rec.close(stamp(10_000))
    counts = open_episode(rec.sealed()[0]).manifest.counts
    assert (counts.dropped_records, counts.missed_ticks, counts.ticks) == (3, 0, 358)


def test_a_robot_without_cameras_is_recorded_too(tmp_path: Path) -> None:
    rec = EpisodeRecorder(tmp_path, description(cameras=()), (), min_free_bytes=0)
    for tick in session():
        rec.tick(tick)
    rec.close(stamp(10_000))
    episode = open_episode(rec.sealed()[0])
    episode.verify()
    assert episode.manifest.rows == 181
    assert episode.manifest.cameras == ()


def test_a_takeover_between_two_rows_before_anything_was_recorded_is_kept(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    feed(rec, (tick for tick in session(before=40, wait=21) if tick.tick >= 61))
    rec.close(stamp(10_000))
    episode = open_episode(rec.sealed()[0])
    assert episode.manifest.ending.start_tick == 61
    assert next(iter(episode.ticks())).tick == 62, "a log begins with a row"
    episode.verify()


@pytest.mark.parametrize(
    "edit",
    [{"outcome": Outcome.FAILURE}, {"start_tick": 150}, {"start_tick": 0}],
)
def test_a_manifest_that_tells_another_story_than_the_log_is_refused(
    tmp_path: Path, edit: dict[str, object]
) -> None:
    episode = record(tmp_path)
    episode.verify()
    ending = msgspec.structs.replace(episode.manifest.ending, **edit)
    manifest = msgspec.structs.replace(episode.manifest, ending=ending)
    (episode.path / "manifest.json").write_bytes(sealed_json(manifest))
    with pytest.raises(EpisodeError, match="not what the log tells"):
        open_episode(episode.path).verify()


def told_at_the_takeover(ticks: Iterator[Tick]) -> Iterator[Tick]:
    """The same session, of somebody with a consent, under a policy with a memory."""
    said = (
        Event(kind=CONSENT, text="form 2026-03", by="ada"),
        Event(kind=POLICY_STATE, text='{"seed":7,"draws":3}'),
    )
    for tick in ticks:
        more = said if any(event.kind == "takeover" for event in tick.events) else ()
        yield msgspec.structs.replace(tick, events=(*tick.events, *more))


def test_the_manifest_tells_where_a_replay_starts_and_what_the_policy_remembered(
    tmp_path: Path,
) -> None:
    rec = recorder(tmp_path)
    feed(rec, told_at_the_takeover(session()))
    rec.close(stamp(10_000))
    episode = open_episode(rec.sealed()[0])
    start, ticks = episode.manifest.start, {tick.tick: tick for tick in episode.ticks()}
    assert start is not None
    assert start.tick == episode.manifest.ending.start_tick == 120
    assert start.state_sha256 == hashlib.sha256(ticks[120].state).hexdigest()
    assert (start.state_bytes, start.policy) == (40, '{"seed":7,"draws":3}')
    assert episode.manifest.consent == "form 2026-03"
    assert {label.kind for label in episode.manifest.ending.labels}.isdisjoint(
        {CONSENT, POLICY_STATE}
    )


def test_an_episode_in_which_nobody_took_over_has_no_start(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    feed(rec, (tick for tick in session() if tick.tick < 110))
    rec.close(stamp(200))
    manifest = open_episode(rec.sealed()[0]).manifest
    assert (manifest.start, manifest.consent) == (None, "")


def test_the_operators_clock_is_told_where_it_was_known_best(tmp_path: Path) -> None:
    def measured(ticks: Iterator[Tick]) -> Iterator[Tick]:
        errors = {130: (5_000, 900_000), 140: (5_400, 300_000), 150: (4_000, 700_000)}
        for tick in ticks:
            offset_ns, error_ns = errors.get(tick.tick, (0, -1))
            yield msgspec.structs.replace(tick, clock_offset_ns=offset_ns, clock_error_ns=error_ns)

    rec = recorder(tmp_path)
    feed(rec, measured(session()))
    rec.close(stamp(10_000))
    clock = open_episode(rec.sealed()[0]).manifest.clock
    assert (clock.operator_offset_ns, clock.operator_error_ns) == (5_400, 300_000)


def test_program_custody_and_cameras_are_in_the_manifest(tmp_path: Path) -> None:
    settings = CameraSettings(serial="C-12", focal_px=(500.0, 501.0), centre_px=(32.0, 24.0))
    cameras = [msgspec.structs.replace(camera, settings=settings) for camera in CAMERAS]
    custody = Custody(retention="one year", licence="internal")
    rec = EpisodeRecorder(
        tmp_path, description(), cameras, custody=custody, min_free_bytes=0, disk=InlineDisk()
    )
    feed(rec, session())
    rec.close(stamp(10_000))
    manifest = open_episode(rec.sealed()[0]).manifest
    assert manifest.custody == custody
    assert manifest.code == recording_code()
    assert len(manifest.code.source_sha256) == 64
    assert all(camera.settings == settings for camera in manifest.cameras)
    assert all(camera.encoder.startswith("libx264 preset=") for camera in manifest.cameras)


def test_a_start_that_was_edited_is_noticed(tmp_path: Path) -> None:
    episode = record(tmp_path)
    assert episode.manifest.start is not None
    start = msgspec.structs.replace(episode.manifest.start, state_sha256="0" * 64)
    manifest = msgspec.structs.replace(episode.manifest, start=start)
    (episode.path / "manifest.json").write_bytes(sealed_json(manifest))
    with pytest.raises(EpisodeError, match="not what the log tells"):
        open_episode(episode.path).verify()


def test_what_follows_the_longest_episode_in_one_intervention_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recorder.segmenter.LIMIT_NS", 2_000_000_000)
    rec = recorder(tmp_path)
    feed(rec, session())
    rec.close(stamp(10_000))
    episodes = [open_episode(path) for path in rec.sealed()]
    assert [str(e.manifest.ending.ended_by) for e in episodes] == ["limit", "hand_back"]
    for episode in episodes:
        episode.verify()
