"""A robot, an operator and the network between them, for the length of a test; and what was seen.

The robot's own control ticks are the ground truth: what it accepted, what it told the motors. With
what the operator sent, stamped by the same monotonic clock, they give the true age of every command
that moved the robot, which no one of the three programs knows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from teleop.both_ends import acquaint
from teleop.mode import CUT_MODES
from teleop.safety import Limits
from tests.faults.network_rig import Loopback, Network, Program
from tests.system.rig import Agent
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS, now_ns
from transport.messages import Mode

LIMITS = Limits()
TICK_MS = 1e3 / TICK_HZ
RAMP_MS = LIMITS.max_mps / LIMITS.decel_mps2 * 1e3
# Silence is noticed after hold_ms, then the speed falls by the ramp, and all of it by ticks.
STANDS_MS = LIMITS.hold_ms + RAMP_MS + TICK_MS
FULL_MPS = LIMITS.max_mps


@dataclass(frozen=True)
class Accepted:
    """A command that a tick obeyed."""

    seq: int
    tick_ns: int
    age_ms: float  # from leaving the operator to the tick: true, one clock
    loop_age_ms: float  # as the robot judged it
    deadman: bool


class Drive:
    """One robot, its ticks, one operator."""

    def __init__(self, bus: Program, operator: Program, robot: Program | None = None) -> None:
        """`robot` is the tests' own control process; without it somebody else runs the robot."""
        self.bus = bus
        self.operator = operator
        self.robot = robot

    def close(self) -> None:
        """End all three; the operator first, as a person would leave."""
        self.operator.close()
        self.bus.close()
        if self.robot is not None:
            self.robot.close()

    # --- what the operator does ---

    def take_over(self) -> None:
        """Lease, armed, hands off for as long as is asked; nothing moves yet."""
        self.see(lambda view: view["reach"] == "connected", "the robot is heard")
        self.tick(lambda _: True, "a control tick")
        self._get(Mode.READY, Mode.HOLD, Mode.LINK_LOST)
        self.see(
            lambda view: view["tested"] and view["yours"],
            "the self-test of STOP and of link loss",
            since_ns=now_ns(),
        )
        self.wait(LIMITS.neutral_ms / 1e3 + 0.3)

    def _get(self, *modes: Mode) -> None:
        """Lease, reset, motors on: whichever is missing, asked for until it is there."""
        begin_s = time.monotonic()
        while True:
            mode, view = self.ticks()[-1]["mode"], self.screen()
            if view["yours"] and mode in modes:
                return
            assert time.monotonic() - begin_s < 30.0, f"never happened: {modes} from {mode}, {view}"
            what = "arm" if mode == Mode.DISARMED else "reset"
            self._told(do="ask", what=what if view["yours"] else "lease")
            self.wait(0.3)

    def screen(self) -> dict[str, Any]:
        """What the operator's window shows now."""
        views = [line["view"] for line in self.operator.lines.all() if "view" in line]
        newest: dict[str, Any] = views[-1]
        return newest

    def push(self, forward: float = 1.0, turn: float = 0.0) -> int:
        """Deadman and stick; when, monotonic ns."""
        return self._told(do="stick", forward=forward, turn=turn, deadman=True)

    def let_go(self) -> int:
        """Hands off; when, monotonic ns."""
        return self._told(do="stick", forward=0.0, turn=0.0, deadman=False)

    def blink(self, seconds: float) -> None:
        """Hands off for so long, and the stick pushed again."""
        self._told(do="blink", seconds=seconds)

    def press_anew(self) -> int:
        """Hands off for as long as is asked, then deadman and stick; when those, monotonic ns."""
        self.let_go()
        self.wait(LIMITS.neutral_ms / 1e3 + 0.3)
        return self._told(do="stick", forward=1.0, turn=0.0, deadman=True, stamp="told_ns")

    def ask_again_when_free(self) -> None:
        """From now on the operator asks for the lease whenever the robot says that it is free."""
        self._told(do="insist")

    def give_back(self) -> None:
        """Release the lease; asked for again where there was no connection to ask on."""
        begin_s = time.monotonic()
        while self.screen()["yours"]:
            assert time.monotonic() - begin_s < 30.0, f"never given back: {self.screen()}"
            self._told(do="ask", what="release")
            self.wait(0.3)

    def freeze(self, frozen: bool) -> int:
        """The window's own thread stops showing signs of life, or does again; when."""
        return self._told(do="freeze", frozen=frozen)

    def press_stop(self) -> int:
        """STOP, until the robot says that it is latched; when it was pressed, monotonic ns."""
        pressed_ns = self._told(do="stop", stamp="told_ns")
        self.see(lambda view: view["stopped"], "STOP is answered", since_ns=now_ns())
        return pressed_ns

    def reset_stop(self) -> None:
        """Take the lease and clear a latched STOP; nothing moves."""
        self.see(lambda view: view["reach"] == "connected", "the robot is heard")
        self._get(Mode.DISARMED)

    def choose_high_latency(self) -> int:
        """Ask for the profile of slow links; when, monotonic ns."""
        return self._told(do="ask", what="high latency")

    def full_speed(self, turn: float = 0.0) -> int:
        """Push and wait until the robot drives as fast as it may; the tick's stamp.

        Where it does not within two seconds, as a person would: let go, and press again.
        """
        for _ in range(10):
            pushed_ns = self.push(turn=turn)
            try:
                tick = self.tick(
                    lambda tick: tick["forward_mps"] > 0.9 * FULL_MPS,
                    "full speed",
                    since_ns=pushed_ns,
                    limit_s=2.0,
                )
            except AssertionError:
                self.let_go()
                self.wait(LIMITS.neutral_ms / 1e3 + 0.5)
                continue
            stamp_ns: int = tick["stamp_ns"]
            return stamp_ns
        raise AssertionError(f"never happened: full speed; {self.ticks()[-1]}, {self.screen()}")

    def wait(self, seconds: float) -> None:
        """Let time pass while everything runs; the network's times are under test here."""
        time.sleep(seconds)

    def _told(self, stamp: str = "stamp_ns", **order: object) -> int:
        since = len(self.operator.lines.all())
        self.operator.tell(**order)
        done = self.operator.lines.wait(
            lambda line: line.get("obeyed") == order["do"], "the operator obeys", since
        )
        stamp_ns: int = done[stamp]
        return stamp_ns

    # --- waiting for something ---

    def tick(
        self,
        wanted: Callable[[dict[str, Any]], object],
        what: str,
        *,
        since_ns: int = 0,
        limit_s: float = 30.0,
    ) -> dict[str, Any]:
        """The first control tick from `since_ns` on that is wanted."""
        return self.bus.lines.wait(
            lambda tick: tick["stamp_ns"] >= since_ns and wanted(tick), what, limit_s=limit_s
        )

    def see(
        self,
        wanted: Callable[[dict[str, Any]], object],
        what: str,
        *,
        since_ns: int = 0,
        limit_s: float = 30.0,
    ) -> dict[str, Any]:
        """The first screen of the operator that is wanted, of those it has shown since then."""
        before = [
            line
            for line in self.operator.lines.all()
            if "view" in line and line["stamp_ns"] < since_ns
        ]
        if before and wanted(before[-1]["view"]):
            return before[-1]  # shown since earlier, and still at that moment
        return self.operator.lines.wait(
            lambda line: "view" in line and line["stamp_ns"] >= since_ns and wanted(line["view"]),
            what,
            limit_s=limit_s,
        )

    # --- what has happened ---

    def ticks(self, from_ns: int = 0, to_ns: int = 2**62) -> list[dict[str, Any]]:
        """The robot's control ticks of a stretch of time."""
        return [tick for tick in self.bus.lines.all() if from_ns <= tick["stamp_ns"] < to_ns]

    def sent(self, from_ns: int = 0, to_ns: int = 2**62) -> dict[int, dict[str, Any]]:
        """What the operator sent in a stretch of time, by sequence number."""
        lines = self.operator.lines.all()
        return {
            line["sent"]: line
            for line in lines
            if "sent" in line and from_ns <= line["stamp_ns"] < to_ns
        }

    def accepted(self, from_ns: int = 0, to_ns: int = 2**62) -> list[Accepted]:
        """The commands that ticks of this stretch obeyed."""
        obeyed = [tick for tick in self.ticks(from_ns, to_ns) if tick["command_seq"] >= 0]
        if obeyed:  # a robot may be quicker to tell than the operator
            newest = obeyed[-1]["command_seq"]
            self.operator.lines.wait(lambda line: line.get("sent") == newest, f"{newest} is sent")
        sent = self.sent()
        unknown = [tick["command_seq"] for tick in obeyed if tick["command_seq"] not in sent]
        assert not unknown, f"the robot obeyed what nobody sent: {unknown}"
        return [
            Accepted(
                seq=tick["command_seq"],
                tick_ns=tick["stamp_ns"],
                age_ms=(tick["stamp_ns"] - sent[tick["command_seq"]]["stamp_ns"]) / NS_PER_MS,
                loop_age_ms=tick["command_age_ms"],
                deadman=sent[tick["command_seq"]]["deadman"],
            )
            for tick in obeyed
        ]

    def epoch(self) -> int:
        """Of the lease, as the operator has heard it last."""
        epoch: int = self.screen()["epoch"]
        return epoch

    def holds(self, from_ns: int = 0, to_ns: int = 2**62) -> int:
        """How many times the robot began to hold."""
        return count_entries(self.ticks(from_ns, to_ns), Mode.HOLD)

    def first_obeyed(self, since_ns: int) -> dict[str, Any]:
        """The first tick from `since_ns` on that obeyed a command."""
        return self.tick(
            lambda tick: tick["command_seq"] >= 0, "a command again", since_ns=since_ns
        )

    def standing_since(self, from_ns: int) -> int:
        """Stamp of the first tick from `from_ns` on that told the motors zero."""
        stamp_ns: int = self.tick(stands, "standing still", since_ns=from_ns)["stamp_ns"]
        return stamp_ns

    def counts(self) -> dict[str, Any]:
        """What the gate has counted: accepted, duplicates, refused by reason."""
        assert self.robot is not None
        since = len(self.robot.lines.all())
        self.robot.tell(do="counts")
        return self.robot.lines.wait(lambda line: "accepted" in line, "the counts", since)


