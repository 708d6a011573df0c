"""Percentiles and rows of the benches, what the control bench makes of ticks; addresses."""

from __future__ import annotations

import subprocess
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.bench import Report, Row, percentile, row
from teleop.bench_control_rows import Crowd, blackout_rows, cut_rows, observer_rows, stop_rows
from teleop.bench_figures import (
    STICK_PER_S,
    STICK_START,
    TICK_MS,
    Beat,
    Loss,
    aftermath,
    first_of_each,
    jitter_ms,
    loop_ages_ms,
    loss_after,
    missed_ticks,
    stick_at,
    stop_after,
    wish_age_ms,
)
from teleop.bench_keys import Stretch
from teleop.bench_load import ProcessorTime, busy_ticks, cores_between, family
from teleop.bench_relay import SEGMENT, SlowStart
from teleop.bench_trials import Cuts, Stops
from teleop.bench_wire import Wire
from teleop.safety import Limits
from transport.clock import NS_PER_MS, NS_PER_S
from transport.command_peer import WATCHDOG_S, PeerBase, PeerHost
from transport.control_link import free_base_port
from transport.errors import LinkError
from transport.messages import STILL, Mode, Twist
from ui.console import parse_address


def test_make_bench_measures_what_the_readme_tells() -> None:
    """60 s without a missed tick, 200 of 200 STOPs and cuts, half an hour of video."""
    make = ["make", "--no-print-directory", "-n", "bench"]
    root = Path(__file__).parents[2]
    plan = subprocess.run(make, cwd=root, capture_output=True, text=True, check=True).stdout
    assert "bench control --seconds 60 --trials 200\n" in plan
    assert "bench video --soak 30\n" in plan
    assert "bench record\n" in plan


@pytest.mark.parametrize(("percent", "value"), [(50, 5), (95, 10), (99, 10), (100, 10), (10, 1)])
def test_percentiles_are_values_that_occurred(percent: float, value: float) -> None:
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent) == value


def test_without_values_there_is_no_percentile() -> None:
    assert percentile([], 50) is None


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_enough_values_are_at_or_below_a_percentile(values: list[float], percent: int) -> None:
    found = percentile(values, percent)
    assert found is not None
    assert sum(v <= found for v in values) * 100 >= percent * len(values)


def test_a_row_says_whether_it_met_its_target_and_how_far_the_peer_is() -> None:
    made = row("age", 4.0, "ms", at_most=5.0, peer=40.0)
    assert (made.met, made.ratio) == (True, 10.0)
    assert row("age", 6.0, "ms", at_most=5.0).met is False


def test_a_row_that_could_not_be_measured_claims_nothing() -> None:
    made = row("age", None, "ms", at_most=5.0, peer=40.0)
    assert (made.value, made.met, made.ratio) == (None, None, None)


def test_a_report_is_one_object_with_the_promised_keys() -> None:
    report = Report(bench="video", machine={"cores": "2"}, rows=(row("age", 4.0, "ms"),))
    decoded = msgspec.json.decode(msgspec.json.encode(report))
    promised = {"name", "value", "unit", "target", "more_is_better", "met", "peer", "ratio"}
    assert set(decoded["rows"][0]) == promised
    assert decoded["machine"] == {"cores": "2"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [("10.0.0.5:7600", ("10.0.0.5", 7600)), ("robot.local", ("robot.local", 7600))],
)
def test_an_address_is_host_and_port(address: str, expected: tuple[str, int]) -> None:
    assert parse_address(address) == expected


@pytest.mark.parametrize("address", [":7600", "host:", "host:port", "host:80", "host:70000"])
def test_a_wrong_address_is_answered_with_a_right_one(address: str) -> None:
    with pytest.raises(LinkError, match=r"127\.0\.0\.1:7600"):
        parse_address(address)


# --- the control ticks ---

TICK_NS = NS_PER_S // 60
START_NS = 1_000 * NS_PER_S
LIMITS = Limits()


