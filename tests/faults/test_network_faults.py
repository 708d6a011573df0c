"""A bad network between a real operator's link and a real control loop, row by row.

Rows N of the fault catalogue, with what each expects; the robot's own ticks are the ground truth.

| row | fault | here |
|---|---|---|
| N1 | loss 1 % | `test_one_percent_loss…` (long) |
| N2 | loss 5 % | `test_five_percent_loss…` (5 s quick, 60 s long) |
| N3 | loss 20 % | `test_twenty_percent_loss…` (long) |
| N4 | round trip 50, 150, 300 ms | `test_round_trips…`, `test_a_round_trip_above…` (long) |
| N5 | jitter ±20, ±100 ms | `test_jitter…` (long) |
| N6 | disorder 25 %, duplicates 10 % | `test_disorder_and_duplicates…` (long) |
| N6 | flipped bits | `test_flipped_bits…` (long) |
| N7 | blackout of 5 s, full stick | `test_a_blackout_of_five…`; 200 cuts: `test_every_cut…` |
| N8 | blackout of 150 ms, 500 ms, 1.2 s | `test_a_blackout_of_…` (1.2 s: long) |
| N9 | half-open, either way | `test_a_dead_uplink…` (long), `test_a_dead_downlink…` |
| N10 | RST, segments of one byte, FIN | `test_tcp_faults.py` |
| N11 | UDP blocked | `test_udp_blocked.py` (TURN over TCP: long), `test_turn.py` |
| N12 | 500 kbit/s shared with video | `test_shared_rate.py` (long) |
| N13 | another address, another NAT address | `test_an_operator_who_changes…` (long) |
| N14 | a relay that dies | `test_udp_blocked.py` (long) |

The picture in N1 to N3: `tests/links/test_video_loss.py`; in N7 and N13: `test_video_reconnect.py`.
"""

from __future__ import annotations

import bisect
import random
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from teleop.lease import TTL_MS
from tests.faults.drive import (
    FULL_MPS,
    LIMITS,
    STANDS_MS,
    TICK_MS,
    Drive,
    assert_never_stale,
    assert_ramped,
    assert_stands_until_hands_were_off,
    count_entries,
    drive,
    gaps_ms,
    stands,
)
from tests.faults.network_rig import Change, Network
from tests.faults.tcp_delivery import delivered_ns, deliveries
from tests.measured import Measured
from transport.channels import COMMANDS, DEFAULT_PORT
from transport.clock import NS_PER_MS, NS_PER_S, now_ns
from transport.control_link import LANES
from transport.messages import Mode

RTT_MS = 50.0
BACK_MS = 1500.0  # first accepted command after the network is back
MOST_LOST = 3  # a minute at 20 % loss; "never" is wanted, TCP gives 0 to 1
NOT_HEARD_MS = 1000.0  # a console says so within this
MOST_LEFT_OUT = {20.0: 0.05, 100.0: 0.5}  # of N5's commands, by jitter
COMMAND_BYTES = 100  # on the wire; what is smaller is a sign of life of the connection
TURN = 0.5  # with the full speed: both have their ramp
MATCH_NS = 1_500_000  # from `send` to the wire; later ones have waited for TCP's window


def after(cut_ns: int, tick_ns: int) -> float:
    """Milliseconds from one stamp to a later one."""
    return (tick_ns - cut_ns) / NS_PER_MS


@contextmanager
def taken_over(network: Network, folder: Path) -> Iterator[Drive]:
    """An operator has the robot, at a normal round trip; nothing moves yet."""
    with drive(network, folder) as run:
        network.set_rtt(RTT_MS)
        run.take_over()
        yield run


@contextmanager
def at_full_speed(network: Network, folder: Path) -> Iterator[Drive]:
    """An operator drives the robot as fast as it may, at a normal round trip."""
    with taken_over(network, folder) as run:
        run.full_speed(TURN)
        run.wait(0.5)
        yield run


def driven(run: Drive, seconds: float) -> tuple[int, int]:
    """Full stick for a while; the stretch of time."""
    from_ns = run.full_speed(TURN)
    run.wait(seconds)
    return from_ns, now_ns()


