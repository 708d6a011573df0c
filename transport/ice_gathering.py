"""Candidates for one connection after the other: our own addresses, and what the servers give.

aiortc asks one STUN and one TURN server, waits 5 s for a dead one and says nothing about why. So
only its host candidates are used; the servers are asked here, all at once, by the two functions of
aioice that do it for one: `server_reflexive_candidate` and `relayed_candidate`. Put in the place of
`get_component_candidates` of a connection; tests/links/test_turn.py holds that aiortc calls it and
that a relay found so is used.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from aioice import Candidate, stun
from aioice.ice import StunProtocol, relayed_candidate, server_reflexive_candidate
from aiortc import RTCPeerConnection

from transport.clock import NS_PER_MS, NS_PER_S, now_ns, wall_time
from transport.errors import LinkError
from transport.ice_servers import IceServer, IceServers

log = logging.getLogger("video")

ANSWER_MS: Final = 2_000  # TURN over TLS takes five round trips; at 300 ms that is 1.5 s
# A server that was silent is not waited for as long again, the direct way must not suffer from it.
AGAIN_MS: Final = 500
SILENT_NS: Final = 30 * NS_PER_S
# Once a relay is there, the others have as long again: behind a firewall UDP never answers.
LAGGING_MS: Final = 100

_HostGathering = Callable[..., Awaitable[list[Candidate]]]


class IceGathering:
    """One end's way to get candidates, with what it remembers of its servers."""

    def __init__(self, ice: IceServers, bind_host: str, whose: str) -> None:
        """`whose` servers they are, for sentences: "the robot's", "this console's".

        ICE uses `bind_host` only; "" and "0.0.0.0" are every address of this machine.
        """
        self.trouble = ""  # why a kind of server gave nothing the last time, in a sentence
        self.relay_only = ice.relay_only
        self._servers = ice.seen_from(bind_host)
        self._bind_host = "" if bind_host == "0.0.0.0" else bind_host
        self._whose = whose
        self._silent_until_ns: dict[IceServer, int] = {}

    def arrange(self, connection: RTCPeerConnection) -> None:
        """Let every transport of the connection get its candidates here, before it gathers.

        Also lets it check a way at once when the other end is heard on it, see `checks_at_once`.

        Gathering raises `LinkError` when only a relay may be used and there is none.
        """
        arranged = set()
        for transceiver in connection.getTransceivers():
            ice: Any = transceiver.receiver.transport.transport.iceGatherer._connection
            if id(ice) not in arranged:
                arranged.add(id(ice))
                ice.get_component_candidates = self._gathers(ice, ice.get_component_candidates)
                ice.check_incoming = checks_at_once(ice.check_incoming)

    def _gathers(self, ice: Any, hosts: _HostGathering) -> _HostGathering:
        async def gather(*, component: int, addresses: list[str], **_: Any) -> list[Candidate]:
            if self._bind_host and not self.relay_only:
                addresses = [self._bind_host]  # aioice itself never offers 127.0.0.1
            candidates = await hosts(component=component, addresses=addresses)
            candidates += await self._ask_servers(ice, component)
            if not candidates:
                raise LinkError(self.trouble or "this machine has no network address for pictures")
            return candidates

        return gather

    async def _ask_servers(self, ice: Any, component: int) -> list[Candidate]:
        begin_ns = now_ns()
        asking: dict[asyncio.Task[Any], IceServer] = {}
        for server in self._servers:
            if server.kind == "turn":
                asking[asyncio.ensure_future(self._relayed(ice, component, server))] = server
            else:
                for protocol in _ipv4_of(ice):
                    question = server_reflexive_candidate(protocol, (server.host, server.port))
                    asking[asyncio.ensure_future(question)] = server
        if not asking:
            return []
        try:
            await self._wait(asking, begin_ns)
        finally:
            waited = [task for task in asking if not task.done()]
            for task in waited:
                task.cancel()
            await asyncio.gather(*waited, return_exceptions=True)
        return self._judged(ice, asking, now_ns())

    async def _relayed(self, ice: Any, component: int, server: IceServer) -> Any:
        assert server.account is not None
        # Made now: credentials with an end are fresh for each connection.
        username, password = server.account.credentials(wall_time().timestamp())
        return await relayed_candidate(
            component=component,
            hide_related_address=self.relay_only,
            protocol_factory=lambda: StunProtocol(ice),
            turn_server=(server.host, server.port),
            turn_username=username,
            turn_password=password,
            turn_ssl=server.tls,
            turn_transport=server.transport,
        )

    async def _wait(self, asking: dict[asyncio.Task[Any], IceServer], begin_ns: int) -> None:
        """Until all have answered, or the rest is not worth the time."""
        relay_ns = 0
        waiting = set(asking)
        while waiting:
            dead = self._were_silent(asking[task] for task in waiting)
            patience_ms = AGAIN_MS if dead and not self.relay_only else ANSWER_MS
            limit_ns = begin_ns + patience_ms * NS_PER_MS
            if relay_ns and dead:
                return
            if relay_ns:
                took_ns = relay_ns - begin_ns
                limit_ns = min(limit_ns, relay_ns + max(took_ns, LAGGING_MS * NS_PER_MS))
            left_ns = limit_ns - now_ns()
            if left_ns <= 0:
                return
            done, waiting = await asyncio.wait(
                waiting, timeout=left_ns / NS_PER_S, return_when=asyncio.FIRST_COMPLETED
            )
            if not relay_ns and any(asking[t].kind == "turn" and not _error(t) for t in done):
                relay_ns = now_ns()

    def _were_silent(self, servers: Iterable[IceServer]) -> bool:
        """Whether none of them answered a short while ago."""
        stamp_ns = now_ns()
        return all(self._silent_until_ns.get(server, 0) > stamp_ns for server in servers)

    def _judged(
        self, ice: Any, asking: dict[asyncio.Task[Any], IceServer], stamp_ns: int
    ) -> list[Candidate]:
        """The candidates that came; notes what became of each server."""
        candidates: list[Candidate] = []
        useful: set[str] = set()
        why: dict[IceServer, str] = {}
        for task, server in asking.items():
            error = _error(task)
            if error is None:
                candidate, protocol = task.result()
                candidates.append(candidate)
                if protocol is not None:  # a relay is a way of its own
                    ice._protocols.append(protocol)
                useful.add(server.kind)
                self._silent_until_ns.pop(server, None)
                why[server] = ""
            elif why.get(server) != "":  # a STUN server that answered one address is all right
                why[server] = reason(error)
                if isinstance(error, _SILENT):
                    self._silent_until_ns.setdefault(server, stamp_ns + SILENT_NS)
        self._silent_until_ns = {
            server: ns for server, ns in self._silent_until_ns.items() if ns > stamp_ns
        }
        self._note(
            " and ".join(
                f"{self._whose} {_ROLE[server.kind]} {server.url} {words}"
                for server, words in why.items()
                if words and server.kind not in useful
            )
        )
        return candidates

    def _note(self, trouble: str) -> None:
        """A failure is told once, and its end once."""
        if trouble and trouble != self.trouble:
            log.warning("%s", trouble)
        elif self.trouble and not trouble:
            log.warning("%s servers for pictures answer again", self._whose)
        self.trouble = trouble


