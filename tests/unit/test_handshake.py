"""What a console concludes from the events of its connection, attempt by attempt."""

from __future__ import annotations

import itertools

import pytest

from transport.clock import NS_PER_MS
from transport.handshake import AGAIN_MS, EARLY_MS, LOOK_AGAIN_MS, Attempts, Seen, Trouble

MS = NS_PER_MS
SAME_KEY = (Seen.CONNECTED, Seen.ADMITTED)
ENDED_EARLY = (Seen.CONNECTED, Seen.BROKEN, Seen.ENDED, Seen.RETRIED)


def after(*events: Seen, attempts: Attempts | None = None, at_ms: int = 1) -> Attempts:
    attempts = attempts or Attempts()
    for event in events:
        attempts = attempts.after(event, at_ms * MS)
    return attempts


def test_nothing_heard_yet_is_unreachable() -> None:
    assert Attempts().trouble is Trouble.UNREACHABLE


@pytest.mark.parametrize(
    ("events", "trouble"),
    [
        (SAME_KEY, None),
        ((Seen.CONNECTED, Seen.NOT_ADMITTED, Seen.ENDED), Trouble.NOT_PAIRED),
        ((Seen.CONNECTED, Seen.NOT_DECIDED, Seen.ENDED), Trouble.UNREACHABLE),
        ((Seen.CONNECTED, Seen.FORGED, Seen.ENDED), Trouble.WRONG_ROBOT_KEY),
        ((Seen.CONNECTED, Seen.FOREIGN, Seen.ENDED), Trouble.UNREACHABLE),
        ((Seen.CONNECTED, Seen.ENDED), Trouble.UNREACHABLE),
        ((Seen.REFUSED, Seen.RETRIED), Trouble.UNREACHABLE),
        ((Seen.CONNECTED,), Trouble.UNREACHABLE),
        ((*SAME_KEY, Seen.ENDED, Seen.RETRIED), Trouble.UNREACHABLE),
    ],
    ids=lambda value: "-".join(s.name for s in value) if isinstance(value, tuple) else str(value),
)
def test_each_attempt_has_its_meaning(events: tuple[Seen, ...], trouble: Trouble | None) -> None:
    assert after(*events).trouble is trouble


@pytest.mark.parametrize("before", list(Trouble))
def test_an_admission_clears_any_trouble(before: Trouble) -> None:
    assert after(*SAME_KEY, attempts=Attempts(before, ended_early=5)) == Attempts(None)


def test_a_handshake_that_the_peer_ends_twice_is_worth_a_look() -> None:
    once = after(*ENDED_EARLY)
    assert not once.suspicious(1)
    twice = after(*ENDED_EARLY, attempts=once)
    assert twice.suspicious(1)
    assert twice.trouble is Trouble.UNREACHABLE, "nothing is claimed before the look"
    assert twice.looked(1, robot=True).trouble is Trouble.WRONG_ROBOT_KEY
    assert twice.looked(1, robot=False).trouble is Trouble.UNREACHABLE


def test_a_look_is_taken_again_because_a_tunnel_may_lead_elsewhere_by_now() -> None:
    looked = after(*ENDED_EARLY, *ENDED_EARLY).looked(0, robot=False)
    assert not looked.suspicious((LOOK_AGAIN_MS - 1) * MS)
    assert looked.suspicious(LOOK_AGAIN_MS * MS)


@pytest.mark.parametrize("event", [Seen.ADMITTED, Seen.NOT_ADMITTED, Seen.REFUSED, Seen.FOREIGN])
def test_a_look_that_comes_too_late_changes_nothing(event: Seen) -> None:
    attempts = after(*ENDED_EARLY, *ENDED_EARLY, event)
    assert not attempts.suspicious(10**12)
    assert attempts.looked(1, robot=True) == attempts


def test_a_handshake_that_runs_out_of_time_accuses_nobody() -> None:
    attempts = Attempts()
    for begin_ms in (0, 3000, 6000):
        attempts = after(Seen.CONNECTED, attempts=attempts, at_ms=begin_ms)
        attempts = after(
            Seen.BROKEN, Seen.ENDED, Seen.RETRIED, attempts=attempts, at_ms=begin_ms + EARLY_MS
        )
        assert not attempts.suspicious(10**12)
    assert attempts.trouble is Trouble.UNREACHABLE


@pytest.mark.parametrize("reason", [Seen.NOT_ADMITTED, Seen.NOT_DECIDED, Seen.FOREIGN, Seen.FORGED])
def test_what_libzmq_gives_up_is_made_anew_after_a_while(reason: Seen) -> None:
    attempts = after(Seen.CONNECTED, reason, Seen.ENDED, at_ms=10)
    assert not attempts.given_up((10 + AGAIN_MS) * MS - 1)
    assert attempts.given_up((10 + AGAIN_MS) * MS)
    assert not after(Seen.CONNECTED, attempts=attempts).given_up(10**12)


def test_what_libzmq_tries_again_is_left_to_it() -> None:
    for events in (ENDED_EARLY, (Seen.REFUSED, Seen.RETRIED), SAME_KEY):
        assert not after(*events).given_up(10**12)


def test_only_an_admission_that_stands_is_no_trouble() -> None:
    # CONNECTED and RETRIED say nothing; BROKEN never follows an admission.
    for events in itertools.product(set(Seen) - {Seen.BROKEN}, repeat=4):
        telling = [event for event in events if event not in (Seen.CONNECTED, Seen.RETRIED)]
        stands = bool(telling) and telling[-1] is Seen.ADMITTED
        assert (after(*events).trouble is None) == stands, events
