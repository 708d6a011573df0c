"""What the system itself says about which keys are down now.

An event can be lost: a release that goes to another program, a grab, a full queue. The system's
own key state tells, so a key that is held is asserted anew every time it is asked. X11 is asked
through a small connection of its own (Qt's is not touched), Windows and macOS through one call
each. Wayland has no such question; there the compositor sends a release when the focus goes.

What this cannot see: a remote desktop that swallowed the release before the system. There the key
*is* down as far as anybody on this machine can tell.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import logging
import select
from collections.abc import Collection
from typing import Any, Final, Protocol

log = logging.getLogger("keys")

# X11 answers in 25 µs here. Where it does not (over ssh, or a server that gets no processor), the
# window must not wait for it: longer at a release, of which there are few, than at each look.
LOOK_PATIENCE_S: Final = 0.005
RELEASE_PATIENCE_S: Final = 0.03
_REPLY_BYTES: Final = 40
_HEAD_BYTES: Final = 8
_GET_STATE_COMBINED: Final = 0  # kCGEventSourceStateCombinedSessionState
_MAP_SCAN_TO_VIRTUAL: Final = 3  # MAPVK_VSC_TO_VK_EX: left and right keys apart


class KeyState(Protocol):
    """Asks the system which keys are down."""

    def down(self, codes: Collection[int], patience_s: float) -> frozenset[int] | None:
        """Those of `codes` (as `ui.key_names.Places.code`) that are down; None: no answer within
        `patience_s` seconds."""

    def close(self) -> None:
        """Let go of the system; idempotent."""


class NoKeyState:
    """A system that cannot be asked."""

    def down(self, codes: Collection[int], patience_s: float) -> frozenset[int] | None:
        return None

    def close(self) -> None:
        return


class _Cookie(ctypes.Structure):
    _fields_ = (("sequence", ctypes.c_uint),)


class X11KeyState:
    """The X server's key map, in one round trip."""

    def __init__(self, display: str | None = None) -> None:
        """Raises `OSError` when the library or the server is not there."""
        xcb = ctypes.CDLL("libxcb.so.1")
        for name, result, arguments in (
            ("xcb_connect", ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_void_p]),
            ("xcb_connection_has_error", ctypes.c_int, [ctypes.c_void_p]),
            ("xcb_disconnect", None, [ctypes.c_void_p]),
            ("xcb_flush", ctypes.c_int, [ctypes.c_void_p]),
            ("xcb_get_file_descriptor", ctypes.c_int, [ctypes.c_void_p]),
            ("xcb_query_keymap", _Cookie, [ctypes.c_void_p]),
            ("xcb_discard_reply", None, [ctypes.c_void_p, ctypes.c_uint]),
            (
                "xcb_poll_for_reply",
                ctypes.c_int,
                [ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p],
            ),
        ):
            function = getattr(xcb, name)
            function.restype, function.argtypes = result, arguments
        self._xcb = xcb
        self._free = ctypes.CDLL(None).free
        self._free.argtypes = [ctypes.c_void_p]
        self._connection: int | None = xcb.xcb_connect(display.encode() if display else None, None)
        if xcb.xcb_connection_has_error(self._connection):
            self.close()
            raise OSError("no connection to the X server")

    def down(self, codes: Collection[int], patience_s: float) -> frozenset[int] | None:
        keys = self._ask(patience_s)
        if keys is None:
            return None
        return frozenset(code for code in codes if code < 256 and keys[code // 8] >> code % 8 & 1)

    def _ask(self, patience_s: float) -> bytes | None:
        xcb, connection = self._xcb, self._connection
        if connection is None or xcb.xcb_connection_has_error(connection):
            return None
        cookie = xcb.xcb_query_keymap(connection)
        xcb.xcb_flush(connection)
        reply, error = ctypes.c_void_p(), ctypes.c_void_p()
        waiting = [xcb.xcb_get_file_descriptor(connection)]
        while not xcb.xcb_poll_for_reply(
            connection, cookie.sequence, ctypes.byref(reply), ctypes.byref(error)
        ):
            if not select.select(waiting, [], [], patience_s)[0]:
                xcb.xcb_discard_reply(connection, cookie.sequence)
                return None
        self._free(error)
        if not reply.value:
            return None
        keys = ctypes.string_at(reply.value, _REPLY_BYTES)[_HEAD_BYTES:]
        self._free(reply)
        return keys

    def close(self) -> None:
        if self._connection is not None:
            self._xcb.xcb_disconnect(self._connection)
            self._connection = None


class WindowsKeyState:
    """The asynchronous key state of Windows; nothing is down while another desktop is in front."""

    def __init__(self, user32: Any = None) -> None:
        """Raises `OSError` elsewhere."""
        self._user32 = user32 or _library("user32")

    def down(self, codes: Collection[int], patience_s: float) -> frozenset[int] | None:
        found = set()
        for code in codes:
            # Qt marks an extended key by bit 8, Windows by 0xE0 in the upper byte.
            scan = (0xE000 | code & 0xFF) if code & 0x100 else code
            virtual = self._user32.MapVirtualKeyW(scan, _MAP_SCAN_TO_VIRTUAL)
            if self._user32.GetAsyncKeyState(virtual) & 0x8000:
                found.add(code)
        return frozenset(found)

    def close(self) -> None:
        return


class MacKeyState:
    """The window server's key state."""

    def __init__(self, graphics: Any = None) -> None:
        """Raises `OSError` elsewhere."""
        self._graphics = graphics or _library("ApplicationServices")
        self._graphics.CGEventSourceKeyState.restype = ctypes.c_bool

    def down(self, codes: Collection[int], patience_s: float) -> frozenset[int] | None:
        asked = self._graphics.CGEventSourceKeyState
        return frozenset(
            code
            for code in codes
            if asked(ctypes.c_int32(_GET_STATE_COMBINED), ctypes.c_uint16(code))
        )

    def close(self) -> None:
        return


def _library(name: str) -> Any:
    found = ctypes.util.find_library(name)
    if found is None:
        raise OSError(f"there is no {name} here")
    return ctypes.CDLL(found)


def key_state(platform: str) -> KeyState:
    """The way to ask this window system; `platform` is Qt's name of it."""
    makers: dict[str, type[X11KeyState | WindowsKeyState | MacKeyState]] = {
        "xcb": X11KeyState,
        "windows": WindowsKeyState,
        "direct2d": WindowsKeyState,
        "cocoa": MacKeyState,
    }
    maker = makers.get(platform)
    if maker is None:
        return NoKeyState()
    try:
        return maker()
    except (OSError, AttributeError) as error:
        log.info("the key state cannot be asked: %s", error)
        return NoKeyState()
