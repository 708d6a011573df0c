"""Which rendition of a camera is fetched, by how large it is shown."""

from __future__ import annotations

import pytest

from transport.messages import Rendition
from transport.renditions import Wishes, rendition_for

FULL, SMALL = Rendition.FULL, Rendition.SMALL


@pytest.mark.parametrize(
    ("shown_px", "now", "then"),
    [
        (640, FULL, FULL),
        (400, FULL, FULL),
        (383, FULL, SMALL),
        (90, FULL, SMALL),
        (90, SMALL, SMALL),
        (449, SMALL, FULL),
        (1200, SMALL, FULL),
        (0, SMALL, FULL),
    ],
)
def test_a_camera_of_640_is_fetched_as_large_as_it_is_shown(
    shown_px: int, now: Rendition, then: Rendition
) -> None:
    assert rendition_for(shown_px, 640, now) is then


@pytest.mark.parametrize("now", [FULL, SMALL])
def test_a_window_on_the_edge_between_two_does_not_toggle(now: Rendition) -> None:
    assert rendition_for(420, 640, now) is now


@pytest.mark.parametrize("now", [FULL, SMALL])
def test_before_the_first_picture_nothing_is_changed(now: Rendition) -> None:
    assert rendition_for(300, 0, now) is now


WIDTHS = {"front": 640, "rear": 640}


def test_who_swaps_two_cameras_gets_the_large_one_first() -> None:
    wishes = Wishes(("front", "rear"))
    assert wishes.next({"front": 0, "rear": 90}, WIDTHS) == ("rear", SMALL)
    wishes.answered("rear", SMALL, granted=True)
    swapped, widths = {"front": 90, "rear": 0}, {"front": 640, "rear": 320}
    assert wishes.next(swapped, widths) == ("rear", FULL)
    wishes.answered("rear", FULL, granted=True)
    assert wishes.next(swapped, widths) == ("front", SMALL)


def test_a_wish_without_an_answer_is_repeated_whatever_comes_meanwhile() -> None:
    wishes = Wishes(("front", "rear"))
    shown = {"rear": 90}
    wishes.asked("rear")
    assert wishes.next(shown, WIDTHS) == ("rear", SMALL)
    assert wishes.next(shown, {"front": 640, "rear": 320}) == ("rear", SMALL)
    assert wishes.next({"rear": 0}, {"front": 640, "rear": 320}) == ("rear", FULL)
    wishes.answered("rear", FULL, granted=True)
    assert wishes.next({"rear": 0}, WIDTHS) is None


def test_what_the_robot_refuses_is_not_asked_for_again_before_another_wish() -> None:
    wishes = Wishes(("front",))
    wishes.answered("front", SMALL, granted=False)
    assert wishes.next({"front": 90}, WIDTHS) is None
    assert wishes.next({"front": 600}, WIDTHS) is None
