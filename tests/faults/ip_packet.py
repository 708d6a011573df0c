"""What the rig has to know of an IPv4 packet: its ends, its payload, its checksums. Pure."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

TCP = 6
UDP = 17
_CHECKSUM_AT = {TCP: 16, UDP: 6}  # within the transport header


@dataclass(frozen=True)
class Segment:
    """The transport header of a packet, as far as it is needed."""

    protocol: int
    source: str
    source_port: int
    target: str
    target_port: int
    sequence: int  # of TCP, else 0
    payload: int  # bytes


def is_ipv4(packet: bytes) -> bool:
    """Whether this is a complete IPv4 header at least; IPv6 chatter of the kernel is not."""
    return len(packet) >= 20 and packet[0] >> 4 == 4


def segment_of(packet: bytes) -> Segment | None:
    """The transport header; None for what is neither TCP nor UDP."""
    if not is_ipv4(packet) or packet[9] not in _CHECKSUM_AT:
        return None
    head = (packet[0] & 15) * 4
    source_port, target_port = struct.unpack_from("!HH", packet, head)
    sequence = struct.unpack_from("!I", packet, head + 4)[0] if packet[9] == TCP else 0
    return Segment(
        protocol=packet[9],
        source=socket.inet_ntoa(packet[12:16]),
        source_port=source_port,
        target=socket.inet_ntoa(packet[16:20]),
        target_port=target_port,
        sequence=sequence,
        payload=len(packet) - payload_start(packet),
    )


def payload_start(packet: bytes) -> int:
    """Where the payload of TCP or UDP begins; the packet's length when there is none."""
    if not is_ipv4(packet) or packet[9] not in _CHECKSUM_AT:
        return len(packet)
    head = (packet[0] & 15) * 4
    if packet[9] == UDP:
        return head + 8
    return head + (packet[head + 12] >> 4) * 4 if len(packet) > head + 12 else len(packet)


def with_source(packet: bytes, address: str) -> bytes:
    """The same packet from another address, as a NAT sends it on."""
    return checksum_mended(packet[:12] + socket.inet_aton(address) + packet[16:])


def with_target(packet: bytes, address: str) -> bytes:
    """The same packet to another address, as a NAT hands it in."""
    return checksum_mended(packet[:16] + socket.inet_aton(address) + packet[20:])


def source_of(packet: bytes) -> str:
    """Where the packet says that it comes from."""
    return socket.inet_ntoa(packet[12:16])


def target_of(packet: bytes) -> str:
    """Where the packet wants to go."""
    return socket.inet_ntoa(packet[16:20])


def checksum_mended(packet: bytes) -> bytes:
    """The packet with the checksums of IP and of TCP or UDP computed anew."""
    mended = bytearray(packet)
    head = (packet[0] & 15) * 4
    mended[10:12] = b"\0\0"
    struct.pack_into("!H", mended, 10, _checksum(bytes(mended[:head])))
    place = _CHECKSUM_AT.get(packet[9])
    if place is None:
        return bytes(mended)
    at = head + place
    mended[at : at + 2] = b"\0\0"
    pseudo = packet[12:20] + struct.pack("!BBH", 0, packet[9], len(packet) - head)
    found = _checksum(pseudo + bytes(mended[head:]))
    struct.pack_into("!H", mended, at, found or 0xFFFF)  # a UDP checksum of 0 means "none"
    return bytes(mended)


def _checksum(raw: bytes) -> int:
    """RFC 1071, the one's complement of the one's complement sum."""
    if len(raw) % 2:
        raw += b"\0"
    total: int = sum(struct.unpack(f"!{len(raw) // 2}H", raw))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total
