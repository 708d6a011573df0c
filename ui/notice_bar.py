"""The notice over the top of the picture: a sentence, what it means, and its buttons.

A child of the window that takes no focus by itself and covers neither STOP nor the ground ahead.
Tab reaches its buttons; Enter presses the one that has the ring.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QWidget

from ui import icons
from ui.buttons import KeyButton
from ui.chips import draw_box
from ui.screen import Act, Look, Notice
from ui.theme import BODY, TITLE, Theme, font, text_width

MOST_BUTTONS = 2
PAD, ICON, GAP = 12, 24, 8
LINE = {TITLE: 20, BODY: 18}


class NoticeBar(QFrame):
    """Shown while there is a notice; as wide as it needs, at most what it is given."""

    acted = Signal(Act)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._notice: Notice | None = None
        self._room = 720
        self._lines: list[tuple[str, int]] = []
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Notice")
        self.buttons = [KeyButton(theme, "") for _ in range(MOST_BUTTONS)]
        for number, button in enumerate(self.buttons):
            button.setParent(self)
            button.clicked.connect(lambda _checked=False, which=number: self._act(which))
        self.hide()

    def show_notice(self, notice: Notice | None) -> None:
        """Take a new value; None hides it."""
        if notice == self._notice:
            return
        self._notice = notice
        if notice is None:
            self.hide()
            return
        self.setAccessibleName(notice.title)
        self.setAccessibleDescription(notice.detail)
        for number, button in enumerate(self.buttons):
            there = number < len(notice.buttons)
            button.setVisible(there)
            if there:
                button.say(notice.buttons[number][0])
        self._arrange()
        self.show()
        self.raise_()
        self.update()

    def place(self, left: int, top: int, room: int) -> None:
        """Centre it in `room` px from `left` on."""
        if room != self._room:
            self._room = room
            self._arrange()
        self.move(left + (room - self.width()) // 2, top)

    def _arrange(self) -> None:
        notice = self._notice
        if notice is None:
            return
        sizes = [button.sizeHint() for button in self.buttons[: len(notice.buttons)]]
        beside = sum(size.width() + GAP for size in sizes)
        room = self._room - PAD - ICON - PAD - beside - PAD
        self._lines = [(line, TITLE) for line in _wrapped(notice.title, TITLE, 600, room)]
        self._lines += [(line, BODY) for line in _wrapped(notice.detail, BODY, 400, room)]
        wide = max(text_width(text, px, 600 if px == TITLE else 400) for text, px in self._lines)
        high = max(32, sum(LINE[px] for _, px in self._lines))
        self.setFixedSize(PAD + ICON + PAD + wide + PAD + beside, high + 2 * PAD)
        x = self.width() - PAD - beside + GAP
        for button, size in zip(self.buttons, sizes, strict=False):
            button.setGeometry(x, (self.height() - 32) // 2, size.width(), 32)
            x += size.width() + GAP

    def _act(self, which: int) -> None:
        if self._notice is not None and which < len(self._notice.buttons):
            self.acted.emit(self._notice.buttons[which][1])

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, notice = self._theme, self._notice
        if notice is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = "amber" if notice.look is Look.LIMITED else "edge"
        draw_box(painter, QRectF(self.rect()), theme.color("panel"), theme.color(outline))
        ink = theme.color("amber" if notice.look is Look.LIMITED else "text")
        icons.draw(painter, notice.icon, PAD, self.height() / 2 - ICON / 2, ICON, ink)
        y = (self.height() - sum(LINE[px] for _, px in self._lines)) / 2
        for text, px in self._lines:
            painter.setFont(font(px, 600 if px == TITLE else 400))
            painter.setPen(theme.color("text" if px == TITLE else "text2"))
            y += LINE[px]
            painter.drawText(QPointF(PAD + ICON + PAD, y - 5), text)


def _wrapped(text: str, px: int, weight: int, room: int) -> list[str]:
    """`text` in lines of at most `room` px; at most three, the last one elided."""
    lines: list[str] = []
    words = text.split()
    while words:
        count = len(words)
        while count > 1 and text_width(" ".join(words[:count]), px, weight) > room:
            count -= 1
        if len(lines) == 2:
            count = len(words)
        lines.append(" ".join(words[:count]))
        words = words[count:]
    metrics = QFontMetrics(font(px, weight))
    return [metrics.elidedText(line, Qt.TextElideMode.ElideRight, room) for line in lines]
