"""The scripted operator at the real window: looks at what is shown, presses real keys.

It sees the reported state and the painted picture, and acts through the window system's key events,
the path of a person's keyboard. What it does next is decided by the scenario's script.
"""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtTest import QTest

from teleop.rescue_script import SETTLE_NS, Hands, Seen
from teleop.scenarios import Script
from transport import clock
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import HoldReason
from ui.main_window import MainWindow

log = logging.getLogger("scripted")

LOOK_MS = 20
SHOWN_NS = 800 * NS_PER_MS  # a state is on the screen before it is photographed
VERDICT_LIMIT_NS = 60 * NS_PER_S

KEYS = {
    **{key: Qt.Key[f"Key_{key}"] for key in "WASDQERFGT"},
    "F2": Qt.Key.Key_F2,
    "F5": Qt.Key.Key_F5,
    "Ctrl": Qt.Key.Key_Control,
    "Shift": Qt.Key.Key_Shift,
    "Return": Qt.Key.Key_Return,
    "Y": Qt.Key.Key_Y,
    "Backspace": Qt.Key.Key_Backspace,
}


class ScriptedOperator(QObject):
    """Serves one call at `window`, waits for the verdict, and closes the window."""

    def __init__(self, window: MainWindow, script: Script, screenshots: Path | None) -> None:
        super().__init__(window)
        self._window = window
        self._screenshots = screenshots
        self._operator = script
        self._hands_off_ns = -SETTLE_NS  # when the robot last asked for that
        self._held: frozenset[str] = frozenset()
        self._shot: set[str] = set()
        self._call_ns: int | None = None
        self._done_ns: int | None = None
        self._verdict_ns: int | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        """Sit down at the window."""
        self._window.activateWindow()
        self._timer.start(LOOK_MS)

    def _look(self) -> None:
        now_ns = clock.now_ns()
        view = self._window.view
        if view is None:
            return
        feed = self._window.main_video.feed
        picture = feed.picture
        age_ms = feed.view(view.clock_offset_ns, now_ns).age_ms
        brightness = 0.0 if picture is None else float(picture.bgra[::4, ::4, :3].mean())
        if self._wait_for_call_shown(
            view.state is not None and view.state.call is not None, now_ns
        ):
            return
        rgb = None if picture is None else picture.bgra[..., 2::-1]
        hold = None if view.state is None else view.state.hold
        if hold is not None and hold.reason is HoldReason.NOT_NEUTRAL:
            self._hands_off_ns = now_ns
        if now_ns - self._hands_off_ns < SETTLE_NS:  # as the robot asks of any operator
            hands = Hands()
        else:
            seen = Seen(view.state, view.yours, age_ms, brightness, view.self_test.passed, rgb)
            self._operator, hands = self._operator.act(seen, now_ns)
        for key in self._held - hands.held:
            QTest.keyRelease(self._window.windowHandle(), KEYS[key])
        for key in hands.held - self._held:
            QTest.keyPress(self._window.windowHandle(), KEYS[key])
        self._held = hands.held
        if hands.tap:
            QTest.keyClick(self._window.windowHandle(), KEYS[hands.tap])
        driving_ns = self._operator.driving_since_ns
        if driving_ns is not None and view.deadman:
            self._photograph("2-drive", now_ns - driving_ns >= SHOWN_NS)
        if self._operator.done:
            self._wait_for_verdict(now_ns)

    def _wait_for_call_shown(self, calls: bool, now_ns: int) -> bool:
        """True while the call has not been on the screen long enough to be photographed."""
        if not calls or not self._operator.waiting:
            return False
        if self._call_ns is None:
            self._call_ns = now_ns
        shown = now_ns - self._call_ns >= SHOWN_NS
        self._photograph("1-call", shown)
        return not shown

    def _wait_for_verdict(self, now_ns: int) -> None:
        view = self._window.view
        assert view is not None
        if self._done_ns is None:
            self._done_ns = now_ns
        media = view.media
        if media is not None and media.verdict is not None and self._verdict_ns is None:
            self._verdict_ns = now_ns
        if self._verdict_ns is not None and now_ns - self._verdict_ns >= SHOWN_NS:
            self._photograph("3-verdict", True)
            self._leave()
        elif now_ns - self._done_ns > VERDICT_LIMIT_NS:
            log.error("no verdict came")
            self._leave()

    def _photograph(self, name: str, now: bool) -> None:
        if self._screenshots is None or not now or name in self._shot:
            return
        self._shot.add(name)
        path = self._screenshots / f"{name}.png"
        if not self._window.grab().save(str(path)):
            log.error("cannot write %s", path)

    def _leave(self) -> None:
        self._timer.stop()
        self._window.close()
