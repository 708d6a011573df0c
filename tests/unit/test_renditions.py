"""Which rendition of a camera is fetched, by how large it is shown."""

from __future__ import annotations

import pytest

from transport.messages import Rendition
from transport.renditions import rendition_for

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
@pytest.mark.parametrize(("shown_px", "full_px"), [(0, 640), (300, 0)])
def test_what_is_not_known_changes_nothing(now: Rendition, shown_px: int, full_px: int) -> None:
    assert rendition_for(shown_px, full_px, now) is now
