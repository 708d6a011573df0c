"""One driver at a time; silence frees; an epoch never comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.lease import TTL_MS, LeaseRefused, freed, granted, is_free, refusal_for, renewed
from transport.clock import NS_PER_MS
from transport.messages import Lease, Refusal

TTL_NS = TTL_MS * NS_PER_MS


def test_a_free_lease_is_granted_under_a_new_epoch() -> None:
    lease = granted(Lease(epoch=4), "op-1", "a", 0)
    assert (lease.epoch, lease.session) == (5, "a")


def test_a_held_lease_is_refused_and_names_its_holder() -> None:
    lease = granted(Lease(), "op-1", "a", 0)
    with pytest.raises(LeaseRefused) as refused:
        granted(lease, "op-2", "b", TTL_NS - 1)
    assert refused.value.sentence == "op-1 has the lease"


def test_the_holder_asking_again_keeps_its_epoch() -> None:
    lease = granted(Lease(), "op-1", "a", 0)
    assert granted(lease, "op-1", "a", 10).epoch == lease.epoch


def test_a_lease_expires_when_its_holder_is_silent_for_the_ttl() -> None:
    lease = granted(Lease(), "op-1", "a", 0)
    assert not is_free(lease, TTL_NS - 1)
    assert is_free(lease, TTL_NS)
    assert granted(lease, "op-2", "b", TTL_NS).epoch == lease.epoch + 1


def test_renewing_moves_the_end() -> None:
    lease = granted(Lease(), "op-1", "a", 0)
    assert renewed(lease, "a", lease.epoch, 100).expires_ns == 100 + TTL_NS


@pytest.mark.parametrize(
    ("session", "epoch", "reason"),
    [
        ("b", 1, Refusal.HELD_BY_OTHER),
        ("a", 0, Refusal.OLD_EPOCH),
        ("a", 2, Refusal.OLD_EPOCH),
        ("a", 1, None),
    ],
)
def test_only_the_holder_under_its_epoch_has_effect(
    session: str, epoch: int, reason: Refusal | None
) -> None:
    assert refusal_for(granted(Lease(), "op-1", "a", 0), session, epoch) is reason


def test_nobody_has_effect_on_a_free_lease() -> None:
    assert refusal_for(freed(granted(Lease(), "op-1", "a", 0)), "a", 1) is Refusal.NO_LEASE


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2 * TTL_NS)), max_size=40))
def test_an_epoch_never_decreases_and_has_one_holder(asks: list[tuple[str, int]]) -> None:
    lease, now_ns, holders = Lease(), 0, {}
    for session, pause_ns in asks:
        now_ns += pause_ns
        before = lease.epoch
        try:
            lease = granted(lease, session, session, now_ns)
        except LeaseRefused:
            continue
        assert lease.epoch >= before
        assert holders.setdefault(lease.epoch, session) == session
