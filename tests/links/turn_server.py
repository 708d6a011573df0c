"""A real TURN server, coturn from Debian (`apt-get install coturn`), for the length of a test."""

from __future__ import annotations

import ctypes
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest

from transport.ice_servers import IceServers, ice_servers

USER, PASSWORD, SECRET, REALM = "op", "pw", "north", "unstick.test"
START_S: Final = 10.0
_BINDING: Final = bytes.fromhex("000100002112a442") + b"who is there"  # RFC 8489 5, no attributes
_PR_SET_PDEATHSIG: Final = 1


def free_port(address: str) -> int:
    """A port that is free for UDP and TCP."""
    while True:
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind((address, 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind((address, port))
            except OSError:
                continue
            return port


class TurnServer:
    """coturn on one address; the caller's network namespace is its own."""

    def __init__(
        self,
        folder: Path,
        address: str = "127.0.0.1",
        *,
        rest: bool = False,
        port: int = 0,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        """With `rest` its accounts are made of `SECRET`, else there is one, `USER`.

        With a certificate and its key it speaks TLS, on a port of its own.

        Skips the test where there is no coturn.
        """
        program = shutil.which("turnserver")
        if program is None:
            pytest.skip("no TURN server here: apt-get install coturn")
        self.address = address
        self.port = port or free_port(address)
        self._rest = rest
        accounts = (
            ["--use-auth-secret", f"--static-auth-secret={SECRET}"]
            if rest
            else ["--lt-cred-mech", f"--user={USER}:{PASSWORD}"]
        )
        self.tls_port = free_port(address) if certificate else 0
        tls = (
            [
                *("--cert", str(certificate[0]), "--pkey", str(certificate[1])),
                *("--tls-listening-port", str(self.tls_port)),
            ]
            if certificate
            else ["--no-tls"]
        )
        # Its peers are on loopback here. It allows that only without its command line (--no-cli),
        # or with a password for it.
        self.log = (folder / f"coturn-{self.port}.log").open("wb")
        self.process = subprocess.Popen(
            [
                *(program, "-n", "--no-cli", "--allow-loopback-peers", "--no-dtls", *tls),
                *("-L", address, "-E", address, "-p", str(self.port), "-r", REALM, *accounts),
                *("--userdb", str(folder / f"coturn-{self.port}.db"), "--pidfile", ""),
                *("--log-file", "stdout", "--simple-log"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_the_test,
        )
        self._await()

    def kill(self) -> None:
        """As a crash would."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it; idempotent."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(2.0)
            except subprocess.TimeoutExpired:
                self.kill()
        self.log.close()

    def url(self, transport: str = "udp") -> str:
        """The TURN url of one transport: udp, tcp or tls."""
        if transport == "tls":
            return f"turns:{self.address}:{self.tls_port}"
        return f"turn:{self.address}:{self.port}?transport={transport}"

    def table(
        self, *transports: str, relay_only: bool = False, secret: str = SECRET
    ) -> dict[str, object]:
        """A site's table that names this server."""
        account = (
            {"username": USER, "secret": secret}
            if self._rest
            else {"username": USER, "password": PASSWORD}
        )
        urls = [self.url(transport) for transport in transports]
        return {"relay_only": relay_only, "server": [{"urls": urls, **account}]}

    def ice(self, *transports: str, relay_only: bool = False, secret: str = SECRET) -> IceServers:
        """This server, as a site names it."""
        return ice_servers(self.table(*transports, relay_only=relay_only, secret=secret))

    def _await(self) -> None:
        deadline_s = time.monotonic() + START_S
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.1)
            while True:
                try:
                    probe.sendto(_BINDING, (self.address, self.port))
                    if probe.recv(512)[8:20] == _BINDING[8:]:
                        return
                except OSError:  # nobody listens yet
                    time.sleep(0.02)
                assert self.process.poll() is None, f"coturn does not start: {self.log.name}"
                assert time.monotonic() < deadline_s, f"coturn does not answer: {self.log.name}"


def _die_with_the_test() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
