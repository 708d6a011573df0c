"""A catalogue gives the same answer as opening every episode, whatever happens to its file."""

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from recorder.annotations import annotate
from recorder.catalogue import CATALOGUE_FILE, NOT_REPLAYED, OUT_OF_DATE, Wanted, list_library
from recorder.episode import MANIFEST_FILE, VERDICT_FILE, Manifest
from recorder.labels import AnnotationKind
from recorder.library import list_episodes, open_episode
from recorder.verdict import Verdict
from tests.measured import Measured
from tests.unit.library_support import fill, like, pattern, recorded_at
from transport.clock import NS_PER_S, now_ns
from transport.messages import Outcome

COUNT = 40


@pytest.fixture(scope="module")
def kind(tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, Verdict]:
    episode, verdict = pattern(tmp_path_factory.mktemp("pattern"))
    return episode.manifest, verdict


@pytest.fixture(scope="module")
def filled(kind: tuple[Manifest, Verdict], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("library")
    fill(root, *kind, range(COUNT))
    list_library(root)
    return root


@pytest.fixture
def library(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "library"))


def ids(root: Path, wanted: Wanted) -> list[str]:
    return [one.episode for one in list_library(root, wanted).episodes]


def test_a_list_says_what_the_episodes_say_newest_first(library: Path) -> None:
    listing = list_library(library)
    opened = [open_episode(path) for path in reversed(list_episodes(library))]
    assert [one.episode for one in listing.episodes] == [e.id for e in opened]
    assert listing.found == COUNT
    assert listing.unreadable == ()
    for one, episode in zip(listing.episodes, opened, strict=True):
        verdict = episode.verdict()
        assert one.outcome == episode.labels.outcome
        assert one.notes == len(episode.labels.notes)
        assert one.operator == episode.manifest.ending.operator
        assert one.verdict == (verdict.verdict if verdict else None)
        assert one.recorded == episode.manifest.clock.opened_wall


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        (Wanted(outcome=Outcome.FAILURE), lambda n: n % 3 == 2),
        (Wanted(verdict="EXACT"), lambda n: n % 4 > 0),
        (Wanted(verdict=NOT_REPLAYED), lambda n: n % 4 == 0),
        (Wanted(operator="eve"), lambda n: n % 3 == 1),
        (Wanted(robot="rover-2"), lambda n: n % 4 == 2),
        (Wanted(site="south"), lambda n: n % 2 == 1),
        (Wanted(task="OPEN floor"), lambda n: True),
        (Wanted(task="dock"), lambda n: False),
        (Wanted(words="EVE"), lambda n: n % 3 == 1),
        (Wanted(words="eve rover-2"), lambda n: n % 3 == 1 and n % 4 == 2),
        (Wanted(words="open floor south"), lambda n: n % 2 == 1),
        (Wanted(words="eve 100%"), lambda n: False),
        (Wanted(words="hand_back"), lambda n: False),  # stands in the facts, not in what is said
        (Wanted(since=recorded_at(10)), lambda n: n >= 10),
        (Wanted(until=recorded_at(10)), lambda n: n < 10),
        (Wanted(discarded=True), lambda n: False),
        (Wanted(operator="ada", outcome=Outcome.SUCCESS, site="north"), lambda n: n % 6 == 0),
    ],
)
def test_a_list_can_be_narrowed(
    filled: Path, kind: tuple[Manifest, Verdict], wanted: Wanted, holds: Callable[[int], bool]
) -> None:
    numbers = [number for number in reversed(range(COUNT)) if holds(number)]
    assert ids(filled, wanted) == [like(kind[0], number).episode for number in numbers]


