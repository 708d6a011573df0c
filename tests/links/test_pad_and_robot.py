"""A gamepad, the operator's link and the real control loop: what the robot does when the pad goes.

Row H1 of the fault catalogue, end to end: neutral and a released deadman in the very next command.
Counted in the quick tests; the long one, on a machine that is left alone, also times a hundred.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from teleop import operator_link
from teleop.gamepad import Gamepad
from teleop.hands import PAD_SILENT_MS
from teleop.operator_input import OperatorInput
from teleop.profile_files import Controls
from tests.links.control_support import PUSHES, Console, console, control, must_let_go
from tests.links.test_gamepad import SDL, VirtualPad, until
from tests.measured import Measured
from tests.point_robot import PointRobot
from transport.clock import NS_PER_MS, now_ns
from transport.messages import STILL, Command, decoder_of

_decode = decoder_of(Command)
UNPLUGS = 100
LET_GO_MS = 20.0


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Command]:
    """Every command that any link sends, in order."""
    commands: list[Command] = []
    real = operator_link.CommandOutbox

    class Noted(real):  # type: ignore[misc, valid-type]
        def send(self, message: bytes) -> object:
            commands.append(_decode(message))
            return super().send(message)

    monkeypatch.setattr(operator_link, "CommandOutbox", Noted)
    return commands


@pytest.fixture
def let_go_ns(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """When a link sent the first command without the deadman after one with it, each time."""
    moments: list[int] = []
    real, held = operator_link.CommandOutbox, [False]

    class Timed(real):  # type: ignore[misc, valid-type]
        def send(self, message: bytes) -> object:
            done = super().send(message)
            command = _decode(message)
            if held[0] and not command.deadman:
                assert (command.forward, command.turn) == (0.0, 0.0)
                moments.append(now_ns())
            held[0] = command.deadman
            return done

    monkeypatch.setattr(operator_link, "CommandOutbox", Timed)
    return moments


@contextmanager
def looking(operator: Console) -> Iterator[None]:
    """The window's own thread goes on looking while the test does something else."""
    leaving = threading.Event()

    def look() -> None:
        while not leaving.wait(0.01):
            operator.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        leaving.set()
        thread.join()


@contextmanager
def gamepad(on_input: Callable[[OperatorInput | None], None]) -> Iterator[VirtualPad]:
    made = Gamepad(Controls(), on_input, lambda: None, lambda action: None)
    made.start()
    until(lambda: SDL.SDL_WasInit(SDL.SDL_INIT_GAMECONTROLLER) != 0, "SDL did not start")
    pad = VirtualPad()
    try:
        yield pad
    finally:
        pad.detach()
        made.close()


def drive(pad: VirtualPad, operator: Console, robot: PointRobot) -> None:
    """As a person: who is told to let go lets go, and pushes again."""
    for _ in range(PUSHES):
        until(lambda: pad.press("LB") or operator.look().deadman, "the deadman was not taken")
        pad.push("LEFTY", -32767)
        until(
            lambda: robot.told.forward_mps > 0.2 or must_let_go(operator.look()),
            "the robot did not move",
        )
        if robot.told.forward_mps > 0.2:
            return
        pad.push("LEFTY", 0)
        pad.release("LB")
        until(lambda: operator.may_press(operator.look()), "hands were off long enough")
    raise AssertionError("the robot did not move")


def test_unplugged_in_mid_motion_the_next_command_is_neutral_and_the_robot_stands(
    tmp_path: Path, sent: list[Command]
) -> None:
    with (
        control(tmp_path) as (loop, robot),
        console(loop) as operator,
        gamepad(operator.link.set_pad) as pad,
    ):
        operator.take()
        with looking(operator):
            drive(pad, operator, robot)
            pad.detach()
            until(lambda: robot.told == STILL, "the robot went on")
        pushed = [command.forward for command in sent if command.deadman]
        last = max(number for number, command in enumerate(sent) if command.deadman)
        assert pushed[-1] == pytest.approx(0.6), "it drove until it was unplugged"
        assert len(sent) > last + 1
        assert {(c.deadman, c.forward, c.turn) for c in sent[last + 1 :]} == {(False, 0.0, 0.0)}
        assert operator.look().input_problem.startswith("Virtual Controller is gone")


@pytest.mark.long
def test_a_hundred_pads_unplugged_in_mid_motion_are_let_go_within_20_ms(
    tmp_path: Path, let_go_ns: list[int], measured: Measured
) -> None:
    took_ms = []
    with (
        control(tmp_path) as (loop, robot),
        console(loop) as operator,
        gamepad(operator.link.set_pad) as first,
    ):
        operator.take()
        with looking(operator):
            pad = first
            for number in range(UNPLUGS):
                drive(pad, operator, robot)
                assert len(let_go_ns) == number
                unplugged_ns = now_ns()
                pad.detach()
                until(lambda n=number: len(let_go_ns) > n, "the link never let go")
                took_ms.append((let_go_ns[-1] - unplugged_ns) / NS_PER_MS)
                pad = VirtualPad()
                until(lambda: not operator.look().input_problem, "it was not plugged in again")
            pad.detach()
    took_ms.sort()
    measured(
        "H1",
        f"pad unplugged in mid-motion, {UNPLUGS} times: neutral is sent ≤ {LET_GO_MS:.0f} ms later",
        f"median {took_ms[UNPLUGS // 2]:.1f} ms, slowest {took_ms[-1]:.1f} ms, "
        f"{sum(ms <= LET_GO_MS for ms in took_ms)} of {UNPLUGS}",
    )
    assert took_ms[-1] <= LET_GO_MS


def test_a_pad_whose_thread_hangs_does_not_drive_on(tmp_path: Path) -> None:
    hangs = threading.Event()
    with control(tmp_path) as (loop, robot), console(loop) as operator:

        def say(pad: OperatorInput | None) -> None:
            if not hangs.is_set():
                operator.link.set_pad(pad)

        with gamepad(say) as pad:
            operator.take()
            with looking(operator):
                drive(pad, operator, robot)
                hangs.set()
                began_ns = now_ns()
                until(lambda: robot.told == STILL, "the robot went on")
            assert (now_ns() - began_ns) / 1e6 > PAD_SILENT_MS / 2, "something else stopped it"
