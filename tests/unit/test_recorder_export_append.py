"""An append adds to a data set of ours, or leaves it exactly as it was."""

import errno
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import recorder.export_folder as export_folder_module
from recorder.annotations import annotate
from recorder.episode import EpisodeError
from recorder.export_folder import ExportSummary, export_folder
from recorder.export_lerobot import export_lerobot
from recorder.labels import AnnotationKind
from recorder.lerobot_features import TrainerLabels
from recorder.lerobot_origin import ExportOptions, read_origin, require_whole
from recorder.library import Episode, open_episode
from tests.unit.recorder_support import record

ALL = ExportOptions(include_unverified=True)
SHORT = {"before": 16, "wait": 4, "drive": 40, "after": 70}


@pytest.fixture(scope="module")
def episodes(tmp_path_factory: pytest.TempPathFactory) -> list[Episode]:
    root = tmp_path_factory.mktemp("episodes")
    return [record(root, **{**SHORT, "drive": drive}) for drive in (40, 52, 64)]


@pytest.fixture(scope="module")
def at_once(episodes: list[Episode], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(episodes, tmp_path_factory.mktemp("out") / "set").path


@pytest.fixture(scope="module")
def of_two(episodes: list[Episode], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(episodes[:2], tmp_path_factory.mktemp("out") / "set").path


@pytest.fixture
def first_two(of_two: Path, tmp_path: Path) -> Path:
    return shutil.copytree(of_two, tmp_path / "set")


def export(episodes: list[Episode], out: Path, *, append: bool = False) -> ExportSummary:
    return export_lerobot(episodes, out, options=ALL, append=append)


def test_appended_in_order_the_set_is_the_same_as_exported_at_once(
    episodes: list[Episode], at_once: Path, tmp_path: Path
) -> None:
    for episode in episodes:
        summary = export([episode], tmp_path / "set", append=True)
    assert files(tmp_path / "set") == files(at_once)
    assert (summary.episodes, summary.episodes_in_set) == ((episodes[2].id,), 3)
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_an_append_goes_on_counting(episodes: list[Episode], first_two: Path) -> None:
    export(episodes, first_two, append=True)
    (row,) = pq.read_table(first_two / "meta/episodes/chunk-000/file-002.parquet").to_pylist()
    before = sum(e.manifest.rows for e in episodes[:2])
    assert (row["episode_index"], row["dataset_from_index"]) == (2, before)
    info = json.loads((first_two / "meta/info.json").read_text())
    assert info["total_frames"] == before + episodes[2].manifest.rows


def test_an_episode_is_never_in_a_set_twice(episodes: list[Episode], first_two: Path) -> None:
    old = files(first_two)
    summary = export(episodes[:2], first_two, append=True)
    assert summary.episodes == ()
    assert {why for _, why in summary.skipped} == {"It is in the data set already."}
    assert files(first_two) == old


def test_an_episode_that_was_labelled_since_is_named(
    episodes: list[Episode], first_two: Path, tmp_path: Path
) -> None:
    copy = open_episode(shutil.copytree(episodes[0].path, tmp_path / "episode"))
    annotate(copy.path, copy.manifest_sha256, AnnotationKind.OUTCOME, "failure", "eve")
    summary = export([open_episode(copy.path)], first_two, append=True)
    assert "has changed since" in dict(summary.skipped)[copy.id]


def test_the_files_that_were_there_are_neither_copied_nor_touched(
    episodes: list[Episode], first_two: Path
) -> None:
    video = first_two / "videos/observation.images.front/chunk-000/file-000.mp4"
    inode = video.stat().st_ino
    export(episodes, first_two, append=True)
    assert video.stat().st_ino == inode


def test_a_file_system_without_links_gets_copies(
    episodes: list[Episode], at_once: Path, first_two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.link", refusing(errno.EPERM))
    export(episodes, first_two, append=True)
    assert files(first_two) == files(at_once)


def test_behind_a_link_the_set_itself_grows(
    episodes: list[Episode], at_once: Path, first_two: Path, tmp_path: Path
) -> None:
    link = tmp_path / "elsewhere" / "link"
    link.parent.mkdir()
    link.symlink_to(first_two, target_is_directory=True)
    export(episodes, link, append=True)
    assert link.is_symlink()
    assert files(first_two) == files(at_once)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda s: (s / "meta/unstick.json").unlink(), "Not a data set that Unstick wrote"),
        (lambda s: (s / "meta/stats.json").unlink(), "meta/stats.json"),
        (lambda s: (s / "data/chunk-000/file-001.parquet").unlink(), "file-001.parquet"),
        (lambda s: cut(s / "videos/observation.images.rear/chunk-000/file-000.mp4"), "file-000"),
        (lambda s: (s / "meta/episodes/chunk-000/x.parquet").write_bytes(b""), "x.parquet"),
        (lambda s: recount(s / "meta/info.json"), "Another program has changed the set"),
    ],
)
def test_only_a_whole_set_of_ours_is_appended_to(
    damage: Callable[[Path], object], says: str, episodes: list[Episode], first_two: Path
) -> None:
    damage(first_two)
    before = files(first_two)
    with pytest.raises(EpisodeError, match=says):
        export(episodes, first_two, append=True)
    assert files(first_two) == before


