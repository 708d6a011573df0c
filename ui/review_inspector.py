"""The right of the review: what was looked at, what is said, what could go, where it came from."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QWidget,
)

from recorder.finding import Finding
from recorder.labels import Labels
from recorder.repair import repairable
from transport.messages import Outcome
from ui import icons
from ui.buttons import KeyButton
from ui.panels import Heading, Rows, column, label, set_text
from ui.review_desk import Opened
from ui.review_levels import Level, levels
from ui.review_state import labels_said, made_by, repair_button
from ui.review_trims import TrimProposals
from ui.screen import Look
from ui.theme import BODY, CAPTION, Theme, font, pixels, scaled

LEVEL = 46


class Levels(QWidget):
    """One line for each thing that was looked at: shape, what came of it, how."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._levels: tuple[Level, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_levels(self, shown: tuple[Level, ...]) -> None:
        """Take new values."""
        if shown != self._levels:
            self._levels = shown
            self.setFixedHeight(pixels(LEVEL * len(shown) + 4))
            spoken = [f"{level.title}, {level.detail}" for level in shown]
            self.setAccessibleName("; ".join(spoken))
            self.setToolTip("\n".join(spoken))
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        room = self.width() - pixels(40) - 12
        for number, level in enumerate(self._levels):
            top = pixels(number * LEVEL)
            odd = level.look in (Look.FAILED, Look.LIMITED)
            ink = theme.ink(level.look)
            icons.draw(painter, level.icon, 12, top + scaled(7), pixels(16), ink)
            painter.setPen(ink if odd else theme.color("text"))
            self._line(painter, level.title, top + pixels(20), BODY, 600 if odd else 400, room)
            painter.setPen(theme.color("text2"))
            self._line(painter, level.detail, top + pixels(37), CAPTION, 400, room)
            painter.setPen(theme.color("line"))
            foot = top + pixels(LEVEL) - 1
            painter.drawLine(12, foot, self.width() - 12, foot)

    def _line(self, painter: QPainter, text: str, y: int, px: int, weight: int, room: int) -> None:
        painter.setFont(font(px, weight))
        fitted = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(pixels(40), y), fitted)


