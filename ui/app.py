"""Starts and ends the console: application, fonts, colours, window, Ctrl-C."""

from __future__ import annotations

import ctypes
import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from teleop.profile_files import Controls
    from ui.bridge import Link, VideoFeed
    from ui.kept_choice import KeptChoice
    from ui.main_window import MainWindow

log = logging.getLogger("ui")

INTERRUPTED = 130  # what a shell expects after Ctrl-C
SIGNAL_MS = 100  # Python runs signal handlers only between byte codes: give it some
# What Qt's X11 plugin needs from the system; without one of them it aborts the whole process.
X11_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
SCREENLESS = frozenset({"offscreen", "minimal", "vnc", "eglfs", "linuxfb", "vkkhrdisplay"})


class NoWindow(Exception):
    """No window can be opened here; the message says what to do."""


def check_display(platform: str, environment: Mapping[str, str]) -> None:
    """Complain before Qt aborts the process for want of a display.

    Raises:
        NoWindow: there is none.
    """
    if not platform.startswith("linux"):
        return
    chosen = environment.get("QT_QPA_PLATFORM", "").split(":")[0].split(";")[0]
    if chosen in SCREENLESS:
        return
    if not environment.get("DISPLAY") and not environment.get("WAYLAND_DISPLAY"):
        raise NoWindow(
            "No display for the window: DISPLAY and WAYLAND_DISPLAY are not set.\n"
            "Set DISPLAY (over ssh: ssh -X), "
            "or use a virtual one: xvfb-run unstick …"
        )


def check_qt() -> None:
    """Load Qt, and name what is missing.

    Raises:
        NoWindow: PySide6 or one of the system's libraries is not installed.
    """
    try:
        for module in ("PySide6.QtCore", "PySide6.QtGui", "PySide6.QtWidgets", "PySide6.QtSvg"):
            importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise NoWindow(
            f"{error}.\nThe window needs PySide6: pip install 'unstick[console]'. "
            "Or try: unstick demo --headless"
        ) from error
    except ImportError as error:
        raise NoWindow(
            f"Qt cannot be loaded: {error}.\n"
            "On Debian or Ubuntu: sudo apt install libegl1 libgl1 libdbus-1-3 libfontconfig1 "
            f"{' '.join(X11_LIBRARIES.values())}\n"
            "Or try: unstick demo --headless"
        ) from error


def check_x11(platform: str, environment: Mapping[str, str]) -> None:
    """Name the libraries that Qt's X11 plugin would abort for.

    Raises:
        NoWindow: some are missing.
    """
    chosen = environment.get("QT_QPA_PLATFORM", "").split(":")[0].split(";")[0]
    wayland = environment.get("WAYLAND_DISPLAY") and chosen != "xcb"
    if not platform.startswith("linux") or chosen not in ("", "xcb") or wayland:
        return
    missing = [package for name, package in X11_LIBRARIES.items() if not _loads(name)]
    if missing:
        raise NoWindow(
            f"The window needs libraries that this system has not: {', '.join(missing)}.\n"
            f"On Debian or Ubuntu: sudo apt install {' '.join(missing)}\n"
            "Or try: unstick demo --headless"
        )


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _zoomed(preferences: Path) -> float:
    """Make the whole window larger, as is preferred: Qt takes a zoom only before it starts."""
    from ui import kept_preferences

    kept, _ = kept_preferences.read(preferences)
    zoom = kept.scale.zoom
    if zoom != 1.0 and "QT_SCALE_FACTOR" not in os.environ:
        os.environ["QT_SCALE_FACTOR"] = f"{zoom:g}"
    return zoom


def run_console(
    link: Link,
    video: VideoFeed,
    *,
    title: str,
    on_ready: Callable[[MainWindow], None] | None = None,
    on_closed: Callable[[MainWindow], None] | None = None,
    size: tuple[int, int] | None = None,
    controls: Controls | None = None,
    kept: KeptChoice | None = None,
    library: Path | None = None,
    preferences: Path | None = None,
) -> int:
    """Show the console until its window is closed; returns the exit code.

    `link` and `video`, or those of the robot shown last, are closed before it returns. `on_ready`
    is called with the window when it is shown, `on_closed` when it was closed. `size` in pixels is
    for a screen that nobody looks at. `controls` says which profile of keys and buttons is
    in use; the built-in one unless given. `kept` says where each camera was shown the last
    time, `library` where episodes are kept here.

    `preferences` is the folder with what the operator prefers; without one nothing is kept.

    Raises:
        NoWindow: no window can be opened here.
    """
    check_display(sys.platform, os.environ)
    check_qt()
    check_x11(sys.platform, os.environ)
    zoom = _zoomed(preferences) if preferences is not None else 1.0
    # Imported here: on a machine without a screen everything else must work without Qt.
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from ui.main_window import MainWindow
    from ui.preferences import PreferenceStore
    from ui.theme import dressed

    interrupted: list[int] = []

    def end(number: int, _frame: object) -> None:
        interrupted.append(number)

    # Before there is a window: in an override Qt would print a KeyboardInterrupt and go on.
    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    found = QApplication.instance()
    app = found if isinstance(found, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("unstick")
    app.setApplicationDisplayName("Unstick")
    app.setDesktopFileName("unstick")
    theme = dressed(app)
    store = None
    if preferences is not None:
        store = PreferenceStore(preferences, theme, zoom)
        store.use()
    window = MainWindow(
        link,
        video,
        theme,
        title=title,
        controls=controls,
        kept=kept,
        library=library,
    )

    if store is not None:
        window.use_preferences(store)

    def look() -> None:
        if interrupted:
            window.close()

    ticker = QTimer(window)
    ticker.timeout.connect(look)
    ticker.start(SIGNAL_MS)
    try:
        video.start()
        window.open_here(size)
        if on_ready is not None:
            QTimer.singleShot(0, lambda: on_ready(window))
        code = app.exec()
        if on_closed is not None:
            on_closed(window)
    finally:
        ticker.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
        window.robot.video.close()
        window.robot.link.close()
        window.deleteLater()
    if interrupted:
        return INTERRUPTED if interrupted[0] == signal.SIGINT else 128 + interrupted[0]
    return code
