"""The IPv4 addresses of this machine: on which of its networks a robot can be heard."""

from __future__ import annotations

import socket
from typing import Final

import ifaddr

EVERYWHERE: Final = "0.0.0.0"


def own_addresses() -> tuple[str, ...]:
    """All of them, 127.0.0.1 included; they change with cables, networks and sleep."""
    return tuple(
        sorted(
            str(ip.ip)
            for adapter in ifaddr.get_adapters()
            for ip in adapter.ips
            if ip.is_IPv4 and ip.network_prefix != 32
        )
    )


def listened_on(host: str) -> tuple[str, ...]:
    """The addresses at which who listens on `host` is reached by others; none when it has none.

    Whoever listens on 127.0.0.1 alone is on no network, and reached from there alone.
    """
    if host == EVERYWHERE:
        return tuple(ip for ip in own_addresses() if not ip.startswith("127."))
    try:
        return (socket.gethostbyname(host),)
    except OSError:
        return ()
