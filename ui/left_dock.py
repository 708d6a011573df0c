"""The left dock: the call, the last rescue and its proof, this session, the keys."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from teleop.input_profile import Action, Profile, default_profile
from transport.messages import RobotKind
from ui import icons
from ui.buttons import KeyButton
from ui.chips import VerdictChip, draw_key_cap, key_cap_width
from ui.key_caps import HANDS_BACK, cap_of
from ui.panels import Heading, Rows, column, label, paint_panel, set_text
from ui.screen import LogLine, Screen
from ui.theme import BODY, CAPTION, TITLE, Theme, font, text_width

# What is shown, and the actions whose caps stand beside each other for it.
_Keys = tuple[tuple[str, tuple[tuple[Action, ...], ...]], ...]
KEYS: _Keys = (
    ("drive", ((Action.FORWARD,), (Action.LEFT,), (Action.BACK,), (Action.RIGHT,))),
    ("turbo", ((Action.TURBO,),)),
    ("precise", ((Action.PRECISE,),)),
    ("camera", ((Action.CAMERA_1,), (Action.CAMERA_2,))),
    ("marker", ((Action.MARKER,),)),
    ("success", ((Action.SUCCESS,),)),
    ("failure", ((Action.FAILURE,),)),
    ("hand back", (HANDS_BACK,)),
)
HAND_KEYS: _Keys = (
    ("move", ((Action.FORWARD,), (Action.SLIDE_LEFT,), (Action.BACK,), (Action.SLIDE_RIGHT,))),
    ("grip", ((Action.CLOSE,), (Action.OPEN,))),
    ("up, down", ((Action.UP,), (Action.DOWN,))),
    ("turn", ((Action.LEFT,), (Action.RIGHT,))),
    ("precise", ((Action.PRECISE,),)),
    ("failure", ((Action.FAILURE,),)),
    ("hand back", (HANDS_BACK,)),
    ("success", ((Action.SUCCESS,),)),
)
# The long ones in the first column.
COMPACT = {
    RobotKind.ROVER: ("drive", "turbo", "success", "hand back"),
    RobotKind.ARM: ("move", "grip", "up, down", "turn"),
}
COMPACT_ROWS = 2  # of this session
TWO_COLUMNS = 200  # px, from here on
LOG_ROW = 22
LOG_SHAPES = {
    "call": ("triangle", "amber"),
    "takeover": ("wheel", "text2"),
    "marker": ("flag", "text2"),
    "stop": ("octagon", "red"),
}


class KeysSheet(QWidget):
    """Key caps and what they do, in one or two columns."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._compact = False
        self._keys: dict[str, str] = {}  # what it does -> its cap
        self._kind = RobotKind.ROVER
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Keys")
        self.show_keys(default_profile())

    def show_keys(self, profile: Profile) -> None:
        """Take the keys of a profile; what has none is left out."""
        found = {
            what: " ".join(filter(None, (cap_of(profile, *part) for part in parts)))
            for what, parts in (KEYS if profile.kind is RobotKind.ROVER else HAND_KEYS)
        }
        self._kind = profile.kind
        self._keys = {what: key for what, key in found.items() if key}
        told = ", ".join(f"{key}: {what}" for what, key in self._keys.items())
        self.setAccessibleDescription(told)
        self.updateGeometry()
        self.update()

    def arrange(self, compact: bool) -> None:
        """Fewer keys where room is short; the cheat sheet shows all."""
        self._compact = compact
        self.updateGeometry()
        self.update()

    def _shown(self) -> list[tuple[str, str]]:
        names = COMPACT[self._kind] if self._compact else tuple(self._keys)
        return [(self._keys[name], name) for name in names if name in self._keys]

    @property
    def _columns(self) -> int:
        return 1 if self._compact and self.width() < TWO_COLUMNS else 2

    def sizeHint(self) -> QSize:
        return QSize(152, 24 * -(-len(self._shown()) // self._columns))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shown = self._shown()
        ink, words = self._theme.color("text2"), self._theme.color("text2")
        columns = self._columns
        second = float(self.width())
        if columns == 2:
            second *= 0.61 if self._compact else 0.53
        for number, (key, what) in enumerate(shown):
            left = number % columns == 0
            x = 0.0 if left else second
            mid = 12 + 24 * (number // columns)
            room = (second if left else self.width() - second) - text_width(what, BODY)
            if key_cap_width(key) + 8 > room:
                key = "…"  # keys with long names; the cheat sheet has them
            draw_key_cap(painter, key, x, mid, ink)
            painter.setFont(font(BODY))
            painter.setPen(words)
            painter.drawText(QPointF(x + key_cap_width(key) + 8, mid + 4.5), what)


class LogList(QWidget):
    """What happened, newest first, as many lines as there is room for."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._lines: tuple[LogLine, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Log")

    def show_lines(self, lines: tuple[LogLine, ...]) -> None:
        """Take new values."""
        if lines != self._lines:
            self._lines = lines
            newest = "; ".join(f"{line.clock} {line.text}" for line in lines[:3])
            self.setAccessibleDescription(newest)
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(160, LOG_ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        if not self._lines:
            painter.setFont(font(BODY))
            painter.setPen(theme.color("text3"))
            painter.drawText(QPointF(0, 15), "Nothing has happened yet.")
            return
        clock_w = text_width("00:00:00", CAPTION) + 8
        for number, line in enumerate(self._lines[: self.height() // LOG_ROW]):
            mid = number * LOG_ROW + 10
            icon, role = LOG_SHAPES.get(line.kind, ("other", "text2"))
            painter.setFont(font(CAPTION))
            painter.setPen(theme.color("text3"))
            painter.drawText(QPointF(0, mid + 4), line.clock)
            icons.draw(painter, icon, clock_w, mid - 7, 14, theme.color(role))
            painter.setFont(font(BODY))
            painter.setPen(theme.color("text2" if role == "text2" else role))
            room = self.width() - clock_w - 20
            fitted = QFontMetrics(painter.font()).elidedText(
                line.text, Qt.TextElideMode.ElideRight, room
            )
            painter.drawText(QPointF(clock_w + 20, mid + 4.5), fitted)


class LeftDock(QWidget):
    """Sections from the most to the least urgent."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setAccessibleName("Calls and rescues")
        self._boxes: list[QVBoxLayout] = []
        self._compact = False
        outer = column(self, (0, 0, 0, 0), 0)

        self._call_title = Heading(theme, "Calls")
        self._reason = label(px=TITLE, weight=600)
        self._detail = label(role="label")
        self._call_rows = Rows()
        self.accept = KeyButton(theme, "Accept and drive", "Enter", "tick", main=True)
        self.take_over = KeyButton(theme, "Take over…", "", "person")
        self.take_over.hide()
        outer.addWidget(self._call_title)
        box = self._box(outer)
        box.addWidget(self._reason)
        box.addWidget(self._detail)
        box.addSpacing(6)
        box.addWidget(self._call_rows)
        box.addSpacing(6)
        box.addWidget(self.accept)
        box.addWidget(self.take_over)

        self._rescue_title = Heading(theme, "Last rescue")
        self.verdict = VerdictChip(theme)
        self.verdict.hide()
        self._sentence = label(role="label")
        outer.addWidget(self._rescue_title)
        box = self._box(outer)
        box.addWidget(self.verdict)
        box.addWidget(self._sentence)

        self._session_title = Heading(theme, "This session")
        self._session = Rows()
        outer.addWidget(self._session_title)
        self._box(outer).addWidget(self._session)

        self._log = LogList(theme)
        self._log_title = Heading(theme, "Log")
        outer.addWidget(self._log_title)
        self._box(outer).addWidget(self._log, 1)
        outer.addStretch(1)

        self._keys_title = Heading(theme, "Keys", key="F1")
        self._keys = KeysSheet(theme)
        outer.addWidget(self._keys_title)
        self._box(outer).addWidget(self._keys)
        for wrapped in (self._reason, self._detail, self._sentence):
            wrapped.setWordWrap(True)

    def _box(self, outer: QVBoxLayout, stretch: int = 0) -> QVBoxLayout:
        box = QVBoxLayout()
        box.setContentsMargins(12, 10, 12, 12)
        box.setSpacing(4)
        outer.addLayout(box, stretch)
        self._boxes.append(box)
        return box

    def show_keys(self, profile: Profile) -> None:
        """Take the keys of a profile."""
        self._keys.show_keys(profile)
        self._keys_title.show_key(cap_of(profile, Action.HELP))

    def arrange(self, compact: bool) -> None:
        """Tighter where the window is small."""
        self._compact = compact
        self._keys.arrange(compact)
        for button in (self.accept, self.take_over):
            button.show_cap(not compact)
            button.show_icon(not compact)
        for part in (self._log_title, self._log):  # the timeline has the same events
            part.setVisible(not compact)
        for box in self._boxes:
            box.setContentsMargins(12, 8 if compact else 10, 12, 8 if compact else 12)

    def show_screen(self, screen: Screen) -> None:
        """Take new values."""
        call = screen.call
        self._call_title.say(call.title, call.age)
        set_text(self._reason, call.heading)
        set_text(self._detail, call.detail)
        self._call_rows.show_rows(call.rows)
        self.accept.setVisible(call.accept)
        self.take_over.setVisible(call.take_over)
        rescue = screen.rescue
        for part in (self._rescue_title, self._sentence):
            part.setVisible(rescue.chip is not None or not self._compact)
        self._rescue_title.say(rescue.title, rescue.note)
        self.verdict.show_chip(rescue.chip)
        set_text(self._sentence, rescue.sentence)
        self._session.show_rows(screen.session[: COMPACT_ROWS if self._compact else None])
        self._log.show_lines(screen.log)

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_panel(self, self._theme)
