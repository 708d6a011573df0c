"""TCP that is reset, ended or sliced under a drive (row N10): no half message counts, it goes on.

On loopback through a proxy: any user may run it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.drive import Drive, assert_never_stale, count_entries, drive, gaps_ms
from tests.faults.network_rig import Loopback, Program
from tests.measured import Measured
from transport.clock import NS_PER_MS, now_ns
from transport.control_link import free_base_port
from transport.messages import Mode

BACK_MS = 1000.0


@pytest.fixture
def proxied() -> Iterator[tuple[Loopback, Program]]:
    """A robot's place, and the proxy through which its operator has to go."""
    place = Loopback(free_base_port(), free_base_port())
    proxy = place.start("operator", "tests.faults.tcp_proxy", str(place.seen_port), str(place.port))
    proxy.lines.wait(lambda line: line.get("ready"), "the proxy listens")
    try:
        yield place, proxy
    finally:
        proxy.close()


def ended(proxy: Program, how: str) -> int:
    """End every connection in the middle of a message; when, monotonic ns."""
    since = len(proxy.lines.all())
    proxy.tell(do=how)
    done = proxy.lines.wait(lambda line: line.get("did") == how, "the connections end", since)
    stamp_ns: int = done["stamp_ns"]
    return stamp_ns


def assert_nothing_was_misread(run: Drive) -> None:
    """No half message was taken for one, and nothing obeyed was old."""
    refused = run.counts()["refused"]
    assert refused.get("malformed", 0) == 0, refused
    assert refused.get("echo", 0) == 0, refused
    assert_never_stale(run)


@pytest.mark.parametrize(
    ("how", "word", "rounds"),
    [
        ("reset", "RST", 3),
        pytest.param("reset", "RST", 50, marks=pytest.mark.long),
        pytest.param("finish", "FIN", 50, marks=pytest.mark.long),
    ],
)
def test_connections_that_end_in_the_middle_of_a_message_are_back_within_a_second(
    proxied: tuple[Loopback, Program],
    tmp_path: Path,
    measured: Measured,
    how: str,
    word: str,
    rounds: int,
) -> None:
    place, proxy = proxied
    with drive(place, tmp_path) as run:
        run.take_over()
        run.full_speed()
        back_ms = []
        for _ in range(rounds):
            run.wait(0.5)
            cut_ns = ended(proxy, how)
            # Not what was on the robot's side already.
            first = run.first_obeyed(cut_ns + 20 * NS_PER_MS)
            back_ms.append((first["stamp_ns"] - cut_ns) / NS_PER_MS)
        measured(
            "N10",
            f"{word} in mid-message: back ≤ 1 s, {rounds} times",
            f"slowest {max(back_ms):.0f} ms, "
            f"{count_entries(run.ticks(), Mode.LINK_LOST)} LINK_LOST",
        )
        assert max(back_ms) <= BACK_MS
        assert_nothing_was_misread(run)


@pytest.mark.parametrize("seconds", [3.0, pytest.param(60.0, marks=pytest.mark.long)])
def test_segments_of_one_byte_change_nothing(
    proxied: tuple[Loopback, Program], tmp_path: Path, measured: Measured, seconds: float
) -> None:
    place, proxy = proxied
    with drive(place, tmp_path) as run:
        run.take_over()
        run.full_speed()
        proxy.tell(do="slice", bytes=1)
        run.wait(0.5)
        from_ns = now_ns()
        run.wait(seconds)
        worst_ms = max(gaps_ms(run.accepted(from_ns)))
        measured(
            "N10",
            "segments of one byte: no HOLD, nothing misread",
            f"{run.holds(from_ns)} HOLD, worst gap {worst_ms:.0f} ms",
        )
        assert run.holds(from_ns) == 0
        assert_nothing_was_misread(run)
