"""The figures of the link as text: every stage from sensor to screen, and what is not known."""

from __future__ import annotations

import pytest
from msgspec import structs

from teleop.operator_view import LinkView, Reach
from tests.console.fakes import driven, link_view, media_state
from tests.unit.screen_support import camera
from transport.video_figures import VideoFigures
from ui.link_figures import CameraFigures, Figures, Way, figures_of, percentile_ms

CAME = VideoFigures(
    width=640,
    height=480,
    bitrate_bps=1_214_000.0,
    received_fps=29.9,
    lost_fraction=0.0123,
    jitter_ms=2.14,
    decode_ms=1.38,
    abandoned=3,
    undecoded=4,
    undecodable=6,
    key_requests=5,
)
AGES = tuple(float(ms) for ms in range(1, 101))


def column(link: LinkView, number: int = 0, **changes: object) -> dict[str, str]:
    values: dict[str, object] = {
        "number": 1,
        "picture": camera("front"),
        "ages_ms": AGES,
        "received": CAME,
        "overwritten": 7,
    }
    table = figures_of([CameraFigures(**{**values, **changes})], link)  # type: ignore[arg-type]
    return {name: values[number] for name, values in table.rows}


def test_every_stage_has_its_line() -> None:
    media = media_state()
    status = structs.replace(
        media.cameras[0], skipped=2, left_out=8, unsent=9, unrecorded=1, fps=30.0
    )
    link = link_view(driven(), media=structs.replace(media, cameras=(status,)))
    assert column(link) == {
        "Picture, H.264": "640x480",
        "Captured / received / painted, fps": "30 / 30 / 30",
        "Bitrate, Mbit/s": "1.21",
        "Loss, %": "1.2",
        "Jitter / decoding, ms": "2.1 / 1.4",
        "Age p50 / p99, ms": "50 / 99",
        "Dropped by robot: busy / line full / unsent": "2 / 8 / 9",
        "Not recorded by robot": "1",
        "Dropped: not whole / not decodable": "3 / 6",
        "Dropped: decoder behind / not painted": "4 / 7",
        "Key frames asked for": "5",
    }


def test_what_was_not_measured_is_not_called_nought() -> None:
    shown = column(
        link_view(driven(), media=None), received=VideoFigures(), ages_ms=(), overwritten=0
    )
    assert shown["Picture, H.264"] == "–"
    assert shown["Captured / received / painted, fps"] == "– / – / 30"
    assert shown["Age p50 / p99, ms"] == "– / –"
    assert {shown[name] for name in shown if name.startswith(("Bitrate", "Loss", "Key"))} == {"–"}
    assert shown["Dropped by robot: busy / line full / unsent"] == "– / – / –"
    assert shown["Not recorded by robot"] == "–"
    assert shown["Dropped: not whole / not decodable"] == "– / –"
    assert shown["Dropped: decoder behind / not painted"] == "– / 0"


def test_what_the_robot_said_too_long_ago_is_not_repeated() -> None:
    link = link_view(driven(), media_silent_ms=4_000.0)
    assert column(link)["Captured / received / painted, fps"] == "– / 30 / 30"


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (link_view(driven()), "round trip 3 ms, p95 4 ms"),
        (link_view(driven(), round_trip_p95_ms=None), "round trip 3 ms"),
        (link_view(driven(), round_trip_ms=None), "round trip –"),
        (link_view(driven(), reach=Reach.LOST, silent_ms=3_200.0), "no link for 3.2 s"),
        (link_view(None, silent_ms=41_000.0), "no link for 41 s"),
    ],
)
def test_the_round_trip_is_that_of_the_control_link(link: LinkView, words: str) -> None:
    assert figures_of([], link) == Figures(words, (), ())


def test_how_the_pictures_come_stands_beside_the_round_trip() -> None:
    link = link_view(driven())
    relayed = figures_of([], link, Way("relayed", "this console's relay does not answer"))
    assert relayed.link == "round trip 3 ms, p95 4 ms · pictures relayed"
    assert relayed.trouble == "This console's relay does not answer"
    assert figures_of([], link, Way()).link == "round trip 3 ms, p95 4 ms"


def test_cameras_are_named_by_their_number_wherever_they_are_shown() -> None:
    cameras = [
        CameraFigures(number, camera(name), (), CAME, 0)
        for number, name in ((1, "front"), (2, "wrist_left"))
    ]
    assert figures_of(cameras, link_view(driven())).cameras == ("1 Front", "2 Wrist left")


@pytest.mark.parametrize(
    ("ages", "percent", "text"),
    [((), 50, "–"), ((62.4,), 99, "62"), (AGES, 99, "99"), ((1e9,), 50, "9999")],
)
def test_percentiles(ages: tuple[float, ...], percent: int, text: str) -> None:
    assert percentile_ms(ages, percent) == text
