"""Pictures beside other rows than their own are found: by how many rows, and of which camera."""

from __future__ import annotations

import numpy as np
import pytest

from recorder.judge import judge
from recorder.replayable import Image
from recorder.stale_camera import REACH, diagnosis_of, shift_of, shrunk
from recorder.verdict import Controls, Evidence, Fault, Kind, OpenLoop
from transport.messages import Outcome

ROWS = 90


def scene(row: float) -> Image:
    """A bright block that goes round, in front of a texture."""
    rng = np.random.default_rng(1)
    picture = rng.integers(40, 80, (120, 160, 3), np.uint8)
    x, y = int(80 + 55 * np.cos(row / 9)), int(60 + 40 * np.sin(row / 9))
    picture[y - 8 : y + 8, x - 10 : x + 10] = 220
    return picture


def film(late: int = 0) -> np.ndarray:
    return np.stack([shrunk(scene(max(0, row - late))) for row in range(ROWS)])


def test_pictures_beside_their_own_rows_are_in_order() -> None:
    assert shift_of(film(), scene)[0] == 0


@pytest.mark.parametrize("rows", [-5, -3, 2, 3, 5])
def test_pictures_that_lag_or_lead_are_found_by_how_many_rows(rows: int) -> None:
    assert shift_of(film(rows), scene)[0] == rows


def test_a_video_in_which_nothing_moves_says_nothing() -> None:
    still = np.stack([shrunk(scene(0))] * ROWS)
    assert shift_of(still, scene) == (0, 0)


def test_a_camera_that_draws_something_else_is_left_alone() -> None:
    def elsewhere(row: int) -> Image:
        return np.random.default_rng(row).integers(0, 255, (120, 160, 3), np.uint8)

    assert shift_of(film(3), elsewhere)[0] == 0


def test_another_brightness_and_noise_do_not_matter() -> None:
    def brighter(row: int) -> Image:
        noise = np.random.default_rng(row).integers(0, 12, (120, 160, 3))
        return np.clip(scene(row) * 0.8 + 30 + noise, 0, 255).astype(np.uint8)

    assert shift_of(film(3), brighter)[0] == 3


def test_a_film_too_short_to_look_around_says_nothing() -> None:
    assert shift_of(film()[: 2 * REACH], scene) == (0, 0)


def test_it_is_a_label_fault_that_names_the_camera_though_every_action_is_proved() -> None:
    found = diagnosis_of("front", 3)
    kind, sentence = judge(
        Evidence(
            label=Outcome.SUCCESS,
            recorded_steps=9,
            applied_steps=9,
            open_loop=OpenLoop(
                solved=True,
                exact=True,
                max_deviation=0.0,
                first_divergent_step=-1,
                first_divergent_tick=-1,
            ),
            controls=Controls(null_actions_solved=False, recorded_states_solved=True),
            diagnosis=found,
        )
    )
    assert (found.fault, kind) == (Fault.STALE_CAMERA, Kind.LABEL_FAULT)
    assert "front are 3 rows behind" in sentence
