"""Reads a LeRobotDataset v3, ours or anybody's, with pyarrow alone.

Only what a replay needs: which episodes there are, and single columns of their rows. A file may
hold many episodes; metadata say which rows of it are whose.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recorder.durable import sha256_of
from recorder.episode import EpisodeError
from recorder.lerobot_files import read_json
from recorder.lerobot_origin import INFO_FILE

VERSION: Final = "v3."
Column = npt.NDArray[Any]  # (rows,) or (rows, width)


def is_lerobot_set(path: Path) -> bool:
    """Whether folder `path` says that it is a LeRobot data set, of whatever version."""
    return (path / INFO_FILE).is_file()


def metadata_files(path: Path) -> list[Path]:
    """What says which episodes the data set in folder `path` has."""
    return [path / INFO_FILE, *sorted((path / "meta" / "episodes").rglob("*.parquet"))]


def stamp_of(file: Path) -> tuple[int, int]:
    """(time of the last change in ns, bytes): another one, another content."""
    found = file.stat()
    return found.st_mtime_ns, found.st_size


@dataclass(frozen=True)
class SetEpisode:
    """One episode of a data set, as its metadata tell."""

    index: int
    rows: int
    first: int  # of its rows, among all rows of the set
    file: Path  # that holds its rows, relative to the set
    tasks: tuple[str, ...]
    said: dict[str, Any]  # every column of meta/episodes


class LeRobotSet:
    """One data set; nothing is read before it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hashes: dict[
            tuple[Path, int, int], str
        ] = {}  # of files with rows; many episodes may lie in one
        self.info = read_json(path / INFO_FILE)
        version = str(self.info.get("codebase_version", "unknown"))
        if not version.startswith(VERSION):
            raise EpisodeError(
                f"LeRobot data set of version {version}",
                path,
                "Convert it to v3.0 with LeRobot's own converter first.",
            )

    @property
    def fps(self) -> int:
        """Rows a second."""
        return int(self.info["fps"])

    @property
    def robot_type(self) -> str:
        """What the set says it was recorded with; empty: it does not."""
        return str(self.info.get("robot_type") or "")

    def names(self, feature: str) -> tuple[str, ...]:
        """Of the numbers of a feature; a0, a1 … when it names none.

        Raises:
            EpisodeError: the set has no such feature.
        """
        try:
            told = self.info["features"][feature]
            width = int(np.prod(told["shape"]))
        except (KeyError, TypeError, ValueError) as error:
            raise EpisodeError(
                f"Data set has no feature {feature!r}", self.path, "A replay needs it."
            ) from error
        named = told.get("names")
        if isinstance(named, dict):  # {"motors": [...]}
            named = [name for group in named.values() for name in group]
        if isinstance(named, list) and len(named) == width:
            return tuple(map(str, named))
        return tuple(f"a{number}" for number in range(width))

    @cached_property
    def episodes(self) -> tuple[SetEpisode, ...]:
        """All episodes, by index.

        Raises:
            EpisodeError: the metadata cannot be read.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        template = self.info.get("data_path", "")
        found = []
        for file in metadata_files(self.path)[1:]:
            try:
                for row in pq.read_table(file).to_pylist():
                    found.append(
                        SetEpisode(
                            index=int(row["episode_index"]),
                            rows=int(row["length"]),
                            first=int(row["dataset_from_index"]),
                            file=Path(
                                template.format(
                                    chunk_index=row["data/chunk_index"],
                                    file_index=row["data/file_index"],
                                )
                            ),
                            tasks=tuple(map(str, row.get("tasks") or ())),
                            said=row,
                        )
                    )
            except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
                raise EpisodeError(
                    f"Metadata cannot be read ({error})", file, "Restore the set from a copy."
                ) from error
        if not found:
            raise EpisodeError("Data set lists no episodes", self.path, "Give another folder.")
        return tuple(sorted(found, key=lambda episode: episode.index))

    def columns(self, episode: SetEpisode, names: Iterable[str]) -> dict[str, Column]:
        """Columns of one episode; those that the set does not have are left out.

        Raises:
            EpisodeError: its rows cannot be read, or are not as many as promised.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = self.path / episode.file
        try:
            schema = set(pq.read_schema(file).names)
            wanted = [name for name in names if name in schema]
            table = pq.read_table(
                file,
                columns=[*wanted, "frame_index"],
                filters=[("episode_index", "=", episode.index)],
            ).sort_by("frame_index")
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            raise EpisodeError(
                f"Rows of episode {episode.index} cannot be read ({error})",
                file,
                "Restore the set from a copy.",
            ) from error
        if len(table) != episode.rows:
            raise EpisodeError(
                f"Episode {episode.index} has {len(table)} rows, its metadata say {episode.rows}",
                file,
                "Restore the set from a copy.",
            )
        return {name: _array(table[name]) for name in wanted}

    def sha256(self, episode: SetEpisode) -> str:
        """Of all that says what an episode is: the file with its rows, and its metadata."""
        file = self.path / episode.file
        key = (file, *stamp_of(file))
        if key not in self._hashes:
            self._hashes[key] = sha256_of(file)
        said = json.dumps([self.info, episode.said], sort_keys=True, default=str)
        return hashlib.sha256(f"{self._hashes[key]} {said}".encode()).hexdigest()


def _array(column: Any) -> Column:
    """(rows,) or (rows, width)."""
    import pyarrow as pa

    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # an empty column has no chunk
        return np.empty(0)
    if pa.types.is_list(whole.type) or pa.types.is_fixed_size_list(whole.type):
        flat: Column = whole.flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(whole), -1)
    plain: Column = whole.to_numpy(zero_copy_only=False)
    return plain
