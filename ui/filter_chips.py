"""What a list is narrowed to: a chip for each way, those in force first and removable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QMenu, QWidget

from ui import icons
from ui.chips import draw_box, draw_ring
from ui.review_state import FILTERS, choice
from ui.theme import BODY, CAPTION, Theme, font, pixels, scaled, text_width

HEIGHT: Final = 24
GAP: Final = 6
CROSS: Final = 22  # px at the right of a chip that is in force
WIDEST: Final = 220  # of a long task


class FilterChip(QAbstractButton):
    """One way to narrow; a click offers what there is, the cross or Delete takes it back."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, field: str) -> None:
        super().__init__()
        self._theme = theme
        self._field = field
        self.value = ""
        self.offered: Sequence[str] = ("",)
        self._menu = QMenu(self)
        self._menu.setFont(font(BODY))
        self.setFixedHeight(pixels(HEIGHT))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(self._offer)
        self.show_value("")

    def show_value(self, value: str) -> None:
        """What is in force; empty: nothing."""
        self.value = value
        said, name = choice(self._field, value), FILTERS[self._field]
        self.setText(said)
        self.setAccessibleName(f"{name}: {said}" if value else said)
        self.setToolTip(f"{name}: {said}. Delete takes it back" if value else f"Narrow by {name}")
        self.setFixedWidth(self.sizeHint().width())
        self.update()

    def sizeHint(self) -> QSize:
        wide = text_width(self.text(), CAPTION, 600 if self.value else 400) + 18
        cross = pixels(CROSS) - 6 if self.value else 0
        return QSize(min(wide + cross, pixels(WIDEST)), pixels(HEIGHT))

    def _offer(self) -> None:
        self._menu.clear()
        for value in self.offered:
            entry = self._menu.addAction(choice(self._field, value).replace("&", "&&"))
            entry.setCheckable(True)
            entry.setChecked(value == self.value)
            entry.triggered.connect(partial(lambda which, *_: self.chosen.emit(which), value))
        self._menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.value and event.position().x() >= self.width() - pixels(CROSS):
            self.chosen.emit("")
        else:
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and self.value:
            self.chosen.emit("")
        elif event.key() != Qt.Key.Key_Space:  # that is STOP
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, rect, on = self._theme, QRectF(self.rect()), bool(self.value)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill = theme.color("hover" if self.underMouse() else "ctl" if on else "panel")
        draw_box(painter, rect, fill, theme.color("text" if on else "edge"))
        painter.setFont(font(CAPTION, 600 if on else 400))
        painter.setPen(theme.color("text" if on else "text2"))
        room = self.width() - 16 - (pixels(CROSS) - 8 if on else 0)
        fitted = QFontMetrics(painter.font()).elidedText(
            self.text(), Qt.TextElideMode.ElideRight, room
        )
        painter.drawText(QPointF(9, rect.center().y() + scaled(4)), fitted)
        if on:
            x, size = self.width() - scaled(CROSS - 3), pixels(12)
            icons.draw(painter, "cross", x, scaled(6), size, theme.color("text"))
        if self.hasFocus():
            draw_ring(painter, rect, theme.color("blue"))


class FilterChips(QWidget):
    """All of them, in as many lines as they need."""

    narrowed = Signal(str, str)  # which way, to what

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.chips = {field: FilterChip(theme, field) for field in FILTERS}
        for field, chip in self.chips.items():
            chip.setParent(self)
            chip.chosen.connect(partial(self.narrowed.emit, field))

    def offer(self, values: Mapping[str, Sequence[str]]) -> None:
        """What there is to choose from; where there is only one, its chip is left out."""
        for field, offered in values.items():
            self.chips[field].offered = ("", *offered)
        self._lay_out()

    def show_values(self, values: Mapping[str, str]) -> None:
        """What is in force."""
        for field, chip in self.chips.items():
            chip.show_value(values[field])
        self._lay_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def _lay_out(self) -> None:
        x = y = 0
        used = [chip for chip in self.chips.values() if chip.value or len(chip.offered) > 2]
        for chip in self.chips.values():
            chip.setVisible(chip in used)
        for chip in sorted(used, key=lambda chip: not chip.value):
            if x and x + chip.width() > self.width():
                x, y = 0, y + pixels(HEIGHT) + GAP
            chip.move(x, y)
            x += chip.width() + GAP
        self.setFixedHeight(y + pixels(HEIGHT))
