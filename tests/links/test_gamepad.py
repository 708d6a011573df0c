"""The real SDL with virtual controllers: attach, push, choose, unplug, and pads that are no good.

Rows of the fault catalogue: H1 (unplugged in mid-motion, comes back held, another entry of the same
pad, its thread dies), H2 (axis stuck at connect), H6 (background events switched off outside).
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from teleop.gamepad import Gamepad
from teleop.input_profile import Action, parse_profile
from teleop.operator_input import OperatorInput
from teleop.pad_mapping import PadReading
from teleop.profile_files import Controls, PadSeen, Profiles
from teleop.sdl_pads import Sdl, load_sdl

HANG_S = 10.0
BUTTONS = {
    "A": "A",
    "B": "B",
    "Y": "Y",
    "LB": "LEFTSHOULDER",
    "RB": "RIGHTSHOULDER",
    "Start": "START",
}
SDL = load_sdl()


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.002)


class VirtualPad:
    """A controller that exists in SDL only."""

    def __init__(self, kind: int | None = None, axes: int = 6, **pushed: int) -> None:
        """`pushed` are axes that are off from the first moment on, as "LEFTY"."""
        SDL.SDL_LockJoysticks()  # nobody sees it before its axes stand where they should
        try:
            kind = SDL.SDL_JOYSTICK_TYPE_GAMECONTROLLER if kind is None else kind
            index = SDL.SDL_JoystickAttachVirtual(kind, axes, 15, 0)
            assert index >= 0, SDL.SDL_GetError()
            self.instance = SDL.SDL_JoystickGetDeviceInstanceID(index)
            self._joystick = SDL.SDL_JoystickOpen(index)
            for axis, value in pushed.items():
                self.push(axis, value)
            SDL.SDL_JoystickUpdate()
        finally:
            SDL.SDL_UnlockJoysticks()
        self._attached = True

    def push(self, axis: str, value: int) -> None:
        number = getattr(SDL, f"SDL_CONTROLLER_AXIS_{axis}")
        SDL.SDL_JoystickSetVirtualAxis(self._joystick, number, value)

    def press(self, *names: str) -> None:
        self._set(names, 1)

    def release(self, *names: str) -> None:
        self._set(names, 0)

    def _set(self, names: tuple[str, ...], value: int) -> None:
        SDL.SDL_LockJoysticks()  # all at once
        for name in names:
            number = getattr(SDL, f"SDL_CONTROLLER_BUTTON_{BUTTONS[name]}")
            SDL.SDL_JoystickSetVirtualButton(self._joystick, number, value)
        SDL.SDL_UnlockJoysticks()

    def detach(self) -> None:
        if not self._attached:
            return
        self._attached = False
        SDL.SDL_LockJoysticks()
        SDL.SDL_JoystickClose(self._joystick)
        for index in range(SDL.SDL_NumJoysticks()):
            if SDL.SDL_JoystickGetDeviceInstanceID(index) == self.instance:
                SDL.SDL_JoystickDetachVirtual(index)
                break
        SDL.SDL_UnlockJoysticks()


@dataclass
class Desk:
    """An operator's desk: what the gamepads' thread said, in order."""

    controls: Controls = field(default_factory=Controls)
    inputs: list[OperatorInput | None] = field(default_factory=list)
    stops: int = 0
    actions: list[str] = field(default_factory=list)
    pads: list[VirtualPad] = field(default_factory=list)

    def stop(self) -> None:
        self.stops += 1

    def plug(self, **options: Any) -> VirtualPad:
        pad = VirtualPad(**options)
        self.pads.append(pad)
        return pad

    @property
    def last(self) -> OperatorInput:
        return self.inputs[-1] if self.inputs and self.inputs[-1] else OperatorInput("nothing")

    def wait_for_pad(self) -> None:
        until(lambda: self.last.device != "nothing", "no pad was found")

    def wait_seen(self, count: int) -> tuple[PadSeen, ...]:
        until(lambda: len(self.controls.pads) == count, f"{count} pads were not found")
        return self.controls.pads

    def drive(self, pad: VirtualPad, value: int = -32767) -> None:
        """Hold the deadman and push, as a person does once the pad has settled."""
        until(lambda: self._holds(pad), "the deadman was not taken")
        pad.push("LEFTY", value)
        until(lambda: self.last.forward, "a pushed stick did not drive")

    def _holds(self, pad: VirtualPad) -> bool:
        pad.press("LB")
        return self.last.deadman


@contextmanager
def desk(profile: str = "", sdl: Callable[[], Sdl] = load_sdl) -> Iterator[Desk]:
    own = Profiles([parse_profile(profile, "mine.toml")])
    made = Desk(Controls(own))
    gamepad = Gamepad(made.controls, made.inputs.append, made.stop, made.actions.append, sdl=sdl)
    gamepad.start()
    try:
        until(lambda: SDL.SDL_WasInit(SDL.SDL_INIT_GAMECONTROLLER) != 0, "SDL did not start")
        yield made
    finally:
        for pad in made.pads:
            pad.detach()
        gamepad.close()


class Altered:
    """SDL with some of its functions replaced."""

    def __init__(self, **functions: Callable[..., object]) -> None:
        self._functions = functions

    def __getattr__(self, name: str) -> Any:
        return self._functions.get(name) or getattr(SDL, name)


# --- driving --------------------------------------------------------------------------------------


def test_a_pad_is_found_drives_turns_and_is_let_go() -> None:
    with desk() as at:
        pad = at.plug()
        at.wait_for_pad()
        assert at.last == OperatorInput(device="Virtual Controller", input_ns=at.last.input_ns)
        at.drive(pad)
        assert at.last.forward == pytest.approx(0.6)
        pad.push("RIGHTX", 32767)
        until(lambda: at.last.turn == pytest.approx(-0.6), "it did not turn")
        pad.press("RB")
        until(lambda: at.last.forward == pytest.approx(1.0), "RB is no turbo")
        pad.release("LB")
        until(lambda: not at.last.deadman, "the deadman was not let go")
        assert at.last.forward == 0.0


def test_what_is_unchanged_is_said_again_so_that_a_dead_thread_is_noticed() -> None:
    with desk() as at:
        at.plug()
        at.wait_for_pad()
        said = len(at.inputs)
        until(lambda: len(at.inputs) >= said + 3, "the pad's thread has gone silent")
        assert len({repr(each) for each in at.inputs[said:]}) == 1


def test_a_pad_that_is_listened_to_does_not_drive_but_stops_and_must_be_pressed_again() -> None:
    heard: list[tuple[str, PadReading]] = []
    with desk() as at:
        pad = at.plug()
        at.wait_for_pad()
        at.drive(pad)
        at.controls.listener = lambda instance, name, reading: heard.append((name, reading))
        until(lambda: not at.last.deadman, "it drove on while its buttons are set")
        assert at.last.problem == "its buttons are being set"
        assert heard[-1][0] == "Virtual Controller"
        assert heard[-1][1].left_y == 1.0
        pad.press("Y")
        until(lambda: "Y" in heard[-1][1].held, "its buttons were not heard")
        pad.press("LB", "RB", "B")
        until(lambda: at.stops == 1, "STOP was not heard")
        pad.release("Y", "RB", "B")
        at.controls.listener = None
        until(lambda: not at.last.problem.startswith("its buttons"), "it is still listened to")
        assert not at.last.deadman
        assert at.actions == []
        pad.push("LEFTY", 0)

        def taken_anew() -> bool:
            for change in (pad.release, pad.press):
                change("LB")
                time.sleep(0.03)  # the pad's thread looks every 4 ms
            return at.last.deadman

        until(taken_anew, "a new press of the deadman does not count")


def test_a_profile_decides_what_sticks_and_buttons_do() -> None:
    profile = (
        '[buttons]\ndeadman = "A"\nfailure = []\nmarker = "LB"\n[gamepad]\ninvert_drive = true'
    )
    with desk(profile) as at:
        pad = at.plug()
        at.wait_for_pad()
        pad.press("LB")
        until(lambda: at.actions == [Action.MARKER], "the button was not heard")
        until(lambda: pad.press("A") or at.last.deadman, "the deadman was not taken")
        pad.push("LEFTY", -32767)
        until(lambda: at.last.forward == pytest.approx(-0.6), "the stick is not reversed")


def test_another_profile_waits_until_the_deadman_is_let_go_and_heeds_nothing_held_by_then() -> None:
    profile = (
        '[for]\nrobot = "rover-07"\n[buttons]\ndeadman = "A"\nfailure = []\n[speed]\nnormal = 0.4'
    )
    with desk(profile) as at:
        pad = at.plug()
        at.wait_for_pad()
        at.drive(pad)
        pad.press("A")
        at.controls.robot = "rover-07"
        said = len(at.inputs)
        until(lambda: len(at.inputs) >= said + 3, "the pad's thread has gone silent")
        assert [each.forward for each in at.inputs[said : said + 3] if each] == pytest.approx(
            [0.6] * 3
        )

        pad.push("LEFTY", 0)
        pad.release("LB")
        held = "A is held since before: let go of it, then hold it again"
        until(lambda: at.last.problem == held, "a held button has become the deadman")
        assert not at.last.deadman

        pad.release("A")
        until(lambda: at.last.problem == "", "it was not let go")
        pad.press("A")
        until(lambda: at.last.deadman, "the new deadman was not taken")
        pad.push("LEFTY", -32767)
        until(lambda: at.last.forward == pytest.approx(0.4), "the new speed does not count")


def test_buttons_ask_once_and_what_is_held_when_the_pad_comes_asks_nothing() -> None:
    with desk() as at:
        SDL.SDL_LockJoysticks()
        pad = at.plug()
        pad.press("Start")
        SDL.SDL_JoystickUpdate()
        SDL.SDL_UnlockJoysticks()
        at.wait_for_pad()
        pad.press("Y")
        until(lambda: at.actions, "the button was not heard")
        pad.release("Y")
        pad.press("A")
        until(lambda: len(at.actions) > 1, "the button was not heard")
        assert at.actions == [Action.SUCCESS, Action.FAILURE]


def test_the_stop_chord_stops_once_per_press_and_asks_for_nothing_else() -> None:
    with desk() as at:
        pad = at.plug()
        at.wait_for_pad()
        for count in (1, 2):
            pad.press("LB", "RB", "B")
            until(lambda n=count: at.stops == n, "the STOP chord was not seen")
            said = len(at.inputs)
            until(lambda n=said: len(at.inputs) > n, "the thread has gone")
            assert at.stops == count
            pad.release("B")
            said = len(at.inputs)  # the next one may be from before
            until(lambda n=said: len(at.inputs) > n + 1, "the thread has gone")
        assert at.actions == []


def test_the_stop_chord_of_a_pad_that_comes_while_it_is_held_stops() -> None:
    with desk() as at:
        SDL.SDL_LockJoysticks()
        pad = at.plug()
        pad.press("LB", "RB", "B")
        SDL.SDL_JoystickUpdate()
        SDL.SDL_UnlockJoysticks()
        until(lambda: at.stops == 1, "the STOP chord was not seen")


# --- H1: unplugged --------------------------------------------------------------------------------


def test_unplugged_in_mid_motion_the_next_thing_said_is_that_it_is_gone() -> None:
    with desk() as at:
        pad = at.plug()
        at.wait_for_pad()
        at.drive(pad)
        pad.detach()
        until(lambda: at.inputs[-1] is None, "an unplugged pad went on driving")
        end = at.inputs.index(None)
        assert at.inputs[end - 1] is not None
        assert at.inputs[end - 1].forward > 0.5, "nothing came between driving and gone"  # type: ignore[union-attr]
        assert at.inputs[end:] == [None]


def test_plugged_in_again_while_held_it_needs_rest_and_a_new_press() -> None:
    with desk() as at:
        pad = at.plug()
        at.wait_for_pad()
        at.drive(pad)
        pad.detach()
        until(lambda: at.inputs[-1] is None, "an unplugged pad went on driving")
        SDL.SDL_LockJoysticks()
        again = at.plug(LEFTY=-32767)
        again.press("LB")
        SDL.SDL_JoystickUpdate()
        SDL.SDL_UnlockJoysticks()
        until(lambda: "stuck" in at.last.problem, "the held pad was not noticed")
        assert not at.last.deadman
        again.push("LEFTY", 0)
        until(lambda: "is held since before" in at.last.problem, "the held deadman was not noticed")
        assert not at.last.deadman
        again.release("LB")
        until(lambda: at.last.problem == "", "the pad was not let go")
        at.drive(again)


def test_the_next_pad_takes_over_and_is_neutral_although_it_is_held() -> None:
    with desk() as at:
        first = at.plug()
        at.wait_for_pad()
        second = at.plug()
        at.wait_seen(2)
        at.drive(first)
        second.press("LB")
        first.detach()
        until(lambda: None in at.inputs, "the first pad went on driving")
        until(lambda: at.last.device == "Virtual Controller", "the second pad was not taken")
        assert not any(each and each.deadman for each in at.inputs[at.inputs.index(None) :])


def test_a_device_node_that_vanishes_counts_before_sdl_hears_of_it(tmp_path: Path) -> None:
    node = tmp_path / "event7"
    node.touch()
    altered = Altered(SDL_GameControllerPath=lambda handle: str(node).encode())
    with desk(sdl=lambda: altered) as at:
        pad = at.plug()
        at.wait_for_pad()
        at.drive(pad)
        node.unlink()
        until(lambda: at.inputs[-1] is None, "a pad without a device went on driving")
        until(lambda: at.controls.pads[0].skipped == "it is being unplugged", "it is not said")


def test_a_pad_that_comes_back_as_another_device_replaces_its_frozen_entry() -> None:
    altered = Altered(SDL_GameControllerGetSerial=lambda handle: b"AA:BB:CC")
    with desk(sdl=lambda: altered) as at:
        pad = at.plug()
        at.wait_for_pad()
        at.drive(pad)
        at.plug()
        until(lambda: None in at.inputs, "the frozen entry went on driving")
        pads = at.wait_seen(2)
        assert [each.skipped for each in pads] == ["", "it has come back as another device"]
        assert not at.last.deadman


def test_two_pads_that_give_no_serial_are_two_pads() -> None:
    altered = Altered(SDL_GameControllerGetSerial=lambda handle: b"00000000")
    with desk(sdl=lambda: altered) as at:
        at.plug()
        at.plug()
        assert [each.skipped for each in at.wait_seen(2)] == ["", ""]


def test_a_pad_that_goes_while_it_is_read_has_not_been_let_go() -> None:
    """SDL zeroes what it unplugs; said as a reading, it would look like a hand that lets go."""
    pulled: list[VirtualPad] = []

    def read(handle: object, axis: int) -> int:
        while pulled:
            pulled.pop().detach()
        return int(SDL.SDL_GameControllerGetAxis(handle, axis))

    with desk(sdl=lambda: Altered(SDL_GameControllerGetAxis=read)) as at:
        pad = at.plug()
        at.wait_for_pad()
        at.drive(pad)
        pulled.append(pad)
        until(lambda: at.inputs[-1] is None, "the pad was not missed")
        before = at.inputs[-2]
        assert before is not None
        assert before.deadman


def test_a_thread_that_fails_says_first_that_there_is_no_pad() -> None:
    broken = False

    def read(handle: object, axis: int) -> int:
        if broken:
            raise RuntimeError("the driver has failed")
        return int(SDL.SDL_GameControllerGetAxis(handle, axis))

    with desk(sdl=lambda: Altered(SDL_GameControllerGetAxis=read)) as at:
        pad = at.plug()
        at.wait_for_pad()
        at.drive(pad)
        broken = True
        until(lambda: at.inputs[-1] is None, "the last wish stayed")
        until(lambda: at.controls.pads[0].skipped, "it does not say why")
        why = "reading them has failed; the log tells more"
        assert at.wait_seen(1) == (PadSeen("all gamepads", skipped=why),)


# --- H2 and pads that are no good -----------------------------------------------------------------


def test_an_axis_stuck_at_connect_blocks_and_is_named_until_it_rests() -> None:
    with desk() as at:
        pad = at.plug(LEFTY=-26214)
        until(lambda: at.last.problem, "the stuck axis was not noticed")
        assert at.last.problem.startswith("left stick (up/down) stuck at 80 %: let go of it")
        pad.press("LB")
        said = len(at.inputs)
        until(lambda: len(at.inputs) > said, "the thread has gone")
        assert not at.last.deadman
        pad.push("LEFTY", 0)
        until(lambda: at.last.deadman, "a pad at rest may drive")


def test_a_joystick_without_a_mapping_is_skipped_and_the_next_pad_taken() -> None:
    with desk() as at:
        at.plug(kind=SDL.SDL_JOYSTICK_TYPE_UNKNOWN)
        assert at.wait_seen(1)[0].skipped == "SDL has no mapping for it"
        assert at.inputs == []
        pad = at.plug()
        at.wait_for_pad()
        at.drive(pad)


def test_a_pad_without_the_second_stick_is_skipped() -> None:
    with desk() as at:
        at.plug(axes=2)
        assert at.wait_seen(1)[0].skipped == "it has no right stick"


def test_a_pad_that_cannot_be_opened_is_skipped_and_tried_again() -> None:
    locked = True

    def opened(index: int) -> object:
        return None if locked else SDL.SDL_GameControllerOpen(index)

    with desk(sdl=lambda: Altered(SDL_GameControllerOpen=opened)) as at:
        at.plug()
        why = at.wait_seen(1)[0].skipped
        assert why == "it cannot be opened: may this user read it?"
        locked = False
        at.wait_for_pad()
        assert at.controls.pads == (PadSeen("Virtual Controller", active=True),)


def test_without_sdl_it_says_so() -> None:
    def missing() -> Sdl:
        raise ImportError("no sdl2")

    inputs: list[OperatorInput | None] = []
    pad = Gamepad(Controls(), inputs.append, lambda: None, lambda action: None, sdl=missing)
    pad.start()
    until(lambda: inputs == [None], "nothing was said")
    pad.close()
    assert pad.problem == "SDL cannot be used: no sdl2"


# --- press to identify ----------------------------------------------------------------------------


def test_with_several_pads_the_one_whose_button_is_pressed_is_chosen() -> None:
    with desk() as at:
        first = at.plug()
        second = at.plug()
        at.wait_seen(2)
        until(lambda: at.last.device == "1 of 2: Virtual Controller", "the first was not taken")
        second.press("Y")
        until(lambda: at.last.device == "2 of 2: Virtual Controller", "the press chose nothing")
        assert [pad.active for pad in at.controls.pads] == [False, True]
        assert at.actions == [], "the press that chooses does nothing else"
        at.drive(second)
        first.press("A")
        first.push("LEFTY", 32767)
        said = len(at.inputs)
        until(lambda: len(at.inputs) > said, "the thread has gone")
        assert at.last.device.startswith("2 of 2"), "never while the deadman is held"
        second.release("LB")
        until(lambda: not at.last.deadman, "the deadman was not let go")
        first.release("A")
        first.press("Y")
        until(lambda: at.last.device.startswith("1 of 2"), "the press chose nothing")


def test_a_deadman_that_chooses_a_pad_has_to_be_pressed_again_to_drive() -> None:
    with desk() as at:
        at.plug()
        second = at.plug()
        at.wait_seen(2)
        second.press("LB")
        until(lambda: at.last.device.startswith("2 of 2"), "the press chose nothing")
        until(lambda: "is held since before" in at.last.problem, "it says nothing")
        assert not at.last.deadman
        second.release("LB")
        until(lambda: at.last.problem == "", "the deadman was not let go")
        at.drive(second)


def test_stop_comes_from_any_pad_also_while_another_drives() -> None:
    with desk() as at:
        first = at.plug()
        second = at.plug()
        at.wait_seen(2)
        at.drive(first)
        second.press("LB", "RB", "B")
        until(lambda: at.stops == 1, "STOP of the other pad was not heard")


# --- H6 -------------------------------------------------------------------------------------------


def test_an_environment_that_silences_pads_in_the_background_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # SDL would keep the last value of a pad it silences; what has no focus is the window's matter.
    libc = ctypes.CDLL(None)
    libc.setenv(b"SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", b"0", 1)
    try:
        with desk() as at:
            hint = SDL.SDL_GetHint(SDL.SDL_HINT_JOYSTICK_ALLOW_BACKGROUND_EVENTS)
            assert hint == b"1"
            pad = at.plug()
            at.wait_for_pad()
            at.drive(pad)
    finally:
        libc.unsetenv(b"SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS")
