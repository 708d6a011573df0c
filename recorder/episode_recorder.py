"""The recorder as the media process uses it: ticks and pictures in, sealed episodes out.

Composes grid, tracks, pre-roll, segmenter and takes. All methods are called from one thread and
never raise for what a disk does. Encoding happens in the caller; every write and seal of a `Take`
happens on one disk thread, the syncs in between on another. When the disk falls too far behind, the
episode ends as failed; the robot and its video go on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from typing import Final

from recorder.episode import FORMAT, SCENE_RESET, CameraFormat, EndedBy, Ending, Header, episode_id
from recorder.log import CameraRow
from recorder.preroll import Content, EncodedRow, PrerollRing
from recorder.provenance import Custody
from recorder.row_grid import Choice, RowGrid
from recorder.segmenter import Close, Segmenter
from recorder.take import Take
from recorder.versions import recording_code, recording_versions
from recorder.video_track import VideoPacket, VideoTrack
from transport.channels import ROW_HZ, TICK_HZ, TICKS_PER_ROW
from transport.clock import NS_PER_S, wall_time
from transport.i420 import I420
from transport.messages import Description, RecorderPhase, Said, Tick

MIN_FREE_BYTES: Final = 1 << 30
SHOW_SEALED_NS: Final = 5 * NS_PER_S  # how long the status says "sealed"

WAITS_FOR_LABEL: Final = "Waits for a label"
NO_CUSTODY: Final = Custody()  # the site has not said anything


class Heard(Enum):
    """What becomes of something that was said about an episode."""

    RECORDED = "recorded"  # it is in the open episode
    LATER = "later"  # the episode is still driven, or being sealed: say it again afterwards
    NOT_HERE = "not here"  # no open episode: it belongs beside the sealed files


class EpisodeRecorder:
    """Records interventions of one robot, each with what went before it."""

    def __init__(
        self,
        root: Path,
        description: Description,
        cameras: Sequence[CameraFormat],
        *,
        versions: Mapping[str, str] | None = None,
        custody: Custody = NO_CUSTODY,
        gate_sha256: str = "",
        config_sha256: str = "",
        min_free_bytes: int = MIN_FREE_BYTES,
        disk: Executor | None = None,
        syncs: Executor | None = None,
    ) -> None:
        """`disk` and `syncs` run jobs one after the other; by default threads of this recorder."""
        self._root = root
        self._description = description
        self._cameras = tuple(cameras)
        self._versions = {**recording_versions(), **(versions or {})}
        self._code, self._custody = recording_code(), custody
        self._hashes = (gate_sha256, config_sha256)
        self._min_free_bytes = min_free_bytes
        self._disk = disk or ThreadPoolExecutor(1, thread_name_prefix="recorder-disk")
        self._syncs = syncs or ThreadPoolExecutor(1, thread_name_prefix="recorder-sync")
        self._owned = [self._disk] * (disk is None) + [self._syncs] * (syncs is None)
        self._segmenter = Segmenter()
        self._ring = PrerollRing()
        self._take: Take | None = None  # being recorded
        self._closing: list[Take] = []  # waiting for last pictures, or for the disk
        self._new: list[Path] = []
        self._shown = (RecorderPhase.PREROLL, "", 0.0, "")
        self._shown_until_ns: int | None = None
        self._now_ns = 0
        self._open_wanted = False
        self._boot_id = ""
        self._last: Tick | None = None
        self._closed = False
        self._kept_tick = -1  # the last one that an episode of this boot holds
        self.refused_ticks = 0  # not newer than the one before
        self.refused_pictures = 0  # unknown camera, wrong size, not newer than the one before
        self._start_grid()

    def restart(self, description: Description) -> None:
        """The control process started anew: close what is open; stamps and ticks begin again."""
        self._description = description
        self._reset(EndedBy.RESTART)

    def tick(self, tick: Tick) -> None:
        """One control tick. Another boot id is a new robot; an old or repeated tick is refused."""
        if tick.boot_id != self._boot_id:
            if self._last is not None:
                self._reset(EndedBy.RESTART)
            self._boot_id = tick.boot_id
        elif self._last is not None and (
            tick.tick <= self._last.tick or tick.stamp_ns <= self._last.stamp_ns
        ):
            self.refused_ticks += 1
            return
        self._last = tick
        self._now_ns = max(self._now_ns, tick.stamp_ns)
        row = None
        if tick.tick % TICKS_PER_ROW == 0:
            row = self._next_row
            self._next_row += 1
            self._row_ticks[row] = (tick.tick, tick.stamp_ns)
            for grid in self._grids.values():
                grid.add_row(row, tick.stamp_ns)
        self._ring.add_tick(tick, row)
        running = self._take
        if running is not None:
            running.last_ns = tick.stamp_ns
            running.submit(lambda writer: writer.tick(tick))
        for action in self._segmenter.step(tick):
            if isinstance(action, Close):
                self._end(action.ending)
            else:
                self._open_wanted = True
        if any(event.kind == SCENE_RESET for event in tick.events):
            self._ring.clear()  # what was before the jump is no beginning of what comes after it
        if self._open_wanted:
            self._open()
        self._encode()

    def picture(self, camera: str, captured_ns: int, picture: I420) -> None:
        """One picture of a camera, stamped with the robot's clock.

        It is kept until its row is decided, at most 100 ms; the caller must not write to it.
        """
        track = self._tracks.get(camera)
        fits = track is not None and track.fits(picture)
        if fits and self._grids[camera].add_picture(captured_ns, picture):
            self._encode()
        else:
            self.refused_pictures += 1

    def say(self, said: Said) -> Heard:
        """Somebody said something about an episode; see `Heard` for what becomes of it."""
        take = self._take
        if take is not None and take.episode == said.episode and not take.failure:
            label = self._segmenter.say(said.kind, said.text, said.by)
            if label is None:
                return Heard.LATER
            log_ns = take.last_ns
            take.submit(lambda writer: writer.label(label, log_ns))
            return Heard.RECORDED
        if any(one.episode == said.episode for one in self._closing):
            return Heard.LATER
        return Heard.NOT_HERE

    def poll(self, now_ns: int) -> None:
        """Call every few milliseconds: gives late rows up, looks after the disk."""
        self._now_ns = max(self._now_ns, now_ns)
        self._encode()
        self._watch_disk()

    def preroll(self) -> Content | None:
        """What an episode that is opened now would begin with; None before the first key frame."""
        return self._ring.content()

    def status(self) -> tuple[RecorderPhase, str, float, str]:
        """Phase, episode's id, its length in seconds, and a sentence when something is wrong."""
        if self._take is not None and not self._take.failure:
            waits = WAITS_FOR_LABEL if self._segmenter.unlabelled else ""
            return RecorderPhase.RECORDING, self._take.episode, self._take.seconds, waits
        if self._closing:
            take = self._closing[-1]
            return RecorderPhase.RECORDING, take.episode, take.seconds, "Saving"
        until_ns = self._shown_until_ns
        if until_ns is not None and self._now_ns > until_ns:
            _, episode, seconds, _ = self._shown
            return RecorderPhase.PREROLL, episode, seconds, ""
        return self._shown

    def sealed(self) -> list[Path]:
        """Episodes sealed since the last call."""
        self._watch_disk()
        new, self._new = self._new, []
        return new

    def close(self, now_ns: int) -> None:
        """Seal an open episode as ended by shutdown and wait for the disk; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._now_ns = max(self._now_ns, now_ns)
        self._reset(EndedBy.SHUTDOWN)
        for take in self._closing:
            take.wait()
        self._watch_disk()
        for executor in self._owned:
            executor.shutdown(wait=True)

    # --- rows -------------------------------------------------------------------------------------

    def _start_grid(self) -> None:
        self._next_row = 0
        self._emitted = 0
        self._row_ticks: dict[int, tuple[int, int]] = {}
        self._partial: dict[int, dict[str, tuple[CameraRow, VideoPacket]]] = {}
        self._grids: dict[str, RowGrid[I420]] = {c.name: RowGrid() for c in self._cameras}
        self._tracks = {c.name: VideoTrack(c.width, c.height) for c in self._cameras}

    def _encode(self, now_ns: int | None = None) -> None:
        for camera, grid in self._grids.items():
            for choice in grid.decide(self._now_ns if now_ns is None else now_ns):
                self._encode_choice(camera, choice)
        while self._emitted < self._next_row:
            frames = self._partial.get(self._emitted, {})
            if len(frames) < len(self._cameras):
                break
            self._partial.pop(self._emitted, None)
            tick, stamp_ns = self._row_ticks.pop(self._emitted)
            self._emit(EncodedRow(self._emitted, tick, stamp_ns, frames))
            self._emitted += 1

    def _encode_choice(self, camera: str, choice: Choice[I420]) -> None:
        packet = self._tracks[camera].encode(choice.picture)
        shown = CameraRow(
            captured_ns=choice.captured_ns,
            repeated=choice.repeated,
            frame_crc32=packet.crc32,
        )
        self._partial.setdefault(choice.row, {})[camera] = (shown, packet)

    def _emit(self, row: EncodedRow) -> None:
        self._ring.add_row(row)
        if self._take is not None:
            self._take.submit(lambda writer: writer.row(row))
        for take in self._closing:
            if take.ending is not None and row.row <= take.last_row:
                take.submit(lambda writer: writer.row(row))
                self._seal_if_complete(take, row.row)

    # --- episodes ---------------------------------------------------------------------------------

    def _open(self) -> None:
        content = self._ring.content()
        if content is None:
            return  # the first key frame is still to come; tried again at the next tick
        self._open_wanted = False
        now = wall_time()
        # A board without a battery starts in 1970, west of Greenwich even before.
        episode = episode_id(max(0, int(now.timestamp() * 1000)), os.urandom(10))
        times_ns = content.ticks[0].stamp_ns, content.ticks[-1].stamp_ns
        take = Take(episode, content.first_row, *times_ns, self._disk)
        self._take = take
        gate_sha256, config_sha256 = self._hashes
        header = Header(
            format=FORMAT,
            episode=episode,
            description=self._description,
            cameras=self._cameras,
            tick_hz=TICK_HZ,
            row_hz=ROW_HZ,
            opened_wall=now.isoformat(timespec="milliseconds"),
            versions=self._versions,
            code=self._code,
            custody=self._custody,
            gate_sha256=gate_sha256,
            config_sha256=config_sha256,
            overlap_tick=self._kept_tick,
        )

        take.begin(self._root, header, content, self._syncs, self._min_free_bytes)

    def _end(self, ending: Ending) -> None:
        self._open_wanted = False
        take, self._take = self._take, None
        if take is None:
            return
        if self._last is not None and not take.failure:
            self._kept_tick = self._last.tick
        take.ending = ending
        take.last_row = self._next_row - 1
        self._closing.append(take)
        self._seal_if_complete(take, self._emitted - 1)

    def _seal_if_complete(self, take: Take, newest_row: int) -> None:
        ending = take.ending
        if ending is None or newest_row < take.last_row:
            return
        take.ending = None
        take.seal(ending, wall_time().isoformat(timespec="milliseconds"))

    def _reset(self, ended_by: EndedBy) -> None:
        """Close everything; pictures that have not come by now will not come."""
        for action in self._segmenter.close(ended_by):
            if isinstance(action, Close):
                self._end(action.ending)
        self._encode(now_ns=2**62)
        self._open_wanted = False
        self._last = None
        self._kept_tick = -1
        self._now_ns = 0 if not self._closed else self._now_ns
        self._segmenter = Segmenter()
        self._ring.clear()
        self._start_grid()

    # --- disk -------------------------------------------------------------------------------------

    def _watch_disk(self) -> None:
        for take in tuple(self._closing):
            if take.ending is None and take.settled:
                self._closing.remove(take)
                self._show_end(take)
        if self._take is not None and self._take.failure:
            self._show_end(self._take)

    def _show_end(self, take: Take) -> None:
        if take.sealed is not None:
            self._new.append(take.sealed)
            self._shown = (RecorderPhase.SEALED, take.episode, take.seconds, "")
            self._shown_until_ns = self._now_ns + SHOW_SEALED_NS
        else:
            self._shown = (RecorderPhase.FAILED, take.episode, take.seconds, take.failure)
            self._shown_until_ns = None
