"""Whatever a crash leaves behind becomes a readable episode, or is set aside with a reason."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import recorder.recover as recovery_module
import recorder.writer as writer_module
from recorder import durable
from recorder.episode import EndedBy, Status
from recorder.folder_lock import FolderLock, claim, is_locked, make_locked
from recorder.library import Episode, list_episodes, open_episode
from recorder.recover import recover, recover_all
from tests.unit.recorder_support import feed, number_of, record, recorder, session, stamp
from transport.messages import Outcome

REPOSITORY = Path(__file__).parents[2]


class Killed(BaseException):
    """Stands for the process being gone."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete recording that was never sealed: log and videos finished, no manifest."""
    path = record(tmp_path_factory.mktemp("whole")).path
    (path / "manifest.json").unlink()
    return path


def torn_copy(whole: Path, root: Path, cut: dict[str, int]) -> Path:
    """`whole` as a `.rec` folder with files cut to the given sizes."""
    folder = root / f"{whole.name}.rec"
    shutil.copytree(whole, folder)
    for name, size in cut.items():
        os.truncate(folder / name, size)
    return folder


def assert_consistent(episode: Episode) -> None:
    """Everything a recovered episode promises."""
    episode.verify()
    assert episode.manifest.status is Status.RECOVERED
    assert episode.manifest.ending.outcome is Outcome.UNLABELLED
    assert episode.manifest.ending.ended_by is EndedBy.CRASH
    ticks = {tick.tick: tick for tick in episode.ticks()}
    for row, front, rear in zip(
        episode.rows(), episode.frames("front"), episode.frames("rear"), strict=True
    ):
        assert number_of(front) == number_of(rear) == row.tick // 2
        assert row.tick in ticks
    original = {tick.tick: tick for tick in session()}
    assert all(tick == original[number] for number, tick in ticks.items())


@pytest.mark.parametrize("seed", range(12))
def test_recovery_after_cuts_at_any_offset(whole: Path, tmp_path: Path, seed: int) -> None:
    choose = random.Random(seed)
    sizes = {p.name: p.stat().st_size for p in whole.iterdir()}
    cut = {name: choose.randrange(size) for name, size in sizes.items()}
    (found,) = recover_all_of(torn_copy(whole, tmp_path, cut))
    if found.recovered:
        assert_consistent(open_episode(found.path))
        assert (found.path / "torn" / "log.mcap").exists()
    else:
        assert found.path.name.endswith(".broken")
        assert (found.path / "reason.txt").read_text()
        assert (found.path / "cam_rear.mkv").exists()


@pytest.mark.parametrize("keep", [0, 7, 8, 9, 100, 600, 1200, 2000])
def test_a_log_cut_near_its_beginning_is_set_aside_or_short(
    whole: Path, tmp_path: Path, keep: int
) -> None:
    (found,) = recover_all_of(torn_copy(whole, tmp_path, {"log.mcap": keep}))
    if found.recovered:
        assert_consistent(open_episode(found.path))
    else:
        assert found.reason


def test_losing_the_last_bytes_costs_little(whole: Path, tmp_path: Path) -> None:
    sizes = {p.name: p.stat().st_size for p in whole.iterdir()}
    cut = {name: size - 400 for name, size in sizes.items() if name.startswith("cam")}
    (found,) = recover_all_of(torn_copy(whole, tmp_path, cut))
    assert found.recovered
    assert found.rows >= 181 - 45
    episode = open_episode(found.path)
    assert episode.manifest.ending.start_tick == 120
    assert episode.manifest.counts.ticks == 361


def test_a_flipped_bit_in_the_log_never_becomes_a_wrong_tick(whole: Path, tmp_path: Path) -> None:
    choose = random.Random(5)
    for number in range(6):
        folder = torn_copy(whole, tmp_path / str(number), {})
        log = folder / "log.mcap"
        data = bytearray(log.read_bytes())
        data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
        log.write_bytes(bytes(data))
        (found,) = recover_all_of(folder)
        if found.recovered:
            assert_consistent(open_episode(found.path))


def test_recovery_gives_the_same_bytes_each_time(whole: Path, tmp_path: Path) -> None:
    results = []
    for run in ("a", "b"):
        folder = torn_copy(whole, tmp_path / run, {"log.mcap": 40_000})
        (found,) = recover_all_of(folder)
        results.append({p.name: p.read_bytes() for p in found.path.iterdir() if p.is_file()})
        assert recover_all(tmp_path / run) == []
    assert results[0] == results[1]


