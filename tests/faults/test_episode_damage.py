"""Episodes cut at every byte, with bits flipped, mixed up, empty and huge: rows D5, D6, D7 and D9.

A reader gives what was written, the beginning of it, or an `EpisodeError` that names the file.
"""

from __future__ import annotations

import contextlib
import random
import re
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from recorder.driven import Driven
from recorder.episode import (
    LOG_FILE,
    MANIFEST_FILE,
    VERDICT_FILE,
    EndedBy,
    Ending,
    EpisodeError,
    Status,
)
from recorder.episode_recorder import EpisodeRecorder
from recorder.library import list_episodes, open_episode
from recorder.log import LogReader
from recorder.recover import recover, recover_all
from recorder.segmenter import MAX_LABELS
from recorder.validate import validate
from recorder.verdict import parse_verdict
from recorder.video_track import read_frames, read_packets
from recorder.writer import EpisodeWriter
from tests.faults.episode_truth import Truth, assert_true, hashes, make_truth
from tests.measured import Measured
from tests.unit.recorder_support import (
    InlineDisk,
    Rover,
    description,
    feed,
    number_of,
    recorder,
    session,
    stamp,
)
from tests.unit.test_recorder_log import header
from transport.channels import TICK_HZ
from transport.messages import Event, Mode, Outcome, Tick

LONG = pytest.mark.long
READ_S = 1.0  # what reading a damaged file may take


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """One sealed episode with a verdict beside it."""
    made = make_truth(tmp_path_factory.mktemp("truth"))
    validate(open_episode(made.path), lambda _: Driven(Rover()))
    return made


# --- D5: cut ---


@pytest.mark.parametrize("step", [797, pytest.param(1, marks=LONG)])
def test_a_log_cut_at_any_byte_gives_its_beginning_or_an_error(
    truth: Truth, tmp_path: Path, measured: Measured, step: int
) -> None:
    data = (truth.path / LOG_FILE).read_bytes()
    cut = tmp_path / LOG_FILE
    counts: list[int] = []
    slowest_s = 0.0
    for size in range(0, len(data), step):
        cut.write_bytes(data[:size])
        begin_s = time.perf_counter()
        read = tuple(LogReader(cut, lenient=True).messages())
        with pytest.raises(EpisodeError):
            for _ in LogReader(cut).messages():
                pass
        slowest_s = max(slowest_s, time.perf_counter() - begin_s)
        assert read == truth.messages[: len(read)]
        counts.append(len(read))
    measured("D5", f"log cut at {len(counts)} bytes", f"0 wrong, slowest {slowest_s * 1e3:.0f} ms")
    assert counts == sorted(counts)
    assert slowest_s < READ_S


@pytest.mark.parametrize("step", [211, pytest.param(1, marks=LONG)])
def test_a_video_cut_at_any_byte_gives_its_beginning_or_an_error(
    truth: Truth, tmp_path: Path, measured: Measured, step: int
) -> None:
    data = (truth.path / "cam_front.mkv").read_bytes()
    pictures = [frame.tobytes() for frame in read_frames(truth.path / "cam_front.mkv")]
    episode = open_episode(truth.copy(tmp_path))
    cut = episode.path / "cam_front.mkv"
    counts: list[int] = []
    slowest_s = 0.0
    for size in range(0, len(data), step):
        cut.write_bytes(data[:size])
        begin_s = time.perf_counter()
        shown: list[bytes] = []
        packets: list[object] = []
        try:
            shown.extend(frame.tobytes() for frame in read_frames(cut))
            packets.extend(read_packets(cut))
        except EpisodeError:
            assert not shown
        slowest_s = max(slowest_s, time.perf_counter() - begin_s)
        assert shown == pictures[: len(shown)]
        if len(shown) < len(pictures):
            with pytest.raises(EpisodeError):
                list(episode.frames("front"))
        counts.append(len(shown))
    measured(
        "D5", f"video cut at {len(counts)} bytes", f"0 wrong, slowest {slowest_s * 1e3:.0f} ms"
    )
    assert counts == sorted(counts)
    assert slowest_s < READ_S


@pytest.mark.parametrize("step", [97, pytest.param(1, marks=LONG)])
def test_a_manifest_or_a_verdict_cut_at_any_byte_is_refused(
    truth: Truth, tmp_path: Path, step: int
) -> None:
    folder = truth.copy(tmp_path)
    manifest = (folder / MANIFEST_FILE).read_bytes()
    verdict = (folder / VERDICT_FILE).read_bytes()
    for size in range(0, len(manifest), step):
        (folder / MANIFEST_FILE).write_bytes(manifest[:size])
        with pytest.raises(EpisodeError, match=MANIFEST_FILE):
            open_episode(folder)
    for size in range(0, len(verdict), step):
        with pytest.raises(EpisodeError, match=VERDICT_FILE):
            parse_verdict(verdict[:size], folder / VERDICT_FILE)


