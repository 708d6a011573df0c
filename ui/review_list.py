"""The library at the left of the review: filters, and a list of any length.

The list asks for the next page when its end comes into sight; thumbnails are asked for when a row
is painted and come when they come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QImage, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from recorder.listing import Listed, Listing
from ui import icons
from ui.buttons import KeyButton
from ui.chips import draw_box, draw_ring
from ui.panels import Heading, column
from ui.review_state import (
    OUTCOMES,
    VERDICTS,
    EpisodeRow,
    Filters,
    count,
    outcome_choice,
    row_of,
    verdict_choice,
)
from ui.screen import Chip
from ui.theme import BODY, CAPTION, Theme, font, text_width

ROW = 64
THUMB = QSize(64, 48)
KEPT_THUMBS = 600  # of 64 x 48: 7 MB
TYPED_MS = 250  # after the last letter the list is asked

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
        self._found = 0
        self._asked = -1  # how many were known when the next page was asked for
        self._thumbs: dict[str, QImage | None] = {}

    def take(self, listing: Listing, skip: int) -> None:
        """A page that begins after `skip` episodes; the first one replaces everything."""
        self._found = listing.found
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
        return not parent.isValid() and len(self._rows) < self._found

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
        return QSize(200, ROW)

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
        thumb = QRect(area.left() + 12, area.top() + 8, THUMB.width(), THUMB.height())
        image = self._model.thumbnail(number)
        painter.fillRect(thumb, theme.color("win"))
        if image is not None:
            painter.drawImage(thumb, image)
        left = thumb.right() + 11
        right = area.right() - 12
        self._name(painter, row, left, right, area.top() + 19)
        self._text(painter, row.detail, left, right, area.top() + 36, "text2")
        free = self._chip(painter, row.verdict, right, area.top() + 39)
        icons.draw(painter, row.outcome.icon, left - 1, area.top() + 42, 14, theme.color("text2"))
        self._text(painter, row.outcome.word, left + 17, free - 8, area.top() + 53, "text2")
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
        wide = 34 + text_width(chip.word, CAPTION, 600)
        box = QRectF(right - wide, top, wide, 20)
        ink = self._theme.ink(chip.look)
        draw_box(painter, box, self._theme.color("panel"), self._theme.outline(chip.look))
        icons.draw(painter, chip.icon, box.left() + 7, top + 3, 14, ink)
        painter.setPen(ink)
        painter.setFont(font(CAPTION, 600))
        painter.drawText(QPointF(box.left() + 26, top + 14), chip.word)
        return int(box.left())


class LibraryPanel(QWidget):
    """Filters above, episodes below."""

    narrowed = Signal(object)  # Filters
    chosen = Signal(object)  # Listed

    def __init__(self, theme: Theme, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.setProperty("panel", True)
        self.filters = Filters()
        self.model = EpisodeModel(now)
        self.heading = Heading(theme, "Episodes")
        self.heading.note = "newest first"
        self.search = QLineEdit()
        self.search.setPlaceholderText("robot, task, operator, reason…  Ctrl F")
        self.search.setAccessibleName("Search episodes")
        self.search.setClearButtonEnabled(True)
        self.search.setFixedHeight(28)
        self.search.setFont(font(BODY))
        self.verdict = _chooser(theme, VERDICTS, verdict_choice, self.verdict_chosen)
        self.outcome = _chooser(theme, OUTCOMES, outcome_choice, self.outcome_chosen)
        self.view = QListView()
        self.view.setAccessibleName("Episodes")
        self.view.setModel(self.model)
        self._delegate = EpisodeDelegate(theme, self.model)  # the view does not keep it
        self.view.setItemDelegate(self._delegate)
        self.view.setUniformItemSizes(True)
        self.view.setMouseTracking(True)
        self.view.setFrameShape(QListView.Shape.NoFrame)
        self.view.viewport().setAutoFillBackground(False)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.selectionModel().currentChanged.connect(self._current)
        filters = QWidget()
        inside = column(filters, (12, 8, 12, 8), 8)
        inside.addWidget(self.search)
        chips = QHBoxLayout()
        chips.setSpacing(8)
        for button in (self.verdict, self.outcome):
            chips.addWidget(button, 1)
        inside.addLayout(chips)
        box = column(self, (0, 0, 0, 0), 0)
        box.addWidget(self.heading)
        box.addWidget(filters)
        box.addWidget(self.view, 1)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPED_MS)
        self._typing.timeout.connect(self._typed)
        self.search.textChanged.connect(lambda _: self._typing.start())
        self.search.returnPressed.connect(self._typed)

    def take(self, listing: Listing, skip: int) -> None:
        """A page of what was asked for; keeps the episode that is chosen."""
        kept = self.current()
        self.model.take(listing, skip)
        self.heading.count = count(self.filters, listing.found, len(listing.unreadable))
        self.heading.setToolTip("\n".join(listing.unreadable[:20]))
        self.heading.update()
        if skip == 0:
            folders = [one.folder for one in self.model.listed]
            if kept is not None and kept.folder in folders:
                self.choose(folders.index(kept.folder))
            elif folders:
                self.choose(0)

    def current(self) -> Listed | None:
        """The episode that is chosen."""
        row = self.view.currentIndex().row()
        return self.model.listed[row] if 0 <= row < len(self.model.listed) else None

    def choose(self, row: int) -> None:
        """Choose an episode by its place."""
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.view.selectionModel().setCurrentIndex(self.model.index(row), flags)

    def _current(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self.model.listed[current.row()])

    def _typed(self) -> None:
        self._typing.stop()
        self._narrow(Filters(self.search.text(), self.filters.verdict, self.filters.outcome))

    def verdict_chosen(self, name: str) -> None:
        """Only episodes with this verdict; empty: any."""
        self.verdict.say(verdict_choice(name))
        self._narrow(Filters(self.search.text(), name, self.filters.outcome))

    def outcome_chosen(self, name: str) -> None:
        """Only episodes with this outcome; empty: any."""
        self.outcome.say(outcome_choice(name))
        self._narrow(Filters(self.search.text(), self.filters.verdict, name))

    def _narrow(self, filters: Filters) -> None:
        if filters != self.filters:
            self.filters = filters
            self.narrowed.emit(filters)


def _chooser(
    theme: Theme,
    names: Sequence[str],
    say: Callable[[str], str],
    chosen: Callable[[str], None],
) -> KeyButton:
    """A button that opens a menu of what the list can be narrowed to."""
    button = KeyButton(theme, say(names[0]))
    button.setFixedHeight(28)
    menu = QMenu(button)
    menu.setFont(font(BODY))
    for name in names:
        menu.addAction(say(name)).triggered.connect(partial(lambda which, *_: chosen(which), name))
    button.clicked.connect(lambda: menu.popup(button.mapToGlobal(button.rect().bottomLeft())))
    return button
