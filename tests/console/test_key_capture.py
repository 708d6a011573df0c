"""Keys at the edge: by place, held from press to release, let go when the system says so.

Rows of the fault catalogue: H4 (auto-repeat, also as release and press that arrive apart), H5 (lost
release, opposing keys, a modifier or layout that renames a held key). The same with a real X server
is in `test_x11_keys.py`; focus, minimising and dialogs (H3, H7) are in `test_keys.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from teleop.input_profile import Action, parse_profile
from teleop.operator_input import NORMAL_SPEED, OperatorInput
from ui.key_capture import WATCH_MS, KeyCapture
from ui.key_names import Places

Key = Qt.Key
# X11 key codes: eight above the kernel's.
W, A, S, D, Z, Y, ONE, SHIFT, RIGHT_SHIFT = 25, 38, 39, 40, 52, 29, 10, 50, 62


@dataclass
class System:
    """The system's own key state, under the test's control."""

    keys: set[int] = field(default_factory=set)
    answers: bool = True
    asked: int = 0

    def down(self, codes: Collection[int], patience_s: float) -> frozenset[int] | None:
        self.asked += 1
        return frozenset(codes) & self.keys if self.answers else None

    def close(self) -> None:
        self.answers = False


@dataclass
class Hands:
    """Somebody at a keyboard: each key event with its code and time, as X11 delivers it."""

    capture: KeyCapture
    window: QWidget
    system: System
    inputs: list[OperatorInput]
    actions: list[Action]
    stops: list[bool]
    clock_ms: int = 1000

    def press(self, code: int, key: Qt.Key = Key.Key_unknown, *, down: bool = True) -> None:
        self.clock_ms += 1
        if down:
            self.system.keys.add(code)
        self.event(QEvent.Type.KeyPress, code, key)

    def release(self, code: int, key: Qt.Key = Key.Key_unknown) -> None:
        self.clock_ms += 1
        self.system.keys.discard(code)
        self.event(QEvent.Type.KeyRelease, code, key)

    def repeat(self, code: int, key: Qt.Key, *, flagged: bool) -> None:
        """What X11 makes of a held key; Qt does not always see that the two belong together."""
        self.clock_ms += 40
        self.event(QEvent.Type.KeyRelease, code, key, repeat=flagged)
        self.event(QEvent.Type.KeyPress, code, key, repeat=flagged)

    def event(self, kind: QEvent.Type, code: int, key: Qt.Key, *, repeat: bool = False) -> None:
        none = Qt.KeyboardModifier.NoModifier
        event = QKeyEvent(kind, key, none, code, 0, 0, "", repeat)
        event.setTimestamp(self.clock_ms)
        QApplication.sendEvent(self.window, event)

    @property
    def forward(self) -> float:
        return self.inputs[-1].forward if self.inputs else 0.0


@pytest.fixture
def hands(qtbot: QtBot) -> Iterator[Hands]:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    system = System()
    inputs: list[OperatorInput] = []
    actions: list[Action] = []
    stops: list[bool] = []
    capture = KeyCapture(
        window,
        inputs.append,
        actions.append,
        lambda: stops.append(True),
        places=Places("xcb"),
        state=system,
    )
    yield Hands(capture, window, system, inputs, actions, stops)
    capture.close()


# --- by place -------------------------------------------------------------------------------------


@pytest.mark.parametrize("printed", [Key.Key_W, Key.Key_Z, Key.Key_Comma, Key.Key_unknown])
def test_a_driving_key_is_where_it_is_whatever_is_printed_on_it(
    hands: Hands, printed: Qt.Key
) -> None:
    hands.press(W, printed)
    assert hands.forward == NORMAL_SPEED


def test_a_key_printed_like_a_driving_key_elsewhere_does_not_drive(hands: Hands) -> None:
    hands.press(Z, Key.Key_W)  # a French keyboard
    assert hands.inputs == []


def test_a_letter_that_stands_for_a_word_is_where_it_is_printed(hands: Hands) -> None:
    hands.press(Z, Key.Key_Y)  # a German keyboard
    hands.press(Y, Key.Key_Z)
    assert hands.actions == [Action.SUCCESS]


def test_a_keyboard_of_another_script_goes_by_place(hands: Hands) -> None:
    hands.press(Y, Key(0x041D))  # Cyrillic
    hands.press(ONE, Key.Key_Ampersand)  # what a French keyboard prints below 1
    assert hands.actions == [Action.SUCCESS, Action.CAMERA_1]


def test_a_question_mark_is_help_wherever_it_is_printed(hands: Hands) -> None:
    hands.press(20, Key.Key_Question)
    assert hands.actions == [Action.HELP]


def test_a_held_key_that_is_renamed_is_released_by_its_place(hands: Hands) -> None:
    hands.press(W, Key.Key_W)
    hands.release(W, Key.Key_Idiaeresis)
    assert not hands.inputs[-1].deadman


def test_both_shift_keys_are_one_key_until_both_are_up(hands: Hands) -> None:
    hands.press(W, Key.Key_W)
    hands.press(SHIFT, Key.Key_Shift)
    hands.press(RIGHT_SHIFT, Key.Key_Shift)
    hands.release(SHIFT, Key.Key_Shift)
    assert hands.forward == 1.0
    hands.release(RIGHT_SHIFT, Key.Key_Shift)
    assert hands.forward == NORMAL_SPEED


def test_opposing_keys_cancel(hands: Hands) -> None:
    hands.press(W, Key.Key_W)
    hands.press(S, Key.Key_S)
    assert (hands.forward, hands.inputs[-1].deadman) == (0.0, True)


# --- auto-repeat ----------------------------------------------------------------------------------


@pytest.mark.parametrize("flagged", [True, False], ids=["seen by Qt", "cut in two"])
def test_fifty_repeats_of_a_held_key_change_nothing(hands: Hands, flagged: bool) -> None:
    hands.press(W, Key.Key_W)
    for _ in range(50):
        hands.repeat(W, Key.Key_W, flagged=flagged)
    assert len(hands.inputs) == 1
    hands.release(W, Key.Key_W)
    assert not hands.inputs[-1].deadman
    assert len(hands.inputs) == 2


def test_repeats_cut_in_two_drop_no_held_key_even_when_the_system_does_not_answer(
    hands: Hands,
) -> None:
    hands.system.answers = False
    hands.press(W, Key.Key_W)
    for _ in range(5):
        hands.repeat(W, Key.Key_W, flagged=False)
    assert hands.forward == NORMAL_SPEED


@pytest.mark.parametrize("flagged", [True, False], ids=["seen by Qt", "cut in two"])
def test_a_held_action_key_acts_once(hands: Hands, flagged: bool) -> None:
    hands.press(71, Key.Key_F5)
    for _ in range(5):
        hands.repeat(71, Key.Key_F5, flagged=flagged)
    assert hands.actions == [Action.ARM]
    hands.release(71, Key.Key_F5)
    hands.press(71, Key.Key_F5)
    assert hands.actions == [Action.ARM, Action.ARM]


def test_repeats_of_a_key_that_was_let_go_by_escape_do_not_drive(hands: Hands) -> None:
    hands.press(W, Key.Key_W)
    hands.press(9, Key.Key_Escape)
    for flagged in (True, False):
        hands.repeat(W, Key.Key_W, flagged=flagged)
    assert not hands.inputs[-1].deadman
    hands.release(W, Key.Key_W)
    hands.press(W, Key.Key_W)
    assert hands.forward == NORMAL_SPEED


# --- releases that never come ---------------------------------------------------------------------


def test_a_lost_release_is_noticed_when_the_system_is_asked(hands: Hands) -> None:
    hands.press(W, Key.Key_W)
    hands.system.keys.clear()  # and no event tells
    hands.capture.doubt()
    assert (hands.forward, hands.inputs[-1].deadman) == (0.0, False)


def test_the_system_is_asked_by_itself_in_good_time(hands: Hands, qtbot: QtBot) -> None:
    hands.press(W, Key.Key_W)
    hands.system.keys.clear()
    qtbot.waitUntil(lambda: not hands.inputs[-1].deadman, timeout=10 * WATCH_MS)


def test_only_the_key_that_is_up_is_let_go(hands: Hands) -> None:
    hands.press(W, Key.Key_W)
    hands.press(A, Key.Key_A)
    hands.system.keys.discard(A)
    hands.capture.doubt()
    shown = hands.inputs[-1]
    assert (shown.forward, shown.turn, shown.deadman) == (NORMAL_SPEED, 0.0, True)


def test_a_really_held_key_is_never_dropped_however_long_and_silent(hands: Hands) -> None:
    hands.press(W, Key.Key_W)
    hands.press(D, Key.Key_D)
    hands.release(D, Key.Key_D)  # from here on the keyboard repeats nothing, W is held all the same
    said = len(hands.inputs)
    for _ in range(600):  # a minute
        hands.capture.doubt()
    assert len(hands.inputs) == said
    assert hands.forward == NORMAL_SPEED


def test_a_system_that_does_not_answer_drops_nothing(hands: Hands) -> None:
    hands.press(W, Key.Key_W)
    hands.system.answers = False
    hands.capture.doubt()
    assert hands.forward == NORMAL_SPEED


def test_a_key_that_the_system_has_never_called_down_is_not_doubted(hands: Hands) -> None:
    hands.press(W, Key.Key_W, down=False)  # made by a program
    for _ in range(10):
        hands.capture.doubt()
    assert hands.forward == NORMAL_SPEED
    hands.event(QEvent.Type.KeyRelease, W, Key.Key_W)
    assert not hands.inputs[-1].deadman


def test_while_nothing_is_held_nobody_is_asked(hands: Hands, qtbot: QtBot) -> None:
    hands.press(W, Key.Key_W)
    hands.release(W, Key.Key_W)
    asked = hands.system.asked
    qtbot.wait(3 * WATCH_MS)
    assert hands.system.asked == asked


# --- profiles -------------------------------------------------------------------------------------


def test_a_profile_binds_keys_and_speeds(hands: Hands) -> None:
    hands.capture.use(
        parse_profile(
            '[keys]\nforward = ["S"]\nback = ["W"]\nmarker = ["K"]\n[speed]\nnormal = 0.4', "mine"
        )
    )
    hands.press(W, Key.Key_W)
    assert hands.forward == -0.4
    hands.release(W, Key.Key_W)
    hands.press(45, Key.Key_K)
    hands.press(58, Key.Key_M)
    assert hands.actions == [Action.MARKER]


def test_what_is_held_while_the_bindings_change_is_let_go(hands: Hands) -> None:
    hands.press(W, Key.Key_W)
    hands.capture.use(parse_profile('[keys]\nmarker = ["K"]', "mine"))
    assert not hands.inputs[-1].deadman


def test_a_change_that_concerns_the_gamepad_only_lets_no_key_go(hands: Hands) -> None:
    hands.press(W, Key.Key_W)
    hands.capture.use(parse_profile("[gamepad]\nexpo = 0", "mine"))
    assert hands.forward == NORMAL_SPEED


def test_another_stop_key_works_like_space_and_space_goes_on_working(hands: Hands) -> None:
    hands.capture.use(parse_profile('[keys]\nstop = ["Pause"]', "mine"))
    hands.press(127, Key.Key_Pause)
    hands.press(65, Key.Key_Space)
    assert len(hands.stops) == 2


def test_stop_pressed_twice_stops_twice_and_held_stops_once(hands: Hands) -> None:
    hands.press(65, Key.Key_Space)
    hands.release(65, Key.Key_Space)
    hands.press(65, Key.Key_Space)
    for _ in range(20):
        hands.repeat(65, Key.Key_Space, flagged=True)
    assert len(hands.stops) == 2
    assert hands.inputs == []
