"""What may be asked of a library, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from transport.messages import Outcome, Wire

NOT_REPLAYED: Final = "none"  # what `Wanted.verdict` calls an episode without a verdict
OUT_OF_DATE: Final = "outdated"


class Listed(Wire, frozen=True):
    """One line of a list."""

    episode: str
    folder: str  # its name within the library
    recorded: str  # ISO 8601, UTC
    seconds: float
    rows: int
    status: str
    outcome: str  # the one that counts now
    reason: str
    task: str
    notes: int
    discarded: bool
    ended_by: str
    operator: str
    robot: str
    site: str
    verdict: str | None
    doubt: str  # why the verdict is out of date; empty: it is not, or there is none


@dataclass(frozen=True)
class Wanted:
    """Which episodes are asked for; what is not given is not asked."""

    outcome: Outcome | None = None
    verdict: str | None = None  # a verdict that is up to date, NOT_REPLAYED or OUT_OF_DATE
    operator: str | None = None
    robot: str | None = None
    site: str | None = None
    task: str | None = None  # a part of it, in upper or lower case
    same_task: str | None = None  # all of it
    since: datetime | None = None  # recorded then or later
    until: datetime | None = None  # recorded before
    discarded: bool | None = None
    words: str = ""  # each stands somewhere in id, task, robot, operator, site or reason
    skip: int = 0  # so many of the newest: they are known already
    limit: int = 0  # of the others the newest so many; 0: all

    @property
    def any_kind(self) -> bool:
        """Whether every episode is asked for, page by page."""
        return self == Wanted(skip=self.skip, limit=self.limit)


@dataclass(frozen=True)
class Listing:
    """What was found, newest first."""

    episodes: tuple[Listed, ...]
    found: int  # how many there are without skip and limit
    unreadable: tuple[str, ...]  # a sentence for each folder that cannot be judged


@dataclass(frozen=True)
class Counted:
    """What a library is made of."""

    verdicts: Mapping[str, int]  # how many of those wanted have each, as `Wanted.verdict` names it
    robots: tuple[str, ...]  # of all episodes, by name
    tasks: tuple[str, ...]
    operators: tuple[str, ...]
