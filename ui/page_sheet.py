"""A sheet over the middle of a page: it asks, and blocks nothing, least of all STOP."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ui.buttons import KeyButton
from ui.chips import draw_box
from ui.panels import label
from ui.theme import BODY, SUBJECT, Theme, font, pixels, scaled

WIDTH: Final = 600
MARGIN: Final = 24
BAR_H: Final = 20


class PageSheet(QWidget):
    """Title, contents, buttons at the foot. Close puts it away, and Esc, which the page hears."""

    closed = Signal()

    def __init__(self, theme: Theme, page: QWidget, title: str) -> None:
        super().__init__(page)
        self._theme = theme
        self._page = page
        self.setAccessibleName(title)
        self.setFixedWidth(pixels(WIDTH))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(MARGIN, 16, MARGIN, MARGIN)
        whole.setSpacing(12)
        self.title = label(title, SUBJECT, 600)
        self.title.setWordWrap(True)
        whole.addWidget(self.title)
        self.inside = QVBoxLayout()
        self.inside.setSpacing(12)
        whole.addLayout(self.inside)
        self.foot = QHBoxLayout()
        self.foot.setSpacing(8)
        self.close_button = KeyButton(theme, "Close", "Esc")
        self.close_button.setFixedHeight(pixels(40))
        self.close_button.clicked.connect(self.put_away)
        self.foot.addStretch(1)
        self.foot.addWidget(self.close_button)
        whole.addSpacing(4)
        whole.addLayout(self.foot)
        page.installEventFilter(self)
        self.hide()

    def open_sheet(self) -> None:
        """Show it in the middle of the page."""
        self.show()
        self.raise_()
        self._centre()

    def put_away(self) -> None:
        """Hide it; what it has begun goes on."""
        self.hide()
        self.closed.emit()

    def row(self, name: str, *parts: QWidget, stretch: bool = False) -> QWidget:
        """A line with a caption; `stretch`: its first part takes the room."""
        line = QWidget()
        across = QHBoxLayout(line)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(8)
        caption = label(name, role="label")
        caption.setFixedWidth(pixels(72))
        across.addWidget(caption)
        for number, part in enumerate(parts):
            across.addWidget(part, int(stretch and number == 0))
        if not stretch:
            across.addStretch(1)
        self.inside.addWidget(line)
        return line

    def fit(self) -> None:
        """Its contents have changed."""
        if self.isVisible():
            self._centre()

    def _centre(self) -> None:
        page = self._page
        # Words that wrap tell their height only for a width.
        layout = self.layout()
        height = layout.totalHeightForWidth(pixels(WIDTH)) if layout is not None else 0
        self.resize(pixels(WIDTH), max(height, self.minimumSizeHint().height()))
        self.move((page.width() - self.width()) // 2, max(8, (page.height() - self.height()) // 3))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.fit()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_box(
            painter, QRectF(self.rect()), self._theme.color("panel"), self._theme.color("edge")
        )


class ProgressBar(QWidget):
    """How far something is: a bar and the words for it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._share = 0.0
        self._words = ""
        self.setFixedHeight(pixels(BAR_H + 20))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(200, pixels(BAR_H + 20))

    def show_step(self, share: float, words: str) -> None:
        """`share` of 0 to 1 is done."""
        self._share, self._words = min(max(share, 0.0), 1.0), words
        self.setAccessibleName(f"Progress: {words}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bar = QRectF(0, 0, self.width(), 8)
        draw_box(painter, bar, theme.color("ctl"), theme.color("edge"))
        if self._share > 0:
            done = QRectF(0, 0, max(8.0, bar.width() * self._share), 8)
            draw_box(painter, done, theme.color("blue_fill"), theme.color("blue_fill"))
        painter.setFont(font(BODY))
        painter.setPen(theme.color("text2"))
        painter.drawText(QPointF(0, scaled(28)), self._words)
