"""Do pictures and states belong together? Draws recorded states and looks for them in the video.

A picture that is some rows behind its row teaches a policy to see the past; no replay of actions
notices. What is drawn is compared with the pictures of the rows around, small and grey, where the
video changes most. A video in which nothing moves says nothing, and a camera that draws otherwise
than it filmed fits nowhere best: both are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt

from recorder.demonstration import Demonstration
from recorder.library import Episode
from recorder.replayable import Eye, Image, Numbers
from recorder.verdict import Diagnosis, Fault

REACH: Final = 6  # rows to either side: 0.2 s, more than any camera's own delay
AT_LEAST: Final = 2  # rows; a picture may be of the row before or after its own by right
PICTURES: Final = 10  # states that are drawn for each camera
SHORTEST: Final = 2 * REACH + PICTURES  # rows; nothing is said of less
CLEARER: Final = 0.6  # the best place has to miss by so much less than the place where it stands
AGREE: Final = 0.7  # share of the drawn states that have to point to the same place
_CELLS: Final = (60, 80)  # rows, columns of what is compared

Small = npt.NDArray[np.float32]


def stale_camera(
    episode: Episode, demonstration: Demonstration, eye: Eye
) -> tuple[Diagnosis | None, int]:
    """(the first camera whose pictures stand beside other rows than their own, states drawn).

    Raises:
        EpisodeError: a video cannot be read.
    """
    states = _states_of_rows(episode, demonstration)
    rows = sorted(states)
    drawn = 0
    if len(rows) < SHORTEST:
        return None, 0
    for camera in episode.manifest.cameras:
        frames = islice(episode.frames(camera.name), rows[0], rows[-1] + 1)
        film = np.stack([shrunk(frame) for frame in frames])

        def draw(row: int, name: str = camera.name) -> Image:
            return eye.render(name, demonstration.state(states[rows[0] + row]))

        shift, looked = shift_of(film, draw)
        drawn += looked
        if abs(shift) >= AT_LEAST:
            return diagnosis_of(camera.name, shift), drawn
    return None, drawn


def diagnosis_of(camera: str, shift: int) -> Diagnosis:
    """In words."""
    late = "behind" if shift > 0 else "ahead of"
    return Diagnosis(
        fault=Fault.STALE_CAMERA,
        sentence=f"The pictures of {camera} are {abs(shift)} rows {late} the states.",
        advice=f"Shift its video by {-shift:+d} rows, and look for what delays this camera.",
        explains=1.0,
        rows=shift,
        camera=camera,
    )


def shift_of(film: Small, draw: Callable[[int], Image]) -> tuple[int, int]:
    """(rows by which pictures lag behind their states, states drawn).

    0 rows: they do not, or nothing can be said.

    Args:
        film: (rows, height, width), `shrunk`.
        draw: what the camera sees in the state of a row.
    """
    places = _moments(film)
    best: list[int] = []
    errors = np.zeros(2 * REACH + 1)
    for place in places:
        off = ((film[place - REACH : place + REACH + 1] - shrunk(draw(place))) ** 2).mean(
            axis=(1, 2)
        )
        errors += off / max(float(off.max()), 1e-9)
        best.append(int(off.argmin()) - REACH)
    if not best:
        return 0, 0
    shift = int(errors.argmin()) - REACH
    near = np.abs(np.array(best) - shift) <= 1
    clear = errors.min() < CLEARER * errors[REACH]
    return (shift if clear and near.mean() >= AGREE else 0), len(places)


def _states_of_rows(episode: Episode, demonstration: Demonstration) -> dict[int, int]:
    """Row of the episode to index of its state, for the rows within the demonstration."""
    index = {int(number): i for i, number in enumerate(demonstration.numbers)}
    return {row.row: index[row.tick] for row in episode.rows() if row.tick in index}


def shrunk(picture: Image) -> Small:
    """Cells of a picture's green, brightness and contrast taken out."""
    height, width = picture.shape[:2]
    down, across = max(1, height // _CELLS[0]), max(1, width // _CELLS[1])
    cut = picture[: height // down * down, : width // across * across, 1]
    rows = cut.reshape(height // down, down, width // across, across)
    cells = rows.mean(axis=(1, 3), dtype=np.float32)
    spread = float(cells.std())
    plain: Small = (cells - cells.mean()) / max(spread, 1.0)
    return plain


def _moments(film: Small) -> Sequence[int]:
    """Where the video changes most over the reach, each as far from the next as they reach."""
    inner = np.arange(REACH, len(film) - REACH)
    if not len(inner):
        return []
    change: Numbers = np.array(
        [((film[i + 3] - film[i - 3]) ** 2).mean() for i in inner], np.float64
    )
    chosen: list[int] = []
    for place in inner[np.argsort(-change, kind="stable")]:
        if len(chosen) == PICTURES:
            break
        if change[place - REACH] > 1e-3 and all(abs(place - other) > 2 for other in chosen):
            chosen.append(int(place))
    return chosen
