"""Keys reach the robot as inputs and requests, and nothing else reaches it by mistake.

Rows of the fault catalogue: H3 (focus, minimising, another window, an inactive application; screen
lock and workspace with a real X server in `test_x11_keys.py`), H6 (a pad without the focus), H7
(STOP pressed twice, over dialogs and menus; from a pad without the focus in `test_gamepad.py`).
"""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from teleop.input_profile import Action, parse_profile
from teleop.operator_input import NORMAL_SPEED, PRECISE_SPEED, TURBO_SPEED
from teleop.profile_files import Profiles
from tests.console.fakes import CALL, arm_driven, driven, link_view, robot_state
from tests.console.shot_views import replay_to_judge
from tests.console.support import Console
from transport import clock
from transport.clock import NS_PER_S
from transport.messages import (
    Arm,
    HandBack,
    Hold,
    HoldReason,
    MarkMoment,
    MarkOutcome,
    Mode,
    Outcome,
    Phase,
    ReleaseLease,
    RequestLease,
)
from ui.left_dock import KeysSheet

Key = Qt.Key


def calling() -> object:
    return robot_state(
        mode=Mode.HOLD, phase=Phase.HANDOVER, call=CALL, hold=Hold(reason=HoldReason.CALLING)
    )


def test_w_held_drives_forward_and_its_release_stops(console: Console) -> None:
    QTest.keyPress(console.window, Key.Key_W)
    pressed = console.link.inputs[-1]
    QTest.keyRelease(console.window, Key.Key_W)
    released = console.link.inputs[-1]

    assert (pressed.forward, pressed.turn, pressed.deadman) == (NORMAL_SPEED, 0.0, True)
    assert pressed.input_ns > 0
    assert (released.forward, released.turn, released.deadman) == (0.0, 0.0, False)


@pytest.mark.parametrize(
    ("key", "forward", "turn"),
    [
        (Key.Key_W, 1, 0),
        (Key.Key_Up, 1, 0),
        (Key.Key_S, -1, 0),
        (Key.Key_Down, -1, 0),
        (Key.Key_A, 0, 1),
        (Key.Key_Left, 0, 1),
        (Key.Key_D, 0, -1),
        (Key.Key_Right, 0, -1),
    ],
)
def test_each_driving_key(console: Console, key: Qt.Key, forward: int, turn: int) -> None:
    QTest.keyPress(console.window, key)

    shown = console.link.inputs[-1]
    assert (shown.forward, shown.turn) == (forward * NORMAL_SPEED, turn * NORMAL_SPEED)


@pytest.mark.parametrize(
    ("modifier", "speed"), [(Key.Key_Shift, TURBO_SPEED), (Key.Key_Control, PRECISE_SPEED)]
)
def test_shift_and_ctrl_change_the_speed(console: Console, modifier: Qt.Key, speed: float) -> None:
    QTest.keyPress(console.window, Key.Key_W)
    QTest.keyPress(console.window, modifier)

    assert console.link.inputs[-1].forward == speed


def test_auto_repeat_is_no_input(console: Console) -> None:
    QTest.keyPress(console.window, Key.Key_W)
    before = len(console.link.inputs)

    for kind in (QEvent.Type.KeyRelease, QEvent.Type.KeyPress):
        event = QKeyEvent(kind, Key.Key_W, Qt.KeyboardModifier.NoModifier, "w", True)
        QApplication.sendEvent(console.window, event)

    assert len(console.link.inputs) == before
    assert console.window.keys.keyboard.keys == {"W"}


@pytest.mark.parametrize("kind", [QEvent.Type.WindowDeactivate, QEvent.Type.FocusOut])
def test_losing_the_focus_is_neutral(console: Console, kind: QEvent.Type) -> None:
    QTest.keyPress(console.window, Key.Key_W)

    QApplication.sendEvent(console.window, QEvent(kind))

    assert not console.link.inputs[-1].deadman
    assert console.link.inputs[-1].forward == 0.0


