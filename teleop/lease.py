"""Who may drive: one holder, an epoch that only grows, silence frees.

Pure. The holder is a key and a session (one console), not a person: the same operator at a second
window is somebody else. An epoch is on the robot's disk before anybody hears of it: `ceiling` is
the highest that the disk knows.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from transport.clock import NS_PER_MS
from transport.messages import Lease, LeaseWish, Refusal

TTL_MS = 3_000
RENEW_MS = 500  # the console's period: four losses in a row tolerated
ASKED_MS = 10_000  # what a holder has to answer somebody who asks for the lease; silence keeps it


class LeaseRefused(Exception):
    """Why a lease was not granted or not renewed, as a sentence for the operator."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class Claimant:
    """Who wants something of the lease: an authenticated key, its name here, and one console."""

    key: str
    session: str
    name: str


def is_free(lease: Lease, now_ns: int) -> bool:
    """Whether nobody holds the lease, or its holder has been silent for the TTL."""
    return not lease.session or now_ns >= lease.expires_ns


def is_holder(lease: Lease, key: str, session: str) -> bool:
    """Whether the lease was given to this key and session."""
    return bool(lease.session) and lease.session == session and lease.key == key


def granted(lease: Lease, to: Claimant, now_ns: int, ceiling: int) -> Lease:
    """The lease after a request; the holder asking again keeps its epoch.

    Raises:
        LeaseRefused: somebody else holds it, or the disk does not know the epoch yet.
    """
    if not is_free(lease, now_ns):
        if is_holder(lease, to.key, to.session):
            return kept(lease, now_ns)
        raise LeaseRefused(f"{lease.operator} has the lease")
    return passed_on(lease, to, now_ns, ceiling)


def passed_on(lease: Lease, to: Claimant, now_ns: int, ceiling: int) -> Lease:
    """A new holder under a new epoch, whoever had the lease before.

    Raises:
        LeaseRefused: the disk does not know the epoch yet; it could be granted twice.
    """
    if lease.epoch >= ceiling:
        raise LeaseRefused("the robot's disk refuses to write, so no lease can be granted")
    return Lease(
        epoch=lease.epoch + 1,
        operator=to.name,
        key=to.key,
        session=to.session,
        expires_ns=now_ns + TTL_MS * NS_PER_MS,
    )


def renewed(lease: Lease, key: str, session: str, epoch: int, now_ns: int) -> Lease:
    """The lease after its holder's sign of life. One that ran out revives if nobody took it.

    Raises:
        LeaseRefused: it is not this session's any more.
    """
    refusal = refusal_for(lease, key, session, epoch)
    if refusal is not None:
        raise LeaseRefused(SENTENCES[refusal])
    return kept(lease, now_ns)


def kept(lease: Lease, now_ns: int) -> Lease:
    """The lease after its holder was heard."""
    return msgspec.structs.replace(lease, expires_ns=now_ns + TTL_MS * NS_PER_MS)


def freed(lease: Lease) -> Lease:
    """The lease without a holder; its epoch is remembered."""
    return Lease(epoch=lease.epoch)


def wished(lease: Lease, wish: LeaseWish | None, by: Claimant, now_ns: int) -> LeaseWish:
    """What the holder is asked. The same console asking again changes nothing.

    Raises:
        LeaseRefused: somebody else has asked already.
    """
    if wish is not None and now_ns < wish.until_ns:
        if (wish.key, wish.session) == (by.key, by.session):
            return wish
        raise LeaseRefused(f"{lease.operator} has the lease, and {wish.operator} has asked for it")
    return LeaseWish(
        operator=by.name,
        key=by.key,
        session=by.session,
        until_ns=now_ns + ASKED_MS * NS_PER_MS,
    )


def refusal_for(lease: Lease, key: str, session: str, epoch: int) -> Refusal | None:
    """Why a message of `key` and `session` under `epoch` has no effect, None when it has."""
    if not lease.session:
        return Refusal.NO_LEASE
    if not is_holder(lease, key, session):
        return Refusal.HELD_BY_OTHER
    if lease.epoch != epoch:
        return Refusal.OLD_EPOCH
    return None


SENTENCES = {
    Refusal.NO_LEASE: "you do not have the lease",
    Refusal.HELD_BY_OTHER: "somebody else has the lease",
    Refusal.OLD_EPOCH: "your lease has run out, request it again",
}