@pytest.mark.parametrize("count", [12, pytest.param(2_000, marks=LONG)])
def test_what_is_recovered_of_files_cut_anywhere_was_written(
    truth: Truth, tmp_path: Path, measured: Measured, count: int
) -> None:
    choose = random.Random(count)
    recovered, slowest_s = 0, 0.0
    for _ in range(count):
        folder = truth.copy(tmp_path / "root", torn=True)
        for path in folder.iterdir():
            with path.open("r+b") as stream:
                stream.truncate(choose.randint(0, path.stat().st_size))
        begin_s = time.perf_counter()
        (found,) = recover_all(folder.parent)
        slowest_s = max(slowest_s, time.perf_counter() - begin_s)
        if found.recovered:
            recovered += 1
            assert_true(open_episode(found.path), iter(truth.ticks))
        assert [path.name for path in folder.parent.iterdir()] == [found.path.name]
        shutil.rmtree(folder.parent)
    measured(
        "D5",
        f"{count} recoveries of three cut files",
        f"{recovered} recovered, 0 wrong, slowest {slowest_s * 1e3:.0f} ms",
    )


# --- D6: bits flipped ---


@pytest.mark.parametrize("count", [25, pytest.param(10_000, marks=LONG)])
@pytest.mark.parametrize("name", [LOG_FILE, "cam_front.mkv", MANIFEST_FILE, VERDICT_FILE])
def test_every_flipped_bit_of_a_sealed_episode_is_found(
    truth: Truth, tmp_path: Path, measured: Measured, name: str, count: int
) -> None:
    folder = truth.copy(tmp_path)
    found = 0
    for _ in flips(folder / name, count):
        try:
            episode = open_episode(folder)
            episode.verdict()
            episode.verify()
        except EpisodeError as error:
            found += name in str(error)
    measured("D6", f"{count} flipped bits in a sealed {name}", f"{found} found")
    assert found == count


@pytest.mark.parametrize("count", [40, pytest.param(10_000, marks=LONG)])
def test_no_flipped_bit_of_a_torn_log_becomes_a_message(
    truth: Truth, tmp_path: Path, measured: Measured, count: int
) -> None:
    log = truth.copy(tmp_path, torn=True) / LOG_FILE
    whole = LogReader(truth.path / LOG_FILE).header()
    kept = 0
    for _ in flips(log, count):
        read = tuple(LogReader(log, lenient=True).messages())
        assert read == truth.messages[: len(read)]
        kept += len(read)
        with contextlib.suppress(EpisodeError):
            assert LogReader(log, lenient=True).header() == whole
    share = kept / count / len(truth.messages)
    measured("D6", f"{count} flipped bits in a torn log", f"0 wrong messages, {share:.0%} kept")


