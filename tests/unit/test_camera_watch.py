"""Which pictures are new, what is wrong with a camera, and the words for it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from teleop.camera_watch import MISSED_MS, RETRY_MS, CameraWatch, as_i420
from teleop.robot import Capture
from transport.clock import NS_PER_MS, NS_PER_S
from transport.i420 import I420, ToI420, black
from transport.messages import CameraCondition

GREY = np.full((48, 64, 3), 128, np.uint8)
BLACK = np.zeros((48, 64, 3), np.uint8)
STEP_NS = 33 * NS_PER_MS


def watch(*, noisy: bool = False) -> CameraWatch:
    return CameraWatch("front", noisy=noisy, recorded=(64, 48), now_ns=0)


def noise(seed: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 255, (48, 64, 3), np.uint8)


def test_a_simulated_picture_is_as_old_as_the_state_it_shows() -> None:
    capture = watch().took(GREY, 7 * STEP_NS, 8 * STEP_NS)
    assert capture is not None
    assert capture.captured_ns == 7 * STEP_NS


def test_a_real_camera_says_itself_when_it_took_the_picture() -> None:
    capture = watch().took(Capture(GREY, 5 * STEP_NS), 7 * STEP_NS, 8 * STEP_NS)
    assert capture is not None
    assert capture.captured_ns == 5 * STEP_NS


def test_a_scene_where_nothing_moves_is_no_frozen_camera() -> None:
    seen = watch()
    for number in range(1, 100):
        assert seen.took(GREY, number * STEP_NS, number * STEP_NS) is not None
    assert seen.condition(99 * STEP_NS) is CameraCondition.LIVE
    assert seen.problem(99 * STEP_NS) == ""


@pytest.mark.parametrize("noisy", [True, False])
def test_a_capture_time_that_stands_still_is_a_frozen_camera(noisy: bool) -> None:
    seen = watch(noisy=noisy)
    for number in range(1, 100):
        seen.took(Capture(noise(number), STEP_NS), number * STEP_NS, number * STEP_NS)
    assert seen.condition(99 * STEP_NS) is CameraCondition.FROZEN
    assert seen.problem(4 * NS_PER_S) == "Camera front repeats one picture since 4 s: restart it."
    assert (seen.counts.captured, seen.counts.repeated) == (1, 98)


@pytest.mark.parametrize("by_ns", [1, STEP_NS // 2, 3600 * NS_PER_S])
def test_a_camera_whose_clock_is_set_back_is_live_and_its_pictures_count_from_their_arrival(
    by_ns: int,
) -> None:
    seen, began_ns = watch(noisy=True), 7200 * NS_PER_S
    late_ns = 5 * NS_PER_MS  # from the capture to us
    for number in range(1, 10):
        now_ns = began_ns + number * STEP_NS
        shot = seen.took(Capture(noise(number), now_ns - late_ns), now_ns, now_ns)
        assert shot is not None
        assert shot.captured_ns == now_ns - late_ns
    back_ns = STEP_NS + by_ns
    for number in range(10, 100):
        now_ns = began_ns + number * STEP_NS
        shot = seen.took(Capture(noise(number), now_ns - late_ns - back_ns), now_ns, now_ns)
        assert shot is not None
        assert shot.captured_ns == now_ns
    assert seen.condition(now_ns) is CameraCondition.LIVE
    assert (seen.counts.captured, seen.counts.jumped, seen.counts.repeated) == (99, 1, 0)
    for number in range(100, 200):
        now_ns = began_ns + number * STEP_NS
        assert seen.took(Capture(noise(number), began_ns), now_ns, now_ns) is None or number == 100
    assert seen.condition(now_ns) is CameraCondition.FROZEN, "a clock that stands is still noticed"


def test_a_driver_that_hands_out_its_old_buffers_in_turn_is_frozen_and_no_clock_that_jumps() -> (
    None
):
    seen = watch()
    for number in range(1, 100):
        now_ns = number * STEP_NS
        seen.took(Capture(noise(number), (1 + number % 4) * NS_PER_MS), now_ns, now_ns)
    assert seen.condition(99 * STEP_NS) is CameraCondition.FROZEN
    assert seen.counts.captured == 4


def test_a_state_that_is_older_than_the_one_before_is_no_new_picture() -> None:
    seen = watch()
    assert seen.took(GREY, 5 * STEP_NS, 6 * STEP_NS) is not None
    assert seen.took(GREY, 4 * STEP_NS, 7 * STEP_NS) is None
    assert (seen.counts.repeated, seen.counts.jumped) == (1, 0)


def test_where_every_picture_has_noise_equal_bytes_are_a_frozen_camera() -> None:
    seen = watch(noisy=True)
    for number in range(1, 100):
        seen.took(Capture(GREY.copy(), number * STEP_NS), number * STEP_NS, number * STEP_NS)
    assert seen.condition(99 * STEP_NS) is CameraCondition.FROZEN


def test_a_camera_that_gives_nothing_is_missing_after_a_second_and_told_in_words() -> None:
    seen = watch()
    seen.took(GREY, STEP_NS, STEP_NS)
    just_ns = STEP_NS + MISSED_MS * NS_PER_MS
    assert seen.took(None, 2 * STEP_NS, 2 * STEP_NS) is None
    assert seen.condition(just_ns - 1) is CameraCondition.LIVE
    assert seen.condition(just_ns) is CameraCondition.MISSING
    assert seen.problem(STEP_NS + 3 * NS_PER_S) == (
        "No picture from front since 3 s: check its cable and power."
    )


def test_a_camera_that_fails_is_asked_less_often_and_its_own_words_are_told() -> None:
    seen = watch()
    seen.failed("no such device", 0)
    assert not seen.due(RETRY_MS * NS_PER_MS - 1)
    assert seen.due(RETRY_MS * NS_PER_MS)
    assert seen.problem(2 * NS_PER_S) == (
        "No picture from front since 2 s (no such device): check its cable and power."
    )


def test_words_of_a_rig_never_make_a_report_too_long_to_send() -> None:
    seen = watch()
    seen.failed("x" * 5000, 0)
    assert len(seen.problem(100 * NS_PER_S)) < 400


def test_a_camera_that_comes_back_is_live_at_once() -> None:
    seen = watch()
    seen.failed("no such device", 0)
    seen.took(GREY, 5 * NS_PER_S, 5 * NS_PER_S)
    assert seen.condition(5 * NS_PER_S) is CameraCondition.LIVE
    assert seen.problem(5 * NS_PER_S) == ""


def test_time_without_control_is_not_the_cameras_fault() -> None:
    seen = watch()
    seen.took(GREY, STEP_NS, STEP_NS)
    seen.not_asked(5 * NS_PER_S)
    assert seen.condition(5 * NS_PER_S) is CameraCondition.LIVE


def test_black_pictures_pass_and_are_counted_and_told() -> None:
    seen = watch()
    assert seen.took(BLACK, STEP_NS, STEP_NS) is not None
    assert seen.condition(STEP_NS) is CameraCondition.BLACK
    assert "black" in seen.problem(STEP_NS)
    assert seen.counts.black == 1
    seen.took(GREY, 2 * STEP_NS, 2 * STEP_NS)
    assert seen.condition(2 * STEP_NS) is CameraCondition.LIVE


def test_pictures_of_another_size_than_is_recorded_are_told_until_they_fit_again() -> None:
    seen = watch()
    assert seen.problem(0) == "", "there is none yet"
    seen.took(np.full((24, 32, 3), 128, np.uint8), STEP_NS, STEP_NS)
    assert seen.condition(STEP_NS) is CameraCondition.LIVE
    assert seen.problem(STEP_NS) == (
        "Camera front gives 32x24, recorded are 64x48: its pictures are shown, not recorded."
    )
    assert "No picture" in seen.problem(2 * NS_PER_S), "that is worse"
    seen.took(GREY, 3 * NS_PER_S, 3 * NS_PER_S)
    assert seen.problem(3 * NS_PER_S) == ""


@pytest.mark.parametrize(
    "broken",
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((480, 640, 2), np.uint8),
        np.zeros((480,), np.uint8),
        np.zeros((480, 640, 3), np.float32),
        np.zeros((8, 8, 3), np.uint8),
        "not a picture",
    ],
)
def test_what_cannot_be_a_picture_is_counted_and_kept_from_the_encoder(broken: object) -> None:
    seen = watch()
    assert seen.took(broken, STEP_NS, STEP_NS) is None  # type: ignore[arg-type]
    assert seen.counts.unusable == 1
    assert "cannot be used" in seen.problem(2 * NS_PER_S)


def test_a_picture_from_the_future_is_not_taken_for_a_young_one() -> None:
    seen = watch()
    assert seen.took(Capture(GREY, 2 * STEP_NS), STEP_NS, STEP_NS) is None
    assert "its clock is ahead" in seen.problem(2 * NS_PER_S)


@pytest.mark.parametrize(
    ("shape", "becomes"),
    [
        ((48, 64), (64, 48)),
        ((48, 64, 1), (64, 48)),
        ((48, 64, 4), (64, 48)),
        ((49, 65, 3), (64, 48)),
        ((51, 67, 3), (66, 50)),
    ],
)
def test_other_formats_and_odd_sizes_become_i420_of_even_size(
    shape: tuple[int, ...], becomes: tuple[int, ...]
) -> None:
    picture = as_i420(np.full(shape, 255, np.uint8), ToI420())
    assert picture is not None
    assert (picture.width, picture.height) == becomes
    assert np.unique(picture.luma).tolist() == [235]
    assert np.unique(picture.planes[picture.height :]).tolist() == [128]


def test_a_camera_that_gives_i420_is_taken_without_a_copy() -> None:
    given = black(64, 48)
    shot = watch().took(Capture(given, STEP_NS), STEP_NS, STEP_NS)
    assert shot is not None
    assert shot.picture is given


@pytest.mark.parametrize("shape", [(1, 66, 50), (73, 64), (72, 63), (12, 64), (72, 8)])
def test_planes_that_are_no_i420_are_kept_from_the_encoder(shape: tuple[int, ...]) -> None:
    seen = watch()
    assert seen.took(I420(np.zeros(shape, np.uint8)), STEP_NS, STEP_NS) is None
    assert seen.counts.unusable == 1
