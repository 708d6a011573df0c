"""Small painted parts: state chips, two-line chips, verdict chips, lamp, key caps.

Each is drawn from a frozen value of `ui.screen` and repaints only when that value changes.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from ui import icons
from ui.screen import Chip, Look
from ui.theme import BODY, CAPTION, TITLE, Theme, font, pixels, scaled, text_width

RADIUS = 4
RING = 2  # focus ring, px


def key_cap_width(key: str) -> int:
    """Width of a drawn key."""
    return max(pixels(18), text_width(key, CAPTION, 500) + pixels(10))


def draw_key_cap(painter: QPainter, key: str, x: float, mid_y: float, color: QColor) -> int:
    """Draw a key with its left edge at `x`; returns its width."""
    width = key_cap_width(key)
    box = QRectF(x + 0.5, mid_y - scaled(8.5), width - 1, scaled(17))
    painter.setPen(QPen(color, 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(box, 3, 3)
    painter.setFont(font(CAPTION, 500))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, key)
    return width


def draw_ring(painter: QPainter, rect: QRectF, color: QColor) -> None:
    """The focus ring, just inside `rect`."""
    painter.setPen(QPen(color, RING))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), RADIUS + 1, RADIUS + 1)


def draw_box(painter: QPainter, rect: QRectF, fill: QColor | None, outline: QColor) -> None:
    """A rounded box with a crisp 1 px outline."""
    painter.setPen(QPen(outline, 1))
    painter.setBrush(fill if fill is not None else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)


class StateChip(QAbstractButton):
    """Shape, word, reason: mode and readiness. Click does what its owner connects."""

    def __init__(self, theme: Theme, name: str, *, opens: bool = False) -> None:
        super().__init__()
        self._theme = theme
        self._chip = Chip("dashed", "")
        self._opens = opens
        self.open = False
        self._name = name
        self.setFixedHeight(pixels(40))
        if opens:
            self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self.setMinimumWidth(280)
        else:
            self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_chip(self, chip: Chip) -> None:
        """Take a new value."""
        if chip == self._chip:
            return
        self._chip = chip
        self.setAccessibleName(f"{self._name}: {chip.word}")
        self.setAccessibleDescription(chip.detail)
        self.setToolTip(chip.detail)
        self.update()

    def set_open(self, is_open: bool) -> None:
        """Turn the chevron."""
        self.open = is_open
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(
            280 if self._opens else pixels(44) + text_width(self._chip.word, TITLE, 700), pixels(40)
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        chip, theme = self._chip, self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect())
        fill = theme.fill(chip.look)
        if fill is None and self._opens:
            fill = theme.color("hover" if self.underMouse() else "ctl")
        draw_box(painter, rect, fill, theme.outline(chip.look))
        ink = theme.ink(chip.look)
        painter.setPen(ink)
        mid = rect.center().y()
        if not self._opens:
            self._draw_middle(painter, rect, ink)
            return
        painter.setFont(font(TITLE, 700))
        word_w, left = text_width(chip.word, TITLE, 700), pixels(40)
        icons.draw(painter, chip.icon, 12, mid - scaled(10), pixels(20), ink)
        painter.drawText(QPointF(left, mid + scaled(5.5)), chip.word)
        room = int(rect.width()) - left - word_w - 10 - pixels(36)
        painter.setFont(font(BODY, 500 if fill is not None and chip.look in FILLED else 400))
        if chip.look not in FILLED:
            painter.setPen(theme.color("text2"))
        text = QFontMetrics(painter.font()).elidedText(
            chip.detail, Qt.TextElideMode.ElideRight, room
        )
        painter.drawText(QPointF(left + word_w + 10, mid + scaled(4.5)), text)
        chevron = ink if chip.look in FILLED else theme.color("text")
        sign = "up" if self.open else "down"
        icons.draw(painter, sign, rect.width() - scaled(30), mid - scaled(8), pixels(16), chevron)
        if self.hasFocus():
            draw_ring(painter, rect, theme.color("blue"))

    def _draw_middle(self, painter: QPainter, rect: QRectF, ink: QColor) -> None:
        """Shape and word in the middle; a long name gets smaller, then shorter."""
        chip, room = self._chip, int(rect.width()) - pixels(28) - 16
        px = TITLE if text_width(chip.word, TITLE, 700) <= room else BODY
        painter.setFont(font(px, 700))
        word = QFontMetrics(painter.font()).elidedText(
            chip.word, Qt.TextElideMode.ElideMiddle, room
        )
        x = (rect.width() - text_width(word, px, 700) - pixels(28)) / 2
        mid = rect.center().y()
        icons.draw(painter, chip.icon, x, mid - scaled(10), pixels(20), ink)
        painter.drawText(QPointF(x + scaled(28), mid + scaled(5.5)), word)


FILLED = frozenset({Look.YOURS, Look.HOLD, Look.LATCHED})


class TwoLines(QWidget):
    """A title over a caption, with a shape before them: picture, recording, robot, lease."""

    def __init__(self, theme: Theme, name: str, width: int, *, indent: bool = False) -> None:
        super().__init__()
        self._theme = theme
        self._name = name
        self._indent = indent  # whether the caption starts below the title or below the icon
        self._chip = Chip("", "")
        self.setFixedSize(width, pixels(40))

    def show_chip(self, chip: Chip) -> None:
        """Take a new value; `word` is the title, `detail` the caption."""
        if chip == self._chip:
            return
        self._chip = chip
        self.setAccessibleName(f"{self._name}: {chip.word}, {chip.detail}")
        self.setToolTip(f"{chip.word}\n{chip.detail}" if chip.detail else chip.word)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        chip, theme = self._chip, self._theme
        painter = QPainter(self)
        odd = chip.look in (Look.LIMITED, Look.FAILED)
        title = theme.ink(chip.look) if odd else theme.color("text")
        caption = theme.ink(chip.look) if odd else theme.color("text2")
        x = 0
        if chip.icon:
            icons.draw(painter, chip.icon, 0, scaled(4), pixels(14), title)
            x = pixels(20)
        self._line(painter, chip.word, x, scaled(17), BODY, 600, title)
        self._line(
            painter, chip.detail, x if self._indent else 0, scaled(33), CAPTION, 400, caption
        )

    def _line(
        self, painter: QPainter, text: str, x: int, y: float, px: int, weight: int, color: QColor
    ) -> None:
        painter.setPen(color)
        painter.setFont(font(px, weight))
        fitted = QFontMetrics(painter.font()).elidedText(
            text, Qt.TextElideMode.ElideRight, self.width() - x
        )
        painter.drawText(QPointF(x, y), fitted)


class VerdictChip(QWidget):
    """The verdict of a replay: shape and word, 20 px high."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._chip: Chip | None = None
        self.setFixedHeight(pixels(20))

    def show_chip(self, chip: Chip | None) -> None:
        """Take a new value; None hides it."""
        if chip == self._chip:
            return
        self._chip = chip
        self.setVisible(chip is not None)
        if chip is not None:
            self.setFixedWidth(pixels(34) + text_width(chip.word, CAPTION, 600))
            self.setAccessibleName(f"Verdict: {chip.word}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._chip is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self._theme.ink(self._chip.look)
        draw_box(painter, QRectF(self.rect()), None, self._theme.outline(self._chip.look))
        icons.draw(painter, self._chip.icon, scaled(7), scaled(3), pixels(14), ink)
        painter.setPen(ink)
        painter.setFont(font(CAPTION, 600))
        painter.drawText(QPointF(scaled(26), scaled(14)), self._chip.word)


class Lamp(QWidget):
    """The deadman lamp: a ring when released, a disc when held, and the word beside it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._held = False
        words = text_width("Deadman ", BODY) + text_width("released", BODY, 600)
        self.setFixedSize(pixels(20) + words, pixels(20))
        self.setAccessibleName("Deadman released")

    def show_held(self, held: bool) -> None:
        """Take a new value."""
        if held == self._held:
            return
        self._held = held
        self.setAccessibleName(f"Deadman {'held' if held else 'released'}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        color = self._theme.color("text")
        icons.draw(painter, "disc" if self._held else "ring", 0, scaled(2), pixels(16), color)
        painter.setFont(font(BODY))
        painter.setPen(self._theme.color("text2"))
        painter.drawText(QPointF(scaled(20), scaled(15)), "Deadman")
        painter.setFont(font(BODY, 600))
        painter.setPen(color)
        x = scaled(20) + text_width("Deadman ", BODY)
        painter.drawText(QPointF(x, scaled(15)), "held" if self._held else "released")
