"""Finding, opening and verifying sealed episodes.

Readers only: nothing here changes an episode. Every error is an `EpisodeError` that names the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from recorder.annotations import ANNOTATIONS_FILE, History, read_history
from recorder.contents import Takeover, count_log
from recorder.driven import PLANAR, values_of
from recorder.durable import sha256_of
from recorder.episode import (
    BROKEN_SUFFIX,
    FORGETTING_SUFFIX,
    LOG_FILE,
    MANIFEST_FILE,
    RECORDING_SUFFIX,
    RECOVERING_SUFFIX,
    TORN_DIR,
    VERDICT_FILE,
    CameraEntry,
    EpisodeError,
    Manifest,
    Status,
    parse_manifest,
)
from recorder.labels import Labels, labels_of
from recorder.log import LogReader, RowRecord
from recorder.verdict import Verdict, out_of_date, parse_verdict
from recorder.video_track import Image, count_frames, read_frames
from transport.messages import AnnotationKind, Mode, Tick

States = npt.NDArray[np.float64]

# What lies beside the sealed files, without a hash in the manifest.
_COMPANIONS: Final = frozenset({MANIFEST_FILE, VERDICT_FILE, ANNOTATIONS_FILE, TORN_DIR})


class Episode:
    """One sealed episode; made by `open_episode`."""

    def __init__(self, path: Path, manifest: Manifest, manifest_sha256: str) -> None:
        self.path = path
        self.manifest = manifest
        self.manifest_sha256 = manifest_sha256  # of the file, lower-case hex

    @property
    def id(self) -> str:
        """The episode's ULID."""
        return self.manifest.episode

    @cached_property
    def history(self) -> History:
        """What was said after the sealing, as it stood when first asked for.

        Raises:
            EpisodeError: it is damaged or was edited.
        """
        return read_history(self.path, self.manifest_sha256)

    @cached_property
    def labels(self) -> Labels:
        """The labels that count, as they stood when first asked for; raises as `history` does."""
        manifest = self.manifest
        return labels_of(manifest.ending, manifest.description.task, self.history.annotations)

    def ticks(self) -> Iterator[Tick]:
        """Every control tick with its state, in order, read as you go."""
        return LogReader(self.path / LOG_FILE).ticks()

    def rows(self) -> Iterator[RowRecord]:
        """Every row in order; row k is frame k of every camera."""
        return LogReader(self.path / LOG_FILE).rows()

    def states(self) -> States:
        """Complete states, (ticks with a state, state size); (0, 0) when the robot gives none."""
        states = [np.frombuffer(tick.state, "<f8") for tick in self.ticks() if tick.state]
        if len({state.size for state in states}) > 1:
            raise EpisodeError("States differ in size", self.path / LOG_FILE, "Leave it out.")
        return np.stack(states).astype(np.float64) if states else np.empty((0, 0))

    def actions(self) -> npt.NDArray[np.float64]:
        """Applied actions, (ticks, axes), in the order of the description's action names."""
        names = self.manifest.description.action_names or PLANAR
        applied = [values_of(tick.applied, names) for tick in self.ticks()]
        return np.array(applied, np.float64).reshape(-1, len(names))

    def camera(self, name: str) -> CameraEntry:
        """The manifest's entry of a camera."""
        for camera in self.manifest.cameras:
            if camera.name == name:
                return camera
        known = ", ".join(c.name for c in self.manifest.cameras) or "none"
        raise EpisodeError(f"No camera {name!r}", self.path, f"Cameras of this episode: {known}.")

    def frames(self, camera: str) -> Iterator[Image]:
        """Decoded frames of a camera, (height, width, 3) RGB; frame k belongs to row k."""
        path = self.path / self.camera(camera).file
        shown = 0
        for image in read_frames(path) if self.manifest.rows else ():
            shown += 1
            yield image
        if shown != self.manifest.rows:
            raise EpisodeError(
                f"Video ends after {shown} of {self.manifest.rows} frames",
                path,
                "Restore it from a copy.",
            )

    def verdict(self) -> Verdict | None:
        """What the last replay found; None when there was none."""
        path = self.path / VERDICT_FILE
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return None
        return parse_verdict(raw, path)

    def doubt(self, verdict: Verdict) -> str:
        """Why `verdict` says nothing about this episode as it is now; empty: it is up to date."""
        return out_of_date(verdict, self.manifest_sha256, self.labels.outcome)

    def verify(self) -> None:
        """Compare every file with the manifest, count again, and read the history of its labels.

        Raises:
            EpisodeError: something is not as it was sealed, or as it was said.
        """
        for entry in self.manifest.files:
            path = self.path / entry.name
            if not path.is_file():
                raise EpisodeError("File is missing", path, "Restore it from a copy.")
            if path.stat().st_size != entry.bytes or sha256_of(path) != entry.sha256:
                raise EpisodeError(
                    "File is not the one that was sealed", path, "Restore it from a copy."
                )
        takeover = Takeover(self.manifest.ending.start_tick)
        names = (camera.name for camera in self.manifest.cameras)
        ticks, rows = count_log(self.path / LOG_FILE, names, takeover)
        if (ticks.ticks, rows.rows) != (self.manifest.counts.ticks, self.manifest.rows):
            raise EpisodeError(
                f"Log holds {ticks.ticks} ticks and {rows.rows} rows, the manifest says "
                f"{self.manifest.counts.ticks} and {self.manifest.rows}",
                self.path / LOG_FILE,
                "The manifest was edited; restore it from a copy.",
            )
        told = (takeover.start, takeover.consent)
        if told != (self.manifest.start, self.manifest.consent):
            raise self._edited("Start or consent")
        self._verify_ending()
        for camera in self.manifest.cameras:
            frames = count_frames(self.path / camera.file) if self.manifest.rows else 0
            if frames != self.manifest.rows:
                raise EpisodeError(
                    f"{frames} frames for {self.manifest.rows} rows",
                    self.path / camera.file,
                    "Restore it from a copy.",
                )
        read_history(self.path, self.manifest_sha256)
        self._verify_names()

    def _verify_names(self) -> None:
        """Nothing may have come from another episode, or beside it."""
        if self.path.resolve().name != self.id:
            raise EpisodeError(
                f"Folder holds episode {self.id}", self.path, "Give it its name back."
            )
        known = _COMPANIONS | {entry.name for entry in self.manifest.files}
        for path in sorted(self.path.iterdir()):
            if path.name not in known and path.name.removesuffix(".tmp") not in _COMPANIONS:
                raise EpisodeError(
                    "File does not belong to the episode", path, "Move it to another place."
                )

    def _verify_ending(self) -> None:
        """The manifest's story has to be the one that the log's events tell."""
        ending = self.manifest.ending
        if ending.start_tick < 0:
            return
        # After an episode of the longest length the next one begins within an intervention.
        goes_on = not any(
            label.kind == "takeover" and label.tick < ending.start_tick for label in ending.labels
        )
        begins, driven, first = False, False, True
        marks: list[str] = []
        for tick in self.ticks():
            if first and ending.start_tick < tick.tick:
                # Taken over before the first picture: there was nothing to record it beside.
                begins = tick.intervention == ending.intervention
            first = False
            kinds = {event.kind: event.text for event in tick.events}
            if tick.tick == ending.start_tick:
                begins = "takeover" in kinds or (
                    tick.mode is Mode.TELEOP and (goes_on or not driven)
                )
            if ending.start_tick <= tick.tick <= ending.end_tick:
                said = (kinds.get("outcome"), kinds.get("hand_back"))
                marks += [text for text in said if text]
            driven = tick.mode is Mode.TELEOP
        # Said through the recorder, which takes an outcome only after the hand-back.
        labels = LogReader(self.path / LOG_FILE).labels()
        marks += [label.text for label in labels if label.kind == AnnotationKind.OUTCOME]
        labelled = self.manifest.status is Status.SEALED  # a recovered one carries no label
        if not begins or (labelled and marks and marks[-1] != ending.outcome):
            raise self._edited("Start or outcome")

    def _edited(self, what: str) -> EpisodeError:
        return EpisodeError(
            f"{what} in the manifest is not what the log tells",
            self.path / MANIFEST_FILE,
            "It was edited; restore it from a copy.",
        )


