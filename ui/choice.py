"""A few words of which one is in force: cameras, speeds."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.chips import RADIUS, draw_box, draw_ring
from ui.theme import BODY, Theme, font, pixels, scaled, text_width

HEIGHT = 32


class Choice(QWidget):
    """Click a word, or reach it with Tab and then Up and Down."""

    chosen = Signal(int)

    def __init__(self, theme: Theme, name: str, words: tuple[str, ...], on: int = 0) -> None:
        super().__init__()
        self._theme = theme
        self._name = name
        self._words = words
        self._on = on
        self.setFixedHeight(pixels(HEIGHT))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._tell()

    @property
    def on(self) -> int:
        """Which is in force."""
        return self._on

    def offer(self, words: tuple[str, ...], on: int = 0) -> None:
        """Other words from now on."""
        if words != self._words or on != self._on:
            self._words, self._on = words, on
            self.updateGeometry()
            self._tell()
            self.update()

    def choose(self, which: int) -> None:
        """Put one in force, and say so."""
        if 0 <= which < len(self._words) and which != self._on:
            self._on = which
            self._tell()
            self.update()
            self.chosen.emit(which)

    def _tell(self) -> None:
        word = self._words[self._on] if self._words else "none"
        self.setAccessibleName(f"{self._name}: {word}")

    def _edges(self) -> list[int]:
        edges = [0]
        for word in self._words:
            edges.append(edges[-1] + pixels(20) + text_width(word, BODY, 600))
        return edges

    def sizeHint(self) -> QSize:
        return QSize(self._edges()[-1], pixels(HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        for number, edge in enumerate(self._edges()[1:]):
            if x < edge:
                self.choose(number)
                return

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Up:
            self.choose(self._on - 1)
        elif event.key() == Qt.Key.Key_Down:
            self.choose(self._on + 1)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, rect, edges = self._theme, QRectF(self.rect()), self._edges()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_box(painter, rect, theme.color("ctl"), theme.color("edge"))
        for number, word in enumerate(self._words):
            x, wide = edges[number], edges[number + 1] - edges[number]
            on = number == self._on
            if on:
                part = QRectF(x, 0, wide, rect.height()).adjusted(0.5, 0.5, -0.5, -0.5)
                painter.setPen(QPen(theme.color("text"), 1))
                painter.setBrush(theme.color("hover"))
                painter.drawRoundedRect(part, RADIUS, RADIUS)
            painter.setFont(font(BODY, 600 if on else 400))
            painter.setPen(theme.color("text" if on else "text2"))
            painter.drawText(QPointF(x + scaled(10), rect.center().y() + scaled(4.5)), word)
        if self.hasFocus():
            draw_ring(painter, rect, theme.color("blue"))
