"""The real SDL with a virtual controller: attach, push, unplug."""

from __future__ import annotations

import time
from collections.abc import Callable

from teleop.gamepad import Gamepad, load_sdl
from teleop.operator_input import OperatorInput

HANG_S = 10.0


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def driven(operator_input: OperatorInput | None) -> float:
    if operator_input is None or not operator_input.deadman:
        return 0.0
    return operator_input.forward


def test_a_pad_can_be_attached_pushed_and_unplugged() -> None:
    sdl = load_sdl()
    inputs: list[OperatorInput | None] = []
    stops: list[bool] = []
    presses: list[str] = []
    pad = Gamepad(inputs.append, lambda: stops.append(True), presses.append)
    pad.start()
    index = -1
    try:
        until(lambda: sdl.SDL_WasInit(sdl.SDL_INIT_GAMECONTROLLER) != 0, "SDL did not start")
        index = sdl.SDL_JoystickAttachVirtual(sdl.SDL_JOYSTICK_TYPE_GAMECONTROLLER, 6, 15, 0)
        assert index >= 0, sdl.SDL_GetError()
        device = sdl.SDL_JoystickOpen(index)
        until(lambda: bool(inputs), "the pad was not found")
        assert inputs[-1] is not None
        assert not inputs[-1].deadman

        sdl.SDL_JoystickSetVirtualButton(device, sdl.SDL_CONTROLLER_BUTTON_LEFTSHOULDER, 1)
        sdl.SDL_JoystickSetVirtualAxis(device, sdl.SDL_CONTROLLER_AXIS_LEFTY, -32767)
        until(lambda: driven(inputs[-1]) > 0.5, "a pushed stick did not drive")
        assert "lb" in presses

        sdl.SDL_JoystickSetVirtualButton(device, sdl.SDL_CONTROLLER_BUTTON_RIGHTSHOULDER, 1)
        sdl.SDL_JoystickSetVirtualButton(device, sdl.SDL_CONTROLLER_BUTTON_B, 1)
        until(lambda: bool(stops), "the STOP chord was not seen")

        sdl.SDL_JoystickClose(device)
        sdl.SDL_JoystickDetachVirtual(index)
        index = -1
        until(lambda: inputs[-1] is None, "an unplugged pad went on driving")
    finally:
        if index >= 0:
            sdl.SDL_JoystickDetachVirtual(index)
        pad.close()