class Inspector(QScrollArea):
    """Scrolls where there is little height."""

    outcome = Signal(object)  # Outcome
    reason = Signal(str)
    note = Signal(str)
    replay = Signal()
    repair = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._findings: Sequence[Finding] | None = None
        self._opened: Opened | None = None
        self._mending = False
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        inside.setProperty("panel", True)
        self.setWidget(inside)
        box = column(inside, (0, 0, 0, 0), 0)
        self.verdict = Heading(theme, "Verdict")
        self.levels = Levels(theme)
        self.mend = KeyButton(theme, "", main=True)
        self.mended = label(
            "Makes a new episode; this one stays, and stays out of exports.", CAPTION, role="count"
        )
        self.mended.setWordWrap(True)
        self._proposal = _padded(self.mend, 4)
        self.again = KeyButton(theme, "Replay it again", "R")
        self.labels = Heading(theme, "Labels")
        self.success = KeyButton(theme, "Success", "Y", "tick")
        self.failure = KeyButton(theme, "Failure", "⌫", "cross")
        self.why = _field("Reason", "why it went so, Enter keeps it")
        self.remark = _field("Note", "add a note, Enter keeps it")
        self.said = label("", CAPTION, role="count")
        self.said.setWordWrap(True)
        self.trims = TrimProposals(theme)
        self.origin = Heading(theme, "Made by")
        self.rows = Rows()
        self.export = KeyButton(theme, "Export…", "", "export")
        self.forget = KeyButton(theme, "Forget…", "", "bin")
        self._mended = _padded(self.mended, 0)
        shown = (self._proposal, self._mended, _padded(self.again, 8), self.labels)
        for part in (self.verdict, self.levels, *shown):
            box.addWidget(part)
        box.addWidget(self._said())
        for part in (self.trims, self.origin, _padded(self.rows, 10)):
            box.addWidget(part)
        box.addStretch(1)
        foot = QWidget()
        pair = QHBoxLayout(foot)
        pair.setContentsMargins(12, 8, 12, 12)
        pair.setSpacing(8)
        for button in (self.export, self.forget):
            pair.addWidget(button, 1)
        box.addWidget(foot)
        self.success.clicked.connect(lambda: self.outcome.emit(Outcome.SUCCESS))
        self.failure.clicked.connect(lambda: self.outcome.emit(Outcome.FAILURE))
        self.again.clicked.connect(self.replay)
        self.mend.clicked.connect(self.repair)
        self.why.returnPressed.connect(lambda: self.reason.emit(self.why.text().strip()))
        self.remark.returnPressed.connect(self._noted)
        self.show_episode(None)

    def sizeHint(self) -> QSize:
        return QSize(320, 600)

    def show_episode(self, opened: Opened | None) -> None:
        """Another episode, or the same of which more is said."""
        if self._opened is None or opened is None or opened.path != self._opened.path:
            self._findings = None
            self.why.clear()
            self.remark.clear()
        self._opened = opened
        about = (self.success, self.failure, self.why, self.remark, self.again)
        for part in (*about, self.export, self.forget):
            part.setEnabled(opened is not None)
        self._show_repair()
        if opened is None:
            self.levels.show_levels(())
            self.rows.show_rows(())
            self.trims.show_tape(None)
            return
        verdict, labels = opened.verdict, opened.labels
        note = f"{verdict.replays} replays, {verdict.wall_s:.1f} s" if verdict is not None else ""
        self.verdict.say("Verdict", "out of date" if opened.doubt else note)
        self.levels.show_levels(levels(verdict, self._findings))
        self._show_labels(labels)
        self.again.say("Replay it again" if verdict is not None else "Replay it")
        self.trims.show_tape(opened.tape)
        self.rows.show_rows(made_by(opened.manifest, verdict))

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """What lint says of the episode that is shown."""
        self._findings = findings
        if self._opened is not None:
            self.levels.show_levels(levels(self._opened.verdict, findings))

    def show_mending(self, mending: bool) -> None:
        """A repair is being made and proved."""
        self._mending = mending
        self._show_repair()

    def _show_repair(self) -> None:
        """The one that is proposed, while the verdict that proposes it counts."""
        opened = self._opened
        fault = repairable(opened.verdict) if opened is not None and not opened.doubt else None
        for part in (self._proposal, self._mended):
            part.setVisible(fault is not None)
        if fault is not None:
            self.mend.say("Repairing and replaying…" if self._mending else repair_button(fault))
            self.mend.setEnabled(not self._mending)

    def show_replaying(self, replaying: bool) -> None:
        """A replay is under way."""
        self.again.setEnabled(not replaying and self._opened is not None)
        if replaying:
            self.again.say("Replaying…")
        elif self._opened is not None:
            known = self._opened.verdict is not None
            self.again.say("Replay it again" if known else "Replay it")

    def _show_labels(self, labels: Labels) -> None:
        self.labels.say("Labels", labels_said(labels))
        self.success.choose(labels.outcome is Outcome.SUCCESS)
        self.failure.choose(labels.outcome is Outcome.FAILURE)
        if not self.why.hasFocus():
            self.why.setText(labels.reason)
            self.why.setCursorPosition(0)
        notes = "\n".join(labels.notes[-3:])
        set_text(self.said, notes)
        self.said.setVisible(bool(notes))

    def _said(self) -> QWidget:
        whole = QWidget()
        box = column(whole, (12, 10, 12, 10), 8)
        pair = QHBoxLayout()
        pair.setSpacing(8)
        pair.addWidget(self.success, 1)
        pair.addWidget(self.failure, 1)
        box.addLayout(pair)
        for name, field in (("Reason", self.why), ("Note", self.remark)):
            line = QHBoxLayout()
            line.setSpacing(8)
            caption = label(name, role="label")
            caption.setFixedWidth(pixels(52))
            line.addWidget(caption)
            line.addWidget(field, 1)
            box.addLayout(line)
        box.addWidget(self.said)
        return whole

    def _noted(self) -> None:
        text = self.remark.text().strip()
        if text:
            self.remark.clear()
            self.note.emit(text)


def _field(name: str, hint: str) -> QLineEdit:
    field = QLineEdit()
    field.setFont(font(BODY))
    field.setFixedHeight(pixels(28))
    field.setPlaceholderText(hint)
    field.setAccessibleName(name)
    field.setMaxLength(400)
    return field


def _padded(widget: QWidget, vertical: int) -> QWidget:
    whole = QWidget()
    column(whole, (12, vertical, 12, vertical), 0).addWidget(widget)
    return whole
