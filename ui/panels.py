"""Parts that both docks are made of: titled sections, rows of label and value."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from ui.chips import draw_key_cap, key_cap_width
from ui.theme import BODY, CAPTION, Theme, font, pixels, scaled, text_width

TITLE_H = 28


def label(text: str = "", px: int = BODY, weight: int = 400, role: str = "") -> QLabel:
    """A label in Inter."""
    made = QLabel(text)
    made.setFont(font(px, weight))
    if role:
        made.setProperty("role", role)
    return made


def paint_panel(widget: QWidget, theme: Theme) -> None:
    """Panel colour with a line at the top, for sections."""
    painter = QPainter(widget)
    painter.fillRect(widget.rect(), theme.color("panel"))


class Heading(QWidget):
    """The 28 px title of a section: name, count, note and a key at the right."""

    def __init__(self, theme: Theme, title: str, *, count: str = "", key: str = "") -> None:
        super().__init__()
        self._theme = theme
        self.title, self.count, self.note, self.key = title, count, "", key
        self.setFixedHeight(pixels(TITLE_H))
        self.setAccessibleName(title)

    def say(self, title: str, note: str = "") -> None:
        """Take a new title and note."""
        if (title, note) != (self.title, self.note):
            self.title, self.note = title, note
            self.setAccessibleName(title)
            self.update()

    def show_key(self, key: str) -> None:
        """Another key opens what the section is about; empty: none."""
        if key != self.key:
            self.key = key
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.setPen(theme.color("line"))
        painter.drawLine(0, 0, self.width(), 0)
        bottom = self.height() - 1
        painter.drawLine(0, bottom, self.width(), bottom)
        painter.setPen(theme.color("text"))
        painter.setFont(font(BODY, 600))
        painter.drawText(QPointF(12, scaled(18.5)), self.title)
        x = 12 + text_width(self.title, BODY, 600) + 8
        painter.setPen(theme.color("text3"))
        painter.setFont(font(BODY))
        painter.drawText(QPointF(x, scaled(18.5)), self.count)
        right = self.width() - 12
        if self.key:
            right -= key_cap_width(self.key)
            draw_key_cap(painter, self.key, right, scaled(14), theme.color("text2"))
            right -= 8
        painter.setPen(theme.color("text3"))
        painter.setFont(font(CAPTION))
        painter.drawText(QPointF(right - text_width(self.note, CAPTION), scaled(18)), self.note)


class Rows(QWidget):
    """Label at the left, value at the right; the labels are made once and reused."""

    def __init__(self, spacing: int = 4) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(spacing)
        self._grid.setHorizontalSpacing(8)
        self._grid.setColumnStretch(1, 1)
        self._cells: list[tuple[QLabel, QLabel]] = []

    def show_rows(self, rows: tuple[tuple[str, str], ...]) -> None:
        """Take new values."""
        while len(self._cells) < len(rows):
            name, value = label(role="label"), label(weight=500)
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
            value.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
            value.setWordWrap(True)  # after the policy, which would forget that its height follows
            number = len(self._cells)
            self._grid.addWidget(name, number, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(value, number, 1)
            self._cells.append((name, value))
        for number, (name, value) in enumerate(self._cells):
            used = number < len(rows)
            name.setVisible(used)
            value.setVisible(used)
            if used:
                set_text(name, rows[number][0])
                set_text(value, rows[number][1])


def set_text(widget: QLabel, text: str) -> None:
    """Change a label only when its text differs: a change costs a layout."""
    if widget.text() != text:
        widget.setText(text)


def column(parent: QWidget, margins: tuple[int, int, int, int], spacing: int) -> QVBoxLayout:
    """A vertical layout."""
    made = QVBoxLayout(parent)
    made.setContentsMargins(*margins)
    made.setSpacing(spacing)
    return made