def test_a_text_field_that_takes_the_keyboard_is_neutral(console: Console) -> None:
    field = QLineEdit(console.window)
    field.show()
    QTest.keyPress(console.window, Key.Key_W)

    field.setFocus()

    assert not console.link.inputs[-1].deadman


def test_a_part_of_the_window_that_is_hidden_does_not_stop_the_robot(console: Console) -> None:
    QTest.keyPress(console.window, Key.Key_W)

    console.window.left.hide()

    assert console.link.inputs[-1].deadman


def test_another_window_in_front_is_neutral(console: Console, qtbot: QtBot) -> None:
    QTest.keyPress(console.window, Key.Key_W)
    other = QWidget()
    qtbot.addWidget(other)

    other.show()
    other.activateWindow()

    qtbot.waitUntil(lambda: not console.link.inputs[-1].deadman)


def test_a_gamepad_can_ask_whether_the_window_has_the_focus(console: Console, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: console.window.focused)
    other = QWidget()
    qtbot.addWidget(other)

    other.show()
    other.activateWindow()

    qtbot.waitUntil(lambda: not console.window.focused)


def test_an_inactive_application_is_neutral(console: Console) -> None:
    QTest.keyPress(console.window, Key.Key_W)

    app = QApplication.instance()
    assert isinstance(app, QApplication)
    app.applicationStateChanged.emit(Qt.ApplicationState.ApplicationInactive)

    assert not console.link.inputs[-1].deadman


def test_minimising_is_neutral(console: Console, qtbot: QtBot) -> None:
    QTest.keyPress(console.window, Key.Key_W)

    console.window.showMinimized()

    qtbot.waitUntil(lambda: not console.link.inputs[-1].deadman)


def test_escape_needs_a_new_press_before_anything_moves(console: Console) -> None:
    QTest.keyPress(console.window, Key.Key_W)

    QTest.keyClick(console.window, Key.Key_Escape)
    repeat = QKeyEvent(QEvent.Type.KeyPress, Key.Key_W, Qt.KeyboardModifier.NoModifier, "w", True)
    QApplication.sendEvent(console.window, repeat)
    still = console.link.inputs[-1]
    QTest.keyRelease(console.window, Key.Key_W)
    QTest.keyPress(console.window, Key.Key_W)

    assert (still.forward, still.deadman) == (0.0, False)
    assert console.link.inputs[-1].forward == NORMAL_SPEED


def test_space_stops(console: Console) -> None:
    QTest.keyClick(console.window, Key.Key_Space)

    assert console.link.stops == 1


def test_space_stops_without_a_robot_and_while_driving(console: Console) -> None:
    QTest.keyPress(console.window, Key.Key_W)
    console.show(link_view(driven()))

    QTest.keyClick(console.window, Key.Key_Space)

    assert console.link.stops == 1


@pytest.mark.parametrize("modal", [False, True])
def test_space_stops_over_a_dialog_and_types_nothing(
    console: Console, qtbot: QtBot, modal: bool
) -> None:
    dialog = QDialog(console.window)
    dialog.setModal(modal)
    qtbot.addWidget(dialog)
    field, button = QLineEdit(), QPushButton("Delete everything")
    clicks: list[bool] = []
    button.clicked.connect(lambda: clicks.append(True))
    layout = QVBoxLayout(dialog)
    layout.addWidget(field)
    layout.addWidget(button)
    dialog.show()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)

    for part in (field, button):
        part.setFocus()
        QTest.keyClick(part, Key.Key_Space)

    assert console.link.stops == 2
    assert field.text() == ""
    assert clicks == []


def test_space_stops_while_a_button_of_the_window_has_the_focus(console: Console) -> None:
    console.show(link_view(driven()))
    button = console.window.labels.success
    button.setFocus(Qt.FocusReason.TabFocusReason)

    QTest.keyClick(button, Key.Key_Space)

    assert console.link.stops == 1
    assert console.link.requests == []


