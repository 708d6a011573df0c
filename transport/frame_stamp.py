"""The capture stamp that travels inside each encoded frame.

Pure. The stamp is an H.264 SEI message of type `user_data_unregistered` (ITU-T H.264 D.1.6) under a
UUID of our own, put in front of the frame's NAL units. It survives packetising, retransmission and
remuxing, needs no second channel that could run ahead or behind, and other decoders ignore it. It
is read from the encoded bytes: to ask PyAV for a decoded frame's side data makes a cycle of
references, which keeps each frame until the garbage collector comes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_UUID = bytes.fromhex("8f6d1c0e5b7a4d0c9a3e75f2b6c1d904")
_BODY = struct.Struct("!QI")  # captured_ns, number
_NAL_SEI = 6
_SEI_USER_DATA_UNREGISTERED = 5
_STOP_BIT = b"\x80"
_FRONT = b"\x00\x00\x00\x01" + bytes([_NAL_SEI])
_HEAD = bytes([_SEI_USER_DATA_UNREGISTERED, len(_UUID) + _BODY.size]) + _UUID


@dataclass(frozen=True)
class FrameStamp:
    """When a frame was captured (robot's monotonic clock) and its number at the camera."""

    captured_ns: int
    number: int


def stamped(packet: bytes, stamp: FrameStamp) -> bytes:
    """The Annex B bytes of one frame with the stamp in front."""
    body = _BODY.pack(stamp.captured_ns, stamp.number & 0xFFFFFFFF)
    return _FRONT + _escaped(_HEAD + body + _STOP_BIT) + packet


def stamp_in(frame: bytes) -> FrameStamp | None:
    """The stamp in front of a frame, Annex B; None when there is none of ours."""
    if not frame.startswith(_FRONT):
        return None
    message = _unescaped(frame[len(_FRONT) : len(_FRONT) + 2 * len(_HEAD) + 2 * _BODY.size])
    if not message.startswith(_HEAD) or len(message) < len(_HEAD) + _BODY.size:
        return None
    captured_ns, number = _BODY.unpack_from(message, len(_HEAD))
    return FrameStamp(captured_ns, number)


def _escaped(rbsp: bytes) -> bytes:
    """Emulation prevention (H.264 7.4.1): no start code may appear inside a NAL unit."""
    out = bytearray()
    zeros = 0
    for byte in rbsp:
        if zeros == 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def _unescaped(nal: bytes) -> bytes:
    return nal.replace(b"\x00\x00\x03", b"\x00\x00")
