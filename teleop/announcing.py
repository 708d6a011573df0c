"""Tells the local network that a robot is here: the process of `unstick agent` that does only that.

Beside the processes that move and see, since everybody on the network can keep it busy. It follows
the machine's addresses. Where there is no multicast, in a container or a locked network, it says so
once and goes on trying; the robot is found by its address as before.
"""

from __future__ import annotations

import logging
import socket
import threading
from typing import Final

from zeroconf import Error, IPVersion, ServiceInfo, Zeroconf

from teleop.announcement import SERVICE, Announcement
from teleop.own_addresses import listened_on

log = logging.getLogger("announcing")

LOOK_S: Final = 10.0  # at the machine's addresses


def announce(robot: Announcement, host: str, leaving: threading.Event) -> None:
    """Announce `robot` where it listens, on `host`, until `leaving`; then say good-bye."""
    at: tuple[str, ...] = ()
    told: Zeroconf | None = None
    silent = False  # that nobody can be told is in the log
    while not leaving.is_set():
        hosts = listened_on(host)
        if told is None or hosts != at:
            _end(told)
            told, at = _begun(robot, hosts), hosts
            if told is None and not silent:
                log.warning(
                    "this network cannot be told that %s is here (no multicast on %s); it is "
                    "reached by its address as ever",
                    robot.name,
                    ", ".join(hosts) or host,
                )
            if told is not None:
                log.info("%s is announced on %s", robot.name, ", ".join(hosts))
            silent = told is None
        leaving.wait(LOOK_S)
    _end(told)


def _begun(robot: Announcement, hosts: tuple[str, ...]) -> Zeroconf | None:
    """None where it cannot be announced."""
    if not hosts:
        return None
    try:
        told = Zeroconf(interfaces=list(hosts), ip_version=IPVersion.V4Only)
    except OSError:
        return None
    info = ServiceInfo(
        SERVICE,
        f"{robot.instance}.{SERVICE}",
        addresses=[socket.inet_aton(host) for host in hosts],
        port=robot.port,
        properties=robot.properties(),
        server=f"{robot.instance}.local.",
    )
    try:
        told.register_service(info, allow_name_change=True)
    except (OSError, Error):
        _end(told)
        return None
    return told


def _end(told: Zeroconf | None) -> None:
    if told is not None:
        told.close()
