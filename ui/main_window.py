"""The console's window: asks the link 15 times a second what is known, and shows it.

All decisions about words are in `ui.view_state`; all decisions about motion are on the robot.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QGuiApplication,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QVBoxLayout, QWidget

from teleop.glimpse import RobotGlimpse
from teleop.operator_input import OperatorInput
from teleop.operator_view import LinkView
from teleop.profile_files import Controls
from teleop.station import Station
from transport import clock
from transport.messages import ReleaseLease
from ui import icons, words
from ui.acting import Acting
from ui.bars import Status
from ui.bridge import Link, VideoFeed, Wake
from ui.call_desk import Opened
from ui.collect_session import Press
from ui.collecting import Collecting
from ui.facts import heard
from ui.kept_choice import KeptChoice
from ui.key_caps import show_caps
from ui.key_capture import KeyCapture
from ui.layout import is_compact
from ui.link_figures import Way
from ui.menus import HEIGHT as MENU_H
from ui.menus import Menus
from ui.overlays import Overlays
from ui.page_frame import PageFrame
from ui.pages import ANYWHERE, Page, drives, pictured
from ui.picture_state import latency_ms
from ui.preferences import PreferenceStore
from ui.reason_dialog import ReasonDialog
from ui.screen import Act, Look, Screen
from ui.sheets import AboutSheet
from ui.shown_robot import ShownRobot
from ui.switched_link import SwitchedLink
from ui.theme import Theme
from ui.tools import Tools
from ui.top_bar import TopBar
from ui.touches import Touches
from ui.view_state import as_text, screen_of

log = logging.getLogger("ui")

VIEW_HZ = 15  # words and numbers; pictures come at their own rate
SLOW_EVERY = 3  # traces, track, figures of the link: 5 Hz
LOG_LINES = 24
TOLD_NS = 4 * clock.NS_PER_S  # what a key or a button could not do stays for so long
MINIMUM = (1180, 720)


class MainWindow(QMainWindow):
    """Top bar, a rail of pages, status bar; the page to drive on is the robot's."""

    def __init__(
        self,
        link: Link,
        video: VideoFeed,
        theme: Theme,
        *,
        title: str = "Unstick",
        controls: Controls | None = None,
        kept: KeptChoice | None = None,
        library: Path | None = None,
    ) -> None:
        """`kept` says which camera was in which place the last time; `library` where the robot's
        episodes are kept, if that is on this machine."""
        super().__init__()
        self._link = SwitchedLink(link)
        self.controls = controls or Controls()
        self.theme = theme
        self.library = library
        self.figures_shown = False
        self.hidden_parts: frozenset[str] = frozenset()
        self.tools: Tools | None = None
        self._said: tuple[str, Look] = ("", Look.QUIET)  # by the page, for the status line
        self._closing = False
        self._turns = 0
        self.yours_since_ns = 0
        self.view: LinkView | None = None
        # A gamepad sends on without the focus: its owner must ask here first. Read by any thread.
        self.focused = False
        self.screen_shown: Screen | None = None
        self._wake = Wake(self.wake, self)
        video.subscribe(self._wake.poke)
        self.robot = ShownRobot(theme, link, video, kept)
        self.setWindowTitle(title)
        self.setWindowIcon(icons.icon("unstick", theme.color("blue")))
        self.setMinimumSize(*MINIMUM)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.acting = Acting(self, self._link)
        self.act = self.acting.act
        self.collecting = Collecting(self)
        self._build()
        self.menus = Menus(self, theme)
        self.keys = KeyCapture(
            self, self._link.set_input, self.acting.do, self._link.stop, self.controls.profile
        )
        self._take(self.robot)
        self.frame.add({})
        self.touches = Touches(self, self._link.touched)
        theme.changed.connect(self._repaint_all)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.refresh)
        self._timer.start(1000 // VIEW_HZ)
        self.refresh()

    # --- parts ------------------------------------------------------------------------------------

    def _build(self) -> None:
        theme = self.theme
        self.top = TopBar(theme)
        self.frame = PageFrame(self)
        self.rail, self.stack = self.frame.rail, self.frame.stack
        self.status = Status(theme)
        body = QWidget()
        body.setObjectName("body")
        outer = QVBoxLayout(body)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.top)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.rail)
        middle.addWidget(self.stack, 1)
        outer.addLayout(middle, 1)
        outer.addWidget(self.status)
        self.setCentralWidget(body)
        self.overlays = Overlays(self)
        self.reasons, self.notice = self.overlays.reasons, self.overlays.notice
        self.cheat_sheet = self.overlays.cheat_sheet
        self.toggle_reasons, self.show_keys = self.overlays.toggle_reasons, self.overlays.show_keys
        self.top.readiness.clicked.connect(self.toggle_reasons)
        self.top.stop.clicked.connect(self._link.stop)
        self.top.lease_button.clicked.connect(lambda: self.act(self.top.lease_act))

    def _take(self, robot: ShownRobot) -> None:
        """Show this robot: its page takes the place of the one before."""
        self.robot, self.drive = robot, robot.page
        self.cameras, self.history, self.picture_log = (
            robot.cameras,
            robot.history,
            robot.picture_log,
        )
        self.main_video, self.second_video = robot.cameras.main, robot.cameras.second
        page = robot.page
        self.left, self.right, self.labels = page.left, page.right, page.labels
        self.timeline = page.timeline
        self.frame.take_drive(page)
        for view in robot.cameras.views[1:]:
            view.clicked.connect(self.refresh)
        page.left.accept.clicked.connect(lambda: self.act(Act.ACCEPT))
        page.left.take_over.clicked.connect(lambda: self.act(Act.TAKE_OVER))
        page.labels.acted.connect(self.act)
        page.hide_parts(self.hidden_parts)
        page.collect.setup.begun.connect(self.collecting.begin)
        page.collect.undo.clicked.connect(lambda: self.collecting.press(Press.UNDO))
        page.collect_bar.pressed.connect(self.collecting.press)
        self.top.follow(robot.history)
        self.menus.show_cameras(robot.cameras.order.cameras)
        show_caps(self, self.keys.profile)
        order: list[QWidget] = [
            *self.rail.buttons.values(),
            *page.in_tab_order(self.notice.buttons),
            self.top.lease_button,
            self.top.readiness,
            self.top.stop,
        ]
        for one, following in pairwise(order):
            QWidget.setTabOrder(one, following)
        if self.isVisible():
            self._arrange()
            page.cameras.main.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- pages and robots -------------------------------------------------------------------------

    @property
    def page(self) -> Page:
        """Which one is shown."""
        return self.frame.shown

    @property
    def link(self) -> SwitchedLink:
        """To whichever robot is shown."""
        return self._link

    def serve(
        self, station: Station, open_robot: Callable[[RobotGlimpse], Opened], shown: str
    ) -> None:
        """Look after all robots of the address book from here on; `shown` is the one that the
        window shows now, as `RobotGlimpse.paired`."""
        self.frame.serve(station, open_robot, shown)

    def use_preferences(self, store: PreferenceStore) -> None:
        """What the operator prefers counts from here on, and can be changed."""
        self.tools = Tools(self, store)
        self.collecting.beep = self.tools.beep
        self.menus.offer_tools(self.tools)

    def show_page(self, page: Page) -> None:
        """Another page; where nobody sees where the robot goes, nothing drives it."""
        refused = self.frame.show(page)
        if refused:
            self.history.tell(refused, clock.now_ns())
            return
        self.keys.limit(None if drives(page) else ANYWHERE)
        self._link.set_focus(self.focused and drives(page))
        self.put_away()
        self._arrange()
        self.refresh()

    def connect_to(self, link: Link, video: VideoFeed, kept: KeptChoice | None = None) -> None:
        """Another robot from here on. The one before is let go of: its lease is given back, and its
        link is closed behind the window, for saying goodbye takes a moment."""
        self._let_robot_go()
        old = self.robot
        old.cameras.keep()
        self._link.to(link)
        video.subscribe(self._wake.poke)
        self.view = None
        self._take(ShownRobot(self.theme, link, video, kept))
        self._link.set_focus(self.focused and drives(self.page))
        threading.Thread(target=_close, args=(old,), name="goodbye", daemon=True).start()
        video.start()
        self.refresh()

    # --- what happens -----------------------------------------------------------------------------

    def wake(self) -> None:
        """A mailbox got a picture: repaint what has a new one."""
        if not self.frame.wake():
            self.cameras.wake()

    def refresh(self) -> None:
        """One look at what is known; also the sign of life of this thread."""
        now_ns = clock.now_ns()
        self._note_focus()
        self._link.alive(now_ns)
        self._said = ("", Look.QUIET)
        self.frame.look(self._link.view(now_ns).session, now_ns)  # may bring another robot
        view = self._link.view(now_ns)
        if view.yours and not (self.view and self.view.yours):
            self.yours_since_ns = now_ns
        self.view = view
        self._follow_profile(view)
        self._follow_cameras(view)
        pictures = self.cameras.look(view, now_ns)
        self.picture_log.look(now_ns)
        seen = latency_ms(view, pictures[0]) if pictured(self.page) else None
        self.history.note(view, seen, now_ns)
        self.history.note_video(self.robot.video.problem)
        self.history.note_page(drives(self.page), pictured(self.page))
        wall = clock.wall_time().astimezone()
        screen = screen_of(
            view, pictures, self.history.facts, now_ns, wall, list(self.history.marks)[-LOG_LINES:]
        )
        self.drive.show_collect(sitting := self.collecting.look(view, now_ns))
        if self.page is Page.COLLECT:
            self.say(sitting.message, sitting.look)
        message, look = self._said if self._said[0] else self.frame.message()
        if message and now_ns - self.history.facts.told_ns > TOLD_NS:
            said = replace(screen.status, message=message, message_look=look)
            screen = replace(screen, status=said)
        self.show_screen(self.robot.settle.settled(screen, now_ns), words.clock(wall))

    def _follow_profile(self, view: LinkView) -> None:
        """The profile depends on the operator, the robot and the gamepad, known one by one; another
        one waits until no driving key is held."""
        controls = self.controls
        controls.operator = view.name or controls.operator
        if view.state is not None:
            controls.robot, controls.kind = view.state.robot, view.state.kind
        if controls.profile is not self.keys.profile and not self.keys.keyboard.down:
            self.keys.use(controls.profile)
            show_caps(self, controls.profile)
            self._arrange()

    def _follow_cameras(self, view: LinkView) -> None:
        """What a robot has is known only when it says so, and may change while it is shown."""
        if view.media is not None and view.media.cameras:
            self.robot.video.expect([camera.name for camera in view.media.cameras])
        if self.robot.has_other_cameras:
            self._take(self.robot.with_new_cameras(self.theme))

    def show_screen(self, screen: Screen, time_of_day: str) -> None:
        """Show it, part by part; each part repaints only what changed."""
        self.screen_shown = screen
        self.top.show_screen(screen)
        self.drive.show_screen(screen)
        self.frame.show_picture(screen.pictures[0])
        self.status.show_status(screen.status)
        self.overlays.show_screen(screen)
        for dialog in self.findChildren(ReasonDialog):
            dialog.show_stop(screen.stop)
        if self._turns % SLOW_EVERY == 0:
            self.right.telemetry.show_rows(screen.telemetry)
            self.right.show_state(heard(self.view) if self.view else None)
            self.top.spark.update()
            self._show_figures()
        self._turns += 1
        if self.tools is not None:
            self.tools.look(screen, clock.now_ns(), self.frame.calling())
        self.menus.show_who(screen.who, time_of_day)
        self.menus.enable(screen)

    def say(self, message: str, look: Look) -> None:
        """What the shown page has to say in the status line, until the next look."""
        self._said = (message, look)

    def collect_press(self, press: Press) -> None:
        """From the menu; on other pages it means nothing."""
        if self.page is Page.COLLECT:
            self.collecting.press(press)

    def let_go(self) -> None:
        """Motion to zero, until what is held was released and is pressed again."""
        self.keys.release_all()
        self._link.let_go()

    @property
    def pad_counts(self) -> bool:
        """Whether a gamepad's buttons are heeded: with the focus, or by its profile."""
        return self.focused or self.controls.profile.pad.in_background

    def put_away(self) -> None:
        """Close what lies over the page; the keyboard belongs to what the page is for."""
        self.overlays.put_away()
        self.frame.first().setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_camera(self, number: int) -> None:
        """Camera `number`, counted from 1, in the main view; the one that was there takes its
        place."""
        cameras = self.cameras.order.cameras
        if number > len(cameras):
            self.history.tell(f"There is no camera {number} here", clock.now_ns())
        elif self.cameras.swap(cameras[number - 1]):
            self.refresh()

    def toggle_figures(self) -> None:
        """Show or hide the figures of the link over the main picture."""
        self.figures_shown = not self.figures_shown
        self.menus.figures.setChecked(self.figures_shown)
        self._show_figures()

    def _show_figures(self) -> None:
        view = self.view if self.figures_shown else None
        video = self.robot.video
        way = Way("" if video.problem else video.way, video.server_trouble)
        figures = self.cameras.figures(view, way, clock.now_ns()) if view else None
        self.main_video.show_figures(figures)

    def show_about(self) -> None:
        """What this program is."""
        shown = self.findChild(AboutSheet)
        sheet = shown if isinstance(shown, AboutSheet) else AboutSheet(self.theme, self)
        sheet.show()
        sheet.raise_()

    def review(self) -> None:
        """The episodes of the library that is here."""
        self.show_page(Page.REVIEW)

    def copy(self) -> None:
        """What the console knows, as text, for a report."""
        if self.screen_shown is not None:
            QGuiApplication.clipboard().setText(as_text(self.screen_shown))

    def toggle(self, name: str, shown: bool) -> None:
        """Show or hide a part of the page to drive on; its room goes to the picture."""
        self.hidden_parts = self.hidden_parts - {name} if shown else self.hidden_parts | {name}
        self.drive.hide_parts(self.hidden_parts)
        self._arrange()

    def full_screen(self) -> None:
        """In and out of full screen."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _repaint_all(self) -> None:
        self.timeline.redraw()
        for part in self.findChildren(QWidget):
            part.update()

    def open_here(self, size: tuple[int, int] | None = None) -> None:
        """Show the window: 1920x1080 where it fits, else as large as the screen has room."""
        if size is not None:
            self.resize(*size)
            self.show()
            return
        room = self.screen().availableGeometry()
        if room.width() > 1960 and room.height() > 1160:
            self.resize(1920, 1080)
            self.show()
        else:
            self.resize(min(1280, room.width()), min(800, room.height()))
            self.showMaximized()

    # --- Qt ---------------------------------------------------------------------------------------

    def lay_out(self) -> None:
        """The text has another size, or a part has appeared."""
        self._arrange()

    def _arrange(self) -> None:
        """Sizes of all parts for this size of window."""
        compact = is_compact(self.width(), self.height())
        self.rail.arrange(compact)
        self.top.arrange(compact)
        width = self.width() - self.rail.width()
        height = self.height() - MENU_H - self.top.height() - self.status.height()
        self.frame.arrange(width, height, compact)
        self.overlays.place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._arrange()
        self.main_video.setFocus(Qt.FocusReason.OtherFocusReason)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.ActivationChange, QEvent.Type.WindowStateChange):
            self._note_focus()

    def _note_focus(self) -> None:
        """Without the focus nothing drives, whichever input is held."""
        handle = self.windowHandle()
        seen = handle is not None and handle.isExposed()
        focused = self.isActiveWindow() and not self.isMinimized() and seen
        if focused == self.focused:
            return
        self.focused = focused
        self._link.set_focus(focused and drives(self.page))
        if not focused:
            self.keys.release_all()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._closing:
            self._closing = True
            self._timer.stop()
            self.keys.close()
            self.touches.close()
            self.cameras.keep()
            self._let_robot_go()
            self._wake.close()
            self.frame.close()
            if self.tools is not None:
                self.tools.close()
        super().closeEvent(event)

    def _let_robot_go(self) -> None:
        """Hands off, and the lease back: the robot holds and calls again; whoever leaves does so
        on purpose."""
        self.keys.release_all()
        self._link.set_input(OperatorInput(input_ns=clock.now_ns()))
        state = heard(self.view) if self.view else None
        if state is not None and self.view is not None and self.view.yours:
            self._link.request(ReleaseLease(epoch=state.lease.epoch))


def _close(robot: ShownRobot) -> None:
    robot.video.close()
    robot.link.close()
