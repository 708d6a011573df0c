"""Parts of the editor of shortcuts: a field that waits for a key, bindings, a live axis."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QWidget

from teleop.pad_mapping import shaped
from ui.buttons import KeyButton
from ui.chips import RADIUS
from ui.key_caps import CAPS
from ui.key_names import Places
from ui.speech import tr
from ui.theme import BODY, Theme, font, pixels, scaled, text_width


def cap(binding: str) -> str:
    """A key or a chord as it is shown."""
    return " + ".join(CAPS.get(name, name) for name in binding.split("+"))


class KeyField(QWidget):
    """Waits for one key and says where it is and what is printed on it. Esc ends it without one.

    It sees Tab and the arrows, too; Space never comes here: it is STOP.
    """

    pressed = Signal(str, str)  # by place, by print; empty: no key that can be bound
    left = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._places = Places(QGuiApplication.platformName())
        self._text = ""
        self.setFixedHeight(pixels(32))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hide()

    def wait(self, text: str) -> None:
        """Show `text`, and take the next key."""
        self._text = text
        self.setAccessibleName(text)
        self.show()
        self.setFocus()
        self.update()

    def event(self, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            event.accept()
            if event.key() == Qt.Key.Key_Escape:
                self.left.emit()
            elif not event.isAutoRepeat():
                self.pressed.emit(self._places.place(event), self._places.label(event))
            return True
        if kind == QEvent.Type.FocusOut:
            self.left.emit()
        return super().event(event)

    def sizeHint(self) -> QSize:
        return QSize(text_width(self._text) + pixels(24), pixels(32))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("blue"), 2))
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.drawRoundedRect(box, RADIUS, RADIUS)
        painter.setPen(self._theme.color("text"))
        painter.setFont(font(BODY))
        painter.drawText(QPointF(scaled(12), self.height() / 2 + scaled(4.5)), self._text)


class Bindings(QWidget):
    """What an action is bound to, each with a click to remove it; what stays is no button."""

    def __init__(self, theme: Theme, on_remove: Callable[[str], None]) -> None:
        super().__init__()
        self._theme = theme
        self._on_remove = on_remove
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(8)
        self.buttons: dict[str, KeyButton] = {}

    def show_bindings(self, bindings: tuple[str, ...], fixed: Callable[[str], bool]) -> None:
        """Take new ones."""
        while (item := self._row.takeAt(0)) is not None:
            part = item.widget()
            if part is not None:
                part.hide()
                part.deleteLater()
        self.buttons = {}
        for binding in bindings:
            button = KeyButton(self._theme, cap(binding), "" if fixed(binding) else "×")
            if fixed(binding):
                button.setEnabled(False)
                button.setToolTip(tr("STOP keeps this one"))
            else:
                button.setToolTip(tr("Remove {binding}", binding=cap(binding)))
                button.clicked.connect(lambda _on=False, which=binding: self._on_remove(which))
            button.setAccessibleName(button.toolTip())
            self.buttons[binding] = button
            self._row.addWidget(button)
        self._row.addStretch(1)


class AxisBar(QWidget):
    """An axis as it stands: thin what the stick says, thick what is made of it."""

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._theme = theme
        self._shown = (0.0, 0.0, 0.0)  # raw, made of it, dead zone
        self._name = name
        self.setFixedSize(pixels(160), pixels(28))
        self.setAccessibleName(name)

    def show_axis(self, raw: float, dead_zone: float, expo: float, *, inverted: bool) -> None:
        """Take a new reading, in [-1, 1]."""
        made = shaped(raw, dead_zone, expo) * (-1 if inverted else 1)
        shown = (round(raw, 3), round(made, 3), dead_zone)
        if shown != self._shown:
            self._shown = shown
            self.setAccessibleDescription(f"{made * 100:.0f} %")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, (raw, made, dead_zone) = self._theme, self._shown
        painter = QPainter(self)
        mid_x, mid_y, half = self.width() / 2, self.height() / 2, self.width() / 2 - 2
        painter.fillRect(QRectF(2, mid_y - 4, 2 * half, 8), theme.color("ctl"))
        painter.fillRect(
            QRectF(mid_x - dead_zone * half, mid_y - 4, 2 * dead_zone * half, 8),
            theme.color("hover"),
        )
        painter.fillRect(
            QRectF(min(mid_x, mid_x + made * half), mid_y - 4, abs(made) * half, 8),
            theme.color("blue_fill"),
        )
        painter.setPen(QPen(theme.color("edge"), 1))
        painter.drawLine(QPointF(mid_x, mid_y - 8), QPointF(mid_x, mid_y + 8))
        painter.setPen(QPen(theme.color("text"), 2))
        at = mid_x + raw * half
        painter.drawLine(QPointF(at, mid_y - 10), QPointF(at, mid_y + 10))
