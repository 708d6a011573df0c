"""The verdict in plain words, above the pictures."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from ui.chips import VerdictChip
from ui.hud import wrapped
from ui.review_state import Headline
from ui.theme import BODY, TITLE, Theme, font, pixels, scaled

HEIGHT = 60


class HeadlineBar(QWidget):
    """Chip, one bold sentence, one more line; the tooltip has all of it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.chip = VerdictChip(theme)
        self.text = _Sentences(theme)
        self.setFixedHeight(pixels(HEIGHT))
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(12)
        box.addWidget(self.chip)
        box.addWidget(self.text, 1)

    def show_headline(self, shown: Headline) -> None:
        """Take a new value."""
        self.chip.show_chip(shown.chip)
        self.text.say(shown.title, shown.detail)

    def clear(self, title: str) -> None:
        """No verdict; a sentence instead."""
        self.chip.show_chip(None)
        self.chip.hide()
        self.text.say(title, "")


class _Sentences(QWidget):
    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.title, self.detail = "", ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def say(self, title: str, detail: str) -> None:
        self.title, self.detail = title, detail
        self.setAccessibleName(f"{title} {detail}".strip())
        self.setToolTip(f"{title}\n{detail}".strip())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, pixels(HEIGHT))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), self._theme
        # A long sentence takes the next line as well, before anything of it is cut.
        bold = wrapped(self.title, TITLE, 600, self.width())[:2]
        rest = wrapped(self.detail, BODY, 400, self.width()) if self.detail else []
        if len(rest) > 3 - len(bold):  # what is left of it goes into the last line and is elided
            kept = max(0, 2 - len(bold))
            rest = [*rest[:kept], self.detail[len(" ".join(rest[:kept])) :].strip()]
        lines = [(line, TITLE, 600, "text") for line in bold]
        lines += [(line, BODY, 400, "text2") for line in rest]
        y = self.height() / 2 + scaled((5, -5, -14)[min(len(lines), 3) - 1])
        for text, px, weight, role in lines:
            painter.setFont(font(px, weight))
            painter.setPen(theme.color(role))
            fitted = QFontMetrics(painter.font()).elidedText(
                text, Qt.TextElideMode.ElideRight, self.width()
            )
            painter.drawText(QPointF(0, y), fitted)
            y += scaled(20)
