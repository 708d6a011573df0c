"""The rail at the left edge: one button for each page, with a count where something waits there."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from ui import icons
from ui.chips import draw_ring
from ui.pages import HINTS, ICONS, Page, RailMark
from ui.theme import CAPTION, Theme, font, text_width

WIDTH, COMPACT_WIDTH = 64, 56
BUTTON_H = 56
BADGE = 16


class RailButton(QAbstractButton):
    """Icon, name, and how many wait."""

    def __init__(self, theme: Theme, page: Page) -> None:
        super().__init__()
        self._theme = theme
        self.page = page
        self._mark = RailMark(page)
        self.setCheckable(True)
        self.setFixedHeight(BUTTON_H)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(page.value)
        self.setToolTip(HINTS[page])
        self.setStatusTip(HINTS[page])

    def show_mark(self, mark: RailMark) -> None:
        """Take a new count."""
        if mark != self._mark:
            self._mark = mark
            count = f", {mark.count}" if mark.count else ""
            self.setAccessibleName(f"{self.page.value}{count}")
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, BUTTON_H)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(4, 2, -4, -2)
        if self.isChecked() or self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("hover" if self.isChecked() else "ctl"))
            painter.drawRoundedRect(box, 4, 4)
        if self.isChecked():
            painter.fillRect(QRectF(0, box.top(), 3, box.height()), theme.color("text"))
        ink = theme.color("text" if self.isChecked() else "text2")
        mid = self.width() / 2
        icons.draw(painter, ICONS[self.page], mid - 10, 10, 20, ink)
        weight = 600 if self.isChecked() else 400
        painter.setFont(font(CAPTION, weight))
        painter.setPen(ink)
        name_w = text_width(self.page.value, CAPTION, weight)
        painter.drawText(QPointF(mid - name_w / 2, 46), self.page.value)
        if self._mark.count:
            self._draw_badge(painter, mid)
        if self.hasFocus():
            draw_ring(painter, QRectF(self.rect()), theme.color("blue"))

    def _draw_badge(self, painter: QPainter, mid: float) -> None:
        theme, text = self._theme, str(min(self._mark.count, 99))
        width = max(BADGE, text_width(text, CAPTION, 600) + 8)
        badge = QRectF(mid + 4, 4, width, BADGE)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("amber_fill" if self._mark.urgent else "edge"))
        painter.drawRoundedRect(badge, BADGE / 2, BADGE / 2)
        painter.setPen(theme.color("on_amber" if self._mark.urgent else "win"))
        painter.setFont(font(CAPTION, 600))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)


class Rail(QWidget):
    """All pages; exactly one is checked."""

    chosen = Signal(Page)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setAccessibleName("Pages")
        self.setFixedWidth(WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(0)
        self.buttons = {page: RailButton(theme, page) for page in Page}
        for page, button in self.buttons.items():
            column.addWidget(button)
            button.hide()
            button.clicked.connect(lambda _on=False, which=page: self.chosen.emit(which))
        column.addStretch(1)

    def arrange(self, compact: bool) -> None:
        """The width for this size of window."""
        self.setFixedWidth(COMPACT_WIDTH if compact else WIDTH)

    def offer(self, pages: Iterable[Page]) -> None:
        """The pages that this window has."""
        offered = set(pages)
        for page, button in self.buttons.items():
            button.setVisible(page in offered)

    def show_page(self, page: Page) -> None:
        """Which one is shown."""
        for each, button in self.buttons.items():
            button.setChecked(each is page)

    def show_marks(self, marks: Iterable[RailMark]) -> None:
        """What waits on which page."""
        for mark in marks:
            if mark.page in self.buttons:
                self.buttons[mark.page].show_mark(mark)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("win"))
        painter.setPen(self._theme.color("line"))
        painter.drawLine(self.width() - 1, 0, self.width() - 1, self.height())