def test_space_stops_while_a_menu_is_open(console: Console, qtbot: QtBot) -> None:
    action = console.window.menuBar().actions()[1]
    menu = action.menu()
    assert isinstance(menu, QWidget)
    menu.show()
    qtbot.waitUntil(menu.isVisible)

    QTest.keyClick(menu, Key.Key_Space)
    menu.hide()

    assert console.link.stops == 1


def test_letters_in_a_text_field_are_text(console: Console, qtbot: QtBot) -> None:
    field = QLineEdit(console.window)
    field.show()
    field.setFocus()
    console.show(link_view(driven()))

    QTest.keyClicks(field, "wy")

    assert field.text() == "wy"
    assert console.link.inputs == []
    assert console.link.requests == []


@pytest.mark.parametrize("key", [Key.Key_Return, Key.Key_Enter])
def test_enter_accepts_a_waiting_call(console: Console, key: Qt.Key) -> None:
    console.show(link_view(calling()))  # type: ignore[arg-type]

    QTest.keyClick(console.window, key)

    assert console.link.requests == [RequestLease()]


def test_a_second_enter_in_impatience_does_not_hand_back(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_ns = clock.now_ns()
    monkeypatch.setattr(clock, "now_ns", lambda: at_ns)
    console.show(link_view(calling()))  # type: ignore[arg-type]
    QTest.keyClick(console.window, Key.Key_Return)
    console.show(link_view(driven()))

    QTest.keyClick(console.window, Key.Key_Return)

    assert console.link.requests == [RequestLease()]


def key_event(
    kind: QEvent.Type, key: Qt.Key, scan_code: int, modifiers: Qt.KeyboardModifier
) -> QKeyEvent:
    return QKeyEvent(kind, key, modifiers, scan_code, 0, 0)


@pytest.mark.parametrize("renamed", [Key.Key_8, Key.Key_unknown, Key.Key_Idiaeresis])
def test_a_key_is_released_by_its_position_whatever_it_is_called_by_then(
    console: Console, renamed: Qt.Key
) -> None:
    plain = Qt.KeyboardModifier.NoModifier
    app = QApplication.instance()
    assert app is not None
    app.sendEvent(console.window, key_event(QEvent.Type.KeyPress, Key.Key_Up, 80, plain))
    assert console.link.inputs[-1].deadman

    app.sendEvent(console.window, key_event(QEvent.Type.KeyRelease, renamed, 80, plain))

    assert not console.link.inputs[-1].deadman


def test_no_shortcut_closes_the_window_while_a_driving_key_is_held(console: Console) -> None:
    console.show(link_view(driven()))
    QTest.keyPress(console.window, Key.Key_W)

    QTest.keyClick(console.window, Key.Key_Q, Qt.KeyboardModifier.ControlModifier)

    assert console.window.isVisible()


def test_ctrl_q_closes_the_window_otherwise(console: Console, qtbot: QtBot) -> None:
    QTest.keyPress(console.window, Key.Key_Control)
    QTest.keyClick(console.window, Key.Key_Q, Qt.KeyboardModifier.ControlModifier)

    qtbot.waitUntil(lambda: not console.window.isVisible())


def test_enter_hands_back_while_you_drive(console: Console) -> None:
    console.show(link_view(driven()))
    console.window.yours_since_ns -= 2 * NS_PER_S
    QTest.keyPress(console.window, Key.Key_W)

    QTest.keyClick(console.window, Key.Key_Return)

    assert console.link.requests == [HandBack(epoch=4)]
    assert not console.link.inputs[-1].deadman


def test_enter_does_nothing_while_nobody_calls(console: Console) -> None:
    console.show(link_view(robot_state()))

    QTest.keyClick(console.window, Key.Key_Return)

    assert console.link.requests == []


def test_enter_presses_the_button_that_tab_has_reached(console: Console) -> None:
    console.show(link_view(driven()))
    console.window.labels.success.setFocus(Qt.FocusReason.TabFocusReason)

    QTest.keyClick(console.window.labels.success, Key.Key_Return)

    assert console.link.requests == [MarkOutcome(epoch=4, outcome=Outcome.SUCCESS)]


@pytest.mark.parametrize(
    ("key", "body"),
    [
        (Key.Key_Y, MarkOutcome(epoch=4, outcome=Outcome.SUCCESS)),
        (Key.Key_Backspace, MarkOutcome(epoch=4, outcome=Outcome.FAILURE)),
        (Key.Key_M, MarkMoment(epoch=4)),
        (Key.Key_F2, ReleaseLease(epoch=4)),
    ],
)
def test_keys_of_the_driver(console: Console, key: Qt.Key, body: object) -> None:
    console.show(link_view(driven()))

    QTest.keyClick(console.window, key)

    assert console.link.requests == [body]


@pytest.mark.parametrize(
    ("key", "outcome"),
    [(Key.Key_Y, [Outcome.SUCCESS]), (Key.Key_Backspace, [Outcome.FAILURE]), (Key.Key_M, [])],
)
def test_the_keys_of_the_outcome_judge_a_replay_on_hardware_too(
    console: Console, key: Qt.Key, outcome: list[Outcome]
) -> None:
    console.show(replay_to_judge())

    QTest.keyClick(console.window, key)

    assert console.link.judged == outcome


def test_the_buttons_of_the_question_label_the_episode_and_judge_the_replay(
    console: Console,
) -> None:
    console.show(replay_to_judge())

    QTest.mouseClick(console.window.notice.buttons[1], Qt.MouseButton.LeftButton)

    assert console.link.judged == [Outcome.FAILURE]
    assert console.link.requests == [MarkOutcome(epoch=4, outcome=Outcome.FAILURE)]


def test_f5_and_a_button_arm_a_robot_whose_motors_are_off(console: Console) -> None:
    console.show(link_view(driven(mode=Mode.DISARMED)))

    QTest.keyClick(console.window, Key.Key_F5)
    console.window.acting.pad_action(Action.ARM)

    assert console.link.requests == [Arm(epoch=4), Arm(epoch=4)]


@pytest.mark.parametrize("key", [Key.Key_Y, Key.Key_Backspace, Key.Key_M])
def test_labels_of_somebody_who_does_not_drive_are_not_sent(console: Console, key: Qt.Key) -> None:
    console.show(link_view(robot_state()))

    QTest.keyClick(console.window, key)

    assert console.link.requests == []


def test_f2_requests_when_the_lease_is_free(console: Console) -> None:
    console.show(link_view(robot_state()))

    QTest.keyClick(console.window, Key.Key_F2)

    assert console.link.requests == [RequestLease()]


def test_f3_opens_and_closes_the_reasons_without_taking_the_focus(console: Console) -> None:
    console.show(link_view(driven()))
    focus = QApplication.focusWidget()

    QTest.keyClick(console.window, Key.Key_F3)
    opened = console.window.reasons.isVisible()
    kept = QApplication.focusWidget()
    QTest.keyClick(console.window, Key.Key_F3)

    assert opened
    assert kept is focus
    assert not console.window.reasons.isVisible()


def test_2_and_1_change_the_main_camera(console: Console) -> None:
    QTest.keyClick(console.window, Key.Key_2)
    swapped = console.window.main_video.camera
    QTest.keyClick(console.window, Key.Key_1)

    assert swapped == "ceiling"
    assert console.window.main_video.camera == "front"


def test_closing_while_you_drive_releases_the_lease(console: Console) -> None:
    console.show(link_view(driven()))
    QTest.keyPress(console.window, Key.Key_W)

    console.window.close()

    assert console.link.requests == [ReleaseLease(epoch=4)]
    assert not console.link.inputs[-1].deadman


def test_escape_and_handing_back_let_go_of_the_gamepad_too(console: Console) -> None:
    console.show(link_view(driven()))
    console.window.yours_since_ns -= 2 * NS_PER_S

    QTest.keyClick(console.window, Key.Key_Escape)
    QTest.keyClick(console.window, Key.Key_Return)

    assert console.link.let_go_count == 2


# --- gamepad buttons ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "body"),
    [
        (Action.SUCCESS, MarkOutcome(epoch=4, outcome=Outcome.SUCCESS)),
        (Action.FAILURE, MarkOutcome(epoch=4, outcome=Outcome.FAILURE)),
        (Action.CLEAR_OUTCOME, MarkOutcome(epoch=4, outcome=Outcome.UNLABELLED)),
        (Action.MARKER, MarkMoment(epoch=4)),
        (Action.RELEASE, ReleaseLease(epoch=4)),
        (Action.HAND_BACK, HandBack(epoch=4)),
    ],
)
def test_buttons_of_the_driver(console: Console, action: Action, body: object) -> None:
    console.show(link_view(driven()))

    console.window.acting.pad_action(action)

    assert console.link.requests == [body]


