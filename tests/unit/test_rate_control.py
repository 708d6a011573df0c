"""How many bits a camera may have: fast down, slowly up, and never a wall."""

from __future__ import annotations

import pytest

from tests.unit.video_line import Line, Seen
from transport.clock import NS_PER_MS, NS_PER_S
from transport.rate_control import (
    CEILING_BPS,
    FLOOR_BPS,
    MIN_FPS,
    START_BPS,
    RateLimits,
    ViewerLine,
    limits_for,
    plan_for,
)

LIMITS = limits_for(640, 480, 30.0)
FRAME_NS = NS_PER_S // 30


def busy(line: ViewerLine, from_ns: int, to_ns: int, share: float = 1.0) -> int:
    """Send frames at `share` of the line's rate, with a good report each second; when it ended."""
    stamp_ns = from_ns
    while stamp_ns < to_ns:
        line.sent(int(line.rate_bps(stamp_ns) * share / 30), stamp_ns)
        if (stamp_ns // FRAME_NS) % 30 == 0:
            line.reported(0.0, 50.0, stamp_ns)
        stamp_ns += FRAME_NS
    return stamp_ns


def test_larger_and_faster_pictures_may_have_more_bits_but_not_in_proportion() -> None:
    assert (LIMITS.floor_bps, LIMITS.ceiling_bps) == (FLOOR_BPS, CEILING_BPS)
    large = limits_for(1280, 720, 30.0)
    assert 2 * CEILING_BPS < large.ceiling_bps < 3 * CEILING_BPS
    assert limits_for(640, 480, 15.0).ceiling_bps < CEILING_BPS


def test_the_start_is_never_outside_what_the_profile_allows() -> None:
    assert limits_for(640, 480, 30.0, ceiling_bps=300_000).start_bps == 300_000
    assert limits_for(640, 480, 30.0, floor_bps=2_000_000).start_bps == 2_000_000


def test_below_some_rate_there_are_fewer_frames_but_always_enough_to_drive_by() -> None:
    assert LIMITS.fps_at(CEILING_BPS) == 30.0
    assert LIMITS.fps_at(200_000) == pytest.approx(20.0)
    assert LIMITS.fps_at(FLOOR_BPS) == MIN_FPS


def test_nothing_grows_before_anybody_has_reported() -> None:
    line = ViewerLine(LIMITS, 0)
    assert line.rate_bps(10 * NS_PER_S) == START_BPS


def test_a_line_that_is_used_and_never_too_narrow_reaches_the_ceiling_in_seconds() -> None:
    line = ViewerLine(LIMITS, 0)
    now_ns = busy(line, 0, 6 * NS_PER_S)
    assert line.rate_bps(now_ns) == CEILING_BPS


def test_a_line_that_is_hardly_used_is_not_taken_for_a_wide_one() -> None:
    line = ViewerLine(LIMITS, 0)
    now_ns = busy(line, 0, 6 * NS_PER_S, share=0.2)
    assert line.rate_bps(now_ns) == START_BPS


def test_an_estimate_that_came_of_little_use_is_no_wall() -> None:
    line = ViewerLine(LIMITS, 0)
    now_ns = busy(line, 0, NS_PER_S, share=0.1)
    line.estimated(150_000, now_ns)
    line.estimated(155_000, now_ns + 500 * NS_PER_MS)
    assert line.rate_bps(now_ns + 500 * NS_PER_MS) >= START_BPS


def test_an_estimate_that_falls_takes_the_rate_down_at_once() -> None:
    line = ViewerLine(LIMITS, 0)
    now_ns = busy(line, 0, 3 * NS_PER_S)
    before = line.rate_bps(now_ns)
    line.estimated(before, now_ns)
    line.estimated(before // 2, now_ns + 60 * NS_PER_MS)
    assert line.rate_bps(now_ns + 60 * NS_PER_MS) < before // 2


def test_what_is_under_way_is_waited_for_but_not_for_long() -> None:
    line = ViewerLine(LIMITS, 0)
    now_ns = busy(line, 0, 3 * NS_PER_S)
    line.estimated(300_000, now_ns)
    assert line.holds(now_ns)
    assert not line.holds(now_ns + NS_PER_S)


def test_an_estimate_that_is_repeated_goes_on_taking_the_rate_down() -> None:
    """aiortc repeats it only while it sees delays grow."""
    line = ViewerLine(LIMITS, 0)
    now_ns = busy(line, 0, 3 * NS_PER_S)
    line.estimated(300_000, now_ns)
    first = line.rate_bps(now_ns)
    for _ in range(60):
        now_ns += FRAME_NS
        line.estimated(300_000, now_ns)
    assert line.rate_bps(now_ns) < 0.7 * first


def test_after_congestion_it_grows_fast_first_and_slowly_near_what_was_too_much() -> None:
    line = ViewerLine(LIMITS, 0)
    now_ns = busy(line, 0, NS_PER_S)
    too_much = line.rate_bps(now_ns)
    line.estimated(too_much // 2, now_ns)
    now_ns += NS_PER_S
    per_second = []
    for _ in range(20):
        before = line.rate_bps(now_ns)
        line.estimated(max(before, too_much // 2), now_ns)
        now_ns = busy(line, now_ns, now_ns + NS_PER_S)
        per_second.append((before / too_much, line.rate_bps(now_ns) / before))
    far = [growth for place, growth in per_second if place < 0.6]
    near = [growth for place, growth in per_second if 0.75 < place < 0.85]
    assert far
    assert near
    assert min(far[1:]) > 1.2
    assert max(near) < 1.1


def test_a_round_trip_that_stays_long_is_a_queue_that_stands() -> None:
    line = ViewerLine(LIMITS, 0)
    now_ns = busy(line, 0, 2 * NS_PER_S)
    before = line.rate_bps(now_ns)
    line.reported(0.0, 400.0, now_ns)
    assert line.rate_bps(now_ns) < before
    assert line.holds(now_ns + 300 * NS_PER_MS)


def test_while_a_long_queue_stands_there_are_only_signs_of_life() -> None:
    line = ViewerLine(LIMITS, 0, 100_000)
    line.reported(0.0, 50.0, 0)
    line.reported(0.0, 500.0, NS_PER_S)
    plan = plan_for((line,), LIMITS, NS_PER_S)
    assert plan.fps < MIN_FPS / 2
    assert plan.bitrate_bps < FLOOR_BPS / 2
    line.reported(0.0, 60.0, 2 * NS_PER_S)
    assert plan_for((line,), LIMITS, 2 * NS_PER_S).fps >= MIN_FPS


def test_a_way_that_is_longer_for_good_is_got_used_to() -> None:
    line = ViewerLine(LIMITS, 0)
    line.reported(0.0, 50.0, 0)
    for second in range(1, 120):
        line.reported(0.0, 200.0, second * NS_PER_S)
    assert not line.holds(119 * NS_PER_S + 1)


@pytest.mark.parametrize(
    ("lost", "grows", "shrinks"), [(0.01, True, False), (0.05, False, False), (0.2, False, True)]
)
def test_a_little_loss_is_borne_some_stops_growth_and_much_costs_rate(
    lost: float, grows: bool, shrinks: bool
) -> None:
    line = ViewerLine(LIMITS, 0)
    now_ns = busy(line, 0, NS_PER_S)
    before = line.rate_bps(now_ns)
    line.reported(lost, 50.0, now_ns)
    assert (line.rate_bps(now_ns) < before) is shrinks
    told = line.rate_bps(now_ns)
    for _ in range(15):
        now_ns += FRAME_NS
        line.sent(before // 30, now_ns)
    assert (line.rate_bps(now_ns) > told) is grows


def test_a_viewer_that_has_fallen_silent_is_sent_less_and_less() -> None:
    line = ViewerLine(LIMITS, 0)
    now_ns = busy(line, 0, NS_PER_S)
    before = line.rate_bps(now_ns)
    for _ in range(200):
        now_ns += FRAME_NS
        line.rate_bps(now_ns)
    assert line.rate_bps(now_ns) < before / 4


def test_a_viewer_whose_queue_is_full_costs_rate() -> None:
    line = ViewerLine(LIMITS, 0)
    line.overflowed(NS_PER_S)
    assert line.rate_bps(NS_PER_S) < START_BPS


def test_nothing_is_repeated_into_a_full_queue_and_never_more_than_half_as_much_again() -> None:
    line = ViewerLine(LIMITS, 0)
    packet = 9_600
    passed = sum(line.may_repeat(packet, n * NS_PER_MS) for n in range(1000))
    assert passed * packet <= 0.5 * START_BPS * 1.3
    assert passed * packet >= 0.5 * START_BPS * 0.9
    line.reported(0.0, 50.0, NS_PER_S)
    line.reported(0.0, 600.0, 2 * NS_PER_S)
    assert not line.may_repeat(packet, 2 * NS_PER_S)


def test_a_connection_made_again_goes_on_where_it_was() -> None:
    assert ViewerLine(LIMITS, 0, start_bps=90_000).rate_bps(0) == 90_000


def test_the_encoder_keeps_to_the_slowest_line_it_follows() -> None:
    slow, fast = ViewerLine(LIMITS, 0, 200_000), ViewerLine(LIMITS, 0, 3_000_000)
    plan = plan_for((slow, fast), LIMITS, 0)
    assert plan.bitrate_bps == 200_000
    assert plan.fps == pytest.approx(20.0)


def test_without_anybody_to_follow_the_encoder_stands_at_the_start() -> None:
    assert plan_for((), LIMITS, 0).bitrate_bps == START_BPS


# --- in a loop with aiortc's own estimator and a line that has a queue of 32 KB ---


def narrowed(other_bps: int, limits: RateLimits = LIMITS) -> Seen:
    """Eight seconds of a wide line, twenty at 500 kbit/s, thirty of a wide one."""
    line = Line(limits, other_bps=other_bps)
    line.run(8.0)
    line.set(rate_bps=500_000)
    line.run(20.0)
    line.set(rate_bps=0)
    line.run(30.0)
    return line.seen


@pytest.mark.parametrize("other_bps", [0, 100_000])
def test_on_a_line_that_narrows_to_500_kbit_the_picture_is_young_again_within_a_second(
    other_bps: int,
) -> None:
    seen = narrowed(other_bps)
    assert seen.rate_bps(7.9) > 1_500_000
    assert seen.rate_bps(9.0) < 500_000 - other_bps
    assert seen.age_ms(9.0, 28.0, 0.95) <= 100
    assert seen.other_age_ms(9.0, 28.0, 0.95) <= 100
    assert seen.mean_bps(10.0, 28.0) > 0.5 * (500_000 - other_bps)
    assert seen.lost(9.0, 28.0) == 0


def test_beside_steady_traffic_that_leaves_a_fifth_of_the_line_the_picture_yields() -> None:
    seen = narrowed(400_000)
    assert seen.age_ms(14.0, 28.0, 0.95) <= 150
    assert seen.other_age_ms(14.0, 28.0, 0.95) <= 200


def test_when_the_line_is_wide_again_the_rate_goes_up_to_the_ceiling() -> None:
    assert narrowed(0).rate_bps(57.0) > 3_000_000


def test_on_a_line_of_five_mbit_the_ceiling_is_reached() -> None:
    line = Line(LIMITS, other_bps=0)
    line.set(rate_bps=5_500_000)
    line.run(12.0)
    assert line.seen.rate_bps(11.9) > 3_500_000


def test_twenty_per_cent_loss_does_not_take_the_rate_to_the_floor_in_ten_seconds() -> None:
    line = Line(LIMITS, other_bps=0)
    line.set(loss=0.2)
    line.run(10.0)
    assert 4 * FLOOR_BPS < line.seen.rate_bps(9.9) < START_BPS
