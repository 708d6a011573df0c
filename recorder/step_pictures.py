"""What a camera saw where the replay first left the recording: recorded, and in the replay."""

from __future__ import annotations

from itertools import islice
from typing import Final

from recorder.library import Episode
from recorder.png import png_of, shrunk
from recorder.replayable import Eye, Image
from recorder.verdict import Evidence, Verdict
from recorder.verdict_report import StepPictures

_WIDTH_PX: Final = 400  # a page of a hundred failures stays below 50 MB


def step_pictures(
    episode: Episode, verdict: Verdict, eye: Eye | None = None, replayed_state: bytes = b""
) -> StepPictures | None:
    """Both pictures of the episode's first camera; None: nothing diverged, or there is no video.

    Args:
        eye: draws the replay; None: this robot draws nothing, and there is only the recorded one.
        replayed_state: the robot's complete state in the replay, after the first divergent step.

    Raises:
        EpisodeError: log or video cannot be read.
    """
    step, tick = _first(verdict.evidence)
    cameras = episode.manifest.cameras
    if step < 0 or not cameras:
        return None
    # The action of `tick` led there, so it shows from the tick after on.
    row = max((one.row for one in episode.rows() if one.tick <= tick + 1), default=-1)
    if row < 0:
        return None
    camera = cameras[0].name
    drawn = eye.render(camera, replayed_state) if eye is not None and replayed_state else None
    return StepPictures(
        camera=camera,
        step=step,
        recorded=_png(_frame(episode, camera, row)),
        replayed=b"" if drawn is None else _png(drawn),
    )


def _first(evidence: Evidence) -> tuple[int, int]:
    """Step and tick; -1: none."""
    if evidence.divergence is not None:
        return evidence.divergence.step, evidence.divergence.tick
    loop = evidence.open_loop
    return (loop.first_divergent_step, loop.first_divergent_tick) if loop else (-1, -1)


def _frame(episode: Episode, camera: str, row: int) -> Image:
    return next(islice(episode.frames(camera), row, None))


def _png(image: Image) -> bytes:
    return png_of(shrunk(image, _WIDTH_PX))
