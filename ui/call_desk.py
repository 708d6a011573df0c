"""Calls of many robots at one window: chooses, shows, accepts, skips, passes on.

The robot of the chosen call is shown by the whole window, so its live picture, its readiness and
its STOP are there before anybody accepts it. Who gets it is settled by its lease.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleop.call_queue import CallKey, QueuedCall, Turn, next_call
from teleop.glimpse import RobotGlimpse
from teleop.rescues import History
from teleop.station import Fleet, Station
from transport import clock
from transport.clock import NS_PER_MS, NS_PER_S
from ui.bridge import Link, VideoFeed
from ui.calls_page import CallsPage
from ui.calls_state import KEPT, Ended, calls_face, chosen_of, ended_of, past_of
from ui.errands import Errands
from ui.kept_choice import KeptChoice
from ui.pages import Page, RailMark
from ui.pass_sheet import PassSheet
from ui.screen import Act

if TYPE_CHECKING:
    from ui.main_window import MainWindow

# A robot is shown once its call has been chosen for so long: who goes down a list shows none.
SETTLED_NS: Final = 200 * NS_PER_MS
ACCEPT_NS: Final = 6 * NS_PER_S  # within which the robot has to be heard
CAMERA: Final = 0  # the rewind is of the robot's first


@dataclass(frozen=True)
class Opened:
    """A link to a robot and its pictures, started."""

    link: Link
    video: VideoFeed
    kept: KeptChoice | None = None


class CallDesk:
    """The window's thread only."""

    def __init__(
        self, window: MainWindow, station: Station, open_robot: Callable[[RobotGlimpse], Opened]
    ) -> None:
        """`open_robot` connects to a robot of the address book."""
        self._window = window
        self._station = station
        self._open = open_robot
        self._errands = Errands("calls", newest_first=True)
        self.page = CallsPage(window.theme, self._errands)
        self._sheet = PassSheet(window.theme, self.page)
        self.fleet = Fleet()
        self.chosen: CallKey | None = None
        self.shown = ""  # the robot of the window, as `RobotGlimpse.paired`; empty: none of these
        self._chosen_ns = 0
        self._accepting: tuple[CallKey, int] | None = None
        self._told_past: tuple[History, CallKey | None] | None = None
        self._ended: deque[Ended] = deque(maxlen=KEPT)
        page = self.page
        page.chosen.connect(self.choose)
        page.accepted.connect(self.accept)
        page.skipped.connect(self.skip)
        page.passed.connect(self.ask_to_pass)
        self._sheet.passed.connect(self._pass)

    # --- looks ------------------------------------------------------------------------------------

    def look(self, session: str, now_ns: int, thumbs: tuple[str, ...] = ()) -> Fleet:
        """Take in the fleet; `thumbs` are robots of which another page shows a small picture."""
        window = self._window
        calling = window.page is Page.CALLS
        wanted = self.page.list.shown() if calling else thumbs
        self.fleet = fleet = self._station.look(session, wanted, now_ns)
        wall = clock.wall_time().astimezone()
        for line in reversed(ended_of(fleet.news, wall)):
            self._ended.appendleft(line)
        self._choose(chosen_of(fleet.calls, self.chosen), now_ns)
        call = self._call()
        if calling and call is not None:
            self._station.stare(call.key.paired)
            self._show_robot_of(call, now_ns)
        self._carry_on_accepting(now_ns)
        urgent = any(not one.skipped for one in fleet.calls)
        window.rail.show_marks([RailMark(Page.CALLS, len(fleet.calls), urgent)])
        if calling:
            self._show(call, now_ns)
        return fleet

    def _show(self, call: QueuedCall | None, now_ns: int) -> None:
        robot = self.fleet.robot(call.key.paired) if call is not None else None
        face = calls_face(self.fleet.calls, self.chosen, robot, self._driving(), tuple(self._ended))
        self.page.show_face(face, self.fleet.looks)
        found = None
        if call is not None and robot is not None and robot.media is not None:
            names = [camera.name for camera in robot.media.cameras]
            if names:
                found = self._station.rewind(call, names[CAMERA], now_ns)
        self.page.show_rewind(found, self.chosen)
        self._window.say(face.message, face.message_look)

    def tell_past(self, history: History) -> None:
        """What the robots' logs say of the chosen call's robot and place."""
        call = self._call()
        if self._window.page is not Page.CALLS:
            return
        asked = (history, self.chosen)
        if asked == self._told_past:
            return
        self._told_past = asked
        self.page.show_past(past_of(history, call, clock.wall_time()))

    def _show_robot_of(self, call: QueuedCall, now_ns: int) -> None:
        """The whole window shows the robot whose call is before the operator."""
        if call.key.paired == self.shown or self._driving():
            return
        if now_ns - self._chosen_ns >= SETTLED_NS:
            self.go_to(call.key.paired)

    def _call(self) -> QueuedCall | None:
        return next((one for one in self.fleet.calls if one.key == self.chosen), None)

    def _driving(self) -> str:
        """The robot whose lease is this window's, by name."""
        view = self._window.view
        if view is None or not view.yours or view.state is None:
            return ""
        return view.state.robot

    # --- what the operator does -------------------------------------------------------------------

    def go_to(self, paired: str) -> bool:
        """Show this robot in the window; whether it does by now.

        Not while another one is driven, nor while its STOP is on the way: that must be seen.
        """
        robot, window = self.fleet.robot(paired), self._window
        if robot is None:
            return False
        if paired == self.shown:
            return True
        trouble = self._why_stay()
        if trouble:
            window.history.tell(trouble, clock.now_ns())
            return False
        opened = self._open(robot)
        self.shown = paired
        window.connect_to(opened.link, opened.video, opened.kept)
        return True

    def _why_stay(self) -> str:
        view = self._window.view
        if view is not None and view.stop is not None and view.stop.acked_ns is None:
            return "STOP is not answered yet; this robot stays in the window until it is."
        driving = self._driving()
        return f"You have {driving}. Hand it back, or release it, first." if driving else ""

    def choose(self, key: CallKey | None) -> None:
        """This call is before the operator from now on."""
        self._choose(key, clock.now_ns())
        self._window.refresh()

    def _choose(self, key: CallKey | None, now_ns: int) -> None:
        if key != self.chosen:
            self.chosen, self._chosen_ns = key, now_ns

    def choose_next(self) -> None:
        """The next call of the queue, and its page."""
        following = next_call(self.fleet.calls, self.chosen)
        if following is None:
            self._window.history.tell("Nobody calls.", clock.now_ns())
            return
        on_page = self._window.page is Page.CALLS
        if on_page or self.chosen is None:
            self._choose(following.key, clock.now_ns())
        self._window.show_page(Page.CALLS)

    def accept(self) -> None:
        """Take the robot of the chosen call, as soon as it is heard."""
        call = self._call()
        if call is None:
            self._window.history.tell("Nobody calls.", clock.now_ns())
            return
        robot = self.fleet.robot(call.key.paired)
        face = calls_face(self.fleet.calls, self.chosen, robot, self._driving(), ())
        if face.accept:
            self._window.history.tell(face.accept, clock.now_ns())
            return
        if self.go_to(call.key.paired):
            self._accepting = (call.key, clock.now_ns())
            self._window.show_page(Page.DRIVE)

    def _carry_on_accepting(self, now_ns: int) -> None:
        if self._accepting is None:
            return
        key, since_ns = self._accepting
        window, ended = self._window, {one.key: one for one in self.fleet.news}
        news = ended.get(key)
        view = window.view
        state = view.state if view is not None and self.shown == key.paired else None
        if news is not None and news.turn not in (Turn.SILENT, Turn.BACK):
            self._accepting = None
            if news.turn is not Turn.YOURS:
                window.history.tell(f"{news.sentence}.", now_ns)
        elif now_ns - since_ns > ACCEPT_NS:
            self._accepting = None
            window.history.tell("The robot does not answer; its call stays here.", now_ns)
        elif (
            state is not None
            and state.boot_id == key.boot_id
            and state.call is not None
            and state.call.call_id == key.call_id
            and window.screen_shown is not None
            and window.screen_shown.may(Act.ACCEPT)
        ):
            self._accepting = None
            window.act(Act.ACCEPT)

    def skip(self) -> None:
        """Leave the chosen call to the others; the next one is before the operator."""
        call = self._call()
        if call is None:
            return
        following = next_call(self.fleet.calls, call.key)
        self._station.skip(call)
        self.choose(following.key if following is not None else None)

    def ask_to_pass(self) -> None:
        """Ask to whom the chosen call is passed on."""
        call = self._call()
        if call is not None:
            self._sheet.ask(call.name, self._people())

    def _pass(self, to: str, note: str) -> None:
        call = self._call()
        if call is not None:
            self._station.pass_on(call, to, note)
            self._window.history.tell(f"Passed to {to}.", clock.now_ns())

    def _people(self) -> tuple[str, ...]:
        """Whoever is seen at some robot, but not this console's operator."""
        found: dict[str, None] = {}
        for robot in self.fleet.robots:
            state = robot.state
            if state is None:
                continue
            looking = [one.name for one in state.call.looking] if state.call is not None else []
            for name in (state.lease.operator, *looking):
                if name and name != robot.you:
                    found[name] = None
        return tuple(found)

    def close(self) -> None:
        """End what runs for it; idempotent."""
        self.page.close_page()
        self._errands.close()
