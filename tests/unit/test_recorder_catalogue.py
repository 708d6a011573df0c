"""A catalogue gives the same answer as opening every episode, whatever happens to its file."""

import os
import random
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from types import FrameType
from typing import Any, Self

import pytest

from recorder.annotations import annotate
from recorder.catalogue import CATALOGUE_FILE, count_library, list_library, remove_catalogue
from recorder.episode import MANIFEST_FILE, VERDICT_FILE, Manifest
from recorder.labels import AnnotationKind
from recorder.library import list_episodes, open_episode
from recorder.listing import NOT_REPLAYED, OUT_OF_DATE, Listing, Wanted
from recorder.verdict import Verdict
from tests.measured import Measured
from tests.unit.library_support import fill, like, pattern, recorded_at
from transport.clock import NS_PER_S, now_ns, wall_time
from transport.messages import Outcome

COUNT = 40
NEWEST = Wanted(limit=10)


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


@pytest.mark.parametrize("wanted", [Wanted(), NEWEST, Wanted(operator="eve"), Wanted(robot="none")])
def test_what_a_library_is_made_of_is_counted_over_all_pages(library: Path, wanted: Wanted) -> None:
    pages = replace(wanted, skip=0, limit=0)
    listed = list_library(library, pages).episodes
    verdicts = Counter(OUT_OF_DATE if one.doubt else one.verdict or NOT_REPLAYED for one in listed)
    everything = list_library(library).episodes
    counted = count_library(library, wanted)
    assert counted.verdicts == verdicts
    assert counted.robots == tuple(sorted({one.robot for one in everything}))
    assert counted.operators == tuple(sorted({one.operator for one in everything}))
    assert counted.tasks == ("Reach open floor",)


def test_a_verdict_that_changes_far_down_is_counted_at_once(library: Path) -> None:
    before = count_library(library, NEWEST).verdicts[NOT_REPLAYED]
    oldest = min(path for path in list_episodes(library) if (path / VERDICT_FILE).exists())
    (oldest / VERDICT_FILE).unlink()
    assert count_library(library, NEWEST).verdicts[NOT_REPLAYED] == before + 1


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
        (Wanted(same_task="Reach open floor"), lambda n: True),
        (Wanted(same_task="open floor"), lambda n: False),
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
    monkeypatch.setattr("recorder.catalogue_file._WAIT_S", 0.01)
    with sqlite3.connect(library / CATALOGUE_FILE) as other:
        other.execute("BEGIN IMMEDIATE")
        assert list_library(library).found == COUNT - 1
        assert other.execute("SELECT count(*) FROM episode").fetchone() == (COUNT,)
    other.close()


def test_no_library_is_an_empty_list(tmp_path: Path) -> None:
    assert list_library(tmp_path / "missing").found == 0
    assert not (tmp_path / "missing").exists()


def answers(root: Path) -> list[Listing]:
    """Of the catalogue: the newest few, all, and some that are narrowed."""
    asked = (NEWEST, Wanted(), Wanted(outcome=Outcome.FAILURE, limit=3), Wanted(site="south"))
    return [list_library(root, wanted) for wanted in asked]


def told_by_the_episodes(root: Path) -> list[Listing]:
    """The same without a catalogue."""
    remove_catalogue(root)
    return answers(root)


