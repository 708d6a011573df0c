"""The episodes of a library as a list of any length: its model, and how a row is painted.

The list asks for the next page when its end comes into sight; thumbnails are asked for when a row
is painted and come when they come.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QImage, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from recorder.listing import Listed, Listing
from ui import icons
from ui.chips import draw_box, draw_ring
from ui.review_state import EpisodeRow, row_of
from ui.screen import Chip
from ui.theme import BODY, CAPTION, Theme, font, pixels, scaled, text_width

ROW = 64
THUMB = QSize(64, 48)
KEPT_THUMBS = 600  # of 64 x 48: 7 MB

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class EpisodeModel(QAbstractListModel):
    """The episodes that are known so far, newest first."""

    wants_more = Signal(int)  # how many are known
    wants_thumbnail = Signal(str)  # folder

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._now = now
        self.listed: list[Listed] = []
        self._rows: list[EpisodeRow] = []
        self.found = 0  # of all pages
        self._asked = -1  # how many were known when the next page was asked for
        self._thumbs: dict[str, QImage | None] = {}

    def take(self, listing: Listing, skip: int) -> None:
        """A page that begins after `skip` episodes; the first one replaces everything."""
        self.found = listing.found
        made = [row_of(one, self._now()) for one in listing.episodes]
        if skip == 0:
            self.beginResetModel()
            self.listed, self._rows = list(listing.episodes), made
            self._asked = -1
            self.endResetModel()
        elif skip == len(self._rows) and made:
            self.beginInsertRows(_ROOT, skip, skip + len(made) - 1)
            self.listed += listing.episodes
            self._rows += made
            self.endInsertRows()

    def replace(self, one: Listed) -> None:
        """An episode of which something else is said now."""
        for number, before in enumerate(self.listed):
            if before.folder == one.folder:
                self.listed[number], self._rows[number] = one, row_of(one, self._now())
                place = self.index(number)
                self.dataChanged.emit(place, place)

    def show_thumbnail(self, folder: str, image: QImage | None) -> None:
        """What was asked for; None: there is none."""
        while len(self._thumbs) >= KEPT_THUMBS:
            self._thumbs.pop(next(iter(self._thumbs)))
        self._thumbs[folder] = image
        for number, one in enumerate(self.listed):
            if one.folder == folder:
                place = self.index(number)
                self.dataChanged.emit(place, place)
                return

    def thumbnail(self, number: int) -> QImage | None:
        """The picture of a row, asked for when it is not there yet."""
        folder = self.listed[number].folder
        if folder not in self._thumbs:
            self.wants_thumbnail.emit(folder)
        return self._thumbs.get(folder)

    def row(self, number: int) -> EpisodeRow:
        """The words of a row."""
        return self._rows[number]

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return row.spoken
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.title}\n{row.detail}\n{row.outcome.word}\n{row.verdict.detail}".strip()
        return None

    def canFetchMore(self, parent: Index) -> bool:
        return not parent.isValid() and len(self._rows) < self.found

    def fetchMore(self, parent: Index) -> None:
        if self._asked != len(self._rows):
            self._asked = len(self._rows)
            self.wants_more.emit(self._asked)


class EpisodeDelegate(QStyledItemDelegate):
    """Paints one row: thumbnail, what it is, what was said and what was proved."""

    def __init__(self, theme: Theme, model: EpisodeModel) -> None:
        super().__init__()
        self._theme = theme
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, pixels(ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme, number = self._theme, index.row()
        row, area = self._model.row(number), QRect(option.rect)
        state = option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(area, theme.color("hover" if chosen or hovered else "panel"))
        painter.fillRect(area.left(), area.bottom(), area.width(), 1, theme.color("line"))
        if chosen:
            painter.fillRect(area.left(), area.top(), 4, area.height() - 1, theme.color("blue"))
        thumb = QRect(
            area.left() + 12, area.top() + 8, pixels(THUMB.width()), pixels(THUMB.height())
        )
        image = self._model.thumbnail(number)
        painter.fillRect(thumb, theme.color("win"))
        if image is not None:
            painter.drawImage(thumb, image)
        left = thumb.right() + 11
        right = area.right() - 12
        self._name(painter, row, left, right, area.top() + pixels(19))
        self._text(painter, row.detail, left, right, area.top() + pixels(36), "text2")
        free = self._chip(painter, row.verdict, right, area.top() + pixels(39))
        icons.draw(
            *(painter, row.outcome.icon, left - 1, area.top() + pixels(42), pixels(14)),
            theme.color("text2"),
        )
        self._text(
            *(painter, row.outcome.word, left + pixels(17), free - 8, area.top() + pixels(53)),
            "text2",
        )
        if state & QStyle.StateFlag.State_HasFocus:
            draw_ring(painter, QRectF(area).adjusted(0, 0, 0, -1), theme.color("blue"))
        painter.restore()

    def _name(self, painter: QPainter, row: EpisodeRow, left: int, right: int, y: int) -> None:
        painter.setFont(font(BODY, 600))
        painter.setPen(self._theme.color("text"))
        painter.drawText(QPointF(left, y), row.name)
        left += text_width(row.name, BODY, 600) + 8
        painter.setFont(font(BODY))
        title = QFontMetrics(painter.font()).elidedText(
            row.title, Qt.TextElideMode.ElideRight, right - left
        )
        painter.drawText(QPointF(left, y), title)

    def _text(self, painter: QPainter, text: str, left: int, right: int, y: int, role: str) -> None:
        painter.setFont(font(CAPTION))
        painter.setPen(self._theme.color(role))
        fitted = QFontMetrics(painter.font()).elidedText(
            text, Qt.TextElideMode.ElideRight, right - left
        )
        painter.drawText(QPointF(left, y), fitted)

    def _chip(self, painter: QPainter, chip: Chip, right: int, top: int) -> int:
        """Draws it flush right; returns where it begins."""
        wide = pixels(34) + text_width(chip.word, CAPTION, 600)
        box = QRectF(right - wide, top, wide, pixels(20))
        ink = self._theme.ink(chip.look)
        draw_box(painter, box, self._theme.color("panel"), self._theme.outline(chip.look))
        icons.draw(painter, chip.icon, box.left() + 7, top + scaled(3), pixels(14), ink)
        painter.setPen(ink)
        painter.setFont(font(CAPTION, 600))
        painter.drawText(QPointF(box.left() + scaled(26), top + scaled(14)), chip.word)
        return int(box.left())
