"""What stays of a forgotten episode: one small file each, and nothing in it about anybody.

<library>/forgotten/<id>.json
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from recorder.episode import EpisodeError
from transport.messages import Wire

FORGOTTEN_DIR: Final = "forgotten"


class Why(StrEnum):
    """Why an episode was forgotten. A word and not a text: a text would name somebody."""

    REQUEST = "request"  # somebody who is in it asked
    CONSENT = "consent"  # consent was withdrawn, or never given
    RETENTION = "retention"  # kept as long as was agreed
    MISTAKE = "mistake"  # should never have been recorded


class Tombstone(Wire, frozen=True):
    """What is left of a forgotten episode."""

    episode: str  # ULID
    forgotten: str  # ISO 8601, UTC
    why: Why
    manifest_sha256: str  # empty: it was never sealed

    @property
    def sentence(self) -> str:
        """For lists of what is left out."""
        return f"It was forgotten on {self.forgotten[:10]} ({self.why})."


def read_tombstones(library: Path) -> dict[str, Tombstone]:
    """Every episode of `library` that was forgotten, by id.

    Raises:
        EpisodeError: a tombstone cannot be read.
    """
    found: dict[str, Tombstone] = {}
    for path in sorted((library / FORGOTTEN_DIR).glob("*.json")):
        try:
            one = msgspec.json.decode(path.read_bytes(), type=Tombstone)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EpisodeError(
                f"Tombstone is unreadable ({error})", path, "Restore it from a copy."
            ) from error
        found[one.episode] = one
    return found
