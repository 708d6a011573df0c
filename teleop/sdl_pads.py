"""SDL's game controllers as a list that comes and goes: what is there, what cannot be used and why.

Only the pad's thread calls this. A joystick that SDL has no mapping for, that cannot be opened or
that lacks a stick is skipped with its reason; so is an older entry of the same pad that has come
back as another device and whose old entry the system keeps alive with frozen axes.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any, Final

from teleop.pad_mapping import PadReading
from transport.clock import NS_PER_S

Sdl = Any  # the sdl2 module: its functions are made at run time

FULL_TRAVEL: Final = 32767.0
RETRY_S: Final = 1  # a device's rights may come a moment after the device
NAME_LENGTH: Final = 40

_BUTTONS: Final = {
    "A": "A",
    "B": "B",
    "X": "X",
    "Y": "Y",
    "LB": "LEFTSHOULDER",
    "RB": "RIGHTSHOULDER",
    "Start": "START",
    "Back": "BACK",
    "Guide": "GUIDE",
    "LeftStick": "LEFTSTICK",
    "RightStick": "RIGHTSTICK",
    "DpadUp": "DPAD_UP",
    "DpadDown": "DPAD_DOWN",
    "DpadLeft": "DPAD_LEFT",
    "DpadRight": "DPAD_RIGHT",
    "Paddle1": "PADDLE1",
    "Paddle2": "PADDLE2",
    "Paddle3": "PADDLE3",
    "Paddle4": "PADDLE4",
}
_AXES: Final = ("LEFTX", "LEFTY", "RIGHTX", "RIGHTY", "TRIGGERLEFT", "TRIGGERRIGHT")
_NEEDED: Final = (("LEFTX", "left stick"), ("LEFTY", "left stick"), ("RIGHTX", "right stick"))
_NO_RIGHTS: Final = "it cannot be opened: may this user read it?"
_UNPLUGGED: Final = "it is being unplugged"
_RETURNED: Final = "it has come back as another device"
_NO_MAPPING: Final = "SDL has no mapping for it"


def load_sdl() -> Sdl:
    """The SDL binding.

    Raises:
        ImportError: SDL is not there.
    """
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # SDL is used for gamepads only
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pysdl2 announces which library it found
        import sdl2
    return sdl2


class SdlPad:
    """One open pad."""

    def __init__(self, sdl: Sdl, handle: Any, instance: int) -> None:
        self._sdl, self._handle = sdl, handle
        self.instance = instance
        name = sdl.SDL_GameControllerName(handle)
        self.name = name.decode(errors="replace")[:NAME_LENGTH] if name else "Gamepad"
        serial = sdl.SDL_GameControllerGetSerial(handle)
        self.serial = serial.decode(errors="replace") if serial else ""
        path = sdl.SDL_GameControllerPath(handle)
        node = Path(path.decode(errors="replace")) if path else None
        # The kernel removes the node at once; SDL hears of it from udev, where there is one.
        watched = sys.platform == "linux" and node is not None and node.is_absolute()
        self._node = node if watched and node is not None and node.exists() else None
        self._axes = [getattr(sdl, f"SDL_CONTROLLER_AXIS_{name}") for name in _AXES]
        self._buttons = [
            (name, getattr(sdl, f"SDL_CONTROLLER_BUTTON_{constant}"))
            for name, constant in _BUTTONS.items()
        ]

    def missing(self) -> str:
        """The stick that this pad does not have; empty: it has what is needed."""
        joystick = self._sdl.SDL_GameControllerGetJoystick(self._handle)
        for axis, spoken in _NEEDED:
            which = getattr(self._sdl, f"SDL_CONTROLLER_AXIS_{axis}")
            bind = self._sdl.SDL_GameControllerGetBindForAxis(self._handle, which)
            kind = bind.bindType
            on_axis = kind == self._sdl.SDL_CONTROLLER_BINDTYPE_AXIS
            if kind == self._sdl.SDL_CONTROLLER_BINDTYPE_NONE or (
                on_axis and bind.value.axis >= self._sdl.SDL_JoystickNumAxes(joystick)
            ):
                return spoken
        return ""

    @property
    def attached(self) -> bool:
        """Whether it is still plugged in."""
        if self._node is not None and not self._node.exists():
            return False
        return bool(self._sdl.SDL_GameControllerGetAttached(self._handle))

    def read(self) -> PadReading | None:
        """Sticks, triggers and buttons now. None: it is being unplugged; SDL then lets everything
        go and marks it detached under its own lock, and no hand has let go of anything."""
        self._sdl.SDL_LockJoysticks()
        try:
            left_x, left_y, right_x, right_y, left, right = (
                max(-1.0, self._sdl.SDL_GameControllerGetAxis(self._handle, axis) / FULL_TRAVEL)
                for axis in self._axes
            )
            held = frozenset(
                name
                for name, button in self._buttons
                if self._sdl.SDL_GameControllerGetButton(self._handle, button)
            )
            if not self._sdl.SDL_GameControllerGetAttached(self._handle):
                return None
        finally:
            self._sdl.SDL_UnlockJoysticks()
        # SDL counts down as positive; away from the operator is forward.
        return PadReading(left_x, -left_y, right_x, -right_y, held, left, right)

    def close(self) -> None:
        """Let go of it."""
        self._sdl.SDL_GameControllerClose(self._handle)


class SdlPads:
    """All pads; a context that starts and ends SDL."""

    def __init__(self, sdl: Sdl) -> None:
        self._sdl = sdl
        self._open: dict[int, SdlPad] = {}
        self._retry_ns = 0
        self.skipped: dict[int, tuple[str, str]] = {}  # by instance: name and why
        self.skipped_changed = False

    def __enter__(self) -> SdlPads:
        sdl = self._sdl
        # An environment variable would win over an ordinary hint, and a pad that SDL silences
        # without telling keeps its last value.
        for hint, value in (
            # There is no SDL window that could have the focus; the console decides about focus.
            (sdl.SDL_HINT_JOYSTICK_ALLOW_BACKGROUND_EVENTS, b"1"),
            (sdl.SDL_HINT_JOYSTICK_THREAD, b"1"),  # Windows: hear of pads outside the main thread
            (sdl.SDL_HINT_NO_SIGNAL_HANDLERS, b"1"),  # Ctrl-C is not SDL's
        ):
            sdl.SDL_SetHintWithPriority(hint, value, sdl.SDL_HINT_OVERRIDE)
        if sdl.SDL_InitSubSystem(sdl.SDL_INIT_GAMECONTROLLER) != 0:
            raise OSError(sdl.SDL_GetError().decode(errors="replace"))
        return self

    def __exit__(self, *_: object) -> None:
        for pad in self._open.values():
            pad.close()
        self._open.clear()
        self._sdl.SDL_QuitSubSystem(self._sdl.SDL_INIT_GAMECONTROLLER)

    def changes(self, now_ns: int) -> tuple[list[SdlPad], list[int]]:
        """Let SDL look; the pads that came and the instances that went since the last call."""
        sdl = self._sdl
        sdl.SDL_PumpEvents()
        # Attach, detach and state are read from the devices themselves.
        sdl.SDL_FlushEvents(sdl.SDL_FIRSTEVENT, sdl.SDL_LASTEVENT)
        gone = [instance for instance, pad in self._open.items() if not pad.attached]
        came: list[SdlPad] = []
        before = dict(self.skipped)
        retry = now_ns >= self._retry_ns
        if retry:
            self._retry_ns = now_ns + RETRY_S * NS_PER_S
        sdl.SDL_LockJoysticks()  # so that the list does not change while it is read
        try:
            present = {
                sdl.SDL_JoystickGetDeviceInstanceID(index): index
                for index in range(sdl.SDL_NumJoysticks())
            }
            self.skipped = {key: why for key, why in self.skipped.items() if key in present}
            for instance in gone:
                if instance in present:  # SDL has not heard of it yet
                    self.skipped[instance] = (self._open[instance].name, _UNPLUGGED)
            for instance, index in present.items():
                known = instance in self._open or instance in self.skipped
                unopened = retry and self.skipped.get(instance, ("", ""))[1] == _NO_RIGHTS
                if not known or unopened:
                    pad = self._try(index, instance)
                    if pad is not None:
                        came.append(pad)
        finally:
            sdl.SDL_UnlockJoysticks()
        gone += self._replaced(came)
        for instance in gone:
            self._open.pop(instance).close()
        self._open |= {pad.instance: pad for pad in came}
        self.skipped_changed = self.skipped != before
        return came, gone

    def _try(self, index: int, instance: int) -> SdlPad | None:
        sdl = self._sdl
        name = (sdl.SDL_JoystickNameForIndex(index) or b"Gamepad").decode(errors="replace")
        self.skipped.pop(instance, None)
        if not sdl.SDL_IsGameController(index):
            self.skipped[instance] = (name[:NAME_LENGTH], _NO_MAPPING)
            return None
        handle = sdl.SDL_GameControllerOpen(index)
        if not handle:
            self.skipped[instance] = (name[:NAME_LENGTH], _NO_RIGHTS)
            return None
        pad = SdlPad(sdl, handle, instance)
        missing = pad.missing()
        if missing:
            pad.close()
            self.skipped[instance] = (pad.name, f"it has no {missing}")
            return None
        return pad

    def _replaced(self, came: list[SdlPad]) -> list[int]:
        """Older entries of pads that have come back as another device."""
        # A serial of zeros is what makers write who give none.
        back = {pad.serial for pad in came if len(set(pad.serial)) > 1}
        old = [pad for pad in self._open.values() if pad.serial in back and pad.attached]
        for pad in old:
            self.skipped[pad.instance] = (pad.name, _RETURNED)
        return [pad.instance for pad in old]
