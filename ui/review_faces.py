"""What stands over the two pictures of the review. Pure; tested as text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from teleop.replay_film import Replayed
from ui.review_state import sentence


@dataclass(frozen=True)
class Face:
    """What stands over a picture."""

    tag: str  # RECORDED, REPLAYED
    detail: str  # which step, and whose clock
    differs: str = ""  # by how much, in red
    where: str = ""  # and since when
    missing: str = ""  # why there is no picture
    why: str = ""  # more of it


NOTHING = Face("", "", missing="No episode is chosen")


def recorded_face(row: int, step: int, wall: str) -> Face:
    """Over the recorded picture; a negative `row`: there is none."""
    where = f"step {step:,}" if step >= 0 else f"row {row:,}"
    if row < 0:
        return Face("RECORDED", wall, missing="No picture was recorded")
    return Face("RECORDED", f"{where} · {wall}".strip(" ·"))


def replayed_face(step: int, missing: tuple[str, str], off: str, where: str) -> Face:
    """Over the replayed picture; `off` by how much it differs where somebody would see it."""
    title, why = missing
    if title:
        return Face("REPLAYED", "", missing=title, why=why)
    differs = f"{off} from the recording" if off else ""
    return Face("REPLAYED", f"step {step:,} · simulator, same start state", differs, where)


def not_replayed(
    replayed: Replayed | None, camera: str, step: int, *, begin_s: float | None, end_s: float
) -> tuple[str, str]:
    """Why there is no replayed picture, and more of it; empty when there is one.

    The replay goes from `begin_s` (None: nobody took over) to `end_s`.
    """
    if begin_s is None:
        return "Nothing to replay", "Nobody took over in this episode."
    if replayed is None:
        return "Replaying…", "The recorded actions run once more from the start state."
    if replayed.problem and not replayed.steps:
        return "No replay", sentence(replayed.problem)
    if replayed.no_pictures:
        return "Replayed, not drawn", sentence(replayed.no_pictures)
    if camera and camera not in replayed.cameras:
        return "Not drawn", f"Nobody draws the camera {camera}."
    if step < 0:
        return "Not replayed here", f"The replay starts at the takeover, {begin_s:.1f} s."
    if step > replayed.steps:
        ended = sentence(replayed.problem) or f"The replay ends at {end_s:.1f} s."
        return "Not replayed here", ended
    return "", ""


def moment(opened_wall: str, at_s: float) -> str:
    """14:29:04.6 here, for so many seconds after the recording's beginning; empty: not known."""
    try:
        begin = datetime.fromisoformat(opened_wall)
    except ValueError:
        return ""
    stamp = datetime.fromtimestamp(begin.timestamp() + at_s).astimezone()
    return f"{stamp:%H:%M:%S}.{stamp.microsecond // 100_000}"