def stands(tick: dict[str, Any]) -> bool:
    """Whether the motors were told zero."""
    return bool(tick["forward_mps"] == 0.0 and tick["turn_radps"] == 0.0)


def count_entries(ticks: list[dict[str, Any]], mode: Mode) -> int:
    """How many times a mode was entered in these ticks."""
    modes = [tick["mode"] for tick in ticks]
    return sum(now == mode and before != mode for before, now in pairwise(modes))


def gaps_ms(accepted: list[Accepted]) -> list[float]:
    """Times between ticks that obeyed a command."""
    stamps = [command.tick_ns for command in accepted]
    return [(b - a) / NS_PER_MS for a, b in pairwise(stamps)]


def tick_gaps_ms(ticks: list[dict[str, Any]]) -> list[float]:
    """Times between ticks that were heard one after the other."""
    return [(b["stamp_ns"] - a["stamp_ns"]) / NS_PER_MS for a, b in pairwise(ticks)]


def p99(values: list[float]) -> float:
    """What 99 of 100 values do not exceed."""
    return sorted(values)[len(values) * 99 // 100]


def assert_never_stale(drive: Drive, limit_ms: float = LIMITS.max_age_ms) -> float:
    """No command was obeyed that was older than the limit, truly; the oldest one, in ms.

    Also that sequence numbers only grew: nothing was obeyed twice or out of order.
    """
    accepted = drive.accepted()
    assert accepted, "nothing was obeyed at all"
    oldest = max(command.age_ms for command in accepted)
    assert oldest <= limit_ms
    assert max(command.loop_age_ms for command in accepted) <= limit_ms
    numbers = [command.seq for command in accepted]
    assert all(a < b for a, b in pairwise(numbers)), "out of order"
    return oldest


def assert_ramped(drive: Drive, from_ns: int = 0, to_ns: int = 2**62) -> None:
    """Between two ticks neither speed changed faster than the ramp, whatever the mode; only a cut
    (STOP, a fault, a start) and a tick that was late itself go to zero at once."""
    steps = {"forward_mps": LIMITS.decel_mps2, "turn_radps": LIMITS.decel_radps2}
    compared = 0
    for before, now in pairwise(drive.ticks(from_ns, to_ns)):
        late = now["stamp_ns"] - before["stamp_ns"] > LIMITS.stall_ms * NS_PER_MS
        if now["mode"] in CUT_MODES or late or now["tick"] != before["tick"] + 1:
            continue
        compared += 1
        for speed, decel in steps.items():
            assert abs(now[speed] - before[speed]) <= decel / TICK_HZ + 1e-9, (before, now)
    assert compared > 0, "no two ticks were heard in a row"


def assert_stands_until_hands_were_off(drive: Drive, from_ns: int) -> None:
    """The stick is still held; nothing moves before hands were off for long enough."""
    drive.wait(1.0)
    assert all(stands(tick) for tick in drive.ticks(from_ns)), "the held stick moved the robot"
    drive.blink(LIMITS.neutral_ms / 1e3 * 0.4)
    drive.wait(0.5)
    assert all(stands(tick) for tick in drive.ticks(from_ns)), "hands were not off long enough"
    pressed_ns = drive.press_anew()
    moved = drive.tick(lambda tick: not stands(tick), "motion again", since_ns=from_ns)
    assert moved["stamp_ns"] > pressed_ns


@contextmanager
def drive(network: Network | Loopback, folder: Path) -> Iterator[Drive]:
    """Robot and operator for the length of a test."""
    host, port, seen_port = network.robot_address, str(network.port), str(network.seen_port)
    state, config = folder / "robot", folder / "console"
    acquaint(state, config, f"{host}:{seen_port}", "op-1")
    children = "tests.faults."
    robot = network.start("robot", children + "robot_child", host, port, str(state))
    robot.lines.wait(lambda line: line.get("ready"), "the robot listens")
    bus = network.start("robot", children + "bus_child", port, str(state))
    operator = network.start("operator", children + "operator_child", host, seen_port, str(config))
    made = Drive(bus, operator, robot)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def drive_agent(robot: Agent) -> Iterator[Drive]:
    """An operator for a robot that `unstick agent` runs on this machine."""
    robot.admit("op-1")
    place = Loopback(robot.port, robot.port)
    bus = place.start("robot", "tests.faults.bus_child", str(robot.port), str(robot.state))
    operator = place.start(
        "operator",
        "tests.faults.operator_child",
        place.robot_address,
        str(robot.port),
        str(robot.config("op-1")),
    )
    made = Drive(bus, operator)
    try:
        yield made
    finally:
        made.close()
