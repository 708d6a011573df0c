"""The window as a whole: sign of life, nothing clipped, accessible, start and end."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import threading
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from teleop.operator_view import Reach, Refused
from tests.console.fakes import (
    CALL,
    EXACT,
    FakeLink,
    FakeVideo,
    driven,
    link_view,
    media_state,
    robot_state,
)
from tests.console.support import Console
from transport.messages import Hold, HoldReason, Mode, Phase, RecorderPhase, RequestLease
from ui import app as starting
from ui.app import INTERRUPTED, NoWindow, check_display, check_qt, check_x11, run_console
from ui.main_window import MainWindow

HELD = driven(
    mode=Mode.HOLD, speed_mps=0.0, hold=Hold(reason=HoldReason.STALE, value=340.0, limit=300.0)
)
VIEWS = {
    "searching": link_view(None, silent_ms=41_000.0),
    "call": link_view(
        robot_state(
            mode=Mode.HOLD, phase=Phase.HANDOVER, call=CALL, hold=Hold(reason=HoldReason.CALLING)
        )
    ),
    "drive": link_view(driven(), deadman=True),
    "hold": link_view(HELD),
    "stop": link_view(driven(mode=Mode.ESTOP, stopped_by="op-3")),
    "lost": link_view(driven(), reach=Reach.LOST, silent_ms=41_000.0, yours=False),
    "proved": link_view(
        robot_state(), media=media_state(recorder=RecorderPhase.SEALED, verdict=EXACT)
    ),
}
SIZES = ((1920, 1080), (1280, 800), (1366, 768), (1600, 900), (2560, 1440), (1280, 1024))


def test_each_look_is_a_sign_of_life_of_the_windows_thread(console: Console) -> None:
    before = len(console.link.alive_at)

    console.window.refresh()

    assert len(console.link.alive_at) == before + 1


def test_the_timer_looks_by_itself(console: Console, qtbot: QtBot) -> None:
    before = len(console.link.alive_at)

    qtbot.waitUntil(lambda: len(console.link.alive_at) >= before + 5, timeout=3000)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", VIEWS)
def test_nothing_is_clipped(
    console: Console, qtbot: QtBot, name: str, size: tuple[int, int]
) -> None:
    console.window.resize(*size)
    console.show(VIEWS[name])
    console.window.reasons.show_reasons(console.window.screen_shown.reasons)  # type: ignore[union-attr]
    console.window.reasons.show()
    with contextlib.suppress(qtbot.TimeoutError):  # rows within a dock take the layout two rounds
        qtbot.waitUntil(lambda: not clipped(console.window), timeout=2_000)
    assert clipped(console.window) == []


def clipped(window: MainWindow) -> list[str]:
    """What is smaller than its text."""
    short = []
    for part in window.findChildren(QWidget):
        if not part.isVisible() or not isinstance(part, QLabel | QPushButton):
            continue
        need = part.minimumSizeHint() if isinstance(part, QLabel) else part.sizeHint()
        if isinstance(part, QLabel) and part.wordWrap():
            high = part.heightForWidth(part.width())
            if part.height() < high:
                short.append(f"{part.text()!r}: {part.height()} px high, needs {high}")
        elif part.width() < need.width() or part.height() < need.height():
            short.append(f"{part.text()!r}: {part.size().toTuple()}, needs {need.toTuple()}")
    return short


@pytest.mark.parametrize("size", [*SIZES, (1180, 720)], ids=str)
@pytest.mark.parametrize("name", ["call", "drive", "proved"])
def test_no_two_parts_overlap_and_none_leaves_the_window(
    console: Console, qtbot: QtBot, name: str, size: tuple[int, int]
) -> None:
    window = console.window
    window.resize(*size)
    console.show(VIEWS[name])
    qtbot.wait(1)

    assert window.size().toTuple() == size
    second = window.second_video
    assert second is not None
    groups: list[list[QWidget]] = [
        [window.top, window.left, window.main_video, window.right, window.timeline, window.status],
        [child for child in window.top.children() if isinstance(child, QWidget)],
        [child for child in window.labels.children() if isinstance(child, QWidget)],
        [child for child in window.left.children() if isinstance(child, QWidget)],
        [second, window.right.track, window.right.telemetry],
        [child for child in window.status.children() if isinstance(child, QWidget)],
    ]
    inside = QRect(QPoint(0, 0), window.size())
    for group in groups:
        placed = [
            (part, QRect(part.mapTo(window, QPoint(0, 0)), part.size()))
            for part in group
            if part.isVisible()
        ]
        for number, (part, rect) in enumerate(placed):
            assert inside.contains(rect), f"{part} leaves the window: {rect}"
            for other, its in placed[number + 1 :]:
                assert not rect.intersects(its), f"{part} {rect} overlaps {other} {its}"


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_picture_stays_at_least_720_px_wide_or_fills_its_height(
    console: Console, qtbot: QtBot, size: tuple[int, int]
) -> None:
    console.window.resize(*size)
    qtbot.wait(1)

    rect = console.window.main_video.picture_rect()
    room = console.window.main_video.height()
    assert rect.width() >= 720 or rect.height() >= room - 5


def test_a_closed_panel_gives_its_width_to_the_picture(console: Console, qtbot: QtBot) -> None:
    console.window.resize(1400, 1000)
    qtbot.wait(1)
    before = console.window.main_video.width()

    console.window.toggle("left", False)

    qtbot.waitUntil(lambda: console.window.main_video.width() > before + 100)


def test_each_control_has_a_name(console: Console, qtbot: QtBot) -> None:
    console.show(VIEWS["drive"])

    nameless = [
        part
        for part in console.window.findChildren(QAbstractButton)
        if part.isVisible() and not part.accessibleName()
    ]
    assert nameless == []
    assert console.window.top.mode.accessibleName() == "Mode: YOU DRIVE"
    readiness = console.window.top.readiness
    qtbot.waitUntil(lambda: readiness.accessibleName() == "Readiness: READY")


def test_a_click_does_not_take_the_keyboard_from_driving(console: Console, qtbot: QtBot) -> None:
    console.show(VIEWS["drive"])

    for button in (console.window.labels.marker, console.window.top.stop):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert console.window.main_video.hasFocus()


def test_the_blue_button_accepts_the_call(console: Console, qtbot: QtBot) -> None:
    console.show(VIEWS["call"])

    QTest.mouseClick(console.window.left.accept, Qt.MouseButton.LeftButton)

    assert console.link.requests == [RequestLease()]


def test_the_blue_button_is_there_only_while_a_call_waits(console: Console) -> None:
    shown = {}
    for name, view in VIEWS.items():
        console.show(view)
        shown[name] = console.window.left.accept.isVisible()

    assert [name for name, visible in shown.items() if visible] == ["call"]


def test_stop_is_never_covered_by_the_reasons(console: Console) -> None:
    for size in SIZES:
        console.window.resize(*size)
        console.show(VIEWS["hold"])
        if not console.window.reasons.isVisible():
            console.window.toggle_reasons()
        stop = console.window.top.stop
        rect = QRect(stop.mapTo(console.window, QPoint(0, 0)), stop.size())
        assert not console.window.reasons.geometry().intersects(rect)


def test_a_refused_request_is_said_in_the_robots_words(console: Console) -> None:
    refused = Refused("Request lease", "op-2 has the lease", console.link.alive_at[-1])

    console.show(replace(VIEWS["drive"], refused=refused))

    screen = console.window.screen_shown
    assert screen is not None
    assert screen.status.message == "Request lease refused: op-2 has the lease"


def test_what_the_console_knows_can_be_copied(console: Console, qapp: object) -> None:
    console.show(VIEWS["hold"])

    console.window.copy()

    from PySide6.QtGui import QGuiApplication

    text = QGuiApplication.clipboard().text()
    assert "HOLD: Not moving: commands are 340 ms old, limit 300 ms" in text


def test_light_and_dark_change_every_part(console: Console) -> None:
    console.show(VIEWS["drive"])
    dark = console.window.grab().toImage()

    console.theme.choose(Qt.ColorScheme.Light)
    light = console.window.grab().toImage()
    console.theme.choose(Qt.ColorScheme.Dark)

    for part in (console.window.top, console.window.left, console.window.timeline):
        at = part.mapTo(console.window, QPoint(4, part.height() - 6))
        assert dark.pixelColor(at).lightness() < 60
        assert light.pixelColor(at).lightness() > 200


# --- start and end ------------------------------------------------------------------------------


def started(link: FakeLink, video: FakeVideo, then: object) -> int:
    return run_console(link, video, title="Test", on_ready=then)  # type: ignore[arg-type]


def test_run_console_returns_zero_when_its_window_is_closed(qapp: object) -> None:
    link, video = FakeLink(), FakeVideo()

    code = started(link, video, lambda window: window.close())

    assert code == 0
    assert video.started
    assert video.closed
    assert link.closed


def test_ctrl_c_closes_the_window_and_says_130(qapp: object) -> None:
    link, video = FakeLink(link_view(driven())), FakeVideo()

    def interrupt(window: MainWindow) -> None:
        threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT)).start()

    assert started(link, video, interrupt) == INTERRUPTED
    assert link.closed
    assert video.closed


def test_no_display_says_what_to_do() -> None:
    with pytest.raises(NoWindow, match="xvfb-run"):
        check_display("linux", {})


@pytest.mark.parametrize(
    "environment",
    [{"DISPLAY": ":0"}, {"WAYLAND_DISPLAY": "wayland-0"}, {"QT_QPA_PLATFORM": "offscreen"}],
)
def test_a_display_or_a_screenless_platform_is_enough(environment: dict[str, str]) -> None:
    check_display("linux", environment)


def test_other_systems_need_no_display_variable() -> None:
    check_display("darwin", {})


def test_a_missing_library_of_x11_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(starting, "_loads", lambda name: "cursor" not in name)

    with pytest.raises(NoWindow, match="sudo apt install libxcb-cursor0\n"):
        check_x11("linux", {"DISPLAY": ":0"})


@pytest.mark.parametrize(
    "environment", [{"QT_QPA_PLATFORM": "offscreen"}, {"WAYLAND_DISPLAY": "wayland-0"}]
)
def test_x11_is_not_asked_for_where_it_is_not_used(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    monkeypatch.setattr(starting, "_loads", lambda name: False)

    check_x11("linux", environment)


def test_a_missing_system_library_of_qt_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError("libEGL.so.1: cannot open shared object file")

    monkeypatch.setattr(importlib, "import_module", missing)

    with pytest.raises(NoWindow, match=r"libEGL\.so\.1.*\n.*sudo apt install libegl1"):
        check_qt()


def test_a_missing_pyside_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError("No module named 'PySide6'")

    monkeypatch.setattr(importlib, "import_module", missing)

    with pytest.raises(NoWindow, match=r"pip install 'unstick\[console\]'"):
        check_qt()
