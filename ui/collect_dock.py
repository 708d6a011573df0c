"""At the left while demonstrations are gathered: the task, the set as squares, the last one, the
rate."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFormLayout, QSizePolicy, QSpinBox, QVBoxLayout, QWidget

from ui import icons
from ui.buttons import KeyButton
from ui.chips import VerdictChip
from ui.collect_state import NAMES, CollectFace, Square
from ui.panels import Heading, Rows, column, label, paint_panel, set_text
from ui.theme import BODY, CAPTION, FIGURE, SUBJECT, Theme, font, text_width

SQUARE, GAP = 24, 6
ICONS = {
    Square.VERIFIED: "tick",
    Square.WAITS: "dashed",
    Square.FAILED: "fault",
    Square.DISCARDED: "cross",
}
TALLY_H = 20


class Squares(QWidget):
    """One square for each demonstration of the set."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._squares: tuple[Square, ...] = ()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Demonstrations")

    def show_squares(self, squares: tuple[Square, ...]) -> None:
        """Take new values."""
        if squares != self._squares:
            self._squares = squares
            told = [f"{n} {what}" for n, what in enumerate(squares, 1) if what is not Square.OPEN]
            self.setAccessibleDescription(", ".join(told[-10:]))
            self.updateGeometry()
            self.update()

    def _in_row(self, width: int) -> int:
        return max(1, (width + GAP) // (SQUARE + GAP))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = math.ceil(len(self._squares) / self._in_row(width))
        return max(0, rows * (SQUARE + GAP) - GAP)

    def sizeHint(self) -> QSize:
        return QSize(240, self.heightForWidth(240))

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        in_row = self._in_row(self.width())
        for number, square in enumerate(self._squares):
            row, place = divmod(number, in_row)
            box = QRectF(place * (SQUARE + GAP), row * (SQUARE + GAP), SQUARE, SQUARE)
            box = box.adjusted(0.5, 0.5, -0.5, -0.5)
            edge, ink, width = "line", "text3", 1
            if square is Square.NOW:
                edge, ink, width = "blue", "text", 2
            elif square is Square.FAILED:
                edge, ink = "red", "red"
            elif square is not Square.OPEN:
                ink = "text2"
            painter.setPen(QPen(theme.color(edge), width))
            painter.setBrush(theme.color("ctl" if square is not Square.OPEN else "panel"))
            painter.drawRoundedRect(box, 3, 3)
            if square in ICONS:
                icons.draw(
                    painter, ICONS[square], box.left() + 4.5, box.top() + 4.5, 14, theme.color(ink)
                )
                continue
            painter.setFont(font(CAPTION, 600 if square is Square.NOW else 400))
            painter.setPen(theme.color(ink))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, f"{number + 1}")


