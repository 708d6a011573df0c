"""Everything worth a look in an episode: `lint`. It finds and changes nothing.

    recorder.lint_motion   idle stretches, actions at their limit, values that never change
    recorder.lint_time     missed and lost ticks, clock jumps, late pictures, gaps in the states
    recorder.lint_video    black and frozen video, from a few key frames
    recorder.lint_labels   labels against record and replay

Files are read, not hashed: whether they are the sealed ones is a question for `Episode.verify`.
"""

from __future__ import annotations

import numpy as np

from recorder.episode import EpisodeError
from recorder.finding import Finding
from recorder.library import Episode
from recorder.lint_labels import label_findings, verdict_findings
from recorder.lint_motion import motion_findings
from recorder.lint_time import time_findings
from recorder.lint_video import video_findings
from recorder.motion import QUIET, asked_motion, measured_motion, motion_channels
from recorder.series import Flags, Series, series_of
from transport.messages import Description


def lint(episode: Episode) -> tuple[Finding, ...]:
    """All findings of a sealed episode, by the row they begin with.

    Raises:
        EpisodeError: log, video or verdict cannot be read.
    """
    manifest = episode.manifest
    description = manifest.description
    series = series_of(episode)
    if not len(series):
        raise EpisodeError("Log holds no tick", episode.path, "Restore it from a copy.")
    verdict = episode.verdict()
    findings = [
        *motion_findings(series, description),
        *time_findings(series, manifest.tick_hz, manifest.removed),
        *label_findings(series, manifest, episode.labels.outcome),
        *(verdict_findings(series, episode, verdict) if verdict else ()),
    ]
    moving = _moving(series, description)
    for camera in manifest.cameras if len(series.rows) else ():
        path = episode.path / camera.file
        findings += video_findings(series, moving, path, camera.name, manifest.tick_hz)
    return tuple(sorted(findings, key=lambda found: (found.first_row, found.rule)))


def _moving(series: Series, description: Description) -> Flags:
    """(n,): the robot measurably moved; one that measures no motion moves as it is told."""
    measured = bool(motion_channels(description))
    motion = (measured_motion if measured else asked_motion)(series, description)
    moving: Flags = np.asarray(motion >= QUIET)
    return moving
