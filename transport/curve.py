"""Keys, and who is let in by them: the only place where a ZeroMQ socket for the network is made.

A robot's sockets belong to a `Door`, a console's to its `Credentials`; neither makes one without
CURVE. CURVE alone encrypts and admits anybody, so a Door enforces a ZAP domain of its own for each
channel, and its authenticator answers before the first socket exists. There is one ZAP address for
each zmq context (`inproc://zeromq.zap.01`), hence a context for each Door.

The authenticator is ours. pyzmq's `ThreadAuthenticator` was measured (27.3.0): one exception in its
callback, a list that cannot be read, ends its thread without a word, after which nobody gets in any
more and its `stop()` never returns; it also brings asyncio, 31 ms of a robot's start. Ours refuses
that one key, says why once, and goes on. Its status codes: 200 come in, 400 not on the list, 500
the list could not be asked.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Final

import zmq
from zmq.utils import z85

from transport import channels
from transport.channels import Channel
from transport.clock import NS_PER_MS, now_ns
from transport.errors import LinkError

log = logging.getLogger("keys")

# 4.3.3 and before let strangers starve a CURVE server (CVE-2020-15166); 4.3.5 is what was tested.
LIBZMQ_NEEDED: Final = (4, 3, 5)
ZAP_ADDRESS: Final = "inproc://zeromq.zap.01"
KEY_BYTES: Final = 32
NAMED_STRANGERS: Final = 64  # refused keys that are remembered, so that each is logged once
LOG_EVERY_MS: Final = 1000  # at most; keys are cheap to make, and a log fills a disk
# Of one process that is no Door; a console has 20, and libzmq's own limit is 1023.
MOST_SOCKETS: Final = 8192

Socket = zmq.Socket[bytes]


@dataclass(frozen=True)
class KeyPair:
    """The identity of one machine, both halves in Z85, 40 characters each."""

    public: str
    secret: str = field(repr=False)


def new_key_pair() -> KeyPair:
    """A new identity from the system's source of randomness.

    Raises:
        LinkError: this machine's ZeroMQ has no CURVE.
    """
    check_library()
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode("ascii"), secret.decode("ascii"))


def public_of(secret: str) -> str:
    """The public key that belongs to a secret one; both have the form of a key.

    Raises:
        LinkError: this machine's ZeroMQ has no CURVE.
    """
    check_library()
    return zmq.curve_public(secret.encode("ascii")).decode("ascii")


class Domain(StrEnum):
    """The ZAP domains: one for each channel, with its name."""

    COMMANDS = channels.COMMANDS.name
    STATE = channels.STATE.name
    STOP = channels.STOP.name
    REQUESTS = channels.REQUESTS.name
    VIDEO = channels.VIDEO.name
    MEDIA_STATE = channels.MEDIA_STATE.name
    BUS = channels.BUS.name
    PAIRING = channels.PAIRING.name
    ARCHIVE = channels.ARCHIVE.name


def check_library() -> None:
    """Refuse to go on with a ZeroMQ that cannot keep strangers out.

    Raises:
        LinkError: it was built without CURVE, or is too old.
    """
    if not zmq.has("curve") or zmq.zmq_version_info() < LIBZMQ_NEEDED:
        needed = ".".join(map(str, LIBZMQ_NEEDED))
        raise LinkError(
            f"this machine's libzmq {zmq.zmq_version()} cannot keep strangers out: {needed} with "
            f"CURVE is needed. Install pyzmq from its wheel: pip install --force-reinstall pyzmq"
        )


class Door:
    """A robot's side: its keys, and a thread that decides at each handshake who comes in."""

    def __init__(self, keys: KeyPair, admits: Callable[[str, str], bool]) -> None:
        """`admits(channel's name, public key)` is asked on the authenticator's thread.

        Raises:
            LinkError: this machine's ZeroMQ has no CURVE.
        """
        check_library()
        self._keys = keys
        self._admits = admits
        self._context: zmq.Context[Socket] = zmq.Context()
        self._made: list[Socket] = []
        self._lock = threading.Lock()
        self._refused = 0
        self._logged_ns = -LOG_EVERY_MS * NS_PER_MS
        self._strangers: dict[tuple[str, str], None] = {}
        self._guests: dict[str, frozenset[str]] = {}
        self._zap = self._context.socket(zmq.REP)
        self._zap.setsockopt(zmq.LINGER, 0)
        self._zap.bind(ZAP_ADDRESS)
        self._thread = threading.Thread(target=self._answer, name="door", daemon=True)
        self._thread.start()

    @property
    def refused(self) -> int:
        """Handshakes refused so far."""
        with self._lock:
            return self._refused

    def guests(self, channel: Channel) -> frozenset[str]:
        """Whose keys were let in on a channel since its present socket was made."""
        with self._lock:
            return self._guests.get(channel.name, frozenset())

    def socket(self, kind: int, channel: Channel) -> Socket:
        """A new socket for a channel, not bound yet; only keys that are admitted get through.

        Raises:
            LinkError: this robot's own keys are not keys.
        """
        with self._lock:
            self._made = [one for one in self._made if not one.closed]
            made = self._context.socket(kind)
            self._made.append(made)
            self._guests.pop(channel.name, None)
        try:
            made.setsockopt(zmq.CURVE_SERVER, 1)
            made.setsockopt_string(zmq.CURVE_PUBLICKEY, self._keys.public)
            made.setsockopt_string(zmq.CURVE_SECRETKEY, self._keys.secret)
        except zmq.ZMQError:
            made.close(0)
            raise LinkError("the robot's key is damaged: it is no CURVE key") from None
        made.setsockopt_string(zmq.ZAP_DOMAIN, Domain(channel.name))
        made.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
        return made

    def close(self) -> None:
        """Close what is left open and end the authenticator; idempotent.

        Sockets that other threads still use have to be closed by their owners before.
        """
        with self._lock:
            for made in self._made:
                if not made.closed:
                    made.close(0)
            self._made.clear()
        # Ends the authenticator's wait, and waits for the last words of closed sockets.
        self._context.term()
        self._thread.join()

    def _answer(self) -> None:
        try:
            while True:
                self._zap.send_multipart(self._verdict(self._zap.recv_multipart()))
        except zmq.ContextTerminated:
            return
        finally:
            self._zap.close(0)

    def _verdict(self, request: list[bytes]) -> list[bytes]:
        """The reply to one ZAP request (ZeroMQ RFC 27); whatever is wrong with it, no."""
        version, request_id, domain, *_ = [*request, b"", b"", b""]
        status, reason, key = b"400", b"No access", ""
        if len(request) == 7 and request[5] == b"CURVE" and len(request[6]) == KEY_BYTES:
            key = z85.encode(request[6]).decode("ascii")
            status, reason = self._decision(domain.decode("utf-8", "replace"), key)
        user = key.encode("ascii") if status == b"200" else b""
        return [version, request_id, status, reason, user, b""]

    def _decision(self, channel: str, key: str) -> tuple[bytes, bytes]:
        # A guest before the list is asked: whoever takes the key off the list meanwhile and then
        # looks for guests to cut off must find it.
        with self._lock:
            before = self._guests.get(channel, frozenset())
            self._guests[channel] = before | {key}
        try:
            admitted = self._admits(channel, key)
            verdict = (b"200", b"OK") if admitted else (b"400", b"No access")
            why = "not on the list"
        except Exception as error:  # noqa: BLE001 - a list that fails must not end the authenticator
            verdict, why = (b"500", b"Cannot decide"), f"the list cannot be asked: {error}"
        with self._lock:
            if verdict[0] == b"200":
                self._strangers.pop((channel, key), None)
                return verdict
            # Who was a guest before still has a connection, and has to be found by it.
            if key not in before:
                self._guests[channel] = self._guests.get(channel, frozenset()) - {key}
        self._note_refused(channel, key, why)
        return verdict

    def _note_refused(self, channel: str, key: str, why: str) -> None:
        with self._lock:
            self._refused += 1
            known = (channel, key) in self._strangers
            self._strangers[channel, key] = None
            while len(self._strangers) > NAMED_STRANGERS:
                self._strangers.pop(next(iter(self._strangers)))
            stamp_ns = now_ns()
            due = stamp_ns - self._logged_ns >= LOG_EVERY_MS * NS_PER_MS
            if known or not due:
                return
            self._logged_ns = stamp_ns
            count = self._refused
        log.warning("%s: key %s is refused: %s (refused so far: %d)", channel, key, why, count)


@dataclass(frozen=True)
class Credentials:
    """A console's side: its own keys, and the public key of the robot that must be there."""

    own: KeyPair
    robot: str

    def socket(self, kind: int) -> Socket:
        """A new socket, not connected yet, that talks to this robot and to nobody else.

        Raises:
            LinkError: one of the keys is not a key, or this machine's ZeroMQ has no CURVE.
        """
        check_library()
        made = own_context().socket(kind)
        try:
            made.setsockopt_string(zmq.CURVE_PUBLICKEY, self.own.public)
            made.setsockopt_string(zmq.CURVE_SECRETKEY, self.own.secret)
            made.setsockopt_string(zmq.CURVE_SERVERKEY, self.robot)
        except zmq.ZMQError:
            made.close(0)
            raise LinkError("the robot's key, or this console's own, is no CURVE key") from None
        return made


@cache
def own_context() -> zmq.Context[Socket]:
    """The context of everything in this process that does not belong to a Door."""
    made: zmq.Context[Socket] = zmq.Context()
    made.set(zmq.MAX_SOCKETS, MOST_SOCKETS)
    return made