@pytest.mark.parametrize("waiting", [True, False])
def test_start_accepts_the_call_or_requests_the_lease(console: Console, waiting: bool) -> None:
    console.show(link_view(calling() if waiting else robot_state()))  # type: ignore[arg-type]

    console.window.acting.pad_action(Action.ACCEPT_OR_REQUEST)

    assert console.link.requests == [RequestLease()]


def test_start_pressed_in_impatience_does_not_hand_back(console: Console) -> None:
    console.show(link_view(driven()))
    console.window.yours_since_ns -= 2 * NS_PER_S

    console.window.acting.pad_action(Action.ACCEPT_OR_REQUEST)

    assert console.link.requests == []


def test_buttons_change_the_camera_and_open_the_sheet(console: Console) -> None:
    console.show(link_view(driven()))

    console.window.acting.pad_action(Action.CAMERA_2)
    console.window.acting.pad_action(Action.HELP)

    assert console.window.main_video.camera == "ceiling"
    assert console.window.cheat_sheet.isVisible()


@pytest.mark.parametrize("background", [False, True])
def test_without_the_focus_a_button_counts_only_when_the_profile_says_so(
    console: Console, qtbot: QtBot, background: bool
) -> None:
    text = f"[gamepad]\nin_background = {str(background).lower()}"
    console.window.controls._profiles = Profiles([parse_profile(text, "mine.toml")])
    console.window.controls._found = None
    console.show(link_view(driven()))
    other = QWidget()
    qtbot.addWidget(other)
    other.show()
    other.activateWindow()
    qtbot.waitUntil(lambda: not console.window.focused)

    console.window.acting.pad_action(Action.MARKER)

    assert console.link.requests == ([MarkMoment(epoch=4)] if background else [])