def test_other_options_are_refused(episodes: list[Episode], first_two: Path) -> None:
    other = ExportOptions(include_unverified=True, labels=TrainerLabels.SIRIUS)
    with pytest.raises(EpisodeError, match=r"Use the same \(--all\)"):
        export_lerobot(episodes, first_two, options=other, append=True)


def test_a_full_disk_leaves_set_and_episodes_as_they_were(
    episodes: list[Episode], first_two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, recorded = files(first_two), [files(e.path) for e in episodes]
    monkeypatch.setattr("pyarrow.parquet.write_table", refusing(errno.ENOSPC))
    with pytest.raises(EpisodeError, match=r"No space left on device.*Nothing was changed"):
        export(episodes, first_two, append=True)
    assert files(first_two) == old
    assert [files(e.path) for e in episodes] == recorded
    assert [p.name for p in first_two.parent.iterdir()] == ["set"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of file sizes there")
@pytest.mark.parametrize("limit_bytes", [600, 2_500, 6_000])
def test_where_the_system_takes_no_more_bytes_nothing_is_lost(
    limit_bytes: int, episodes: list[Episode], first_two: Path
) -> None:
    import resource

    old = files(first_two)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        with pytest.raises(EpisodeError, match=r"Nothing was changed|Try again|read back"):
            export(episodes, first_two, append=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(first_two) == old
    assert [p.name for p in first_two.parent.iterdir()] == ["set"]


def test_two_exports_at_once_are_refused(episodes: list[Episode], tmp_path: Path) -> None:
    with export_folder(tmp_path / "set") as work:
        with pytest.raises(EpisodeError, match="Another export into this folder is running"):
            export(episodes, tmp_path / "set")
        (work / "mine").touch()
    assert list(files(tmp_path / "set")) == ["mine"]


def test_killed_at_any_step_the_old_set_or_the_new_one_is_there(
    episodes: list[Episode], at_once: Path, first_two: Path
) -> None:
    kill_everywhere(True, episodes, at_once, first_two, every=10)


def test_a_set_that_a_kill_left_aside_is_put_back(
    episodes: list[Episode], at_once: Path, first_two: Path
) -> None:
    first_two.rename(first_two.with_name(".set.unstick-old"))  # where nothing can be swapped
    export(episodes, first_two, append=True)
    assert files(first_two) == files(at_once)
    assert [p.name for p in first_two.parent.iterdir()] == ["set"]


@pytest.mark.long
@pytest.mark.parametrize("exchange", [True, False])
def test_killed_at_every_single_step(
    exchange: bool, episodes: list[Episode], at_once: Path, first_two: Path
) -> None:
    kill_everywhere(exchange, episodes, at_once, first_two, every=1)


@pytest.mark.long
def test_killed_by_the_system_at_any_moment_the_old_set_or_the_new_one_is_there(
    episodes: list[Episode], at_once: Path, first_two: Path
) -> None:
    old, new = files(first_two), files(at_once)
    safe = shutil.copytree(first_two, first_two.with_name("safe"))
    program = (
        "import sys; from pathlib import Path\n"
        "from recorder.export_lerobot import export_lerobot\n"
        "from recorder.lerobot_origin import ExportOptions\n"
        "from recorder.library import open_episode\n"
        "import av, mcap.stream_reader, numpy, pyarrow.parquet\n"
        "options = ExportOptions(include_unverified=True)\n"
        "print('ready', flush=True); sys.stdin.read(1)\n"
        "episodes = [open_episode(Path(name)) for name in sys.argv[2:]]\n"
        "export_lerobot(episodes, Path(sys.argv[1]), options=options, append=True)\n"
    )
    command = [sys.executable, "-c", program, str(first_two), *(str(e.path) for e in episodes)]
    chance, seen = random.Random(5), set()
    for _ in range(40):
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        child.stdin.write(b"x")
        child.stdin.flush()
        time.sleep(chance.uniform(0.0, 0.25))
        child.kill()
        child.communicate()
        there = files(first_two)
        assert there in (old, new)
        seen.add(there == new)
        export(episodes, first_two, append=True)
        assert files(first_two) == new
        assert {p.name for p in first_two.parent.iterdir()} == {"set", "safe"}
        shutil.rmtree(first_two)
        shutil.copytree(safe, first_two)
    assert False in seen


def kill_everywhere(
    exchange: bool, episodes: list[Episode], at_once: Path, first_two: Path, every: int
) -> None:
    """Every `every`-th step, and each of the last ones: there the new set takes its place."""
    old, new = files(first_two), files(at_once)
    safe = first_two.with_name("safe")
    shutil.copytree(first_two, safe)
    seen = set()
    with pytest.MonkeyPatch.context() as patch:
        if not exchange:
            patch.setattr(export_folder_module, "_exchange", lambda *_: False)
        with killed_at(sys.maxsize, first_two.parent) as reached:
            export(episodes, first_two, append=True)
        steps = reached()
        assert steps > 50
        for step in sorted({*range(0, steps, every), *range(steps - LAST_STEPS, steps)}):
            shutil.rmtree(first_two)
            shutil.copytree(safe, first_two)
            with killed_at(step, first_two.parent), pytest.raises(Killed):
                export(episodes, first_two, append=True)
            if not first_two.exists():
                assert not exchange  # between the two renames: the next export puts it back
                with pytest.raises(EpisodeError, match="Target exists"):
                    export(episodes, first_two)
            there = files(first_two)
            assert there in (old, new)
            require_whole(first_two, read_origin(first_two))
            seen.add(there == new)
            export(episodes, first_two, append=True)
            assert files(first_two) == new
            assert {p.name for p in first_two.parent.iterdir()} == {"set", "safe"}
    assert seen == {False, True}, "killed before and after the new set took its place"


LAST_STEPS = 12


class Killed(BaseException):
    """The process is no more: nothing that it still tries has an effect."""


_STEPS = ("open", "os.mkdir", "os.link", "os.rename", "os.remove", "os.rmdir", "ctypes.dlsym")
_hook: list[Callable[[str, tuple[Any, ...]], None]] = []
sys.addaudithook(lambda event, args: _hook[-1](event, args) if _hook else None)


@contextmanager
def killed_at(step: int, root: Path) -> Iterator[Callable[[], int]]:
    """Let the process reach `step` calls of the file system under `root`, and none after it; how
    many were tried."""
    reached = 0

    def count(event: str, args: tuple[Any, ...]) -> None:
        nonlocal reached
        if event in _STEPS and (event == "ctypes.dlsym" or str(root) in str(args[0])):
            reached += 1
            if reached > step:
                raise Killed

    _hook.append(count)
    try:
        yield lambda: reached
    finally:
        _hook.pop()


def refusing(code: int) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return refuse


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[:-1])


def recount(path: Path) -> None:
    info = json.loads(path.read_text())
    path.write_text(json.dumps({**info, "total_episodes": 7}))


def files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
