"""Two small windows that do not block anything: all keys, and what this program is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QGridLayout, QVBoxLayout, QWidget

from ui.chips import draw_key_cap, key_cap_width
from ui.panels import label
from ui.theme import SUBJECT, Theme

ALL_KEYS = (
    ("Space", "STOP, whatever has the focus"),
    ("W A S D", "drive; the arrow keys do the same"),
    ("Shift", "turbo while held"),
    ("Ctrl", "precise while held"),
    ("Esc", "motion to zero until keys are pressed again"),
    ("Enter", "accept the call; hand back while you drive"),
    ("F2", "request or release the lease"),
    ("F5", "arm the motors"),
    ("M", "marker"),
    ("Y", "outcome success"),
    ("⌫", "outcome failure"),
    ("1", "first camera in the main view"),
    ("2", "second camera in the main view"),
    ("F3", "why the robot does not move"),
    ("F11", "full screen"),
    ("F1", "this list"),
)


class _Cap(QWidget):
    def __init__(self, theme: Theme, key: str) -> None:
        super().__init__()
        self._theme, self._key = theme, key
        self.setFixedSize(key_cap_width(key), 20)
        self.setAccessibleName(key)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_key_cap(painter, self._key, 0, 10, self._theme.color("text"))


class KeysDialog(QDialog):
    """All keys. Not modal, so STOP and the rest stay within reach."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keys")
        # It is read while driving: it must not take the keyboard away.
        self.setWindowFlags(Qt.WindowType.Tool | Qt.WindowType.WindowDoesNotAcceptFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(24, 20, 24, 24)
        outer.setSpacing(16)
        outer.addWidget(label("Keys", SUBJECT, 600))
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        for number, (key, what) in enumerate(ALL_KEYS):
            grid.addWidget(_Cap(theme, key), number, 0, Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(label(what, role="label"), number, 1)
        outer.addLayout(grid)


class AboutSheet(QDialog):
    """What this program is, and what STOP is not."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("About Unstick")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(24, 20, 24, 24)
        outer.setSpacing(8)
        outer.addWidget(label("Unstick", SUBJECT, 600))
        for text in (
            "Drive a robot that needs help, from anywhere. Every rescue becomes a demonstration "
            "that is proved by replay to solve its task.",
            "STOP is software supervision, not a certified emergency stop.",
            "Apache-2.0. Typeface: Inter, SIL Open Font License 1.1.",
        ):
            line = label(text, role="label")
            line.setWordWrap(True)
            line.setMinimumWidth(380)
            outer.addWidget(line)
