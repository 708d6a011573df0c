"""Which camera is where: numbers stay, places change."""

from __future__ import annotations

import pytest

from ui.arrangement import arranged

FOUR = ("front", "ceiling", "left", "right")


def test_at_first_cameras_stand_in_the_order_of_their_numbers() -> None:
    assert arranged(FOUR).places == FOUR
    assert [arranged(FOUR).number(camera) for camera in FOUR] == [1, 2, 3, 4]


def test_a_camera_changes_places_with_the_one_in_the_main_view_and_keeps_its_number() -> None:
    swapped = arranged(FOUR).with_main("left")
    assert swapped.places == ("left", "ceiling", "front", "right")
    assert swapped.number("left") == 3
    assert swapped.with_main("left") == swapped
    assert swapped.with_main("front") == arranged(FOUR)


@pytest.mark.parametrize(
    ("kept", "places"),
    [
        (("ceiling", "front", "left", "right"), ("ceiling", "front", "left", "right")),
        (("gone", "left", "left"), ("left", "front", "ceiling", "right")),
        ((), FOUR),
    ],
)
def test_what_was_kept_holds_for_the_cameras_that_are_still_there(
    kept: tuple[str, ...], places: tuple[str, ...]
) -> None:
    assert arranged(FOUR, kept).places == places