def test_the_window_tells_the_link_about_its_focus_so_that_no_pad_drives_without(
    console: Console, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: console.link.focused)

    console.window.showMinimized()

    qtbot.waitUntil(lambda: not console.link.focused)


# --- the profile in use ---------------------------------------------------------------------------


def test_the_profile_follows_the_robot(console: Console) -> None:
    profile = parse_profile('[for]\nrobot = "rover-07"\n[keys]\nmarker = ["K"]', "mine.toml")
    console.window.controls._profiles = Profiles([profile])
    QTest.keyClick(console.window, Key.Key_K)
    console.show(link_view(driven()))

    QTest.keyClick(console.window, Key.Key_K)
    QTest.keyClick(console.window, Key.Key_M)

    assert console.link.requests == [MarkMoment(epoch=4)]


@pytest.mark.parametrize(
    ("key", "axes"),
    [
        (Key.Key_W, (NORMAL_SPEED, 0.0, 0.0, 0.0, 0.0)),
        (Key.Key_Q, (0.0, NORMAL_SPEED, 0.0, 0.0, 0.0)),
        (Key.Key_A, (0.0, 0.0, NORMAL_SPEED, 0.0, 0.0)),
        (Key.Key_R, (0.0, 0.0, 0.0, NORMAL_SPEED, 0.0)),
        (Key.Key_F, (0.0, 0.0, 0.0, -NORMAL_SPEED, 0.0)),
        (Key.Key_G, (0.0, 0.0, 0.0, 0.0, NORMAL_SPEED)),
        (Key.Key_T, (0.0, 0.0, 0.0, 0.0, -NORMAL_SPEED)),
    ],
)
def test_the_keys_follow_what_is_driven(
    console: Console, key: Key, axes: tuple[float, ...]
) -> None:
    console.show(link_view(arm_driven()))
    QTest.keyPress(console.window, key)
    assert console.link.inputs[-1].axes == axes
    assert console.link.inputs[-1].deadman
    QTest.keyRelease(console.window, key)
    assert console.link.inputs[-1].axes == (0.0,) * 5
    assert not console.link.inputs[-1].deadman


