"""The capture stamp inside an H.264 frame: exact, escaped, and nobody else's."""

from __future__ import annotations

import struct
from typing import Any

import av
from hypothesis import given
from hypothesis import strategies as st

from transport.frame_stamp import FrameStamp, stamp_in, stamped
from transport.h264 import StreamEncoder
from transport.i420 import black


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1), st.binary(max_size=40))
def test_any_stamp_survives_and_no_start_code_appears(
    captured_ns: int, number: int, picture: bytes
) -> None:
    stamp = FrameStamp(captured_ns, number)
    nal = stamped(b"", stamp)[4:]
    assert b"\x00\x00\x00" not in nal
    assert b"\x00\x00\x01" not in nal
    assert b"\x00\x00\x02" not in nal
    assert stamp_in(stamped(picture, stamp)) == stamp


@given(st.binary(max_size=80))
def test_other_bytes_are_no_stamp(frame: bytes) -> None:
    assert stamp_in(frame) is None
    assert stamp_in(b"\x00\x00\x00\x01\x06" + frame) is None


def test_a_stamp_that_is_cut_off_is_none() -> None:
    whole = stamped(b"", FrameStamp(2**62 + 12345, 7))
    for length in range(len(whole) - 1):
        assert stamp_in(whole[:length]) is None


def test_other_decoders_read_it_as_user_data_of_its_frame() -> None:
    packet = StreamEncoder(64, 48, 30).encode(black(64, 48), FrameStamp(3 << 40, 5), key_frame=True)
    assert packet is not None
    frames: list[Any] = av.CodecContext.create("h264", "r").decode(av.Packet(bytes(packet)))
    data = [bytes(d) for f in frames for d in f.side_data if d.type.name == "SEI_UNREGISTERED"]
    assert struct.pack("!QI", 3 << 40, 5) in [block[16:] for block in data]


def test_each_encoded_frame_has_its_own_stamp_in_front() -> None:
    encoder = StreamEncoder(64, 48, 30)
    picture = black(64, 48)
    seen = []
    for number in range(5):
        stamp = FrameStamp(number * 33_333_333, number)
        packet = encoder.encode(picture, stamp, key_frame=number == 0)
        assert packet is not None
        seen.append(stamp_in(bytes(packet)))
    assert seen == [FrameStamp(n * 33_333_333, n) for n in range(5)]
