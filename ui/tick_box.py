"""A box with words beside it that is ticked or not."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from ui import icons
from ui.chips import draw_box, draw_ring
from ui.theme import BODY, Theme, font, pixels, scaled, text_width

HEIGHT = 28
BOX = 18


class TickBox(QAbstractButton):
    """Clicked anywhere, or reached by Tab and pressed with Enter: Space is STOP."""

    def __init__(self, theme: Theme, text: str, on: bool = False) -> None:
        super().__init__()
        self._theme = theme
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setChecked(on)
        self.setFixedHeight(pixels(HEIGHT))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def sizeHint(self) -> QSize:
        return QSize(pixels(BOX + 16) + text_width(self.text()), pixels(HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, mid = self._theme, self.height() / 2
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        on = self.isEnabled()
        fill = theme.color("hover" if self.underMouse() and on else "ctl")
        box = QRectF(scaled(2), mid - scaled(BOX / 2), scaled(BOX), scaled(BOX))
        draw_box(painter, box, fill, theme.color("edge" if on else "line"))
        ink = theme.color("text" if on else "text3")
        if self.isChecked():
            icons.draw(painter, "tick", box.x() + scaled(2), box.y() + scaled(2), pixels(14), ink)
        painter.setPen(ink)
        painter.setFont(font(BODY))
        painter.drawText(QPointF(scaled(BOX + 10), mid + scaled(4.5)), self.text())
        if self.hasFocus():
            draw_ring(painter, QRectF(self.rect()), theme.color("blue"))
