"""Processes that are killed, stopped and starved while the robot moves: rows P of the catalogue.

| row | fault | here |
|---|---|---|
| P1 | kill -9 of control | `test_control_killed…` (100 times, long); once in `test_kills.py` |
| P2 | SIGSTOP of control, 0.1, 0.3, 5 s | `test_a_control_that_stood…`, `test_supervisor.py` |
| P3 | kill -9 of the console | `test_kills.py` |
| P4 | SIGSTOP of the console, 3 s | `test_a_console_that_was_suspended…` |
| P5 | kill -9 of media | `test_kills.py` |
| P7 | kill -9 of everything, 50 times | `test_everything_killed…` (long); once in `test_kills.py` |
| P8 | window frozen for 2 s | `test_a_frozen_window…` |
| P10 | control without the processor | `test_a_starved_control…` (long) |
| P11 | no file descriptors, port in use | `test_silent_strangers…`, `test_a_second_…` |
| any | SIGSTOP and SIGCONT of each process at random times | `test_any_process…` (long) |

Not covered here: P6 and P9 are about the recorder, see `test_episode_kills.py`. Of P1, that
motors stop within 250 ms of a kill -9: the simulated motors end with the process; the watchdog's
250 ms are tested in `tests/unit/test_actuator_watchdog.py`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import resource
import signal
import socket
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from recorder.library import list_episodes, open_episode
from recorder.recover import recover_all
from tests.faults.cpu_quota import cpu_quota
from tests.faults.drive import (
    LIMITS,
    STANDS_MS,
    TICK_MS,
    Drive,
    assert_never_stale,
    assert_stands_until_hands_were_off,
    drive,
    drive_agent,
    p99,
    stands,
    tick_gaps_ms,
)
from tests.faults.network_rig import Loopback
from tests.faults.process_size import open_files, rss_mb
from tests.measured import Measured
from tests.system.rig import Agent, agent, is_alive, unstick, until
from transport.channels import CHANNELS
from transport.clock import NS_PER_MS, NS_PER_S, now_ns
from transport.control_link import LOOPBACK, free_base_port
from transport.messages import Mode

STRANGERS = 1000
OLDER_MS = 10.0  # what commands may lose in age, and ticks be late, p99
GROWTH_MB = 16.0  # a thousand handshakes at once
KILLS_PER_AGENT = 5  # more within a minute and the agent gives up, as it should


@pytest.fixture
def place() -> Loopback:
    """A robot's place on this machine."""
    port = free_base_port()
    return Loopback(port, port)


def stopped_for(pid: int, seconds: float) -> tuple[int, int]:
    """Stop a process for a while; from when to when, monotonic ns."""
    os.kill(pid, signal.SIGSTOP)
    from_ns = now_ns()
    try:
        time.sleep(seconds)
    finally:
        to_ns = now_ns()
        os.kill(pid, signal.SIGCONT)
    return from_ns, to_ns


# --- P2: control stands still ---


@pytest.mark.long
def test_a_control_that_stood_for_a_tenth_of_a_second_drives_on(
    place: Loopback, tmp_path: Path, measured: Measured
) -> None:
    with drive(place, tmp_path) as run:
        run.take_over()
        assert run.robot is not None
        for _ in range(20):  # until the stop itself was as short as asked for
            run.full_speed()
            from_ns, to_ns = stopped_for(run.robot.pid, 0.1)
            run.wait(0.5)
            if to_ns - from_ns < 150 * NS_PER_MS:
                break
        ticks = run.ticks(from_ns)
        slowest = min(tick["forward_mps"] for tick in ticks)
        measured("P2", "SIGSTOP of control for 0.1 s: nothing", f"slowest {slowest:.2f} m/s")
        assert {tick["mode"] for tick in ticks} == {Mode.TELEOP}
        assert slowest > 0.9 * LIMITS.max_mps
        assert_never_stale(run)


@pytest.mark.parametrize("seconds", [0.3, pytest.param(5.0, marks=pytest.mark.long)])
def test_a_control_that_stood_longer_stops_refuses_what_has_piled_up_and_waits_for_hands_off(
    place: Loopback, tmp_path: Path, measured: Measured, seconds: float
) -> None:
    with drive(place, tmp_path) as run:
        run.take_over()
        run.full_speed()
        assert run.robot is not None
        _, to_ns = stopped_for(run.robot.pid, seconds)
        run.wait(0.5)
        assert run.robot.process.poll() is None, "control has died"
        first = run.tick(lambda _: True, "a tick", since_ns=to_ns)
        assert stands(first), "the first tick after the stall"
        if seconds < 3.0:
            assert_stands_until_hands_were_off(run, to_ns)
        else:  # the lease has run out meanwhile
            run.wait(1.5)
            assert all(stands(tick) for tick in run.ticks(to_ns))
        oldest_ms = assert_never_stale(run)
        refused = run.counts()["refused"]
        measured(
            "P2",
            f"SIGSTOP of control for {seconds} s: stands, backlog refused",
            f"first tick {first['mode']} at 0 m/s, refused {refused}, oldest {oldest_ms:.0f} ms",
        )


