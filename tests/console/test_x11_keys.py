"""Real keys of a real X server: auto-repeat, lost releases, screen lock, workspaces.

Rows of the fault catalogue: H3 (lock, workspace), H4 (release/press pairs), H5 (lost release; a key
that is held while nothing repeats). Skipped, with the reason, where there is no Xvfb.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.console.x11 import HANG_S, ConsoleProcess, Typist, server
from ui.key_state import X11KeyState

W, D, SPACE = 25, 40, 65
FORWARD, CURVE, STILL = "0.6 0 True", "0.6 -0.6 True", "0 0 False"


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with server() as made:
        yield made


@pytest.fixture
def typist(display: str) -> Iterator[Typist]:
    made = Typist(display)
    yield made
    for code in (W, D, SPACE):
        made.release(code)
    made.close()


@pytest.fixture
def console(display: str) -> Iterator[Callable[..., ConsoleProcess]]:
    made: list[ConsoleProcess] = []

    def start(*options: str) -> ConsoleProcess:
        process = ConsoleProcess(display, *options)
        made.append(process)
        process.wait(lambda lines: "focus True" in lines, "the window did not get the focus")
        return process

    yield start
    for process in made:
        process.close()


def test_a_key_held_for_seconds_is_pressed_once_and_released_once(
    console: Callable[..., ConsoleProcess], typist: Typist
) -> None:
    at = console("--busy")
    typist.repeat_every(2)
    typist.press(W)
    time.sleep(5.0)  # thousands of repeats; of those a busy window gets a few in two pieces
    at.wait(lambda _: at.inputs[-1:] == [FORWARD], "it does not drive")
    # None, but for a server that got no processor when it was asked; without asking it were dozens.
    assert at.inputs.count(STILL) <= 2
    typist.release(W)
    typist.repeat_every(40, after_ms=660)
    at.wait(lambda _: at.inputs[-1] == STILL, "the release did not arrive")


def test_a_lost_release_does_not_drive_on(
    console: Callable[..., ConsoleProcess], typist: Typist
) -> None:
    at = console("--deaf")
    typist.press(W)
    at.wait(lambda _: at.inputs == [FORWARD], "the key was not heard")
    at.wait(lambda lines: "confirmed" in lines, "the server did not call the key down")
    typist.release(W)
    at.wait(lambda _: at.inputs == [FORWARD, STILL], "the lost release was not noticed")
    assert "lost" in at.lines


def test_a_held_key_drives_on_while_nothing_repeats(
    console: Callable[..., ConsoleProcess], typist: Typist
) -> None:
    at = console()
    typist.press(W)
    typist.press(D)
    typist.release(D)  # only the last key pressed repeats: from here on there is no event at all
    at.wait(lambda _: at.inputs == [FORWARD, CURVE, FORWARD], "the keys were not heard")
    time.sleep(2.0)
    assert at.inputs == [FORWARD, CURVE, FORWARD]
    typist.release(W)
    at.wait(lambda _: at.inputs[-1] == STILL, "the release did not arrive")


def test_a_screen_lock_lets_everything_go(
    console: Callable[..., ConsoleProcess], typist: Typist
) -> None:
    at = console()
    typist.press(W)
    at.wait(lambda _: at.inputs == [FORWARD], "the key was not heard")
    typist.lock_screen()
    at.wait(lambda lines: lines[-1] == "focus False", "the lock was not noticed")
    assert at.inputs == [FORWARD, STILL]
    typist.unlock_screen()
    at.wait(lambda lines: lines[-1] == "focus True", "the focus did not come back")
    time.sleep(1.0)  # the key is still down and repeats
    assert at.inputs == [FORWARD, STILL], "it needs a new press"


def test_another_workspace_lets_everything_go(
    console: Callable[..., ConsoleProcess], typist: Typist
) -> None:
    at = console()
    typist.press(W)
    at.wait(lambda _: at.inputs == [FORWARD], "the key was not heard")
    typist.switch_workspace(at.window)
    at.wait(lambda _: at.inputs == [FORWARD, STILL], "the switch was not noticed")


def test_space_stops_once_per_press(console: Callable[..., ConsoleProcess], typist: Typist) -> None:
    at = console("--busy")
    typist.press(SPACE)
    time.sleep(2.0)
    typist.release(SPACE)
    time.sleep(0.05)  # a release and a press of the same millisecond are a repeat to Qt
    typist.press(SPACE)
    at.wait(lambda lines: lines.count("stop") >= 2, "STOP was not heard")


def test_the_servers_key_state_is_what_is_held(display: str, typist: Typist) -> None:
    state = X11KeyState(display)
    assert state.down({W, D}, HANG_S) == frozenset()
    typist.press(W)
    assert state.down({W, D, 300}, HANG_S) == {W}
    typist.release(W)
    assert state.down({W, D}, HANG_S) == frozenset()
    state.close()
    assert state.down({W}, HANG_S) is None


def test_a_late_answer_is_not_mistaken_for_the_next(display: str, typist: Typist) -> None:
    state = X11KeyState(display)
    for _ in range(20):
        typist.press(W)
        state.down({W}, 0.0)  # hardly ever answered in no time
        typist.release(W)
        assert state.down({W}, HANG_S) == frozenset()
    state.close()


def test_without_a_server_there_is_no_key_state() -> None:
    with pytest.raises(OSError, match="no connection"):
        X11KeyState(":987")
