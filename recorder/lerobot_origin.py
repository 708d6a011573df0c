"""What a data set was made from: `meta/unstick.json`, and whether the set is still whole.

The options and, for each episode of the set, the recorded episode, its rows, its verdict and the
files written for it. From this list and the recorded episodes the same set can be built again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from recorder.episode import EpisodeError, FileEntry, to_json
from recorder.lerobot_features import TrainerLabels
from recorder.sources import SOURCES_FILE, Departure, Source
from recorder.tombstone import Tombstone
from transport.messages import Wire

ORIGIN_FORMAT: Final = 3  # 1, a bare list, could not be appended to
ORIGIN_FILE: Final = Path(SOURCES_FILE)
INFO_FILE: Final = Path("meta/info.json")
STATS_FILE: Final = Path("meta/stats.json")
TASKS_FILE: Final = Path("meta/tasks.parquet")
# What every append writes anew; all other files stay as they are.
REWRITTEN: Final = frozenset({ORIGIN_FILE, INFO_FILE, STATS_FILE, TASKS_FILE})
_EPISODE_FOLDERS: Final = ("data", "videos", "meta/episodes")


class ExportOptions(Wire, frozen=True):
    """What was asked for; a set has one kind of options for all its episodes."""

    include_unverified: bool = False
    labels: TrainerLabels | None = None


class ExportedEpisode(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One episode of the data set, with everything that `Source` says of it."""

    rows: tuple[int, int]  # of the recorded one: first, and one after the last
    annotations: int  # how many labels given after the recording counted
    files: tuple[FileEntry, ...]  # names relative to the data set


class Origin(Wire, frozen=True):
    """All of `meta/unstick.json`."""

    format: int
    options: ExportOptions
    episodes: tuple[ExportedEpisode, ...]  # in the order of `episode_index`
    forgotten: tuple[Tombstone, ...] = ()  # asked for, but no more
    departures: tuple[Departure, ...] = ()  # from the data set that it was to be like


def write_origin(root: Path, origin: Origin) -> None:
    """Write `meta/unstick.json`; the same origin gives the same bytes."""
    (root / ORIGIN_FILE).write_bytes(to_json(origin))


def read_origin(root: Path) -> Origin:
    """What the data set in `root` was made from; raises `EpisodeError` if it is not one of ours."""
    path = root / ORIGIN_FILE
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise EpisodeError(
            "Not a data set that Unstick wrote", root, "Give one of ours, or a new folder."
        ) from error
    try:
        origin = msgspec.json.decode(raw, type=Origin)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EpisodeError(
            f"Origin of the data set is unreadable ({error})", path, "Export it anew."
        ) from error
    if origin.format != ORIGIN_FORMAT:
        raise EpisodeError(
            f"Data set format {origin.format} is not {ORIGIN_FORMAT}", path, "Export it anew."
        )
    return origin


def require_whole(root: Path, origin: Origin) -> None:
    """Every file of every episode is there at its length, and none that we did not write.

    Hashes are not computed: an append must not read a whole library of videos each time.
    """
    meant = {entry.name: entry.bytes for episode in origin.episodes for entry in episode.files}
    found = {
        path.relative_to(root).as_posix(): path.stat().st_size
        for folder in _EPISODE_FOLDERS
        for path in (root / folder).rglob("*")
        if path.is_file()
    }
    missing = [name for name in REWRITTEN if not (root / name).is_file()]
    wrong = sorted({name for name, _ in meant.items() ^ found.items()} | set(map(str, missing)))
    if wrong:
        raise EpisodeError(
            f"Data set is not as it was written ({wrong[0]}, {len(wrong)} in all)",
            root,
            "Restore it from a copy, or export it anew.",
        )
