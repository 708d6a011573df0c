"""STUN and TURN servers as a site names them, and the credentials that a TURN server wants.

Pure: the table comes as it was read, the time is passed in, nothing is asked. A closed grammar: a
key that does not exist and a URL of another kind are refused, nothing is replaced by a default in
silence. Without a table no server is ever asked; there is no public one by default.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

# draft-uberti-behave-turn-rest-00 2.2 suggests a day; a shift of driving is shorter, and each
# connection gets credentials of its own.
LIFETIME_H: Final = 12.0
LONGEST_LIFETIME_H: Final = 24 * 7.0
MOST_SERVERS: Final = 8  # all are asked at once, with each connection
SECRET_LENGTH: Final = 256
USUAL_PORT: Final = 3478  # RFC 8656 3; 5349 with TLS
USUAL_TLS_PORT: Final = 5349

_URL: Final = re.compile(
    r"(?P<scheme>[a-z]+):(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?"
    r"(?:\?transport=(?P<transport>[a-z]+))?",
    re.ASCII,
)


class IceFault(ValueError):
    """A table of servers that cannot be used; the message names the key and what to write."""


@dataclass(frozen=True)
class Account:
    """What a TURN server knows this end by: a password, or a secret to make passwords of."""

    name: str
    password: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    lifetime_s: float = LIFETIME_H * 3600

    def credentials(self, unix_s: float) -> tuple[str, str]:
        """Username and password, good from now (`unix_s`, seconds since 1970) on.

        With a secret they are made as coturn's `use-auth-secret` expects them
        (draft-uberti-behave-turn-rest-00 2.2): the server and this machine must agree on the time.
        """
        if not self.secret:
            return self.name, self.password
        username = f"{int(unix_s + self.lifetime_s)}:{self.name}"
        digest = hmac.new(self.secret.encode(), username.encode(), hashlib.sha1).digest()
        return username, base64.b64encode(digest).decode()


@dataclass(frozen=True)
class IceServer:
    """One way to one server; a TURN server has an account."""

    url: str
    kind: Literal["stun", "turn"]
    host: str
    port: int
    transport: Literal["udp", "tcp"] = "udp"
    tls: bool = False
    account: Account | None = None

    @property
    def on_this_machine(self) -> bool:
        """Whether it is reached over loopback."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@dataclass(frozen=True)
class IceServers:
    """All servers of one end, and whether pictures may go by any other way."""

    servers: tuple[IceServer, ...] = ()
    relay_only: bool = False

    def seen_from(self, bind_host: str) -> tuple[IceServer, ...]:
        """Those to ask: an end that is bound to loopback can use none of another machine."""
        try:
            inside = ipaddress.ip_address(bind_host).is_loopback
        except ValueError:
            inside = False
        return tuple(server for server in self.servers if server.on_this_machine or not inside)


NO_SERVERS: Final = IceServers()


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    urls: list[str] | str
    username: str = ""
    password: str = ""
    secret: str = ""
    lifetime_h: float = LIFETIME_H


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    server: list[_Entry] = []
    relay_only: bool = False


def ice_servers(table: Mapping[str, object]) -> IceServers:
    """The servers of a table as TOML gives it: `relay_only`, and a `[[server]]` for each account.

    Raises:
        IceFault: it says what no server can be, or forbids every way there is.
    """
    try:
        found = msgspec.convert(table, _Table)
    except msgspec.ValidationError as error:
        raise IceFault(f"{error}; see `[[server]]` in transport/README.md") from None
    servers = [
        server
        for number, entry in enumerate(found.server, 1)
        for server in _servers(entry, f"server {number}")
    ]
    if len(servers) > MOST_SERVERS:
        raise IceFault(f"{len(servers)} urls; name at most {MOST_SERVERS}, each is asked each time")
    if found.relay_only and not any(server.kind == "turn" for server in servers):
        raise IceFault("relay_only = true needs a turn: or turns: url; name one, or take it out")
    return IceServers(tuple(servers), found.relay_only)


def _servers(entry: _Entry, where: str) -> list[IceServer]:
    urls = [entry.urls] if isinstance(entry.urls, str) else entry.urls
    if not urls:
        raise IceFault(f"{where}: urls is empty; write urls = ['turn:turn.example.org']")
    account = _account(entry, where)
    servers = [_server(url, account, f"{where}: urls[{at}]") for at, url in enumerate(urls)]
    turns = any(server.kind == "turn" for server in servers)
    if turns and account is None:
        raise IceFault(f"{where}: a turn server needs username and password, or a secret")
    if account is not None and not turns:
        raise IceFault(f"{where}: stun needs no username, password or secret; take them out")
    return servers


def _account(entry: _Entry, where: str) -> Account | None:
    for key in ("username", "password", "secret"):
        value = getattr(entry, key)
        if len(value) > SECRET_LENGTH or not value.isprintable():
            raise IceFault(f"{where}: {key} is longer than {SECRET_LENGTH} or no plain text")
    if entry.secret and entry.password:
        raise IceFault(f"{where}: has both password and secret; keep the one that the server has")
    if not 0.0 < entry.lifetime_h <= LONGEST_LIFETIME_H:
        raise IceFault(
            f"{where}: lifetime_h = {entry.lifetime_h:g} is not between 0 and "
            f"{LONGEST_LIFETIME_H:g} hours"
        )
    if entry.secret:
        return Account(
            entry.username or "unstick", secret=entry.secret, lifetime_s=entry.lifetime_h * 3600
        )
    if bool(entry.username) != bool(entry.password):
        raise IceFault(f"{where}: username and password belong together; one is missing")
    return Account(entry.username, entry.password) if entry.username else None


def _server(url: str, account: Account | None, where: str) -> IceServer:
    found = _URL.fullmatch(url)
    if found is None:
        raise IceFault(f"{where}: {url!r} is no address of a server; write turn:host:port")
    scheme, transport = found["scheme"], found["transport"]
    port = int(found["port"] or (USUAL_TLS_PORT if scheme == "turns" else USUAL_PORT))
    if not 0 < port < 65536:
        raise IceFault(f"{where}: {url!r} has a port that is none; the usual one is {USUAL_PORT}")
    host = found["host"].strip("[]")
    if scheme == "stun" and transport is None:
        return IceServer(url, "stun", host, port)
    if scheme == "turn" and transport in (None, "udp"):
        return IceServer(url, "turn", host, port, account=account)
    if scheme == "turn" and transport == "tcp":
        return IceServer(url, "turn", host, port, "tcp", account=account)
    if scheme == "turns" and transport in (None, "tcp"):
        return IceServer(url, "turn", host, port, "tcp", tls=True, account=account)
    raise IceFault(
        f"{where}: {url!r} is of a kind that is not supported; there are stun:host, turn:host, "
        f"turn:host?transport=tcp and turns:host"
    )
