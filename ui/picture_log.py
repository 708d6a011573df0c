"""How old the pictures of each camera were at their paint: for the log, and for a session's report.

The window's thread only.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from transport.clock import NS_PER_S
from ui.camera_feed import CameraFeed
from ui.link_figures import percentile_ms

log = logging.getLogger("ui")

LINE_S: Final = 10  # from one line in the log to the next
GATHER_S: Final = 1  # a feed remembers its paints for longer
KEPT: Final = 100_000  # ages of one camera: an hour at 30 per second


@dataclass(frozen=True)
class Shown:
    """One camera over some seconds."""

    camera: str
    ages_ms: Sequence[float]  # none: the robot's clock is not known
    fps: float  # painted


def sentence(cameras: Iterable[Shown]) -> str:
    """A line of the log; empty when nothing was shown."""
    parts, shown, unit = [], False, " old (p50/p99)"
    for each in cameras:
        if not each.fps:
            parts.append(f"{each.camera} none")
            continue
        shown, age = True, "of unknown age"
        if each.ages_ms:
            p50, p99 = (percentile_ms(each.ages_ms, percent) for percent in (50, 99))
            age, unit = f"{p50}/{p99} ms{unit}", ""
        parts.append(f"{each.camera} {age}, {each.fps:.0f} fps")
    return f"pictures: {'; '.join(parts)}" if shown else ""


class PictureLog:
    """Gathers the ages of what is painted, and writes a line about them now and then."""

    def __init__(self, feeds: Iterable[CameraFeed], now_ns: int) -> None:
        self.ages_ms: dict[str, list[float]] = {}  # of the session, by camera
        self._feeds = tuple(feeds)
        self._gathered_ns = self._line_ns = now_ns
        self._new_ms: dict[str, list[float]] = {}  # since the last line
        self._painted: dict[str, int] = {}  # until then
        for feed in self._feeds:
            self.ages_ms[feed.camera], self._new_ms[feed.camera] = [], []
            self._painted[feed.camera] = feed.painted

    def look(self, now_ns: int) -> None:
        """Called several times a second."""
        if now_ns - self._gathered_ns < GATHER_S * NS_PER_S:
            return
        self.gather(now_ns)
        seconds = (now_ns - self._line_ns) / NS_PER_S
        if seconds < LINE_S:
            return
        line = sentence(
            Shown(
                feed.camera,
                self._new_ms[feed.camera],
                (feed.painted - self._painted[feed.camera]) / seconds,
            )
            for feed in self._feeds
        )
        if line:
            log.info("%s", line)
        self._line_ns = now_ns
        for feed in self._feeds:
            self._new_ms[feed.camera] = []
            self._painted[feed.camera] = feed.painted

    def gather(self, now_ns: int) -> None:
        """Take the ages of what was painted since the last time."""
        for feed in self._feeds:
            ages_ms = feed.ages_since_ms(self._gathered_ns)
            self._new_ms[feed.camera] += ages_ms
            kept = self.ages_ms[feed.camera]
            kept += ages_ms[: max(0, KEPT - len(kept))]
        self._gathered_ns = now_ns