@pytest.mark.long
def test_the_agent_replaces_a_control_that_hangs(tmp_path: Path, measured: Measured) -> None:
    with agent(tmp_path / "episodes") as robot, drive_agent(robot) as run:
        run.take_over()
        run.full_speed()
        before, control = run.ticks()[-1], robot.pid_of("control")
        os.kill(control, signal.SIGSTOP)
        stopped_ns = now_ns()
        until(lambda: not is_alive(control), "the agent ends it", 5.0)
        ended_ms = (now_ns() - stopped_ns) / NS_PER_MS
        run.tick(lambda tick: tick["boot_id"] != before["boot_id"], "another control")
        run.wait(1.0)
        again = [tick for tick in run.ticks() if tick["boot_id"] != before["boot_id"]]
        measured(
            "P2",
            "SIGSTOP of control under its agent: killed ≤ 350 ms, comes back disarmed",
            f"killed after {ended_ms:.0f} ms, then {again[-1]['mode']}",
        )
        assert ended_ms <= 200.0 + 50.0 + 100.0  # silent, told to hold, and looks in between
        assert {tick["mode"] for tick in again} == {Mode.DISARMED}
        assert all(stands(tick) for tick in again), "the held stick moved the robot"
        assert_never_stale(run)


# --- P1, P7: kill -9 ---


@pytest.mark.long
def test_control_killed_at_random_times_comes_back_disarmed(
    tmp_path: Path, measured: Measured
) -> None:
    rounds, moments = 100, random.Random(11)
    back_s: list[float] = []
    epoch = 0
    for number in range(rounds // KILLS_PER_AGENT):
        folder = tmp_path / str(number)
        with agent(folder / "episodes") as robot, drive_agent(robot) as run:
            for _ in range(KILLS_PER_AGENT):
                back_s.append(_killed_and_back(robot, run, moments.uniform(0.0, 1.0)))
                assert run.epoch() >= epoch
                epoch = run.epoch()
            assert_never_stale(run)
        epoch = 0
    measured(
        "P1",
        f"kill -9 of control, {rounds} times: DISARMED, new boot id, old commands refused",
        f"{len(back_s)} of {rounds}; ticks again after {max(back_s):.1f} s at most",
    )


def _killed_and_back(robot: Agent, run: Drive, moving_s: float) -> float:
    run.take_over()
    run.full_speed()
    run.wait(moving_s)
    before = run.ticks()[-1]["boot_id"]
    os.kill(robot.pid_of("control"), signal.SIGKILL)
    killed_ns = now_ns()
    first = run.tick(lambda tick: tick["boot_id"] != before, "another control", since_ns=killed_ns)
    run.wait(0.7)
    again = run.ticks(first["stamp_ns"])
    assert {tick["mode"] for tick in again} == {Mode.DISARMED}
    assert all(stands(tick) for tick in again), "the held stick moved the robot"
    assert all(tick["command_seq"] < 0 for tick in again), "a command for another boot was obeyed"
    run.let_go()
    back_ns: int = first["stamp_ns"] - killed_ns
    return back_ns / NS_PER_S


@pytest.mark.long
def test_everything_killed_again_and_again_keeps_episodes_stop_and_epochs(
    tmp_path: Path, measured: Measured
) -> None:
    rounds, moments = 50, random.Random(7)
    episodes = tmp_path / "episodes"
    kept: dict[Path, str] = {}
    epoch, stopped = 0, False
    for number in range(rounds):
        with agent(episodes, seed=number) as robot, drive_agent(robot) as run:
            first = run.tick(lambda _: True, "a tick")
            assert (first["mode"] == Mode.ESTOP) == stopped, "a latched STOP lasts"
            if stopped:
                run.reset_stop()
            run.take_over()
            assert run.epoch() > epoch, "no epoch is ever granted twice"
            epoch = run.epoch()
            run.full_speed()
            run.wait(moments.uniform(0.0, 1.0))
            stopped = number % 3 == 2
            if stopped:
                run.press_stop()
            _kill_all(robot)
        # A lock is gone with the last thread of a killed process, a moment after the process.
        until(lambda: recover_all(episodes) or not list(episodes.glob("*.rec")), "recovery")
        assert not list(episodes.glob("*.rec")), "all that was left open is recovered"
        for path, digest in kept.items():
            assert _digest(path) == digest, f"{path.name} has changed"
        for path in list_episodes(episodes):
            open_episode(path).verify()
            kept[path] = _digest(path)
    measured(
        "P7",
        f"kill -9 of everything, {rounds} times: episodes as they were, STOP lasts, epochs grow",
        f"{len(kept)} episodes unchanged, epoch {epoch}",
    )


def _kill_all(robot: Agent) -> None:
    pids = [robot.pid_of("media"), robot.pid_of("control"), robot.process.pid]
    os.kill(robot.process.pid, signal.SIGSTOP)  # or it would start media again in between
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(is_alive(pid) for pid in pids), "all are gone")


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


