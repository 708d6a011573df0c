"""What both ends of the video share: an event loop on a thread, and connections made our way.

The modules `video_*` and this one are the only importers of aiortc and asyncio. `bind_ice` reaches
below aiortc's public interface; tests/links/test_video_link.py holds it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver

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
        """Cancel what is left on the loop and end the thread; idempotent."""
        if not self._thread.is_alive():
            return
        self.call(self._cancel_all(), 5.0)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5.0)
        self.loop.close()

    async def _cancel_all(self) -> None:
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def new_connection() -> RTCPeerConnection:
    """A connection that asks no server."""
    # An empty list: aiortc's default asks a public STUN server.
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


def h264_only() -> list[Any]:
    """H.264 and its retransmission; what is offered decides, the robot's packets are H.264."""
    capabilities = RTCRtpReceiver.getCapabilities("video")
    codecs = capabilities.codecs if capabilities else []
    return [c for c in codecs if c.mimeType in ("video/H264", "video/rtx")]


def bind_ice(connection: RTCPeerConnection, bind_host: str) -> None:
    """Let ICE use `bind_host` only; aioice never offers 127.0.0.1 by itself."""
    if bind_host in ("", "0.0.0.0"):
        return
    for transceiver in connection.getTransceivers():
        ice: Any = transceiver.receiver.transport.transport.iceGatherer._connection
        gather = ice.get_component_candidates

        async def only_here(*, _gather: Callable[..., Any] = gather, **kwargs: Any) -> list[Any]:
            kwargs["addresses"] = [bind_host]
            found: list[Any] = await _gather(**kwargs)
            return found

        ice.get_component_candidates = only_here
