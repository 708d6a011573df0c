"""When TCP can hand on what the emulated link carried: the link's packet log, put in order. Pure.

A byte is delivered when it and all before it have arrived, by whichever copy came first. So the
time at which a command reaches the robot's socket is known from the network alone, without asking
the program under test.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.ip_packet import TCP

SEQUENCES = 1 << 32


@dataclass(frozen=True)
class Chunk:
    """One segment with new data: when it set out first, and when TCP could hand it on."""

    sent_ns: int
    delivered_ns: int  # -1: not yet
    size: int


def deliveries(log: Sequence[dict[str, Any]], port: int) -> dict[int, list[Chunk]]:
    """Of each connection to `port`, by its source port: its chunks in the order of the stream."""
    connections: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for packet in log:
        if packet["protocol"] == TCP and packet["target_port"] == port and packet["payload"]:
            connections[packet["source_port"]].append(packet)
    return {source: _in_order(packets) for source, packets in connections.items()}


def _in_order(packets: Sequence[dict[str, Any]]) -> list[Chunk]:
    """Chunks of one connection."""
    base = min(packets, key=lambda packet: packet["in_ns"])["sequence"]

    def span(packet: dict[str, Any]) -> tuple[int, int]:
        begin = (packet["sequence"] - base) % SEQUENCES
        return begin, begin + packet["payload"]

    fresh: list[tuple[int, int, int]] = []  # sent, begin, end
    newest = 0
    for packet in sorted(packets, key=lambda packet: packet["in_ns"]):
        begin, end = span(packet)
        if end > newest and begin < SEQUENCES // 2:  # else it is sent again, or older than the log
            fresh.append((packet["in_ns"], max(begin, newest), end))
            newest = end
    arrived = sorted(
        (packet["out_ns"], *span(packet)) for packet in packets if packet["out_ns"] >= 0
    )
    waiting: list[tuple[int, int]] = []
    complete: list[tuple[int, int]] = []  # bytes handed on, and when
    edge = 0
    for out_ns, begin, end in arrived:
        waiting.append((begin, end))
        before = edge
        for piece_begin, piece_end in sorted(waiting):
            if piece_begin <= edge:
                edge = max(edge, piece_end)
        waiting = [piece for piece in waiting if piece[1] > edge]
        if edge > before:
            complete.append((edge, out_ns))
    return [
        Chunk(sent_ns, next((ns for edge, ns in complete if edge >= end), -1), end - begin)
        for sent_ns, begin, end in fresh
    ]


def delivered_ns(chunks: Sequence[Chunk], sent_ns: int, within_ns: int, size: int) -> int:
    """When what was sent at `sent_ns`, `size` bytes at least, was handed on; -1 when unknown."""
    for chunk in chunks:
        if 0 <= chunk.sent_ns - sent_ns <= within_ns and chunk.size >= size:
            return chunk.delivered_ns
    return -1