def assert_latched_at_one_second(run: Drive, cut_ns: int) -> float:
    """LINK_LOST at the first tick after a second without a command; how long it was silent, ms."""
    lost = run.tick(lambda tick: tick["mode"] == Mode.LINK_LOST, "LINK_LOST", since_ns=cut_ns)
    last_ns = run.accepted(to_ns=lost["stamp_ns"])[-1].tick_ns
    before = run.ticks(last_ns, lost["stamp_ns"])[-1]
    assert before["mode"] == Mode.HOLD
    assert after(last_ns, before["stamp_ns"]) <= LIMITS.lost_ms < after(last_ns, lost["stamp_ns"])
    return after(last_ns, lost["stamp_ns"])


# --- N1, N2, N3: loss ---


@pytest.mark.long
def test_one_percent_loss_never_holds_and_nearly_every_tick_has_a_command(
    network: Network, tmp_path: Path, measured: Measured
) -> None:
    with taken_over(network, tmp_path) as run:
        lossy_ns = network.set_rtt(RTT_MS, loss=0.01)
        from_ns, to_ns = driven(run, 60.0)
        accepted, ticks = run.accepted(from_ns, to_ns), run.ticks(from_ns, to_ns)
        share = len(accepted) / len(ticks)
        holds = run.holds(lossy_ns, to_ns)
        measured("N1", "60 s without HOLD; ≥ 97 % of ticks", f"{share:.1%}, {holds} HOLD")
        assert holds == 0
        assert share >= 0.97
        assert_never_stale(run)


@pytest.mark.parametrize("seconds", [5.0, pytest.param(60.0, marks=pytest.mark.long)])
def test_five_percent_loss_never_holds(
    network: Network, tmp_path: Path, measured: Measured, seconds: float
) -> None:
    with taken_over(network, tmp_path) as run:
        lossy_ns = network.set_rtt(RTT_MS, loss=0.05)
        from_ns, to_ns = driven(run, seconds)
        holds, gap_ms = run.holds(lossy_ns, to_ns), max(gaps_ms(run.accepted(from_ns, to_ns)))
        measured("N2", f"{seconds:.0f} s without HOLD", f"{holds} HOLD, worst gap {gap_ms:.0f} ms")
        assert holds == 0
        assert_never_stale(run)


@pytest.mark.long
def test_twenty_percent_loss_holds_now_and_then_and_obeys_nothing_late(
    network: Network, tmp_path: Path, measured: Measured
) -> None:
    """Both connections of the commands, or of the states, wait for TCP's third try at once about
    once a minute: a second without commands, and the link counts as lost."""
    with taken_over(network, tmp_path) as run:
        lossy_ns = network.set_rtt(RTT_MS, loss=0.2)
        from_ns, to_ns = driven(run, 60.0)
        ticks = run.ticks(from_ns, to_ns)
        oldest_ms = assert_never_stale(run)
        assert_ramped(run)
        run.wait(NOT_HEARD_MS / 1e3)  # what began just now has its second, too
        stretches = hold_stretches(run.ticks(lossy_ns), to_ns)
        assert stretches, "it never held: nothing is tested here"
        shown_s = [shown_after_s(run, began_ns, ended_ns) for began_ns, ended_ns in stretches]
        unseen = [late_s for late_s in shown_s if late_s is None]
        slowest_s = max((late_s for late_s in shown_s if late_s is not None), default=0.0)
        lost = count_entries(ticks, Mode.LINK_LOST)
        kept = run.ticks()[-1]["mode"] in (Mode.TELEOP, Mode.HOLD)
        measured(
            "N3",
            "60 s: never LINK_LOST, ramped, stale 0, each hold shown ≤ 1 s after it begins",
            f"{lost} LINK_LOST, {'driven' if kept else 'waits for hands off'} at the end, "
            f"oldest {oldest_ms:.0f} ms; of {len(stretches)} holds {len(unseen)} ended before they "
            f"could be shown, the others after {slowest_s:.2f} s",
        )
        assert lost <= MOST_LOST  # falls short of "never": the trust page says so, and why
        assert slowest_s <= NOT_HEARD_MS / 1e3


