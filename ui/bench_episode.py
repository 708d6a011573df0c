"""A sealed episode of any length for `ui.bench_review`, made by the recorder's own writers.

An operator drives all of it, left and right, with a rest each minute. The pictures are encoded as
at a recording, ten seconds of them, and repeat; each row shows its number as a bar that moves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from recorder.contents import make_manifest
from recorder.episode import (
    FORMAT,
    LOG_FILE,
    MANIFEST_FILE,
    CameraFormat,
    EndedBy,
    Ending,
    Header,
    Label,
    Status,
    camera_file,
    episode_id,
    sealed_json,
)
from recorder.log import CameraRow, LogWriter, RowRecord
from recorder.versions import recording_code, recording_versions
from recorder.video_track import VideoPacket, VideoTrack, VideoWriter
from transport.channels import ROW_HZ, TICK_HZ, TICKS_PER_ROW
from transport.clock import NS_PER_S, wall_time
from transport.i420 import ToI420
from transport.messages import (
    STILL,
    Description,
    Event,
    Mode,
    Outcome,
    Phase,
    Source,
    Tick,
    Twist,
)

CAMERAS: Final = ("front", "ceiling")
DISTINCT_ROWS: Final = 10 * ROW_HZ  # a multiple of a group of pictures
REST: Final = (50, 60)  # s of each minute in which the robot stands


def long_episode(root: Path, seconds: float, width: int = 640, height: int = 480) -> Path:
    """Write an episode of `seconds` with two cameras into the library `root`; its folder.

    Raises:
        OSError: the disk refuses.
    """
    opened = wall_time().isoformat(timespec="milliseconds")
    folder = root / episode_id(round(wall_time().timestamp() * 1000), b"bench-long")
    folder.mkdir(parents=True)
    header = Header(
        format=FORMAT,
        episode=folder.name,
        description=_description(),
        cameras=tuple(CameraFormat(name=name, width=width, height=height) for name in CAMERAS),
        tick_hz=TICK_HZ,
        row_hz=ROW_HZ,
        opened_wall=opened,
        versions=recording_versions(),
        code=recording_code(),
    )
    rows = round(seconds * ROW_HZ)
    packets = list(_packets(width, height))
    for name in CAMERAS:
        video = VideoWriter(folder / camera_file(name), width, height)
        for row in range(rows):
            video.add(packets[row % DISTINCT_ROWS])
        video.finish()
        video.close()
    _write_log(folder, header, rows, [packet.crc32 for packet in packets])
    last = rows * TICKS_PER_ROW - 1
    ending = Ending(
        ended_by=EndedBy.HAND_BACK,
        outcome=Outcome.SUCCESS,
        operator="bench",
        intervention=0,
        start_tick=0,
        end_tick=last,
        labels=(Label(tick=0, kind="takeover", text="", by="bench"),),
    )
    manifest = make_manifest(folder, header, ending, Status.SEALED, opened)
    (folder / MANIFEST_FILE).write_bytes(sealed_json(manifest))
    return folder


def _packets(width: int, height: int) -> Iterator[VideoPacket]:
    """The frames of `DISTINCT_ROWS` rows: a room's worth of edges, and the bar."""
    noise = np.random.default_rng(7).integers(0, 256, (height // 16, width // 16, 3), np.uint8)
    room = np.kron(noise, np.ones((16, 16, 1), np.uint8))
    track, to_i420 = VideoTrack(width, height), ToI420()
    for row in range(DISTINCT_ROWS):
        picture = np.roll(room, row, axis=1)
        picture[: height // 8, : max(1, width * (row + 1) // DISTINCT_ROWS)] = 255
        yield track.encode(to_i420(np.ascontiguousarray(picture)))


def _write_log(folder: Path, header: Header, rows: int, checksums: list[int]) -> None:
    log = LogWriter(folder / LOG_FILE, header)
    for tick in _ticks(rows * TICKS_PER_ROW):
        log.tick(tick)
        if tick.tick % TICKS_PER_ROW == 0:
            row = tick.tick // TICKS_PER_ROW
            shown = CameraRow(
                captured_ns=tick.stamp_ns,
                repeated=False,
                frame_crc32=checksums[row % DISTINCT_ROWS],
            )
            log.row(
                RowRecord(
                    row=row,
                    tick=tick.tick,
                    stamp_ns=tick.stamp_ns,
                    cameras=dict.fromkeys(CAMERAS, shown),
                )
            )
    log.finish()
    log.close()


def _ticks(count: int) -> Iterator[Tick]:
    x = 0.0
    for number in range(count):
        at_s = number / TICK_HZ
        stands = REST[0] <= at_s % 60 < REST[1]
        wish = Twist(forward_mps=0.3 * math.sin(at_s), turn_radps=0.5 * math.cos(at_s / 3))
        applied = STILL if stands else wish
        x += applied.forward_mps / TICK_HZ
        stamp_ns = NS_PER_S + number * NS_PER_S // TICK_HZ
        marker = Event(kind="marker", text=f"{number // (60 * TICK_HZ)}", by="bench")
        yield Tick(
            tick=number,
            stamp_ns=stamp_ns,
            boot_id="bench",
            mode=Mode.TELEOP,
            source=Source.HUMAN,
            phase=Phase.RECOVERY if at_s % 120 < 60 else Phase.CORRECTION,
            intervention=0,
            outcome=Outcome.SUCCESS,
            observation=(x, 0.0, 0.0),
            policy=STILL,
            human=applied,
            requested=applied,
            applied=applied,
            deadman=not stands,
            command_seq=number,
            command_age_ms=60.0 + 40.0 * math.sin(at_s / 7),
            picture_age_ms=31.0,
            observed_ns=stamp_ns,
            received_ns=stamp_ns,
            applied_ns=stamp_ns + 200_000,
            input_ns=0,
            sent_ns=0,
            clock_offset_ns=0,
            clock_error_ns=400_000,
            missed_before=0,
            state=np.array([x, 0.0, 0.0], "<f8").tobytes(),
            events=(marker,) if number and number % (60 * TICK_HZ) == 0 else (),
            operator="bench",
        )


def _description() -> Description:
    return Description(
        robot="bench",
        robot_type="bench",
        site="bench",
        boot_id="bench",
        scenario="bench",
        seed=0,
        scene_sha256="00" * 32,
        task="Drive for a long time",
        tick_hz=TICK_HZ,
        observation_names=("x_m", "y_m", "heading_rad"),
        action_names=("forward_mps", "turn_radps"),
        controller={},
        policy="",
        versions={},
        cameras=CAMERAS,
    )
