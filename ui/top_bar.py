"""The top bar: robot, mode, lease, readiness, picture, recording, STOP. Its order never changes."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from ui.buttons import KeyButton, StopButton
from ui.chips import StateChip, TwoLines
from ui.history import History
from ui.screen import Act, Chip, Screen
from ui.telemetry import Sparkline
from ui.theme import Theme


class RobotFace(TwoLines):
    """Name and site of the robot, in a field of its own."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(self._theme.color("line"))
        painter.drawLine(QPointF(self.width() - 0.5, 4), QPointF(self.width() - 0.5, 36))


class TopBar(QWidget):
    """48 px high; widths never change with the text, only with the size of the window."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedHeight(48)
        self.setProperty("panel", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.robot = RobotFace(theme, "Robot", 200)
        self.mode = StateChip(theme, "Mode")
        self.lease = TwoLines(theme, "Lease", 100)
        self.lease_button = KeyButton(theme, "Request", "F2")
        self.lease_button.setFixedHeight(32)
        self.lease_act = Act.REQUEST
        self.readiness = StateChip(theme, "Readiness", opens=True)
        self.spark = Sparkline(theme, History())
        self.link = TwoLines(theme, "Picture", 140)
        self.recording = TwoLines(theme, "Recording", 110, indent=True)
        self.stop = StopButton(theme)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 8, 4)
        row.setSpacing(12)
        parts: tuple[QWidget, ...] = (
            self.robot,
            self.mode,
            self.lease,
            self.lease_button,
            self.readiness,
            self.spark,
            self.link,
            self.recording,
            self.stop,
        )
        for part in parts:
            row.addWidget(part, 1 if part is self.readiness else 0)

    def arrange(self, compact: bool) -> None:
        """The widths for this size of window."""
        self.robot.setFixedWidth(112 if compact else 200)
        self.mode.setFixedWidth(130 if compact else 172)
        self.lease.setFixedWidth(82 if compact else 104)
        self.lease_button.show_cap(not compact)
        width = 76 if compact else 108
        self.lease_button.setFixedWidth(max(width, self.lease_button.sizeHint().width()))
        self.spark.setVisible(not compact)
        self.link.setFixedWidth(136 if compact else 140)
        self.recording.setFixedWidth(106 if compact else 112)
        self.stop.narrow(compact)
        layout = self.layout()
        if layout is not None:
            layout.setSpacing(8 if compact else 12)

    def follow(self, history: History) -> None:
        """Another robot's latency from here on."""
        self.spark.follow(history)

    def show_screen(self, screen: Screen) -> None:
        """Take new values."""
        self.robot.show_chip(Chip("", screen.robot, screen.site))
        self.mode.show_chip(screen.mode)
        lease = screen.lease
        self.lease.show_chip(Chip("", lease.title, lease.detail))
        self.lease_button.say(lease.button)
        self.lease_button.setEnabled(lease.enabled)
        self.lease_act = lease.act
        self.readiness.show_chip(screen.readiness)
        if self.spark.look is not screen.latency_look:
            self.spark.look = screen.latency_look
        self.spark.limit_ms = screen.latency_limit_ms
        self.link.show_chip(screen.link)
        self.recording.show_chip(screen.recording)
        self.stop.show_chip(screen.stop)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("panel"))
        painter.setPen(self._theme.color("line"))
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)
