"""The records of an MCAP file one after the other, as bytes; indexes are passed over.

With chunks of 4 KiB most of a file's records are indexes, and reading in order needs none of them.
By hand this takes a third of what record objects take, and nothing that is checked is left out:
magic, lengths, the checksum of every chunk and the one over the whole data section. Whatever is not
as it was written raises one of `damage()`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from typing import Any, BinaryIO, Final, NamedTuple
from zlib import crc32

HEADER: Final = 1
FOOTER: Final = 2
SCHEMA: Final = 3
CHANNEL: Final = 4
MESSAGE: Final = 5
CHUNK: Final = 6
MESSAGE_INDEX: Final = 7
ATTACHMENT: Final = 9
STATISTICS: Final = 11
METADATA: Final = 12
DATA_END: Final = 15

# Anything else before the end of the data is a damaged opcode, most likely of a chunk.
_DATA: Final = frozenset(
    {HEADER, SCHEMA, CHANNEL, CHUNK, MESSAGE_INDEX, ATTACHMENT, METADATA, DATA_END}
)

_MAGIC: Final = b"\x89MCAP0\r\n"
_LIMIT: Final = 64 * 1024 * 1024  # bytes; a longer record, or chunk unpacked, is none of ours
_RECORD: Final = struct.Struct("<BQ")  # opcode, length
_MESSAGE: Final = struct.Struct("<BQHIQQ")  # the same, channel, sequence, log and publish time
_CHUNK: Final = struct.Struct("<QQQII")  # first and last time, size, CRC, length of the name
_INDEX: Final = struct.Struct("<HI")  # channel, length of what follows
_U64: Final = struct.Struct("<Q")
_U32: Final = struct.Struct("<I")


class Message(NamedTuple):
    """One message as it lies in the file."""

    topic: str
    sequence: int
    log_ns: int
    data: bytes


def records(stream: BinaryIO, *, check: bool) -> Iterator[tuple[int, bytes]]:
    """(opcode, body) of each record up to the footer; `check` the data section's checksum, too."""
    crc, in_data = 0, True
    head = stream.read(len(_MAGIC))
    if head != _MAGIC:
        raise ValueError("this is no MCAP file")
    while True:
        if check:
            crc = crc32(head, crc)
        head = stream.read(_RECORD.size)
        opcode, length = _RECORD.unpack(head)
        if length > _LIMIT:
            raise ValueError(f"a record of {length} bytes")
        body = stream.read(length)
        if len(body) != length:
            raise ValueError("a record is cut short")
        if in_data and opcode == MESSAGE_INDEX:  # most records are
            if _INDEX.unpack_from(body)[1] != length - _INDEX.size:
                raise ValueError("an index that is none")
        elif in_data and opcode not in _DATA:  # of a chunk, most likely: it is not passed over
            raise ValueError(f"record {opcode} among the data")
        if opcode == DATA_END:
            in_data = False
            (written,) = _U32.unpack_from(body)
            if check and written not in (0, crc):
                raise ValueError("the data section's CRC is wrong")
        yield opcode, body
        if opcode == FOOTER:
            if stream.read(len(_MAGIC)) != _MAGIC:
                raise ValueError("the end is missing")
            return
        head += body


def chunk_messages(body: bytes, topics: dict[int, str], zstd: Any) -> list[Message]:
    """Messages of one chunk after its CRC; `topics` (channel: topic) learns of its channels."""
    data = _decompressed(body, zstd)
    messages: list[Message] = []
    new = tuple.__new__  # a third of what Message's own takes
    at = 0
    while at < len(data):
        if data[at] == MESSAGE:  # nearly always: read in one go
            _, length, channel, sequence, log_ns, _ = _MESSAGE.unpack_from(data, at)
            end = at + _RECORD.size + length
            fields = (topics[channel], sequence, log_ns, data[at + _MESSAGE.size : end])
            messages.append(new(Message, fields))
        else:
            opcode, length = _RECORD.unpack_from(data, at)
            end = at + _RECORD.size + length
            if opcode == CHANNEL:
                note_channel(data[at + _RECORD.size : end], topics)
        at = end
    return messages


def note_channel(body: bytes, topics: dict[int, str]) -> None:
    """Add a channel's topic."""
    from mcap.records import Channel

    channel = Channel.read(_stream_of(body))
    topics[channel.id] = channel.topic


def message_count(body: bytes) -> int:
    """How many messages a statistics record counts."""
    (count,) = _U64.unpack_from(body)
    return int(count)


def metadata(body: bytes) -> tuple[str, dict[str, str]]:
    """(name, content) of a metadata record."""
    from mcap.records import Metadata

    record = Metadata.read(_stream_of(body))
    return record.name, record.metadata


@cache
def damage() -> tuple[type[Exception], ...]:
    """What reading raises for bytes that are not what was written."""
    import zstandard
    from mcap.exceptions import McapError

    return (
        McapError,
        zstandard.ZstdError,
        struct.error,
        ValueError,  # also UTF-8
        OverflowError,
        MemoryError,  # a damaged length
        KeyError,
    )


def _decompressed(body: bytes, zstd: Any) -> bytes:
    _, _, size, crc, named = _CHUNK.unpack_from(body)
    at = _CHUNK.size + named
    compression = body[_CHUNK.size : at]
    (length,) = _U64.unpack_from(body, at)
    data = body[at + _U64.size : at + _U64.size + length]
    if compression == b"zstd":
        data = _unpacked(data, size, zstd)
    elif compression:
        raise ValueError(f"compression {compression!r} is unknown")
    if crc and crc32(data) != crc:
        raise ValueError("a chunk's CRC is wrong")
    return data


def _unpacked(data: bytes, size: int, zstd: Any) -> bytes:
    """What `data` was before zstd; never more than `size` bytes, as the chunk itself says."""
    from zstandard import frame_content_size

    # The frame's own word comes before the limit that decompress is given: 30 kB can say 4 GiB.
    # Minus one: it says nothing, and the limit counts.
    if size > _LIMIT or frame_content_size(data) not in (size, -1):
        raise ValueError(f"a chunk that would be {max(size, frame_content_size(data))} bytes")
    unpacked: bytes = zstd.decompress(data, size)
    return unpacked


def _stream_of(data: bytes) -> Any:
    from io import BytesIO

    from mcap.data_stream import ReadDataStream

    return ReadDataStream(BytesIO(data))
