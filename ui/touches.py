"""Whether anybody uses this console: every key, click, wheel or movement over its windows.

One event filter on the application; it takes nothing away from anybody. A gamepad reports to the
link by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from transport import clock

_TOUCHES: Final = frozenset(
    {
        QEvent.Type.KeyPress,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseMove,
        QEvent.Type.Wheel,
        QEvent.Type.TouchBegin,
    }
)


class Touches(QObject):
    """Calls `on_touch` with the time of each event that somebody's hand has made."""

    def __init__(self, parent: QObject, on_touch: Callable[[int], None]) -> None:
        super().__init__(parent)
        self._on_touch = on_touch
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self._app = app
        app.installEventFilter(self)

    def close(self) -> None:
        """Look no more; idempotent."""
        self._app.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _TOUCHES:
            self._on_touch(clock.now_ns())
        return False