class Tally(QWidget):
    """What the shapes mean, and how many there are of each."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._tally: tuple[tuple[Square, int], ...] = ()
        self.setFixedHeight(TALLY_H * len(ICONS))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_tally(self, tally: tuple[tuple[Square, int], ...]) -> None:
        """Take new values."""
        if tally != self._tally:
            self._tally = tally
            self.setAccessibleName(", ".join(f"{count} {NAMES[kind]}" for kind, count in tally))
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        for number, (kind, count) in enumerate(self._tally):
            y = number * TALLY_H
            bad = kind is Square.FAILED and count
            ink = theme.color("red" if bad else "text2")
            icons.draw(painter, ICONS[kind], 0, y + 3, 14, ink)
            painter.setFont(font(BODY))
            painter.setPen(ink)
            painter.drawText(QPointF(22, y + 15), NAMES[kind])
            painter.setFont(font(BODY, 600))
            painter.setPen(theme.color("text"))
            text = f"{count}"
            painter.drawText(QPointF(self.width() - text_width(text, BODY, 600), y + 15), text)


class WilsonBar(QWidget):
    """A rate with its interval, from 0 to 100 %."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._shown: tuple[float | None, float, float] = (None, 0.0, 1.0)
        self.setFixedHeight(30)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_rate(self, rate: float | None, low: float, high: float) -> None:
        """Take new values, 0 to 1; None: nothing is judged."""
        if (rate, low, high) != self._shown:
            self._shown = (rate, low, high)
            said = "none judged" if rate is None else f"{100 * low:.0f} to {100 * high:.0f} %"
            self.setAccessibleName(f"Verified: {said}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        rate, low, high = self._shown
        painter = QPainter(self)
        width = self.width()
        painter.fillRect(QRectF(0, 6, width, 4), theme.color("line"))
        if rate is not None:
            painter.fillRect(QRectF(low * width, 6, (high - low) * width, 4), theme.color("trace"))
            painter.fillRect(QRectF(min(width - 2, rate * width), 2, 2, 12), theme.color("text"))
        painter.setFont(font(CAPTION))
        painter.setPen(theme.color("text3"))
        painter.drawText(QPointF(0, 28), "0")
        end = "100 %"
        painter.drawText(QPointF(width - text_width(end, CAPTION), 28), end)


class Setup(QWidget):
    """How many, how long, and the button that begins."""

    begun = Signal(int, float)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        form = QFormLayout(self)
        form.setContentsMargins(0, 8, 0, 0)
        form.setSpacing(8)
        self.wanted, self.longest_s = QSpinBox(), QSpinBox()
        self.wanted.setRange(1, 999)
        self.wanted.setValue(10)
        self.longest_s.setRange(0, 600)
        self.longest_s.setValue(60)
        self.longest_s.setSuffix(" s")
        self.longest_s.setSpecialValueText("no limit")
        self.start = KeyButton(theme, "Start gathering", "", "play", main=True)
        for name, field in (("How many", self.wanted), ("Longest", self.longest_s)):
            field.setAccessibleName(name)
            field.setFont(font(BODY))
            field.setFixedHeight(28)
            form.addRow(label(name, role="label"), field)
        form.addRow(self.start)
        self.start.clicked.connect(
            lambda: self.begun.emit(self.wanted.value(), float(self.longest_s.value()))
        )


class CollectDock(QWidget):
    """Sections from the task to the rate."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setAccessibleName("Demonstrations")
        outer = column(self, (0, 0, 0, 0), 0)
        outer.addWidget(Heading(theme, "Task"))
        box = self._box(outer)
        self.setup = Setup(theme)
        self._prompt = label(px=SUBJECT, weight=600)
        self._prompt.setWordWrap(True)
        self._rows = Rows()
        box.addWidget(self._prompt)
        box.addSpacing(6)
        box.addWidget(self._rows)
        box.addWidget(self.setup)
        self._title = Heading(theme, "Demonstrations")
        outer.addWidget(self._title)
        box = self._box(outer)
        self._squares, self._tally = Squares(theme), Tally(theme)
        box.addWidget(self._squares)
        box.addSpacing(8)
        box.addWidget(self._tally)
        self._last_title = Heading(theme, "Last one")
        outer.addWidget(self._last_title)
        box = self._box(outer)
        self._verdict = VerdictChip(theme)
        self._verdict.hide()
        self._sentence = label(role="label")
        self._sentence.setWordWrap(True)
        self.undo = KeyButton(theme, "Undo", "Ctrl Z", "back")
        box.addWidget(self._verdict)
        box.addWidget(self._sentence)
        box.addSpacing(4)
        box.addWidget(self.undo)
        outer.addWidget(Heading(theme, "Verified so far"))
        box = self._box(outer)
        self._rate = label(px=FIGURE, weight=600)
        self._interval = label(role="count")
        self._bar = WilsonBar(theme)
        self._would = label(role="label")
        self._would.setWordWrap(True)
        for part in (self._rate, self._interval, self._bar, self._would):
            box.addWidget(part)
        outer.addStretch(1)
        self._of_a_sitting: tuple[QWidget, ...] = (self._squares, self.undo)

    def _box(self, outer: QVBoxLayout) -> QVBoxLayout:
        box = QVBoxLayout()
        box.setContentsMargins(12, 8, 12, 10)
        box.setSpacing(4)
        outer.addLayout(box)
        return box

    def arrange(self, compact: bool) -> None:
        """Less where the window is small: what the squares say already."""
        self._tally.setVisible(not compact)
        self._would.setVisible(not compact)
        self._rate.setFont(font(SUBJECT if compact else FIGURE, 600))

    def show_face(self, face: CollectFace) -> None:
        """Take new values."""
        set_text(self._prompt, face.prompt)
        self.setup.setVisible(face.off)
        for part in self._of_a_sitting:
            part.setVisible(not face.off)
        self._rows.show_rows(face.rows)
        self._title.say("Demonstrations", face.count)
        self._squares.show_squares(face.squares)
        self._tally.show_tally(face.tally)
        self._last_title.say("Last one", face.last_title)
        self._verdict.show_chip(face.last_chip)
        set_text(self._sentence, face.last_sentence)
        set_text(self._rate, face.verified)
        set_text(self._interval, face.interval)
        self._bar.show_rate(face.rate, face.low, face.high)
        set_text(self._would, face.would)

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_panel(self, self._theme)
