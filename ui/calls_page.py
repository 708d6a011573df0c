"""The page of calls: the queue at the left, the chosen call with its last ten seconds, its facts.

Choosing a call shows its robot in the window, so that its live picture and its readiness are there
before anybody accepts. Nothing here drives.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeySequence, QPainter, QPaintEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from teleop.archive_asks import Missing, Seen
from teleop.call_queue import CallKey
from teleop.rewind import Rewind
from ui.buttons import KeyButton
from ui.call_list import CallList
from ui.calls_state import CallsFace, Ended, Past
from ui.errands import Errands
from ui.layout import MARGIN
from ui.panels import Heading, Rows, column, label, paint_panel, set_text
from ui.rewind_view import RewindView
from ui.screen import PictureFace
from ui.theme import BODY, CAPTION, SUBJECT, TITLE, Theme, font, text_width
from ui.video_view import VideoView

LIST_W = {True: 320, False: 480}
FACTS_W = {True: 0, False: 380}
ENDED_ROW = 24
QWIDGETSIZE_MAX = (1 << 24) - 1  # Qt has no Python name for "no limit"


class EndedList(QWidget):
    """What became of calls, newest first, as many lines as there is room for."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._ended: tuple[Ended, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(3 * ENDED_ROW)
        self.setAccessibleName("What became of calls")

    def show_ended(self, ended: tuple[Ended, ...]) -> None:
        """Take new values."""
        if ended != self._ended:
            self._ended = ended
            self.setAccessibleDescription("; ".join(one.sentence for one in ended[:5]))
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("panel"))
        if not self._ended:
            painter.setFont(font(BODY))
            painter.setPen(theme.color("text3"))
            painter.drawText(12, 20, "No call has ended yet.")
            return
        for number, one in enumerate(self._ended[: self.height() // ENDED_ROW]):
            y = number * ENDED_ROW + 17
            painter.setFont(font(CAPTION))
            painter.setPen(theme.color("text3"))
            painter.drawText(12, y, one.clock)
            painter.setFont(font(BODY))
            painter.setPen(theme.color("text2"))
            x = 12 + text_width("00:00:00", CAPTION) + 10
            fitted = QFontMetrics(painter.font()).elidedText(
                one.sentence, Qt.TextElideMode.ElideRight, self.width() - x - 8
            )
            painter.drawText(x, y, fitted)


class CallsPage(QWidget):
    """Three columns; in small windows the facts are left to the list."""

    chosen = Signal(object)  # CallKey
    accepted = Signal()
    skipped = Signal()
    passed = Signal()

    def __init__(self, theme: Theme, errands: Errands) -> None:
        super().__init__()
        self._theme = theme
        self._live: VideoView | None = None
        self._shows_live = True
        self._face: CallsFace | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._queue(theme))
        row.addLayout(self._middle(theme, errands), 1)
        row.addWidget(self._facts(theme))
        self.list.chosen.connect(self.chosen)
        self.rewind.live.connect(lambda: self.show_live(True))
        self.rewind.play_button.clicked.connect(lambda: self.show_live(False))
        for key, do in (
            ("K", self.skip.click),
            ("P", self.pass_on.click),
            ("B", self.rewind.play_button.click),
            ("L", self.rewind.live_button.click),
        ):
            QShortcut(QKeySequence(key), self, do)  # only while this page is in sight
        for part in (self.rewind.strip, self.rewind.lanes):
            part.went.connect(lambda _s: self.show_live(False))

    def _queue(self, theme: Theme) -> QWidget:
        self._left = _Panel(theme)
        box = column(self._left, (0, 0, 0, 0), 0)
        self._title = Heading(theme, "Robots that ask for help")
        self.list = CallList(theme)
        self._ended = EndedList(theme)
        box.addWidget(self._title)
        box.addWidget(self.list, 2)
        box.addWidget(Heading(theme, "What became of calls"))
        box.addWidget(self._ended, 1)
        return self._left

    def _middle(self, theme: Theme, errands: Errands) -> QVBoxLayout:
        box = QVBoxLayout()
        box.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        box.setSpacing(6)
        head = QHBoxLayout()
        head.setSpacing(10)
        self._robot = label(px=SUBJECT, weight=600)
        self._reason = label(px=TITLE)
        self._waits = label(role="label")
        for part in (self._robot, self._reason, self._waits):
            head.addWidget(part)
        head.addStretch(1)
        box.addLayout(head)
        self.rewind = RewindView(theme, errands)
        self.pictures = QStackedWidget()
        self.pictures.addWidget(self.rewind.picture)
        box.addWidget(self.pictures, 1)
        box.addWidget(self.rewind)
        acts = QHBoxLayout()
        acts.setSpacing(8)
        self._why = label(role="amber")
        self.skip = KeyButton(theme, "Skip", "K", "forward")
        self.pass_on = KeyButton(theme, "Pass on…", "P", "handback")
        self.accept = KeyButton(theme, "Accept and drive", "Enter", "tick", main=True)
        acts.addWidget(self._why, 1)
        for button in (self.skip, self.pass_on, self.accept):
            acts.addWidget(button)
        box.addLayout(acts)
        self.accept.clicked.connect(self.accepted)
        self.skip.clicked.connect(self.skipped)
        self.pass_on.clicked.connect(self.passed)
        return box

    def _facts(self, theme: Theme) -> QWidget:
        self._right = _Panel(theme)
        box = column(self._right, (0, 0, 0, 0), 0)
        box.addWidget(Heading(theme, "The call"))
        inner = QVBoxLayout()
        inner.setContentsMargins(12, 10, 12, 12)
        self._rows = Rows(spacing=8)
        inner.addWidget(self._rows)
        box.addLayout(inner)
        box.addWidget(Heading(theme, "Live"))
        self._beside = QVBoxLayout()  # the live picture, where there is room for both
        self._beside.setContentsMargins(6, 6, 6, 6)
        box.addLayout(self._beside)
        self._days = Heading(theme, "This robot, 7 days")
        self._reasons, self._freed = Rows(spacing=6), Rows(spacing=6)
        for title, rows in (
            (self._days, self._reasons),
            (Heading(theme, "How it was freed here before"), self._freed),
        ):
            box.addWidget(title)
            inner = QVBoxLayout()
            inner.setContentsMargins(12, 8, 12, 10)
            inner.addWidget(rows)
            box.addLayout(inner)
        box.addStretch(1)
        return self._right

    # --- what is shown ----------------------------------------------------------------------------

    def show_video(self, view: VideoView) -> None:
        """The live picture of the robot that the window shows; the page owns it from here on."""
        if self._live is not None:
            self._live.setParent(None)
            self._live.deleteLater()
        self._live = view
        self._place_live()

    def show_picture(self, face: PictureFace) -> None:
        """What lies over the live picture."""
        if self._live is not None:
            self._live.show_face(face, None, None)

    def wake(self) -> None:
        """A picture may have come."""
        if self._live is not None and self._live.isVisible():
            self._live.wake()

    def show_live(self, live: bool) -> None:
        """In small windows: the live picture, or the one before the call."""
        self._shows_live = live
        here = self._live is not None and self.pictures.indexOf(self._live) >= 0
        if live and here and self._live is not None:
            self.pictures.setCurrentWidget(self._live)
        else:
            self.pictures.setCurrentWidget(self.rewind.picture)

    def _place_live(self) -> None:
        if self._live is None:
            return
        if self.list.compact:
            self.pictures.addWidget(self._live)
        else:
            self._live.setFixedHeight(round((FACTS_W[False] - 12) * 3 / 4))
            self._beside.addWidget(self._live)
        self._live.show()
        self.rewind.live_button.setVisible(self.list.compact)
        self.show_live(self._shows_live)

    def show_face(self, face: CallsFace, looks: Mapping[str, Seen]) -> None:
        """Take new values."""
        self._title.say("Robots that ask for help", face.count)
        self.list.show_rows(face.rows, face.chosen, looks)
        self._ended.show_ended(face.ended)
        set_text(self._robot, face.title)
        set_text(self._reason, face.reason)
        set_text(self._waits, face.waits)
        self._rows.show_rows(face.facts)
        set_text(self._why, face.accept if face.chosen is not None else "")
        for button, can in (
            (self.accept, not face.accept),
            (self.skip, face.skip),
            (self.pass_on, face.skip),
        ):
            if button.isEnabled() != can:
                button.setEnabled(can)
        self._face = face

    def show_past(self, past: Past) -> None:
        """What the logs say of this robot and this place."""
        self._days.say("This robot, 7 days", past.calls)
        self._reasons.show_rows(past.reasons or (("No call", ""),))
        self._freed.show_rows(past.freed or (("Not known", ""),))

    def show_rewind(self, found: Rewind | Missing | None, chosen: CallKey | None) -> None:
        """What came of the wish for the ten seconds before the call."""
        if isinstance(found, Rewind):
            fresh = found is not self.rewind.rewind
            self.rewind.show_rewind(found)
            if fresh:
                self.show_live(False)
            return
        word = "nobody calls" if chosen is None else "fetched from the robot …"
        if isinstance(found, Missing):
            word = found.reason
        self.rewind.show_rewind(None, word)

    def arrange(self, width: int, height: int, compact: bool) -> None:
        """Widths of the columns."""
        if compact != self.list.compact:
            self.list.compact = compact
            if self._live is not None:
                self._live.setMinimumHeight(0)
                self._live.setMaximumHeight(QWIDGETSIZE_MAX)
                self._place_live()
        self._left.setFixedWidth(LIST_W[compact])
        self._right.setVisible(not compact)
        if not compact:
            self._right.setFixedWidth(FACTS_W[compact])
        for button in (self.skip, self.pass_on, self.accept):
            button.show_cap(not compact)

    def close_page(self) -> None:
        """End what runs for it; idempotent."""
        self.rewind.close_view()


class _Panel(QWidget):
    """A column in the panel's colour."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_panel(self, self._theme)
