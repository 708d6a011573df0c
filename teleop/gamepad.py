"""Gamepads through SDL's game-controller mapping, on a thread of their own.

The thread owns SDL. It reports every change to the callbacks it was given, and neutral input when a
pad goes away; what the pad means is decided in `teleop.pad_mapping`. Without SDL there is no pad,
and `problem` says why.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
import warnings
from collections.abc import Callable
from typing import Any

from teleop.operator_input import OperatorInput
from teleop.pad_mapping import PadReading, to_input, wants_stop
from transport.clock import now_ns

log = logging.getLogger("gamepad")

POLL_MS = 8  # twice per control tick
FULL_TRAVEL = 32767.0

_BUTTONS = {
    "lb": "SDL_CONTROLLER_BUTTON_LEFTSHOULDER",
    "rb": "SDL_CONTROLLER_BUTTON_RIGHTSHOULDER",
    "a": "SDL_CONTROLLER_BUTTON_A",
    "b": "SDL_CONTROLLER_BUTTON_B",
    "x": "SDL_CONTROLLER_BUTTON_X",
    "y": "SDL_CONTROLLER_BUTTON_Y",
    "start": "SDL_CONTROLLER_BUTTON_START",
    "back": "SDL_CONTROLLER_BUTTON_BACK",
}


def load_sdl() -> Any:
    """The SDL binding.

    Raises:
        ImportError: SDL is not there.
    """
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # SDL is used for gamepads only
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pysdl2 announces which library it found
        import sdl2
    return sdl2


class Gamepad:
    """The first gamepad found; another takes its place when it is unplugged."""

    def __init__(
        self,
        on_input: Callable[[OperatorInput | None], None],
        on_stop: Callable[[], None],
        on_press: Callable[[str], None],
    ) -> None:
        """The callbacks run on the pad's thread: new input (None: the pad is gone), the STOP chord,
        a button's name."""
        self.problem = ""
        self._on_input = on_input
        self._on_stop = on_stop
        self._on_press = on_press
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gamepad", daemon=True)

    def start(self) -> None:
        """Start looking for pads."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; idempotent."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _run(self) -> None:
        try:
            sdl = load_sdl()
        except ImportError as error:
            self.problem = f"no gamepads: {error}"
            log.info("%s", self.problem)
            return
        # There is no SDL window that could have the focus; the console decides about focus.
        sdl.SDL_SetHint(sdl.SDL_HINT_JOYSTICK_ALLOW_BACKGROUND_EVENTS, b"1")
        if sdl.SDL_InitSubSystem(sdl.SDL_INIT_GAMECONTROLLER) != 0:
            self.problem = f"no gamepads: {sdl.SDL_GetError().decode()}"
            log.info("%s", self.problem)
            return
        try:
            self._serve(sdl)
        finally:
            sdl.SDL_QuitSubSystem(sdl.SDL_INIT_GAMECONTROLLER)

    def _serve(self, sdl: Any) -> None:
        pad = None
        before: PadReading | None = None
        while not self._leaving.wait(POLL_MS / 1000):
            _drain_events(sdl)
            if pad is not None and not sdl.SDL_GameControllerGetAttached(pad):
                sdl.SDL_GameControllerClose(pad)
                pad, before = None, None
                log.warning("the gamepad is gone")
                self._on_input(None)
            if pad is None:
                pad = _first_pad(sdl)
                if pad is None:
                    continue
                log.info("gamepad: %s", _name(sdl, pad))
            reading = _read(sdl, pad)
            if reading != before:
                self._report(reading, before)
                before = reading
        if pad is not None:
            sdl.SDL_GameControllerClose(pad)

    def _report(self, reading: PadReading, before: PadReading | None) -> None:
        if wants_stop(reading):
            self._on_stop()
        self._on_input(to_input(reading, now_ns()))
        for button in reading.held - (before.held if before else frozenset()):
            self._on_press(button)


def _drain_events(sdl: Any) -> None:
    event = sdl.SDL_Event()
    while sdl.SDL_PollEvent(ctypes.byref(event)):
        pass  # attach, detach and axis state are read from the device itself


def _first_pad(sdl: Any) -> Any:
    for index in range(sdl.SDL_NumJoysticks()):
        if sdl.SDL_IsGameController(index):
            return sdl.SDL_GameControllerOpen(index) or None
    return None


def _name(sdl: Any, pad: Any) -> str:
    name = sdl.SDL_GameControllerName(pad)
    return name.decode(errors="replace")[:40] if name else "Gamepad"


def _read(sdl: Any, pad: Any) -> PadReading:
    drive = sdl.SDL_GameControllerGetAxis(pad, sdl.SDL_CONTROLLER_AXIS_LEFTY)
    turn = sdl.SDL_GameControllerGetAxis(pad, sdl.SDL_CONTROLLER_AXIS_RIGHTX)
    held = {
        name
        for name, constant in _BUTTONS.items()
        if sdl.SDL_GameControllerGetButton(pad, getattr(sdl, constant))
    }
    # SDL counts down as positive; away from the operator is forward.
    return PadReading(
        name=_name(sdl, pad),
        drive=max(-1.0, min(1.0, -drive / FULL_TRAVEL)),
        turn=max(-1.0, min(1.0, turn / FULL_TRAVEL)),
        held=frozenset(held),
    )