def test_a_limit_gives_the_newest_and_tells_how_many_there_are(filled: Path) -> None:
    listing = list_library(filled, Wanted(site="north", limit=3))
    assert (len(listing.episodes), listing.found) == (3, COUNT // 2)
    assert listing.episodes == list_library(filled, Wanted(site="north")).episodes[:3]


def test_pages_follow_each_other_without_gap(filled: Path) -> None:
    pages = [list_library(filled, Wanted(skip=skip, limit=15)) for skip in (0, 15, 30, 45)]
    assert [page.found for page in pages] == [COUNT] * 4
    found = [one for page in pages for one in page.episodes]
    assert tuple(found) == list_library(filled).episodes


def test_words_are_found_in_a_reason(library: Path, kind: tuple[Manifest, Verdict]) -> None:
    path = list_episodes(library)[7]
    episode = open_episode(path)
    annotate(path, episode.manifest_sha256, AnnotationKind.REASON, "hit a Vase", "eve")
    assert ids(library, Wanted(words="vase hit")) == [episode.id]


def test_what_changed_since_is_seen(library: Path, kind: tuple[Manifest, Verdict]) -> None:
    before = list_library(library)
    relabelled, discarded, unproved, gone, spoilt = before.episodes[:5]  # the first is number 39
    for one, what, text in (
        (relabelled, AnnotationKind.OUTCOME, "unlabelled"),
        (discarded, AnnotationKind.DISCARDED, ""),
    ):
        folder = library / one.folder
        annotate(folder, open_episode(folder).manifest_sha256, what, text, "eve")
    (library / unproved.folder / VERDICT_FILE).unlink()
    shutil.rmtree(library / gone.folder)
    (library / spoilt.folder / MANIFEST_FILE).write_text("{")
    fill(library, *kind, range(COUNT, COUNT + 1))

    listing = list_library(library)
    assert listing.found == COUNT - 1
    assert [spoilt.folder in line for line in listing.unreadable] == [True]
    assert ids(library, Wanted(verdict=OUT_OF_DATE)) == [relabelled.episode]
    assert ids(library, Wanted(outcome=Outcome.UNLABELLED)) == [relabelled.episode]
    assert ids(library, Wanted(discarded=True)) == [discarded.episode]
    assert unproved.episode in ids(library, Wanted(verdict=NOT_REPLAYED))
    assert listing.episodes[0].episode == like(kind[0], COUNT).episode


def test_an_episode_that_lost_its_manifest_is_not_passed_over(library: Path) -> None:
    one = list_library(library).episodes[0]
    (library / one.folder / MANIFEST_FILE).rename(library / one.folder / "log.mcap")
    assert len(list_library(library).unreadable) == 1


def test_a_deleted_catalogue_is_built_anew(library: Path) -> None:
    before = list_library(library)
    (library / CATALOGUE_FILE).unlink()
    assert list_library(library) == before
    assert (library / CATALOGUE_FILE).exists()


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_catalogue_gives_the_same_answer(library: Path, seed: int) -> None:
    before = list_library(library)
    choose = random.Random(seed)
    path = library / CATALOGUE_FILE
    data = bytearray(path.read_bytes())
    if seed % 4 == 0:
        del data[choose.randrange(len(data)) :]
    for _ in range(1 + 40 * (seed % 2)):
        if data:
            data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
    path.write_bytes(bytes(data))
    assert list_library(library) == before


@pytest.mark.parametrize("content", [b"", b"no database at all" * 300])
def test_a_file_that_is_no_catalogue_is_replaced(library: Path, content: bytes) -> None:
    (library / CATALOGUE_FILE).write_bytes(content)
    assert list_library(library).found == COUNT
    with sqlite3.connect(library / CATALOGUE_FILE) as db:
        assert db.execute("SELECT count(*) FROM episode").fetchone() == (COUNT,)
    db.close()


def test_a_catalogue_of_another_version_is_replaced(library: Path) -> None:
    (library / CATALOGUE_FILE).unlink()
    with sqlite3.connect(library / CATALOGUE_FILE) as db:
        db.execute("CREATE TABLE episode(name)")
        db.execute("PRAGMA user_version=99")
    db.close()
    assert list_library(library).found == COUNT


def test_where_no_catalogue_can_be_written_the_list_is_the_same(library: Path) -> None:
    (library / CATALOGUE_FILE).unlink()
    (library / CATALOGUE_FILE).mkdir()
    assert list_library(library).found == COUNT
    assert list(library.glob(f"{CATALOGUE_FILE}*")) == [library / CATALOGUE_FILE]


def test_a_catalogue_that_another_process_holds_is_left_alone(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = list_library(library)
    shutil.rmtree(library / before.episodes[0].folder)
    monkeypatch.setattr("recorder.catalogue._WAIT_S", 0.01)
    with sqlite3.connect(library / CATALOGUE_FILE) as other:
        other.execute("BEGIN IMMEDIATE")
        assert list_library(library).found == COUNT - 1
        assert other.execute("SELECT count(*) FROM episode").fetchone() == (COUNT,)
    other.close()


def test_no_library_is_an_empty_list(tmp_path: Path) -> None:
    assert list_library(tmp_path / "missing").found == 0
    assert not (tmp_path / "missing").exists()


@pytest.mark.long
def test_ten_thousand_episodes_are_listed_within_a_second(
    kind: tuple[Manifest, Verdict],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    measured: Measured,
) -> None:
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # of the annotations' making
    took_s: dict[int, float] = {}
    for count in (1_000, 10_000, 30_000):
        root = tmp_path / str(count)
        root.mkdir()
        fill(root, *kind, range(count))
        list_library(root)
        started_ns = now_ns()
        listing = list_library(root, Wanted(limit=100))
        took_s[count] = (now_ns() - started_ns) / NS_PER_S
        assert (len(listing.episodes), listing.found) == (100, count)
    told = ", ".join(f"{count}: {seconds:.3f} s" for count, seconds in took_s.items())
    measured("L1", "newest 100 of 10,000 episodes within 1 s", told)
    assert took_s[10_000] <= 1.0
    assert took_s[30_000] <= 6 * took_s[10_000]  # in step with the library at most
