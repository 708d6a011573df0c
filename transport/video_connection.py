"""One connection of a console: what has come over it, when it stops, and its end.

Belongs to the link's event loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Final

from aiortc import RTCPeerConnection
from aiortc.stats import RTCTransportStats

from transport.clock import NS_PER_MS, now_ns
from transport.video_intake import FrameIntake

log = logging.getLogger("video")

NO_PICTURE_MS: Final = 2_000  # without a frame for so long the connection is made anew
# Without a packet of any kind the link is down or this machine has another address: no need to wait
# as long. A robot sends reports (RTCP) every 0.5 to 1.5 s even when its cameras stand still.
QUIET_MS: Final = 200  # without a frame for so long packets are counted
SILENT_MS: Final = 800  # without a packet after that
# Pictures that come back after a blackout may stop again at once: what was lost in it is missing.
PROBATION_MS: Final = 2_000  # from the first of them on
GAP_MS: Final = 500  # meanwhile no pause is longer, or the connection is made anew after all
CLOSE_S: Final = 2.0  # what closing a connection may take before it is left to itself


class Pictures:
    """What has come over one connection."""

    def __init__(self, connection: RTCPeerConnection) -> None:
        self.connection = connection
        self.newest_ns: dict[str, int] = {}  # when each camera's newest frame was decoded
        self.intakes: dict[str, FrameIntake] = {}
        self.size: dict[str, tuple[int, int]] = {}  # of each camera's newest frame
        self.tending: list[asyncio.Future[None]] = []
        self.confirmed = False  # both ends have said that pictures flow
        self.retired = False  # from then on none of its pictures is shown
        self.showing = threading.Lock()  # held by a decoder's thread while it shows one
        self._heard_ns = 0  # when something arrived last, pictures or not
        self._packets = 0

    def all_newer_than(self, stamp_ns: int) -> bool:
        """Whether each camera has shown something since."""
        return min(self.newest_ns.values()) > stamp_ns

    def stand_still(self, stamp_ns: int) -> bool:
        """Whether no camera has shown anything for a while."""
        return stamp_ns - max(self.newest_ns.values()) > QUIET_MS * NS_PER_MS

    async def until_it_stops(self, revived_ns: int) -> None:
        """Until a camera shows nothing new, or nothing at all arrives any more.

        `revived_ns` is when the pictures came back by themselves; 0: they are of a new connection.
        """
        self._heard_ns = now_ns()
        while self.connection.connectionState not in ("failed", "closed"):
            stamp_ns = now_ns()
            probation = stamp_ns - revived_ns < PROBATION_MS * NS_PER_MS
            patience_ms = GAP_MS if probation else NO_PICTURE_MS
            if stamp_ns - min(self.newest_ns.values()) > patience_ms * NS_PER_MS:
                return
            if self.stand_still(stamp_ns):
                await self._listen(stamp_ns)
                if stamp_ns - self._heard_ns > SILENT_MS * NS_PER_MS:
                    return
            else:
                self._heard_ns = stamp_ns
            await asyncio.sleep(0.05)

    def retire(self) -> None:
        """Show none of its pictures from here on."""
        with self.showing:
            self.retired = True
        for task in self.tending:
            task.cancel()

    async def close(self) -> None:
        """Close the connection, within `CLOSE_S`."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self.connection.close()
        except TimeoutError:  # the relay is asked to free its port for 31 s, and then let go
            log.info("a relay did not take leave within %s s", CLOSE_S)
        await asyncio.gather(*self.tending, return_exceptions=True)

    async def _listen(self, stamp_ns: int) -> None:
        """Take note whether packets of any kind have arrived since the last time."""
        report = await self.connection.getStats()
        packets = sum(
            part.packetsReceived for part in report.values() if isinstance(part, RTCTransportStats)
        )
        if packets != self._packets:
            self._packets, self._heard_ns = packets, stamp_ns