def hold_stretches(ticks: list[dict[str, Any]], to_ns: int) -> list[tuple[int, int]]:
    """From when to when the robot did not do as asked, of what began before `to_ns`."""
    made: list[tuple[int, int]] = []
    began_ns = 0
    for tick in ticks:
        held = tick["mode"] in (Mode.HOLD, Mode.LINK_LOST)
        if held and not began_ns:
            began_ns = tick["stamp_ns"]
        elif began_ns and not held:
            made.append((began_ns, tick["stamp_ns"]))
            began_ns = 0
    if began_ns:
        made.append((began_ns, ticks[-1]["stamp_ns"]))
    return [(begin_ns, end_ns) for begin_ns, end_ns in made if begin_ns < to_ns]


def shown_after_s(run: Drive, began_ns: int, ended_ns: int) -> float | None:
    """How long a hold had lasted when the screen told of it; None: it ended first, in less than a
    second. Of states only the newest travels, so a short hold may pass between two of them."""
    views = [line for line in run.operator.lines.all() if "view" in line]
    before = [line for line in views if line["stamp_ns"] < began_ns]
    if before and before[-1]["view"]["readiness"] != "READY":
        return 0.0
    for line in views:
        if line["stamp_ns"] >= began_ns and line["view"]["readiness"] != "READY":
            if line["stamp_ns"] <= ended_ns + int(NOT_HEARD_MS * NS_PER_MS):
                return after(began_ns, line["stamp_ns"]) / 1e3
            break
    lasted_s = after(began_ns, ended_ns) / 1e3
    return None if lasted_s < NOT_HEARD_MS / 1e3 else lasted_s


# --- N4, N5, N6: delay, jitter, disorder ---


@pytest.mark.long
@pytest.mark.parametrize("rtt_ms", [50.0, 150.0])
def test_round_trips_of_normal_networks_are_usable(
    network: Network, tmp_path: Path, measured: Measured, rtt_ms: float
) -> None:
    with drive(network, tmp_path) as run:
        network.set_rtt(rtt_ms)
        run.take_over()
        run.push()
        run.wait(1.5)
        from_ns = now_ns()
        run.wait(20.0)
        ticks = run.ticks(from_ns)
        slowest = min(tick["forward_mps"] for tick in ticks)
        loop_ms = sorted(command.loop_age_ms for command in run.accepted(from_ns))
        measured(
            "N4",
            f"{rtt_ms:.0f} ms: usable, no HOLD in 20 s",
            f"{run.holds(from_ns)} HOLD, loop age p99 {loop_ms[len(loop_ms) * 99 // 100]:.0f} ms, "
            f"slowest {slowest:.2f} m/s",
        )
        assert run.holds(from_ns) == 0
        # StVFernLV's rule: full speed up to 200 ms from capture to command.
        latest_ms = max(tick["picture_age_ms"] for tick in ticks)
        cap_mps = LIMITS.max_mps * min(1.0, LIMITS.full_speed_latency_s * 1e3 / latest_ms)
        assert slowest >= cap_mps - 0.05
        assert_never_stale(run)


@pytest.mark.long
def test_a_round_trip_above_the_limit_moves_nothing_until_the_slow_profile_is_chosen(
    network: Network, tmp_path: Path, measured: Measured
) -> None:
    with drive(network, tmp_path) as run:
        run.take_over()
        slow_ns = network.set_rtt(300.0)
        run.push()
        run.wait(5.0)
        moved = [tick for tick in run.ticks(slow_ns + 2 * NS_PER_S) if not stands(tick)]
        seen = run.see(lambda view: view["hold"] == "stale", "why it stands", since_ns=slow_ns)
        assert_never_stale(run)
        run.let_go()  # a profile is changed with hands off
        run.see(lambda view: "high latency" in view["offers"], "an offer", since_ns=slow_ns)
        chosen_ns = run.choose_high_latency()
        run.see(
            lambda view: "too slow" in view["why not normal"], "no way back", since_ns=chosen_ns
        )
        run.wait(LIMITS.neutral_ms / 1e3 + 1.0)
        pushed_ns = run.push()
        run.tick(lambda tick: tick["forward_mps"] > 0.05, "motion", since_ns=pushed_ns)
        run.wait(10.0)
        fastest = max(tick["forward_mps"] for tick in run.ticks(chosen_ns))
        oldest_ms = assert_never_stale(run, LIMITS.high_latency_max_age_ms)
        measured(
            "N4",
            "300 ms: NORMAL refused, HIGH_LATENCY offered, ≤ 30 % of the speed",
            f"{len(moved)} ticks with motion, offered, then up to {fastest:.2f} m/s, "
            f"{run.holds(pushed_ns)} HOLD, oldest {oldest_ms:.0f} ms",
        )
        assert not moved
        assert seen["view"]["readiness"] in ("HOLD", "LINK LOST")
        assert fastest <= LIMITS.high_latency_factor * LIMITS.max_mps + 1e-9


