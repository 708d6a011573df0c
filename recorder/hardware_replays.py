"""What replays on hardware have shown, for a library.

    <library>/replays.jsonl        each replay of one of its episodes on a robot: what was measured

No proof and no part of a verdict: nobody put that robot back to the recorded state, and whether the
task was solved is what the operator said. Names no person; the episode that the robot recorded
meanwhile does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from recorder.journal import read_journal, write_down
from transport.messages import Outcome

REPLAYS_FILE: Final = "replays.jsonl"


class HardwareReplay(msgspec.Struct, frozen=True, kw_only=True):
    """One line of replays.jsonl."""

    wall: str  # ISO 8601, UTC; when it was over
    episode: str  # id of the demonstration
    manifest_sha256: str
    robot: str  # that played it, by its name; empty: none was heard
    speed: float  # share of the recorded one
    played: int  # actions
    actions: int
    approached: bool  # it was driven to the start first
    worst: dict[str, float]  # largest tracking error by measurement, units in the names
    judged: Outcome  # by the operator; unlabelled: by nobody
    sentence: str


def note_replay(library: Path, replay: HardwareReplay) -> None:
    """Write it down, on the disk when this returns.

    Raises:
        OSError: it cannot be written.
    """
    write_down(library / REPLAYS_FILE, replay)


def read_replays(library: Path) -> list[HardwareReplay]:
    """Every replay that was written down in `library`, oldest first.

    Raises:
        EpisodeError: a line is not as it was written.
    """
    return read_journal(library / REPLAYS_FILE, HardwareReplay, "replays")
