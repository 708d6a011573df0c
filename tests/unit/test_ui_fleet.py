"""Every robot as a row of the fleet, from a glimpse and from the figures of its log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from teleop.announcement import Stranger
from teleop.fleet_metrics import figures
from teleop.glimpse import RobotGlimpse
from teleop.rescues import History
from tests.console.fakes import MINE, OTHER, SESSION
from tests.unit.test_ui_calls import robot
from transport.handshake import Trouble
from transport.messages import Lease, Mode
from ui.fleet_state import COLUMNS, FleetRow, control_of, counts_of, fleet_rows, thumbs_of
from ui.screen import Look

NOW = datetime(2026, 11, 30, 14, 0, tzinfo=UTC)
FREE = {"call": None, "mode": Mode.AUTONOMY}


def row(one: RobotGlimpse) -> FleetRow:
    (found,) = fleet_rows([one], {}, SESSION, NOW)
    return found


@pytest.mark.parametrize(
    ("one", "word", "look"),
    [
        (robot(), "CALLING", Look.LIMITED),
        (robot(**FREE), "AUTONOMY", Look.QUIET),
        (robot(call=None, mode=Mode.TELEOP, lease=MINE), "YOU DRIVE", Look.YOURS),
        (robot(call=None, mode=Mode.TELEOP, lease=OTHER), "op-2 DRIVES", Look.QUIET),
        (robot(call=None, mode=Mode.ESTOP), "STOPPED", Look.LATCHED),
        (robot(silent_ms=41_000.0), "NO LINK", Look.LIMITED),
        (
            replace(robot(silent_ms=41_000.0), trouble=Trouble.WRONG_ROBOT_KEY),
            "WRONG KEY",
            Look.FAILED,
        ),
        (
            replace(robot(silent_ms=41_000.0), trouble=Trouble.NOT_PAIRED),
            "NOT PAIRED",
            Look.LIMITED,
        ),
    ],
)
def test_who_has_it_in_one_word(one: RobotGlimpse, word: str, look: Look) -> None:
    chip = control_of(one, SESSION)
    assert (chip.word, chip.look) == (word, look)


def test_a_call_says_its_reason_and_how_long_it_waits() -> None:
    cells = dict(zip(COLUMNS, row(robot()).cells, strict=True))
    assert cells["Why"] == "Nose in chair legs, 1:24"
    assert cells["Readiness"] == "HOLD"


def test_a_robot_that_was_never_heard_has_a_row_with_its_address() -> None:
    unheard = RobotGlimpse("10.0.0.9:7600", "10.0.0.9:7600", "rover-9", "k" * 40)
    found = row(unheard)
    assert (found.robot, found.site, found.control.word, found.battery) == (
        "rover-9",
        "10.0.0.9:7600",
        "NO LINK",
        "–",
    )


def test_without_a_log_there_are_no_figures_and_with_one_those_of_that_robot() -> None:
    assert row(robot()).cells[6:] == ("–",) * 5
    (told,) = fleet_rows([robot()], {"rover-12": figures(History())}, SESSION, NOW)
    assert told.cells[6:] == ("–",) * 5


def test_a_robot_of_this_network_that_is_not_paired_comes_last_and_says_what_to_do() -> None:
    stranger = Stranger("rover-0", "hall", "rover", "10.0.0.8:7600", "six words", "Pair with it.")
    rows = fleet_rows([robot(**FREE)], {}, SESSION, NOW, "", [stranger])
    assert [(one.robot, one.control.word, one.why) for one in rows][1] == (
        "rover-0",
        "NOT PAIRED",
        "Pair with it.",
    )
    assert [one.robot for one in thumbs_of(rows, 16)] == ["rover-12"]


def test_robots_are_counted_by_state() -> None:
    fleet = [robot("a", **FREE), robot("b", **FREE), robot("c")]
    driven = robot("d", call=None, mode=Mode.TELEOP, lease=OTHER)
    yours = robot("e", call=None, mode=Mode.TELEOP, lease=MINE)
    told = {one.word: one.number for one in counts_of([*fleet, driven, yours], SESSION)}
    assert told == {"autonomy": 2, "calling": 1, "driven": 2}


def test_a_free_lease_is_nobodys() -> None:
    assert control_of(robot(call=None, mode=Mode.HOLD, lease=Lease()), "").word == "NOBODY"
