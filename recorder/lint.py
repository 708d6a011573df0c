"""Everything worth a look in an episode: `lint`. It finds and changes nothing.

    recorder.lint_motion   idle stretches, actions at their limit, values that never change
    recorder.lint_time     missed and lost ticks, clock jumps, late pictures, gaps in the states
    recorder.lint_video    black and frozen video, from a few key frames
    recorder.lint_labels   labels against record and replay

Files are read, not hashed: whether they are the sealed ones is a question for `Episode.verify`.
"""

from __future__ import annotations

from recorder.episode import EpisodeError
from recorder.finding import Finding
from recorder.library import Episode
from recorder.lint_labels import label_findings, verdict_findings
from recorder.lint_motion import motion_findings
from recorder.lint_time import time_findings
from recorder.lint_video import video_findings
from recorder.motion import QUIET, motion_channels, motion_of
from recorder.series import series_of


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
    motion = motion_of(series, description)
    findings = [
        *motion_findings(series, description, motion),
        *time_findings(series, manifest.tick_hz, manifest.removed),
        *label_findings(series, manifest, episode.labels.outcome, motion),
        *(verdict_findings(series, episode, verdict) if verdict else ()),
    ]
    # One that measures no motion moves as it is told.
    measured = bool(motion_channels(description))
    moving = (motion.measured if measured else motion.asked) >= QUIET
    for camera in manifest.cameras if len(series.rows) else ():
        path = episode.path / camera.file
        findings += video_findings(series, moving, path, camera.name, manifest.tick_hz)
    return tuple(sorted(findings, key=lambda found: (found.first_row, found.rule)))