@pytest.mark.parametrize("count", [8, pytest.param(10_000, marks=LONG)])
def test_no_flipped_bit_of_a_torn_video_becomes_a_picture(
    truth: Truth, tmp_path: Path, measured: Measured, count: int
) -> None:
    choose = random.Random(1)
    kept = 0
    for _ in range(count):
        folder = truth.copy(tmp_path / "root", torn=True)
        flip(folder / "cam_front.mkv", choose)
        found = recover(folder)
        if found.recovered:
            packets = tuple(read_packets(found.path / "cam_front.mkv"))
            assert packets == truth.packets[: len(packets)]
            rows = [row.tick // 2 for row in open_episode(found.path).rows()]
            assert len(rows) == len(packets)
            kept += len(packets)
        shutil.rmtree(folder.parent)
    share = kept / count / len(truth.packets)
    measured("D6", f"{count} flipped bits in a torn video", f"0 wrong pictures, {share:.0%} kept")


# --- D7: mixed up ---


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second episode, with other pictures from the first one on."""
    ticks = (later(tick) for tick in session(before=6, wait=4, drive=60))
    rec = recorder(tmp_path_factory.mktemp("another"))
    feed(rec, islice(ticks, 50))
    rec.close(stamp(10_000))
    (path,) = rec.sealed()
    return path


def later(tick: Tick) -> Tick:
    """The same tick a hundred ticks later: other pictures belong to it."""
    return msgspec.structs.replace(tick, tick=tick.tick + 100, stamp_ns=stamp(tick.tick + 100))


def copied(episode: Path, root: Path) -> Path:
    """An episode once more, under `root`."""
    return Path(shutil.copytree(episode, root / episode.name))


def swap(one: Path, other: Path) -> None:
    """Two files change places."""
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)


@pytest.mark.parametrize("name", [LOG_FILE, "cam_front.mkv", MANIFEST_FILE])
def test_files_swapped_between_episodes_are_named(
    truth: Truth, another: Path, tmp_path: Path, name: str
) -> None:
    mine, yours = truth.copy(tmp_path), copied(another, tmp_path)
    swap(mine / name, yours / name)
    for folder in (mine, yours):
        with pytest.raises(EpisodeError, match=r"not the one that was sealed|Folder holds episode"):
            open_episode(folder).verify()


def test_a_torn_episode_with_the_video_of_another_is_set_aside(
    truth: Truth, another: Path, tmp_path: Path
) -> None:
    torn = truth.copy(tmp_path, torn=True)
    shutil.copy(another / "cam_front.mkv", torn)
    (found,) = recover_all(tmp_path)
    assert not found.recovered
    assert re.search(r"No frame of this log .* another episode", found.reason)
    assert (found.path / "cam_rear.mkv").exists(), "nothing is deleted"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: (p / "cam_rear.mkv").unlink(), "missing.*cam_rear.mkv"),
        (lambda p: (p / "cam_rear.mkv").write_bytes(b""), "cam_rear.mkv"),
        (lambda p: (p / LOG_FILE).unlink(), "missing.*log.mcap"),
        (lambda p: (p / LOG_FILE).write_bytes(b""), "log.mcap"),
        (lambda p: (p / MANIFEST_FILE).write_bytes(b""), "manifest.json"),
        (lambda p: (p / "cam_left.mkv").write_bytes(b"x"), "does not belong.*cam_left.mkv"),
        (lambda p: (p / "notes.txt").write_text("x"), "does not belong.*notes.txt"),
    ],
)
def test_missing_empty_and_extra_files_are_named(
    truth: Truth, tmp_path: Path, spoil: Callable[[Path], object], says: str
) -> None:
    folder = truth.copy(tmp_path)
    spoil(folder)
    with pytest.raises(EpisodeError, match=says):
        open_episode(folder).verify()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: (p / "cam_rear.mkv").unlink(), "Video is missing.*cam_rear.mkv"),
        (lambda p: (p / "cam_rear.mkv").write_bytes(b""), "No frame.*cam_rear.mkv"),
        (lambda p: (p / LOG_FILE).unlink(), "Log is missing"),
        (lambda p: (p / LOG_FILE).write_bytes(b""), "Log has no header"),
    ],
)
def test_a_torn_episode_without_one_of_its_files_is_set_aside_with_the_reason(
    truth: Truth, tmp_path: Path, spoil: Callable[[Path], object], says: str
) -> None:
    folder = truth.copy(tmp_path, torn=True)
    spoil(folder)
    left = hashes(folder)
    (found,) = recover_all(tmp_path)
    assert not found.recovered
    assert re.search(says, found.reason)
    assert (found.path / "reason.txt").read_text().strip() == found.reason
    assert left.items() <= hashes(found.path).items(), "nothing is deleted"


def test_what_would_be_a_second_episode_of_one_name_is_set_aside(
    truth: Truth, tmp_path: Path
) -> None:
    sealed = truth.copy(tmp_path)
    before = hashes(sealed)
    for torn in (True, False):
        folder = truth.copy(tmp_path / "elsewhere", torn=torn)
        folder.rename(tmp_path / f"{truth.path.name}.rec")
        (found,) = recover_all(tmp_path)
        assert not found.recovered
        assert "another episode of this name" in found.reason
        assert hashes(sealed) == before
    assert list_episodes(tmp_path) == [sealed]


def test_a_copy_under_another_name_is_told_from_the_episode(truth: Truth, tmp_path: Path) -> None:
    folder = truth.copy(tmp_path).rename(tmp_path / "copy")
    with pytest.raises(EpisodeError, match=f"Folder holds episode {truth.path.name}"):
        open_episode(folder).verify()


def test_a_log_of_a_later_version_is_not_recovered_as_one_of_this(
    truth: Truth, tmp_path: Path
) -> None:
    folder = tmp_path / f"{header().episode}.rec"
    writer = EpisodeWriter(tmp_path, msgspec.structs.replace(header(), format=99), 0, InlineDisk())
    for tick in truth.ticks:
        writer.tick(tick)
    writer.fail("cut")
    (found,) = recover_all(folder.parent)
    assert not found.recovered
    assert "newer Unstick" in found.reason


# --- D9: nothing, one, very much ---


def sealed_directly(root: Path, ticks: list[Tick]) -> tuple[Path | None, EpisodeWriter]:
    """What the writer makes of ticks without a single row."""
    writer = EpisodeWriter(root, header(), 0, InlineDisk())
    for tick in ticks:
        writer.tick(tick)
    ending = Ending(
        ended_by=EndedBy.SHUTDOWN,
        outcome=Outcome.UNLABELLED,
        operator="",
        intervention=-1,
        start_tick=-1,
        end_tick=-1,
    )
    return writer.seal(ending, ""), writer


def test_an_episode_without_a_frame_is_valid_and_one_without_a_tick_is_refused(
    truth: Truth, tmp_path: Path
) -> None:
    path, _ = sealed_directly(tmp_path / "ticks", list(truth.ticks[:3]))
    assert path is not None
    episode = open_episode(path)
    episode.verify()
    assert (episode.manifest.rows, list(episode.frames("front"))) == (0, [])
    path, writer = sealed_directly(tmp_path / "nothing", [])
    assert path is None
    assert "holds no tick" in writer.failure


def test_an_episode_of_one_frame_is_valid(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    feed(rec, (tick for tick in session(before=0) if tick.tick == 0))
    rec.close(stamp(1))
    episode = open_episode(rec.sealed()[0])
    assert_true(episode, session(before=0))
    assert episode.manifest.rows == 1
    assert [number_of(frame) for frame in episode.frames("rear")] == [0]


@pytest.mark.parametrize("count", [500, pytest.param(100_000, marks=LONG)])
def test_very_many_markers_are_kept(tmp_path: Path, measured: Measured, count: int) -> None:
    per_tick = count // 100
    pressed = tuple(Event(kind="marker", text="here", by="ada") for _ in range(per_tick))
    rec = recorder(tmp_path)
    begin_s = time.perf_counter()
    feed(
        rec,
        (
            msgspec.structs.replace(tick, events=pressed) if 140 <= tick.tick < 240 else tick
            for tick in session()
        ),
    )
    rec.close(stamp(10_000))
    episode = open_episode(rec.sealed()[0])
    episode.verify()
    seconds = time.perf_counter() - begin_s
    kept = sum(label.kind == "marker" for label in episode.manifest.ending.labels)
    measured("D9", f"{count} markers in one episode", f"{kept} kept, all in {seconds:.1f} s")
    assert kept == min(count + 1, MAX_LABELS - 2), "beside the call and the takeover"
    assert sum(len(tick.events) for tick in episode.ticks()) == count + 4, "the log has them all"


@LONG
def test_four_hours_are_recorded_with_bounded_memory(tmp_path: Path, measured: Measured) -> None:
    hours = 4
    rec = EpisodeRecorder(
        tmp_path,
        description(cameras=()),
        (),
        disk=InlineDisk(),
        syncs=InlineDisk(),
        min_free_bytes=0,
    )
    one = msgspec.structs.replace(next(session()), mode=Mode.TELEOP, intervention=0)
    begin_s, begin_kib = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(hours * 3600 * TICK_HZ):
        rec.tick(msgspec.structs.replace(one, tick=number, stamp_ns=stamp(number)))
    rec.close(stamp(hours * 3600 * TICK_HZ))
    seconds = time.perf_counter() - begin_s
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begin_kib) >> 10
    episodes = [open_episode(path) for path in rec.sealed()]
    recorded = sum(episode.manifest.counts.ticks for episode in episodes)
    measured(
        "D9",
        f"{hours} h of ticks in {len(episodes)} episodes",
        f"{recorded} ticks in {seconds:.0f} s, {grown} MB more memory",
    )
    for episode in episodes:
        episode.verify()
        assert episode.manifest.status is Status.SEALED
        assert episode.manifest.counts.dropped_records == 0
    assert grown < 200


def flips(path: Path, count: int) -> Iterator[None]:
    """A file with one bit flipped, another one each time."""
    choose = random.Random(path.name)
    whole = path.read_bytes()
    for _ in range(count):
        flip(path, choose)
        yield
        path.write_bytes(whole)


def flip(path: Path, choose: random.Random) -> None:
    """Flip one bit of a file."""
    data = bytearray(path.read_bytes())
    data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
    path.write_bytes(bytes(data))
