"""Every channel of a robot in one table: port, direction, rate, and when its data has expired.

A robot has one base port; channel k listens at base + offset. Data older than `ttl_ms` is not "the
last value", it is absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DEFAULT_PORT: Final = 7600

TICK_HZ: Final = 60  # control ticks; a multiple of ROW_HZ, so that each picture falls on a tick
ROW_HZ: Final = 30  # rows of an episode and pictures of each camera
TICKS_PER_ROW: Final = TICK_HZ // ROW_HZ
COMMAND_HZ: Final = 60
STATE_HZ: Final = 30
WATCH_HZ: Final = 5
MEDIA_STATE_HZ: Final = 5


@dataclass(frozen=True)
class Channel:
    """One kind of traffic and the port it has."""

    name: str
    offset: int  # from the robot's base port
    rate_hz: float  # 0: when something happens
    ttl_ms: int  # 0: does not expire
    max_bytes: int  # larger messages are refused


COMMANDS: Final = Channel("commands", 0, COMMAND_HZ, 300, 1024)
# 900 ms, and a frame until the window has looked: that a robot is silent shows within a second.
STATE: Final = Channel("state", 1, STATE_HZ, 900, 64 * 1024)
STOP: Final = Channel("stop", 2, 0, 0, 256)
REQUESTS: Final = Channel("requests", 3, 0, 0, 64 * 1024)
VIDEO: Final = Channel("video", 4, 0, 0, 128 * 1024)
MEDIA_STATE: Final = Channel("media state", 5, MEDIA_STATE_HZ, 3000, 64 * 1024)
BUS: Final = Channel("robot bus", 6, TICK_HZ, 0, 1024 * 1024)
PAIRING: Final = Channel("pairing", 7, 0, 0, 4 * 1024)  # open only while `unstick pair` runs

ARCHIVE: Final = Channel("archive", 8, 0, 0, 512 * 1024)  # what is fetched before driving

# What a listener on STATE asks for; each is one connection. The beat is the state's stamp alone, a
# twelfth of its bytes: on a second connection it keeps commands fresh while the first repairs a
# loss, at a quarter of the rate that a second state would take. The watch is the whole state at
# `WATCH_HZ`, for whoever looks at a hundred robots.
STATES: Final = b"s"
BEATS: Final = b"b"
WATCHES: Final = b"w"

CHANNELS: Final = (COMMANDS, STATE, STOP, REQUESTS, VIDEO, MEDIA_STATE, BUS, PAIRING, ARCHIVE)
