"""Hears which robots the local network announces; see `teleop.announcement` for what that is worth.

A thread of its own loads zeroconf and follows the machine's addresses; zeroconf's thread hands in
what it hears. Any thread may ask. Without multicast nothing is found, and `trouble` says so.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from teleop.announcement import (
    MOST_ADDRESSES,
    SERVICE,
    Announcements,
    Neighbourhood,
    neighbourhood,
    read,
)
from teleop.key_files import KnownRobot
from teleop.own_addresses import own_addresses

if TYPE_CHECKING:
    from zeroconf import ServiceStateChange, Zeroconf

log = logging.getLogger("discovery")

LOOK_S: Final = 5.0  # at the machine's addresses
JOIN_S: Final = 5.0
NO_MULTICAST: Final = (
    "This network does not say which robots there are; those that were paired are looked for at "
    "their addresses"
)


class Discovery:
    """The robots that announce themselves here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard = Announcements()
        self._known: tuple[KnownRobot, ...] = ()
        self._trouble = ""
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="discovery", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Hear no more; idempotent."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    def know(self, robots: Iterable[KnownRobot]) -> None:
        """The address book as it is now."""
        known = tuple(robots)
        with self._lock:
            self._known = known
            self._heard.know(known)

    def neighbourhood(self) -> Neighbourhood:
        """Where known robots may be by now, and which strangers there are."""
        with self._lock:
            announced, known = self._heard.all(), self._known
        return neighbourhood(announced, known)

    @property
    def trouble(self) -> str:
        """Why nothing can be found, in a sentence; empty when that is not so."""
        return self._trouble

    # --- its thread ---

    def _run(self) -> None:
        at: tuple[str, ...] = ()
        listening: Zeroconf | None = None
        try:
            while not self._leaving.is_set():
                if (addresses := own_addresses()) != at or listening is None:
                    if listening is not None:
                        listening.close()
                    at, listening = addresses, self._begun(addresses)
                self._leaving.wait(LOOK_S)
        except Exception:
            log.exception("robots are discovered no more")
            self._trouble = NO_MULTICAST
        finally:
            if listening is not None:
                listening.close()

    def _begun(self, addresses: tuple[str, ...]) -> Zeroconf | None:
        from zeroconf import IPVersion, ServiceBrowser, Zeroconf

        with self._lock:
            known, self._heard = self._known, Announcements()
            self._heard.know(known)
        try:
            listening = Zeroconf(interfaces=list(addresses), ip_version=IPVersion.V4Only)
            ServiceBrowser(listening, SERVICE, handlers=[self._changed])
        except OSError as error:
            if not self._trouble:
                log.warning("no multicast, so no robot is discovered: %s", error)
            self._trouble = NO_MULTICAST
            return None
        self._trouble = ""
        return listening

    def _changed(
        self,
        zeroconf: Zeroconf,
        service_type: str,
        name: str,
        state_change: ServiceStateChange,
    ) -> None:
        """On zeroconf's thread. A record that is not complete yet comes again once it is."""
        from zeroconf import IPVersion, ServiceInfo, ServiceStateChange

        if state_change is ServiceStateChange.Removed:
            with self._lock:
                self._heard.gone(name)
            return
        info = ServiceInfo(service_type, name)
        if not info.load_from_cache(zeroconf):
            return
        hosts = info.parsed_addresses(IPVersion.V4Only)[:MOST_ADDRESSES]
        said = read(info.properties, hosts, info.port)
        with self._lock:
            self._heard.hear(name, said)
