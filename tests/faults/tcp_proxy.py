"""Between an operator and a robot on one machine: TCP that is cut, sliced and ended.

`python -m tests.faults.tcp_proxy LISTEN_PORT TARGET_PORT`, for the whole block of a robot's ports.
Orders come as lines of JSON: `{"do": "slice", "bytes": 1}` (0: pass on as it comes), `{"do":
"reset"}` and `{"do": "finish"}` end every connection, in the middle of what is just passing, by RST
or by FIN. Leaves when standard input closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import socket
import struct
import sys
import time
from typing import Any

from tests.faults.child_lines import say
from tests.faults.namespace import be_a_machine_of_its_own
from transport.channels import CHANNELS
from transport.control_link import LOOPBACK

RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST


class Proxy:
    """All connections through this proxy."""

    def __init__(self) -> None:
        self.slice_bytes = 0
        self.half_of_next = False
        self._ends: set[asyncio.StreamWriter] = set()
        self._passed = asyncio.Event()

    async def carry(
        self, port: int, near: asyncio.StreamReader, near_end: asyncio.StreamWriter
    ) -> None:
        """One connection to the robot's `port`, both ways, until either end leaves."""
        try:
            far, far_end = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            near_end.transport.abort()
            return
        for end in (near_end, far_end):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ends = {near_end, far_end}
        self._ends |= ends
        try:
            ways = [
                asyncio.create_task(self._pass_on(near, far_end)),
                asyncio.create_task(self._pass_on(far, near_end)),
            ]
            _, going = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in going:
                way.cancel()
        finally:
            self._ends -= ends
            for end in ends:
                end.close()

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await source.read(65_536):
                if self.half_of_next and len(chunk) > 1:
                    sink.write(chunk[: len(chunk) // 2])  # and the rest never comes
                    self._passed.set()
                    await asyncio.sleep(1.0)
                    return
                step = self.slice_bytes or len(chunk)
                for begin in range(0, len(chunk), step):
                    sink.write(chunk[begin : begin + step])
                    await sink.drain()
                    if self.slice_bytes:
                        await asyncio.sleep(0)

    async def end_all(self, *, reset: bool) -> None:
        """Let half of what comes next through, then end every connection."""
        self._passed.clear()
        self.half_of_next = True
        await asyncio.wait_for(self._passed.wait(), 5.0)
        self.half_of_next = False
        for end in list(self._ends):
            if reset:
                end.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE
                )
                end.transport.abort()
            else:
                end.close()


async def main(listen_port: int, target_port: int) -> None:
    """Run until standard input closes."""
    proxy = Proxy()
    for channel in CHANNELS:
        carry = functools.partial(proxy.carry, target_port + channel.offset)
        await asyncio.start_server(carry, LOOPBACK, listen_port + channel.offset)
    say(ready=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order: dict[str, Any] = json.loads(line)
        match order["do"]:
            case "slice":
                proxy.slice_bytes = order["bytes"]
            case "reset" | "finish":
                await proxy.end_all(reset=order["do"] == "reset")
        say(did=order["do"], stamp_ns=time.monotonic_ns())


if __name__ == "__main__":
    be_a_machine_of_its_own()
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
