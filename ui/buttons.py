"""Buttons: with icon and key cap, a two-part switch, and STOP.

A click never takes the keyboard focus away from driving; Tab does, and shows a ring.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QPushButton, QWidget

from ui import icons
from ui.chips import RADIUS, draw_box, draw_key_cap, draw_ring, key_cap_width
from ui.screen import Chip, Look
from ui.theme import BODY, TITLE, Theme, font, pixels, scaled, text_width


class KeyButton(QPushButton):
    """A button that shows the key which does the same."""

    def __init__(
        self, theme: Theme, text: str, key: str = "", icon: str = "", *, main: bool = False
    ) -> None:
        super().__init__(text)
        self._theme = theme
        self.key = key
        self._icon = self._icon_kept = icon
        self._main = main
        self._chosen = False
        self._room = True  # for the key cap
        self.setFixedHeight(pixels(40 if main else 32))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(text)
        self.setToolTip(f"{text} ({key})" if key else text)

    def say(self, text: str) -> None:
        """Change the text; the width stays the owner's business."""
        if text != self.text():
            self.setText(text)
            self.setAccessibleName(text)
            self.setToolTip(f"{text} ({self.key})" if self.key else text)

    def show_key(self, key: str) -> None:
        """Another key does the same; empty: none."""
        if key != self.key:
            self.key = key
            self.setToolTip(f"{self.text()} ({key})" if key else self.text())
            self.updateGeometry()
            self.update()

    def show_cap(self, shown: bool) -> None:
        """Whether there is room for the key cap; the tooltip keeps it."""
        if shown != self._room:
            self._room = shown
            self.updateGeometry()
            self.update()

    def use_icon(self, icon: str) -> None:
        """Another icon of the same size."""
        if icon != self._icon_kept:
            self._icon = self._icon_kept = icon
            self.update()

    def show_icon(self, shown: bool) -> None:
        """Whether there is room for the icon."""
        icon = self._icon_kept if shown else ""
        if icon != self._icon:
            self._icon = icon
            self.updateGeometry()
            self.update()

    @property
    def _cap(self) -> bool:
        """Whether the key cap is drawn."""
        return self._room and bool(self.key)

    def choose(self, chosen: bool) -> None:
        """Draw as the one in force."""
        if chosen != self._chosen:
            self._chosen = chosen
            self.update()

    def sizeHint(self) -> QSize:
        width = text_width(self.text(), BODY, 500) + 24
        if self._icon:
            width += pixels(24)
        if self._cap:
            width += key_cap_width(self.key) + 8
        return QSize(width, self.height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect())
        fill, ink, edge = theme.color("ctl"), theme.color("text"), theme.color("edge")
        if not self.isEnabled():
            ink, edge = theme.color("text3"), theme.color("line")
            fill = theme.color("panel")
        elif self._main:
            fill, ink, edge = (
                theme.color("blue_fill"),
                theme.color("on_blue"),
                theme.color("blue_fill"),
            )
        elif self._chosen or self.isDown() or self.underMouse():
            fill = theme.color("hover")
            edge = theme.color("text") if self._chosen else edge
        draw_box(painter, rect, fill, edge)
        x = (rect.width() - self.sizeHint().width()) / 2 + 12
        mid = rect.center().y()
        if self._icon:
            icons.draw(painter, self._icon, x, mid - scaled(8), pixels(16), ink)
            x += pixels(24)
        painter.setPen(ink)
        painter.setFont(font(BODY, 600 if self._chosen else 500))
        painter.drawText(QPointF(x, mid + scaled(4.5)), self.text())
        if self._cap:
            draw_key_cap(painter, self.key, x + text_width(self.text(), BODY, 500) + 8, mid, ink)
        if self.hasFocus():
            draw_ring(painter, rect, theme.color("blue"))


