"""Roles, the lease between people, and the dialogs that ask for a reason, in a real window."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QWidget
from pytestqt.qtbot import QtBot

from teleop.input_profile import Action
from tests.console.fakes import (
    CALL,
    OTHER,
    SLOW_TIMING,
    driven,
    link_view,
    media_state,
    robot_state,
    wish,
)
from tests.console.support import Console
from tests.console.test_window import SIZES
from transport.messages import (
    STILL,
    ChooseProfile,
    ClearFault,
    DenyLease,
    ForceLease,
    GrantLease,
    Hold,
    HoldReason,
    Mode,
    Phase,
    Profile,
    RecorderPhase,
    RequestLease,
    ResetStop,
    Role,
    StartPolicy,
)
from ui.reason_dialog import QUESTIONS, ReasonDialog
from ui.screen import Act

Key = Qt.Key
ASKED = link_view(driven(wanted=wish()))
OTHERS = link_view(driven(lease=OTHER))
WATCHED = link_view(driven(lease=OTHER), name="guest", role=Role.OBSERVER)
SUPERVISED = link_view(driven(lease=OTHER), name="sup-1", role=Role.SUPERVISOR)
STOPPED = link_view(driven(mode=Mode.ESTOP, stopped_by="op-3"))
FAULTY = link_view(robot_state(mode=Mode.FAULT), role=Role.MAINTENANCE)
STANDING = driven(mode=Mode.READY, applied=STILL)
CALLING = robot_state(
    mode=Mode.HOLD, phase=Phase.HANDOVER, call=CALL, hold=Hold(reason=HoldReason.CALLING)
)
RECORDING = link_view(
    driven(), media=media_state(recorder=RecorderPhase.RECORDING, episode="rover-07-118")
)
ASKING_WHY = {
    Act.TAKE_OVER: SUPERVISED,
    Act.RESET: STOPPED,
    Act.CLEAR_FAULT: FAULTY,
    Act.REASON: RECORDING,
    Act.NOTE: RECORDING,
    Act.TASK: RECORDING,
}


def message(console: Console) -> str:
    console.window.refresh()
    screen = console.window.screen_shown
    assert screen is not None
    return screen.status.message


def dialog_of(console: Console, qtbot: QtBot, act: Act) -> ReasonDialog:
    """The dialog that `act` opens, in front."""
    console.show(ASKING_WHY[act])
    console.window.act(act)
    dialog = console.window.findChild(ReasonDialog)
    assert isinstance(dialog, ReasonDialog)
    qtbot.waitUntil(dialog.isActiveWindow)
    return dialog


# --- the holder is asked --------------------------------------------------------------------------


def test_a_wish_shows_a_notice_that_takes_neither_focus_nor_driving_keys(console: Console) -> None:
    console.show(link_view(driven()))
    QTest.keyPress(console.window, Key.Key_W)
    before = QApplication.focusWidget()

    console.show(ASKED)

    assert console.window.notice.isVisible()
    assert QApplication.focusWidget() is before
    assert console.link.inputs[-1].deadman
    QTest.keyRelease(console.window, Key.Key_W)
    QTest.keyPress(console.window, Key.Key_D)
    assert console.link.inputs[-1].turn < 0


@pytest.mark.parametrize(
    ("number", "body"),
    [
        (0, GrantLease(epoch=4, session="session-2")),
        (1, DenyLease(epoch=4, session="session-2")),
    ],
)
def test_grant_and_deny_by_click_and_by_tab_and_enter(
    console: Console, number: int, body: object
) -> None:
    console.show(ASKED)
    button = console.window.notice.buttons[number]

    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    for _ in range(number + 1):
        QTest.keyClick(QApplication.focusWidget(), Key.Key_Tab)
    assert QApplication.focusWidget() is button
    QTest.keyClick(button, Key.Key_Return)

    assert console.link.requests == [body, body]


def test_space_on_a_button_of_the_notice_stops_and_grants_nothing(console: Console) -> None:
    console.show(ASKED)
    button = console.window.notice.buttons[0]
    button.setFocus(Qt.FocusReason.TabFocusReason)

    QTest.keyClick(button, Key.Key_Space)

    assert console.link.stops == 1
    assert console.link.requests == []


def test_whoever_grants_lets_go(console: Console) -> None:
    console.show(ASKED)
    QTest.keyPress(console.window, Key.Key_W)

    console.window.act(Act.GRANT)

    assert not console.link.inputs[-1].deadman


def test_the_notice_goes_when_the_wish_goes(console: Console) -> None:
    console.show(ASKED)
    console.show(link_view(driven()))

    assert not console.window.notice.isVisible()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("reasons", [False, True])
def test_the_notice_covers_neither_stop_nor_the_reasons(
    console: Console, size: tuple[int, int], reasons: bool
) -> None:
    window = console.window
    window.resize(*size)
    console.show(ASKED)
    if reasons != window.reasons.isVisible():
        window.toggle_reasons()
    console.window.refresh()

    notice = window.notice.geometry()
    stop = QRect(window.top.stop.mapTo(window, QPoint(0, 0)), window.top.stop.size())
    video = QRect(window.main_video.mapTo(window, QPoint(0, 0)), window.main_video.size())
    assert not notice.intersects(stop)
    assert window.rect().contains(notice)
    assert video.left() <= notice.left()
    assert notice.right() <= video.right()
    if reasons:
        assert not notice.intersects(window.reasons.geometry())


def test_the_notice_of_a_displaced_driver_can_be_dismissed(console: Console) -> None:
    console.show(link_view(driven()))
    taken = driven(lease=OTHER, lease_note="op-2 took the robot from op-1: change of shift")
    console.show(link_view(taken))
    assert console.window.notice.isVisible()

    QTest.mouseClick(console.window.notice.buttons[0], Qt.MouseButton.LeftButton)

    assert not console.window.notice.isVisible()
    assert console.link.requests == []


def test_a_long_note_is_not_clipped(console: Console) -> None:
    console.window.resize(1280, 800)
    console.show(link_view(driven()))
    reason = "the driver does not answer, there are people near the robot, and it stands in a door"
    taken = driven(lease=OTHER, lease_note=f"op-2 took the robot from op-1: {reason}")

    console.show(link_view(taken))

    notice = console.window.notice
    shown = " ".join(text for text, _ in notice._lines)
    assert shown.endswith("stands in a door")


# --- who asks, and who may not --------------------------------------------------------------------


def test_f2_on_a_held_lease_asks_its_holder(console: Console) -> None:
    console.show(OTHERS)

    QTest.keyClick(console.window, Key.Key_F2)

    assert console.link.requests == [RequestLease()]


def test_f2_again_while_the_holder_is_asked_says_so(console: Console) -> None:
    mine = wish(operator="op-1", session="session-1")
    console.show(link_view(driven(lease=OTHER, wanted=mine)))

    QTest.keyClick(console.window, Key.Key_F2)

    assert console.link.requests == []
    assert message(console) == "You have asked; op-2 has 8 s to answer."


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (Key.Key_F2, "You watch (observer): only an operator may do that."),
        (Key.Key_F5, "You watch (observer): only an operator may do that."),
        (Key.Key_Y, "You watch (observer): only an operator may do that."),
        (Key.Key_M, "You watch (observer): only an operator may do that."),
    ],
)
def test_a_key_of_an_observer_that_asks_for_more_says_why_not(
    console: Console, key: Qt.Key, says: str
) -> None:
    console.show(WATCHED)

    QTest.keyClick(console.window, key)

    assert console.link.requests == []
    assert message(console) == says


def test_enter_of_an_observer_at_a_call_says_why_not(console: Console) -> None:
    console.show(link_view(CALLING, role=Role.OBSERVER))

    QTest.keyClick(console.window, Key.Key_Return)

    assert console.link.requests == []
    assert message(console) == "You watch (observer): only an operator may do that."


def test_an_observer_is_offered_stop_and_no_request(console: Console) -> None:
    console.show(WATCHED)
    window = console.window

    offered = [act for act, entry in window.menus._acts.items() if entry.isEnabled()]
    assert offered == [Act.STOP]
    assert not window.top.lease_button.isEnabled()
    assert not window.left.accept.isVisible()
    assert not window.left.take_over.isVisible()
    for button in (window.labels.marker, window.labels.let_drive, window.labels.hand_back):
        assert not button.isEnabled()
    QTest.keyClick(window, Key.Key_Space)
    QTest.mouseClick(window.top.stop, Qt.MouseButton.LeftButton)
    assert console.link.stops == 2


def test_the_corner_says_who_this_console_is(console: Console) -> None:
    console.show(WATCHED)
    assert console.window.menus.corner.text().startswith("guest (observer)   ")


def test_a_supervisor_has_a_button_to_take_over(console: Console, qtbot: QtBot) -> None:
    console.show(SUPERVISED)

    QTest.mouseClick(console.window.left.take_over, Qt.MouseButton.LeftButton)

    assert console.window.findChild(ReasonDialog) is not None
    assert console.link.requests == []


@pytest.mark.parametrize(
    ("act", "state", "body"),
    [
        (Act.LET_DRIVE, driven(), StartPolicy(epoch=4)),
        (
            Act.HIGH_LATENCY,
            STANDING,
            ChooseProfile(epoch=4, profile=Profile.HIGH_LATENCY),
        ),
        (
            Act.NORMAL,
            driven(applied=STILL, profile=Profile.HIGH_LATENCY, timing=SLOW_TIMING),
            ChooseProfile(epoch=4, profile=Profile.NORMAL),
        ),
    ],
)
def test_what_needs_no_reason_is_asked_at_once(
    console: Console, act: Act, state: object, body: object
) -> None:
    console.show(link_view(state))  # type: ignore[arg-type]

    console.window.act(act)

    assert console.link.requests == [body]


def test_letting_it_drive_lets_go_of_the_keys(console: Console) -> None:
    console.show(link_view(driven()))
    QTest.keyPress(console.window, Key.Key_W)

    QTest.mouseClick(console.window.labels.let_drive, Qt.MouseButton.LeftButton)

    assert console.link.requests == [StartPolicy(epoch=4)]
    assert not console.link.inputs[-1].deadman


# --- dialogs --------------------------------------------------------------------------------------


def test_each_dialog_of_the_console_that_blocks_the_window_is_tested_here() -> None:
    assert set(QUESTIONS) == set(ASKING_WHY)


@pytest.mark.parametrize("act", ASKING_WHY)
def test_stop_works_in_each_dialog(console: Console, qtbot: QtBot, act: Act) -> None:
    dialog = dialog_of(console, qtbot, act)

    QTest.keyClick(dialog.field, Key.Key_Space)
    for part in dialog.findChildren(QWidget):
        if part.focusPolicy() & Qt.FocusPolicy.TabFocus:
            part.setFocus(Qt.FocusReason.TabFocusReason)
            QTest.keyClick(part, Key.Key_Space)
    by_key = console.link.stops
    QTest.mouseClick(dialog.stop, Qt.MouseButton.LeftButton)

    assert by_key >= 4
    assert console.link.stops == by_key + 1
    assert dialog.field.text() == ""
    assert console.link.requests == []
    assert dialog.isVisible()


@pytest.mark.parametrize("act", ASKING_WHY)
def test_a_dialog_takes_the_hands_off(console: Console, qtbot: QtBot, act: Act) -> None:
    console.show(ASKING_WHY[act])
    QTest.keyPress(console.window, Key.Key_W)

    dialog_of(console, qtbot, act)

    qtbot.waitUntil(lambda: not console.link.inputs[-1].deadman)
    qtbot.waitUntil(lambda: not console.link.focused)


@pytest.mark.parametrize("act", ASKING_WHY)
def test_nothing_in_a_dialog_is_clipped(console: Console, qtbot: QtBot, act: Act) -> None:
    dialog = dialog_of(console, qtbot, act)

    for part in dialog.findChildren(QWidget):
        need = part.minimumSizeHint()
        assert part.width() >= need.width(), part
        assert part.height() >= need.height(), part


def test_taking_over_needs_a_reason(console: Console, qtbot: QtBot) -> None:
    dialog = dialog_of(console, qtbot, Act.TAKE_OVER)

    QTest.keyClicks(dialog.field, "no")
    QTest.keyClick(dialog.field, Key.Key_Return)
    assert dialog.isVisible()
    assert console.link.requests == []

    dialog.field.clear()
    QTest.keyClicks(dialog.field, "people_near_the_robot")
    QTest.keyClick(dialog.field, Key.Key_Return)

    assert console.link.requests == [ForceLease(reason="people near the robot")]
    assert not dialog.isVisible()


def test_spaces_alone_are_no_reason(console: Console, qtbot: QtBot) -> None:
    dialog = dialog_of(console, qtbot, Act.TAKE_OVER)

    QTest.keyClicks(dialog.field, "____")

    assert not dialog.yes.isEnabled()


def test_an_example_can_be_chosen_and_sent_without_typing(console: Console, qtbot: QtBot) -> None:
    dialog = dialog_of(console, qtbot, Act.CLEAR_FAULT)
    example = next(
        part for part in dialog.findChildren(QWidget) if part.accessibleName() == "Motor replaced"
    )

    QTest.mouseClick(example, Qt.MouseButton.LeftButton)
    QTest.mouseClick(dialog.yes, Qt.MouseButton.LeftButton)

    assert console.link.requests == [ClearFault(reason="Motor replaced")]


def test_a_reset_needs_a_reason_too(console: Console, qtbot: QtBot) -> None:
    dialog = dialog_of(console, qtbot, Act.RESET)
    assert not dialog.yes.isEnabled()

    QTest.keyClicks(dialog.field, "way_is_free")
    QTest.mouseClick(dialog.yes, Qt.MouseButton.LeftButton)

    assert console.link.requests == [ResetStop(epoch=4, reason="way is free")]


def test_esc_asks_for_nothing(console: Console, qtbot: QtBot) -> None:
    dialog = dialog_of(console, qtbot, Act.TAKE_OVER)
    QTest.keyClicks(dialog.field, "because")

    QTest.keyClick(dialog.field, Key.Key_Escape)

    assert not dialog.isVisible()
    assert console.link.requests == []


def test_enter_presses_the_button_that_tab_has_reached_and_nothing_else(
    console: Console, qtbot: QtBot
) -> None:
    dialog = dialog_of(console, qtbot, Act.TAKE_OVER)
    QTest.keyClicks(dialog.field, "because")
    dialog.no.setFocus(Qt.FocusReason.TabFocusReason)

    QTest.keyClick(dialog.no, Key.Key_Return)

    assert not dialog.isVisible()
    assert console.link.requests == []


def test_a_robot_that_changed_meanwhile_is_not_asked(console: Console, qtbot: QtBot) -> None:
    dialog = dialog_of(console, qtbot, Act.TAKE_OVER)
    console.show(link_view(robot_state(), role=Role.SUPERVISOR))
    QTest.keyClicks(dialog.field, "because")

    QTest.keyClick(dialog.field, Key.Key_Return)

    assert console.link.requests == []
    assert message(console) == "Nobody has the lease: F2 requests it."


def test_stop_in_a_dialog_shows_that_it_is_latched(console: Console, qtbot: QtBot) -> None:
    dialog = dialog_of(console, qtbot, Act.TAKE_OVER)

    console.show(link_view(driven(lease=OTHER, mode=Mode.ESTOP), role=Role.SUPERVISOR))

    assert dialog.stop.accessibleName() == "STOPPED"


def test_only_one_dialog_is_open(console: Console, qtbot: QtBot) -> None:
    dialog_of(console, qtbot, Act.RESET)

    console.window.act(Act.RESET)

    assert len(console.window.findChildren(QDialog)) == 1


# --- somebody is here -----------------------------------------------------------------------------


def test_each_key_and_each_click_is_a_sign_that_somebody_is_here(console: Console) -> None:
    console.show(WATCHED)
    for act in (
        lambda: QTest.keyClick(console.window, Key.Key_X),
        lambda: QTest.keyClick(console.window, Key.Key_Space),
        lambda: QTest.mouseClick(console.window.left, Qt.MouseButton.LeftButton),
    ):
        before = len(console.link.touched_at)
        act()
        assert len(console.link.touched_at) > before


def test_a_window_that_only_shows_pictures_is_not_used(console: Console, qtbot: QtBot) -> None:
    before = len(console.link.touched_at)

    qtbot.wait(200)

    assert len(console.link.touched_at) == before


def test_a_gamepads_button_is_a_sign_that_somebody_is_here(console: Console) -> None:
    console.show(WATCHED)
    before = len(console.link.touched_at)

    console.window.acting.pad_action(Action.REASONS)

    assert len(console.link.touched_at) == before + 1