# --- P4, P8: the operator's side stands still ---


def test_a_console_that_was_suspended_finds_the_robot_latched(
    place: Loopback, tmp_path: Path, measured: Measured
) -> None:
    with drive(place, tmp_path) as run:
        run.take_over()
        run.full_speed()
        from_ns, to_ns = stopped_for(run.operator.pid, 3.0)
        standing_ms = (run.standing_since(from_ns) - from_ns) / NS_PER_MS
        lost = run.tick(lambda tick: tick["mode"] == Mode.LINK_LOST, "LINK_LOST", since_ns=from_ns)
        run.wait(1.5)
        assert all(stands(tick) for tick in run.ticks(lost["stamp_ns"])), "the burst moved it"
        shown = run.see(lambda view: view["readiness"] != "READY", "why it stands", since_ns=to_ns)
        burst = run.sent(to_ns, to_ns + 200 * NS_PER_MS)
        oldest_ms = assert_never_stale(run)
        measured(
            "P4",
            "SIGSTOP of the console for 3 s: latched, burst refused",
            f"zero after {standing_ms:.0f} ms, {len(burst)} commands in the first 200 ms, "
            f"screen {shown['view']['readiness']}, oldest obeyed {oldest_ms:.0f} ms",
        )
        assert standing_ms <= STANDS_MS
        assert len(burst) <= 20, "the beat is not caught up"


@pytest.mark.long
def test_a_frozen_window_stops_sending_and_never_repeats_the_last_command(
    place: Loopback, tmp_path: Path, measured: Measured
) -> None:
    with drive(place, tmp_path) as run:
        run.take_over()
        run.full_speed()
        frozen_ns = run.freeze(True)
        standing_ms = (run.standing_since(frozen_ns) - frozen_ns) / NS_PER_MS
        run.tick(lambda tick: tick["mode"] == Mode.LINK_LOST, "LINK_LOST", since_ns=frozen_ns)
        run.wait(2.0 - (now_ns() - frozen_ns) / NS_PER_S)
        thawed_ns = run.freeze(False)
        late = run.sent(frozen_ns + 400 * NS_PER_MS, thawed_ns)
        measured(
            "P8",
            "window frozen for 2 s: nothing is sent, robot holds",
            f"zero {standing_ms:.0f} ms after the freeze, {len(late)} commands sent meanwhile",
        )
        assert not late
        assert standing_ms <= 300.0 + STANDS_MS + 20.0  # noticed by the link, then as any silence
        assert_stands_until_hands_were_off(run, thawed_ns)
        assert_never_stale(run)


# --- P10, P11: too little of everything ---


@pytest.mark.long
@pytest.mark.parametrize("percent", [20, 5])
def test_a_starved_control_obeys_nothing_late(
    tmp_path: Path, measured: Measured, percent: int
) -> None:
    with agent(tmp_path / "episodes") as robot, drive_agent(robot) as run:
        run.take_over()
        run.full_speed()
        with cpu_quota(robot.pid_of("control"), percent / 100) as since_ns:
            run.wait(5.0)
            until_ns = now_ns()
        run.wait(2.0)
        stamps = [tick["stamp_ns"] for tick in run.ticks(since_ns, until_ns)]
        ticks = run.ticks(since_ns)
        worst_ms = max((b - a) / NS_PER_MS for a, b in pairwise(stamps))
        oldest_ms = assert_never_stale(run)
        measured(
            "P10",
            f"control has {percent} % of a processor: nothing late is obeyed",
            f"worst tick {worst_ms:.0f} ms late, modes {sorted({tick['mode'] for tick in ticks})}, "
            f"oldest {oldest_ms:.0f} ms",
        )
        for before, now in pairwise(ticks):
            if now["stamp_ns"] - before["stamp_ns"] > LIMITS.stall_ms * NS_PER_MS:
                assert stands(now), "a tick after a stall moved the robot"


