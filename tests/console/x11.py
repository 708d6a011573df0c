"""A real X server without a screen (Xvfb), and the hands of somebody who types into it."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HANG_S = 20.0
GRAB_ASYNC = 1
LIBRARIES = ("libX11.so.6", "libXtst.so.6")


def needed() -> str:
    """What is missing for these tests; empty: nothing."""
    if not sys.platform.startswith("linux"):
        return "X11 is tested on Linux"
    if shutil.which("Xvfb") is None:
        return "needs Xvfb: apt install xvfb"
    for library in LIBRARIES:
        try:
            ctypes.CDLL(library)
        except OSError:
            return f"needs {library}: apt install libx11-6 libxtst6"
    return ""


@contextmanager
def server() -> Iterator[str]:
    """An X server of our own; yields its display."""
    missing = needed()
    if missing:
        pytest.skip(missing)
    read_fd, write_fd = os.pipe()
    # Without -noreset a server starts anew, and refuses connections, when its last program leaves.
    options = "-screen 0 1400x900x24 -nolisten tcp -noreset"
    command = ["Xvfb", "-displayfd", str(write_fd), *options.split()]
    process = subprocess.Popen(
        command, pass_fds=[write_fd], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    os.close(write_fd)
    try:
        with os.fdopen(read_fd) as told:
            number = told.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        process.terminate()
        process.wait(HANG_S)


class Typist:
    """Presses real keys of the server and does what other programs do."""

    def __init__(self, display: str) -> None:
        x11, test = (ctypes.CDLL(library) for library in LIBRARIES)
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XOpenDisplay.argtypes = [ctypes.c_char_p]
        x11.XDefaultRootWindow.restype = ctypes.c_ulong
        x11.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
        x11.XGrabKeyboard.argtypes = [
            ctypes.c_void_p,
            ctypes.c_ulong,
            *[ctypes.c_int] * 3,
            ctypes.c_ulong,
        ]
        x11.XUngrabKeyboard.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
        x11.XUnmapWindow.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
        x11.XSync.argtypes = [ctypes.c_void_p, ctypes.c_int]
        x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
        test.XTestFakeKeyEvent.argtypes = [
            ctypes.c_void_p,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_ulong,
        ]
        x11.XkbSetAutoRepeatRate.argtypes = [ctypes.c_void_p, *[ctypes.c_uint] * 3]
        self._x11, self._test = x11, test
        self._display = x11.XOpenDisplay(display.encode())
        assert self._display, "no connection to Xvfb"

    def repeat_every(self, interval_ms: int, after_ms: int = 100) -> None:
        """How fast a held key repeats."""
        core = 0x100  # XkbUseCoreKbd
        self._x11.XkbSetAutoRepeatRate(self._display, core, after_ms, interval_ms)
        self._x11.XSync(self._display, 0)

    def press(self, code: int) -> None:
        self._key(code, 1)

    def release(self, code: int) -> None:
        self._key(code, 0)

    def _key(self, code: int, down: int) -> None:
        self._test.XTestFakeKeyEvent(self._display, code, down, 0)
        self._x11.XSync(self._display, 0)

    def lock_screen(self) -> None:
        """As screen lockers do: all keys go elsewhere, no window gets the focus."""
        root = self._x11.XDefaultRootWindow(self._display)
        grabbed = self._x11.XGrabKeyboard(self._display, root, 1, GRAB_ASYNC, GRAB_ASYNC, 0)
        assert grabbed == 0
        self._x11.XSync(self._display, 0)

    def unlock_screen(self) -> None:
        self._x11.XUngrabKeyboard(self._display, 0)
        self._x11.XSync(self._display, 0)

    def switch_workspace(self, window: int) -> None:
        """As window managers do: the window is unmapped."""
        self._x11.XUnmapWindow(self._display, window)
        self._x11.XSync(self._display, 0)

    def close(self) -> None:
        self._x11.XCloseDisplay(self._display)


class ConsoleProcess:
    """The console's window in a process of its own, and what it told the link so far."""

    def __init__(self, display: str, *options: str) -> None:
        root = Path(__file__).parents[2]
        environment = os.environ | {
            "DISPLAY": display,
            "QT_QPA_PLATFORM": "xcb",
            "PYTHONPATH": str(root),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.console.x11_window", *options],
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.strip())

    def wait(self, condition: Callable[[list[str]], object], what: str) -> None:
        deadline = time.monotonic() + HANG_S
        while not condition(self.lines):
            assert time.monotonic() < deadline, f"{what}; it said {self.lines}"
            assert self._process.poll() is None, f"the window has gone; it said {self.lines}"
            time.sleep(0.005)

    @property
    def inputs(self) -> list[str]:
        """What was asked of the robot, in order: "forward turn deadman"."""
        return [line.removeprefix("input ") for line in self.lines if line.startswith("input ")]

    @property
    def window(self) -> int:
        line = next(line for line in self.lines if line.startswith("window "))
        return int(line.removeprefix("window "))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(HANG_S)
        self._reader.join(HANG_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
