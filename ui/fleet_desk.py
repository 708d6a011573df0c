"""The fleet at one window: rows and pictures four times a second, figures from the robots' logs.

The logs are fetched while this page or that of calls is shown; what they come to is worked out on
a thread of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QFileDialog

from teleop.audit_entry import AuditEntry
from teleop.fleet_metrics import By, Figures, figures, grouped, weekly
from teleop.metrics_html import metrics_html
from teleop.metrics_report import csv_bytes, json_bytes
from teleop.metrics_words import Line, lines
from teleop.rescues import History, history_of
from teleop.station import Station
from transport import clock
from transport.clock import NS_PER_MS, NS_PER_S
from ui.call_desk import CallDesk
from ui.errands import Errands
from ui.fleet_page import FleetPage
from ui.fleet_state import counts_of, fleet_rows
from ui.pages import Page
from ui.screen import Look

if TYPE_CHECKING:
    from ui.main_window import MainWindow

ROWS_NS: Final = 250 * NS_PER_MS
FIGURES_NS: Final = 2 * NS_PER_S  # from one reckoning to the next


@dataclass(frozen=True)
class Reckoned:
    """What the logs come to."""

    history: History = field(default_factory=History)
    lines: tuple[Line, ...] = ()
    weeks: tuple[tuple[float | None, ...], ...] = ()  # of each line
    robots: Mapping[str, Figures] = field(default_factory=dict)


def reckoned(entries: list[AuditEntry]) -> Reckoned:
    """Work it out; takes a while for eight weeks of many robots."""
    history = history_of(entries)
    if not entries:
        return Reckoned(history)
    told = lines(figures(history))
    until = max(entry.wall for entry in entries)
    by_week = [lines(found) for _, found in weekly(history, until)]
    weeks = tuple(tuple(week[n].number for week in by_week) for n in range(len(told)))
    return Reckoned(history, told, weeks, dict(grouped(history, By.ROBOT)))


class FleetDesk:
    """The window's thread only."""

    def __init__(self, window: MainWindow, station: Station, calls: CallDesk) -> None:
        self._window = window
        self._station = station
        self._calls = calls
        self._errands = Errands("fleet")
        self.page = FleetPage(window.theme)
        self.reckoned = Reckoned()
        self._rows_ns = self._figures_ns = 0
        self._version = -1
        self.page.went.connect(self.go_to)
        self.page.exported.connect(self.export)

    def look(self, session: str, now_ns: int) -> None:
        """Take in the fleet as the desk of calls has looked at it."""
        if self._window.page not in (Page.FLEET, Page.CALLS):
            return
        self._station.follow_logs(now_ns)
        self._reckon(now_ns)
        if self._window.page is not Page.FLEET or now_ns - self._rows_ns < ROWS_NS:
            return
        self._rows_ns = now_ns
        fleet = self._calls.fleet
        wall = clock.wall_time().astimezone()
        sought = self.page.search.text()
        figures_of = self.reckoned.robots
        rows = fleet_rows(fleet.robots, figures_of, session, wall, sought, fleet.strangers)
        counts = counts_of(fleet.robots, session)
        self.page.show_rows(rows, counts, len(fleet.robots), fleet.looks, now_ns)

    @property
    def thumbs(self) -> tuple[str, ...]:
        """The robots whose small pictures are shown."""
        return self.page.thumbs.shown if self._window.page is Page.FLEET else ()

    @property
    def message(self) -> tuple[str, Look]:
        """For the status line."""
        robots = self._calls.fleet.robots
        heard = sum(robot.answers for robot in robots)
        text = f"{len(robots)} robots, {heard} reachable. Enter shows the selected one."
        return text, Look.QUIET

    def open_chosen(self) -> None:
        """Show the selected robot in the window."""
        chosen = self.page.chosen()
        if chosen:
            self.go_to(chosen)
        else:
            self._tell("This robot is not paired with this console; its row says how that is done.")

    def go_to(self, paired: str) -> None:
        """Show this robot on the page to drive on."""
        if self._calls.go_to(paired):
            self._window.show_page(Page.DRIVE)

    def export(self, kind: str) -> None:
        """Write the figures where somebody wants them."""
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Figures of the fleet", str(Path.home() / f"fleet.{kind}"), f"*.{kind}"
        )
        if not name:
            return
        history, path = self.reckoned.history, Path(name)
        entries = self._station.entries()

        def write() -> str:
            path.write_bytes(_bytes(kind, history, entries))
            return f"Written: {path}"

        self._errands.do("export", write, self._tell, self._tell)

    def close(self) -> None:
        """End its thread; idempotent."""
        self._errands.close()

    def _tell(self, sentence: str) -> None:
        self._window.history.tell(sentence, clock.now_ns())

    def _reckon(self, now_ns: int) -> None:
        version = self._station.log_version
        if version == self._version or now_ns - self._figures_ns < FIGURES_NS:
            return
        self._version, self._figures_ns = version, now_ns
        entries = self._station.entries()
        self._errands.do("figures", lambda: reckoned(entries), self._reckoned, self._tell)

    def _reckoned(self, found: Reckoned) -> None:
        self.reckoned = found
        self.page.figures.show_lines(found.lines, found.weeks)


def _bytes(kind: str, history: History, entries: list[AuditEntry]) -> bytes:
    """The figures as a file of this kind."""
    whole = figures(history)
    robots = grouped(history, By.ROBOT)
    if kind == "csv":
        return csv_bytes(whole, By.ROBOT, robots)
    walls = [entry.wall for entry in entries]
    until = max(walls, default=clock.wall_time())
    weeks = weekly(history, until)
    if kind == "json":
        return json_bytes(whole, weeks, By.ROBOT, robots)
    told = [(by, grouped(history, by)) for by in (By.ROBOT, By.OPERATOR, By.TASK)]
    period = (min(walls), until) if walls else None
    return metrics_html(whole, weeks, [*told, (By.WEEK, weeks)], period, ())
