"""Do pictures and states belong together? Draws recorded states and looks for them in the video.

A picture that is some rows behind its row teaches a policy to see the past; no replay of actions
notices. What is drawn is compared with the pictures of the rows around, small and grey, where the
video changes most. A video in which nothing moves says nothing, and a camera that draws otherwise
than it filmed fits nowhere best: both are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
CLEARER: Final = 0.6  # the best place has to miss by so much less than the place where it stands
AGREE: Final = 0.7  # share of the drawn states that have to point to the same place
_CELLS: Final = (60, 80)  # rows, columns of what is compared

Small = npt.NDArray[np.float32]


def stale_camera(episode: Episode, demonstration: Demonstration, eye: Eye) -> Diagnosis | None:
    """The first camera whose pictures stand beside other rows than their own; None: none does.

    Raises:
        EpisodeError: a video cannot be read.
    """
    states = _states_of_rows(episode, demonstration)
    if len(states) < 2 * REACH + PICTURES:
        return None
    for camera in episode.manifest.cameras:
        shift = _shift(episode, demonstration, states, camera.name, eye)
        if abs(shift) < AT_LEAST:
            continue
        late = "behind" if shift > 0 else "ahead of"
        return Diagnosis(
            fault=Fault.STALE_CAMERA,
            sentence=f"The pictures of {camera.name} are {abs(shift)} rows {late} the states.",
            advice=f"Shift its video by {-shift:+d} rows, and look for what delays this camera.",
            explains=1.0,
            rows=shift,
            camera=camera.name,
        )
    return None


def _states_of_rows(episode: Episode, demonstration: Demonstration) -> dict[int, int]:
    """Row of the episode to index of its state, for the rows within the demonstration."""
    index = {int(number): i for i, number in enumerate(demonstration.numbers)}
    return {row.row: index[row.tick] for row in episode.rows() if row.tick in index}


def _shift(
    episode: Episode,
    demonstration: Demonstration,
    states: dict[int, int],
    camera: str,
    eye: Eye,
) -> int:
    """By how many rows the pictures of a camera lag; 0: they do not, or nothing can be said."""
    rows = sorted(states)
    first, last = rows[0], rows[-1]
    film = np.stack([*_film(episode.frames(camera), first, last)])
    places, best = _moments(film), []
    errors = np.zeros(2 * REACH + 1)
    for place in places:
        drawn = shrunk(eye.render(camera, demonstration.state(states[first + int(place)])))
        around = film[place - REACH : place + REACH + 1]
        off = ((around - drawn) ** 2).mean(axis=(1, 2))
        errors += off / max(float(off.max()), 1e-9)
        best.append(int(off.argmin()) - REACH)
    if not best:
        return 0
    shift = int(errors.argmin()) - REACH
    near = np.abs(np.array(best) - shift) <= 1
    clear = errors.min() < CLEARER * errors[REACH]
    return shift if clear and near.mean() >= AGREE else 0


def _film(frames: Iterator[Image], first: int, last: int) -> Iterator[Small]:
    for row, frame in enumerate(frames):
        if first <= row <= last:
            yield shrunk(frame)


def shrunk(picture: Image) -> Small:
    """Grey cells of a picture, brightness and contrast taken out."""
    grey = picture.astype(np.float32).mean(axis=2)
    height, width = grey.shape
    down, across = max(1, height // _CELLS[0]), max(1, width // _CELLS[1])
    cut = grey[: height // down * down, : width // across * across]
    cells = cut.reshape(height // down, down, width // across, across).mean(axis=(1, 3))
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