class Switch(QWidget):
    """Two words of which one is in force."""

    chosen = Signal(int)

    def __init__(self, theme: Theme, name: str, words: tuple[str, str]) -> None:
        super().__init__()
        self._theme = theme
        self._words = words
        self._on: int | None = None
        self._edge = pixels(20) + text_width(words[0], BODY, 600)
        self.setFixedSize(self._edge + pixels(20) + text_width(words[1], BODY, 600), pixels(28))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._name = name
        self.setAccessibleName(name)

    def show_on(self, which: int | None) -> None:
        """Which of the two is in force; None for neither."""
        if which != self._on:
            self._on = which
            word = "" if which is None else self._words[which]
            self.setAccessibleName(f"{self._name}: {word}")
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.chosen.emit(0 if event.position().x() < self._edge else 1)

    def click(self) -> None:
        """The other one, for the keyboard."""
        self.chosen.emit(1 if self._on == 0 else 0)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.EnabledChange:
            self.update()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect())
        on = self._on if self.isEnabled() else None
        edge = theme.color("edge" if self.isEnabled() else "line")
        draw_box(painter, rect, theme.color("ctl" if self.isEnabled() else "panel"), edge)
        if on is not None:
            part = QRectF(0, 0, self._edge, rect.height())
            if on == 1:
                part = QRectF(self._edge, 0, rect.width() - self._edge, rect.height())
            painter.setPen(QPen(theme.color("text"), 1))
            painter.setBrush(theme.color("hover"))
            painter.drawRoundedRect(part.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        for number, word in enumerate(self._words):
            x = scaled(10) + (0 if number == 0 else self._edge)
            painter.setFont(font(BODY, 600 if number == on else 400))
            role = "text3" if not self.isEnabled() else "text" if number == on else "text2"
            painter.setPen(theme.color(role))
            painter.drawText(QPointF(x, rect.center().y() + scaled(4.5)), word)
        if self.hasFocus():
            draw_ring(painter, rect, theme.color("blue"))


class StopButton(QAbstractButton):
    """STOP. Not red at rest: red means that something has happened."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._chip = Chip("octagon", "STOP", "Space")
        self.setFixedSize(pixels(144), pixels(40))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("STOP")
        self.setToolTip("STOP the robot (Space)")

    def show_chip(self, chip: Chip) -> None:
        """Take a new value."""
        if chip != self._chip:
            self._chip = chip
            self.setAccessibleName(chip.word)
            self.update()

    def narrow(self, is_narrow: bool) -> None:
        """In small windows the key cap stays in the tooltip only."""
        self.setFixedWidth(pixels(104 if is_narrow else 144))

    def sizeHint(self) -> QSize:
        return self.size()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, chip = self._theme, self._chip
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect())
        fill, ink = theme.color("stop"), theme.color("on_stop")
        if chip.look in (Look.LATCHED, Look.HOLD):
            fill, ink = theme.fill(chip.look) or fill, theme.ink(chip.look)
        if self.isDown():
            fill = theme.color("text2")
        draw_box(painter, rect, fill, fill)
        wide = rect.width() > scaled(110)
        cap = chip.detail if wide else ""
        word_px = text_width(chip.word, TITLE, 700)
        icon_px = pixels(18 if wide or word_px < scaled(60) else 14)
        total = icon_px + 8 + word_px + (10 + key_cap_width(cap) if cap else 0)
        if total > rect.width() - 8:  # STOPPED in a narrow button
            total -= 4
        x = (rect.width() - total) / 2
        mid = rect.center().y()
        icons.draw(painter, chip.icon, x, mid - icon_px / 2, icon_px, ink)
        painter.setPen(ink)
        painter.setFont(font(TITLE if total <= rect.width() - 8 else BODY, 700))
        painter.drawText(QPointF(x + icon_px + 8, mid + scaled(5.5)), chip.word)
        if cap:
            draw_key_cap(painter, cap, x + icon_px + 8 + word_px + 10, mid, ink)
        if self.hasFocus():
            draw_ring(painter, rect.adjusted(1, 1, -1, -1), theme.color("blue_fill"))
