"""Everything that looks after a library, on real recordings and through the command line.

Once on an episode of the demo, once on a library of recorded and proved episodes by three people at
two sites, some of them with a forgotten tail: lint, trim, both exports with their judges from PyPI,
forget, and the data set made anew without what was forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from recorder.driven import Driven
from recorder.episode_recorder import EpisodeRecorder
from recorder.library import list_episodes, open_episode
from recorder.validate import validate
from tests.system.rig import unstick
from tests.unit.recorder_support import (
    CAMERAS,
    InlineDisk,
    Rover,
    description,
    feed,
    session,
    stamp,
)

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

COUNT = 12
PEOPLE, SITES = ("ada", "eve", "joe"), ("north", "south")
TAIL = 420  # ticks in which nothing happens before the hand-back: 7 s


@dataclass(frozen=True)
class Library:
    """Where it is, whose data has to go, and what is known of it."""

    root: Path
    whom: str
    theirs: frozenset[str]
    idle: frozenset[str]  # episodes with a tail that somebody forgot


def told(*words: object, codes: tuple[int, ...] = (0,)) -> Any:
    """What a command prints as JSON."""
    done = unstick(*map(str, words), "--json")
    assert done.returncode in codes, f"{done.returncode}: {done.stderr}"
    return json.loads(done.stdout)


def of_the_demo(folder: Path) -> Library:
    done = unstick("demo", "--headless", "--json", "--seed", "3", "--out", str(folder / "demo"))
    assert done.returncode == 0, done.stderr
    root = folder / "demo" / "episodes"
    episodes = [open_episode(path) for path in list_episodes(root)]
    assert episodes
    names = frozenset(episode.id for episode in episodes)
    return Library(root, episodes[0].manifest.ending.operator, names, frozenset())


def of_many(folder: Path) -> Library:
    root = folder / "library"
    theirs, idle = set[str](), set[str]()
    for number in range(COUNT):
        person, tail = PEOPLE[number % len(PEOPLE)], TAIL if number % 4 == 0 else 0
        taken = 600 + 30
        drive = 180 + 6 * number
        rec = EpisodeRecorder(
            *(root, description(site=SITES[number % 2]), CAMERAS),
            disk=InlineDisk(),
            syncs=InlineDisk(),
            min_free_bytes=0,
        )
        pause = range(taken + drive, taken + drive + tail)
        feed(rec, session(before=600, drive=drive + tail, pause=pause, operator=person))
        rec.close(stamp(10_000))
        (path,) = rec.sealed()
        validate(open_episode(path), lambda _: Driven(Rover()))
        if person == "eve":
            theirs.add(path.name)
        if tail:
            idle.add(path.name)
    return Library(root, "eve", frozenset(theirs), frozenset(idle))


@pytest.fixture(scope="module", params=[of_the_demo, of_many])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Library:
    make: Callable[[Path], Library] = request.param
    return make(tmp_path_factory.mktemp("cared"))


def rows_of(dataset: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of a data set by recorded episode, without its own numbering."""
    episodes = tables(dataset / "meta/episodes")
    names = {episode["episode_index"]: episode["unstick/episode"] for episode in episodes}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in names.values()}
    for row in tables(dataset / "data"):
        name = names[row["episode_index"]]
        rows[name].append({k: v for k, v in row.items() if k not in ("index", "episode_index")})
    return rows


def tables(folder: Path) -> list[dict[str, Any]]:
    """All rows of all Parquet files in a folder."""
    paths = sorted(folder.rglob("*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def test_a_library_is_looked_after_from_lint_to_forgetting(
    library: Library,
    require_sound_set: Callable[[Path], None],
    require_sound_mcap: Callable[[Path], None],
    tmp_path: Path,
) -> None:
    root = library.root
    everybody = {path.name for path in list_episodes(root)}

    linted = told("episodes", "lint", root, codes=(0, 1))["episodes"]
    assert {one["episode"] for one in linted} == everybody
    forgotten_tails = {
        one["episode"]
        for one in linted
        if any(found["rule"] == "idle" for found in one["findings"])
    }
    assert library.idle <= forgotten_tails

    trimmed = {}
    for name in sorted(library.idle):
        made = Path(told("episodes", "trim", name, "--library", root, "--apply")["made"])
        trimmed[made.name] = name
        episode = open_episode(made)
        episode.verify()
        assert episode.manifest.rows < open_episode(root / name).manifest.rows - 150
        assert validate(episode, lambda _: Driven(Rover())).passed
    for name in everybody - forgotten_tails:
        assert told("episodes", "trim", name, "--library", root)["made"] is None

    dataset = tmp_path / "set"
    exported = told("export", "lerobot", root, dataset)
    assert set(exported["episodes"]) == everybody | trimmed.keys()
    require_sound_set(dataset)
    films = told("export", "mcap", root, tmp_path / "mcap")
    assert set(films["episodes"]) == everybody | trimmed.keys()
    require_sound_mcap(tmp_path / "mcap")

    going = library.theirs | {made for made, parent in trimmed.items() if parent in library.theirs}
    assert going
    forgotten = told("episodes", "forget", "--operator", library.whom, "--library", root, "--yes")
    assert str(dataset) in json.dumps(forgotten["datasets"]), "it is told which sets hold them"
    assert {path.name for path in list_episodes(root)} == (everybody | trimmed.keys()) - going
    assert {path.stem for path in (root / "forgotten").iterdir()} == going
    left = told("episodes", "list", root)["episodes"]
    assert {one["episode"] for one in left} == (everybody | trimmed.keys()) - going

    again = tmp_path / "again"
    if left:
        told("export", "lerobot", root, again, "--like", dataset)
        require_sound_set(again)
        before, after = rows_of(dataset), rows_of(again)
        assert before.keys() - after.keys() == going
        assert all(after[name] == before[name] for name in after)
        difference = json.dumps(told("diff", dataset, again, codes=(1,)))
        assert all(name in difference for name in going)
    else:
        done = unstick("export", "lerobot", str(root), str(again), "--like", str(dataset))
        assert done.returncode != 0
        assert not again.exists(), "there is nothing left of it"