@pytest.mark.long
@pytest.mark.parametrize("jitter_ms", [20.0, 100.0])
def test_jitter_changes_the_age_of_commands_as_the_network_does_and_never_their_order(
    network: Network, tmp_path: Path, measured: Measured, jitter_ms: float
) -> None:
    with taken_over(network, tmp_path) as run:
        network.forget()  # connections begin before: their later bytes are what is looked at
        network.set_rtt(RTT_MS, jitter_ms=jitter_ms)
        from_ns, to_ns = driven(run, 20.0)
        assert_never_stale(run)  # also: the numbers obeyed only grow
        lanes = deliveries(network.log("to_robot"), DEFAULT_PORT + COMMANDS.offset).values()
        ticks_ns = [tick["stamp_ns"] for tick in run.ticks(from_ns)]
        sent = run.sent()
        seen_ms, emulated_ms = [], []
        obeyed = run.accepted(from_ns, to_ns)
        for command in obeyed:
            sent_ns = sent[command.seq]["stamp_ns"]
            handed_on = [delivered_ns(lane, sent_ns, MATCH_NS, COMMAND_BYTES) for lane in lanes]
            known = [ns for ns in handed_on if ns >= 0]
            if len(known) < LANES:
                continue  # it had to wait for the window, or travelled in one segment with another
            tick_ns = ticks_ns[bisect.bisect_left(ticks_ns, min(known))]
            seen_ms.append(command.age_ms)
            emulated_ms.append((tick_ns - sent_ns) / NS_PER_MS)
        left_out = 1.0 - len(seen_ms) / len(obeyed)
        assert left_out <= MOST_LEFT_OUT[jitter_ms]
        apart = max(
            abs(seen - emulated)
            for seen, emulated in zip(
                statistics.quantiles(seen_ms, n=10),
                statistics.quantiles(emulated_ms, n=10),
                strict=True,
            )
        )
        measured(
            "N5",
            f"±{jitter_ms:.0f} ms: order kept, ages as emulated ±5 ms",
            f"deciles {apart:.1f} ms apart, median age {statistics.median(seen_ms):.0f} ms, "
            f"{len(seen_ms)} of {len(obeyed)} commands ({left_out:.0%} had waited for TCP's window "
            f"or shared a segment), {run.holds(from_ns, to_ns)} HOLD",
        )
        assert apart <= 5.0


@pytest.mark.long
def test_disorder_and_duplicates_are_counted_and_each_command_obeyed_once(
    network: Network, tmp_path: Path, measured: Measured
) -> None:
    with taken_over(network, tmp_path) as run:
        network.set_rtt(RTT_MS, reorder=0.25, duplicate=0.1)
        from_ns, to_ns = driven(run, 60.0)
        assert_never_stale(run)  # also: the numbers obeyed only grow
        counts, link = run.counts(), network.counts("to_robot")
        sent = len(run.sent())
        measured(
            "N6",
            "duplicates counted, each obeyed once, in order",
            f"{counts['accepted']} of {sent} obeyed, {counts['duplicates']} copies counted, "
            f"{run.holds(from_ns, to_ns)} HOLD",
        )
        assert link["overtaken"] > 0
        assert link["duplicated"] > 0
        assert 0 < counts["accepted"] <= sent
        # Each command travels on two connections; what is not obeyed is a copy, or late.
        assert counts["duplicates"] > counts["accepted"] / 4
        # Some of what was under way when it was armed came before the mode that hears it.
        assert set(counts["refused"]) <= {"sequence", "mode"}


