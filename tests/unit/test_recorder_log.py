"""The log gives back what was written, at whatever byte it was cut, and nothing else."""

import math
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.episode import FORMAT, EpisodeError, Header
from recorder.log import CameraRow, LogReader, LogWriter, RowRecord
from recorder.versions import recording_code
from tests.unit.recorder_support import CAMERAS, description, session
from transport.messages import Tick, Twist


def header() -> Header:
    return Header(
        format=FORMAT,
        episode="01K0000000000000000000000Z",
        description=description(),
        cameras=CAMERAS,
        tick_hz=60,
        row_hz=30,
        opened_wall="2026-01-01T00:00:00+00:00",
        versions={},
        code=recording_code(),
    )


def write(path: Path, ticks: list[Tick]) -> None:
    log = LogWriter(path, header())
    for tick in ticks:
        log.tick(tick)
        if tick.tick % 2 == 0:
            shown = CameraRow(captured_ns=tick.stamp_ns, repeated=False, frame_crc32=tick.tick)
            cameras = {"front": shown, "rear": shown}
            log.row(
                RowRecord(
                    row=tick.tick // 2, tick=tick.tick, stamp_ns=tick.stamp_ns, cameras=cameras
                )
            )
    log.finish()
    log.close()


def test_everything_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "log.mcap"
    ticks = list(session())
    write(path, ticks)
    log = LogReader(path)
    assert log.header() == header()
    assert list(log.ticks()) == ticks
    assert [row.row for row in log.rows()] == list(range(len(ticks) // 2))
    events = [m for m in log.messages() if m.topic == "/event"]
    assert len(events) == 4


def test_other_tools_read_it(tmp_path: Path) -> None:
    from mcap.reader import make_reader

    path = tmp_path / "log.mcap"
    write(path, list(session()))
    with path.open("rb") as stream:
        reader = make_reader(stream, validate_crcs=True)
        topics = {channel.topic for _, channel, _ in reader.iter_messages()}
        summary = reader.get_summary()
    assert topics == {"/tick", "/state", "/row", "/event"}
    assert summary is not None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.binary(max_size=64),
)
def test_floats_and_states_are_exact(
    tmp_path_factory: pytest.TempPathFactory, seen: list[float], speed: float, state: bytes
) -> None:
    path = tmp_path_factory.mktemp("log") / "log.mcap"
    tick = msgspec.structs.replace(
        next(session()),
        observation=tuple(seen),
        applied=Twist(forward_mps=speed, turn_radps=-speed),
        state=state,
    )
    write(path, [tick])
    assert list(LogReader(path).ticks()) == [tick]


def test_a_sensor_that_reads_nan_stays_nan(tmp_path: Path) -> None:
    path = tmp_path / "log.mcap"
    tick = msgspec.structs.replace(next(session()), observation=(math.nan, 1.5, 2.5))
    write(path, [tick])
    (back,) = LogReader(path).ticks()
    assert math.isnan(back.observation[0])
    assert back.observation[1:] == (1.5, 2.5)
    assert back.state == tick.state


def test_cut_anywhere_the_lenient_reader_gives_a_prefix(tmp_path: Path) -> None:
    whole, cut = tmp_path / "log.mcap", tmp_path / "cut.mcap"
    ticks = list(session(before=10, wait=10, drive=60, after=10))
    write(whole, ticks)
    data = whole.read_bytes()
    counts = []
    for size in range(0, len(data), 211):
        cut.write_bytes(data[:size])
        read = list(LogReader(cut, lenient=True).ticks())
        assert read == ticks[: len(read)]
        counts.append(len(read))
        with pytest.raises(EpisodeError):
            list(LogReader(cut).ticks())
    assert counts == sorted(counts)
    assert counts[-1] >= len(ticks) - 1


def test_flipped_bits_are_never_read_as_ticks(tmp_path: Path) -> None:
    whole, hurt = tmp_path / "log.mcap", tmp_path / "hurt.mcap"
    ticks = list(session(before=10, wait=10, drive=60, after=10))
    write(whole, ticks)
    data = whole.read_bytes()
    for at in range(8, len(data), 173):
        spoiled = bytearray(data)
        spoiled[at] ^= 1 << (at % 8)
        hurt.write_bytes(bytes(spoiled))
        read = list(LogReader(hurt, lenient=True).ticks())
        assert read == ticks[: len(read)]


def test_a_missing_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(EpisodeError, match="missing"):
        list(LogReader(tmp_path / "log.mcap").ticks())


def test_a_log_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.mcap").mkdir()
    with pytest.raises(EpisodeError, match=r"cannot be read .*log\.mcap"):
        list(LogReader(tmp_path / "log.mcap").ticks())


@pytest.mark.parametrize("opcode", [0x86, 0x07], ids=["of no record", "of an index"])
def test_what_follows_a_chunk_that_is_passed_over_is_not_read(tmp_path: Path, opcode: int) -> None:
    path = tmp_path / "log.mcap"
    ticks = list(session(before=10, wait=10, drive=60, after=10))
    write(path, ticks)
    data = bytearray(path.read_bytes())
    data[chunk_offsets(data)[4]] = opcode
    path.write_bytes(bytes(data))
    read = list(LogReader(path, lenient=True).ticks())
    assert read == ticks[: len(read)]
    assert 4 < len(read) < 40


def test_a_header_with_another_letter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.mcap"
    write(path, list(session(before=2, wait=0, drive=0, after=0)))
    path.write_bytes(path.read_bytes().replace(b"rover-1", b"rover-2", 1))
    with pytest.raises(EpisodeError, match="header is damaged"):
        LogReader(path, lenient=True).header()


def chunk_offsets(data: bytearray) -> list[int]:
    """Where the chunks of a log begin."""
    found, at = [], 8
    while at < len(data) - 8:
        if data[at] == 6:
            found.append(at)
        at += 9 + int.from_bytes(data[at + 1 : at + 9], "little")
    return found
