"""TCP ports of this machine: which are free, and who has one that is taken.

Linux tells who in /proc, of our own processes and as root of all; other systems are not asked.
"""

from __future__ import annotations

import secrets
import socket
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from transport.channels import CHANNELS
from transport.errors import LinkError

LOOPBACK: Final = "127.0.0.1"
PROC: Final = Path("/proc")
_LISTENS: Final = "0A"  # TCP_LISTEN
_TABLES: Final = ("net/tcp", "net/tcp6")
_BLOCK: Final = 10  # ports: the channels', and one that marks the block as picked
_MARKS: Final = 8  # blocks
_marks: Final[deque[socket.socket]] = deque()


def holder_of(port: int) -> str:
    """ " by process 812, started by 800"; empty where that cannot be known."""
    sockets: set[str] = set()
    for table in _TABLES:
        try:
            sockets |= listening(port, (PROC / table).read_text().splitlines())
        except OSError:
            continue  # no /proc, or no IPv6
    for process in PROC.glob("[0-9]*") if sockets else ():
        try:
            if any(str(one.readlink()) in sockets for one in (process / "fd").iterdir()):
                return f" by process {process.name}, started by {_parent(process)}"
        except OSError:
            continue  # somebody else's, or it has just ended
    return ""


def listening(port: int, table: Iterable[str]) -> set[str]:
    """The sockets that listen on a port, as a process's descriptors name them.

    `table` are the lines of /proc/net/tcp: number, address:port in hex, peer, state, …, inode.
    """
    rows = (line.split() for line in table)
    return {
        f"socket:[{row[9]}]"
        for row in rows
        if len(row) > 9 and row[3] == _LISTENS and row[1].endswith(f":{port:04X}")
    }


def _parent(process: Path) -> str:
    """The process that started it: of a robot's control, its agent."""
    name_and_rest = (process / "stat").read_text()
    return name_and_rest.rpartition(")")[2].split()[1]


def free_base_port() -> int:
    """A base port whose whole block is free at this moment, for a demonstration or a test.

    Whoever picks another one meanwhile, here or in another process, picks another block: the last
    few are marked as taken until a robot has had the time to start there.

    Raises:
        LinkError: no block was found.
    """
    for _ in range(50):
        # Below the range from which systems take ports for outgoing connections.
        base = 20_000 + _BLOCK * secrets.randbelow(12_000 // _BLOCK)
        if not all(_is_free(base + channel.offset) for channel in CHANNELS):
            continue
        mark = socket.socket()
        try:
            mark.bind((LOOPBACK, base + _BLOCK - 1))  # no channel's
        except OSError:
            mark.close()
            continue
        _marks.append(mark)
        while len(_marks) > _MARKS:
            _marks.popleft().close()
        return base
    raise LinkError("no free block of ports was found on this machine")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
