"""Where the parts of the review lie, on a large page and on a small one."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from ui.choice import Choice
from ui.panels import column
from ui.review_bar import HEIGHT as BAR_H
from ui.review_bar import PlayBar
from ui.review_headline import HEIGHT as HEADLINE_H
from ui.review_headline import HeadlineBar
from ui.review_inspector import Inspector
from ui.review_lanes import LaneView
from ui.review_library import LibraryPanel
from ui.review_video import ReviewPicture
from ui.theme import pixels

COMPACT: Final = (1480, 840)  # of the page: below either of these the inspector folds
LEFT: Final = {True: 304, False: 400}
RIGHT: Final = {True: 0, False: 320}
MARGIN: Final = 12
BETWEEN: Final = 8  # the two pictures
VIDEO_SHARE: Final = 0.5  # of the height between headline and bottom, at most …
LEAST_VIDEO: Final = 150  # px high, whatever else there is
LANES_H: Final = 620  # … but what lanes and play bar cannot use is the pictures', too


class ReviewLayout:
    """Puts the parts into `body`; on small pages the inspector goes behind a tab."""

    def __init__(
        self,
        body: QWidget,
        *,
        library: LibraryPanel,
        headline: HeadlineBar,
        pictures: tuple[ReviewPicture, ReviewPicture],
        bar: PlayBar,
        lanes: LaneView,
        inspector: Inspector,
        pages: Choice,
    ) -> None:
        self._bar, self._inspector, self._pages = bar, inspector, pages
        self._lanes = lanes
        self._compact = False
        whole = column(body, (0, 0, 0, 0), 0)
        self._across = QHBoxLayout()
        self._across.setContentsMargins(0, 0, 0, 0)
        self._across.setSpacing(1)
        whole.addLayout(self._across, 1)
        self._left = QWidget()
        self._left.setProperty("panel", True)
        left = column(self._left, (0, 0, 0, 0), 0)
        self._tabs = QWidget()
        column(self._tabs, (MARGIN, 8, MARGIN, 8), 0).addWidget(pages)
        self._tabs.hide()
        self._stack = QStackedWidget()
        self._stack.addWidget(library)
        left.addWidget(self._tabs)
        left.addWidget(self._stack, 1)
        middle = QWidget()
        inside = QVBoxLayout(middle)
        inside.setContentsMargins(MARGIN, 0, MARGIN, 0)
        inside.setSpacing(0)
        self._videos = QWidget()
        pair = QHBoxLayout(self._videos)
        pair.setContentsMargins(0, 0, 0, 0)
        pair.setSpacing(BETWEEN)
        for picture in pictures:
            pair.addWidget(picture)
        for part in (headline, self._videos, bar):
            inside.addWidget(part)
        inside.addWidget(lanes, 1)
        self._across.addWidget(self._left)
        self._across.addWidget(middle, 1)
        self._across.addWidget(inspector)
        pages.chosen.connect(self._stack.setCurrentIndex)

    @property
    def compact(self) -> bool:
        """Whether the inspector is behind a tab."""
        return self._compact

    def arrange(self, width: int, height: int) -> None:
        """Sizes for a page that is so large, px."""
        compact = width < pixels(COMPACT[0]) or height < pixels(COMPACT[1])
        if compact != self._compact:
            self._compact = compact
            self._fold() if compact else self._unfold()
            self._tabs.setVisible(compact)
        left, right = pixels(LEFT[compact]), pixels(RIGHT[compact])
        self._left.setFixedWidth(left)
        self._inspector.setMinimumWidth(right)
        self._inspector.setMaximumWidth(right or left)
        middle = width - left - right - 2 * MARGIN - 2
        room = height - pixels(HEADLINE_H)
        high = max(room * VIDEO_SHARE, room - pixels(LANES_H))
        high = max(LEAST_VIDEO, min(high, room - pixels(BAR_H) - self._lanes.least_height()))
        self._videos.setFixedHeight(round(min((middle - BETWEEN) / 2 * 0.75, high)))

    def _fold(self) -> None:
        self._stack.addWidget(self._inspector)

    def _unfold(self) -> None:
        self._stack.removeWidget(self._inspector)
        self._across.addWidget(self._inspector)
        self._inspector.show()
        self._pages.choose(0)
