"""The page of the fleet at the window: rows, pictures, figures, and the way to a robot."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from teleop.audit_entry import AuditEntry, Kind
from tests.console.floor import Floor
from tests.unit.test_ui_calls import robot
from transport.messages import Mode
from ui.fleet_state import COLUMNS
from ui.pages import Page

Key = Qt.Key


def rows(floor: Floor) -> list[str]:
    model = floor.console.window.frame.fleet.page.table.model()  # type: ignore[union-attr]
    return [model.index(n, 0).data() for n in range(model.rowCount())]


def shown(floor: Floor, qtbot: QtBot, names: list[str]) -> None:
    """Until the table has these robots, in this order."""

    def there() -> bool:
        floor.console.window.refresh()
        return rows(floor) == names

    floor.console.window.show_page(Page.FLEET)
    qtbot.waitUntil(there)


def test_what_is_abnormal_comes_first(floor: Floor, qtbot: QtBot) -> None:
    floor.station.robots = (
        robot("rover-1", call=None, mode=Mode.AUTONOMY),
        robot("rover-2"),
        robot("rover-3", call=None, mode=Mode.ESTOP),
        robot("rover-4", call=None, silent_ms=41_000.0),
    )
    shown(floor, qtbot, ["rover-3", "rover-2", "rover-4", "rover-1"])


def test_enter_shows_the_selected_robot_on_the_page_to_drive_on(
    floor: Floor,
    qtbot: QtBot,
) -> None:
    window = floor.console.window
    shown(floor, qtbot, ["rover-1", "rover-2"])
    assert window.frame.fleet is not None
    window.frame.fleet.page.table.selectRow(1)
    QTest.keyClick(window, Key.Key_Return)
    assert window.page is Page.DRIVE
    assert floor.desk.shown == "rover-2:7600"


def test_a_robot_is_found_by_its_name_or_site(floor: Floor, qtbot: QtBot) -> None:
    shown(floor, qtbot, ["rover-1", "rover-2"])
    assert floor.console.window.frame.fleet is not None
    floor.console.window.frame.fleet.page.search.setText("ROVER-2")
    shown(floor, qtbot, ["rover-2"])


def test_the_figures_are_those_of_the_robots_logs(floor: Floor, qtbot: QtBot) -> None:
    noon = datetime(2026, 11, 30, 12, tzinfo=UTC)
    floor.station.log = [
        AuditEntry(
            wall=noon, robot="rover-1", boot_id="b", kind=Kind.CALL, stamp_ns=1, reason="Wedged"
        )
    ]
    window = floor.console.window
    window.show_page(Page.FLEET)
    fleet = window.frame.fleet
    assert fleet is not None

    def there() -> bool:
        window.refresh()
        return bool(fleet.reckoned.lines)

    qtbot.waitUntil(there, timeout=10_000)
    assert len(fleet.reckoned.history.calls) == 1
    assert fleet.reckoned.lines[0].name == "Robot-hours"


def test_every_cell_can_be_read_to_a_screen_reader(floor: Floor, qtbot: QtBot) -> None:
    shown(floor, qtbot, ["rover-1", "rover-2"])
    assert floor.console.window.frame.fleet is not None
    model = floor.console.window.frame.fleet.page.table.model()
    said = [model.index(0, n).data(Qt.ItemDataRole.AccessibleTextRole) for n in range(len(COLUMNS))]
    assert said[:4] == ["rover-1", "home-5 · dining", "CALLING", "HOLD"]
    assert all(said)