def test_recovery_killed_at_any_step_and_run_again(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = None
    for step in range(200):
        root = tmp_path / str(step)
        folder = torn_copy(whole, root, {"log.mcap": 40_000})
        with monkeypatch.context() as patch:
            done = kill_at_step(patch, step, lambda: recover(folder))  # noqa: B023
        recover_all(root)
        assert [path.name for path in root.iterdir()] == [whole.name]
        files = {p.name: p.read_bytes() for p in (root / whole.name).iterdir() if p.is_file()}
        reference = reference or files
        assert files == reference
        shutil.rmtree(root)
        if done:
            assert step > 8
            return
    pytest.fail("recovery never finished")


def test_a_seal_killed_at_any_step_leaves_a_whole_episode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in range(200):
        root = tmp_path / str(step)
        rec = recorder(root)
        feed(rec, iter(list(session())[:355]))  # shortly before the seal
        with monkeypatch.context() as patch:
            done = kill_at_step(patch, step, lambda: rec.close(stamp(400)))  # noqa: B023
        with monkeypatch.context() as patch:
            # The dead process' locks are gone; this one's files are still open.
            patch.setattr(recovery_module, "claim", lambda path: FolderLock(None))
            recover_all(root)
        (path,) = list_episodes(root)
        episode = open_episode(path)
        episode.verify()
        assert episode.manifest.rows == 178
        assert episode.manifest.counts.ticks == 355
        assert [p.name for p in root.iterdir()] == [path.name]
        if done:
            assert episode.manifest.status is Status.SEALED
            assert step == 8  # three files, manifest, its name, folder, folder's name, root
            return
    pytest.fail("seal never finished")


def test_an_episode_being_recorded_is_left_alone(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    feed(rec, iter(list(session())[:200]))
    assert recover_all(tmp_path) == []
    rec.close(stamp(300))
    assert len(list_episodes(tmp_path)) == 1


@pytest.mark.parametrize("step", ["LogWriter", "make_manifest", "write_atomically", "rename"])
def test_a_recovery_at_any_step_of_an_episode_leaves_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """From before there is a log, to after it is closed, to the last name."""
    real = getattr(writer_module, step)
    came: list[object] = []

    def interrupted(*args: object, **named: object) -> object:
        came.append(recover_all(tmp_path))
        return real(*args, **named)

    monkeypatch.setattr(writer_module, step, interrupted)
    episode = record(tmp_path)
    assert came == [[]]
    assert episode.manifest.status is Status.SEALED
    assert [path.name for path in tmp_path.iterdir()] == [episode.id]
    episode.verify()
    assert not is_locked(episode.path), "it is free for whoever comes next"


def test_a_recovery_that_runs_already_is_left_alone(whole: Path, tmp_path: Path) -> None:
    folder = torn_copy(whole, tmp_path, {})
    with claim(folder) or pytest.fail("nobody has it"):
        assert recover_all(tmp_path) == []
    assert [found.recovered for found in recover_all(tmp_path)] == [True]


def test_a_lock_follows_its_folder_and_goes_with_its_holder(tmp_path: Path) -> None:
    lock = make_locked(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    assert is_locked(tmp_path / "b")
    assert claim(tmp_path / "a") is None, "what is finished is nobody's to work in"
    lock.release()
    lock.release()
    assert not is_locked(tmp_path / "b")


def test_nothing_to_recover(tmp_path: Path) -> None:
    assert recover_all(tmp_path / "missing") == []
    (tmp_path / "empty.rec").mkdir()
    (found,) = recover_all(tmp_path)
    assert not found.recovered
    assert recover_all(tmp_path) == []


def recover_all_of(folder: Path) -> list[object]:
    return recover_all(folder.parent)  # type: ignore[return-value]


def kill_at_step(patch: pytest.MonkeyPatch, step: int, job: Callable[[], object]) -> bool:
    """Run `job` and kill it before its `step`-th fsync or rename; True when it got through."""
    left: Iterator[None] = iter([None] * step)

    def killing(real: Callable[..., None]) -> Callable[..., None]:
        def call(*args: object) -> None:
            if next(left, Killed) is Killed:
                raise Killed
            real(*args)

        return call

    for name in ("fsync", "fdatasync", "rename", "replace"):
        patch.setattr(durable.os, name, killing(getattr(os, name)))
    try:
        job()
    except Killed:
        return False
    return True
