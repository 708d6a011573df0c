"""The capture stamp inside an H.264 frame: exact, escaped, and nobody else's."""

from __future__ import annotations

import av
from hypothesis import given
from hypothesis import strategies as st

from transport.frame_stamp import FrameStamp, stamp_of, stamped
from transport.h264 import StreamEncoder
from transport.i420 import black


def unescaped(nal: bytes) -> bytes:
    return nal.replace(b"\x00\x00\x03", b"\x00\x00")


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1))
def test_any_stamp_survives_and_no_start_code_appears(captured_ns: int, number: int) -> None:
    stamp = FrameStamp(captured_ns, number)
    nal = stamped(b"", stamp)[4:]
    assert b"\x00\x00\x00" not in nal
    assert b"\x00\x00\x01" not in nal
    assert b"\x00\x00\x02" not in nal
    body = unescaped(nal)[3:-1]  # NAL header, payload type and size in front, stop bit behind
    assert stamp_of(body) == stamp


def test_other_user_data_is_not_a_stamp() -> None:
    assert stamp_of(b"x264 - core 164 some settings that x264 writes") is None
    assert stamp_of(b"") is None


def test_a_decoder_gives_each_frame_its_own_stamp() -> None:
    encoder = StreamEncoder(64, 48, 30)
    decoder = av.CodecContext.create("h264", "r")
    picture = black(64, 48)
    seen = []
    for number in range(5):
        stamp = FrameStamp(number * 33_333_333, number)
        packet = encoder.encode(picture, stamp, key_frame=number == 0)
        assert packet is not None
        for frame in decoder.decode(av.Packet(bytes(packet))):
            stamps = [stamp_of(bytes(data)) for data in frame.side_data]
            seen += [s for s in stamps if s is not None]
    assert seen == [FrameStamp(n * 33_333_333, n) for n in range(5)]
