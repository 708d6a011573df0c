"""Why no new picture comes, in words: a frozen camera is not a lost link."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from teleop.operator_view import LinkView, Reach
from tests.console.fakes import driven, link_view, media_state, resized
from tests.unit.screen_support import camera, screen
from transport.messages import CameraCondition, RecorderPhase
from ui.facts import Facts
from ui.history import History
from ui.picture_cause import Cause, cause_of, is_black, unrecorded
from ui.screen import Look


def told(condition: CameraCondition, problem: str = "", **changes: object) -> LinkView:
    """A view in which the robot says this of both cameras."""
    media = media_state()
    cameras = tuple(
        structs.replace(each, condition=condition, problem=problem) for each in media.cameras
    )
    link = link_view(driven(), media=structs.replace(media, cameras=cameras))
    return replace(link, **changes)  # type: ignore[arg-type]


LIVE, FROZEN, MISSING = CameraCondition.LIVE, CameraCondition.FROZEN, CameraCondition.MISSING
BLACK = CameraCondition.BLACK
REPEATS = "Camera front repeats one picture since 3 s: restart it."
CABLE = "No picture from front since 3 s: check its cable and power."


@pytest.mark.parametrize(
    ("condition", "changes", "cause"),
    [
        (LIVE, {}, Cause.WAY),
        (FROZEN, {}, Cause.FROZEN),
        (MISSING, {}, Cause.MISSING),
        (CameraCondition.BLACK, {}, Cause.WAY),
        (FROZEN, {"reach": Reach.LOST}, Cause.LINK),
        (LIVE, {"media_silent_ms": 500.0}, Cause.UNSURE),
        (FROZEN, {"media_silent_ms": 500.0}, Cause.FROZEN),
        (LIVE, {"media_silent_ms": 1_200.0}, Cause.CAMERAS),
        (LIVE, {"media": None}, Cause.CAMERAS),
    ],
)
def test_whose_fault_it_is(
    condition: CameraCondition, changes: dict[str, object], cause: Cause
) -> None:
    assert cause_of(told(condition, **changes), "front") is cause


def test_a_camera_that_the_robot_does_not_have() -> None:
    assert cause_of(told(FROZEN), "rear") is Cause.ABSENT


@pytest.mark.parametrize(
    ("condition", "changes", "age_ms", "tag", "title", "why"),
    [
        (
            FROZEN,
            {"problem": REPEATS},
            3_200.0,
            ("CAMERA FROZEN", "for 3.2 s"),
            "CAMERA FROZEN for 3.2 s",
            f"The link is up. {REPEATS}",
        ),
        (
            FROZEN,
            {"problem": REPEATS},
            12_000.0,
            ("CAMERA FROZEN", "for 12 s"),
            "CAMERA FROZEN for 12 s",
            f"The link is up. {REPEATS}",
        ),
        (
            MISSING,
            {"problem": CABLE},
            3_200.0,
            ("CAMERA GIVES NOTHING", "for 3.2 s"),
            "CAMERA GIVES NOTHING for 3.2 s",
            f"The link is up. {CABLE}",
        ),
        (
            LIVE,
            {},
            3_200.0,
            ("STALE 3.2 s", "last 14:32:05"),
            "STALE 3.2 s",
            "Link and camera work, no picture gets through.",
        ),
        (
            LIVE,
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
            LIVE,
            {"media_silent_ms": 3_200.0},
            3_200.0,
            ("STALE 3.2 s", "last 14:32:05"),
            "STALE 3.2 s",
            "The link is up; the robot's cameras do not answer.",
        ),
    ],
)
def test_the_words_over_the_picture(
    condition: CameraCondition,
    changes: dict[str, object],
    age_ms: float,
    tag: tuple[str, str],
    title: str,
    why: str,
) -> None:
    link = told(condition, **changes)  # type: ignore[arg-type]
    face = screen(link, Facts(), camera(age_ms=age_ms)).pictures[0]
    assert (face.tag.word, face.tag.detail, face.tag.look) == (*tag, Look.HOLD)
    assert face.veil is not None
    assert (face.veil.title, face.veil.detail) == (title, f"{why} Last picture 14:32:05.")
    assert face.veil.black is (age_ms > 10_000)


def test_a_frozen_camera_that_shows_a_new_picture_all_the_same_is_live() -> None:
    face = screen(told(FROZEN, REPEATS), Facts(), camera(age_ms=62.0)).pictures[0]
    assert (face.tag.word, face.veil) == ("LIVE", None)


def test_before_the_first_picture_the_reason_of_the_video_link_is_told() -> None:
    problem = "the pictures find no way to here: is UDP blocked in between?"
    facts = Facts(video_problem=problem)
    face = screen(told(LIVE), facts, camera(age_ms=None, painted=0)).pictures[0]
    assert face.veil is not None
    assert problem in face.veil.detail


def test_the_top_bar_and_the_reasons_say_so_too() -> None:
    shown = screen(
        told(FROZEN, REPEATS), Facts(), camera(age_ms=3_200.0), camera("ceiling", 3_300.0)
    )
    assert (shown.link.word, shown.link.detail) == ("Camera frozen", "for 3.2 s")
    rows = {row.name: row.value for row in shown.reasons.rows}
    assert rows["Picture"] == "Front: camera frozen for 3.2 s"
    assert rows["Other pictures"] == "Ceiling: camera frozen for 3.3 s"


def test_the_window_remembers_why_there_is_no_video() -> None:
    history = History()
    history.note(told(LIVE), None, 0)
    history.note_video("connecting")
    assert history.facts.video_problem == "connecting"


def test_a_black_picture_is_not_called_live() -> None:
    shown = screen(told(BLACK), Facts(), camera(age_ms=62.0), camera("ceiling", 63.0))
    tag = shown.pictures[0].tag
    assert (tag.word, tag.detail) == ("BLACK", "lens covered, or no light")
    assert shown.pictures[0].veil is None
    assert shown.link.word == "Picture is black"
    rows = {row.name: row.value for row in shown.reasons.rows}
    assert rows["Picture"] == "Front: black, lens covered?"
    assert rows["Other pictures"] == "Ceiling: black, lens covered?"


@pytest.mark.parametrize("changes", [{"reach": Reach.LOST}, {"media_silent_ms": 5_000.0}])
def test_what_was_black_before_the_robot_fell_silent_is_not_said_to_be_now(
    changes: dict[str, object],
) -> None:
    assert not is_black(told(BLACK, **changes), "front")


def test_a_black_picture_that_grows_old_is_stale_first() -> None:
    face = screen(told(BLACK), Facts(), camera(age_ms=1_200.0)).pictures[0]
    assert face.veil is not None
    assert face.tag.word.startswith("STALE")


def other_size(*cameras: str, **changes: object) -> LinkView:
    """A robot that records, but not these cameras."""
    media = media_state(recorder=RecorderPhase.RECORDING, episode="rover-07-118", episode_s=179.4)
    return link_view(driven(), media=resized(media, *cameras), **changes)


def test_a_picture_that_is_not_recorded_is_live_and_says_so() -> None:
    shown = screen(other_size("front"), Facts(), camera(age_ms=62.0), camera("ceiling", 63.0))
    front, ceiling = shown.pictures
    assert (front.tag.word, front.tag.detail) == ("LIVE", "62 ms · not recorded")
    assert (front.tag.look, front.veil, front.fps) == (Look.LIMITED, None, "")
    assert (ceiling.tag.detail, ceiling.tag.look) == ("63 ms", Look.QUIET)
    assert (shown.recording.detail, shown.recording.look) == ("REC, not Front", Look.LIMITED)
    rows = {row.name: row for row in shown.reasons.rows}
    assert rows["Recording"].value == "on, not Front: gives 320x240, recorded are 640x480"
    assert rows["Recording"].look is Look.LIMITED
    assert rows["Picture"].look is Look.QUIET, "it is fit to drive by"


def test_several_cameras_that_are_not_recorded_are_named() -> None:
    shown = screen(other_size("front", "ceiling"), Facts(), camera(), camera("ceiling", 63.0))
    rows = {row.name: row.value for row in shown.reasons.rows}
    assert rows["Recording"] == "on, not Front, Ceiling: of another size"
    assert shown.recording.detail == "REC, not 2 cams"


def test_a_late_picture_says_that_first() -> None:
    link = replace(other_size("front"), state=driven(picture_age_ms=320.0))
    tag = screen(link, Facts(), camera(age_ms=320.0)).pictures[0].tag
    assert tag.word == "LATE"


@pytest.mark.parametrize(
    "link",
    [
        told(BLACK, "The picture from front is black: is the lens covered, or no light?"),
        told(FROZEN, REPEATS),
        told(LIVE),
        other_size("front", reach=Reach.LOST),
        other_size("front", media_silent_ms=1_200.0),
        replace(other_size("front"), media=None),
    ],
)
def test_what_is_not_known_to_be_of_another_size_now(link: LinkView) -> None:
    assert unrecorded(link) == ()
