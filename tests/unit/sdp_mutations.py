"""Descriptions with faults in them, for the tests of what refuses them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

HOSTILE = [
    "a=fingerprint:md5 00",
    "a=fingerprint",
    "a=fingerprint:",
    "a=fingerprint:sha-256",
    "a=fingerprint:sha-256 " + ":".join(["0F"] * 32),
    "a=candidate",
    "a=candidate:1 1 udp 1 ::ffff:1.2.3.4 9 typ host",
    "a=candidate:1 1 udp " + "9" * 300 + " 1.2.3.4 9000 typ host",
    "a=candidate:1 1 udp 1 203.0.113.9 49152 typ relay raddr 0.0.0.0 rport 9",
    "a=candidate:1 1 udp 1 203.0.113.9 49152 typ relay raddr : rport 9",
    "a=candidate:1 1 udp 1 203.0.113.9 49152 typ relay raddr 1.2.3.4 rport 99999",
    "a=candidate:1 1 udp 1 203.0.113.9 49152 typ srflx",
    "a=candidate:1 1 tcp 1 203.0.113.9 49152 typ relay raddr 1.2.3.4 rport 9",
    "a=fmtp:99 =;=;=",
    "a=rtpmap:99",
    "a=rtpmap:٣ H264/90000",
    "a=setup:",
    "a=mid:",
    "a=group:",
    "m=video 9 UDP/TLS/RTP/SAVPF 99",
    "m=",
    "a=ssrc:1 cname:",
    "a=extmap:1",
    "c=IN IP4 ",
    "\x00",
    "\u2028",
]


def _another_character(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text))
    return text[:at] + chr(rng.choice([rng.randrange(128), rng.randrange(0x3000)])) + text[at + 1 :]


def _without_a_piece(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text))
    return text[:at] + text[at + rng.randrange(1, 40) :]


def _a_piece_twice(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text))
    return text[:at] + text[at : at + rng.randrange(1, 400)] + text[at:]


def _a_line_elsewhere(text: str, rng: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    line = lines.pop(rng.randrange(len(lines)))
    lines.insert(rng.randrange(len(lines) + 1), line)
    return "".join(lines)


def _a_hostile_line(text: str, rng: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(HOSTILE) + "\r\n")
    return "".join(lines)


def _another_digit(text: str, rng: random.Random) -> str:
    at = [found.start() for found in re.finditer("[0-9A-F]", text)] or [0]
    chosen = rng.choice(at)
    return text[:chosen] + rng.choice("0123456789ABCDEF") + text[chosen + 1 :]


MUTATIONS: list[Callable[[str, random.Random], str]] = [
    _another_character,
    _without_a_piece,
    _a_piece_twice,
    _a_line_elsewhere,
    _a_hostile_line,
    _another_digit,
]


def mutated(text: str, rng: random.Random) -> str:
    """`text`, not empty, with one fault."""
    return rng.choice(MUTATIONS)(text, rng)