@pytest.mark.long
def test_a_control_that_is_starved_until_it_stalls_stands_until_hands_were_off(
    place: Loopback, tmp_path: Path, measured: Measured
) -> None:
    """Nobody ends it here, as its agent would: what the gate does about its own late ticks."""
    with drive(place, tmp_path) as run:
        run.take_over()
        run.full_speed()
        assert run.robot is not None
        without_precedence(run.robot.pid)
        with cpu_quota(run.robot.pid, 0.03, period_ms=1000) as since_ns:
            run.wait(4.0)
        fed_ns = now_ns()
        run.tick(lambda _: True, "a tick", since_ns=fed_ns)
        ticks = run.ticks(since_ns)
        gaps = [
            (before, now)
            for before, now in pairwise(ticks)
            if now["stamp_ns"] - before["stamp_ns"] > LIMITS.stall_ms * NS_PER_MS
        ]
        assert gaps, "it was never late: nothing is tested here"
        worst_ms = max((b["stamp_ns"] - a["stamp_ns"]) / NS_PER_MS for a, b in gaps)
        first = gaps[0][1]
        assert not stands(gaps[0][0]), "it drove until it stalled"
        moved = [tick for tick in run.ticks(first["stamp_ns"]) if not stands(tick)]
        measured(
            "P10",
            f"control stalls > {LIMITS.stall_ms:.0f} ms for lack of a processor: stands until "
            "hands were off, nothing late is obeyed",
            f"{len(gaps)} stalls, worst {worst_ms:.0f} ms, then {first['mode']}, "
            f"{len(moved)} ticks with motion, oldest {assert_never_stale(run):.0f} ms",
        )
        assert {tick["mode"] for tick in run.ticks(first["stamp_ns"])} <= {
            *(Mode.READY, Mode.HOLD, Mode.LINK_LOST)
        }
        assert_stands_until_hands_were_off(run, first["stamp_ns"])
        assert_never_stale(run)


def without_precedence(pid: int) -> None:
    """What comes before all others, as the tests' own robot does, cannot be rationed."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setscheduler(int(task.name), os.SCHED_OTHER, os.sched_param(0))


@pytest.mark.long
def test_a_second_agent_is_refused_and_the_first_drives_on(
    tmp_path: Path, measured: Measured
) -> None:
    with agent(tmp_path / "episodes") as robot, drive_agent(robot) as run:
        run.take_over()
        run.full_speed()
        began_ns = now_ns()
        second = unstick(
            "agent",
            *("--port", str(robot.port), "--episodes", str(tmp_path / "others")),
            *("--state", str(tmp_path / "other-state")),
        )
        assert second.returncode == 2
        assert str(robot.port) in second.stderr
        who = f"by process {robot.pid_of('control')}, started by {robot.process.pid}"
        assert who in second.stderr
        assert "another agent" in second.stderr
        assert "Traceback" not in second.stderr
        assert robot.process.poll() is None
        assert {tick["boot_id"] for tick in run.ticks()} == {run.ticks()[0]["boot_id"]}
        assert run.accepted(began_ns)[-1].tick_ns > now_ns() - NS_PER_S, "it is driven all the time"
        measured(
            "P11",
            "a second agent on the same ports is refused",
            "exit 2, port, holder and its agent named",
        )


@pytest.mark.long
@pytest.mark.parametrize("descriptors", [64, 256, 4096])
def test_silent_strangers_without_end_do_not_disturb_the_drive(
    tmp_path: Path, measured: Measured, descriptors: int
) -> None:
    """A thousand strangers connect and say nothing: more than a robot with few descriptors can let
    in, and no more than one with many can.

    libzmq asks again at once for a connection that it has no descriptor for, so a processor is busy
    until the strangers are shown out; the control tick, which has its own thread, is not late.
    """
    with limited_descriptors(2 * STRANGERS), agent(tmp_path / "episodes") as robot:
        with drive_agent(robot) as run, contextlib.ExitStack() as strangers:
            run.take_over()
            control = robot.pid_of("control")
            resource.prlimit(control, resource.RLIMIT_NOFILE, (descriptors, descriptors))
            calm_ns = run.full_speed()
            run.wait(4.0)
            files, memory_mb, from_ns = open_files(control), rss_mb(control), now_ns()
            for number in range(STRANGERS):
                stranger = strangers.enter_context(socket.socket())
                stranger.setblocking(False)
                port = robot.port + CHANNELS[number % 4].offset
                stranger.connect_ex((LOOPBACK, port))
            run.wait(0.5)
            held = open_files(control)
            during = _cpu_share(control, 4.0)
            crowd_ns = now_ns()
            strangers.close()
            run.wait(3.0)  # those who have not said who they are for 2 s are shown out
            busy = _cpu_share(control, 3.0)
            holds = run.holds(from_ns)
            alive = run.tick(lambda _: True, "a tick", since_ns=now_ns())
            assert_never_stale(run)
            calm_ms = p99([command.age_ms for command in run.accepted(calm_ns, from_ns)])
            crowd_ms = p99([command.age_ms for command in run.accepted(from_ns, crowd_ns)])
            calm_gap_ms = p99(tick_gaps_ms(run.ticks(calm_ns, from_ns)))
            gap_ms = p99(tick_gaps_ms(run.ticks(from_ns, crowd_ns)))
            left, grown_mb = open_files(control) - files, rss_mb(control) - memory_mb
        measured(
            "P11",
            f"{descriptors} file descriptors, {STRANGERS} silent strangers: it drives on, commands "
            f"≤ {OLDER_MS:.0f} ms older, ticks ≤ {OLDER_MS:.0f} ms later",
            f"{holds} HOLD, age p99 {calm_ms:.1f} → {crowd_ms:.1f} ms, tick p99 "
            f"{calm_gap_ms:.1f} → {gap_ms:.1f} ms, "
            f"{files} → {held} descriptors, {left:+d} afterwards, memory {grown_mb:+.1f} MB, "
            f"{during:.0%} of a processor, {busy:.0%} afterwards",
        )
        assert alive["mode"] == Mode.TELEOP
        assert holds == 0
        assert crowd_ms <= calm_ms + OLDER_MS
        assert gap_ms <= calm_gap_ms + OLDER_MS
        assert held >= min(descriptors, files + STRANGERS // 2), "they were never let in"
        assert left <= 4, "descriptors of strangers who have gone"
        assert grown_mb <= GROWTH_MB
        assert busy < 0.6


@contextlib.contextmanager
def limited_descriptors(number: int) -> Iterator[None]:
    """This process keeps its own; what the test needs itself is more than the robot gets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, number)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _cpu_share(pid: int, seconds: float) -> float:
    """Of one processor, over the next seconds."""

    def used_s() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before, begin_s = used_s(), time.monotonic()
    time.sleep(seconds)
    return (used_s() - before) / (time.monotonic() - begin_s)