def open_episode(path: Path) -> Episode:
    """Open the sealed episode in folder `path`; raises `EpisodeError`."""
    manifest_path = path / MANIFEST_FILE
    try:
        raw = manifest_path.read_bytes()
    except FileNotFoundError as error:
        raise _not_an_episode(path) from error
    except OSError as error:
        raise EpisodeError(
            f"Manifest cannot be read ({error.strerror})", manifest_path, "Check its permissions."
        ) from error
    manifest = parse_manifest(raw, manifest_path)
    for entry in manifest.files:
        if Path(entry.name).name != entry.name:  # a manifest from elsewhere must not lead outside
            raise EpisodeError(
                f"Manifest names a file outside ({entry.name!r})", manifest_path, "Do not use it."
            )
    sealed = {entry.name for entry in manifest.files}
    for camera in manifest.cameras:
        if camera.file not in sealed:
            raise EpisodeError(
                f"Manifest has no hash for {camera.file!r}", manifest_path, "Do not use it."
            )
    return Episode(path, manifest, sha256(raw).hexdigest())


def list_episodes(root: Path) -> list[Path]:
    """Episodes under `root`, oldest first; empty when there is no such folder.

    Judged by content, so that one that lost its manifest is not passed over: opening it says so.
    Left out are episodes being recorded and what a recovery has set aside.
    """
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if path.is_dir() and is_kept(path))


def is_kept_name(name: str) -> bool:
    """Whether a folder of this name may hold a sealed episode."""
    away = (RECORDING_SUFFIX, RECOVERING_SUFFIX, BROKEN_SUFFIX, FORGETTING_SUFFIX)
    return not name.endswith(away)


def is_kept(path: Path) -> bool:
    """Whether folder `path` holds a sealed episode, or what is left of one."""
    if not is_kept_name(path.name):
        return False
    if (path / MANIFEST_FILE).exists() or (path / LOG_FILE).exists():
        return True
    return any(path.glob("cam_*.mkv"))


def _not_an_episode(path: Path) -> EpisodeError:
    if not path.exists():
        return EpisodeError("No such folder", path, "List episodes with `unstick episodes`.")
    if path.name.endswith(RECORDING_SUFFIX):
        return EpisodeError(
            "Episode is not sealed",
            path,
            "It is being recorded, or its recorder crashed: start the robot's agent to recover it.",
        )
    return EpisodeError(
        "Folder is no episode (no manifest.json)", path, "Give the folder of a sealed episode."
    )
