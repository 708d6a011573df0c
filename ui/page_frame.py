"""The pages of the window, and the rail that leads to them: which there are, which one is shown.

The page to drive on is the shown robot's; Collect is the same page with other parts beside the
picture. Calls and Fleet come with the robots of the address book, Review with a library.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from PySide6.QtWidgets import QStackedWidget, QWidget

from teleop.glimpse import RobotGlimpse
from teleop.station import Station
from ui.call_desk import CallDesk, Opened
from ui.drive_page import DrivePage
from ui.errands import hand_over_quickly
from ui.fleet_desk import FleetDesk
from ui.pages import Page
from ui.rail import Rail
from ui.review_page import ReviewPage
from ui.screen import Look, PictureFace
from ui.video_view import Place, VideoView

if TYPE_CHECKING:
    from ui.main_window import MainWindow


@runtime_checkable
class Arranged(Protocol):
    """A page that lays itself out by the size of the window."""

    def arrange(self, width: int, height: int, compact: bool) -> None:
        """Sizes of its parts on so many px; `compact` is the layout for small windows."""


class PageFrame:
    """The window's thread only."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.rail = Rail(window.theme)
        self.stack = QStackedWidget()
        self.pages: dict[Page, QWidget] = {}
        self.shown = Page.DRIVE
        self.desk: CallDesk | None = None
        self.fleet: FleetDesk | None = None
        self._review: ReviewPage | None = None
        self.rail.chosen.connect(window.show_page)
        self.rail.show_page(self.shown)

    # --- which pages there are --------------------------------------------------------------------

    def add(self, pages: dict[Page, QWidget]) -> None:
        """Pages beside the one to drive on."""
        self.pages |= pages
        for page in pages.values():
            self.stack.addWidget(page)
        window = self._window
        offered = {*self.pages, *((Page.REVIEW,) if window.library is not None else ())}
        self.rail.offer(offered)
        window.menus.offer_pages(offered)

    def take_drive(self, page: DrivePage) -> None:
        """Another robot's page takes the place of the one before."""
        before = self.pages.get(Page.DRIVE)
        self.pages[Page.DRIVE] = self.pages[Page.COLLECT] = page
        self.stack.insertWidget(0, page)
        if before is not None:
            if self.stack.currentWidget() is before:
                self.stack.setCurrentWidget(page)
            self.stack.removeWidget(before)
            before.deleteLater()
        page.show_as(collects=self.shown is Page.COLLECT)
        self._share_picture()

    def serve(
        self, station: Station, open_robot: Callable[[RobotGlimpse], Opened], shown: str
    ) -> None:
        """The pages for all robots of the address book."""
        self.desk = CallDesk(self._window, station, open_robot)
        self.desk.shown = shown
        self.fleet = FleetDesk(self._window, station, self.desk)
        self.add({Page.CALLS: self.desk.page, Page.FLEET: self.fleet.page})
        self._share_picture()

    def _reviewed(self) -> ReviewPage | None:
        """The page of the library on this machine; made when it is looked at first."""
        library = self._window.library
        if self._review is None and library is not None and library.is_dir():
            hand_over_quickly()  # its threads compute
            self._review = self.pages[Page.REVIEW] = ReviewPage(library, self._window.theme)
            self.stack.addWidget(self._review)
        return self._review

    def _share_picture(self) -> None:
        """The page of calls has a view of its own of what the main view shows."""
        if self.desk is not None:
            feed = self._window.main_video.feed
            self.desk.page.show_video(VideoView(self._window.theme, feed, Place.SECOND))

    # --- which one is shown -----------------------------------------------------------------------

    def show(self, page: Page) -> str:
        """Another page; why it cannot be shown, empty when it is."""
        if page is Page.REVIEW and self._reviewed() is None:
            self.rail.show_page(self.shown)
            return "No episode has been recorded on this machine yet."
        if page not in self.pages:
            self.rail.show_page(self.shown)
            return "This window has no such page."
        if self._review is not None and page is not Page.REVIEW:
            self._review.hidden()
        self.shown = page
        self._window.drive.show_as(collects=page is Page.COLLECT)
        self.stack.setCurrentWidget(self.pages[page])
        self.rail.show_page(page)
        if self._review is not None and page is Page.REVIEW:
            self._review.shown()
        return ""

    def first(self) -> QWidget:
        """What has the keyboard on the shown page."""
        if self.shown is Page.CALLS and self.desk is not None:
            return self.desk.page.list
        if self.shown is Page.FLEET and self.fleet is not None:
            return self.fleet.page.table
        return self._window.main_video

    def arrange(self, width: int, height: int, compact: bool) -> None:
        """The window has another size; `width` and `height` are what is left for a page."""
        for page in self.pages.values():
            if isinstance(page, Arranged):
                page.arrange(width, height, compact)

    # --- what happens on them ---------------------------------------------------------------------

    def look(self, session: str, now_ns: int) -> None:
        """One look at all robots; it may bring another one into the window."""
        if self.desk is None or self.fleet is None:
            return
        self.desk.look(session, now_ns, self.fleet.thumbs)
        self.fleet.look(session, now_ns)
        self.desk.tell_past(self.fleet.reckoned.history)

    def message(self) -> tuple[str, Look]:
        """What the shown page has to say in the status line; empty: nothing."""
        if self.shown is Page.FLEET and self.fleet is not None:
            return self.fleet.message
        if self.shown is Page.REVIEW and self._review is not None:
            return self._review.rest(), Look.QUIET
        return "", Look.QUIET

    def calling(self) -> frozenset[str] | None:
        """The robots that call, by name; None: only the shown one is known."""
        return None if self.desk is None else frozenset(c.name for c in self.desk.fleet.calls)

    def accept(self) -> None:
        """Enter, on a page that does not drive: what is chosen there."""
        if self.shown is Page.CALLS and self.desk is not None:
            self.desk.accept()
        elif self.shown is Page.FLEET and self.fleet is not None:
            self.fleet.open_chosen()

    def next_call(self) -> None:
        """The next call of the queue."""
        if self.desk is not None:
            self.desk.choose_next()

    def show_picture(self, face: PictureFace) -> None:
        """What lies over the shown robot's picture, on whatever page that is."""
        if self.desk is not None:
            self.desk.page.show_picture(face)

    def wake(self) -> bool:
        """A picture may have come; whether this page shows it in a view of its own."""
        if self.desk is None or self.shown is not Page.CALLS:
            return False
        self.desk.page.wake()
        return True

    def close(self) -> None:
        """End what runs for the pages; idempotent."""
        if self.desk is not None:
            self.desk.close()
        if self.fleet is not None:
            self.fleet.close()
        if self._review is not None:
            self._review.close_page()
