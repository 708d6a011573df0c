"""The queue of calls as a list: picture, robot, reason, severity, who is at it, age."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QImage, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from teleop.archive_asks import Seen
from teleop.call_queue import CallKey
from ui import icons
from ui.calls_state import CallRow
from ui.chips import draw_box, draw_ring
from ui.theme import BODY, CAPTION, TITLE, Theme, font, text_width

ROW_H, COMPACT_H = 104, 72
LOOK_W, LOOK_H = 112, 84
ROLE: Final = Qt.ItemDataRole.UserRole

Index = QModelIndex | QPersistentModelIndex


def image_of(seen: Seen) -> QImage:
    """The small picture; it keeps what it looks at."""
    height, width = seen.bgra.shape[:2]
    return QImage(
        seen.bgra.data.cast("B"), width, height, seen.bgra.strides[0], QImage.Format.Format_RGB32
    )


class _Rows(QAbstractListModel):
    """The rows that are shown."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[CallRow, ...] = ()

    def take(self, rows: tuple[CallRow, ...]) -> None:
        """New values; the list is reset only when other calls are in it."""
        same = [row.key for row in rows] == [row.key for row in self.rows]
        if not same:
            self.beginResetModel()
        self.rows = rows
        if not same:
            self.endResetModel()
        elif rows:
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if role == ROLE:
            return row
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            said = (row.robot, row.site, row.reason, row.detail, row.severity.word, row.note)
            return f"{', '.join(filter(None, said))}, {row.age}"
        return None


class _Painter(QStyledItemDelegate):
    """Draws a row."""

    def __init__(self, theme: Theme, of: CallList) -> None:
        super().__init__(of)
        self._theme = theme
        self._list = of

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, COMPACT_H if self._list.compact else ROW_H)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme, row = self._theme, index.data(ROLE)
        box = QRectF(option.rect)
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        painter.fillRect(box, theme.color("hover" if chosen else "panel"))
        if chosen:
            painter.fillRect(QRectF(box.left(), box.top(), 4, box.height()), theme.color("blue"))
        painter.setPen(theme.color("line"))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        x = box.left() + 12
        if not self._list.compact:
            self._look(painter, row, QRectF(x, box.top() + 10, LOOK_W, LOOK_H))
            x += LOOK_W + 12
        self._words(painter, row, QRectF(x, box.top(), box.right() - 12 - x, box.height()))
        if chosen and self._list.hasFocus():
            draw_ring(painter, box.adjusted(0, 0, -1, -1), theme.color("blue"))
        painter.restore()

    def _look(self, painter: QPainter, row: CallRow, box: QRectF) -> None:
        painter.fillRect(box, self._theme.color("win"))
        seen = self._list.looks.get(row.key.paired)
        if seen is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(box, image_of(seen))
        else:
            icons.draw(
                painter,
                "dashed",
                box.center().x() - 10,
                box.center().y() - 10,
                20,
                self._theme.color("text3"),
            )

    def _words(self, painter: QPainter, row: CallRow, box: QRectF) -> None:
        theme = self._theme
        top = box.top() + (8 if self._list.compact else 10)
        urgent = row.severity.look
        age_w = text_width(row.age, TITLE, 600)
        ink = theme.ink(urgent)
        painter.setFont(font(TITLE, 600))
        painter.setPen(ink)
        painter.drawText(QPointF(box.right() - age_w, top + 14), row.age)
        self._line(painter, row.robot, box.left(), top + 13, BODY, 600, "text", box.width() - age_w)
        after = box.left() + text_width(row.robot, BODY, 600) + 8
        room = box.right() - age_w - 24 - after
        self._line(painter, row.site, after, top + 13, CAPTION, 400, "text3", room)
        size = BODY if self._list.compact else TITLE
        self._line(painter, row.reason, box.left(), top + 34, size, 400, "text", box.width())
        if self._list.compact:
            self._foot(painter, row, box.left(), top + 42, box.width())
            return
        self._line(painter, row.detail, box.left(), top + 54, BODY, 400, "text2", box.width())
        self._foot(painter, row, box.left(), top + 64, box.width())

    def _foot(self, painter: QPainter, row: CallRow, x: float, y: float, room: float) -> None:
        """Severity, and who is at it."""
        theme, chip = self._theme, row.severity
        width = 30 + text_width(chip.word, CAPTION, 600)
        draw_box(painter, QRectF(x, y, width, 18), None, theme.outline(chip.look))
        icons.draw(painter, chip.icon, x + 5, y + 2, 14, theme.ink(chip.look))
        painter.setFont(font(CAPTION, 600))
        painter.setPen(theme.ink(chip.look))
        painter.drawText(QPointF(x + 23, y + 13), chip.word)
        if row.note:
            left = room - width - 28
            icons.draw(painter, "person", x + width + 8, y + 2, 14, theme.color("text2"))
            self._line(painter, row.note, x + width + 26, y + 13, CAPTION, 400, "text2", left)

    def _line(
        self,
        painter: QPainter,
        text: str,
        x: float,
        y: float,
        px: int,
        weight: int,
        role: str,
        room: float,
    ) -> None:
        painter.setFont(font(px, weight))
        painter.setPen(self._theme.color(role))
        fitted = QFontMetrics(painter.font()).elidedText(
            text, Qt.TextElideMode.ElideRight, int(room)
        )
        painter.drawText(QPointF(x, y), fitted)


class CallList(QListView):
    """The list; a click or the arrow keys choose a call."""

    chosen = Signal(object)  # CallKey

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.compact = False
        self.looks: Mapping[str, Seen] = {}
        self._rows = _Rows()
        self.setModel(self._rows)
        self.setItemDelegate(_Painter(theme, self))
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Robots that ask for help")
        self.selectionModel().currentChanged.connect(self._changed)

    def show_rows(
        self, rows: tuple[CallRow, ...], chosen: CallKey | None, looks: Mapping[str, Seen]
    ) -> None:
        """Take new values."""
        self.looks = looks
        blocked = self.selectionModel().blockSignals(True)
        self._rows.take(rows)
        place = next((n for n, row in enumerate(rows) if row.key == chosen), -1)
        if place >= 0 and self.currentIndex().row() != place:
            self.setCurrentIndex(self._rows.index(place))
        self.selectionModel().blockSignals(blocked)
        self.viewport().update()

    def shown(self) -> tuple[str, ...]:
        """The robots whose rows are in sight, as `RobotGlimpse.paired`."""
        area = self.viewport().rect()
        return tuple(
            row.key.paired
            for number, row in enumerate(self._rows.rows)
            if self.visualRect(self._rows.index(number)).intersects(area)
        )

    def _changed(self, current: Index, _before: Index) -> None:
        if current.isValid():
            self.chosen.emit(self._rows.rows[current.row()].key)
