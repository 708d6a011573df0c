"""The cheat sheet: all keys and buttons, as text and as a part of the window.

It is made from the profile in use and from the gamepads that were found, so it says what is true
now. What is bound to nothing is not on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QWidget

from teleop.input_profile import CAMERA_ACTIONS, STOP_KEY, Action, Profile
from teleop.pad_health import ordered
from teleop.profile_files import PadSeen
from transport.messages import RobotKind
from ui.action_words import DOES, words_of
from ui.buttons import KeyButton
from ui.chips import draw_key_cap, key_cap_width
from ui.key_caps import CAPS, cap_of
from ui.theme import BODY, SUBJECT, TITLE, Theme, font, text_width

# Of an arm: what belongs together shares a row; there is more of it.
ARM_AXES: Final = (
    (Action.FORWARD, Action.BACK, "hand away from the base, back"),
    (Action.SLIDE_LEFT, Action.SLIDE_RIGHT, "hand left, right"),
    (Action.UP, Action.DOWN, "hand up, down"),
    (Action.LEFT, Action.RIGHT, "turn the hand left, right"),
    (Action.CLOSE, Action.OPEN, "close, open the gripper"),
    (Action.TURBO, Action.PRECISE, "full speed, precise while held"),
)
MARGIN: Final = 24
GAP: Final = 32  # between the columns
CAP_GAP: Final = 6
SKIPPED_SHOWN: Final = 2
JOINED_SHOWN: Final = 3
CAPS_ROOM: Final = 190  # px; of keys that do the same, as many as this holds are drawn


@dataclass(frozen=True)
class _Heights:
    """Pixels of the parts of the sheet."""

    head: int = 84  # title and column titles
    row: int = 24
    gap: int = 16
    note: int = 20
    foot: int = 24

    def total(self, rows: int, notes: int) -> int:
        return self.head + rows * self.row + self.gap + notes * self.note + self.foot


# A key cap is 17 high. With all that can be bound it still fits the smallest window.
_TIGHT: Final = _Heights(head=72, row=18, gap=10, note=18, foot=16)

Combination = tuple[str, ...]  # caps that are held together
Row = tuple[tuple[Combination, ...], str]  # any of the combinations does this


def does(profile: Profile) -> dict[Action, str]:
    """What each action does to the robot that the profile is for."""
    return words_of(profile.kind)


def key_rows(profile: Profile) -> list[Row]:
    """What each key does."""
    rows: list[Row] = []
    joined = ARM_AXES if profile.kind is RobotKind.ARM else ()
    moving = {action for one, other, _ in joined for action in (one, other)}
    for action, what in does(profile).items():
        if action is Action.FORWARD:
            rows += [(_caps(profile, one, other), axis) for one, other, axis in joined]
        if action not in moving:
            rows.append((_caps(profile, action), what))
    return _cameras_joined([(caps, what) for caps, what in rows if caps])


def _caps(profile: Profile, *actions: Action) -> tuple[Combination, ...]:
    """The caps of the keys of these actions, that which cannot be changed first."""
    keys = [key for action in actions for key in profile.keys_of(action)]
    return tuple((CAPS.get(key, key),) for key in sorted(keys, key=STOP_KEY.__ne__))


def pad_rows(profile: Profile) -> list[Row]:
    """What each stick and button does."""
    sticks = _sticks(profile)
    rows: list[Row] = []
    for action, what in does(profile).items():
        chords = profile.chords_of(action)
        if chords:
            caps = tuple(tuple(CAPS.get(name, name) for name in ordered(one)) for one in chords)
            # The chord works without the focus, too: it does not pass through the window.
            words = "STOP, also in the background" if action is Action.STOP else what
            rows.append((caps, words))
        if action is Action.DEADMAN:
            rows += sticks
    return _cameras_joined(rows)


def _sticks(profile: Profile) -> list[Row]:
    """The sticks and triggers that move the robot."""
    pad = profile.pad
    if profile.kind is RobotKind.ROVER:
        return [
            (((CAPS[pad.drive],),), f"drive{', reversed' if pad.invert_drive else ''}"),
            (((CAPS[pad.turn],),), f"turn{', reversed' if pad.invert_turn else ''}"),
        ]
    moves = (
        ((pad.drive, pad.slide), "hand over the table"),
        ((pad.lift, pad.turn), "hand up, down, and turn it"),
        ((pad.close, pad.open), "close, open the gripper"),
    )
    reversed_ = {
        name
        for name, reverse in (
            (pad.drive, pad.invert_drive),
            (pad.slide, pad.invert_slide),
            (pad.lift, pad.invert_lift),
            (pad.turn, pad.invert_turn),
        )
        if reverse
    }
    rows: list[Row] = []
    for axes, what in moves:
        caps = tuple((CAPS[axis],) for axis in axes if axis)
        other = ", ".join(CAPS[axis] for axis in axes if axis in reversed_)
        if caps:
            rows.append((caps, f"{what}{f', reversed: {other}' if other else ''}"))
    return rows


def _cameras_joined(rows: list[Row]) -> list[Row]:
    """One row for all cameras: nine would leave no room for the rest."""
    cameras = [(number, DOES[action]) for number, action in enumerate(CAMERA_ACTIONS, start=1)]
    bound = [(number, row) for number, does in cameras for row in rows if row[1] == does]
    if len(bound) < 2:
        return rows
    numbers = [number for number, _ in bound]
    several = " or ".join(str(number) for number in numbers)
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        several = f"{numbers[0]} to {numbers[-1]}"
    caps = tuple(combination for _, (combinations, _) in bound for combination in combinations)
    if len(caps) > JOINED_SHOWN:
        caps = (caps[0], ("…",), caps[-1])
    joined: Row = (caps, f"camera {several} in the main view")
    first = rows.index(bound[0][1])
    kept = [row for row in rows if row not in [row for _, row in bound]]
    return [*kept[:first], joined, *kept[first:]]


def notes(profile: Profile, pads: Sequence[PadSeen]) -> list[str]:
    """What holds for all of them: gamepads found, profile, where keys are."""
    usable = [pad for pad in pads if not pad.skipped]
    skipped = [pad for pad in pads if pad.skipped]
    names = [f"{pad.name} (in use)" if pad.active else pad.name for pad in usable]
    choose = ". Press any button on the one you want" if len(usable) > 1 else ""
    where = (
        "A gamepad drives in the background, too; keys never do."
        if profile.pad.in_background
        else "Nothing drives while another window has the focus."
    )
    return [
        f"Gamepads: {', '.join(names) if names else 'none'}{choose}.",
        *(f"Not used: {pad.name}, {pad.skipped}." for pad in skipped[:SKIPPED_SHOWN]),
        where,
        "Keys are named as on a US keyboard. Driving keys go by their place on any other.",
        f"Profile: {profile.source}",
    ]


def _caps_width(combinations: tuple[Combination, ...]) -> int:
    total = 0
    for caps in combinations:
        total += sum(key_cap_width(cap) + CAP_GAP for cap in caps)
        total += (len(caps) - 1) * (text_width("+", BODY) + CAP_GAP)
    return total


def _drawn(combinations: tuple[Combination, ...]) -> tuple[Combination, ...]:
    """As many of them as there is room for; an ellipsis stands for the rest."""
    shown = 1
    while shown < len(combinations) and _caps_width(combinations[: shown + 1]) <= CAPS_ROOM:
        shown += 1
    rest = () if shown == len(combinations) else (("…",),)
    return (*combinations[:shown], *rest)


class CheatSheet(QFrame):
    """All keys and buttons. A child of the window: it takes no focus and never covers STOP."""

    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._columns: list[tuple[str, list[Row]]] = []
        self._notes: list[str] = []
        self._heights = _Heights()
        self.content_width = 0  # px, what the columns need
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Keys and gamepad")
        self._close = KeyButton(theme, "Close", "F1")
        self._close.setParent(self)
        self._close.clicked.connect(self.closed.emit)
        self.hide()

    def show_controls(self, profile: Profile, pads: tuple[PadSeen, ...], room: QSize) -> None:
        """Take new values; `room` is how large it may be, in pixels."""
        columns = [
            ("Keyboard", [(_drawn(caps), what) for caps, what in key_rows(profile)]),
            ("Gamepad", [(_drawn(caps), what) for caps, what in pad_rows(profile)]),
        ]
        told = notes(profile, pads)
        rows = max(len(column) for _, column in columns)
        spare = (room.height() - _Heights().total(rows, len(told))) // rows
        heights = replace(_Heights(), row=min(24, 24 + spare)) if spare > -5 else _TIGHT
        if (columns, told, heights) == (self._columns, self._notes, self._heights):
            return
        self._columns, self._notes, self._heights = columns, told, heights
        self._close.show_key(cap_of(profile, Action.HELP))
        self.setAccessibleDescription("; ".join(self.lines()))
        self.content_width = GAP + sum(self._width(column) for _, column in columns)
        longest = max(text_width(note, BODY) for note in told) + 2
        width = min(2 * MARGIN + max(self.content_width, longest), room.width())
        self.setFixedSize(width, heights.total(rows, len(told)))
        size = self._close.sizeHint()
        self._close.setGeometry(
            width - MARGIN - size.width(), MARGIN - 4, size.width(), size.height()
        )
        self.update()

    def lines(self) -> list[str]:
        """The sheet as text."""
        spoken = [
            f"{' or '.join(' + '.join(caps) for caps in combinations)}: {what}"
            for _, column in self._columns
            for combinations, what in column
        ]
        return spoken + self._notes

    def _width(self, column: list[Row]) -> int:
        caps = max((_caps_width(combinations) for combinations, _ in column), default=0)
        return caps + 10 + max((text_width(what, BODY) for _, what in column), default=0)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, high = self._theme, self._heights
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.setPen(theme.color("edge"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color("text"))
        painter.setFont(font(SUBJECT, 600))
        painter.drawText(QPointF(MARGIN, MARGIN + 18), "Keys and gamepad")
        x = MARGIN
        for title, column in self._columns:
            painter.setPen(theme.color("text"))
            painter.setFont(font(TITLE, 600))
            painter.drawText(QPointF(x, high.head - 10), title)
            words_x = x + 10 + max((_caps_width(each) for each, _ in column), default=0)
            for number, (combinations, what) in enumerate(column):
                mid = high.head + number * high.row + high.row // 2
                self._draw_caps(painter, combinations, x, mid)
                painter.setFont(font(BODY))
                painter.setPen(theme.color("text2"))
                painter.drawText(QPointF(words_x, mid + 4.5), what)
            x += self._width(column) + GAP
        y = self.height() - high.foot - len(self._notes) * high.note
        painter.setPen(theme.color("line"))
        painter.drawLine(MARGIN, y - 6, self.width() - MARGIN, y - 6)
        painter.setFont(font(BODY))
        painter.setPen(theme.color("text3"))
        for number, note in enumerate(self._notes):
            fitted = QFontMetrics(painter.font()).elidedText(
                note, Qt.TextElideMode.ElideMiddle, self.width() - 2 * MARGIN
            )
            painter.drawText(QPointF(MARGIN, y + number * high.note + 16), fitted)

    def _draw_caps(
        self, painter: QPainter, combinations: tuple[Combination, ...], x: int, mid: int
    ) -> None:
        ink = self._theme.color("text")
        for caps in combinations:
            for number, cap in enumerate(caps):
                if number:
                    painter.setFont(font(BODY))
                    painter.drawText(QPointF(x, mid + 4.5), "+")
                    x += text_width("+", BODY) + CAP_GAP
                x += draw_key_cap(painter, cap, x, mid, ink) + CAP_GAP