@pytest.mark.long
@pytest.mark.parametrize("hidden", [False, True])
def test_flipped_bits_are_never_obeyed(
    network: Network, tmp_path: Path, measured: Measured, hidden: bool
) -> None:
    """Hidden ones pass TCP's checksum, as they do once in some thousand damaged packets.

    libzmq 4.3.5 ends a console's process for some of these: it loses errno while it tells our
    monitor of a message that cannot be decrypted, takes it for a full queue, and when the robot
    then ends the connection a heartbeat that is due finds it gone (an assertion in `out_event`).
    The robot, which is what moves, stops as for any console that has died.
    """
    with taken_over(network, tmp_path) as run:
        run.ask_again_when_free()
        from_ns = network.set_rtt(RTT_MS, corrupt=0.01, mend_checksum=hidden)
        run.push()
        run.wait(30.0)
        died = run.operator.process.poll() is not None
        assert hidden or not died, "the console's process has died"
        assert run.robot is not None
        assert run.robot.process.poll() is None, "the robot's process has died"
        flipped = network.counts("to_robot")["corrupted"]
        network.set_rtt(RTT_MS)
        if not died:
            run.full_speed(TURN)
        oldest_ms = assert_never_stale(run)  # also: nothing was obeyed that was not sent so
        refused = run.counts()["refused"]
        measured(
            "N6",
            f"flipped bits{' that TCP does not notice' if hidden else ''}: none obeyed, none read",
            f"{flipped} to the robot, refused {refused}, {run.holds(from_ns)} HOLD, "
            f"oldest {oldest_ms:.0f} ms{', the console ended by libzmq' if died else ''}",
        )
        assert flipped > 20 or died
        assert refused.get("malformed", 0) == 0, "authenticated before it is read"


# --- N7, N8: blackouts ---


def test_a_blackout_of_five_seconds_stops_latches_and_needs_hands_off(
    network: Network, tmp_path: Path, measured: Measured
) -> None:
    with at_full_speed(network, tmp_path) as run:
        run.ask_again_when_free()  # a lease ends after 3 s of silence
        cut_ns = network.cut(for_ms=5000.0)
        back_ns = cut_ns + 5 * NS_PER_S
        standing_ms = after(cut_ns, run.standing_since(cut_ns))
        lost_ms = assert_latched_at_one_second(run, cut_ns)
        first_ms = after(back_ns, run.first_obeyed(back_ns)["stamp_ns"])
        measured(
            "N7",
            f"zero ≤ {STANDS_MS:.0f} ms, LINK_LOST at 1 s, first command ≤ {BACK_MS:.0f} ms",
            f"zero {standing_ms:.0f} ms, LINK_LOST {lost_ms:.0f} ms, first {first_ms:.0f} ms",
        )
        assert standing_ms <= STANDS_MS
        assert first_ms <= BACK_MS
        assert_stands_until_hands_were_off(run, back_ns)
        oldest_ms = assert_never_stale(run)
        measured("N7", "stale commands obeyed: 0", f"0, oldest {oldest_ms:.0f} ms")


def test_a_blackout_of_150_ms_is_over_when_tcp_has_repaired_it(
    network: Network, tmp_path: Path, measured: Measured
) -> None:
    """TCP hands nothing on behind a lost segment until that is sent again, 200 ms and more later:
    that is a short HOLD by the rule of 200 ms, and speed comes back by itself."""
    with taken_over(network, tmp_path) as run:
        run.full_speed(TURN)
        worst_ms, holds, slowest = 0.0, 0, LIMITS.max_mps
        trials = 3
        for number in range(trials):
            run.wait(0.5 + 0.005 * number)  # another moment between two commands
            cut_ns = network.cut(for_ms=150.0)
            run.wait(1.0)
            ticks = run.ticks(cut_ns)
            worst_ms = max(worst_ms, *gaps_ms(run.accepted(cut_ns - 50 * NS_PER_MS)))
            holds += count_entries(ticks, Mode.HOLD)
            slowest = min(slowest, *(tick["forward_mps"] for tick in ticks))
            assert ticks[-1]["forward_mps"] > 0.9 * FULL_MPS, "as fast as before"
        measured(
            "N8",
            f"150 ms: at most a HOLD that ends by itself, {trials} times",
            f"{holds} of {trials} HOLD, worst gap {worst_ms:.0f} ms, slowest {slowest:.2f} m/s",
        )
        assert_never_stale(run)
        assert_ramped(run)
        assert count_entries(run.ticks(), Mode.LINK_LOST) == 0


