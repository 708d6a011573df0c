"""What a control tick does first, what it waits for (nothing), and what it tells before it acts."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from teleop.both_ends import acquaint
from teleop.command_reader import COMMANDS_BURST
from teleop.control import Control
from teleop.log_writer import LogWriter
from teleop.roster import RosterFile
from tests.links.control_support import HANG_S, admitted, console, control, prepared
from tests.links.link_support import until
from tests.point_robot import PointRobot
from transport.channels import STATE, WATCHES
from transport.clock import now_ns
from transport.control_link import LOOPBACK, Listener
from transport.messages import (
    STILL,
    Command,
    Event,
    Mode,
    Refusal,
    RobotState,
    Twist,
    decoder_of,
    encode,
)

FLOOD = 1000


@contextmanager
def unhurried(folder: Path, robot: PointRobot) -> Iterator[Control]:
    """A control loop that ticks when the test says so."""
    with prepared(folder, robot) as loop:
        loop._drive.start()
        yield loop


# --- it waits for nothing ---


def test_a_disk_that_hangs_under_the_list_of_keys_delays_neither_ticks_nor_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with control(tmp_path) as (loop, robot), console(loop) as watcher:
        watcher.wait(lambda v: v.state is not None and v.state.speed_mps > 0.1, "it drives")
        hangs, mended = threading.Event(), threading.Event()

        def hang(self: RosterFile) -> None:
            hangs.set()
            assert mended.wait(HANG_S)

        monkeypatch.setattr(RosterFile, "_stamp", hang)
        try:
            assert hangs.wait(HANG_S), "nobody looks at the list any more"
            before = loop._tick
            watcher.wait(lambda _: loop._tick > before + 60, "it ticks on")
            watcher.link.stop()
            watcher.wait(lambda v: v.stop is not None and v.stop.acked_ns is not None, "the answer")
            assert robot.told == STILL
            assert loop.state.mode is Mode.ESTOP
        finally:
            mended.set()


def test_a_log_that_nobody_reads_delays_neither_ticks_nor_stop(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(write, b"x" * 4096):
            pass  # until nothing fits into the pipe any more
    os.set_blocking(write, True)
    writer = LogWriter(write, room=10)
    log = logging.getLogger("control")
    log.addHandler(writer)
    log.propagate = False
    try:
        with control(tmp_path) as (loop, robot), console(loop) as watcher:
            watcher.wait(lambda v: v.state is not None and v.state.speed_mps > 0.1, "it drives")
            full = "the writer waits with one, and there is room for ten"
            until(lambda: log.error(full) or writer.lost)  # type: ignore[func-returns-value]
            before, lost = loop._tick, writer.lost
            watcher.link.stop()
            watcher.wait(lambda v: v.stop is not None and v.stop.acked_ns is not None, "the answer")
            watcher.wait(lambda _: loop._tick > before + 60, "it ticks on")
            assert robot.told == STILL
            assert writer.lost > lost, "the line about STOP found no room"
    finally:
        log.removeHandler(writer)
        log.propagate = True
        os.close(read)
        until(writer.queue.empty)  # else it would write on to whatever has that number next
        writer.close()
        os.close(write)


# --- STOP first ---


def test_stop_is_taken_before_all_else_in_a_tick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot = PointRobot()
    with unhurried(tmp_path, robot) as loop:
        did: list[str] = []

        def spied(owner: object, name: str) -> None:
            real: Callable[..., object] = getattr(owner, name)

            def spy(*args: object, **options: object) -> object:
                did.append(name)
                return real(*args, **options)

            monkeypatch.setattr(owner, name, spy)

        for owner, name in (
            (loop._stop, "pressed"),
            (loop._requests, "receive"),
            (loop._commands, "drain"),
            (robot, "observe"),
            (robot, "apply"),
        ):
            spied(owner, name)
        monkeypatch.setattr(
            RosterFile, "newest", property(lambda self: did.append("list") or self._seen[1])
        )
        loop.tick()
        assert did[:5] == ["pressed", "list", "receive", "drain", "observe"]
        assert "apply" in did


# --- what is told before it is done ---


def test_every_change_of_mode_stands_in_the_log_before_the_motors_hear_of_it(
    tmp_path: Path,
) -> None:
    did: list[str] = []

    class Spying(PointRobot):
        def apply(self, action: Twist) -> Twist:
            did.append(f"told {action.forward_mps:.2f}")
            return super().apply(action)

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            did.append(record.getMessage().strip())

    log, told = logging.getLogger("control"), Told()
    level = log.level
    log.addHandler(told)
    log.setLevel(logging.INFO)
    try:
        with unhurried(tmp_path, Spying()) as loop:
            loop.tick()
            assert loop.state.mode is Mode.AUTONOMY
            did.clear()
            loop._stop._pressed_by = "op-1"
            loop.tick()
            logged = did.index("mode AUTONOMY to ESTOP: STOP by op-1")
            assert logged < did.index("told 0.00")
            assert did.count("told 0.00") == 1
    finally:
        log.removeHandler(told)
        log.setLevel(level)


# --- everything that came is counted ---


def test_floods_and_messages_in_parts_are_counted_and_told_to_the_operators(
    tmp_path: Path,
) -> None:
    with control(tmp_path) as (loop, _), console(loop) as watcher:
        watcher.knock()
        wire = admitted(loop, "op-9").socket(zmq.PUSH)
        wire.setsockopt(zmq.LINGER, 0)
        wire.setsockopt(zmq.SNDHWM, 0)
        wire.connect(f"tcp://{LOOPBACK}:{loop.port}")
        try:
            for _ in range(30):
                wire.send_multipart([b"two", b"parts"])
            command = Command(
                session="loud",
                boot_id=loop.state.boot_id,
                epoch=0,
                seq=1,
                echo_ns=now_ns(),
                painted_ns=0,
                deadman=True,
                forward=1.0,
                turn=0.0,
                input_ns=0,
            )
            for _ in range(FLOOD):
                wire.send(encode(command))
            until(lambda: loop.state.received >= 30 + FLOOD, "all of it has come")
            told = watcher.wait(
                lambda v: (
                    v.state is not None and sum(v.state.commands_refused.values()) >= 30 + FLOOD
                ),
                "the operators are told",
            ).state
        finally:
            wire.close()
        assert told is not None
        assert told.commands_refused[Refusal.MALFORMED] == 30
        passed = FLOOD - told.commands_refused[Refusal.FLOOD]
        assert COMMANDS_BURST <= passed < FLOOD
        gate = loop.state
        assert gate.received == gate.accepted + gate.duplicates + sum(gate.refused.values())
        assert gate.received == 30 + FLOOD, "nobody else sends commands"
        assert gate.accepted == 0


# --- whoever looks at many robots ---


def test_who_watches_many_robots_gets_the_whole_state_five_times_a_second_and_no_more(
    tmp_path: Path,
) -> None:
    credentials = acquaint(tmp_path, tmp_path / "console", "toy:7600", "op-9")
    with unhurried(tmp_path, PointRobot()) as loop:
        watcher = Listener(STATE, credentials, LOOPBACK, loop.port, WATCHES)
        heard: list[RobotState] = []

        def hears_the_robot() -> bool:
            loop._events.append(Event(kind="marker", text="what a state goes out for at once"))
            loop.tick()
            if (raw := watcher.take()) is not None:
                heard.append(decoder_of(RobotState)(raw))
            return len(heard) >= 3

        with contextlib.closing(watcher):
            until(hears_the_robot, "the robot is heard")
    assert [state.tick % 12 for state in heard] == [0, 0, 0]
    assert heard[0].robot == "toy-1"
