"""What the tests of durability know of an episode: everything its recorder was handed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recorder.episode import LOG_FILE, MANIFEST_FILE, RECORDING_SUFFIX
from recorder.library import Episode
from recorder.log import LogReader, Message
from recorder.video_track import VideoPacket, read_packets
from tests.unit.recorder_support import feed, number_of, recorder, session, stamp
from transport.messages import Tick

TICKS = 44  # short enough to be cut at every byte, long enough for two key frames


@dataclass(frozen=True)
class Truth:
    """A sealed episode, and what its files held before anything happened to them."""

    path: Path
    ticks: tuple[Tick, ...]
    messages: tuple[Message, ...]
    packets: tuple[VideoPacket, ...]  # of the front camera; the rear one shows the same

    def copy(self, root: Path, *, torn: bool = False) -> Path:
        """The episode once more, under `root`; torn: as if it had never been sealed."""
        folder = root / f"{self.path.name}{RECORDING_SUFFIX if torn else ''}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.path, folder)
        if torn:
            (folder / MANIFEST_FILE).unlink()
        return folder


def make_truth(root: Path) -> Truth:
    """Record a short episode and note what is in it."""
    ticks = list(session(before=6, wait=4, drive=60))[:TICKS]
    rec = recorder(root)
    feed(rec, iter(ticks))
    rec.close(stamp(TICKS))
    (path,) = rec.sealed()
    return Truth(
        path,
        tuple(ticks),
        tuple(LogReader(path / LOG_FILE).messages()),
        tuple(read_packets(path / "cam_front.mkv")),
    )


def assert_true(episode: Episode, handed_over: Iterator[Tick]) -> None:
    """Every tick, row and picture of a verified episode is one that was handed over."""
    episode.verify()
    given = {tick.tick: tick for tick in handed_over}
    ticks = {tick.tick: tick for tick in episode.ticks()}
    assert all(tick == given[number] for number, tick in ticks.items()), "a tick nobody wrote"
    cameras = [[number_of(f) for f in episode.frames(c.name)] for c in episode.manifest.cameras]
    rows = [row.tick for row in episode.rows()]
    assert all(tick in ticks for tick in rows)
    assert all(shown == [tick // 2 for tick in rows] for shown in cameras), "a wrong picture"


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