@pytest.fixture
def settled(library: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library in which nothing has happened for an hour, with its catalogue."""
    monkeypatch.setattr("recorder.catalogue.wall_time", lambda: wall_time() + timedelta(hours=1))
    os.utime(library, (0, 0))  # so that any change to it is another time, however soon
    for _ in range(2):
        list_library(library, NEWEST)
    with CatalogueCalls() as calls:
        list_library(library, NEWEST)
    assert calls.scanned == 0, "names are compared although nothing came or went"
    return library


def shown(root: Path, place: int) -> Path:
    """Folder of the episode at a place of the list, the newest first."""
    return sorted(list_episodes(root), reverse=True)[place]


def spoil_in_place(root: Path) -> None:
    """A manifest loses its end; neither its folder nor the root is touched."""
    with (shown(root, 2) / MANIFEST_FILE).open("r+") as file:
        file.truncate(100)


def relabel(root: Path) -> None:
    folder = shown(root, 3)
    annotate(
        *(folder, open_episode(folder).manifest_sha256, AnnotationKind.OUTCOME),
        *("unlabelled", "eve"),
    )


def judge_no_more(root: Path) -> None:
    (shown(root, 0) / VERDICT_FILE).unlink()


def take_the_newest_away(root: Path) -> None:
    shutil.rmtree(shown(root, 0))


def take_an_old_one_away(root: Path) -> None:
    shutil.rmtree(shown(root, 30))


def rename_an_old_one(root: Path) -> None:
    folder = shown(root, 30)
    folder.rename(folder.with_name("a copy of it"))


def exchange_two_old_ones(root: Path) -> None:
    one, other, aside = shown(root, 30), shown(root, 31), root / "aside"
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def copy_one_by_and_by(root: Path) -> None:
    """Listed while its folder is still empty, and while it has a log but no manifest."""
    source, target = shown(root, 4), root / "copied"
    target.mkdir()
    assert list_library(root, NEWEST).found == COUNT
    (target / "log.mcap").touch()
    assert len(list_library(root, NEWEST).unreadable) == 1
    shutil.copy2(source / MANIFEST_FILE, target)


def point_elsewhere(root: Path) -> None:
    """An episode that is only a link, and whose folder goes away."""
    kept = Path(shutil.move(shown(root, 20), root.parent / "elsewhere"))
    (root / kept.name).symlink_to(kept, target_is_directory=True)
    assert list_library(root, NEWEST).found == COUNT
    shutil.rmtree(kept)


@pytest.mark.parametrize(
    "change",
    [
        *(spoil_in_place, relabel, judge_no_more, take_the_newest_away, take_an_old_one_away),
        *(rename_an_old_one, exchange_two_old_ones, copy_one_by_and_by, point_elsewhere),
    ],
)
def test_whatever_happens_to_an_episode_the_newest_few_are_told_as_they_are(
    settled: Path, change: Callable[[Path], None]
) -> None:
    before = answers(settled)
    change(settled)
    told = answers(settled)
    assert told == told_by_the_episodes(settled)
    assert told != before or change is exchange_two_old_ones


@pytest.mark.parametrize(
    "edit",
    [
        "DELETE FROM episode WHERE name = (SELECT max(name) FROM episode)",
        "DELETE FROM episode WHERE name = (SELECT name FROM episode ORDER BY name DESC LIMIT 1, 1)",
        "DELETE FROM episode WHERE name = (SELECT min(name) FROM episode)",
        "DELETE FROM episode",
        "UPDATE episode SET outcome = 'success'",
        "UPDATE episode SET facts = replace(facts, 'rover', 'lorry')",
        "UPDATE episode SET recorded = '2030' WHERE name = (SELECT min(name) FROM episode)",
        "UPDATE note SET facts = CAST(replace(facts, '\"count\":40', '\"count\":41') AS BLOB)",
        "DELETE FROM note",
        "DROP TABLE note",
    ],
)
def test_an_edited_catalogue_gives_the_same_answer(settled: Path, edit: str) -> None:
    with sqlite3.connect(settled / CATALOGUE_FILE) as db:
        db.execute(edit)
    db.close()
    assert answers(settled) == told_by_the_episodes(settled)


def test_a_catalogue_of_another_library_gives_the_same_answer(
    settled: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(settled, tmp_path / "other"))
    spoil_in_place(other)
    take_an_old_one_away(other)
    assert answers(other) == told_by_the_episodes(other)


@pytest.mark.parametrize("seed", range(40))
def test_damage_anywhere_in_the_catalogue_shows_in_no_list_of_the_newest(
    settled: Path, seed: int
) -> None:
    choose = random.Random(seed)
    path = settled / CATALOGUE_FILE
    data = bytearray(path.read_bytes())
    for _ in range(1 + 40 * (seed % 2)):
        data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
    path.write_bytes(bytes(data))
    assert answers(settled) == told_by_the_episodes(settled)


def test_folders_that_are_noted_in_many_parts_are_all_known(
    settled: Path, kind: tuple[Manifest, Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recorder.catalogue_file._TOGETHER", 7)
    remove_catalogue(settled)
    assert list_library(settled, NEWEST).found == COUNT
    for gone, place in enumerate((0, 34, 20, 12, 5, 5, 30, 1), start=1):
        shutil.rmtree(shown(settled, place))
        assert list_library(settled, NEWEST).found == COUNT - gone
    fill(settled, *kind, range(COUNT, COUNT + 9))
    told = answers(settled)
    assert told[1].found == COUNT + 1
    assert told == told_by_the_episodes(settled)


def test_what_comes_and_goes_costs_no_more_than_itself(
    settled: Path, kind: tuple[Manifest, Verdict]
) -> None:
    with CatalogueCalls() as before:
        list_library(settled, NEWEST)
    shutil.rmtree(shown(settled, 30))
    shutil.rmtree(shown(settled, 4))
    fill(settled, *kind, range(COUNT, COUNT + 1))
    with CatalogueCalls() as calls:
        assert list_library(settled, NEWEST).found == COUNT - 1
    assert calls.on_disk < before.on_disk + COUNT  # each one read takes five or more


def test_a_folder_that_has_just_changed_is_looked_at_again(library: Path) -> None:
    for _ in range(3):
        with CatalogueCalls() as calls:
            list_library(library, NEWEST)
        assert calls.scanned > 0, "one more change would leave the same stamp"


class CatalogueCalls:
    """All that a list does: calls of functions, of the disk among them, and steps of SQLite."""

    def __init__(self) -> None:
        self.calls = 0
        self.on_disk = 0  # files and folders that were opened or asked about
        self.scanned = 0  # of them: folders read
        self.steps = 0
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> Self:
        connect = sqlite3.connect

        def counting(*args: Any, **options: Any) -> sqlite3.Connection:
            db = connect(*args, **options)
            db.set_progress_handler(self._step, 1)
            return db

        self._patch.setattr(sqlite3, "connect", counting)
        sys.setprofile(self._call)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(None)
        self._patch.undo()

    def _step(self) -> int:
        self.steps += 1
        self.calls -= 1  # of this very function
        return 0

    def _call(self, _: FrameType | None, event: str, arg: Any) -> None:
        self.calls += event in ("call", "c_call")
        if event == "c_call" and getattr(arg, "__module__", "") in ("posix", "nt", "_io"):
            self.on_disk += arg.__name__ in ("stat", "lstat", "open", "scandir", "listdir")
            self.scanned += arg.__name__ in ("scandir", "listdir")


def work_of(root: Path) -> CatalogueCalls:
    with CatalogueCalls() as calls:
        assert len(list_library(root, NEWEST).episodes) == NEWEST.limit
    return calls


def assert_no_slower(
    small: Path, large: Path, kind: tuple[Manifest, Verdict], patch: pytest.MonkeyPatch
) -> str:
    """A library of three times the size costs no more to look into; what was counted."""
    patch.setattr("recorder.catalogue.wall_time", lambda: wall_time() + timedelta(hours=1))
    for root in (small, large):
        list_library(root, NEWEST)
        list_library(root, NEWEST)
    less, more = work_of(small), work_of(large)
    assert more.on_disk <= 1.5 * less.on_disk
    assert more.calls <= 1.5 * less.calls
    assert more.steps <= 1.5 * less.steps
    new = []
    for root in (small, large):
        fill(root, *kind, range(50_000, 50_001))
        new.append(work_of(root))
    assert new[1].on_disk <= 1.5 * new[0].on_disk  # the names alone are compared one by one
    return (
        f"{less.on_disk} and {more.on_disk} calls of the disk, {less.calls} and {more.calls} of "
        f"functions, {less.steps} and {more.steps} steps of SQLite; with a new episode "
        f"{new[0].on_disk} and {new[1].on_disk}"
    )


def test_a_library_of_three_times_the_size_costs_no_more_to_list(
    kind: tuple[Manifest, Verdict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # of the annotations' making
    roots = [tmp_path / "small", tmp_path / "large"]
    for root, count in zip(roots, (200, 600), strict=True):
        root.mkdir()
        fill(root, *kind, range(count))
    assert_no_slower(*roots, kind, monkeypatch)


@pytest.mark.long
def test_a_list_does_not_slow_down_as_the_library_grows(
    kind: tuple[Manifest, Verdict],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    measured: Measured,
) -> None:
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # of the annotations' making
    took: dict[int, tuple[float, float, float]] = {}
    for count in (1_000, 10_000, 30_000):
        root = tmp_path / str(count)
        root.mkdir()
        fill(root, *kind, range(count))
        assert list_library(root, Wanted(limit=100)).found == count
        with monkeypatch.context() as patch:
            patch.setattr("recorder.catalogue.wall_time", lambda: wall_time() + timedelta(hours=1))
            again = [list_in_s(root, Wanted(limit=100)) for _ in range(6)]
            fill(root, *kind, range(40_000, 40_001))
            one_more = list_in_s(root, Wanted(limit=100))
            took[count] = (median(again[1:]), one_more, list_in_s(root, Wanted()))
    told = ", ".join(
        f"{count:,}: {ready * 1e3:.0f} ms ({more * 1e3:.0f} with a new one, {all_s * 1e3:.0f} all)"
        for count, (ready, more, all_s) in took.items()
    )
    measured("L1", "newest 100 of 10,000 episodes within 1 s", told)
    assert took[10_000][0] <= 1.0
    roots = [tmp_path / "10000", tmp_path / "30000"]
    counted = assert_no_slower(*roots, kind, monkeypatch)
    measured("L2", "newest 100 of 30,000 episodes: at most 1.5 times the work of 10,000", counted)


def list_in_s(root: Path, wanted: Wanted) -> float:
    """How long a list took."""
    started_ns = now_ns()
    list_library(root, wanted)
    return (now_ns() - started_ns) / NS_PER_S
