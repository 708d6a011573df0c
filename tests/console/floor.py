"""Several robots under a test's control, and the window that looks after them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pytestqt.qtbot import QtBot

from teleop.archive_asks import Missing
from teleop.audit_entry import AuditEntry
from teleop.call_queue import QueuedCall, queued, turned
from teleop.glimpse import RobotGlimpse
from teleop.rewind import Rewind
from teleop.station import Fleet
from tests.console.fakes import FakeLink, FakeVideo, link_view, robot_state
from tests.console.support import Console
from tests.unit.test_ui_calls import call, robot
from transport.messages import Hold, HoldReason, Mode
from ui.call_desk import CallDesk, Opened


def calling(name: str) -> FakeLink:
    return FakeLink(
        link_view(
            robot_state(
                robot=name, mode=Mode.HOLD, call=call(), hold=Hold(reason=HoldReason.CALLING)
            )
        )
    )


@dataclass
class FakeStation:
    """Robots under the test's control."""

    robots: tuple[RobotGlimpse, ...] = (robot("rover-1"), robot("rover-2"))
    skipped: list[str] = field(default_factory=list)
    passed: list[tuple[str, str, str]] = field(default_factory=list)
    stared: list[str] = field(default_factory=list)
    before: tuple[QueuedCall, ...] = ()
    log: list[AuditEntry] = field(default_factory=list)
    log_version: int = 0

    def follow_logs(self, now_ns: int) -> None:
        self.log_version = len(self.log)

    def entries(self) -> list[AuditEntry]:
        return list(self.log)

    def look(self, session: str, shown: Iterable[str], now_ns: int) -> Fleet:
        calls = queued(self.robots)
        news = turned(self.before, self.robots, {session})
        self.before = calls
        return Fleet(self.robots, calls, news)

    def stare(self, paired: str) -> None:
        self.stared.append(paired)

    def skip(self, one: QueuedCall) -> None:
        self.skipped.append(one.name)

    def pass_on(self, one: QueuedCall, to: str, note: str) -> None:
        self.passed.append((one.name, to, note))

    def rewind(self, one: QueuedCall, camera: str, now_ns: int) -> Rewind | Missing | None:
        return None


@dataclass
class Floor:
    """The window, its robots, and which links were opened."""

    console: Console
    station: FakeStation
    opened: dict[str, FakeLink] = field(default_factory=dict)

    @property
    def desk(self) -> CallDesk:
        desk = self.console.window.frame.desk
        assert desk is not None
        return desk

    def open(self, one: RobotGlimpse) -> Opened:
        self.opened[one.name] = calling(one.name)
        return Opened(self.opened[one.name], FakeVideo())

    def settle(self, qtbot: QtBot) -> None:
        """Until the robot of the chosen call is shown."""

        def shown() -> bool:
            self.console.window.refresh()
            chosen = self.desk.chosen
            return chosen is not None and self.desk.shown == chosen.paired

        qtbot.waitUntil(shown)