def beat(number: int, *, late_ms: float = 0.0, **fields: object) -> Beat:
    """The control tick with this number, on its time or late."""
    known: dict[str, object] = {
        "mode": Mode.TELEOP,
        "applied": Twist(forward_mps=0.5, turn_radps=0.0),
        "human": Twist(forward_mps=0.5, turn_radps=0.0),
        "command_seq": number,
        "loop_age_ms": 20.0,
        "missed_before": 0,
    }
    stamp_ns = START_NS + number * TICK_NS + round(late_ms * NS_PER_MS)
    return Beat(tick=number, stamp_ns=stamp_ns, **{**known, **fields})  # type: ignore[arg-type]


def test_ticks_on_time_have_no_jitter() -> None:
    assert jitter_ms([beat(n) for n in range(60)]) == pytest.approx([0.0] * 59, abs=1e-5)


def test_a_late_tick_counts_twice_as_jitter_late_itself_and_early_the_next() -> None:
    beats = [beat(0), beat(1, late_ms=4.0), beat(2)]
    assert jitter_ms(beats) == pytest.approx([4.0, 4.0], abs=1e-5)


def test_a_tick_that_the_bench_did_not_hear_is_no_jitter_of_the_robot() -> None:
    assert jitter_ms([beat(0), beat(2)]) == []


def test_missed_ticks_are_those_that_the_robot_skipped() -> None:
    assert missed_ticks([beat(0), beat(1, missed_before=2), beat(2, missed_before=1)]) == 3


def test_loop_ages_are_those_of_commands_that_were_obeyed() -> None:
    beats = [beat(0, loop_age_ms=30.0), beat(1, loop_age_ms=900.0, command_seq=-1)]
    assert loop_ages_ms(beats) == [30.0]


# --- STOP and lost links ---


def braking(first: int, ticks: int) -> list[Beat]:
    """Ticks without commands: driving until `first`, then the ramp to zero over `ticks`."""
    silent = [beat(n, command_seq=-1) for n in range(1, first)]
    for done in range(1, ticks + 1):
        speed = Twist(forward_mps=0.5 * (1 - done / ticks), turn_radps=0.0)
        silent.append(beat(first + done - 1, command_seq=-1, mode=Mode.HOLD, applied=speed))
    return silent


def test_a_lost_link_is_measured_from_the_last_command_obeyed_to_a_set_point_of_zero() -> None:
    beats = [beat(-1), beat(0), *braking(first=13, ticks=15)]
    cut_ns = beats[1].stamp_ns - 5 * NS_PER_MS  # its last command was under way
    loss = loss_after(beats, cut_ns, LIMITS)
    assert loss is not None
    assert loss.from_last_ms == pytest.approx(27 * TICK_MS)
    assert loss.from_cut_ms == pytest.approx(27 * TICK_MS + 5.0)
    assert loss.ramp_ms == pytest.approx(250.0)  # 0.5 m/s at 2 m/s²
    assert loss.over_ms(LIMITS) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize(("ticks_late", "kept"), [(0, True), (1, True), (2, False)])
def test_a_tick_more_than_silence_and_ramp_is_promised_and_no_more(
    ticks_late: int, kept: bool
) -> None:
    loss = loss_after([beat(0), *braking(13 + ticks_late, 15)], START_NS, LIMITS)
    assert loss is not None
    assert (loss.over_ms(LIMITS) <= TICK_MS + 1e-3) is kept


def test_a_robot_that_still_drives_has_no_figure() -> None:
    assert loss_after([beat(n) for n in range(60)], START_NS, LIMITS) is None


def test_standing_before_the_cut_is_no_loss() -> None:
    beats = [beat(0, applied=STILL), *(beat(n) for n in range(1, 9))]
    assert loss_after(beats, beats[3].stamp_ns, LIMITS) is None


def test_stop_is_measured_to_the_first_tick_that_stands_because_of_it() -> None:
    pressed_ns = START_NS + 10 * NS_PER_MS
    beats = [
        beat(0, mode=Mode.ESTOP, applied=STILL),  # of the trial before
        beat(1, applied=STILL),  # stands, but drives on
        beat(2, mode=Mode.ESTOP),  # stopped, but not told to stand yet
        beat(3, mode=Mode.ESTOP, applied=STILL),
        beat(4, mode=Mode.ESTOP, applied=STILL),
    ]
    assert stop_after(beats, pressed_ns) == pytest.approx(3 * TICK_MS - 10.0)
    assert stop_after(beats[:3], pressed_ns) is None


