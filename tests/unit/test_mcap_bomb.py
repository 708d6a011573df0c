"""A chunk that unpacks to very much, whatever it says of itself, is refused and not unpacked."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from zstandard import ZstdCompressor, ZstdDecompressor

from recorder.mcap_records import MESSAGE, Message, chunk_messages, damage

MUCH = 300 << 20  # bytes, of which zstd makes 30 kB
LIMIT = 64 << 20


def chunk(size: int, packed: bytes) -> bytes:
    """A chunk's record: its times, what it says of its size, no CRC, what it holds."""
    return struct.pack("<QQQII4sQ", 0, 0, size, 0, 4, b"zstd", len(packed)) + packed


def packed(size: int, *, told: bool) -> bytes:
    one_record = struct.pack("<BQ", 0, size - 9) + bytes(size - 9)
    made = ZstdCompressor(write_content_size=told).compress(one_record)
    assert len(made) < 100_000
    return made


@pytest.mark.parametrize(
    ("size", "told"),
    [(MUCH, True), (MUCH, False), (1000, True), (1000, False), (LIMIT + 1, True)],
)
def test_a_bomb_costs_no_more_memory_than_a_chunk_may(size: int, told: bool) -> None:
    body = chunk(size, packed(MUCH, told=told))
    zstd = ZstdDecompressor()
    tracemalloc.start()
    try:
        with pytest.raises(damage()):
            chunk_messages(body, {}, zstd)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= LIMIT + (1 << 20)


@pytest.mark.parametrize("told", [True, False])
def test_an_honest_chunk_is_unpacked(told: bool) -> None:
    record = struct.pack("<BQHIQQ", MESSAGE, 22 + 5, 1, 7, 8, 9) + b"hello"
    body = chunk(len(record), ZstdCompressor(write_content_size=told).compress(record))
    assert chunk_messages(body, {1: "topic"}, ZstdDecompressor()) == [
        Message("topic", 7, 8, b"hello")
    ]
