"""The page to drive on: call and keys, the picture and its labels, telemetry, timeline."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ui.bars import Labels
from ui.cameras import Cameras
from ui.collect_bar import HEIGHT as COLLECT_BAR
from ui.collect_bar import CollectBar
from ui.collect_dock import CollectDock
from ui.collect_state import CollectFace
from ui.history import History
from ui.layout import LABEL_BAR, MARGIN, widths
from ui.left_dock import LeftDock
from ui.right_dock import RightDock
from ui.screen import Screen
from ui.theme import Theme
from ui.timeline import Timeline

COLLECT_W = {True: 184, False: 320}  # px, of the dock of a sitting


class DrivePage(QWidget):
    """Its docks can be hidden; the picture takes their room."""

    def __init__(self, theme: Theme, history: History, cameras: Cameras) -> None:
        super().__init__()
        self.cameras = cameras
        self.left = LeftDock(theme)
        self.right = RightDock(theme, history, cameras.second, cameras.strip)
        self.labels = Labels(theme)
        self.collect, self.collect_bar = CollectDock(theme), CollectBar(theme)
        self._collects = False
        self.timeline = Timeline(theme, history)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        middle = QHBoxLayout()
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        middle.addWidget(self.left)
        middle.addWidget(self.collect)
        centre = QVBoxLayout()
        centre.setContentsMargins(MARGIN, MARGIN, MARGIN, 0)
        centre.setSpacing(0)
        centre.addWidget(cameras.main, 1)
        centre.addWidget(self.labels)
        centre.addWidget(self.collect_bar)
        middle.addLayout(centre, 1)
        middle.addWidget(self.right)
        outer.addLayout(middle, 1)
        outer.addWidget(self.timeline)
        self.hidden: frozenset[str] = frozenset()
        self.show_as(collects=False)

    def show_as(self, *, collects: bool) -> None:
        """To rescue and drive on, or to gather demonstrations on."""
        self._collects = collects
        self.collect.setVisible(collects)
        self.collect_bar.setVisible(collects)
        self.labels.setVisible(not collects)
        for name in ("left", "right", "timeline"):
            shown = name not in self.hidden and (name == "right" or not collects)
            self.part(name).setVisible(shown)

    def hide_parts(self, names: frozenset[str]) -> None:
        """Which parts somebody has hidden; the others show."""
        self.hidden = names
        self.show_as(collects=self._collects)

    def part(self, name: str) -> QWidget:
        """One that can be hidden: "left", "right" or "timeline"."""
        parts: dict[str, QWidget] = {
            "left": self.left,
            "right": self.right,
            "timeline": self.timeline,
        }
        return parts[name]

    def in_tab_order(self, notice: Sequence[QWidget]) -> tuple[QWidget, ...]:
        """What Tab reaches, one after the other; `notice` lies over the picture."""
        left, labels = self.left, self.labels
        return (
            self.cameras.main,
            *notice,
            left.accept,
            left.take_over,
            labels.phase,
            labels.marker,
            labels.success,
            labels.failure,
            labels.let_drive,
            labels.hand_back,
        )

    def show_screen(self, screen: Screen) -> None:
        """Take new values; each part repaints only what changed."""
        self.cameras.show_faces(screen)
        self.right.show_second(screen)
        self.left.show_screen(screen)
        self.labels.show_labels(screen.labels)
        self.timeline.show_latency(screen.latency, screen.latency_look, screen.latency_limit_ms)
        self.right.self_test.show_chip(screen.self_test)

    def show_collect(self, face: CollectFace) -> None:
        """Take what the sitting says."""
        if self._collects:
            self.collect.show_face(face)
            self.collect_bar.show_face(face)

    def arrange(self, width: int, height: int, compact: bool) -> None:
        """Sizes of all parts on a page of this size, in px."""
        self.timeline.arrange(compact)
        body = height - (0 if self.timeline.isHidden() else self.timeline.height())
        if self._collects:
            body -= COLLECT_BAR - LABEL_BAR
            self.collect.setFixedWidth(COLLECT_W[compact])
            self.collect.arrange(compact)
            self.collect_bar.arrange(compact)
            width -= COLLECT_W[compact]
        found = widths(
            width,
            body,
            compact=compact,
            left_open=not self.left.isHidden(),
            right_open=not self.right.isHidden(),
            thumbs=len(self.cameras.strip),
        )
        if found.left:
            self.left.setFixedWidth(found.left)
        if found.right:
            self.right.setFixedWidth(found.right)
            self.right.arrange(found.right, body, compact)
        self.left.arrange(compact)
