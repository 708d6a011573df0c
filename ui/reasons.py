"""The reasons pop-up: ten fixed rows below the readiness chip, and what was refused so far.

Not modal, takes no focus. The rows never move; what was refused stands below them.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QWidget

from ui import icons
from ui.buttons import KeyButton
from ui.screen import Act, Look, Reasons
from ui.theme import BODY, CAPTION, TITLE, Theme, font, text_width

WIDTH = 560
HEAD = 60
ROW = 36
FOOT = 52
TALLY_HEAD = 34
TALLY = 22
ICONS = {
    Look.QUIET: "ready",
    Look.DIM: "dashed",
    Look.LIMITED: "triangle",
    Look.HOLD: "bars",
    Look.LATCHED: "octagon",
    Look.YOURS: "ready",
    Look.FAILED: "fault",
}


class ReasonsPopup(QFrame):
    """A child of the window, so that it never covers STOP, takes the focus or leaves the screen."""

    acted = Signal(Act)
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._reasons: Reasons | None = None
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Reasons")
        self._button = KeyButton(theme, "")
        self.close_button = KeyButton(theme, "Close", "F3")
        for button in (self._button, self.close_button):
            button.setParent(self)
        self._button.clicked.connect(self._act)
        self.close_button.clicked.connect(self.closed.emit)
        self.setFixedSize(WIDTH, HEAD + 10 * ROW + FOOT)
        self.hide()

    def _tallies_high(self) -> int:
        lines = len(self._reasons.refused) if self._reasons is not None else 0
        return TALLY_HEAD + TALLY * ((lines + 1) // 2) if lines else 0

    def show_reasons(self, reasons: Reasons) -> None:
        """Take new values."""
        if reasons == self._reasons:
            return
        self._reasons = reasons
        told = [f"{row.name}: {row.value}" for row in reasons.rows]
        told += [f"refused: {tally.count} {tally.why}" for tally in reasons.refused]
        self.setAccessibleDescription("; ".join(told))
        self.setFixedHeight(HEAD + 10 * ROW + self._tallies_high() + FOOT)
        self._button.say(reasons.button)
        self._button.setVisible(bool(reasons.button))
        top = self.height() - FOOT + 10
        size = self.close_button.sizeHint()
        self.close_button.setGeometry(WIDTH - 12 - size.width(), top, size.width(), 32)
        size = self._button.sizeHint()
        self._button.setGeometry(self.close_button.x() - 8 - size.width(), top, size.width(), 32)
        self.update()

    def _act(self) -> None:
        if self._reasons is not None and self._reasons.act is not None:
            self.acted.emit(self._reasons.act)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, reasons = self._theme, self._reasons
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.setPen(theme.color("edge"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        if reasons is None:
            return
        painter.setPen(theme.color("text"))
        painter.setFont(font(TITLE, 600))
        painter.drawText(QPointF(16, 27), reasons.title)
        painter.setPen(theme.color("text2"))
        painter.setFont(font(BODY))
        painter.drawText(QPointF(16, 47), reasons.reported)
        for number, row in enumerate(reasons.rows):
            box = QRectF(1, HEAD + number * ROW, WIDTH - 2, ROW)
            fill = theme.fill(row.look)
            ink = theme.ink(row.look)
            if fill is not None:
                painter.fillRect(box, fill)
            mid = box.center().y()
            plain = row.look in (Look.QUIET, Look.DIM)
            icons.draw(
                painter, ICONS[row.look], 16, mid - 10, 20, theme.color("text2") if plain else ink
            )
            painter.setFont(font(BODY, 400 if plain else 600))
            painter.setPen(
                theme.color("text2") if plain else ink if fill is not None else theme.color("text")
            )
            painter.drawText(QPointF(48, mid + 4.5), row.name)
            painter.setPen(theme.color("text3") if row.look is Look.DIM else ink)
            painter.setFont(font(BODY, 400 if plain else 600))
            note_w = text_width(row.note, CAPTION) if row.note else 0
            room = WIDTH - 152 - note_w - 32
            fitted = QFontMetrics(painter.font()).elidedText(
                row.value, Qt.TextElideMode.ElideRight, room
            )
            painter.drawText(QPointF(152, mid + 4.5), fitted)
            painter.setFont(font(CAPTION))
            painter.setPen(ink if fill is not None else theme.color("text2"))
            painter.drawText(QPointF(WIDTH - 16 - note_w, mid + 4), row.note)
        if reasons.refused:
            self._draw_tallies(painter, reasons)
        foot = self.height() - FOOT
        painter.setPen(theme.color("line"))
        painter.drawLine(1, foot, WIDTH - 2, foot)
        painter.setFont(font(BODY))
        painter.setPen(theme.color("text2"))
        painter.drawText(QPointF(16, foot + 30), reasons.foot)

    def _draw_tallies(self, painter: QPainter, reasons: Reasons) -> None:
        """Two columns: how many commands were refused, and why."""
        theme = self._theme
        top = HEAD + 10 * ROW
        painter.setPen(theme.color("line"))
        painter.drawLine(1, top, WIDTH - 2, top)
        painter.setPen(theme.color("text2"))
        painter.setFont(font(CAPTION))
        painter.drawText(QPointF(16, top + 20), "Commands refused since the robot started")
        for number, tally in enumerate(reasons.refused):
            x = 16 + (number % 2) * (WIDTH // 2)
            y = top + TALLY_HEAD + (number // 2) * TALLY + 11
            count = f"{tally.count}"
            painter.setFont(font(BODY, 600))
            painter.setPen(theme.color("text"))
            painter.drawText(QPointF(x, y), count)
            painter.setFont(font(BODY))
            painter.setPen(theme.color("text2"))
            after = x + max(32, text_width(count, BODY, 600) + 8)
            fitted = QFontMetrics(painter.font()).elidedText(
                tally.why,
                Qt.TextElideMode.ElideRight,
                int(16 + WIDTH // 2 - 24 + (number % 2) * (WIDTH // 2) - after),
            )
            painter.drawText(QPointF(after, y), fitted)
