"""What a library keeps of replays on hardware."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from recorder.episode import EpisodeError
from recorder.hardware_replays import REPLAYS_FILE, HardwareReplay, note_replay, read_replays
from transport.messages import Outcome

ONE = HardwareReplay(
    wall="2026-03-04T14:32:08.000+00:00",
    episode="01M8XY2K9QABCDEFGHJKMNPQRS",
    manifest_sha256="ab" * 32,
    robot="rover-07",
    speed=0.5,
    played=540,
    actions=540,
    approached=True,
    worst={"x_m": 0.004},
    judged=Outcome.SUCCESS,
    sentence="Played 540 of 540 actions at 50% speed, tracked within 4 mm.",
)


def test_each_replay_is_one_line_and_is_read_back_in_order(tmp_path: Path) -> None:
    other = msgspec.structs.replace(ONE, judged=Outcome.UNLABELLED, worst={})
    note_replay(tmp_path, ONE)
    note_replay(tmp_path, other)
    assert (tmp_path / REPLAYS_FILE).read_bytes().count(b"\n") == 2
    assert read_replays(tmp_path) == [ONE, other]


def test_a_library_without_any_has_none(tmp_path: Path) -> None:
    assert read_replays(tmp_path) == []


def test_what_a_crash_left_of_a_line_does_not_count(tmp_path: Path) -> None:
    note_replay(tmp_path, ONE)
    with (tmp_path / REPLAYS_FILE).open("ab") as stream:
        stream.write(b'{"wall":"2026')
    assert read_replays(tmp_path) == [ONE]
    note_replay(tmp_path, ONE)
    assert read_replays(tmp_path) == [ONE, ONE]


def test_a_line_that_was_edited_is_named(tmp_path: Path) -> None:
    note_replay(tmp_path, ONE)
    (tmp_path / REPLAYS_FILE).write_bytes(b"{}\n")
    with pytest.raises(EpisodeError, match="Line 1 of the replays"):
        read_replays(tmp_path)
