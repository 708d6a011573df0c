"""What lies over the window and takes no focus: the reasons, the notice, the cheat sheet.

They are children of the window, placed here: none covers STOP, and none covers another's buttons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

from ui.cheat_sheet import CheatSheet
from ui.layout import MARGIN
from ui.notice_bar import NoticeBar
from ui.pages import Page, drives
from ui.reasons import ReasonsPopup
from ui.screen import Screen

if TYPE_CHECKING:
    from ui.main_window import MainWindow

NOTICE_TOP = 40  # below the tag of the picture


class Overlays:
    """Makes, places and toggles them, in the window's thread."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.reasons = ReasonsPopup(window.theme, window)
        self.reasons.acted.connect(window.act)
        self.reasons.closed.connect(self.toggle_reasons)
        self.notice = NoticeBar(window.theme, window)
        self.notice.acted.connect(window.act)
        self.cheat_sheet = CheatSheet(window.theme, window)
        self.cheat_sheet.closed.connect(self.show_keys)

    def show_screen(self, screen: Screen) -> None:
        """Take new values."""
        if self.reasons.isVisible():
            self.reasons.show_reasons(screen.reasons)
        notice = screen.notice
        if not drives(self._window.page) and notice is not None and not notice.buttons:
            notice = None  # where nothing is driven only questions between people matter
        self.notice.show_notice(notice)
        self._place_notice()
        if self.cheat_sheet.isVisible():
            self._show_cheat_sheet()

    def place(self) -> None:
        """The window has another size."""
        if self.reasons.isVisible():
            self._place_reasons()
        self._place_notice()
        if self.cheat_sheet.isVisible():
            self._show_cheat_sheet()

    def put_away(self) -> None:
        """Close what can be opened again by a key."""
        self.cheat_sheet.hide()
        self.reasons.hide()
        self._window.top.readiness.set_open(False)

    def toggle_reasons(self) -> None:
        """Open or close the reasons pop-up."""
        window = self._window
        shown = not self.reasons.isVisible()
        if shown and window.screen_shown is not None:
            self.reasons.show_reasons(window.screen_shown.reasons)
            self._place_reasons()
        self.reasons.setVisible(shown)
        if shown:
            self.reasons.raise_()
        window.top.readiness.set_open(shown)
        self._place_notice()

    def show_keys(self) -> None:
        """Show or hide the sheet with all keys and buttons."""
        if self.cheat_sheet.isVisible():
            self.cheat_sheet.hide()
            return
        self._show_cheat_sheet()
        self.cheat_sheet.show()
        self.cheat_sheet.raise_()

    def _place_reasons(self) -> None:
        window = self._window
        chip = window.top.readiness
        corner = chip.mapTo(window, chip.rect().bottomLeft())
        x = min(corner.x(), window.width() - self.reasons.width() - MARGIN)
        self.reasons.move(x, corner.y() + 6)

    def _place_notice(self) -> None:
        window = self._window
        under: QWidget = window.main_video
        rect = window.main_video.picture_rect().toRect()
        if window.page is not Page.DRIVE:
            under, rect = window.stack, window.stack.rect()
        corner = under.mapTo(window, rect.topLeft())
        top = corner.y() + NOTICE_TOP
        if self.reasons.isVisible():  # both can be read, and pressed
            lowest = window.height() - window.status.height() - self.notice.height() - MARGIN
            top = min(self.reasons.geometry().bottom() + MARGIN, lowest)
        self.notice.place(corner.x() + MARGIN, top, rect.width() - 2 * MARGIN)

    def _show_cheat_sheet(self) -> None:
        """In the middle, below the top bar: STOP stays in sight."""
        window, sheet = self._window, self.cheat_sheet
        top = window.top.mapTo(window, window.top.rect().bottomLeft()).y() + MARGIN
        room = QSize(window.width() - 2 * MARGIN, window.height() - top - MARGIN)
        sheet.show_controls(window.controls.profile, window.controls.pads, room)
        spare = max(0, room.height() - sheet.height())
        sheet.move((window.width() - sheet.width()) // 2, top + spare // 2)