def test_a_blackout_of_half_a_second_holds_and_commands_are_back_in_time(
    network: Network, tmp_path: Path, measured: Measured
) -> None:
    """TCP sends again after 250 and 750 ms, and then what has piled up. Where that takes the whole
    second the link counts as lost, and hands have to be off before it goes on."""
    with at_full_speed(network, tmp_path) as run:
        cut_ns = network.cut(for_ms=500.0)
        back_ns = cut_ns + 500 * NS_PER_MS
        held = run.tick(lambda tick: tick["mode"] == Mode.HOLD, "HOLD", since_ns=cut_ns)
        settled = (Mode.TELEOP, Mode.LINK_LOST)
        again = run.tick(lambda tick: tick["mode"] in settled, "an end of HOLD", since_ns=back_ns)
        first_ms = after(back_ns, run.first_obeyed(back_ns)["stamp_ns"])
        run.wait(0.5)
        measured(
            "N8",
            f"500 ms: HOLD, commands again ≤ {BACK_MS:.0f} ms",
            f"HOLD {after(cut_ns, held['stamp_ns']):.0f} ms after the cut, commands "
            f"{first_ms:.0f} ms after the end, then {again['mode']}",
        )
        assert first_ms <= BACK_MS
        assert_ramped(run)
        assert_never_stale(run)


@pytest.mark.long
def test_a_blackout_of_1200_ms_loses_the_link(
    network: Network, tmp_path: Path, measured: Measured
) -> None:
    with at_full_speed(network, tmp_path) as run:
        run.ask_again_when_free()
        epoch = run.epoch()
        cut_ns = network.cut(for_ms=1200.0)
        back_ns = cut_ns + 1200 * NS_PER_MS
        standing_ms = after(cut_ns, run.standing_since(cut_ns))
        first = run.first_obeyed(back_ns)
        first_ms = after(back_ns, first["stamp_ns"])
        measured(
            "N8",
            "1.2 s: LINK_LOST",
            f"{first['mode']}, zero {standing_ms:.0f} ms, first {first_ms:.0f} ms, "
            f"lease {'kept' if epoch == run.epoch() else 'lost'}",
        )
        assert first["mode"] == Mode.LINK_LOST
        assert standing_ms <= STANDS_MS
        assert first_ms <= BACK_MS
        assert_ramped(run)
        assert_stands_until_hands_were_off(run, back_ns)
        assert_never_stale(run)


@pytest.mark.long
def test_every_cut_stops_the_robot_in_time(
    network: Network, tmp_path: Path, measured: Measured
) -> None:
    trials = 200
    moments = random.Random(5)
    standing_ms: list[float] = []
    slowest = ""
    with taken_over(network, tmp_path) as run:
        run.ask_again_when_free()
        while len(standing_ms) < trials:
            run.full_speed(TURN)
            run.wait(moments.uniform(0.0, 0.3))
            cut_ns = network.cut()
            standing_ns = run.standing_since(cut_ns)
            standing_ms.append(after(cut_ns, standing_ns))
            if standing_ms[-1] == max(standing_ms):
                slowest = _story(run, cut_ns, standing_ns)
            run.let_go()
            back_ns = network.mend()
            run.first_obeyed(back_ns)
            run.wait(LIMITS.neutral_ms / 1e3 + 0.3)
        oldest_ms = assert_never_stale(run)
        assert_ramped(run)
    in_time = sum(ms <= STANDS_MS for ms in standing_ms)
    measured(
        "N7",
        f"cut → zero ≤ {STANDS_MS:.1f} ms in 200 of 200",
        f"{in_time} of {trials}; slowest {max(standing_ms):.1f} ms; oldest {oldest_ms:.0f} ms",
    )
    assert in_time == trials, slowest


def _story(run: Drive, cut_ns: int, standing_ns: int) -> str:
    """How a stop came about: what was still obeyed, and whether the robot itself was late."""
    obeyed = [
        f"{after(cut_ns, command.tick_ns):.0f} ms (age {command.age_ms:.0f})"
        for command in run.accepted(cut_ns, standing_ns)
    ]
    stamps = [tick["stamp_ns"] for tick in run.ticks(cut_ns - 50 * NS_PER_MS, standing_ns + 1)]
    late_ms = max(after(before, now) for before, now in pairwise(stamps)) - TICK_MS
    return (
        f"stood {after(cut_ns, standing_ns):.0f} ms after the cut; obeyed after it: "
        f"{', '.join(obeyed) or 'nothing'}; latest tick {late_ms:.0f} ms late"
    )


