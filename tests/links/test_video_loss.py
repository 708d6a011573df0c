"""Pictures over a line that loses packets: rows N1 to N3 of the fault catalogue, for the picture.

The bench's own sender and receiver, in two processes, and the bench's bad line between them: what
is lost is drawn from a seeded generator, each way on its own. What counts is how much of the time
the newest picture is a young one.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from teleop.bench_lossy import Line
from teleop.bench_video_figures import longest_gap_ms, share_younger
from teleop.bench_video_link import (
    BenchExchange,
    Watched,
    _all_connected,
    _bad_line,
    _seen,
    sending,
)
from teleop.bench_video_sender import camera_names
from tests.measured import Measured
from transport.control_link import LOOPBACK
from transport.video_receiver import VideoReceiver

ROUND_TRIP_MS = 50.0
YOUNG_MS = 200.0
STANDS_STILL_BELOW = 0.99  # of the time over a line that loses nothing: then it is tried again
ATTEMPTS = 3


def watched(seconds: float, *lines: Line) -> list[Watched]:
    """What viewers of one sender see at the same time, each over a line of its own."""
    with ExitStack() as closing:
        sender = closing.enter_context(sending(640, 480, viewers=len(lines)))
        receivers = []
        for number, line in enumerate(lines):
            exchange = BenchExchange(
                sender.credentials(number),
                sender.port,
                f"session-{number}",
                _bad_line(line, closing),
            )
            closing.callback(exchange.close)
            receivers.append(VideoReceiver(camera_names(1), exchange, bind_host=LOOPBACK))
            receivers[-1].start()
            closing.callback(receivers[-1].close)
        _all_connected(receivers)
        with ThreadPoolExecutor(len(lines)) as looking:
            return list(looking.map(lambda each: _seen(each, seconds, sender), receivers))


@pytest.mark.parametrize(
    ("row", "loss", "seconds", "least"),
    [
        ("N2", 0.05, 8.0, 0.95),
        pytest.param("N1", 0.01, 30.0, 0.99, marks=pytest.mark.long),
        pytest.param("N2", 0.05, 30.0, 0.95, marks=pytest.mark.long),
        pytest.param("N3", 0.2, 30.0, 0.6, marks=pytest.mark.long),
    ],
)
def test_the_picture_is_young_most_of_the_time(
    measured: Measured, row: str, loss: float, seconds: float, least: float
) -> None:
    for _ in range(ATTEMPTS):
        seen, beside = watched(seconds, Line(loss, ROUND_TRIP_MS), Line(0.0, ROUND_TRIP_MS))
        share = share_younger(seen.first, YOUNG_MS, seen.until_ns)
        good = share_younger(beside.first, YOUNG_MS, beside.until_ns)
        assert share is not None, "no picture came"
        assert good is not None, "no picture came over the line that loses nothing"
        # A machine that stands still ages the pictures of both, and says nothing of the loss.
        if share >= least or good > STANDS_STILL_BELOW:
            break
    measured(
        row,
        f"loss {loss:.0%} for {seconds:.0f} s: picture below {YOUNG_MS:.0f} ms "
        f"≥ {least:.0%} of the time",
        f"{share:.1%}, longest gap {longest_gap_ms(seen.first):.0f} ms; "
        f"without loss, at the same time, {good:.1%}",
    )
    assert share >= least
