"""Who may drive: one holder, an epoch that only grows, silence frees.

Pure. The holder is a session (one console), not a person: the same operator at a second window is
somebody else. `control` persists an epoch before anybody hears of it.
"""

from __future__ import annotations

import msgspec

from transport.clock import NS_PER_MS
from transport.messages import Lease, Refusal

TTL_MS = 3_000
RENEW_MS = 500  # the console's period: four losses in a row tolerated


class LeaseRefused(Exception):
    """Why a lease was not granted or not renewed, as a sentence for the operator."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def is_free(lease: Lease, now_ns: int) -> bool:
    """Whether nobody holds the lease, or its holder has been silent for the TTL."""
    return not lease.session or now_ns >= lease.expires_ns


def granted(lease: Lease, operator: str, session: str, now_ns: int) -> Lease:
    """The lease after a request; the holder asking again keeps its epoch.

    Raises:
        LeaseRefused: somebody else holds it.
    """
    if is_free(lease, now_ns):
        epoch = lease.epoch + 1
    elif lease.session == session:
        epoch = lease.epoch
    else:
        raise LeaseRefused(f"{lease.operator} has the lease")
    return Lease(
        epoch=epoch, operator=operator, session=session, expires_ns=now_ns + TTL_MS * NS_PER_MS
    )


def renewed(lease: Lease, session: str, epoch: int, now_ns: int) -> Lease:
    """The lease after its holder's sign of life.

    Raises:
        LeaseRefused: it is not this session's any more.
    """
    refusal = refusal_for(lease, session, epoch)
    if refusal is not None:
        raise LeaseRefused(SENTENCES[refusal])
    return msgspec.structs.replace(lease, expires_ns=now_ns + TTL_MS * NS_PER_MS)


def freed(lease: Lease) -> Lease:
    """The lease without a holder; its epoch is remembered."""
    return Lease(epoch=lease.epoch)


def refusal_for(lease: Lease, session: str, epoch: int) -> Refusal | None:
    """Why a message of `session` under `epoch` has no effect, None when it has."""
    if not lease.session:
        return Refusal.NO_LEASE
    if lease.session != session:
        return Refusal.HELD_BY_OTHER
    if lease.epoch != epoch:
        return Refusal.OLD_EPOCH
    return None


SENTENCES = {
    Refusal.NO_LEASE: "you do not have the lease",
    Refusal.HELD_BY_OTHER: "somebody else has the lease",
    Refusal.OLD_EPOCH: "your lease has run out, request it again",
}