# --- any process, any time ---


@pytest.mark.long
def test_any_process_stopped_at_any_time_moves_nothing_by_old_commands(
    tmp_path: Path, measured: Measured
) -> None:
    rounds, dice = 40, random.Random(3)
    counts = dict.fromkeys(("console", "media", "agent", "control"), 0)
    oldest_ms = 0.0
    for number in range(rounds // 4):
        with (
            agent(tmp_path / str(number) / "episodes") as robot,
            drive_agent(robot) as run,
        ):
            for name in dice.sample(sorted(counts), len(counts)):
                run.take_over()
                run.full_speed()
                run.wait(dice.uniform(0.0, 0.5))
                from_ns = now_ns()
                with contextlib.suppress(ProcessLookupError):  # the agent was quicker
                    stopped_for(_pid_of(robot, run, name), dice.uniform(0.05, 2.5))
                run.let_go()
                assert_no_motion_without_commands(run, from_ns)
                counts[name] += 1
                run.give_back()
            oldest_ms = max(oldest_ms, assert_never_stale(run))
    measured(
        "P2",
        f"SIGSTOP, SIGCONT of any process at random, {rounds} times: no motion by old commands",
        f"{counts}, oldest obeyed {oldest_ms:.0f} ms",
    )


def _pid_of(robot: Agent, run: Drive, name: str) -> int:
    match name:
        case "console":
            return run.operator.pid
        case "agent":
            return robot.process.pid
    return robot.pid_of(name)


def assert_no_motion_without_commands(run: Drive, from_ns: int) -> None:
    """Whoever was stopped: the robot moves only shortly after a command that it obeyed.

    The ramp is counted in ticks; those that a busy machine left out make it so much longer.
    """
    obeyed_ns, left_out = from_ns, 0
    for tick in run.ticks(from_ns):
        left_out += tick["missed_before"]
        if tick["command_seq"] >= 0:
            obeyed_ns, left_out = tick["stamp_ns"], 0
        if not stands(tick):
            silent_ms = (tick["stamp_ns"] - obeyed_ns) / NS_PER_MS
            assert silent_ms <= STANDS_MS + left_out * TICK_MS, (silent_ms, left_out, tick)
