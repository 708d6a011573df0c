"""The menu bar. Each entry does something now; what cannot be done at present is greyed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QFontMetrics
from PySide6.QtWidgets import QLabel, QMenu

from teleop.input_profile import CAMERA_ACTIONS, Action, Profile
from ui import words
from ui.collect_session import Press
from ui.key_caps import ACCEPTS, HANDS_BACK, RELEASES, REQUESTS, cap_of
from ui.pages import HINTS, Page
from ui.panels import set_text
from ui.screen import Act, Screen
from ui.theme import BODY, Theme, font

if TYPE_CHECKING:
    from ui.main_window import MainWindow
    from ui.tools import Tools

HEIGHT = 28
WHO_W, CLOCK_W = 280, 88  # a name may be 64 characters long


class Menus:
    """Menu bar of the window, with operator and clock in its corner."""

    def __init__(self, window: MainWindow, theme: Theme) -> None:
        self._window = window
        self._theme = theme
        self._acts: dict[Act, QAction] = {}
        self._keyed: list[tuple[QAction, str, tuple[Action, ...]]] = []
        bar = window.menuBar()
        bar.setFont(font(BODY))
        bar.setFixedHeight(HEIGHT)
        self.corner = QLabel()
        self.corner.setFont(font(BODY))
        self.corner.setFixedHeight(HEIGHT)
        self.corner.setAlignment(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
        self.corner.setProperty("role", "label")
        self.corner.setContentsMargins(0, 0, 12, 0)
        self.corner.setFixedWidth(WHO_W + CLOCK_W)
        bar.setCornerWidget(self.corner)
        self._file()
        self._edit()
        self._view()
        self._robot()
        self._episode()
        self._tools = self._menu("&Tools")
        self._tools.menuAction().setVisible(False)
        menu = self._menu("&Help")
        self._entry(menu, "&Keys", window.show_keys, Action.HELP)
        self._entry(menu, "&About Unstick", window.show_about)

    def enable(self, screen: Screen) -> None:
        """Grey what cannot be done in this state."""
        for act, entry in self._acts.items():
            if entry.isEnabled() != screen.may(act):
                entry.setEnabled(screen.may(act))

    def show_keys(self, profile: Profile) -> None:
        """Name the keys of a profile."""
        for entry, text, bound in self._keyed:
            # The key stands behind a tab, as text: the keys themselves belong to `KeyCapture`.
            key = cap_of(profile, *bound)
            entry.setText(f"{text}\t{key}" if key else text)

    def show_who(self, who: str, time_of_day: str) -> None:
        """Who this console is, and the time, in the corner."""
        metrics = QFontMetrics(self.corner.font())
        fitted = metrics.elidedText(who, Qt.TextElideMode.ElideMiddle, WHO_W)
        set_text(self.corner, f"{fitted}   {time_of_day}".strip())
        self.corner.setToolTip(who)

    def _file(self) -> None:
        menu = self._menu("&File")
        self._entry(menu, "&Quit", self._window.close).setShortcut("Ctrl+Q")

    def _edit(self) -> None:
        menu = self._menu("&Edit")
        copy = self._entry(menu, "&Copy what the console knows", self._window.copy)
        copy.setShortcut("Ctrl+Shift+C")

    def offer_tools(self, tools: Tools) -> None:
        """Preferences, keys, and a report for somebody who helps."""
        menu = self._tools
        self._entry(menu, "&Preferences…", tools.show_preferences).setShortcut("Ctrl+,")
        self._entry(menu, "&Keys and gamepads…", tools.show_shortcuts)
        menu.addSeparator()
        self._entry(menu, "&Report without secrets…", tools.save_report)
        menu.menuAction().setVisible(True)

    def _robot(self) -> None:
        menu = self._menu("&Robot")
        self._acting(menu, Act.REQUEST, "Request &lease", *REQUESTS)
        self._acting(menu, Act.RELEASE, "R&elease lease", *RELEASES)
        self._acting(menu, Act.ACCEPT, "&Accept call and drive", *ACCEPTS)
        self._entry(menu, "Ne&xt call", self._window.frame.next_call).setShortcut("N")
        self._acting(menu, Act.GRANT, "&Grant the lease")
        self._acting(menu, Act.DENY, "&Keep the lease")
        self._acting(menu, Act.TAKE_OVER, "Take &over…")
        menu.addSeparator()
        self._acting(menu, Act.ARM, "A&rm motors", Action.ARM)
        self._acting(menu, Act.LET_DRIVE, "Let it &drive")
        self._acting(menu, Act.HAND_BACK, "&Hand back to autonomy", *HANDS_BACK)
        self._acting(menu, Act.HIGH_LATENCY, "H&igh latency: slower, older commands count")
        self._acting(menu, Act.NORMAL, "&Normal latency")
        menu.addSeparator()
        self._acting(menu, Act.STOP, "&STOP", Action.STOP)
        self._acting(menu, Act.RESET, "Reset S&TOP…")
        self._acting(menu, Act.CLEAR_FAULT, "Clear &fault…")

    def _episode(self) -> None:
        menu = self._menu("&Episode")
        self._acting(menu, Act.RECOVERY, "Phase &recovery")
        self._acting(menu, Act.CORRECTION, "Phase &correction")
        self._acting(menu, Act.SCENE_RESET, "Phase rese&t")
        self._acting(menu, Act.MARKER, "&Marker", Action.MARKER)
        menu.addSeparator()
        self._acting(menu, Act.SUCCESS, "Outcome &success", Action.SUCCESS)
        self._acting(menu, Act.FAILURE, "Outcome &failure", Action.FAILURE)
        self._acting(menu, Act.CLEAR, "&Take the outcome back", Action.CLEAR_OUTCOME)
        self._acting(menu, Act.REASON, "Rea&son…")
        self._acting(menu, Act.NOTE, "&Note…")
        self._acting(menu, Act.TASK, "Tas&k…")
        menu.addSeparator()
        for press, text, key in (
            (Press.REDO, "Do it &again", "F7"),
            (Press.UNDO, "&Undo keep or discard", "Ctrl+Z"),
        ):
            entry = self._entry(menu, text, partial(self._window.collect_press, press))
            entry.setShortcut(key)
        menu.addSeparator()
        self._acting(menu, Act.DISCARD, "&Discard the last episode")
        self._acting(menu, Act.RESTORE, "&Undo the discard")
        menu.addSeparator()
        self.review = self._entry(menu, "Re&view", self._window.review)
        menu.aboutToShow.connect(self.look_for_library)
        self.look_for_library()

    def look_for_library(self) -> None:
        """There is a folder from the first episode on that was recorded on this machine."""
        library = self._window.library
        self.review.setEnabled(library is not None and library.is_dir())

    def show_cameras(self, cameras: Sequence[str]) -> None:
        """The cameras of the shown robot, to choose from."""
        menu = self._main_view
        menu.clear()
        self._keyed = [each for each in self._keyed if each[2][0] not in CAMERA_ACTIONS]
        for number, camera in enumerate(cameras, start=1):
            show = partial(self._window.show_camera, number)
            self._entry(menu, f"&{number} {words.camera(camera)}", show, CAMERA_ACTIONS[number - 1])
        menu.menuAction().setVisible(len(cameras) > 1)

    def offer_pages(self, pages: Collection[Page]) -> None:
        """The pages that this window has."""
        for number, (page, entry) in enumerate(self._pages.items(), start=1):
            entry.setVisible(page in pages and len(pages) > 1)
            entry.setShortcut(f"Alt+{number}")  # with Ctrl, which is precise, digits are cameras

    def _view(self) -> None:
        window = self._window
        menu = self._menu("&View")
        self._pages = {
            page: self._entry(menu, page.value, partial(window.show_page, page)) for page in Page
        }
        for page, entry in self._pages.items():
            entry.setToolTip(HINTS[page])
            entry.setStatusTip(HINTS[page])
        self.offer_pages((Page.DRIVE,))
        menu.addSeparator()
        self._main_view = menu.addMenu("&Main view")
        self._entry(menu, "&Reasons", window.toggle_reasons, Action.REASONS)
        self.figures = self._entry(menu, "Link fi&gures", window.toggle_figures, Action.FIGURES)
        self.figures.setCheckable(True)
        menu.addSeparator()
        for name, part in (
            ("&Calls and rescues", "left"),
            ("Camera and &telemetry", "right"),
            ("Time&line", "timeline"),
        ):
            entry = self._menu_check(menu, name, checked=True)
            entry.toggled.connect(lambda shown, which=part: window.toggle(which, shown))
        menu.addSeparator()
        group = QActionGroup(window)
        for name, scheme in (
            ("Colours of the s&ystem", Qt.ColorScheme.Unknown),
            ("&Dark", Qt.ColorScheme.Dark),
            ("L&ight", Qt.ColorScheme.Light),
        ):
            entry = self._menu_check(menu, name, checked=scheme == Qt.ColorScheme.Unknown)
            group.addAction(entry)
            entry.triggered.connect(lambda _on=False, which=scheme: self._theme.choose(which))
        menu.addSeparator()
        self._entry(menu, "&Full screen", window.full_screen, Action.FULL_SCREEN)

    def _menu(self, name: str) -> QMenu:
        menu = self._window.menuBar().addMenu(name)
        menu.setFont(font(BODY))
        return menu

    @staticmethod
    def _menu_check(menu: QMenu, name: str, *, checked: bool) -> QAction:
        entry = menu.addAction(name)
        entry.setCheckable(True)
        entry.setChecked(checked)
        return entry

    def _entry(self, menu: QMenu, text: str, do: Callable[[], object], *bound: Action) -> QAction:
        entry = menu.addAction(text)
        entry.triggered.connect(lambda _checked=False: do())
        if bound:
            self._keyed.append((entry, text, bound))
        return entry

    def _acting(self, menu: QMenu, act: Act, text: str, *bound: Action) -> None:
        self._acts[act] = self._entry(menu, text, lambda: self._window.act(act), *bound)
