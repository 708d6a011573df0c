"""Pictures over a line that loses packets: rows N1 to N3 of the fault catalogue, for the picture.

The bench's own sender and receiver, in two processes, and the bench's bad line between them: what
is lost is drawn from a seeded generator, each way on its own. What counts is how much of the time
the newest picture is a young one.
"""

from __future__ import annotations

import pytest

from teleop.bench_lossy import Line
from teleop.bench_video_figures import longest_gap_ms, share_younger
from teleop.bench_video_link import watch
from tests.measured import Measured

ROUND_TRIP_MS = 50.0
YOUNG_MS = 200.0


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
    seen = watch(640, 480, seconds, line=Line(loss, ROUND_TRIP_MS))
    share = share_younger(seen.first, YOUNG_MS, seen.until_ns)
    assert share is not None, "no picture came"
    measured(
        row,
        f"loss {loss:.0%} for {seconds:.0f} s: picture below {YOUNG_MS:.0f} ms "
        f"≥ {least:.0%} of the time",
        f"{share:.1%}, longest gap {longest_gap_ms(seen.first):.0f} ms",
    )
    assert share >= least
