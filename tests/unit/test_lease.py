"""One driver at a time; silence frees; an epoch never comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.lease import (
    ASKED_MS,
    TTL_MS,
    Claimant,
    LeaseRefused,
    freed,
    is_free,
    kept,
    passed_on,
    refusal_for,
    renewed,
    wished,
)
from teleop.lease import granted as granted_below
from transport.clock import NS_PER_MS
from transport.messages import Lease, Refusal

TTL_NS = TTL_MS * NS_PER_MS
CEILING = 1000
A = Claimant("A" * 40, "a", "op-1")
B = Claimant("B" * 40, "b", "op-2")
C = Claimant("C" * 40, "c", "op-3")


def granted(lease: Lease, to: Claimant, now_ns: int) -> Lease:
    return granted_below(lease, to, now_ns, CEILING)


def test_a_free_lease_is_granted_under_a_new_epoch() -> None:
    lease = granted(Lease(epoch=4), A, 0)
    assert (lease.epoch, lease.session) == (5, "a")


def test_a_held_lease_is_refused_and_names_its_holder() -> None:
    lease = granted(Lease(), A, 0)
    with pytest.raises(LeaseRefused) as refused:
        granted(lease, B, TTL_NS - 1)
    assert refused.value.sentence == "op-1 has the lease"


def test_the_holder_asking_again_keeps_its_epoch() -> None:
    lease = granted(Lease(), A, 0)
    assert granted(lease, A, 10).epoch == lease.epoch


def test_a_lease_expires_when_its_holder_is_silent_for_the_ttl() -> None:
    lease = granted(Lease(), A, 0)
    assert not is_free(lease, TTL_NS - 1)
    assert is_free(lease, TTL_NS)
    assert granted(lease, B, TTL_NS).epoch == lease.epoch + 1


def test_renewing_moves_the_end() -> None:
    lease = granted(Lease(), A, 0)
    assert renewed(lease, A.key, A.session, lease.epoch, 100).expires_ns == 100 + TTL_NS


@pytest.mark.parametrize(("who", "epoch"), [(B, 1), (A, 2)])
def test_only_the_holder_renews(who: Claimant, epoch: int) -> None:
    with pytest.raises(LeaseRefused):
        renewed(granted(Lease(), A, 0), who.key, who.session, epoch, 5)


@pytest.mark.parametrize(
    ("lease", "sentence"),
    [
        (Lease(epoch=1), "you do not have the lease"),
        (granted(Lease(), B, 0), "somebody else has the lease"),
        (granted(Lease(epoch=1), A, 0), "your lease has run out, request it again"),
    ],
)
def test_who_cannot_renew_is_told_why(lease: Lease, sentence: str) -> None:
    with pytest.raises(LeaseRefused) as refused:
        renewed(lease, A.key, A.session, 1, 5)
    assert refused.value.sentence == sentence


def test_keeping_a_lease_changes_its_end_and_nothing_else() -> None:
    lease = granted(Lease(epoch=4), A, 0)
    assert kept(lease, 7) == Lease(
        epoch=5, operator="op-1", key=A.key, session="a", expires_ns=7 + TTL_NS
    )


def test_a_lease_that_ran_out_revives_while_nobody_took_it() -> None:
    lease = granted(Lease(), A, 0)
    assert not is_free(renewed(lease, A.key, A.session, 1, TTL_NS + 5), TTL_NS + 5)


@pytest.mark.parametrize(
    ("who", "epoch", "reason"),
    [
        (B, 1, Refusal.HELD_BY_OTHER),
        (Claimant(A.key, B.session, A.name), 1, Refusal.HELD_BY_OTHER),
        (Claimant(B.key, A.session, A.name), 1, Refusal.HELD_BY_OTHER),
        (A, 0, Refusal.OLD_EPOCH),
        (A, 2, Refusal.OLD_EPOCH),
        (A, 1, None),
    ],
)
def test_only_the_holders_key_and_session_under_its_epoch_have_effect(
    who: Claimant, epoch: int, reason: Refusal | None
) -> None:
    assert refusal_for(granted(Lease(), A, 0), who.key, who.session, epoch) is reason


def test_nobody_has_effect_on_a_free_lease() -> None:
    lease = freed(granted(Lease(), A, 0))
    assert refusal_for(lease, A.key, A.session, 1) is Refusal.NO_LEASE
    assert lease.epoch == 1


def test_an_epoch_that_the_disk_does_not_know_is_not_granted() -> None:
    lease = granted_below(Lease(epoch=4), A, 0, 5)
    assert lease.epoch == 5
    for refuse in (granted_below, passed_on):
        with pytest.raises(LeaseRefused, match="disk"):
            refuse(freed(lease), B, 1, 5)


def test_the_holder_asking_again_needs_no_new_epoch() -> None:
    lease = granted_below(Lease(epoch=4), A, 0, 5)
    again = granted_below(lease, A, 7, 5)
    assert (again.epoch, again.expires_ns) == (5, 7 + TTL_NS)


def test_a_lease_passed_on_has_a_new_holder_and_a_new_epoch() -> None:
    lease = passed_on(granted(Lease(), A, 0), B, 9, CEILING)
    assert (lease.epoch, lease.key, lease.session, lease.operator) == (2, B.key, "b", "op-2")
    assert lease.expires_ns == 9 + TTL_NS


def test_the_holder_is_asked_by_one_at_a_time_and_for_a_while() -> None:
    lease = granted(Lease(), A, 0)
    wish = wished(lease, None, B, 5)
    assert (wish.operator, wish.key, wish.session) == ("op-2", B.key, "b")
    assert wish.until_ns == 5 + ASKED_MS * NS_PER_MS
    assert wished(lease, wish, B, 50) is wish
    with pytest.raises(LeaseRefused, match="op-1 has the lease, and op-2 has asked for it"):
        wished(lease, wish, C, wish.until_ns - 1)
    with pytest.raises(LeaseRefused):
        wished(lease, wish, Claimant(B.key, "other window", B.name), 50)
    assert wished(lease, wish, C, wish.until_ns).operator == "op-3"


@given(st.lists(st.tuples(st.sampled_from([A, B, C]), st.integers(0, 2 * TTL_NS)), max_size=40))
def test_an_epoch_never_decreases_and_has_one_holder(asks: list[tuple[Claimant, int]]) -> None:
    lease, now_ns, holders = Lease(), 0, {}
    for who, pause_ns in asks:
        now_ns += pause_ns
        before = lease.epoch
        try:
            lease = granted(lease, who, now_ns)
        except LeaseRefused:
            continue
        assert lease.epoch >= before
        assert holders.setdefault(lease.epoch, who) == who