def test_a_rover_has_no_keys_for_a_hand(console: Console) -> None:
    console.show(link_view(driven()))
    told = len(console.link.inputs)
    for key in (Key.Key_R, Key.Key_F, Key.Key_Q, Key.Key_E, Key.Key_G, Key.Key_T):
        QTest.keyClick(console.window, key)
    assert len(console.link.inputs) == told


def test_the_profile_follows_the_operator_whom_the_robot_names(console: Console) -> None:
    profile = parse_profile('[for]\noperator = "op-1"\n[keys]\nmarker = ["K"]', "mine.toml")
    console.window.controls._profiles = Profiles([profile])
    console.show(link_view(None))
    QTest.keyClick(console.window, Key.Key_K)
    console.show(link_view(driven()))

    QTest.keyClick(console.window, Key.Key_K)

    assert console.link.requests == [MarkMoment(epoch=4)]


def test_another_profile_waits_until_no_driving_key_is_held(console: Console) -> None:
    text = '[for]\nrobot = "rover-07"\n[keys]\nforward = ["I"]\nmarker = ["K"]'
    console.window.controls._profiles = Profiles([parse_profile(text, "mine.toml")])
    QTest.keyPress(console.window, Key.Key_W)
    console.show(link_view(driven()))
    assert console.link.inputs[-1].forward == NORMAL_SPEED

    QTest.keyRelease(console.window, Key.Key_W)
    console.show(link_view(driven()))
    QTest.keyPress(console.window, Key.Key_W)
    assert console.link.inputs[-1].forward == 0.0
    QTest.keyPress(console.window, Key.Key_I)

    assert console.link.inputs[-1].forward == NORMAL_SPEED


def test_buttons_menus_and_the_list_of_keys_name_those_of_the_profile(console: Console) -> None:
    text = (
        '[for]\nrobot = "rover-07"\n[keys]\nforward = ["I"]\nmarker = ["F6"]\nsuccess = []\n'
        'hand_back = ["End"]\nhelp = ["F10"]'
    )
    window = console.window
    assert (window.labels.marker.key, window.labels.hand_back.key) == ("M", "Enter")
    window.controls._profiles = Profiles([parse_profile(text, "mine.toml")])
    window.controls._found = None
    console.show(link_view(driven()))

    assert (window.labels.marker.key, window.labels.hand_back.key) == ("F6", "End")
    assert (window.labels.success.key, window.labels.success.toolTip()) == ("", "Success")
    assert window.left.accept.key == "Enter"
    entries = {entry.text() for entry, _, _ in window.menus._keyed}
    assert {"&Marker\tF6", "Outcome &success", "&Keys\tF10", "&STOP\tSpace"} <= entries
    listed = window.left.findChild(KeysSheet)
    assert isinstance(listed, KeysSheet)
    assert listed.accessibleDescription() == (
        "I A S D: drive, Shift: turbo, Ctrl: precise, 1 2: camera, F6: marker, ⌫: failure, "
        "End: hand back"
    )