# --- stale commands ---


@given(st.integers(0, 15_000), st.integers(0, 15_000))
def test_a_deflection_tells_when_it_was_asked_for(asked_ms: int, later_ms: int) -> None:
    asked_ns = START_NS + asked_ms * NS_PER_MS
    stick = stick_at(asked_ns, START_NS)
    age_ms = wish_age_ms(stick, START_NS, asked_ns + later_ms * NS_PER_MS)
    assert age_ms == pytest.approx(later_ms, abs=1e-3)


def test_the_stick_never_reaches_its_end_within_a_blackout() -> None:
    assert STICK_START + STICK_PER_S * 15.0 < 1.0


def obeyed(at_ms: float, asked_ms: float) -> tuple[int, float]:
    """A wish of `asked_ms` obeyed at `at_ms`, both from the start of the stick's movement."""
    asked_ns = START_NS + round(asked_ms * NS_PER_MS)
    return START_NS + round(at_ms * NS_PER_MS), stick_at(asked_ns, START_NS)


def test_stale_commands_are_those_obeyed_older_than_the_limit_after_the_blackout() -> None:
    back_ns = START_NS + 6_000 * NS_PER_MS
    seen = [
        obeyed(900, 100),  # old, but before the blackout was over
        obeyed(6_010, 1_200),
        obeyed(6_060, 2_000),
        obeyed(6_110, 6_100),
        obeyed(6_130, 6_120),
    ]
    found = aftermath(seen, START_NS, back_ns, limit_ms=300.0)
    assert found.stale == 2
    assert found.oldest_ms == pytest.approx(4_810.0, abs=1e-3)
    assert found.first_fresh_ms == pytest.approx(110.0, abs=1e-3)


def test_who_obeys_nothing_after_a_blackout_obeys_nothing_stale() -> None:
    found = aftermath([obeyed(900, 890)], START_NS, START_NS + NS_PER_S, limit_ms=300.0)
    assert (found.stale, found.oldest_ms, found.first_fresh_ms) == (0, None, None)


def test_of_what_arrives_more_than_once_the_first_arrival_counts() -> None:
    ms = NS_PER_MS
    stamped = [(10 * ms, 12 * ms), (10 * ms, 11 * ms), (20 * ms, 21 * ms), (5 * ms, 99 * ms)]
    stamped.append((40 * ms, 41 * ms))
    assert first_of_each(stamped, since_ns=10 * ms, until_ns=30 * ms) == [2.0, 1.0]


# --- the table ---


def named(rows: list[Row], start: str) -> Row:
    """The one row whose name starts so."""
    (found,) = [each for each in rows if each.name.startswith(start)]
    return found


def test_a_stop_that_did_not_stop_the_robot_is_a_row_of_its_own() -> None:
    rows = stop_rows(Stops(planned=20, to_zero_ms=[12.0, 9.0], failed=1))
    assert named(rows, "STOP key to zero set-point, 3 of 20 trials, p99").met is True
    assert named(rows, "STOP that did not").met is False


def test_every_cut_has_to_keep_the_promise() -> None:
    kept = Loss(from_cut_ms=440.0, from_last_ms=450.0, ramp_ms=250.0)
    broken = Loss(from_cut_ms=470.0, from_last_ms=480.0, ramp_ms=250.0)
    rows = cut_rows(Cuts(100, [kept] * 99 + [broken]), LIMITS, peer_ms=510.0, peer_stepped_ms=None)
    assert named(rows, "link cuts beyond").value == 1.0
    worst = named(rows, "last command to zero beyond")
    assert (worst.value, worst.met) == (30.0, False)
    assert named(rows, "last command to zero set-point").ratio == pytest.approx(1.13)
    assert named(cut_rows(Cuts(1, failed=1), LIMITS, None, None), "link cuts").met is False


