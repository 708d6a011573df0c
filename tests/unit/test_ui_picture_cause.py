"""Why no new picture comes, in words: a frozen camera is not a lost link."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from teleop.operator_view import LinkView, Reach
from tests.console.fakes import MS, driven, link_view, media_state
from tests.unit.screen_support import camera, screen
from ui.facts import Facts
from ui.history import History
from ui.picture_cause import FROZEN_MS, Cause, Standing, cause_of, standings
from ui.screen import Look

REPORT_MS = 200


def reported(number: int, captured: int, **changes: object) -> LinkView:
    """The `number`th report of the robot's cameras, in which both have taken `captured`."""
    media = media_state()
    cameras = tuple(structs.replace(each, captured=captured) for each in media.cameras)
    media = structs.replace(
        media, cameras=cameras, stamp_ns=media.stamp_ns + number * REPORT_MS * MS
    )
    return link_view(driven(), media=media, **changes)


def after(counts: list[int], **changes: object) -> tuple[LinkView, dict[str, Standing]]:
    """What is known after reports with these counts."""
    known: dict[str, Standing] = {}
    link = link_view(None)
    for number, captured in enumerate(counts):
        link = reported(number, captured)
        known = dict(standings(known, link))
    return replace(link, **changes), known  # type: ignore[arg-type]


RUNNING, FROZEN = [6, 12, 18, 24, 30], [6, 12, 12, 12, 12]


@pytest.mark.parametrize(
    ("counts", "changes", "cause"),
    [
        (RUNNING, {}, Cause.WAY),
        (FROZEN, {}, Cause.CAMERA),
        ([6, 12, 12, 12], {}, Cause.WAY),  # 400 ms: not yet sure
        ([6, 12, 12, 12, 18], {}, Cause.WAY),
        ([90, 6, 12], {}, Cause.WAY),  # the robot's cameras were restarted
        (FROZEN, {"reach": Reach.LOST}, Cause.LINK),
        (RUNNING, {"media_silent_ms": 500.0}, Cause.UNSURE),
        (FROZEN, {"media_silent_ms": 500.0}, Cause.CAMERA),
        (RUNNING, {"media_silent_ms": 1_200.0}, Cause.CAMERAS),
        (RUNNING, {"media": None}, Cause.CAMERAS),
    ],
)
def test_whose_fault_it_is(counts: list[int], changes: dict[str, object], cause: Cause) -> None:
    link, known = after(counts, **changes)
    assert cause_of(link, "front", known) is cause


def test_a_camera_that_the_robot_does_not_have() -> None:
    link, known = after(FROZEN)
    assert cause_of(link, "rear", known) is Cause.ABSENT


def test_a_report_that_is_looked_at_often_counts_once() -> None:
    link = reported(0, 6)
    known = standings({}, link)
    for _ in range(100):
        known = standings(known, link)
    assert cause_of(link, "front", known) is Cause.WAY
    assert FROZEN_MS == 3 * REPORT_MS


def test_while_no_report_comes_what_was_known_stays() -> None:
    _, known = after(FROZEN)
    assert standings(known, link_view(driven(), media=None)) == known


@pytest.mark.parametrize(
    ("counts", "changes", "age_ms", "tag", "title", "why"),
    [
        (
            FROZEN,
            {},
            3_200.0,
            ("CAMERA FROZEN", "for 3.2 s"),
            "CAMERA FROZEN for 3.2 s",
            "The link is up; the camera gives nothing new.",
        ),
        (
            FROZEN,
            {},
            12_000.0,
            ("CAMERA FROZEN", "for 12 s"),
            "CAMERA FROZEN for 12 s",
            "The link is up; the camera gives nothing new.",
        ),
        (
            RUNNING,
            {},
            3_200.0,
            ("STALE 3.2 s", "last 14:32:05"),
            "STALE 3.2 s",
            "Link and camera work, no picture gets through.",
        ),
        (
            RUNNING,
            {"media_silent_ms": 700.0},
            800.0,
            ("STALE 0.8 s", "last 14:32:05"),
            "STALE 0.8 s",
            "No new picture comes.",
        ),
        (
            FROZEN,
            {"reach": Reach.LOST, "silent_ms": 12_000.0},
            12_000.0,
            ("NO PICTURE", "for 12 s"),
            "NO PICTURE for 12 s",
            "There is no link to the robot.",
        ),
        (
            RUNNING,
            {"media_silent_ms": 3_200.0},
            3_200.0,
            ("STALE 3.2 s", "last 14:32:05"),
            "STALE 3.2 s",
            "The link is up; the robot's cameras do not answer.",
        ),
    ],
)
def test_the_words_over_the_picture(
    counts: list[int],
    changes: dict[str, object],
    age_ms: float,
    tag: tuple[str, str],
    title: str,
    why: str,
) -> None:
    link, known = after(counts, **changes)
    face = screen(link, Facts(standings=known), camera(age_ms=age_ms)).pictures[0]
    assert (face.tag.word, face.tag.detail, face.tag.look) == (*tag, Look.HOLD)
    assert face.veil is not None
    assert (face.veil.title, face.veil.detail) == (title, f"{why} Last picture 14:32:05.")
    assert face.veil.black is (age_ms > 10_000)


def test_a_frozen_camera_that_shows_a_new_picture_all_the_same_is_live() -> None:
    link, known = after(FROZEN)
    face = screen(link, Facts(standings=known), camera(age_ms=62.0)).pictures[0]
    assert (face.tag.word, face.veil) == ("LIVE", None)


def test_before_the_first_picture_the_reason_of_the_video_link_is_told() -> None:
    link, known = after(RUNNING)
    problem = "the pictures find no way to here: is UDP blocked in between?"
    facts = Facts(standings=known, video_problem=problem)
    face = screen(link, facts, camera(age_ms=None, painted=0)).pictures[0]
    assert face.veil is not None
    assert problem in face.veil.detail


def test_the_top_bar_and_the_reasons_say_so_too() -> None:
    link, known = after(FROZEN)
    shown = screen(link, Facts(standings=known), camera(age_ms=3_200.0), camera("ceiling", 3_300.0))
    assert (shown.link.word, shown.link.detail) == ("Camera frozen", "for 3.2 s")
    rows = {row.name: row.value for row in shown.reasons.rows}
    assert rows["Picture"] == "Front: camera frozen for 3.2 s"
    assert rows["Other pictures"] == "Ceiling: camera frozen for 3.3 s"


def test_the_window_remembers_from_view_to_view() -> None:
    history = History()
    for number, captured in enumerate(FROZEN):
        history.note(reported(number, captured), None, number * REPORT_MS * MS)
    history.note_video("connecting")
    last = reported(len(FROZEN) - 1, FROZEN[-1])
    assert cause_of(last, "front", history.facts.standings) is Cause.CAMERA
    assert history.facts.video_problem == "connecting"
