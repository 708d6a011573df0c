"""The library at the left of the review: search, filters, episodes, how many of them are proved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Final

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, QTimer, Signal
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QLineEdit, QListView, QWidget

from recorder.listing import Counted, Listed, Listing, Wanted
from ui.buttons import KeyButton
from ui.filter_chips import FilterChips
from ui.panels import Heading, column, label, set_text
from ui.review_list import EpisodeDelegate, EpisodeModel
from ui.review_state import DAYS, OUTCOMES, VERDICTS, Filters, count, rate_lines
from ui.theme import BODY, CAPTION, Theme, font, pixels

TYPED_MS: Final = 250  # after the last letter the list is asked
FOOT_H: Final = 56


class LibraryPanel(QWidget):
    """Filters above, episodes below, the rate at the foot."""

    narrowed = Signal()  # `filters` are others
    chosen = Signal(object)  # Listed

    def __init__(self, theme: Theme, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.setProperty("panel", True)
        self._now = now
        self.filters = Filters()
        self.model = EpisodeModel(now)
        self.heading = Heading(theme, "Episodes")
        self.heading.note = "newest first"
        self.search = QLineEdit()
        self.search.setPlaceholderText("robot, task, operator, reason…  Ctrl F")
        self.search.setAccessibleName("Search episodes")
        self.search.setClearButtonEnabled(True)
        self.search.setFixedHeight(pixels(28))
        self.search.setFont(font(BODY))
        self.chips = FilterChips(theme)
        self.chips.offer({"verdict": VERDICTS[1:], "outcome": OUTCOMES[1:], "days": DAYS[1:]})
        self.chips.narrowed.connect(lambda field, value: self.narrow(**{field: value}))
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
        self.verified = label("", BODY, 500)
        self.interval = label("", CAPTION, role="label")
        self.export = KeyButton(theme, "Export…", "", "export")
        filters = QWidget()
        inside = column(filters, (12, 8, 12, 8), 8)
        inside.addWidget(self.search)
        inside.addWidget(self.chips)
        box = column(self, (0, 0, 0, 0), 0)
        box.addWidget(self.heading)
        box.addWidget(filters)
        box.addWidget(self.view, 1)
        box.addWidget(self._foot())
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPED_MS)
        self._typing.timeout.connect(self._typed)
        self.search.textChanged.connect(lambda _: self._typing.start())
        self.search.returnPressed.connect(self._typed)
        self.chips.show_values(asdict(self.filters))

    def scaled(self) -> None:
        """The size of text may be another."""
        self.chips.show_values(asdict(self.filters))
        self.view.doItemsLayout()

    def wanted(self, skip: int = 0) -> Wanted:
        """One page of what the list is narrowed to."""
        today = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
        return self.filters.wanted(skip, today=today)

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

    def show_counted(self, counted: Counted) -> None:
        """How many are proved, and what there is to narrow by."""
        verified, interval = rate_lines(counted.verdicts)
        set_text(self.verified, verified)
        set_text(self.interval, interval)
        offered = {
            "robot": counted.robots,
            "task": counted.tasks,
            "operator": counted.operators,
        }
        self.chips.offer(offered)

    def current(self) -> Listed | None:
        """The episode that is chosen."""
        row = self.view.currentIndex().row()
        return self.model.listed[row] if 0 <= row < len(self.model.listed) else None

    def choose(self, row: int) -> None:
        """Choose an episode by its place."""
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.view.selectionModel().setCurrentIndex(self.model.index(row), flags)

    def narrow(self, **to: str) -> None:
        """Only episodes of this verdict, outcome, robot, task, operator, days; empty: any."""
        filters = replace(self.filters, text=self.search.text(), **to)
        if filters != self.filters:
            self.filters = filters
            self.chips.show_values(asdict(filters))
            self.narrowed.emit()

    def _foot(self) -> QWidget:
        foot = QWidget()
        foot.setFixedHeight(pixels(FOOT_H))
        across = QHBoxLayout(foot)
        across.setContentsMargins(12, 0, 12, 0)
        words = QWidget()
        lines = column(words, (0, 10, 0, 10), 2)
        lines.addWidget(self.verified)
        lines.addWidget(self.interval)
        across.addWidget(words, 1)
        across.addWidget(self.export)
        return foot

    def _current(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self.model.listed[current.row()])

    def _typed(self) -> None:
        self._typing.stop()
        self.narrow()