# --- N9: half-open ---


@pytest.mark.long
def test_a_dead_uplink_is_as_good_as_a_blackout(
    network: Network, tmp_path: Path, measured: Measured
) -> None:
    with at_full_speed(network, tmp_path) as run:
        run.ask_again_when_free()  # a lease ends after 3 s of silence
        cut_ns = network.cut(["to_robot"])
        standing_ms = after(cut_ns, run.standing_since(cut_ns))
        lost_ms = assert_latched_at_one_second(run, cut_ns)
        run.wait(4.0)
        back_ns = network.mend()
        first_ms = after(back_ns, run.first_obeyed(back_ns)["stamp_ns"])
        measured(
            "N9",
            "uplink dead: as N7",
            f"zero {standing_ms:.0f} ms, LINK_LOST {lost_ms:.0f} ms, first {first_ms:.0f} ms",
        )
        assert standing_ms <= STANDS_MS
        assert first_ms <= BACK_MS
        assert_stands_until_hands_were_off(run, back_ns)
        assert_never_stale(run)


def test_a_dead_downlink_is_refused_by_the_robot_itself(
    network: Network, tmp_path: Path, measured: Measured
) -> None:
    with at_full_speed(network, tmp_path) as run:
        cut_ns = network.cut(["to_operator"])
        standing_ms = after(cut_ns, run.standing_since(cut_ns))
        run.tick(lambda tick: tick["mode"] == Mode.LINK_LOST, "LINK_LOST", since_ns=cut_ns)
        obeyed_ms = after(cut_ns, run.accepted(cut_ns)[-1].tick_ns)
        run.see(lambda view: view["reach"] == "lost", "robot not heard", since_ns=cut_ns)
        measured(
            "N9",
            "downlink dead: the robot refuses what echoes old states",
            f"last obeyed {obeyed_ms:.0f} ms after the cut, zero {standing_ms:.0f} ms",
        )
        # The newest echo is at most as old as the limit when the last command is obeyed.
        assert obeyed_ms <= LIMITS.max_age_ms
        assert standing_ms <= LIMITS.max_age_ms + STANDS_MS
        assert_never_stale(run)


@pytest.mark.long
def test_a_robot_that_is_not_heard_is_shown_so_within_a_second(
    network: Network, tmp_path: Path, measured: Measured
) -> None:
    with taken_over(network, tmp_path) as run:
        shown_ms = []
        for _ in range(5):
            cut_ns = network.cut(["to_operator"])
            seen = run.see(lambda view: view["reach"] == "lost", "robot not heard", since_ns=cut_ns)
            shown_ms.append(after(cut_ns, seen["stamp_ns"]))
            back_ns = network.mend()
            run.see(lambda view: view["reach"] == "connected", "heard again", since_ns=back_ns)
            run.wait(0.3)
        measured(
            "N9",
            "downlink dead: “robot not heard” ≤ 1 s, 5 times",
            ", ".join(f"{ms:.0f}" for ms in sorted(shown_ms)) + " ms",
        )
        assert max(shown_ms) <= NOT_HEARD_MS


# --- N13: another address ---


@pytest.mark.long
@pytest.mark.parametrize("how", ["moves", "is translated anew"])
def test_an_operator_who_changes_address_drives_on_under_the_same_lease(
    network: Network, tmp_path: Path, measured: Measured, how: Change
) -> None:
    with taken_over(network, tmp_path) as run:
        run.full_speed(TURN)
        epoch = run.epoch()
        moved_ns = network.change_address(how)
        run.wait(0.2)
        first = run.first_obeyed(moved_ns + 200 * NS_PER_MS)
        first_ms = after(moved_ns, first["stamp_ns"])
        pressed_ns = run.press_anew()
        run.tick(lambda tick: not stands(tick), "motion again", since_ns=pressed_ns)
        measured(
            "N13",
            f"operator {how}: back within the lease's {TTL_MS / 1e3:.0f} s",
            f"first command after {first_ms:.0f} ms, lease {epoch} kept",
        )
        assert first_ms <= TTL_MS
        assert run.epoch() == epoch
        assert_never_stale(run)
