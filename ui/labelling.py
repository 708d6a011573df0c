"""Which episode a label is about when nobody drives any more, and why there is none. Pure.

While somebody drives, an outcome is the driver's mark. After the hand-back it is a label of the
episode: of the one that waits for it, or else of the one that was sealed last.
"""

from __future__ import annotations

from typing import Final

from recorder.episode_recorder import WAITS_FOR_LABEL
from teleop.operator_view import LinkView
from transport.messages import AnnotationKind, LabelEpisode, Outcome, RecorderPhase
from ui.screen import Act

# What each act says, and how it is put.
SAYS: Final[dict[Act, tuple[AnnotationKind, str]]] = {
    Act.SUCCESS: (AnnotationKind.OUTCOME, Outcome.SUCCESS),
    Act.FAILURE: (AnnotationKind.OUTCOME, Outcome.FAILURE),
    Act.CLEAR: (AnnotationKind.OUTCOME, Outcome.UNLABELLED),
    Act.REASON: (AnnotationKind.REASON, ""),
    Act.NOTE: (AnnotationKind.NOTE, ""),
    Act.TASK: (AnnotationKind.TASK, ""),
    Act.DISCARD: (AnnotationKind.DISCARDED, ""),
    Act.RESTORE: (AnnotationKind.RESTORED, ""),
}
OUTCOMES: Final = frozenset({Act.SUCCESS, Act.FAILURE, Act.CLEAR})
_OF_THE_LAST: Final = frozenset({Act.DISCARD, Act.RESTORE})


def label_of(act: Act, link: LinkView, text: str = "") -> LabelEpisode | None:
    """What `act` says about which episode; None when there is none to speak of."""
    episode = _episode(act, link)
    if not episode or act not in SAYS:
        return None
    kind, fixed = SAYS[act]
    return LabelEpisode(episode=episode, kind=kind, text=fixed or text)


def why_no_label(act: Act, link: LinkView) -> str:
    """Why `act` has nothing to say now, as a sentence; empty when it has."""
    state, last = link.state, link.media.last if link.media else None
    if act in OUTCOMES and state is not None and state.lease.session:
        return f"{state.lease.operator} drives, and marks how it went."
    if not _episode(act, link):
        return "No episode has been recorded yet."
    if act in _OF_THE_LAST and last is not None and last.discarded == (act is Act.DISCARD):
        return "It is discarded already." if last.discarded else "It is not discarded."
    return ""


def waits_for_label(link: LinkView) -> bool:
    """Whether an episode is kept open until somebody says how it went."""
    media = link.media
    return (
        media is not None
        and media.recorder is RecorderPhase.RECORDING
        and media.recorder_detail == WAITS_FOR_LABEL
    )


def last_outcome(link: LinkView) -> Outcome:
    """Of the episode that a label would be about, as far as the robot has told."""
    last = link.media.last if link.media else None
    return Outcome.UNLABELLED if last is None or waits_for_label(link) else last.outcome


def _episode(act: Act, link: LinkView) -> str:
    media = link.media
    if media is None:
        return ""
    last = media.last.episode if media.last else ""
    if act in _OF_THE_LAST:
        return last
    open_one = media.recorder is RecorderPhase.RECORDING
    if act in OUTCOMES:
        open_one = waits_for_label(link)
    return media.episode if open_one else last
