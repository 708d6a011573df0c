"""Row D8: the wall clock is set by an hour, starts in 1970, steps by a second.

Wall time names folders and stands in headers, for people; no row, tick or label depends on it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from recorder.annotations import annotate
from recorder.catalogue import list_library
from recorder.episode import LOG_FILE, Manifest, is_episode_id
from recorder.library import Episode, list_episodes, open_episode
from recorder.listing import Wanted
from recorder.log import LogReader
from recorder.recover import recover_all
from tests.unit.recorder_support import feed, one_after_the_other, recorder, session, stamp
from transport import clock
from transport.messages import AnnotationKind, Outcome

NOON = datetime(2026, 12, 31, 12, tzinfo=UTC)
LEAP = datetime(2016, 12, 31, 23, 59, 59, 900_000, tzinfo=UTC)  # then the same second once more
MS = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)

CLOCKS: dict[str, Callable[[int], datetime]] = {  # the moment of each look
    "set on by an hour": lambda look: NOON + look * MS + (look > 1) * HOUR,
    "set back by an hour": lambda look: NOON + look * MS - (look > 1) * HOUR,
    "in 1970": lambda look: datetime(1970, 1, 1, tzinfo=UTC) + look * MS,
    "before 1970": lambda look: datetime(1969, 12, 31, 23, tzinfo=UTC) + look * MS,
    "from 1970 to today": lambda look: datetime(1970, 1, 1, tzinfo=UTC) if look < 2 else NOON,
    "back to 1970": lambda look: NOON if look < 2 else datetime(1970, 1, 1, tzinfo=UTC),
    "a leap second": lambda look: LEAP + (look % 2) * 200 * MS - (look // 2) * 100 * MS,
    "standing still": lambda look: NOON,
}


def patched(patch: pytest.MonkeyPatch, moment: Callable[[int], datetime]) -> None:
    """Let each look at the wall clock give what `moment` says."""
    looks = count()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return moment(next(looks)).astimezone(tz)

    patch.setattr(clock, "datetime", Clock)


@pytest.fixture(params=CLOCKS)
def mad(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    patched(monkeypatch, CLOCKS[request.param])


def told(episode: Episode) -> tuple[Any, ...]:
    """All that an episode holds, but when and under which name."""
    manifest = episode.manifest
    logs = [entry for entry in manifest.files if entry.name == LOG_FILE]
    rest: Manifest = msgspec.structs.replace(
        manifest,
        episode="",
        clock=msgspec.structs.replace(manifest.clock, opened_wall="", sealed_wall=""),
        files=tuple(entry for entry in manifest.files if entry not in logs),  # holds its header
    )
    labels = list(LogReader(episode.path / LOG_FILE).labels())
    return rest, list(episode.ticks()), list(episode.rows()), labels


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """Two episodes, recorded under a clock that nobody sets."""
    with pytest.MonkeyPatch.context() as patch:
        patched(patch, lambda look: NOON + look * MS)
        return [told(one) for one in one_after_the_other(tmp_path_factory.mktemp("steady"))]


@pytest.mark.usefixtures("mad")
def test_an_episode_holds_the_same_whatever_the_wall_clock_does(
    tmp_path: Path, steady: list[tuple[Any, ...]]
) -> None:
    episodes = one_after_the_other(tmp_path)
    assert [told(episode) for episode in episodes] == steady
    for episode in episodes:
        episode.verify()
        assert is_episode_id(episode.id)
        stamps = [tick.stamp_ns for tick in episode.ticks()]
        assert all(before < after for before, after in pairwise(stamps))
    assert sorted(list_episodes(tmp_path)) == sorted(episode.path for episode in episodes)
    for wanted in (Wanted(), Wanted(limit=100)):
        listed = list_library(tmp_path, wanted)
        assert {one.episode for one in listed.episodes} == {episode.id for episode in episodes}


@pytest.mark.usefixtures("mad")
def test_what_was_said_last_counts_though_the_clock_says_it_was_said_before(tmp_path: Path) -> None:
    episode, _ = one_after_the_other(tmp_path)
    for outcome in (Outcome.FAILURE, Outcome.SUCCESS, Outcome.FAILURE):
        annotate(
            *(episode.path, episode.manifest_sha256, AnnotationKind.OUTCOME, outcome.value),
            "ada",
        )
    again = open_episode(episode.path)
    assert again.labels.outcome is Outcome.FAILURE
    assert len(again.history.annotations) == 3
    again.verify()


@pytest.mark.usefixtures("mad")
def test_a_crash_is_recovered_under_the_clock_of_another_time(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    feed(rec, iter(list(session())[:250]))
    assert rec._take is not None
    assert rec._take.writer is not None
    rec._take.writer.fail("the process is gone")
    (recovery,) = recover_all(tmp_path)
    recovered = open_episode(recovery.path)
    recovered.verify()
    assert recovered.manifest.last_tick > 240
    rec = recorder(tmp_path)
    feed(rec, session(boot_id="boot-2"))
    rec.close(stamp(10_000))
    assert len(rec.sealed()) == 1
    assert len(list_episodes(tmp_path)) == 2