def checks_at_once(handle: Callable[..., None]) -> Callable[..., None]:
    """`check_incoming` that sends our own check of that way again when the other end's has come.

    The first check through a relay is lost, for the relay forwards nothing before its own end has
    sent, and aioice waits half a second to repeat it. RFC 8445 7.3.1.4 wants a check at once. It is
    the same request again, once: an answer to either counts, so two ends that do this to each
    other come to an end.
    """
    repeated = set()

    def check_incoming(message: stun.Message, addr: tuple[str, int], protocol: Any) -> None:
        for transaction_id, transaction in protocol.transactions.items():
            ours = transaction._Transaction__addr == addr and transaction_id not in repeated
            if ours:
                repeated.add(transaction_id)
                protocol.send_stun(transaction._Transaction__request, addr)
        handle(message, addr, protocol)

    return check_incoming


_ROLE: Final = {"turn": "relay", "stun": "STUN server"}
_SILENT: Final = (asyncio.CancelledError, TimeoutError, stun.TransactionTimeout, OSError)
_REFUSALS: Final = {  # RFC 8656 19, RFC 8489 14.8
    401: "refuses the credentials: check name, password or secret, and the clock of this machine",
    403: "forbids this connection: is the other end's address denied there?",
    441: "refuses the credentials: check name, password or secret, and the clock of this machine",
    486: "has no room left for this account: end other connections, or raise its quota",
    508: "has no room left: it is full",
}


def reason(error: BaseException) -> str:
    """Why a server gave nothing, as the end of a sentence about it."""
    if isinstance(error, stun.TransactionFailed):
        code = error.response.error_code
        return _REFUSALS.get(code or 0, f"refuses with error {code}")
    if isinstance(error, ssl.SSLError):
        return "shows a certificate that is not accepted here, or speaks no TLS on that port"
    if isinstance(error, socket.gaierror):
        return "has a name that cannot be looked up: check the url"
    if isinstance(error, _SILENT):
        return "does not answer: is it running, and is its port open?"
    return "answers what nobody understands: is it really such a server?"


def way_of(connection: RTCPeerConnection) -> str:
    """How packets go: "direct", or "relayed" at one end or both; "" while they do not."""
    for transceiver in connection.getTransceivers():
        ice: Any = transceiver.receiver.transport.transport._connection
        for pair in ice._nominated.values():
            kinds = {pair.local_candidate.type, pair.remote_candidate.type}
            return "relayed" if "relay" in kinds else "direct"
    return ""


def _error(task: asyncio.Task[Any]) -> BaseException | None:
    """What a task ended with; one that was cancelled or is not done has not been answered."""
    if not task.done() or task.cancelled():
        return asyncio.CancelledError()
    return task.exception()


def _ipv4_of(ice: Any) -> list[Any]:
    """The sockets that STUN can be asked from; aioice speaks IPv4 with STUN servers."""
    return [
        protocol
        for protocol in ice._protocols
        if ipaddress.ip_address(protocol.local_candidate.host).version == 4
    ]