def crowd(key_ms: float) -> Crowd:
    stretch = Stretch(
        begin_ns=0,
        end_ns=NS_PER_S,
        beats=[beat(0, loop_age_ms=30.0)],
        keys_ms=[key_ms],
        cores=(None, None),
        pictures_hz={},
    )
    return Crowd(stretch, states_hz=30.0)


def test_observers_are_measured_by_how_much_the_drivers_figures_grow() -> None:
    rows = observer_rows({0: crowd(10.0), 1: crowd(9.0), 50: crowd(21.0)})
    grown = [each for each in rows if "growth" in each.name]
    assert [each.value for each in grown] == [0.0, 0.0, -1.0, 11.0]
    assert [each.met for each in grown] == [True, True, True, False]
    assert len({each.name for each in rows}) == len(rows)  # programs look rows up by name


def test_a_command_that_never_arrived_was_overtaken_and_has_no_time() -> None:
    ms = NS_PER_MS
    sent = [10 * ms, 20 * ms, 30 * ms, 90 * ms]
    arrived = [(10 * ms, 11 * ms), (30 * ms, 30 * ms + ms // 2), (30 * ms, 33 * ms)]
    assert Wire.of(sent, arrived, begin_ns=5 * ms, end_ns=60 * ms) == Wire([1.0, 0.5], lost=1)


def test_what_could_not_be_tried_claims_nothing() -> None:
    rows = blackout_rows(None, None)
    assert {(each.value, each.met, each.peer) for each in rows} == {(None, None, None)}


# --- the wire that can be cut ---


def test_after_a_cut_twice_as_much_passes_in_each_round_trip() -> None:
    recovery = SlowStart(START_NS, round_trip_ns=50 * NS_PER_MS)
    at = [START_NS + ms * NS_PER_MS for ms in (0, 49, 50, 100, 150)]
    assert [recovery.allowance(t) // SEGMENT for t in at] == [1, 1, 3, 7, 15]
    recovery.passed = 3 * SEGMENT
    assert recovery.allowance(at[2]) == 0
    assert recovery.allowance(at[3]) == 4 * SEGMENT


# --- the peer ---


def test_the_peer_does_what_it_is_told_however_old_that_is() -> None:
    base = PeerBase(last_command_s=0.0)
    assert base.turn({"x.vel": 0.3, "input_ns": 1}, now_s=9.0) == {"x.vel": 0.3, "input_ns": 1}


def test_the_peer_has_no_keys_and_therefore_stays_on_this_machine() -> None:
    host = PeerHost(free_base_port())
    try:
        assert ip_address(host.address).is_loopback
    finally:
        host.close()


def test_the_peers_watchdog_stops_it_once() -> None:
    base = PeerBase(last_command_s=0.0)
    assert base.turn(None, now_s=WATCHDOG_S) is None
    stopped = base.turn(None, now_s=WATCHDOG_S + 0.02)
    assert stopped is not None
    assert set(stopped.values()) == {0.0}
    assert base.turn(None, now_s=WATCHDOG_S + 0.04) is None


def test_a_wall_clock_that_is_set_back_puts_the_peers_watchdog_to_sleep() -> None:
    base = PeerBase(last_command_s=100.0)
    told = [base.turn(None, now_s=95.0 + turn / 60) for turn in range(5 * 60)]
    assert told == [None] * 300  # five seconds without a command, and it drives on


# --- how full the machine is ---


def test_idle_and_waiting_processors_are_not_busy() -> None:
    assert busy_ticks("cpu  10 20 30 4000 500 6 7 0 0 0\ncpu0 1 2 3 4") == 73


def test_a_family_is_a_process_and_all_below_it() -> None:
    processes = {1: (0, 0), 10: (1, 0), 11: (10, 0), 12: (11, 0), 20: (1, 0)}
    assert family(10, processes) == {10, 11, 12}


def test_cores_are_processor_time_by_time() -> None:
    before = ProcessorTime(stamp_ns=0, all_s=100.0, ours_s=1.0)
    after = ProcessorTime(stamp_ns=2 * NS_PER_S, all_s=103.0, ours_s=None)
    assert cores_between(before, after) == (1.5, None)
