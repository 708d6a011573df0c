"""The console's window: asks the link 15 times a second what is known, and shows it.

All decisions about words are in `ui.view_state`; all decisions about motion are on the robot.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
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

from teleop.operator_input import OperatorInput
from teleop.operator_view import LinkView
from teleop.profile_files import Controls
from transport import clock
from transport.mailbox import Mailbox
from transport.messages import ReleaseLease
from transport.picture import Picture
from transport.video_figures import VideoFigures
from ui import icons, words
from ui.acting import Acting
from ui.bars import Labels, Status
from ui.bridge import Link
from ui.cameras import Cameras
from ui.facts import heard
from ui.history import History
from ui.kept_choice import KeptChoice
from ui.key_caps import show_caps
from ui.key_capture import KeyCapture
from ui.layout import MARGIN, widths
from ui.left_dock import LeftDock
from ui.link_figures import Way
from ui.menus import HEIGHT as MENU_H
from ui.menus import Menus
from ui.overlays import Overlays
from ui.picture_log import PictureLog
from ui.picture_state import latency_ms
from ui.reason_dialog import ReasonDialog
from ui.review_process import open_review
from ui.right_dock import RightDock
from ui.screen import Act, Screen
from ui.settle import Settle
from ui.sheets import AboutSheet
from ui.theme import Theme
from ui.timeline import Timeline
from ui.top_bar import TopBar
from ui.touches import Touches
from ui.view_state import as_text, screen_of

log = logging.getLogger("ui")

VIEW_HZ = 15  # words and numbers; pictures come at their own rate
SLOW_EVERY = 3  # traces, track, figures of the link: 5 Hz
LOG_LINES = 24
MINIMUM = (1180, 720)


class MainWindow(QMainWindow):
    """One window, one page: drive."""

    def __init__(
        self,
        link: Link,
        mailboxes: Mapping[str, Mailbox[Picture]],
        theme: Theme,
        *,
        title: str = "Unstick",
        controls: Controls | None = None,
        figures: Mapping[str, VideoFigures] | None = None,
        problem: Callable[[], str] = lambda: "",
        way: Callable[[], Way] = Way,
        kept: KeptChoice | None = None,
        library: Path | None = None,
        show_at: Callable[[str, int], None] = lambda camera, width_px: None,
    ) -> None:
        """`figures` of each camera and the `way` they come are looked at while they are shown;
        `problem` says why there is no video connection; `kept` says which camera was in which place
        the last time; `library` where the robot's episodes are kept, if that is on this machine;
        `show_at` is told how wide each camera is shown."""
        super().__init__()
        self._link = link
        self.controls = controls or Controls()
        self.theme = theme
        self.library = library
        self.cameras = Cameras(
            theme, mailboxes, {} if figures is None else figures, self._main_painted, kept, show_at
        )
        self.main_video, self.second_video = self.cameras.main, self.cameras.second
        self.figures_shown = False
        self._problem = problem
        self._way = way
        self._closing = False
        self._turns = 0
        self.yours_since_ns = 0
        self.history = History()
        self.picture_log = PictureLog(self.cameras.feeds.values(), clock.now_ns())
        self.settle = Settle()
        self.view: LinkView | None = None
        # A gamepad sends on without the focus: its owner must ask here first. Read by any thread.
        self.focused = False
        self.screen_shown: Screen | None = None
        self.setWindowTitle(title)
        self.setWindowIcon(icons.icon("unstick", theme.color("blue")))
        self.setMinimumSize(*MINIMUM)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.acting = Acting(self, link)
        self.act = self.acting.act
        self._build()
        self.menus = Menus(self, theme, self.cameras.order.cameras)
        self.keys = KeyCapture(
            self, link.set_input, self.acting.do, link.stop, self.controls.profile
        )
        show_caps(self, self.keys.profile)
        self.touches = Touches(self, link.touched)
        theme.changed.connect(self._repaint_all)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.refresh)
        self._timer.start(1000 // VIEW_HZ)
        self.refresh()

    # --- parts ------------------------------------------------------------------------------------

    def _build(self) -> None:
        theme = self.theme
        for view in self.cameras.views[1:]:
            view.clicked.connect(self.refresh)
        self.top = TopBar(theme, self.history)
        self.left = LeftDock(theme)
        self.right = RightDock(theme, self.history, self.second_video, self.cameras.strip)
        self.labels = Labels(theme)
        self.timeline = Timeline(theme, self.history)
        self.status = Status(theme)
        body = QWidget()
        body.setObjectName("body")
        outer = QVBoxLayout(body)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.top)
        middle = QHBoxLayout()
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        middle.addWidget(self.left)
        centre = QVBoxLayout()
        centre.setContentsMargins(MARGIN, MARGIN, MARGIN, 0)
        centre.setSpacing(0)
        centre.addWidget(self.main_video, 1)
        centre.addWidget(self.labels)
        middle.addLayout(centre, 1)
        middle.addWidget(self.right)
        outer.addLayout(middle, 1)
        outer.addWidget(self.timeline)
        outer.addWidget(self.status)
        self.setCentralWidget(body)
        self.overlays = Overlays(self)
        self.reasons, self.notice = self.overlays.reasons, self.overlays.notice
        self.cheat_sheet = self.overlays.cheat_sheet
        self.toggle_reasons, self.show_keys = self.overlays.toggle_reasons, self.overlays.show_keys
        self.top.readiness.clicked.connect(self.toggle_reasons)
        self.top.stop.clicked.connect(self._link.stop)
        self.top.lease_button.clicked.connect(lambda: self.act(self.top.lease_act))
        self.left.accept.clicked.connect(lambda: self.act(Act.ACCEPT))
        self.left.take_over.clicked.connect(lambda: self.act(Act.TAKE_OVER))
        self.labels.acted.connect(self.act)
        order: list[QWidget] = [
            self.main_video,
            *self.notice.buttons,
            self.top.lease_button,
            self.top.readiness,
            self.top.stop,
            self.left.accept,
            self.left.take_over,
            self.labels.phase,
            self.labels.marker,
            self.labels.success,
            self.labels.failure,
            self.labels.let_drive,
            self.labels.hand_back,
        ]
        for one, following in pairwise(order):
            QWidget.setTabOrder(one, following)

    # --- what happens -----------------------------------------------------------------------------

    def wake(self) -> None:
        """A mailbox got a picture: repaint what has a new one."""
        self.cameras.wake()

    def refresh(self) -> None:
        """One look at what is known; also the sign of life of this thread."""
        now_ns = clock.now_ns()
        self._note_focus()
        self._link.alive(now_ns)
        view = self._link.view(now_ns)
        if view.yours and not (self.view and self.view.yours):
            self.yours_since_ns = now_ns
        self.view = view
        self._follow_profile(view)
        pictures = self.cameras.look(view, now_ns)
        self.picture_log.look(now_ns)
        self.history.note(view, latency_ms(view, pictures[0]), now_ns)
        self.history.note_video(self._problem())
        wall = clock.wall_time().astimezone()
        screen = screen_of(
            view, pictures, self.history.facts, now_ns, wall, list(self.history.marks)[-LOG_LINES:]
        )
        self.show_screen(self.settle.settled(screen, now_ns), words.clock(wall))

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

    def show_screen(self, screen: Screen, time_of_day: str) -> None:
        """Show it, part by part; each part repaints only what changed."""
        self.screen_shown = screen
        self.top.show_screen(screen)
        self.cameras.show_faces(screen)
        self.right.show_second(screen)
        self.left.show_screen(screen)
        self.labels.show_labels(screen.labels)
        self.status.show_status(screen.status)
        self.timeline.show_latency(screen.latency, screen.latency_look, screen.latency_limit_ms)
        self.right.self_test.show_chip(screen.self_test)
        self.overlays.show_screen(screen)
        for dialog in self.findChildren(ReasonDialog):
            dialog.show_stop(screen.stop)
        if self._turns % SLOW_EVERY == 0:
            self.right.telemetry.show_rows(screen.telemetry)
            self.right.show_state(heard(self.view) if self.view else None)
            self.top.spark.update()
            self._show_figures()
        self._turns += 1
        self.menus.show_who(screen.who, time_of_day)
        self.menus.enable(screen)

    def let_go(self) -> None:
        """Motion to zero, until what is held was released and is pressed again."""
        self.keys.release_all()
        self._link.let_go()

    @property
    def pad_counts(self) -> bool:
        """Whether a gamepad's buttons are heeded: with the focus, or by its profile."""
        return self.focused or self.controls.profile.pad.in_background

    def put_away(self) -> None:
        """Close what lies over the picture; the keyboard belongs to driving again."""
        self.overlays.put_away()
        self.main_video.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _main_painted(self, picture: Picture, painted_ns: int) -> None:
        self._link.painted(picture.captured_ns)

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
        figures = self.cameras.figures(view, self._way(), clock.now_ns()) if view else None
        self.main_video.show_figures(figures)

    def show_about(self) -> None:
        """What this program is."""
        shown = self.findChild(AboutSheet)
        sheet = shown if isinstance(shown, AboutSheet) else AboutSheet(self.theme, self)
        sheet.show()
        sheet.raise_()

    def review(self) -> None:
        """The episodes of the library that is here, in a window and a process of its own."""
        if self.library is not None:
            open_review(self.library)

    def copy(self) -> None:
        """What the console knows, as text, for a report."""
        if self.screen_shown is not None:
            QGuiApplication.clipboard().setText(as_text(self.screen_shown))

    def toggle(self, part: QWidget, shown: bool) -> None:
        """Show or hide a part; its room goes to the picture."""
        part.setVisible(shown)
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

    def _arrange(self) -> None:
        """Sizes of all parts for this size of window."""
        timeline = 0 if self.timeline.isHidden() else 1
        body = self.height() - MENU_H - self.top.height() - self.status.height()
        compact = widths(self.width(), self.height(), body, left_open=True, right_open=True).compact
        self.timeline.arrange(compact)
        body -= timeline * self.timeline.height()
        found = widths(
            self.width(),
            self.height(),
            body,
            left_open=not self.left.isHidden(),
            right_open=not self.right.isHidden(),
            thumbs=len(self.cameras.strip),
        )
        if found.left:
            self.left.setFixedWidth(found.left)
        if found.right:
            self.right.setFixedWidth(found.right)
            self.right.arrange(found.right, body, compact)
        self.left.arrange(compact)
        self.top.arrange(compact)
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
        self._link.set_focus(focused)
        if not focused:
            self.keys.release_all()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._closing:
            self._closing = True
            self._timer.stop()
            self.keys.close()
            self.touches.close()
            self.cameras.keep()
            self._link.set_input(OperatorInput(input_ns=clock.now_ns()))
            state = heard(self.view) if self.view else None
            if state is not None and self.view is not None and self.view.yours:
                # The robot holds and calls again; whoever left did so on purpose.
                self._link.request(ReleaseLease(epoch=state.lease.epoch))
        super().closeEvent(event)
