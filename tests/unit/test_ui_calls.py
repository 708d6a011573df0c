"""What the page of calls says of the queue and of the chosen call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from teleop.call_queue import CallKey, CallNews, QueuedCall, Turn, queued
from teleop.glimpse import RobotGlimpse
from tests.console.fakes import OTHER, ROBOT_NS, robot_state
from transport.clock import NS_PER_S
from transport.handshake import Trouble
from transport.messages import Call, Looker, Mode, PassedOn, RobotState
from ui.calls_state import CallsFace, calls_face, chosen_of, ended_of, note_of
from ui.screen import Look


def call(age_s: float = 84.0, **more: object) -> Call:
    fields: dict[str, object] = {
        "call_id": 3,
        "reason": "Nose in chair legs",
        "detail": "Bumper pressed 6 s",
        "stamp_ns": ROBOT_NS - round(age_s * NS_PER_S),
        "x_m": -1.1,
        "y_m": 0.7,
    }
    return Call(**{**fields, **more})  # type: ignore[arg-type]


def robot(name: str = "rover-12", silent_ms: float = 0.0, **state: object) -> RobotGlimpse:
    said: RobotState = robot_state(
        **{"robot": name, "mode": Mode.HOLD, "call": call(), "site": "home-5 · dining", **state}
    )
    paired = f"{name}:7600"
    trouble = None if not silent_ms else Trouble.UNREACHABLE
    return RobotGlimpse(
        paired, paired, name, "k" * 40, said, silent_ms=silent_ms, you="op-1", trouble=trouble
    )


def queue(*fleet: RobotGlimpse) -> tuple[QueuedCall, ...]:
    return queued(fleet)


def face(one: RobotGlimpse, driving: str = "") -> CallsFace:
    calls = queue(one)
    return calls_face(calls, calls[0].key, one, driving, ())


def test_a_row_says_robot_place_reason_severity_and_age() -> None:
    (row,) = face(robot()).rows
    assert (row.robot, row.site, row.reason, row.detail, row.age, row.severity.word) == (
        "rover-12",
        "home-5 · dining",
        "Nose in chair legs",
        "Bumper pressed 6 s",
        "1:24",
        "HIGH",
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"looking": (Looker(name="op-3", until_ns=2**61),)}, "op-3 is looking"),
        (
            {
                "looking": (
                    Looker(name="op-2", until_ns=2**61),
                    Looker(name="op-3", until_ns=2**61),
                )
            },
            "op-3 and 1 more look",
        ),
        (
            {"passed": PassedOn(to="op-2", by="op-3", note="", stamp_ns=1)},
            "passed to op-2",
        ),
        (
            {"passed": PassedOn(to="op-1", by="op-3", note="you know this room", stamp_ns=1)},
            "op-3 passed it to you: you know this room",
        ),
        ({"skipped": ("op-1",)}, "you have skipped it"),
        ({}, ""),
    ],
)
def test_who_is_at_it_stands_beside_it(changes: dict[str, object], said: str) -> None:
    (one,) = queue(robot(call=call(**changes)))
    assert note_of(one) == said


def test_a_robot_that_fell_silent_keeps_its_call_and_cannot_be_accepted() -> None:
    gone = robot(silent_ms=41_000.0)
    shown = face(gone)
    assert shown.rows[0].note == "does not answer for 41 s"
    assert shown.accept == "rover-12 does not answer; its call stays here."
    assert shown.message_look is Look.LIMITED


def test_what_somebody_else_has_cannot_be_accepted() -> None:
    assert face(robot(lease=OTHER)).accept == "op-2 was faster."


def test_one_robot_at_a_time() -> None:
    assert face(robot(), driving="rover-07").accept == (
        "You have rover-07. Hand it back, or release it, first."
    )
    assert face(robot(), driving="rover-12").accept == ""


def test_the_chosen_call_has_its_facts() -> None:
    facts = dict(face(robot()).facts)
    assert facts["Robot says"] == "Bumper pressed 6 s"
    assert facts["Severity"] == "high: waits longer than 1:00"
    assert facts["Place"] == "x −1.1 m, y 0.7 m"
    assert (facts["Lease"], facts["Link"], facts["Battery"]) == ("free", "answers", "64 %")


def test_nobody_calls() -> None:
    shown = calls_face((), None, None, "", ())
    assert (shown.title, shown.message, shown.rows, shown.skip) == (
        "Nobody calls",
        "Nobody calls.",
        (),
        False,
    )


def test_the_chosen_call_stays_chosen_until_it_is_over() -> None:
    calls = queue(robot("rover-1"), robot("rover-2"))
    assert chosen_of(calls, calls[1].key) == calls[1].key
    gone = replace(calls[1], key=CallKey("rover-9:7600", "boot-1", 3)).key
    assert chosen_of(calls, gone) == calls[0].key
    assert chosen_of((), gone) is None


def test_what_became_of_calls_is_told_newest_first() -> None:
    key = CallKey("rover-1:7600", "boot-1", 3)
    news = [
        CallNews(key, Turn.TAKEN, "op-3 was faster"),
        CallNews(key, Turn.FREED, "rover-12 got free itself"),
    ]
    lines = ended_of(news, datetime(2026, 11, 30, 14, 28, 5, tzinfo=UTC))
    assert [(one.clock, one.sentence) for one in lines] == [
        ("14:28:05", "rover-12 got free itself"),
        ("14:28:05", "op-3 was faster"),
    ]
