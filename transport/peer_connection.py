"""What both ends of the video share: an event loop on a thread, and connections made our way.

The modules `video_*`, `ice_gathering` and this one are the only importers of aiortc and asyncio.
What reaches below aiortc's public interface for ICE stands in `transport.ice_gathering`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver
from aiortc.rtcconfiguration import RTCIceTransportPolicy

from transport.ice_gathering import IceGathering
from transport.ice_servers import NO_SERVERS

T = TypeVar("T")


class LoopThread:
    """One event loop on one named thread."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """Run `work` on the loop and wait for its result; any other thread may call this."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout_s)

    def close(self) -> None:
        """Cancel what is left on the loop and end the thread; idempotent, also before `start`."""
        if self._thread.is_alive():
            self.call(self._cancel_all(), 5.0)
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(5.0)
        self.loop.close()

    async def _cancel_all(self) -> None:
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def new_connection(*, relay_only: bool = False) -> RTCPeerConnection:
    """A connection that asks no server by itself; see `transport.ice_gathering` for those it may.

    With `relay_only` it uses, and tells, no address but that of a relay.
    """
    policy = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
    # An empty list: aiortc's default asks a public STUN server.
    return RTCPeerConnection(RTCConfiguration(iceServers=[], iceTransportPolicy=policy))


def h264_only() -> list[Any]:
    """H.264 and its retransmission; what is offered decides, the robot's packets are H.264."""
    capabilities = RTCRtpReceiver.getCapabilities("video")
    codecs = capabilities.codecs if capabilities else []
    return [c for c in codecs if c.mimeType in ("video/H264", "video/rtx")]


def bind_ice(connection: RTCPeerConnection, bind_host: str) -> None:
    """Let ICE use `bind_host` only, without any server; aioice never offers 127.0.0.1 by itself."""
    IceGathering(NO_SERVERS, bind_host, whose="this end's").arrange(connection)
