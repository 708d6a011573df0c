"""Gathering demonstrations at the window: keys and buttons, from ready to ready."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.console.fakes import arm_driven, arm_state, link_view, media_state
from tests.console.support import Console
from transport import clock
from transport.messages import (
    AnnotationKind,
    HandBack,
    LabelEpisode,
    LastEpisode,
    MarkOutcome,
    Outcome,
    RecorderPhase,
    RequestLease,
)
from ui.collect_session import COUNT_S, Press, Step
from ui.pages import Page

Key = Qt.Key
FREE, DRIVEN = link_view(arm_state()), link_view(arm_driven())
SEALED = link_view(
    arm_state(),
    media=media_state(
        recorder=RecorderPhase.SEALED,
        episode="arm-01-3",
        last=LastEpisode(episode="arm-01-3", outcome=Outcome.SUCCESS, reason="", discarded=False),
    ),
)


class Time:
    """The window's clock, moved by hand."""

    def __init__(self) -> None:
        self.ns = clock.now_ns()

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    found = Time()
    monkeypatch.setattr(clock, "now_ns", found)
    return found


@pytest.fixture
def sitting(console: Console) -> Console:
    """The page is shown, three are wanted, the arm is free."""
    console.window._timer.stop()
    console.show(FREE)
    console.window.show_page(Page.COLLECT)
    console.window.drive.collect.setup.wanted.setValue(3)
    QTest.mouseClick(console.window.drive.collect.setup.start, Qt.MouseButton.LeftButton)
    return console


def later(console: Console, time: Time, seconds: float) -> None:
    time.ns += round(seconds * clock.NS_PER_S)
    console.window.refresh()


def step(console: Console) -> Step:
    return console.window.collecting.session.step


def record(console: Console, time: Time) -> None:
    console.show(FREE)
    QTest.keyClick(console.window, Key.Key_Return)
    later(console, time, COUNT_S)
    console.show(DRIVEN)
    assert step(console) is Step.GO
    QTest.keyClick(console.window, Key.Key_Return)
    console.show(SEALED)


def test_the_page_has_the_picture_and_neither_labels_nor_calls(sitting: Console) -> None:
    window = sitting.window
    assert window.stack.currentWidget() is window.drive
    assert window.main_video.isVisible()
    assert window.drive.collect.isVisible()
    assert not window.labels.isVisible()
    assert not window.left.isVisible()
    window.show_page(Page.DRIVE)
    assert window.labels.isVisible()
    assert window.left.isVisible()
    assert not window.drive.collect.isVisible()


def test_enter_counts_down_takes_the_robot_and_hands_it_back(
    console: Console, time: Time, sitting: Console
) -> None:
    beeps: list[bool] = []
    sitting.window.collecting.beep = beeps.append
    record(sitting, time)
    kinds = [type(body) for body in sitting.link.requests]
    assert kinds == [RequestLease, MarkOutcome, HandBack]
    assert beeps == [False, True]


def test_keys_drive_on_this_page(console: Console, time: Time, sitting: Console) -> None:
    QTest.keyClick(sitting.window, Key.Key_Return)
    later(sitting, time, COUNT_S)
    sitting.show(DRIVEN)
    QTest.keyPress(sitting.window, Key.Key_W)
    assert sitting.link.inputs[-1].deadman


def test_y_keeps_and_the_square_says_so(console: Console, time: Time, sitting: Console) -> None:
    record(sitting, time)
    QTest.keyClick(sitting.window, Key.Key_Y)
    assert [one.kept for one in sitting.window.collecting.session.attempts] == [True]


def test_backspace_discards_and_ctrl_z_takes_it_back(
    console: Console, time: Time, sitting: Console
) -> None:
    record(sitting, time)
    QTest.keyClick(sitting.window, Key.Key_Backspace)
    said = sitting.link.requests[-1]
    assert isinstance(said, LabelEpisode)
    assert (said.kind, said.episode) == (AnnotationKind.DISCARDED, "arm-01-3")
    QTest.keyClick(sitting.window, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert step(sitting) is Step.KEEP


def test_what_to_do_stands_in_the_status_line(
    console: Console, time: Time, sitting: Console
) -> None:
    sitting.window.refresh()
    assert sitting.window.screen_shown is not None
    assert sitting.window.screen_shown.status.message == "Enter begins the next one."


def test_f7_does_it_again(console: Console, time: Time, sitting: Console) -> None:
    record(sitting, time)
    QTest.keyClick(sitting.window, Key.Key_F7)
    assert (step(sitting), sitting.window.collecting.session.number) == (Step.RESET, 1)


def test_the_buttons_offer_what_the_step_allows(
    console: Console, time: Time, sitting: Console
) -> None:
    buttons = sitting.window.drive.collect_bar.buttons
    assert buttons[Press.ENTER].isEnabled()
    assert not buttons[Press.KEEP].isEnabled()
    record(sitting, time)
    assert not buttons[Press.ENTER].isEnabled()
    assert buttons[Press.KEEP].isEnabled()


def test_leaving_the_page_while_recording_holds_the_robot_and_loses_nothing(
    console: Console, time: Time, sitting: Console
) -> None:
    QTest.keyClick(sitting.window, Key.Key_Return)
    later(sitting, time, COUNT_S)
    sitting.show(DRIVEN)
    QTest.keyPress(sitting.window, Key.Key_W)
    sitting.window.show_page(Page.DRIVE)
    assert step(sitting) is Step.GO
    assert sitting.window.stack.currentWidget() is sitting.window.drive
